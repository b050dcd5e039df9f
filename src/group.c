// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry of live IOMMU groups.
 *
 * Which groups there are only the kernel's own list knows: the kset behind
 * /sys/kernel/iommu_groups, whatever bus their devices are on.  It is walked at
 * load, and again shortly after a device came, went or got a driver (on arm64
 * before v6.13 a group is made when a driver binds).  The group of a device
 * that came or got a driver is brought up to date at once.
 *
 * A registry entry holds no reference, so that it never keeps a dead group
 * alive: it is found by the address of the group's kobject, which means
 * something only while that kobject is alive, as it is for the callbacks of
 * its own sysfs files.  The folder "resv" is an attribute group, not a
 * kobject, and so is removed by sysfs itself when the group dies.  If a new
 * group gets the address of a dead one before the next walk, the walk finds
 * the folder missing and makes it anew.
 *
 * Locks: registry_lock is held over a walk and while folders come and go.  It
 * is taken under the lock of a device, by the bus notifier; nothing that runs
 * under it takes the lock of a device.  Under it, the lock of the hooks and the
 * mutex of one group at a time are taken.  The other order never happens:
 * nothing of ours runs under a group's mutex but source callbacks, which take
 * no lock of ours.  Callbacks of the folders' files do not wait for it, as the
 * folders are removed under it: reads do without, writes try it.
 */
#include <linux/delay.h>
#include <linux/hashtable.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "compat/bus.h"
#include "compat/iommu.h"
#include "compat/kobject.h"
#include "compat/kref.h"
#include "compat/sched.h"
#include "compat/sysfs.h"
#include "facts.h"
#include "declare.h"
#include "declared.h"
#include "departure.h"
#include "group.h"
#include "hook.h"
#include "native.h"
#include "msi.h"
#include "msi_window.h"
#include "police.h"
#include "report.h"
#include "source/hw.h"
#include "source.h"

/*
 * Long enough to take a burst of devices (254 virtual functions of one
 * write to sriov_numvfs) in few walks, short enough that a VMM started after
 * a driver was bound finds the folder.
 */
#define RESCAN_DELAY	msecs_to_jiffies(20)

/*
 * Jiffies to wait after an event: grows with what the last walk took, so that a
 * storm of events on a host with many groups costs about a fifth of a CPU.
 */
static unsigned long rescan_delay;

/**
 * struct resv_group - one live group
 * @node: in the registry, by address of @kobj
 * @kobj: the group's kobject; never dereferenced through this pointer
 * @seen: by the walk under way
 * @hw: what was measured of its devices
 * @snapshot: what readers get
 * @rcu: for freeing
 */
struct resv_group {
	struct hlist_node node;
	const struct kobject *kobj;
	bool seen;
	struct resv_hw_list hw;
	struct resv_snapshot __rcu *snapshot;
	struct rcu_head rcu;
};

static DEFINE_HASHTABLE(registry, 8);
static DEFINE_MUTEX(registry_lock);
static struct kset *groups_kset;
static bool ending;		/* no group is looked at any more */

static void rescan_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(rescan_work, rescan_fn);

/* See layout_known(). */
static struct iommu_group *group_of(struct kobject *kobj)
{
	return (struct iommu_group *)kobj;
}

static struct resv_group *find_group(const struct kobject *kobj)
{
	struct resv_group *g;

	hash_for_each_possible_rcu(registry, g, node, (unsigned long)kobj)
		if (g->kobj == kobj)
			return g;
	return NULL;
}

/**
 * resv_group_snapshot() - what is known about a group now
 * @kobj: kobject of a live group
 *
 * Context: any.
 * Return: a reference for resv_snapshot_put(), or NULL
 */
struct resv_snapshot *resv_group_snapshot(struct kobject *kobj)
{
	struct resv_snapshot *snapshot = NULL;
	struct resv_group *g;

	rcu_read_lock();
	g = find_group(kobj);
	if (g)
		do {
			snapshot = rcu_dereference(g->snapshot);
			/* Loses only against a newer one taking its place. */
		} while (snapshot && !resv_snapshot_get(snapshot));
	rcu_read_unlock();
	return snapshot;
}

