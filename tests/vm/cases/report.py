# SPDX-License-Identifier: GPL-2.0-only
"""Tests report-*: the files of every group of a machine, against the kernel and VFIO; and firmware
tables with mistakes."""
import time

from cases import FIRST, boot_on, case
from cases.malformed import CASES
from expect import judge
from lab import initramfs, kernels
from lab.kernels import series_of
from lab.topologies import BY_NAME, PLAIN, TABLE
from talk.script import Script
from talk.words import MODULE, REPORT


def makes_lists(kernel):
    """Does the module make the lists of groups? Before 4.11 the kernel has none."""
    return tuple(int(n) for n in kernel.release.split("-")[0].split(".")[:2]) < (4, 11)


def report_on(kernel, topology, name):
    """For every group of one machine the files, the kernel and VFIO agree."""
    lines, faults = Script(REPORT).run(name, kernel, topology, kaslr=True)
    faults = judge.check_report(lines, topology, series_of(kernel), makes_lists(kernel)) + faults
    groups = judge.dumps(lines).get("loaded", {})
    opened = sum("open=ok" in judge.said(lines, "vfio", group) for group in groups)
    return f"{len(groups) - 1} groups, {opened} opened by VFIO", faults


@case("debug-report-amd64", ("debug-amd64",), topology=PLAIN["amd64"], part="debug")
@case("debug-report-arm64", ("debug-arm64",), topology=PLAIN["arm64"], part="debug")
@case("debug-report-{topology.name}-amd64", ("debug-amd64",), part="debug",
      topology=(BY_NAME["intel"], BY_NAME["amd"]))
def report(topology, key, name):
    """For every group of a machine the module's files, the kernel and VFIO agree."""
    return report_on(kernels.get(key), topology, name)


for machine in TABLE:
    case("report-{topology.name}-{key}", machine.kernels, topology=machine,
         boot=boot_on(machine, FIRST))(report)


def custom_report(topology, custom):
    return lambda name: report_on(custom.get(), BY_NAME[topology], name)


@case("report-initramfs-time-{key}", ("7-amd64",))
def initramfs_time(key, name):
    """Building an initramfs takes less than a second: the best of three times, as the machine may
    be busy."""
    kernel = kernels.get(key)
    times = []
    for _ in range(3):
        start = time.monotonic()
        initramfs.build(kernel, REPORT)
        times.append(time.monotonic() - start)
    note = f"initramfs built in {min(times):.2f} s"
    return note, [note + ", allowed is 1 s"] if min(times) >= 1 else []


def malformed(case, key, name):
    """With wrong firmware tables there is no oops, one line in the log, and the rest works."""
    kernel = kernels.get(key)
    topology = BY_NAME[case.topology]
    # The kernel may warn of its firmware before the module is loaded, but not afterwards.
    lines, faults = Script([f"load {MODULE}", "bind", "dump loaded", "unload iommu_resv",
                            "left"]).run(name, kernel, topology, after="iommu_resv: ",
                                         tables=case.tables, append=case.append)
    groups = judge.dumps(lines).get("loaded", {})
    module = groups.pop("-", None)
    faults += [f"left {path}" for path in judge.said(lines, "left")]
    faults += [f"{cmd} {line}" for cmd in ("load", "unload") for line in judge.said(lines, cmd)
               if " ok" not in line]
    log = judge.said(lines, "log")
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


for table in CASES:
    case("report-malformed-{case.name}-{key}", table.kernels, case=table,
         boot="no other has its tables")(malformed)
