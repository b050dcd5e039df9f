// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the admin wants MSI windows: words, checks, and answers.
 *
 * A window is moved by a write to the file of its group, and stays there until
 * it is moved back, the group is gone or this module is unloaded; or by the
 * parameter at load, for each group when it is found.  It changes only while
 * nobody has attached the group: see idle.c.
 */
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include "facts.h"
#include "doorbell.h"
#include "group.h"
#include "hook.h"
#include "idle.h"
#include "inject.h"
#include "native.h"
#include "msi.h"
#include "msi_window.h"
#include "text.h"
#include "window.h"

/* Guests have few pieces of memory. */
#define MAX_AVOID	8
/* ", " or "; avoids ", and two numbers of 16 digits */
#define AVOID_LEN	(9 + 2 * 18 + 1)

enum what {
	WANT_DEFAULT,
	WANT_PLACE,
	WANT_AUTO,
};

/**
 * struct wish - what the admin wrote
 * @what: kind
 * @base: WANT_PLACE: first address
 * @size: WANT_PLACE: bytes, if @sized
 * @sized: else as large as the doorbells need, or as the kernel's if that is more
 * @avoid: WANT_AUTO: where the window is not wanted
 * @nr_avoid: number of those
 */
struct wish {
	enum what what;
	u64 base;
	u64 size;
	bool sized;
	struct resv_range avoid[MAX_AVOID];
	unsigned int nr_avoid;
};

/**
 * struct change - one write to a group's file, or the parameter for a group
 * @wish: what is wanted
 * @w: the group's window
 * @to: where it goes
 * @by: who placed it
 * @why: WANT_AUTO: what decided
 */
struct change {
	struct wish wish;
	struct resv_msi_window *w;
	struct resv_range to;
	enum resv_window_by by;
	enum resv_window_why why;
};

static struct wish given;	/* by the parameter */
static bool loaded;

/* Blanks, with one comma among them or not. */
static bool separator(const char **p)
{
	bool there = resv_text_blanks(p);

	there |= resv_text_word(p, ",");
	resv_text_blanks(p);
	return there;
}

/* Return: 0, -EINVAL, or -E2BIG for too many ranges */
static int parse(const char *p, struct wish *wish)
{
	memset(wish, 0, sizeof(*wish));
	resv_text_blanks(&p);
	if (resv_text_word(&p, "default"))
		return resv_text_end(&p) ? 0 : -EINVAL;
	if (resv_text_word(&p, "auto")) {
		wish->what = WANT_AUTO;
		while (!resv_text_end(&p)) {
			struct resv_range range;

			if (!separator(&p) || !resv_text_word(&p, "avoid=") ||
			    !resv_text_range(&p, &range))
				return -EINVAL;
			if (wish->nr_avoid == MAX_AVOID)
				return -E2BIG;
			wish->avoid[wish->nr_avoid++] = range;
		}
		return 0;
	}
	wish->what = WANT_PLACE;
	if (!resv_text_address(&p, &wish->base))
		return -EINVAL;
	if (resv_text_end(&p))
		return 0;
	wish->sized = true;
	return separator(&p) && resv_text_address(&p, &wish->size) &&
	       resv_text_end(&p) ? 0 : -EINVAL;
}

/* What bounds the window of the group that @c is about. */
static struct resv_window_plan plan_of(const struct resv_facts *c,
				       const struct resv_msi_window *w)
{
	u64 native = w->native.end - w->native.start + 1;
	u64 need = resv_doorbells_need();

	return (struct resv_window_plan) {
		.regions = &c->regions,
		.bridges = &c->bridges,
		.aperture = c->aperture_known ? &c->aperture : NULL,
		.page = c->page,
		/* Not known: what the kernel gives is known to do. */
		.need = need ?: native,
		.size = ALIGN(resv_doorbells_room(native), c->page),
		.native = w->native.start,
		.below_4g = c->msi32,
	};
}

