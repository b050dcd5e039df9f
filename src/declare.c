// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the admin may declare: words, checks, and answers.
 *
 * A region is declared in the file of a group, and holds until it is removed or
 * the group is gone; or for a device by the parameter at load, and holds
 * whenever that device is there.
 *
 * Either changes only while nobody has attached the group: see idle.c.
 */
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "facts.h"
#include "declare.h"
#include "declared.h"
#include "group.h"
#include "hook.h"
#include "idle.h"
#include "inject.h"
#include "text.h"

#define MAX_BY_DEVICE	32

/* A line of the kernel's own reserved_regions: two numbers of 16 digits, the type. */
#define LINE_LEN(type)	(2 * 18 + 2 + (type) + 1)
#define DECLARED_LINE	LINE_LEN(8)

/*
 * Room in the page that is left for a device that joins the group and brings
 * regions of its own.
 */
#define SPARE		(4 * LINE_LEN(16))

static unsigned int nr_by_device;
static bool loaded;
static int load_error;

/**
 * struct change - one write to a group's file
 * @add: else remove
 * @start: first address
 * @end: last address, inclusive
 * @d: the region, new or found
 */
struct change {
	bool add;
	u64 start;
	u64 end;
	struct resv_declared *d;
};

static bool parse_change(const char *p, struct change *change)
{
	resv_text_blanks(&p);
	if (resv_text_word(&p, "add"))
		change->add = true;
	else if (!resv_text_word(&p, "remove"))
		return false;
	return resv_text_blanks(&p) && resv_text_address(&p, &change->start) &&
	       resv_text_blanks(&p) && resv_text_address(&p, &change->end) &&
	       resv_text_end(&p) && change->start <= change->end;
}

/*
 * What the kernel's own file has at most, in bytes, if @d holds as well.
 *
 * Regions that touch are one line, but taking one out of the middle makes two
 * of it.  So every declared region counts as a line of its own, and a removal
 * never has to be refused.
 */
static int listing_len(const struct resv_facts *c,
		       const struct resv_declared *d)
{
	const struct resv_declared *other;
	struct resv_set native;
	int len = DECLARED_LINE, ret = 0;
	unsigned int i;

	resv_set_init(&native);
	for (i = 0; !ret && i < c->regions.nr; i++)
		if (!(c->regions.r[i].flags & RESV_F_ADDED))
			ret = resv_set_merge_one(&native, &c->regions.r[i]);
	for (i = 0; !ret && i < native.nr; i++)
		/* It calls both kinds of MSI regions "msi". */
		len += LINE_LEN(native.r[i].type == RESV_SW_MSI ? 3 :
				strlen(resv_type_name(native.r[i].type)));
	resv_set_free(&native);
	resv_declared_for_each(other)
		if (other != d && (other->group == c->group || !other->group))
			len += DECLARED_LINE;
	return ret ?: len;
}

/* The region @d, new or of the parameter, against what holds for the group. */
static int check_table(const struct resv_facts *c, const struct resv_declared *d)
{
	const struct resv_declared *other;

	resv_declared_for_each(other) {
		if (other == d || other->group != c->group ||
		    other->end < d->start || other->start > d->end)
			continue;
		/* The same hole for two devices of a group is one hole. */
		if (d->device[0] && other->device[0] &&
		    strcmp(d->device, other->device))
			continue;
		if (other->start == d->start && other->end == d->end) {
			pr_err("group %d: 0x%llx-0x%llx is declared already\n",
			       c->id, d->start, d->end);
			return -EEXIST;
		}
		pr_err("group %d: 0x%llx-0x%llx overlaps the declared 0x%llx-0x%llx: declare only what that lacks, or remove it first\n",
		       c->id, d->start, d->end, other->start, other->end);
		return -EADDRINUSE;
	}
	return 0;
}

static int check_regions(const struct resv_facts *c,
			 const struct resv_declared *d)
{
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++) {
		const struct resv_region *r = &c->regions.r[i];

		if (!(r->flags & RESV_F_ENFORCED) ||
		    r->origin == RESV_ORIGIN_ADMIN ||
		    r->end < d->start || r->start > d->end)
			continue;
		pr_err("group %d: 0x%llx-0x%llx overlaps 0x%llx-0x%llx (%s), which no map may hit anyway: declare only what lies outside\n",
		       c->id, d->start, d->end, r->start, r->end,
		       resv_type_name(r->type));
		return -EADDRINUSE;
	}
	return 0;
}

