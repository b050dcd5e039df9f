// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine of the hooks: which functions are hooked, for which taps, and why not.
 *
 * A place is the entry or the return of one function.  A tap comes to a place by
 * resv_tap_get() and leaves it by resv_tap_put(); the place is hooked while a tap is at
 * it.  The compiler may have inlined the function, and probes may be turned off on this
 * machine, so that a place that was installed has to prove itself: each tap that has a
 * test runs it, most of them by asking for a group's regions as the kernel's own callers
 * do.  The place must have been called, and the tap must have left its mark on the list.
 * A new place that fails is removed again and is inert.  One that has worked before
 * stays in, is inert, and works again when a later test passes.
 *
 * Life of a place: off -> active -> draining -> off, or off -> inert.
 *
 * Invariants:
 * - a place that is installed has a tap, but for that of the livepatch
 * - ACTIVE implies installed, and that every test at the place has passed
 * - a place by address is in the table only while the module with that address is loaded
 * - after resv_tap_put() no CPU runs a function of the tap
 *
 * Locks: hooks_lock is held while anything in the table changes.  It is taken under the
 * lock of a group's entry, and under the kernel's klp_mutex and the module notifiers'
 * rwsem; under it, the mutex of one group.  Taps are run under RCU (see kprobe.c), or
 * under a lock of the livepatch's.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/kallsyms.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "hook/engine.h"
#include "hook/place.h"
#include "hook/stock.h"
#include "inject.h"

#define NOT_FIRING \
	"it does not fire when a group's regions are listed (inlined, or probes are turned off)"
#define NOT_LOADED	"the module with this function is not loaded"
#define NOT_TESTED	"not tested yet: no group of this driver can be listed"

static const char no_memory[] = "no memory";

/* The livepatch's place is the last one, and stays. */
static LIST_HEAD(hooks);
static DEFINE_MUTEX(hooks_lock);
static bool closing;		/* nothing may be installed any more */

struct resv_hook_test resv_hook_test;

static LIST_HEAD(bypasses);
static DEFINE_RAW_SPINLOCK(bypass_lock);

/**
 * resv_hooks_lock() - hold the table still
 *
 * Context: may sleep.
 */
void resv_hooks_lock(void)
{
	mutex_lock(&hooks_lock);
}

/**
 * resv_hooks_unlock() - the opposite
 *
 * Context: the lock is held.
 */
void resv_hooks_unlock(void)
{
	mutex_unlock(&hooks_lock);
}

/**
 * resv_hook_hits() - calls that were seen
 * @hook: the place
 *
 * Context: any.
 * Return: their number
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
 * resv_call_lost() - a tap had no memory for something
 * @call: the call
 * @nr: how many times
 *
 * Context: in enter() or leave() of a tap.
 */
void resv_call_lost(struct resv_call *call, unsigned int nr)
{
	atomic64_add(nr, &call->hook->lost);
}

/**
 * resv_tap_marking() - is this task inside of the self-test of another tap?
 * @tap: that tap
 *
 * Context: any.
 * Return: the calling task makes a call that tests @tap
 */
bool resv_tap_marking(const struct resv_tap *tap)
{
	return READ_ONCE(resv_hook_test.task) == current &&
	       READ_ONCE(resv_hook_test.tap) == tap;
}

/**
 * resv_tap_marked() - does the tap leave its mark when the kernel lists a group?
 * @hook: place that is being tested
 * @group: live group, its mutex not held
 * @marked: is the mark on this list?
 *
 * Context: in test() of a tap; may sleep.
 * Return: the place was called, and @marked was true
 */
bool resv_tap_marked(struct resv_hook *hook, struct iommu_group *group,
		     bool (*marked)(const struct list_head *head))
{
	struct iommu_resv_region *region, *next;
	u64 before = resv_hook_hits(hook);
	LIST_HEAD(head);
	bool found;

	if (resv_test_step("self-test"))
		return false;
	WRITE_ONCE(resv_hook_test.task, current);
	compat_iommu_get_group_resv_regions(group, &head);
	WRITE_ONCE(resv_hook_test.task, NULL);
	found = marked(&head);
	list_for_each_entry_safe(region, next, &head, list)
		kfree(region);
	return found && resv_hook_hits(hook) != before;
}

