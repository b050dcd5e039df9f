// SPDX-License-Identifier: GPL-2.0-only
/* Finds other livepatches that redirect a function. */
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat/klp.h"
#include "compat/sysfs.h"
#include "hook/place.h"

/**
 * resv_livepatch_other() - does another livepatch replace a function?
 * @symbol: function
 * @module: module with the function; "" is the kernel itself
 * @name: set to the name of the livepatch
 * @size: of @name
 *
 * The kernel has a folder /sys/kernel/livepatch/MODULE/OBJECT/FUNCTION,1 for each
 * patched function, where OBJECT is the module with the function or "vmlinux", but no list
 * of livepatches that modules may read.  So take the names of modules from the kset behind
 * /sys/module, and look for their folders.
 *
 * Context: may sleep.
 * Return: true if there is a livepatch that is not ours
 */
bool resv_livepatch_other(const char *symbol, const char *module, char *name,
			  size_t size)
{
#ifdef COMPAT_HAS_KLP_MODULES
	struct kernfs_node *root, *patch, *object, *function;
	const char *in = module[0] ? module : "vmlinux";
	struct kset *kset = THIS_MODULE->mkobj.kobj.kset;
	char wanted[RESV_SYMBOL_LEN + 2];
	char (*names)[MODULE_NAME_LEN];
	unsigned int i, nr = 0, max = 32;
	struct kobject *kobj;
	bool found = false;

	root = kernfs_find_and_get(kernel_kobj->sd, "livepatch");
	if (!root)
		return false;
	names = kcalloc(max, sizeof(*names), GFP_KERNEL);
	if (!kset || !names)
		goto put_root;
	spin_lock(&kset->list_lock);
	list_for_each_entry(kobj, &kset->list, entry) {
		struct module *mod;

		/* Embedded in struct module, which lives while the kobject is listed. */
		mod = container_of(kobj, struct module_kobject, kobj)->mod;
		if (nr < max && mod && is_livepatch_module(mod) &&
		    strcmp(mod->name, "iommu_resv_livepatch"))
			strscpy(names[nr++], mod->name, MODULE_NAME_LEN);
	}
	spin_unlock(&kset->list_lock);
	strscpy(wanted, symbol, RESV_SYMBOL_LEN);
	strcat(wanted, ",1");
	for (i = 0; i < nr && !found; i++) {
		patch = kernfs_find_and_get(root, names[i]);
		object = patch ? kernfs_find_and_get(patch, in) : NULL;
		function = object ? kernfs_find_and_get(object, wanted) : NULL;
		found = function;
		kernfs_put(function);
		kernfs_put(object);
		kernfs_put(patch);
		if (found)
			strscpy(name, names[i], size);
	}
put_root:
	kfree(names);
	kernfs_put(root);
	return found;
#else
	return false;
#endif
}
