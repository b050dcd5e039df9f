// SPDX-License-Identifier: GPL-2.0-only
/*
 * Can a group be given to a guest?  By the rules of VFIO, ordered by what a user can do
 * about it: a region that firmware uses (nothing), a missing IOMMU, interrupts (a
 * module parameter), drivers.
 */
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "json.h"
#include "sysfs.h"
#include "words.h"
#include "xalloc.h"

/**
 * struct told - the content of the file "assignable"
 * @there: the file exists, and says yes or no
 * @reason: the lines that follow "no"
 */
struct told {
	bool there;
	struct strings reason;
};

/*
 * If the module has no such file, or does not know the answer, derive it from the other
 * files and from the names of drivers.
 */
static void told_read(const struct control *ctl, const struct group *g, struct told *told)
{
	struct strings *reason = &told->reason;
	struct text t;
	char *line;

	*told = (struct told) { 0 };
	if (text_open(&t, xasprintf("%s/kernel/iommu_groups/%u/resv/assignable",
				    ctl->sysfs, g->id)))
		return;
	while (text_next(&t, &line)) {
		if (t.line == 1) {
			told->there = word_among(line, "yes", "no");
			continue;
		}
		reason->s = xreallocarray(reason->s, reason->nr + 1, sizeof(*reason->s));
		reason->s[reason->nr++] = xstrdup(line);
	}
	text_close(&t);
}

static void told_free(struct told *told)
{
	strings_free(&told->reason);
}

/* Is there a reason that begins with these words? */
static bool told_has(const struct told *told, const char *words)
{
	size_t len = strlen(words), i;

	for (i = 0; i < told->reason.nr; i++) {
		const char *line = told->reason.s[i];

		if (!strncmp(line, words, len) && (!line[len] || line[len] == ' '))
			return true;
	}
	return false;
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

static bool is_hosts(const struct control *ctl, const struct group *g,
		     const struct device *d, const struct told *told)
{
	char *words;
	bool hosts;

	if (!told->there)
		return d->driver && !is_vfio_driver(d->driver) &&
		       !is_bridge(ctl, g, d->name);
	words = xasprintf("host-driver %s", d->name);
	/* The driver may have been unloaded since the link to it was read. */
	hosts = d->driver && told_has(told, words);
	free(words);
	return hosts;
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
	struct told told;
	bool hosts;

	told_read(ctl, g, &told);
	hosts = is_hosts(ctl, g, d, &told);
	told_free(&told);
	return hosts;
}

/*
 * drivers/iommu/intel: RMRRs on every kernel; drivers/iommu/iommu.c since 6.6: all
 * direct regions.  In between VFIO attaches the device and refuses maps there.
 */
static bool is_direct(const struct group *g, const struct region *r, const struct told *told)
{
	char *words;
	bool direct;

	if (strcmp(r->type, "direct"))
		return false;
	if (!told->there)
		return region_refuses(g, r) &&
		       (!g->lacks_checks || !strcmp(r->origin, "rmrr"));
	words = xasprintf("direct %s 0x%016llx 0x%016llx", r->device ?: "-",
			  (unsigned long long)r->at.start, (unsigned long long)r->at.end);
	direct = told_has(told, words);
	free(words);
	return direct;
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
 * The program that starts the guest binds the named device, or one that is alone in its
 * group, to VFIO's driver, but not the other devices of the group.
 */
static void find_drivers(const struct control *ctl, const struct group *g,
			 const char *given, const struct told *told,
			 struct obstacles *found)
{
	size_t i;

	if (g->nr_devices == 1 || (given && !*given))
		return;
	for (i = 0; i < g->nr_devices; i++) {
		const struct device *d = &g->devices[i];

		if (given && !strcmp(d->name, given))
			continue;
		/* A copy of another machine's sysfs may lack the target of the link. */
		if (!d->seen)
			found->unknown = true;
		else if (is_hosts(ctl, g, d, told))
			add(found, OBSTACLE_DRIVER, NULL, d);
	}
}

static bool isolation_unknown(const struct group *g)
{
	return !g->msi_isolation || !strcmp(g->msi_isolation, "unknown");
}

/* The module also gives this reason if the kernel does not report isolation: unknown. */
static void find_interrupts(const struct control *ctl, const struct group *g,
			    const struct told *told, struct obstacles *found)
{
	bool refused = told->there ? told_has(told, "unsafe-interrupts") :
		       isolation_unknown(g) ||
		       (!strcmp(g->msi_isolation, "unsafe") && !unsafe_allowed(ctl));

	if (refused && isolation_unknown(g))
		found->unknown = true;
	else if (refused)
		add(found, OBSTACLE_INTERRUPTS, NULL, NULL);
	else
		found->unsafe = !isolation_unknown(g) && !strcmp(g->msi_isolation, "unsafe");
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
	struct told told;
	size_t i;

	*found = (struct obstacles) { 0 };
	told_read(ctl, g, &told);
	for (i = 0; i < g->nr_regions; i++)
		if (is_direct(g, &g->regions[i], &told))
			add(found, OBSTACLE_DIRECT, &g->regions[i], NULL);
	if (told.there && told_has(&told, "no-iommu"))
		add(found, OBSTACLE_NO_IOMMU, NULL, NULL);
	find_interrupts(ctl, g, &told, found);
	find_drivers(ctl, g, given, &told, found);
	told_free(&told);
}

/**
 * obstacles_free() - free what obstacles_find() has filled
 * @found: the obstacles
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
				 ", which kernels since 6.6 refuse for that reason" : "");
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
