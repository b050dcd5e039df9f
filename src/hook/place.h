/* SPDX-License-Identifier: GPL-2.0-only */
/* For src/hook/ only: places, the taps at them, and the backends that hook them. */
#ifndef RESV_HOOK_PLACE_H
#define RESV_HOOK_PLACE_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/types.h>
#include "compat/ftrace.h"
#include "hook/mode.h"
#include "hook/tap.h"

#define RESV_SYMBOL_LEN		64

enum resv_hook_state {
	RESV_HOOK_OFF,		/* not installed, or not tested yet */
	RESV_HOOK_INERT,	/* does not work; resv_hook.reason says why */
	RESV_HOOK_ACTIVE,	/* its tests passed, or it has none */
	RESV_HOOK_DRAINING,	/* being removed; some task may still be inside */
};

/**
 * struct resv_backend - a way to hook functions
 * @name: as in the file "hooks"
 * @at_return: it hooks returns, not entries
 * @install: hook the place, so that its taps see calls; may sleep; may change
 *	@hook->backend.  Return: 0, -ENOENT if there is no such function (now), -EBUSY if
 *	another user claims it, -EINVAL if the kernel allows no probe there, or another
 *	errno
 * @remove: unhook the place; on return no tap at the place is running
 * @missed: number of calls that did not reach the taps; or NULL
 * @sync: wait until taps that have left the place do not run any more; may sleep
 * @test: test the place and set its state, instead of the engine's own test; or NULL
 *
 * The engine calls all of these under the lock of the hooks.
 */
struct resv_backend {
	const char *name;
	bool at_return;
	int (*install)(struct resv_hook *hook);
	void (*remove)(struct resv_hook *hook);
	u64 (*missed)(const struct resv_hook *hook);
	void (*sync)(void);
	void (*test)(struct resv_hook *hook, struct iommu_group *group);
};

/**
 * struct resv_hook_tap - a tap at a place
 * @node: in resv_hook.taps; readers use RCU
 * @tap: the tap
 * @passed: its last test passed, and the place has stayed installed since
 */
struct resv_hook_tap {
	struct list_head node;
	const struct resv_tap *tap;
	bool passed;
};

/**
 * struct resv_hook - one place: the entry or the return of one function
 * @node: in the table
 * @symbol: name of the function
 * @module: module that has the function and may be loaded later, or ""
 * @address: its address, or 0 to look up @symbol
 * @backend: hooks it
 * @taps: struct resv_hook_tap; changed under the lock of the hooks.  After a tap has
 *	left, @backend->sync() waits until no CPU runs it
 * @state: state of the place
 * @installed: the backend has hooked it
 * @absent: @module is not loaded, according to the last module event
 * @tested: tested since the last resv_hooks_recheck(), and since the last tap joined
 * @reason: why it is not active; static text, or NULL
 * @said: the reason that was logged last
 * @other: name of another user that redirects the function, if that is @reason, else ""
 * @hits: calls seen; per CPU, because all CPUs call iommu_map()
 * @lost: number of allocations that failed in taps
 * @kp: the kprobe
 * @rp: the kretprobe
 * @ops: the place's own ftrace_ops
 * @ops_ip: address in the filter of @ops
 *
 * The lock of the hooks protects all members but @hits and @lost.
 */
struct resv_hook {
	struct list_head node;
	char symbol[RESV_SYMBOL_LEN];
	char module[RESV_SYMBOL_LEN];
	unsigned long address;
	const struct resv_backend *backend;
	struct list_head taps;
	enum resv_hook_state state;
	bool installed;
	bool absent;
	bool tested;
	const char *reason;
	const char *said;
	char other[RESV_SYMBOL_LEN];
	u64 __percpu *hits;
	atomic64_t lost;
#ifdef CONFIG_KPROBES
	struct kprobe kp;
#endif
#ifdef CONFIG_KRETPROBES
	struct kretprobe rp;
#endif
#if COMPAT_HAS_FTRACE_HOOKS
	struct ftrace_ops ops;
	unsigned long ops_ip;
#endif
};

