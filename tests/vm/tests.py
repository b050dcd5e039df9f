# SPDX-License-Identifier: GPL-2.0-only
"""The tests by name: each a function of its name that returns (note, [faults])."""
import functools
import time

import assignable
import declare
import declare_selftest
import dma_view
import explain
import explain_qemu
import ftrace_ops
import groups
import hooks
import ht_ignore
import initramfs
import judge
import kernels
import lacking
import msi_window
import msi_window_selftest
import package
import truth
import vendor
from malformed import CASES
from selftest import judge_sees
from topologies import BY_NAME, HOTPLUG, PLAIN, TABLE
from vm import Vm

MODULE = "/iommu_resv.ko"
REPORT = [f"load {MODULE}", "bind", "dump loaded", "pieces", "vfio", "unload iommu_resv",
          "left"]


def series_of(kernel):
    """What the expectations go by: 5.10, 6.1, 6.12 or 7."""
    major, minor = kernel.release.split(".")[:2]
    return major if int(major) >= 7 else f"{major}.{minor}"


def makes_lists(kernel):
    """The module makes the lists of groups, as before 4.11 the kernel has none."""
    return tuple(int(n) for n in kernel.release.split("-")[0].split(".")[:2]) < (4, 11)


def report_on(kernel, topology, name):
    """Every group of one machine: files, kernel and VFIO agree."""
    vm = Vm(name, kernel, topology, REPORT, kaslr=True)
    lines = vm.run()
    faults = judge.check_report(lines, topology, series_of(kernel), makes_lists(kernel))
    faults += vm.complaints()
    groups = judge.dumps(lines).get("loaded", {})
    opened = sum("open=ok" in judge.said(lines, "vfio", group) for group in groups)
    return f"{len(groups) - 1} groups, {opened} opened by VFIO", faults


def report(topology, key, name):
    return report_on(kernels.get(key), topology, name)


def custom_report(topology, image, modules, kdir):
    def run(name):
        return report_on(kernels.custom(image, modules, kdir), BY_NAME[topology], name)

    if topology not in BY_NAME:
        raise SystemExit(f"no topology is called {topology}: {' '.join(BY_NAME)}")
    return run


# Two slots, as QEMU frees one some seconds after the kernel forgot the device.
PLUGGED = {"1": "0000:01:00.0", "2": "0000:02:00.0"}


def hotplug(key, name):
    """A device comes and goes, then another: the group is there in time, and leaves nothing."""
    kernel = kernels.get(key)
    steps = [f"load {MODULE}", "spawn event uevents", "sleep 300"]
    actions = []
    for n, bdf in PLUGGED.items():
        device = f"/sys/bus/pci/devices/{bdf}"
        steps += [f"say plug{n}", f"wait {device}", f"bind {bdf}",
                  f"wait {device}/iommu_group/resv/regions", f"dump plugged{n}",
                  # There VFIO's reset of the slot makes the kernel deaf to its button.
                  "# no vfio" if key == "6.12-arm64" else "vfio",
                  f"say unplug{n}", f"wait-gone {device}", "sleep 500", f"dump gone{n}"]
        actions += [
            (f"plug{n}", lambda qmp, n=n: qmp.do("device_add", driver="edu", bus=f"hp{n}",
                                                 id=f"edu{n}", dma_mask=(1 << 64) - 1)),
            (f"unplug{n}", lambda qmp, n=n: qmp.do("device_del", id=f"edu{n}"))]
    steps += ["stop event", "unload iommu_resv", "left"]
    vm = Vm(name, kernel, HOTPLUG[kernel.arch], steps)
    lines = vm.run(actions)
    faults = vm.complaints()
    faults += [f"left {path}" for path in judge.said(lines, "left")]
    faults += [f"bind: {line}" for line in judge.said(lines, "bind") if not line.endswith("ok")]
    late = 0
    for line in judge.said(lines, "wait"):
        path, status, ms = line.split()
        if status != "ok":
            faults.append(f"waited in vain for {path}")
        if path.endswith("regions"):
            late = max(late, int(ms))
    if late > 2000:
        faults.append(f"the files came after {late} ms")
    dumps = judge.dumps(lines)
    times = {}      # the second device may get the first one's group number
    for n, bdf in PLUGGED.items():
        found = [g for g in dumps[f"plugged{n}"].values() if bdf in g.names()]
        if len(found) != 1:
            faults.append(f"{bdf} is in {len(found)} groups")
            continue
        group = found[0]
        faults += judge.check_group(group)
        if "vfio" in steps:
            times[group.id] = times.get(group.id, 0) + 1
            faults += judge.check_vfio(group, judge.answers(lines, group.id, times[group.id]),
                                       HOTPLUG[kernel.arch], series_of(kernel))
        if f"change@/kernel/iommu_groups/{group.id}" not in judge.said(lines, "event"):
            faults.append(f"no uevent for group {group.id}")
        gone = dumps[f"gone{n}"]
        if group.id in gone and not gone[group.id].devices:
            faults.append(f"group {group.id} is kept alive without a device")
        for left in gone.values():
            if left.id != "-" and (not left.lines("regions") or bdf in left.names()):
                faults.append(f"after unplug, group {left.id}: {left}")
    return f"files after {late} ms", faults


