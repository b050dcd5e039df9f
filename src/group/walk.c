// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking at groups: collecting the facts about a group, letting the features act on
 * them, and publishing a snapshot.  An event looks at one group; a comparison of the
 * kernel's list with the registry looks at new groups; a walk looks at all groups.
 *
 * A walk runs at load, when the mode of the hooks changes, when a feature asks for one,
 * and again after an allocation failed.  Everything else touches few groups: an event
 * looks at the group of its device; the comparison, a little later, looks at groups that
 * were added without an event.
 *
 * Invariants:
 *
 * - A group is looked at under the lock of its entry, by one task at a time.
 * - A task takes a reference to the group that it looks at, under the lock of the group's
 *   entry while the entry is LIVE, and drops the reference before the lock.  So it holds
 *   no reference while a device leaves the group (see watch.c).  An event of a device of
 *   the group needs no such care, because the device cannot leave during the event.
 * - walk_lock lets only one walk or comparison run at a time.
 * - Once @stopped is set and resv_groups_quiesce() was called, no group is looked at.
 *
 * registry.c has the order of the locks.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "compat/iommu.h"
#include "compat/kref.h"
#include "compat/mm.h"
#include "compat/sysfs.h"
#include "group/attach.h"
#include "group/feature.h"
#include "group/snapshot.h"
#include "hook/engine.h"
#include "source/native.h"
#include "group/registry.h"
#include "group/verdict.h"
#include "source/hw.h"
#include "source/source.h"

/*
 * Long enough to handle a burst of devices (254 virtual functions of one write to
 * sriov_numvfs) in few comparisons; short enough that a VMM that starts after a driver
 * was bound finds the folder.
 */
#define RESCAN_DELAY	msecs_to_jiffies(20)

/*
 * Jiffies to wait after an event.  The delay grows with the time that the last rescan
 * took, so that a storm of events on a host with many groups costs about a fifth of a CPU.
 */
static unsigned long rescan_delay;

/* Bits of @wanted. */
#define WANT_WALK	0	/* walk, instead of only comparing */

static unsigned long wanted;
static DEFINE_MUTEX(walk_lock);
static struct kset *groups_kset;
static bool stopped = true;
static atomic_t looks = ATOMIC_INIT(0);
static const struct resv_group_folder *folder;

static void rescan_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(rescan_work, rescan_fn);

/**
 * resv_groups_set_folder() - set the callbacks that make and remove a group's folder
 * @f: the callbacks
 *
 * Context: before resv_groups_init().
 */
void resv_groups_set_folder(const struct resv_group_folder *f)
{
	folder = f;
}

/**
 * resv_groups_looks() - how often groups were looked at since load
 *
 * Context: any.
 * Return: the number, which may have wrapped
 */
unsigned int resv_groups_looks(void)
{
	return atomic_read(&looks);
}

/* Add the driver's function that lists the device's regions to @c->callbacks, once. */
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

static int note_use(struct device *dev, void *data)
{
	struct iommu_domain *domain = compat_iommu_get_domain_for_dev(dev);
	struct resv_facts *c = data;

	c->in_use |= compat_domain_is_users(domain);
	if (compat_domain_is_attached(domain))
		c->attached = domain;
	return 0;
}

static int collect_device(struct device *dev, void *data)
{
	struct resv_facts *c = data;
	int name = resv_facts_device(c, dev_name(dev), resv_hw_model(dev));

	if (name < 0)
		return name;
	note_use(dev, c);
	collect_callback(c, dev);
	c->own_device = c->own_devices && compat_dev_has_iommu(dev);
	return resv_sources_device(c, dev);
}

/* If the group was attached or detached since @look was set, look at it again soon. */
static void settle(const struct resv_facts *c, const struct resv_attach_look *look)
{
	if (!resv_attach_settle(c->group, c->attached, look))
		resv_group_update_soon(c->id);
}

