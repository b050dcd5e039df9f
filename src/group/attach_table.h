/* SPDX-License-Identifier: GPL-2.0-only */
/* The objects of the attachment tracker; only for attach.c and attach_taps.c. */
#ifndef RESV_GROUP_ATTACH_TABLE_H
#define RESV_GROUP_ATTACH_TABLE_H

#include <linux/types.h>
#include "group/attach.h"

/* Every tap on attaches is installed.  Written with watch_lock of attach.c held. */
extern bool resv_attach_watching;

/* The bracket's taps were installed when last requested.  Written under the same lock. */
extern bool resv_attach_bracketed;

/* May sleep */
int resv_attach_fill(void);
void resv_attach_outage(void);
void resv_attach_table_exit(void);

/* In a tap, not under the lock */
void resv_attach_ready_domain(void);
void resv_attach_ready_container(void);
unsigned int resv_attach_events(const struct iommu_group *group);
void resv_attach_tell_after(void);

/* Under the lock */
struct resv_attach_domain *
resv_attach_make_domain(const struct iommu_domain *domain,
			struct resv_attach_container *c);
unsigned int resv_attach_drop_domain(struct resv_attach_domain *d);
unsigned int resv_attach_drop_stale(struct resv_attach_domain *d);
struct resv_attach_container *resv_attach_make_container(const void *address);
void resv_attach_drop_container(struct resv_attach_container *c);
void resv_attach_leave_container(struct resv_attach_group *g);
void resv_attach_leave_domain(struct resv_attach_group *g);
void resv_attach_set_state(struct resv_attach_group *g,
			   enum resv_attach_state state);
void resv_attach_set_unseen(struct resv_attach_group *g);
bool resv_attach_allowed(struct resv_attach_group *g, struct resv_attach_domain *d);
bool resv_attach_may_lose(const struct resv_attach_group *g);
void resv_attach_tell_attached(struct resv_attach_group *g,
			       struct resv_attach_domain *d);
void resv_attach_tell_over(struct resv_attach_group *g);
void resv_attach_tell_seen_free(struct resv_attach_group *g);

#endif /* RESV_GROUP_ATTACH_TABLE_H */
