# SPDX-License-Identifier: GPL-2.0-only
"""Checks that the judge finds faults: one fault at a time is planted in a transcript without
faults."""
import dataclasses

from cases import case
from expect import judge
from lab import vm
from lab.topologies import APIC, Topology

TOPOLOGY = Topology("sample", "amd64", (), "", (), shows=(("0000:00:04.0", APIC),),
                    refused=(("0000:00:03.0",),),
                    same_group=(("0000:00:04.0", "0000:00:04.1"),), log=("DMAR: ok",))

SAMPLE = """\
start 0000:00:1d.0
load /iommu_resv.ko ok 1
bind 0000:00:03.0 ok
bind 0000:00:04.0 ok
bind 0000:00:04.1 ok
dump loaded
group 1
device 0000:00:03.0 vfio-pci 0x1234:0x11e8
iommu dmar0
file reserved_regions ok
| 0x0000000008000000 0x00000000080fffff msi
| 0x000000001a000000 0x000000001a00ffff direct
file assignable ok
| no
| direct 0000:00:03.0 0x000000001a000000 0x000000001a00ffff
file iommu ok
| dmar0
file page_size ok
| 0x1000
file aperture ok
| 0x0000000000000000 0x0000007fffffffff
file msi_isolation ok
| isolated
file msi_window ok
| 0x8000000 0x100000 kernel
file regions ok
| 0x0000000008000000 0x00000000080fffff sw-msi window 0000:00:03.0 native enforced
| 0x000000001a000000 0x000000001a00ffff direct rmrr 0000:00:03.0 native enforced
| 0x0000008000000000 0xffffffffffffffff out-of-range aperture - added enforced
file usable ok
| 0x0000000000000000 0x0000000007ffffff
| 0x0000000008100000 0x0000000019ffffff
| 0x000000001a010000 0x0000007fffffffff
group 2
device 0000:00:04.0 vfio-pci 0x1234:0x11e8
iommu dmar0
device 0000:00:04.1 vfio-pci 0x1b36:0x000d
iommu dmar1
file reserved_regions ok
| 0x0000000000000000 0x0000000000ffffff direct-relaxable
| 0x00000000fee00000 0x00000000feefffff msi
file assignable ok
| yes
file iommu ok
| dmar0
| dmar1
file page_size ok
| 0x1000
file aperture ok
| 0x0000000000000000 0x0000007fffffffff
file msi_isolation ok
| isolated
file msi_window ok
| none
file regions ok
| 0x0000000000000000 0x0000000000ffffff direct-relaxable rmrr 0000:00:04.1 native advice
| 0x00000000fee00000 0x00000000feefffff msi apic 0000:00:04.0 native enforced
| 0x00000000fee00000 0x00000000feefffff msi apic 0000:00:04.1 native enforced
| 0x0000008000000000 0xffffffffffffffff out-of-range aperture - added enforced
file usable ok
| 0x0000000000000000 0x00000000fedfffff
| 0x00000000fef00000 0x0000007fffffffff
group -
file version ok
| 1.0
file features ok
| regions native - the kernel lists them
dump-end
pieces 1 237 same
pieces 2 316 same
probe 1 open=EINVAL set-container
probe 2 open=ok
vfio 1 open=EINVAL set-container
vfio 1 exit 1
vfio 2 open=ok
vfio 2 page=0x1000
vfio 2 range=0x0000000000000000 0x00000000fedfffff
vfio 2 range=0x00000000fef00000 0x0000007fffffffff
vfio 2 inside=0x0000000000000000 0x0000000000ffffff direct-relaxable ok ok
vfio 2 inside=0x00000000fee00000 0x00000000feefffff msi EINVAL EINVAL
vfio 2 edge=0x0000000000000000 0x00000000fedfffff ok ok
vfio 2 edge=0x00000000fef00000 0x0000007fffffffff ok ok
vfio 2 dma=0x0000000001000000 ok
vfio 2 dma=0x0000007fffffd000 ok
vfio 2 msi=3/3
vfio 2 exit 0
unload iommu_resv ok
log DMAR: ok
end
"""