static int collect_devices(struct resv_facts *c)
{
	struct resv_attach_look look;
	int ret;

	resv_attach_look(c->group, &look);
	ret = iommu_group_for_each_dev(c->group, c, collect_device);
	if (ret)
		return ret;
	if (!c->nr_devices)
		return -ENODEV;
	atomic_inc(&looks);
	settle(c, &look);
	return 0;
}

/* Get the taps that the group needs. */
static void prepare(struct resv_facts *c)
{
	struct resv_attach_look look;
	const struct resv_feature *f;
	unsigned int i;

	for (i = 0; (f = resv_feature_at(i)); i++)
		if (f->prepare)
			f->prepare(c);
	resv_attach_look(c->group, &look);
	/* The group may have been attached just before the taps were installed. */
	c->in_use = false;
	c->attached = NULL;
	iommu_group_for_each_dev(c->group, c, note_use);
	settle(c, &look);
}

/* Collect lines of "assignable", so that a driver that changes them causes a uevent. */
static int collect_held(struct resv_facts *c)
{
	char *held = resv_verdict_held(c->group);

	if (IS_ERR(held))
		return PTR_ERR(held);
	c->held = held;
	return 0;
}

static int collect_list(struct resv_facts *c)
{
	const struct resv_feature *f;
	unsigned int i;
	int ret;

	for (i = 0; (f = resv_feature_at(i)); i++) {
		ret = f->group ? f->group(c) : 0;
		if (ret)
			return ret;
	}
	ret = resv_sources_group(c);
	if (ret)
		return ret;
	for (i = 0; (f = resv_feature_at(i)); i++) {
		ret = f->listed ? f->listed(c) : 0;
		if (ret)
			return ret;
	}
	return resv_facts_finish(c);
}

/**
 * resv_walk_collect() - ask all sources and features about one group
 * @c: uninitialised facts
 * @g: its entry, locked; the group is alive
 *
 * Context: may sleep.
 * Return: 0, -ENODEV for a group without devices, -ENOMEM; after an error there is
 *	nothing to free
 */
int resv_walk_collect(struct resv_facts *c, struct resv_group *g)
{
	int ret = resv_facts_init(c, resv_group_of(g->kobj), g->id);

	if (ret)
		return ret;
	c->own_list = !resv_native_list();
	c->own_devices = !resv_native_device_lists();
	c->checked = resv_native_checks();
	c->first = !g->folder;
	c->hw = &g->hw;
	ret = collect_devices(c);
	if (!ret) {
		prepare(c);
		ret = collect_held(c) ?: collect_list(c);
	}
	if (ret)
		resv_facts_free(c);
	return ret;
}

/* Collect, let features act on new devices, and collect again if they changed a list. */
static int collect_added(struct resv_facts *c, struct resv_group *g)
{
	const struct resv_feature *f;
	unsigned int i;
	int ret = resv_walk_collect(c, g);

	for (i = 0; (f = resv_feature_at(i)); i++) {
		if (ret)
			return ret;
		if (!f->added || !f->added(c))
			continue;
		resv_facts_free(c);
		ret = resv_walk_collect(c, g);
		if (!ret && f->settled)
			f->settled(c);
	}
	return ret;
}

/*
 * Does the group have our folder, and not the one of an earlier group with its name?
 * A group that is being created is on the list before it has a sysfs folder.
 */
static bool has_folder(const struct kobject *kobj)
{
	struct kernfs_node *sd = READ_ONCE(kobj->sd);

	return sd && compat_kernfs_child(sd, RESV_FOLDER) == kobj;
}

static int add_folder(struct resv_group *g, struct kobject *kobj)
{
	/* If it exists, it stayed when the group lost its last device. */
	int ret = has_folder(kobj) ? 0 : folder->add(kobj);

	if (!ret)
		resv_registry_set_folder(g, kobj->sd);
	return ret;
}

/**
 * resv_walk_publish() - make a snapshot of the facts and give it to readers
 * @g: entry of the group, locked; the group is alive
 * @c: facts, complete
 *
 * Context: may sleep.
 * Return: 1 if readers see a difference, 0 if not, or an errno
 */
