// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv show: everything about some groups, in words too. */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "columns.h"
#include "format.h"
#include "names.h"
#include "pick.h"
#include "remedy.h"
#include "untied.h"
#include "vm/vm.h"
#include "xalloc.h"

static void print_devices(const struct control *ctl, const struct group *g)
{
	static const struct column columns[] = {
		{ "DEVICE", 0 }, { "DRIVER", 0 }, { "NAME", 0 },
	};
	struct libscols_table *table = table_new(ctl, columns, 3);
	size_t i;

	for (i = 0; i < g->nr_devices; i++) {
		struct libscols_line *line = table_line(table);

		table_cell(line, 0, xstrdup(g->devices[i].name));
		table_cell(line, 1, xstrdup(g->devices[i].driver ?: "-"));
		table_cell(line, 2, xstrdup(g->devices[i].product ?: "-"));
	}
	table_print(table);
}

static void range_cells(const struct control *ctl, struct libscols_line *line,
			const struct range *range)
{
	table_cell(line, 0, format_address(range->start));
	table_cell(line, 1, format_address(range->end));
	table_cell(line, 2, format_size(ctl, range, 1));
}

static void print_regions(const struct control *ctl, const struct group *g)
{
	static const struct column columns[] = {
		{ "START", SCOLS_FL_RIGHT }, { "END", SCOLS_FL_RIGHT },
		{ "SIZE", SCOLS_FL_RIGHT }, { "TYPE", 0 }, { "ORIGIN", 0 },
		{ "DEVICE", 0 }, { "FLAGS", 0 },
	};
	struct libscols_table *table = table_new(ctl, columns, 7);
	size_t i;

	for (i = 0; i < g->nr_regions; i++) {
		const struct region *r = &g->regions[i];
		struct libscols_line *line = table_line(table);

		range_cells(ctl, line, &r->at);
		table_cell(line, 3, xstrdup(r->type));
		table_cell(line, 4, xstrdup(r->origin));
		table_cell(line, 5, xstrdup(r->device ?: "-"));
		table_cell(line, 6, format_flags(r));
	}
	table_print(table);
}

static void print_usable(const struct control *ctl, const struct group *g)
{
	static const struct column columns[] = {
		{ "START", SCOLS_FL_RIGHT }, { "END", SCOLS_FL_RIGHT },
		{ "SIZE", SCOLS_FL_RIGHT },
	};
	struct libscols_table *table = table_new(ctl, columns, 3);
	size_t i;

	for (i = 0; i < g->usable.nr; i++)
		range_cells(ctl, table_line(table), &g->usable.r[i]);
	table_print(table);
}

static void say_aperture(const struct group *g)
{
	char *start, *end;

	if (!g->aperture_known) {
		puts("Aperture: not known before a device is attached");
		return;
	}
	start = format_address(g->aperture.start);
	end = format_address(g->aperture.end);
	printf("Aperture: %s-%s, %u bits\n", start, end,
	       format_bits(&g->aperture));
	free(start);
	free(end);
}

/* Return: a region ties a device to firmware */
static bool say_assign(struct control *ctl, struct untied *untied, const struct group *g)
{
	const char *device, *last = NULL;
	struct obstacles found;
	bool tied = false;
	size_t i;
	char *text;

	obstacles_find(ctl, g, NULL, &found);
	if (!found.nr && found.unknown)
		puts("Can be given to a guest: known only after trying");
	else
		printf("Can be given to a guest: %s\n", found.nr ? "no" : "yes");
	for (i = 0; i < found.nr; i++) {
		text = obstacle_text(&found.o[i]);
		printf("  %s\n", text);
		free(text);
		if (found.o[i].kind != OBSTACLE_DIRECT)
			continue;
		tied = true;
		device = found.o[i].region->device;
		/* Servers have several regions a device. */
		if (device && (!last || strcmp(device, last)))
			untied_print(ctl, untied, device);
		last = device;
	}
	obstacles_free(&found);
	return tied;
}

static void say_msi(const struct group *g)
{
	const char *how = g->msi_isolation ?: "unknown";

	printf("Interrupts: %s", how);
	if (!strcmp(how, "isolated"))
		puts(", a guest can raise only its own");
	else if (!strcmp(how, "unsafe"))
		puts(", VFIO refuses the group (EPERM) unless vfio_iommu_type1\n"
		     "  is loaded with allow_unsafe_interrupts=1");
	else
		puts(", this kernel cannot tell before the group is opened");
}

/*
 * VFIO keeps guest memory out of the window in any case.  But if a region overlaps the
 * window, messages do not get through.
 */
