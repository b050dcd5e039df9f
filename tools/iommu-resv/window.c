// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv window: where the host maps the doorbells for interrupt messages. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "names.h"
#include "put.h"
#include "range.h"
#include "saved.h"
#include "sysfs.h"
#include "xalloc.h"

/**
 * struct request - a place requested for the MSI window
 * @text: the request in the form that the kernel's file takes
 * @placed: the user gave the base, @at.start; else the module finds the place
 * @sized: the user gave the size, so @at.end is valid; else the module knows it
 * @at: the requested place
 * @avoids: the user gave ranges to avoid
 */
struct request {
	char *text;
	bool placed;
	bool sized;
	struct range at;
	bool avoids;
};

/* "group 2: 0x9000000-0x90fffff" or "group 2: auto", as messages begin. */
static char *subject(const struct group *g, const struct request *req)
{
	if (req->sized)
		return xasprintf("group %u: 0x%" PRIx64 "-0x%" PRIx64, g->id,
				 req->at.start, req->at.end);
	if (req->placed)
		return xasprintf("group %u: 0x%" PRIx64, g->id, req->at.start);
	return xasprintf("group %u: %.*s", g->id,
			 (int)strcspn(req->text, ","), req->text);
}

/* The requested place; without a size the window keeps its present size. */
static struct range window_asked(const struct group *g,
				 const struct request *req)
{
	struct range at = req->at;
	uint64_t more = PAGE_MIN - 1;

	if (req->sized)
		return at;
	if (g->window_state == WINDOW_THERE)
		more = g->window.end - g->window.start;
	at.end = at.start > UINT64_MAX - more ? UINT64_MAX : at.start + more;
	return at;
}

static void say_overlap(const char *what, const struct group *g,
			const struct request *req)
{
	struct range at = window_asked(g, req);
	char *text;
	size_t i;

	for (i = 0; i < g->nr_regions; i++)
		if (region_harms_window(&g->regions[i], &at))
			break;
	if (i == g->nr_regions) {
		warnx("%s overlaps a region of the group, or a window of a PCI bridge ('iommu-resv show %u', /proc/iomem): choose another place, or 'iommu-resv window %u auto'",
		      what, g->id, g->id);
		return;
	}
	text = format_region(&g->regions[i]);
	warnx("%s overlaps %s: choose another place, or 'iommu-resv window %u auto'",
	      what, text, g->id);
	free(text);
}

static void say_outside(const char *what, const struct group *g,
			const struct request *req)
{
	struct range at = window_asked(g, req);

	if (!g->aperture_known)
		warnx("%s is not below 4 GiB, where it must be while the aperture is not known, or if a device of the group has only 32-bit MSI",
		      what);
	else if (at.start >= g->aperture.start &&
		 at.end <= g->aperture.end && at.end >= 1ULL << 32)
		warnx("%s is not below 4 GiB, where it must be because a device of the group has only 32-bit MSI",
		      what);
	else
		warnx("%s is not inside the aperture 0x%" PRIx64 "-0x%" PRIx64 ": choose a place inside",
		      what, g->aperture.start, g->aperture.end);
}

static void say_no_space(const char *what, const struct group *g,
			 const struct request *req)
{
	if (req->avoids)
		warnx("%s: no place is free of the ranges to avoid, the group's regions and the windows of PCI bridges (below 4 GiB if a device has only 32-bit MSI): avoid less",
		      what);
	else
		warnx("%s: no place is free of the group's regions and the windows of PCI bridges (below 4 GiB if a device has only 32-bit MSI): see 'iommu-resv show %u', and undeclare what is not needed",
		      what, g->id);
}

static void say_unsupported(const char *what, const struct group *g)
{
	switch (g->window_state) {
	case WINDOW_NONE:
		warnx("group %u: there is no MSI window to move: the hardware fixes where messages go",
		      g->id);
		break;
	case WINDOW_THERE:
		warnx("%s would have no effect, because no hook works for this group: see 'iommu-resv hooks', and msi-window-move in 'iommu-resv features'",
		      what);
		break;
	default:
		warnx("%s: the group has no MSI window to move, or no hook works for it: see 'iommu-resv hooks'",
		      what);
	}
}

