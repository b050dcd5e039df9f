// SPDX-License-Identifier: GPL-2.0-only
/* The list of features. */
#include <linux/bug.h>
#include "feature.h"

static void add(struct resv_features *f, const struct resv_feature *feature)
{
	if (WARN_ON_ONCE(f->nr == RESV_MAX_FEATURES))
		return;
	f->f[f->nr++] = *feature;
}

/**
 * resv_feature_add() - one more feature
 * @f: list
 * @name: its name, no blanks
 * @state: who does it
 * @reason: how, or why not; static text
 */
void resv_feature_add(struct resv_features *f, const char *name,
		      enum resv_feature_state state, const char *reason)
{
	const struct resv_feature feature = {
		.name = name,
		.state = state,
		.hook = "-",
		.reason = reason,
	};

	add(f, &feature);
}

/**
 * resv_feature_hooked() - a feature that is added by hooks
 * @f: list
 * @name: its name, no blanks
 * @hook: by which backend, no blanks; static text
 * @reason: how; static text
 */
void resv_feature_hooked(struct resv_features *f, const char *name,
			 const char *hook, const char *reason)
{
	const struct resv_feature feature = {
		.name = name,
		.state = RESV_FEATURE_ADDED,
		.hook = hook,
		.reason = reason,
	};

	add(f, &feature);
}

/**
 * resv_feature_unknown() - a feature lost to an interface we do not know
 * @f: list
 * @name: its name, no blanks
 * @reason: which interface, and what the user loses; static text
 */
void resv_feature_unknown(struct resv_features *f, const char *name,
			  const char *reason)
{
	const struct resv_feature feature = {
		.name = name,
		.state = RESV_FEATURE_INERT,
		.unknown_api = true,
		.hook = "-",
		.reason = reason,
	};

	add(f, &feature);
}
