/* SPDX-License-Identifier: GPL-2.0-only */
/* Verdicts on maps and attaches, for kernels whose VFIO makes none. */
#ifndef RESV_POLICE_H
#define RESV_POLICE_H

#include <linux/types.h>
#include "facts.h"
#include "status.h"

struct iommu_domain;
struct iommu_group;

/* The parameter "police". */
enum resv_police_mode {
	RESV_POLICE_ENFORCE,
	RESV_POLICE_WARN,
	RESV_POLICE_OFF,
};

enum resv_police_mode resv_police_mode(void);
int resv_police_switch(enum resv_police_mode mode);
bool resv_police_wanted(void);
void resv_police_loaded(void);

/* For the owners of the registry's lock */
int resv_police_update(const struct resv_facts *c);
bool resv_police_checks(const struct iommu_group *group, bool in_use);
void resv_police_gone(const struct iommu_group *group);
void resv_police_walk_begins(void);
void resv_police_walk_ends(void);
void resv_police_watch(bool all);
void resv_police_exit(void);

ssize_t resv_police_show(struct iommu_group *group, char *buf);

/* For the hooks */
bool resv_police_tap_map(const struct iommu_domain *domain, unsigned long iova,
			 size_t size, int prot);
void resv_police_tap_join(const void *container, const struct iommu_group *group);
void resv_police_tap_joined(bool done);
bool resv_police_tap_attach(const struct iommu_domain *domain,
			    const struct iommu_group *group);
void resv_police_tap_detach(const struct iommu_domain *domain,
			    const struct iommu_group *group);
void resv_police_tap_free(const struct iommu_domain *domain);
bool resv_police_tap_open(const void *container);
void resv_police_tap_release(const void *container);
int resv_police_ranges(const void *container,
		       int (*fn)(const struct resv_range *ranges,
				 unsigned int nr, void *data), void *data);
bool resv_police_knows(const struct iommu_domain *domain);

#endif /* RESV_POLICE_H */
