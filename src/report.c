// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users see: the files under /sys/kernel/iommu_groups/N/resv/ and
 * /sys/kernel/iommu_resv/.
 *
 * Texts are made when a group changes, not when a file is read, and readers
 * only copy.  Nothing here asks the hardware.
 */
#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include "compat/mm.h"
#include "compat/sysfs.h"
#include "declare.h"
#include "status.h"
#include "group.h"
#include "hook.h"
#include "native.h"
#include "msi.h"
#include "police.h"
#include "report.h"
#include "source.h"

struct iommu_group;

/* "0x%016llx 0x%016llx" and a blank or the end of line. */
#define RANGE_LEN	(2 * (2 + 16) + 2)

static size_t region_len(const struct resv_facts *c,
			 const struct resv_region *r)
{
	return RANGE_LEN + strlen(resv_type_name(r->type)) + 1 +
	       strlen(resv_origin_name(r->origin)) + 1 +
	       strlen(resv_facts_name_at(c, r->name)) + 1 +
	       strlen("native enforced") + 1;
}

/* As iommu_group_show_resv_regions() since v4.11: both kinds of MSI are one word. */
static const char *kernels_name(enum resv_type type)
{
	return resv_type_name(type == RESV_SW_MSI ? RESV_MSI : type);
}

/**
 * resv_snapshot_make() - put what was collected into words
 * @c: finished collection
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
			       resv_facts_name_at(c, r->name),
			       r->flags & RESV_F_ADDED ? "added" : "native",
			       r->flags & RESV_F_ENFORCED ? "enforced" : "advice");
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
 */
void resv_snapshots_flush(void)
{
	rcu_barrier();
}

/**
 * resv_snapshot_equal() - would users see the same?
 * @a: snapshot
 * @b: snapshot
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
 */
size_t resv_snapshot_bytes(const struct resv_snapshot *snapshot)
{
	if (is_vmalloc_addr(snapshot))
		return PAGE_ALIGN(sizeof(*snapshot) + snapshot->regions_len +
				  snapshot->usable_len + snapshot->list_len + 1);
	return ksize(snapshot);
}

/*
 * Texts longer than a page, in one piece.
 *
 * sysfs hands out at most a page per read, and a file of the usual kind has
 * no more than one.  Binary files go on, but the text can change between two
 * reads of one reader.  So the first read of an open file takes a copy, and
 * further ones continue in it.  The copy lives in the buffer of the seq_file
 * that kernfs makes for every open file and does not itself use for binary
 * ones; seq_release() frees it when the file is closed (fs/kernfs/file.c and
 * fs/seq_file.c, the same from 4.4 to 7.3).  kernfs holds the open file's
 * mutex over each read.
 */
static ssize_t read_text(struct file *file, char *buf, loff_t off, size_t count,
			 char *(*make)(void *ctx, size_t *len), void *ctx)
{
	struct seq_file *sf = file->private_data;
	struct kernfs_open_file *of = sf->private;
	size_t len = 0;
	char *text;

	if (WARN_ON_ONCE(!of || of->file != file))
		return -EIO;
	if (off == 0 || !sf->buf) {
		text = make(ctx, &len);
		if (IS_ERR(text))
			return PTR_ERR(text);
		kvfree(sf->buf);
		sf->buf = text;
		sf->size = len;
	}
	return memory_read_from_buffer(buf, count, &off, sf->buf, sf->size);
}

