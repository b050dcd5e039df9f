// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots: what is known about a group, put into words.
 *
 * Texts are made when a group changes, not when a file is read, and readers only copy.
 * A snapshot does not change once it is made.  It is freed an RCU grace period after
 * its last reference, as a reader may still look at its count then.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat/mm.h"
#include "group/snapshot.h"

/* "0x%016llx 0x%016llx" and a blank or the end of line. */
#define RANGE_LEN	(2 * (2 + 16) + 2)

static const char *made_by(const struct resv_region *r)
{
	return r->flags & RESV_F_ADDED ? "added" : "native";
}

static const char *how_strict(const struct resv_region *r)
{
	return r->flags & RESV_F_ENFORCED ? "enforced" : "advice";
}

static size_t region_len(const struct resv_facts *c,
			 const struct resv_region *r)
{
	return RANGE_LEN + strlen(resv_type_name(r->type)) + 1 +
	       strlen(resv_origin_name(r->origin)) + 1 +
	       strlen(resv_facts_name_at(c, r->name)) + 1 +
	       strlen(made_by(r)) + 1 + strlen(how_strict(r)) + 1;
}

/* As iommu_group_show_resv_regions() since v4.11: both kinds of MSI are one word. */
static const char *kernels_name(enum resv_type type)
{
	return resv_type_name(type == RESV_SW_MSI ? RESV_MSI : type);
}

/**
 * resv_snapshot_make() - put what was found out into words
 * @c: facts, complete
 *
 * Context: may sleep.
 * Return: a snapshot with one reference, or an error pointer
 */
struct resv_snapshot *resv_snapshot_make(const struct resv_facts *c)
{
	struct resv_snapshot *snapshot;
	size_t room = 1;
	unsigned int i;
	char *p, *end;

	for (i = 0; i < c->regions.nr; i++)
		room += region_len(c, &c->regions.r[i]);
	room += c->usable.nr * RANGE_LEN;
	for (i = 0; c->own_list && i < c->taken.nr; i++)
		room += RANGE_LEN + strlen(kernels_name(c->taken.r[i].type)) + 1;
	snapshot = compat_kvmalloc(sizeof(*snapshot) + room);
	if (!snapshot)
		return ERR_PTR(-ENOMEM);
	memset(snapshot, 0, sizeof(*snapshot));
	kref_init(&snapshot->ref);
	snapshot->aperture = c->aperture;
	snapshot->aperture_known = c->aperture_known;
	snapshot->isolation = c->isolation;
	snapshot->window = c->window;
	snapshot->window_known = c->window_known;
	snapshot->window_asked = c->window_asked;
	snapshot->window_by = c->window_by;
	snapshot->usable_known = c->usable_known;
	snapshot->list_known = c->own_list && c->listed;
	p = snapshot->text;
	end = p + room;
	for (i = 0; i < c->regions.nr; i++) {
		const struct resv_region *r = &c->regions.r[i];

		p += scnprintf(p, end - p, "0x%016llx 0x%016llx %s %s %s %s %s\n",
			       r->start, r->end, resv_type_name(r->type),
			       resv_origin_name(r->origin),
			       resv_facts_name_at(c, r->name), made_by(r),
			       how_strict(r));
	}
	snapshot->regions_len = p - snapshot->text;
	for (i = 0; i < c->usable.nr; i++)
		p += scnprintf(p, end - p, "0x%016llx 0x%016llx\n",
			       c->usable.r[i].start, c->usable.r[i].end);
	snapshot->usable_len = p - snapshot->text - snapshot->regions_len;
	for (i = 0; c->own_list && i < c->taken.nr; i++) {
		const struct resv_region *r = &c->taken.r[i];

		p += scnprintf(p, end - p, "0x%016llx 0x%016llx %s\n", r->start,
			       r->end, kernels_name(r->type));
	}
	snapshot->list_len = p - snapshot->text - snapshot->regions_len -
			     snapshot->usable_len;
	return snapshot;
}

/**
 * resv_snapshot_get() - one more reference
 * @snapshot: found under rcu_read_lock()
 *
 * Context: any.
 * Return: false if it is on its way out
 */
bool resv_snapshot_get(struct resv_snapshot *snapshot)
{
	return kref_get_unless_zero(&snapshot->ref);
}

static void snapshot_free(struct rcu_head *rcu)
{
	kvfree(container_of(rcu, struct resv_snapshot, rcu));
}

static void snapshot_release(struct kref *ref)
{
	call_rcu(&container_of(ref, struct resv_snapshot, ref)->rcu,
		 snapshot_free);
}

/**
 * resv_snapshot_put() - one reference less
 * @snapshot: snapshot
 *
 * Context: any.
 */
void resv_snapshot_put(struct resv_snapshot *snapshot)
{
	kref_put(&snapshot->ref, snapshot_release);
}

/**
 * resv_snapshots_flush() - wait until all dropped snapshots are freed
 *
 * Needed before the code of snapshot_free() goes.
 *
 * Context: may sleep.
 */
void resv_snapshots_flush(void)
{
	rcu_barrier();
}

/**
 * resv_snapshot_equal() - would users see the same?
 * @a: snapshot
 * @b: snapshot
 *
 * Context: any.
 * Return: true if they would
 */
bool resv_snapshot_equal(const struct resv_snapshot *a,
			 const struct resv_snapshot *b)
{
	return a->regions_len == b->regions_len &&
	       a->usable_len == b->usable_len &&
	       a->list_len == b->list_len &&
	       a->isolation == b->isolation &&
	       a->aperture_known == b->aperture_known &&
	       a->aperture.start == b->aperture.start &&
	       a->aperture.end == b->aperture.end &&
	       a->usable_known == b->usable_known &&
	       a->window_known == b->window_known &&
	       a->window_asked == b->window_asked &&
	       a->window_by == b->window_by &&
	       a->window.start == b->window.start &&
	       a->window.end == b->window.end &&
	       !memcmp(a->text, b->text,
		       a->regions_len + a->usable_len + a->list_len);
}

/**
 * resv_snapshot_bytes() - memory that a snapshot takes
 * @snapshot: snapshot
 *
 * Context: any.
 * Return: bytes
 */
size_t resv_snapshot_bytes(const struct resv_snapshot *snapshot)
{
	if (is_vmalloc_addr(snapshot))
		return PAGE_ALIGN(sizeof(*snapshot) + snapshot->regions_len +
				  snapshot->usable_len + snapshot->list_len + 1);
	return ksize(snapshot);
}
