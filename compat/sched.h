/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/sched.h>. */
#ifndef RESV_COMPAT_SCHED_H
#define RESV_COMPAT_SCHED_H

#include <linux/sched.h>
#include "compat/compat.h"
#ifdef RESV_HAVE_SCHED_SIGNAL
#include <linux/sched/signal.h>
#endif

#endif /* RESV_COMPAT_SCHED_H */
