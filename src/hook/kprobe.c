// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kprobes at the entry of a function, and kretprobes at its return.
 *
 * A tap adds to the list that the function was given, changes arguments, or only records
 * which group is attached to which domain; then the function runs.  No tap redirects the
 * call, so every kind of kprobe works (ftrace, breakpoint, jump), on x86 and on arm64,
 * beside livepatches and tracers; on x86 before v5.5 ftrace.c calls the taps instead.
 * There is no post_handler: with one, an ftrace-based kprobe would claim the right to
 * redirect (IPMODIFY) and exclude livepatches.
 *
 * A tap that needs the complete list, or the result, uses a kretprobe.  A list belongs to
 * the caller of the function.  If the function returns an error, the caller unwinds
 * (vfio_iommu_type1_attach_group() since v5.4; before, and in sysfs, the caller ignores
 * the error).  Many tasks may call the function at once.  A call whose return a tap wants
 * to see holds one of MAX_CALLS instances until it returns; all other calls give theirs
 * back at once.
 *
 * Handlers run with preemption off: no mutex, no allocation that PREEMPT_RT forbids, no
 * call of a hooked function.  If a probe is hit inside another kprobe's handler, the
 * kernel skips its handler and counts the hit in nmissed.  unregister_kprobe() waits
 * until no CPU is in the handler.  A call that is inside a function while its kretprobe
 * is removed returns without the handler.
 *
 * A tap can leave a place that stays installed, so the handlers hold rcu_read_lock()
 * while they run taps.  To turn preemption off is not enough: before v5.0
 * synchronize_rcu() of a preemptible kernel does not wait for sections without
 * preemption.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/kprobes.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include "compat/kprobes.h"
#include "hook/place.h"

static void sync(void)
{
	synchronize_rcu();
}

#ifdef CONFIG_KPROBES
/**
 * resv_place_entered() - run the taps at the entry of a function
 * @hook: the place
 * @regs: registers at the entry; the function gets them as the taps leave them
 *
 * Every iommu_map() of the machine may come here, so keep this to a few instructions.
 *
 * Context: preemption is off; in the task that calls the function.
 */
void resv_place_entered(struct resv_hook *hook, struct pt_regs *regs)
{
	struct resv_call call = { .hook = hook, .regs = regs };
	const struct resv_hook_tap *at;

	this_cpu_inc(*hook->hits);
	rcu_read_lock();
	list_for_each_entry_rcu(at, &hook->taps, node) {
		if (!at->tap->enter)
			continue;
		call.marking = resv_hook_marking(hook, at->tap);
		at->tap->enter(&call);
	}
	rcu_read_unlock();
}

NOKPROBE_SYMBOL(resv_place_entered);

static int entered(struct kprobe *kp, struct pt_regs *regs)
{
	resv_place_entered(container_of(kp, struct resv_hook, kp), regs);
	return 0;
}

NOKPROBE_SYMBOL(entered);

/**
 * resv_kprobe_address() - find the address of a function
 * @symbol: its name
 * @address: set to where it begins
 *
 * Since v5.7 a module can get an address only by registering a kprobe.  A kprobe that is
 * registered disabled is not armed: it does not touch the function, and does not exclude
 * livepatches.
 *
 * Context: sleeps for a grace period.
 * Return: 0, -ENOENT if there is no such function now, or another errno
 */
int resv_kprobe_address(const char *symbol, unsigned long *address)
{
	struct kprobe kp = {
		.symbol_name = symbol,
		.flags = KPROBE_FLAG_DISABLED,
	};
	int ret;

	ret = register_kprobe(&kp);
	if (ret)
		return ret;
	*address = (unsigned long)kp.addr;
	unregister_kprobe(&kp);
	return 0;
}

static int install_entry(struct resv_hook *hook)
{
	/* register_kprobe() expects the members that it fills in to be zero. */
	memset(&hook->kp, 0, sizeof(hook->kp));
	if (hook->address)
		hook->kp.addr = (kprobe_opcode_t *)hook->address;
	else
		hook->kp.symbol_name = hook->symbol;
	hook->kp.pre_handler = entered;
	return register_kprobe(&hook->kp);
}

static void remove_entry(struct resv_hook *hook)
{
	unregister_kprobe(&hook->kp);
}

static u64 missed_entry(const struct resv_hook *hook)
{
	return hook->kp.nmissed;
}
#else
int resv_kprobe_address(const char *symbol, unsigned long *address)
{
	return -EOPNOTSUPP;
}

static int install_entry(struct resv_hook *hook)
{
	return -EOPNOTSUPP;
}

