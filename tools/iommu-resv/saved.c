// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file in which declare --save and window --save keep settings, one a line:
 *
 *	declare OWNER 0xSTART-0xEND
 *	window OWNER REQUEST
 *
 * OWNER is a device by its address (0000:03:00.0) or name, or by its vendor and model
 * (8086:1592), which finds all such devices wherever they are.  The end is inclusive.
 * REQUEST is what the kernel's file msi_window takes.  Other lines are the
 * administrator's: they are kept, and those that are not comments are reported.
 *
 * "iommu-resv apply" brings what was saved into force.  A systemd service of the
 * package runs it at boot, and udev rules when a group is added later.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "names.h"
#include "pick.h"
#include "replace.h"
#include "saved.h"
#include "sysfs.h"
#include "xalloc.h"

const char *const saved_kinds[] = {
	[SAVED_DECLARE] = "declare",
	[SAVED_WINDOW] = "window",
};

/**
 * saved_names_model() - is it VENDOR:DEVICE, four hexadecimal digits each?
 * @word: what the user wrote
 */
bool saved_names_model(const char *word)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	return strlen(word) == 9 && word[4] == ':' && strspn(word, digits) == 4 &&
	       strspn(word + 5, digits) == 4;
}

static char *lower(const char *word)
{
	char *copy = xstrdup(word), *c;

	for (c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

/*
 * Check only the form, because the device may be absent: the whole address of a PCI
 * device, or the name of another device, without colons.
 */
static bool is_name(const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	unsigned int domain, bus, slot, function;
	int end = 0;

	if (strchr(word, ':'))
		return sscanf(word, "%8x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function,
			      &end) == 4 &&
		       !word[end] && strspn(word, "0123456789abcdef:.") == strlen(word);
	return strpbrk(word, letters) && *word != '.' && strlen(word) < 64 &&
	       !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")];
}

/**
 * saved_owner() - the owner under which to save a setting for @word
 * @ctl: options
 * @word: a device, VENDOR:DEVICE, or a group, whose number changes from boot to boot
 *
 * Exits with a message if it has no lasting name.
 *
 * Return: an address or VENDOR:DEVICE, to be freed
 */
char *saved_owner(struct control *ctl, const char *word)
{
	struct groups groups;
	char *name, *copy;

	if (saved_names_model(word))
		return lower(word);
	name = device_name(word);
	if (is_name(name))
		return name;
	free(name);
	copy = xstrdup(word);
	if (groups_find(ctl, NULL, 1, &copy, &groups))
		exit(EXIT_TROUBLE);
	free(copy);
	if (groups.g[0].nr_devices != 1)
		errx(EXIT_TROUBLE, "group %u has %zu devices, and its number may change at the next boot: name the device, or give VENDOR:DEVICE",
		     groups.g[0].id, groups.g[0].nr_devices);
	name = xstrdup(groups.g[0].devices[0].name);
	groups_free(&groups);
	return name;
}

/**
 * saved_owns() - is a device of the group the owner?
 * @owner: of saved_owner()
 * @g: the group
 */
bool saved_owns(const char *owner, const struct group *g)
{
	bool model = saved_names_model(owner);
	struct pick pick;
	size_t i;

	if (model)
		pick_word(owner, &pick);
	for (i = 0; i < g->nr_devices; i++) {
		const struct device *d = &g->devices[i];

		if (model ? pick_device(&pick, d) : !strcmp(d->name, owner))
			return true;
	}
	return false;
}

static bool is_owned(const struct group *g, const void *owner)
{
	return saved_owns(owner, g);
}

/**
 * region_holds() - does VFIO refuse maps there because of exactly this declaration?
 * @g: the group
 * @range: ends included
 */
bool region_holds(const struct group *g, const struct range *range)
{
	size_t i;

	for (i = 0; i < g->nr_regions; i++) {
		const struct region *r = &g->regions[i];

		if (region_is_declared(r) && r->enforced && r->at.start == range->start &&
		    r->at.end == range->end)
			return true;
	}
	return false;
}

/**
 * saved_groups() - read groups, with the ids of their devices
 * @ctl: options
 * @argc: number of @argv
 * @argv: groups or devices; none for all
 * @groups: to fill; groups_free() it whatever is returned
 *
 * Return: 0, or an exit code after saying why
 */
int saved_groups(struct control *ctl, int argc, char **argv, struct groups *groups)
{
	struct names *names = names_open(ctl);
	int ret = argc ? groups_find(ctl, names, argc, argv, groups) :
			 groups_read(ctl, names, groups);

	names_close(names);
	return ret;
}

/**
 * groups_meant() - the groups that a word of the user names
 * @ctl: options
 * @word: VENDOR:DEVICE for all that have such a device; else a group or a device
 * @groups: to fill; groups_free() it whatever is returned
 *
 * Return: 0, or an exit code after saying why
 */
int groups_meant(struct control *ctl, char *word, struct groups *groups)
{
	struct pick pick;
	int ret;

	if (!saved_names_model(word))
		return saved_groups(ctl, 1, &word, groups);
	ctl->device = word;
	pick_parse(ctl, &pick);
	ret = saved_groups(ctl, 0, NULL, groups);
	return ret ?: pick_groups(ctl, &pick, groups);
}

/**
 * saved_present() - the groups in which what is being saved can be in force now
 * @ctl: options
 * @owner: of saved_owner()
 * @groups: to fill; groups_free() it whatever is left in it
 *
 * The device may be added later, and the module loaded later; then there are none, and
 * this says so.
 */
void saved_present(struct control *ctl, const char *owner, struct groups *groups)
{
	*groups = (struct groups) { 0 };
	if (!ctl->loaded) {
		warnx("saved, but the module is not loaded: it takes effect after 'modprobe iommu_resv' and 'iommu-resv apply'");
		return;
	}
	saved_groups(ctl, 0, NULL, groups);
	groups_keep(groups, is_owned, owner);
	if (!groups->nr)
		warnx("saved, but no group has the device %s yet: it takes effect when the device is added", owner);
}

static bool parse_range(const char *word, struct range *range)
{
	int end = 0;

	return strspn(word, "0123456789abcdefx-") == strlen(word) &&
	       sscanf(word, "0x%16" SCNx64 "-0x%16" SCNx64 "%n", &range->start, &range->end,
		      &end) == 2 &&
	       !word[end] && range->start <= range->end;
}

/* Pass only letters to the kernel that a request can have. */
static bool parse_request(const char *text)
{
	return *text && strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz ,=-") == strlen(text) &&
	       (!strncmp(text, "0x", 2) || !strncmp(text, "auto", 4)) && strlen(text) < 512;
}

static bool parse_line(const char *line, struct saved_item *item)
{
	char *copy = xstrdup(line), *rest = copy, *kind, *owner;
	bool good = false;

	*item = (struct saved_item) { 0 };
	kind = strsep(&rest, " ");
	owner = strsep(&rest, " ");
	if (owner && rest && (saved_names_model(owner) || is_name(owner))) {
		if (!strcmp(kind, saved_kinds[SAVED_DECLARE])) {
			item->kind = SAVED_DECLARE;
			good = parse_range(rest, &item->range);
		} else if (!strcmp(kind, saved_kinds[SAVED_WINDOW])) {
			item->kind = SAVED_WINDOW;
			good = parse_request(rest);
			item->request = xstrdup(rest);
		}
		item->owner = saved_names_model(owner) ? lower(owner) : xstrdup(owner);
	}
	if (!good) {
		free(item->owner);
		free(item->request);
	}
	free(copy);
	return good;
}

static bool is_comment(const char *line)
{
	line += strspn(line, " \t");
	return !*line || *line == '#';
}

/* Return: 0, -ENOENT if nothing was saved, or -errno */
static int text_of_saved(struct text *t)
{
	return text_open(t, xstrdup(RESV_SAVED));
}

/**
 * saved_read() - read what was saved
 * @saved: to fill; saved_free() it if true is returned
 *
 * Return: false, after a message, if the file is there and cannot be read
 */
bool saved_read(struct saved *saved)
{
	struct saved_item item;
	struct text t;
	char *line;
	int ret = text_of_saved(&t);

	*saved = (struct saved) { 0 };
	if (ret == -ENOENT)
		return true;
	if (ret) {
		warnx("%s: %s", RESV_SAVED, strerror(-ret));
		return false;
	}
	while (text_next(&t, &line)) {
		if (is_comment(line))
			continue;
		if (!parse_line(line, &item)) {
			text_bad(&t, line);
			continue;
		}
		saved->items = xreallocarray(saved->items, saved->nr + 1, sizeof(item));
		saved->items[saved->nr++] = item;
	}
	saved->bad = !text_close(&t);
	return true;
}

/**
 * saved_lock() - wait until no other process changes saved lines or settings in force
 *
 * udev runs "apply" for each group that changes, in addition to the unit at boot.  If two of
 * these processes find that a region is not in force yet, both write it, and the second
 * write fails (EEXIST).  If a process reads the file before another one removes a region
 * from it, the first one declares that region again.
 *
 * The lock is on a file of its own, because each change replaces the file with the saved
 * lines.  Only root can open the file of the lock.  The lock ends with the process.
 */
void saved_lock(void)
{
	int fd = open(RESV_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int ret;

	do {
		ret = fd < 0 ? -1 : flock(fd, LOCK_EX);
	} while (ret && fd >= 0 && errno == EINTR);
	if (ret)
		warn("cannot lock %s, so that another change at the same time may undo this one",
		     RESV_LOCK);
}

/**
 * saved_free() - free what was read
 * @saved: of saved_read()
 */
void saved_free(struct saved *saved)
{
	while (saved->nr) {
		struct saved_item *item = &saved->items[--saved->nr];

		free(item->owner);
		free(item->request);
	}
	free(saved->items);
}

static const char heading[] =
	"# What 'iommu-resv declare --save' and 'iommu-resv window --save' have saved, for\n"
	"# 'iommu-resv apply'. Lines that begin with # are yours.\n";

/**
 * struct edit - one change of the file
 * @drop: leave these items out
 * @data: for @drop
 * @line: put this at the end, or NULL
 * @dropped: how many were left out
 */
struct edit {
	bool (*drop)(const struct saved_item *item, const void *data);
	const void *data;
	const char *line;
	unsigned int dropped;
};

static bool is_dropped(struct edit *edit, const char *line)
{
	struct saved_item item;
	bool drop;

	if (is_comment(line) || !parse_line(line, &item))
		return false;
	drop = edit->drop(&item, edit->data);
	edit->dropped += drop;
	free(item.owner);
	free(item.request);
	return drop;
}

/* Write the new content.  Return: false if the old one is not only text */
static bool write_edited(struct edit *edit, struct text *old, FILE *out)
{
	char *line;

	while (text_next(old, &line))
		if (!is_dropped(edit, line))
			fprintf(out, "%s\n", line);
	/* Do not lose what text_next() has skipped. */
	return text_close(old);
}

/* Keep all other lines of the file as they are, even invalid ones. */
static int edit_file(struct edit *edit)
{
	struct text old;
	bool good = true;
	char *text;
	size_t len;
	FILE *out;
	int ret = text_of_saved(&old);

	if (ret && ret != -ENOENT) {
		warnx("%s: %s", RESV_SAVED, strerror(-ret));
		return EXIT_TROUBLE;
	}
	out = open_memstream(&text, &len);
	if (!out)
		err(EXIT_TROUBLE, "cannot write");
	if (ret)
		fputs(heading, out);
	else
		good = write_edited(edit, &old, out);
	if (edit->line)
		fprintf(out, "%s\n", edit->line);
	fclose(out);
	ret = good ? EXIT_OK : EXIT_TROUBLE;
	if (!good)
		warnx("%s is unchanged: it has bytes that are not text, remove them first", RESV_SAVED);
	else if (edit->line || edit->dropped)
		ret = replace_file(RESV_SAVED, text, len, 0644);
	free(text);
	return ret;
}

/* The region of @data, or all regions of its owner if it has no range */
struct wanted {
	const char *owner;
	const struct range *range;
};

static bool is_region(const struct saved_item *item, const void *data)
{
	const struct wanted *w = data;

	return item->kind == SAVED_DECLARE && !strcmp(item->owner, w->owner) &&
	       (!w->range || (item->range.start == w->range->start &&
			      item->range.end == w->range->end));
}

static bool is_window(const struct saved_item *item, const void *data)
{
	const struct wanted *w = data;

	return item->kind == SAVED_WINDOW && !strcmp(item->owner, w->owner);
}

/**
 * saved_add_declare() - save a region, once
 * @owner: of saved_owner()
 * @range: whole pages
 *
 * Return: an exit code, after saying what went wrong
 */
int saved_add_declare(const char *owner, const struct range *range)
{
	struct wanted w = { owner, range };
	struct edit edit = { .drop = is_region, .data = &w };
	char *line = xasprintf("declare %s 0x%" PRIx64 "-0x%" PRIx64, owner, range->start,
			       range->end);
	int ret;

	edit.line = line;
	ret = edit_file(&edit);
	free(line);
	return ret;
}

/**
 * saved_add_window() - save where a window goes, in place of what was saved before
 * @owner: of saved_owner()
 * @request: as the kernel's file takes it; "default" forgets
 *
 * Return: an exit code, after saying what went wrong
 */
int saved_add_window(const char *owner, const char *request)
{
	struct wanted w = { owner, NULL };
	struct edit edit = { .drop = is_window, .data = &w };
	char *line = xasprintf("window %s %s", owner, request);
	int ret;

	if (strcmp(request, "default"))
		edit.line = line;
	ret = edit_file(&edit);
	free(line);
	return ret;
}

static int forget(const char *owner, const struct range *range, const char *what,
		  bool (*drop)(const struct saved_item *item, const void *data))
{
	struct wanted w = { owner, range };
	struct edit edit = { .drop = drop, .data = &w };
	int ret = edit_file(&edit);

	if (ret || edit.dropped)
		return ret;
	warnx("no %s is saved for %s: 'iommu-resv saved' lists what is", what, owner);
	return EXIT_TROUBLE;
}

/**
 * saved_forget_declare() - remove a region from the file
 * @owner: of saved_owner()
 * @range: exactly that; NULL for all of the owner
 *
 * Return: an exit code, after saying what went wrong
 */
int saved_forget_declare(const char *owner, const struct range *range)
{
	return forget(owner, range, range ? "such region" : "region", is_region);
}

/**
 * saved_forget_window() - remove a window from the file
 * @owner: of saved_owner()
 *
 * Return: an exit code, after saying what went wrong
 */
int saved_forget_window(const char *owner)
{
	return forget(owner, NULL, "MSI window", is_window);
}
