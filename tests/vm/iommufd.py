# SPDX-License-Identifier: GPL-2.0-only
"""iommufd: its address spaces with the files of devices, and its container in place of type 1's.

The kernels are those of tests/debug, as Debian's have no iommufd. There the rules of a group begin
to hold when a device of it is opened (in a container) or attached (to an address space), not
before: vfio-check asks after that."""
from functools import partial

import hooks
import judge
import kernels
import tests
from declare import (HOOKS, MODULE, ONE, OTHER, Script, keep, none_left, play, ranges_are,
                     run_script, says)
from hooks import ADD, DEVICE, GROUP, LISTED, MOUNTS, REMOVE, SHOWN
from msi_window import (COUNT, FEW, NATIVE, PLACE, THERE, file_of, interrupts, machine, opened,
                        put, raises, refused_at, to)
from topologies import PLAIN

ELSEWHERE = "0x60000000 0x60000fff"
# Over the kernel's window; mapped twice, it leaves a debug kernel what that needs.
MEMORY = "big:0x0-0xfffffff"
ASKED = ("vfio", "cdev")


def parts(lines):
    """{text: lines} between the "say" lines."""
    return hooks.sections(lines)


def agree(label, lines, topology, series):
    """The groups of the dump LABEL, and what VFIO says in LINES by both ways."""
    faults = []
    groups = judge.dumps(lines).get(label, {})
    groups.pop("-", None)
    asked = dict.fromkeys(ASKED, 0)
    for group in groups.values():
        faults += [f"{label}: {fault}" for fault in judge.check_group(group)]
        if not any(device[1] == "vfio-pci" for device in group.devices):
            continue
        for way in ASKED:
            said = judge.said(lines, way, group.id)
            if not said:
                continue
            asked[way] += 1
            faults += [f"{label}, {way}: {fault}" for fault in
                       judge.check_vfio(group, said, topology, series)]
            if not any(line.startswith("edge=") for line in said):
                faults.append(f"{label}, {way}: group {group.id} has no range")
    return faults + [f"{label}, {way}: only {n} groups" for way, n in asked.items() if n < 2]


def report(key, name):
    """Every group, by iommufd's container and by the files of its devices."""
    kernel = kernels.get(key)
    topology, series = PLAIN[kernel.arch], tests.series_of(kernel)
    steps = [*tests.REPORT]
    steps.insert(steps.index("vfio") + 1, "cdev")

    def judging(lines):
        faults = judge.check_report(lines, topology, series)
        return faults + agree("loaded", lines, topology, series)

    return "", hooks.run(name, kernel, topology, steps, judging, PLANTED_REPORT)[1]


PLANTED_REPORT = (
    (r"^cdev (\d+) range=0x\S+", r"cdev \1 range=0x0000000000100000"),
    (r"^(cdev \d+ inside=.*) EINVAL$", r"\1 ok"),
    (r"^cdev (\d+) msi=3/3$", r"cdev \1 msi=0/3"),
)


def declare_steps(mode):
    steps = [*MOUNTS, f"load {MODULE} hooks={mode}"]
    if mode == "livepatch":
        steps += [hooks.ACTIVE]
    steps += ["bind", "say declared", ADD, "dump declared", f"cat {HOOKS}", "vfio", "cdev",
              "say held", f"spawn holder /vfio-check --cdev hold {DEVICE} 100", "sleep 1500",
              f"write {GROUP}/resv/declare add {ELSEWHERE}", REMOVE, "stop holder",
              "say removed", REMOVE, "dump removed", "vfio", "cdev", "say end"]
    if mode == "livepatch":
        steps += hooks.DISABLE
    return steps + ["unload iommu_resv", "left"]


def judge_declare(lines, arch, series, mode):
    topology = PLAIN[arch]
    faults = hooks.all_ok(lines)
    answers = judge.said(lines, f"write {GROUP}/resv/declare")
    if answers != ["ok", "EBUSY", "EBUSY", "ok"]:
        faults.append(f"declare: {answers}")
    for label in ("declared", "removed"):
        part = parts(lines)[label]
        faults += agree(label, part, topology, series)
        for group in judge.dumps(part)[label].values():
            if DEVICE not in group.names():
                continue
            there = [line for line in group.lines("regions")
                     if line.startswith(f"{SHOWN} admin - added enforced")]
            if bool(there) != (label == "declared"):
                faults.append(f"{label}: {group.lines('regions')}")
    if mode == "livepatch" and not any(line.startswith(f"| {LISTED} livepatch active ")
                                       for line in lines):
        faults.append("hooks: no livepatch is active")
    return faults


def declare(key, mode, name):
    """A declared region holds for who maps by iommufd; EBUSY while a device is attached to one."""
    kernel = kernels.get(key)
    return "", hooks.run(name, kernel, PLAIN[kernel.arch], declare_steps(mode),
                         partial(judge_declare, arch=kernel.arch, mode=mode,
                                 series=tests.series_of(kernel)), PLANTED_DECLARE, limit=240)[1]