static void explain(const struct resv_facts *c,
		    const struct resv_window_plan *plan, u64 base, u64 size,
		    enum resv_window_fault fault, const struct resv_region *hit)
{
	switch (fault) {
	case RESV_WINDOW_ALIGN:
		pr_err("group %d: MSI window 0x%llx 0x%llx is not made of whole pages of 0x%llx bytes\n",
		       c->id, base, size, plan->page);
		break;
	case RESV_WINDOW_ZERO:
		pr_err("group %d: the MSI window cannot begin at 0, which the kernel takes for a failure: begin at 0x%llx or above\n",
		       c->id, plan->page);
		break;
	case RESV_WINDOW_SMALL:
		if (resv_doorbells_count())
			pr_err("group %d: MSI window of 0x%llx bytes is too small: %u doorbells take 0x%llx\n",
			       c->id, size, resv_doorbells_count(), plan->need);
		else
			pr_err("group %d: MSI window of 0x%llx bytes is too small: how many doorbells there are is not known, so not less than the kernel's 0x%llx\n",
			       c->id, size, plan->need);
		break;
	case RESV_WINDOW_OUTSIDE:
		if (plan->aperture)
			pr_err("group %d: MSI window 0x%llx 0x%llx is not all inside of what the IOMMU can address, 0x%llx-0x%llx\n",
			       c->id, base, size, plan->aperture->start,
			       plan->aperture->end);
		else
			pr_err("group %d: MSI window 0x%llx 0x%llx is not all below 4 GiB, and how far the IOMMU can address is not known before an attach\n",
			       c->id, base, size);
		break;
	case RESV_WINDOW_HIGH32:
		pr_err("group %d: MSI window 0x%llx 0x%llx is not all below 4 GiB, and %s has no messages to 64-bit addresses\n",
		       c->id, base, size, resv_facts_name_at(c, c->msi32));
		break;
	case RESV_WINDOW_TAKEN:
		pr_err("group %d: MSI window 0x%llx 0x%llx overlaps 0x%llx-0x%llx (%s, %s, %s): auto finds a free place\n",
		       c->id, base, size, hit->start, hit->end,
		       resv_type_name(hit->type), resv_origin_name(hit->origin),
		       resv_facts_name_at(c, hit->name));
		break;
	}
}

static int decide_place(const struct resv_facts *c, struct change *change,
			const struct resv_window_plan *plan)
{
	u64 size = change->wish.sized ? change->wish.size : plan->size;
	const struct resv_region *hit;
	enum resv_window_fault fault;
	int ret;

	ret = resv_window_judge(plan, change->wish.base, size, &fault, &hit);
	if (ret) {
		explain(c, plan, change->wish.base, size, fault, hit);
		return ret;
	}
	change->by = RESV_WINDOW_BY_ADMIN;
	change->to.start = change->wish.base;
	change->to.end = change->wish.base + (size - 1);
	return 0;
}

static int decide_auto(const struct resv_facts *c, struct change *change,
		       const struct resv_window_plan *plan)
{
	u64 base;
	int ret;

	ret = resv_window_choose(plan, change->wish.avoid, change->wish.nr_avoid,
				 &base, &change->why);
	if (ret == -ENOSPC)
		pr_err("group %d: no place for an MSI window of 0x%llx bytes%s%s%s: free some of what 'regions' shows, or avoid less\n",
		       c->id, plan->size, plan->below_4g ? " below 4 GiB, where " : "",
		       plan->below_4g ? resv_facts_name_at(c, c->msi32) : "",
		       plan->below_4g ? " needs it" : "");
	if (ret)
		return ret;
	change->by = RESV_WINDOW_BY_AUTO;
	change->to.start = base;
	change->to.end = base + (plan->size - 1);
	return 0;
}

/* Back to the kernel's place, unless something was declared there meanwhile. */
static int decide_default(const struct resv_facts *c, struct change *change)
{
	const struct resv_range *native = &change->w->native;
	const struct resv_region *r = NULL;

	while ((r = resv_window_conflict(&c->regions, native->start,
					 native->end, r))) {
		if (r->origin != RESV_ORIGIN_ADMIN)
			continue;
		pr_err("group %d: the kernel's MSI window 0x%llx-0x%llx overlaps the declared 0x%llx-0x%llx: remove that first\n",
		       c->id, native->start, native->end, r->start, r->end);
		return -EADDRINUSE;
	}
	change->by = RESV_WINDOW_BY_KERNEL;
	change->to = *native;
	return 0;
}

/*
 * Where the window of the group goes.
 *
 * Return: 0, -ENOMEM, or an errno after one line in the log
 */
static int decide(const struct resv_facts *c, struct change *change)
{
	struct resv_window_plan plan = plan_of(c, change->w);

	switch (change->wish.what) {
	case WANT_PLACE:
		return decide_place(c, change, &plan);
	case WANT_AUTO:
		return decide_auto(c, change, &plan);
	default:
		return decide_default(c, change);
	}
}

