// SPDX-License-Identifier: GPL-2.0-only
/*
 * Can a group be given to a guest?  By the rules of VFIO, in the order of what can be
 * done about it: a region that firmware uses (nothing), an IOMMU that is not there,
 * interrupts (a module parameter), drivers.
 */
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "json.h"
#include "sysfs.h"
#include "words.h"
#include "xalloc.h"

/* Lines of the file "assignable" that begin with @reason; -1 if there is no such file */
static int told(const struct control *ctl, const struct group *g, const char *reason)
{
	struct text t;
	char *line;
	int nr = 0;

	if (text_open(&t, xasprintf("%s/kernel/iommu_groups/%u/resv/assignable",
				    ctl->sysfs, g->id)))
		return -1;
	while (text_next(&t, &line))
		nr += !strncmp(line, reason, strlen(reason)) &&
		      line[strlen(reason)] == ' ';
	text_close(&t);
	return nr;
}

static bool is_bridge(const struct control *ctl, const struct group *g,
		      const char *device)
{
	struct text t;
	bool bridge;
	char *line;

	if (text_open(&t, xasprintf("%s/kernel/iommu_groups/%u/devices/%s/class",
				    ctl->sysfs, g->id, device)))
		return false;
	bridge = text_next(&t, &line) && !strncmp(line, "0x0604", 6);
	text_close(&t);
	return bridge;
}

/* drivers/vfio and the drivers with driver_managed_dma (before 5.19: vfio_dev_viable()) */
static bool is_vfio_driver(const char *driver)
{
	return strstr(driver, "vfio") || !strcmp(driver, "pci-stub") ||
	       !strcmp(driver, "pcieport");
}

/**
 * device_is_hosts() - does the driver of a device keep VFIO from its group?
 * @ctl: options
 * @g: the group
 * @d: the device
 */
bool device_is_hosts(const struct control *ctl, const struct group *g,
		     const struct device *d)
{
	return d->driver && !is_vfio_driver(d->driver) && !is_bridge(ctl, g, d->name);
}

/*
 * drivers/iommu/intel: RMRRs on every kernel; drivers/iommu/iommu.c since 6.6: all
 * direct regions.  In between VFIO attaches the device and refuses maps there.
 */
static bool is_direct(const struct group *g, const struct region *r, int told_of)
{
	if (strcmp(r->type, "direct") || !region_refuses(g, r) || !told_of)
		return false;
	return told_of > 0 || !g->lacks_checks || !strcmp(r->origin, "rmrr");
}

static bool unsafe_allowed(const struct control *ctl)
{
	char *line;
	struct text t;
	bool allowed;

	if (text_open(&t, xasprintf("%s/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
				    ctl->sysfs)))
		return false;
	allowed = text_next(&t, &line) && word_among(line, "Y", "1");
	text_close(&t);
	return allowed;
}

static void add(struct obstacles *found, enum obstacle_kind kind,
		const struct region *region, const struct device *device)
{
	found->o = xreallocarray(found->o, found->nr + 1, sizeof(*found->o));
	found->o[found->nr++] = (struct obstacle) {
		.kind = kind,
		.region = region,
		.device = device,
	};
}

/*
 * A device alone in its group is bound to VFIO's driver by who starts the guest, and so is
 * the one that was named; others of the group are not.
 */
static void find_drivers(const struct control *ctl, const struct group *g,
			 const char *given, struct obstacles *found)
{
	size_t i;

	if (g->nr_devices == 1 || (given && !*given))
		return;
	for (i = 0; i < g->nr_devices; i++) {
		const struct device *d = &g->devices[i];

		if (given && !strcmp(d->name, given))
			continue;
		/* A copy of another machine's sysfs may leave out what the link leads to. */
		if (!d->seen)
			found->unknown = true;
		else if (device_is_hosts(ctl, g, d))
			add(found, OBSTACLE_DRIVER, NULL, d);
	}
}

/**
 * obstacles_find() - what keeps VFIO from giving a group to a guest?
 * @ctl: options
 * @g: the group
 * @given: name of the device that the guest gets; NULL: any of them; "": all of them
 * @found: to fill; obstacles_free() it
 */
