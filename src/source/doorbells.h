/* SPDX-License-Identifier: GPL-2.0-only */
/* The MSI doorbells of this machine's interrupt controllers. */
#ifndef RESV_SOURCE_DOORBELLS_H
#define RESV_SOURCE_DOORBELLS_H

#include "source/facts.h"
#include "source/status.h"

int resv_doorbells_init(void);
u64 resv_doorbells_need(void);
u64 resv_doorbells_room(u64 native);
unsigned int resv_doorbells_count(void);
enum resv_isolation resv_doorbells_isolation(void);
void resv_doorbells_status(struct resv_status *f);

#endif /* RESV_SOURCE_DOORBELLS_H */
