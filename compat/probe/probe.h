/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A probe is one function that uses one kernel interface with typed arguments:
 * a wrong type is an error (see the flags in probe.sh), so "it compiles and
 * links" means "this interface, with this signature, is there for modules".
 * Never write a probe whose failure is the positive answer.
 */
#ifndef RESV_PROBE_H
#define RESV_PROBE_H

#include <linux/types.h>

#define PROBE(ret, name, args) ret name args; ret name args

#endif /* RESV_PROBE_H */
