/* SPDX-License-Identifier: GPL-2.0-only */
/* The two modules: parameters, and how to unload them. */
#ifndef MODULES_H
#define MODULES_H

#include <stdint.h>

#include "iommu-resv.h"

/* How long the kernel may take to move every task out of the livepatch. */
#define LIVEPATCH_LIMIT	60	/* seconds */

#define CORE		"iommu_resv"
#define LIVEPATCH	"iommu_resv_livepatch"

bool module_there(const struct control *ctl, const char *module);
bool parameter_there(const struct control *ctl, const char *name);
char *parameter_read(const struct control *ctl, const char *name);
uint64_t vfio_entry_limit(const struct control *ctl);
int parameter_write(const struct control *ctl, const char *name,
		    const char *value);
bool livepatch_enabled(const struct control *ctl);
int livepatch_remove(const struct control *ctl, bool back);

/* In a file of its own, so that the tests can put theirs in its place. */
int module_delete(const char *module);

#endif
