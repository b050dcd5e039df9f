// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv list: all groups in one table. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "format.h"
#include "names.h"
#include "no_groups.h"
#include "xalloc.h"

enum {
	COL_GROUP,
	COL_DEVICE,
	COL_DRIVER,
	COL_ASSIGN,
	COL_REGIONS,
	COL_USABLE,
	COL_BITS,
	COL_MSI,
	COL_WINDOW,
	COL_NAME,
};

static const struct column columns[] = {
	[COL_GROUP] = { "GROUP", SCOLS_FL_RIGHT },
	[COL_DEVICE] = { "DEVICE", 0 },
	[COL_DRIVER] = { "DRIVER", 0 },
	[COL_ASSIGN] = { "ASSIGN", 0 },
	[COL_REGIONS] = { "REGIONS", SCOLS_FL_RIGHT },
	[COL_USABLE] = { "LARGEST/USABLE", SCOLS_FL_RIGHT },
	[COL_BITS] = { "BITS", SCOLS_FL_RIGHT },
	[COL_MSI] = { "MSI", 0 },
	[COL_WINDOW] = { "WINDOW", 0 },
	[COL_NAME] = { "NAME", SCOLS_FL_TRUNC },
};

/* The largest range in which a guest fits in one piece, and all of them. */
static char *usable(const struct control *ctl, const struct group *g)
{
	const struct ranges *u = &g->usable;
	char *largest, *all, *text;
	size_t i, l = 0;

	if (!g->usable_known)
		return xstrdup("-");
	if (!u->nr)
		return xstrdup("0");
	for (i = 1; i < u->nr; i++)
		if (u->r[i].end - u->r[i].start > u->r[l].end - u->r[l].start)
			l = i;
	largest = format_size(ctl, &u->r[l], 1);
	all = format_size(ctl, u->r, u->nr);
	text = xasprintf("%s/%s", largest, all);
	free(largest);
	free(all);
	return text;
}

static char *window(const struct control *ctl, const struct group *g)
{
	char *base, *size, *text;

	if (g->window_state == WINDOW_UNKNOWN)
		return xstrdup("-");
	if (g->window_state == WINDOW_NONE)
		return xstrdup("none");
	base = format_address(g->window.start);
	size = format_size(ctl, &g->window, 1);
	text = xasprintf("%s+%s", base, size);
	free(base);
	free(size);
	return text;
}

static void group_cells(const struct control *ctl, const struct group *g,
			struct libscols_line *line)
{
	struct obstacles found;

	table_cell(line, COL_GROUP, xasprintf("%u", g->id));
	obstacles_find(ctl, g, NULL, &found);
	table_cell(line, COL_ASSIGN, xstrdup(obstacles_word(&found)));
	obstacles_free(&found);
	table_cell(line, COL_REGIONS, xasprintf("%zu", g->nr_regions));
	table_cell(line, COL_USABLE, usable(ctl, g));
	table_cell(line, COL_BITS, g->aperture_known ?
		   xasprintf("%u", format_bits(&g->aperture)) : xstrdup("-"));
	table_cell(line, COL_MSI, xstrdup(g->msi_isolation ?: "-"));
	table_cell(line, COL_WINDOW, window(ctl, g));
}

static void device_cells(const struct device *d, struct libscols_line *line)
{
	table_cell(line, COL_DEVICE, xstrdup(d->name));
	table_cell(line, COL_DRIVER, xstrdup(d->driver ?: "-"));
	table_cell(line, COL_NAME, xstrdup(d->product ?: "-"));
}

int cmd_list(struct control *ctl, int argc, char **argv)
{
	struct libscols_table *table;
	struct groups groups;
	struct names *names;
	size_t i, d;
	int ret;

	if (argc)
		errx(EXIT_TROUBLE, "list takes no operand: '%s'", argv[0]);
	names = names_open(ctl);
	ret = groups_read(ctl, names, &groups);
	names_close(names);
	if (groups.nr)
		say_not_loaded(ctl);
	else if (!ret)
		say_no_groups(ctl);
	if (ctl->json) {
		groups_refused(ctl, &groups);
		json_groups(ctl, &groups);
	} else if (groups.nr) {
		table = table_new(ctl, columns, sizeof(columns) / sizeof(columns[0]));
		for (i = 0; i < groups.nr; i++) {
			const struct group *g = &groups.g[i];
			struct libscols_line *line = table_line(table);

			group_cells(ctl, g, line);
			for (d = 0; d < g->nr_devices; d++) {
				if (d)
					line = table_line(table);
				device_cells(&g->devices[d], line);
			}
		}
		table_print(table);
	}
	groups_free(&groups);
	return ret;
}
