// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taps: kprobes at the entry of a function, and kretprobes at its return.
 *
 * A handler adds to the list that the function was given, or changes the two
 * arguments by which a driver places its window, or only looks who is attached
 * to what; then the function runs.  None redirects, so every kind of kprobe will
 * do (ftrace, breakpoint, jump), on x86 and on arm64, beside livepatches and
 * tracers.  No post_handler: with one an ftrace-based kprobe would claim the
 * right to redirect (IPMODIFY) and exclude livepatches.
 *
 * Kretprobes: when a group's list is complete its window can be moved, and a caller
 * be refused.  The list is the caller's own, and its callers give an error back after
 * they have undone what they did (vfio_iommu_type1_attach_group() since v5.4; before,
 * and in sysfs, it is ignored).  And where VFIO does not tell usable ranges, what it
 * has told is completed when it returns to the process.
 *
 * Handlers run with preemption off: no mutex, no allocation that PREEMPT_RT
 * forbids, no call of a function that is hooked.  A handler that another
 * kprobe's handler interrupts is left out by the kernel and counted in nmissed.
 * unregister_kprobe() waits until no CPU is in the handler; a call that is inside
 * of a function whose kretprobe goes returns without its handler.
 */
#include <linux/err.h>
#include <linux/kprobes.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "compat/kprobes.h"
#include "compat/regs.h"
#include "declared.h"
#include "hook.h"
#include "iova_info.h"
#include "list.h"
#include "msi_cookie.h"
#include "msi_window.h"
#include "police.h"
#include "refusal.h"

/* A driver makes an entry: of its window, for a group whose window is moved? */
static void tap_alloc(struct pt_regs *regs)
{
	struct resv_range window;

	if ((u32)compat_argument(regs, 3) != IOMMU_RESV_SW_MSI ||
	    !resv_msi_tap_alloc(&window))
		return;
	compat_argument_set(regs, 0, window.start);
	compat_argument_set(regs, 1, window.end - window.start + 1);
}

/* Somebody maps: to the wrong place?  The one that is called often. */
static int tap_map(struct kprobe *kp, struct pt_regs *regs)
{
	struct resv_hook *hook = container_of(kp, struct resv_hook, kp);
	const struct iommu_domain *domain = (void *)compat_argument(regs, 0);

	this_cpu_inc(*hook->hits);
	/* Our own test of that, or what somebody else wants. */
	if (resv_refusals_tried(domain) ||
	    resv_police_tap_map(domain, compat_argument(regs, 1),
				compat_argument(regs, 3),
				(int)compat_argument(regs, 4)))
		resv_refuse_map(regs);
	return 0;
}

NOKPROBE_SYMBOL(tap_map);

static int tap(struct kprobe *kp, struct pt_regs *regs)
{
	struct resv_hook *hook = container_of(kp, struct resv_hook, kp);
	void *second = (void *)compat_argument(regs, 1);
	void *first = (void *)compat_argument(regs, 0);
	unsigned int lost = 0, late = 0;

	this_cpu_inc(*hook->hits);
	switch (hook->level) {
	case RESV_HOOK_DEVICE:
		lost = resv_declared_tap_device(first, second,
						resv_hooks_marking(hook));
		late = resv_msi_tap_device(first, resv_hooks_marking_alloc());
		break;
	case RESV_HOOK_GROUP:
		lost = resv_declared_tap_group(first, second,
					       resv_hooks_marking(hook));
		break;
	case RESV_HOOK_ALLOC:
		tap_alloc(regs);
		break;
	case RESV_HOOK_JOIN:
		if (resv_hooks_needed(RESV_FOR_WINDOWS))
			resv_msi_tap_join(first, second);
		resv_police_tap_join(first, second);
		break;
	case RESV_HOOK_ATTACH:
		if (resv_police_tap_attach(first, second))
			resv_refuse_attach(regs);
		else if (resv_hooks_needed(RESV_FOR_WINDOWS))
			resv_msi_tap_attach(first, second);
		break;
	case RESV_HOOK_DETACH:
		if (resv_hooks_needed(RESV_FOR_WINDOWS))
			resv_msi_tap_detach(first, second);
		resv_police_tap_detach(first, second);
		break;
	case RESV_HOOK_FREE:
		if (resv_hooks_needed(RESV_FOR_WINDOWS))
			resv_msi_tap_free(first);
		resv_cookie_tap_free(first);
		resv_police_tap_free(first);
		break;
	case RESV_HOOK_RELEASE:
		resv_police_tap_release(first);
		break;
	case RESV_HOOK_COMPOSE:
		lost = resv_hooks_needed(RESV_FOR_COOKIES) &&
		       !resv_cookie_tap_compose((u32)(unsigned long)first, second);
		break;
	case RESV_HOOK_MAP:
	case RESV_HOOK_LISTED:
	case RESV_HOOK_COUNT:
	case RESV_HOOK_OPEN:
	case RESV_HOOK_INFO:
	case RESV_HOOK_JOINED:
	case RESV_HOOK_HIDE:
		break;
	}
	if (unlikely(lost || late))
		atomic64_add(lost + late, &hook->lost);
	if (unlikely(lost && hook->level != RESV_HOOK_COMPOSE))
		pr_warn_ratelimited("no memory: %u declared regions are missing from a list\n",
				    lost);
	if (unlikely(late))
		pr_warn_ratelimited("too many tasks list regions at once: an MSI window may be missing from a list\n");
	return 0;
}

