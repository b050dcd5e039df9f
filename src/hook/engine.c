// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine of the hooks: which functions are hooked, for which taps, and why not.
 *
 * A place is the entry or the return of one function.  resv_tap_get() puts a tap at a
 * place, resv_tap_put() takes it away; the place is hooked while a tap is at it.  The
 * compiler may have inlined the function, or probes may be turned off on this machine,
 * so the engine tests each installed place: it runs the test of each tap that has one.
 * Most tests ask for a group's regions as the kernel's own callers do; then the place
 * must have been called, and the tap must have left its mark on the list.  If the test
 * fails at a new place, the engine removes the place again and calls it inert.  A place
 * that has worked before becomes inert but stays installed, and works again when a
 * later test passes.
 *
 * Life of a place: off -> active -> draining -> off, or off -> inert.
 *
 * Invariants:
 * - every installed place has a tap, except the place of the livepatch
 * - an ACTIVE place is installed, and every test at it has passed
 * - a place by address is in the table only while the module with that address is loaded
 * - after resv_tap_put() no CPU runs a function of the tap
 *
 * Locks: hooks_lock protects the table.  It nests inside the lock of a group's entry,
 * the kernel's klp_mutex and the rwsem of the module notifiers; the mutex of one group
 * nests inside hooks_lock.  Taps run under RCU (see kprobe.c), or under taps_sem of
 * livepatch.c.
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
#include "hook/fault.h"

static bool closing;		/* nothing may be installed any more */

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

static const struct resv_backend *backend_of(const struct resv_tap *tap)
{
	return resv_ftrace_backend(tap->at_return) ?:
	       (tap->at_return ? &resv_kretprobe_backend : &resv_kprobe_backend);
}

static struct resv_hook *hook_find(const struct resv_tap *tap,
				   unsigned long address)
{
	struct resv_hook *hook;

	if (tap->livepatch)
		return IS_ENABLED(CONFIG_LIVEPATCH) ? &resv_livepatch_hook : NULL;
	list_for_each_entry(hook, &resv_hooks, node)
		/* The livepatch has no install(). */
		if (hook->backend->install &&
		    hook->backend->at_return == tap->at_return &&
		    (address ? hook->address == address :
			       !hook->address && !strcmp(hook->symbol, tap->symbol)))
			return hook;
	return NULL;
}

/* Return: a new place with the tap at it, not installed yet; or NULL */
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
	if (!resv_place_join(hook, tap))
		goto free_hits;
	hook->address = address;
	if (address)
		name_of(address, hook->symbol);
	else
		strscpy(hook->symbol, tap->symbol, sizeof(hook->symbol));
	strscpy(hook->module, tap->module ?: "", sizeof(hook->module));
	hook->backend = backend_of(tap);
	/* The livepatch's place stays the last one. */
	list_add_tail(&hook->node, IS_ENABLED(CONFIG_LIVEPATCH) ?
		      &resv_livepatch_hook.node : &resv_hooks);
	return hook;

free_hits:
	free_percpu(hook->hits);
free_hook:
	kfree(hook);
	return NULL;
}

/* Install a place that a tap wants.  Return: false if there is no such function now */
static bool want_installed(struct resv_hook *hook)
{
	/* The livepatch installs itself. */
	if (!hook->backend->install || hook->installed ||
	    hook->state != RESV_HOOK_OFF)
		return true;
	/* A search by name takes long; module_event() reports when the module loads. */
	if (hook->absent) {
		hook->reason = RESV_NOT_LOADED;
		return true;
	}
	return resv_place_install(hook, false) != -ENOENT;
}

static bool tap_get(const struct resv_tap *tap, unsigned long address,
		    struct iommu_group *group)
{
	struct resv_hook *hook;
	struct resv_hook_tap *at;

	if (closing)
		return false;
	/* In mode "none" a livepatch that a user loads by hand still works. */
	if (!tap->livepatch && resv_hooks_mode() == RESV_HOOKS_NONE)
		return false;
	hook = hook_find(tap, address);
	if (!hook && !tap->livepatch)
		hook = hook_new(tap, address);
	if (!hook)
		return false;
	at = resv_place_tap(hook, tap) ?: resv_place_join(hook, tap);
	if (!at)
		return false;
	if (!want_installed(hook) && hook->address) {
		/* The module with that address is being unloaded. */
		resv_place_drop(hook);
		return false;
	}
	if (hook->installed && !hook->tested)
		resv_place_test(hook, group);
	switch (resv_place_state(hook, at)) {
	case RESV_TAP_WORKS:
		return true;
	case RESV_TAP_WAITING:
		return !tap->test;
	default:
		return false;
	}
}

