// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots: the texts that readers of a group's files get.
 *
 * The texts are made when a group changes, not when a file is read; readers only copy.  A
 * snapshot never changes.  It is freed one RCU grace period after its last reference was
 * dropped, because a reader may still read the reference count.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat/mm.h"
#include "model/words.h"
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

/* An optional last column. */
static const char *note(const struct resv_region *r)
{
	return r->flags & RESV_F_FREE ? " ht-ignore" : "";
}

static size_t region_len(const struct resv_facts *c,
			 const struct resv_region *r)
{
	return RANGE_LEN + strlen(resv_type_name(r->type)) + 1 +
	       strlen(resv_origin_name(r->origin)) + 1 +
	       strlen(resv_facts_name_at(c, r->name)) + 1 +
	       strlen(made_by(r)) + 1 + strlen(how_strict(r)) +
	       strlen(note(r)) + 1;
}

/* As in iommu_group_show_resv_regions() since v4.11: one word for both kinds of MSI. */
static const char *kernels_name(enum resv_type type)
{
	return resv_type_name(type == RESV_SW_MSI ? RESV_MSI : type);
}

/**
 * struct writer - a text that is being written
 * @p: where to write next
 * @end: end of the buffer
 */
struct writer {
	char *p;
	char *end;
};

static void put_line(struct writer *w, const char *fmt, ...) __printf(2, 3);

static void put_line(struct writer *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	w->p += vscnprintf(w->p, w->end - w->p, fmt, ap);
	va_end(ap);
}

static void put_regions(struct writer *w, const struct resv_facts *c)
{
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++) {
		const struct resv_region *r = &c->regions.r[i];

		put_line(w, "0x%016llx 0x%016llx %s %s %s %s %s%s\n", r->start,
			 r->end, resv_type_name(r->type),
			 resv_origin_name(r->origin),
			 resv_facts_name_at(c, r->name), made_by(r),
			 how_strict(r), note(r));
	}
}

static void put_usable(struct writer *w, const struct resv_facts *c)
{
	unsigned int i;

	for (i = 0; i < c->usable.nr; i++)
		put_line(w, "0x%016llx 0x%016llx\n", c->usable.r[i].start,
			 c->usable.r[i].end);
}

static void put_list(struct writer *w, const struct resv_facts *c)
{
	unsigned int i;

	for (i = 0; c->own_list && i < c->taken.nr; i++) {
		const struct resv_region *r = &c->taken.r[i];

		put_line(w, "0x%016llx 0x%016llx %s\n", r->start, r->end,
			 kernels_name(r->type));
	}
}

static void put_iommus(struct writer *w, const struct resv_facts *c)
{
	unsigned int i;

	for (i = 0; i < c->nr_iommus; i++)
		put_line(w, "%s\n", resv_facts_name_at(c, c->iommus[i]));
}

static void put_bars(struct writer *w, const struct resv_facts *c)
{
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++) {
		const struct resv_region *r = &c->regions.r[i];

		if (resv_facts_is_bar(r))
			put_line(w, "direct %s 0x%016llx 0x%016llx\n",
				 resv_facts_name_at(c, r->name), r->start,
				 r->end);
	}
}

static void put_held(struct writer *w, const struct resv_facts *c)
{
	if (c->held)
		put_line(w, "%s", c->held);
}

static void (*const put_text[RESV_NR_TEXTS])(struct writer *w,
					     const struct resv_facts *c) = {
	[RESV_TEXT_REGIONS] = put_regions,
	[RESV_TEXT_USABLE] = put_usable,
	[RESV_TEXT_LIST] = put_list,
	[RESV_TEXT_IOMMU] = put_iommus,
	[RESV_TEXT_BARS] = put_bars,
	[RESV_TEXT_HELD] = put_held,
};