static void say_window_hits(const struct group *g)
{
	size_t i;

	for (i = 0; i < g->nr_regions && g->window_state == WINDOW_THERE; i++) {
		char *text;

		if (!region_harms_window(&g->regions[i], &g->window))
			continue;
		text = format_region(&g->regions[i]);
		printf("  overlaps %s: interrupts may be lost; 'iommu-resv window %u auto' moves it\n",
		       text, g->id);
		free(text);
	}
}

/* The regions that a sentence is about. */
static bool is_attach_rmrr(const struct group *g, const struct region *r)
{
	return !strcmp(r->type, "direct") && !strcmp(r->origin, "rmrr") &&
	       region_refuses(g, r);
}

static bool is_attach_other(const struct group *g, const struct region *r)
{
	return !strcmp(r->type, "direct") && strcmp(r->origin, "rmrr") &&
	       region_refuses(g, r);
}

static bool is_attach(const struct group *g, const struct region *r)
{
	return is_attach_other(g, r) && !g->lacks_checks;
}

static bool is_direct(const struct group *g, const struct region *r)
{
	return is_attach_other(g, r) && g->lacks_checks;
}

static bool is_relaxable(const struct group *g, const struct region *r)
{
	(void)g;
	return !strcmp(r->type, "direct-relaxable");
}

static bool is_bridge(const struct group *g, const struct region *r)
{
	(void)g;
	return !strcmp(r->type, "pci-window");
}

static bool is_refused(const struct group *g, const struct region *r)
{
	return strcmp(r->type, "direct") && r->told && r->enforced &&
	       !g->lacks_checks;
}

static bool is_refused_by_module(const struct group *g, const struct region *r)
{
	return r->told && r->enforced && g->lacks_checks;
}

static bool is_unchecked(const struct group *g, const struct region *r)
{
	return r->told && !r->enforced && region_refuses(g, r);
}

static bool is_unknown_to_kernel(const struct group *g, const struct region *r)
{
	return r->told && r->added && !r->enforced && !region_refuses(g, r) &&
	       !is_bridge(g, r) && !is_relaxable(g, r) && !region_is_declared(r);
}

static bool is_not_hooked(const struct group *g, const struct region *r)
{
	return region_is_declared(r) && !r->enforced && !region_refuses(g, r);
}

static bool is_untold(const struct group *g, const struct region *r)
{
	return !r->told && strcmp(r->type, "direct") && !is_relaxable(g, r);
}

static bool is_not_needed(const struct group *g, const struct region *r)
{
	(void)g;
	return r->ht_ignore;
}

static bool is_movable(const struct group *g, const struct region *r)
{
	(void)g;
	return !strcmp(r->type, "sw-msi");
}

/* By the class of the device; static words, or NULL. */
static const char *purpose_of(const struct device *d)
{
	if (!d->class)
		return NULL;
	if (!strncmp(d->class, "0x03", 4))
		return "stolen memory of integrated graphics";
	if (!strncmp(d->class, "0x0c03", 6))
		return "USB keyboards and mice, until a driver has the device";
	return NULL;
}

static const struct {
	bool (*about)(const struct group *g, const struct region *r);
	const char *sentence;
} sentences[] = {
	{ is_attach_rmrr,
	  "direct (rmrr): " WORDS_DIRECT ".\n"
	  "  VFIO refuses to attach the device, whatever is mapped." },
	{ is_attach,
	  "direct: " WORDS_DIRECT ". VFIO refuses\n"
	  "  to attach the device, whatever is mapped; before kernel 6.6 it does so only\n"
	  "  for Intel's (RMRR), attaches devices with others, and refuses maps there." },
	{ is_direct,
	  "direct: " WORDS_DIRECT ". Before kernel 6.6\n"
	  "  VFIO attaches the device nevertheless." },
	{ is_relaxable,
	  "direct-relaxable: " WORDS_RELAXABLE ".\n"
	  "  VFIO attaches the device and accepts maps there." },
	{ is_refused,
	  "enforced: VFIO refuses a map that touches such a region (EINVAL)." },
	{ is_refused_by_module,
	  "enforced: the module refuses a map that touches such a region (EINVAL), as VFIO\n"
	  "  itself does since kernel 5.4." },
	{ is_untold,
	  "VFIO refuses a map that touches one of these regions (EINVAL, since kernel 5.4)." },
	{ is_unchecked,
	  "advice outside of the usable ranges: this kernel's VFIO checks no map, and the\n"
	  "  module refuses none here ('iommu-resv checks'). One there is accepted, and DMA\n"
	  "  to it does not reach the guest's memory." },
	{ is_unknown_to_kernel,
	  "added advice: firmware declares it, this kernel does not act on it. VFIO accepts\n"
	  "  maps there; keep the guest's memory out of it." },
	{ is_not_hooked,
	  "admin advice: declared, and no hook works for this group ('iommu-resv hooks').\n"
	  "  VFIO accepts maps there; keep the guest's memory out of it." },
	{ is_not_needed,
	  "ht-ignore: the IOMMU does not need these 12 GiB (HTRangeIgnore), this kernel keeps\n"
	  "  them out of use nevertheless. Linux 6.16 and later does not." },
	{ is_movable,
	  "sw-msi: " WORDS_SW_MSI ". Hardware does not fix the\n"
	  "  place; it can be changed with 'iommu-resv window'." },
	{ is_bridge,
	  "pci-window: DMA there may not reach memory. The bridge named as device does not\n"
	  "  redirect it upwards (ACS), so that a neighbour may take it, or is a host bridge\n"
	  "  that does not pass it on. VFIO accepts maps there." },
};