def cycles(key, name, count=25):
    """COUNT times loaded and unloaded while others read every file and use VFIO."""
    kernel = kernels.get(key)
    steps = ["bind", "spawn reader read-all", "spawn user /vfio-check loop 0000:00:03.0",
             f"cycle {count} {MODULE} iommu_resv", f"load {MODULE}", "sleep 200", "stop user",
             "stop reader", "dump loaded", "pieces", "vfio", "unload iommu_resv", "left"]
    # KASAN sees more than poison would show.
    vm = Vm(name, kernel, PLAIN[kernel.arch], steps, memory="1G", smp=2, limit=240,
            append="" if kernel.debug else "slub_debug=FZPU page_poison=1")
    lines = vm.run()
    faults = judge.check_report(lines, PLAIN[kernel.arch], series_of(kernel)) + vm.complaints()
    if judge.said(lines, "cycle") != [f"{count} 0"]:
        faults.append(f"cycle {judge.said(lines, 'cycle')} {judge.said(lines, 'cycle-error')}")
    counts = {}
    for who in ("reader", "user"):
        told = judge.said(lines, who)
        counts.update(word.split("=") for line in told[:-1] for word in line.split())
        if told[-1:] != ["exit 0"]:
            faults.append(f"{who}: {told}")
    if not int(counts.get("files", 0)) or not int(counts.get("loops", 0)):
        faults.append(f"nothing happened meanwhile: {counts}")
    if counts.get("errors") != "0":
        faults.append(f"VFIO user: {counts}")
    return " ".join(f"{k}={v}" for k, v in counts.items()), faults


def initramfs_time(key, name):
    """An initramfs takes less than a second; the best of three, as others use this machine."""
    kernel = kernels.get(key)
    times = []
    for _ in range(3):
        start = time.monotonic()
        initramfs.build(kernel, REPORT)
        times.append(time.monotonic() - start)
    note = f"initramfs built in {min(times):.2f} s"
    return note, [note + ", allowed is 1 s"] if min(times) >= 1 else []


# Parameters that are wrong, the errno, and what the log must say.
BAD_PARAMETERS = (
    ("sources=kernel,nonsense", "EINVAL", r"sources=.* allowed are .*kernel.*dmar.*aperture"),
    ("strict=perhaps", "EINVAL", r"strict=perhaps .* 0 or 1"),
)


def parameters(key, name):
    """Wrong values are refused, with a line that names the right ones; right ones work."""
    kernel = kernels.get(key)
    steps = [f"load {MODULE} {bad[0]}" for bad in BAD_PARAMETERS]
    steps += ["left", "bind", f"load {MODULE} strict=1 sources=all", "dump loaded", "pieces",
              "vfio",
              "unload iommu_resv", f"load {MODULE} sources=kernel,msi", "dump part",
              "unload iommu_resv", "left"]
    topology = PLAIN[kernel.arch]
    vm = Vm(name, kernel, topology, steps)
    lines = vm.run()
    loads = [line.split()[1] for line in judge.said(lines, "load")]
    faults = vm.complaints()
    wanted = [bad[1] for bad in BAD_PARAMETERS] + ["ok", "ok"]
    if loads != wanted:
        faults.append(f"loads: {loads}, expected {wanted}")
    log = "\n".join(line for line in vm.log() if line.startswith("iommu_resv: "))
    faults += [f"the log lacks '{bad[2]}'" for bad in BAD_PARAMETERS
               if not judge.re.search(bad[2], log)]
    rest = [line for line in lines if not line.startswith("load ")]
    faults += judge.check_report(rest, topology, series_of(kernel))
    part = judge.dumps(lines).get("part", {})
    origins = {r[3] for g in part.values() for r in g.regions()}
    if not origins or origins & {"aperture", "apic", "bridge", "rmrr"}:
        faults.append(f"sources=kernel,msi gave {sorted(origins)}")
    return "", faults


# Probe to break, the feature that is lost then, and the fact's name.
INERT = {
    "isolation": (("isolated_msi_group", "isolated_msi_domains"), "msi-isolation"),
}