/* The function that lists the device's regions, once in @c->callbacks. */
static void collect_callback(struct resv_facts *c, struct device *dev)
{
	unsigned long address = 0;
	unsigned int i;

	if (compat_dev_resv_callback(dev, &address)) {
		c->no_iommu = true;
		return;
	}
	for (i = 0; i < c->nr_callbacks; i++)
		if (c->callbacks[i] == address)
			return;
	if (!address || c->nr_callbacks == RESV_MAX_CALLBACKS)
		c->no_callback = true;
	else
		c->callbacks[c->nr_callbacks++] = address;
}

static int collect_device(struct device *dev, void *data)
{
	struct resv_facts *c = data;
	int name = resv_facts_device(c, dev_name(dev));

	if (name < 0)
		return name;
	c->in_use |= compat_domain_is_users(compat_iommu_get_domain_for_dev(dev));
	collect_callback(c, dev);
	c->own_device = c->own_devices && compat_dev_has_iommu(dev);
	return resv_sources_device(c, dev);
}

/*
 * Ask everybody about one group.  @g: what is known of it, or NULL.
 *
 * Return: 0, -ENODEV for a group without devices, -ENOMEM; on error there is
 * nothing to free
 */
static int collect(struct resv_facts *c, struct kobject *kobj, int id,
		   const struct resv_group *g, struct resv_hw_list *hw)
{
	struct resv_declared *d;
	int ret;

	ret = resv_facts_init(c, group_of(kobj), id);
	if (ret)
		return ret;
	c->hw = hw;
	c->own_list = !resv_native_list();
	c->own_devices = !resv_native_device_lists();
	resv_declared_for_each(d)
		d->arriving = false;
	c->first = !g;
	ret = iommu_group_for_each_dev(c->group, c, collect_device);
	if (!ret && !c->nr_devices)
		ret = -ENODEV;
	if (ret)
		goto free;
	/* Before the group's list is asked for, as it goes through them. */
	c->hooked = resv_hooks_group(c);
	ret = resv_sources_group(c);
	if (ret)
		goto free;
	ret = resv_facts_finish(c);
	if (!ret)
		return 0;
free:
	resv_facts_free(c);
	return ret;
}

/*
 * True if the group's data is a folder of ours, not one left by a namesake.
 * A group that is just being made is on the list before it has a folder itself.
 */
static bool has_folder(struct kobject *kobj)
{
	struct kernfs_node *sd = READ_ONCE(kobj->sd);

	return sd && compat_kernfs_child(sd, RESV_FOLDER) == kobj;
}

/* Off the registry; the folder is gone or going. */
static void forget(struct resv_group *g)
{
	struct resv_snapshot *snapshot;

	snapshot = rcu_dereference_protected(g->snapshot,
					     lockdep_is_held(&registry_lock));
	hash_del_rcu(&g->node);
	resv_hw_free(&g->hw);
	resv_snapshot_put(snapshot);
	kfree_rcu(g, rcu);
}

static struct resv_group *remember(const struct kobject *kobj,
				   struct resv_snapshot *snapshot)
{
	struct resv_group *g = kzalloc(sizeof(*g), GFP_KERNEL);

	if (!g)
		return NULL;
	g->kobj = kobj;
	resv_hw_init(&g->hw);
	RCU_INIT_POINTER(g->snapshot, snapshot);
	hash_add_rcu(registry, &g->node, (unsigned long)kobj);
	return g;
}

/*
 * struct iommu_group is private, but its kobject is its first member in every
 * kernel from 4.4 to 7.3.  Were it not, the number would not be found.
 */
static bool layout_known(struct kobject *kobj, int id)
{
	return id >= 0 && iommu_group_id(group_of(kobj)) == id;
}

/* What is known of a live group.  Only registry_lock, which is held, lets it go. */
static struct resv_group *known_group(const struct kobject *kobj)
{
	struct resv_group *g;

