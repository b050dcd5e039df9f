// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of a group: /sys/kernel/iommu_groups/N/resv/, and reserved_regions on kernels
 * that do not have this file themselves.
 *
 * This file has the files that every kernel gets; features add their own files to the
 * same folder.  Readers copy from the group's snapshot; no read asks the hardware.  Only
 * the drivers of devices and the types of domains are checked when a file is read:
 * group/verdict.c, group/dma.c.
 *
 * The table of files is made at load and does not change.  The folder is an attribute
 * group, not a kobject, so sysfs itself removes it when the group dies.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include "compat/sysfs.h"
#include "group/dma.h"
#include "group/feature.h"
#include "group/group.h"
#include "group/snapshot.h"
#include "group/verdict.h"
#include "source/native.h"
#include "source/source.h"
#include "sysfs/group.h"
#include "sysfs/text.h"

struct iommu_group;

/**
 * struct group_text - a text of a group
 * @kobj: kobject of the group
 * @which: text
 */
struct group_text {
	struct kobject *kobj;
	enum resv_snapshot_text which;
};

static bool is_known(const struct resv_snapshot *snapshot,
		     enum resv_snapshot_text which)
{
	switch (which) {
	case RESV_TEXT_USABLE:
		return snapshot->usable_known;
	case RESV_TEXT_LIST:
		return snapshot->list_known;
	case RESV_TEXT_IOMMU:
		return snapshot->iommu_known;
	default:
		return true;
	}
}

static char *make_group_text(void *ctx, size_t *len)
{
	const struct group_text *what = ctx;
	struct resv_snapshot *snapshot = resv_group_snapshot(what->kobj);
	const char *from;
	char *text;

	if (!snapshot)
		return ERR_PTR(-ENODEV);
	from = resv_snapshot_text(snapshot, what->which, len);
	if (is_known(snapshot, what->which))
		text = resv_sysfs_copy_text(from, *len);
	else
		text = ERR_PTR(-ENODATA);
	resv_snapshot_put(snapshot);
	return text;
}

static ssize_t group_text_read(struct file *file, struct kobject *kobj,
			       compat_bin_attribute *attr, char *buf,
			       loff_t off, size_t count)
{
	struct group_text what = {
		.kobj = kobj,
		.which = (unsigned long)attr->private,
	};

	return resv_sysfs_read_text(file, buf, off, count, make_group_text, &what);
}

/* Drivers can be bound and unbound at any time, so make the text when it is read. */
static char *make_assignable(void *ctx, size_t *len)
{
	struct kobject *kobj = ctx;
	struct resv_snapshot *snapshot = resv_group_snapshot(kobj);
	char *text;

	if (!snapshot)
		return ERR_PTR(-ENODEV);
	text = resv_verdict_make((struct iommu_group *)kobj, snapshot, len);
	resv_snapshot_put(snapshot);
	return text;
}

static ssize_t assignable_read(struct file *file, struct kobject *kobj,
			       compat_bin_attribute *attr, char *buf,
			       loff_t off, size_t count)
{
	return resv_sysfs_read_text(file, buf, off, count, make_assignable,
				    kobj);
}

/* The type of the group's default domain can change at any time, too. */
static char *make_dma_api(void *ctx, size_t *len)
{
	struct kobject *kobj = ctx;
	struct resv_snapshot *snapshot = resv_group_snapshot(kobj);
	char *text;

	if (!snapshot)
		return ERR_PTR(-ENODEV);
	text = resv_dma_make((struct iommu_group *)kobj, snapshot, len);
	resv_snapshot_put(snapshot);
	return text;
}

static ssize_t dma_api_read(struct file *file, struct kobject *kobj,
			    compat_bin_attribute *attr, char *buf,
			    loff_t off, size_t count)
{
	return resv_sysfs_read_text(file, buf, off, count, make_dma_api, kobj);
}

static compat_bin_attribute dma_api_attr = {
	.attr = { .name = "dma_api", .mode = 0444 },
	.read = dma_api_read,
};

static compat_bin_attribute assignable_attr = {
	.attr = { .name = "assignable", .mode = 0444 },
	.read = assignable_read,
};

static compat_bin_attribute regions_attr = {
	.attr = { .name = "regions", .mode = 0444 },
	.read = group_text_read,
};

static compat_bin_attribute usable_attr = {
	.attr = { .name = "usable", .mode = 0444 },
	.private = (void *)RESV_TEXT_USABLE,
	.read = group_text_read,
};

static compat_bin_attribute iommu_attr = {
	.attr = { .name = "iommu", .mode = 0444 },
	.private = (void *)RESV_TEXT_IOMMU,
	.read = group_text_read,
};

/*
 * In the group's own folder on kernels that do not have this file; in our folder with
 * native=ignore.  Unlike the kernel's file it can be longer than a page.
 */
static compat_bin_attribute list_attr = {
	.attr = { .name = "reserved_regions", .mode = 0444 },
	.private = (void *)RESV_TEXT_LIST,
	.read = group_text_read,
};

/*
 * A copy of the IOMMU core's type of attribute, through which sysfs calls files of a
 * group's kobject.  It is private, and the same from 4.4 to 7.3.
 */
struct iommu_group_attribute {
	struct attribute attr;
	ssize_t (*show)(struct iommu_group *group, char *buf);
	ssize_t (*store)(struct iommu_group *group, const char *buf,
			 size_t count);
};