/* Print a line for the kernel's errno that says what to do. */
static void say(const struct group *g, const struct request *req, int error)
{
	char *what = subject(g, req);

	if (error == -EINVAL && req->placed)
		warnx("%s is not made of whole pages of this IOMMU, or too small for the doorbells of this machine: see the kernel log",
		      what);
	else if (error == -EINVAL)
		warnx("%s is not accepted by the loaded module; see the kernel log",
		      what);
	else if (error == -ERANGE && req->placed)
		say_outside(what, g, req);
	else if (error == -EADDRINUSE && req->placed)
		say_overlap(what, g, req);
	else if (error == -EADDRINUSE)
		warnx("%s: the kernel's own place overlaps a declared region, which the kernel log names: undeclare that first",
		      what);
	else if (error == -ENOSPC)
		say_no_space(what, g, req);
	else if (error == -EBUSY)
		warnx("%s: the MSI window is unchanged, because the group is in use: stop its guest or program first ('fuser -v /dev/vfio/%u')",
		      what, g->id);
	else if (error == -EOPNOTSUPP)
		say_unsupported(what, g);
	else if (error == -ENODEV)
		warnx("%s: the group is going away", what);
	else
		warnx("%s: %s; see the kernel log", what,
		      strerror(-error));
	free(what);
}

static int change(const struct control *ctl, const struct group *g,
		  const struct request *req)
{
	char *path = xasprintf("%s/kernel/iommu_groups/%u/resv/msi_window",
			       ctl->sysfs, g->id);
	int ret = 0;

	if (!g->has_facts)
		say_no_facts(g);
	else if (!file_writable(path))
		warnx("group %u: the loaded module is too old to move windows",
		      g->id);
	else
		ret = file_write(path, req->text) ?: 1;
	if (ret < 0)
		say(g, req, ret);
	free(path);
	return ret == 1 ? EXIT_OK : EXIT_TROUBLE;
}

/* BASE [SIZE] */
static void ask_place(int argc, char **argv, struct request *req)
{
	uint64_t base, size = PAGE_MIN;

	if (argc > 2)
		errx(EXIT_TROUBLE, "window takes no more than BASE and SIZE: '%s'",
		     argv[2]);
	base = address_of_word(argv[0]);
	if (argc == 2)
		size = address_of_word(argv[1]);
	if (base % PAGE_MIN || size % PAGE_MIN)
		errx(EXIT_TROUBLE, "'%s' is not made of whole pages of 4 KiB",
		     argv[base % PAGE_MIN ? 0 : 1]);
	if (!base || !size)
		errx(EXIT_TROUBLE, "the MSI window cannot %s 0",
		     base ? "have size" : "be at");
	if (base > UINT64_MAX - (size - 1))
		errx(EXIT_TROUBLE, "'%s' is too large a size", argv[1]);
	req->placed = true;
	req->sized = argc == 2;
	req->at.start = base;
	req->at.end = base + (size - 1);
	req->text = req->sized ?
		xasprintf("0x%" PRIx64 " 0x%" PRIx64, base, size) :
		xasprintf("0x%" PRIx64, base);
}

/* [avoid START-END]... */
static void ask_auto(int argc, char **argv, struct request *req)
{
	struct range range;
	char *longer;
	int i;

	req->text = xstrdup("auto");
	for (i = 0; i < argc; i += 2) {
		if (strcmp(argv[i], "avoid") || i + 1 == argc)
			errx(EXIT_TROUBLE, "window auto takes 'avoid START-END', once or more: '%s'",
			     argv[i]);
		if (i / 2 == AVOID_MAX)
			errx(EXIT_TROUBLE, "window auto takes %d ranges to avoid at most",
			     AVOID_MAX);
		range_of_word(argv[i + 1], &range);
		longer = xasprintf("%s,avoid=0x%" PRIx64 "-0x%" PRIx64,
				   req->text, range.start, range.end);
		free(req->text);
		req->text = longer;
	}
	req->avoids = argc > 0;
}

static void ask(int argc, char **argv, struct request *req)
{
	*req = (struct request) { 0 };
	if (!strcmp(argv[0], "auto"))
		ask_auto(argc - 1, argv + 1, req);
	else if (strcmp(argv[0], "default"))
		ask_place(argc, argv, req);
	else if (argc > 1)
		errx(EXIT_TROUBLE, "window default takes no more: '%s'",
		     argv[1]);
	else
		req->text = xstrdup("default");
}

