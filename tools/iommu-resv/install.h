/* SPDX-License-Identifier: GPL-2.0-only */
/* What has another program read the facts by itself. */
#ifndef INSTALL_H
#define INSTALL_H

#include "iommu-resv.h"

int install_reader(const struct control *ctl, const char *format);

#endif