int resv_walk_publish(struct resv_group *g, const struct resv_facts *c)
{
	struct resv_snapshot *fresh = resv_snapshot_make(c), *old;
	int ret;

	if (IS_ERR(fresh))
		return PTR_ERR(fresh);
	old = rcu_dereference_protected(g->snapshot, lockdep_is_held(&g->lock));
	if (old && resv_snapshot_equal(old, fresh)) {
		resv_snapshot_put(fresh);
		return 0;
	}
	/* Set the snapshot first: files can be read as soon as they exist. */
	rcu_assign_pointer(g->snapshot, fresh);
	if (old)
		resv_snapshot_put(old);
	if (g->folder)
		return 1;
	ret = add_folder(g, (struct kobject *)c->group);
	if (!ret)
		return 1;
	/* Clear the pointer before the put: see resv_group_snapshot(). */
	RCU_INIT_POINTER(g->snapshot, NULL);
	resv_snapshot_put(fresh);
	return ret;
}

static int is_device(struct device *dev, void *data)
{
	return 1;
}

/*
 * Forget a group without devices: it has not got its first device yet, or another user
 * keeps it after the last device has left.  When the next device joins, perhaps without
 * an event, it counts as a new group.
 */
static void drop_empty(struct resv_group *g, struct kobject *kobj)
{
	if (has_folder(kobj))
		folder->remove(kobj);
	resv_registry_bury(g);
}

/*
 * Bring one live group up to date.
 *
 * Return: 1 if readers see a difference, 0 if not, or an errno, after which the files
 * show the previous state
 */
static int update(struct resv_group *g, struct kobject *kobj)
{
	struct resv_facts c;
	int ret;

	if (!resv_registry_layout(kobj))
		return -EOPNOTSUPP;
	/* If its folder is gone, the entry is of a dead group with the same name. */
	if (g->folder && !has_folder(kobj))
		resv_registry_forget(g);
	if (!g->known) {
		if (!iommu_group_for_each_dev(resv_group_of(kobj), NULL,
					      is_device)) {
			drop_empty(g, kobj);
			return 0;
		}
		ret = resv_attach_add(resv_group_of(kobj), g->id);
		if (ret)
			return ret;
		g->known = true;
	}
	ret = collect_added(&c, g);
	if (ret == -ENODEV) {
		drop_empty(g, kobj);
		return 0;
	}
	if (ret)
		return ret;
	/* Put regions in force before readers see them as enforced. */
	ret = resv_features_update(&c) ?: resv_walk_publish(g, &c);
	resv_facts_free(&c);
	return ret;
}

/* Look at a group, to which the caller has a reference; send a uevent if @tell. */
static int look(struct resv_group *g, struct kobject *kobj, bool tell)
{
	int ret;

	WRITE_ONCE(g->stale, false);
	ret = update(g, kobj);
	/* The uevent comes last, so that listeners find the files. */
	if (ret > 0 && tell)
		kobject_uevent(kobj, KOBJ_CHANGE);
	if (g->state != RESV_GROUP_DEAD)
		WRITE_ONCE(g->looked, ret != -ENOMEM);
	if (ret >= 0) {
		g->warned = false;
		return 0;
	}
	if (!g->warned)
		pr_warn("group %d: update failed (%d), %s\n", g->id, ret,
			g->folder ? "its files show the previous state" :
				    "it has no files");
	g->warned = true;
	return ret;
}

/**
 * resv_walk_reference() - take a reference to a group
 * @g: its entry, locked; no device is leaving the group
 *
 * Context: may sleep; the caller has to drop the reference before it unlocks @g.
 * Return: the group's kobject, or NULL if the group is dead or dying
 */
struct kobject *resv_walk_reference(const struct resv_group *g)
{
	struct kobject *kobj, *found = NULL;

	spin_lock(&groups_kset->list_lock);
	list_for_each_entry(kobj, &groups_kset->list, entry)
		if (kobj == g->kobj) {
			/* With another number it is a new group at the same address. */
			if (resv_registry_id(kobj) == g->id &&
			    kref_get_unless_zero(&kobj->kref))
				found = kobj;
			break;
		}
	spin_unlock(&groups_kset->list_lock);
	return found;
}

