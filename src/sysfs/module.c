// SPDX-License-Identifier: GPL-2.0-only
/* Files of the module: /sys/kernel/iommu_resv/. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include "compat/mm.h"
#include "compat/sysfs.h"
#include "group/feature.h"
#include "group/group.h"
#include "group/verdict.h"
#include "hook/engine.h"
#include "source/source.h"
#include "source/status.h"
#include "sysfs/module.h"
#include "sysfs/text.h"

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

/* "groups added - N shown, N bytes, N looked at" and more. */
#define GROUPS_LEN	128

static size_t status_len(const struct resv_status *s)
{
	size_t len = GROUPS_LEN;
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		len += strlen(s->line[i].name) + strlen(s->line[i].hook) +
		       strlen(s->line[i].reason) + sizeof("native") + 4;
	return len;
}

static size_t print_status(const struct resv_status *s, char *text, size_t room)
{
	unsigned int i, nr;
	size_t bytes, len = 0;

	for (i = 0; i < s->nr; i++)
		len += scnprintf(text + len, room - len, "%s %s %s %s\n",
				 s->line[i].name, state_name(s->line[i].state),
				 s->line[i].hook, s->line[i].reason);
	nr = resv_groups_count(&bytes);
	return len + scnprintf(text + len, room - len,
			       "groups added - %u shown, %zu bytes, %u looked at\n",
			       nr, bytes, resv_groups_looks());
}

static char *make_features(void *ctx, size_t *len)
{
	struct resv_status *s = kzalloc(sizeof(*s), GFP_KERNEL);
	size_t room;
	char *text;

	if (!s)
		return ERR_PTR(-ENOMEM);
	resv_health_check();
	resv_sources_status(s);
	resv_verdict_status(s);
	resv_features_status(s);
	room = status_len(s);
	text = compat_kvmalloc(room);
	if (text)
		*len = print_status(s, text, room);
	kfree(s);
	return text ?: ERR_PTR(-ENOMEM);
}

static ssize_t features_read(struct file *file, struct kobject *kobj,
			     compat_bin_attribute *attr, char *buf, loff_t off,
			     size_t count)
{
	return resv_sysfs_read_text(file, buf, off, count, make_features, NULL);
}

static compat_bin_attribute features_attr = {
	.attr = { .name = "features", .mode = 0444 },
	.read = features_read,
};

/**
 * struct lines - a text that grows by a line at a time
 * @text: the text
 * @len: its length
 */
struct lines {
	char *text;
	size_t len;
};

static int add_hook(const struct resv_hook_line *line, void *data)
{
	struct lines *lines = data;
	size_t more = strlen(line->symbol) + strlen(line->backend) +
		      strlen(line->state) + strlen(line->reason) +
		      strlen(line->other) + 64;
	char *text;

	text = krealloc(lines->text, lines->len + more, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	lines->text = text;
	lines->len += scnprintf(text + lines->len, more,
				"%s %s %s %llu %llu %s%s%s\n", line->symbol,
				line->backend, line->state, line->hits,
				line->missed, line->reason,
				line->other[0] ? ": " : "", line->other);
	return 0;
}

static char *make_hooks(void *ctx, size_t *len)
{
	struct lines lines = { 0 };
	int ret;

	lines.text = kzalloc(1, GFP_KERNEL);
	if (!lines.text)
		return ERR_PTR(-ENOMEM);
	resv_health_check();
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
	return resv_sysfs_read_text(file, buf, off, count, make_hooks, NULL);
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
 * resv_sysfs_module_init() - make /sys/kernel/iommu_resv
 *
 * Context: may sleep.
 * Return: 0 or an errno
 */
int resv_sysfs_module_init(void)
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
 * resv_sysfs_module_exit() - remove /sys/kernel/iommu_resv; waits for readers
 *
 * Context: may sleep.
 */
void resv_sysfs_module_exit(void)
{
	sysfs_remove_group(module_kobj, &module_group);
	kobject_put(module_kobj);
}
