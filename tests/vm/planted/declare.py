# SPDX-License-Identifier: GPL-2.0-only
"""Checks that the checks of the declare- tests find faults: as in report.py, one fault at a time is
planted in a transcript without faults."""
from cases import case
from expect.declared import dumped, kernel_list
from expect.said import complains, keep, same_dump, says, shown
from expect.vfio import edus, keep_vfio, same_vfio
from lab.machines import ONE, OTHER
from talk.declaring import declaring, unloading
from talk.play import mark, play, ranges_are, reads, writes
from talk.script import MARK, Script, overflows
from talk.words import HOLE, LATER, of, span

# The same lines for each group that VFIO gets.
VERDICT = """\
file assignable ok
| yes
file iommu ok
| iommu0
file page_size ok
| 0x1000
"""
BARE = """\
dump {label}
group 1
device 0000:00:03.0 vfio-pci 0x1234:0x11e8
iommu iommu0
file type ok
| DMA
file reserved_regions ok
| 0x00000000fee00000 0x00000000feefffff msi
group 2
device 0000:00:04.0 vfio-pci 0x1234:0x11e8
iommu iommu0
file type ok
| DMA
file reserved_regions ok
| 0x00000000fee00000 0x00000000feefffff msi
group -
dump-end
"""

LOADED = """\
dump {label}
group 1
device 0000:00:03.0 vfio-pci 0x1234:0x11e8
iommu iommu0
file type ok
| DMA
file reserved_regions ok
{hole}| 0x00000000fee00000 0x00000000feefffff msi
""" + VERDICT + """\
file aperture ok
| 0x0000000000000000 0x0000007fffffffff
file msi_isolation ok
| isolated
file msi_window ok
| none
file regions ok
{admin}| 0x00000000fee00000 0x00000000feefffff msi apic 0000:00:03.0 native enforced
| 0x0000008000000000 0xffffffffffffffff out-of-range aperture - added enforced
file usable ok
{low}| 0x00000000fef00000 0x0000007fffffffff
group 2
device 0000:00:04.0 vfio-pci 0x1234:0x11e8
iommu iommu0
file type ok
| DMA
file reserved_regions ok
| 0x00000000fee00000 0x00000000feefffff msi
""" + VERDICT + """\
file aperture ok
| 0x0000000000000000 0x0000007fffffffff
file msi_isolation ok
| isolated
file msi_window ok
| none
file regions ok
| 0x00000000fee00000 0x00000000feefffff msi apic 0000:00:04.0 native enforced
| 0x0000008000000000 0xffffffffffffffff out-of-range aperture - added enforced
file usable ok
| 0x0000000000000000 0x00000000fedfffff
| 0x00000000fef00000 0x0000007fffffffff
group -
dump-end
"""
EMPTY = {"hole": "", "admin": "", "low": "| 0x0000000000000000 0x00000000fedfffff\n"}
FULL = {"hole": "| 0x0000000020000000 0x00000000200fffff reserved\n",
        "admin": "| 0x0000000020000000 0x00000000200fffff reserved admin - added enforced\n",
        "low": "| 0x0000000000000000 0x000000001fffffff\n"
               "| 0x0000000020100000 0x00000000fedfffff\n"}
FILE = of(ONE, "resv/declare")
LIST = of(ONE, "reserved_regions")


def script():
    out = Script()
    out.do("before", ["dump before", "vfio"], keep("before"), keep_vfio("before"))
    out.do("loaded", ["dump loaded"], dumped("loaded", "before", {}))
    declaring(out, "declare", ONE, "add", [HOLE])
    out.do("files", ["dump declared"], dumped("declared", "loaded", {ONE: [HOLE]}))
    step, check = play(
        "container", (f"try:{span(*HOLE)}", "EINVAL"),
        ranges_are("declared", ONE, OTHER), reads(ONE, "reserved_regions",
                                                  "declared"),
        mark("live"), writes(ONE, "add", LATER, "EBUSY"), mark("end"))
    out.do("play", [step], check, edus(1), complains(ONE, 1, "live"))
    out.do("refused", [f"write-hex {FILE} 00", f"cat {LIST}"],
           says("write-hex EINVAL -1"), complains(ONE),
           shown(ONE, "declared", 1))
    unloading(out, "kprobe")
    out.do("after", ["dump after", "vfio"], same_dump("after", "before"),
           same_vfio("after", "before"))
    return out


