// SPDX-License-Identifier: GPL-2.0-only
/*
 * The core's side of the livepatch: one place in the table of hooks stands for the
 * functions that the module iommu_resv_livepatch replaces: iommu_get_group_resv_regions(),
 * and where the kernel has iommufd, iommu_get_resv_regions().
 *
 * That module uses symbols of this one, so this one cannot be unloaded first.
 * docs/architecture.md says who loads and disables it.
 *
 * Locks: the state changes under the lock of the hooks.  Taps may sleep here, so RCU
 * cannot protect them: callers of taps hold taps_sem for reading, under a group's mutex;
 * sync() takes it for writing, under the lock of the hooks, to wait for calls of a tap
 * that has left.
 */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/kernfs.h>
#include <linux/kmod.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "compat/klp.h"
#include "compat/sysfs.h"
#include "hook/livepatch.h"
#include "hook/place.h"
#include "hook/fault.h"

#define NOT_LOADED	"iommu_resv_livepatch is not loaded"
#define REPLACED	"replaced by another livepatch"
/* A transition takes about a second; a task in a long sleep can delay it. */
#define PATCH_TIMEOUT	(60 * HZ)

static DEFINE_PER_CPU(u64, livepatch_hits);
static DECLARE_RWSEM(taps_sem);

static void sync(void)
{
	down_write(&taps_sem);
	up_write(&taps_sem);
}

static void test(struct resv_hook *hook, struct iommu_group *group);

/* The module patches when it is loaded; the engine does not install or remove it. */
static const struct resv_backend livepatch_backend = {
	.name = "livepatch",
	.sync = sync,
	.test = test,
};

struct resv_hook resv_livepatch_hook = {
	.symbol = "iommu_get_group_resv_regions",
	.backend = &livepatch_backend,
	.taps = LIST_HEAD_INIT(resv_livepatch_hook.taps),
	.state = RESV_HOOK_OFF,
	.reason = NOT_LOADED,
	.hits = &livepatch_hits,
};

static const struct resv_livepatch *registered;
static bool disabled;		/* the patch was enabled once, and is disabled now */
static const struct resv_livepatch_owner *owner;
static bool leaving;		/* this module is being unloaded */
static DECLARE_WAIT_QUEUE_HEAD(changed);

static void take_out_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(take_out_work, take_out_fn);

/**
 * resv_livepatch_set_owner() - set the callbacks about the state of the livepatch
 * @o: the callbacks
 *
 * Context: once, while this module is being loaded.
 */
void resv_livepatch_set_owner(const struct resv_livepatch_owner *o)
{
	owner = o;
}

static void take_out_fn(struct work_struct *work)
{
	int (*disable)(void) = NULL;

	resv_hooks_lock();
	if (registered)
		disable = registered->disable;
	resv_hooks_unlock();
	/* resv_livepatch_unregister() cancels this work before disable() is freed. */
	if (disable && disable() == -EBUSY)
		/* Another livepatch is in transition. */
		schedule_delayed_work(&take_out_work, HZ);
}

static void set_state(enum resv_hook_state state, const char *reason)
{
	resv_livepatch_hook.state = state;
	resv_livepatch_hook.reason = reason;
	wake_up_all(&changed);
}

/**
 * resv_livepatch_register() - the livepatch is about to patch
 * @livepatch: its version and callback
 * @symbol: function that it will replace
 *
 * Context: may sleep.
 * Return: 0, -EBUSY if another livepatch replaces the function already, or -ENOEXEC if
 * the versions of the two modules differ
 */
int resv_livepatch_register(const struct resv_livepatch *livepatch,
			    const char *symbol)
{
	struct resv_hook *hook = &resv_livepatch_hook;
	int ret = 0;

	resv_hooks_lock();
	strscpy(hook->symbol, symbol, sizeof(hook->symbol));
	hook->other[0] = '\0';
	if (strcmp(livepatch->version, RESV_VERSION))
		ret = -ENOEXEC;
	else if (resv_test_step("livepatch conflict"))
		ret = -ENOMEM;
	else if (resv_livepatch_other(symbol, "", hook->other, sizeof(hook->other)))
		ret = -EBUSY;
	if (ret == -ENOEXEC) {
		set_state(RESV_HOOK_INERT, "of another version than iommu_resv");
		pr_err("livepatch: version %s, but iommu_resv has version %s; unload and load both\n",
		       livepatch->version, RESV_VERSION);
	} else if (ret == -EBUSY) {
		set_state(RESV_HOOK_INERT, REPLACED);
		pr_err("livepatch: %s is already replaced by the livepatch %s; use hooks=kprobe, which works beside it\n",
		       symbol, hook->other);
	} else if (!ret) {
		registered = livepatch;
		disabled = false;
		set_state(RESV_HOOK_OFF, "the transition is under way");
	}
	resv_hooks_unlock();
	return ret;
}
EXPORT_SYMBOL_GPL(resv_livepatch_register);

