// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds why iommufd refused a map or an attach: by the files of devices, or as the
 * container of groups (IOMMUFD_VFIO_CONTAINER).
 *
 * Both ways go through the same functions.  They cannot be inlined there, because another
 * module or another file calls them:
 *
 *   vfio_device_block_group(device)			BIND: the group's file is open
 *   iommufd_device_bind(iommufd, device, ...)		BIND, GET_DEVICE_FD
 *   vfio_iommufd_physical_attach_ioas(device, ...)	ATTACH, GET_DEVICE_FD
 *     iopt_table_enforce_dev_resv_regions(space, ...)	which address space (spaces.c)
 *   iopt_map_user_pages(iommufd, space, ...)		IOMMU_IOAS_MAP, VFIO_IOMMU_MAP_DMA
 *   iopt_map_file_pages(iommufd, space, ...)		IOMMU_IOAS_MAP_FILE
 *   vfio_iommufd_physical_detach_ioas(device), ..._unbind(device)
 *
 * A call that fails before it reaches one of these is not explained: unknown flags, a map
 * without rights, or a map in an address space that does not exist.  Nor is
 * IOMMU_IOAS_COPY, which does not call these functions.
 *
 * Headers declare the functions of VFIO and iommufd_device_bind(), and a probe checks the
 * types of their arguments (compat/probe/vfio_iommufd.c).  The taps only compare the
 * arguments of the other functions, or check them before use.
 *
 * iommufd_device_bind() refuses a bind, in this order, because
 *
 *   interrupts are not isolated			EPERM
 *   a host driver or another user has the group	EPERM, EBUSY
 *   a region is mapped 1:1				EINVAL
 *
 * (VFIO itself refuses a device whose IOMMU does not keep DMA coherent.)  iommufd refuses
 * an attach because
 *
 *   there is no such address space			ENOENT
 *   maps overlap a region of the device		EADDRINUSE
 */
#include "compat/compat.h"
#ifdef RESV_HAVE_VFIO_IOMMUFD
#include <linux/bug.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommufd.h>
#include <linux/mm.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>
#include <linux/vfio.h>
#include "compat/regs.h"
#include "group/attach.h"
#include "group/snapshot.h"
#include "hook/tap.h"
#include "feature/check/explain.h"
#include "feature/check/iommufd.h"
#include "feature/check/refused.h"
#include "feature/check/rules.h"
#include "feature/check/spaces.h"

#define LOSS_MAPS	"maps that iommufd refuses are not explained"
#define LOSS_ATTACHES	"devices that iommufd refuses are not explained"

/**
 * struct map_call - a call of iopt_map_user_pages() or iopt_map_file_pages()
 * @space: address space
 * @iova: points to the address, on the caller's stack; iommufd chooses one if the process
 *	gave none
 * @vaddr: address of the memory in the process, or offset in the file
 * @size: size in bytes
 */
struct map_call {
	const void *space;
	const unsigned long *iova;
	u64 vaddr;
	u64 size;
};

/**
 * struct device_call - a call that binds or attaches a device
 * @group: the device's group, or NULL
 * @slot: for an attach: slot of resv_space_begin()
 * @joins: for an attach: the device was not attached before
 */
struct device_call {
	const struct iommu_group *group;
	int slot;
	bool joins;
};

static const struct iommu_group *group_of(const struct device *dev)
{
	return dev->iommu_group;
}

static bool map_enter(struct resv_call *call)
{
	struct map_call *map = call->data;

	BUILD_BUG_ON(sizeof(*map) > RESV_TAP_DATA);
	map->space = (void *)compat_argument(call->regs, 1);
	map->iova = (void *)compat_argument(call->regs, 2);
	map->vaddr = compat_argument(call->regs, 3);
	map->size = compat_argument(call->regs, 4);
	return true;
}

#ifdef IOMMU_IOAS_MAP_FILE
static bool map_file_enter(struct resv_call *call)
{
	struct map_call *map = call->data;

	map->space = (void *)compat_argument(call->regs, 1);
	map->iova = (void *)compat_argument(call->regs, 2);
	map->vaddr = compat_argument(call->regs, 4);
	map->size = compat_argument(call->regs, 5);
	return true;
}
#endif