/**
 * resv_hook_try() - run the test of every tap at a place
 * @hook: the place, which is in
 * @group: for the tests, or NULL if none of them needs one
 *
 * Context: the lock of the hooks is held; may sleep.
 * Return: NULL if all have passed, or the first tap whose test has failed
 */
const struct resv_tap *resv_hook_try(struct resv_hook *hook,
				     struct iommu_group *group)
{
	const struct resv_tap *failed = NULL;
	struct resv_hook_tap *at;

	WRITE_ONCE(resv_hook_test.hook, hook);
	list_for_each_entry(at, &hook->taps, node) {
		if (!at->tap->test)
			continue;
		WRITE_ONCE(resv_hook_test.tap, at->tap);
		at->passed = at->tap->test(hook, group);
		if (!at->passed) {
			failed = at->tap;
			break;
		}
	}
	WRITE_ONCE(resv_hook_test.tap, NULL);
	WRITE_ONCE(resv_hook_test.hook, NULL);
	return failed;
}

/**
 * resv_hook_go_inert() - a place does not work; say so once in the log
 * @hook: the place; @other is set if @reason is about somebody
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
		hook->backend->name, reason, hook->other[0] ? " " : "",
		hook->other, at ? at->tap->loss : "nothing needs it");
}

/**
 * resv_hook_call_again() - tell all owners of taps that calls may have been missed
 *
 * Context: the lock of the hooks is held.
 */
