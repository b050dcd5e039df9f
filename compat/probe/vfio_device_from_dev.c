// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: a module can ask VFIO whether it has a device, as vfio_dev_viable() does.
 * Upstream: 44f507163d20 ("VFIO: use a fast path to get the device"), v3.10, to v5.18;
 * later kernels have driver_managed_dma.c.  Needs CONFIG_VFIO.
 */
#include <linux/vfio.h>
#include "probe.h"

PROBE(bool, probe_vfio_device_from_dev, (struct device *dev))
{
	struct vfio_device *device = vfio_device_get_from_dev(dev);

	if (device)
		vfio_device_put(device);
	return device;
}
