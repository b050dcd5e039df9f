/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taps: how a feature sees the calls of a kernel function.
 *
 * A feature describes each function that it wants to see by a struct resv_tap.
 * Several taps share one place, which is the entry or the return of one function:
 * it is hooked while any owner wants it.  The engine knows places and taps, and no
 * feature.
 */
#ifndef RESV_HOOK_TAP_H
#define RESV_HOOK_TAP_H

#include <linux/list.h>
#include <linux/ptrace.h>
#include <linux/types.h>

struct device;
struct iommu_group;
struct resv_hook;
struct resv_tap;

/* Bytes that one tap can keep from the entry of a call to its return. */
#define RESV_TAP_DATA	32

/* Taps that can share the return of one function. */
#define RESV_TAPS_RETURN	4

/**
 * struct resv_call - one call of a hooked function
 * @hook: the place
 * @regs: registers at the function's entry, or when it returns
 * @data: taps at a return: RESV_TAP_DATA bytes that live from enter() to leave()
 * @marking: the engine makes this call itself, to see whether the place works
 */
struct resv_call {
	struct resv_hook *hook;
	struct pt_regs *regs;
	void *data;
	bool marking;
};

/**
 * struct resv_tap - one function that an owner wants to see
 * @symbol: name of the function, or NULL if the owner gives addresses
 * @module: module that has the function and may come later, or ""
 * @at_return: the function's return is wanted, else its entry
 * @data_size: taps at a return: bytes of resv_call.data that are used
 * @enter: the function was called.  It may change arguments (compat_argument_set())
 *	and must not redirect.  At a return: false means that this return is not
 *	wanted; NULL means that every return is.
 * @leave: taps at a return: the function returns; may change the result
 * @append: taps of a livepatch that lists regions: adds those of @dev to @head, and
 *	the mark of a self-test if @mark, and allocates with @gfp.  May sleep.
 *	Return: 0, or -ENOMEM with some of them on @head
 * @test: does the place, which is in, work for this tap?  Called under the lock of
 *	the hooks; may sleep.  @group is a live group whose mutex is not held, and whose
 *	devices all have an IOMMU; it is NULL for a tap with @any_group.  NULL means that
 *	nothing of this module calls the function, so that the tap counts as working
 *	once it is in.
 * @any_group: @test needs no group
 * @livepatch: the tap is on the function that iommu_resv_livepatch replaces
 * @required: the kernel's lists lack regions that are declared while this tap is inert,
 *	so "hooks" cannot be switched to kprobes then
 * @failed: why a place is off where @test returned false; static text, or NULL: the
 *	place does not fire when a group's regions are listed
 * @again: some place works again that was in and did not fire.  Probes are turned off
 *	for all places at once, so calls of this tap's function may have been missed,
 *	too.  Called under the lock of the hooks; must not call the engine.  May be NULL
 * @loss: what the user does not get without it; static text
 *
 * A tap may be at one place or at many, by their addresses.  At most RESV_TAPS_RETURN
 * taps share a return.
 *
 * @enter and @leave run with preemption off, under rcu_read_lock(), in any context:
 * no mutex, no allocation that PREEMPT_RT forbids, no call of a hooked function.
 */
struct resv_tap {
	const char *symbol;
	const char *module;
	bool at_return;
	size_t data_size;
	bool (*enter)(struct resv_call *call);
	void (*leave)(struct resv_call *call);
	int (*append)(struct device *dev, struct list_head *head, bool mark,
		      gfp_t gfp);
	bool (*test)(struct resv_hook *hook, struct iommu_group *group);
	bool any_group;
	bool livepatch;
	bool required;
	const char *failed;
	void (*again)(void);
	const char *loss;
};

/* What became of a tap, over all places that it is at. */
enum resv_tap_state {
	RESV_TAP_OUT,		/* not wanted anywhere, or not tested yet */
	RESV_TAP_WAITING,	/* the module with the function is not loaded */
	RESV_TAP_INERT,		/* some place does not work */
	RESV_TAP_WORKS,		/* every place does */
};

bool resv_tap_get(const struct resv_tap *tap, unsigned long address,
		  struct iommu_group *group);
bool resv_tap_get_all(const struct resv_tap *const *taps, unsigned int nr,
		      struct iommu_group *group);
bool resv_tap_exists(const struct resv_tap *tap);
void resv_tap_put(const struct resv_tap *tap, const char *reason);
void resv_tap_retry(const struct resv_tap *tap);
const char *resv_tap_backend(const struct resv_tap *tap);
u64 resv_tap_missed(const struct resv_tap *tap);
enum resv_tap_state resv_tap_state(const struct resv_tap *tap,
				   const char **reason);

/* In test() */
bool resv_tap_marked(struct resv_hook *hook, struct iommu_group *group,
		     bool (*marked)(const struct list_head *head));
bool resv_tap_marked_devices(struct resv_hook *hook, struct iommu_group *group,
			     bool (*marked)(const struct list_head *head));
bool resv_tap_result(struct resv_hook *hook, struct iommu_group *group, int result);
u64 resv_hook_hits(const struct resv_hook *hook);

/* In enter() and leave() */
void resv_call_lost(struct resv_call *call, unsigned int nr);
bool resv_tap_marking(const struct resv_tap *tap);

#endif /* RESV_HOOK_TAP_H */
