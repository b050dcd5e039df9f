// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv declare, undeclare: regions that the admin reserves in a group. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "features.h"
#include "format.h"
#include "put.h"
#include "range.h"
#include "saved.h"
#include "sysfs.h"
#include "xalloc.h"

/* "group 2: 0x0-0xfff ", as every message begins. */
static char *subject(const struct group *g, const struct range *range)
{
	return xasprintf("group %u: 0x%" PRIx64 "-0x%" PRIx64, g->id,
			 range->start, range->end);
}

static const struct region *in_the_way(const struct group *g,
				       const struct range *range)
{
	size_t i;

	for (i = 0; i < g->nr_regions; i++) {
		const struct region *r = &g->regions[i];

		if (ranges_overlap(&r->at, range) &&
		    (region_refuses(g, r) || region_is_declared(r)))
			return r;
	}
	return NULL;
}

static void say_overlap(const char *what, const struct group *g,
			const struct range *range)
{
	const struct region *r = in_the_way(g, range);

	if (!r)
		warnx("%s overlaps a region where maps are refused: see 'iommu-resv show %u'",
		      what, g->id);
	else if (region_is_declared(r))
		warnx("%s overlaps the declared region 0x%" PRIx64 "-0x%" PRIx64 ": declare only the part outside of it, or undeclare it first",
		      what, r->at.start, r->at.end);
	else
		warnx("%s overlaps 0x%" PRIx64 "-0x%" PRIx64 " %s (%s), where maps are refused anyway: declare only the part outside of it",
		      what, r->at.start, r->at.end, r->type, r->origin);
}

static void say_not_declared(const char *what, const struct group *g)
{
	size_t i;
	unsigned int nr = 0;

	for (i = 0; i < g->nr_regions; i++)
		nr += region_is_declared(&g->regions[i]);
	warnx("%s is not declared; %s", what, nr ?
	      "undeclare exactly what was declared:" :
	      "nothing is declared in this group");
	for (i = 0; i < g->nr_regions; i++)
		if (region_is_declared(&g->regions[i]))
			warnx("  0x%" PRIx64 "-0x%" PRIx64,
			      g->regions[i].at.start, g->regions[i].at.end);
}

/* Print a line for the kernel's errno that says what to do. */
static void say(struct control *ctl, const struct group *g,
		const struct range *range, int error)
{
	char *what = subject(g, range);

	switch (error) {
	case -EINVAL:
		warnx("%s is not made of whole pages of this IOMMU: the kernel log has their size",
		      what);
		break;
	case -ERANGE:
		if (g->aperture_known)
			warnx("%s is not inside the aperture 0x%" PRIx64 "-0x%" PRIx64 ": nothing can be mapped outside of it anyway",
			      what, g->aperture.start, g->aperture.end);
		else
			warnx("%s is not inside the aperture: nothing can be mapped outside of it anyway",
			      what);
		break;
	case -EADDRINUSE:
		say_overlap(what, g, range);
		break;
	case -EEXIST:
		warnx("%s is already declared", what);
		break;
	case -ENOENT:
		say_not_declared(what, g);
		break;
	case -E2BIG:
		warnx("%s is one region too many for the kernel's file reserved_regions: declare fewer and larger regions",
		      what);
		break;
	case -EBUSY:
		warnx("%s is unchanged, because the group is in use: stop its guest or program first ('fuser -v /dev/vfio/%u')",
		      what, g->id);
		break;
	case -EOPNOTSUPP:
		if (checks_off(ctl))
			warnx("%s would not be enforced, because maps over reserved regions are not refused: see 'iommu-resv checks'",
			      what);
		else
			warnx("%s would not be enforced, because no hook works for this group: see 'iommu-resv hooks'",
			      what);
		break;
	case -ENODEV:
		warnx("%s: the group is going away", what);
		break;
	default:
		warnx("%s: %s; see the kernel log", what,
		      strerror(-error));
	}
	free(what);
}

/**
 * put_region() - add a region to those of a group, or remove it
 * @ctl: options
 * @g: the group
 * @verb: "add" or "remove"
 * @range: the region, ends included
 *
 * Return: an exit code, after saying what went wrong
 */
int put_region(struct control *ctl, const struct group *g, const char *verb,
	       const struct range *range)
{
	char *path = xasprintf("%s/kernel/iommu_groups/%u/resv/declare",
			       ctl->sysfs, g->id);
	char *text = xasprintf("%s 0x%" PRIx64 " 0x%" PRIx64, verb,
			       range->start, range->end);
	int ret = 0;

	if (!g->has_facts)
		say_no_facts(g);
	else if (!file_exists(path))
		warnx("group %u: the loaded module is too old to declare regions",
		      g->id);
	else
		ret = file_write(path, text) ?: 1;
	if (ret < 0)
		say(ctl, g, range, ret);
	free(text);
	free(path);
	return ret == 1 ? EXIT_OK : EXIT_TROUBLE;
}

