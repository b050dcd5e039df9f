/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds why VFIO or iommufd refused a map or an attach, on kernels whose VFIO checks maps
 * itself (v5.4).
 */
#ifndef RESV_FEATURE_CHECK_EXPLAIN_H
#define RESV_FEATURE_CHECK_EXPLAIN_H

#include <linux/types.h>

struct iommu_group;
struct resv_refused;
struct resv_snapshot;
struct vfio_iommu_type1_dma_map;

/**
 * struct resv_explain_place - where a process wanted to map
 * @container: container of type 1, if @space is NULL
 * @space: address space of iommufd
 */
struct resv_explain_place {
	const void *container;
	const void *space;
};

/**
 * struct resv_explain_call - a call of vfio_iommu_type1_ioctl() that maps
 * @container: first argument
 * @arg: third argument: where the process has its struct vfio_iommu_type1_dma_map
 */
struct resv_explain_call {
	const void *container;
	unsigned long arg;
};

/**
 * struct resv_explain_attach - a call of vfio_iommu_type1_attach_group() or
 *	iommu_group_claim_dma_owner()
 * @container: the container, or NULL if it is not known
 * @group: the group
 */
struct resv_explain_attach {
	const void *container;
	const struct iommu_group *group;
};

bool resv_explain_begin(struct resv_explain_call *call, const void *container,
			unsigned int cmd, unsigned long arg);
bool resv_explain_end(const struct resv_explain_call *call, int err);
void resv_explain_attach(const struct resv_explain_attach *call, int err);
void resv_explain_space(const void *space,
			const struct vfio_iommu_type1_dma_map *map, int err);

/* For device.c and iommufd.c, which explain other attaches */
struct resv_snapshot *resv_explain_snapshot(const struct iommu_group *group);
bool resv_explain_barred(const struct resv_snapshot *snapshot,
			 struct resv_refused *refused);
bool resv_explain_host_driven(const struct resv_snapshot *snapshot);

#endif /* RESV_FEATURE_CHECK_EXPLAIN_H */
