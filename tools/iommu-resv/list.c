// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv list: all groups in one table. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "columns.h"
#include "format.h"
#include "names.h"
#include "no_groups.h"
#include "pick.h"
#include "xalloc.h"

enum {
	COL_GROUP,
	COL_DEVICE,
	COL_ID,
	COL_DRIVER,
	COL_ASSIGN,
	COL_DOMAIN,
	COL_REGIONS,
	COL_LARGEST,
	COL_USABLE,
	COL_BITS,
	COL_MSI,
	COL_WINDOW,
	COL_NAME,
};

static const struct choice choices[] = {
	[COL_GROUP] = { "GROUP", SCOLS_FL_RIGHT, false, "number of the IOMMU group" },
	[COL_DEVICE] = { "DEVICE", 0, false, "name of a device in the group" },
	[COL_ID] = { "ID", 0, true, "vendor and device id of a PCI device" },
	[COL_DRIVER] = { "DRIVER", 0, false, "driver that is bound to it" },
	[COL_ASSIGN] = { "ASSIGN", 0, false, "yes, or why a guest cannot have the group" },
	[COL_DOMAIN] = { "DOMAIN", 0, true, "type of the group's default domain" },
	[COL_REGIONS] = { "REGIONS", SCOLS_FL_RIGHT, true, "number of reserved regions" },
	[COL_LARGEST] = { "LARGEST", SCOLS_FL_RIGHT, false, "size of the largest usable range" },
	[COL_USABLE] = { "USABLE", SCOLS_FL_RIGHT, true, "size of all usable ranges together" },
	[COL_BITS] = { "BITS", SCOLS_FL_RIGHT, false, "address bits of the IOMMU" },
	[COL_MSI] = { "MSI", 0, false, "are interrupts isolated?" },
	[COL_WINDOW] = { "WINDOW", 0, true, "place and size of the movable MSI window" },
	[COL_NAME] = { "NAME", SCOLS_FL_TRUNC, false, "vendor and name of a PCI device" },
};

/* The largest usable range, which a guest can use in one piece. */
static char *largest(const struct control *ctl, const struct group *g)
{
	const struct ranges *u = &g->usable;
	size_t i, l = 0;

	if (!u->nr)
		return xstrdup("0");
	for (i = 1; i < u->nr; i++)
		if (u->r[i].end - u->r[i].start > u->r[l].end - u->r[l].start)
			l = i;
	return format_size(ctl, &u->r[l], 1);
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

static char *word(const char *text)
{
	return xstrdup(text ?: "-");
}

static char *cell(const struct control *ctl, const struct row *row, size_t choice)
{
	static const struct device none;
	const struct device *d = row->d ?: &none;
	const struct group *g = row->g;

	switch (choice) {
	case COL_GROUP:
		return xasprintf("%u", g->id);
	case COL_DEVICE:
		return word(d->name);
	case COL_ID:
		return word(d->ids);
	case COL_DRIVER:
		return word(d->driver);
	case COL_ASSIGN:
		return word(row->assign);
	case COL_DOMAIN:
		return word(g->domain);
	case COL_REGIONS:
		return xasprintf("%zu", g->nr_regions);
	case COL_LARGEST:
		return g->usable_known ? largest(ctl, g) : word(NULL);
	case COL_USABLE:
		return g->usable_known ? format_size(ctl, g->usable.r, g->usable.nr) :
					 word(NULL);
	case COL_BITS:
		return g->aperture_known ?
		       xasprintf("%u", format_bits(&g->aperture)) : word(NULL);
	case COL_MSI:
		return word(g->msi_isolation);
	case COL_WINDOW:
		return window(ctl, g);
	default:
		return word(d->product);
	}
}

static const struct sheet sheet = {
	.command = "list",
	.choices = choices,
	.nr = sizeof(choices) / sizeof(choices[0]),
	.cell = cell,
};

static void add_row(struct row **rows, size_t *nr, const struct row *row)
{
	*rows = xreallocarray(*rows, *nr + 1, sizeof(*row));
	(*rows)[(*nr)++] = *row;
}

/* Each line has all columns of its group, so that other programs can select lines. */
static size_t make_rows(const struct control *ctl, const struct groups *groups,
			const struct pick *pick, struct row **rows)
{
	size_t i, k, nr = 0;

	*rows = NULL;
	for (i = 0; i < groups->nr; i++) {
		struct row row = { .g = &groups->g[i] };
		struct obstacles found;

		obstacles_find(ctl, row.g, NULL, &found);
		row.assign = obstacles_word(&found);
		obstacles_free(&found);
		if (!row.g->nr_devices)
			add_row(rows, &nr, &row);
		for (k = 0; k < row.g->nr_devices; k++) {
			row.d = &row.g->devices[k];
			if (pick_device(pick, row.d))
				add_row(rows, &nr, &row);
		}
	}
	return nr;
}

static void print_table(const struct control *ctl, const struct groups *groups,
			const struct pick *pick, const struct chosen *chosen)
{
	struct row *rows;
	size_t nr = make_rows(ctl, groups, pick, &rows);

	columns_print(ctl, &sheet, chosen, rows, nr);
	free(rows);
}

static unsigned int not_shown(const struct chosen *chosen)
{
	unsigned int unread = FACT_PAGE_SIZE;

	if (!columns_have(chosen, COL_DOMAIN))
		unread |= FACT_DOMAIN;
	if (!columns_have(chosen, COL_WINDOW))
		unread |= FACT_WINDOW;
	return unread;
}

int cmd_list(struct control *ctl, int argc, char **argv)
{
	struct chosen chosen;
	struct groups groups;
	struct names *names;
	struct pick pick;
	int ret;

	if (argc)
		errx(EXIT_TROUBLE, "list takes no operand: '%s'", argv[0]);
	pick_parse(ctl, &pick);
	if (!columns_choose(ctl, &sheet, &chosen))
		return EXIT_OK;
	if (!ctl->json)
		ctl->unread = not_shown(&chosen);
	names = names_open(ctl);
	ret = groups_read(ctl, names, &groups);
	names_close(names);
	if (groups.nr)
		say_not_loaded(ctl);
	else if (!ret)
		say_no_groups(ctl);
	if (groups.nr && ctl->device)
		ret = pick_groups(ctl, &pick, &groups) ?: ret;
	if (ctl->json) {
		groups_refused(ctl, &groups);
		json_groups(ctl, &groups);
	} else if (groups.nr) {
		print_table(ctl, &groups, &pick, &chosen);
	}
	columns_free(&chosen);
	groups_free(&groups);
	return ret;
}
