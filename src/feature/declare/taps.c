// SPDX-License-Identifier: GPL-2.0-only
/*
 * How declared regions get on the kernel's lists.
 *
 * A kprobe at the entry of a function adds them to the list that the function gets as an
 * argument.  The function is the IOMMU driver's own, which lists the regions of a device;
 * or, if kfree() does not free the entries of that list, iommu_get_group_resv_regions(),
 * which lists the regions of a group.  Or else the livepatch, which replaces
 * iommu_get_group_resv_regions(), adds them to the list of each device.
 *
 * iommufd asks for the lists of single devices: if the kernel has iommufd, the kprobe on
 * the function of groups counts as not working.
 *
 * An entry of a kernel list belongs to the caller that asked for the list, and the caller
 * frees it by kfree().  A kprobe runs with preemption off, where PREEMPT_RT forbids every
 * allocation, so the entries come from a stock (hook/stock.h).
 *
 * The kprobes are installed while something is declared, or a write to declare something
 * is under way.  Otherwise a kprobe is installed once, to test it, when a group that
 * needs it is first looked at, and is removed again; during a walk over all groups the
 * kprobes stay until its end.  A kprobe that does not work stays in the table of hooks,
 * which shows the reason.
 *
 * The taps read the table under RCU, and take no lock.
 */
#include <linux/device.h>
#include <linux/kernel.h>
#include <linux/ratelimit.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "compat/regs.h"
#include "feature/declare/declare.h"
#include "group/group.h"
#include "hook/engine.h"
#include "hook/stock.h"
#include "hook/fault.h"
#include "hook/list.h"
#include "source/hw.h"
#include "source/native.h"

/*
 * If this module makes the lists: does it refuse maps that overlap a region?  Set by the
 * last walk over all groups, or when a group was looked at later.
 */
static bool maps_checked;
static bool maps_checked_in_walk;

/* Was a kprobe inert after the last get_kprobes()?  Under resv_declare_lock. */
static bool kprobe_inert;

#define NOT_NEEDED	"nothing is declared"
#define LISTS		"added to the lists that reserved_regions and VFIO use"

/* All under resv_declare_lock */
static unsigned int changes;	/* writes to files that are under way */
static bool walking;		/* a walk over all groups is under way */
static const char *resting;	/* backend of the kprobes, which passed and are removed */

/* Functions on which a kprobe has passed its self-test since the last walk began. */
static unsigned long working[RESV_MAX_CALLBACKS];
static unsigned int nr_working;
static bool other_works;	/* the same, for the function of groups or of a test */

/**
 * resv_declare_set_entry() - make an entry of a kernel list for a declared region
 * @region: the entry; only its start, length and type are set
 * @start: first address
 * @end: last address
 *
 * Context: any.
 */
void resv_declare_set_entry(struct iommu_resv_region *region, u64 start, u64 end)
{
	region->start = start;
	region->length = end - start + 1;
	/* Not DIRECT, which kernels map 1:1, nor MSI, with which they make no cookie. */
	region->type = IOMMU_RESV_RESERVED;
}

/**
 * resv_declare_is_marked() - is the mark of a self-test on a list?
 * @head: list that the test has asked for
 *
 * Context: any.
 * Return: true if it is
 */
bool resv_declare_is_marked(const struct list_head *head)
{
	const struct iommu_resv_region *region;

	list_for_each_entry(region, head, list)
		if (region->start == RESV_DECLARE_MARK &&
		    region->length == RESV_DECLARE_MARK_END - RESV_DECLARE_MARK + 1 &&
		    region->type == IOMMU_RESV_RESERVED)
			return true;
	return false;
}

/* VFIO and iommufd must both heed a region that is "enforced"; iommufd lists devices. */
static bool test_mark(struct resv_hook *hook, struct iommu_group *group)
{
	return resv_tap_marked(hook, group, resv_declare_is_marked) &&
	       (!IS_ENABLED(CONFIG_IOMMUFD) ||
		resv_tap_marked_devices(hook, group, resv_declare_is_marked));
}

/**
 * resv_declared_is_for() - does a region belong on the list of a device?
 * @d: region in the table
 * @dev: the device.  One that is being added already has its name and its group
 *	(__iommu_probe_device()), so its new DMA domain reserves the regions.
 * @model: state of the caller's walk over the table; the caller sets it to NULL before
 *	the first entry
 *
 * Context: under rcu_read_lock(); does not sleep.
 * Return: true if it does
 */
