/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VENDOR_IRQDOMAIN_H
#define VENDOR_IRQDOMAIN_H

#include <linux/types.h>

bool irq_domain_check_msi_remap(void);

#endif /* VENDOR_IRQDOMAIN_H */