/**
 * resv_tap_get() - put a tap at a function, and install and test the place
 * @tap: the tap
 * @address: address of the function, or 0 to look up @tap->symbol
 * @group: live group whose devices all have an IOMMU, its mutex not held; used to test
 *	the place if it was not tested since the last resv_hooks_recheck().  Or NULL
 *
 * Since v6.1 the kernel stops at the first device without an IOMMU, so a group with
 * such a device cannot test a place.  The engine runs the tests of all taps at the
 * place, or no test at all if one of them needs a group and @group is NULL.
 *
 * Context: may sleep; holds no group's mutex, and not the lock of the hooks.
 * Return: true if the place works for @tap: either its test has passed; or it has no
 *	test, and the place is installed or will be when its module is loaded
 */
bool resv_tap_get(const struct resv_tap *tap, unsigned long address,
		  struct iommu_group *group)
{
	bool works;

	resv_hooks_lock();
	works = tap_get(tap, address, group);
	resv_hooks_unlock();
	return works;
}

/**
 * resv_tap_get_all() - put several taps, each at its own symbol
 * @taps: the taps, in the order in which to install them
 * @nr: number of taps
 * @group: see resv_tap_get()
 *
 * Context: see resv_tap_get().
 * Return: true if all of them work
 */
bool resv_tap_get_all(const struct resv_tap *const *taps, unsigned int nr,
		      struct iommu_group *group)
{
	bool all = true;
	unsigned int i;

	resv_hooks_lock();
	for (i = 0; i < nr; i++)
		all &= tap_get(taps[i], 0, group);
	resv_hooks_unlock();
	return all;
}

/**
 * resv_tap_exists() - does the kernel have the function of a tap?
 * @tap: the tap, of a function of the kernel itself
 *
 * Context: sleeps for a grace period.
 * Return: false if it has no such function; true also if it allows no probe there
 */
bool resv_tap_exists(const struct resv_tap *tap)
{
	unsigned long address;

	return resv_kprobe_address(tap->symbol, &address) != -ENOENT;
}

/* Afterwards no CPU runs the tap because of this place. */
static void tap_leave(struct resv_hook *hook, struct resv_hook_tap *at,
		      const char *reason)
{
	bool inert = hook->state == RESV_HOOK_INERT;
	bool stays = !hook->backend->remove;

	if (!stays && hook->installed && list_is_singular(&hook->taps))
		resv_place_remove(hook);
	list_del_rcu(&at->node);
	if (stays || hook->installed)
		hook->backend->sync();
	kfree(at);
	if (stays)
		return;
	if (!list_empty(&hook->taps)) {
		if (hook->installed)
			resv_place_settle(hook);
	} else if (!reason) {
		resv_place_drop(hook);
	} else if (inert) {
		/* Keep the reason of the failure, which says more than @reason. */
		hook->state = RESV_HOOK_INERT;
	} else {
		hook->reason = reason;
	}
}

/**
 * resv_tap_put() - take a tap away from every place that it is at
 * @tap: the tap
 * @reason: reason to show for a place that has no tap left; static text.  NULL drops
 *	such a place from the table.
 *
 * Context: sleeps for grace periods; holds no group's mutex.
 */
void resv_tap_put(const struct resv_tap *tap, const char *reason)
{
	resv_tap_put_all(&tap, 1, reason);
}

/**
 * resv_tap_put_all() - take several taps away from every place that they are at
 * @taps: the taps, in the order in which they were installed; removed in reverse order,
 *	so a tap goes before those on whose data it relies
 * @nr: number of taps
 * @reason: see resv_tap_put()
 *
 * Context: see resv_tap_put().
 */
void resv_tap_put_all(const struct resv_tap *const *taps, unsigned int nr,
		      const char *reason)
{
	struct resv_hook *hook, *next;
	struct resv_hook_tap *at;

	resv_hooks_lock();
	while (nr--) {
		list_for_each_entry_safe(hook, next, &resv_hooks, node) {
			at = resv_place_tap(hook, taps[nr]);
			if (at)
				tap_leave(hook, at, reason);
		}
	}
	resv_hooks_unlock();
}