PLANTED_DECLARE = (
    # A map over the region that is accepted, and ranges that have it
    (rf"^(cdev \d+ inside={SHOWN.replace(' reserved', '')} reserved) EINVAL EINVAL$", r"\1 ok ok"),
    (r"^(cdev \d+) range=0x0000000040001000 ", r"\1 range=0x0000000040000000 "),
    (rf"^write {GROUP}/resv/declare EBUSY$", f"write {GROUP}/resv/declare ok"),
)


def by_cdev(*words):
    step, check = play(*words)
    return step.replace("/vfio-check ", "/vfio-check --cdev "), check


def devices_bound(*devices):
    """Words: one address space with all DEVICES."""
    return [word for word in opened(*devices) if word != "iommu"]


def window(key, name):
    """Moved, the window moves for iommufd; its doorbells work; it holds the module."""
    kernel = kernels.get(key)
    script = Script()
    script.do("load", ["bind", f"load {MODULE}", "dump loaded"], says(rf"load {MODULE} ok .*"),
              keep("loaded"))
    at_home = [*devices_bound(ONE), (MEMORY, "EINVAL"), *refused_at(NATIVE),
               interrupts(ONE, 3, NATIVE)]
    step, check = by_cdev(*at_home)
    script.do("at the kernel's place", [step], check)
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("moved", ["dump moved"], keep("moved"))
    there = [*devices_bound(ONE), ranges_are("moved", ONE), MEMORY, f"dma:{ONE}:{NATIVE_TEXT}",
             *refused_at(PLACE), interrupts(ONE, COUNT, PLACE)]
    step, check = by_cdev(*there)
    script.do("moved, by its file", [step], check)
    # Another address space in place of the first: its list is read anew.
    step, check = by_cdev(*devices_bound(ONE), MEMORY, "ioas", f"set:{ONE}",
                          ranges_are("moved", ONE), MEMORY, *refused_at(PLACE),
                          interrupts(ONE, FEW, PLACE))
    script.do("moved, replaced", [step], check)
    # What is moved for iommufd holds the module, as not every attach is seen.
    script.do("unload while moved", ["unload iommu_resv"],
              says(r"unload iommu_resv (EAGAIN|EBUSY)"))
    # Two groups with different windows in one address space: both windows are kept free, and
    # before 6.15 the doorbells of both are where the first group has its window.
    put(script, "move the other", OTHER, f"0x{THERE[0]:x}")
    script.do("both moved", ["dump both"], keep("both"))
    step, check = by_cdev(*devices_bound(ONE, OTHER), ranges_are("both", ONE, OTHER), MEMORY,
                          *refused_at(PLACE), *refused_at(THERE),
                          interrupts(ONE, FEW, PLACE), interrupts(OTHER, FEW, PLACE))
    script.do("two windows", [step], check)
    script.do("in use", [f"spawn holder /vfio-check --cdev hold {ONE} 100", "sleep 1500",
                         to(ONE, "default"), "stop holder"],
              says(f"write {file_of(ONE)} EBUSY"))
    for n, device in enumerate((ONE, OTHER)):
        put(script, f"default {n}", device, "default")
    step, check = by_cdev(*at_home)
    script.do("back", [step], check)
    script.do("unload", ["unload iommu_resv", "left"], says("unload iommu_resv ok"), none_left)
    return f"{COUNT} interrupts", run_script(name, kernel, machine("its", "dt"), script,
                                             memory="2G", limit=240)


NATIVE_TEXT = f"0x{NATIVE[0]:x}-0x{NATIVE[1]:x}"


def container(key, name):
    """The same in iommufd's container."""
    kernel = kernels.get(key)
    script = Script()
    script.do("load", ["bind", f"load {MODULE}"], says(rf"load {MODULE} ok .*"))
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("moved", ["dump moved"], keep("moved"))
    # "hold" opens the device, from when on its group counts.
    step, check = play(*opened(ONE), interrupts(ONE, 1, PLACE))
    script.do("interrupts alone", [step], check)
    step, check = play(*opened(ONE), ("hold:" + ONE, lambda _, got: [] if got[-1:] == [
        f"hold:{ONE} ok"] else [f"{got}"]), ranges_are("moved", ONE), MEMORY, *refused_at(PLACE),
        raises(ONE, FEW))
    script.do("moved, in a container", [step], check)
    put(script, "default", ONE, "default")
    script.do("unload", ["unload iommu_resv", "left"], says("unload iommu_resv ok"), none_left)
    return "", run_script(name, kernel, machine("its", "dt"), script, memory="2G", limit=240)


def table():
    """{name: (function, arguments...)}"""
    out = {}
    for arch in ("amd64", "arm64"):
        # With iommufd's container, and the files of devices
        key = f"debug-{arch}-iommufd"
        out[f"iommufd-report-{arch}"] = (report, key)
        out[f"iommufd-declare-kprobe-{arch}"] = (declare, key, "kprobe")
    out["iommufd-declare-livepatch-amd64"] = (declare, "debug-amd64-iommufd", "livepatch")
    out["iommufd-window-arm64"] = (window, "debug-arm64-iommufd")
    out["iommufd-window-container-arm64"] = (container, "debug-arm64-iommufd")
    return out