static void map_leave(struct resv_call *call)
{
	const struct map_call *c = call->data;
	struct vfio_iommu_type1_dma_map map = {
		.vaddr = c->vaddr,
		.size = c->size,
	};
	int ret = compat_result(call->regs);

	if (likely(ret >= 0))
		return;
	if (!object_is_on_stack((void *)c->iova)) {
		resv_call_lost(call, 1);
		return;
	}
	/* With ENOSPC iommufd has found no free address to report. */
	if (ret != -ENOSPC)
		map.iova = *c->iova;
	resv_explain_space(c->space, &map, ret);
}

static bool attach_enter(struct resv_call *call)
{
	const struct vfio_device *vdev = (void *)compat_argument(call->regs, 0);
	struct device_call *c = call->data;

	BUILD_BUG_ON(sizeof(*c) > RESV_TAP_DATA);
	c->group = group_of(vdev->dev);
	c->joins = !vdev->iommufd_attached;
	c->slot = resv_space_begin();
	if (c->slot < 0)
		resv_call_lost(call, 1);
	return true;
}

static enum resv_why why_not_attached(const struct iommu_group *group,
				      const struct resv_snapshot *snapshot,
				      struct resv_refused *refused)
{
	switch (refused->err) {
	case -EADDRINUSE:
		return RESV_WHY_CONTAINER;
	case -ENOENT:
		return RESV_WHY_SPACE;
	case -EBUSY:
		return RESV_WHY_BUSY;
	case -EINVAL:
		return resv_explain_barred(snapshot, refused) ? RESV_WHY_REGION :
								RESV_WHY_OTHER;
	default:
		return RESV_WHY_OTHER;
	}
}

/* Does the group have a user?  It may be the same process, by another file. */
static bool is_taken(const struct iommu_group *group)
{
	const struct resv_attach_group *g;
	unsigned long flags;
	bool taken;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	taken = g && resv_attach_state(g) != RESV_ATTACH_FREE;
	resv_attach_unlock(flags);
	return taken || resv_space_has(group);
}

static enum resv_why why_not_bound(const struct iommu_group *group,
				   const struct resv_snapshot *snapshot,
				   struct resv_refused *refused)
{
	switch (refused->err) {
	case -EPERM:
		/* Certain causes first: allow_unsafe_interrupts is not known here. */
		if (resv_explain_host_driven(snapshot))
			return RESV_WHY_DRIVER;
		if (is_taken(group) || !snapshot->unguarded)
			return RESV_WHY_BUSY;
		return RESV_WHY_INTERRUPTS_IOMMUFD;
	case -EBUSY:
		return RESV_WHY_BUSY;
	case -EINVAL:
		return resv_explain_barred(snapshot, refused) ? RESV_WHY_REGION :
								RESV_WHY_OTHER;
	default:
		return RESV_WHY_OTHER;
	}
}

static void note(const struct iommu_group *group, int err,
		 enum resv_why (*why)(const struct iommu_group *group,
				      const struct resv_snapshot *snapshot,
				      struct resv_refused *refused))
{
	struct resv_refused refused = { .err = err, .attach = true };
	struct resv_snapshot *snapshot = resv_explain_snapshot(group);

	if (!snapshot)
		return;
	resv_refused_name_process(&refused);
	strscpy(refused.device, "-", sizeof(refused.device));
	refused.why = why(group, snapshot, &refused);
	resv_snapshot_put(snapshot);
	resv_refused_note(group, &refused, true);
}

static void attach_leave(struct resv_call *call)
{
	const struct device_call *c = call->data;
	int ret = compat_result(call->regs);

	if (c->slot >= 0)
		resv_space_end(c->slot, ret ? NULL : c->group, c->joins);
	if (ret < 0 && c->group)
		note(c->group, ret, why_not_attached);
}

static bool regions_enter(struct resv_call *call)
{
	resv_space_is((void *)compat_argument(call->regs, 0));
	return true;
}

static bool detach_enter(struct resv_call *call)
{
	const struct vfio_device *vdev = (void *)compat_argument(call->regs, 0);
	const struct iommu_group *group = group_of(vdev->dev);

	if (group && vdev->iommufd_attached)
		resv_space_detached(group);
	return true;
}

