// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parses, checks and answers writes that move MSI windows, and the parameter
 * "msi_window".
 *
 * A write to the file of a group moves its window.  The window stays there until a write
 * moves it back, the group dies or this module is unloaded.  The parameter at load moves
 * the window of each group when the group is found.  A window changes only while its
 * group is not attached (group/attach.h): VFIO asks for the list of a group when it
 * attaches the group; and when it detaches a group, it asks for the lists of the others.
 */
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include "source/doorbells.h"
#include "feature/window/table.h"
#include "group/attach.h"
#include "group/group.h"
#include "group/snapshot.h"
#include "hook/fault.h"
#include "source/native.h"
#include "model/words.h"
#include "model/placement.h"

/* Guests have few ranges of memory. */
#define MAX_AVOID	8
/* ", " or "; avoids ", and two numbers of 16 digits */
#define AVOID_LEN	(9 + 2 * 18 + 1)

enum what {
	WANT_DEFAULT,
	WANT_PLACE,
	WANT_AUTO,
};

/**
 * struct request - a write to the file, or the parameter
 * @what: kind of request
 * @base: WANT_PLACE: first address
 * @size: WANT_PLACE: bytes, if @sized
 * @sized: @size is set; else use the larger one of the kernel's size and what the
 *	doorbells need
 * @avoid: WANT_AUTO: ranges that the window must not touch
 * @nr_avoid: number of @avoid
 */
struct request {
	enum what what;
	u64 base;
	u64 size;
	bool sized;
	struct resv_range avoid[MAX_AVOID];
	unsigned int nr_avoid;
};

/**
 * struct change - a move of a group's window
 * @request: the write, or the parameter
 * @w: the group's window
 * @to: new place
 * @by: who placed it there
 * @why: WANT_AUTO: reason for the choice
 */
struct change {
	struct request request;
	struct resv_msi_window *w;
	struct resv_range to;
	enum resv_window_by by;
	enum resv_window_why why;
};

static struct request param;	/* the parameter */

/* Skip blanks, with or without one comma among them. */
static bool separator(const char **p)
{
	bool there = resv_text_blanks(p);

	there |= resv_text_word(p, ",");
	resv_text_blanks(p);
	return there;
}

/* Return: 0, -EINVAL, or -E2BIG for too many ranges */
static int parse(const char *p, struct request *request)
{
	memset(request, 0, sizeof(*request));
	resv_text_blanks(&p);
	if (resv_text_word(&p, "default"))
		return resv_text_end(&p) ? 0 : -EINVAL;
	if (resv_text_word(&p, "auto")) {
		request->what = WANT_AUTO;
		while (!resv_text_end(&p)) {
			struct resv_range range;

			if (!separator(&p) || !resv_text_word(&p, "avoid=") ||
			    !resv_text_range(&p, &range))
				return -EINVAL;
			if (request->nr_avoid == MAX_AVOID)
				return -E2BIG;
			request->avoid[request->nr_avoid++] = range;
		}
		return 0;
	}
	request->what = WANT_PLACE;
	if (!resv_text_address(&p, &request->base))
		return -EINVAL;
	if (resv_text_end(&p))
		return 0;
	request->sized = true;
	return separator(&p) && resv_text_address(&p, &request->size) &&
	       resv_text_end(&p) ? 0 : -EINVAL;
}

/* Collect the bounds of the window of the group of @c. */
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
		/* If the need is not known, use the kernel's size, which is enough. */
		.need = need ?: native,
		.size = ALIGN(resv_doorbells_room(native), c->page),
		.native = w->native.start,
		.below_4g = c->msi32,
	};
}

