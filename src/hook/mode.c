// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameter "hooks": which backend hooks functions, and the switch to another.
 *
 * There is no moment in which something that is in force is not enforced: the new
 * backend is active before the old one goes.  A mode in which something would end is set
 * first, so that no new change of a group is accepted, and the owner is asked then; the
 * old mode comes back if he refuses.
 *
 * Locks: switch_lock orders switches, and is held over calls of the owner.  The mode is
 * written under the lock of the hooks, and read without a lock.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include "hook/mode.h"
#include "hook/place.h"
#include "text.h"

static DEFINE_MUTEX(switch_lock);

static enum resv_hook_mode mode;
static bool started;		/* being loaded: the mode is being acted on */
static bool running;		/* loaded: a new mode has to be acted on */
static const struct resv_hooks_owner *owner;

/**
 * resv_hooks_set_owner() - say who is asked about changes of the mode, and told
 * @o: the owner
 *
 * Context: once, while the module is being loaded.
 */
void resv_hooks_set_owner(const struct resv_hooks_owner *o)
{
	owner = o;
}

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
 * resv_hooks_by_kprobe() - are all features to be by kprobes?
 *
 * Context: any; the answer may be out of date.
 * Return: the mode is "auto" or "kprobe"
 */
bool resv_hooks_by_kprobe(void)
{
	enum resv_hook_mode m = READ_ONCE(mode);

	return m == RESV_HOOKS_AUTO || m == RESV_HOOKS_KPROBE;
}

/**
 * resv_hooks_pending() - is the livepatch on its way?
 *
 * It may enforce what nothing enforces now.
 *
 * Context: any.
 * Return: true if it is
 */
bool resv_hooks_pending(void)
{
	return READ_ONCE(mode) == RESV_HOOKS_LIVEPATCH &&
	       READ_ONCE(resv_livepatch_hook.state) == RESV_HOOK_OFF;
}

/**
 * resv_hooks_rescan_soon() - have all groups looked at, shortly
 *
 * Context: any.
 */
void resv_hooks_rescan_soon(void)
{
	owner->rescan_soon();
}

/**
 * resv_mode_start() - the module is being loaded: parameters are known
 *
 * Context: may sleep.
 */
void resv_mode_start(void)
{
	WRITE_ONCE(started, true);
}

/**
 * resv_mode_run() - the module is loaded
 *
 * Context: may sleep.
 */
void resv_mode_run(void)
{
	resv_hooks_lock();
	WRITE_ONCE(running, true);
	if (mode == RESV_HOOKS_LIVEPATCH)
		resv_livepatch_ask_later();
	resv_hooks_unlock();
}

/**
 * resv_mode_livepatch_lost() - the livepatch was active, and does not work any more
 *
 * Context: the lock of the hooks is held.
 */
void resv_mode_livepatch_lost(void)
{
	if (mode != RESV_HOOKS_LIVEPATCH)
		return;
	WRITE_ONCE(mode, RESV_HOOKS_AUTO);
	pr_info("kprobes take the place of the livepatch (hooks=auto)\n");
	/* For all groups, if this is not the walk over them. */
	resv_hooks_rescan_soon();
}

/**
 * resv_hooks_replace_livepatch() - somebody disables the livepatch by its own file
 *
 * What is declared must not end by that, so kprobes take the livepatch's place if it was
 * alone.  The mode is "auto" from then on.
 *
 * Context: the kernel's klp_mutex is held; may sleep.
 */
void resv_hooks_replace_livepatch(void)
{
	bool alone;

	resv_hooks_lock();
	alone = mode == RESV_HOOKS_LIVEPATCH;
	if (alone)
		WRITE_ONCE(mode, RESV_HOOKS_AUTO);
	resv_hooks_unlock();
	if (!alone)
		return;
	pr_info("the livepatch is being disabled, kprobes take its place (hooks=auto)\n");
	owner->rescan();
}

static void set_mode(enum resv_hook_mode new)
{
	resv_hooks_lock();
	WRITE_ONCE(mode, new);
	resv_hooks_unlock();
}

/* Some tap that is required does not work as a kprobe.  @old: the mode before. */
static int give_up_kprobes(enum resv_hook_mode old)
{
	enum resv_hook_mode new = mode;

	set_mode(old);
	/* Between these two the same places are hooked; only the word is another one. */
	if (old == RESV_HOOKS_AUTO || old == RESV_HOOKS_KPROBE)
		return -EOPNOTSUPP;
	/* A change that was made while kprobes were in may need them. */
	if (owner->in_force(old)) {
		set_mode(new);
		return 0;
	}
	return -EOPNOTSUPP;
}