bool resv_declared_is_for(const struct resv_declared *d, const struct device *dev,
			  const struct resv_declared **model)
{
	const struct iommu_group *group;

	if (d->model && d->model != resv_hw_model(dev))
		return false;
	/* Use the model's entry only if the device has no entry of its own yet. */
	if (resv_declared_is_model(d))
		return *model != d && !READ_ONCE(d->held);
	if (d->device[0]) {
		if (strcmp(d->device, dev_name(dev)))
			return false;
		if (d->of)
			*model = d->of;
		return !READ_ONCE(d->held);
	}
	group = READ_ONCE(d->group);
	return group && group == dev->iommu_group;
}

/* Take an entry from @spare, or from the stock if that is NULL. */
static struct iommu_resv_region *take(struct list_head *spare, u64 start, u64 end)
{
	struct iommu_resv_region *region;

	if (spare) {
		region = list_first_entry_or_null(spare,
						  struct iommu_resv_region,
						  list);
		if (region)
			list_del(&region->list);
	} else {
		region = resv_stock_get();
	}
	if (region)
		resv_declare_set_entry(region, start, end);
	return region;
}

static unsigned int add_to_device(struct device *dev, struct list_head *head,
				  bool mark, struct list_head *spare)
{
	const struct resv_declared *d, *model = NULL;
	struct iommu_resv_region *region;
	unsigned int lost = 0;

	if (mark) {
		region = take(spare, RESV_DECLARE_MARK, RESV_DECLARE_MARK_END);
		if (region)
			list_add_tail(&region->list, head);
		else
			lost++;
	}
	if (resv_bypassed())
		return lost;
	rcu_read_lock();
	list_for_each_entry_rcu(d, &resv_declared_list, node) {
		/* iommufd.c may have added it already. */
		if (!resv_declared_is_for(d, dev, &model) ||
		    resv_declared_is_listed(d, head))
			continue;
		region = take(spare, d->start, d->end);
		if (region)
			list_add_tail(&region->list, head);
		else
			lost++;
	}
	rcu_read_unlock();
	return lost;
}

static unsigned int add_to_group(struct iommu_group *group,
				 struct list_head *head, bool mark)
{
	struct iommu_resv_region *region;
	const struct resv_declared *d;
	unsigned int lost = 0;
	LIST_HEAD(absorbed);

	if (mark) {
		region = take(NULL, RESV_DECLARE_MARK, RESV_DECLARE_MARK_END);
		if (region)
			resv_list_insert(head, region, &absorbed);
		else
			lost++;
	}
	if (resv_bypassed())
		return lost;
	rcu_read_lock();
	list_for_each_entry_rcu(d, &resv_declared_list, node) {
		if (READ_ONCE(d->group) != group || READ_ONCE(d->held))
			continue;
		region = take(NULL, d->start, d->end);
		if (region)
			resv_list_insert(head, region, &absorbed);
		else
			lost++;
	}
	rcu_read_unlock();
	resv_stock_take_back(&absorbed);
	return lost;
}

static void log_lost(struct resv_call *call, unsigned int lost)
{
	if (likely(!lost))
		return;
	resv_call_lost(call, lost);
	/* Count before the function returns: the guard compares the counter then. */
	resv_declare_guard_lost(lost);
	pr_warn_ratelimited("out of memory: %u declared regions are missing from a list\n",
			    lost);
}

/* void get_resv_regions(struct device *dev, struct list_head *head) of a driver */
static bool enter_device(struct resv_call *call)
{
	log_lost(call, add_to_device((void *)compat_argument(call->regs, 0),
				     (void *)compat_argument(call->regs, 1),
				     call->marking, NULL));
	return true;
}

/* int iommu_get_group_resv_regions(struct iommu_group *group, struct list_head *head) */
static bool enter_group(struct resv_call *call)
{
	log_lost(call, add_to_group((void *)compat_argument(call->regs, 0),
				    (void *)compat_argument(call->regs, 1),
				    call->marking));
	return true;
}

/*
 * The livepatch calls this after it has listed the regions of a device.  This reads the
 * table twice, and the table may grow in between, but not by a region of this group: a
 * region is put in force only while the group is free, under its mutex.  A caller that
 * lists a group holds the mutex; iommufd, which lists a device, has claimed the group
 * before (iommu_device_claim_dma_owner()).
 */
