# SPDX-License-Identifier: GPL-2.0-only
"""The cost of the module with 25 and with 260 groups: the virtual functions of two NVMe
controllers.

One VM a kernel. Its clocks count instructions (-icount shift=0), so a nanosecond is an instruction.
The step "busy" of the agent counts the instructions of all tasks on the only CPU, including the
kernel's workers. As installed by dkms, the module has no debug information, which would make a load
a quarter slower."""
import re
from dataclasses import dataclass, replace
from functools import partial

from expect import judge
from expect.hooks import all_ok
from lab import kernels
from lab.topologies import EDU, SRIOV
from lab.vm import Vm
from talk.script import planted
from talk.sections import sections

MODULE = "/iommu_resv.ko"
TEST_MODULE = "/iommu_resv_test.ko"
HELD = "/sys/module/iommu_resv/parameters/test_registry_hold"
FEATURES = "/sys/kernel/iommu_resv/features"
# The function to bind, the device to remove and rescan, and an unrelated module to load.
FUNCTION = "0000:01:00.1"
PLUGGED = "0000:00:03.0"
UNRELATED = "dummy"
KEYS = ("6.12-amd64", "7-arm64")
# Number of groups in the stage "few"; {stage: virtual functions of the two controllers}.
GROUPS = 25
STAGES = {"amd64": {"few": (17, 0), "half": (127, 0), "many": (127, 127)},
          "arm64": {"few": (18, 0), "half": (127, 0), "many": (127, 127)}}
# Milliseconds in which the module's delayed work begins and ends, and no other step runs. The least
# of WINDOWS measurements counts, because the kernel now and then has work of its own.
SETTLE = 3000
ROUNDS = 4
WINDOWS = 3
FILES = ("reserved_regions", "resv/regions", "resv/usable")

# The limits
BIND = 1.3                                      # ratio of many groups to few groups
# Instructions of a load with many groups, for each group: at most 0.65 (amd64) and 0.61 (arm64) of
# those of commit 837a511 (255,600 and 142,900). Since that commit a load also installs the check
# that refuses incomplete lists, and removes the kprobes that are not needed while no region is
# declared: 7.5 million instructions on amd64, independent of the number of groups. MORE is the
# limit for one more group, a little above the measured figures (commit 837a511: 66,400 and 53,600;
# it had four files a group less, each of which costs two thousand).
LOAD = {"amd64": 166000, "arm64": 87000}
MORE = {"amd64": 56000, "arm64": 62000}
HOLD = 5000     # instructions under the registry's lock: collecting one group's facts takes more
LINEAR = 1.3                                    # cost of one of the last groups to one of the first
MEMORY = 1024                                   # bytes for each group of up to four regions
READS = {"resv/regions": 0.9, "resv/usable": 0.85}      # ratio to a read of the kernel's own file
# How often the module may look at a group. A bind and unbind cause up to four events; a device that
# is removed and found again has one group, which the module looks at when the device is removed,
# added and bound.
LOOKS = {"bound": 4 * ROUNDS * WINDOWS, "plugged": 4, "module": 0}


def set_vfs(*numbers):
    """Virtual functions without drivers, on the controllers behind bus 1 and 2."""
    steps = []
    for bus, number in enumerate(numbers, 1):
        path = f"/sys/bus/pci/devices/0000:{bus:02x}:00.0"
        steps += [f"wait {path}/driver", f"write {path}/sriov_drivers_autoprobe 0",
                  f"write {path}/sriov_numvfs {number}"]
    return steps


def load(label):
    return [f"sleep {SETTLE}", f"busy {label}-load {SETTLE} load {MODULE}", f"say {label}-loaded",
            f"cat {FEATURES}"]


def stage(label):
    """Steps that measure with the groups of one stage; they leave the module loaded."""
    device = f"/sys/bus/pci/devices/{PLUGGED}"
    return [f"rebind {FUNCTION} 1", f"sleep {SETTLE}",
            *[f"busy {label}-rest {SETTLE} #",
              f"busy {label}-bare {SETTLE} rebind {FUNCTION} {ROUNDS}"] * WINDOWS,
            *load(label), f"rebind {FUNCTION} 1", f"sleep {SETTLE}",
            f"say {label}-before", f"cat {FEATURES}",
            *[f"busy {label}-idle {SETTLE} #",
              f"busy {label}-bind {SETTLE} rebind {FUNCTION} {ROUNDS}"] * WINDOWS,
            f"say {label}-bound", f"cat {FEATURES}",
            f"write {device}/remove 1", f"wait-gone {device}", "write /sys/bus/pci/rescan 1",
            f"wait {device}/iommu_group/resv/regions", f"sleep {SETTLE}",
            f"say {label}-plugged", f"cat {FEATURES}",
            f"load /lib/{UNRELATED}.ko", f"sleep {SETTLE}",
            f"say {label}-module", f"cat {FEATURES}", f"unload {UNRELATED}"]