/* Return: see look(); or -EAGAIN if a device is leaving the group */
static int visit(struct resv_group *g, bool tell)
{
	struct kobject *kobj;
	int ret;

	if (stopped || g->state != RESV_GROUP_LIVE)
		return g->state == RESV_GROUP_DEPARTING ? -EAGAIN : 0;
	kobj = resv_walk_reference(g);
	if (!kobj)
		return 0;
	ret = look(g, kobj, tell);
	kobject_put(kobj);
	return ret;
}

static void retry_soon(struct resv_group *g)
{
	WRITE_ONCE(g->stale, true);
	schedule_delayed_work(&rescan_work, HZ);
}

/**
 * resv_walk_visit() - look at one group, if it is alive and no device is leaving it
 * @g: its entry, locked
 *
 * Context: may sleep.
 */
void resv_walk_visit(struct resv_group *g)
{
	if (visit(g, true) == -ENOMEM)
		retry_soon(g);
}

/**
 * resv_walk_group() - look at the group of a device at once
 * @kobj: kobject of the group, which is alive because the device cannot leave it now
 *
 * A user who binds a driver finds the files as soon as the write to "bind" returns.
 *
 * Context: may sleep.
 */
void resv_walk_group(struct kobject *kobj)
{
	int id = resv_registry_id(kobj);
	struct resv_group *g;

	if (id < 0 || READ_ONCE(stopped))
		return;
	g = resv_registry_get(kobj, id, GFP_KERNEL);
	/* If the allocation failed, the comparison that follows finds the group. */
	if (!g)
		return;
	resv_hooks_recheck();
	mutex_lock(&g->lock);
	/* If a device is leaving the group, bus_event() looks at it afterwards. */
	if (!stopped && g->state == RESV_GROUP_LIVE &&
	    look(g, kobj, true) == -ENOMEM)
		retry_soon(g);
	mutex_unlock(&g->lock);
	resv_registry_put(g);
}

/**
 * resv_walk_remove_folder() - remove the files of a group, if it is alive
 * @g: its entry, locked; no device is leaving the group
 *
 * Context: may sleep; waits for readers that are inside.
 */
void resv_walk_remove_folder(struct resv_group *g)
{
	struct kobject *kobj = resv_walk_reference(g);

	if (!kobj)
		return;
	if (has_folder(kobj))
		folder->remove(kobj);
	kobject_put(kobj);
}

/**
 * struct live - a group that was alive when the list was made
 * @kobj: address of its kobject, not a reference
 * @folder: address of its sysfs folder
 * @id: its number
 */
struct live {
	const struct kobject *kobj;
	const void *folder;
	int id;
};

/* Return: an array of all live groups, for kvfree() */
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
		kvfree(list);
		cap = n + 16;
		list = compat_kvmalloc(cap * sizeof(*list));
		if (!list)
			return ERR_PTR(-ENOMEM);
	}
	n = 0;
	list_for_each_entry(kobj, &groups_kset->list, entry) {
		/*
		 * CONFIG_DEBUG_KOBJECT_RELEASE keeps dying groups on the list for
		 * seconds.
		 */
		if (!compat_kref_read(&kobj->kref))
			continue;
		list[n].id = resv_registry_id(kobj);
		if (list[n].id < 0)
			continue;
		list[n].folder = READ_ONCE(kobj->sd);
		list[n++].kobj = kobj;
	}
	spin_unlock(&groups_kset->list_lock);
	*nr = n;
	return list;
}

/*
 * Bury the entries of dead groups, and return the live groups that have to be looked at,
 * or all live groups if @all.
 */
static struct live *compare(unsigned int *nr, bool all)
{
	struct live *list;
	unsigned int i, n = 0;

	resv_registry_compare_begin();
	list = live_groups(nr);
	if (IS_ERR(list))
		return list;
	for (i = 0; i < *nr; i++)
		if (!resv_registry_compare(list[i].kobj, list[i].id,
					   list[i].folder) || all)
			list[n++] = list[i];
	*nr = n;
	resv_registry_compare_end();
	return list;
}

