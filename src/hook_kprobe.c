// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taps: kprobes at the entry of a function that lists regions.
 *
 * The handler adds to the list that the function was given, then lets the
 * function run.  It changes no register, so every kind of kprobe will do
 * (ftrace, breakpoint, jump), on x86 and on arm64, beside livepatches and
 * tracers.  No post_handler: with one an ftrace-based kprobe would claim the
 * right to redirect (IPMODIFY) and exclude livepatches.
 *
 * Handlers run with preemption off: no mutex, no allocation that PREEMPT_RT
 * forbids, no call of a function that is hooked.  A handler that another
 * kprobe's handler interrupts is left out by the kernel and counted in nmissed.
 * unregister_kprobe() waits until no CPU is in the handler.
 */
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/kprobes.h>
#include <linux/string.h>
#include "compat/regs.h"
#include "declared.h"
#include "hook.h"

static int tap(struct kprobe *kp, struct pt_regs *regs)
{
	struct resv_hook *hook = container_of(kp, struct resv_hook, kp);
	struct list_head *head = (void *)compat_argument(regs, 1);
	void *listed = (void *)compat_argument(regs, 0);
	unsigned int lost = 0;

	atomic64_inc(&hook->hits);
	switch (hook->level) {
	case RESV_HOOK_DEVICE:
		lost = resv_declared_tap_device(listed, head,
						resv_hooks_marking(hook));
		break;
	case RESV_HOOK_GROUP:
		lost = resv_declared_tap_group(listed, head,
					       resv_hooks_marking(hook));
		break;
	case RESV_HOOK_COUNT:
		break;
	}
	if (unlikely(lost)) {
		atomic64_add(lost, &hook->lost);
		pr_warn_ratelimited("no memory: %u declared regions are missing from a list\n",
				    lost);
	}
	return 0;
}

NOKPROBE_SYMBOL(tap);

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

	/* register_kprobe() wants what it did not fill in to be zero. */
	memset(&hook->kp, 0, sizeof(hook->kp));
	if (hook->address)
		hook->kp.addr = (kprobe_opcode_t *)hook->address;
	else
		hook->kp.symbol_name = hook->symbol;
	hook->kp.pre_handler = tap;
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
	unregister_kprobe(&hook->kp);
	hook->installed = false;
}

/**
 * resv_kprobe_missed() - calls that the handler was left out of
 * @hook: hook
 */
u64 resv_kprobe_missed(const struct resv_hook *hook)
{
	return hook->kp.nmissed;
}