/* Does the kernel's file, which before v6.4 or so has no bound, stay in its page? */
static int check_listing(const struct resv_facts *c,
			 const struct resv_declared *d)
{
	int len = listing_len(c, d);

	if (len < 0)
		return len;
	if (len <= (int)PAGE_SIZE - 1 - SPARE)
		return 0;
	pr_err("group %d: 0x%llx-0x%llx is one region too many, the kernel's reserved_regions has one page: declare fewer and larger ones\n",
	       c->id, d->start, d->end);
	return -E2BIG;
}

/*
 * May @d hold for the group?
 *
 * Return: 0, -ENOMEM, or an errno after one line in the log
 */
static int check(const struct resv_facts *c, const struct resv_declared *d)
{
	int ret;

	if (!c->hooked) {
		pr_err("group %d: nothing can be declared, because no hook would enforce it: see declared-regions in /sys/kernel/iommu_resv/features\n",
		       c->id);
		return -EOPNOTSUPP;
	}
	if ((d->start | (d->end + 1)) & (c->page - 1)) {
		pr_err("group %d: 0x%llx-0x%llx does not begin and end with a page of 0x%llx bytes: the last address is inclusive, as in 0x%llx-0x%llx\n",
		       c->id, d->start, d->end, c->page,
		       d->start & ~(c->page - 1), d->end | (c->page - 1));
		return -EINVAL;
	}
	/* No IOMMU maps the last page of 64 bits; and the length would not fit. */
	if (d->end - d->start == ULLONG_MAX) {
		pr_err("group %d: a region of all addresses would leave nothing to map\n",
		       c->id);
		return -ERANGE;
	}
	if (c->aperture_known && (d->start < c->aperture.start ||
				  d->end > c->aperture.end)) {
		pr_err("group %d: 0x%llx-0x%llx is not all inside of what the IOMMU can address, 0x%llx-0x%llx: nothing can be mapped outside anyway\n",
		       c->id, d->start, d->end, c->aperture.start,
		       c->aperture.end);
		return -ERANGE;
	}
	ret = check_table(c, d);
	if (!ret)
		ret = check_regions(c, d);
	if (!ret)
		ret = check_listing(c, d);
	return ret;
}

/* Under the group's mutex, which is free. */
static int do_change(void *data)
{
	struct change *change = data;

	if (!change->add)
		resv_declared_withdraw(change->d);
	else if (change->d->device[0])
		WRITE_ONCE(change->d->held, false);
	else
		resv_declared_publish(change->d);
	return 0;
}

static void tell_busy(int id, u64 start, u64 end)
{
	pr_err("group %d: in use by VFIO or another driver that maps by itself: close it first, 0x%llx-0x%llx is unchanged\n",
	       id, start, end);
}

static int apply_add(struct resv_facts *c, struct change *change)
{
	int ret;

	change->d = resv_declared_make("", change->start, change->end);
	if (!change->d)
		return -ENOMEM;
	ret = check(c, change->d);
	if (ret)
		goto free;
	ret = resv_test_step("stock") ?: resv_declared_stock_up(c->nr_devices);
	if (ret)
		goto free;
	change->d->devices = c->nr_devices;
	ret = resv_declared_bind(change->d, c->group);
	if (ret)
		goto free;
	ret = resv_when_idle(c->group, do_change, change);
	if (!ret)
		return 0;
	if (ret == -EBUSY)
		tell_busy(c->id, change->start, change->end);
free:
	resv_declared_free(change->d);
	return ret;
}

static int apply_remove(struct resv_facts *c, struct change *change)
{
	struct resv_declared *d, *found = NULL;
	int ret;

	resv_declared_for_each(d)
		if (d->group == c->group && d->start == change->start &&
		    d->end == change->end)
			found = d;
	if (!found) {
		pr_err("group %d: 0x%llx-0x%llx is not declared: remove takes exactly what was added\n",
		       c->id, change->start, change->end);
		return -ENOENT;
	}
	change->d = found;
	ret = resv_when_idle(c->group, do_change, change);
	if (ret == -EBUSY)
		tell_busy(c->id, change->start, change->end);
	if (ret)
		return ret;
	resv_declared_free(found);
	return 0;
}

static int apply(struct resv_facts *c, void *data)
{
	struct change *change = data;

	return change->add ? apply_add(c, change) : apply_remove(c, change);
}

/* Is it on the list that VFIO goes by? */
static int confirm(const struct resv_facts *c, void *data)
{
	struct change *change = data;
	unsigned int i;

	for (i = 0; change->add && i < c->taken.nr; i++) {
		const struct resv_region *r = &c->taken.r[i];

		if (r->type == RESV_RESERVED && r->start <= change->start &&
		    r->end >= change->end)
			break;
	}
	if (!change->add || i < c->taken.nr) {
		pr_info("group %d: 0x%llx-0x%llx is %s\n", c->id, change->start,
			change->end, change->add ?
			"declared: VFIO refuses maps there from the next attach on" :
			"not declared any more");
		return 0;
	}
	pr_err("group %d: 0x%llx-0x%llx does not get on the kernel's list: see /sys/kernel/iommu_resv/hooks\n",
	       c->id, change->start, change->end);
	resv_declared_withdraw(change->d);
	resv_declared_free(change->d);
	return -EOPNOTSUPP;
}

