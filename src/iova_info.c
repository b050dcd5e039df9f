// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capability by which VFIO tells the usable ranges, where it does not.
 *
 * When VFIO_IOMMU_GET_INFO of a kernel before v5.4 returns, the answer is written
 * over as v5.4 gives it (vfio_iommu_type1_ioctl() there): a flag, the offset of the
 * capability, and the capability behind the structure; or the size that it takes, if
 * the process has less room.
 *
 * That is done in a kretprobe, where no fault can be served.  The structure itself
 * was written by the kernel just now, so it is there.  What is behind it is where a
 * process has its own memory next to it; if that is not there, the process is told
 * that it takes more room, and by the rules of this call tries again with other
 * memory.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include "compat/uaccess.h"
#include "compat/vfio.h"
#include "iova_info.h"
#include "lacking.h"
#include "police.h"

/* Room that the process must have to be told the offset at all. */
#define WITH_OFFSET	offsetofend(struct compat_vfio_info, cap_offset)
#define WITHOUT_OFFSET	offsetofend(struct compat_vfio_info, iova_pgsizes)

/**
 * resv_info_begins() - vfio_iommu_type1_ioctl() was called
 * @call: set to what the answer needs
 * @container: first argument
 * @cmd: second
 * @arg: third
 *
 * Context: any, in the task that made the call; does not sleep.
 * Return: it is of interest
 */
bool resv_info_begins(struct resv_info_call *call, const void *container,
		      unsigned int cmd, unsigned long arg)
{
	if (cmd != VFIO_IOMMU_GET_INFO)
		return false;
	call->container = container;
	call->arg = arg;
	/* The process has just written it. */
	call->argsz_known =
		compat_copy_from_user_nofault(&call->argsz, (void __user *)arg,
					      sizeof(call->argsz));
	return true;
}

/* The capability with its ranges, and how many bytes that is. */
static struct compat_vfio_cap_iova_range *make_cap(const void *container,
						   size_t *bytes)
{
	struct compat_vfio_cap_iova_range *cap;
	struct resv_range *ranges;
	unsigned int nr;

	*bytes = 0;
	ranges = resv_police_ranges(container, &nr);
	if (IS_ERR_OR_NULL(ranges))
		return ERR_CAST(ranges);
	*bytes = sizeof(*cap) + nr * sizeof(*ranges);
	cap = kzalloc(*bytes, GFP_ATOMIC | __GFP_NOWARN);
	if (cap) {
		cap->id = COMPAT_VFIO_CAP_IOVA_RANGE;
		cap->version = 1;
		cap->nr_iovas = nr;
		memcpy(cap + 1, ranges, nr * sizeof(*ranges));
	}
	kfree(ranges);
	return cap ?: ERR_PTR(-ENOMEM);
}

/**
 * resv_info_ends() - and returns successfully
 * @call: what resv_info_begins() has set
 *
 * Context: as there.
 * Return: the answer is complete, or as the kernel's own for want of knowledge; else
 * memory was not there, and the process was told to try again if possible
 */
bool resv_info_ends(const struct resv_info_call *call)
{
	char __user *to = (char __user *)call->arg;
	struct compat_vfio_cap_iova_range *cap;
	struct compat_vfio_info info = { 0 };
	size_t head, bytes, size;
	bool done = true;

	if (!call->argsz_known ||
	    !compat_copy_from_user_nofault(&info, to, WITHOUT_OFFSET))
		return false;
	cap = make_cap(call->container, &bytes);
	if (IS_ERR(cap))
		return false;
	/* With native=ignore the kernel has told its own. */
	info.flags &= ~COMPAT_VFIO_IOMMU_INFO_CAPS;
	/* It is told in any case; v4.4 does not say so. */
	info.flags |= VFIO_IOMMU_INFO_PGSIZES;
	info.argsz = call->argsz;
	head = call->argsz >= WITH_OFFSET ? WITH_OFFSET : WITHOUT_OFFSET;
	size = sizeof(info) + bytes;
	if (cap) {
		info.flags |= COMPAT_VFIO_IOMMU_INFO_CAPS;
		if (call->argsz < size) {
			info.argsz = size;
		} else if (compat_copy_to_user_nofault(to + sizeof(info), cap,
						       bytes)) {
			info.cap_offset = sizeof(info);
		} else {
			done = false;
			info.argsz = call->argsz + sizeof(u64);
		}
	} else if (!resv_native_ignored) {
		/* Not known, or no group: as the kernel itself has it. */
		return true;
	}
	if (!compat_copy_to_user_nofault(to, &info, head))
		done = false;
	kfree(cap);
	return done;
}
