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
 * @size: of one, in bytes; it begins with room for a struct hlist_node.  The rest of
 *	this structure is zero at first, and is of no interest to others.
 * @list: of the objects
 * @nr: number of objects on @list
 * @wanted: how many the worker keeps on @list
 * @work: the worker, from the first resv_spares_fill() on
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