static ssize_t aperture_show(struct iommu_group *group, char *buf)
{
	struct resv_snapshot *snapshot;
	ssize_t len = -ENODATA;

	snapshot = resv_group_snapshot((struct kobject *)group);
	if (!snapshot)
		return -ENODEV;
	if (snapshot->aperture_known)
		len = scnprintf(buf, PAGE_SIZE, "0x%016llx 0x%016llx\n",
				snapshot->aperture.start,
				snapshot->aperture.end);
	resv_snapshot_put(snapshot);
	return len;
}

static ssize_t msi_isolation_show(struct iommu_group *group, char *buf)
{
	static const char *const words[] = {
		[RESV_ISOLATION_UNKNOWN] = "unknown",
		[RESV_ISOLATION_ISOLATED] = "isolated",
		[RESV_ISOLATION_UNSAFE] = "unsafe",
	};
	struct resv_snapshot *snapshot;
	ssize_t len;

	snapshot = resv_group_snapshot((struct kobject *)group);
	if (!snapshot)
		return -ENODEV;
	len = scnprintf(buf, PAGE_SIZE, "%s\n", words[snapshot->isolation]);
	resv_snapshot_put(snapshot);
	return len;
}

static ssize_t page_size_show(struct iommu_group *group, char *buf)
{
	struct resv_snapshot *snapshot;
	ssize_t len = -ENODATA;

	snapshot = resv_group_snapshot((struct kobject *)group);
	if (!snapshot)
		return -ENODEV;
	if (snapshot->page)
		len = scnprintf(buf, PAGE_SIZE, "0x%llx\n", snapshot->page);
	resv_snapshot_put(snapshot);
	return len;
}

static const struct resv_feature_file own_files[] = {
	{ .name = "aperture", .mode = 0444, .show = aperture_show },
	{ .name = "msi_isolation", .mode = 0444, .show = msi_isolation_show },
	{ .name = "page_size", .mode = 0444, .show = page_size_show },
};

static compat_bin_attr_list bin_attrs[] = {
	&regions_attr,
	&usable_attr,
	&iommu_attr,
	&assignable_attr,
	&dma_api_attr,
	NULL
};

/* With native=ignore. */
static compat_bin_attr_list ignoring_bin_attrs[] = {
	&list_attr,
	&regions_attr,
	&usable_attr,
	&iommu_attr,
	&assignable_attr,
	&dma_api_attr,
	NULL
};

static struct attribute_group folder = {
	.name = RESV_FOLDER,
	.bin_attrs = bin_attrs,
};

/**
 * struct table - the files that are not binary
 * @attrs: for sysfs; ends with NULL
 * @file: the files
 */
struct table {
	struct attribute **attrs;
	struct iommu_group_attribute *file;
};

static struct table table;

static unsigned int add_files(unsigned int nr,
			      const struct resv_feature_file *files,
			      unsigned int nr_files)
{
	unsigned int i;

	for (i = 0; i < nr_files; i++, nr++) {
		struct iommu_group_attribute *file = &table.file[nr];

		sysfs_attr_init(&file->attr);
		file->attr.name = files[i].name;
		file->attr.mode = files[i].mode;
		file->show = files[i].show;
		file->store = files[i].store;
		table.attrs[nr] = &file->attr;
	}
	return nr;
}

/* Must this module make reserved_regions?  Not if the file exists already. */
static bool adds_list(struct kobject *kobj)
{
	return !resv_native_list() && !resv_native_ignored &&
	       RESV_HAVE(KERNFS_LOOKUP) && resv_sources_make_lists() &&
	       !compat_kernfs_child(kobj->sd, list_attr.attr.name);
}

static int add(struct kobject *kobj)
{
	int ret = sysfs_create_group(kobj, &folder);

	if (ret || !adds_list(kobj))
		return ret;
	ret = sysfs_create_bin_file(kobj, &list_attr);
	if (ret)
		sysfs_remove_group(kobj, &folder);
	return ret;
}

static void remove(struct kobject *kobj)
{
	/* Do not remove the kernel's own file. */
	if (!RESV_HAVE(GROUP_RESV_REGIONS) &&
	    compat_kernfs_child(kobj->sd, list_attr.attr.name) == &list_attr)
		sysfs_remove_bin_file(kobj, &list_attr);
	sysfs_remove_group(kobj, &folder);
}

static const struct resv_group_folder group_folder = {
	.add = add,
	.remove = remove,
};

/**
 * resv_sysfs_group_init() - make the table of files
 *
 * Context: may sleep; features are set, and no group is known yet.
 * Return: 0 or -ENOMEM
 */
int resv_sysfs_group_init(void)
{
	unsigned int nr = ARRAY_SIZE(own_files), i;
	const struct resv_feature *f;

	for (i = 0; (f = resv_feature_at(i)); i++)
		nr += f->nr_files;
	table.attrs = kcalloc(nr + 1, sizeof(*table.attrs), GFP_KERNEL);
	table.file = kcalloc(nr, sizeof(*table.file), GFP_KERNEL);
	if (!table.attrs || !table.file) {
		resv_sysfs_group_exit();
		return -ENOMEM;
	}
	nr = add_files(0, own_files, ARRAY_SIZE(own_files));
	for (i = 0; (f = resv_feature_at(i)); i++)
		nr = add_files(nr, f->files, f->nr_files);
	folder.attrs = table.attrs;
	if (resv_native_ignored)
		folder.bin_attrs = ignoring_bin_attrs;
	resv_groups_set_folder(&group_folder);
	return 0;
}

/**
 * resv_sysfs_group_exit() - free the table of files
 *
 * Context: no group has files any more.
 */
void resv_sysfs_group_exit(void)
{
	kfree(table.attrs);
	kfree(table.file);
	memset(&table, 0, sizeof(table));
}
