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
#include <linux/kernel.h>
#include "compat/uaccess.h"
#include "compat/vfio.h"
#include "iova_info.h"
#include "native.h"
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

/**
 * struct answer - what the process gets
 * @info: the structure
 * @to: where the process has it
 * @written: the capability is behind it
 */
struct answer {
	struct compat_vfio_info info;
	char __user *to;
	bool written;
};

/* The process has @ranges behind its structure, if there is room. */
static int put_ranges(const struct resv_range *ranges, unsigned int nr,
		      void *data)
{
	struct answer *answer = data;
	struct compat_vfio_cap_iova_range cap = {
		.id = COMPAT_VFIO_CAP_IOVA_RANGE,
		.version = 1,
		.nr_iovas = nr,
	};
	char __user *to = answer->to + sizeof(answer->info);
	size_t size = sizeof(answer->info) + sizeof(cap) + nr * sizeof(*ranges);

	answer->info.flags |= COMPAT_VFIO_IOMMU_INFO_CAPS;
	if (answer->info.argsz < size) {
		answer->info.argsz = size;
		answer->written = true;
	} else if (compat_copy_to_user_nofault(to, &cap, sizeof(cap)) &&
		   compat_copy_to_user_nofault(to + sizeof(cap), ranges,
					       nr * sizeof(*ranges))) {
		answer->info.cap_offset = sizeof(answer->info);
		answer->written = true;
	} else {
		answer->info.argsz += min_t(u32, U32_MAX - answer->info.argsz,
					    PAGE_SIZE);
	}
	return 1;
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
	struct answer answer = { .to = (char __user *)call->arg };
	size_t head = call->argsz >= WITH_OFFSET ? WITH_OFFSET : WITHOUT_OFFSET;

	if (!call->argsz_known ||
	    !compat_copy_from_user_nofault(&answer.info, answer.to,
					   WITHOUT_OFFSET))
		return false;
	/* With native=ignore the kernel has told its own. */
	answer.info.flags &= ~COMPAT_VFIO_IOMMU_INFO_CAPS;
	answer.info.argsz = call->argsz;
	/* It is told in any case; v4.4 does not say so. */
	answer.info.flags |= VFIO_IOMMU_INFO_PGSIZES;
	if (!resv_police_ranges(call->container, put_ranges, &answer)) {
		/* Not known, or no group: as the kernel itself has it. */
		if (!resv_native_ignored)
			return true;
		answer.written = true;
	}
	return compat_copy_to_user_nofault(answer.to, &answer.info, head) &&
	       answer.written;
}
