/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/sysfs.h> and <linux/kernfs.h>. */
#ifndef RESV_COMPAT_SYSFS_H
#define RESV_COMPAT_SYSFS_H

#include <linux/kernfs.h>
#include <linux/sysfs.h>
#include "compat/compat.h"

/* Binary attributes became const step by step, v6.13 to v6.17. */
#ifdef RESV_HAVE_BIN_ATTR_CONST
#define COMPAT_BIN_ATTR(qualifier)	qualifier
#else
#define COMPAT_BIN_ATTR(qualifier)
#endif

#ifdef RESV_HAVE_BIN_ATTRS_CONST
#define COMPAT_BIN_ATTRS(qualifier)	qualifier
#else
#define COMPAT_BIN_ATTRS(qualifier)
#endif

/* An attribute, and an entry of attribute_group.bin_attrs. */
#define compat_bin_attribute	COMPAT_BIN_ATTR(const) struct bin_attribute
#define compat_bin_attr_list \
	COMPAT_BIN_ATTRS(const) struct bin_attribute *COMPAT_BIN_ATTRS(const)

/**
 * compat_kernfs_child() - get the data of a named entry of a sysfs directory
 * @parent: directory, kept alive by the caller
 * @name: entry
 *
 * Context: may sleep.
 * Return: the entry's private data (for a directory, its kobject), or NULL
 */
static inline void *compat_kernfs_child(struct kernfs_node *parent,
					const char *name)
{
#ifdef RESV_HAVE_KERNFS_LOOKUP
	struct kernfs_node *kn = kernfs_find_and_get(parent, name);
	void *priv;

	if (!kn)
		return NULL;
	priv = kn->priv;
	kernfs_put(kn);
	return priv;
#else
	return NULL;
#endif
}

/**
 * compat_kernfs_link() - get the target of a link in a sysfs directory
 * @parent: directory, kept alive by the caller
 * @name: link
 *
 * Context: may sleep.
 * Return: the kobject of the target directory, alive for as long as the link, or NULL
 */
static inline struct kobject *compat_kernfs_link(struct kernfs_node *parent,
						 const char *name)
{
#ifdef RESV_HAVE_KERNFS_LOOKUP
	struct kernfs_node *kn = kernfs_find_and_get(parent, name);
	struct kobject *kobj = NULL;

	if (!kn)
		return NULL;
	if (kernfs_type(kn) == KERNFS_LINK)
		kobj = kn->symlink.target_kn->priv;
	kernfs_put(kn);
	return kobj;
#else
	return NULL;
#endif
}

/**
 * compat_kernfs_in_group() - get the data of a file in a named group of files
 * @parent: directory, kept alive by the caller, with its files
 * @group: name of the group, which is a directory in it
 * @name: name of the file in the group
 *
 * Context: may sleep.
 * Return: the file's private data, which is its attribute, or NULL
 */
static inline void *compat_kernfs_in_group(struct kernfs_node *parent,
					   const char *group, const char *name)
{
#ifdef RESV_HAVE_KERNFS_LOOKUP
	struct kernfs_node *kn = kernfs_find_and_get(parent, group);
	void *priv;

	if (!kn)
		return NULL;
	priv = compat_kernfs_child(kn, name);
	kernfs_put(kn);
	return priv;
#else
	return NULL;
#endif
}

#endif /* RESV_COMPAT_SYSFS_H */
