/* SPDX-License-Identifier: GPL-2.0-only */
/* MSI doorbells in the domains of VFIO, for kernels that map them only for the DMA API. */
#ifndef RESV_MSI_COOKIE_H
#define RESV_MSI_COOKIE_H

#include <linux/types.h>

struct iommu_domain;
struct msi_msg;

bool resv_msi_cookies(void);
bool resv_cookie_tap_compose(unsigned int irq, struct msi_msg *msg);
void resv_cookie_tap_free(const struct iommu_domain *domain);

#endif /* RESV_MSI_COOKIE_H */
