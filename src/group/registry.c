// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry of live IOMMU groups.
 *
 * Only the kernel's own list has all groups, on every bus: the kset behind
 * /sys/kernel/iommu_groups.  watch.c gets the events of devices, walk.c compares the
 * list with this table and looks at groups.
 *
 * Invariants:
 *
 * - An entry holds no reference to its group, so it never keeps a dead group alive.  It
 *   is found by the address of the group's kobject together with the group's number.
 *   Both are valid only while the group is alive, as it is in the callbacks of its own
 *   files.
 * - The table has at most one entry for an address, and at most one for a number.  If a
 *   new group reuses the address or the number of a group that died without an event, the
 *   old entry is buried (resv_registry_bury()) before the new group gets one.
 * - A task buries an entry only if it knows that the group is dead, or after it has
 *   removed the group's folder.  A list of live groups proves that the groups not on it
 *   were dead when it was made; the groups on it may have died since.
 * - A group with our folder has an entry, unless the group is dying: then sysfs removes
 *   the folder with the group.  A folder without an entry would stay when the module is
 *   unloaded, with files whose code and attributes are freed.
 * - Readers see a snapshot that the entry has a reference to.  The pointer changes
 *   before that reference is dropped, so a reader that fails to get a reference finds
 *   the next snapshot, or NULL.
 * - An entry is LIVE, or DEPARTING while a device leaves its group, or DEAD.  A DEAD
 *   entry is out of the table for good, and is freed with its last reference.
 *
 * Locks, in the order in which they are taken:
 *
 *   lock of a device           held by the driver core around events of a bus
 *   check_lock (health.c)      health checks before the state of the hooks is shown
 *   walk_lock (walk.c)         walks and comparisons; no event takes it
 *   lock of an entry           looking at its group, its state, its folder; never two
 *   a feature's own mutex
 *   lock of the hooks
 *   the group's own mutex      of the IOMMU core
 *   registry_lock              the table and the list of entries, for a few
 *                              instructions; only raw locks are taken under it
 *
 * Under the lock of an entry nothing takes the lock of a device.  Callbacks of files in
 * a group's folder do not wait for the lock of an entry, because a task that removes
 * the folder holds that lock and waits for them: reads do not take it, writes try it.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "group/attach.h"
#include "group/group.h"
#include "group/snapshot.h"
#include "group/registry.h"

static DEFINE_HASHTABLE(by_kobj, 8);
static DEFINE_HASHTABLE(by_id, 8);
static LIST_HEAD(entries);
static DEFINE_MUTEX(registry_lock);

#ifdef RESV_TEST
static ktime_t held_since;
static unsigned long longest_hold;
module_param_named(test_registry_hold, longest_hold, ulong, 0444);
MODULE_PARM_DESC(test_registry_hold, "longest time that the lock of the registry was held, in nanoseconds");
#endif

static void table_lock(void)
{
	mutex_lock(&registry_lock);
#ifdef RESV_TEST
	held_since = ktime_get();
#endif
}

static void table_unlock(void)
{
#ifdef RESV_TEST
	longest_hold = max_t(unsigned long, longest_hold,
			     ktime_to_ns(ktime_sub(ktime_get(), held_since)));
#endif
	mutex_unlock(&registry_lock);
}

/**
 * resv_registry_id() - number of a group
 * @kobj: kobject of the group, which the caller keeps on the kernel's list
 *
 * Context: any.
 * Return: the number, or -EINVAL if this is no group
 */
int resv_registry_id(const struct kobject *kobj)
{
	int id;

	/* The name of the kobject is the group's number. */
	return kstrtoint(kobject_name(kobj), 10, &id) || id < 0 ? -EINVAL : id;
}

/**
 * resv_registry_layout() - is the kobject the first member of struct iommu_group?
 * @kobj: kobject of a live group
 *
 * Context: any.
 * Return: false on a kernel with another layout
 */
bool resv_registry_layout(struct kobject *kobj)
{
	int id = resv_registry_id(kobj);

	return id >= 0 && iommu_group_id(resv_group_of(kobj)) == id;
}

/* Under registry_lock or rcu_read_lock(). */
static struct resv_group *find_kobj(const struct kobject *kobj)
{
	struct resv_group *g, *found = NULL;