static size_t room_for(const struct resv_facts *c)
{
	size_t room = 1 + c->usable.nr * RANGE_LEN;
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++) {
		const struct resv_region *r = &c->regions.r[i];

		room += region_len(c, r);
		if (resv_facts_is_bar(r))
			room += strlen("direct ") + RANGE_LEN +
				strlen(resv_facts_name_at(c, r->name)) + 1;
	}
	for (i = 0; c->own_list && i < c->taken.nr; i++)
		room += RANGE_LEN + strlen(kernels_name(c->taken.r[i].type)) + 1;
	for (i = 0; i < c->nr_iommus; i++)
		room += strlen(resv_facts_name_at(c, c->iommus[i])) + 1;
	return room + (c->held ? strlen(c->held) : 0);
}

/**
 * resv_snapshot_make() - make a snapshot of the facts
 * @c: facts, complete
 *
 * Context: may sleep.
 * Return: a snapshot with one reference, or an error pointer
 */
struct resv_snapshot *resv_snapshot_make(const struct resv_facts *c)
{
	struct resv_snapshot *snapshot;
	size_t room = room_for(c);
	struct writer w;
	unsigned int i;
	char *start;

	snapshot = compat_kvmalloc(sizeof(*snapshot) + room);
	if (!snapshot)
		return ERR_PTR(-ENOMEM);
	memset(snapshot, 0, sizeof(*snapshot));
	kref_init(&snapshot->ref);
	snapshot->aperture = c->aperture;
	snapshot->aperture_known = c->aperture_known;
	snapshot->claim_end = c->claim_end;
	snapshot->isolation = c->isolation;
	snapshot->unguarded = c->unguarded;
	snapshot->window = c->window;
	snapshot->window_known = c->window_known;
	snapshot->window_asked = c->window_asked;
	snapshot->window_by = c->window_by;
	snapshot->dma = c->dma;
	snapshot->dma_asked = c->nr_dma;
	snapshot->listed = c->listed;
	snapshot->usable_known = c->usable_known;
	snapshot->list_known = c->own_list && c->listed;
	snapshot->iommu_known = c->iommu_asked && !c->iommu_hidden;
	snapshot->bars_known = c->taken_known;
	if (c->nr_pages == c->nr_devices)
		snapshot->page = c->page;
	w.p = snapshot->text;
	w.end = w.p + room;
	for (i = 0; i < RESV_NR_TEXTS; i++) {
		start = w.p;
		put_text[i](&w, c);
		snapshot->len[i] = w.p - start;
	}
	return snapshot;
}

/**
 * resv_snapshot_get() - take a reference
 * @snapshot: found under rcu_read_lock()
 *
 * Context: any.
 * Return: false if its last reference was dropped already
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
 * resv_snapshot_put() - drop a reference
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
 * Needed before the code of snapshot_free() is unloaded.
 *
 * Context: may sleep.
 */
void resv_snapshots_flush(void)
{
	rcu_barrier();
}

static size_t text_len(const struct resv_snapshot *snapshot)
{
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < RESV_NR_TEXTS; i++)
		len += snapshot->len[i];
	return len;
}

/**
 * resv_snapshot_text() - get one of the texts
 * @snapshot: snapshot, to which the caller has a reference
 * @which: the text
 * @len: set to its length
 *
 * Context: any.
 * Return: the text, which is not zero-terminated
 */
const char *resv_snapshot_text(const struct resv_snapshot *snapshot,
			       enum resv_snapshot_text which, size_t *len)
{
	const char *text = snapshot->text;
	unsigned int i;

	for (i = 0; i < which; i++)
		text += snapshot->len[i];
	*len = snapshot->len[which];
	return text;
}

/* Set *@word to the next word of the line and move *@p behind it.  Return: its length */
static size_t next_word(const char **p, const char **word)
{
	size_t len = strcspn(*p, "\n ");

	*word = *p;
	*p += len;
	if (**p == ' ')
		(*p)++;
	return len;
}

static bool is_word(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && !strncmp(word, name, len);
}

/* Find the i with @name_of(i) equal to the word.  Return: @nr if there is none */
static unsigned int find_word(const char *word, size_t len, unsigned int nr,
			      const char *(*name_of)(unsigned int i))
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (is_word(word, len, name_of(i)))
			break;
	return i;
}

static const char *type_at(unsigned int i)
{
	return resv_type_name(i);
}

static const char *origin_at(unsigned int i)
{
	return resv_origin_name(i);
}