# (text, replacement, words of the fault that must be reported)
PLANTED = (
    ("load /iommu_resv.ko ok", "load /iommu_resv.ko EINVAL", "load"),
    ("bind 0000:00:04.1 ok", "bind 0000:00:04.1 ENODEV", "bind 0000:00:04.1"),
    # A group that VFIO has, but without its answers: without all, or without those of one pass.
    (SAMPLE[SAMPLE.index("vfio 2 open"):SAMPLE.index("unload")], "", "2: VFIO was never tried"),
    ("probe 2 open=ok\n", "", "2: VFIO was never tried"),
    ("vfio 1 open=EINVAL set-container\nvfio 1 exit 1\n", "", "1: VFIO was never tried"),
    ("vfio 1 open=EINVAL set-container\nvfio 1 exit 1\n", "", "VFIO was not asked"),
    ("pieces 2 316 same", "pieces 2 316 differs", "group 2: regions has"),
    ("pieces 2 316 same", "pieces 2 64 same", "group 2: regions has"),
    ("pieces 2 316 same\n", "", "in pieces: nothing"),
    ("unload iommu_resv ok", "unload iommu_resv EAGAIN", "unload"),
    ("00ffff direct rmrr", "01ffff direct rmrr", "merged"),
    ("| 0x00000000fee00000 0x00000000feefffff msi\n", "", "merged"),
    ("native enforced", "native  enforced", "bad line"),
    ("sw-msi window", "sw-msi nowhere", "bad line"),
    ("| isolated", "| quite", "bad line"),
    ("rmrr 0000:00:03.0", "rmrr 0000:00:09.0", "not in the group"),
    ("| 0x8000000 0x100000 kernel", "| none", "msi_window"),
    ("| 0x8000000 0x100000 kernel", "| 0x8000000 0x80000 kernel", "msi_window"),
    ("| 0x0000008000000000 0xffffffffffffffff out", "| 0x0000008000000000 0xfffffffffffffffe out",
     "out-of-range"),
    ("| 0x0000000000000000 0x0000007fffffffff", "| 0x0000000000000000 0x0000ffffffffffff",
     "out-of-range"),
    ("| 0x0000000008100000 0x0000000019ffffff\n", "", "usable, and aperture"),
    ("vfio 2 range=0x0000000000000000 0x00000000fedfffff", "vfio 2 range=0x1000 0xfedfffff",
     "VFIO's IOVA ranges"),
    ("feefffff msi EINVAL EINVAL", "feefffff msi EINVAL ok", "map at 0x00000000feefffff"),
    ("direct-relaxable ok ok", "direct-relaxable EINVAL ok", "map at 0x0000000000000000"),
    ("fedfffff ok ok", "fedfffff ok EINVAL", "map at 0x00000000fedfffff"),
    ("dma=0x0000007fffffd000 ok", "dma=0x0000007fffffd000 differs", "DMA at"),
    ("vfio 2 dma=0x0000000001000000 ok\n", "", "1 DMA tests"),
    ("msi=3/3", "msi=2/3", "interrupts"),
    ("vfio 2 msi=3/3\n", "", "interrupts"),
    ("probe 2 open=ok", "probe 2 open=EPERM set-iommu", "msi_isolation"),
    ("vfio 1 open=EINVAL set-container", "vfio 1 open=ok", "a refusal was expected"),
    ("vfio 2 open=ok", "vfio 2 open=EPERM set-iommu", "VFIO refused it"),
    ("vfio 2 open=ok\n", "", "said nothing"),
    ("| regions native - the kernel lists them\n", "", "features is empty"),
    ("| regions native", "| regions perhaps", "features: bad line"),
    ("| 1.0\n", "", "version is empty"),
    ("msi apic 0000:00:04.0", "msi kernel 0000:00:04.9", "not in the group"),
    ("device 0000:00:04.1 vfio-pci 0x1b36:0x000d\n", "", "are in groups"),
    ("log DMAR: ok", "log DMAR: off", "lacks"),
    ("file usable ok\n", "file usable ENODATA\n", "usable: ENODATA"),
    ("log DMAR", "left /sys/kernel/iommu_resv\nlog DMAR", "after unload"),
    ("| none", "| none\n| none", "has 2 lines"),
    # The file assignable, by itself and against VFIO.
    ("| yes\n", "| perhaps\n", "bad line"),
    ("| yes\n", "| yes\n| yes\n", "assignable: ['yes', 'yes']"),
    ("| no\n| direct 0000:00:03.0 0x000000001a000000 0x000000001a00ffff\n", "| no\n",
     "assignable: ['no']"),
    ("| direct 0000:00:03.0 0x000000001a000000", "| direct 0000:00:03.0 0x000000001b000000",
     "is not in regions"),
    ("| no\n| direct 0000:00:03.0 0x000000001a000000 0x000000001a00ffff\n", "| yes\n",
     "group 1: assignable says yes, VFIO refused"),
    ("| yes\n", "| no\n| direct 0000:00:04.1 0x0000000000000000 0x0000000000ffffff\n",
     "VFIO opened it"),
    ("| yes\n", "| no\n| host-driver 0000:00:04.1 nvme\n", "but the drivers are"),
    ("| yes\n", "| no\n| host-driver 0000:00:04.1 vfio-pci\n", "is bound to vfio-pci"),
    ("| yes\n", "| no\n| unsafe-interrupts -\n", "interrupts are isolated"),
    ("| yes\n", "| no\n| no-iommu 0000:00:04.0\n", "sysfs has its IOMMU"),
    ("probe 2 open=ok", "probe 2 open=EPERM set-iommu", "2: assignable says yes, VFIO refused"),
    ("vfio 2 open=ok\n", "vfio 2 open=ok\nvfio 2 unsafe=1\n", "lacks unsafe-interrupts"),
    ("file assignable ok\n| yes\n", "file assignable ENODATA\n", "assignable: ENODATA"),
    ("| 0x1000\nfile aperture ok\n| 0x0000000000000000 0x0000007fffffffff\nfile msi_isolation ok\n"
     "| isolated\nfile msi_window ok\n| none", "| 0x10000\nfile aperture ok\n"
     "| 0x0000000000000000 0x0000007fffffffff\nfile msi_isolation ok\n| isolated\n"
     "file msi_window ok\n| none", "page_size, and the smallest"),
    ("vfio 2 page=0x1000\n", "", "page_size, and the smallest"),
    ("file page_size ok\n| 0x1000\n", "file page_size ok\n| 4096\n", "bad line"),
    ("| dmar0\n| dmar1\n", "| dmar0\n", "iommu, and the links"),
)

