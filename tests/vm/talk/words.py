# SPDX-License-Identifier: GPL-2.0-only
"""Names that steps and checks share: files of the kernel and of the module, the device and the
regions that most cases use, and steps of one line."""

MODULE = "/iommu_resv.ko"
LIVEPATCH = "/iommu_resv_livepatch.ko"
HOOKS = "/sys/kernel/iommu_resv/hooks"
FEATURES = "/sys/kernel/iommu_resv/features"
MODE = "/sys/module/iommu_resv/parameters/hooks"
STOCK = "/sys/module/iommu_resv/parameters/test_stock"
CHECKS = "/sys/module/iommu_resv/parameters/checks"
RANGES = "/sys/module/iommu_resv/parameters/ranges"
PATCH = "/sys/kernel/livepatch/iommu_resv_livepatch"
UNSAFE = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
PROBES = "/sys/kernel/debug/kprobes/enabled"
FTRACE = "/proc/sys/kernel/ftrace_enabled"
LISTED = "iommu_get_group_resv_regions"


def of(device, name):
    """A file of the device's group."""
    return f"/sys/bus/pci/devices/{device}/iommu_group/{name}"


def text(region):
    return f"0x{region[0]:x} 0x{region[1]:x}"


def span(start, end):
    return f"0x{start:x}-0x{end:x}"


# Regions that scripts declare
HOLE = (0x20000000, 0x200fffff)
HOLE_MANY = (0x30000000, 0x3003ffff)
LATER = (0x28000000, 0x2800ffff)

# The region that steps declare, and its line in the kernel's list
DEVICE = "0000:00:03.0"
GROUP = f"/sys/bus/pci/devices/{DEVICE}/iommu_group"
REGION = "0x40000000 0x40000fff"
SHOWN = "0x0000000040000000 0x0000000040000fff reserved"
READS = 5
# The reason that the hooks of declared regions show after their test while none is declared.
RESTING = "nothing is declared"

# Each walk over all groups installs the kprobes for its time. These steps wait for a walk that is
# scheduled, which starts after 2.1 seconds at most (rescan_fn() in src/group/walk.c), and for its
# end.
RESTED = ["sleep 2500", f"wait-text {HOOKS} {RESTING}"]
MOUNTS = ["mount debugfs /sys/kernel/debug", "mount tracefs /sys/kernel/tracing"]
FILES = [f"cat {HOOKS}", f"cat {FEATURES}", f"cat {MODE}"]
LIST = f"cat {GROUP}/reserved_regions"
ADD = f"write {GROUP}/resv/declare add {REGION}"
REMOVE = f"write {GROUP}/resv/declare remove {REGION}"
# Steps that remove the livepatch, without the command.
DISABLE = [f"write {PATCH}/enabled 0", f"wait-gone {PATCH}", "unload iommu_resv_livepatch"]
ACTIVE = f"wait-text {HOOKS} livepatch active"
IGNORE = f"load {MODULE} native=ignore"
# When a domain is freed while the tap on that is out, a worker puts the module's reference.
UNUSED = "wait-text /sys/module/iommu_resv/refcnt 0"
REPORT = [f"load {MODULE}", "bind", "dump loaded", "pieces", "vfio", "unload iommu_resv",
          "left"]