void obstacles_find(const struct control *ctl, const struct group *g, const char *given,
		    struct obstacles *found)
{
	int direct = told(ctl, g, "direct");
	size_t i;

	*found = (struct obstacles) { 0 };
	for (i = 0; i < g->nr_regions; i++)
		if (is_direct(g, &g->regions[i], direct))
			add(found, OBSTACLE_DIRECT, &g->regions[i], NULL);
	if (told(ctl, g, "no-iommu") > 0)
		add(found, OBSTACLE_NO_IOMMU, NULL, NULL);
	if (!g->msi_isolation || !strcmp(g->msi_isolation, "unknown"))
		found->unknown = true;
	else if (!strcmp(g->msi_isolation, "unsafe") && unsafe_allowed(ctl))
		found->unsafe = true;
	else if (!strcmp(g->msi_isolation, "unsafe"))
		add(found, OBSTACLE_INTERRUPTS, NULL, NULL);
	find_drivers(ctl, g, given, found);
}

/**
 * obstacles_free() - free what obstacles_find() has filled
 * @found: it
 */
void obstacles_free(struct obstacles *found)
{
	free(found->o);
}

/**
 * obstacles_word() - the worst of them, for a table
 * @found: all of them
 *
 * Return: a static word
 */
const char *obstacles_word(const struct obstacles *found)
{
	if (!found->nr)
		return found->unknown ? "-" : "yes";
	switch (found->o[0].kind) {
	case OBSTACLE_DIRECT:
		return strcmp(found->o[0].region->origin, "rmrr") ? "DIRECT" : "RMRR";
	case OBSTACLE_NO_IOMMU:
		return "IOMMU";
	case OBSTACLE_INTERRUPTS:
		return "IRQ";
	default:
		return "DRIVER";
	}
}

/**
 * obstacle_text() - what is in the way, and what to do
 * @o: obstacle
 *
 * Return: a line, to be freed
 */
char *obstacle_text(const struct obstacle *o)
{
	switch (o->kind) {
	case OBSTACLE_DIRECT:
		return xasprintf("firmware uses memory through %s (%s 0x%llx-0x%llx)%s: give another device, or a virtual function of this one",
				 o->region->device ?: "a device of the group",
				 o->region->origin,
				 (unsigned long long)o->region->at.start,
				 (unsigned long long)o->region->at.end,
				 strcmp(o->region->origin, "rmrr") ?
				 ", which kernels since 6.6 refuse for that" : "");
	case OBSTACLE_NO_IOMMU:
		return xstrdup("no IOMMU translates for it");
	case OBSTACLE_INTERRUPTS:
		return xstrdup("interrupts are not isolated (EPERM): turn interrupt remapping on, or trust the guest and load vfio_iommu_type1 with allow_unsafe_interrupts=1");
	default:
		return xasprintf("%s, of the same group, is bound to %s: unbind it, or bind it to vfio-pci",
				 o->device->name, o->device->driver);
	}
}

/**
 * json_obstacles() - the same for programs
 * @j: inside of an object
 * @found: all of them
 */
void json_obstacles(struct json *j, const struct obstacles *found)
{
	static const char *const words[] = {
		[OBSTACLE_DIRECT] = "direct",
		[OBSTACLE_NO_IOMMU] = "no-iommu",
		[OBSTACLE_INTERRUPTS] = "unsafe-interrupts",
		[OBSTACLE_DRIVER] = "host-driver",
	};
	size_t i;

	if (!found->nr && found->unknown)
		json_null(j, "assignable");
	else
		json_bool(j, "assignable", !found->nr);
	json_open(j, "reasons", '[');
	for (i = 0; i < found->nr; i++) {
		const struct obstacle *o = &found->o[i];

		json_open(j, NULL, '{');
		json_string(j, "reason", words[o->kind]);
		json_string(j, "device", o->device ? o->device->name :
			    o->region ? o->region->device : NULL);
		if (o->region) {
			json_address(j, "start", o->region->at.start);
			json_address(j, "end", o->region->at.end);
		}
		if (o->device)
			json_string(j, "driver", o->device->driver);
		json_close(j, '}');
	}
	json_close(j, ']');
}
