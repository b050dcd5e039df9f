# SPDX-License-Identifier: GPL-2.0-only
"""The table of machines: each entry is a topology, with its devices and the expected results."""
import subprocess
from dataclasses import dataclass

from lab import acpi

EDU = "edu,dma_mask=0xffffffffffffffff"
APIC = "0x00000000fee00000 0x00000000feefffff msi"


@dataclass(frozen=True)
class Topology:
    name: str
    arch: str
    kernels: tuple              # keys of the kernels to test it on
    machine: str
    devices: tuple              # QEMU -device
    append: str = ""            # kernel arguments
    modules: tuple = ()         # "?" before a name: only if the kernel has it
    firmware: str = None        # QEMU -bios
    tables: dict = None         # ACPI tables instead of the firmware's
    dts: dict = None            # text added to nodes of the device tree: {node: text}
    # Expected lines: (device, start of a line of `regions`[, kernel series])
    shows: tuple = ()
    # Devices whose group VFIO must refuse, by any errno: (device[, kernel series])
    refused: tuple = ()
    # Kernel series on which VFIO opens groups only with allow_unsafe_interrupts
    unsafe: tuple = ()
    # Kernel series on which no MSI arrives, with or without the module, by faults of QEMU or kernel
    no_msi: tuple = ()
    same_group: tuple = ()      # devices that must share a group
    longer: tuple = ()          # devices whose group's `regions` is longer than a page of 4 KiB
    log: tuple = ()             # patterns that must be in the kernel log
    suite: str = None           # Debian release whose QEMU to use, in a root of its own

    def machine_only(self):
        """The parts of the machine, without its name and the expected results."""
        return (self.machine, self.devices, self.append, self.modules, self.firmware, self.tables,
                self.dts, self.suite)

    def qemu(self, folder):
        words = []
        for device in self.devices:
            words += ["-device", device]
        if self.firmware:
            words += ["-bios", self.firmware]
        if self.dts:
            words += ["-dtb", str(self.device_tree(folder))]
        return words

    def device_tree(self, folder):
        """QEMU's own device tree with DTS added."""
        blob, out = folder / "qemu.dtb", folder / "dtb"
        words = []
        for device in self.devices:
            words += ["-device", device]
        subprocess.run(["qemu-system-aarch64", "-machine", f"{self.machine},dumpdtb={blob}",
                        "-cpu", "cortex-a57", "-m", "512M", "-nodefaults", "-nic", "none",
                        "-display", "none", *words],
                       check=True, capture_output=True)
        text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", blob],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
        # dtc merges the second description of the root node into the first.
        subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", out], check=True,
                       input=text + self.dts, text=True)
        return out


def applies(entry, length, series):
    """Does ENTRY apply to the kernel SERIES? After LENGTH fields it may have a list of series."""
    return len(entry) == length or series in entry[length]


X86 = ("5.10-amd64", "6.1-amd64", "6.12-amd64", "7-amd64")
ARM = ("5.10-arm64", "6.1-arm64", "6.12-arm64", "7-arm64")
# The kernels of tests/debug, and those of them with iommufd's container
DEBUG = ("debug-amd64", "debug-arm64")
Q35 = "q35,kernel-irqchip=split"
SMMU = "virt,gic-version=3,iommu=smmuv3"

# One machine with every kind of group that a q35 can have.
X86_DEVICES = (
    f"{EDU},addr=3",
    f"{EDU},addr=7.0,multifunction=on", f"{EDU},addr=7.1",
    # A conventional bridge: the devices behind it share its group.
    "pcie-root-port,id=rp0,chassis=1,addr=5", "pcie-pci-bridge,id=pb,bus=rp0",
    f"{EDU},bus=pb,addr=1", f"{EDU},bus=pb,addr=2",
    # A switch; the kernel decides whether its ports isolate the devices behind them.
    "pcie-root-port,id=rp1,chassis=2,addr=6", "x3130-upstream,id=up,bus=rp1",
    "xio3130-downstream,id=dn0,bus=up,chassis=11,slot=0",
    "xio3130-downstream,id=dn1,bus=up,chassis=12,slot=1",
    f"{EDU},bus=dn0", f"{EDU},bus=dn1",
)
MULTIFUNCTION = (("0000:00:07.0", "0000:00:07.1"),)
BRIDGE = (("0000:01:00.0", "0000:02:01.0", "0000:02:02.0"),)
APIC_ALL = (("0000:00:03.0", APIC), ("0000:02:01.0", APIC), ("0000:00:1f.0", APIC))
# The window that QEMU's firmware gave that bridge: devices behind it reach each other there.
CONVENTIONAL = tuple(("0000:02:01.0", f"{window} pci-window bridge 0000:01:00.0 added advice")
                     for window in ("0x00000000fdc00000 0x00000000fddfffff",
                                    "0x00000000fe800000 0x00000000fe9fffff"))