static void remove_entry(struct resv_hook *hook)
{
}

static u64 missed_entry(const struct resv_hook *hook)
{
	return 0;
}
#endif

#ifdef CONFIG_KRETPROBES
/* Most calls inside the function at once; calls sleep, so there can be many. */
#define MAX_CALLS	256

/**
 * struct slot - data that one tap keeps from enter() to leave()
 * @tap: the tap, or NULL after the last slot in use
 * @data: resv_call.data of the tap
 */
struct slot {
	const struct resv_tap *tap;
	unsigned long data[RESV_TAP_DATA / sizeof(unsigned long)];
};

static int call_begins(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kretprobe *rp = compat_get_kretprobe(ri);
	struct slot *slot = (void *)ri->data;
	struct resv_call call = { .regs = regs };
	const struct resv_hook_tap *at;
	unsigned int nr = 0;

	if (!rp)
		return 1;
	call.hook = container_of(rp, struct resv_hook, rp);
	rcu_read_lock();
	list_for_each_entry_rcu(at, &call.hook->taps, node) {
		/* The list can be longer while one tap leaves and another joins. */
		if (nr == RESV_TAPS_RETURN)
			break;
		call.data = slot[nr].data;
		call.marking = resv_hook_marking(call.hook, at->tap);
		if (!at->tap->enter || at->tap->enter(&call))
			slot[nr++].tap = at->tap;
	}
	rcu_read_unlock();
	if (nr < RESV_TAPS_RETURN)
		slot[nr].tap = NULL;
	/* On 1 the kernel takes the instance back and does not hook the return. */
	return !nr;
}

NOKPROBE_SYMBOL(call_begins);

/* With rcu_read_lock() held. */
static bool is_there(const struct resv_hook *hook, const struct resv_tap *tap)
{
	const struct resv_hook_tap *at;

	list_for_each_entry_rcu(at, &hook->taps, node)
		if (at->tap == tap)
			return true;
	return false;
}

NOKPROBE_SYMBOL(is_there);

static int call_ends(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kretprobe *rp = compat_get_kretprobe(ri);
	struct slot *slot = (void *)ri->data;
	struct resv_call call = { .regs = regs };
	unsigned int i;

	if (!rp)
		return 0;
	call.hook = container_of(rp, struct resv_hook, rp);
	this_cpu_inc(*call.hook->hits);
	rcu_read_lock();
	for (i = 0; i < RESV_TAPS_RETURN && slot[i].tap; i++) {
		/* The tap may have left the place while the call was inside. */
		if (!slot[i].tap->leave || !is_there(call.hook, slot[i].tap))
			continue;
		call.data = slot[i].data;
		call.marking = resv_hook_marking(call.hook, slot[i].tap);
		slot[i].tap->leave(&call);
	}
	rcu_read_unlock();
	return 0;
}

NOKPROBE_SYMBOL(call_ends);

/**
 * resv_kretprobe_prepare() - fill in a place's kretprobe, except for the address
 * @hook: the place, which is not installed
 *
 * Context: the lock of the hooks is held.
 */
void resv_kretprobe_prepare(struct resv_hook *hook)
{
	memset(&hook->rp, 0, sizeof(hook->rp));
	/* Calls that no tap wants also hold an instance for a moment: one per CPU. */
	hook->rp.maxactive = MAX_CALLS + num_possible_cpus();
	hook->rp.data_size = RESV_TAPS_RETURN * sizeof(struct slot);
	hook->rp.entry_handler = call_begins;
	hook->rp.handler = call_ends;
}

static int install_return(struct resv_hook *hook)
{
	resv_kretprobe_prepare(hook);
	if (hook->address)
		hook->rp.kp.addr = (kprobe_opcode_t *)hook->address;
	else
		hook->rp.kp.symbol_name = hook->symbol;
	return register_kretprobe(&hook->rp);
}

static void remove_return(struct resv_hook *hook)
{
	unregister_kretprobe(&hook->rp);
}

static u64 missed_return(const struct resv_hook *hook)
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

static u64 missed_return(const struct resv_hook *hook)
{
	return 0;
}
#endif

const struct resv_backend resv_kprobe_backend = {
	.name = "kprobe",
	.install = install_entry,
	.remove = remove_entry,
	.missed = missed_entry,
	.sync = sync,
};

const struct resv_backend resv_kretprobe_backend = {
	.name = "kretprobe",
	.at_return = true,
	.install = install_return,
	.remove = remove_return,
	.missed = missed_return,
	.sync = sync,
};