/* Under the group's mutex, which is free. */
static int do_move(void *data)
{
	struct change *change = data;

	return resv_msi_window_move(change->w, &change->to, change->by);
}

static int move(const struct resv_facts *c, struct change *change)
{
	int ret;

	ret = resv_test_step("window") ?:
	      resv_when_idle(c->group, do_move, change);
	if (ret == -EBUSY)
		pr_err("group %d: in use by VFIO or another driver that maps by itself: close it first, the MSI window is unchanged\n",
		       c->id);
	return ret;
}

static int apply(struct resv_facts *c, void *data)
{
	struct change *change = data;
	struct resv_range window;
	int ret;

	change->w = resv_msi_window_find(c->group);
	if (!change->w && resv_facts_soft_window(c, &window))
		/* For want of memory it was not taken notice of. */
		return -ENOMEM;
	if (!change->w) {
		pr_err("group %d: has no MSI window that could be moved: %s\n",
		       c->id, c->listed ? "the hardware fixes where messages go" :
		       "the kernel's list is not asked (sources=)");
		return -EOPNOTSUPP;
	}
	/* Back it can go whatever hooks do. */
	if (!c->movable && change->wish.what != WANT_DEFAULT) {
		pr_err("group %d: the MSI window cannot be moved, because no hook would do it: see %s in /sys/kernel/iommu_resv/features\n",
		       c->id, !resv_native_cookies() ? "msi-cookies" : "msi-window-move");
		return -EOPNOTSUPP;
	}
	ret = decide(c, change) ?: move(c, change);
	/* From now on the parameter has no say in it. */
	if (!ret)
		change->w->asked = true;
	return ret;
}

/* Does the list that VFIO goes by have the window there, and only there? */
static bool is_listed(const struct resv_facts *c,
		      const struct resv_range *window)
{
	unsigned int i;
	bool there = false;

	for (i = 0; i < c->taken.nr; i++) {
		const struct resv_region *r = &c->taken.r[i];

		if (r->type != RESV_SW_MSI)
			continue;
		if (r->start != window->start || r->end != window->end)
			return false;
		there = true;
	}
	return there;
}

static void tell(const struct resv_facts *c, const struct change *change)
{
	static const char *const why[] = {
		[RESV_WINDOW_KEPT] = "the kernel's place, which is free",
		[RESV_WINDOW_LOW] = "the highest place below 4 GiB in the smallest free range",
		[RESV_WINDOW_HIGH] = "the highest place in the smallest free range above 4 GiB",
	};
	unsigned int doorbells = resv_doorbells_count(), i;
	char avoid[MAX_AVOID * AVOID_LEN] = "", room[24] = "";
	int len = 0;

	if (doorbells)
		scnprintf(room, sizeof(room), "room for %u doorbell%s",
			  doorbells, doorbells == 1 ? "" : "s");

	for (i = 0; i < change->wish.nr_avoid; i++)
		len += scnprintf(avoid + len, sizeof(avoid) - len,
				 "%s0x%llx-0x%llx", i ? ", " : "; avoids ",
				 change->wish.avoid[i].start,
				 change->wish.avoid[i].end);
	switch (change->by) {
	case RESV_WINDOW_BY_AUTO:
		pr_info("group %d: MSI window 0x%llx-0x%llx from the next attach on: %s%s; %s%s%s\n",
			c->id, change->to.start, change->to.end,
			why[change->why], avoid,
			doorbells ? room : "as large as the kernel's",
			c->msi32 ? "; below 4 GiB because of " : "",
			c->msi32 ? resv_facts_name_at(c, c->msi32) : "");
		break;
	case RESV_WINDOW_BY_ADMIN:
		pr_info("group %d: MSI window 0x%llx-0x%llx from the next attach on\n",
			c->id, change->to.start, change->to.end);
		break;
	case RESV_WINDOW_BY_KERNEL:
		pr_info("group %d: MSI window 0x%llx-0x%llx again, as the kernel has it\n",
			c->id, change->to.start, change->to.end);
		break;
	}
}

