/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/module.h>. */
#ifndef RESV_COMPAT_MODULE_H
#define RESV_COMPAT_MODULE_H

#include <linux/gfp.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include "compat/sysfs.h"

/**
 * compat_module_kobject() - get the folder of a module in /sys/module
 * @name: module, loaded or built in
 *
 * Context: may sleep.
 * Return: its kobject with a reference that keeps the memory of the module, or NULL
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

/*
 * Read a bool of a built-in module.  No interface gives the value itself, so call the
 * show() of its file, which takes the lock of all such parameters, as for every reader
 * of the file.
 */
static inline bool compat_builtin_flag(struct module_kobject *mk,
				       const char *name)
{
	const struct module_attribute *attr;
	bool set = false;
	char *page;

	attr = compat_kernfs_in_group(mk->kobj.sd, "parameters", name);
	page = (char *)get_zeroed_page(GFP_KERNEL);
	if (attr && attr->show && page)
		set = attr->show((void *)attr, mk, page) > 0 && *page == 'Y';
	free_page((unsigned long)page);
	return set;
}

/*
 * Read a bool of a loaded module, which the caller keeps loaded.  Do not take the lock of
 * its parameters: lockdep does not distinguish it from the lock of this module's
 * parameters, under which files are removed whose readers may call this.
 */
static inline bool compat_loaded_flag(const struct module *mod, const char *name)
{
	unsigned int i;

	for (i = 0; i < mod->num_kp; i++)
		if (!strcmp(mod->kp[i].name, name))
			return mod->kp[i].ops == &param_ops_bool &&
			       READ_ONCE(*(bool *)mod->kp[i].arg);
	return false;
}

/**
 * compat_module_flag() - is a parameter of another module set?
 * @module: name of that module, loaded or built in
 * @name: parameter, a bool
 *
 * This keeps the module loaded meanwhile, and skips a module that is being loaded or
 * unloaded.
 *
 * Context: may sleep.
 * Return: true if it is; false if not, or if there is no such module or parameter
 */
static inline bool compat_module_flag(const char *module, const char *name)
{
	struct kobject *kobj = compat_module_kobject(module);
	struct module_kobject *mk;
	bool set = false;

	if (!kobj)
		return false;
	mk = container_of(kobj, struct module_kobject, kobj);
	if (!mk->mod) {
		set = compat_builtin_flag(mk, name);
	} else if (try_module_get(mk->mod)) {
		if (mk->mod->state == MODULE_STATE_LIVE)
			set = compat_loaded_flag(mk->mod, name);
		module_put(mk->mod);
	}
	kobject_put(kobj);
	return set;
}

#endif /* RESV_COMPAT_MODULE_H */