void resv_hook_call_again(void)
{
	const struct resv_hook_tap *at;
	const struct resv_hook *hook;

	list_for_each_entry(hook, &hooks, node) {
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

/* Can every test at the place be run with @group, which may be NULL? */
static bool can_test(const struct resv_hook *hook, const struct iommu_group *group)
{
	const struct resv_hook_tap *at;

	list_for_each_entry(at, &hook->taps, node)
		if (at->tap->test && !at->tap->any_group && !group)
			return false;
	return has_test(hook);
}

/*
 * The place is in, and a tap has come or left.  Nothing of this module calls a function
 * whose taps have no test.  Such a function is exported, or called by its address, and
 * its callers are in other modules, so that the compiler has not inlined it; that probes
 * work at all the tested places prove.
 */
static void settle(struct resv_hook *hook)
{
	if (!has_test(hook)) {
		hook->state = RESV_HOOK_ACTIVE;
		hook->reason = NULL;
	} else if (hook->state == RESV_HOOK_OFF) {
		hook->reason = NOT_TESTED;
	}
}

/* The name of the function at an address, without that of its module. */
static void name_of(unsigned long address, char name[RESV_SYMBOL_LEN])
{
	char *text = kzalloc(KSYM_SYMBOL_LEN, GFP_KERNEL);

	if (text)
		sprint_symbol_no_offset(text, address);
	strscpy(name, text && text[0] ? text : "?", RESV_SYMBOL_LEN);
	name[strcspn(name, " ")] = '\0';
	kfree(text);
}

static struct resv_hook_tap *tap_at(const struct resv_hook *hook,
				    const struct resv_tap *tap)
{
	struct resv_hook_tap *at;

	list_for_each_entry(at, &hook->taps, node)
		if (at->tap == tap)
			return at;
	return NULL;
}

static const struct resv_backend *backend_of(const struct resv_tap *tap)
{
	return tap->at_return ? &resv_kretprobe_backend : &resv_kprobe_backend;
}

static struct resv_hook *hook_find(const struct resv_tap *tap,
				   unsigned long address)
{
	struct resv_hook *hook;

	if (tap->livepatch)
		return IS_ENABLED(CONFIG_LIVEPATCH) ? &resv_livepatch_hook : NULL;
	list_for_each_entry(hook, &hooks, node)
		if (hook->backend == backend_of(tap) &&
		    (address ? hook->address == address :
			       !hook->address && !strcmp(hook->symbol, tap->symbol)))
			return hook;
	return NULL;
}

/* Return: the tap at the place, or NULL for lack of memory, or of room at a return */
static struct resv_hook_tap *tap_join(struct resv_hook *hook,
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
	/* It counted as working, as there was nothing to test it with. */
	if (hook->state == RESV_HOOK_ACTIVE && tap->test && !had_test) {
		hook->state = RESV_HOOK_OFF;
		hook->reason = NOT_TESTED;
	}
	return at;
}

/* Return: a place with the tap at it, which is not installed; or NULL */
static struct resv_hook *hook_new(const struct resv_tap *tap,
				  unsigned long address)
{
	struct resv_hook *hook;

	if (resv_test_step("new hook"))
		return NULL;
	hook = kzalloc(sizeof(*hook), GFP_KERNEL);
	if (!hook)
		return NULL;
	hook->hits = alloc_percpu(u64);
	if (!hook->hits)
		goto free_hook;
	INIT_LIST_HEAD(&hook->taps);
	if (!tap_join(hook, tap))
		goto free_hits;
	hook->address = address;
	if (address)
		name_of(address, hook->symbol);
	else
		strscpy(hook->symbol, tap->symbol, sizeof(hook->symbol));
	strscpy(hook->module, tap->module ?: "", sizeof(hook->module));
	hook->backend = backend_of(tap);
	/* Before that of the livepatch, if that is there. */
	list_add_tail(&hook->node, IS_ENABLED(CONFIG_LIVEPATCH) ?
		      &resv_livepatch_hook.node : &hooks);
	return hook;

free_hits:
	free_percpu(hook->hits);
free_hook:
	kfree(hook);
	return NULL;
}

/* Afterwards no handler of the place runs. */
static void hook_remove(struct resv_hook *hook)
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

static void free_taps(struct resv_hook *hook)
{
	struct resv_hook_tap *at, *next;

	list_for_each_entry_safe(at, next, &hook->taps, node) {
		list_del(&at->node);
		kfree(at);
	}
}

/* Not that of the livepatch. */
static void hook_drop(struct resv_hook *hook)
{
	if (hook->installed)
		hook_remove(hook);
	list_del(&hook->node);
	free_taps(hook);
	free_percpu(hook->hits);
	kfree(hook);
}

/* @coming: the module with the function is there, just now or since. */
static int hook_install(struct resv_hook *hook, bool coming)
{
	int ret;

	hook->other[0] = '\0';
	hook->tested = false;
	ret = resv_test_step("register_kprobe") ?: hook->backend->install(hook);
	/* v4.13 to v5.8 or so say that of a kretprobe in a module that is not there. */
	if (ret == -EINVAL && hook->module[0] && !coming)
		ret = -ENOENT;
	hook->installed = !ret;
	switch (ret) {
	case 0:
		settle(hook);
		break;
	case -ENOENT:
		hook->absent = hook->module[0];
		if (hook->absent)
			hook->reason = NOT_LOADED;
		else if (!hook->address)
			resv_hook_go_inert(hook, "this kernel has no such function");
		break;
	case -EBUSY:
		/* Before v5.0 or so every kprobe at a function's entry claims it. */
		if (!resv_livepatch_other(hook->symbol, hook->other,
					  sizeof(hook->other)))
			strscpy(hook->other, "(not a livepatch)",
				sizeof(hook->other));
		resv_hook_go_inert(hook, "somebody else redirects this function:");
		break;
	case -EOPNOTSUPP:
		resv_hook_go_inert(hook, "this kernel has no kprobes, or none here");
		break;
	case -ENOMEM:
		resv_hook_go_inert(hook, no_memory);
		break;
	case -ENODEV:
		resv_hook_go_inert(hook, "ftrace is turned off (sysctl kernel.ftrace_enabled)");
		break;
	default:
		resv_hook_go_inert(hook, "this kernel allows no probe there");
	}
	return ret;
}

static void hook_test(struct resv_hook *hook, struct iommu_group *group)
{
	bool was_new = hook->state == RESV_HOOK_OFF;
	const struct resv_tap *failed;

	if (!can_test(hook, group))
		return;
	hook->tested = true;
	if (hook->backend->test) {
		hook->backend->test(hook, group);
		return;
	}
	failed = resv_hook_try(hook, group);
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
	/* One that has worked before may do so again: probes were turned off. */
	if (was_new)
		hook_remove(hook);
	resv_hook_go_inert(hook, failed->failed ?: NOT_FIRING);
}

static enum resv_tap_state state_of(const struct resv_hook *hook,
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

/* Install a place that a tap wants.  Return: false if there is no such function now */
static bool want_installed(struct resv_hook *hook)
{
	/* The livepatch installs itself. */
	if (!hook->backend->install || hook->installed ||
	    hook->state != RESV_HOOK_OFF)
		return true;
	/* To look for a name takes long, and module_event() tells of the module. */
	if (hook->absent) {
		hook->reason = NOT_LOADED;
		return true;
	}
	return hook_install(hook, false) != -ENOENT;
}

static bool tap_get(const struct resv_tap *tap, unsigned long address,
		    struct iommu_group *group)
{
	struct resv_hook *hook;
	struct resv_hook_tap *at;

	if (closing)
		return false;
	/* The mode "none" leaves alone what somebody loads by hand. */
	if (!tap->livepatch && resv_hooks_mode() == RESV_HOOKS_NONE)
		return false;
	hook = hook_find(tap, address);
	if (!hook && !tap->livepatch)
		hook = hook_new(tap, address);
	if (!hook)
		return false;
	at = tap_at(hook, tap) ?: tap_join(hook, tap);
	if (!at)
		return false;
	if (!want_installed(hook) && hook->address) {
		/* The module with that address is just going. */
		hook_drop(hook);
		return false;
	}
	if (hook->installed && !hook->tested)
		hook_test(hook, group);
	switch (state_of(hook, at)) {
	case RESV_TAP_WORKS:
		return true;
	case RESV_TAP_WAITING:
		return !tap->test;
	default:
		return false;
	}
}

/**
 * resv_tap_get() - have a tap at a function
 * @tap: the tap
 * @address: of the function, or 0 to go by @tap->symbol
 * @group: live group whose devices all have an IOMMU, its mutex not held, to test the
 *	place with if that was not done since the last resv_hooks_recheck(); or NULL
 *
 * The kernel since v6.1 stops at the first device that has no IOMMU, so a group with
 * such a one cannot test a place.  The tests of all taps at the place are run, or none
 * if one of them needs a group and there is none.
 *
 * Context: may sleep; holds no group's mutex, and not the lock of the hooks.
 * Return: the place works for @tap: its test has passed; or it has none, and the place
 *	is installed, or will be when the module with the function is loaded
 */
bool resv_tap_get(const struct resv_tap *tap, unsigned long address,
		  struct iommu_group *group)
{
	bool works;

	mutex_lock(&hooks_lock);
	works = tap_get(tap, address, group);
	mutex_unlock(&hooks_lock);
	return works;
}

/**
 * resv_tap_get_all() - have several taps, each at its own symbol
 * @taps: the taps, in the order in which they are to be installed
 * @nr: how many
 * @group: see resv_tap_get()
 *
 * Context: see resv_tap_get().
 * Return: all of them work
 */
bool resv_tap_get_all(const struct resv_tap *const *taps, unsigned int nr,
		      struct iommu_group *group)
{
	bool all = true;
	unsigned int i;

	mutex_lock(&hooks_lock);
	for (i = 0; i < nr; i++)
		all &= tap_get(taps[i], 0, group);
	mutex_unlock(&hooks_lock);
	return all;
}

/* Afterwards no CPU runs the tap because of this place. */
static void tap_leave(struct resv_hook *hook, struct resv_hook_tap *at,
		      const char *reason)
{
	bool inert = hook->state == RESV_HOOK_INERT;
	bool stays = !hook->backend->remove;

	if (!stays && hook->installed && list_is_singular(&hook->taps))
		hook_remove(hook);
	list_del_rcu(&at->node);
	if (stays || hook->installed)
		hook->backend->sync();
	kfree(at);
	if (stays)
		return;
	if (!list_empty(&hook->taps)) {
		if (hook->installed)
			settle(hook);
	} else if (!reason) {
		hook_drop(hook);
	} else if (inert) {
		/* Its own reason says more. */
		hook->state = RESV_HOOK_INERT;
	} else {
		hook->reason = reason;
	}
}

/**
 * resv_tap_put() - a tap leaves every place that it is at
 * @tap: the tap
 * @reason: what the table says of a place that no tap wants any more; static text.  NULL
 *	drops such a place from the table.
 *
 * Context: sleeps for grace periods; holds no group's mutex.
 */
void resv_tap_put(const struct resv_tap *tap, const char *reason)
{
	struct resv_hook *hook, *next;
	struct resv_hook_tap *at;

	mutex_lock(&hooks_lock);
	list_for_each_entry_safe(hook, next, &hooks, node) {
		at = tap_at(hook, tap);
		if (at)
			tap_leave(hook, at, reason);
	}
	mutex_unlock(&hooks_lock);
}

/* The next tap_get() installs the place again, if it has failed. */
static void retry(struct resv_hook *hook)
{
	if (hook->state == RESV_HOOK_INERT && !hook->installed &&
	    hook->backend->install)
		hook->state = RESV_HOOK_OFF;
}

/**
 * resv_tap_retry() - let places that have failed try again
 * @tap: tap at these places, or one that has left the place of its symbol
 *
 * The failure may have been an allocation, or one call that the kernel kept from the
 * probe.  The next resv_tap_get() installs the place; the log tells of the same failure
 * only once.
 *
 * Context: may sleep.
 */
void resv_tap_retry(const struct resv_tap *tap)
{
	struct resv_hook *hook;

	mutex_lock(&hooks_lock);
	list_for_each_entry(hook, &hooks, node)
		if (tap_at(hook, tap))
			retry(hook);
	if (tap->symbol && !tap->livepatch) {
		hook = hook_find(tap, 0);
		if (hook && list_empty(&hook->taps))
			retry(hook);
	}
	mutex_unlock(&hooks_lock);
}

/**
 * resv_tap_state() - what became of a tap, over all places that it is at
 * @tap: the tap
 * @reason: set to why it does not work, static text; or to NULL.  May be NULL
 *
 * Context: may sleep.
 * Return: the worst of the places' states; RESV_TAP_OUT if it is at none
 */
enum resv_tap_state resv_tap_state(const struct resv_tap *tap,
				   const char **reason)
{
	/* Of two places that differ, the one with the lower number is told. */
	static const unsigned int rank[] = {
		[RESV_TAP_INERT] = 0,
		[RESV_TAP_OUT] = 1,
		[RESV_TAP_WAITING] = 2,
		[RESV_TAP_WORKS] = 3,
	};
	enum resv_tap_state state = RESV_TAP_WORKS, s;
	const struct resv_hook_tap *at;
	const struct resv_hook *hook;
	const char *why = NULL;
	bool found = false;

	mutex_lock(&hooks_lock);
	list_for_each_entry(hook, &hooks, node) {
		at = tap_at(hook, tap);
		if (!at)
			continue;
		found = true;
		s = state_of(hook, at);
		if (rank[s] < rank[state]) {
			state = s;
			why = hook->reason;
		}
	}
	mutex_unlock(&hooks_lock);
	if (reason)
		*reason = why;
	return found ? state : RESV_TAP_OUT;
}

/**
 * resv_hooks_recheck() - each place is tested again, with the next group that needs it
 *
 * Probes can be turned off for the whole machine, and livepatches be replaced by others.
 * Places that failed for lack of memory try again.
 *
 * Context: may sleep.
 */
void resv_hooks_recheck(void)
{
	struct resv_hook *hook;

	mutex_lock(&hooks_lock);
	list_for_each_entry(hook, &hooks, node) {
		hook->tested = false;
		if (hook->reason == no_memory)
			retry(hook);
	}
	mutex_unlock(&hooks_lock);
}

/**
 * resv_hooks_required_inert() - does a tap not work that kprobes have to have?
 *
 * Context: may sleep.
 * Return: a tap with @required is at a place that is inert
 */
bool resv_hooks_required_inert(void)
{
	const struct resv_hook_tap *at;
	const struct resv_hook *hook;
	bool inert = false;

	mutex_lock(&hooks_lock);
	list_for_each_entry(hook, &hooks, node) {
		if (hook->state != RESV_HOOK_INERT)
			continue;
		list_for_each_entry(at, &hook->taps, node)
			inert |= at->tap->required;
	}
	mutex_unlock(&hooks_lock);
	return inert;
}

/**
 * resv_hooks_retry() - let every place that has failed try again
 *
 * The log tells of failures as if they were new.
 *
 * Context: the lock of the hooks is held.
 */
void resv_hooks_retry(void)
{
	struct resv_hook *hook, *next;

	list_for_each_entry_safe(hook, next, &hooks, node) {
		if (hook->state != RESV_HOOK_INERT || !hook->backend->install)
			continue;
		hook->said = NULL;
		if (list_empty(&hook->taps))
			hook_drop(hook);
		else
			retry(hook);
	}
}

/**
 * resv_hooks_forget() - drop the places that no tap wants from the table
 *
 * Context: may sleep.
 */
void resv_hooks_forget(void)
{
	struct resv_hook *hook, *next;

	mutex_lock(&hooks_lock);
	list_for_each_entry_safe(hook, next, &hooks, node)
		if (list_empty(&hook->taps) && hook->backend->remove)
			hook_drop(hook);
	mutex_unlock(&hooks_lock);
}

/* The module with the function is there now. */
static void module_coming(struct resv_hook *hook)
{
	hook->absent = false;
	if (!closing && !list_empty(&hook->taps) && !hook->installed &&
	    hook->state == RESV_HOOK_OFF &&
	    resv_hooks_mode() != RESV_HOOKS_NONE)
		hook_install(hook, true);
}

static void module_going(struct resv_hook *hook, const struct module *module)
{
	if (hook->address && within_module(hook->address, module)) {
		hook_drop(hook);
	} else if (hook->installed && !strcmp(hook->module, module->name)) {
		hook_remove(hook);
		hook->absent = true;
		hook->reason = NOT_LOADED;
	}
}

static int module_event(struct notifier_block *nb, unsigned long action,
			void *data)
{
	struct module *module = data;
	struct resv_hook *hook, *next;

	mutex_lock(&hooks_lock);
	list_for_each_entry_safe(hook, next, &hooks, node) {
		if (action == MODULE_STATE_COMING &&
		    !strcmp(hook->module, module->name))
			module_coming(hook);
		else if (action == MODULE_STATE_GOING)
			module_going(hook, module);
	}
	mutex_unlock(&hooks_lock);
	return NOTIFY_DONE;
}

/* Before the notifier of the kprobes themselves, so that they leave live text. */
static struct notifier_block module_block = {
	.notifier_call = module_event,
	.priority = 1,
};

/**
 * resv_hooks_init() - make the table ready; it is empty until a tap is wanted
 *
 * Context: may sleep.
 * Return: 0 or an errno
 */
int resv_hooks_init(void)
{
	int ret;

	resv_mode_start();
	ret = resv_test_step("hooks") ?: register_module_notifier(&module_block);
	if (ret)
		return ret;
	mutex_lock(&hooks_lock);
	if (IS_ENABLED(CONFIG_LIVEPATCH))
		list_add_tail(&resv_livepatch_hook.node, &hooks);
	mutex_unlock(&hooks_lock);
	resv_test_init();
	return 0;
}

/**
 * resv_hooks_run() - the module is loaded
 *
 * Context: may sleep.
 */
void resv_hooks_run(void)
{
	resv_mode_run();
}

/**
 * resv_hooks_exit() - remove every hook
 *
 * Context: no group will be looked at any more.  May sleep for grace periods.
 *	Afterwards no task runs code of this module because of a hook.
 */
void resv_hooks_exit(void)
{
	struct resv_hook *hook, *next;

	mutex_lock(&hooks_lock);
	closing = true;
	/* Owners install last what reads their tables, so that goes first. */
	list_for_each_entry_safe_reverse(hook, next, &hooks, node) {
		if (hook->backend->remove) {
			hook_drop(hook);
			continue;
		}
		/* The livepatch uses symbols of this module, so it is not loaded. */
		list_del(&hook->node);
		free_taps(hook);
	}
	mutex_unlock(&hooks_lock);
	unregister_module_notifier(&module_block);
	resv_livepatch_exit();
	resv_stock_exit();
}

static u64 missed_at(const struct resv_hook *hook)
{
	u64 missed = atomic64_read(&hook->lost);

	if (hook->backend->missed)
		missed += hook->backend->missed(hook);
	return missed;
}

/**
 * resv_hooks_each() - look at the table
 * @fn: called for each place; not 0 ends it
 * @data: for @fn
 *
 * Context: may sleep; @fn must not call functions of this file.
 * Return: 0 or what @fn returned
 */
int resv_hooks_each(int (*fn)(const struct resv_hook_line *line, void *data),
		    void *data)
{
	static const char *const states[] = {
		[RESV_HOOK_OFF] = "off",
		[RESV_HOOK_INERT] = "inert",
		[RESV_HOOK_ACTIVE] = "active",
		[RESV_HOOK_DRAINING] = "draining",
	};
	const struct resv_hook *hook;
	int ret = 0;

	mutex_lock(&hooks_lock);
	list_for_each_entry(hook, &hooks, node) {
		const struct resv_hook_line line = {
			.symbol = hook->symbol,
			.backend = hook->backend->name,
			.state = states[hook->state],
			.hits = resv_hook_hits(hook),
			.missed = missed_at(hook),
			.reason = hook->reason ?: "-",
			.other = hook->other,
		};

		ret = fn(&line, data);
		if (ret)
			break;
	}
	mutex_unlock(&hooks_lock);
	return ret;
}

/**
 * resv_bypass_begin() - look at the lists as the drivers make them
 * @b: on the caller's stack, until resv_bypass_end()
 *
 * Until then the taps leave the calling task's lists alone, and no other task's.  Any
 * number of tasks can do so at once.
 *
 * Context: process context.
 */
void resv_bypass_begin(struct resv_bypass *b)
{
	unsigned long flags;

	b->task = current;
	raw_spin_lock_irqsave(&bypass_lock, flags);
	list_add(&b->node, &bypasses);
	raw_spin_unlock_irqrestore(&bypass_lock, flags);
}

/**
 * resv_bypass_end() - the opposite
 * @b: of the same task
 *
 * Context: process context.
 */
void resv_bypass_end(struct resv_bypass *b)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&bypass_lock, flags);
	list_del(&b->node);
	raw_spin_unlock_irqrestore(&bypass_lock, flags);
}

/**
 * resv_bypassed() - does the calling task look at the lists as the drivers make them?
 *
 * Context: any; does not sleep.
 * Return: it is between resv_bypass_begin() and resv_bypass_end()
 */
bool resv_bypassed(void)
{
	const struct resv_bypass *b;
	unsigned long flags;
	bool found = false;

	/* The calling task has put its own on the list, if there is one. */
	if (list_empty(&bypasses))
		return false;
	raw_spin_lock_irqsave(&bypass_lock, flags);
	list_for_each_entry(b, &bypasses, node)
		if (b->task == current) {
			found = true;
			break;
		}
	raw_spin_unlock_irqrestore(&bypass_lock, flags);
	return found;
}
