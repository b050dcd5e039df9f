// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads what sysfs says about IOMMU groups.  A file that is absent, or that answers
 * ENODATA because the kernel cannot know yet, leaves its fact unknown. Any other error
 * is reported and marks the answer as incomplete.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"
#include "features.h"
#include "names.h"
#include "no_groups.h"
#include "range.h"
#include "sysfs.h"
#include "words.h"
#include "xalloc.h"

#define KERNEL_DIGITS	16	/* the kernel prints addresses as 0x%016llx */
#define COMM_MAX	64	/* a process name has at most 15 bytes so far */

bool ranges_overlap(const struct range *a, const struct range *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static bool touches_usable(const struct group *g, const struct range *range)
{
	size_t i;

	for (i = 0; i < g->usable.nr; i++)
		if (ranges_overlap(&g->usable.r[i], range))
			return true;
	return false;
}

/**
 * region_refuses() - is it taken out of the usable ranges?
 * @g: its group
 * @r: region
 *
 * If maps are not checked, all regions are advice, but a guest must still avoid those
 * on the kernel's list. If the module also makes that list, the usable ranges show
 * which regions are on it.
 */
bool region_refuses(const struct group *g, const struct region *r)
{
	if (r->told && r->enforced)
		return true;
	if (!strcmp(r->type, "direct-relaxable") || !strcmp(r->type, "pci-window"))
		return false;
	if (!(r->told && r->added))
		return true;
	return g->unchecked && !(g->usable_known && touches_usable(g, &r->at));
}

bool region_is_declared(const struct region *r)
{
	return r->told && !strcmp(r->origin, "admin");
}

/**
 * region_harms_window() - would messages get lost if the MSI window were there?
 * @r: region
 * @window: where the MSI window is, or will be
 *
 * The group's sw-msi region is the window itself.
 */
bool region_harms_window(const struct region *r, const struct range *window)
{
	return ranges_overlap(&r->at, window) && strcmp(r->type, "sw-msi") &&
	       strcmp(r->type, "out-of-range");
}

/* Opens a file that may be absent; -errno leaves its fact unknown. */
static int fact_try(struct control *ctl, struct text *t, char *path)
{
	char *name = xstrdup(path);
	int ret = text_open(t, path);

	/* ENODEV: the group went away while its file was open. */
	if (ret && ret != -ENOENT && ret != -ENODATA && ret != -ENODEV) {
		errno = -ret;
		warn("%s", name);
		ctl->gaps = true;
	}
	free(name);
	return ret;
}

static bool fact_open(struct control *ctl, struct text *t, char *path)
{
	return !fact_try(ctl, t, path);
}

static void fact_close(struct control *ctl, struct text *t)
{
	if (!text_close(t))
		ctl->gaps = true;
}

static bool range_parse(char *const *words, struct range *range)
{
	return word_hex(words[0], KERNEL_DIGITS, &range->start) &&
	       word_hex(words[1], KERNEL_DIGITS, &range->end) &&
	       range->start <= range->end;
}

static bool last_word_ok(const char *word)
{
	return word[0] && !strchr(word, ' ');
}

static struct region *add_region(struct group *g)
{
	g->regions = xreallocarray(g->regions, g->nr_regions + 1,
				   sizeof(*g->regions));
	return &g->regions[g->nr_regions++];
}

/* START END TYPE ORIGIN DEVICE native|added enforced|advice [ht-ignore], then future columns */
static bool parse_fact(struct group *g, char *line)
{
	struct range at;
	struct region *r;
	char *w[8];

	if (!words_split(line, w, 7))
		return false;
	w[7] = strchr(w[6], ' ');
	if (w[7])
		*w[7]++ = '\0';
	if (!range_parse(w, &at) ||
	    !word_is_name(w[2]) || !word_is_name(w[3]) ||
	    !word_among(w[5], "native", "added") ||
	    !word_among(w[6], "enforced", "advice"))
		return false;
	r = add_region(g);
	*r = (struct region) {
		.at = at,
		.type = xstrdup(w[2]),
		.origin = xstrdup(w[3]),
		.device = strcmp(w[4], "-") ? xstrdup(w[4]) : NULL,
		.told = true,
		.added = !strcmp(w[5], "added"),
		.enforced = !strcmp(w[6], "enforced"),
		.ht_ignore = w[7] && !strcmp(strsep(&w[7], " "), "ht-ignore"),
	};
	return true;
}

/* START END TYPE, the kernel's own file */
static bool parse_kernel(struct group *g, char *line)
{
	struct range at;
	struct region *r;
	char *w[3];

	if (!words_split(line, w, 3) || !range_parse(w, &at) ||
	    !word_is_name(w[2]))
		return false;
	r = add_region(g);
	*r = (struct region) {
		.at = at,
		.type = xstrdup(w[2]),
		.origin = xstrdup("kernel"),
	};
	return true;
}

static bool parse_usable(struct group *g, char *line)
{
	struct ranges *u = &g->usable;
	struct range range;
	char *w[2];

	if (!words_split(line, w, 2) || !range_parse(w, &range))
		return false;
	if (u->nr && range.start <= u->r[u->nr - 1].end)
		return false;
	u->r = xreallocarray(u->r, u->nr + 1, sizeof(*u->r));
	u->r[u->nr++] = range;
	return true;
}

static bool parse_aperture(struct group *g, char *line)
{
	char *w[2];

	if (g->aperture_known || !words_split(line, w, 2) ||
	    !range_parse(w, &g->aperture))
		return false;
	g->aperture_known = true;
	return true;
}

static bool parse_isolation(struct group *g, char *line)
{
	if (g->msi_isolation || (!word_among(line, "isolated", "unsafe") &&
				 strcmp(line, "unknown")))
		return false;
	g->msi_isolation = xstrdup(line);
	return true;
}

/* BASE SIZE kernel|moved|auto, or none */
static bool parse_window(struct group *g, char *line)
{
	uint64_t base, size;
	char *w[3];

	if (g->window_state != WINDOW_UNKNOWN)
		return false;
	if (!strcmp(line, "none")) {
		g->window_state = WINDOW_NONE;
		return true;
	}
	if (!words_split(line, w, 3) || !word_hex(w[0], 1, &base) ||
	    !word_hex(w[1], 1, &size) || !size || base > UINT64_MAX - (size - 1))
		return false;
	if (!word_among(w[2], "kernel", "moved") && strcmp(w[2], "auto"))
		return false;
	g->window_state = WINDOW_THERE;
	g->window.start = base;
	g->window.end = base + (size - 1);
	g->window_by = xstrdup(w[2]);
	return true;
}

/* 0xSIZE: a power of two, as pages are */
static bool parse_page_size(struct group *g, char *line)
{
	uint64_t size;

	if (!word_hex(line, 1, &size) || size < PAGE_MIN || size & (size - 1))
		return false;
	g->page_size = size;
	g->page_told = true;
	return true;
}

/* If the module does not report the page size, VFIO demands at least pages of this kernel. */
static uint64_t page_size(const struct control *ctl)
{
	return strcmp(ctl->sysfs, RESV_SYSFS) ? PAGE_MIN :
						(uint64_t)sysconf(_SC_PAGESIZE);
}

/* EINVAL, or a number if the module has no name for it */
static bool word_is_errno(const char *word)
{
	size_t len = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	uint64_t number;

	return word_decimal(word, &number) ||
	       (word[0] == 'E' && len > 1 && len < 32 && word[len] == '\0');
}

/* REGIONSTART REGIONEND TYPE ORIGIN DEVICE */
static bool parse_hit(struct refused *refused, char **w)
{
	struct range at;

	if (refused->map.start > refused->map.end || !range_parse(w, &at) ||
	    !word_is_name(w[2]) || !word_is_name(w[3]))
		return false;
	refused->hit = (struct region) {
		.at = at,
		.type = xstrdup(w[2]),
		.origin = xstrdup(w[3]),
		.device = strcmp(w[4], "-") ? xstrdup(w[4]) : NULL,
	};
	return true;
}

/* - - REASON ERRNO - */
static bool parse_reason(struct refused *refused, char **w)
{
	if (strcmp(w[1], "-") || strcmp(w[4], "-") || !word_is_name(w[2]) ||
	    !word_is_errno(w[3]))
		return false;
	refused->reason = xstrdup(w[2]);
	refused->error = xstrdup(w[3]);
	return true;
}

/*
 * START END REGIONSTART REGIONEND TYPE ORIGIN DEVICE PID COMM, or START END - - REASON
 * ERRNO - PID COMM: the process chooses the last word itself, so it may begin or end
 * with blanks, or be empty.  START and END of an attach are -.
 */
static bool parse_last_refused(struct refused *refused, char *line)
{
	struct range *map = &refused->map;
	char *w[8], *comm;

	if (!words_split(line, w, 8))
		return false;
	refused->attach = !strcmp(w[0], "-") && !strcmp(w[1], "-");
	if (!refused->attach && (!word_hex(w[0], KERNEL_DIGITS, &map->start) ||
				 !word_hex(w[1], KERNEL_DIGITS, &map->end)))
		return false;
	comm = strchr(w[7], ' ');
	if (!comm)
		return false;
	*comm++ = '\0';
	if (!word_decimal(w[7], &refused->pid) || strlen(comm) > COMM_MAX)
		return false;
	if (strcmp(w[2], "-") ? !parse_hit(refused, w + 2) : !parse_reason(refused, w + 2))
		return false;
	refused->comm = xstrdup(comm);
	return true;
}

/* The number of maps, and a line about the last if there is one. */
static bool parse_refused(struct refused *refused, unsigned int nr, char *line)
{
	if (nr == 1)
		return word_decimal(line, &refused->count);
	return nr == 2 && refused->count && parse_last_refused(refused, line);
}

static bool parse_domain(struct group *g, char *line)
{
	if (g->domain || !last_word_ok(line))
		return false;
	g->domain = xstrdup(line);
	return true;
}

/* Each line of DIR/FILE through @parse; true if the file was there. */
static bool read_fact(struct control *ctl, struct group *g, const char *dir,
		      const char *file, bool (*parse)(struct group *g, char *line))
{
	struct text t;
	char *line;

	if (!fact_open(ctl, &t, xasprintf("%s/%s", dir, file)))
		return false;
	while (text_next(&t, &line)) {
		char *copy = xstrdup(line);

		if (!parse(g, line))
			text_bad(&t, copy);
		free(copy);
	}
	fact_close(ctl, &t);
	return true;
}

static void refused_free(struct refused *refused)
{
	free(refused->hit.type);
	free(refused->hit.origin);
	free(refused->hit.device);
	free(refused->reason);
	free(refused->error);
	free(refused->comm);
}

/* Take all of it, or nothing if a part is invalid. */
static void read_refused(struct control *ctl, struct group *g)
{
	char *path = xasprintf("%s/kernel/iommu_groups/%u/resv/refused",
			       ctl->sysfs, g->id);
	struct refused refused = { 0 };
	struct text t;
	char *line;
	int ret;

	/* Only root may read it, so for others the answer is complete without it. */
	if (access(path, R_OK) && errno == EACCES) {
		g->refused.unknown = REFUSED_FORBIDDEN;
		free(path);
		return;
	}
	ret = fact_try(ctl, &t, path);
	if (ret) {
		g->refused.unknown = ret == -ENODATA ? REFUSED_UNTOLD :
				     ret == -ENOENT ? REFUSED_ABSENT : REFUSED_UNREAD;
		return;
	}
	while (text_next(&t, &line)) {
		char *copy = xstrdup(line);

		if (!parse_refused(&refused, t.line, line))
			text_bad(&t, copy);
		free(copy);
	}
	if (!t.bad && (!t.line || (refused.count && !refused.comm))) {
		warnx("%s: a line is missing", t.path);
		ctl->gaps = true;
	} else {
		refused.known = !t.bad;
	}
	fact_close(ctl, &t);
	if (refused.known)
		g->refused = refused;
	else
		refused_free(&refused);
}

/*
 * Does this region show that VFIO checks no maps?  Then the module enforces regions that it
 * added itself, or the kernel's regions and the end of the aperture are not enforced.
 * Declared regions show nothing: they are added and enforced where VFIO checks maps, too.
 */
static bool tells_lack(const struct region *r)
{
	if (!r->told || !strcmp(r->type, "direct-relaxable"))
		return false;
	if (!strcmp(r->type, "out-of-range"))
		return !r->enforced;
	return r->added == r->enforced && !region_is_declared(r) &&
	       strcmp(r->type, "pci-window");
}

/**
 * group_find_checks() - who checks maps, according to the facts of the group?
 * @g: the group
 *
 * A group without holes needs no checks.
 */
void group_find_checks(struct group *g)
{
	bool any = false;
	size_t i;

	g->lacks_checks = g->refused.known && !g->refused.by_vfio;
	for (i = 0; i < g->nr_regions; i++)
		g->lacks_checks |= tells_lack(&g->regions[i]);
	g->unchecked = g->lacks_checks;
	for (i = 0; i < g->nr_regions; i++) {
		g->unchecked &= !g->regions[i].enforced;
		any |= region_refuses(g, &g->regions[i]);
	}
	g->unchecked &= any;
}

static int read_devices(struct group *g, struct names *names, const char *dir)
{
	char *path = xasprintf("%s/devices", dir);
	struct strings list;
	size_t i;
	int ret;

	ret = dir_list(path, &list);
	g->nr_devices = list.nr;
	g->devices = xreallocarray(NULL, list.nr + 1, sizeof(*g->devices));
	for (i = 0; i < list.nr; i++) {
		char *device_dir = xasprintf("%s/%s", path, list.s[i]);
		char *driver = xasprintf("%s/driver", device_dir);

		g->devices[i] = (struct device) {
			.name = xstrdup(list.s[i]),
			.seen = file_exists(device_dir),
			.driver = link_base(driver),
		};
		if (names)
			names_product(names, device_dir, &g->devices[i]);
		free(driver);
		free(device_dir);
	}
	strings_free(&list);
	free(path);
	return ret;
}

static void group_free(struct group *g)
{
	size_t i;

	for (i = 0; i < g->nr_devices; i++) {
		free(g->devices[i].name);
		free(g->devices[i].driver);
		free(g->devices[i].product);
		free(g->devices[i].ids);
		free(g->devices[i].vendor);
		free(g->devices[i].model);
		free(g->devices[i].class);
		free(g->devices[i].iommu);
	}
	for (i = 0; i < g->nr_regions; i++) {
		free(g->regions[i].type);
		free(g->regions[i].origin);
		free(g->regions[i].device);
	}
	free(g->devices);
	free(g->regions);
	free(g->usable.r);
	free(g->domain);
	free(g->msi_isolation);
	free(g->window_by);
	refused_free(&g->refused);
}

void groups_free(struct groups *groups)
{
	size_t i;

	for (i = 0; i < groups->nr; i++)
		group_free(&groups->g[i]);
	free(groups->g);
}

/**
 * groups_keep() - keep some groups and free the others
 * @groups: groups
 * @wanted: is a group to be kept?
 * @data: for @wanted
 */
void groups_keep(struct groups *groups,
		 bool (*wanted)(const struct group *g, const void *data), const void *data)
{
	size_t i, nr = 0;

	for (i = 0; i < groups->nr; i++) {
		if (wanted(&groups->g[i], data))
			groups->g[nr++] = groups->g[i];
		else
			group_free(&groups->g[i]);
	}
	groups->nr = nr;
}

static char *groups_dir(const struct control *ctl)
{
	return xasprintf("%s/kernel/iommu_groups", ctl->sysfs);
}

/**
 * groups_list() - names in the folder of IOMMU groups
 * @ctl: options
 * @names: to fill; strings_free() it whatever is returned
 *
 * A kernel that was built without IOMMUs has no such folder, and no groups.
 *
 * Return: 0 or -errno, after saying why
 */
int groups_list(const struct control *ctl, struct strings *names)
{
	char *kernel = xasprintf("%s/kernel", ctl->sysfs);
	char *dir = groups_dir(ctl);
	int ret = dir_list(dir, names);

	if (ret == -ENOENT && file_exists(kernel))
		ret = 0;
	if (ret) {
		errno = -ret;
		warn("%s", dir);
	}
	free(kernel);
	free(dir);
	return ret;
}

/* Add a group; -ENOENT if it does not exist, or no longer. */
static int group_read(struct control *ctl, struct names *names,
		      unsigned int id, struct groups *groups)
{
	char *dir = xasprintf("%s/kernel/iommu_groups/%u", ctl->sysfs, id);
	char *resv = xasprintf("%s/resv", dir);
	struct group g = { .id = id, .page_size = page_size(ctl) };
	int ret;

	g.has_facts = read_fact(ctl, &g, resv, "regions", parse_fact);
	if (g.has_facts) {
		/* A copy may have only the groups. */
		ctl->loaded = true;
		g.usable_known = read_fact(ctl, &g, resv, "usable", parse_usable);
		read_fact(ctl, &g, resv, "aperture", parse_aperture);
		read_fact(ctl, &g, resv, "msi_isolation", parse_isolation);
		if (!(ctl->unread & FACT_WINDOW))
			read_fact(ctl, &g, resv, "msi_window", parse_window);
		if (!(ctl->unread & FACT_PAGE_SIZE))
			read_fact(ctl, &g, resv, "page_size", parse_page_size);
		group_find_checks(&g);
	} else {
		read_fact(ctl, &g, dir, "reserved_regions", parse_kernel);
	}
	if (!(ctl->unread & FACT_DOMAIN))
		read_fact(ctl, &g, dir, "type", parse_domain);
	/* Last, so that a group that was removed meanwhile is not shown in part. */
	ret = read_devices(&g, names, dir);
	if (ret && ret != -ENOENT) {
		errno = -ret;
		warn("%s/devices", dir);
		ctl->gaps = true;
		ret = 0;
	}
	if (ret) {
		group_free(&g);
	} else {
		groups->g = xreallocarray(groups->g, groups->nr + 1,
					  sizeof(*groups->g));
		groups->g[groups->nr++] = g;
	}
	free(resv);
	free(dir);
	return ret;
}

static bool parse_id(const char *word, unsigned int *id)
{
	uint64_t value;

	if (!word_decimal(word, &value) || value > 0x7fffffff)
		return false;
	*id = (unsigned int)value;
	return true;
}

/* Read all groups, in order of their numbers; false after saying why not. */
static bool read_all(struct control *ctl, struct names *names,
		     struct groups *groups)
{
	struct strings list;
	unsigned int id;
	size_t i;
	int ret;

	*groups = (struct groups) { 0 };
	ret = groups_list(ctl, &list);
	for (i = 0; i < list.nr; i++)
		if (parse_id(list.s[i], &id))
			group_read(ctl, names, id, groups);
	strings_free(&list);
	return !ret;
}

/**
 * groups_read() - all groups, in order of their numbers
 * @ctl: options
 * @names: for the devices' names
 * @groups: to fill; groups_free() it whatever is returned
 *
 * Return: 0, or an exit code after saying why
 */
int groups_read(struct control *ctl, struct names *names, struct groups *groups)
{
	if (!read_all(ctl, names, groups))
		return EXIT_TROUBLE;
	return 0;
}

/**
 * groups_refused() - find out what was refused
 * @ctl: options
 * @groups: groups
 *
 * Only for commands that show it: the file has the names of processes, and an invalid one
 * must not make a command fail that changes something.
 */
void groups_refused(struct control *ctl, struct groups *groups)
{
	bool asked = false, native = false;
	size_t i;

	for (i = 0; i < groups->nr; i++) {
		struct group *g = &groups->g[i];

		if (!g->has_facts)
			continue;
		read_refused(ctl, g);
		if (g->refused.known && !asked) {
			native = checks_by_vfio(ctl);
			asked = true;
		}
		g->refused.by_vfio = g->refused.known && native;
		group_find_checks(g);
	}
}

/* A number of @digits in a file of a device's folder, or NULL */
static char *read_id(const char *dir, const char *file, int digits)
{
	char *line, *id = NULL;
	struct text t;
	uint64_t value;

	if (text_open(&t, xasprintf("%s/%s", dir, file)))
		return NULL;
	if (text_next(&t, &line) && word_hex(line, 1, &value) && !(value >> (4 * digits)))
		id = xasprintf("0x%0*" PRIx64, digits, value);
	text_close(&t);
	return id;
}

/* -1: the device belongs to no node. */
static bool read_node(const char *dir, unsigned int *node)
{
	struct text t;
	uint64_t value;
	char *line;
	bool found;

	if (text_open(&t, xasprintf("%s/numa_node", dir)))
		return false;
	found = text_next(&t, &line) && word_decimal(line, &value) && value <= INT_MAX;
	text_close(&t);
	if (found)
		*node = (unsigned int)value;
	return found;
}

static void device_details(struct device *d, const char *dir)
{
	char *iommu = xasprintf("%s/iommu", dir);

	d->vendor = read_id(dir, "vendor", 4);
	d->model = read_id(dir, "device", 4);
	d->class = read_id(dir, "class", 6);
	d->iommu = link_base(iommu);
	d->has_node = read_node(dir, &d->numa_node);
	free(iommu);
}

/**
 * groups_details() - find out more about devices, once
 * @ctl: options
 * @groups: groups
 *
 * For commands that show them, because it reads five more files for each device.
 */
void groups_details(const struct control *ctl, struct groups *groups)
{
	size_t i, k;

	for (i = 0; i < groups->nr; i++)
		for (k = 0; k < groups->g[i].nr_devices; k++) {
			struct device *d = &groups->g[i].devices[k];
			char *dir = xasprintf("%s/kernel/iommu_groups/%u/devices/%s",
					      ctl->sysfs, groups->g[i].id, d->name);

			device_details(d, dir);
			free(dir);
		}
}

/**
 * groups_declared() - name what is declared
 * @ctl: options
 * @all: also regions that are not enforced, such as one of the parameter for a group
 *	that was in use; most of these do not hold the module
 *
 * Return: number of regions; -1 if it cannot be known, after saying why
 */
int groups_declared(struct control *ctl, bool all)
{
	struct groups groups;
	size_t i, k;
	int nr = 0;

	if (!read_all(ctl, NULL, &groups) || ctl->gaps)
		nr = -1;
	for (i = 0; i < groups.nr; i++) {
		const struct group *g = &groups.g[i];

		for (k = 0; k < g->nr_regions && nr >= 0; k++) {
			const struct region *r = &g->regions[k];

			if (!region_is_declared(r) || !(r->enforced || all))
				continue;
			warnx("group %u has a declared region; to remove it: iommu-resv undeclare %u 0x%" PRIx64 "-0x%" PRIx64,
			      g->id, g->id, r->at.start, r->at.end);
			nr++;
		}
	}
	groups_free(&groups);
	return nr;
}

/**
 * groups_moved() - name the groups whose MSI window is not the kernel's choice
 * @ctl: options
 * @held: say that their guests may hold the module; else how to move them back
 *
 * Return: their number
 */
int groups_moved(struct control *ctl, bool held)
{
	struct groups groups;
	int nr = 0;
	size_t i;

	read_all(ctl, NULL, &groups);
	for (i = 0; i < groups.nr; i++) {
		const struct group *g = &groups.g[i];

		if (g->window_state != WINDOW_THERE ||
		    !strcmp(g->window_by, "kernel"))
			continue;
		if (held)
			warnx("group %u: its MSI window is moved: a guest with the group holds the module, and on a kernel with iommufd the moved window does, too; stop the guest ('fuser -v /dev/vfio/%u'), then: iommu-resv window %u default",
			      g->id, g->id, g->id);
		else
			warnx("group %u: its MSI window is moved; to move it back: iommu-resv window %u default",
			      g->id, g->id);
		nr++;
	}
	groups_free(&groups);
	return nr;
}

/*
 * virsh writes a mediated device as mdev_UUID, with _ for -, and newer ones with its
 * parent behind that; NULL if it is none.
 */
static char *mediated_name(const char *word)
{
	static const char form[] = "xxxxxxxx_xxxx_xxxx_xxxx_xxxxxxxxxxxx";
	char *name;
	size_t i;

	if (strncmp(word, "mdev_", 5))
		return NULL;
	word += 5;
	for (i = 0; form[i]; i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)word[i]) : word[i] != '_')
			return NULL;
	if (word[i] && word[i] != '_')
		return NULL;
	name = xasprintf("%.*s", (int)i, word);
	for (i = 0; name[i]; i++)
		name[i] = name[i] == '_' ? '-' : (char)tolower((unsigned char)name[i]);
	return name;
}

