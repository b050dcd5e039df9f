# SPDX-License-Identifier: GPL-2.0-only
"""Checks that the checks of the msi-window- tests find faults: as in declare.py, one fault at a
time is planted in a transcript without faults."""
from cases import case
from expect.said import fails, in_log, keep
from expect.window import moved
from lab.machines import ONE
from planted.declare import VERDICT, planted
from talk import window
from talk.play import holds, play
from talk.script import MARK, Script
from talk.window import GUEST, PLACE, active, file_of, put, rested, served
from talk.words import span

DUMP = """\
dump {label}
group 1
device 0000:00:03.0 vfio-pci 0x1234:0x11e8
iommu iommu0
file type ok
| DMA
file reserved_regions ok
| 0x{window} msi
""" + VERDICT + """\
file aperture ok
| 0x0000000000000000 0x0000ffffffffffff
file msi_isolation ok
| isolated
file msi_window ok
| {text}
file regions ok
| 0x{window} sw-msi window 0000:00:03.0 native enforced
| 0x0001000000000000 0xffffffffffffffff out-of-range aperture - added enforced
file usable ok
| 0x0000000000000000 0x{below}
| 0x{above} 0x0000ffffffffffff
group 2
device 0000:00:04.0 vfio-pci 0x1234:0x11e8
iommu iommu0
file type ok
| DMA
file reserved_regions ok
| 0x0000000008000000 0x00000000080fffff msi
""" + VERDICT + """\
file aperture ok
| 0x0000000000000000 0x0000ffffffffffff
file msi_isolation ok
| isolated
file msi_window ok
| 0x8000000 0x100000 kernel
file regions ok
| 0x0000000008000000 0x00000000080fffff sw-msi window 0000:00:04.0 native enforced
| 0x0001000000000000 0xffffffffffffffff out-of-range aperture - added enforced
file usable ok
| 0x0000000000000000 0x0000000007ffffff
| 0x0000000008100000 0x0000ffffffffffff
group -
dump-end
"""
NATIVE = {"window": "0000000008000000 0x00000000080fffff", "text": "0x8000000 0x100000 kernel",
          "below": "0000000007ffffff", "above": "0000000008100000"}
MOVED = {"window": "0000000050000000 0x00000000500fffff", "text": "0x50000000 0x100000 moved",
         "below": "000000004fffffff", "above": "0000000050100000"}
FILE = file_of(ONE)
WORDS = span(*window.NATIVE)


def script():
    out = Script()
    out.do("loaded", ["dump loaded"], keep("loaded"))
    put(out, "move", ONE, "0x50000000", in_log("0x50000000-0x500fffff"))
    out.do("moved", ["dump moved"], moved("moved", "loaded", {ONE: PLACE}))
    step, check = served("moved", PLACE, ONE, count=10)
    out.do("served", [step], check)
    # A stock kernel does not give these answers: the check of one, which must fail here, fails as
    # expected.
    out.do("stock", [step], fails(check, f"{GUEST} EINVAL", "not into", "interrupts"))
    step, check = play("container", holds(ONE, PLACE))
    out.do("held", [step], check)
    active(out)
    rested(out)
    return out


SERVED = f"""\
run 0 container ok
run 1 open:{ONE} ok
run 2 set:{ONE} ok
run 3 iommu ok
run 4 ranges 0x0000000000000000-0x000000004fffffff 0x0000000050100000-0x0000ffffffffffff
run 5 {GUEST} ok
run 6 dma:{ONE}:{WORDS} ok
run 7 try:0x50000000-0x5000ffff EINVAL
run 8 try:0x500f0000-0x500fffff EINVAL
run 9 msi-address {ONE} 0x0000000050000040
run 9 irqs {ONE} 10/10
run 9 irqs:{ONE}:10 ok
run exit 0
"""
STOCK = SERVED.replace(f"{GUEST} ok", f"{GUEST} EINVAL") \
    .replace("0x0000000050000040", "0x0000000008000040").replace("10/10", "9/10")
HELD = f"""\
run 0 container ok
run 1 msi-address {ONE} 0x0000000050000040
run 1 hold:{ONE} ok
run exit 0
"""
HOOKS = "file /sys/kernel/iommu_resv/hooks ok\n" + "".join(
    f"| {symbol} {{state}}\n" for symbol in (
        "iommu_get_group_resv_regions kretprobe", "iommu_alloc_resv_region kprobe",
        "iommu_attach_group kprobe", "iommu_detach_group kprobe", "iommu_domain_free kprobe",
        "vfio_iommu_type1_attach_group kprobe"))
