// SPDX-License-Identifier: GPL-2.0-only
/*
 * Own ftrace_ops at the entry of a function, for x86 before v5.5.
 *
 * A kprobe at the entry of a function uses ftrace there.  Before v5.4 each such kprobe
 * claims the right to redirect the function (FTRACE_OPS_FL_IPMODIFY), as livepatches do.
 * While the kprobe is there, the kernel refuses a livepatch of the function (-EBUSY);
 * while the livepatch is there, register_kprobe() fails or, before v4.16, warns and
 * returns 0 for a probe that is never hit.  These ops ask only for the registers, so the
 * livepatch and the ops may be installed in either order.  ftrace calls the ops with the
 * arguments before the function, or its replacement, runs.
 *
 * For returns this backend uses the kernel's own kretprobes.  It registers a disabled
 * kretprobe at anchor() below, which nothing calls.  register_kretprobe() sets the
 * pre_handler that replaces a return address by the kernel's trampoline; the ops call
 * that pre_handler with the registers of the hooked function, as kprobe_ftrace_handler()
 * would.
 *
 * Handlers run with preemption off, as those of kprobe.c do.  ftrace does not let a
 * callback recurse.  unregister_ftrace_function() waits until no CPU is in the callback,
 * because the ops are not core kernel data (FTRACE_OPS_FL_DYNAMIC).  Calls that are
 * inside the function when unregister_kretprobe() runs return without the handler.
 *
 * A function without an ftrace location gets a kprobe, which claims nothing there.
 *
 * Invariant: the filter of the ops has one address while the place is installed by this
 * backend, and is empty while it is not.
 */
#include <linux/errno.h>
#include <linux/kprobes.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include "compat/ftrace.h"
#include "compat/klp.h"
#include "hook/fault.h"
#include "hook/place.h"

#if COMPAT_HAS_FTRACE_HOOKS
static noinline notrace void anchor(void)
{
	barrier();
}

/* In the task that calls the function, before its first instruction. */
static void notrace entered(unsigned long ip, unsigned long parent_ip,
			    struct ftrace_ops *ops, struct pt_regs *regs)
{
	struct resv_hook *hook = container_of(ops, struct resv_hook, ops);

	preempt_disable_notrace();
	resv_place_entered(hook, regs);
	preempt_enable_notrace();
}

NOKPROBE_SYMBOL(entered);

static void notrace entered_to_return(unsigned long ip, unsigned long parent_ip,
				      struct ftrace_ops *ops, struct pt_regs *regs)
{
	struct resv_hook *hook = container_of(ops, struct resv_hook, ops);

	preempt_disable_notrace();
	hook->rp.kp.pre_handler(&hook->rp.kp, regs);
	preempt_enable_notrace();
}

NOKPROBE_SYMBOL(entered_to_return);

/* ftrace removes the address from the filter even if the function is gone. */
static void forget_address(struct resv_hook *hook)
{
	ftrace_set_filter_ip(&hook->ops, hook->ops_ip, 1, 0);
}

static int install(struct resv_hook *hook, ftrace_func_t func)
{
	int ret;

	memset(&hook->ops, 0, sizeof(hook->ops));
	hook->ops.func = func;
	hook->ops.flags = FTRACE_OPS_FL_SAVE_REGS | COMPAT_FTRACE_PERMANENT;
	hook->ops_ip = hook->address;
	if (!hook->ops_ip) {
		ret = resv_kprobe_address(hook->symbol, &hook->ops_ip);
		if (ret)
			return ret;
	}
	ret = ftrace_set_filter_ip(&hook->ops, hook->ops_ip, 0, 0);
	if (ret)
		return ret;
	ret = register_ftrace_function(&hook->ops);
	if (!ret)
		return 0;
	forget_address(hook);
	/* With FTRACE_OPS_FL_PERMANENT, -EBUSY means that ftrace is turned off. */
	return ret == -EBUSY ? -ENODEV : ret;
}

static void remove_ops(struct resv_hook *hook)
{
	unregister_ftrace_function(&hook->ops);
	forget_address(hook);
}

static void sync(void)
{
	synchronize_rcu();
}

/* If ftrace has no location in the function (-EINVAL), hook it by @probe. */
static int or_probe(struct resv_hook *hook, int ret, const struct resv_backend *probe)
{
	if (ret != -EINVAL)
		return ret;
	hook->backend = probe;
	return probe->install(hook);
}

static int install_entry(struct resv_hook *hook)
{
	return or_probe(hook, install(hook, entered), &resv_kprobe_backend);
}

static int install_return(struct resv_hook *hook)
{
	int ret;

	resv_kretprobe_prepare(hook);
	hook->rp.kp.addr = (kprobe_opcode_t *)anchor;
	hook->rp.kp.flags = KPROBE_FLAG_DISABLED;
	ret = register_kretprobe(&hook->rp);
	if (ret)
		return ret;
	ret = install(hook, entered_to_return);
	if (ret)
		unregister_kretprobe(&hook->rp);
	return or_probe(hook, ret, &resv_kretprobe_backend);
}

static void remove_return(struct resv_hook *hook)
{
	remove_ops(hook);
	unregister_kretprobe(&hook->rp);
}

static u64 missed_return(const struct resv_hook *hook)
{
	return hook->rp.nmissed;
}

static const struct resv_backend entry_backend = {
	.name = "ftrace",
	.install = install_entry,
	.remove = remove_ops,
	.sync = sync,
};

static const struct resv_backend return_backend = {
	.name = "ftrace-return",
	.at_return = true,
	.install = install_return,
	.remove = remove_return,
	.missed = missed_return,
	.sync = sync,
};
#endif

/**
 * resv_ftrace_backend() - the ftrace backend, where it must replace kprobes
 * @at_return: for the return of functions, not their entry
 *
 * Context: any.
 * Return: the backend; or NULL if kprobes do not exclude livepatches, if they must
 *	exclude them (COMPAT_KLP_OVERWRITES), or if ftrace cannot do the work
 */
const struct resv_backend *resv_ftrace_backend(bool at_return)
{
#if COMPAT_HAS_FTRACE_HOOKS
	/* Such a kernel looks for kprobes, not ops, before it overwrites a function. */
	if (COMPAT_KLP_OVERWRITES || resv_test_overwrites())
		return NULL;
	if (COMPAT_KPROBES_CLAIM || resv_test_ftrace())
		return at_return ? &return_backend : &entry_backend;
#endif
	return NULL;
}