/* The name as sysfs has it: lower case, with the PCI domain; virsh has pci_0000_00_03_0. */
char *device_name(const char *word)
{
	static const char short_form[] = "xx:xx.x";
	unsigned int domain, bus, slot, function;
	char *name, end;
	size_t i;

	if (sscanf(word, "pci_%4x_%2x_%2x_%1x%c", &domain, &bus, &slot, &function,
		   &end) == 4)
		return xasprintf("%04x:%02x:%02x.%x", domain, bus, slot, function);
	name = mediated_name(word);
	if (name)
		return name;
	for (i = 0; i < sizeof(short_form) - 1; i++)
		if (short_form[i] == 'x' ? !isxdigit((unsigned char)word[i]) :
		    word[i] != short_form[i])
			break;
	if (i == sizeof(short_form) - 1 && word[i] == '\0')
		name = xasprintf("0000:%s", word);
	else
		name = xstrdup(word);
	if (strspn(name, "0123456789abcdefABCDEF:.") == strlen(name))
		for (i = 0; name[i]; i++)
			name[i] = (char)tolower((unsigned char)name[i]);
	return name;
}

static bool has_device(const char *dir, const char *group, const char *name,
		       unsigned int *id)
{
	char *path = xasprintf("%s/%s/devices/%s", dir, group, name);
	bool found = parse_id(group, id) && name_exists(path);

	free(path);
	return found;
}

