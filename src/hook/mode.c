// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameter "hooks": which backend hooks functions, and the switch to another.
 *
 * A switch leaves no gap in enforcement: the new backend is active before the old one is
 * removed.  If the new mode may end something that is in force, the switch first sets the
 * new mode, so that no new change of a group is accepted, and then asks the owner; if the
 * owner refuses, the switch sets the old mode again.
 *
 * Locks: switch_lock orders switches, and is held across calls of the owner.  The mode
 * is written under the lock of the hooks, and read without a lock.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include "hook/engine.h"
#include "hook/mode.h"
#include "hook/place.h"
#include "model/words.h"

static DEFINE_MUTEX(switch_lock);

static bool started;		/* init has begun: the mode is in use */
static bool running;		/* the module is loaded: a new mode can be acted on */
static const struct resv_hooks_owner *owner;

/**
 * resv_hooks_set_owner() - set the callbacks for changes of the mode
 * @o: the callbacks
 *
 * Context: once, while the module is being loaded.
 */
void resv_hooks_set_owner(const struct resv_hooks_owner *o)
{
	owner = o;
}

/**
 * resv_hooks_pending() - is the livepatch wanted, but not tested yet?
 *
 * If it works, it will enforce regions that nothing enforces now.
 *
 * Context: any.
 * Return: true if it is
 */
bool resv_hooks_pending(void)
{
	return resv_hooks_mode() == RESV_HOOKS_LIVEPATCH &&
	       READ_ONCE(resv_livepatch_hook.state) == RESV_HOOK_OFF;
}

/* The livepatch was active, and does not work any more.  Under the lock of the hooks. */
static void livepatch_lost(void)
{
	if (resv_hooks_mode() != RESV_HOOKS_LIVEPATCH)
		return;
	resv_hooks_set_mode(RESV_HOOKS_AUTO);
	pr_info("kprobes replace the livepatch (hooks=auto)\n");
	/* The caller may look at a single group; all groups need kprobes. */
	owner->rescan_soon();
}

/*
 * A user disables the livepatch in /sys/kernel/livepatch.  Declared regions must stay
 * enforced, so kprobes take its place if nothing else hooks (mode "livepatch").
 */
static void livepatch_disabled(void)
{
	bool alone;

	resv_hooks_lock();
	alone = resv_hooks_mode() == RESV_HOOKS_LIVEPATCH;
	if (alone)
		resv_hooks_set_mode(RESV_HOOKS_AUTO);
	resv_hooks_unlock();
	if (!alone)
		return;
	pr_info("the livepatch is being disabled, kprobes replace it (hooks=auto)\n");
	owner->rescan();
}

static void livepatch_changed(void)
{
	owner->rescan_soon();
}

static const struct resv_livepatch_owner livepatch_owner = {
	.lost = livepatch_lost,
	.disabled = livepatch_disabled,
	.changed = livepatch_changed,
};

/**
 * resv_hooks_init() - set up the engine; it hooks nothing yet
 *
 * Context: the parameters are parsed; may sleep.
 * Return: 0 or an errno
 */
int resv_hooks_init(void)
{
	resv_livepatch_set_owner(&livepatch_owner);
	WRITE_ONCE(started, true);
	return resv_engine_init();
}

/**
 * resv_hooks_run() - loading cannot fail any more: load the livepatch if it is wanted
 *
 * Context: may sleep.
 */
void resv_hooks_run(void)
{
	resv_hooks_lock();
	WRITE_ONCE(running, true);
	if (resv_hooks_mode() == RESV_HOOKS_LIVEPATCH)
		resv_livepatch_ask_later();
	resv_hooks_unlock();
}

static void set_mode(enum resv_hook_mode new)
{
	resv_hooks_lock();
	resv_hooks_set_mode(new);
	resv_hooks_unlock();
}

/* A required tap does not work as a kprobe: go back to the mode @old if possible. */
static int give_up_kprobes(enum resv_hook_mode old)
{
	enum resv_hook_mode new = resv_hooks_mode();

	set_mode(old);
	/* "auto" and "kprobe" hook the same places; only the name differs. */
	if (old == RESV_HOOKS_AUTO || old == RESV_HOOKS_KPROBE)
		return -EOPNOTSUPP;
	/* A change that was accepted while kprobes were in force may need them. */
	if (owner->in_force(old)) {
		set_mode(new);
		return 0;
	}
	return -EOPNOTSUPP;
}

static int switch_to_kprobe(enum resv_hook_mode new)
{
	enum resv_hook_mode old = resv_hooks_mode();

	resv_hooks_lock();
	resv_hooks_retry();
	resv_hooks_set_mode(new);
	resv_hooks_unlock();
	owner->rescan();
	if (!resv_hooks_required_inert())
		return 0;
	pr_err("hooks: not every hook works as a kprobe, see /sys/kernel/iommu_resv/hooks\n");
	return give_up_kprobes(old);
}

/*
 * A user can disable the livepatch at any time.  If that began before the mode is set,
 * livepatch_disabled() would not install kprobes, so check the state again under the
 * lock.  From then on livepatch_disabled() sees the new mode.
 */
static int set_mode_livepatch(void)
{
	int ret = -EBUSY;

	resv_hooks_lock();
	if (resv_livepatch_hook.state == RESV_HOOK_ACTIVE) {
		resv_hooks_set_mode(RESV_HOOKS_LIVEPATCH);
		ret = 0;
	}
	resv_hooks_unlock();
	return ret;
}

static int switch_to_livepatch(void)
{
	enum resv_hook_mode old = resv_hooks_mode();
	int ret;

	/* For a while both backends add regions; the kernel merges duplicates. */
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
	enum resv_hook_mode old = resv_hooks_mode();
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
 * Apply the mode that was decided on.  Look at all groups first: after that no task asks
 * for the taps of another mode.
 */
static void act_on_mode(void)
{
	owner->rescan();
	if (resv_hooks_by_kprobe())
		return;
	owner->mode_changed();
	resv_hooks_forget();
	/* The livepatch was disabled meanwhile: install kprobes again. */
	if (resv_hooks_by_kprobe())
		owner->rescan();
}

static int switch_mode(enum resv_hook_mode new)
{
	int ret;

	if (!READ_ONCE(started)) {
		resv_hooks_set_mode(new);
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

/* May sleep for seconds.  On an error the old mode stays in force. */
static int hooks_set(const char *val, const struct kernel_param *kp)
{
	int ret = resv_text_choice(val, modes, ARRAY_SIZE(modes));

	if (ret < 0) {
		pr_err("hooks=%.*s is invalid: use auto, kprobe, livepatch or none\n",
		       (int)min_t(size_t, strcspn(val, "\n"), 64), val);
		return ret;
	}
	/* Keep the module loaded during the switch. */
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