/*
 * Print what firmware used regions of type direct-relaxable for, by the class of the
 * device.
 */
static void say_purposes(const struct group *g)
{
	size_t i, k;

	for (i = 0; i < g->nr_regions; i++) {
		const struct region *r = &g->regions[i];
		const char *purpose = NULL;

		for (k = 0; k < g->nr_devices && is_relaxable(g, r) && r->device; k++)
			if (!strcmp(g->devices[k].name, r->device))
				purpose = purpose_of(&g->devices[k]);
		if (purpose)
			printf("  0x%" PRIx64 "-0x%" PRIx64 ": %s\n", r->at.start, r->at.end,
			       purpose);
	}
}

static void say_what_vfio_does(const struct group *g)
{
	bool said = false;
	size_t i, k;

	for (k = 0; k < sizeof(sentences) / sizeof(sentences[0]); k++) {
		for (i = 0; i < g->nr_regions; i++)
			if (sentences[k].about(g, &g->regions[i]))
				break;
		if (i == g->nr_regions)
			continue;
		if (!said)
			puts("\nWhat VFIO does:");
		said = true;
		printf("- %s\n", sentences[k].sentence);
		if (sentences[k].about == is_relaxable)
			say_purposes(g);
	}
}

static void say_refused(const struct control *ctl, const struct group *g)
{
	const struct refused *refused = &g->refused;
	char *map, *why;

	if (!refused->known || !refused->count)
		return;
	map = format_refused(ctl, refused);
	why = refused->reason ? format_reason(refused) : format_region(&refused->hit);
	printf("\nRefused %s: %" PRIu64 ", the last:\n%s\n  %s%s\n", format_refusals(refused),
	       refused->count, map,
	       refused->reason ? "" : refused->attach ? "because of " : "hits ", why);
	free(map);
	free(why);
}

static void say_what_to_set(const struct vm_host *host, const struct group *g)
{
	struct remedies all;

	remedies_of_group(host, g, &all);
	if (!all.nr)
		return;
	puts("\nWhat to set for a guest or program:");
	remedies_print(&all);
}

static void print_group(struct control *ctl, const struct vm_host *host,
			struct untied *untied, const struct group *g)
{
	bool tied = false;

	if (g->domain)
		printf("Group %u, default domain %s\n", g->id, g->domain);
	else
		printf("Group %u\n", g->id);
	if (g->nr_devices)
		print_devices(ctl, g);
	putchar('\n');
	if (g->nr_devices)
		tied = say_assign(ctl, untied, g);
	if (g->has_facts) {
		say_aperture(g);
		say_msi(g);
		print_window(ctl, g);
		say_window_hits(g);
		putchar('\n');
	}
	printf("Reserved regions:%s\n", g->nr_regions ? "" : " none");
	if (g->nr_regions)
		print_regions(ctl, g);
	if (g->has_facts) {
		printf("\nUsable ranges:%s\n", !g->usable_known ?
		       " not known before a device is attached" :
		       g->usable.nr ? "" : " none");
		if (g->usable.nr)
			print_usable(ctl, g);
	}
	say_refused(ctl, g);
	say_what_vfio_does(g);
	/* No setting helps a device that VFIO does not attach. */
	if (g->has_facts && !tied)
		say_what_to_set(host, g);
}

enum {
	COL_GROUP,
	COL_START,
	COL_END,
	COL_SIZE,
	COL_TYPE,
	COL_ORIGIN,
	COL_DEVICE,
	COL_FLAGS,
};