static int append_to_device(struct device *dev, struct list_head *head, bool mark,
			    gfp_t gfp)
{
	const struct resv_declared *d, *model = NULL;
	struct iommu_resv_region *region, *next;
	unsigned int nr = mark, lost;
	LIST_HEAD(spare);

	rcu_read_lock();
	list_for_each_entry_rcu(d, &resv_declared_list, node)
		nr += resv_declared_is_for(d, dev, &model);
	rcu_read_unlock();
	while (nr--) {
		region = kzalloc(sizeof(*region), gfp);
		if (!region)
			break;
		list_add(&region->list, &spare);
	}
	lost = add_to_device(dev, head, mark, &spare);
	list_for_each_entry_safe(region, next, &spare, list)
		kfree(region);
	return lost ? -ENOMEM : 0;
}

#define LOSS	"declared regions are not enforced"

static const struct resv_tap device_tap = {
	.module = "",
	.enter = enter_device,
	.test = test_mark,
	.required = true,
	.again = resv_groups_rescan_soon,
	.loss = LOSS,
};

static const struct resv_tap group_tap = {
	.symbol = "iommu_get_group_resv_regions",
	.module = "",
	.enter = enter_group,
	.test = test_mark,
	.required = true,
	.failed = IS_ENABLED(CONFIG_IOMMUFD) ?
		  "iommufd lists the regions of devices, which it does by another function" : NULL,
	.again = resv_groups_rescan_soon,
	.loss = LOSS,
};

static const struct resv_tap livepatch_tap = {
	.symbol = "iommu_get_group_resv_regions",
	.module = "",
	.append = append_to_device,
	.test = test_mark,
	.livepatch = true,
	.loss = "declared regions are not enforced by the livepatch",
};

/* A test gives the function to hook instead of the drivers' own. */
static struct resv_tap test_tap = {
	.module = "",
	.enter = enter_device,
	.test = test_mark,
	.required = true,
	.again = resv_groups_rescan_soon,
	.loss = LOSS,
};

/* The kprobes come first. */
const struct resv_tap *const resv_declare_taps[RESV_DECLARE_TAPS] = {
	&device_tap,
	&group_tap,
#ifdef RESV_TEST
	&test_tap,
#endif
	&livepatch_tap,
};

#define NR_KPROBES	(RESV_DECLARE_TAPS - 1)

/**
 * resv_declare_enforced_in() - does this mode enforce a region that is declared now?
 * @mode: mode of the hooks
 *
 * Context: may sleep.
 * Return: true if it does
 */
bool resv_declare_enforced_in(enum resv_hook_mode mode)
{
	if (mode == RESV_HOOKS_NONE)
		return false;
	/* A region can be declared only if kprobes work. */
	return mode != RESV_HOOKS_LIVEPATCH || !resv_native_list() ||
	       resv_tap_state(&livepatch_tap, NULL) == RESV_TAP_WORKS;
}

/*
 * Use the function of groups?  Yes if devices' lists cannot be edited, or a device has
 * none.
 */
static bool by_group(const struct resv_facts *c)
{
	return !COMPAT_DEVICE_LISTS_EDITABLE || c->no_callback ||
	       resv_test_group_level();
}

/* Return: true if kprobes add the group's regions to the kernel's lists */
static bool get_kprobes(const struct resv_facts *c, struct iommu_group *group)
{
	bool works = c->nr_callbacks;
	unsigned int i;

	if (resv_test_symbol()) {
		test_tap.symbol = resv_test_symbol();
		return resv_tap_get(&test_tap, 0, group);
	}
	if (by_group(c))
		return resv_tap_get(&group_tap, 0, group);
	for (i = 0; i < c->nr_callbacks; i++)
		works &= resv_tap_get(&device_tap, c->callbacks[i], group);
	return works;
}

/*
 * A kprobe that is inert now has failed for other groups, too, which show "enforced"
 * until they are looked at again.  If it works again later, the engine calls again() of
 * the taps.
 */
static void note_failure(void)
{
	bool inert = false;
	unsigned int i;

	for (i = 0; i < NR_KPROBES; i++)
		inert |= resv_tap_state(resv_declare_taps[i], NULL) ==
			 RESV_TAP_INERT;
	mutex_lock(&resv_declare_lock);
	if (inert && !kprobe_inert)
		resv_groups_rescan_soon();
	kprobe_inert = inert;
	mutex_unlock(&resv_declare_lock);
}

static bool is_working(unsigned long address)
{
	unsigned int i;

	for (i = 0; i < nr_working; i++)
		if (working[i] == address)
			return true;
	return false;
}

