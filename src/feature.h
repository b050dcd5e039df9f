/* SPDX-License-Identifier: GPL-2.0-only */
/* What this module does on this kernel, for /sys/kernel/iommu_resv/features. */
#ifndef RESV_FEATURE_H
#define RESV_FEATURE_H

#include <linux/types.h>

enum resv_feature_state {
	RESV_FEATURE_NATIVE,	/* the kernel does it, we repeat its answer */
	RESV_FEATURE_ADDED,	/* this module does it */
	RESV_FEATURE_INERT,	/* nobody does it here, and the reason says why */
};

/**
 * struct resv_feature - one line
 * @name: feature
 * @state: who does it
 * @unknown_api: inert because this kernel's interface is unknown to the
 *	module, which the parameter "strict" does not accept
 * @hook: by which hook, or "-"
 * @reason: why, and what the user loses
 */
struct resv_feature {
	const char *name;
	enum resv_feature_state state;
	bool unknown_api;
	const char *hook;
	const char *reason;
};

#define RESV_MAX_FEATURES	32

/**
 * struct resv_features - all lines
 * @f: the lines
 * @nr: number of lines
 */
struct resv_features {
	struct resv_feature f[RESV_MAX_FEATURES];
	unsigned int nr;
};

void resv_feature_add(struct resv_features *f, const char *name,
		      enum resv_feature_state state, const char *reason);
void resv_feature_hooked(struct resv_features *f, const char *name,
			 const char *hook, const char *reason);
void resv_feature_unknown(struct resv_features *f, const char *name,
			  const char *reason);

#endif /* RESV_FEATURE_H */
