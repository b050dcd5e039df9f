// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adds VFIO's capability of usable ranges on kernels that lack it.
 *
 * When VFIO_IOMMU_GET_INFO of a kernel before v5.4 returns, this file completes the
 * answer to that of vfio_iommu_type1_ioctl() of v5.4: a flag, the offset of the
 * capability, and the capability behind the structure.  If the process offers less room,
 * it gets only the size that the answer needs.
 *
 * This runs in the handler of a kretprobe, which cannot handle a page fault.  The kernel
 * has just written the structure, so that memory is present.  If the memory behind the
 * structure is not present, this file answers that more room is needed.  By the rules of
 * this call the process then tries again, with other memory.
 *
 * The handler does not allocate, and holds no lock while it writes user memory: the first
 * walk over the container's ranges counts them, the second one writes each.  If an
 * attach or new rules come in between, both walks are repeated.
 */
#include <linux/bug.h>
#include <linux/kernel.h>
#include "compat/uaccess.h"
#include "compat/vfio.h"
#include "group/attach.h"
#include "source/native.h"
#include "feature/check/info.h"
#include "feature/check/rules.h"

/* Room that a process must offer to get the offset. */
#define WITH_OFFSET	offsetofend(struct compat_vfio_info, cap_offset)
#define WITHOUT_OFFSET	offsetofend(struct compat_vfio_info, iova_pgsizes)

/* An attach takes milliseconds, two walks take microseconds. */
#define MAX_TRIES	8

static bool get_user_bytes(void *to, const void __user *from, size_t len)
{
	resv_attach_assert_unlocked();
	return compat_copy_from_user_nofault(to, from, len);
}

static bool put_user_bytes(void __user *to, const void *from, size_t len)
{
	resv_attach_assert_unlocked();
	return compat_copy_to_user_nofault(to, from, len);
}

/**
 * resv_info_begin() - vfio_iommu_type1_ioctl() was called
 * @call: set to what resv_info_end() needs
 * @container: first argument
 * @cmd: second argument
 * @arg: third argument
 *
 * Context: in the tap, in the task that made the call; does not sleep.
 * Return: true if the tap has to call resv_info_end()
 */
bool resv_info_begin(struct resv_info_call *call, const void *container,
		     unsigned int cmd, unsigned long arg)
{
	if (cmd != VFIO_IOMMU_GET_INFO)
		return false;
	call->container = container;
	call->arg = arg;
	/* The process has just written argsz, so its memory is present. */
	call->argsz_known =
		get_user_bytes(&call->argsz, (void __user *)arg,
			       sizeof(call->argsz));
	return true;
}

/*
 * Count the ranges of the container of @scan.  Changes only the version of @scan.
 *
 * Return: number of ranges, or an errno of resv_rules_scan()
 */
static int count_ranges(struct resv_rules_scan *scan)
{
	struct resv_rules_scan counter = *scan;
	struct resv_range range;
	int ret, nr = 0;

	while ((ret = resv_rules_scan(&counter, &range)) > 0)
		nr++;
	scan->begun = counter.begun;
	scan->version = counter.version;
	return ret ?: nr ?: -ENODATA;
}

/*
 * Write the @nr ranges of @scan to @to.
 *
 * Return: 0, -EFAULT if the memory is not present, -EAGAIN if the ranges have changed
 */
static int put_ranges(struct resv_rules_scan *scan, int nr, char __user *to)
{
	struct resv_range range;
	int ret;

	/* struct vfio_iova_range */
	BUILD_BUG_ON(sizeof(range) != 2 * sizeof(u64));
	while ((ret = resv_rules_scan(scan, &range)) > 0) {
		if (!nr--)
			return -EAGAIN;
		if (!put_user_bytes(to, &range, sizeof(range)))
			return -EFAULT;
		to += sizeof(range);
	}
	return ret || nr ? -EAGAIN : 0;
}

/*
 * If there is room, write the capability behind the process's structure, which begins at
 * @to, and its offset to @info.  Otherwise write the room that is needed to @info.
 *
 * Return: 0; -ENODATA if the container's ranges are not known; -EFAULT or -EAGAIN as
 * put_ranges()
 */
static int put_capability(const void *container, struct compat_vfio_info *info,
			  char __user *to)
{
	struct resv_rules_scan scan = { .container = container };
	struct compat_vfio_cap_iova_range cap = {
		.id = COMPAT_VFIO_CAP_IOVA_RANGE,
		.version = 1,
	};
	int nr = count_ranges(&scan), ret;
	size_t size;

	if (nr < 0)
		return nr;
	cap.nr_iovas = nr;
	size = sizeof(*info) + sizeof(cap) + nr * sizeof(struct resv_range);
	if (info->argsz < size) {
		info->argsz = size;
		return 0;
	}
	to += sizeof(*info);
	if (!put_user_bytes(to, &cap, sizeof(cap)))
		return -EFAULT;
	ret = put_ranges(&scan, nr, to + sizeof(cap));
	if (!ret)
		info->cap_offset = sizeof(*info);
	return ret;
}

/**
 * resv_info_end() - vfio_iommu_type1_ioctl() returns without an error
 * @call: set by resv_info_begin()
 *
 * Context: in the tap, in the task that made the call; does not sleep.
 * Return: true if the answer is complete, or is the kernel's own because the ranges
 * are not known.  False if memory was not present or the ranges kept changing; if it could
 * be written, the answer then tells the process to try again
 */
bool resv_info_end(const struct resv_info_call *call)
{
	size_t head = call->argsz >= WITH_OFFSET ? WITH_OFFSET : WITHOUT_OFFSET;
	char __user *to = (char __user *)call->arg;
	struct compat_vfio_info info = { 0 };
	unsigned int tries = 0;
	int ret;

	if (!call->argsz_known ||
	    !get_user_bytes(&info, to, WITHOUT_OFFSET))
		return false;
	/* With native=ignore the kernel has added its own capabilities. */
	info.flags &= ~COMPAT_VFIO_IOMMU_INFO_CAPS;
	info.argsz = call->argsz;
	/* VFIO always sets iova_pgsizes, but v4.4 does not set the flag. */
	info.flags |= VFIO_IOMMU_INFO_PGSIZES;
	do
		ret = put_capability(call->container, &info, to);
	while (ret == -EAGAIN && ++tries < MAX_TRIES);
	if (ret == -ENODATA) {
		/* Leave the kernel's answer, unless its capabilities are hidden. */
		if (!resv_native_ignored)
			return true;
		ret = 0;
	} else {
		info.flags |= COMPAT_VFIO_IOMMU_INFO_CAPS;
	}
	if (ret)
		info.argsz += min_t(u32, U32_MAX - info.argsz, PAGE_SIZE);
	return put_user_bytes(to, &info, head) && !ret;
}