def hold():
    """Steps that print the longest time of the registry's lock, which the test build measures."""
    device = f"/sys/bus/pci/devices/{PLUGGED}"
    return [f"load {TEST_MODULE}", f"rebind {FUNCTION} {ROUNDS}",
            f"write {device}/remove 1", f"wait-gone {device}", "write /sys/bus/pci/rescan 1",
            f"wait {device}/iommu_group/resv/regions", f"sleep {SETTLE}",
            "say hold", f"cat {HELD}", "unload iommu_resv"]


def steps_of(arch):
    vfs = STAGES[arch]
    # The first load is not counted, because the kernel does some work only once. With many groups
    # the first reads of the files are timed, beginning with the kernel's own file.
    return [*set_vfs(*vfs["few"]), f"load {MODULE}", "unload iommu_resv", f"load {MODULE}",
            "dump few", "unload iommu_resv", *set_vfs(0, 0), *set_vfs(*vfs["many"]),
            f"load {MODULE}", *[f"time {name} 2" for name in FILES], "dump many",
            "unload iommu_resv", *stage("many"), "unload iommu_resv", *hold(),
            *set_vfs(0, 0), *set_vfs(*vfs["half"]), *load("half"), "unload iommu_resv",
            *set_vfs(0, 0), *set_vfs(*vfs["few"]), *stage("few"), "unload iommu_resv", "left"]


@dataclass
class Looks:
    """The line "groups" of the file features."""
    groups: int
    size: int
    looked: int = None          # number of looks at groups since the module was loaded


class Seen:
    """The figures of a transcript."""

    def __init__(self, lines):
        self.lines = lines
        self.busy = {}
        for label, number in map(str.split, judge.said(lines, "busy")):
            self.busy[label] = min(int(number), self.busy.get(label, int(number)))
        self.looks = {}
        for label, text in sections(lines).items():
            match = re.search(r"^\| groups added - (\d+) shown, (\d+) bytes(?:, (\d+) looked at)?$",
                              "\n".join(text), re.M)
            if match:
                self.looks[label] = Looks(*(int(n) if n else None for n in match.groups()))
        at = lines.index("dump many") if "dump many" in lines else len(lines)
        dump = judge.dumps(lines[at:]).get("many", {})
        self.dumped = [group for group in dump.values() if group.id != "-"]
        self.reads = {word[0]: int(word[3])
                      for word in map(str.split, judge.said(lines, "time"))}

    def bind(self, label, module=True):
        """Instructions of one bind and unbind, with the module or without."""
        used, rest = ("bind", "idle") if module else ("bare", "rest")
        return (self.busy[f"{label}-{used}"] - self.busy[f"{label}-{rest}"]) / ROUNDS

    def groups(self, label):
        return self.looks[f"{label}-loaded"].groups

    def load(self, low, high):
        """Instructions of a load for each additional group, from the stages LOW and HIGH."""
        return (self.busy[f"{high}-load"] - self.busy[f"{low}-load"]) / \
            (self.groups(high) - self.groups(low))


def judge_bind(seen, _arch):
    few, many = seen.bind("few"), seen.bind("many")
    own = {label: seen.bind(label) - seen.bind(label, module=False) for label in ("few", "many")}
    note = f"a bind and unbind with {seen.groups('few')} groups: {few / 1e3:.0f} k instructions, " \
           f"with {seen.groups('many')}: {many / 1e3:.0f} k, {many / few:.2f} x; of that the " \
           f"module {own['few'] / 1e3:.0f} k and {own['many'] / 1e3:.0f} k"
    faults = [f"{note}; the limit is {BIND} x"] if many > BIND * few else []
    said = judge.said(seen.lines, "rebind")
    windows = ["1 0", *[f"{ROUNDS} 0"] * WINDOWS] * 2
    # hold() binds and unbinds between the two stages, too.
    if said != [*windows, f"{ROUNDS} 0", *windows]:
        faults.append(f"bound and unbound: {said}")
    return note, faults


def judge_looks(seen, _arch):
    faults, notes = [], []
    for label in ("few", "many"):
        order = [seen.looks.get(f"{label}-{what}") for what in ("before", *LOOKS)]
        if any(looks is None or looks.looked is None for looks in order):
            faults.append(f"{label}: features does not count looks at groups")
            continue
        more = [b.looked - a.looked for a, b in zip(order, order[1:])]
        notes.append(f"{seen.groups(label)} groups: {ROUNDS * WINDOWS} binds and unbinds look at "
                     f"{more[0]}, a device that goes and comes at {more[1]}, an unrelated module "
                     f"at {more[2]}")
        for (what, limit), number in zip(LOOKS.items(), more):
            if number > limit:
                faults.append(f"{label}-{what}: {number} groups were looked at, not {limit}")
    return "; ".join(notes), faults