NOKPROBE_SYMBOL(tap);

#ifdef CONFIG_KRETPROBES
/**
 * struct listing - one call of the function that lists a group's regions
 * @group: its first argument
 * @head: its second
 */
struct listing {
	struct iommu_group *group;
	struct list_head *head;
};

/* Calls that can be inside at once: they sleep, so many readers can be. */
#define MAX_CALLS	256

static int listing_begins(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kretprobe *rp = compat_get_kretprobe(ri);
	struct listing *listing = (void *)ri->data;
	struct resv_hook *hook;

	if (!rp)
		return 1;
	hook = container_of(rp, struct resv_hook, rp);
	listing->group = (void *)compat_argument(regs, 0);
	listing->head = (void *)compat_argument(regs, 1);
	/* By 1 the kernel takes the place back, and the return is not seen. */
	return !resv_hooks_marking(hook) &&
	       !resv_msi_tap_listing(listing->group);
}

NOKPROBE_SYMBOL(listing_begins);

static int listing_ends(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kretprobe *rp = compat_get_kretprobe(ri);
	struct listing *listing = (void *)ri->data;
	struct resv_hook *hook;
	int ret;

	if (!rp)
		return 0;
	hook = container_of(rp, struct resv_hook, rp);
	this_cpu_inc(*hook->hits);
	ret = resv_msi_tap_listed(listing->group, listing->head,
				  resv_hooks_marking(hook));
	if (ret && !compat_result(regs))
		compat_result_set(regs, ret);
	return 0;
}

NOKPROBE_SYMBOL(listing_ends);

/* With native=ignore: VFIO, and whoever else asks, gets a list with nothing on it. */
static int hiding_ends(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kretprobe *rp = compat_get_kretprobe(ri);
	struct listing *listing = (void *)ri->data;

	if (!rp)
		return 0;
	this_cpu_inc(*container_of(rp, struct resv_hook, rp)->hits);
	resv_list_hide(listing->head);
	return 0;
}

NOKPROBE_SYMBOL(hiding_ends);

static int hiding_begins(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct listing *listing = (void *)ri->data;

	listing->head = (void *)compat_argument(regs, 1);
	return 0;
}

NOKPROBE_SYMBOL(hiding_begins);

/* VFIO has made a container, or has no memory for one. */
static int open_ends(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kretprobe *rp = compat_get_kretprobe(ri);
	void *container = compat_result_pointer(regs);
	struct resv_hook *hook;

	if (!rp)
		return 0;
	hook = container_of(rp, struct resv_hook, rp);
	this_cpu_inc(*hook->hits);
	if (!IS_ERR_OR_NULL(container) && !resv_police_tap_open(container))
		atomic64_inc(&hook->lost);
	return 0;
}

NOKPROBE_SYMBOL(open_ends);

/* VFIO has attached a group, or has not. */
static int join_ends(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kretprobe *rp = compat_get_kretprobe(ri);

	if (!rp)
		return 0;
	this_cpu_inc(*container_of(rp, struct resv_hook, rp)->hits);
	resv_police_tap_joined(!compat_result(regs));
	return 0;
}

NOKPROBE_SYMBOL(join_ends);

