// SPDX-License-Identifier: GPL-2.0-only
/* Facts as text, as tables and as JSON. */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assign.h"
#include "format.h"
#include "origin.h"
#include "sysfs.h"
#include "vm/vm.h"
#include "xalloc.h"

struct libscols_table *table_new(const struct control *ctl,
				 const struct column *columns, size_t nr)
{
	struct libscols_table *table = scols_new_table();
	size_t i;

	if (!table)
		err(EXIT_TROUBLE, "cannot make a table");
	scols_table_enable_noheadings(table, ctl->noheadings);
	for (i = 0; i < nr; i++)
		if (!scols_table_new_column(table, columns[i].name, 0,
					    columns[i].flags))
			err(EXIT_TROUBLE, "cannot make a table");
	return table;
}

struct libscols_line *table_line(struct libscols_table *table)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		err(EXIT_TROUBLE, "cannot make a table");
	return line;
}

/* Takes ownership of @text. */
void table_cell(struct libscols_line *line, size_t column, char *text)
{
	if (scols_line_refer_data(line, column, text))
		err(EXIT_TROUBLE, "cannot make a table");
}

/* Length of the longest of a column's header and cells; the columns that matter are ASCII. */
static size_t column_width(struct libscols_table *table, size_t column)
{
	struct libscols_column *cl = scols_table_get_column(table, column);
	size_t width = strlen(scols_cell_get_data(scols_column_get_header(cl)) ?: "");
	size_t i;

	for (i = 0; i < scols_table_get_nlines(table); i++) {
		struct libscols_line *line = scols_table_get_line(table, i);
		const char *text = scols_cell_get_data(scols_line_get_cell(line, column));

		if (text && strlen(text) > width)
			width = strlen(text);
	}
	return width;
}

/* Break lines at the last blank within @width. */
static void break_lines(char *text, size_t width)
{
	char *blank = NULL, *start = text;

	for (; *text; text++) {
		if (*text == ' ')
			blank = text;
		if (blank && (size_t)(text - start) >= width) {
			*blank = '\n';
			start = blank + 1;
			blank = NULL;
		}
	}
}