def inert(key, what, name):
    """With an interface that is unknown the module builds, loads and says what is off."""
    kernel = kernels.get(key, build=False)
    probes, feature = INERT[what]
    tree = kernels.CACHE / f"tree-{name}"
    kernels.copy_tree(tree)
    for probe in probes:
        source = tree / "compat" / "probe" / f"{probe}.c"
        source.write_text(source.read_text() + "\n#error an interface that no kernel has\n")
    kernel.use(kernels.build_module(key, tree))
    topology = PLAIN[kernel.arch]
    steps = [f"load {MODULE} strict=1", "left", f"load {MODULE}", "bind", "dump loaded",
             "unload iommu_resv", "left"]
    vm = Vm(name, kernel, topology, steps)
    lines = vm.run()
    faults = vm.complaints() + [f"left {path}" for path in judge.said(lines, "left")]
    loads = [line.split()[1] for line in judge.said(lines, "load")]
    if loads != ["EOPNOTSUPP", "ok"]:
        faults.append(f"loads with strict=1 and without: {loads}")
    groups = judge.dumps(lines)["loaded"]
    files = groups.pop("-")
    faults += judge.check_module_files(files)
    line = [f for f in files.lines("features") if f.startswith(f"{feature} ")]
    if not line or line[0].split()[1] != "inert" or line[0].split()[3:] in ([], ["-"]):
        faults.append(f"features: {line}, expected '{feature} inert' and why")
    for group in groups.values():
        faults += judge.check_group(group)
    if not any(feature in text for text in vm.log() if text.startswith("iommu_resv: ")):
        faults.append(f"the log does not name {feature}")
    return line[0] if line else "", faults


def malformed(case, key, name):
    """Firmware's tables are wrong: no oops, one line in the log, the rest works."""
    kernel = kernels.get(key)
    topology = BY_NAME[case.topology]
    vm = Vm(name, kernel, topology,
            [f"load {MODULE}", "bind", "dump loaded", "unload iommu_resv", "left"],
            tables=case.tables, append=case.append)
    lines = vm.run()
    groups = judge.dumps(lines).get("loaded", {})
    module = groups.pop("-", None)
    faults = [f"left {path}" for path in judge.said(lines, "left")]
    faults += [f"{cmd} {line}" for cmd in ("load", "unload") for line in judge.said(lines, cmd)
               if " ok" not in line]
    # A kernel may warn of its firmware; it must not do so because of the module.
    faults += vm.complaints(after="iommu_resv: ")
    log = vm.log()
    faults += judge.check_module_files(module)
    for group in groups.values():
        faults += judge.check_group(group)
    if not groups and not case.off:
        faults.append("the kernel made no group of this table")
    told = [text for text in log if judge.re.match(rf"iommu_resv: {case.signature}: ", text)]
    if len(told) != case.lines:
        faults.append(f"{len(told)} lines about the table, expected {case.lines}: {told}")
    where = {device: group for group in groups.values() for device in group.names()}
    for device, start in case.shows:
        if device not in where or not any(line.startswith(start)
                                          for line in where[device].lines("regions")):
            faults.append(f"{device} does not show '{start}'")
    return f"{len(groups)} groups; " + (told[0] if told else "nothing logged"), faults


def named(rows):
    """Tests ready to be called, of {name: (function, arguments)}."""
    return {name: functools.partial(function, *args) for name, (function, *args) in rows.items()}


def table():
    """All tests of "make check", by name, in the order in which they begin: those first that take
    minutes, so that none of these is left when all others are through."""
    tests = named(package.table())

    def add(name, function, *args):
        tests[name] = functools.partial(function, *args)

    rest = {}
    for subject in (assignable, declare, explain, explain_qemu, ftrace_ops, groups, dma_view, hooks,
                    ht_ignore, msi_window, lacking, truth, vendor):
        rest |= subject.table()
    slow = {name: row for name, row in rest.items() if "-cycles-" in name}
    tests.update(named(slow))
    tests["report-judge-sees-faults"] = judge_sees
    add("report-initramfs-time-7-amd64", initramfs_time, "7-amd64")
    for topology in TABLE:
        for key in topology.kernels:
            add(f"report-{topology.name}-{key}", report, topology, key)
    for case in CASES:
        for key in case.kernels:
            add(f"report-malformed-{case.name}-{key}", malformed, case, key)
    for key in ("5.10-amd64", "6.1-amd64", "6.12-amd64", "7-amd64", "6.12-arm64", "7-arm64"):
        add(f"hotplug-edu-{key}", hotplug, key)
    for key in ("5.10-amd64", "7-amd64", "7-arm64"):
        add(f"load-cycles-{key}", cycles, key)
    for key in ("5.10-amd64", "7-arm64"):
        add(f"load-parameters-{key}", parameters, key)
    for what in INERT:
        add(f"load-inert-{what}-6.12-amd64", inert, "6.12-amd64", what)
    tests["declare-judge-sees-faults"] = declare_selftest.judge_sees
    tests["msi-window-judge-sees-faults"] = msi_window_selftest.judge_sees
    tests.update(named({name: row for name, row in rest.items() if name not in slow}))
    return tests