/**
 * resv_tap_retry() - let the failed places of a tap be installed again
 * @tap: tap at these places, or one that has left the place of its symbol
 *
 * The failure may have been an allocation, or one call that the kernel hid from the
 * probe.  The next resv_tap_get() installs the place; the same failure is logged only
 * once.
 *
 * Context: may sleep.
 */
void resv_tap_retry(const struct resv_tap *tap)
{
	struct resv_hook *hook;

	resv_hooks_lock();
	list_for_each_entry(hook, &resv_hooks, node)
		if (resv_place_tap(hook, tap))
			resv_place_retry(hook);
	if (tap->symbol && !tap->livepatch) {
		hook = hook_find(tap, 0);
		if (hook && list_empty(&hook->taps))
			resv_place_retry(hook);
	}
	resv_hooks_unlock();
}

/**
 * resv_tap_state() - state of a tap, over all places that it is at
 * @tap: the tap
 * @reason: set to why the tap does not work, static text, or to NULL.  May be NULL
 *
 * Context: may sleep.
 * Return: the worst of the places' states; RESV_TAP_OUT if the tap is at no place
 */
enum resv_tap_state resv_tap_state(const struct resv_tap *tap,
				   const char **reason)
{
	/* If places differ, the state with the lowest rank is returned. */
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

	resv_hooks_lock();
	list_for_each_entry(hook, &resv_hooks, node) {
		at = resv_place_tap(hook, tap);
		if (!at)
			continue;
		found = true;
		s = resv_place_state(hook, at);
		if (rank[s] < rank[state]) {
			state = s;
			why = hook->reason;
		}
	}
	resv_hooks_unlock();
	if (reason)
		*reason = why;
	return found ? state : RESV_TAP_OUT;
}

/**
 * resv_tap_backend() - name of the backend that hooks the functions of a tap
 * @tap: the tap, not of the livepatch
 *
 * Context: may sleep.
 * Return: name of the backend at the tap's first place; static text
 */
const char *resv_tap_backend(const struct resv_tap *tap)
{
	const char *name = backend_of(tap)->name;
	const struct resv_hook *hook;

	resv_hooks_lock();
	list_for_each_entry(hook, &resv_hooks, node)
		if (resv_place_tap(hook, tap)) {
			name = hook->backend->name;
			break;
		}
	resv_hooks_unlock();
	return name;
}

static bool misses(const struct resv_hook *hook,
		   const struct resv_tap *const *taps, unsigned int nr)
{
	unsigned int i;

	if (!resv_place_missed(hook))
		return false;
	for (i = 0; i < nr; i++)
		if (resv_place_tap(hook, taps[i]))
			return true;
	return false;
}

/**
 * resv_taps_missed() - has any of these taps missed a call?
 * @taps: taps
 * @nr: number of @taps
 *
 * A call counts as missed if the taps did not see it, or had no memory for it.
 *
 * Context: may sleep.
 * Return: true if one of their places has missed calls since it was installed
 */
bool resv_taps_missed(const struct resv_tap *const *taps, unsigned int nr)
{
	const struct resv_hook *hook;
	bool missed = false;

	resv_hooks_lock();
	list_for_each_entry(hook, &resv_hooks, node)
		missed |= misses(hook, taps, nr);
	resv_hooks_unlock();
	return missed;
}

/**
 * resv_hooks_recheck() - let the next group that needs a place test it again
 *
 * An admin can turn off probes for the whole machine, and one livepatch can replace
 * another.  Places that failed because an allocation failed may be installed again.
 *
 * Context: may sleep.
 */
void resv_hooks_recheck(void)
{
	struct resv_hook *hook;

	resv_hooks_lock();
	list_for_each_entry(hook, &resv_hooks, node) {
		hook->tested = false;
		if (resv_place_short_of_memory(hook))
			resv_place_retry(hook);
	}
	resv_hooks_unlock();
}

/**
 * resv_hooks_required_inert() - is a tap that enforcement by kprobes requires inert?
 *
 * Context: may sleep.
 * Return: true if a tap with @required is at an inert place
 */
bool resv_hooks_required_inert(void)
{
	const struct resv_hook_tap *at;
	const struct resv_hook *hook;
	bool inert = false;

	resv_hooks_lock();
	list_for_each_entry(hook, &resv_hooks, node) {
		if (hook->state != RESV_HOOK_INERT)
			continue;
		list_for_each_entry(at, &hook->taps, node)
			inert |= at->tap->required;
	}
	resv_hooks_unlock();
	return inert;
}