/* The library would break a column where the terminal ends, within words. */
static void wrap_words(struct libscols_table *table)
{
	size_t last = scols_table_get_ncols(table) - 1, used = 0, i;
	struct libscols_column *cl = scols_table_get_column(table, last);
	size_t room = scols_table_get_termwidth(table);

	if (!scols_column_is_wrap(cl) || !isatty(STDOUT_FILENO))
		return;
	for (i = 0; i < last; i++)
		used += column_width(table, i) + 1;
	if (room < used + 20)
		return;
	for (i = 0; i < scols_table_get_nlines(table); i++) {
		struct libscols_line *line = scols_table_get_line(table, i);

		/* table_cell() owns it, so it can be changed. */
		break_lines((char *)scols_cell_get_data(scols_line_get_cell(line, last)),
			    room - used);
	}
	scols_column_set_safechars(cl, "\n");
	scols_column_set_wrapfunc(cl, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
}

void table_print(struct libscols_table *table)
{
	wrap_words(table);
	scols_print_table(table);
	scols_unref_table(table);
}

char *format_address(uint64_t address)
{
	return xasprintf("0x%" PRIx64, address);
}

/* No size exceeds 2^64, which needs one bit more than uint64_t has. */
__extension__ typedef unsigned __int128 size128;

/**
 * format_size() - total size of some ranges
 * @ctl: options
 * @ranges: ranges that do not overlap
 * @nr: their number
 *
 * Return: allocated: bytes, or a number with a unit for humans
 */
char *format_size(const struct control *ctl, const struct range *ranges,
		  size_t nr)
{
	static const char units[] = "BKMGTPE";
	size128 size = 0;
	unsigned int u;
	size_t i;

	for (i = 0; i < nr; i++)
		size += (size128)(ranges[i].end - ranges[i].start) + 1;
	if (ctl->bytes && size >> 64)
		return xstrdup("18446744073709551616");
	if (ctl->bytes)
		return xasprintf("%" PRIu64, (uint64_t)size);
	for (u = 0; units[u + 1] && size >> (10 * (u + 1)); u++)
		;
	/* Round down, so that users do not plan with more than there is. */
	size = size * 10 >> (10 * u);
	if (!(size % 10))
		return xasprintf("%" PRIu64 "%c", (uint64_t)(size / 10), units[u]);
	return xasprintf("%" PRIu64 ".%u%c", (uint64_t)(size / 10),
			 (unsigned int)(size % 10), units[u]);
}

/* "0x50000000-0x5000ffff reserved (dt, 0000:00:01.0)" */
char *format_region(const struct region *r)
{
	return xasprintf("0x%" PRIx64 "-0x%" PRIx64 " %s (%s%s%s)",
			 r->at.start, r->at.end, r->type, r->origin,
			 r->device ? ", " : "", r->device ?: "");
}

char *format_flags(const struct region *r)
{
	if (!r->told)
		return xstrdup("native");
	return xasprintf("%s %s%s", r->added ? "added" : "native",
			 r->enforced ? "enforced" : "advice",
			 r->ht_ignore ? " ht-ignore" : "");
}

/**
 * format_refused() - the last refused map or attach, and its process
 * @ctl: options
 * @refused: with a last map
 *
 * The process is at the end: its name may have any character.
 *
 * Return: allocated: "0xfee00000-0xfee00fff (4K) by process 4711 (qemu)"; a map that
 * extends past the last address, as START+SIZE; or "an attach by ..."
 */
char *format_refused(const struct control *ctl, const struct refused *refused)
{
	const struct range *map = &refused->map;
	uint64_t last = map->end - map->start;
	struct range size = { 0, last };
	/* No map can have all 2^64 bytes. */
	bool empty = refused->reason && last == UINT64_MAX;
	char *at, *how_much, *text;

	if (refused->attach)
		return xasprintf("an attach by process %" PRIu64 " (%s)", refused->pid,
				 refused->comm);
	how_much = empty ? xstrdup("0") : format_size(ctl, &size, 1);
	if (empty || map->end < map->start)
		at = xasprintf("0x%" PRIx64 "+%s", map->start, how_much);
	else
		at = xasprintf("0x%" PRIx64 "-0x%" PRIx64 " (%s)", map->start, map->end,
			       how_much);
	text = xasprintf("%s by process %" PRIu64 " (%s)", at, refused->pid, refused->comm);
	free(how_much);
	free(at);
	return text;
}

/**
 * format_reason() - why a map or attach was refused, if not for a region
 * @refused: with a reason
 *
 * Return: allocated
 */
char *format_reason(const struct refused *refused)
{
	static const struct {
		const char *reason;
		const char *words;
	} reasons[] = {
		{ "flags", "VFIO does not accept its flags: it asks neither for reading nor for writing, or has an unknown flag" },
		{ "size", "its size is 0" },
		{ "alignment", "its start, its size or the process's address is not made of whole pages" },
		{ "wraps", "it extends past the last address" },
		{ "overlap", "the process has already mapped a part of it" },
		{ "entries", "the container has as many maps as are allowed" },
		{ "memlock", "it exceeds the process's limit of locked memory, or the host is out of memory" },
		{ "memory", "the process has no memory at the address, or it cannot be pinned" },
		{ "host-driver", "a device of the group is bound to a host driver" },
		{ "interrupts", "its interrupts are not isolated, and allow_unsafe_interrupts of vfio_iommu_type1 is off" },
		{ "container", "the group's regions or its IOMMU conflict with what the process has mapped for other groups, or with these groups" },
		{ "busy", "another user has the group" },
		{ "room", "no range of that size is free in its address space of iommufd" },
		{ "interrupts-iommufd", "its interrupts are not isolated, and allow_unsafe_interrupts of iommufd is off" },
		{ "address-space", "the process names an address space that does not exist" },
		{ "group-file", "a program has the group's file open, so that the devices' own files cannot be used" },
		{ "no-device", "the group has no such device, or the device is not bound to a VFIO driver" },
		{ "container-unset", "the group is in no container whose IOMMU is set, or the device's driver fails to open it" },
		{ "open", "the device's driver fails to open it" },
		{ "unknown", "the process had groups before explanations were turned on, and one of them may have a region there" },
		{ "other", "VFIO, iommufd or the IOMMU driver refused it for another reason than a reserved region" },
	};
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (!strcmp(reasons[i].reason, refused->reason))
			return xasprintf("%s (%s)", reasons[i].words, refused->error);
	return xasprintf("the module's reason is '%s' (%s), which this version of the command does not know",
			 refused->reason, refused->error);
}

/**
 * format_refusals() - what is counted as refused
 * @refused: of groups_refused()
 *
 * Return: static words
 */
const char *format_refusals(const struct refused *refused)
{
	return refused->by_vfio ? "maps or attaches" : "maps";
}

/* Bits of the highest address. */
unsigned int format_bits(const struct range *aperture)
{
	unsigned int bits = 0;

	while (bits < 64 && aperture->end >> bits)
		bits++;
	return bits;
}

/**
 * print_window() - the line about the MSI window
 * @ctl: options
 * @g: a group with facts
 */
void print_window(const struct control *ctl, const struct group *g)
{
	const char *by = "placed by the kernel";
	char *start, *size;

	if (g->window_state == WINDOW_NONE) {
		puts("MSI window: none, the hardware fixes where messages go");
	} else if (g->window_state == WINDOW_THERE) {
		if (!strcmp(g->window_by, "moved"))
			by = "moved by the administrator";
		else if (!strcmp(g->window_by, "auto"))
			by = "placed automatically";
		start = format_address(g->window.start);
		size = format_size(ctl, &g->window, 1);
		printf("MSI window: %s, %s, %s\n", start, size, by);
		free(start);
		free(size);
	} else {
		puts("MSI window: unknown");
	}
}

void json_range(struct json *j, const char *key, const struct range *range)
{
	json_open(j, key, '{');
	json_address(j, "start", range->start);
	json_address(j, "end", range->end);
	json_size(j, "size", range->end - range->start);
	json_close(j, '}');
}

void json_region(struct json *j, const struct region *r)
{
	json_open(j, NULL, '{');
	json_address(j, "start", r->at.start);
	json_address(j, "end", r->at.end);
	json_size(j, "size", r->at.end - r->at.start);
	json_string(j, "type", r->type);
	json_string(j, "origin", r->origin);
	json_string(j, "device", r->device);
	if (r->told) {
		json_bool(j, "added", r->added);
		json_bool(j, "enforced", r->enforced);
	} else {
		json_null(j, "added");
		json_null(j, "enforced");
	}
	if (r->ht_ignore)
		json_bool(j, "ht_ignore", true);
	json_close(j, '}');
}

static void json_window(struct json *j, const struct group *g)
{
	json_open(j, "msi_window", '{');
	json_string(j, "state", g->window_state == WINDOW_UNKNOWN ? "unknown" :
		    g->window_state == WINDOW_NONE ? "none" : g->window_by);
	if (g->window_state == WINDOW_THERE) {
		json_address(j, "start", g->window.start);
		json_address(j, "end", g->window.end);
		json_size(j, "size", g->window.end - g->window.start);
	}
	json_close(j, '}');
}

static void json_hit(struct json *j, const struct region *r)
{
	json_open(j, "region", '{');
	json_address(j, "start", r->at.start);
	json_address(j, "end", r->at.end);
	json_string(j, "type", r->type);
	json_string(j, "origin", r->origin);
	json_string(j, "device", r->device);
	json_close(j, '}');
}

/**
 * json_refused() - the last refused map
 * @j: inside of an object
 * @refused: of groups_refused()
 */
void json_refused(struct json *j, const struct refused *refused)
{
	if (!refused->known) {
		json_null(j, "refused");
		return;
	}
	json_open(j, "refused", '{');
	json_string(j, "by", refused->by_vfio ? "vfio" : "module");
	json_number(j, "count", refused->count);
	if (refused->count) {
		json_open(j, "last", '{');
		json_bool(j, "attach", refused->attach);
		if (refused->attach) {
			json_null(j, "start");
			json_null(j, "end");
		} else {
			json_address(j, "start", refused->map.start);
			json_address(j, "end", refused->map.end);
		}
		if (refused->reason)
			json_null(j, "region");
		else
			json_hit(j, &refused->hit);
		json_string(j, "reason", refused->reason);
		json_string(j, "errno", refused->error);
		json_number(j, "pid", refused->pid);
		json_string(j, "comm", refused->comm);
		json_close(j, '}');
	} else {
		json_null(j, "last");
	}
	json_close(j, '}');
}

static void json_device(struct json *j, const struct device *d)
{
	json_open(j, NULL, '{');
	json_string(j, "device", d->name);
	json_string(j, "driver", d->driver);
	json_string(j, "name", d->product);
	json_string(j, "vendor_id", d->vendor);
	json_string(j, "device_id", d->model);
	json_string(j, "class", d->class);
	if (d->has_node)
		json_number(j, "numa_node", d->numa_node);
	else
		json_null(j, "numa_node");
	json_string(j, "iommu", d->iommu);
	json_close(j, '}');
}

/* The largest of them, and the sum, which is below 2^64 if there are at least two. */
static void json_usable(struct json *j, const struct group *g)
{
	const struct ranges *u = &g->usable;
	uint64_t largest = 0, last = UINT64_MAX;
	size_t i;

	if (!g->usable_known) {
		json_null(j, "usable");
		json_null(j, "usable_largest");
		json_null(j, "usable_size");
		return;
	}
	json_open(j, "usable", '[');
	for (i = 0; i < u->nr; i++) {
		json_range(j, NULL, &u->r[i]);
		if (u->r[i].end - u->r[i].start > largest)
			largest = u->r[i].end - u->r[i].start;
		last += u->r[i].end - u->r[i].start + 1;
	}
	json_close(j, ']');
	if (u->nr) {
		json_size(j, "usable_largest", largest);
		json_size(j, "usable_size", last);
	} else {
		json_address(j, "usable_largest", 0);
		json_address(j, "usable_size", 0);
	}
}

static void json_group(const struct control *ctl, struct json *j, const struct group *g)
{
	struct obstacles found;
	size_t i;

	json_open(j, NULL, '{');
	json_number(j, "group", g->id);
	json_string(j, "domain", g->domain);
	json_string(j, "source", g->has_facts ? "module" : "kernel");
	json_open(j, "devices", '[');
	for (i = 0; i < g->nr_devices; i++)
		json_device(j, &g->devices[i]);
	json_close(j, ']');
	json_open(j, "regions", '[');
	for (i = 0; i < g->nr_regions; i++)
		json_region(j, &g->regions[i]);
	json_close(j, ']');
	json_usable(j, g);
	if (g->aperture_known) {
		json_range(j, "aperture", &g->aperture);
		json_number(j, "aperture_bits", format_bits(&g->aperture));
	} else {
		json_null(j, "aperture");
		json_null(j, "aperture_bits");
	}
	if (g->page_told)
		json_number(j, "page_size", g->page_size);
	else
		json_null(j, "page_size");
	obstacles_find(ctl, g, NULL, &found);
	json_obstacles(j, &found);
	obstacles_free(&found);
	json_string(j, "msi_isolation", g->msi_isolation);
	json_window(j, g);
	json_refused(j, &g->refused);
	json_close(j, '}');
}

/* The properties of the CPU that decide where a guest has its memory. */
static void json_cpu(const struct control *ctl, struct json *j)
{
	static const char *const vendors[] = {
		[VENDOR_AMD] = "amd",
		[VENDOR_INTEL] = "intel",
		[VENDOR_OTHER] = "other",
	};
	struct vm_host host;

	host_read(ctl, &host);
	json_open(j, "cpu", '{');
	json_string(j, "vendor", vendors[host.vendor]);
	if (host.phys_bits)
		json_number(j, "address_bits", host.phys_bits);
	else
		json_null(j, "address_bits");
	json_close(j, '}');
}

/**
 * json_groups() - all facts of groups, as a document
 * @ctl: options
 * @groups: the groups, whose details are added
 */
void json_groups(const struct control *ctl, struct groups *groups)
{
	struct json j = { 0 };
	size_t i;

	groups_details(ctl, groups);
	json_report(ctl, &j, "groups");
	json_cpu(ctl, &j);
	json_bool(&j, "module_loaded", ctl->loaded);
	json_bool(&j, "complete", !ctl->gaps);
	json_open(&j, "groups", '[');
	for (i = 0; i < groups->nr; i++)
		json_group(ctl, &j, &groups->g[i]);
	json_close(&j, ']');
	json_close(&j, '}');
}

void say_not_loaded(const struct control *ctl)
{
	if (!ctl->loaded)
		warnx("the module is not loaded: only the kernel's own regions are shown; 'modprobe iommu_resv' for the rest");
}

void say_no_facts(const struct group *g)
{
	warnx("group %u: the module is not loaded ('modprobe iommu_resv'), or does not show this group",
	      g->id);
}
