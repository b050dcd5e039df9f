// SPDX-License-Identifier: GPL-2.0-only
/*
 * One place: how it is installed, tested and removed, and which taps are at it.
 *
 * Life of a place: off -> active -> draining -> off, or off -> inert.  engine.c has the
 * table of places, the invariants and the locks.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "compat/klp.h"
#include "hook/place.h"
#include "hook/fault.h"

#define NOT_FIRING \
	"it does not fire when a group's regions are listed (inlined, or probes are turned off)"
#define NOT_TESTED	"not tested yet: no group of this driver can be listed"

#define EXCLUDED \
	"a livepatch has this function, and this kernel has no hook beside it"

static const char no_memory[] = "no memory";

/* The places.  The livepatch's place is always there, and always the last one. */
LIST_HEAD(resv_hooks);

static DEFINE_MUTEX(hooks_lock);
static enum resv_hook_mode mode;

struct resv_hook_test resv_hook_test;

/**
 * resv_hooks_mode() - the mode that is in force
 *
 * Context: any; the answer may be out of date.
 * Return: the mode
 */
enum resv_hook_mode resv_hooks_mode(void)
{
	return READ_ONCE(mode);
}

/**
 * resv_hooks_by_kprobe() - may kprobes hook for all features?
 *
 * Context: any; the answer may be out of date.
 * Return: true if the mode is "auto" or "kprobe"
 */
bool resv_hooks_by_kprobe(void)
{
	enum resv_hook_mode m = READ_ONCE(mode);

	return m == RESV_HOOKS_AUTO || m == RESV_HOOKS_KPROBE;
}

/**
 * resv_hooks_set_mode() - put another mode in force
 * @new: the mode
 *
 * Context: the lock of the hooks is held, or this module is being loaded.
 */
void resv_hooks_set_mode(enum resv_hook_mode new)
{
	WRITE_ONCE(mode, new);
}

/**
 * resv_hooks_lock() - take the lock of the hooks, which protects the table
 *
 * Context: may sleep.
 */
void resv_hooks_lock(void)
{
	mutex_lock(&hooks_lock);
}

/**
 * resv_hooks_unlock() - release the lock of the hooks
 *
 * Context: the lock is held.
 */
void resv_hooks_unlock(void)
{
	mutex_unlock(&hooks_lock);
}

/**
 * resv_hook_hits() - number of calls that a place has seen
 * @hook: the place
 *
 * Context: any.
 * Return: the number
 */
u64 resv_hook_hits(const struct resv_hook *hook)
{
	unsigned int cpu;
	u64 hits = 0;

	for_each_possible_cpu(cpu)
		hits += READ_ONCE(*per_cpu_ptr(hook->hits, cpu));
	return hits;
}

/**
 * resv_call_lost() - count allocations that failed in a tap
 * @call: the call
 * @nr: number of failed allocations
 *
 * Context: in enter() or leave() of a tap.
 */
void resv_call_lost(struct resv_call *call, unsigned int nr)
{
	atomic64_add(nr, &call->hook->lost);
}

/**
 * resv_tap_marking() - is this task inside the self-test of a tap?
 * @tap: the tap
 *
 * Context: any.
 * Return: true if the calling task makes a call that tests @tap
 */
bool resv_tap_marking(const struct resv_tap *tap)
{
	return READ_ONCE(resv_hook_test.task) == current &&
	       READ_ONCE(resv_hook_test.tap) == tap;
}

/* List a group as the kernel's own callers do; this call tests a tap. */
static int list_for_test(struct iommu_group *group, struct list_head *head)
{
	int ret;

	WRITE_ONCE(resv_hook_test.task, current);
	ret = compat_iommu_get_group_resv_regions(group, head);
	WRITE_ONCE(resv_hook_test.task, NULL);
	return ret;
}