	rcu_read_lock();
	hash_for_each_possible_rcu(by_kobj, g, by_kobj, (unsigned long)kobj)
		if (g->kobj == kobj) {
			found = g;
			break;
		}
	rcu_read_unlock();
	return found;
}

/* Under registry_lock or rcu_read_lock(). */
static struct resv_group *find_id(int id)
{
	struct resv_group *g, *found = NULL;

	rcu_read_lock();
	hash_for_each_possible_rcu(by_id, g, by_id, id)
		if (g->id == id) {
			found = g;
			break;
		}
	rcu_read_unlock();
	return found;
}

/**
 * resv_group_snapshot() - get the current snapshot of a group
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
	g = find_kobj(kobj);
	if (g)
		do {
			snapshot = rcu_dereference(g->snapshot);
			/* If the last reference is gone, the pointer has changed already. */
		} while (snapshot && !resv_snapshot_get(snapshot));
	rcu_read_unlock();
	return snapshot;
}

static void release(struct kref *ref)
{
	struct resv_group *g = container_of(ref, struct resv_group, ref);

	list_del(&g->all);
	mutex_unlock(&registry_lock);
	mutex_destroy(&g->lock);
	kfree_rcu(g, rcu);
}

/**
 * resv_registry_put() - drop a reference
 * @g: entry
 *
 * Context: may sleep; not under registry_lock.
 */
void resv_registry_put(struct resv_group *g)
{
	kref_put_mutex(&g->ref, release, &registry_lock);
}

/**
 * resv_registry_next() - go through all entries
 * @prev: the previous entry, whose reference is dropped, or NULL for the first one
 *
 * Entries that are added or die meanwhile may be returned or not.
 *
 * Context: may sleep; no entry is locked.
 * Return: an entry with a reference, or NULL after the last one
 */
struct resv_group *resv_registry_next(struct resv_group *prev)
{
	struct list_head *next;
	struct resv_group *g = NULL;

	table_lock();
	/* The caller's reference keeps @prev on the list. */
	next = prev ? prev->all.next : entries.next;
	if (next != &entries) {
		g = list_entry(next, struct resv_group, all);
		kref_get(&g->ref);
	}
	table_unlock();
	if (prev)
		resv_registry_put(prev);
	return g;
}

static struct resv_group *make(const struct kobject *kobj, int id, gfp_t gfp)
{
	struct resv_group *g = kzalloc(sizeof(*g), gfp);

	if (!g)
		return NULL;
	/* The table's reference. */
	kref_init(&g->ref);
	mutex_init(&g->lock);
	INIT_HLIST_HEAD(&g->leaving);
	resv_hw_init(&g->hw);
	g->kobj = kobj;
	g->id = id;
	return g;
}

static void bury_unlocked(struct resv_group *g)
{
	mutex_lock(&g->lock);
	resv_registry_bury(g);
	mutex_unlock(&g->lock);
	resv_registry_put(g);
}

/**
 * resv_registry_find() - find the entry of a group
 * @kobj: kobject of a live group
 * @id: number of the group
 *
 * Context: may sleep.
 * Return: the entry with a reference, or NULL
 */
struct resv_group *resv_registry_find(const struct kobject *kobj, int id)
{
	struct resv_group *g;

	table_lock();
	g = find_kobj(kobj);
	if (g && g->id != id)
		g = NULL;
	if (g)
		kref_get(&g->ref);
	table_unlock();
	return g;
}

/*
 * @alive: the group is alive, so an entry with only its address or only its number
 * belongs to a dead group.
 */
static struct resv_group *get(const struct kobject *kobj, int id, bool alive,
			      gfp_t gfp)
{
	struct resv_group *fresh = NULL, *old, *g;

	for (;;) {
		table_lock();
		g = find_kobj(kobj);
		if (g && g->id == id)
			break;
		old = g ?: find_id(id);
		if (!old && fresh) {
			g = fresh;
			fresh = NULL;
			hash_add_rcu(by_kobj, &g->by_kobj, (unsigned long)kobj);
			hash_add_rcu(by_id, &g->by_id, id);
			list_add_tail(&g->all, &entries);
			break;
		}
		if (old && alive)
			kref_get(&old->ref);
		table_unlock();
		if (old && !alive) {
			kfree(fresh);
			return ERR_PTR(-ESTALE);
		}
		if (old) {
			bury_unlocked(old);
			continue;
		}
		fresh = make(kobj, id, gfp);
		if (!fresh)
			return ERR_PTR(-ENOMEM);
	}
	g->seen = true;
	kref_get(&g->ref);
	table_unlock();
	kfree(fresh);
	return g;
}

