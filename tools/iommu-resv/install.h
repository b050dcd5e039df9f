/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes another program read the facts. */
#ifndef INSTALL_H
#define INSTALL_H

#include "iommu-resv.h"

int install_reader(const struct control *ctl, const char *format);

#endif
