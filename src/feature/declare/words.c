// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parses, checks and answers writes that declare regions, and the parameter "declare".
 *
 * A declaration changes only while its group is not attached (group/attach.h): VFIO asks
 * for the list of a group when it attaches the group; and when it detaches a group, it
 * asks for the lists of the others.
 */
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "feature/declare/declare.h"
#include "group/attach.h"
#include "group/group.h"
#include "hook/fault.h"
#include "model/words.h"

#define MAX_BY_DEVICE	32

/* A line of the kernel's own reserved_regions: two numbers of 16 digits, the type. */
#define LINE_LEN(type)	(2 * 18 + 2 + (type) + 1)
#define DECLARED_LINE	LINE_LEN(8)

/*
 * Room to leave in the page for regions of a device that joins the group later.
 */
#define SPARE		(4 * LINE_LEN(16))

static unsigned int nr_by_device;

/**
 * struct change - one write to a group's file
 * @add: add the region, else remove it
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
 * Compute the maximum length of the kernel's own file with @d in force.
 *
 * The kernel shows regions that touch in one line, which becomes two lines when a region
 * in the middle is removed.  So count a line for every declared region; then a removal
 * always fits.
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
		/* The kernel calls both kinds of MSI regions "msi". */
		len += LINE_LEN(native.r[i].type == RESV_SW_MSI ? 3 :
				strlen(resv_type_name(native.r[i].type)));
	resv_set_free(&native);
	/* Count one line for all devices of a model, for the model's entry. */
	resv_declared_for_each(other)
		if (other != d && other != d->of && !other->of &&
		    (other->group == c->group || !other->group))
			len += DECLARED_LINE;
	return ret ?: len;
}