ISA = (("0000:00:1f.0", "0x0000000000000000 0x0000000000ffffff direct-relaxable"),)

# Regions that firmware reserves, by tables and device tree. memmap= keeps the kernel from using
# 0x1a000000, as firmware would.
KEEP = "memmap=128K$0x1a000000"
MANY = range(0x1a000000, 0x1a064000, 0x1000)

SOFT = "0x0000000008000000 0x00000000080fffff sw-msi"
ARM_DEVICES = (
    f"{EDU},addr=3",
    f"{EDU},addr=7.0,multifunction=on", f"{EDU},addr=7.1",
    "pcie-root-port,id=rp1,chassis=2,addr=6", "x3130-upstream,id=up,bus=rp1",
    "xio3130-downstream,id=dn0,bus=up,chassis=11,slot=0",
    "xio3130-downstream,id=dn1,bus=up,chassis=12,slot=1",
    f"{EDU},bus=dn0", f"{EDU},bus=dn1",
)
SOFT_ALL = (("0000:00:03.0", SOFT), ("0000:00:07.1", SOFT))
HOLE_TREE = """
/ {
    reserved-memory {
        #address-cells = <2>;
        #size-cells = <2>;
        ranges;
        direct: firmware@50000000 {
            reg = <0 0x50000000 0 0x10000>;
            iommu-addresses = <&edu3 0 0 0x50000000 0 0x10000>;
        };
        hole: hole {
            iommu-addresses = <&edu4 0 0 0x60000000 0 0x10000>;
        };
    };
    pcie@10000000 {
        edu3: edu@3,0 {
            reg = <0x1800 0 0 0 0>;
            memory-region = <&direct>;
        };
        edu4: edu@4,0 {
            reg = <0x2000 0 0 0 0>;
            memory-region = <&hole>;
        };
    };
};
"""
# The host bridge passes DMA on in two ranges; the second one has another address on the bus than
# for the CPU. The kernel's MSI window is in the first gap.
GAPS = ((0, 0x3fffffff), (0x60000000, 0x8fffffff), (0x4090000000, 2 ** 64 - 1))
GAP_TREE = """
/ {
    pcie@10000000 {
        dma-ranges = <0x42000000 0x0 0x90000000  0x0 0x80000000  0x40 0x0>,
                     <0x42000000 0x0 0x40000000  0x0 0x40000000  0x0 0x20000000>;
    };
};
"""