/* A PCI device has a link to its group, which spares the search of all groups. */
static bool follow_link(const struct control *ctl, const char *dir, const char *name,
			unsigned int *id)
{
	char *link = xasprintf("%s/bus/pci/devices/%s/iommu_group", ctl->sysfs, name);
	char *group = link_base(link);
	bool found = group && has_device(dir, group, name, id);

	free(group);
	free(link);
	return found;
}

static bool search_groups(const char *dir, const char *name, unsigned int *id)
{
	struct strings list;
	bool found = false;
	size_t i;

	dir_list(dir, &list);
	for (i = 0; i < list.nr && !found; i++)
		found = has_device(dir, list.s[i], name, id);
	strings_free(&list);
	return found;
}

static bool find_device(const struct control *ctl, const char *word,
			unsigned int *id)
{
	char *dir = groups_dir(ctl);
	char *name = device_name(word);
	bool found = name[0] != '.' && !strchr(name, '/') &&
		     (follow_link(ctl, dir, name, id) || search_groups(dir, name, id));

	free(name);
	free(dir);
	return found;
}

/**
 * group_of() - the group that a word names
 * @ctl: options
 * @word: number of a group or name of a device
 * @id: the group's number, to fill
 *
 * Return: false, without a message, if there is no such group
 */
bool group_of(const struct control *ctl, const char *word, unsigned int *id)
{
	char *path;
	bool found;

	if (!parse_id(word, id))
		return find_device(ctl, word, id);
	path = xasprintf("%s/kernel/iommu_groups/%u", ctl->sysfs, *id);
	found = !access(path, F_OK);
	free(path);
	return found;
}