static const struct choice choices[] = {
	[COL_GROUP] = { "GROUP", SCOLS_FL_RIGHT, false, "number of the IOMMU group" },
	[COL_START] = { "START", SCOLS_FL_RIGHT, false, "first address of the reserved region" },
	[COL_END] = { "END", SCOLS_FL_RIGHT, false, "its last address" },
	[COL_SIZE] = { "SIZE", SCOLS_FL_RIGHT, false, "its size" },
	[COL_TYPE] = { "TYPE", 0, false, "its type" },
	[COL_ORIGIN] = { "ORIGIN", 0, false, "source of the fact" },
	[COL_DEVICE] = { "DEVICE", 0, false, "which device causes it" },
	[COL_FLAGS] = { "FLAGS", 0, false, "native or added, and enforced or advice" },
};

static char *cell(const struct control *ctl, const struct row *row, size_t choice)
{
	const struct region *r = row->r;

	switch (choice) {
	case COL_GROUP:
		return xasprintf("%u", row->g->id);
	case COL_START:
		return format_address(r->at.start);
	case COL_END:
		return format_address(r->at.end);
	case COL_SIZE:
		return format_size(ctl, &r->at, 1);
	case COL_TYPE:
		return xstrdup(r->type);
	case COL_ORIGIN:
		return xstrdup(r->origin);
	case COL_DEVICE:
		return xstrdup(r->device ?: "-");
	default:
		return format_flags(r);
	}
}

static const struct sheet sheet = {
	.command = "show",
	.choices = choices,
	.nr = sizeof(choices) / sizeof(choices[0]),
	.cell = cell,
};

/* One table of the regions of all groups, for those who ask for columns. */
static void print_table(const struct control *ctl, const struct groups *groups,
			const struct chosen *chosen)
{
	struct row *rows = NULL;
	size_t i, k, nr = 0;

	for (i = 0; i < groups->nr; i++) {
		const struct group *g = &groups->g[i];

		rows = xreallocarray(rows, nr + g->nr_regions + 1, sizeof(*rows));
		for (k = 0; k < g->nr_regions; k++)
			rows[nr++] = (struct row) { .g = g, .r = &g->regions[k] };
	}
	columns_print(ctl, &sheet, chosen, rows, nr);
	free(rows);
}

/*
 * Reading classes takes five more files for each device, and only these regions need
 * them.
 */
static bool any_relaxable(const struct groups *groups)
{
	size_t i, k;

	for (i = 0; i < groups->nr; i++)
		for (k = 0; k < groups->g[i].nr_regions; k++)
			if (!strcmp(groups->g[i].regions[k].type, "direct-relaxable"))
				return true;
	return false;
}

static void print_groups(struct control *ctl, struct groups *groups)
{
	struct untied untied = { 0 };
	struct vm_host host;
	size_t i;

	host_read(ctl, &host);
	if (any_relaxable(groups))
		groups_details(ctl, groups);
	for (i = 0; i < groups->nr; i++) {
		if (i)
			putchar('\n');
		print_group(ctl, &host, &untied, &groups->g[i]);
	}
	untied_free(&untied);
}

/* The named groups, or those that have a device of -d. */
static int find(struct control *ctl, int argc, char **argv, struct groups *groups)
{
	struct names *names;
	struct pick pick;
	int ret;

	if (pick_parse(ctl, &pick) && argc)
		errx(EXIT_TROUBLE, "which groups? Give -d, or groups and devices by name");
	if (!ctl->device && !argc)
		errx(EXIT_TROUBLE, "which group? Give its number or a device");
	names = names_open(ctl);
	ret = argc ? groups_find(ctl, names, argc, argv, groups) :
		     groups_read(ctl, names, groups);
	names_close(names);
	return argc || ret ? ret : pick_groups(ctl, &pick, groups);
}

int cmd_show(struct control *ctl, int argc, char **argv)
{
	struct chosen chosen;
	struct groups groups;
	int ret;

	if (!columns_choose(ctl, &sheet, &chosen))
		return EXIT_OK;
	ret = find(ctl, argc, argv, &groups);
	ctl->gaps |= ret != 0;
	groups_refused(ctl, &groups);
	if (groups.nr)
		say_not_loaded(ctl);
	if (ctl->json)
		json_groups(ctl, &groups);
	else if (columns_asked(ctl) && groups.nr)
		print_table(ctl, &groups, &chosen);
	else
		print_groups(ctl, &groups);
	keep_free();
	columns_free(&chosen);
	groups_free(&groups);
	return ret;
}
