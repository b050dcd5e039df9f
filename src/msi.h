/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the admin wants MSI windows: words, checks, and answers. */
#ifndef RESV_MSI_H
#define RESV_MSI_H

#include <linux/types.h>

struct kobject;
struct resv_facts;

int resv_msi_init(const char *val);
ssize_t resv_msi_write(struct kobject *kobj, const char *buf, size_t count);
bool resv_msi_arrive(struct resv_facts *c);
void resv_msi_hooks_rest(void);
void resv_msi_loaded(void);
void resv_msi_settled(const struct resv_facts *c);

#endif /* RESV_MSI_H */
