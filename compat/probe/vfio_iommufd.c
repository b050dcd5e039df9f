// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the kernel has iommufd, and VFIO gives it devices by these functions.  The module
 * hooks them to explain what iommufd refuses.
 * Upstream: 9048c7341c4d ("vfio-iommufd: Add detach_iommufd support for physical
 * devices"), v6.6; the other functions exist since v6.2.  Needs CONFIG_IOMMUFD, which
 * Debian's kernels do not have; seen in 6.12 with it.
 */
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include "probe.h"

#if !IS_ENABLED(CONFIG_IOMMUFD)
#error "no iommufd"
#endif

PROBE(bool, probe_vfio_iommufd, (struct vfio_device *vdev, struct device **dev))
{
	BUILD_BUG_ON(!__same_type(iommufd_device_bind,
				  struct iommufd_device *(struct iommufd_ctx *,
							  struct device *, u32 *)));
	BUILD_BUG_ON(!__same_type(vfio_iommufd_physical_attach_ioas,
				  int (struct vfio_device *, u32 *)));
	BUILD_BUG_ON(!__same_type(vfio_iommufd_physical_detach_ioas,
				  void (struct vfio_device *)));
	BUILD_BUG_ON(!__same_type(vfio_iommufd_physical_unbind,
				  void (struct vfio_device *)));
	*dev = vdev->dev;
	return vdev->iommufd_attached;
}