	rcu_read_lock();
	g = find_group(kobj);
	rcu_read_unlock();
	return g;
}

/*
 * Readers get what @c says of a group.
 *
 * Return: 1 if they see a difference, 0 if not, or an errno
 */
static int publish(struct kobject *kobj, struct resv_group *g,
		   const struct resv_facts *c)
{
	struct resv_snapshot *fresh = resv_snapshot_make(c), *old;
	int ret;

	if (IS_ERR(fresh))
		return PTR_ERR(fresh);
	if (g) {
		old = rcu_dereference_protected(g->snapshot,
						lockdep_is_held(&registry_lock));
		if (resv_snapshot_equal(old, fresh)) {
			resv_snapshot_put(fresh);
			return 0;
		}
		rcu_assign_pointer(g->snapshot, fresh);
		resv_snapshot_put(old);
		return 1;
	}
	g = remember(kobj, fresh);
	if (!g) {
		resv_snapshot_put(fresh);
		return -ENOMEM;
	}
	g->seen = true;
	/* The entry first: files can be read as soon as they are there. */
	ret = resv_report_add_group(kobj);
	if (ret) {
		forget(g);
		return ret;
	}
	return 1;
}

/* A group has no device any more: what was wanted for it is over. */
static void gone(struct kobject *kobj, int id)
{
	resv_declare_gone(group_of(kobj), id);
	resv_msi_window_gone(group_of(kobj));
	resv_police_gone(group_of(kobj));
}

/*
 * Bring one live group up to date.
 *
 * Return: 1 if readers see a difference, 0 if not, or an errno, after which the
 * group shows what it showed before
 */
static int update(struct kobject *kobj, int id)
{
	struct resv_hw_list first;
	struct resv_facts c;
	struct resv_group *g;
	int ret;

	resv_hw_init(&first);
	g = known_group(kobj);
	/* An entry without a folder is of a dead namesake. */
	if (g && !has_folder(kobj)) {
		forget(g);
		g = NULL;
	}
	ret = collect(&c, kobj, id, g, g ? &g->hw : &first);
	if (!ret && c.arrived && resv_declare_arrive(&c)) {
		resv_facts_free(&c);
		ret = collect(&c, kobj, id, g, g ? &g->hw : &first);
	}
	if (!ret && resv_msi_arrive(&c)) {
		resv_facts_free(&c);
		ret = collect(&c, kobj, id, g, g ? &g->hw : &first);
		if (!ret)
			resv_msi_settled(&c);
	}
	if (ret == -ENODEV) {
		if (g)
			resv_report_remove_group(kobj);
		gone(kobj, id);
		resv_hw_free(&first);
		return 0;
	}
	if (g)
		g->seen = true;
	if (ret) {
		resv_hw_free(&first);
		return ret;
	}
	/* Who opens the group because of its files finds it guarded. */
	ret = resv_police_update(&c) ?: publish(kobj, g, &c);
	resv_facts_free(&c);
	/* The entry was made just now. */
	if (!g && known_group(kobj))
		known_group(kobj)->hw = first;
	else
		resv_hw_free(&first);
	return ret;
}

static int id_of(const struct kobject *kobj)
{
	int id;

	/* The kernel names the kobject by the group's number. */
	return kstrtoint(kobject_name(kobj), 10, &id) ? -EINVAL : id;
}

/**
 * struct live - a group that was there when the list was made
 * @id: its number
 * @kobj: address of its kobject, not a reference
 */
struct live {
	int id;
	const struct kobject *kobj;
};

/*
 * All groups that live now, in an array for kfree().  Not references: see
 * departure.c.
 */
static struct live *live_groups(unsigned int *nr)
{
	unsigned int cap = 0, n;
	struct live *list = NULL;
	struct kobject *kobj;

