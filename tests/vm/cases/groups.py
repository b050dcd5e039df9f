# SPDX-License-Identifier: GPL-2.0-only
"""The registry of groups must not read a device that a guest has, and must not block a reader."""
import re
from functools import partial

from cases import case
from expect import judge
from expect.hooks import all_ok
from lab import kernels
from lab.topologies import PLAIN
from talk.script import run
from talk.sections import sections
from talk.words import DEVICE, GROUP, MODULE, MOUNTS, REGION

OTHER = "0000:00:04.0"
OTHERS = f"/sys/bus/pci/devices/{OTHER}/iommu_group"
# Any module that is not loaded yet: after its load iommu_resv looks for a new bus or IOMMU.
UNRELATED = "dummy"


# groups-owned: the configuration space of a device that VFIO has

def owned_steps():
    """Everything that makes the module look at groups, while a program has DEVICE open."""
    return [*MOUNTS, "bind", f"load {MODULE}", f"cat {GROUP}/resv/regions", "unload iommu_resv",
            f"spawn guest /vfio-check hold {DEVICE} 600", "sleep 2000",
            "say owned", "sleep 300",
            f"load {MODULE}", f"cat {GROUP}/resv/regions", f"cat {GROUP}/resv/aperture",
            f"write {OTHERS}/resv/declare add {REGION}",
            f"write {OTHERS}/resv/declare remove {REGION}",
            f"rebind {OTHER} 3", f"load /lib/{UNRELATED}.ko", f"cat {GROUP}/resv/regions",
            "sleep 1500",
            "say over", "sleep 300", "stop guest", "unload iommu_resv", "left"]


def judge_owned(lines, trace):
    """TRACE: QEMU's trace of reads of configuration space between "owned" and "over"."""
    faults = all_ok(lines)
    told = sections(lines)["owned"]
    if not any(re.match(r"\| 0x[0-9a-f]+ 0x[0-9a-f]+ ", line) for line in told):
        faults.append(f"owned: no region is shown: {told}")
    if "write " + OTHERS + "/resv/declare ok" not in told:
        faults.append(f"owned: nothing could be declared: {told}")
    reads = {slot: len(re.findall(rf"^.*pci_cfg_read \S+ (?:00:)?{slot}[:.]0 ", trace, re.M))
             for slot in ("03", "04")}
    if reads["03"]:
        faults.append(f"configuration space of the owned device was read {reads['03']} times")
    if not reads["04"]:
        faults.append("QEMU traced no read of the device that was bound and unbound")
    return faults


@case("groups-owned-{key}", ("6.12-amd64", "7-arm64"), boot="QEMU traces it")
def owned(key, name):
    """No look at a group reads the configuration space of a device that a user has."""
    kernel = kernels.get(key)
    file = kernels.CACHE / name / "trace"

    def switch(how):
        return lambda qmp: qmp.do("human-monitor-command",
                                  **{"command-line": f"trace-event pci_cfg_read {how}"})

    def judging(lines):
        return judge_owned(lines, file.read_text(errors="replace"))

    lines, faults = run(name, kernel, PLAIN[kernel.arch], owned_steps(), judging,
                        actions=[("owned", switch("on")), ("over", switch("off"))],
                        qemu=["-D", str(file)], later=(UNRELATED,))
    if not faults:
        wrong = file.read_text().replace(" 00:04.0 ", " 00:03.0 ").replace(" 04:0 ", " 03:0 ")
        if not judge_owned(lines, wrong):
            faults = ["reads of the owned device are not seen"]
    return "", faults


# groups-buried: readers of an entry that has no snapshot any more

ROUNDS = 5


def buried_steps():
    """Remove the group's entry in two steps, with readers in between; the next bind restores it."""
    steps = [*MOUNTS, "bind", f"load {MODULE}", "dump found",
             "spawn reader read-all", f"spawn watcher watch {GROUP}/resv/regions 0x"]
    for _ in range(ROUNDS):
        steps += [f"bury {DEVICE}", f"rebind {DEVICE} 1",
                  f"wait-text {GROUP}/resv/regions 0x"]
    return [*steps, "stop watcher", "stop reader", "say end", f"cat {GROUP}/resv/regions",
            "unload iommu_resv", "left"]


def judge_buried(lines):
    faults = all_ok(lines)
    if judge.said(lines, "bury") != [f"{DEVICE} ok"] * ROUNDS:
        faults.append(f"bury: {judge.said(lines, 'bury')}")
    if not any(line.startswith("| 0x") for line in sections(lines)["end"]):
        faults.append("the group did not come back")
    counts = dict(word.split("=") for line in judge.said(lines, "watcher")[:-1]
                  for word in line.split())
    if not int(counts.get("errors", 0)):
        faults.append(f"nobody read while the entry had no snapshot: {counts}")
    return faults


PLANTED_BURIED = (
    (r"^bury (\S+) ok$", r"bury \1 ENOENT"),
    (r"(^say end$.*?)^\| 0x[^\n]*\n(?:\| 0x[^\n]*\n)*", r"\1"),
    (r"^(watcher .*?errors=)\d+", r"\g<1>0"),
)


@case("groups-buried-{key}", ("5.10-amd64", "7-arm64"))
def buried(key, name):
    """A reader that finds an entry without a snapshot gets an error, and does not wait."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, PLAIN[kernel.arch], buried_steps(),
                   partial(judge_buried), PLANTED_BURIED, smp=2)[1]


# groups-renewed: groups die and come back after the module has read the kernel's list, and before
# it looks at them

HOLD = "/sys/module/iommu_resv/parameters/test_hold"
# In this order the new groups may get each other's old addresses, but not their own.
RENEWED = (DEVICE, OTHER)


def renewed_steps():
    files = [f"/sys/bus/pci/devices/{device}/iommu_group/resv/regions" for device in RENEWED]
    return [*MOUNTS, f"load {MODULE}", "dump found", f"write {HOLD} 1",
            # Without entries, the comparison after the load of a module has to look at them.
            *(f"bury {device}" for device in RENEWED),
            f"load /lib/{UNRELATED}.ko", f"wait-text {HOLD} 2",
            *(f"write /sys/bus/pci/devices/{device}/remove 1" for device in RENEWED),
            "write /sys/bus/pci/rescan 1",
            "say renewed", *(f"cat {file}" for file in files),
            # The module looks at the groups; the next comparison is held back, so it corrects
            # nothing.
            f"write {HOLD} 3", f"wait-text {HOLD} 2",
            "say looked", *(f"cat {file}" for file in files),
            f"write {HOLD} 0", "unload iommu_resv", "left"]


def judge_renewed(lines):
    faults = all_ok(lines)
    parts = sections(lines)
    for name in ("renewed", "looked"):
        read = [line for line in parts[name] if line.startswith("file ")]
        if len([line for line in read if line.endswith(" ok")]) != len(RENEWED):
            faults.append(f"{name}: the groups' files cannot be read: {read}")
    return faults


PLANTED_RENEWED = (
    (r"(^say looked$.*?/regions) ok$", r"\1 ENODEV"),
)


@case("groups-renewed-{key}", ("5.10-amd64", "7-arm64"), boot="it takes devices away")
def renewed(key, name):
    """An outdated list of groups does not remove a group's entry from the registry."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, PLAIN[kernel.arch], renewed_steps(), judge_renewed,
                   PLANTED_RENEWED, later=(UNRELATED,))[1]
