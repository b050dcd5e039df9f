# SPDX-License-Identifier: GPL-2.0-only
"""HTRangeIgnore: an AMD IOMMU that does not need the HyperTransport range. The kernel gets a table
instead of QEMU's that says so in the image of the extended feature 2 register."""
from cases import case
from expect import judge
from expect.hooks import all_ok
from lab import acpi, kernels
from lab.topologies import BY_NAME, X86
from talk.script import run
from talk.words import MODULE

DEVICE = "0000:00:03.0"
# The first register of QEMU's unit; the kernel warns if the image differs from it.
EFR = 0x29d3
HT_IGNORE = 1 << 11
EFRSUP = 1
LISTED = "0x000000fd00000000 0x000000ffffffffff reserved"
RANGE = (0xfd00000000, 0xffffffffff)

# {name: (IVinfo, images of the registers, state in `features`, is it free by the table?)}
TABLES = {
    "set": (EFRSUP, (EFR, HT_IGNORE), "added", True),
    "clear": (EFRSUP, (EFR, ~HT_IGNORE & (1 << 64) - 1), "added", False),
    # The image is present, but IVinfo says that it is not valid; kernels ignore it, too.
    "untold": (0, (EFR, HT_IGNORE), "inert", False),
}


def drops(kernel):
    """Does this kernel leave the range out of its lists by itself?"""
    return tuple(int(n) for n in kernel.release.split("-")[0].split(".")[:2]) >= (6, 16)


def judge_range(lines, state, free, dropped):
    """FREE: the table says that the range is not needed; DROPPED: the kernel does not list it."""
    faults = all_ok(lines)
    groups = judge.dumps(lines)["loaded"]
    module = groups.pop("-")
    told = [line for line in module.lines("features") if line.startswith("ht-range ")]
    if len(told) != 1 or told[0].split()[1] != state or told[0].split()[3:] in ([], ["-"]):
        faults.append(f"features: {told}, expected ht-range {state} and why")
    for group in groups.values():
        faults += judge.check_group(group)
        for name in group.names():
            shown = [line for line in group.lines("regions")
                     if line.startswith("0x000000fd00000000 ") and f" {name} " in line]
            want = [] if dropped else \
                [f"{LISTED} ht {name} native enforced" + (" ht-ignore" if free else "")]
            faults += judge.differ(f"{name}: how regions shows the range", shown, want)
        # The module neither removes the range from the kernel's list nor adds it to usable.
        if (LISTED in group.lines("reserved_regions")) == dropped:
            faults.append(f"group {group.id}: the kernel lists {group.lines('reserved_regions')}")
        usable = judge.pairs(group.lines("usable"))
        if any(lo <= RANGE[0] and RANGE[1] <= hi for lo, hi in usable) != dropped:
            faults.append(f"group {group.id}: usable is {group.lines('usable')}")
    if DEVICE not in [name for group in groups.values() for name in group.names()]:
        faults.append(f"{DEVICE} has no group")
    if any(line.endswith(" ht-ignore") for group in groups.values()
           for line in group.lines("regions") if not line.startswith("0x000000fd00000000 ")):
        faults.append("another region is marked")
    return faults


PLANTED = {
    (True, False): (
        (r"( ht \S+ native enforced) ht-ignore$", r"\1"),
        (r"( ht \S+ native) enforced ht-ignore$", r"\1 advice ht-ignore"),
        (r"( apic \S+ native enforced)$", r"\1 ht-ignore"),
        (r"^\| 0x000000fd00000000 0x000000ffffffffff reserved$", "| 0x0 0x0 reserved"),
        (r"^\| ht-range added - \S.*?$", "| ht-range inert - so"),
    ),
    (False, False): (
        (r"( ht \S+ native enforced)$", r"\1 ht-ignore"),
        (r"^\| ht-range (\S+) - \S.*?$", r"| ht-range \1 - -"),
    ),
    (True, True): (
        (r"^(\| 0x\S+ 0x\S+ msi apic (\S+) native enforced)$",
         r"\1\n| 0x000000fd00000000 0x000000ffffffffff reserved ht \2 added advice"),
    ),
}


@case("ht-ignore-{what}-{key}", X86, what="set", boot="no other has its table")
@case("ht-ignore-{what}-{key}", ("6.12-amd64", "7-amd64"), what=("clear", "untold"),
      boot="no other has its table")
def ht_ignore(what, key, name):
    """The range is marked if the hardware does not need it and the kernel lists it."""
    kernel = kernels.get(key)
    info, images, state, free = TABLES[what]
    table = acpi.ivrs(acpi.ivhd(images), info=0x2800 | info)
    dropped = free and drops(kernel)

    def judging(lines):
        return judge_range(lines, state, free, dropped)

    return "", run(name, kernel, BY_NAME["amd"],
                   [f"load {MODULE}", "bind", "dump loaded", "unload iommu_resv", "left"],
                   judging, PLANTED[(free, dropped)], tables={"ivrs": table})[1]