static void log_fault(const struct resv_facts *c,
		      const struct resv_window_plan *plan, u64 base, u64 size,
		      enum resv_window_fault fault,
		      const struct resv_region *hit)
{
	switch (fault) {
	case RESV_WINDOW_ALIGN:
		pr_err("group %d: MSI window 0x%llx 0x%llx is not made of whole pages of 0x%llx bytes\n",
		       c->id, base, size, plan->page);
		break;
	case RESV_WINDOW_ZERO:
		pr_err("group %d: the MSI window cannot begin at 0, which the kernel treats as an error: begin at 0x%llx or above\n",
		       c->id, plan->page);
		break;
	case RESV_WINDOW_SMALL:
		if (resv_doorbells_count())
			pr_err("group %d: MSI window of 0x%llx bytes is too small: %u doorbells need 0x%llx\n",
			       c->id, size, resv_doorbells_count(), plan->need);
		else
			pr_err("group %d: MSI window of 0x%llx bytes is too small: the number of doorbells is not known, so it needs at least the kernel's 0x%llx\n",
			       c->id, size, plan->need);
		break;
	case RESV_WINDOW_OUTSIDE:
		if (plan->aperture)
			pr_err("group %d: MSI window 0x%llx 0x%llx is not inside the aperture 0x%llx-0x%llx\n",
			       c->id, base, size, plan->aperture->start,
			       plan->aperture->end);
		else
			pr_err("group %d: MSI window 0x%llx 0x%llx is not below 4 GiB, and the aperture is not known before an attach\n",
			       c->id, base, size);
		break;
	case RESV_WINDOW_HIGH32:
		pr_err("group %d: MSI window 0x%llx 0x%llx is not below 4 GiB, and %s has only 32-bit MSI\n",
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
	u64 size = change->request.sized ? change->request.size : plan->size;
	const struct resv_region *hit;
	enum resv_window_fault fault;
	int ret;

	ret = resv_window_judge(plan, change->request.base, size, &fault, &hit);
	if (ret) {
		log_fault(c, plan, change->request.base, size, fault, hit);
		return ret;
	}
	change->by = RESV_WINDOW_BY_ADMIN;
	change->to.start = change->request.base;
	change->to.end = change->request.base + (size - 1);
	return 0;
}

static int decide_auto(const struct resv_facts *c, struct change *change,
		       const struct resv_window_plan *plan)
{
	u64 base;
	int ret;

	ret = resv_window_choose(plan, change->request.avoid,
				 change->request.nr_avoid, &base, &change->why);
	if (ret == -ENOSPC)
		pr_err("group %d: no place for an MSI window of 0x%llx bytes%s%s%s: avoid less, or remove declared regions\n",
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

/* Move back to the kernel's place, unless a region was declared there meanwhile. */
static int decide_default(const struct resv_facts *c, struct change *change)
{
	const struct resv_range *native = &change->w->native;
	const struct resv_region *r = NULL;

	while ((r = resv_window_conflict(&c->regions, native->start,
					 native->end, r))) {
		if (r->origin != RESV_ORIGIN_ADMIN)
			continue;
		pr_err("group %d: the kernel's MSI window 0x%llx-0x%llx overlaps the declared region 0x%llx-0x%llx: remove that first\n",
		       c->id, native->start, native->end, r->start, r->end);
		return -EADDRINUSE;
	}
	change->by = RESV_WINDOW_BY_KERNEL;
	change->to = *native;
	return 0;
}

/*
 * Decide where the window of the group goes.
 *
 * Return: 0, -ENOMEM, or an errno after logging one line
 */
static int decide(const struct resv_facts *c, struct change *change)
{
	struct resv_window_plan plan = plan_of(c, change->w);

	switch (change->request.what) {
	case WANT_PLACE:
		return decide_place(c, change, &plan);
	case WANT_AUTO:
		return decide_auto(c, change, &plan);
	default:
		return decide_default(c, change);
	}
}

/* The group's mutex is held, and the group is free. */
static int do_move(void *data)
{
	struct change *change = data;

	return resv_msi_window_move(change->w, &change->to, change->by);
}

static int move(const struct resv_facts *c, struct change *change)
{
	int ret;

	ret = resv_test_step("window") ?:
	      resv_attach_when_free(c->group, do_move, change);
	if (ret == -EBUSY)
		pr_err("group %d: in use by VFIO or another driver that does its own mapping: close it first; the MSI window is unchanged\n",
		       c->id);
	return ret;
}

/*
 * Would lists show a moved window?  Only kprobes move it in the kernel's lists, and the
 * mode may have changed since the group was looked at.
 */
static bool is_movable(const struct resv_facts *c)
{
	return c->movable && (c->own_list ?
			      resv_hooks_mode() != RESV_HOOKS_NONE :
			      resv_hooks_by_kprobe());
}

static int apply_locked(struct resv_facts *c, struct change *change)
{
	struct resv_range window;
	int ret;

	change->w = resv_msi_window_find(c->group);
	if (!change->w && resv_facts_soft_window(c, &window))
		/* There is a window, but its entry could not be allocated. */
		return -ENOMEM;
	if (!change->w) {
		pr_err("group %d: there is no MSI window to move: %s\n",
		       c->id, c->listed ? "the hardware fixes where messages go" :
		       "the kernel's list is not read (sources=)");
		return -EOPNOTSUPP;
	}
	/* A window can move back even if no hook works. */
	if (change->request.what != WANT_DEFAULT && !is_movable(c)) {
		pr_err("group %d: the MSI window cannot be moved, because no hook works: see %s in /sys/kernel/iommu_resv/features\n",
		       c->id, !resv_native_cookies() ? "msi-cookies" : "msi-window-move");
		return -EOPNOTSUPP;
	}
	ret = decide(c, change) ?: move(c, change);
	/* From now on the parameter does not move this window. */
	if (!ret)
		change->w->asked = true;
	return ret;
}

static int apply(struct resv_facts *c, void *data)
{
	int ret;

	mutex_lock(&resv_msi_windows_lock);
	ret = apply_locked(c, data);
	mutex_unlock(&resv_msi_windows_lock);
	return ret;
}

/**
 * resv_msi_window_is_listed() - does the list that VFIO uses show the window at a place?
 * @c: facts, with the list
 * @window: the place
 *
 * Return: true if the list shows it there, and nowhere else
 */
bool resv_msi_window_is_listed(const struct resv_facts *c,
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

static void log_move(const struct resv_facts *c, const struct change *change)
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

	for (i = 0; i < change->request.nr_avoid; i++)
		len += scnprintf(avoid + len, sizeof(avoid) - len,
				 "%s0x%llx-0x%llx", i ? ", " : "; avoids ",
				 change->request.avoid[i].start,
				 change->request.avoid[i].end);
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
		pr_info("group %d: MSI window 0x%llx-0x%llx, the kernel's place, from the next attach on\n",
			c->id, change->to.start, change->to.end);
		break;
	}
}

static int confirm_locked(const struct resv_facts *c, struct change *change)
{
	if (change->by == RESV_WINDOW_BY_KERNEL ||
	    resv_msi_window_is_listed(c, &change->to)) {
		log_move(c, change);
		return 0;
	}
	pr_err("group %d: the MSI window did not move in the kernel's list: see /sys/kernel/iommu_resv/hooks\n",
	       c->id);
	if (!resv_msi_window_put_back(c, change->w))
		pr_err("group %d: the group was attached meanwhile: write default to msi_window when it is released\n",
		       c->id);
	return -EOPNOTSUPP;
}

static int confirm(const struct resv_facts *c, void *data)
{
	int ret;

	mutex_lock(&resv_msi_windows_lock);
	ret = confirm_locked(c, data);
	mutex_unlock(&resv_msi_windows_lock);
	return ret;
}

static void begin(void *data)
{
	resv_msi_taps_change_begin();
}

static void end(void *data)
{
	resv_msi_taps_change_end();
}

static const struct resv_group_change group_change = {
	.apply = apply,
	.confirm = confirm,
	.begin = begin,
	.end = end,
};

static ssize_t msi_window_store(struct iommu_group *group, const char *buf,
				size_t count)
{
	/* The kobject is the first member of struct iommu_group. */
	struct kobject *kobj = (struct kobject *)group;
	struct change change = { 0 };
	int ret;

	/* Do not log this: a user without permission could fill the log. */
	if (!resv_feature_may_write())
		return -EACCES;
	ret = strlen(buf) == count ? parse(buf, &change.request) : -EINVAL;
	if (ret) {
		pr_err("group %s: invalid MSI window: write 0xBASE, \"0xBASE 0xSIZE\", auto, auto,avoid=0xSTART-0xEND (up to %d of them) or default to msi_window\n",
		       kobject_name(kobj), MAX_AVOID);
		return ret;
	}
	ret = resv_group_change(kobj, &group_change, &change);
	if (ret == -ENOMEM || ret == -ENODEV)
		pr_err("group %s: the MSI window is unchanged: %s\n",
		       kobject_name(kobj), ret == -ENOMEM ? "out of memory" :
		       "the group or the module is being removed");
	return ret ?: count;
}

static ssize_t msi_window_show(struct iommu_group *group, char *buf)
{
	static const char *const by[] = {
		[RESV_WINDOW_BY_KERNEL] = "kernel",
		[RESV_WINDOW_BY_ADMIN] = "moved",
		[RESV_WINDOW_BY_AUTO] = "auto",
	};
	struct resv_snapshot *snapshot;
	ssize_t len;

	snapshot = resv_group_snapshot((struct kobject *)group);
	if (!snapshot)
		return -ENODEV;
	if (snapshot->window_known)
		len = scnprintf(buf, PAGE_SIZE, "0x%llx 0x%llx %s\n",
				snapshot->window.start,
				snapshot->window.end - snapshot->window.start + 1,
				by[snapshot->window_by]);
	else if (snapshot->window_asked)
		len = scnprintf(buf, PAGE_SIZE, "none\n");
	else
		len = -ENODATA;
	resv_snapshot_put(snapshot);
	return len;
}

const struct resv_feature_file resv_msi_window_file = {
	.name = "msi_window",
	.mode = 0644,
	.show = msi_window_show,
	.store = msi_window_store,
};

static char msi_window[512];

static int msi_window_set(const char *val, const struct kernel_param *kp)
{
	if (strscpy(msi_window, val, sizeof(msi_window)) >= 0)
		return 0;
	pr_err("msi_window= is longer than %zu characters\n",
	       sizeof(msi_window) - 1);
	return -E2BIG;
}

static int msi_window_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", msi_window);
}

static const struct kernel_param_ops msi_window_ops = {
	.set = msi_window_set,
	.get = msi_window_get,
};

module_param_cb(msi_window, &msi_window_ops, NULL, 0444);
MODULE_PARM_DESC(msi_window, "place of the movable MSI window (Arm) of each group: 0xBASE[,0xSIZE], auto[,avoid=0xSTART-0xEND...] or default (the kernel's place)");

/**
 * resv_msi_window_init() - parse the parameter
 *
 * Context: no group is known yet.
 * Return: 0, or an errno after logging one line
 */
int resv_msi_window_init(void)
{
	int ret = parse(msi_window[0] ? msi_window : "default", &param);

	if (ret)
		pr_err("msi_window=%s is invalid: use 0xBASE, 0xBASE,0xSIZE, auto, auto,avoid=0xSTART-0xEND (up to %d of them) or default\n",
		       msi_window, MAX_AVOID);
	return ret;
}

/**
 * resv_msi_window_requested() - does the parameter move windows?
 *
 * Return: true if it does
 */
bool resv_msi_window_requested(void)
{
	return param.what != WANT_DEFAULT;
}

/**
 * resv_msi_window_log_conflicts() - log a new overlap of a group's window
 * @c: facts
 * @w: window of the group
 * @window: where the lists have it
 *
 * Context: resv_msi_windows_lock is held.
 */
void resv_msi_window_log_conflicts(const struct resv_facts *c,
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
		memset(&w->logged, 0, sizeof(w->logged));
		return;
	}
	if (w->logged.start == first->start && w->logged.end == first->end)
		return;
	w->logged.start = first->start;
	w->logged.end = first->end;
	pr_warn("group %d: the MSI window 0x%llx-0x%llx overlaps 0x%llx-0x%llx (%s, %s, %s) and %u more: interrupts, or DMA to that place, may get lost; write auto to /sys/kernel/iommu_groups/%d/resv/msi_window\n",
		c->id, window->start, window->end, first->start, first->end,
		resv_type_name(first->type), resv_origin_name(first->origin),
		resv_facts_name_at(c, first->name), more, c->id);
}

/**
 * resv_msi_window_apply() - apply the parameter to a new group
 * @c: facts
 * @w: window of the group
 *
 * Context: resv_msi_windows_lock is held; may sleep.
 * Return: true if the window has moved
 */
bool resv_msi_window_apply(const struct resv_facts *c, struct resv_msi_window *w)
{
	struct change change = { .request = param, .w = w };
	int ret;

	if (param.what == WANT_DEFAULT || w->asked)
		return false;
	if (!is_movable(c)) {
		/* A hook may work later and this is tried again, so log it only once. */
		if (!w->denied)
			pr_warn("group %d: msi_window= is not in force, because no hook works: see msi-window-move in /sys/kernel/iommu_resv/features\n",
				c->id);
		if (!w->denied)
			resv_msi_taps_note_denied();
		w->denied = true;
		return false;
	}
	ret = decide(c, &change) ?: move(c, &change);
	/* If an allocation failed, retry when the group is looked at again. */
	w->asked = ret != -ENOMEM;
	if (ret)
		return false;
	log_move(c, &change);
	return true;
}

/**
 * resv_msi_window_log_unsuited() - log once that a moved window does not suit the group
 * @c: facts; a new device may have other needs than the earlier ones
 * @w: window of the group
 *
 * Context: resv_msi_windows_lock is held.
 */
void resv_msi_window_log_unsuited(const struct resv_facts *c,
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
	log_fault(c, &plan, w->at.start, size, fault, hit);
	pr_warn("group %d: the MSI window, which was moved, does not suit a device that was added: interrupts may get lost; write auto to msi_window\n",
		c->id);
}

/**
 * resv_msi_window_put_back() - move the window back to the driver's place
 * @c: facts
 * @w: window of the group
 *
 * Context: resv_msi_windows_lock is held; may sleep.
 * Return: false if the group is attached, or has no device any more
 */
bool resv_msi_window_put_back(const struct resv_facts *c,
			      struct resv_msi_window *w)
{
	struct change change = {
		.w = w,
		.to = w->native,
		.by = RESV_WINDOW_BY_KERNEL,
	};

	return !resv_attach_when_free(c->group, do_move, &change);
}
