/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds whether VFIO or a reader of a file asks for a group's list. */
#ifndef RESV_HOOK_CALLER_H
#define RESV_HOOK_CALLER_H

#include <linux/types.h>

struct pt_regs;

void resv_caller_learn(void);
bool resv_caller_is_vfio(const struct pt_regs *regs);

#endif /* RESV_HOOK_CALLER_H */