static void free_list(struct list_head *head)
{
	struct iommu_resv_region *region, *next;

	list_for_each_entry_safe(region, next, head, list)
		kfree(region);
}

/**
 * resv_tap_marked() - does the tap leave its mark when the kernel lists a group?
 * @hook: place that is being tested
 * @group: live group, its mutex not held
 * @marked: is the mark on this list?
 *
 * Context: in test() of a tap; may sleep.
 * Return: true if the place was called and @marked returned true
 */
bool resv_tap_marked(struct resv_hook *hook, struct iommu_group *group,
		     bool (*marked)(const struct list_head *head))
{
	u64 before = resv_hook_hits(hook);
	LIST_HEAD(head);
	bool found;

	if (resv_test_step("self-test"))
		return false;
	list_for_test(group, &head);
	found = marked(&head);
	free_list(&head);
	return found && resv_hook_hits(hook) != before;
}

/**
 * resv_tap_result() - does the caller that lists a group get the result the tap set?
 * @hook: place that is being tested
 * @group: live group, its mutex not held
 * @result: what the tap makes the function return
 *
 * Context: in test() of a tap; may sleep.
 * Return: true if the place was called and the caller got @result
 */
bool resv_tap_result(struct resv_hook *hook, struct iommu_group *group, int result)
{
	u64 before = resv_hook_hits(hook);
	LIST_HEAD(head);
	int ret;

	if (resv_test_step("self-test"))
		return false;
	ret = list_for_test(group, &head);
	free_list(&head);
	return ret == result && resv_hook_hits(hook) != before;
}

/**
 * struct device_lists - state of resv_tap_marked_devices()
 * @marked: is the mark on this list?
 * @all: the mark was on the list of every device so far
 */
struct device_lists {
	bool (*marked)(const struct list_head *head);
	bool all;
};

/* Under the group's mutex. */
static int is_marked_list(struct device *dev, void *data)
{
	struct device_lists *lists = data;
	LIST_HEAD(head);

	if (compat_iommu_get_resv_regions(dev, &head)) {
		lists->all = false;
		return 0;
	}
	lists->all &= lists->marked(&head);
	compat_iommu_put_resv_regions(dev, &head);
	return 0;
}

/**
 * resv_tap_marked_devices() - does the tap leave its mark when each device is listed?
 * @hook: place that is being tested
 * @group: live group, its mutex not held
 * @marked: is the mark on this list?
 *
 * This calls iommu_get_resv_regions() for each device, as iommufd does
 * (iopt_table_enforce_dev_resv_regions()).
 *
 * Context: in test() of a tap; may sleep.
 * Return: true if the place was called and @marked returned true for each device
 */
bool resv_tap_marked_devices(struct resv_hook *hook, struct iommu_group *group,
			     bool (*marked)(const struct list_head *head))
{
	struct device_lists lists = { .marked = marked, .all = true };
	u64 before = resv_hook_hits(hook);

	WRITE_ONCE(resv_hook_test.task, current);
	iommu_group_for_each_dev(group, &lists, is_marked_list);
	WRITE_ONCE(resv_hook_test.task, NULL);
	return lists.all && resv_hook_hits(hook) != before;
}

/**
 * resv_place_missed() - number of calls that taps at a place missed, or had no memory for
 * @hook: the place
 *
 * Context: the lock of the hooks is held.
 * Return: the number since the place was installed
 */
u64 resv_place_missed(const struct resv_hook *hook)
{
	u64 missed = atomic64_read(&hook->lost);

	if (hook->backend->missed)
		missed += hook->backend->missed(hook);
	return missed;
}

/**
 * resv_hook_try() - run the test of every tap at a place
 * @hook: the place, which is installed
 * @group: for the tests, or NULL if none of them needs one
 * @unsure: set if a test failed while the place missed calls.  The test's own call may
 *	be one of them, so the result says nothing about the place
 *
 * Context: the lock of the hooks is held; may sleep.
 * Return: NULL if all tests passed or @unsure is set, else the first tap that failed
 */
