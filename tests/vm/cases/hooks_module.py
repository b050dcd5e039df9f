# SPDX-License-Identifier: GPL-2.0-only
"""Tests hooks-module and hooks-group: functions of modules that are loaded later, and the hook of
the group's list."""
from functools import partial

from cases import SHARED, case
from expect import judge
from expect.hooks import Hook, Section, all_ok, hooked, is_clean, is_hooked, leaves, not_hooked
from lab import kernels
from lab.machines import BEHIND, VIRTIO
from lab.topologies import BY_NAME, PLAIN
from talk.script import run
from talk.words import (ADD, DEVICE, FILES, GROUP, HOOKS, LIST, LISTED, MODULE, MOUNTS, READS,
                        REGION, REMOVE, RESTED, SHOWN)

# hooks-module: functions of modules that are loaded later

TYPE1 = "vfio_iommu_type1"
IOCTL = "vfio_iommu_type1_ioctl"


def module_steps():
    return [*MOUNTS, "bind", "hooked before",
            "say off", f"load {MODULE} test_symbol={TYPE1}:{IOCTL}", f"cat {HOOKS}",
            "say come", f"load /lib/{TYPE1}.ko", f"cat {HOOKS}", "hooked come",
            "say used", f"run /vfio-check check {DEVICE}", f"cat {HOOKS}",
            "say gone", f"unload {TYPE1}", f"cat {HOOKS}", "hooked gone",
            "say again", f"load /lib/{TYPE1}.ko", f"run /vfio-check check {DEVICE}", f"cat {HOOKS}",
            "say both", "unload iommu_resv", "hooked both", f"run /vfio-check check {DEVICE}",
            "left"]


def judge_module(lines, arch):
    faults = []

    def count(label, state):
        part = Section(lines, label, faults)
        found = [hook for hook in part.hooks if hook.symbol == IOCTL]
        if len(found) != 1 or found[0].state != state:
            part.fault(f"{found}, expected {IOCTL} {state}")
            return 0
        return found[0].hits

    count("off", "off")
    first, used = count("come", "active"), count("used", "active")
    count("gone", "off")
    again = count("again", "active")
    if used <= first:
        faults.append(f"used: {used} hits after {first}")
    if again <= used and again < 10:
        faults.append(f"again: {again} hits after {used}")
    faults += is_hooked(lines, "before", "come", [Hook(IOCTL, "kprobe", "active", 0, 0, "-")])
    for label in ("gone", "both"):
        left = [line for kind, line in hooked(lines, label)[0] - hooked(lines, "before")[0]
                if kind in ("kprobe", "ftrace") and IOCTL in line]
        if left:
            faults.append(f"{label}: {left} is left")
    faults += is_clean(lines, "before", "both", arch)
    opened = [line for line in judge.said(lines, "run") if line.startswith("open=")]
    if opened != ["open=ok"] * 3:
        faults.append(f"VFIO: {opened}")
    return faults + all_ok(lines)


PLANTED_MODULE = (
    (r"(^say off$.*?_ioctl kprobe) off (\d+) 0 .*?$", r"\1 active \2 0 -"),
    (r"(^say come$.*?_ioctl kprobe) active (\d+) 0 .*?$", r"\1 off \2 0 why"),
    (r"(^say used$.*?_ioctl kprobe active) \d+ ", r"\1 0 "),
    (r"(^say gone$.*?_ioctl kprobe) off (\d+) 0 .*?$", r"\1 active \2 0 -"),
    (rf"^hooked come kprobe [^\n]*{IOCTL}.*?$", "#"),
    (r"^hooked gone read kprobe ok$", rf"\g<0>\nhooked gone kprobe ffff  k  {IOCTL}+0x0"),
    (r"^run open=ok$", "run open=ENOENT group"),
    *leaves("both"),
)


@case("hooks-module-{key}", ("5.10-amd64", "7-amd64", "6.12-arm64", "7-arm64"),
      boot="it loads VFIO")
