/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iommu_insert_resv_region() as it stands in drivers/iommu/iommu.c of kernels
 * 5.4 to 7.3, with the few lines around it that make it run here. It is the
 * oracle for the merge, so do not tidy it up.
 */
#ifndef KERNEL_MERGE_H
#define KERNEL_MERGE_H

#include "unit.h"

typedef u64 phys_addr_t;

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD(name) struct list_head name = { &(name), &(name) }
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define list_entry(p, member) \
	container_of(p, struct iommu_resv_region, member)
#define list_for_each_entry(pos, head, member)				\
	for (pos = list_entry((head)->next, member);			\
	     &pos->member != (head);					\
	     pos = list_entry(pos->member.next, member))
#define list_for_each_entry_reverse(pos, head, member)			\
	for (pos = list_entry((head)->prev, member);			\
	     &pos->member != (head);					\
	     pos = list_entry(pos->member.prev, member))
#define list_for_each_entry_safe(pos, n, head, member)			\
	for (pos = list_entry((head)->next, member),			\
	     n = list_entry(pos->member.next, member);			\
	     &pos->member != (head);					\
	     pos = n, n = list_entry(n->member.next, member))

static inline void __list_add(struct list_head *new, struct list_head *prev,
			      struct list_head *next)
{
	next->prev = new;
	new->next = next;
	new->prev = prev;
	prev->next = new;
}

static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	__list_add(new, head->prev, head);
}

static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
}

static inline void list_move_tail(struct list_head *entry,
				  struct list_head *head)
{
	list_del(entry);
	list_add_tail(entry, head);
}

static inline void list_splice(struct list_head *list, struct list_head *head)
{
	if (list->next == list)
		return;
	list->next->prev = head;
	list->prev->next = head->next;
	head->next->prev = list->prev;
	head->next = list->next;
}

struct iommu_resv_region {
	struct list_head list;
	phys_addr_t start;
	size_t length;
	int prot;
	int type;
};

#define GFP_KERNEL 0

static inline struct iommu_resv_region *
iommu_alloc_resv_region(phys_addr_t start, size_t length, int prot, int type,
			int gfp)
{
	struct iommu_resv_region *region = calloc(1, sizeof(*region));

	(void)gfp;
	region->start = start;
	region->length = length;
	region->prot = prot;
	region->type = type;
	return region;
}

static inline void kfree(void *p)
{
	free(p);
}

/* From here on it is the kernel's text. */
static int iommu_insert_resv_region(struct iommu_resv_region *new,
				    struct list_head *regions)
{
	struct iommu_resv_region *iter, *tmp, *nr, *top;
	LIST_HEAD(stack);

	nr = iommu_alloc_resv_region(new->start, new->length,
				     new->prot, new->type, GFP_KERNEL);
	if (!nr)
		return -ENOMEM;

	/* First add the new element based on start address sorting */
	list_for_each_entry(iter, regions, list) {
		if (nr->start < iter->start ||
		    (nr->start == iter->start && nr->type <= iter->type))
			break;
	}
	list_add_tail(&nr->list, &iter->list);

	/* Merge overlapping segments of type nr->type in @regions, if any */
	list_for_each_entry_safe(iter, tmp, regions, list) {
		phys_addr_t top_end, iter_end = iter->start + iter->length - 1;

		/* no merge needed on elements of different types than @new */
		if (iter->type != new->type) {
			list_move_tail(&iter->list, &stack);
			continue;
		}

		/* look for the last stack element of same type as @iter */
		list_for_each_entry_reverse(top, &stack, list)
			if (top->type == iter->type)
				goto check_overlap;

		list_move_tail(&iter->list, &stack);
		continue;

check_overlap:
		top_end = top->start + top->length - 1;

		if (iter->start > top_end + 1) {
			list_move_tail(&iter->list, &stack);
		} else {
			top->length = max(top_end, iter_end) - top->start + 1;
			list_del(&iter->list);
			kfree(iter);
		}
	}
	list_splice(&stack, regions);
	return 0;
}

#endif /* KERNEL_MERGE_H */