/**
 * resv_livepatch_unregister() - the livepatch is being unloaded, or could not patch
 * @err: errno of the kernel for the patch; 0 if the livepatch is being unloaded
 *
 * Nothing is patched any more.  The reason texts are in this module, because the
 * other one is about to be freed.
 *
 * Context: may sleep.
 */
void resv_livepatch_unregister(int err)
{
	resv_hooks_lock();
	registered = NULL;
	resv_livepatch_hook.installed = false;
	resv_livepatch_hook.other[0] = '\0';
	if (err == -EBUSY)
		set_state(RESV_HOOK_INERT,
			  "the function is already redirected");
	else if (err)
		set_state(RESV_HOOK_INERT,
			  "the kernel does not accept the livepatch");
	else
		set_state(RESV_HOOK_OFF, NOT_LOADED);
	resv_hooks_unlock();
	cancel_delayed_work_sync(&take_out_work);
}
EXPORT_SYMBOL_GPL(resv_livepatch_unregister);

/**
 * resv_livepatch_event() - a transition began or ended
 * @event: what happened
 *
 * Context: the kernel's klp_mutex is held, and groups may be looked at under it; may
 *	sleep.
 */
void resv_livepatch_event(enum resv_livepatch_event event)
{
	struct resv_hook *hook = &resv_livepatch_hook;
	bool active;

	resv_hooks_lock();
	active = hook->state == RESV_HOOK_ACTIVE;
	switch (event) {
	case RESV_LIVEPATCH_PATCHED:
		hook->installed = true;
		hook->tested = false;
		set_state(RESV_HOOK_OFF, "not tested yet: there is no group");
		break;
	case RESV_LIVEPATCH_UNPATCHING:
		/* An inert livepatch keeps the reason why it is being disabled. */
		if (hook->state != RESV_HOOK_INERT)
			set_state(RESV_HOOK_DRAINING,
				  "the transition is under way");
		hook->installed = false;
		break;
	case RESV_LIVEPATCH_UNPATCHED:
		disabled = true;
		hook->installed = false;
		if (hook->state != RESV_HOOK_INERT)
			set_state(RESV_HOOK_OFF,
				  "the livepatch is disabled");
		break;
	}
	resv_hooks_unlock();
	/* Tasks still call the replacement: kprobes can take over without a gap. */
	if (active && event == RESV_LIVEPATCH_UNPATCHING)
		owner->disabled();
	/* When groups are looked at, the livepatch is tested, and its state is shown. */
	owner->changed();
}
EXPORT_SYMBOL_GPL(resv_livepatch_event);

/**
 * resv_livepatch_hit() - the replacement was called
 *
 * Context: any.
 * Return: true if a self-test has called it
 */
bool resv_livepatch_hit(void)
{
	this_cpu_inc(*resv_livepatch_hook.hits);
	return READ_ONCE(resv_hook_test.task) == current &&
	       READ_ONCE(resv_hook_test.hook) == &resv_livepatch_hook;
}
EXPORT_SYMBOL_GPL(resv_livepatch_hit);

/**
 * resv_livepatch_append() - let the taps add their regions to a device's list
 * @dev: the device
 * @head: the regions that the driver has listed; the taps add theirs
 * @mark: this is the self-test: the tap under test adds its mark
 * @gfp: for the taps' allocations
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM with some of the taps' regions on @head
 */
int resv_livepatch_append(struct device *dev, struct list_head *head, bool mark,
			  gfp_t gfp)
{
	const struct resv_hook_tap *at;
	int ret = 0;

	down_read(&taps_sem);
	list_for_each_entry(at, &resv_livepatch_hook.taps, node) {
		if (!at->tap->append)
			continue;
		ret = at->tap->append(dev, head,
				      mark && resv_tap_marking(at->tap), gfp);
		if (ret)
			break;
	}
	up_read(&taps_sem);
	return ret;
}
EXPORT_SYMBOL_GPL(resv_livepatch_append);

/*
 * Does the livepatch work?  If another livepatch of the same function is loaded later,
 * the kernel calls that one instead.  When this livepatch does not work any more, kprobes
 * take its place.
 */
