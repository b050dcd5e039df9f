/* SPDX-License-Identifier: GPL-2.0-only */
/* Which machine, kernel and module a report is about. */
#ifndef ORIGIN_H
#define ORIGIN_H

#include "iommu-resv.h"
#include "json.h"

/**
 * struct origin - where facts are from; a member is NULL if it is not known
 * @module: version of the module
 * @kernel: release of the kernel, as uname -r prints it
 * @arch: architecture, as uname -m prints it
 * @host: id of the machine, a hash that does not disclose its machine-id
 */
struct origin {
	char *module;
	char *kernel;
	char *arch;
	char *host;
};

bool origin_is_here(const struct control *ctl);
char *origin_path(const struct control *ctl, const char *name, const char *here);
void origin_read(const struct control *ctl, struct origin *o);
void origin_free(struct origin *o);
void json_report(const struct control *ctl, struct json *j, const char *report);

#endif