	for (;;) {
		n = 0;
		spin_lock(&groups_kset->list_lock);
		list_for_each_entry(kobj, &groups_kset->list, entry)
			n++;
		if (n <= cap)
			break;
		spin_unlock(&groups_kset->list_lock);
		kfree(list);
		cap = n + 16;
		list = kcalloc(cap, sizeof(*list), GFP_KERNEL);
		if (!list)
			return ERR_PTR(-ENOMEM);
	}
	n = 0;
	list_for_each_entry(kobj, &groups_kset->list, entry) {
		list[n].id = id_of(kobj);
		list[n++].kobj = kobj;
	}
	spin_unlock(&groups_kset->list_lock);
	*nr = n;
	return list;
}

/* A reference to the group of that number, or NULL if it is gone or going. */
static struct kobject *group_by_id(int id)
{
	char name[12];

	scnprintf(name, sizeof(name), "%d", id);
	return compat_kset_find_obj(groups_kset, name);
}

/* Look at one group in a walk over all. */
static int visit(const struct live *live, bool tell)
{
	struct kobject *kobj;
	int ret;

	/* No device can begin to leave while registry_lock is held. */
	if (resv_departing(live->id)) {
		struct resv_group *g = known_group(live->kobj);

		if (g)
			g->seen = true;
		return 0;
	}
	kobj = group_by_id(live->id);
	if (!kobj)
		return 0;
	ret = layout_known(kobj, live->id) ? update(kobj, live->id) :
					     -EOPNOTSUPP;
	/* The event comes after the files, so whoever waits can read. */
	if (ret > 0 && tell)
		kobject_uevent(kobj, KOBJ_CHANGE);
	if (ret < 0)
		pr_warn_ratelimited("group %d: cannot be looked at (%d)\n",
				    live->id, ret);
	kobject_put(kobj);
	return ret;
}

/* Return: 0, or the last of the errors that groups made */
static int rescan(bool tell)
{
	struct hlist_node *tmp;
	struct resv_group *g;
	unsigned int i, nr;
	struct live *list;
	int bkt, ret, err = 0;
	bool all = true;

	mutex_lock(&registry_lock);
	list = ending ? ERR_PTR(-ENODEV) : live_groups(&nr);
	if (IS_ERR(list)) {
		mutex_unlock(&registry_lock);
		return PTR_ERR(list);
	}
	hash_for_each(registry, bkt, g, node)
		g->seen = false;
	resv_declare_walk_begins();
	resv_msi_windows_walk_begins();
	resv_police_walk_begins();
	resv_hooks_walk_begins();
	for (i = 0; i < nr; i++) {
		/* Not all are seen then, but another walk is on its way. */
		all &= !resv_departing(list[i].id);
		ret = visit(&list[i], tell);
		if (ret < 0)
			err = ret;
		cond_resched();
	}
	hash_for_each_safe(registry, bkt, tmp, g, node)
		if (!g->seen)
			forget(g);
	if (!err && all) {
		resv_declare_walk_ends();
		resv_msi_windows_walk_ends();
		resv_police_walk_ends();
	}
	resv_msi_hooks_rest();
	/* For want of memory the taps would leave something out: try again. */
	if (resv_declared_stock_up(0))
		err = -ENOMEM;
	mutex_unlock(&registry_lock);
	kfree(list);
	return err;
}

/**
 * resv_groups_rescan() - look at all groups now
 *
 * Context: may sleep; the module is loaded, and held so.
 * Return: 0, or the last of the errors that groups made
 */
int resv_groups_rescan(void)
{
	return rescan(true);
}

/**
 * resv_groups_rescan_soon() - look at all groups shortly
 *
 * Context: any.
 */
void resv_groups_rescan_soon(void)
{
	schedule_delayed_work(&rescan_work, READ_ONCE(rescan_delay));
}

/**
 * resv_groups_flush() - nobody will ask for that any more
 *
 * A tap may have done so after resv_groups_exit().
 *
 * Context: no hook is in; may sleep.
 */
void resv_groups_flush(void)
{
	cancel_delayed_work_sync(&rescan_work);
}

/**
 * resv_groups_declared() - is any region declared for a group that is there?
 *
 * Waits for a declaration that is being made.
 */
bool resv_groups_declared(void)
{
	const struct resv_declared *d;
	bool any = false;

	mutex_lock(&registry_lock);
	resv_declared_for_each(d)
		if (d->group)
			any = true;
	mutex_unlock(&registry_lock);
	return any;
}