static int switch_to_kprobe(enum resv_hook_mode new)
{
	enum resv_hook_mode old = mode;

	resv_hooks_lock();
	resv_hooks_retry();
	WRITE_ONCE(mode, new);
	resv_hooks_unlock();
	owner->rescan();
	if (!resv_hooks_required_inert())
		return 0;
	pr_err("hooks: not every hook works as a kprobe, see /sys/kernel/iommu_resv/hooks\n");
	return give_up_kprobes(old);
}

/*
 * The livepatch can be disabled at any time.  If that began before the mode is set,
 * nobody would put kprobes in its place, so look again under the lock; afterwards,
 * resv_hooks_replace_livepatch() sees the mode.
 */
static int set_mode_livepatch(void)
{
	int ret = -EBUSY;

	resv_hooks_lock();
	if (resv_livepatch_hook.state == RESV_HOOK_ACTIVE) {
		WRITE_ONCE(mode, RESV_HOOKS_LIVEPATCH);
		ret = 0;
	}
	resv_hooks_unlock();
	return ret;
}

static int switch_to_livepatch(void)
{
	enum resv_hook_mode old = mode;
	int ret;

	/* Both backends are on then; the kernel merges what both add. */
	ret = resv_livepatch_ask() ?: set_mode_livepatch();
	if (ret) {
		pr_err("hooks: the livepatch does not work (%d), nothing was changed; see /sys/kernel/iommu_resv/hooks\n",
		       ret);
		return ret;
	}
	ret = owner->in_force(RESV_HOOKS_LIVEPATCH);
	if (ret)
		set_mode(old);
	return ret;
}

static int switch_off(void)
{
	enum resv_hook_mode old = mode;
	int ret;

	if (resv_livepatch_loaded()) {
		pr_err("hooks: iommu_resv_livepatch is loaded, remove it first: iommu-resv hooks kprobe\n");
		return -EBUSY;
	}
	set_mode(RESV_HOOKS_NONE);
	ret = owner->in_force(RESV_HOOKS_NONE);
	if (ret)
		set_mode(old);
	return ret;
}

/*
 * The mode is decided.  Look at all groups first: none asks for taps by another mode
 * after that.
 */
static void act_on_mode(void)
{
	owner->rescan();
	if (resv_hooks_by_kprobe())
		return;
	owner->mode_changed();
	resv_hooks_forget();
	/* The livepatch was disabled meanwhile: kprobes are wanted again. */
	if (resv_hooks_by_kprobe())
		owner->rescan();
}

static int switch_mode(enum resv_hook_mode new)
{
	int ret;

	if (!READ_ONCE(started)) {
		WRITE_ONCE(mode, new);
		return 0;
	}
	if (!READ_ONCE(running)) {
		pr_err("hooks: the module is still being loaded, try again\n");
		return -EBUSY;
	}
	if (new == RESV_HOOKS_NONE)
		ret = switch_off();
	else if (new == RESV_HOOKS_LIVEPATCH)
		ret = switch_to_livepatch();
	else
		ret = switch_to_kprobe(new);
	act_on_mode();
	return ret;
}

static const char *const modes[] = {
	[RESV_HOOKS_AUTO] = "auto",
	[RESV_HOOKS_KPROBE] = "kprobe",
	[RESV_HOOKS_LIVEPATCH] = "livepatch",
	[RESV_HOOKS_NONE] = "none",
};

/* May sleep for seconds.  On an error the old mode is in force. */
static int hooks_set(const char *val, const struct kernel_param *kp)
{
	int ret = resv_text_choice(val, modes, ARRAY_SIZE(modes));

	if (ret < 0) {
		pr_err("hooks=%.*s is not understood: give auto, kprobe, livepatch or none\n",
		       (int)min_t(size_t, strcspn(val, "\n"), 64), val);
		return ret;
	}
	/* Nobody must unload the module meanwhile. */
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	mutex_lock(&switch_lock);
	ret = switch_mode(ret);
	mutex_unlock(&switch_lock);
	module_put(THIS_MODULE);
	return ret;
}

static int hooks_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", modes[resv_hooks_mode()]);
}

static const struct kernel_param_ops hooks_ops = {
	.set = hooks_set,
	.get = hooks_get,
};

module_param_cb(hooks, &hooks_ops, NULL, 0644);
MODULE_PARM_DESC(hooks, "how to enforce declared regions: auto (default), kprobe, livepatch or none");