/* A copy of @len bytes at @text for read_text(). */
static char *text_copy(const char *text, size_t len)
{
	char *copy = compat_kvmalloc(len + 1);

	if (!copy)
		return ERR_PTR(-ENOMEM);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

/* The texts of a snapshot, in their order. */
enum which_text {
	TEXT_REGIONS,
	TEXT_USABLE,
	TEXT_LIST,
};

/**
 * struct group_text - which text of which group
 * @kobj: kobject of the group
 * @which: text
 */
struct group_text {
	struct kobject *kobj;
	enum which_text which;
};

static char *make_group_text(void *ctx, size_t *len)
{
	const struct group_text *what = ctx;
	struct resv_snapshot *snapshot = resv_group_snapshot(what->kobj);
	const char *from;
	char *text;

	if (!snapshot)
		return ERR_PTR(-ENODEV);
	from = snapshot->text;
	switch (what->which) {
	case TEXT_REGIONS:
		*len = snapshot->regions_len;
		break;
	case TEXT_USABLE:
		from += snapshot->regions_len;
		*len = snapshot->usable_len;
		break;
	case TEXT_LIST:
		from += snapshot->regions_len + snapshot->usable_len;
		*len = snapshot->list_len;
		break;
	}
	if ((what->which == TEXT_USABLE && !snapshot->usable_known) ||
	    (what->which == TEXT_LIST && !snapshot->list_known))
		text = ERR_PTR(-ENODATA);
	else
		text = text_copy(from, *len);
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

	return read_text(file, buf, off, count, make_group_text, &what);
}

static compat_bin_attribute regions_attr = {
	.attr = { .name = "regions", .mode = 0444 },
	.read = group_text_read,
};

static compat_bin_attribute usable_attr = {
	.attr = { .name = "usable", .mode = 0444 },
	.private = (void *)TEXT_USABLE,
	.read = group_text_read,
};

/*
 * In the group's own folder, where the kernel does not make it; in ours, where that
 * is only as if.  Unlike the kernel's it can be longer than a page.
 */
static compat_bin_attribute list_attr = {
	.attr = { .name = "reserved_regions", .mode = 0444 },
	.private = (void *)TEXT_LIST,
	.read = group_text_read,
};

/*
 * Files of a group's kobject are called through the IOMMU core's own type of
 * attribute, which is private and has been the same from 4.4 to 7.3.
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

static ssize_t declare_store(struct iommu_group *group, const char *buf,
			     size_t count)
{
	return resv_declare_write((struct kobject *)group, buf, count);
}

static struct iommu_group_attribute aperture_attr = {
	.attr = { .name = "aperture", .mode = 0444 },
	.show = aperture_show,
};

static struct iommu_group_attribute msi_isolation_attr = {
	.attr = { .name = "msi_isolation", .mode = 0444 },
	.show = msi_isolation_show,
};

static ssize_t msi_window_store(struct iommu_group *group, const char *buf,
				size_t count)
{
	return resv_msi_write((struct kobject *)group, buf, count);
}

static struct iommu_group_attribute msi_window_attr = {
	.attr = { .name = "msi_window", .mode = 0644 },
	.show = msi_window_show,
	.store = msi_window_store,
};

static ssize_t refused_show(struct iommu_group *group, char *buf)
{
	return resv_police_show(group, buf);
}

static struct iommu_group_attribute refused_attr = {
	.attr = { .name = "refused", .mode = 0444 },
	.show = refused_show,
};

static struct iommu_group_attribute declare_attr = {
	.attr = { .name = "declare", .mode = 0200 },
	.store = declare_store,
};

static struct attribute *group_attrs[] = {
	&aperture_attr.attr,
	&declare_attr.attr,
	&msi_isolation_attr.attr,
	&msi_window_attr.attr,
	&refused_attr.attr,
	NULL
};

static compat_bin_attr_list group_bin_attrs[] = {
	&regions_attr,
	&usable_attr,
	NULL
};

static const struct attribute_group group_attr_group = {
	.name = RESV_FOLDER,
	.attrs = group_attrs,
	.bin_attrs = group_bin_attrs,
};

static compat_bin_attr_list ignoring_bin_attrs[] = {
	&list_attr,
	&regions_attr,
	&usable_attr,
	NULL
};

/* With native=ignore. */
static const struct attribute_group ignoring_attr_group = {
	.name = RESV_FOLDER,
	.attrs = group_attrs,
	.bin_attrs = ignoring_bin_attrs,
};

static const struct attribute_group *folder(void)
{
	return resv_native_ignored ? &ignoring_attr_group : &group_attr_group;
}

/* The kernel's own file is to be made, and nobody else has made it. */
static bool adds_list(struct kobject *kobj)
{
	return !resv_native_list() && !resv_native_ignored &&
	       RESV_HAVE(KERNFS_LOOKUP) && resv_sources_make_lists() &&
	       !compat_kernfs_child(kobj->sd, list_attr.attr.name);
}

/**
 * resv_report_add_group() - make a group's files
 * @kobj: kobject of the group
 *
 * Context: may sleep.
 * Return: 0 or an errno, with nothing made
 */
int resv_report_add_group(struct kobject *kobj)
{
	int ret = sysfs_create_group(kobj, folder());

	if (ret || !adds_list(kobj))
		return ret;
	ret = sysfs_create_bin_file(kobj, &list_attr);
	if (ret)
		sysfs_remove_group(kobj, folder());
	return ret;
}

/**
 * resv_report_remove_group() - remove them, waiting for readers that are inside
 * @kobj: kobject of the group
 *
 * Context: may sleep.
 */
void resv_report_remove_group(struct kobject *kobj)
{
	/* A kernel that makes lists has its own. */
	if (!RESV_HAVE(GROUP_RESV_REGIONS) &&
	    compat_kernfs_child(kobj->sd, list_attr.attr.name) == &list_attr)
		sysfs_remove_bin_file(kobj, &list_attr);
	sysfs_remove_group(kobj, folder());
}

static ssize_t version_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", RESV_VERSION);
}