/**
 * struct outcome - result of a walk or a comparison
 * @left_out: some group was skipped, because a device is leaving it or it has died
 * @err: the last error of a group
 */
struct outcome {
	bool left_out;
	int err;
};

/* Return: 0, or an errno of the registry itself */
static int look_at(const struct live *list, unsigned int nr, bool tell,
		   struct outcome *outcome)
{
	struct resv_group *g;
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		g = resv_registry_get_listed(list[i].kobj, list[i].id);
		if (PTR_ERR_OR_ZERO(g) == -ESTALE) {
			/* The group has died; a new one may be there without an event. */
			resv_walk_compare_soon();
			outcome->left_out = true;
			continue;
		}
		if (IS_ERR(g))
			return PTR_ERR(g);
		mutex_lock(&g->lock);
		ret = visit(g, tell);
		mutex_unlock(&g->lock);
		resv_registry_put(g);
		if (ret == -EAGAIN)
			outcome->left_out = true;
		else if (ret)
			outcome->err = ret;
		cond_resched();
	}
	return 0;
}

#ifdef RESV_TEST
/* 1: the next walk or comparison stops before it looks; 2: it has stopped; 3: go on. */
static unsigned int hold;
module_param_named(test_hold, hold, uint, 0644);
MODULE_PARM_DESC(test_hold, "1: stop between the list of groups and the looks, until 3 or 0 is written");

static void test_hold(void)
{
	if (READ_ONCE(hold))
		WRITE_ONCE(hold, 2);
	while (READ_ONCE(hold) == 2)
		msleep(20);
}
#else
static void test_hold(void)
{
}
#endif

/* Walk if @all, else compare.  Return: 0, or an errno of the registry itself */
static int rescan(bool all, bool tell, struct outcome *outcome)
{
	struct live *list;
	unsigned int nr;
	int ret = -ENODEV;

	memset(outcome, 0, sizeof(*outcome));
	mutex_lock(&walk_lock);
	if (stopped)
		goto unlock;
	if (all) {
		resv_hooks_recheck();
		resv_features_walk_begin();
	}
	list = compare(&nr, all);
	ret = PTR_ERR_OR_ZERO(list);
	if (ret)
		goto unlock;
	if (nr && !all)
		resv_hooks_recheck();
	test_hold();
	ret = look_at(list, nr, tell, outcome);
	if (all && !ret && !outcome->err && !outcome->left_out)
		resv_features_walk_end();
	kvfree(list);
unlock:
	mutex_unlock(&walk_lock);
	return ret;
}

static void walk_soon(unsigned long delay)
{
	set_bit(WANT_WALK, &wanted);
	schedule_delayed_work(&rescan_work, delay);
}

/**
 * resv_groups_rescan() - look at all groups now
 *
 * Context: may sleep; the module cannot be unloaded meanwhile.
 * Return: 0, or the last error of a group
 */
int resv_groups_rescan(void)
{
	struct outcome outcome;
	int ret = rescan(true, true, &outcome);

	ret = ret ?: outcome.err;
	/* walk_end() of features is called only after a complete walk: walk again. */
	if (ret == -ENOMEM)
		walk_soon(HZ);
	else if (!ret && outcome.left_out)
		resv_groups_rescan_soon();
	return ret;
}

/**
 * resv_groups_rescan_soon() - look at all groups shortly
 *
 * Context: any.
 */
void resv_groups_rescan_soon(void)
{
	walk_soon(READ_ONCE(rescan_delay));
}

/**
 * resv_walk_compare_soon() - compare the kernel's list with the registry shortly
 *
 * Context: any.
 */
void resv_walk_compare_soon(void)
{
	schedule_delayed_work(&rescan_work, READ_ONCE(rescan_delay));
}

/**
 * resv_walk_compare() - compare the kernel's list with the registry now
 *
 * If an allocation fails, schedule another comparison.
 *
 * Context: may sleep; no entry is locked.
 */