const struct resv_tap *resv_hook_try(struct resv_hook *hook,
				     struct iommu_group *group, bool *unsure)
{
	const struct resv_tap *failed = NULL;
	struct resv_hook_tap *at;

	*unsure = false;
	WRITE_ONCE(resv_hook_test.hook, hook);
	list_for_each_entry(at, &hook->taps, node) {
		bool passed;
		u64 before;

		if (!at->tap->test)
			continue;
		WRITE_ONCE(resv_hook_test.tap, at->tap);
		before = resv_place_missed(hook);
		passed = at->tap->test(hook, group);
		if (!passed && resv_place_missed(hook) != before) {
			*unsure = true;
			break;
		}
		at->passed = passed;
		if (!passed) {
			failed = at->tap;
			break;
		}
	}
	WRITE_ONCE(resv_hook_test.tap, NULL);
	WRITE_ONCE(resv_hook_test.hook, NULL);
	return failed;
}

/**
 * resv_hook_go_inert() - mark a place as inert, and log the reason once
 * @hook: the place, with @other set if another user redirects the function
 * @reason: why; static text of this module
 *
 * Context: the lock of the hooks is held.
 */
void resv_hook_go_inert(struct resv_hook *hook, const char *reason)
{
	const struct resv_hook_tap *at;

	hook->state = RESV_HOOK_INERT;
	hook->reason = reason;
	if (hook->said == reason)
		return;
	hook->said = reason;
	at = list_first_entry_or_null(&hook->taps, struct resv_hook_tap, node);
	pr_warn("hook %s (%s) is off: %s%s%s; %s\n", hook->symbol,
		hook->backend->name, reason, hook->other[0] ? ": " : "",
		hook->other, at ? at->tap->loss : "nothing needs it");
}

/**
 * resv_hook_call_again() - tell all owners of taps that they may have missed calls
 *
 * Context: the lock of the hooks is held.
 */
void resv_hook_call_again(void)
{
	const struct resv_hook_tap *at;
	const struct resv_hook *hook;

	list_for_each_entry(hook, &resv_hooks, node) {
		if (!hook->installed)
			continue;
		list_for_each_entry(at, &hook->taps, node)
			if (at->tap->again)
				at->tap->again();
	}
}

static bool has_test(const struct resv_hook *hook)
{
	const struct resv_hook_tap *at;

	list_for_each_entry(at, &hook->taps, node)
		if (at->tap->test)
			return true;
	return false;
}

/* Can the tests at the place run with @group, which may be NULL? */
static bool can_test(const struct resv_hook *hook, const struct iommu_group *group)
{
	const struct resv_hook_tap *at;

	list_for_each_entry(at, &hook->taps, node)
		if (at->tap->test && !at->tap->any_group && !group)
			return false;
	return has_test(hook);
}

/**
 * resv_place_settle() - set the state of an installed place after a tap joined or left
 * @hook: the place
 *
 * A place whose taps have no test counts as active at once.  Its function is exported,
 * or called by address, and its callers are in other modules, so the compiler has not
 * inlined it for them.  The tested places show whether probes work at all.
 *
 * Context: the lock of the hooks is held.
 */
void resv_place_settle(struct resv_hook *hook)
{
	if (!has_test(hook)) {
		hook->state = RESV_HOOK_ACTIVE;
		hook->reason = NULL;
	} else if (hook->state == RESV_HOOK_OFF) {
		hook->reason = NOT_TESTED;
	}
}

/**
 * resv_place_tap() - find a tap at a place
 * @hook: the place
 * @tap: the tap
 *
 * Context: the lock of the hooks is held.
 * Return: the entry of the tap, or NULL if it is not at this place
 */
struct resv_hook_tap *resv_place_tap(const struct resv_hook *hook,
				     const struct resv_tap *tap)
{
	struct resv_hook_tap *at;

	list_for_each_entry(at, &hook->taps, node)
		if (at->tap == tap)
			return at;
	return NULL;
}