/**
 * groups_find() - the groups named on the command line, each once
 * @ctl: options
 * @names: for the devices' names
 * @argc: number of words
 * @argv: numbers of groups or names of devices
 * @groups: to fill; groups_free() it whatever is returned
 *
 * Return: 0, or an exit code after saying why
 */
int groups_find(struct control *ctl, struct names *names, int argc, char **argv,
		struct groups *groups)
{
	int i, ret = 0;

	*groups = (struct groups) { 0 };
	for (i = 0; i < argc; i++) {
		unsigned int id = 0;
		size_t j;

		if (!parse_id(argv[i], &id) && !find_device(ctl, argv[i], &id)) {
			/* The same reason for all devices */
			if (say_no_groups(ctl))
				return EXIT_TROUBLE;
			ret = EXIT_TROUBLE;
			warnx("%s: no IOMMU group has this device; some kernels create the group only when a driver is bound",
			      argv[i]);
			continue;
		}
		for (j = 0; j < groups->nr && groups->g[j].id != id; j++)
			;
		if (j == groups->nr && group_read(ctl, names, id, groups)) {
			if (say_no_groups(ctl))
				return EXIT_TROUBLE;
			warnx("%s: no such IOMMU group", argv[i]);
			ret = EXIT_TROUBLE;
		}
	}
	return ret;
}

/* The folder exists as long as the module is loaded. */
bool module_loaded(const struct control *ctl)
{
	char *path = xasprintf("%s/kernel/iommu_resv", ctl->sysfs);
	bool loaded = !access(path, F_OK);

	free(path);
	return loaded;
}