/**
 * resv_groups_moved() - is the MSI window of any group moved, or was in use so?
 *
 * Waits for one that is being moved.
 */
bool resv_groups_moved(void)
{
	bool moved;

	mutex_lock(&registry_lock);
	moved = resv_msi_windows_in_force();
	mutex_unlock(&registry_lock);
	return moved;
}

static int try_change(struct resv_group *g, struct kobject *kobj, int id,
		      const struct resv_group_change *change, void *data)
{
	struct resv_facts c;
	int ret;

	ret = collect(&c, kobj, id, g, &g->hw);
	if (ret)
		return ret;
	ret = change->apply(&c, data);
	resv_facts_free(&c);
	if (ret)
		return ret;
	ret = collect(&c, kobj, id, g, &g->hw);
	if (ret) {
		/* It is done; who reads will see it a little later. */
		resv_groups_rescan_soon();
		return 0;
	}
	ret = change->confirm(&c, data);
	if (ret) {
		/* Undone, so readers keep what they have. */
		resv_facts_free(&c);
		return ret;
	}
	/* Out of memory now means that readers see it with the next walk. */
	if (resv_police_update(&c) || publish(kobj, g, &c) < 0)
		resv_groups_rescan_soon();
	else
		kobject_uevent(kobj, KOBJ_CHANGE);
	resv_facts_free(&c);
	return 0;
}

static int change_locked(struct kobject *kobj, int id,
			 const struct resv_group_change *change, void *data)
{
	struct resv_group *g = known_group(kobj);
	int ret;

	/* Being removed: whoever does that waits for us. */
	if (!g || ending || resv_departing(id))
		return -ENODEV;
	if (change->begin)
		change->begin(data);
	ret = try_change(g, kobj, id, change, data);
	if (change->end)
		change->end(data);
	return ret;
}

/**
 * resv_group_change() - change a group, by a write to one of its files
 * @kobj: kobject of the group
 * @change: what to do
 * @data: for @change
 *
 * Whoever removes the folder has registry_lock and waits until no callback of
 * its files runs, so a callback must not wait for the lock: the write is begun
 * anew, as the kernel does it for such files (lock_device_hotplug_sysfs()).
 *
 * Context: in the callback of the file; may sleep.
 * Return: 0, or an errno, or what restarts the system call
 */
int resv_group_change(struct kobject *kobj,
		      const struct resv_group_change *change, void *data)
{
	int ret;

	if (!mutex_trylock(&registry_lock)) {
		msleep(20);
		return restart_syscall();
	}
	ret = change_locked(kobj, id_of(kobj), change, data);
	mutex_unlock(&registry_lock);
	return ret;
}

static void rescan_fn(struct work_struct *work)
{
	unsigned long start = jiffies;
	int ret = rescan(true);

	/* Time spent asleep counts as well, so within reason. */
	WRITE_ONCE(rescan_delay, RESCAN_DELAY +
		   min_t(unsigned long, 4 * (jiffies - start), 2 * HZ));
	/* No memory is all that another try can cure. */
	if (ret == -ENOMEM)
		schedule_delayed_work(&rescan_work, HZ);
}

/*
 * The group of a device that came, or got a driver, at once: whoever bound it
 * finds the files when the write to "bind" returns.
 */
static void update_group_of(struct device *dev)
{
	struct iommu_group *group = iommu_group_get(dev);
	struct kobject *kobj = (struct kobject *)group;

	if (!group)
		return;
	mutex_lock(&registry_lock);
	if (!ending && layout_known(kobj, id_of(kobj)) &&
	    update(kobj, id_of(kobj)) > 0)
		kobject_uevent(kobj, KOBJ_CHANGE);
	mutex_unlock(&registry_lock);
	iommu_group_put(group);
}

/*
 * Before the IOMMU core takes a device out of its group: nothing of ours may
 * keep the group then.
 */