static const struct resv_group_change group_change = {
	.apply = apply,
	.confirm = confirm,
};

/**
 * resv_declare_write() - a write to a group's file "declare"
 * @kobj: kobject of the group
 * @buf: "add 0xSTART 0xEND" or "remove 0xSTART 0xEND", with a zero at the end
 * @count: bytes written
 *
 * Context: in the callback of the file; may sleep.
 * Return: @count, or the errno of docs/declare.md, after one line in the log
 */
ssize_t resv_declare_write(struct kobject *kobj, const char *buf, size_t count)
{
	struct change change = { 0 };
	int ret;

	if (strlen(buf) != count || !parse_change(buf, &change)) {
		pr_err("group %s: not understood: write \"add 0xSTART 0xEND\" or \"remove 0xSTART 0xEND\", the last address inclusive\n",
		       kobject_name(kobj));
		return -EINVAL;
	}
	ret = resv_group_change(kobj, &group_change, &change);
	if (ret == -ENOMEM || ret == -ENODEV)
		pr_err("group %s: 0x%llx-0x%llx is unchanged: %s\n",
		       kobject_name(kobj), change.start, change.end,
		       ret == -ENOMEM ? "no memory" :
		       "the group, or the module, is going");
	return ret ?: count;
}

/* "00:03.0" means "0000:00:03.0", as it does for lspci. */
static void device_name(char device[RESV_DEVICE_LEN], const char *text)
{
	bool brief = strlen(text) == 7 && text[2] == ':' && text[5] == '.';

	scnprintf(device, RESV_DEVICE_LEN, "%s%s", brief ? "0000:" : "", text);
}

/* One DEVICE:0xSTART-0xEND of the parameter. */
static int declare_one(char *text)
{
	struct resv_declared *d, *other;
	char device[RESV_DEVICE_LEN];
	char *colon = strrchr(text, ':');
	struct resv_range range;
	const char *p;
	u64 start, end;

	if (!colon)
		return -EINVAL;
	*colon = '\0';
	p = colon + 1;
	if (!text[0] || strlen(text) >= RESV_DEVICE_LEN - sizeof("0000:") ||
	    !resv_text_range(&p, &range) || *p)
		return -EINVAL;
	start = range.start;
	end = range.end;
	if ((start | (end + 1)) & (PAGE_SIZE - 1))
		return -EINVAL;
	if (end - start == ULLONG_MAX)
		return -ERANGE;
	device_name(device, text);
	resv_declared_for_each(other) {
		if (strcmp(other->device, device) || other->end < start ||
		    other->start > end)
			continue;
		/* Not EEXIST, by which modprobe knows that a module is loaded. */
		return -EADDRINUSE;
	}
	if (nr_by_device == MAX_BY_DEVICE)
		return -E2BIG;
	d = resv_declared_make(device, start, end);
	if (!d)
		return -ENOMEM;
	resv_declared_publish(d);
	nr_by_device++;
	return 0;
}

/**
 * resv_declare_init() - take what the parameter "declare" says
 * @val: DEVICE:0xSTART-0xEND, several of them separated by commas, or ""
 *
 * Context: before groups are looked at, so without the registry's lock.
 * Return: 0, or an errno after one line in the log, and nothing is declared
 */
int resv_declare_init(const char *val)
{
	char *copy, *next, *text;
	int ret;

	if (!val[0])
		return 0;
	copy = kstrdup(val, GFP_KERNEL);
	ret = resv_test_step("declare=");
	if (!copy || ret) {
		kfree(copy);
		return -ENOMEM;
	}
	next = strim(copy);
	while (!ret && (text = strsep(&next, ","))) {
		text = strim(text);
		ret = declare_one(text);
	}
	kfree(copy);
	switch (ret) {
	case 0:
		return 0;
	case -EINVAL:
		pr_err("declare=%s is not understood: give DEVICE:0xSTART-0xEND, as in 0000:00:03.0:0x10000000-0x1fffffff, whole pages of %lu bytes, several separated by commas\n",
		       val, PAGE_SIZE);
		break;
	case -E2BIG:
		pr_err("declare= has more than %d regions\n", MAX_BY_DEVICE);
		break;
	case -EADDRINUSE:
		pr_err("declare=%s has regions that overlap\n", val);
		break;
	default:
		pr_err("declare=%s is refused (%d)\n", val, ret);
	}
	resv_declared_exit();
	return ret;
}