COMPLAINTS = ("WARNING: CPU: 0 PID: 1 at mm/slub.c:1", "BUG: unable to handle page fault",
              "refcount_t: underflow; use-after-free.", "watchdog: BUG: soft lockup - CPU#0",
              "list_del corruption", "BUG kmalloc-64: Redzone overwritten", "UBSAN: shift")


@case("report-judge-sees-faults")
def judge_sees(name):
    """The judge of the report- tests sees each planted fault."""
    faults = [f"the right transcript: {fault}"
              for fault in judge.check_report(SAMPLE.splitlines(), TOPOLOGY, "6.12")]
    for text, becomes, words in PLANTED:
        if text not in SAMPLE:
            faults.append(f"no '{text}' in the sample")
            continue
        found = judge.check_report(SAMPLE.replace(text, becomes, 1).splitlines(), TOPOLOGY, "6.12")
        if not any(words in fault for fault in found):
            faults.append(f"'{text}' -> '{becomes}' is not seen as '{words}': {found}")
    long = dataclasses.replace(TOPOLOGY, longer=("0000:00:04.0",))
    if not any("has only" in fault
               for fault in judge.check_report(SAMPLE.splitlines(), long, "6.12")):
        faults.append("a file that is too short for the test passes")
    faults += [f"a kernel log with '{line}' passes" for line in COMPLAINTS
               if not vm.BAD.search(line)]
    return f"{len(PLANTED) + len(COMPLAINTS)} planted faults seen", faults
