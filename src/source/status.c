// SPDX-License-Identifier: GPL-2.0-only
/* What this module does on this kernel, line by line, and the parameter "strict". */
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/moduleparam.h>
#include "firmware/acpi.h"
#include "source/status.h"

static void add(struct resv_status *f, const struct resv_status_line *line)
{
	if (WARN_ON_ONCE(f->nr == RESV_STATUS_LINES))
		return;
	f->line[f->nr++] = *line;
}

/**
 * resv_status_add() - add the line of a feature
 * @f: list
 * @name: its name, no blanks
 * @state: who does it
 * @reason: how, or why not; static text
 *
 * Context: any.
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
 * resv_status_hooked() - add the line of a feature that works by hooks
 * @f: list
 * @name: its name, no blanks
 * @hook: name of the backend, no blanks; static text
 * @reason: how; static text
 *
 * Context: any.
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
 * resv_status_unknown() - add the line of a feature that needs an unknown interface
 * @f: list
 * @name: its name, no blanks
 * @reason: which interface, and what the user loses; static text
 *
 * Context: any.
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

static bool strict;

static int strict_set(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_bool(val, kp);

	if (ret)
		pr_err("strict=%s is invalid: use 0 or 1\n", val ?: "");
	return ret;
}

static const struct kernel_param_ops strict_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = strict_set,
	.get = param_get_bool,
};

module_param_cb(strict, &strict_ops, &strict, 0444);
MODULE_PARM_DESC(strict, "1 = refuse to load if an interface of this kernel is unknown, 0 = load without that feature (default)");

/**
 * resv_status_judge() - log features that are off, and apply the parameter "strict"
 * @s: all lines
 * @silent: number of lines, from the first one on, that are not in the log yet
 *
 * Context: may sleep.
 * Return: 0, or -EOPNOTSUPP with strict=1 if an interface of this kernel is unknown
 */
int resv_status_judge(const struct resv_status *s, unsigned int silent)
{
	unsigned int i, off = 0;

	for (i = 0; i < s->nr; i++) {
		if (!s->line[i].unknown_api)
			continue;
		if (i < silent)
			pr_warn("feature %s is off: %s\n", s->line[i].name,
				s->line[i].reason);
		off++;
	}
	if (!strict || !off)
		return 0;
	pr_err("not loading, because strict=1 and a feature is off\n");
	return -EOPNOTSUPP;
}

/**
 * resv_status_table() - add the line of a feature that needs a firmware table
 * @f: list to add to
 * @table: table, its source initialised
 * @name: name of the feature
 */
void resv_status_table(struct resv_status *f, const struct resv_acpi_table *table,
		       const char *name)
{
	resv_status_add(f, name, table->data ? RESV_STATUS_ADDED :
					       RESV_STATUS_INERT, table->reason);
}