static int removal_event(struct notifier_block *nb, unsigned long action,
			 void *data)
{
	struct device *dev = data;
	struct iommu_group *group = dev->iommu_group;

	if (action != BUS_NOTIFY_REMOVED_DEVICE || !group)
		return NOTIFY_DONE;
	mutex_lock(&registry_lock);
	if (known_group((struct kobject *)group))
		resv_hw_forget(&known_group((struct kobject *)group)->hw, dev);
	if (resv_departure_begins(dev, iommu_group_id(group)))
		gone((struct kobject *)group, iommu_group_id(group));
	mutex_unlock(&registry_lock);
	return NOTIFY_DONE;
}

static int bus_event(struct notifier_block *nb, unsigned long action, void *data)
{
	struct device *dev = data;

	switch (action) {
	case BUS_NOTIFY_ADD_DEVICE:
	case BUS_NOTIFY_BOUND_DRIVER:
		update_group_of(dev);
		break;
	case BUS_NOTIFY_REMOVED_DEVICE:
		mutex_lock(&registry_lock);
		resv_departure_ends(dev);
		mutex_unlock(&registry_lock);
		break;
	case BUS_NOTIFY_UNBOUND_DRIVER:
		break;
	default:
		return NOTIFY_DONE;
	}
	/* What else changed: groups that went, and those of other devices. */
	resv_groups_rescan_soon();
	return NOTIFY_DONE;
}

/*
 * A driver of an IOMMU can come as a module (virtio_iommu) and make groups of
 * devices that no bus tells anything about.
 */
static int module_event(struct notifier_block *nb, unsigned long action,
			void *data)
{
	if (action == MODULE_STATE_GOING)
		resv_hw_instances_flush();
	if (data != THIS_MODULE &&
	    (action == MODULE_STATE_LIVE || action == MODULE_STATE_GOING))
		resv_groups_rescan_soon();
	return NOTIFY_DONE;
}

static struct notifier_block module_block = {
	.notifier_call = module_event,
};

/*
 * As numerous as buses, because one block can be on one chain only.  The IOMMU
 * core makes and drops groups with priority 0: of a device that came we hear
 * after it, of one that goes before it and after it.
 */
static struct notifier_block bus_blocks[COMPAT_MAX_BUSES];
static struct notifier_block removal_blocks[COMPAT_MAX_BUSES];
static bool watched[COMPAT_MAX_BUSES];

/* Afterwards no walk is under way or will be. */
static void unwatch(void)
{
	void *buses[COMPAT_MAX_BUSES];
	unsigned int i, nr = compat_iommu_buses(buses);

	unregister_module_notifier(&module_block);
	for (i = 0; i < nr; i++) {
		if (!watched[i])
			continue;
		/* What begins has to end, so in this order. */
		bus_unregister_notifier(buses[i], &removal_blocks[i]);
		bus_unregister_notifier(buses[i], &bus_blocks[i]);
	}
	memset(watched, 0, sizeof(watched));
	cancel_delayed_work_sync(&rescan_work);
}

static int watch_bus(void *bus, unsigned int i)
{
	int ret;

	bus_blocks[i].notifier_call = bus_event;
	bus_blocks[i].priority = -1;
	removal_blocks[i].notifier_call = removal_event;
	removal_blocks[i].priority = 1;
	ret = bus_register_notifier(bus, &bus_blocks[i]);
	if (ret)
		return ret;
	/* Waits for events under way: no removal is then, that was not seen. */
	ret = bus_register_notifier(bus, &removal_blocks[i]);
	if (ret)
		bus_unregister_notifier(bus, &bus_blocks[i]);
	return ret;
}

static int watch(void)
{
	void *buses[COMPAT_MAX_BUSES];
	unsigned int i, nr = compat_iommu_buses(buses);
	int ret;

	ret = register_module_notifier(&module_block);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++) {
		ret = watch_bus(buses[i], i);
		/* Built in, but this machine has none: nothing can come there. */
		if (ret == -EINVAL)
			continue;
		if (ret) {
			unwatch();
			return ret;
		}
		watched[i] = true;
	}
	return 0;
}