static int confirm(const struct resv_facts *c, void *data)
{
	struct change *change = data;

	if (change->by == RESV_WINDOW_BY_KERNEL || is_listed(c, &change->to)) {
		tell(c, change);
		return 0;
	}
	pr_err("group %d: the MSI window does not move in the kernel's list: see /sys/kernel/iommu_resv/hooks\n",
	       c->id);
	change->by = RESV_WINDOW_BY_KERNEL;
	change->to = change->w->native;
	if (resv_when_idle(c->group, do_move, change))
		pr_err("group %d: and was attached meanwhile: write default to msi_window when it is free\n",
		       c->id);
	return -EOPNOTSUPP;
}

static bool hooks_needed(void)
{
	/* Groups to come may be moved, too. */
	return given.what != WANT_DEFAULT || resv_msi_windows_in_force();
}

static void begin(void *data)
{
	resv_hooks_windows(true);
}

/**
 * resv_msi_hooks_rest() - have the hooks of windows out if nothing is moved
 *
 * Context: the registry's lock is held; may sleep.
 */
void resv_msi_hooks_rest(void)
{
	if (!hooks_needed())
		resv_hooks_windows(false);
}

static void end(void *data)
{
	resv_msi_hooks_rest();
}

static const struct resv_group_change group_change = {
	.apply = apply,
	.confirm = confirm,
	.begin = begin,
	.end = end,
};

/**
 * resv_msi_write() - a write to a group's file "msi_window"
 * @kobj: kobject of the group
 * @buf: "0xBASE", "0xBASE 0xSIZE", "auto", "auto,avoid=0xSTART-0xEND..." or
 *	"default", with a zero at the end
 * @count: bytes written
 *
 * Context: in the callback of the file; may sleep.
 * Return: @count, or the errno of docs/msi-window.md, after one line in the log
 */
ssize_t resv_msi_write(struct kobject *kobj, const char *buf, size_t count)
{
	struct change change = { 0 };
	int ret;

	ret = strlen(buf) == count ? parse(buf, &change.wish) : -EINVAL;
	if (ret) {
		pr_err("group %s: not understood: write 0xBASE, \"0xBASE 0xSIZE\", auto, auto,avoid=0xSTART-0xEND (up to %d of them) or default to msi_window\n",
		       kobject_name(kobj), MAX_AVOID);
		return ret;
	}
	ret = resv_group_change(kobj, &group_change, &change);
	if (ret == -ENOMEM || ret == -ENODEV)
		pr_err("group %s: the MSI window is unchanged: %s\n",
		       kobject_name(kobj), ret == -ENOMEM ? "no memory" :
		       "the group, or the module, is going");
	return ret ?: count;
}

/**
 * resv_msi_init() - take what the parameter "msi_window" says
 * @val: as for the file; "" is "default"
 *
 * Context: before groups are looked at.
 * Return: 0, or an errno after one line in the log
 */
int resv_msi_init(const char *val)
{
	int ret = parse(val[0] ? val : "default", &given);

	if (ret)
		pr_err("msi_window=%s is not understood: give 0xBASE, 0xBASE,0xSIZE, auto, auto,avoid=0xSTART-0xEND (up to %d of them) or default\n",
		       val, MAX_AVOID);
	else if (given.what != WANT_DEFAULT)
		resv_hooks_windows(true);
	return ret;
}

/* Say which regions the window of the group overlaps, when that is new. */
static void tell_conflicts(const struct resv_facts *c,
			   struct resv_msi_window *w,
			   const struct resv_range *window)
{
	const struct resv_region *r = NULL, *first = NULL;
	unsigned int more = 0;

	while ((r = resv_window_conflict(&c->regions, window->start,
					 window->end, r))) {
		if (first)
			more++;
		else
			first = r;
	}
	if (!first) {
		memset(&w->told, 0, sizeof(w->told));
		return;
	}
	if (w->told.start == first->start && w->told.end == first->end)
		return;
	w->told.start = first->start;
	w->told.end = first->end;
	pr_warn("group %d: the MSI window 0x%llx-0x%llx overlaps 0x%llx-0x%llx (%s, %s, %s) and %u more: interrupts, or DMA to that place, may get lost; write auto to /sys/kernel/iommu_groups/%d/resv/msi_window\n",
		c->id, window->start, window->end, first->start, first->end,
		resv_type_name(first->type), resv_origin_name(first->origin),
		resv_facts_name_at(c, first->name), more, c->id);
}