/**
 * resv_place_join() - add a tap to a place
 * @hook: the place
 * @tap: the tap
 *
 * Context: the lock of the hooks is held; may sleep.
 * Return: the new entry; or NULL if an allocation failed, or if the return has
 *	RESV_TAPS_RETURN taps already
 */
struct resv_hook_tap *resv_place_join(struct resv_hook *hook,
				      const struct resv_tap *tap)
{
	bool had_test = has_test(hook);
	struct resv_hook_tap *at;
	unsigned int nr = 0;

	list_for_each_entry(at, &hook->taps, node)
		nr++;
	if (WARN_ON_ONCE(tap->at_return && nr >= RESV_TAPS_RETURN))
		return NULL;
	at = kzalloc(sizeof(*at), GFP_KERNEL);
	if (!at)
		return NULL;
	at->tap = tap;
	list_add_tail_rcu(&at->node, &hook->taps);
	hook->tested = false;
	/* The place was active only because no tap had a test: now one has. */
	if (hook->state == RESV_HOOK_ACTIVE && tap->test && !had_test) {
		hook->state = RESV_HOOK_OFF;
		hook->reason = NOT_TESTED;
	}
	return at;
}

/**
 * resv_place_remove() - unhook a place
 * @hook: the place, which is installed
 *
 * On return no handler of the place is running.
 *
 * Context: the lock of the hooks is held; sleeps for a grace period.
 */
void resv_place_remove(struct resv_hook *hook)
{
	struct resv_hook_tap *at;

	hook->state = RESV_HOOK_DRAINING;
	hook->backend->remove(hook);
	hook->installed = false;
	hook->tested = false;
	hook->state = RESV_HOOK_OFF;
	list_for_each_entry(at, &hook->taps, node)
		at->passed = false;
}

/**
 * resv_place_free_taps() - free the entries of all taps at a place
 * @hook: the place, which is not installed
 *
 * Context: the lock of the hooks is held.
 */
void resv_place_free_taps(struct resv_hook *hook)
{
	struct resv_hook_tap *at, *next;

	list_for_each_entry_safe(at, next, &hook->taps, node) {
		list_del(&at->node);
		kfree(at);
	}
}

/**
 * resv_place_drop() - remove a place from the table and free it
 * @hook: the place, not that of the livepatch
 *
 * Context: the lock of the hooks is held; sleeps for a grace period.
 */
void resv_place_drop(struct resv_hook *hook)
{
	if (hook->installed)
		resv_place_remove(hook);
	list_del(&hook->node);
	resv_place_free_taps(hook);
	free_percpu(hook->hits);
	kfree(hook);
}

static bool redirected(struct resv_hook *hook)
{
	return resv_livepatch_other(hook->symbol, hook->module, hook->other,
				    sizeof(hook->other));
}

/**
 * resv_place_install() - have the backend hook a place
 * @hook: the place, which is not installed
 * @coming: the module with the function is being loaded
 *
 * Context: the lock of the hooks is held; may sleep.
 * Return: 0; -ENOENT if there is no such function now; or another errno, and the place
 * is inert
 */