static void test(struct resv_hook *hook, struct iommu_group *group)
{
	bool was_active = hook->state == RESV_HOOK_ACTIVE;
	char other[RESV_SYMBOL_LEN] = "";
	const char *reason;
	bool unsure = false;

	if (!resv_livepatch_other(hook->symbol, "", other, sizeof(other)) &&
	    !resv_hook_try(hook, group, &unsure)) {
		if (unsure)
			return;
		hook->other[0] = '\0';
		set_state(RESV_HOOK_ACTIVE, NULL);
		return;
	}
	if (hook->state == RESV_HOOK_INERT)
		return;
	strscpy(hook->other, other, sizeof(hook->other));
	if (other[0])
		reason = REPLACED;
	else if (was_active)
		reason = "it no longer fires (a livepatch that replaces others was loaded)";
	else
		reason = "it does not fire when a group's regions are listed (inlined)";
	resv_hook_go_inert(hook, reason);
	wake_up_all(&changed);
	if (was_active)
		owner->lost();
	else if (!other[0])
		schedule_delayed_work(&take_out_work, 0);
}

/**
 * resv_livepatch_loaded() - is the livepatch's module loaded?
 *
 * Context: may sleep; the lock of the hooks is not held.
 * Return: true if it is
 */
bool resv_livepatch_loaded(void)
{
	bool loaded;

	resv_hooks_lock();
	loaded = registered;
	resv_hooks_unlock();
	return loaded;
}

static bool is_settled(void)
{
	enum resv_hook_state state = READ_ONCE(resv_livepatch_hook.state);

	return state == RESV_HOOK_ACTIVE || state == RESV_HOOK_INERT ||
	       READ_ONCE(disabled) || !READ_ONCE(registered) ||
	       READ_ONCE(leaving);
}

/**
 * resv_livepatch_ask() - load the livepatch and wait until it is active
 *
 * Context: the caller holds no lock but switch_lock (mode.c); sleeps up to a minute.
 * Return: 0, -EBUSY if it was disabled and is still loaded, -ENOENT if there
 *	is no such module, -EOPNOTSUPP if it does not work here, -ETIMEDOUT, or
 *	the errno of request_module()
 */
int resv_livepatch_ask(void)
{
	struct resv_hook *hook = &resv_livepatch_hook;
	int ret;

	if (!IS_ENABLED(CONFIG_LIVEPATCH))
		return -EOPNOTSUPP;
	if (!resv_livepatch_loaded()) {
		ret = request_module("iommu_resv_livepatch");
		if (ret < 0)
			return ret;
		/* @ret is the exit status of modprobe; the kernel log says more. */
		if (ret || !resv_livepatch_loaded())
			return READ_ONCE(hook->state) == RESV_HOOK_INERT ?
				-EOPNOTSUPP : -ENOENT;
	}
	if (READ_ONCE(disabled)) {
		pr_err("the livepatch was disabled and cannot be enabled again: rmmod iommu_resv_livepatch first\n");
		return -EBUSY;
	}
	if (!wait_event_timeout(changed, is_settled(), PATCH_TIMEOUT)) {
		/* Some task does not leave the original function: give up. */
		schedule_delayed_work(&take_out_work, 0);
		return -ETIMEDOUT;
	}
	return READ_ONCE(hook->state) == RESV_HOOK_ACTIVE ? 0 : -EOPNOTSUPP;
}

static void ask_fn(struct work_struct *work)
{
	int ret = resv_livepatch_ask();

	if (!ret)
		return;
	pr_err("hooks=livepatch: the livepatch does not work (%d): declared regions are not enforced\n",
	       ret);
	resv_hooks_lock();
	if (!registered && resv_livepatch_hook.state == RESV_HOOK_OFF)
		set_state(RESV_HOOK_INERT,
			  "iommu_resv_livepatch could not be loaded");
	resv_hooks_unlock();
}

static DECLARE_WORK(ask_work, ask_fn);

/**
 * resv_livepatch_ask_later() - schedule resv_livepatch_ask()
 *
 * The livepatch can use symbols of this module only after its init() has returned.
 *
 * Context: any.
 */
void resv_livepatch_ask_later(void)
{
	schedule_work(&ask_work);
}

/**
 * resv_livepatch_exit() - end all waiting for the livepatch
 *
 * Context: may sleep; the lock of the hooks is not held.
 */
void resv_livepatch_exit(void)
{
	WRITE_ONCE(leaving, true);
	wake_up_all(&changed);
	cancel_work_sync(&ask_work);
}
