// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv check: would VFIO accept these maps? */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "features.h"
#include "format.h"
#include "logline.h"
#include "names.h"
#include "origin.h"
#include "range.h"
#include "vm/vm.h"
#include "xalloc.h"

enum verdict {
	FITS,
	FITS_NOT,
	FITS_UNKNOWN,
};

/**
 * struct maps - what check was asked about
 * @r: the ranges
 * @nr: how many
 */
struct maps {
	struct range *r;
	size_t nr;
};

static bool whole_pages(const struct group *g, const struct range *map)
{
	return map->start % g->page_size == 0 &&
	       map->end % g->page_size == g->page_size - 1;
}

static bool hit(const struct group *g, const struct region *r,
		const struct range *map)
{
	return region_refuses(g, r) && ranges_overlap(&r->at, map);
}

static bool inside_usable(const struct group *g, const struct range *map)
{
	size_t i;

	for (i = 0; i < g->usable.nr; i++)
		if (map->start >= g->usable.r[i].start &&
		    map->end <= g->usable.r[i].end)
			return true;
	return false;
}

static enum verdict judge(const struct group *g, const struct range *map)
{
	size_t i;

	if (!whole_pages(g, map))
		return FITS_NOT;
	if (g->usable_known)
		return inside_usable(g, map) ? FITS : FITS_NOT;
	for (i = 0; i < g->nr_regions; i++)
		if (hit(g, &g->regions[i], map))
			return FITS_NOT;
	return FITS_UNKNOWN;
}

static void print_region(const struct region *r, const char *note)
{
	char *text = format_region(r);

	printf("  %s%s\n", note, text);
	free(text);
}

static void print_avoid(const struct range *range)
{
	printf(" avoid 0x%" PRIx64 "-0x%" PRIx64, range->start, range->end);
}

static bool hits_window(const struct group *g, const struct range *map)
{
	size_t i;

	for (i = 0; i < g->nr_regions; i++)
		if (!strcmp(g->regions[i].type, "sw-msi") &&
		    hit(g, &g->regions[i], map))
			return true;
	return false;
}

/*
 * A place outside of all these maps, because a guest has all of them at once. If there
 * are too many for the kernel, avoid the range from the first to the last.
 */
static void say_movable(const struct group *g, const struct maps *maps)
{
	struct range whole = { .start = UINT64_MAX };
	size_t i, nr = 0;

	printf("  the MSI window can be moved: iommu-resv window %u auto", g->id);
	for (i = 0; i < maps->nr; i++) {
		const struct range *map = &maps->r[i];

		if (!whole_pages(g, map))
			continue;
		nr++;
		if (map->start < whole.start)
			whole.start = map->start;
		if (map->end > whole.end)
			whole.end = map->end;
	}
	if (nr > AVOID_MAX)
		print_avoid(&whole);
	for (i = 0; i < maps->nr && nr <= AVOID_MAX; i++)
		if (whole_pages(g, &maps->r[i]))
			print_avoid(&maps->r[i]);
	putchar('\n');
}

static void print_map(const struct group *g, const struct range *map,
		      enum verdict verdict)
{
	static const char *const words[] = {
		[FITS] = "fits",
		[FITS_NOT] = "does not fit",
		[FITS_UNKNOWN] = "unknown",
	};
	char *start = format_address(map->start);
	char *end = format_address(map->end);
	struct range without_last = { map->start, map->end - 1 };
	bool hits = false;
	size_t i;

	printf("%s-%s %s\n", start, end, words[verdict]);
	if (!whole_pages(g, map))
		printf("  not made of whole pages of %" PRIu64 " KiB\n",
		       g->page_size / 1024);
	if (map->end > map->start && whole_pages(g, &without_last))
		printf("  ends are included: 0x%" PRIx64 "-0x%" PRIx64 "?\n",
		       without_last.start, without_last.end);
	for (i = 0; i < g->nr_regions; i++) {
		const struct region *r = &g->regions[i];

		if (hit(g, r, map)) {
			print_region(r, "");
			hits = true;
		} else if (ranges_overlap(&r->at, map)) {
			print_region(r, "advice: ");
		}
	}
	if (verdict == FITS_NOT && whole_pages(g, map) && !hits)
		puts("  not inside one usable range");
	if (verdict == FITS_UNKNOWN)
		puts("  no reserved region conflicts, but the aperture is not known");
	free(start);
	free(end);
}

static void json_map(struct json *j, const struct group *g,
		     const struct range *map, enum verdict verdict)
{
	size_t i;

	json_open(j, NULL, '{');
	json_address(j, "start", map->start);
	json_address(j, "end", map->end);
	if (verdict == FITS_UNKNOWN)
		json_null(j, "fits");
	else
		json_bool(j, "fits", verdict == FITS);
	json_bool(j, "aligned", whole_pages(g, map));
	json_open(j, "hits", '[');
	for (i = 0; i < g->nr_regions; i++)
		if (hit(g, &g->regions[i], map))
			json_region(j, &g->regions[i]);
	json_close(j, ']');
	json_open(j, "advice", '[');
	for (i = 0; i < g->nr_regions; i++)
		if (!hit(g, &g->regions[i], map) &&
		    ranges_overlap(&g->regions[i].at, map))
			json_region(j, &g->regions[i]);
	json_close(j, ']');
	json_close(j, '}');
}

/* Even if the maps fit, VFIO may refuse the group: print the reasons. */
static void print_obstacles(const struct group *g, const struct obstacles *found)
{
	size_t i;

	if (found->nr)
		printf("group %u cannot be given to a guest:\n", g->id);
	for (i = 0; i < found->nr; i++) {
		char *text = obstacle_text(&found->o[i]);

		printf("  %s\n", text);
		free(text);
	}
}

