/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects of one size for taps, which may not allocate. */
#ifndef RESV_HOOK_SPARES_H
#define RESV_HOOK_SPARES_H

#include <linux/kconfig.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/* Taps run with preemption off, where PREEMPT_RT forbids any allocation. */
#define RESV_NO_ATOMIC_ALLOC \
	(IS_ENABLED(CONFIG_PREEMPT_RT) || IS_ENABLED(CONFIG_PREEMPT_RT_FULL))

/**
 * struct resv_spares - objects of one size that are not in use
 * @size: bytes of one object, which begins with room for a struct hlist_node.  The
 *	user sets only this member and leaves the others zero.
 * @list: the objects
 * @nr: number of objects on @list
 * @wanted: number of objects that the worker keeps on @list
 * @work: the worker; the first resv_spares_fill() sets it up
 */
struct resv_spares {
	size_t size;
	struct hlist_head list;
	unsigned int nr;
	unsigned int wanted;
	struct work_struct work;
};

void resv_spares_ready(struct resv_spares *spares);
void *resv_spares_get(struct resv_spares *spares);
void resv_spares_put(struct resv_spares *spares, void *object);
int resv_spares_fill(struct resv_spares *spares, unsigned int wanted);
void resv_spares_exit(struct resv_spares *spares);

#endif /* RESV_HOOK_SPARES_H */
