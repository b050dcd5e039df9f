/* SPDX-License-Identifier: GPL-2.0-only */
/* Doorbells that are mapped in domains. */
#ifndef RESV_FEATURE_DOORBELL_MAP_H
#define RESV_FEATURE_DOORBELL_MAP_H

#include <linux/types.h>
#include "compat/compat.h"

struct iommu_group;
struct msi_msg;
struct resv_attach_client;

/* resv_native_cookies() is false, and a tap can map doorbells instead. */
#if defined(CONFIG_ARM64) && defined(CONFIG_KPROBES) && \
	!defined(RESV_HAVE_GROUP_RESV_REGIONS) && !defined(RESV_HAVE_RESV_REGION)
#define RESV_DOORBELL_MAPS	1
#else
#define RESV_DOORBELL_MAPS	0
#endif

#if RESV_DOORBELL_MAPS
extern const struct resv_attach_client resv_doorbell_client;

bool resv_doorbell_compose(unsigned int irq, struct msi_msg *msg);
int resv_doorbell_add(const struct iommu_group *group);
void resv_doorbell_remove(const struct iommu_group *group);
bool resv_doorbell_any(void);
void resv_doorbell_exit(void);
#endif

#endif /* RESV_FEATURE_DOORBELL_MAP_H */