/* Check @d, a new region or one of the parameter, against the group's declared ones. */
static int check_table(const struct resv_facts *c, const struct resv_declared *d)
{
	const struct resv_declared *other;

	resv_declared_for_each(other) {
		if (other == d || other->group != c->group ||
		    other->end < d->start || other->start > d->end)
			continue;
		/* Two devices of a group may have the same region. */
		if (d->device[0] && other->device[0] &&
		    strcmp(d->device, other->device))
			continue;
		if (other->start == d->start && other->end == d->end) {
			pr_err("group %d: 0x%llx-0x%llx is already declared\n",
			       c->id, d->start, d->end);
			return -EEXIST;
		}
		pr_err("group %d: 0x%llx-0x%llx overlaps the declared region 0x%llx-0x%llx: declare only the part outside of it, or remove it first\n",
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
		pr_err("group %d: 0x%llx-0x%llx overlaps 0x%llx-0x%llx (%s), where maps are refused anyway: declare only the part outside of it\n",
		       c->id, d->start, d->end, r->start, r->end,
		       resv_type_name(r->type));
		return -EADDRINUSE;
	}
	return 0;
}

/* Does the kernel's file fit its page?  Before about v6.4 the kernel does not check. */
static int check_listing(const struct resv_facts *c,
			 const struct resv_declared *d)
{
	int len = listing_len(c, d);

	if (len < 0)
		return len;
	if (len <= (int)PAGE_SIZE - 1 - SPARE)
		return 0;
	pr_err("group %d: 0x%llx-0x%llx is one region too many, because the kernel's reserved_regions has room for one page: declare fewer and larger regions\n",
	       c->id, d->start, d->end);
	return -E2BIG;
}

/**
 * resv_declare_check() - may a region be put in force for a group?
 * @c: facts about the group
 * @d: region, new or in the table
 *
 * Context: resv_declare_lock is held; may sleep.
 * Return: 0, -ENOMEM, or an errno after logging one line
 */
int resv_declare_check(const struct resv_facts *c, const struct resv_declared *d)
{
	int ret;

	/* The mode may have changed since the group was looked at. */
	if (!c->hooked || resv_hooks_mode() == RESV_HOOKS_NONE) {
		pr_err("group %d: nothing can be declared, because no hook would enforce it: see declared-regions in /sys/kernel/iommu_resv/features\n",
		       c->id);
		return -EOPNOTSUPP;
	}
	if ((d->start | (d->end + 1)) & (c->page - 1)) {
		pr_err("group %d: 0x%llx-0x%llx is not made of whole pages of 0x%llx bytes: the end is included, as in 0x%llx-0x%llx\n",
		       c->id, d->start, d->end, c->page,
		       d->start & ~(c->page - 1), d->end | (c->page - 1));
		return -EINVAL;
	}
	/* No IOMMU maps the last page of 64 bits, and the length would overflow. */
	if (d->end - d->start == ULLONG_MAX) {
		pr_err("group %d: a region of all addresses would leave nothing to map\n",
		       c->id);
		return -ERANGE;
	}
	if (c->aperture_known && (d->start < c->aperture.start ||
				  d->end > c->aperture.end)) {
		pr_err("group %d: 0x%llx-0x%llx is not inside the aperture 0x%llx-0x%llx: nothing can be mapped outside of it anyway\n",
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

/**
 * resv_declare_log_busy() - log that a region cannot change now
 * @id: number of the group, which is attached
 * @start: first address of the region
 * @end: last address, inclusive
 */
void resv_declare_log_busy(int id, u64 start, u64 end)
{
	pr_err("group %d: in use by VFIO or another driver that does its own mapping: close it first; 0x%llx-0x%llx is unchanged\n",
	       id, start, end);
}

/* The group's mutex is held, and the group is free. */
static int do_change(void *data)
{
	struct change *change = data;

	if (change->add)
		resv_declared_publish(change->d);
	else if (change->d->of)
		/* Keep the entry: without it the taps would use the entry of the model. */
		WRITE_ONCE(change->d->held, true);
	else
		resv_declared_withdraw(change->d);
	return 0;
}

static int change_table(const struct resv_facts *c, struct change *change)
{
	int ret = resv_attach_when_free(c->group, do_change, change);

	if (ret == -EBUSY)
		resv_declare_log_busy(c->id, change->start, change->end);
	return ret;
}

static int apply_add(struct resv_facts *c, struct change *change)
{
	int ret;

	change->d = resv_declared_make("", change->start, change->end);
	if (!change->d)
		return -ENOMEM;
	ret = resv_declare_check(c, change->d);
	if (ret)
		goto free_region;
	ret = resv_test_step("stock") ?: resv_declared_stock(c->nr_devices);
	if (ret)
		goto free_region;
	if (!resv_declare_guard_get(c->no_iommu ? NULL : c->group) &&
	    resv_hooks_by_kprobe()) {
		pr_err("group %d: nothing can be declared, because VFIO would accept a list that lacks a region: see /sys/kernel/iommu_resv/hooks\n",
		       c->id);
		ret = -EOPNOTSUPP;
		goto free_region;
	}
	change->d->devices = c->nr_devices;
	ret = resv_declared_bind(change->d, c->group);
	if (ret)
		goto free_region;
	ret = change_table(c, change);
	if (ret)
		goto free_region;
	return 0;

free_region:
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
		pr_err("group %d: 0x%llx-0x%llx is not declared: remove exactly what was added\n",
		       c->id, change->start, change->end);
		return -ENOENT;
	}
	change->d = found;
	ret = change_table(c, change);
	if (ret)
		return ret;
	found->removed = !!found->of;
	resv_declare_iommufd_wait(found);
	if (found->of)
		resv_declared_unbind(found);
	else
		resv_declared_free(found);
	return 0;
}

static int apply(struct resv_facts *c, void *data)
{
	struct change *change = data;
	int ret;

	mutex_lock(&resv_declare_lock);
	ret = change->add ? apply_add(c, change) : apply_remove(c, change);
	mutex_unlock(&resv_declare_lock);
	return ret;
}

/* Is the region on the list that VFIO uses? */
static bool is_on_list(const struct resv_facts *c, const struct change *change)
{
	unsigned int i;

	for (i = 0; i < c->taken.nr; i++) {
		const struct resv_region *r = &c->taken.r[i];

		if (r->type == RESV_RESERVED && r->start <= change->start &&
		    r->end >= change->end)
			return true;
	}
	return false;
}

static int confirm(const struct resv_facts *c, void *data)
{
	struct change *change = data;

	if (!change->add || is_on_list(c, change)) {
		pr_info("group %d: 0x%llx-0x%llx is %s\n", c->id, change->start,
			change->end, change->add ?
			"declared: VFIO refuses maps there from the next attach on" :
			"no longer declared");
		return 0;
	}
	pr_err("group %d: 0x%llx-0x%llx does not appear in the kernel's list: see /sys/kernel/iommu_resv/hooks\n",
	       c->id, change->start, change->end);
	mutex_lock(&resv_declare_lock);
	resv_declared_withdraw(change->d);
	/* A user may have claimed the group meanwhile. */
	resv_declare_iommufd_wait(change->d);
	resv_declared_free(change->d);
	mutex_unlock(&resv_declare_lock);
	return -EOPNOTSUPP;
}

static const struct resv_group_change group_change = {
	.apply = apply,
	.confirm = confirm,
};

static ssize_t declare_store(struct iommu_group *group, const char *buf,
			     size_t count)
{
	/* The kobject is the first member of struct iommu_group. */
	struct kobject *kobj = (struct kobject *)group;
	struct change change = { 0 };
	int ret;

	/* Do not log this: a user without permission could fill the log. */
	if (!resv_feature_may_write())
		return -EACCES;
	if (strlen(buf) != count || !parse_change(buf, &change)) {
		pr_err("group %s: invalid command: write \"add 0xSTART 0xEND\" or \"remove 0xSTART 0xEND\", end included\n",
		       kobject_name(kobj));
		return -EINVAL;
	}
	resv_declare_change_begin();
	ret = resv_group_change(kobj, &group_change, &change);
	/* If no region is declared now, remove the taps. */
	resv_declare_change_end();
	resv_declare_guard_rest();
	if (ret == -ENOMEM || ret == -ENODEV)
		pr_err("group %s: 0x%llx-0x%llx is unchanged: %s\n",
		       kobject_name(kobj), change.start, change.end,
		       ret == -ENOMEM ? "out of memory" :
		       "the group or the module is being removed");
	return ret ?: count;
}

/* Is there an entry before @d with the same region for the same group? */
static bool is_repeated(const struct resv_declared *d)
{
	const struct resv_declared *other;

	resv_declared_for_each(other) {
		if (other == d)
			break;
		if (other->group == d->group && other->start == d->start &&
		    other->end == d->end)
			return true;
	}
	return false;
}

/* One line for each region in force.  check_listing() ensures that they fit a page. */
static ssize_t declare_show(struct iommu_group *group, char *buf)
{
	const struct resv_declared *d;
	int len = 0;

	mutex_lock(&resv_declare_lock);
	resv_declared_for_each(d)
		if (d->group == group && !is_repeated(d))
			len += scnprintf(buf + len, PAGE_SIZE - len,
					 "add 0x%llx 0x%llx\n", d->start, d->end);
	mutex_unlock(&resv_declare_lock);
	return len;
}

const struct resv_feature_file resv_declare_file = {
	.name = "declare",
	.mode = 0644,
	.show = declare_show,
	.store = declare_store,
};

static char declare_list[4096];

static int declare_set(const char *val, const struct kernel_param *kp)
{
	if (strscpy(declare_list, val, sizeof(declare_list)) >= 0)
		return 0;
	pr_err("declare= is longer than %zu characters\n",
	       sizeof(declare_list) - 1);
	return -E2BIG;
}

static int declare_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", declare_list);
}

static const struct kernel_param_ops declare_ops = {
	.set = declare_set,
	.get = declare_get,
};

module_param_cb(declare, &declare_ops, NULL, 0444);
MODULE_PARM_DESC(declare, "regions to reserve for devices, present or added later: DEVICE:0xSTART-0xEND,... (end included); VENDOR:DEVICE means all devices of that model");

/*
 * As for lspci, "00:03.0" means "0000:00:03.0", and "1234:11e8" means all devices with
 * these IDs.
 *
 * Return: resv_hw_model() of such devices, or 0
 */
static u32 device_name(char device[RESV_DECLARED_DEVICE_LEN], const char *text)
{
	bool brief = strlen(text) == 7 && text[2] == ':' && text[5] == '.';
	const char *p = text;
	u32 model;

	if (resv_text_model(&p, &model) && !*p) {
		scnprintf(device, RESV_DECLARED_DEVICE_LEN, "%04x:%04x",
			  model >> 16, model & 0xffff);
		return model;
	}
	scnprintf(device, RESV_DECLARED_DEVICE_LEN, "%s%s", brief ? "0000:" : "", text);
	return 0;
}

/* Take one DEVICE:0xSTART-0xEND of the parameter. */
static int declare_one(char *text)
{
	struct resv_declared *d, *other;
	char device[RESV_DECLARED_DEVICE_LEN];
	char *colon = strrchr(text, ':');
	struct resv_range range;
	const char *p;
	u64 start, end;
	u32 model;

	if (!colon)
		return -EINVAL;
	*colon = '\0';
	p = colon + 1;
	if (!text[0] || strlen(text) >= RESV_DECLARED_DEVICE_LEN - sizeof("0000:") ||
	    !resv_text_range(&p, &range) || *p)
		return -EINVAL;
	start = range.start;
	end = range.end;
	if ((start | (end + 1)) & (PAGE_SIZE - 1))
		return -EINVAL;
	if (end - start == ULLONG_MAX)
		return -ERANGE;
	model = device_name(device, text);
	resv_declared_for_each(other) {
		if (strcmp(other->device, device) || other->end < start ||
		    other->start > end)
			continue;
		/* Not EEXIST: modprobe takes it to mean that the module is loaded already. */
		return -EADDRINUSE;
	}
	if (nr_by_device == MAX_BY_DEVICE)
		return -E2BIG;
	d = resv_declared_make(device, start, end);
	if (!d)
		return -ENOMEM;
	d->model = model;
	resv_declared_publish(d);
	nr_by_device++;
	return 0;
}

static int declare_all(void)
{
	char *copy, *next, *text;
	int ret;

	copy = kstrdup(declare_list, GFP_KERNEL);
	ret = resv_test_step("declare=");
	if (!copy || ret) {
		kfree(copy);
		return -ENOMEM;
	}
	next = strim(copy);
	mutex_lock(&resv_declare_lock);
	while (!ret && (text = strsep(&next, ",")))
		ret = declare_one(strim(text));
	mutex_unlock(&resv_declare_lock);
	kfree(copy);
	return ret;
}

/**
 * resv_declare_init() - parse the parameter
 *
 * Context: no group is known yet; may sleep.
 * Return: 0, or an errno after logging one line, with nothing declared
 */
int resv_declare_init(void)
{
	int ret = declare_list[0] ? declare_all() : 0;

	switch (ret) {
	case 0:
		return 0;
	case -EINVAL:
		pr_err("declare=%s is invalid: use DEVICE:0xSTART-0xEND, as in 0000:00:03.0:0x10000000-0x1fffffff or 1234:11e8:0x10000000-0x1fffffff, whole pages of %lu bytes, separated by commas\n",
		       declare_list, PAGE_SIZE);
		break;
	case -E2BIG:
		pr_err("declare= has more than %d regions\n", MAX_BY_DEVICE);
		break;
	case -EADDRINUSE:
		pr_err("declare=%s has overlapping regions\n", declare_list);
		break;
	default:
		pr_err("declare=%s is refused (%d)\n", declare_list, ret);
	}
	resv_declared_exit();
	return ret;
}