/*
 * Return: 0, or why the region cannot hold now, with one line in the log when
 * that is new
 */
static int arrive(struct resv_facts *c, struct resv_declared *d)
{
	struct change change = { .add = true, .d = d };
	int ret;

	if (!c->hooked) {
		if (!d->told)
			pr_err("group %d: 0x%llx-0x%llx of %s is not enforced, because no hook works: see declared-regions in /sys/kernel/iommu_resv/features\n",
			       c->id, d->start, d->end, d->device);
		return -EOPNOTSUPP;
	}
	ret = check(c, d) ?: resv_declared_stock_up(0);
	if (ret)
		return ret;
	ret = resv_declared_bind(d, c->group);
	if (ret)
		return ret;
	if (d->held)
		ret = resv_when_idle(c->group, do_change, &change);
	if (!ret) {
		pr_info("group %d: 0x%llx-0x%llx is declared for %s: VFIO refuses maps there from the next attach on\n",
			c->id, d->start, d->end, d->device);
		return 0;
	}
	resv_declared_unbind(d);
	if (ret == -EBUSY && !d->told)
		tell_busy(c->id, d->start, d->end);
	return ret;
}

/* A check that depends on nothing but the region, the group and the hardware. */
static bool is_lasting(int err)
{
	switch (err) {
	case -EINVAL:
	case -ERANGE:
	case -EADDRINUSE:
	case -EEXIST:
	case -E2BIG:
		return true;
	default:
		return false;
	}
}

/**
 * resv_declare_arrive() - devices came for which the parameter declares regions
 * @c: finished collection of their group
 *
 * A region whose device comes later is on the lists from its first moment,
 * when its DMA domain is made, as nobody can have attached the device then.
 * Where the device was there first, it is held back until it is known that it
 * may hold and that the group is free.
 *
 * Context: the registry's lock is held, the group's mutex is not.
 * Return: what is on the lists has changed, so that @c is out of date
 */
bool resv_declare_arrive(struct resv_facts *c)
{
	struct resv_declared *d;
	bool stale = false;
	int ret;

	/* Wait for the hook; until then the regions are shown as advice. */
	if (!c->hooked && resv_hooks_pending())
		return false;
	resv_declared_for_each(d) {
		if (!d->arriving || d->refused)
			continue;
		d->arriving = false;
		/* Of the group that it was in before it came back. */
		resv_declared_unbind(d);
		ret = arrive(c, d);
		d->told = ret;
		stale = true;
		if (!ret)
			continue;
		WRITE_ONCE(d->held, true);
		d->refused = is_lasting(ret);
		if (!loaded && !load_error)
			/* By EEXIST modprobe knows that a module is loaded. */
			load_error = ret == -EEXIST ? -EADDRINUSE : ret;
	}
	return stale;
}

static void wait_for_device(struct resv_declared *d)
{
	if (d->group)
		pr_info("%s is gone: 0x%llx-0x%llx waits for it to come back\n",
			d->device, d->start, d->end);
	resv_declared_unbind(d);
	WRITE_ONCE(d->held, false);
	d->refused = false;
	d->told = false;
}

/**
 * resv_declare_gone() - a group has no device any more
 * @group: the group
 * @id: its number
 *
 * Context: the registry's lock is held.
 */
void resv_declare_gone(const struct iommu_group *group, int id)
{
	struct resv_declared *d, *tmp;
	unsigned int nr = 0;

	resv_declared_for_each_safe(d, tmp) {
		if (d->group != group)
			continue;
		/* Those of the parameter wait for their device. */
		if (d->device[0]) {
			wait_for_device(d);
			continue;
		}
		resv_declared_withdraw(d);
		resv_declared_free(d);
		nr++;
	}
	if (nr)
		pr_warn("group %d is gone, and with it what was declared for it (%u)\n",
			id, nr);
}

/**
 * resv_declare_walk_begins() - all groups will be looked at
 */
void resv_declare_walk_begins(void)
{
	struct resv_declared *d;

	resv_declared_for_each(d)
		d->seen = false;
}

/**
 * resv_declare_walk_ends() - all groups were looked at, and none was left out
 */
void resv_declare_walk_ends(void)
{
	struct resv_declared *d;

	resv_declared_for_each(d)
		if (!d->seen && d->device[0])
			wait_for_device(d);
}

/**
 * resv_declare_loaded() - the groups that were there were looked at
 *
 * Return: 0, or why a region of the parameter cannot hold
 */
int resv_declare_loaded(void)
{
	loaded = true;
	return load_error;
}