/**
 * resv_registry_get() - find the entry of a live group, or make it
 * @kobj: kobject of the group, which the caller keeps alive
 * @id: number of the group
 * @gfp: for a new entry
 *
 * Context: may sleep; no entry is locked.
 * Return: the entry with a reference, or NULL if an allocation failed
 */
struct resv_group *resv_registry_get(const struct kobject *kobj, int id,
				     gfp_t gfp)
{
	struct resv_group *g = get(kobj, id, true, gfp);

	return IS_ERR(g) ? NULL : g;
}

/**
 * resv_registry_get_listed() - find or make the entry of a group of the kernel's list
 * @kobj: its kobject, which may be freed: only its address is used
 * @id: its number
 *
 * Call it after resv_registry_compare_end().  An entry with only the group's address or
 * only its number was made after the list, so the group of the list has died since.
 *
 * Context: may sleep; no entry is locked.
 * Return: the entry with a reference, or an error pointer: -ESTALE if the group has died,
 *	-ENOMEM
 */
struct resv_group *resv_registry_get_listed(const struct kobject *kobj, int id)
{
	return get(kobj, id, false, GFP_KERNEL);
}

/**
 * resv_registry_set_state() - change the state of an entry
 * @g: entry, locked, not dead
 * @state: LIVE or DEPARTING
 *
 * Context: may sleep.
 */
void resv_registry_set_state(struct resv_group *g, enum resv_group_state state)
{
	table_lock();
	g->state = state;
	table_unlock();
}

/**
 * resv_registry_set_folder() - note that our folder was made or removed
 * @g: entry, locked
 * @folder: sysfs folder of the group, or NULL if ours was removed
 *
 * Context: may sleep.
 */
void resv_registry_set_folder(struct resv_group *g, const void *folder)
{
	table_lock();
	g->folder = folder;
	table_unlock();
}

/**
 * resv_registry_forget() - drop all data about a group
 * @g: entry, locked
 *
 * Context: may sleep; the group's mutex is not held, and the group may be dead.
 */
void resv_registry_forget(struct resv_group *g)
{
	struct resv_snapshot *old;

	if (g->known) {
		resv_features_removed(resv_group_of(g->kobj), g->id);
		resv_attach_remove(resv_group_of(g->kobj));
		g->known = false;
	}
	old = rcu_dereference_protected(g->snapshot, lockdep_is_held(&g->lock));
	/* Clear the pointer first: readers retry until they get a reference. */
	RCU_INIT_POINTER(g->snapshot, NULL);
	if (old)
		resv_snapshot_put(old);
	resv_hw_free(&g->hw);
	resv_hw_init(&g->hw);
	WRITE_ONCE(g->looked, false);
	resv_registry_set_folder(g, NULL);
}

/**
 * resv_registry_bury() - take an entry out of the table
 * @g: entry, locked; the caller has a reference
 *
 * The group is dead, or it has neither a device nor our folder.
 *
 * Context: see resv_registry_forget().
 */
void resv_registry_bury(struct resv_group *g)
{
	if (g->state == RESV_GROUP_DEAD)
		return;
	resv_registry_forget(g);
	table_lock();
	g->state = RESV_GROUP_DEAD;
	hash_del_rcu(&g->by_kobj);
	hash_del_rcu(&g->by_id);
	table_unlock();
	/* The table's reference; the caller still has one. */
	resv_registry_put(g);
}

/**
 * resv_registry_compare_begin() - begin a comparison of the kernel's list with the table
 *
 * Context: may sleep; the caller reads the list afterwards, so that it contains every
 *	live group that has an entry now.
 */
void resv_registry_compare_begin(void)
{
	struct resv_group *g;

	table_lock();
	list_for_each_entry(g, &entries, all)
		g->seen = false;
	table_unlock();
}

/**
 * resv_registry_compare() - compare a group of the kernel's list with the table
 * @kobj: its kobject, which may be freed: only its address is used
 * @id: its number
 * @folder: its sysfs folder: only its address is used
 *
 * Context: may sleep.
 * Return: true if the group need not be looked at now
 */