/**
 * resv_hooks_retry() - let every failed place be installed again
 *
 * Failures are logged again, as if they were new.
 *
 * Context: the lock of the hooks is held.
 */
void resv_hooks_retry(void)
{
	struct resv_hook *hook, *next;

	list_for_each_entry_safe(hook, next, &resv_hooks, node) {
		if (hook->state != RESV_HOOK_INERT || !hook->backend->install)
			continue;
		hook->said = NULL;
		if (list_empty(&hook->taps))
			resv_place_drop(hook);
		else
			resv_place_retry(hook);
	}
}

/**
 * resv_hooks_forget() - drop places without a tap from the table
 *
 * Context: may sleep.
 */
void resv_hooks_forget(void)
{
	struct resv_hook *hook, *next;

	resv_hooks_lock();
	list_for_each_entry_safe(hook, next, &resv_hooks, node)
		if (list_empty(&hook->taps) && hook->backend->remove)
			resv_place_drop(hook);
	resv_hooks_unlock();
}

/* The module with the function is being loaded. */
static void module_coming(struct resv_hook *hook)
{
	hook->absent = false;
	if (!closing && !list_empty(&hook->taps) && !hook->installed &&
	    hook->state == RESV_HOOK_OFF &&
	    resv_hooks_mode() != RESV_HOOKS_NONE)
		resv_place_install(hook, true);
}

static void module_going(struct resv_hook *hook, const struct module *module)
{
	if (hook->address && within_module(hook->address, module)) {
		resv_place_drop(hook);
	} else if (hook->installed && !strcmp(hook->module, module->name)) {
		resv_place_remove(hook);
		hook->absent = true;
		hook->reason = RESV_NOT_LOADED;
	}
}

static int module_event(struct notifier_block *nb, unsigned long action,
			void *data)
{
	struct module *module = data;
	struct resv_hook *hook, *next;

	resv_hooks_lock();
	list_for_each_entry_safe(hook, next, &resv_hooks, node) {
		if (action == MODULE_STATE_COMING &&
		    !strcmp(hook->module, module->name))
			module_coming(hook);
		else if (action == MODULE_STATE_GOING)
			module_going(hook, module);
	}
	resv_hooks_unlock();
	return NOTIFY_DONE;
}

/* Runs before the kprobes' own notifier, so that kprobes are removed from live text. */
static struct notifier_block module_block = {
	.notifier_call = module_event,
	.priority = 1,
};

/**
 * resv_engine_init() - set up the table, which is empty but for the livepatch's place
 *
 * Context: may sleep.
 * Return: 0 or an errno
 */
int resv_engine_init(void)
{
	int ret;

	ret = resv_test_step("hooks") ?: register_module_notifier(&module_block);
	if (ret)
		return ret;
	resv_hooks_lock();
	if (IS_ENABLED(CONFIG_LIVEPATCH))
		list_add_tail(&resv_livepatch_hook.node, &resv_hooks);
	resv_hooks_unlock();
	return 0;
}

/**
 * resv_hooks_exit() - remove every hook
 *
 * Context: no group is looked at any more.  Sleeps for grace periods.  On return no
 *	hook runs code of this module.
 */
void resv_hooks_exit(void)
{
	struct resv_hook *hook, *next;

	resv_hooks_lock();
	closing = true;
	/* Owners install the readers of their tables last: remove those first. */
	list_for_each_entry_safe_reverse(hook, next, &resv_hooks, node) {
		if (hook->backend->remove) {
			resv_place_drop(hook);
			continue;
		}
		/* The livepatch's module is not loaded, or it would pin this module. */
		list_del(&hook->node);
		resv_place_free_taps(hook);
	}
	resv_hooks_unlock();
	unregister_module_notifier(&module_block);
	resv_livepatch_exit();
	resv_stock_exit();
}

/**
 * resv_hooks_each() - go through the table
 * @fn: called for each place; a return value other than 0 ends the loop
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

	resv_hooks_lock();
	list_for_each_entry(hook, &resv_hooks, node) {
		const struct resv_hook_line line = {
			.symbol = hook->symbol,
			.backend = hook->backend->name,
			.state = states[hook->state],
			.hits = resv_hook_hits(hook),
			.missed = resv_place_missed(hook),
			.reason = hook->reason ?: "-",
			.other = hook->other,
		};

		ret = fn(&line, data);
		if (ret)
			break;
	}
	resv_hooks_unlock();
	return ret;
}
