/* SPDX-License-Identifier: GPL-2.0-only */
/* What <linux/livepatch.h> offers. */
#ifndef RESV_COMPAT_KLP_H
#define RESV_COMPAT_KLP_H

#include <linux/livepatch.h>
#include <linux/module.h>
#include "compat/compat.h"

/* One call registers and enables a patch, and pins its module (v5.1). */
#if defined(RESV_HAVE_KLP_ENABLE) && defined(RESV_HAVE_KLP_CALLBACKS)
#define COMPAT_HAS_KLP	1
#else
#define COMPAT_HAS_KLP	0
#endif

/* A module can distinguish livepatches from other modules, and look up their folders. */
#if defined(RESV_HAVE_KLP_MODULE) && defined(RESV_HAVE_KERNFS_LOOKUP)
#define COMPAT_HAS_KLP_MODULES	1
#endif

/*
 * Livepatches of some vendors' kernels (openEuler) do without ftrace: they write a jump over
 * the first bytes of the function, which on x86 are the call that ftrace switches on and
 * off.  Such a kernel refuses the livepatch of a function with a probe, but not the probe
 * of a patched function: ftrace then finds other bytes than it has written there, warns,
 * and turns itself off on the whole machine.
 */
#if defined(CONFIG_X86) && defined(CONFIG_LIVEPATCH_WO_FTRACE)
#define COMPAT_KLP_OVERWRITES	true
#else
#define COMPAT_KLP_OVERWRITES	false
#endif

/**
 * compat_module_is_livepatch() - does a module replace functions of the kernel?
 * @mod: the module
 *
 * Return: true if it is marked as a livepatch; false on kernels without such a mark
 */
static inline bool compat_module_is_livepatch(struct module *mod)
{
#ifdef RESV_HAVE_KLP_MODULE
	return is_livepatch_module(mod);
#else
	return false;
#endif
}

#endif /* RESV_COMPAT_KLP_H */