int resv_place_install(struct resv_hook *hook, bool coming)
{
	int ret;

	hook->other[0] = '\0';
	hook->tested = false;
	if ((COMPAT_KLP_OVERWRITES || resv_test_overwrites()) && redirected(hook)) {
		resv_hook_go_inert(hook, EXCLUDED);
		return -EBUSY;
	}
	ret = resv_test_step("register_kprobe") ?: hook->backend->install(hook);
	/* v4.13 to about v5.8: the errno for a kretprobe in a module that is not loaded. */
	if (ret == -EINVAL && hook->module[0] && !coming)
		ret = -ENOENT;
	hook->installed = !ret;
	switch (ret) {
	case 0:
		resv_place_settle(hook);
		break;
	case -ENOENT:
		hook->absent = hook->module[0];
		if (hook->absent)
			hook->reason = RESV_NOT_LOADED;
		else if (!hook->address)
			resv_hook_go_inert(hook, "this kernel has no such function");
		break;
	case -EBUSY:
		/* Before v5.4 every kprobe at a function's entry claims the function. */
		if (!redirected(hook))
			strscpy(hook->other, "(not a livepatch)",
				sizeof(hook->other));
		resv_hook_go_inert(hook, "the function is already redirected");
		break;
	case -EOPNOTSUPP:
		resv_hook_go_inert(hook, "this kernel has no kprobes, or not of this kind");
		break;
	case -ENOMEM:
		resv_hook_go_inert(hook, no_memory);
		break;
	case -ENODEV:
		resv_hook_go_inert(hook, "ftrace is turned off (sysctl kernel.ftrace_enabled)");
		break;
	default:
		resv_hook_go_inert(hook, "the kernel does not allow a probe there");
	}
	return ret;
}

/**
 * resv_place_test() - test whether a place works
 * @hook: the place, which is installed
 * @group: for the tests, see resv_tap_get(); or NULL
 *
 * Context: the lock of the hooks is held; may sleep.
 */
void resv_place_test(struct resv_hook *hook, struct iommu_group *group)
{
	bool was_new = hook->state == RESV_HOOK_OFF;
	const struct resv_tap *failed;
	bool unsure;

	if (!can_test(hook, group))
		return;
	hook->tested = true;
	if (hook->backend->test) {
		hook->backend->test(hook, group);
		return;
	}
	failed = resv_hook_try(hook, group, &unsure);
	if (unsure) {
		/* Test again with the next group. */
		hook->tested = false;
		return;
	}
	if (!failed) {
		bool again = hook->state == RESV_HOOK_INERT;

		hook->state = RESV_HOOK_ACTIVE;
		hook->reason = NULL;
		hook->said = NULL;
		if (again) {
			pr_info("hook %s (%s) works again\n", hook->symbol,
				hook->backend->name);
			resv_hook_call_again();
		}
		return;
	}
	if (hook->state == RESV_HOOK_INERT)
		return;
	/* Keep a place that has worked before: an admin may turn probes on again. */
	if (was_new)
		resv_place_remove(hook);
	resv_hook_go_inert(hook, failed->failed ?: NOT_FIRING);
}

/**
 * resv_place_state() - state of a tap at a place
 * @hook: the place
 * @at: the tap there
 *
 * Context: the lock of the hooks is held.
 * Return: the state
 */
enum resv_tap_state resv_place_state(const struct resv_hook *hook,
				     const struct resv_hook_tap *at)
{
	if (hook->state == RESV_HOOK_INERT)
		return RESV_TAP_INERT;
	if (!hook->installed)
		return hook->absent ? RESV_TAP_WAITING : RESV_TAP_OUT;
	if (!at->tap->test)
		return RESV_TAP_WORKS;
	return at->passed && hook->state == RESV_HOOK_ACTIVE ? RESV_TAP_WORKS :
							       RESV_TAP_OUT;
}

/**
 * resv_place_retry() - let the next resv_tap_get() install a failed place again
 * @hook: the place
 *
 * Context: the lock of the hooks is held.
 */
void resv_place_retry(struct resv_hook *hook)
{
	if (hook->state == RESV_HOOK_INERT && !hook->installed &&
	    hook->backend->install)
		hook->state = RESV_HOOK_OFF;
}

/**
 * resv_place_short_of_memory() - did a place fail because an allocation failed?
 * @hook: the place
 *
 * Context: the lock of the hooks is held.
 * Return: true if it did
 */
bool resv_place_short_of_memory(const struct resv_hook *hook)
{
	return hook->reason == no_memory;
}
