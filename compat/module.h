/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/module.h>. */
#ifndef RESV_COMPAT_MODULE_H
#define RESV_COMPAT_MODULE_H

#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/string.h>
#include "compat/sysfs.h"

/**
 * compat_module_kobject() - the folder of a module in /sys/module
 * @name: module, loaded or built in
 *
 * Context: may sleep.
 * Return: its kobject with a reference, which keeps the memory of the module, or NULL
 */
static inline struct kobject *compat_module_kobject(const char *name)
{
	struct kset *modules = THIS_MODULE->mkobj.kobj.kset;
	struct kobject *kobj, *found = NULL;

	if (!modules)
		return NULL;
	spin_lock(&modules->list_lock);
	list_for_each_entry(kobj, &modules->list, entry)
		if (!strcmp(kobject_name(kobj), name)) {
			if (kref_get_unless_zero(&kobj->kref))
				found = kobj;
			break;
		}
	spin_unlock(&modules->list_lock);
	return found;
}

/**
 * compat_module_parameter() - read a parameter of another module
 * @module: name of that module, loaded or built in
 * @name: parameter
 * @page: set to what the file /sys/module/MODULE/parameters/NAME has; a page
 *
 * No interface gives the value itself, so the file's own function is called.  That
 * takes the lock of the module's parameters, as every reader of the file does.  The
 * module is held meanwhile; one that is on its way in or out is not asked.
 *
 * Context: may sleep.
 * Return: bytes, or an errno: -ENOENT if there is no such module or parameter
 */
static inline ssize_t compat_module_parameter(const char *module,
					      const char *name, char *page)
{
	struct kobject *kobj = compat_module_kobject(module);
	const struct module_attribute *attr;
	struct module_kobject *mk;
	ssize_t len = -ENOENT;

	if (!kobj)
		return -ENOENT;
	mk = container_of(kobj, struct module_kobject, kobj);
	if (try_module_get(mk->mod)) {
		if (!mk->mod || mk->mod->state == MODULE_STATE_LIVE) {
			attr = compat_kernfs_in_group(kobj->sd, "parameters",
						      name);
			if (attr && attr->show)
				len = attr->show((void *)attr, mk, page);
		}
		module_put(mk->mod);
	}
	kobject_put(kobj);
	return len;
}

#endif /* RESV_COMPAT_MODULE_H */