static bool bind_enter(struct resv_call *call)
{
	struct device_call *c = call->data;

	c->group = group_of((void *)compat_argument(call->regs, 1));
	return c->group;
}

static void bind_leave(struct resv_call *call)
{
	const struct device_call *c = call->data;
	const void *ret = compat_result_pointer(call->regs);

	if (IS_ERR(ret))
		note(c->group, PTR_ERR(ret), why_not_bound);
}

/* No header declares vfio_device_block_group(), so check the argument before its use. */
static bool block_enter(struct resv_call *call)
{
	const struct vfio_device *vdev = (void *)compat_argument(call->regs, 0);
	struct device_call *c = call->data;

	c->group = virt_addr_valid(vdev) && virt_addr_valid(vdev->dev) ?
		   group_of(vdev->dev) : NULL;
	return c->group;
}

static enum resv_why why_blocked(const struct iommu_group *group,
				 const struct resv_snapshot *snapshot,
				 struct resv_refused *refused)
{
	return refused->err == -EBUSY ? RESV_WHY_GROUP_FILE : RESV_WHY_OTHER;
}

static void block_leave(struct resv_call *call)
{
	const struct device_call *c = call->data;
	int ret = compat_result(call->regs);

	if (ret < 0)
		note(c->group, ret, why_blocked);
}

/* (struct vfio_device *) */
const struct resv_tap resv_iommufd_tap_detach = {
	.symbol = "vfio_iommufd_physical_detach_ioas",
	.module = "vfio",
	.enter = detach_enter,
	.again = resv_spaces_forget,
	.loss = LOSS_MAPS,
};

/* (struct vfio_device *) */
const struct resv_tap resv_iommufd_tap_unbind = {
	.symbol = "vfio_iommufd_physical_unbind",
	.module = "vfio",
	.enter = detach_enter,
	.again = resv_spaces_forget,
	.loss = LOSS_MAPS,
};

/* (address space, ...) */
const struct resv_tap resv_iommufd_tap_regions = {
	.symbol = "iopt_table_enforce_dev_resv_regions",
	.module = "iommufd",
	.enter = regions_enter,
	.again = resv_spaces_forget,
	.loss = LOSS_MAPS,
};

/* (struct vfio_device *, number) */
const struct resv_tap resv_iommufd_tap_attach = {
	.symbol = "vfio_iommufd_physical_attach_ioas",
	.module = "vfio",
	.at_return = true,
	.data_size = sizeof(struct device_call),
	.enter = attach_enter,
	.leave = attach_leave,
	.again = resv_spaces_forget,
	.loss = LOSS_ATTACHES,
};

/* (iommufd, struct device *, number) */
const struct resv_tap resv_iommufd_tap_bind = {
	.symbol = "iommufd_device_bind",
	.module = "iommufd",
	.at_return = true,
	.data_size = sizeof(struct device_call),
	.enter = bind_enter,
	.leave = bind_leave,
	.loss = LOSS_ATTACHES,
};

/* (struct vfio_device *) */
const struct resv_tap resv_iommufd_tap_block = {
	.symbol = "vfio_device_block_group",
	.module = "vfio",
	.at_return = true,
	.data_size = sizeof(struct device_call),
	.enter = block_enter,
	.leave = block_leave,
	.loss = LOSS_ATTACHES,
};

/* (iommufd, address space, IOVA *, memory, size, protection, flags) */
const struct resv_tap resv_iommufd_tap_map = {
	.symbol = "iopt_map_user_pages",
	.module = "iommufd",
	.at_return = true,
	.data_size = sizeof(struct map_call),
	.enter = map_enter,
	.leave = map_leave,
	.loss = LOSS_MAPS,
};

#ifdef IOMMU_IOAS_MAP_FILE
/* (iommufd, address space, IOVA *, file, offset, size, protection, flags) */
const struct resv_tap resv_iommufd_tap_map_file = {
	.symbol = "iopt_map_file_pages",
	.module = "iommufd",
	.at_return = true,
	.data_size = sizeof(struct map_call),
	.enter = map_file_enter,
	.leave = map_leave,
	.loss = LOSS_MAPS,
};
#endif
#endif /* RESV_HAVE_VFIO_IOMMUFD */
