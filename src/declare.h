/* SPDX-License-Identifier: GPL-2.0-only */
/* What the admin may declare: words, checks, and answers. */
#ifndef RESV_DECLARE_H
#define RESV_DECLARE_H

#include <linux/types.h>

struct iommu_group;
struct kobject;
struct resv_facts;

int resv_declare_init(const char *val);
ssize_t resv_declare_write(struct kobject *kobj, const char *buf, size_t count);
bool resv_declare_arrive(struct resv_facts *c);
void resv_declare_gone(const struct iommu_group *group, int id);
void resv_declare_walk_begins(void);
void resv_declare_walk_ends(void);
int resv_declare_loaded(void);

#endif /* RESV_DECLARE_H */