bool resv_registry_compare(const struct kobject *kobj, int id,
			   const void *folder)
{
	struct resv_group *g;
	bool known = false;

	table_lock();
	g = find_kobj(kobj);
	if (g && g->id == id) {
		g->seen = true;
		/* With another folder it is the entry of a dead group. */
		known = g->state == RESV_GROUP_DEPARTING ||
			(READ_ONCE(g->looked) && !READ_ONCE(g->stale) &&
			 (!g->folder || g->folder == folder));
	}
	table_unlock();
	return known;
}

static bool is_seen(const struct resv_group *g)
{
	bool seen;

	table_lock();
	seen = g->seen;
	table_unlock();
	return seen;
}

static struct resv_group *first_unseen(void)
{
	struct resv_group *g, *found = NULL;

	table_lock();
	list_for_each_entry(g, &entries, all)
		if (!g->seen && g->state != RESV_GROUP_DEAD) {
			kref_get(&g->ref);
			found = g;
			break;
		}
	table_unlock();
	return found;
}

/**
 * resv_registry_compare_end() - bury the entries of groups that are not on the list
 *
 * Context: may sleep; no entry is locked.
 */
void resv_registry_compare_end(void)
{
	struct resv_group *g;

	while ((g = first_unseen())) {
		mutex_lock(&g->lock);
		/* A new group may have reused the address, number and entry. */
		if (!is_seen(g))
			resv_registry_bury(g);
		mutex_unlock(&g->lock);
		resv_registry_put(g);
	}
}

/**
 * resv_registry_mark_stale() - let the next comparison look at a group again
 * @id: its number
 *
 * Context: any.
 */
void resv_registry_mark_stale(int id)
{
	struct resv_group *g;

	rcu_read_lock();
	g = find_id(id);
	if (g)
		WRITE_ONCE(g->stale, true);
	rcu_read_unlock();
}

/**
 * resv_groups_quiesce() - wait for tasks that look at a group or change one
 *
 * Tasks that begin to do so later see what the caller has done before.
 *
 * Context: may sleep; no entry is locked.
 */
void resv_groups_quiesce(void)
{
	struct resv_group *g = NULL;

	while ((g = resv_registry_next(g))) {
		mutex_lock(&g->lock);
		mutex_unlock(&g->lock);
	}
}

/**
 * resv_groups_count() - count the groups and their memory
 * @bytes: set to the memory that the groups take
 *
 * Context: may sleep.
 * Return: number of groups shown
 */
unsigned int resv_groups_count(size_t *bytes)
{
	struct resv_snapshot *snapshot;
	struct resv_group *g = NULL;
	const struct resv_hw *hw;
	unsigned int nr = 0;

	*bytes = 0;
	while ((g = resv_registry_next(g))) {
		mutex_lock(&g->lock);
		snapshot = rcu_dereference_protected(g->snapshot,
						     lockdep_is_held(&g->lock));
		if (snapshot) {
			nr++;
			*bytes += ksize(g) + resv_snapshot_bytes(snapshot);
			for (hw = g->hw.first; hw; hw = hw->next)
				*bytes += ksize(hw);
		}
		mutex_unlock(&g->lock);
	}
	return nr;
}

#ifdef RESV_TEST
/*
 * Act as if a group had died without an event; its files stay for a while.  A reader that
 * comes between the two steps finds the entry, and must see that nothing is known.
 */
static int bury_set(const char *val, const struct kernel_param *kp)
{
	struct resv_group *g;
	int id;

	if (kstrtoint(val, 10, &id))
		return -EINVAL;
	table_lock();
	g = find_id(id);
	if (g)
		kref_get(&g->ref);
	table_unlock();
	if (!g)
		return -ENOENT;
	mutex_lock(&g->lock);
	resv_registry_forget(g);
	mutex_unlock(&g->lock);
	msleep(200);
	bury_unlocked(g);
	return 0;
}

static const struct kernel_param_ops bury_ops = {
	.set = bury_set,
};

module_param_cb(test_bury, &bury_ops, NULL, 0200);
MODULE_PARM_DESC(test_bury, "number of a group whose entry is to be buried");
#endif