static struct kobj_attribute version_attr = __ATTR_RO(version);

static const char *state_name(enum resv_status_state state)
{
	switch (state) {
	case RESV_STATUS_NATIVE:
		return "native";
	case RESV_STATUS_ADDED:
		return "added";
	default:
		return "inert";
	}
}

static char *make_features(void *ctx, size_t *len)
{
	struct resv_status *f;
	size_t room = 1, bytes;
	unsigned int i, nr;
	char *text, *p;

	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return ERR_PTR(-ENOMEM);
	resv_sources_status(f);
	resv_hooks_status(f);
	for (i = 0; i < f->nr; i++)
		room += strlen(f->line[i].name) + strlen(f->line[i].hook) +
			strlen(f->line[i].reason) + sizeof("native") + 4;
	room += 80;
	text = compat_kvmalloc(room);
	if (!text) {
		kfree(f);
		return ERR_PTR(-ENOMEM);
	}
	p = text;
	for (i = 0; i < f->nr; i++)
		p += scnprintf(p, text + room - p, "%s %s %s %s\n", f->line[i].name,
			       state_name(f->line[i].state), f->line[i].hook,
			       f->line[i].reason);
	nr = resv_groups_count(&bytes);
	p += scnprintf(p, text + room - p, "groups added - %u shown, %zu bytes\n",
		       nr, bytes);
	*len = p - text;
	kfree(f);
	return text;
}

static ssize_t features_read(struct file *file, struct kobject *kobj,
			     compat_bin_attribute *attr, char *buf, loff_t off,
			     size_t count)
{
	return read_text(file, buf, off, count, make_features, NULL);
}

static compat_bin_attribute features_attr = {
	.attr = { .name = "features", .mode = 0444 },
	.read = features_read,
};

/* Text that grows by a line at a time. */
struct lines {
	char *text;
	size_t len;
};

static int add_hook(const struct resv_hook *hook, u64 hits, u64 missed,
		    void *data)
{
	static const char *const states[] = {
		[RESV_HOOK_OFF] = "off",
		[RESV_HOOK_INERT] = "inert",
		[RESV_HOOK_ACTIVE] = "active",
		[RESV_HOOK_DRAINING] = "draining",
	};
	const char *reason = hook->reason ?: "-";
	struct lines *lines = data;
	size_t more = strlen(hook->symbol) + strlen(hook->backend) +
		      strlen(reason) + strlen(hook->other) + 64;
	char *text;

	text = krealloc(lines->text, lines->len + more, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	lines->text = text;
	lines->len += scnprintf(text + lines->len, more,
				"%s %s %s %llu %llu %s%s%s\n", hook->symbol,
				hook->backend, states[hook->state], hits, missed,
				reason, hook->other[0] ? " " : "", hook->other);
	return 0;
}

static char *make_hooks(void *ctx, size_t *len)
{
	struct lines lines = { 0 };
	int ret;

	lines.text = kzalloc(1, GFP_KERNEL);
	if (!lines.text)
		return ERR_PTR(-ENOMEM);
	ret = resv_hooks_each(add_hook, &lines);
	if (ret) {
		kfree(lines.text);
		return ERR_PTR(ret);
	}
	*len = lines.len;
	return lines.text;
}

static ssize_t hooks_read(struct file *file, struct kobject *kobj,
			  compat_bin_attribute *attr, char *buf, loff_t off,
			  size_t count)
{
	return read_text(file, buf, off, count, make_hooks, NULL);
}

static compat_bin_attribute hooks_attr = {
	.attr = { .name = "hooks", .mode = 0444 },
	.read = hooks_read,
};

static struct attribute *module_attrs[] = {
	&version_attr.attr,
	NULL
};

static compat_bin_attr_list module_bin_attrs[] = {
	&features_attr,
	&hooks_attr,
	NULL
};

static const struct attribute_group module_group = {
	.attrs = module_attrs,
	.bin_attrs = module_bin_attrs,
};

static struct kobject *module_kobj;

/**
 * resv_report_init() - make /sys/kernel/iommu_resv
 *
 * Return: 0 or an errno
 */
int resv_report_init(void)
{
	int ret;

	module_kobj = kobject_create_and_add("iommu_resv", kernel_kobj);
	if (!module_kobj)
		return -ENOMEM;
	ret = sysfs_create_group(module_kobj, &module_group);
	if (ret)
		kobject_put(module_kobj);
	return ret;
}

/**
 * resv_report_exit() - remove it, waiting for readers that are inside
 */
void resv_report_exit(void)
{
	sysfs_remove_group(module_kobj, &module_group);
	kobject_put(module_kobj);
}
