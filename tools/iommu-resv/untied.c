// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds replacements for a device that cannot be given to a guest because of firmware: other
 * devices of the same vendor and model, and virtual functions of the device itself.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"
#include "untied.h"
#include "words.h"
#include "xalloc.h"

/* Number of names that fit into a line. */
#define NAMES_MAX	4

/* Does firmware use memory through a device of the group?  True if that is not known. */
static bool is_tied(const struct group *g)
{
	size_t i;

	if (!g->nr_regions)
		return true;
	for (i = 0; i < g->nr_regions; i++)
		if (!strcmp(g->regions[i].type, "direct"))
			return true;
	return false;
}

static const struct device *find_device(const struct groups *groups, const char *name,
					unsigned int *group)
{
	size_t i, k;

	for (i = 0; i < groups->nr; i++)
		for (k = 0; k < groups->g[i].nr_devices; k++)
			if (!strcmp(groups->g[i].devices[k].name, name)) {
				*group = groups->g[i].id;
				return &groups->g[i].devices[k];
			}
	return NULL;
}

static bool is_like(const struct device *a, const struct device *b)
{
	return a->vendor && a->model && b->vendor && b->model &&
	       !strcmp(a->vendor, b->vendor) && !strcmp(a->model, b->model);
}

static void print_others(const struct groups *groups, const struct device *d)
{
	size_t i, k, nr = 0;

	for (i = 0; i < groups->nr; i++)
		for (k = 0; k < groups->g[i].nr_devices && !is_tied(&groups->g[i]); k++) {
			if (!is_like(&groups->g[i].devices[k], d))
				continue;
			if (nr < NAMES_MAX)
				printf("%s %s", nr ? "" : "  of the same model, without such a region:",
				       groups->g[i].devices[k].name);
			nr++;
		}
	if (nr > NAMES_MAX)
		printf(" and %zu more", nr - NAMES_MAX);
	if (nr)
		putchar('\n');
}

static uint64_t number_in(const char *dir, const char *file)
{
	uint64_t value = 0;
	struct text t;
	char *line;

	if (text_open(&t, xasprintf("%s/%s", dir, file)))
		return 0;
	if (!text_next(&t, &line) || !word_decimal(line, &value))
		value = 0;
	text_close(&t);
	return value;
}

/* The name comes from a file, and becomes part of a path and of a command. */
static bool is_pci_name(const char *name)
{
	return strspn(name, "0123456789abcdef:.") == strlen(name) && strchr(name, ':');
}

/*
 * Virtual functions are rarely in the scope of a region, as firmware knows nothing of
 * them.  The kernel changes their number only from 0 on, and only if a driver can.
 */
static void print_functions(const struct control *ctl, unsigned int group,
			    const struct device *d)
{
	/*
	 * Through the group, because a copy of "save" has nothing else about devices.
	 */
	char *dir = xasprintf("%s/kernel/iommu_groups/%u/devices/%s", ctl->sysfs, group,
			      d->name);
	uint64_t most = number_in(dir, "sriov_totalvfs");
	uint64_t nr = number_in(dir, "sriov_numvfs");

	if (nr)
		printf("  it has %" PRIu64 " virtual functions, which mostly have no such region\n", nr);
	else if (most && d->driver && strcmp(d->driver, "vfio-pci"))
		printf("  virtual functions mostly have no such region; for NUMBER of them, %" PRIu64 " at most:\n"
		       "    echo NUMBER > /sys/bus/pci/devices/%s/sriov_numvfs\n", most, d->name);
	else if (most)
		printf("  virtual functions mostly have no such region, and its host driver can create %" PRIu64 "\n",
		       most);
	free(dir);
}

/* Return: false if the groups cannot be read */
static bool read_all(struct control *ctl, struct untied *untied)
{
	bool gaps = ctl->gaps;

	if (untied->read)
		return untied->good;
	untied->read = true;
	untied->good = !groups_read(ctl, NULL, &untied->groups);
	if (untied->good)
		groups_details(ctl, &untied->groups);
	/* Errors in other groups do not make this answer incomplete. */
	ctl->gaps = gaps;
	return untied->good;
}

/**
 * untied_print() - name what can be given to a guest in place of a device
 * @ctl: options
 * @untied: all zero before the first call; untied_free() it after the last one
 * @device: a device with a region of type direct
 *
 * This reads all groups, once.
 */
void untied_print(struct control *ctl, struct untied *untied, const char *device)
{
	const struct device *d = NULL;
	unsigned int group;

	if (is_pci_name(device) && read_all(ctl, untied))
		d = find_device(&untied->groups, device, &group);
	if (d) {
		print_others(&untied->groups, d);
		print_functions(ctl, group, d);
	}
}

/**
 * untied_free() - free what was read
 * @untied: of untied_print()
 */
void untied_free(struct untied *untied)
{
	if (untied->read)
		groups_free(&untied->groups);
}
