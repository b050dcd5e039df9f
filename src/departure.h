/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices that must not be freed before a reference to their group is dropped. */
#ifndef RESV_DEPARTURE_H
#define RESV_DEPARTURE_H

struct device;
struct iommu_group;
struct list_head;

int resv_members_hold(struct iommu_group *group, struct list_head *held);
void resv_members_release(struct list_head *held);

void resv_departure_begins(struct device *dev);
void resv_departure_done(struct device *dev);
void resv_departures_take(struct list_head *held);
void resv_departures_give_back(struct list_head *held);
void resv_departures_exit(void);

#endif /* RESV_DEPARTURE_H */
