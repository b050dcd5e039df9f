/* SPDX-License-Identifier: GPL-2.0-only */
/* The interface between the core and the module iommu_resv_livepatch. */
#ifndef RESV_HOOK_LIVEPATCH_H
#define RESV_HOOK_LIVEPATCH_H

#include <linux/types.h>

struct device;
struct list_head;

/**
 * struct resv_livepatch - interface of the livepatch for the core
 * @version: version of the livepatch.  It must stay the first member, so that any two
 *	versions can see that they differ: an upgrade installs a new livepatch while
 *	the old core is loaded, and without CONFIG_MODVERSIONS (Debian from 7.2) the
 *	kernel does not notice.
 * @disable: start the transition that disables the patch; may sleep.  Return: 0,
 *	-EBUSY while another livepatch is in transition, or another errno
 */
struct resv_livepatch {
	const char *version;
	int (*disable)(void);
};

enum resv_livepatch_event {
	RESV_LIVEPATCH_PATCHED,		/* every task calls the replacement */
	RESV_LIVEPATCH_UNPATCHING,	/* tasks begin to call the original again */
	RESV_LIVEPATCH_UNPATCHED,	/* no task is inside the replacement */
};

int resv_livepatch_register(const struct resv_livepatch *livepatch,
			    const char *symbol);
void resv_livepatch_unregister(int err);
void resv_livepatch_event(enum resv_livepatch_event event);
bool resv_livepatch_hit(void);
int resv_livepatch_append(struct device *dev, struct list_head *head, bool mark,
			  gfp_t gfp);

#endif /* RESV_HOOK_LIVEPATCH_H */
