/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of QEMU's machine types and CPU models, and what they stand for. */
#ifndef VM_MACHINE_H
#define VM_MACHINE_H

#include "vm.h"

bool machine_type(struct guest *g, const char *type, bool arm_binary);
bool machine_has_host_bits(const char *type);
unsigned int cpu_arm_bits(const char *model);
void cpu_x86(const char *model, struct guest *g);

#endif
