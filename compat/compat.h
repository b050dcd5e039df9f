/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the target kernel offers, as constants.  The rest of the module uses
 * RESV_HAVE(FACT) in plain conditions, so that all code is compiled on all
 * kernels.  The shims in this folder give all kernels the newest interfaces.
 */
#ifndef RESV_COMPAT_H
#define RESV_COMPAT_H

#include <linux/kconfig.h>

/* probe.sh writes this file into the build directory; include it only here. */
#include "compat/facts.h"

/* 1 if the fact holds for the kernel this module was built for, else 0. */
#define RESV_HAVE(fact)	IS_BUILTIN(RESV_HAVE_##fact)

#endif /* RESV_COMPAT_H */