/*
 * udev declares again what is saved for a device as soon as its group changes, so a
 * region must be removed from the file before it is undeclared.
 *
 * Return: true, after saying so, unless it is saved for @owner only
 */
static bool would_return(const struct saved *saved, const struct group *g,
			 const char *owner, const struct range *range)
{
	size_t i;

	for (i = 0; i < saved->nr; i++) {
		const struct saved_item *item = &saved->items[i];

		if (item->kind != SAVED_DECLARE || item->range.start != range->start ||
		    item->range.end != range->end || !saved_owns(item->owner, g) ||
		    (owner && !strcmp(owner, item->owner)))
			continue;
		warnx("group %u: 0x%" PRIx64 "-0x%" PRIx64 " is saved for %s and would be declared again: 'iommu-resv undeclare --save %s 0x%" PRIx64 "-0x%" PRIx64 "' removes it for good",
		      g->id, range->start, range->end, item->owner, item->owner,
		      range->start, range->end);
		return true;
	}
	return false;
}

/*
 * Change all groups, or none if the command knows beforehand that one would fail. With
 * --save it is no error if a region is already declared.
 */
static int change(struct control *ctl, const struct groups *groups, const char *owner,
		  const char *verb, const struct range *range)
{
	bool add = !strcmp(verb, "add");
	struct saved saved = { 0 };
	int ret = EXIT_OK;
	size_t i;

	if (!add && !saved_read(&saved))
		return EXIT_TROUBLE;
	for (i = 0; i < groups->nr; i++)
		if (would_return(&saved, &groups->g[i], owner, range))
			ret = EXIT_TROUBLE;
	saved_free(&saved);
	for (i = 0; !ret && i < groups->nr; i++) {
		const struct group *g = &groups->g[i];
		bool so = region_holds(g, range) == add;

		if (!(ctl->save && so && g->has_facts))
			ret = put_region(ctl, g, verb, range);
	}
	return ret;
}

static int change_now(struct control *ctl, char *word, const char *verb,
		      const struct range *range)
{
	struct groups groups;
	int ret = groups_meant(ctl, word, &groups);

	if (!ret)
		ret = change(ctl, &groups, NULL, verb, range);
	groups_free(&groups);
	return ret;
}

static int save_change(struct control *ctl, char *word, const char *verb,
		       const struct range *range)
{
	char *owner = saved_owner(ctl, word);
	struct groups groups;
	int ret;

	saved_present(ctl, owner, &groups);
	ret = change(ctl, &groups, owner, verb, range);
	groups_free(&groups);
	if (!ret && !strcmp(verb, "add"))
		ret = saved_add_declare(owner, range);
	else if (!ret)
		ret = saved_forget_declare(owner, range);
	free(owner);
	return ret;
}

static int forget(struct control *ctl, char *word, const struct range *range)
{
	char *owner = saved_owner(ctl, word);
	int ret = saved_forget_declare(owner, range);

	free(owner);
	return ret;
}

static int declare(struct control *ctl, int argc, char **argv,
		   const char *command, const char *verb)
{
	struct range range;

	if (ctl->forget && argc == 1) {
		may_change(ctl, command);
		saved_lock();
		return forget(ctl, argv[0], NULL);
	}
	if (argc != 2 && argc != 3)
		errx(EXIT_TROUBLE, "%s takes a group or device, and a range: START END, or START-END",
		     command);
	range_of_words(argc - 1, argv + 1, &range);
	if (!range_aligned(&range))
		errx(EXIT_TROUBLE, "0x%" PRIx64 "-0x%" PRIx64 " is not made of whole pages; the end is included, as in 0x%" PRIx64 "-0x%" PRIx64,
		     range.start, range.end, range.start & ~(uint64_t)(PAGE_MIN - 1),
		     range.end | (PAGE_MIN - 1));
	may_change(ctl, command);
	saved_lock();
	if (ctl->forget)
		return forget(ctl, argv[0], &range);
	if (ctl->save)
		return save_change(ctl, argv[0], verb, &range);
	return change_now(ctl, argv[0], verb, &range);
}

int cmd_declare(struct control *ctl, int argc, char **argv)
{
	return declare(ctl, argc, argv, "declare", "add");
}

int cmd_undeclare(struct control *ctl, int argc, char **argv)
{
	return declare(ctl, argc, argv, "undeclare", "remove");
}
