/* SPDX-License-Identifier: GPL-2.0-only */
/* A source reports facts about groups.  Sources do not know each other. */
#ifndef RESV_SOURCE_SOURCE_H
#define RESV_SOURCE_SOURCE_H

#include <linux/device.h>
#include "source/facts.h"
#include "source/status.h"

/**
 * struct resv_source - one source of facts
 * @name: its name in the parameter "sources"
 * @init: called once at load, before groups are looked at; may sleep.  On -ENOMEM
 *	the load fails; any other error turns the source off.  May be NULL.
 * @exit: called once at unload, if @init succeeded.  May be NULL.
 * @device: add facts of one device.  The caller holds the group's mutex, so that
 *	the device cannot leave the group; may sleep; must not call anything
 *	that takes the mutex.  May be NULL.
 * @group: add facts of the whole group, after all devices; the group's mutex is not
 *	held; may sleep.  May be NULL.
 * @status: add the status lines of this source.  May be NULL.
 *
 * @device and @group return 0 or -ENOMEM.  They log any other problem of a device, and
 * leave out the facts concerned.
 */
struct resv_source {
	const char *name;
	int (*init)(void);
	void (*exit)(void);
	int (*device)(struct resv_facts *c, struct device *dev);
	int (*group)(struct resv_facts *c);
	void (*status)(struct resv_status *f);
};

extern const struct resv_source resv_source_kernel;
extern const struct resv_source resv_source_dmar;
extern const struct resv_source resv_source_ivrs;
extern const struct resv_source resv_source_iort;
extern const struct resv_source resv_source_dt;
extern const struct resv_source resv_source_fixed;
extern const struct resv_source resv_source_pci;
extern const struct resv_source resv_source_aperture;
extern const struct resv_source resv_source_iommu;
extern const struct resv_source resv_source_msi;
extern const struct resv_source resv_source_dma;

bool resv_aperture_overstated(void);
void resv_aperture_note_overstated(void);

void resv_sources_set(const struct resv_source *const *table);
bool resv_sources_bound_windows(void);
bool resv_sources_make_lists(void);
int resv_sources_init(void);
void resv_sources_exit(void);
int resv_sources_device(struct resv_facts *c, struct device *dev);
int resv_sources_group(struct resv_facts *c);
void resv_sources_status(struct resv_status *f);

#endif /* RESV_SOURCE_SOURCE_H */