static int info_begins(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	return !resv_info_begins((void *)ri->data,
				 (void *)compat_argument(regs, 0),
				 compat_argument(regs, 1),
				 compat_argument(regs, 2));
}

NOKPROBE_SYMBOL(info_begins);

static int info_ends(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kretprobe *rp = compat_get_kretprobe(ri);
	struct resv_hook *hook;

	if (!rp)
		return 0;
	hook = container_of(rp, struct resv_hook, rp);
	this_cpu_inc(*hook->hits);
	if (!compat_result(regs) && !resv_info_ends((void *)ri->data))
		atomic64_inc(&hook->lost);
	return 0;
}

NOKPROBE_SYMBOL(info_ends);

static int install_return(struct resv_hook *hook)
{
	memset(&hook->rp, 0, sizeof(hook->rp));
	hook->rp.kp.symbol_name = hook->symbol;
	hook->rp.maxactive = MAX_CALLS;
	hook->rp.data_size = sizeof(struct listing);
	switch (hook->level) {
	case RESV_HOOK_HIDE:
		hook->rp.entry_handler = hiding_begins;
		hook->rp.handler = hiding_ends;
		break;
	case RESV_HOOK_OPEN:
		hook->rp.handler = open_ends;
		break;
	case RESV_HOOK_JOINED:
		hook->rp.handler = join_ends;
		break;
	case RESV_HOOK_INFO:
		hook->rp.entry_handler = info_begins;
		hook->rp.handler = info_ends;
		hook->rp.data_size = sizeof(struct resv_info_call);
		break;
	default:
		hook->rp.entry_handler = listing_begins;
		hook->rp.handler = listing_ends;
	}
	return register_kretprobe(&hook->rp);
}

static void remove_return(struct resv_hook *hook)
{
	unregister_kretprobe(&hook->rp);
}

static u64 return_missed(const struct resv_hook *hook)
{
	return hook->rp.nmissed + hook->rp.kp.nmissed;
}
#else
static int install_return(struct resv_hook *hook)
{
	return -EOPNOTSUPP;
}

static void remove_return(struct resv_hook *hook)
{
}

static u64 return_missed(const struct resv_hook *hook)
{
	return 0;
}
#endif

/**
 * resv_kprobe_is_return() - is it the return of its function that is hooked?
 * @hook: hook, whose level is set
 */
bool resv_kprobe_is_return(const struct resv_hook *hook)
{
	switch (hook->level) {
	case RESV_HOOK_LISTED:
	case RESV_HOOK_HIDE:
	case RESV_HOOK_OPEN:
	case RESV_HOOK_INFO:
	case RESV_HOOK_JOINED:
		return true;
	default:
		return false;
	}
}

/**
 * resv_kprobe_install() - begin to see calls
 * @hook: filled in, and not installed
 *
 * Context: may sleep; holds no group's mutex.
 * Return: 0, -ENOENT if there is no such function (now), -EBUSY if somebody
 *	else claims it, -EINVAL if the kernel allows no probe there, or another
 *	errno of register_kprobe()
 */
int resv_kprobe_install(struct resv_hook *hook)
{
	int ret;

	if (resv_kprobe_is_return(hook)) {
		ret = install_return(hook);
		hook->installed = !ret;
		return ret;
	}
	/* register_kprobe() wants what it did not fill in to be zero. */
	memset(&hook->kp, 0, sizeof(hook->kp));
	if (hook->address)
		hook->kp.addr = (kprobe_opcode_t *)hook->address;
	else
		hook->kp.symbol_name = hook->symbol;
	hook->kp.pre_handler = hook->level == RESV_HOOK_MAP ? tap_map : tap;
	ret = register_kprobe(&hook->kp);
	hook->installed = !ret;
	return ret;
}

/**
 * resv_kprobe_remove() - no call is seen any more, and no handler runs
 * @hook: installed
 *
 * Context: sleeps for a grace period.
 */
void resv_kprobe_remove(struct resv_hook *hook)
{
	if (resv_kprobe_is_return(hook))
		remove_return(hook);
	else
		unregister_kprobe(&hook->kp);
	hook->installed = false;
}

/**
 * resv_kprobe_missed() - calls that the handler was left out of
 * @hook: hook
 */
u64 resv_kprobe_missed(const struct resv_hook *hook)
{
	return resv_kprobe_is_return(hook) ? return_missed(hook) :
					     hook->kp.nmissed;
}