/* The parameter, for a group that was just found.  Return: its lists changed. */
static bool apply_given(struct resv_facts *c, struct resv_msi_window *w)
{
	struct change change = { .wish = given, .w = w };
	int ret;

	if (given.what == WANT_DEFAULT || w->asked)
		return false;
	if (!c->movable) {
		/* Hooks can come later; say it once. */
		if (!w->denied)
			pr_warn("group %d: msi_window= is not in force, because no hook works: see msi-window-move in /sys/kernel/iommu_resv/features\n",
				c->id);
		w->denied = true;
		return false;
	}
	ret = decide(c, &change) ?: move(c, &change);
	/* Without memory it is tried again when the group is looked at again. */
	w->asked = ret != -ENOMEM;
	if (ret)
		return false;
	tell(c, &change);
	return true;
}

/* A device that came can have needs that those before it had not. */
static void tell_unsuited(const struct resv_facts *c,
			  struct resv_msi_window *w)
{
	struct resv_window_plan plan = plan_of(c, w);
	const struct resv_region *hit;
	enum resv_window_fault fault;
	u64 size = w->at.end - w->at.start + 1;

	if (w->by == RESV_WINDOW_BY_KERNEL ||
	    !resv_window_judge(&plan, w->at.start, size, &fault, &hit)) {
		w->unsuited = false;
		return;
	}
	if (w->unsuited)
		return;
	w->unsuited = true;
	explain(c, &plan, w->at.start, size, fault, hit);
	pr_warn("group %d: the MSI window was moved before a device came that it does not suit: interrupts may get lost; write auto to msi_window\n",
		c->id);
}

/*
 * No device lists a window that counts.  If that is because the hardware takes
 * messages itself, there is none to be moved; else a driver had no memory.
 *
 * Return: the lists have changed
 */
static bool drop_window(struct resv_facts *c, struct resv_msi_window *w)
{
	struct change change = {
		.w = w,
		.to = w->native,
		.by = RESV_WINDOW_BY_KERNEL,
	};
	bool moved = w->by != RESV_WINDOW_BY_KERNEL, fixed = false;
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++)
		fixed |= c->regions.r[i].type == RESV_MSI;
	w->seen = true;
	if (!fixed || (moved && resv_when_idle(c->group, do_move, &change)))
		return false;
	if (moved)
		pr_warn("group %d: the MSI window is the kernel's again: a device came for which the hardware takes messages\n",
			c->id);
	resv_msi_window_gone(c->group);
	return moved;
}

/**
 * resv_msi_loaded() - loading cannot fail any more: the parameter is in force
 *
 * Context: may sleep.
 */
void resv_msi_loaded(void)
{
	loaded = true;
	/* What cannot be done now for want of memory is done with the next walk. */
	if (given.what != WANT_DEFAULT && resv_groups_rescan())
		resv_groups_rescan_soon();
}

/**
 * resv_msi_arrive() - a group was looked at: does it have a movable window?
 * @c: finished collection
 *
 * Context: the registry's lock is held, the group's mutex is not; may sleep.
 * Return: what is on the lists has changed, so that @c is out of date
 */
bool resv_msi_arrive(struct resv_facts *c)
{
	struct resv_msi_window *w = resv_msi_window_find(c->group);
	struct resv_range window;

	if (!resv_facts_soft_window(c, &window))
		return w && drop_window(c, w);
	if (!w)
		w = resv_msi_window_add(c->group, c->id, &window);
	/* Without memory the group has no movable window until the next walk. */
	if (!w)
		return false;
	w->seen = true;
	resv_msi_window_settle(w, c->in_use);
	/* It will be applied to this group, and may cure it. */
	if (given.what != WANT_DEFAULT && !loaded)
		return false;
	if (apply_given(c, w))
		return true;
	tell_conflicts(c, w, &window);
	tell_unsuited(c, w);
	return false;
}

/**
 * resv_msi_settled() - the lists of a group were looked at again after that
 * @c: finished collection
 *
 * Context: as resv_msi_arrive().
 */
void resv_msi_settled(const struct resv_facts *c)
{
	struct resv_msi_window *w = resv_msi_window_find(c->group);

	if (!w || w->by == RESV_WINDOW_BY_KERNEL)
		return;
	if (!is_listed(c, &w->at))
		pr_err("group %d: the MSI window does not move in the kernel's list: see /sys/kernel/iommu_resv/hooks\n",
		       c->id);
}