/**
 * resv_snapshot_region() - parse the next region of RESV_TEXT_REGIONS
 * @p: where to read; moved behind the line
 * @end: end of the text
 * @region: set to the region without its name; of its flags only RESV_F_ADDED and
 *	RESV_F_ENFORCED are set
 * @device: set to the name of the device that causes it, not zero-terminated
 * @device_len: set to the length of the name
 *
 * This parses the text, so the caller gets what readers of the file see.
 *
 * Context: any.
 * Return: false after the last region
 */
bool resv_snapshot_region(const char **p, const char *end,
			  struct resv_region *region, const char **device,
			  size_t *device_len)
{
	const char *q = *p, *word;
	size_t len;

	if (q >= end)
		return false;
	memset(region, 0, sizeof(*region));
	if (!resv_text_address(&q, &region->start) || *q++ != ' ' ||
	    !resv_text_address(&q, &region->end) || *q++ != ' ')
		return false;
	len = next_word(&q, &word);
	region->type = find_word(word, len, RESV_NR_TYPES, type_at);
	len = next_word(&q, &word);
	region->origin = find_word(word, len, RESV_NR_ORIGINS, origin_at);
	*device_len = next_word(&q, device);
	len = next_word(&q, &word);
	if (is_word(word, len, "added"))
		region->flags |= RESV_F_ADDED;
	len = next_word(&q, &word);
	if (is_word(word, len, "enforced"))
		region->flags |= RESV_F_ENFORCED;
	*p = q + strcspn(q, "\n") + 1;
	return true;
}

/**
 * resv_snapshot_hole() - find the first region that makes a map fail
 * @snapshot: snapshot, to which the caller has a reference
 * @at: range of the map
 * @types: typemask: regions of other types do not count
 * @region: set to the region without its name
 * @device: set to the name of the device that causes it
 * @size: bytes of @device
 *
 * This is called only for maps that have failed, so it need not be fast.
 *
 * Context: any.
 * Return: true if there is one; else nothing is set
 */
bool resv_snapshot_hole(const struct resv_snapshot *snapshot,
			const struct resv_range *at, u32 types,
			struct resv_region *region, char *device, size_t size)
{
	struct resv_region r;
	const char *p, *name;
	size_t len, name_len;

	p = resv_snapshot_text(snapshot, RESV_TEXT_REGIONS, &len);
	for (len += p - snapshot->text;
	     resv_snapshot_region(&p, snapshot->text + len, &r, &name, &name_len);) {
		if (r.start > at->end || r.end < at->start ||
		    !(r.flags & RESV_F_ENFORCED) || !(types & RESV_TYPE(r.type)))
			continue;
		scnprintf(device, size, "%.*s", (int)name_len, name);
		r.flags = 0;
		*region = r;
		return true;
	}
	return false;
}

/**
 * resv_snapshot_equal() - do users see the same in two snapshots?
 * @a: snapshot
 * @b: snapshot
 *
 * Context: any.
 * Return: true if they do
 */
bool resv_snapshot_equal(const struct resv_snapshot *a,
			 const struct resv_snapshot *b)
{
	return !memcmp(a->len, b->len, sizeof(a->len)) &&
	       a->isolation == b->isolation &&
	       a->unguarded == b->unguarded &&
	       a->page == b->page &&
	       a->aperture_known == b->aperture_known &&
	       a->aperture.start == b->aperture.start &&
	       a->aperture.end == b->aperture.end &&
	       a->claim_end == b->claim_end &&
	       a->usable_known == b->usable_known &&
	       a->iommu_known == b->iommu_known &&
	       a->bars_known == b->bars_known &&
	       a->window_known == b->window_known &&
	       a->window_asked == b->window_asked &&
	       a->window_by == b->window_by &&
	       a->dma == b->dma && a->dma_asked == b->dma_asked &&
	       a->listed == b->listed &&
	       a->window.start == b->window.start &&
	       a->window.end == b->window.end &&
	       !memcmp(a->text, b->text, text_len(a));
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
		return PAGE_ALIGN(sizeof(*snapshot) + text_len(snapshot) + 1);
	return ksize(snapshot);
}
