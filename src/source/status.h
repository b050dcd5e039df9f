/* SPDX-License-Identifier: GPL-2.0-only */
/* What this module does on this kernel, for /sys/kernel/iommu_resv/features. */
#ifndef RESV_SOURCE_STATUS_H
#define RESV_SOURCE_STATUS_H

#include <linux/types.h>

struct resv_acpi_table;

enum resv_status_state {
	RESV_STATUS_NATIVE,	/* the kernel does it, this module repeats its answer */
	RESV_STATUS_ADDED,	/* this module does it */
	RESV_STATUS_INERT,	/* neither does it here; the reason says why */
};

/**
 * struct resv_status_line - one line
 * @name: feature
 * @state: who does it
 * @unknown_api: inert because the module does not know this kernel's interface;
 *	with strict=1 the load fails then
 * @hook: name of the hook's backend, or "-"
 * @reason: why, and what the user loses
 */
struct resv_status_line {
	const char *name;
	enum resv_status_state state;
	bool unknown_api;
	const char *hook;
	const char *reason;
};

#define RESV_STATUS_LINES	32

/**
 * struct resv_status - all lines
 * @line: the lines
 * @nr: number of lines
 */
struct resv_status {
	struct resv_status_line line[RESV_STATUS_LINES];
	unsigned int nr;
};

void resv_status_add(struct resv_status *f, const char *name,
		     enum resv_status_state state, const char *reason);
void resv_status_hooked(struct resv_status *f, const char *name,
			const char *hook, const char *reason);
void resv_status_unknown(struct resv_status *f, const char *name,
			 const char *reason);
int resv_status_judge(const struct resv_status *s, unsigned int silent);

void resv_status_table(struct resv_status *f, const struct resv_acpi_table *table,
		       const char *name);

#endif /* RESV_SOURCE_STATUS_H */
