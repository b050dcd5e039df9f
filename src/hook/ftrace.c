// SPDX-License-Identifier: GPL-2.0-only
/*
 * Own ftrace_ops at the entry of a function, for x86 before v5.5.
 *
 * A kprobe at the entry of a function is at a place of ftrace's.  Before v5.4 each such
 * kprobe claims the right to redirect the function (FTRACE_OPS_FL_IPMODIFY), as livepatches
 * do: a livepatch of the function is refused (-EBUSY) while the kprobe is there, and the
 * other way round register_kprobe() fails or, before v4.16, warns and returns 0 for a probe
 * that is never hit.  These ops ask for the registers alone.  The livepatch and the ops may
 * come in either order, and the ops are called with the arguments before the function or
 * what replaces it runs.
 *
 * A return is seen by the kernel's own kretprobes.  The kretprobe is registered, disabled, at
 * anchor() below, which nothing calls.  What register_kretprobe() has made its pre_handler
 * puts the kernel's trampoline in the place of a return address; the ops call it with the
 * registers of the function that they are at, as kprobe_ftrace_handler() would.
 *
 * Handlers run as those of kprobe.c do, with preemption off.  ftrace keeps a callback from
 * calling itself.  unregister_ftrace_function() waits until no CPU is in the callback, as the
 * ops are in no core kernel data (FTRACE_OPS_FL_DYNAMIC); unregister_kretprobe() leaves calls
 * that are inside to return without their handler.
 *
 * A function that ftrace has no place in gets a kprobe, which claims nothing there.
 *
 * Invariant: while a place has this backend and is installed, its ops have one address in
 * their filter; while it is not, none.
 */
#include <linux/errno.h>
#include <linux/kprobes.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include "compat/ftrace.h"
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

/* The filter needs the address, but not that the function is still there. */
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
	/* With FTRACE_OPS_FL_PERMANENT: ftrace is turned off. */
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

/* Return: @ret, or what the other backend says if ftrace has no place in the function */
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
 * resv_ftrace_backend() - who hooks a function in the place of kprobes
 * @at_return: its return, not its entry
 *
 * Context: any.
 * Return: the backend, or NULL where kprobes exclude nobody, or ftrace will not do
 */
const struct resv_backend *resv_ftrace_backend(bool at_return)
{
#if COMPAT_HAS_FTRACE_HOOKS
	if (COMPAT_KPROBES_CLAIM || resv_test_ftrace())
		return at_return ? &return_backend : &entry_backend;
#endif
	return NULL;
}