static enum verdict check_group(const struct control *ctl, const struct group *g,
				const struct maps *maps, const struct obstacles *found)
{
	enum verdict verdict, all = FITS;
	struct json j = { 0 };
	bool said = false;
	size_t i;

	if (ctl->json) {
		json_report(ctl, &j, "check");
		json_number(&j, "group", g->id);
		json_bool(&j, "module_loaded", ctl->loaded);
		json_bool(&j, "complete", !ctl->gaps);
		json_open(&j, "maps", '[');
	}
	for (i = 0; i < maps->nr; i++) {
		const struct range *map = &maps->r[i];

		verdict = judge(g, map);
		if (verdict == FITS_NOT || all == FITS)
			all = verdict;
		if (ctl->json) {
			json_map(&j, g, map, verdict);
			continue;
		}
		print_map(g, map, verdict);
		if (!said && verdict == FITS_NOT && whole_pages(g, map) &&
		    hits_window(g, map)) {
			say_movable(g, maps);
			said = true;
		}
	}
	if (ctl->json) {
		json_close(&j, ']');
		if (all == FITS_UNKNOWN)
			json_null(&j, "fits");
		else
			json_bool(&j, "fits", all == FITS);
		json_obstacles(&j, found);
		json_close(&j, '}');
	} else {
		print_obstacles(g, found);
	}
	return all;
}

static void maps_add(struct maps *maps, const struct range *map)
{
	maps->r = xreallocarray(maps->r, maps->nr + 1, sizeof(*map));
	maps->r[maps->nr++] = *map;
}

/* Add the map of a line; exits with a message if it has none. */
static void add_line(struct maps *maps, const char *line)
{
	struct range map;

	switch (logline_map(line, &map)) {
	case LOGLINE_MAP:
		maps_add(maps, &map);
		break;
	case LOGLINE_BAD:
		errx(EXIT_TROUBLE, "'%s' maps nothing, or extends past the last address", line);
	case LOGLINE_OTHER:
		errx(EXIT_TROUBLE, "'%s' has no address and size of a map: write it as START+SIZE",
		     line);
	}
}

/* Add the map of each line of a log that has one. */
static void add_log(struct maps *maps, FILE *log)
{
	size_t before = maps->nr, room = 0;
	struct range map;
	char *line = NULL;

	while (getline(&line, &room, log) >= 0)
		if (logline_map(line, &map) == LOGLINE_MAP)
			maps_add(maps, &map);
	if (ferror(log))
		err(EXIT_TROUBLE, "standard input");
	free(line);
	if (maps->nr == before)
		errx(EXIT_TROUBLE, "no line of standard input has the address and size of a map");
}

static void add_word(struct maps *maps, const char *word)
{
	struct range map;

	if (!strcmp(word, "-")) {
		add_log(maps, stdin);
	} else if (logline_is(word)) {
		add_line(maps, word);
	} else {
		range_of_word(word, &map);
		maps_add(maps, &map);
	}
}

/*
 * There is no such group: write a document nevertheless, for the program that reads it.
 */
static void json_no_group(const struct control *ctl)
{
	struct json j = { 0 };

	json_report(ctl, &j, "check");
	json_null(&j, "group");
	json_bool(&j, "module_loaded", ctl->loaded);
	json_bool(&j, "complete", false);
	json_open(&j, "maps", '[');
	json_close(&j, ']');
	json_null(&j, "fits");
	json_null(&j, "assignable");
	json_open(&j, "reasons", '[');
	json_close(&j, ']');
	json_close(&j, '}');
}

int cmd_check(struct control *ctl, int argc, char **argv)
{
	static const int exit_codes[] = {
		[FITS] = EXIT_OK,
		[FITS_NOT] = EXIT_NO,
		[FITS_UNKNOWN] = EXIT_TROUBLE,
	};
	struct groups groups;
	struct maps maps = { 0 };
	struct names *names;
	int i, ret;

	if (ctl->vm)
		return check_vm(ctl, argc, argv);
	if (argc < 2)
		errx(EXIT_TROUBLE, "check takes a group or device and one or more ranges");
	/* Parse all of them first, so that a bad one does not cause half an answer. */
	for (i = 1; i < argc; i++) {
		struct range map;

		if (i + 1 < argc && range_of_pair(argv[i], argv[i + 1], &map)) {
			maps_add(&maps, &map);
			i++;
		} else {
			add_word(&maps, argv[i]);
		}
	}
	names = names_open(ctl);
	ret = groups_find(ctl, names, 1, argv, &groups);
	names_close(names);
	if (!ret) {
		const struct group *g = &groups.g[0];
		bool gaps = ctl->gaps;
		struct obstacles found;
		char *given;

		/* Refused maps are not part of this answer, so ignore errors there. */
		groups_refused(ctl, &groups);
		ctl->gaps = gaps;
		say_not_loaded(ctl);
		say_inert(ctl, g);
		given = device_name(argv[0]);
		/* If a group is named, a guest gets all of it. */
		obstacles_find(ctl, g, given[strspn(given, "0123456789")] ? given : "", &found);
		free(given);
		ret = exit_codes[check_group(ctl, g, &maps, &found)];
		if (found.nr)
			ret = EXIT_NO;
		obstacles_free(&found);
	} else if (ctl->json) {
		json_no_group(ctl);
	}
	groups_free(&groups);
	free(maps.r);
	return ret;
}