void resv_walk_compare(void)
{
	struct outcome outcome;
	int ret = rescan(false, true, &outcome) ?: outcome.err;

	if (ret == -ENOMEM)
		schedule_delayed_work(&rescan_work, HZ);
}

/**
 * resv_group_update_soon() - look at one group shortly
 * @id: its number
 *
 * Context: any.
 */
void resv_group_update_soon(int id)
{
	resv_registry_mark_stale(id);
	/* With PREEMPT_RT a tap cannot queue work; the next event compares. */
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) && !IS_ENABLED(CONFIG_PREEMPT_RT_FULL))
		resv_walk_compare_soon();
}

/**
 * resv_walk_flush() - cancel a scheduled walk or comparison
 *
 * Context: no hook is installed any more; may sleep.
 */
void resv_walk_flush(void)
{
	cancel_delayed_work_sync(&rescan_work);
}

static void rescan_fn(struct work_struct *work)
{
	bool all = test_and_clear_bit(WANT_WALK, &wanted);
	unsigned long start = jiffies;
	struct outcome outcome;
	int ret = rescan(all, true, &outcome) ?: outcome.err;

	/* This counts time asleep as well, so limit the delay. */
	WRITE_ONCE(rescan_delay, RESCAN_DELAY +
		   min_t(unsigned long, 4 * (jiffies - start), 2 * HZ));
	/* Retry only failed allocations: other errors would come again. */
	if (ret == -ENOMEM && !all)
		schedule_delayed_work(&rescan_work, HZ);
	else if (ret == -ENOMEM)
		walk_soon(HZ);
	else if (all && !ret && outcome.left_out)
		resv_groups_rescan_soon();
}

/**
 * resv_walk_init() - find the kernel's list of groups
 *
 * Context: may sleep.
 * Return: 0, or -EOPNOTSUPP after logging one line if there is none
 */
int resv_walk_init(void)
{
	struct kobject *kobj;

	kobj = compat_kernfs_child(kernel_kobj->sd, "iommu_groups");
	if (!kobj) {
		pr_err("/sys/kernel/iommu_groups does not exist: this kernel has no IOMMU support, or an unknown kind of it\n");
		return -EOPNOTSUPP;
	}
	groups_kset = to_kset(kobj);
	rescan_delay = RESCAN_DELAY;
	WRITE_ONCE(stopped, false);
	return 0;
}

/**
 * resv_walk_first() - look at all groups for the first time
 *
 * A group that could not be looked at is not shown; the others are.
 *
 * Context: may sleep.
 * Return: 0; -EOPNOTSUPP if this kernel has another layout of groups; -ENOMEM if an
 *	allocation of the registry itself failed
 */
int resv_walk_first(void)
{
	struct outcome outcome;
	int ret = rescan(true, false, &outcome);

	if (ret)
		return ret;
	if (outcome.err == -EOPNOTSUPP) {
		pr_err("not loading, because the kernel has an unknown layout of IOMMU groups: please report the kernel's version\n");
		return -EOPNOTSUPP;
	}
	if (outcome.err == -ENOMEM)
		walk_soon(HZ);
	else if (outcome.left_out)
		resv_groups_rescan_soon();
	return 0;
}

/**
 * resv_walk_stop() - stop looking at groups
 *
 * Context: may sleep; no entry is locked.
 */
void resv_walk_stop(void)
{
	/* Wait for a walk under way, then for events. */
	mutex_lock(&walk_lock);
	WRITE_ONCE(stopped, true);
	mutex_unlock(&walk_lock);
	resv_groups_quiesce();
}

/**
 * resv_walk_stopped() - has looking at groups stopped, because the module is unloaded?
 *
 * Context: any; the answer "no" holds while the caller holds the lock of an entry.
 * Return: true if so
 */
bool resv_walk_stopped(void)
{
	return READ_ONCE(stopped);
}

/**
 * resv_walk_any_dying() - is any group of the kernel's list dying?
 *
 * A group leaves the list only after its files are removed and their readers are out.
 *
 * Context: may sleep.
 * Return: true if there is one
 */
bool resv_walk_any_dying(void)
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