/* With resv_declare_lock held. */
static void note_working(const struct resv_facts *c)
{
	unsigned int i;

	if (resv_test_symbol() || by_group(c)) {
		other_works = true;
		return;
	}
	for (i = 0; i < c->nr_callbacks; i++)
		if (!is_working(c->callbacks[i]) && nr_working < ARRAY_SIZE(working))
			working[nr_working++] = c->callbacks[i];
}

/* With resv_declare_lock held.  Return: the kprobes of the group are known to work */
static bool known_to_work(const struct resv_facts *c)
{
	bool works = c->nr_callbacks;
	unsigned int i;

	if (resv_test_symbol() || by_group(c))
		return other_works;
	for (i = 0; i < c->nr_callbacks; i++)
		works &= is_working(c->callbacks[i]);
	return works;
}

/* With resv_declare_lock held. */
static bool is_needed(void)
{
	return changes || walking || !list_empty(&resv_declared_list);
}

/**
 * resv_declare_rest() - remove the kprobes if they work and nothing is declared
 *
 * Context: sleeps for grace periods; resv_declare_lock is not held.
 */
void resv_declare_rest(void)
{
	const char *backend = NULL, *reason;
	enum resv_tap_state state;
	unsigned int i;

	mutex_lock(&resv_declare_lock);
	if (is_needed())
		goto unlock;
	for (i = 0; i < NR_KPROBES; i++) {
		state = resv_tap_state(resv_declare_taps[i], &reason);
		if (state == RESV_TAP_WORKS)
			backend = resv_tap_backend(resv_declare_taps[i]);
		/*
		 * Continue if the tap is at no place.  A reason means that its place
		 * was not tested yet.
		 */
		else if (state != RESV_TAP_OUT || reason)
			goto unlock;
	}
	if (!backend)
		goto unlock;
	resv_tap_put_all(resv_declare_taps, NR_KPROBES, NOT_NEEDED);
	resting = backend;
unlock:
	mutex_unlock(&resv_declare_lock);
}

/**
 * resv_declare_change_begin() - a write that declares or removes a region begins
 *
 * When the write then looks at the group, the kprobes are installed.
 *
 * Context: may sleep; resv_declare_lock is not held.
 */
void resv_declare_change_begin(void)
{
	mutex_lock(&resv_declare_lock);
	changes++;
	mutex_unlock(&resv_declare_lock);
}

/**
 * resv_declare_change_end() - the write is over, whether it succeeded or failed
 *
 * Context: sleeps for grace periods; resv_declare_lock is not held.
 */
void resv_declare_change_end(void)
{
	mutex_lock(&resv_declare_lock);
	changes--;
	mutex_unlock(&resv_declare_lock);
	resv_declare_rest();
}

/* Return: as get_kprobes(); while nothing is declared, the result of the last self-test */
static bool have_kprobes(const struct resv_facts *c, struct iommu_group *group)
{
	bool works;

	mutex_lock(&resv_declare_lock);
	works = resting && !is_needed() && known_to_work(c);
	if (!works)
		resting = NULL;
	mutex_unlock(&resv_declare_lock);
	if (works)
		return true;
	works = get_kprobes(c, group);
	note_failure();
	if (works) {
		mutex_lock(&resv_declare_lock);
		note_working(c);
		mutex_unlock(&resv_declare_lock);
	}
	return works;
}

/**
 * resv_declare_prepare() - get the taps that add regions to a group's lists
 * @c: facts; all devices of the group are known.  Sets @c->hooked.
 *
 * Context: the lock of the group's entry is held; may sleep.
 */
void resv_declare_prepare(struct resv_facts *c)
{
	/* iommu_get_group_resv_regions() since v6.1 stops at a device without an IOMMU. */
	struct iommu_group *group = c->no_iommu ? NULL : c->group;
	bool works, guarded, any;

	if (c->own_list) {
		c->hooked = c->checked;
		if (c->checked) {
			WRITE_ONCE(maps_checked_in_walk, true);
			WRITE_ONCE(maps_checked, true);
		}
		return;
	}
	mutex_lock(&resv_declare_lock);
	/* Stock the mark of a self-test; if this fails, the taps report what they lack. */
	resv_declared_stock(0);
	any = !list_empty(&resv_declared_list);
	mutex_unlock(&resv_declare_lock);
	/*
	 * Test the livepatch first, because kprobes replace it if it does not work any
	 * more.  Test it in mode "none", too: the mode changes only after the livepatch
	 * has passed its test.
	 */
	works = resv_tap_get(&livepatch_tap, 0, group) && group;
	if (resv_hooks_by_kprobe())
		works |= have_kprobes(c, group);
	/* With the livepatch the guard is only an additional check, if kprobes work. */
	guarded = !any || resv_declare_guard_get(group);
	works &= guarded || !resv_hooks_by_kprobe();
	/* If the mode has become "none" meanwhile, the taps are about to be removed. */
	c->hooked = works && resv_hooks_mode() != RESV_HOOKS_NONE;
	if (resv_hooks_by_kprobe())
		resv_declare_rest();
}

