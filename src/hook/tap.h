/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taps: how a feature sees the calls of a kernel function.
 *
 * A feature describes each function that it wants to see by a struct resv_tap.
 * A place is the entry or the return of one function.  Several taps can share a
 * place; the engine hooks it while at least one tap is at it.  The engine knows
 * places and taps, but no feature.
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
 * @marking: the engine makes this call itself, to test the place
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
 * @module: module that has the function and may be loaded later, or ""
 * @at_return: hook the function's return, else its entry
 * @data_size: taps at a return: bytes of resv_call.data that the tap uses
 * @enter: the function was called.  enter() may change arguments
 *	(compat_argument_set()) and must not redirect the call.  Taps at a return: false
 *	means that the tap does not want to see this return; without @enter it sees all
 * @leave: taps at a return: the function returns; may change the result
 * @append: taps of a livepatch that lists regions: adds the tap's regions of @dev to
 *	@head, and the mark of a self-test if @mark; allocates with @gfp.  May sleep.
 *	Return: 0, or -ENOMEM with some of the regions on @head
 * @test: does the installed place work for this tap?  Called under the lock of the
 *	hooks; may sleep.  @group is a live group whose mutex is not held, and whose
 *	devices all have an IOMMU; it is NULL for a tap with @any_group.  Without @test,
 *	because this module does not call the function, the tap counts as working once
 *	the place is installed
 * @any_group: @test needs no group
 * @livepatch: the tap is on the function that iommu_resv_livepatch replaces
 * @required: while this tap is inert, the kernel's lists lack declared regions, so the
 *	parameter "hooks" cannot be switched to kprobes
 * @failed: reason to show for a place where @test returned false; static text.  NULL
 *	stands for: the place does not fire when a group's regions are listed
 * @again: a place that was installed but did not fire works again.  Probes are turned
 *	off for all places at once, so this tap may have missed calls, too.  Called
 *	under the lock of the hooks; must not call the engine.  May be NULL
 * @loss: what the user loses without this tap; static text
 *
 * A tap may be at one place, or at several places given by address.  At most
 * RESV_TAPS_RETURN taps share a return.
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

/* State of a tap, over all places that it is at. */
enum resv_tap_state {
	RESV_TAP_OUT,		/* not installed anywhere, or not tested yet */
	RESV_TAP_WAITING,	/* the module with the function is not loaded */
	RESV_TAP_INERT,		/* some place does not work */
	RESV_TAP_WORKS,		/* every place works */
};

bool resv_tap_get(const struct resv_tap *tap, unsigned long address,
		  struct iommu_group *group);
bool resv_tap_get_all(const struct resv_tap *const *taps, unsigned int nr,
		      struct iommu_group *group);
bool resv_tap_exists(const struct resv_tap *tap);
void resv_tap_put(const struct resv_tap *tap, const char *reason);
void resv_tap_put_all(const struct resv_tap *const *taps, unsigned int nr,
		      const char *reason);
void resv_tap_retry(const struct resv_tap *tap);
const char *resv_tap_backend(const struct resv_tap *tap);
bool resv_taps_missed(const struct resv_tap *const *taps, unsigned int nr);
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