/* Is a group on its way out, and its files with it? */
static bool any_dying(void)
{
	struct kobject *kobj;
	bool dying = false;

	spin_lock(&groups_kset->list_lock);
	list_for_each_entry(kobj, &groups_kset->list, entry)
		if (!compat_kref_read(&kobj->kref))
			dying = true;
	spin_unlock(&groups_kset->list_lock);
	return dying;
}

/*
 * Remove the folders of all groups but those that a device is leaving just now.
 *
 * Return: there is no such group
 */
static bool remove_folders(void)
{
	struct live *list;
	unsigned int i, nr;
	bool all = true;

	/* Files must not outlive the module, so running out of memory has to wait. */
	while (IS_ERR(list = live_groups(&nr)))
		msleep(20);
	for (i = 0; i < nr; i++) {
		struct kobject *kobj;

		if (resv_departing(list[i].id)) {
			all = false;
			continue;
		}
		kobj = group_by_id(list[i].id);
		if (!kobj)
			continue;
		if (has_folder(kobj))
			resv_report_remove_group(kobj);
		kobject_put(kobj);
	}
	kfree(list);
	return all;
}

/* Devices are watched still, so that none leaves while we refer to its group. */
static void forget_all(void)
{
	struct resv_declared *d;
	struct hlist_node *tmp;
	struct resv_group *g;
	int bkt;

	mutex_lock(&registry_lock);
	ending = true;
	while (!remove_folders()) {
		mutex_unlock(&registry_lock);
		msleep(20);
		mutex_lock(&registry_lock);
	}
	/* Nothing is declared by now, unless loading has failed half way. */
	resv_declared_for_each(d)
		resv_declared_unbind(d);
	resv_msi_windows_exit();
	resv_police_exit();
	hash_for_each_safe(registry, bkt, tmp, g, node)
		forget(g);
	mutex_unlock(&registry_lock);
	/*
	 * A group that was dying already is removed by whoever dropped it.  It
	 * leaves the kset only when its files are gone and their readers out.
	 */
	while (any_dying())
		msleep(20);
}

/**
 * resv_groups_init() - find all groups and publish them, and watch for more
 *
 * Context: process; sources are ready.
 * Return: 0, -EOPNOTSUPP if the kernel's groups cannot be found, -ENOMEM
 */
int resv_groups_init(void)
{
	struct kobject *kobj;
	int ret;

	kobj = compat_kernfs_child(kernel_kobj->sd, "iommu_groups");
	if (!kobj) {
		pr_err("/sys/kernel/iommu_groups is not there: this kernel has no IOMMU support, or an unknown one\n");
		return -EOPNOTSUPP;
	}
	groups_kset = to_kset(kobj);
	rescan_delay = RESCAN_DELAY;
	/* Watch first: a device that comes during the walk means another walk. */
	ret = watch();
	if (ret)
		return ret;
	ret = rescan(false);
	if (ret) {
		pr_err("not loading, because a group cannot be looked at: please report the kernel's version\n");
		resv_groups_exit();
	}
	return ret;
}

/**
 * resv_groups_exit() - take everything back
 *
 * Removing the folders waits for readers that are inside.
 *
 * Context: process.
 */
void resv_groups_exit(void)
{
	forget_all();
	unwatch();
	resv_departures_exit();
	resv_snapshots_flush();
}

/**
 * resv_groups_count() - how much there is
 * @bytes: set to the memory that the groups take
 *
 * Context: may sleep.
 * Return: number of groups shown
 */
unsigned int resv_groups_count(size_t *bytes)
{
	struct resv_snapshot *snapshot;
	struct resv_group *g;
	unsigned int nr = 0;
	int bkt;

	*bytes = 0;
	mutex_lock(&registry_lock);
	hash_for_each(registry, bkt, g, node) {
		snapshot = rcu_dereference_protected(g->snapshot,
						     lockdep_is_held(&registry_lock));
		nr++;
		*bytes += ksize(g) + resv_snapshot_bytes(snapshot);
	}
	mutex_unlock(&registry_lock);
	return nr;
}