PLAY = f"""\
run 0 container ok
run 1 try:0x20000000-0x200fffff EINVAL
run 2 ranges 0x0000000000000000-0x000000001fffffff 0x0000000020100000-0x00000000fedfffff \
0x00000000fef00000-0x0000007fffffffff
run 3 | 0x0000000020000000 0x00000000200fffff reserved
run 3 | 0x00000000fee00000 0x00000000feefffff msi
run 3 read:{LIST} ok
run 4 write:/dev/kmsg=iommu-resv-test_#live ok
run 5 write:{FILE}=add_0x28000000_0x2800ffff EBUSY
run 6 write:/dev/kmsg=iommu-resv-test_#end ok
run dma=0x0000000001000000 ok
run dma=0x0000007fffffd000 ok
run msi=3/3
run exit 0
"""
VFIO = """\
vfio 1 open=ok
vfio 1 range=0x0000000000000000 0x00000000fedfffff
vfio 2 open=ok
"""


def sample():
    parts = [
        BARE.format(label="before") + VFIO, LOADED.format(label="loaded", **EMPTY),
        f"event change@/kernel/iommu_groups/1\nevent exit 0\nwrite {FILE} ok\n",
        LOADED.format(label="declared", **FULL), PLAY,
        f"write-hex EINVAL -1\nfile {LIST} ok\n" + FULL["hole"] +
        "| 0x00000000fee00000 0x00000000feefffff msi\n",
        "unload iommu_resv ok\n", BARE.format(label="after") + VFIO]
    log = [["group 1: 0x20000000-0x200fffff is declared"] if n == 2 else
           ["#live", "group 1: in use by VFIO", "#end", "group 1: removed"] if n == 4 else
           ["group 1: invalid command: write add"] if n == 5 else [] for n in range(len(parts))]
    text = "start 0000:00:1d.0\n"
    for n, part in enumerate(parts):
        text += f"say @{n}\nwrite /dev/kmsg ok\n{part}"
    for n, lines in enumerate(log):
        text += f"log {MARK} @{n}\n"
        for line in lines:
            text += f"log {MARK if line[0] == '#' else 'iommu_resv:'} {line}\n"
    return text + "end\n"


# (stretch, text in it, replacement, words of the fault that must be reported)
PLANTED = (
    (0, "vfio 1 open=ok", "vfio 1 open=EPERM set-iommu", "VFIO now"),
    (1, "file usable ok", "file usable ENODATA", "usable: ENODATA"),
    (1, "feefffff msi\n", "fee0ffff msi\n", "merged"),
    (2, "change@", "add@", "no uevent"),
    (2, f"write {FILE} ok", f"write {FILE} EINVAL", "EINVAL"),
    (2, f"write {FILE} ok\n", "", "a write is missing"),
    (3, FULL["hole"], "", "the kernel's rule"),
    (3, FULL["hole"], FULL["hole"] * 2, "the kernel's rule"),
    (3, "00200fffff reserved\n", "00201fffff reserved\n", "the kernel's rule"),
    (3, "00200fffff reserved\n", "00200fffff direct\n", "the kernel's rule"),
    (3, FULL["admin"], "", "what was declared"),
    (3, "reserved admin - added enforced", "reserved admin - added advice", "what was declared"),
    (3, "reserved admin - ", "reserved admin 0000:00:03.0 ", "what was declared"),
    (3, "| 0x0000000020100000 0x00000000fedfffff\n", "", "usable, and before"),
    (3, "msi apic 0000:00:04.0 native", "msi kernel 0000:00:04.0 native", "other lines of regions"),
    (3, "| isolated", "| unsafe", "msi_isolation, and before"),
    (3, "group 2\n", "group 3\n", "groups ['1', '3']"),
    (4, "fffff EINVAL", "fffff ok", "try:0x20000000"),
    (4, "run 1 ", "run 9 ", "try:0x20000000"),
    (4, "0x000000001fffffff 0x0000000020100000-", "", "ranges"),
    (4, "run 3 | 0x0000000020000000 0x00000000200fffff reserved\n", "", "now, and declared"),
    (4, "0x2800ffff EBUSY", "0x2800ffff ok", "expected EBUSY"),
    (4, "run dma=0x0000007fffffd000 ok", "run dma=0x0000007fffffd000 differs", "of 1 devices"),
    (4, "run msi=3/3\n", "", "of 1 devices"),
    (4, "run exit 0", "run exit 139", "vfio-check"),
    (5, "write-hex EINVAL", "write-hex EBUSY", "lacks 'write-hex EINVAL"),
    (5, "write-hex EINVAL -1", "write-hex ok 1", "lacks 'write-hex EINVAL"),
    (5, FULL["hole"], "", "and declared"),
    (5, f"file {LIST} ok", f"file {LIST} EIO", "EIO"),
    (5, f"file {LIST} ok\n" + FULL["hole"] +
     "| 0x00000000fee00000 0x00000000feefffff msi\n", "", "0 files were shown"),
    (6, "unload iommu_resv ok", "unload iommu_resv EAGAIN", "lacks 'unload"),
    (6, "unload iommu_resv ok\n", "unload iommu_resv ok\nleft /sys/kernel/iommu_resv\n", "left"),
    (7, "feefffff msi\n", "feefffff msi\n| 0x0000000020000000 0x00000000200fffff reserved\n",
     "it was"),
    (7, "| DMA\n", "| identity\n", "it was"),
    (7, "vfio-pci", "-", "devices"),
    (7, "vfio 1 range=0x0000000000000000 0x00000000fedfffff\n", "", "VFIO now"),
    (7, "say @7\n", "", "no word of it"),
    (7, "log iommu_resv: group 1: in use by VFIO\n", "", "0 lines in the log"),
    (7, "log iommu_resv: group 1: in use by VFIO\n",
     "log iommu_resv: group 1: in use by VFIO\n" * 2, "2 lines in the log"),
    (7, "log iommu_resv: group 1: invalid command: write add\n",
     "log iommu_resv: group 2: invalid command: write add\n", "0 of them about group 1"),
    (7, "log iommu_resv: group 1: invalid command: write add\n", "", "0 lines in the log"),
)

