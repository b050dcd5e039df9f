/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls of iommufd and of a device's own file, for headers that lack them: from
 * include/uapi/linux/iommufd.h and vfio.h of Linux 6.6 and later. All sizes are bytes, all ends
 * inclusive.
 */
#ifndef IOMMUFD_H
#define IOMMUFD_H

#include <linux/ioctl.h>
#include <stdint.h>

#define IOMMUFD_IOAS_ALLOC		_IO(';', 0x81)
#define IOMMUFD_IOAS_IOVA_RANGES	_IO(';', 0x84)
#define IOMMUFD_IOAS_MAP		_IO(';', 0x85)
#define IOMMUFD_IOAS_UNMAP		_IO(';', 0x86)
#define IOMMUFD_IOAS_MAP_FILE		_IO(';', 0x8f)
#define DEVICE_BIND_IOMMUFD		_IO(';', 118)
#define DEVICE_ATTACH_PT		_IO(';', 119)
#define DEVICE_DETACH_PT		_IO(';', 120)

#define IOMMUFD_MAP_FIXED		1
#define IOMMUFD_MAP_WRITEABLE		2
#define IOMMUFD_MAP_READABLE		4

struct iommufd_ioas_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t out_ioas_id;
};

struct iommufd_ioas_iova_ranges {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas;
	uint32_t reserved;
	uint64_t allowed_iovas;		/* pairs of first and last */
	uint64_t out_iova_alignment;
};

struct iommufd_ioas_map {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	uint32_t reserved;
	uint64_t user_va;
	uint64_t length;
	uint64_t iova;
};

/* Since Linux 6.13 */
struct iommufd_ioas_map_file {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	int32_t fd;
	uint64_t start;
	uint64_t length;
	uint64_t iova;
};

struct iommufd_ioas_unmap {
	uint32_t size;
	uint32_t ioas_id;
	uint64_t iova;
	uint64_t length;
};

struct device_bind_iommufd {
	uint32_t argsz;
	uint32_t flags;
	int32_t iommufd;
	uint32_t out_devid;
};

struct device_attach_pt {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pt_id;
};

struct device_detach_pt {
	uint32_t argsz;
	uint32_t flags;
};

#endif /* IOMMUFD_H */
