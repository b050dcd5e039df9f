/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/kobject.h>. */
#ifndef RESV_COMPAT_KOBJECT_H
#define RESV_COMPAT_KOBJECT_H

#include <linux/kobject.h>
#include <linux/string.h>
#include "compat/compat.h"

/**
 * compat_kset_find_obj() - a member of a set, by its name
 * @kset: set
 * @name: name
 *
 * Context: any.
 * Return: a reference for kobject_put(), or NULL if there is none, or it is going
 */
static inline struct kobject *compat_kset_find_obj(struct kset *kset,
						   const char *name)
{
#ifdef RESV_HAVE_KSET_FIND_OBJ
	return kset_find_obj(kset, name);
#else
	struct kobject *kobj, *found = NULL;

	spin_lock(&kset->list_lock);
	list_for_each_entry(kobj, &kset->list, entry)
		if (kobject_name(kobj) && !strcmp(kobject_name(kobj), name) &&
		    kref_get_unless_zero(&kobj->kref)) {
			found = kobj;
			break;
		}
	spin_unlock(&kset->list_lock);
	return found;
#endif
}

#endif /* RESV_COMPAT_KOBJECT_H */