IN = "| arm_smmu_get_resv_regions kprobe active 9 0 -\n" + HOOKS.format(state="active 3 0 -")
OUT = "| arm_smmu_get_resv_regions kprobe active 9 0 -\n" + \
    HOOKS.format(state="off 3 0 no MSI window is moved")


def sample():
    parts = [DUMP.format(label="loaded", **NATIVE), f"write {FILE} ok\n",
             DUMP.format(label="moved", **MOVED), SERVED, STOCK, HELD, IN, OUT]
    text = "start 0000:00:1d.0\n"
    for n, part in enumerate(parts):
        text += f"say @{n}\nwrite /dev/kmsg ok\n{part}"
    for n in range(len(parts)):
        text += f"log {MARK} @{n}\n"
        if n == 1:
            text += "log iommu_resv: group 1: MSI window 0x50000000-0x500fffff from the next\n"
    return text + "end\n"


# (stretch, text in it, replacement, words of the fault that must be reported)
PLANTED = (
    (1, f"write {FILE} ok", f"write {FILE} EINVAL", "lacks 'write"),
    (2, "00500fffff msi", "00501fffff msi", "reserved_regions"),
    (2, "| 0x0000000050000000 0x00000000500fffff msi\n",
     "| 0x0000000008000000 0x00000000080fffff msi\n", "reserved_regions"),
    (2, "| 0x50000000 0x100000 moved", "| 0x50000000 0x100000 auto", "msi_window"),
    (2, "| 0x50000000 0x100000 moved", "| 0x8000000 0x100000 kernel", "msi_window"),
    (2, "| isolated", "| unsafe", "msi_isolation"),
    (2, "0x0000000050100000 0x0000ffffffffffff", "0x0000000050000000 0x0000ffffffffffff", "usable"),
    (2, "vfio-pci 0x1234:0x11e8\niommu iommu0\nfile type ok\n| DMA\n"
     "file reserved_regions ok\n| 0x0000000008",
     "vfio-pci 0x1234:0x11e8\niommu iommu0\nfile type ok\n| identity\n"
     "file reserved_regions ok\n| 0x0000000008",
     "group 2 is not as in"),
    (3, f"{GUEST} ok", f"{GUEST} EINVAL", GUEST),
    (3, f"{WORDS} ok", f"{WORDS} differs", "differs"),
    (3, "5000ffff EINVAL", "5000ffff ok", "expected EINVAL"),
    (3, "500fffff EINVAL", "500fffff EEXIST", "expected EINVAL"),
    (3, "0x0000000050000040", "0x0000000008000040", "not into 0x50000000"),
    (3, "0x0000000050000040", "0x0000000050100040", "not into 0x50000000"),
    (3, f"run 9 msi-address {ONE} 0x0000000050000040\n", "", "not into 0x50000000"),
    (3, "10/10", "9/10", "interrupts"),
    (3, f"irqs:{ONE}:10 ok", f"irqs:{ONE}:10 ENOSPC", "ENOSPC"),
    (3, "0x000000004fffffff 0x", "0x000000005fffffff 0x", "ranges"),
    (3, "run exit 0", "run exit 139", "vfio-check"),
    (4, f"{GUEST} EINVAL", f"{GUEST} ok", "does not see"),
    (4, "0x0000000008000040", "0x0000000050000040", "does not see 'not into'"),
    (4, "9/10", "10/10", "does not see 'interrupts'"),
    (5, "0x0000000050000040", "0x0000000008000040", "expected an address"),
    (5, f"hold:{ONE} ok", f"hold:{ONE} ENOSPC", "expected an address"),
    (6, "iommu_alloc_resv_region kprobe active 3 0 -", "iommu_alloc_resv_region kprobe off 3 0 x",
     "lacks"),
    (6, "iommu_detach_group kprobe active 3 0", "iommu_detach_group kprobe active 3 1", "lacks"),
    (6, "active 9 0 -", "active 9 2 -", "active 9 2"),
    (7, "iommu_domain_free kprobe off 3 0 no MSI window is moved",
     "iommu_domain_free kprobe active 3 0 -", "iommu_domain_free"),
    (7, "log iommu_resv: group 1: MSI window 0x50000000-0x500fffff from the next\n", "",
     "0 lines in the log"),
    (7, "window 0x50000000-0x500fffff from", "window 0x58000000-0x580fffff from", "does not name"),
)


@case("msi-window-judge-sees-faults")
def judge_sees(name):
    """The checks see each planted fault."""
    text, checks = sample(), script()
    faults = [f"the right transcript: {fault}" for fault in checks.judge(text.splitlines())]
    return f"{len(PLANTED)} planted faults seen", \
        faults + planted(PLANTED, text, checks)
