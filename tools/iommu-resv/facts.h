/* SPDX-License-Identifier: GPL-2.0-only */
/* The facts about IOMMU groups in sysfs. */
#ifndef FACTS_H
#define FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommu-resv.h"

struct strings;

/* Both ends are included, as everywhere. */
struct range {
	uint64_t start;
	uint64_t end;
};

struct ranges {
	struct range *r;
	size_t nr;
};

/**
 * struct region - a reserved region
 * @at: its addresses
 * @type: direct, msi, ...
 * @origin: source of the fact
 * @device: the device that has it, NULL if it is of the whole group or not known
 * @told: the module reported it; else @added and @enforced mean nothing
 * @added: the module found it, not the kernel
 * @enforced: maps there are refused, by VFIO or else by the module
 * @ht_ignore: the hardware does not need it, and kernels since 6.16 do not list it
 */
struct region {
	struct range at;
	char *type;
	char *origin;
	char *device;
	bool told;
	bool added;
	bool enforced;
	bool ht_ignore;
};

/**
 * struct device - a device of a group
 * @name: 0000:00:03.0
 * @seen: its folder exists, which a copy of another machine's sysfs may lack
 * @driver: NULL if none is bound, or if its folder does not exist
 * @product: for humans, NULL if not a PCI device
 * @ids: vendor and device for humans, as 8086:1521, NULL if not a PCI device
 * @vendor: its number as 0x1234, NULL if not known; this and all below are there only
 *	after groups_details()
 * @model: the same of the device
 * @class: its class as 0x020000
 * @iommu: the IOMMU that translates for it, as in /sys/class/iommu
 * @numa_node: its NUMA node
 * @has_node: @numa_node is valid
 */
struct device {
	char *name;
	bool seen;
	char *driver;
	char *product;
	char *ids;
	char *vendor;
	char *model;
	char *class;
	char *iommu;
	unsigned int numa_node;
	bool has_node;
};

enum window_state {
	WINDOW_UNKNOWN,
	WINDOW_NONE,
	WINDOW_THERE,
};

/* Reasons for which it is not known which maps were refused */
enum refused_cause {
	REFUSED_UNREAD,		/* not read, or the error was reported */
	REFUSED_ABSENT,		/* there is no such file */
	REFUSED_FORBIDDEN,	/* only root may read it */
	REFUSED_UNTOLD,		/* refusals are not counted */
};

/**
 * struct refused - refused maps and attaches of a group: VFIO has refused them or, where it
 *	checks no maps, the module
 * @known: the members below are valid, else @unknown
 * @by_vfio: VFIO refuses, and the module explains why
 * @unknown: why it is not known what was refused
 * @count: number of refusals; with checks=warn the module counts maps that it lets through
 * @attach: the last refusal, if there is one, was of an attach, and @map means nothing
 * @map: the last refused map; with a @reason its end may be below its start, because its
 *	size may be 0 or go beyond the last address
 * @hit: the region that the map hit, if there is no @reason
 * @reason: one word, if it was refused for another reason than a region; or NULL
 * @error: the errno that goes with @reason, by its name or as a number
 * @pid: the process that asked for it
 * @comm: name of that process
 */
struct refused {
	bool known;
	bool by_vfio;
	enum refused_cause unknown;
	uint64_t count;
	bool attach;
	struct range map;
	struct region hit;
	char *reason;
	char *error;
	uint64_t pid;
	char *comm;
};

/**
 * struct group - an IOMMU group
 * @id: its number
 * @domain: type of its default domain, NULL if the kernel does not report it
 * @devices: its devices
 * @nr_devices: their number
 * @regions: the module's facts; without the module, what the kernel says
 * @nr_regions: their number
 * @has_facts: the module has facts about this group
 * @lacks_checks: VFIO checks no maps on this kernel, but the module may
 * @unchecked: neither VFIO nor the module checks maps of this group
 * @refused: what was refused, if groups_refused() was called
 * @usable_known: @usable is valid (it may be empty)
 * @usable: where VFIO accepts maps
 * @aperture_known: @aperture is valid
 * @aperture: what the IOMMU can address
 * @msi_isolation: isolated, unsafe or unknown; NULL if the module does not report it
 * @window_state: whether there is an MSI window
 * @window: the MSI window
 * @window_by: kernel, moved or auto
 * @page_size: smallest map that VFIO accepts
 * @page_told: the module reported @page_size; else it is the page of the kernel
 */
struct group {
	unsigned int id;
	char *domain;
	struct device *devices;
	size_t nr_devices;
	struct region *regions;
	size_t nr_regions;
	bool has_facts;
	bool lacks_checks;
	bool unchecked;
	struct refused refused;
	bool usable_known;
	struct ranges usable;
	bool aperture_known;
	struct range aperture;
	char *msi_isolation;
	enum window_state window_state;
	struct range window;
	char *window_by;
	uint64_t page_size;
	bool page_told;
};

struct groups {
	struct group *g;
	size_t nr;
};

struct names;

bool module_loaded(const struct control *ctl);
int groups_list(const struct control *ctl, struct strings *names);
int groups_read(struct control *ctl, struct names *names, struct groups *groups);
int groups_declared(struct control *ctl, bool all);
int groups_moved(struct control *ctl, bool held);
void groups_details(const struct control *ctl, struct groups *groups);
void group_find_checks(struct group *g);
void groups_refused(struct control *ctl, struct groups *groups);
int groups_find(struct control *ctl, struct names *names, int argc, char **argv,
		struct groups *groups);
void groups_keep(struct groups *groups,
		 bool (*wanted)(const struct group *g, const void *data), const void *data);
void groups_free(struct groups *groups);
bool group_of(const struct control *ctl, const char *word, unsigned int *id);
char *device_name(const char *word);

bool region_is_declared(const struct region *r);
bool region_refuses(const struct group *g, const struct region *r);
bool region_harms_window(const struct region *r, const struct range *window);
bool ranges_overlap(const struct range *a, const struct range *b);

#endif
