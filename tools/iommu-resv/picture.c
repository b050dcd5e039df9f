// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the steps of a picture from the facts about groups and from the map and verdict
 * of a VM. A step begins wherever a region, a usable range or a part of the guest
 * begins or ends.
 *
 * Only the verdict of check --vm decides what collides; each of its findings about a
 * part of the guest marks at least one step.
 */
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "format.h"
#include "picture.h"

#define DEVICES_SHOWN	4

const char *const host_state_names[HOST_STATES] = {
	[HOST_REFUSED] = "not usable",
	[HOST_UNKNOWN] = "not known",
	[HOST_ADVICE] = "usable, but see the advice",
	[HOST_USABLE] = "usable",
};

/**
 * struct starts - first addresses of steps
 * @at: the addresses
 * @nr: their number
 */
struct starts {
	uint64_t *at;
	size_t nr;
};

static void add_start(struct starts *starts, uint64_t at)
{
	if (!(starts->nr & (starts->nr - 1)))
		starts->at = keep_more(starts->at, starts->nr * sizeof(at),
				       (starts->nr ? 2 * starts->nr : 1) * sizeof(at));
	starts->at[starts->nr++] = at;
}

static void add_range(struct starts *starts, const struct range *r)
{
	add_start(starts, r->start);
	if (r->end != UINT64_MAX)
		add_start(starts, r->end + 1);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void find_starts(const struct shown *s, struct starts *starts)
{
	size_t i, k;

	add_start(starts, 0);
	for (i = 0; i < s->groups->nr; i++) {
		const struct group *g = &s->groups->g[i];

		for (k = 0; k < g->nr_regions; k++)
			add_range(starts, &g->regions[k].at);
		for (k = 0; k < g->usable.nr; k++)
			add_range(starts, &g->usable.r[k]);
	}
	for (i = 0; s->map && i < s->map->nr; i++) {
		struct range fillable = verdict_fillable(s->map, &s->map->a[i]);

		add_range(starts, &s->map->a[i].at);
		add_range(starts, &fillable);
	}
	qsort(starts->at, starts->nr, sizeof(*starts->at), by_value);
}

static bool is_usable(const struct group *g, const struct range *at)
{
	size_t i;

	for (i = 0; i < g->usable.nr; i++)
		if (ranges_overlap(&g->usable.r[i], at))
			return true;
	return false;
}

static enum host_state state_of(const struct group *g, const struct range *at)
{
	enum host_state state = g->usable_known ? HOST_USABLE : HOST_UNKNOWN;
	size_t i;

	if (g->usable_known && !is_usable(g, at))
		return HOST_REFUSED;
	for (i = 0; i < g->nr_regions; i++) {
		if (!ranges_overlap(&g->regions[i].at, at))
			continue;
		if (!g->usable_known && region_refuses(g, &g->regions[i]))
			return HOST_REFUSED;
		if (g->usable_known)
			state = HOST_ADVICE;
	}
	return state;
}

static bool same_region(const struct region *a, const struct region *b)
{
	return a->at.start == b->at.start && a->at.end == b->at.end &&
	       !strcmp(a->type, b->type);
}

/* Several devices of a group may have the same region: that is one label. */
static bool is_repeated(const struct group *g, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (same_region(&g->regions[i], &g->regions[nr]))
			return true;
	return false;
}

/* "msi (apic, 0000:01:00.0 and 1 more)" */
static char *region_text(const struct shown *s, const struct group *g, size_t nr)
{
	const struct region *r = &g->regions[nr];
	size_t i, more = 0;
	char *text;

	for (i = nr + 1; i < g->nr_regions; i++)
		more += r->device && same_region(r, &g->regions[i]);
	text = keep_printf("%s (%s%s%s", r->type, r->origin, r->device ? ", " : "",
			   r->device ?: "");
	text = more ? keep_printf("%s and %zu more)", text, more) :
		      keep_printf("%s)", text);
	if (!region_refuses(g, r))
		text = keep_printf("%s, advice", text);
	return s->groups->nr > 1 ? keep_printf("group %u: %s", g->id, text) : text;
}

/* The part of the guest that a finding is about */
static struct range found_in(const struct shown *s, const struct finding *f)
{
	return f->severity == FINDING_NO ? verdict_fillable(s->map, f->area) : f->area->at;
}

static enum severity hit_of(const struct shown *s, const struct step *step,
			    const struct group *g, const struct region *r)
{
	enum severity worst = FINDING_NOTE;
	size_t i;

	for (i = 0; s->verdict && i < s->verdict->nr; i++) {
		const struct finding *f = &s->verdict->f[i];
		struct range at;

		if (!f->area || !f->region || f->group != g->id ||
		    !same_region(f->region, r))
			continue;
		at = found_in(s, f);
		if (ranges_overlap(&at, &step->at) && f->severity < worst)
			worst = f->severity;
	}
	return worst;
}

static void add_label(struct step *step, char *text, enum severity hit)
{
	size_t nr = step->nr_labels;

	if (!(nr & (nr - 1)))
		step->labels = keep_more(step->labels, nr * sizeof(*step->labels),
					 (nr ? 2 * nr : 1) * sizeof(*step->labels));
	step->labels[step->nr_labels++] = (struct label) { text, hit };
	if (hit < step->hit)
		step->hit = hit;
}

static void add_group(const struct shown *s, struct step *step, const struct group *g)
{
	enum host_state state = state_of(g, &step->at);
	size_t i;

	if (state < step->host)
		step->host = state;
	for (i = 0; i < g->nr_regions; i++) {
		const struct region *r = &g->regions[i];

		if (ranges_overlap(&r->at, &step->at) && !is_repeated(g, i))
			add_label(step, region_text(s, g, i), hit_of(s, step, g, r));
	}
}

/*
 * A hot-plug area ends with space that is for the alignment of modules and stays empty.
 */
static const char *area_text(const struct shown *s, const struct step *step,
			     const struct area *a)
{
	struct range fillable = verdict_fillable(s->map, a);

	return ranges_overlap(&fillable, &step->at) ? vm_area_names[a->kind] : "alignment";
}

static void make_step(const struct shown *s, struct step *step)
{
	size_t i;

	step->hit = FINDING_NOTE;
	step->host = s->groups->nr ? HOST_USABLE : HOST_UNKNOWN;
	for (i = 0; i < s->groups->nr; i++)
		add_group(s, step, &s->groups->g[i]);
	for (i = 0; s->map && i < s->map->nr; i++) {
		const struct area *a = &s->map->a[i];

		if (!ranges_overlap(&a->at, &step->at))
			continue;
		step->guest = keep_printf("%s%s%s", step->guest ?: "", step->guest ? ", " : "",
					  area_text(s, step, a));
	}
}

static const struct group *group_of_finding(const struct shown *s, const struct finding *f)
{
	size_t i;

	for (i = 0; i < s->groups->nr; i++)
		if (f->grouped && s->groups->g[i].id == f->group)
			return &s->groups->g[i];
	return NULL;
}

/* Marks the steps of this part of the guest that no region has marked; returns whether any. */
static bool mark_gaps(const struct shown *s, const struct finding *f, struct picture *p,
		      bool refused_only)
{
	const struct group *g = group_of_finding(s, f);
	struct range at = found_in(s, f);
	bool marked = false;
	size_t i;

	for (i = 0; i < p->nr && g; i++) {
		struct step *step = &p->steps[i];

		if (!ranges_overlap(&at, &step->at) || step->hit <= f->severity ||
		    (refused_only && state_of(g, &step->at) != HOST_REFUSED))
			continue;
		add_label(step, f->text ?: keep_string("no region says why"), f->severity);
		marked = true;
	}
	return marked;
}

/* Each region in an area of the guest has a finding of its own; mark the area's gaps once. */
static bool same_part(const struct finding *f, const struct finding *before)
{
	return f->area == before->area && f->group == before->group &&
	       f->severity == before->severity;
}

static void make_steps(const struct shown *s, struct picture *p)
{
	struct starts starts = { 0 };
	size_t i;

	find_starts(s, &starts);
	p->steps = keep_alloc(starts.nr * sizeof(*p->steps));
	for (i = 0; i < starts.nr; i++) {
		struct step *step = &p->steps[p->nr];

		if (i + 1 < starts.nr && starts.at[i + 1] == starts.at[i])
			continue;
		step->at.start = starts.at[i];
		step->at.end = i + 1 < starts.nr ? starts.at[i + 1] - 1 : UINT64_MAX;
		make_step(s, step);
		p->nr++;
	}
	for (i = 0; s->verdict && i < s->verdict->nr; i++) {
		const struct finding *f = &s->verdict->f[i];

		if (!f->area || (i && same_part(f, f - 1)))
			continue;
		/* No map may span two usable ranges, even if they touch. */
		if (!mark_gaps(s, f, p, true) && !f->region)
			mark_gaps(s, f, p, false);
	}
}

/* "group 1: 0000:01:00.0 (vfio-pci), 0000:01:00.1"; keep the line short. */
static char *group_text(const struct group *g)
{
	char *text = keep_printf("group %u", g->id);
	size_t i;

	for (i = 0; i < g->nr_devices && i < DEVICES_SHOWN; i++) {
		const struct device *d = &g->devices[i];

		text = keep_printf("%s%s%s%s%s%s", text, i ? ", " : ": ", d->name,
				   d->driver ? " (" : "", d->driver ?: "",
				   d->driver ? ")" : "");
	}
	return i < g->nr_devices ?
	       keep_printf("%s and %zu more", text, g->nr_devices - i) : text;
}

/* Without --vm: say if VFIO would give the group to no guest. */
static void add_obstacles(const struct control *ctl, const struct group *g,
			  struct words *remarks)
{
	struct obstacles found;
	size_t i;

	obstacles_find(ctl, g, NULL, &found);
	for (i = 0; i < found.nr; i++) {
		char *text = obstacle_text(&found.o[i]);

		words_add(remarks, keep_printf("group %u cannot be given to a guest: %s",
					       g->id, text));
		free(text);
	}
	obstacles_free(&found);
}

/* Findings that the steps do not show, because they are not about an area of the guest. */
static void add_findings(const struct shown *s, struct words *remarks)
{
	size_t i;

	for (i = 0; i < s->verdict->nr; i++) {
		const struct finding *f = &s->verdict->f[i];
		char *text = keep_printf("%s: ", vm_severity_names[f->severity]);

		if (f->area)
			continue;
		if (f->grouped)
			text = keep_printf("%sgroup %u: ", text, f->group);
		text = keep_printf("%s%s", text, f->text ?: "");
		if (f->region) {
			char *region = format_region(f->region);

			text = keep_printf("%s: %s", text, region);
			free(region);
		}
		words_add(remarks, text);
	}
}

static void add_answer(const struct shown *s, struct words *remarks)
{
	enum severity worst = verdict_worst(s->verdict);
	size_t i;

	add_findings(s, remarks);
	for (i = 0; i < s->guest->notes.nr; i++)
		words_add(remarks, keep_printf("note: %s", s->guest->notes.w[i]));
	words_add(remarks, worst == FINDING_NO ?
		  keep_printf("%s; 'iommu-resv check --vm' says more", vm_word(worst)) :
		  keep_string(vm_word(worst)));
}

/**
 * picture_make() - collect what to draw
 * @ctl: options
 * @s: the facts
 * @p: to fill; its memory is kept until keep_free()
 */
void picture_make(const struct control *ctl, const struct shown *s, struct picture *p)
{
	size_t i;

	*p = (struct picture) { .has_guest = s->guest };
	if (s->guest)
		words_add(&p->heads, vm_text(ctl, s->guest));
	for (i = 0; i < s->groups->nr; i++)
		words_add(&p->heads, group_text(&s->groups->g[i]));
	make_steps(s, p);
	for (i = 0; !s->guest && i < s->groups->nr; i++)
		add_obstacles(ctl, &s->groups->g[i], &p->remarks);
	if (ctl->gaps)
		words_add(&p->remarks,
			  keep_string("something could not be read and is missing here"));
	if (s->guest)
		add_answer(s, &p->remarks);
}

/* The text next to a step; colour and patterns are never the only sign. */
char *picture_hit(const struct label *label)
{
	return label->hit == FINDING_NO ? keep_printf("<- COLLIDES: %s", label->text) :
	       label->hit == FINDING_WARNING ? keep_printf("<- warning: %s", label->text) :
	       label->text;
}

/* The logarithm of the size, 0 to 64, for the height of a step */
unsigned int picture_bits(const struct range *at)
{
	uint64_t last = at->end - at->start;
	unsigned int bits = 0;

	while (bits < 64 && last >> bits)
		bits++;
	return bits;
}

/**
 * picture_seen() - find the signs in a picture that its legend has to explain
 * @p: the picture
 * @seen: to fill
 */
void picture_seen(const struct picture *p, struct seen *seen)
{
	size_t i;

	*seen = (struct seen) { 0 };
	for (i = 0; i < p->nr; i++) {
		const struct step *s = &p->steps[i];

		seen->host[s->host] = true;
		if (!s->guest)
			continue;
		if (s->hit == FINDING_NO)
			seen->hit = true;
		else
			seen->guest = true;
	}
}