/**
 * struct resv_hook_test - the self-test under way
 * @hook: the place under test, or NULL
 * @tap: the tap under test
 * @task: task inside the call that tests @tap, else NULL
 *
 * Written under the lock of the hooks.
 */
struct resv_hook_test {
	const struct resv_hook *hook;
	const struct resv_tap *tap;
	const struct task_struct *task;
};

extern struct resv_hook_test resv_hook_test;

/**
 * resv_hook_marking() - is this call the self-test of a tap at this place?
 * @hook: the place
 * @tap: the tap
 *
 * Context: any, in the task that made the call.
 * Return: true if it is
 */
static inline bool resv_hook_marking(const struct resv_hook *hook,
				     const struct resv_tap *tap)
{
	return unlikely(READ_ONCE(resv_hook_test.task) == current) &&
	       READ_ONCE(resv_hook_test.hook) == hook &&
	       READ_ONCE(resv_hook_test.tap) == tap;
}

#define RESV_NOT_LOADED	"the module with this function is not loaded"

/* place.c */
extern struct list_head resv_hooks;

void resv_hooks_set_mode(enum resv_hook_mode new);
void resv_hooks_lock(void);
void resv_hooks_unlock(void);
u64 resv_place_missed(const struct resv_hook *hook);
const struct resv_tap *resv_hook_try(struct resv_hook *hook,
				     struct iommu_group *group, bool *unsure);
void resv_hook_go_inert(struct resv_hook *hook, const char *reason);
void resv_hook_call_again(void);
void resv_place_settle(struct resv_hook *hook);
struct resv_hook_tap *resv_place_tap(const struct resv_hook *hook,
				     const struct resv_tap *tap);
struct resv_hook_tap *resv_place_join(struct resv_hook *hook,
				      const struct resv_tap *tap);
void resv_place_remove(struct resv_hook *hook);
void resv_place_free_taps(struct resv_hook *hook);
void resv_place_drop(struct resv_hook *hook);
int resv_place_install(struct resv_hook *hook, bool coming);
void resv_place_test(struct resv_hook *hook, struct iommu_group *group);
enum resv_tap_state resv_place_state(const struct resv_hook *hook,
				     const struct resv_hook_tap *at);
void resv_place_retry(struct resv_hook *hook);
bool resv_place_short_of_memory(const struct resv_hook *hook);

/* conflict.c */
bool resv_livepatch_other(const char *symbol, const char *module, char *name,
			  size_t size);

/* engine.c */
int resv_engine_init(void);
bool resv_hooks_required_inert(void);
void resv_hooks_retry(void);
void resv_hooks_forget(void);

/* ftrace.c */
const struct resv_backend *resv_ftrace_backend(bool at_return);

/* kprobe.c */
extern const struct resv_backend resv_kprobe_backend;
extern const struct resv_backend resv_kretprobe_backend;

int resv_kprobe_address(const char *symbol, unsigned long *address);
void resv_place_entered(struct resv_hook *hook, struct pt_regs *regs);
#ifdef CONFIG_KRETPROBES
void resv_kretprobe_prepare(struct resv_hook *hook);
#endif

/* livepatch.c */

/**
 * struct resv_livepatch_owner - callbacks about the state of the livepatch
 * @lost: it was active, and does not work any more.  The lock of the hooks is held.
 * @disabled: a user disables it in /sys/kernel/livepatch.  The kernel's klp_mutex is
 *	held; may sleep.
 * @changed: schedule a walk over all groups
 */
struct resv_livepatch_owner {
	void (*lost)(void);
	void (*disabled)(void);
	void (*changed)(void);
};

extern struct resv_hook resv_livepatch_hook;

void resv_livepatch_set_owner(const struct resv_livepatch_owner *o);
int resv_livepatch_ask(void);
void resv_livepatch_ask_later(void);
void resv_livepatch_exit(void);
bool resv_livepatch_loaded(void);

#endif /* RESV_HOOK_PLACE_H */