/**
 * resv_declare_walk_begin() - a walk over all groups begins
 *
 * Context: may sleep; resv_declare_lock is not held.
 */
void resv_declare_walk_begin(void)
{
	WRITE_ONCE(maps_checked_in_walk, false);
	mutex_lock(&resv_declare_lock);
	walking = true;
	/* Each kprobe is to be tested again. */
	nr_working = 0;
	other_works = false;
	mutex_unlock(&resv_declare_lock);
}

/**
 * resv_declare_taps_walked() - the walk has looked at all groups
 *
 * Context: sleeps for grace periods; resv_declare_lock is not held.
 */
void resv_declare_taps_walked(void)
{
	WRITE_ONCE(maps_checked, READ_ONCE(maps_checked_in_walk));
	mutex_lock(&resv_declare_lock);
	walking = false;
	mutex_unlock(&resv_declare_lock);
	resv_declare_rest();
}

/* Report the state of the taps.  @mode is not "none", and the kernel makes the lists. */
static void hooked_status(struct resv_status *s, enum resv_hook_mode mode)
{
	const char *inert = NULL, *reason = NULL, *probe;
	const char *by = "livepatch";
	const char *rests = NULL, *what = LISTS;
	enum resv_tap_state state;
	bool livepatch;
	unsigned int i;

	mutex_lock(&resv_declare_lock);
	if (resv_hooks_by_kprobe())
		rests = resting;
	mutex_unlock(&resv_declare_lock);
	probe = rests;
	for (i = 0; resv_hooks_by_kprobe() && i < NR_KPROBES; i++) {
		state = resv_tap_state(resv_declare_taps[i], &reason);
		if (state == RESV_TAP_WORKS && !probe)
			probe = resv_tap_backend(resv_declare_taps[i]);
		if (state == RESV_TAP_INERT)
			inert = reason;
	}
	if (resv_hooks_by_kprobe() && resv_declare_guard_broken())
		inert = resv_declare_guard_broken();
	state = resv_tap_state(&livepatch_tap, &reason);
	livepatch = state == RESV_TAP_WORKS;
	if (mode == RESV_HOOKS_LIVEPATCH && state == RESV_TAP_INERT)
		inert = reason;
	if (probe && livepatch)
		by = strcmp(probe, "ftrace") ? "kprobe,livepatch" :
					       "ftrace,livepatch";
	else if (probe)
		by = probe;
	if (rests && !livepatch)
		what = "tested; installed while a region is declared";
	else if (!resv_declare_iommufd_serves())
		what = LISTS "; a list of iommufd lacks one if memory is short";
	if (livepatch || (probe && !inert))
		resv_status_hooked(s, "declared-regions", by, what);
	else if (inert)
		resv_status_unknown(s, "declared-regions", inert);
	else
		resv_status_add(s, "declared-regions", RESV_STATUS_INERT,
				mode == RESV_HOOKS_LIVEPATCH ?
				"the livepatch is not active yet" :
				"no IOMMU driver that lists regions has been seen yet");
}

/**
 * resv_declare_status() - report which backend enforces declared regions here
 * @s: status to add to
 *
 * Context: may sleep.
 */
void resv_declare_status(struct resv_status *s)
{
	enum resv_hook_mode mode = resv_hooks_mode();

	if (mode == RESV_HOOKS_NONE)
		resv_status_add(s, "declared-regions", RESV_STATUS_INERT,
				"turned off by the parameter hooks=");
	else if (!resv_native_list())
		resv_status_add(s, "declared-regions", READ_ONCE(maps_checked) ?
				RESV_STATUS_ADDED : RESV_STATUS_INERT,
				"added to the list that this module makes: see map-checks");
	else
		hooked_status(s, mode);
}
