// SPDX-License-Identifier: GPL-2.0-only
/* The list of features. */
#include <linux/bug.h>
#include "status.h"

static void add(struct resv_status *f, const struct resv_status_line *line)
{
	if (WARN_ON_ONCE(f->nr == RESV_STATUS_LINES))
		return;
	f->line[f->nr++] = *line;
}

/**
 * resv_status_add() - one more feature
 * @f: list
 * @name: its name, no blanks
 * @state: who does it
 * @reason: how, or why not; static text
 */
void resv_status_add(struct resv_status *f, const char *name,
		      enum resv_status_state state, const char *reason)
{
	const struct resv_status_line line = {
		.name = name,
		.state = state,
		.hook = "-",
		.reason = reason,
	};

	add(f, &line);
}

/**
 * resv_status_hooked() - a feature that is added by hooks
 * @f: list
 * @name: its name, no blanks
 * @hook: by which backend, no blanks; static text
 * @reason: how; static text
 */
void resv_status_hooked(struct resv_status *f, const char *name,
			 const char *hook, const char *reason)
{
	const struct resv_status_line line = {
		.name = name,
		.state = RESV_STATUS_ADDED,
		.hook = hook,
		.reason = reason,
	};

	add(f, &line);
}

/**
 * resv_status_unknown() - a feature lost to an interface we do not know
 * @f: list
 * @name: its name, no blanks
 * @reason: which interface, and what the user loses; static text
 */
void resv_status_unknown(struct resv_status *f, const char *name,
			  const char *reason)
{
	const struct resv_status_line line = {
		.name = name,
		.state = RESV_STATUS_INERT,
		.unknown_api = true,
		.hook = "-",
		.reason = reason,
	};

	add(f, &line);
}