TABLE = [
    Topology("intel", "amd64", X86 + ("6.12-amd64-rt", "6.12-amd64-cloud"), Q35,
             ("intel-iommu,intremap=on", *X86_DEVICES), "intel_iommu=on",
             shows=APIC_ALL + ISA + CONVENTIONAL + (
                 ("0000:00:03.0", "0x0000008000000000 0xffffffffffffffff out-of-range aperture"),),
             same_group=MULTIFUNCTION + BRIDGE),
    Topology("intel48", "amd64", ("5.10-amd64", "7-amd64"), Q35,
             ("intel-iommu,intremap=on,aw-bits=48", f"{EDU},addr=3"), "intel_iommu=on",
             shows=(("0000:00:03.0",
                     "0x0001000000000000 0xffffffffffffffff out-of-range aperture"),)),
    Topology("intel-scalable", "amd64", ("6.12-amd64", "7-amd64"), Q35,
             ("intel-iommu,intremap=on,aw-bits=48,x-scalable-mode=on", f"{EDU},addr=3"),
             "intel_iommu=on,sm_on",
             shows=(("0000:00:03.0",
                     "0x0001000000000000 0xffffffffffffffff out-of-range aperture"),)),
    # Only first-stage translation, which Debian 12's QEMU does not have. There is no topology with
    # iommu=pt in addition: on QEMU 10.0 the DMA of a device that VFIO has goes wrong there.
    Topology("intel-flts", "amd64", ("6.12-amd64", "7-amd64"), Q35,
             ("intel-iommu,intremap=on,x-scalable-mode=on,x-flts=on,aw-bits=48",
              f"{EDU},addr=3"), "intel_iommu=on,sm_on", suite="trixie",
             shows=(("0000:00:03.0",
                     "0x0000800000000000 0xffffffffffffffff out-of-range aperture"),)),
    Topology("intel-noremap", "amd64", ("5.10-amd64", "6.12-amd64"), Q35,
             ("intel-iommu,intremap=off", f"{EDU},addr=3"), "intel_iommu=on",
             unsafe=("5.10", "6.1", "6.12", "7")),
    Topology("rmrr", "amd64", X86, Q35,
             ("intel-iommu,intremap=on", f"{EDU},addr=3", "qemu-xhci,addr=4", f"{EDU},addr=5"),
             f"intel_iommu=on {KEEP}",
             tables={"dmar": acpi.dmar(
                 acpi.rmrr(0x1a000000, 0x1a00ffff, acpi.endpoint(3)),
                 acpi.rmrr(0x1a010000, 0x1a01ffff, acpi.endpoint(4)))},
             shows=(("0000:00:03.0", "0x000000001a000000 0x000000001a00ffff direct rmrr "
                                     "0000:00:03.0 native enforced"),
                    ("0000:00:04.0", "0x000000001a010000 0x000000001a01ffff direct-relaxable rmrr "
                                     "0000:00:04.0 native")),
             refused=(("0000:00:03.0",),)),
    # More lines than fit on a page. The kernel's own file cannot be longer than a page (5.10
    # writes past its end), but there these adjacent regions are one line.
    Topology("rmrr-many", "amd64", ("5.10-amd64", "6.12-amd64", "7-amd64"), Q35,
             ("intel-iommu,intremap=on", "qemu-xhci,addr=4"), "intel_iommu=on memmap=1M$0x1a000000",
             tables={"dmar": acpi.dmar(*(acpi.rmrr(start, start + 0xfff, acpi.endpoint(4))
                                         for start in MANY))},
             shows=tuple(("0000:00:04.0", f"0x{start:016x} 0x{start + 0xfff:016x} direct-relaxable "
                                          "rmrr 0000:00:04.0 native") for start in MANY),
             longer=("0000:00:04.0",)),
    # QEMU's amd-iommu translates for devices of the root bus only.
    Topology("amd", "amd64", X86, Q35,
             ("amd-iommu,intremap=on", f"{EDU},addr=3",
              f"{EDU},addr=7.0,multifunction=on", f"{EDU},addr=7.1"),
             shows=(("0000:00:03.0", APIC), ("0000:00:07.0", APIC),
                    ("0000:00:03.0", "0x000000fd00000000 0x000000ffffffffff reserved ht")),
             unsafe=("7",), same_group=MULTIFUNCTION),
    Topology("ivmd", "amd64", ("5.10-amd64", "6.1-amd64", "6.12-amd64", "7-amd64"), Q35,
             ("amd-iommu,intremap=on", f"{EDU},addr=3", "qemu-xhci,addr=4", f"{EDU},addr=5"),
             KEEP,
             tables={"ivrs": acpi.ivrs(
                 acpi.ivmd(0x21, acpi.devid(3), 0x1a000000, 0x10000),
                 acpi.ivmd(0x22, acpi.devid(4), 0x1a010000, 0x10000, extra=acpi.devid(4)))},
             shows=(("0000:00:03.0", "0x000000001a000000 0x000000001a00ffff direct ivmd "
                                     "0000:00:03.0 native enforced"),
                    ("0000:00:04.0", "0x000000001a010000 0x000000001a01ffff direct ivmd")),
             # 5.10 and 6.1 let VFIO have such devices and exclude the range from its maps.
             refused=(("0000:00:03.0", ("6.12", "7")), ("0000:00:04.0", ("6.12", "7"))),
             unsafe=("7",)),
    Topology("virtio-x86", "amd64", ("6.12-amd64", "7-amd64"), Q35,
             ("virtio-iommu-pci,addr=2", f"{EDU},addr=3"), modules=("virtio_iommu",),
             shows=(("0000:00:03.0", APIC),), unsafe=("6.12", "7")),

    Topology("smmu", "arm64", ARM + ("6.12-arm64-16k", "6.12-arm64-64k"), SMMU,
             ARM_DEVICES, shows=SOFT_ALL, same_group=MULTIFUNCTION),
    Topology("smmu-acpi", "arm64", ARM, SMMU, ARM_DEVICES, shows=SOFT_ALL,
             firmware="/usr/share/qemu-efi-aarch64/QEMU_EFI.fd", same_group=MULTIFUNCTION),
    # The stream of 00:03.0 is 0x18. 5.10 does not know RMRs, and later kernels ignore those of PCI
    # devices unless firmware has the bus numbers preserved: only the module reports this one.
    Topology("rmr", "arm64", ("5.10-arm64", "6.1-arm64", "6.12-arm64"), SMMU,
             (f"{EDU},addr=3", f"{EDU},addr=4"),
             firmware="/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",
             tables={"iort": acpi.iort(acpi.rmr(0x50000000, 0x10000, acpi.SMMU_NODE, 0x18))},
             shows=(("0000:00:03.0", "0x0000000050000000 0x000000005000ffff direct rmr "
                                     "0000:00:03.0 added advice"),)),
    # GICv2m does not distinguish devices.
    Topology("smmu-v2m", "arm64", ("5.10-arm64", "6.12-arm64", "7-arm64"),
             "virt,gic-version=2,iommu=smmuv3", (f"{EDU},addr=3",),
             shows=(("0000:00:03.0", SOFT),), unsafe=("5.10", "6.1", "6.12", "7")),
    # Root ports without ACS: kernels that check ACS put all devices below one slot into a group.
    Topology("smmu-noacs", "arm64", ("6.12-arm64", "7-arm64"), SMMU,
             ("pcie-root-port,id=rp0,chassis=1,addr=6.0,multifunction=on,disable-acs=on",
              "pcie-root-port,id=rp1,chassis=2,addr=6.1,disable-acs=on",
              f"{EDU},bus=rp0", f"{EDU},bus=rp1", f"{EDU},addr=3"),
             # Requests that these ports do not redirect go to the windows of their bus, which are
             # those of QEMU's host bridge.
             shows=(("0000:00:03.0", SOFT),) + tuple(
                 ("0000:01:00.0", f"{window} pci-window bridge {port} added advice")
                 for port in ("0000:00:06.0", "0000:00:06.1")
                 for window in ("0x0000000010000000 0x000000003efeffff",
                                "0x0000008000000000 0x000000ffffffffff")),
             same_group=(("0000:00:06.0", "0000:00:06.1"),)),
    Topology("dt-holes", "arm64", ARM, SMMU, (f"{EDU},addr=3", f"{EDU},addr=4"), dts=HOLE_TREE,
             shows=(("0000:00:03.0", "0x0000000050000000 0x000000005000ffff direct dt "
                                     "0000:00:03.0 native enforced", ("6.12", "7")),
                    ("0000:00:04.0", "0x0000000060000000 0x000000006000ffff reserved dt "
                                     "0000:00:04.0 native enforced", ("6.12", "7")),
                    # These kernels do not read the property: the module reports the region as
                    # advice.
                    ("0000:00:03.0", "0x0000000050000000 0x000000005000ffff direct dt "
                                     "0000:00:03.0 added advice", ("5.10", "6.1")),
                    ("0000:00:04.0", "0x0000000060000000 0x000000006000ffff reserved dt "
                                     "0000:00:04.0 added advice", ("5.10", "6.1"))),
             refused=(("0000:00:03.0", ("6.12", "7")),)),
    # Every group is behind that bridge. The log must say that the kernel's window is in a gap.
    Topology("dt-gaps", "arm64", ("5.10-arm64", "6.12-arm64", "7-arm64"), SMMU,
             (f"{EDU},addr=3", "pcie-root-port,id=rp0,chassis=1,addr=5", f"{EDU},bus=rp0"),
             dts=GAP_TREE,
             shows=tuple((device, f"0x{start:016x} 0x{end:016x} pci-window bridge pci0000:00 "
                                  "added advice")
                         for device in ("0000:00:03.0", "0000:01:00.0") for start, end in GAPS),
             log=(r"MSI window 0x8000000-0x80fffff overlaps 0x0-0x3fffffff \(pci-window, bridge, "
                  r"pci0000:00\)",)),
    # ACPI has one limit for all devices behind its PCI root.
    Topology("acpi-limit", "arm64", ("5.10-arm64", "7-arm64"), SMMU, (f"{EDU},addr=3",),
             firmware="/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",
             tables={"iort": acpi.iort(bits=36)},
             shows=(("0000:00:03.0", "0x0000001000000000 0xffffffffffffffff pci-window bridge "
                                     "pci0000:00 added advice"),)),
    # The doorbell of the ITS is a fixed region of the device; there is no movable window.
    Topology("virtio-arm", "arm64", ("6.12-arm64", "7-arm64"), "virt,gic-version=3",
             ("virtio-iommu-pci,addr=2", f"{EDU},addr=3"), modules=("virtio_iommu",),
             shows=(("0000:00:03.0", "0x0000000008090000 0x000000000809ffff msi"),),
             # 7.x refuses the interrupt itself (ENOSPC), with or without the module.
             no_msi=("7",)),
    # Any regions that the host gives; no edu, because there are no MSIs.
    Topology("virtio-holes", "arm64", ("6.12-arm64", "7-arm64"), "virt,gic-version=3,its=off",
             ("virtio-iommu-pci,addr=2,len-reserved-regions=2,"
              "reserved-regions[0]=0x10000000:0x1fffffff:0,"
              "reserved-regions[1]=0x40000000:0x40000fff:0",
              "pci-testdev,addr=3"), modules=("virtio_iommu",),
             shows=(("0000:00:03.0", "0x0000000010000000 0x000000001fffffff reserved kernel"),
                    ("0000:00:03.0", "0x0000000040000000 0x0000000040000fff reserved kernel"),
                    ("0000:00:03.0", SOFT)),
             unsafe=("6.12", "7")),
]

