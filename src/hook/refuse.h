/* SPDX-License-Identifier: GPL-2.0-only */
/* How a tap makes a function of the IOMMU core fail. */
#ifndef RESV_HOOK_REFUSE_H
#define RESV_HOOK_REFUSE_H

#include <linux/types.h>

struct iommu_domain;
struct pt_regs;
struct resv_hook;

int resv_refuse_init(void);
void resv_refuse_exit(void);

/* In the tap's enter() */
bool resv_refuse_is_trial(const struct iommu_domain *domain);
void resv_refuse_map(struct pt_regs *regs);
void resv_refuse_attach(struct pt_regs *regs);

/* In the test() of the tap on iommu_map() */
bool resv_refuse_trial(struct resv_hook *hook);

#endif /* RESV_HOOK_REFUSE_H */