def module(key, name):
    """A function is hooked when its module is loaded, unloaded and loaded again."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, PLAIN[kernel.arch], module_steps(),
                   partial(judge_module, arch=kernel.arch), PLANTED_MODULE, later=[TYPE1])[1]


def virtio_steps():
    behind = f"/sys/bus/pci/devices/{BEHIND}/iommu_group"
    return [*MOUNTS, "hooked before",
            "say off", f"load {MODULE}", *FILES,
            "say come", "load /lib/virtio_iommu.ko", f"bind {BEHIND}", *RESTED, *FILES,
            "hooked come", *[f"cat {behind}/reserved_regions"] * READS,
            f"write {behind}/resv/declare add {REGION}", f"cat {behind}/reserved_regions",
            f"write {behind}/resv/declare remove {REGION}",
            "say end", f"cat {HOOKS}", "unload iommu_resv", "hooked end", "left"]


def judge_virtio(lines):
    faults = []
    off = Section(lines, "off", faults)
    off.kprobes(None)
    now = Section(lines, "come", faults)
    now.resting()
    now.feature("added", "kprobe")
    if [hook.symbol for hook in now.of("kprobe")] != ["viommu_get_resv_regions"]:
        now.fault(f"{now.of('kprobe')}, expected viommu_get_resv_regions")
    behind = f"/sys/bus/pci/devices/{BEHIND}/iommu_group"
    now.expect(f"write {behind}/resv/declare", ["ok", "ok"])
    if SHOWN not in now.text(f"{behind}/reserved_regions"):
        now.fault(f"{now.text(f'{behind}/reserved_regions')} lacks {SHOWN}")
    end = Section(lines, "end", faults)
    # The declaration looks at the list twice, and the list is read once while it is declared.
    if end.hits("kprobe") < now.hits("kprobe") + 3:
        end.fault(f"{now.hits('kprobe')} hits, a region, {end.hits('kprobe')}")
    faults += not_hooked(lines, "come")
    faults += is_clean(lines, "before", "end", "amd64")
    return faults + all_ok(lines)


PLANTED_VIRTIO = (
    (r"viommu_get_resv_regions kprobe off (\d+) 0 .*?$",
     r"viommu_get_resv_regions kprobe active \1 0 -"),
    (r"(^say end$.*?kprobe off) \d+", r"\1 0"),
    (r"^\| 0x0000000040000000 .*?$", "| -"),
    *leaves("end"),
)


@case("hooks-module-virtio-{key}", BY_NAME["virtio-x86"].kernels,
      boot="it loads the IOMMU's driver")
@case("debug-hooks-virtio-amd64", ("debug-amd64",), part="debug")
def virtio(key, name):
    """Regions can be declared when the IOMMU's driver is loaded after the module."""
    kernel = kernels.get(key)
    return "", run(name, kernel, VIRTIO, virtio_steps(), judge_virtio, PLANTED_VIRTIO,
                   later=["virtio_iommu"])[1]


# hooks-group: kernels on which the lists of single devices cannot be edited

def group_steps():
    steps = [*MOUNTS, "bind", "hooked before"]
    for label, words in (("device", ""), ("group", "test_group=1")):
        steps += [f"load {MODULE} hooks=kprobe {words}", f"say {label}", *FILES, ADD,
                  f"write {GROUP}/resv/declare add 0x40001000 0x40002fff",
                  f"write {GROUP}/resv/declare add 0x50000000 0x5fffffff", LIST,
                  f"say {label}-vfio", f"run /vfio-check check {DEVICE}",
                  f"say {label}-end", REMOVE,
                  f"write {GROUP}/resv/declare remove 0x40001000 0x40002fff",
                  f"write {GROUP}/resv/declare remove 0x50000000 0x5fffffff", LIST, f"cat {HOOKS}",
                  "unload iommu_resv", f"hooked {label}-after", "left"]
    return steps


def judge_group(lines, arch):
    faults, lists, ends, vfio = [], {}, {}, {}
    for label in ("device", "group"):
        now = Section(lines, label, faults)
        now.resting()
        now.feature("added", "kprobe")
        symbols = [hook.symbol for hook in now.of("kprobe")]
        if (symbols == [LISTED]) != (label == "group"):
            now.fault(f"hooked is {symbols}")
        now.expect(f"write {GROUP}/resv/declare", ["ok"] * 3)
        end = Section(lines, f"{label}-end", faults)
        end.expect(f"write {GROUP}/resv/declare", ["ok"] * 3)
        lists[label] = now.text(f"{GROUP}/reserved_regions")
        ends[label] = end.text(f"{GROUP}/reserved_regions")
        vfio[label] = [line for line in Section(lines, f"{label}-vfio", faults).told("run")
                       if not line.startswith("dma=")]
        faults += is_clean(lines, "before", f"{label}-after", arch)
        for line in ("0x0000000040000000 0x0000000040002fff reserved",
                     "0x0000000050000000 0x000000005fffffff reserved"):
            if line not in lists[label]:
                now.fault(f"reserved_regions {lists[label]} lacks {line}")
        if "open=ok" not in vfio[label]:
            now.fault(f"VFIO: {vfio[label]}")
    faults += judge.differ("reserved_regions by group, and by device", lists["group"],
                           lists["device"])
    faults += judge.differ("afterwards, by group, and by device", ends["group"], ends["device"])
    faults += judge.differ("VFIO by group, and by device", vfio["group"], vfio["device"])
    return faults + all_ok(lines)


PLANTED_GROUP = (
    (rf"{LISTED} kprobe off", "other_function kprobe off"),
    (r"(^say group$.*?)^\| 0x0000000050000000 .*?$", r"\1| -"),
    (r"(^say group-vfio$.*?)^run range=.*?$", r"\1#"),
    (r"(^say group-end$.*?)(^file \S+/reserved_regions ok$)", rf"\1\2\n| {SHOWN}"),
    *leaves("group-after"),
)


@case("hooks-group-{key}", ("5.10-amd64", "7-arm64"), boot=SHARED)
def group_level(key, name):
    """The tap on the group's list has the same results as the taps on the drivers' callbacks."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, PLAIN[kernel.arch], group_steps(),
                   partial(judge_group, arch=kernel.arch), PLANTED_GROUP)[1]