def judge_load(seen, arch):
    first, last = seen.load("few", "half"), seen.load("half", "many")
    mean = seen.busy["many-load"] / seen.groups("many")
    note = f"load with {seen.groups('few')} groups: {seen.busy['few-load'] / 1e6:.2f} M " \
           f"instructions, with {seen.groups('many')}: {seen.busy['many-load'] / 1e6:.2f} M, " \
           f"that is {mean / 1e3:.1f} k for each; one more costs {first / 1e3:.1f} k among the " \
           f"first, {last / 1e3:.1f} k among the last"
    faults = []
    if mean > LOAD[arch]:
        faults.append(f"{note}; allowed for each are {LOAD[arch] / 1e3:.0f} k")
    if seen.load("few", "many") > MORE[arch]:
        faults.append(f"{note}; allowed for one more are {MORE[arch] / 1e3:.1f} k")
    if last > LINEAR * first:
        faults.append(f"{note}; that is not linear")
    return note, faults


def judge_memory(seen, _arch):
    size = seen.looks["many-module"].size / seen.looks["many-module"].groups
    most = max(len(group.lines("regions")) for group in seen.dumped)
    note = f"{size:.0f} bytes a group as the module counts; up to {most} regions"
    # A group with more regions takes no less memory than one with up to four. So if the mean of all
    # groups is below the limit, the mean of those is, too.
    return note, [f"{note}; the limit is {MEMORY}"] if size >= MEMORY else []


def judge_reads(seen, _arch):
    base = seen.reads["reserved_regions"]
    ratio = {name: seen.reads[name] / base for name in READS}
    note = "; ".join(f"{name} {ratio[name]:.3f} x reserved_regions" for name in READS)
    return note, [f"{name}: {ratio[name]:.3f} x, the limit is {limit}"
                  for name, limit in READS.items() if ratio[name] > limit]


def judge_groups(seen, _arch):
    """The files of all groups agree with the kernel's."""
    lines = seen.lines
    faults = all_ok(lines) + [f"write {line}" for line in judge.said(lines, "write")
                              if not line.endswith(" ok")]
    faults += ["no /proc/schedstat"] if "no-schedstat" in lines else []
    for group in seen.dumped:
        faults += judge.check_group(group)
    single = sum(len(group.devices) == 1 and "0x1b36:0x0010" == group.devices[0][2]
                 for group in seen.dumped)
    if single < 254:
        faults.append(f"{single} groups of one NVMe function, expected 254 at least")
    if seen.groups("few") != GROUPS:
        faults.append(f"{seen.groups('few')} groups where {GROUPS} were wanted")
    return f"{len(seen.dumped)} groups", faults


def judge_hold(seen, _arch):
    told = [line for line in sections(seen.lines)["hold"] if line.startswith("| ")]
    longest = int(told[0][2:])
    note = f"the registry's lock is held for {longest / 1e3:.1f} k instructions at most"
    return note, [] if 0 < longest <= HOLD else [f"{note}; the limit is {HOLD / 1e3:.0f} k"]


def times(factor):
    """A fault to plant: multiply the number at the end by FACTOR."""
    return lambda m: f"{m[1]}{int(int(m[2]) * factor)}"


# {check: (judge, fault to plant, which the judge must find)}
CHECKS = {
    "groups-sriov": (judge_groups, (r"^(dump many$.*?^\| )0x[0-9a-f]+"
                                    r"( 0x[0-9a-f]+ (?:sw-)?msi (?!dma-api))", r"\g<1>0x0\2")),
    "bench-bind": (judge_bind, (r"^(busy few-bind )(\d+)$", times(0.5))),
    "bench-looks": (judge_looks, (r"^(say many-bound$.*? bytes, )(\d+)", times(2))),
    "bench-hold": (judge_hold, (r"^(say hold$.*?^\| )(\d+)", times(1000))),
    "bench-load": (judge_load, (r"^(busy many-load )(\d+)$", times(3))),
    "bench-memory": (judge_memory, (r"^(say many-module$.*? shown, )(\d+)", times(10))),
    "bench-read": (judge_reads, (r"^(time resv/usable [^\n]* )(\d+)$", times(2))),
}


def run(key):
    """[(name, note, faults)] of one VM."""
    kernel = kernels.get(key)
    topology = SRIOV[kernel.arch]
    topology = replace(topology, devices=(*topology.devices, f"{EDU},addr=3"))
    vm = Vm(f"bench-{key}", kernel, topology, steps_of(kernel.arch), memory="2G", limit=600,
            later=(UNRELATED,), accel="tcg,thread=single",
            extra={TEST_MODULE[1:]: kernels.build_module(key, test=True).read_bytes()},
            qemu=["-icount", "shift=0,sleep=off"])
    lines = vm.run()
    out = []
    for name, (judging, fault) in CHECKS.items():
        judged = partial(judge_lines, judging, kernel.arch)
        note, faults = judged(lines)
        faults = faults or planted(lambda text, judged=judged: judged(text)[1], lines,
                                   (fault,))
        out.append((f"{name}-{key}", note, faults))
    name, note, faults = out[0]
    out[0] = (name, f"{note} [{vm.seconds:.0f} s]", faults + vm.complaints())
    return out


def judge_lines(judging, arch, lines):
    """(note, faults); a figure that is missing in LINES is a fault."""
    try:
        return judging(Seen(lines), arch)
    except (KeyError, ValueError, ZeroDivisionError) as why:
        return "", [f"a figure is missing: {type(why).__name__} {why}"]
