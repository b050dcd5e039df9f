# SPDX-License-Identifier: GPL-2.0-only
"""Machines that cases of several subjects use, besides those of topologies.py."""
from lab.topologies import EDU, Q35, SMMU, Topology

# The machine of most tests: two single devices, two functions in a group
DEVICES = (f"{EDU},addr=3", f"{EDU},addr=4", f"{EDU},addr=7.0,multifunction=on", f"{EDU},addr=7.1")
MACHINE = {
    "amd64": Topology("declare", "amd64", (), Q35, ("intel-iommu,intremap=on", *DEVICES),
                      "intel_iommu=on"),
    "arm64": Topology("declare", "arm64", (), SMMU, DEVICES),
}
ONE, OTHER, MANY = "0000:00:03.0", "0000:00:04.0", "0000:00:07.0"

# The device that is plugged into the first slot for hotplug
PLUGGED = "0000:01:00.0"

# An IOMMU whose driver is loaded after the module. The root bus is not behind it: otherwise the
# port to the host would wait for that driver, too.
VIRTIO = Topology("declare-virtio", "amd64", (), f"{Q35},default_bus_bypass_iommu=on",
                  ("virtio-iommu-pci,addr=2", "pxb-pcie,id=pxb,bus_nr=64",
                   "pcie-root-port,id=rp,bus=pxb,chassis=1", f"{EDU},bus=rp"))
BEHIND = "0000:41:00.0"

FIRMWARE = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"

CONTROLLERS = {"its": SMMU, "v2m": "virt,gic-version=2,iommu=smmuv3"}
OTHER_FUNCTION = "0000:00:07.1"


def machine(controller, firmware, devices=DEVICES):
    return Topology(f"msi-{controller}-{firmware}", "arm64", (), CONTROLLERS[controller], devices,
                    firmware=FIRMWARE if firmware == "acpi" else None)


def with_hole(name, devices, slot, function, region):
    """A machine whose device tree reserves REGION for one of its devices."""
    start, size = region[0], region[1] - region[0] + 1
    return Topology(name, "arm64", (), SMMU, devices, dts=f"""
/ {{
    reserved-memory {{
        #address-cells = <2>;
        #size-cells = <2>;
        ranges;
        hole: hole {{
            iommu-addresses = <&holed 0 0 0x{start:x} 0 0x{size:x}>;
        }};
    }};
    pcie@10000000 {{
        holed: edu@{slot},{function} {{
            reg = <0x{slot << 11 | function << 8:x} 0 0 0 0>;
            memory-region = <&hole>;
        }};
    }};
}};
""")
