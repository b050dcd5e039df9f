/* SPDX-License-Identifier: GPL-2.0-only */
/* How a tap makes a function of the IOMMU core refuse what it was asked. */
#ifndef RESV_REFUSAL_H
#define RESV_REFUSAL_H

#include <linux/types.h>
#include "compat/compat.h"

/* A call of iommu_map() is there that is refused without a word in the log. */
#define COMPAT_CAN_TRY_MAP	(RESV_HAVE(DOMAIN_MAP) && !RESV_HAVE(MAP_GFP))

struct iommu_domain;
struct pt_regs;

int resv_refusals_init(void);
void resv_refusals_exit(void);
bool resv_refusals_tried(const struct iommu_domain *domain);
bool resv_refusals_try(void);
void resv_refuse_map(struct pt_regs *regs);
void resv_refuse_attach(struct pt_regs *regs);

#endif /* RESV_REFUSAL_H */