# The kernel's rule, by examples worked out by hand: list before, declared, devices, list after
RULE = (
    ([], [(0x1000, 0x1fff)], 2, ["0x0000000000001000 0x0000000000001fff reserved"]),
    ([], [(0x3000, 0x3fff), (0x1000, 0x1fff), (0x2000, 0x2fff)], 1,
     ["0x0000000000001000 0x0000000000003fff reserved"]),
    (["0x0000000000000000 0x0000000000ffffff direct-relaxable"], [(0, 0xfff)], 1,
     ["0x0000000000000000 0x0000000000ffffff direct-relaxable",
      "0x0000000000000000 0x0000000000000fff reserved"]),
    (["0x000000fd00000000 0x000000ffffffffff reserved"], [(0xfcfffff000, 0xfcffffffff)], 1,
     ["0x000000fcfffff000 0x000000ffffffffff reserved"]),
    (["0x00000000fee00000 0x00000000feefffff msi"], [(0xfedff000, 0xfedfffff)], 1,
     ["0x00000000fedff000 0x00000000fedfffff reserved",
      "0x00000000fee00000 0x00000000feefffff msi"]),
)


def planted(faults, text, checks):
    """Plant each of FAULTS alone in TEXT; list those that CHECKS do not see."""
    missed = []
    for stretch, old, new, words in faults:
        at = text.find(old, text.index(f"say @{stretch}\n"))
        if at < 0:
            missed.append(f"no '{old}' in stretch {stretch} of the sample")
            continue
        found = checks.judge((text[:at] + new + text[at + len(old):]).splitlines())
        if not any(words in fault for fault in found):
            missed.append(f"{stretch}: '{old}' -> '{new}' is not seen as '{words}': {found}")
    return missed


@case("declare-judge-sees-faults")
def judge_sees(name):
    """The checks see each planted fault."""
    text, checks = sample(), script()
    faults = [f"the right transcript: {fault}" for fault in checks.judge(text.splitlines())]
    faults += planted(PLANTED, text, checks)
    for before, declared, devices, after in RULE:
        if kernel_list(before, declared, devices) != after:
            faults.append(f"{before} and {declared} give "
                          f"{kernel_list(before, declared, devices)}")
    if not overflows(["fill_read_buffer: iommu_group_attr_show+0x0 returned bad count"]):
        faults.append("a file of the kernel that is too long passes")
    return f"{len(PLANTED) + len(RULE) + 1} planted faults seen", faults