/* A request that was saved */
static void ask_saved(const char *text, struct request *req)
{
	int nr = sscanf(text, "0x%" SCNx64 " 0x%" SCNx64, &req->at.start, &req->at.end);

	*req = (struct request) { .at = req->at, .text = xstrdup(text) };
	req->placed = nr > 0;
	req->sized = nr == 2;
	if (req->sized)
		req->at.end += req->at.start - 1;
	req->avoids = strstr(text, "avoid");
}

/**
 * window_holds() - is the MSI window of a group at the requested place?
 * @g: the group
 * @text: as the kernel's file takes it
 */
bool window_holds(const struct group *g, const char *text)
{
	struct request req;
	bool so;

	if (g->window_state != WINDOW_THERE)
		return false;
	ask_saved(text, &req);
	/* Do not compare ranges to avoid: the module has checked them. */
	if (!req.placed)
		so = !strcmp(g->window_by, "auto");
	else
		so = !strcmp(g->window_by, "moved") && g->window.start == req.at.start &&
		     (!req.sized || g->window.end == req.at.end);
	free(req.text);
	return so;
}

/**
 * put_window() - move the MSI window of a group
 * @ctl: options
 * @g: the group
 * @text: as the kernel's file takes it
 *
 * Return: an exit code, after saying what went wrong
 */
int put_window(struct control *ctl, const struct group *g, const char *text)
{
	struct request req;
	int ret;

	ask_saved(text, &req);
	ret = change(ctl, g, &req);
	free(req.text);
	return ret;
}

static int move_all(struct control *ctl, const struct groups *groups, const struct request *req)
{
	int ret = EXIT_OK;
	size_t i;

	for (i = 0; !ret && i < groups->nr; i++)
		ret = change(ctl, &groups->g[i], req);
	return ret;
}

/* In every group named. */
static int move(struct control *ctl, char *word, const struct request *req)
{
	struct groups groups;
	int ret = groups_meant(ctl, word, &groups);

	if (!ret)
		ret = move_all(ctl, &groups, req);
	groups_free(&groups);
	return ret;
}

static int save_move(struct control *ctl, char *word, const struct request *req)
{
	char *owner = saved_owner(ctl, word);
	struct groups groups;
	int ret;

	saved_present(ctl, owner, &groups);
	ret = move_all(ctl, &groups, req);
	groups_free(&groups);
	if (!ret)
		ret = saved_add_window(owner, req->text);
	free(owner);
	return ret;
}

static int set_window(struct control *ctl, int argc, char **argv)
{
	struct request req;
	int ret;

	/* Parse all of it first, so that a bad command changes nothing. */
	ask(argc - 1, argv + 1, &req);
	may_change(ctl, "window");
	saved_lock();
	ret = ctl->save ? save_move(ctl, argv[0], &req) : move(ctl, argv[0], &req);
	free(req.text);
	return ret;
}

static int forget(struct control *ctl, const char *word)
{
	char *owner;
	int ret;

	may_change(ctl, "window");
	saved_lock();
	owner = saved_owner(ctl, word);
	ret = saved_forget_window(owner);
	free(owner);
	return ret;
}

static int show_window(struct control *ctl, char **argv)
{
	struct names *names = names_open(ctl);
	struct groups groups;
	int ret;

	ret = groups_find(ctl, names, 1, argv, &groups);
	names_close(names);
	if (!ret) {
		const struct group *g = &groups.g[0];

		if (ctl->json) {
			groups_refused(ctl, &groups);
			json_groups(ctl, &groups);
		} else if (g->has_facts) {
			print_window(ctl, g);
		}
		if (!g->has_facts)
			say_no_facts(g);
		if (g->window_state == WINDOW_UNKNOWN)
			ret = EXIT_TROUBLE;
	} else if (ctl->json) {
		ctl->gaps = true;
		json_groups(ctl, &groups);
	}
	groups_free(&groups);
	return ret;
}

int cmd_window(struct control *ctl, int argc, char **argv)
{
	if (!argc)
		errx(EXIT_TROUBLE, "which group? Give its number or a device");
	if (ctl->forget && argc > 1)
		errx(EXIT_TROUBLE, "window --forget takes a device, and no more: '%s'", argv[1]);
	if (ctl->forget)
		return forget(ctl, argv[0]);
	if (argc == 1 && ctl->save)
		errx(EXIT_TROUBLE, "window --save takes the place of the window: BASE [SIZE], auto or default");
	if (argc == 1)
		return show_window(ctl, argv);
	return set_window(ctl, argc, argv);
}