# Machines that the report- tests do not use.
SLOTS = ("pcie-root-port,id=hp1,chassis=1,addr=5", "pcie-root-port,id=hp2,chassis=2,addr=6")
HOTPLUG = {
    "amd64": Topology("hotplug", "amd64", (), Q35,
                      ("intel-iommu,intremap=on", *SLOTS),
                      "intel_iommu=on"),
    "arm64": Topology("hotplug", "arm64", (), SMMU, SLOTS),
}
PLAIN = {
    "amd64": Topology("plain", "amd64", (), Q35,
                      ("intel-iommu,intremap=on", f"{EDU},addr=3", f"{EDU},addr=4"),
                      "intel_iommu=on"),
    "arm64": Topology("plain", "arm64", (), SMMU, (f"{EDU},addr=3", f"{EDU},addr=4")),
}
# Two NVMe controllers with 127 virtual functions each.
NVME = tuple(word for n in (0, 1) for word in (
    f"pcie-root-port,id=np{n},chassis={40 + n},addr={8 + n}",
    f"nvme-subsys,id=s{n},nqn=s{n}",
    f"nvme,serial=s{n},subsys=s{n},bus=np{n},max_ioqpairs=256,msix_qsize=128,"
    "sriov_max_vfs=127,sriov_vq_flexible=254,sriov_vi_flexible=127"))
SRIOV = {
    "amd64": Topology("sriov", "amd64", (), Q35, ("intel-iommu,intremap=on", *NVME),
                      "intel_iommu=on", modules=("nvme",)),
    "arm64": Topology("sriov", "arm64", (), SMMU, NVME, modules=("nvme",)),
}

BY_NAME = {topology.name: topology for topology in TABLE}
