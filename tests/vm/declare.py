# SPDX-License-Identifier: GPL-2.0-only
"""Regions that the admin declares: what the kernel and VFIO make of them, and what is refused.

A test is a Script: steps for the agent, in stretches, each with checks of what the agent said and
the kernel logged in it. Checks are functions of (Piece, state), the state being what earlier
stretches left to compare with."""
import re
from dataclasses import dataclass

import judge
import kernels
from topologies import ARM, EDU, Q35, SLOTS, SMMU, X86, BY_NAME, Topology
from vm import Vm

MODULE = "/iommu_resv.ko"
LIVEPATCH = "/iommu_resv_livepatch.ko"
PATCH = "/sys/kernel/livepatch/iommu_resv_livepatch"
HOOKS = "/sys/kernel/iommu_resv/hooks"
FEATURES = "/sys/kernel/iommu_resv/features"
PARAMETER = "/sys/module/iommu_resv/parameters/hooks"
UNSAFE = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
MARK = "iommu-resv-test"
# Without it the kernel takes ten marks in five seconds and drops the rest.
APPEND = "printk.devkmsg=on"
TOP = judge.TOP
OWN = object()
# What the kernel says of every module from outside
LOADER = re.compile(r"iommu_resv: (loading out-of-tree module|module verification failed)")
# The kernel's own ranks, which decide where two regions start at the same address.
RANK = {"direct": 0, "direct-relaxable": 1, "reserved": 2, "msi": 3}


def of(device, name):
    """A file of the device's group."""
    return f"/sys/bus/pci/devices/{device}/iommu_group/{name}"


def text(region):
    return f"0x{region[0]:x} 0x{region[1]:x}"


def span(start, end):
    return f"0x{start:x}-0x{end:x}"


# The kernel's rule

def insert(regions, new):
    """iommu_insert_resv_region() of Linux 5.4 and later, with its arithmetic of 64 bits.

    REGIONS and the result: [(start, rank, end)]."""
    at = next((i for i, r in enumerate(regions) if new[:2] <= r[:2]), len(regions))
    out = []
    for start, rank, end in regions[:at] + [new] + regions[at:]:
        top = next((i for i in reversed(range(len(out))) if out[i][1] == rank), None)
        if rank != new[1] or top is None or start > (out[top][2] + 1) & TOP:
            out.append((start, rank, end))
        else:
            out[top] = (out[top][0], rank, max(out[top][2], end))
    return out


def kernel_list(lines, declared, devices=1):
    """What the kernel's reserved_regions must be if it was LINES before.

    Each of the group's DEVICES has the regions DECLARED."""
    names = {rank: name for name, rank in RANK.items()}
    regions = [(int(w[0], 16), RANK[w[2]], int(w[1], 16)) for w in (x.split() for x in lines)]
    for _ in range(devices):
        for start, end in declared:
            regions = insert(regions, (start, RANK["reserved"], end))
    return [f"0x{start:016x} 0x{end:016x} {names[rank]}" for start, rank, end in regions]


def cut(ranges, holes):
    """RANGES without HOLES."""
    return [piece for lo, hi in ranges for piece in judge.without(lo, hi, holes)]


def both(one, other):
    """What is in ONE and in OTHER."""
    return cut(one, cut([(0, TOP)], other))


# Scripts

@dataclass
class Piece:
    """What one stretch gave. LOG has the log up to the first inner mark, PARTS what follows it."""
    lines: list
    log: list
    parts: dict

    def said(self, *head):
        return judge.said(self.lines, *head)


class Script:
    def __init__(self):
        self.steps = []
        self.stretches = []     # (what it is about, checks)

    def do(self, what, steps, *checks):
        n = len(self.stretches)
        self.steps += [f"say @{n}", f"write /dev/kmsg {MARK} @{n}", *steps]
        self.stretches.append((what, checks))

    def judge(self, lines):
        """The faults of a transcript."""
        pieces = split(lines, len(self.stretches))
        faults, state = [], {}
        for n, (what, checks) in enumerate(self.stretches):
            if pieces[n] is None:
                faults.append(f"{what}: no word of it")
                continue
            for check in checks:
                faults += [f"{what}: {fault}" for fault in check(pieces[n], state)]
        faults += [f"unknown step {line}" for line in judge.said(lines, "unknown-step")]
        return faults


def split(lines, number):
    """The pieces of a transcript, None for one that is missing."""
    pieces = [None] * number
    now = None
    for line in lines:
        mark = re.fullmatch(r"say @(\d+)", line)
        if mark:
            now = pieces[int(mark[1])] = Piece([], [], {})
        elif now and not line.startswith(("log ", "write /dev/kmsg ")):
            now.lines.append(line)
    now = to = None
    for line in judge.said(lines, "log"):
        mark = re.fullmatch(rf"{MARK} ([@#])(\w+)", line)
        if mark and mark[1] == "@":
            now = pieces[int(mark[2])]
            to = now.log if now else None
        elif mark and now:
            to = now.parts.setdefault(mark[2], [])
        elif to is not None and line.startswith("iommu_resv: ") and not LOADER.match(line):
            to.append(line)
    return pieces


# Checks

def says(*lines):
    """Each of LINES, patterns, must be one of the agent's lines."""
    def check(piece, _):
        return [f"lacks '{want}': {brief(piece.lines)}" for want in lines
                if not any(re.fullmatch(want, line) for line in piece.lines)]
    return check


def brief(lines):
    return "; ".join(lines[:6]) + (" ..." if len(lines) > 6 else "")


def complains(device, count=1, part=None, base="before"):
    """COUNT lines in the log (part of it), all about the group of DEVICE."""
    def check(piece, state):
        log = piece.log if part is None else piece.parts.get(part, [])
        group = where(state[base], device)
        good = [line for line in log if line.startswith(f"iommu_resv: group {group.id}: ")
                and len(line) > len(f"iommu_resv: group {group.id}: ") + 10]
        if len(good) == len(log) == count:
            return []
        return [f"{len(log)} lines in the log, {len(good)} of them about group {group.id}, "
                f"expected {count}: {log}"]
    return check


def where(groups, device):
    for group in groups.values():
        if device in group.names():
            return group
    raise kernels.Failure(f"{device} has no group")


def keep(label):
    """The dump of that label, for later."""
    def check(piece, state):
        start = f"dump {label}"
        found = judge.dumps(piece.lines[piece.lines.index(start):]).get(label) \
            if start in piece.lines else None
        if not found or len(found) < 2:
            return [f"no dump {label}"]
        state[label] = found
        return []
    return check


def groups_of(state, label):
    return {n: g for n, g in state[label].items() if n != "-"}


def dumped(label, base, declared, given=""):
    """The dump LABEL is BASE with DECLARED, {device: [(start, end)]}, in those groups.

    GIVEN: the device column, if not "-" (declared by the parameter); OWN: the device's."""
    def check(piece, state):
        faults = keep(label)(piece, state)
        if faults:
            return faults
        now, then = groups_of(state, label), groups_of(state, base)
        if sorted(now) != sorted(then):
            return [f"groups {sorted(now)}, they were {sorted(then)}"]
        wanted = {n: [] for n in now}
        for device, regions in declared.items():
            column = device if given is OWN else given or "-"
            wanted[where(now, device).id] += [(*r, column) for r in regions]
        for n, group in now.items():
            faults += judge.check_group(group)
            faults += check_declared(group, then[n], wanted[n])
        return faults
    return check


def check_declared(group, then, wanted):
    """GROUP against THEN, an earlier dump of it, and WANTED, [(start, end, device column)]."""
    head = f"group {group.id}"
    ranges = [w[:2] for w in wanted]
    faults = judge.differ(f"{head}: reserved_regions, and the kernel's rule",
                          group.lines("reserved_regions"),
                          kernel_list(then.lines("reserved_regions"), ranges,
                                      len(group.devices)))
    # An earlier dump without the module has no folder to compare.
    admin = [line for line in group.lines("regions") if line.split()[3] == "admin"]
    faults += judge.differ(f"{head}: declared lines of regions, and what was declared", admin,
                           [f"0x{s:016x} 0x{e:016x} reserved admin {device} added enforced"
                            for s, e, device in sorted(wanted)])
    if "regions" not in then.files:
        return faults
    rest = [line for line in group.lines("regions") if line.split()[3] != "admin"]
    faults += judge.differ(f"{head}: other lines of regions, and those of before", rest,
                           [line for line in then.lines("regions") if line.split()[3] != "admin"])
    old = [(int(w[0], 16), int(w[1], 16)) for w in (x.split() for x in then.lines("regions"))
           if w[3] == "admin"]
    if not old:
        faults += judge.differ(f"{head}: usable, and before without what was declared",
                               judge.pairs(group.lines("usable")),
                               cut(judge.pairs(then.lines("usable")), ranges))
    for name in ("aperture", "msi_isolation", "msi_window", "type"):
        faults += judge.differ(f"{head}: {name}, and before", group.lines(name), then.lines(name))
    return faults


def same_dump(label, base):
    """Byte for byte: groups, devices, and all files."""
    def check(piece, state):
        faults = keep(label)(piece, state)
        if faults:
            return faults
        now, then = groups_of(state, label), groups_of(state, base)
        if sorted(now) != sorted(then):
            return [f"groups {sorted(now)}, they were {sorted(then)}"]
        for n in now:
            if now[n] == then[n]:
                continue
            faults += [f"group {n}: {name} is {now[n].files.get(name)}, "
                       f"it was {then[n].files.get(name)}"
                       for name in sorted({*now[n].files, *then[n].files})
                       if now[n].files.get(name) != then[n].files.get(name)]
            if now[n].devices != then[n].devices:
                faults.append(f"group {n}: devices {now[n].devices}, were {then[n].devices}")
        return faults
    return check


def keep_vfio(label):
    """VFIO's answers about all groups, for later."""
    def check(piece, state):
        runs = state["vfio", label] = {}
        for line in piece.said("vfio"):
            group, answer = line.split(" ", 1)
            runs.setdefault(group, []).append(answer)
        if not any("open=ok" in lines for lines in runs.values()):
            return ["VFIO opened no group"]
        return []
    return check


def same_vfio(label, base):
    """VFIO answers word by word as it did in BASE."""
    def check(piece, state):
        faults = keep_vfio(label)(piece, state)
        now, then = state["vfio", label], state["vfio", base]
        return faults + [fault for n in sorted({*now, *then})
                         for fault in judge.differ(f"group {n}: VFIO now, and {base}",
                                                   now.get(n, []), then.get(n, []))]
    return check


def good_vfio(label, topology, series):
    """VFIO's answers are those that the files in the dump LABEL promise."""
    def check(piece, state):
        faults = keep_vfio(label)(piece, state)
        return faults + [fault for n, lines in state["vfio", label].items()
                         for fault in judge.check_vfio(state[label][n], lines, topology, series)]
    return check


def check_of(device, label, topology, series):
    """`run /vfio-check check DEVICE` against the dump LABEL."""
    def check(piece, state):
        return judge.check_vfio(where(state[label], device), piece.said("run"), topology, series)
    return check


def uevent(device, base="before"):
    def check(piece, state):
        path = f"change@/kernel/iommu_groups/{where(state[base], device).id}"
        return [] if path in piece.said("event") else [f"no uevent: {piece.said('event')}"]
    return check


def shown(device, label, number=3):
    """`cat` of NUMBER files of DEVICE's group is what they were in the dump LABEL."""
    def check(piece, state):
        files = judge.dumps(["dump cat", "group cat", *piece.lines])["cat"]["cat"].files
        group = where(state[label], device)
        faults = [f"{path}: {status}" for path, (status, _) in files.items() if status != "ok"]
        if len(files) != number:
            faults.append(f"{len(files)} files were shown, expected {number}")
        return faults + [fault for path, (_, lines) in files.items()
                         for fault in judge.differ(f"{path}, and {label}", lines,
                                                   group.lines(path.split("/")[-1]))]
    return check


def cats(device, names=("reserved_regions", "resv/regions", "resv/usable")):
    return [f"cat {of(device, name)}" for name in names]


# Plays: several words of vfio-check in one process

def play(*words):
    """(step, check). WORDS: a word that must give ok, or (word, answer); an answer is an errno,
    or a function of (state, lines behind the word's number) that returns faults."""
    words = [(w, "ok") if isinstance(w, str) else w for w in words]

    def check(piece, state):
        faults = []
        out = piece.said("run")
        for n, (word, want) in enumerate(words):
            got = [line[len(str(n)) + 1:] for line in out if line.startswith(f"{n} ")]
            if callable(want):
                faults += [f"{word}: {fault}" for fault in want(state, got)]
            elif got != [f"{word} {want}"]:
                faults.append(f"{word}: {got}, expected {want}")
        if out[-1:] != ["exit 0"]:
            faults.append(f"vfio-check: {out[-1:]}")
        return faults

    step = "run /vfio-check play " + " ".join(word for word, _ in words)
    if len(step.split()) > 95:
        raise ValueError("more words than the agent takes")
    return step, check


def edus(number):
    """NUMBER edu devices did DMA and raised their interrupts in this stretch."""
    def check(piece, _):
        dma = [line[4:] for line in piece.said("run") if line.startswith("dma=")]
        msi = [line[4:] for line in piece.said("run") if line.startswith("msi=")]
        if len(dma) == 2 * number and all(d.endswith(" ok") for d in dma) and \
                msi == ["3/3"] * number:
            return []
        return [f"of {number} devices DMA {dma}, interrupts {msi}"]
    return check


def ranges_are(label, *devices):
    """VFIO's ranges are what is usable in the groups of all DEVICES by the dump LABEL."""
    def want(state, got):
        usable = [(0, TOP)]
        for device in devices:
            usable = both(usable, judge.pairs(where(state[label], device).lines("usable")))
        expected = "ranges " + " ".join(f"0x{lo:016x}-0x{hi:016x}" for lo, hi in usable)
        return [] if got == [expected] else [f"{got}, expected {expected}"]
    return ("ranges", want)


def reads(device, name, label):
    """The file is what it was in the dump LABEL."""
    path = of(device, name)

    def want(state, got):
        lines = [line[2:] for line in got if line.startswith("| ")]
        faults = judge.differ(f"now, and {label}", lines,
                              where(state[label], device).lines(name.split("/")[-1]))
        if got[-1:] != [f"read:{path} ok"]:
            faults.append(f"{got[-1:]}")
        return faults
    return (f"read:{path}", want)


def mark(name):
    return f"write:/dev/kmsg={MARK}_#{name}"


def writes(device, verb, region, errno="ok"):
    return (f"write:{of(device, 'resv/declare')}={verb}_{text(region).replace(' ', '_')}", errno)


SMALL = 0x10000     # a page of every kernel


def touching(region):
    """Maps that touch a region must fail, those beside it work."""
    start, end = region
    middle = (start + end + 1) // 2
    bad = ((start, start + SMALL - 1), (middle, middle + SMALL - 1), (end - SMALL + 1, end),
           region, (start - SMALL, end + SMALL), (start - SMALL, start + SMALL - 1),
           (end - SMALL + 1, end + SMALL))
    good = ((start - SMALL, start - 1), (end + 1, end + SMALL),
            (start - 4 * SMALL, start - 1), (end + 1, end + 4 * SMALL))
    return [(f"try:{span(*b)}", "EINVAL") for b in bad] + [f"try:{span(*g)}" for g in good]


def pages_beside(region, page=4096):
    """The first and last page, and those on either side."""
    start, end = region
    return [(f"try:{span(start, start + page - 1)}", "EINVAL"),
            f"try:{span(start - page, start - 1)}",
            (f"try:{span(end - page + 1, end)}", "EINVAL"), f"try:{span(end + 1, end + page)}"]


# Loading

def loading(script, backend, also=""):
    steps = [f"load {MODULE} hooks={backend}{also}"]
    if backend == "livepatch":
        # If the kernel found somebody to load it already, it is there.
        steps += [f"load {LIVEPATCH}"]
    # Kprobes are in while something is declared.
    state = "off" if backend == "kprobe" and not also else "active"
    steps += [f"wait-text {HOOKS} {backend} {state}", f"cat {HOOKS}", f"cat {FEATURES}"]
    checks = [says(rf"load {MODULE} ok .*", r"wait-text ok \d+",
                   rf"\| declared-regions added {backend} \S.*")]
    if backend == "livepatch":
        checks.append(says(rf"load {LIVEPATCH} (ok|EEXIST) .*",
                           r"\| iommu_get_group_resv_regions livepatch active \d+ 0 .*"))
    else:
        checks.append(says(rf"\| \w+_get_resv_regions kprobe {state} \d+ 0 .*"))
    script.do(f"{backend}: load", steps, *checks)


def unloading(script, backend):
    steps, want = [], []
    if backend == "livepatch":
        steps = [f"write {PATCH}/enabled 0", f"wait-gone {PATCH}",
                 "unload iommu_resv_livepatch"]
        want = [f"write {PATCH}/enabled ok", rf"wait {PATCH} ok \d+",
                "unload iommu_resv_livepatch ok"]
    script.do(f"{backend}: unload", [*steps, "unload iommu_resv", "left"],
              says(*want, "unload iommu_resv ok"),
              lambda piece, _: [f"left {path}" for path in piece.said("left")])


def declaring(script, what, device, verb, regions, base="before"):
    """Each is accepted, and the group tells of it."""
    path = of(device, "resv/declare")
    script.do(what, ["spawn event uevents", "sleep 200",
                     *[f"write {path} {verb} {text(r)}" for r in regions],
                     "sleep 100", "stop event"],
              lambda piece, _: [f"{verb} {text(regions[i])}: {line}"
                                for i, line in enumerate(piece.said("write"))
                                if line != f"{path} ok"] +
              ([] if len(piece.said("write")) == len(regions) else ["a write is missing"]),
              uevent(device, base))


def run_script(name, kernel, topology, script, actions=(), **more):
    vm = Vm(name, kernel, topology, script.steps, append=APPEND, **more)
    lines = vm.run(actions)
    return script.judge(lines) + vm.complaints() + overflows(vm.log())


def overflows(log):
    """A file of the kernel was longer than its page."""
    return [line for line in log if "bad count" in line]


def series_of(kernel):
    major, minor = kernel.release.split(".")[:2]
    return major if int(major) >= 7 else f"{major}.{minor}"


def backends(kernel):
    """Livepatches are for those kernels whose configuration has them."""
    return ("kprobe", "livepatch") if kernel.arch == "amd64" else ("kprobe",)


# The machine of most tests: two single devices, two functions in a group
DEVICES = (f"{EDU},addr=3", f"{EDU},addr=4", f"{EDU},addr=7.0,multifunction=on", f"{EDU},addr=7.1")
MACHINE = {
    "amd64": Topology("declare", "amd64", (), Q35, ("intel-iommu,intremap=on", *DEVICES),
                      "intel_iommu=on"),
    "arm64": Topology("declare", "arm64", (), SMMU, DEVICES),
}
ONE, OTHER, MANY = "0000:00:03.0", "0000:00:04.0", "0000:00:07.0"
HOLE = (0x20000000, 0x200fffff)
HOLE_MANY = (0x30000000, 0x3003ffff)
LATER = (0x28000000, 0x2800ffff)


def enforced(script, backend, topology, series):
    """Everything about regions that are there, with one backend, and that nothing is left."""
    label = f"{backend}-declared"
    loading(script, backend)
    script.do(f"{backend}: nothing declared", [f"dump {backend}-loaded"],
              dumped(f"{backend}-loaded", "before", {}))
    declaring(script, f"{backend}: declare", ONE, "add", [HOLE])
    declaring(script, f"{backend}: declare in a group of two", MANY, "add", [HOLE_MANY])
    declared = {ONE: [HOLE], MANY: [HOLE_MANY]}
    script.do(f"{backend}: files", [f"dump {label}"], dumped(label, f"{backend}-loaded", declared))
    for device in (ONE, OTHER, MANY):
        script.do(f"{backend}: VFIO and {device}", [f"run /vfio-check check {device}"],
                  check_of(device, label, topology, series))
    for device, hole in declared.items():
        step, check = play("container", f"open:{device}", f"set:{device}", "iommu",
                           ranges_are(label, device), *touching(hole[0]),
                           *pages_beside(hole[0]))
        script.do(f"{backend}: maps of {device}", [step], check)

    # Attaching a group whose region is mapped already
    start, end = HOLE
    conflicts = []
    for range_ in ((start, start + SMALL - 1), (end - SMALL + 1, end),
                   (start + SMALL, start + 2 * SMALL - 1), (start - SMALL, end + SMALL)):
        conflicts += [f"map:{span(*range_)}", (f"set:{ONE}", "EINVAL"), f"unmap:{span(*range_)}"]
    step, check = play(
        "container", f"open:{OTHER}", f"set:{OTHER}", "iommu", f"open:{ONE}", *conflicts,
        ranges_are(label, OTHER), f"try:{span(start, end)}",
        f"map:{span(start - SMALL, start - 1)}", f"map:{span(end + 1, end + SMALL)}",
        f"set:{ONE}", ranges_are(label, ONE, OTHER),
        (f"try:{span(start, start + SMALL - 1)}", "EINVAL"), f"edu:{ONE}", f"edu:{OTHER}")
    script.do(f"{backend}: attach against maps", [step], check, edus(2))

    # While it is attached nothing changes, and what a detach reads again is the same.
    inside = [(f"try:{span(start, start + SMALL - 1)}", "EINVAL"),
              (f"try:{span(end - SMALL + 1, end)}", "EINVAL"), f"try:{span(end + 1, end + SMALL)}"]
    files = [reads(ONE, "resv/regions", label), reads(ONE, "reserved_regions", label),
             reads(OTHER, "resv/regions", label), reads(OTHER, "reserved_regions", label)]
    step, check = play(
        "container", f"open:{ONE}", f"open:{OTHER}", f"set:{ONE}", "iommu", f"set:{OTHER}",
        ranges_are(label, ONE, OTHER),
        mark("add"), writes(ONE, "add", LATER, "EBUSY"),
        mark("remove"), writes(ONE, "remove", HOLE, "EBUSY"),
        mark("other"), writes(OTHER, "add", LATER, "EBUSY"),
        mark("end"), *files, *inside,
        f"unset:{OTHER}", ranges_are(label, ONE), *inside, f"edu:{ONE}",
        # The other one is free now.
        writes(OTHER, "add", LATER), writes(OTHER, "remove", LATER),
        writes(ONE, "remove", HOLE, "EBUSY"), *files, ranges_are(label, ONE), *inside,
        f"set:{OTHER}", *inside, f"unset:{ONE}", f"try:{span(*HOLE)}", ranges_are(label, OTHER),
        writes(ONE, "add", LATER), writes(ONE, "remove", LATER))
    script.do(f"{backend}: attached", [step], check, edus(1),
              *[complains(device, 1, part) for part, device in
                (("add", ONE), ("remove", ONE), ("other", OTHER))])
    script.do(f"{backend}: files after that", [f"dump {backend}-still"],
              same_dump(f"{backend}-still", label))

    script.do(f"{backend}: in use", ["unload iommu_resv", f"dump {backend}-used"],
              says("unload iommu_resv (EBUSY|EAGAIN)"), same_dump(f"{backend}-used", label))
    declaring(script, f"{backend}: remove", ONE, "remove", [HOLE])
    script.do(f"{backend}: in use by the other", ["unload iommu_resv"],
              says("unload iommu_resv (EBUSY|EAGAIN)"))
    declaring(script, f"{backend}: remove in the group of two", MANY, "remove", [HOLE_MANY])
    script.do(f"{backend}: removed", [f"dump {backend}-removed"],
              same_dump(f"{backend}-removed", f"{backend}-loaded"))
    unloading(script, backend)
    script.do(f"{backend}: as before", ["vfio", f"dump {backend}-after"],
              same_dump(f"{backend}-after", "before"),
              same_vfio(f"{backend}-after", "before"))


def before(script):
    """What there is without the module. Whether interrupts are isolated is no matter here."""
    script.do("before", [f"write {UNSAFE} 1", "bind", "dump before", "vfio"],
              lambda piece, _: [f"bind {x}" for x in piece.said("bind") if not x.endswith(" ok")],
              keep("before"), keep_vfio("before"))


def main(key, name):
    """Declared regions are the kernel's own, in all that follows from it."""
    kernel = kernels.get(key)
    topology, series = MACHINE[kernel.arch], series_of(kernel)
    script = Script()
    before(script)
    for backend in backends(kernel):
        enforced(script, backend, topology, series)
    if len(backends(kernel)) > 1:
        script.do("both backends", [], same_lists("kprobe-declared", "livepatch-declared"))
    faults = run_script(name, kernel, topology, script, limit=240)
    return f"{len(script.stretches)} stretches, {' '.join(backends(kernel))}", faults


def same_lists(one, other):
    """Two dumps show the same regions everywhere."""
    def check(_, state):
        return [fault for n, group in groups_of(state, one).items()
                for file in ("reserved_regions", "regions", "usable")
                for fault in judge.differ(f"group {n}: {file} in {one}, and in {other}",
                                          group.lines(file), state[other][n].lines(file))]
    return check


# Lists as the kernel merges them: (device, regions in the order in which they are declared). A
# device that a machine lacks is left out there.
INTEL_LISTS = {
    # Behind each other, the last one between the first two; on both sides of the MSI region; at
    # both ends of what the IOMMU reaches.
    ONE: [(0x40020000, 0x4002ffff), (0x40000000, 0x4000ffff), (0x40010000, 0x4001ffff),
          (0xfedf0000, 0xfedfffff), (0xfef00000, 0xfef0ffff), (0, 0xffff),
          (0x7fffff0000, 0x7fffffffff), (0x48000000, 0x48000fff)],
    # Groups of several devices
    MANY: [(0x50000000, 0x500fffff), (0x50200000, 0x502fffff)],
    # One where the bridge's window is, which is only advice
    "0000:02:01.0": [(0x60000000, 0x6000ffff), (0xfdc00000, 0xfdc0ffff)],
    # Over direct-relaxable: from the same start, inside, and across its end
    "0000:00:1f.0": [(0, 0xffff), (0x100000, 0x10ffff), (0xff0000, 0x100ffff)],
}
AMD_LISTS = {
    # Merged with the kernel's own reserved region, from below and from above
    ONE: [(0xfcffff0000, 0xfcffffffff), (0x10000000000, 0x1000000ffff), (0x40000000, 0x4000ffff)],
    MANY: [(0xfedf0000, 0xfedfffff), (0xfcfffe0000, 0xfcfffeffff), (0x10000010000, 0x1000001ffff)],
}
DT_LISTS = {
    # Beside what the device tree ties down, and in a group that VFIO refuses
    ONE: [(0x50010000, 0x5001ffff), (0x4fff0000, 0x4fffffff)],
    # Merged with what the device tree reserves; on both sides of the MSI window; the last page
    OTHER: [(0x60010000, 0x6001ffff), (0x5fff0000, 0x5fffffff), (0x7ff0000, 0x7ffffff),
            (0x8100000, 0x810ffff), (0xffffffff0000, 0xffffffffffff)],
}
LISTS = {"intel": INTEL_LISTS, "amd": AMD_LISTS, "dt-holes": DT_LISTS}
# Where one of these begins in the list of ONE
SEEN = {"intel": 0x40000000, "amd": 0x40000000, "dt-holes": 0x50010000}
# The last page of all, where the IOMMU reaches that far.
AMD_TOP = (TOP - 0xffff, TOP)


def same(topology_name, key, name):
    """Both backends give the same lists, which are those of the kernel's rule."""
    kernel = kernels.get(key)
    topology, series = BY_NAME[topology_name], series_of(kernel)
    lists = dict(LISTS[topology_name])
    if topology_name == "amd" and series != "7":
        lists[ONE] = lists[ONE] + [AMD_TOP]
    script = Script()
    before(script)
    for backend in backends(kernel):
        loading(script, backend)
        script.do(f"{backend}: nothing declared", [f"dump {backend}-loaded"],
                  dumped(f"{backend}-loaded", "before", {}))
        for device, regions in lists.items():
            declaring(script, f"{backend}: declare for {device}", device, "add", regions)
        script.do(f"{backend}: lists", [f"dump {backend}", "vfio"],
                  dumped(backend, f"{backend}-loaded", lists), good_vfio(backend, topology, series))
        # However fast lists are asked for, a region is missing from none.
        watch = f"watch {of(ONE, 'reserved_regions')} 0x{SEEN[topology_name]:016x}"
        script.do(f"{backend}: lists one after the other",
                  [*[f"spawn {who} {watch}" for who in WATCHERS], "sleep 2000",
                   *[f"stop {who}" for who in WATCHERS], f"cat {HOOKS}"],
                  watched, says(rf"\| \w+ {backend} active \d+ 0 .*"))
        if backend == "livepatch":
            script.do("both backends", [], same_lists("kprobe", "livepatch"), same_answers)
        # Not in the order in which they were declared.
        for device, regions in lists.items():
            declaring(script, f"{backend}: remove for {device}", device, "remove",
                      sorted(regions))
        script.do(f"{backend}: removed", [f"dump {backend}-removed"],
                  same_dump(f"{backend}-removed", f"{backend}-loaded"))
        unloading(script, backend)
        script.do(f"{backend}: as before", [f"dump {backend}-after", "vfio"],
                  same_dump(f"{backend}-after", "before"), same_vfio(f"{backend}-after", "before"))
    faults = run_script(name, kernel, topology, script, limit=300)
    return f"{sum(len(r) for r in lists.values())} regions", faults


WATCHERS = ("w1", "w2", "w3")


def watched(piece, _):
    faults = []
    for who in WATCHERS:
        told = piece.said(who)
        count = dict(word.split("=") for word in told[0].split()) if len(told) == 2 else {}
        if told[-1:] != ["exit 0"] or int(count.get("reads", 0)) < 20 or \
                (count["without"], count["errors"]) != ("0", "0"):
            faults.append(f"{who}: {told}")
    return faults


def same_answers(_, state):
    one, other = state["vfio", "kprobe"], state["vfio", "livepatch"]
    return [fault for n in sorted({*one, *other})
            for fault in judge.differ(f"group {n}: VFIO with kprobe, and with livepatch",
                                      one.get(n, []), other.get(n, []))]


# Errors

def refused(page, arch):
    """(what is written, errno): bytes for `declare` of ONE, in which HOLE is declared."""
    add = b"add 0x%x 0x%x"
    start, end = HOLE
    free = 0x60000000
    high = 1 << (39 if arch == "amd64" else 48)
    fixed = 0xfee00000 if arch == "amd64" else 0x8000000
    good = add % (free, free + page - 1)
    malformed = [
        b"\n", b" ", b"add", b"add ", b"add\n", b"remove", b"add 0x60000000", b"remove 0x60000000",
        good + b" 0x70000000", good + b" x", good + b"x", good + b",", good + b"\nadd",
        good + b"\n" + good, good + b"\0trailing", b"\0", b"\0" + good, b"add\0" + good[4:],
        b"add 60000000 6000ffff", b"add 0x60000000 6000ffff", b"add 1610612736 1610678271",
        b"add -0x60000000 0x6000ffff", b"add 0x-60000000 0x6000ffff", b"add 0x60000000 -1",
        b"add +0x60000000 0x6000ffff", b"add 0x60000000-0x6000ffff", b"add 0x 0x6000ffff",
        b"add 0x60000000 0xg", b"add 0x10000000060000000 0x1000000006000ffff",
        b"add 0x60000000 0x1000000006000ffff", b"add 0x60000000 0xffffffffffffffffffffffffffffff",
        b"add 0x" + b"0" * 4000 + b" 0x0", b"a" * 4095, b"a" * 5000, b"add " * 1200,
        b"delete 0x60000000 0x6000ffff", b"ADD 0x60000000 0x6000ffff", good[:3] + good[4:],
        b"addition 0x60000000 0x6000ffff", bytes(range(128, 256)), b"add 0x%x 0x%x %n %s",
    ]
    out = [(raw, "EINVAL") for raw in malformed]
    out += [(add % pair, "EINVAL") for pair in (
        (free + 1, free + page - 1), (free, free + page), (free, free + page - 2),
        (free + page // 2, free + page - 1), (free, free + page // 2 - 1), (free, free),
        # End below start, by all and by just one
        (free + page, free - 1), (free, free - 1), (end + 1, end), (TOP - page + 1, 0))]
    out += [(add % pair, "ERANGE") for pair in (
        (high, high + page - 1), (high - page, high + page - 1), (TOP - page + 1, TOP))]
    # Both are true of these.
    out += [(add % pair, "(ERANGE|EADDRINUSE)") for pair in ((0, TOP), (free, TOP))]
    out += [(add % pair, "EADDRINUSE") for pair in (
        (start, start + page - 1), (end - page + 1, end), (start + page, end - page),
        (start - page, start + page - 1), (end - page + 1, end + page),
        (start - page, end + page), (start, end - page), (start, end + page),
        (fixed, fixed + 0xfffff), (fixed, fixed + page - 1), (fixed - page, fixed + page - 1),
        (fixed - page, fixed + 0xfffff + page), (0, 0xffffffff & ~(page - 1) | page - 1))]
    out += [(add % HOLE, "EEXIST"), (add % HOLE + b"\n", "EEXIST")]
    out += [(b"remove 0x%x 0x%x" % pair, "ENOENT") for pair in (
        (free, free + page - 1), (start, start + page - 1), (end - page + 1, end),
        (start + page, end - page), (start - page, end + page), (start, end + page),
        (fixed, fixed + 0xfffff))]
    return out


ODD = (0x70000000, 0x7000ffff)


def errors(key, name):
    """Whatever is refused is refused with its errno and one line, and changes nothing."""
    kernel = kernels.get(key)
    topology = MACHINE[kernel.arch]
    page = 16384 if key.endswith("-16k") else 4096
    path = of(ONE, "resv/declare")
    script = Script()
    before(script)
    loading(script, "kprobe")
    script.do("nothing declared", ["dump loaded"], dumped("loaded", "before", {}))
    declaring(script, "declare", ONE, "add", [HOLE])
    script.do("declared", ["dump declared"], dumped("declared", "loaded", {ONE: [HOLE]}))
    cases = refused(page, kernel.arch)
    for raw, errno in cases:
        said = repr(raw if len(raw) < 60 else raw[:40] + b"...")
        script.do(f"{said}", [f"write-hex {path} {raw.hex()}", *cats(ONE)],
                  says(f"write-hex {errno} -1"), complains(ONE), shown(ONE, "declared"))
    for cap in ("SYS_ADMIN", "SYS_RAWIO"):
        script.do(f"without {cap}", [f"write-without {cap} {path} add {text(ODD)}", *cats(ONE)],
                  says(f"write-without {cap} EACCES"), complains(ONE, 0), shown(ONE, "declared"))
    # sysfs does not even tell of a write of nothing.
    script.do("nothing written", [f"write-hex {path} ", *cats(ONE)], says("write-hex ok 0"),
              complains(ONE, 0), shown(ONE, "declared"))
    script.do("a reader", [f"cat {path}", f"run /vfio-check play read:{path}"],
              lambda piece, _: judge.differ("what is declared", [line for line in piece.lines
                                                                 if line.startswith("| ")],
                                            [f"| add {text(HOLE)}"]))
    script.do("nothing changed", ["dump errors"], same_dump("errors", "declared"))

    # Forms that are right
    for form in (b"%s 0x%x 0x%x", b"%s 0x%x 0x%x\n", b"%s 0x%016x 0x%016x\n", b"%s 0x%X 0x%X\n"):
        for verb in (b"add", b"remove"):
            raw = form % (verb, *ODD)
            script.do(repr(raw), [f"write-hex {path} {raw.hex()}"],
                      says(f"write-hex ok {len(raw)}"))
    script.do("right forms", ["dump forms"], same_dump("forms", "declared"))

    full(script, path, page)

    # No hook enforces
    script.do("none, while declared", [f"write {PARAMETER} none", *cats(ONE)],
              says(f"write {PARAMETER} EBUSY"), shown(ONE, "declared"), logged(1))
    declaring(script, "remove", ONE, "remove", [HOLE])
    script.do("none", [f"write {PARAMETER} none", f"cat {FEATURES}", "dump none"],
              says(f"write {PARAMETER} ok", r"\| declared-regions inert - \S.*"),
              same_dump("none", "loaded"))
    script.do("declare with none", [f"write {path} add {text(HOLE)}", "dump none-still"],
              says(f"write {path} EOPNOTSUPP"), complains(ONE), same_dump("none-still", "loaded"))
    script.do("kprobe again", [f"write {PARAMETER} kprobe", f"cat {HOOKS}"],
              says(f"write {PARAMETER} ok", r"\| \w+ kprobe off \d+ 0 nothing is declared"))
    declaring(script, "declare again", ONE, "add", [HOLE])
    script.do("declared again", ["dump again"], dumped("again", "loaded", {ONE: [HOLE]}))
    declaring(script, "remove again", ONE, "remove", [HOLE])
    unloading(script, "kprobe")
    script.do("as before", ["vfio", "dump after"], same_dump("after", "before"),
              same_vfio("after", "before"))
    faults = run_script(name, kernel, topology, script, limit=300)
    return f"{len(cases)} refused", faults


def logged(number):
    """So many lines of the module, whatever they are about."""
    def check(piece, _):
        return [] if len(piece.log) == number else \
            [f"{len(piece.log)} lines in the log, expected {number}: {piece.log}"]
    return check


LINE = len("0x0000000000000000 0x0000000000000000 reserved\n")
FILL = 0x10000000000 >> 4


def full(script, path, page):
    """The kernel's own file is filled to its end, which is never passed."""
    three = [(0x78000000 + n * page, 0x78000000 + (n + 1) * page - 1) for n in range(3)]
    declaring(script, "three in a row", ONE, "add", three)
    script.do("filled", [f"fill {path} {FILL:#x} {2 * page:#x} {page // LINE}", "dump full"],
              filled(page, [HOLE, *three]))
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", ranges_are("full", ONE))
    script.do("VFIO with all of them", [step], check)
    script.do("emptied", [f"drain {path} {FILL:#x} {2 * page:#x} {page}", "dump emptied"],
              emptied, dumped("emptied", "loaded", {ONE: [HOLE, *three]}))
    declaring(script, "three removed", ONE, "remove", three)
    script.do("nothing changed when not full", ["dump not-full"], same_dump("not-full", "declared"))
    # Side by side they are one line. Taking one away from the middle leaves two, in the end more
    # than a page holds; the file must stay whole then, too.
    number = 4 * page // LINE
    script.do("side by side", [f"fill {path} {FILL:#x} {page:#x} {number}", "dump row"],
              side_by_side(page))
    script.do("split", [f"drain {path} {FILL + page:#x} {2 * page:#x} {number // 2}", "dump split"],
              split_up(page))
    script.do("all gone", [
        # Whatever of it is left, from the end, where each takes its line along.
        *[f"drain {path} {FILL + n * page:#x} {page:#x} 1" for n in reversed(range(number))],
        "dump all-gone"], same_dump("all-gone", "declared"))


def row(number, page):
    return [(FILL + n * page, FILL + (n + 1) * page - 1) for n in range(number)]


def size_of(group):
    return sum(len(line) + 1 for line in group.lines("reserved_regions"))


def filled(page, also):
    """The file is as full as it may get, and complete."""
    def check(piece, state):
        told = [line.split() for line in piece.said("fill")]
        if len(told) != 1 or told[0][1] != "E2BIG":
            return [f"fill {told}, expected E2BIG"]
        count = state["filled"] = int(told[0][0])
        regions = [(FILL + 2 * n * page, FILL + (2 * n + 1) * page - 1) for n in range(count)]
        faults = dumped("full", "loaded", {ONE: [*also, *regions]})(piece, state)
        if faults:
            return faults
        size = size_of(where(state["full"], ONE))
        if size >= page:
            faults.append(f"the kernel's file has {size} bytes")
        # Room may be kept for devices that join the group, and to take the three apart.
        if size < page * 15 // 16 - 3 * LINE:
            faults.append(f"refused though the kernel's file has only {size} bytes")
        if not piece.log[-1:] or not piece.log[-1].startswith("iommu_resv: group "):
            faults.append(f"the log does not tell of the refusal: {piece.log[-1:]}")
        return faults
    return check


PROBES = "/sys/kernel/debug/kprobes/enabled"
FTRACE = "/proc/sys/kernel/ftrace_enabled"


def dead(switch, key, name):
    """Probes are turned off behind the module's back: what it says is true, and nobody had to
    ask for that. They are turned on again: likewise."""
    kernel = kernels.get(key)
    script = Script()
    before(script)
    loading(script, "kprobe")
    declaring(script, "declare", ONE, "add", [HOLE])
    script.do("declared", ["mount debugfs /sys/kernel/debug", "dump declared", *cats(ONE)],
              keep("declared"), in_force(True))
    for turn in ("first", "second"):
        # Nobody reads the files of the module.
        script.do(f"off, {turn}", [f"write {switch} 0", "sleep 4000", *cats(ONE)],
                  says(f"write {switch} ok"), in_force(False), warned(1))
        script.do(f"off for long, {turn}", ["sleep 4000"], warned(0))
        script.do(f"on, {turn}", [f"write {switch} 1", "sleep 4000", *cats(ONE)],
                  says(f"write {switch} ok"), in_force(True))
    script.do("off, and asked at once", ["sleep 1000", f"write {switch} 0", f"cat {HOOKS}"],
              says(f"write {switch} ok", r"\| \w+_get_resv_regions kprobe inert .*"))
    script.do("on, and asked at once", ["sleep 1000", f"write {switch} 1", f"cat {FEATURES}"],
              says(f"write {switch} ok", r"\| declared-regions added kprobe .*"))
    script.do("as before", ["sleep 1000", "dump again"], same_dump("again", "declared"))
    script.do("remove", [f"write {of(ONE, 'resv/declare')} remove {text(HOLE)}"],
              says(f"write {of(ONE, 'resv/declare')} ok"))
    unloading(script, "kprobe")
    return "", run_script(name, kernel, MACHINE[kernel.arch], script)


def in_force(there):
    """Is the declared region on the kernel's list, and is that what the group's file says?"""
    def check(piece, _):
        line = f"0x{HOLE[0]:016x} 0x{HOLE[1]:016x} reserved"
        listed = any(said == f"| {line}" for said in piece.lines)
        told = [said for said in piece.lines if said.startswith(f"| {line} ")]
        enforced_now = any(said.split()[-1] == "enforced" for said in told)
        return [] if told and (listed, enforced_now) == (there, there) else \
            [f"listed {listed}, and the file says {told}"]
    return check


def warned(number):
    """The log tells so often that a driver's function is not hooked."""
    def check(piece, _):
        lines = [line for line in piece.log if "_get_resv_regions (kprobe) is off" in line]
        return [] if len(lines) == number else [f"{len(lines)} warnings: {lines}"]
    return check


def side_by_side(page):
    """All were accepted, or as many as can be taken apart again."""
    def check(piece, state):
        told = [line.split() for line in piece.said("fill")]
        if len(told) != 1 or told[0][1] not in ("ok", "E2BIG") or told[0][0] == "0":
            return [f"fill {told}"]
        state["accepted"], state["refusal"] = int(told[0][0]), told[0][1] == "E2BIG"
        return dumped("row", "loaded", {ONE: [HOLE, *row(state["accepted"], page)]})(piece, state)
    return check


def split_up(page):
    """Taking apart was refused, now or before, when the file was full; and the file is complete."""
    def check(piece, state):
        told = [line.split() for line in piece.said("drain")]
        if len(told) != 1 or told[0][1] not in ("E2BIG", "ENOENT", "ok"):
            return [f"drain {told}"]
        gone = {2 * n + 1 for n in range(int(told[0][0]))}
        regions = [r for n, r in enumerate(row(state.get("accepted", 0), page)) if n not in gone]
        faults = dumped("split", "loaded", {ONE: [HOLE, *regions]})(piece, state)
        if told[0][1] != "E2BIG" and not state.get("refusal"):
            faults.append(f"drain {told}, expected E2BIG")
        if "split" in state and size_of(where(state["split"], ONE)) >= page:
            faults.append(f"the file has {size_of(where(state['split'], ONE))} bytes")
        return faults
    return check


def emptied(piece, state):
    told = piece.said("drain")
    want = f"{state.get('filled')} ENOENT"
    return [] if told == [want] else [f"drain {told}, expected {want}"]


# Declared when the module is loaded

PLUGGED = "0000:01:00.0"
PLUGGED_HOLE = (0x24000000, 0x2400ffff)
HOTPLUG = {
    "amd64": Topology("declare-hotplug", "amd64", (), Q35,
                      ("intel-iommu,intremap=on", f"{EDU},addr=3", *SLOTS), "intel_iommu=on"),
    "arm64": Topology("declare-hotplug", "arm64", (), SMMU, (f"{EDU},addr=3", *SLOTS)),
}


def parameter(*regions):
    return "declare=" + ",".join(f"{device}:{span(*region)}" for device, region in regions)


# More than the module has room for, and just as many.
ABSENT = [("0000:09:00.0", (n << 12, n << 12 | 0xfff)) for n in range(1, 34)]
WRONG = (
    ("declare=junk", "EINVAL"), (f"declare={ONE}", "EINVAL"), (f"declare={ONE}:", "EINVAL"),
    (f"declare={ONE}:0x20000000", "EINVAL"), (f"declare={ONE}:0x20000000-", "EINVAL"),
    (f"declare={ONE}:20000000-2000ffff", "EINVAL"),
    (f"declare={ONE}:0x2000ffff-0x20000000", "EINVAL"),
    (f"declare={ONE}:0x20000000-0x2000ffffx", "EINVAL"),
    (f"declare={ONE}:0x10000000020000000-0x1000000002000ffff", "EINVAL"),
    (f"declare={ONE}:-0x20000000-0x2000ffff", "EINVAL"),
    ("declare=:0x20000000-0x2000ffff", "EINVAL"),
    ("declare=0000:09:00.0:0x2000ffff-0x20000000", "EINVAL"),
    (f"declare={ONE}:0x20000001-0x2000ffff", "EINVAL"),
    (f"declare={ONE}:0x1000000000000-0x100000000ffff", "ERANGE"),
    # Newer kernels give no module's EEXIST to user space, where it means that it is loaded.
    (parameter((ONE, HOLE), (ONE, HOLE)), "(EEXIST|EBUSY|EINVAL|EADDRINUSE)"),
    (parameter((ONE, HOLE), (ONE, (HOLE[0] - SMALL, HOLE[1]))), "EADDRINUSE"),
    (parameter(*ABSENT), "(E2BIG|EINVAL|ENOSPC)"),
    (f"hooks=none {parameter((ONE, HOLE))}", "EOPNOTSUPP"),
    ("hooks=nonsense", "EINVAL"), ("hooks=", "EINVAL"), ("hooks=kprobe,livepatch", "EINVAL"),
)
# What hardware takes itself, by architecture
FIXED = {"amd64": (0xfee00000, 0xfee0ffff), "arm64": (0x8000000, 0x800ffff)}


def explained(words=(), most=2):
    """A line of the module says why, of MOST at most, and at least one names each of WORDS."""
    def check(piece, _):
        faults = [] if 1 <= len(piece.log) <= most else [f"{len(piece.log)} lines: {piece.log}"]
        return faults + [f"the log does not name '{word}': {piece.log}" for word in words
                         if not any(word in line for line in piece.log)]
    return check


def shows(label, device, regions, column, absent=(), base=None):
    """In the dump LABEL the group of DEVICE has REGIONS, and not those ABSENT, in both files.

    BASE: lines of the kernel's list without anything declared."""
    def check(piece, state):
        faults = keep(label)(piece, state)
        if faults:
            return faults
        group = where(state[label], device)
        faults += judge.check_group(group)
        faults += judge.differ(
            "declared lines of regions", [line for line in group.lines("regions")
                                          if line.split()[3] == "admin"],
            [f"0x{s:016x} 0x{e:016x} reserved admin {col} added enforced"
             for (s, e), col in sorted(zip(regions, column))])
        listed = judge.pairs([line for line in group.lines("reserved_regions")
                              if line.endswith(" reserved")])
        faults += [f"reserved_regions lacks {span(*r)}: {listed}" for r in regions
                   if r not in listed]
        faults += [f"reserved_regions has {span(*r)}" for r in absent if r in listed]
        return faults
    return check


def others(label, base, *devices):
    """The groups of the dump LABEL but those of DEVICES are what they were in BASE."""
    def check(_, state):
        now, then = ({n: g for n, g in groups_of(state, dump).items()
                      if not set(devices) & set(g.names())} for dump in (label, base))
        return [] if now == then else [
            f"groups {[n for n in sorted({*now, *then}) if now.get(n) != then.get(n)]} are not "
            f"as in {base}"]
    return check


def lost(device, label):
    """The log tells of the regions that went with the group that DEVICE had in the dump LABEL."""
    def check(piece, state):
        start = f"iommu_resv: group {where(state[label], device).id} is gone"
        return [] if any(line.startswith(start) for line in piece.log) else \
            [f"no line '{start}': {piece.log}"]
    return check


def at_load(key, name):
    """declare=: what is wrong is refused, what is there has it, what comes later gets it."""
    kernel = kernels.get(key)
    topology, series = HOTPLUG[kernel.arch], series_of(kernel)
    script = Script()
    before(script)
    wrong = [*WRONG, (parameter((ONE, FIXED[kernel.arch])), "EADDRINUSE")]
    for n, (words, errno) in enumerate(wrong):
        head = words[:70]
        names = ("auto", "kprobe", "livepatch", "none") if words.startswith("hooks=") and \
            errno == "EINVAL" else ()
        script.do(head, [f"load {MODULE} {words}", "left", f"dump wrong{n}"],
                  says(rf"load {MODULE} {errno} .*"), explained(names), none_left,
                  same_dump(f"wrong{n}", "before"))
    script.do("as many as there may be", [f"load {MODULE} {parameter(*ABSENT[:32])}",
                                          "unload iommu_resv", "left"],
              says(rf"load {MODULE} ok .*", "unload iommu_resv ok"), none_left)

    device = f"/sys/bus/pci/devices/{PLUGGED}"
    given = parameter((ONE, HOLE), (PLUGGED, PLUGGED_HOLE), (ONE, LATER))
    script.do("load", [f"load {MODULE} hooks=kprobe {given}", "dump given"],
              says(rf"load {MODULE} ok .*"),
              dumped("given", "before", {ONE: [HOLE, LATER]}, given=ONE))
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu",
                       ranges_are("given", ONE), *touching(HOLE), *touching(LATER), f"edu:{ONE}")
    script.do("maps", [step], check, edus(1))
    script.do("in use", ["unload iommu_resv"], says("unload iommu_resv (EBUSY|EAGAIN)"))
    plug = ["sleep 100", f"wait {device}", f"bind {PLUGGED}"]
    plugged = says(f"bind {PLUGGED} ok")
    script.do("plug", ["say plug", *plug, "dump plugged"], plugged,
              shows("plugged", PLUGGED, [PLUGGED_HOLE], [PLUGGED]),
              shows("plugged", ONE, [HOLE, LATER], [ONE, ONE]),
              others("plugged", "given", PLUGGED))
    script.do("declare for it", [f"write {of(PLUGGED, 'resv/declare')} add {text(HOLE_MANY)}",
                                 "dump plugged-more"],
              says(f"write {of(PLUGGED, 'resv/declare')} ok"),
              shows("plugged-more", PLUGGED, [PLUGGED_HOLE, HOLE_MANY], [PLUGGED, "-"]),
              others("plugged-more", "given", PLUGGED))
    script.do("gone", [f"write {device}/remove 1", f"wait-gone {device}", "sleep 500",
                       "dump gone"],
              says(rf"wait {device} ok \d+"), lost(PLUGGED, "plugged-more"),
              shows("gone", ONE, [HOLE, LATER], [ONE, ONE]), without(PLUGGED, "gone"),
              others("gone", "given"))
    script.do("back", ["write /sys/bus/pci/rescan 1", *plug, "dump back"], plugged,
              shows("back", PLUGGED, [PLUGGED_HOLE], [PLUGGED], absent=[HOLE_MANY]),
              others("back", "given", PLUGGED))
    for region in (HOLE, LATER):
        script.do("remove what the parameter gave",
                  [f"write {of(ONE, 'resv/declare')} remove {text(region)}"],
                  says(f"write {of(ONE, 'resv/declare')} ok"))
    script.do("in use by what was plugged", ["unload iommu_resv", "dump still"],
              says("unload iommu_resv (EBUSY|EAGAIN)"),
              shows("still", ONE, [], [], absent=[HOLE, LATER]),
              shows("still", PLUGGED, [PLUGGED_HOLE], [PLUGGED]),
              others("still", "given", ONE, PLUGGED))
    script.do("VFIO and what was plugged", [f"run /vfio-check check {PLUGGED}"],
              check_of(PLUGGED, "still", topology, series))
    script.do("unplug", ["say unplug", f"wait-gone {device}", "sleep 500"],
              says(rf"wait {device} ok \d+"))
    # A region that waits for its device holds nobody up.
    unloading(script, "kprobe")
    script.do("as before", ["dump after", "vfio"], same_dump("after", "before"),
              same_vfio("after", "before"))
    if "livepatch" in backends(kernel):
        at_load_livepatch(script)
    actions = [
        ("plug", lambda qmp: qmp.do("device_add", driver="edu", bus="hp1", id="edu1",
                                    dma_mask=TOP)),
        ("unplug", lambda qmp: qmp.do("device_del", id="edu1"))]
    faults = run_script(name, kernel, topology, script, actions, limit=240)
    return f"{len(wrong)} refused", faults


def at_load_livepatch(script):
    """The region waits for the livepatch, and stays when somebody turns that off."""
    loading(script, "livepatch", " " + parameter((ONE, HOLE)))
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu",
                       ranges_are("patched", ONE), *touching(HOLE), f"edu:{ONE}")
    script.do("livepatch: files", ["dump patched"],
              dumped("patched", "before", {ONE: [HOLE]}, given=ONE))
    script.do("livepatch: maps", [step], check, edus(1))
    script.do("livepatch: turned off by hand",
              [f"write {PATCH}/enabled 0", f"wait-gone {PATCH}", "unload iommu_resv_livepatch",
               f"cat {HOOKS}", "dump unpatched"],
              says(f"write {PATCH}/enabled ok", rf"wait {PATCH} ok \d+",
                   "unload iommu_resv_livepatch ok",
                   r"\| \w+_get_resv_regions kprobe active \d+ 0 .*"),
              same_dump("unpatched", "patched"))
    script.do("livepatch: maps without it", [step], check, edus(1))
    script.do("livepatch: remove", [f"write {of(ONE, 'resv/declare')} remove {text(HOLE)}"],
              says(f"write {of(ONE, 'resv/declare')} ok"))
    unloading(script, "kprobe")
    script.do("livepatch: as before", ["dump livepatch-after"],
              same_dump("livepatch-after", "before"))


# Declared for a model: two of it, another device, and a third of it that comes later
EDUS = "1234:11e8"
THIRD = PLUGGED
MODEL = {
    "amd64": Topology("declare-model", "amd64", (), Q35,
                      ("intel-iommu,intremap=on", f"{EDU},addr=3", f"{EDU},addr=4",
                       "pci-testdev,addr=9", *SLOTS), "intel_iommu=on"),
    "arm64": Topology("declare-model", "arm64", (), SMMU,
                      (f"{EDU},addr=3", f"{EDU},addr=4", "pci-testdev,addr=9", *SLOTS)),
}
NO_MODEL = (
    (parameter((EDUS, HOLE), ("1234:11E8", HOLE)), "EADDRINUSE"),
    (parameter((EDUS, (HOLE[0], HOLE[1] - 1))), "EINVAL"),
    (f"declare={EDUS}", "EINVAL"), (f"declare={EDUS}:", "EINVAL"),
    # What cannot hold for one that is there: it has the region already, or none enforces it.
    (parameter((EDUS, HOLE), (ONE, HOLE)), "EADDRINUSE"),
    (parameter((OTHER, (HOLE[0] - SMALL, HOLE[1])), (EDUS, HOLE)), "EADDRINUSE"),
    (f"hooks=none {parameter((EDUS, HOLE))}", "EOPNOTSUPP"),
)


def listed(device, *regions):
    """(step, check): the file "declare" of the device's group has REGIONS, as they are written."""
    path = of(device, "resv/declare")

    def check(piece, _):
        start = f"file {path} "
        at = next((n for n, line in enumerate(piece.lines) if line.startswith(start)), None)
        if at is None:
            return [f"{path} was not read"]
        lines = []
        for line in piece.lines[at + 1:]:
            if not line.startswith("| "):
                break
            lines.append(line[2:])
        return judge.differ(f"{path}, and what was declared", lines,
                            [f"add {text(region)}" for region in regions])
    return f"cat {path}", check


def logs(line):
    """The module has logged LINE, once."""
    def check(piece, _):
        found = piece.log.count(f"iommu_resv: {line}")
        return [] if found == 1 else [f"'{line}' is {found} times in the log: {piece.log}"]
    return check


def model_enforced(script, label, *devices):
    """VFIO leaves HOLE out for each of DEVICES."""
    for device in devices:
        step, check = play("container", f"open:{device}", f"set:{device}", "iommu",
                           ranges_are(label, device), *touching(HOLE), f"edu:{device}")
        script.do(f"{label}: maps of {device}", [step], check, edus(1))


def model_removed(script, device, base):
    """By the file of one device's group, for that device alone, and not by halves."""
    declare = of(device, "resv/declare")
    declaring(script, f"remove for {device}", device, "remove", [HOLE], base)
    step, check = listed(device)
    script.do(f"removed for {device}", [step, "dump removed", f"write {declare} remove "
                                        f"{text(HOLE)}", f"write {declare} add {text(HOLE)}",
                                        "dump by-file", f"write {declare} remove {text(HOLE)}",
                                        "dump removed-again"],
              check, shows("removed", device, [], [], absent=[HOLE]),
              others("removed", base, device),
              shows("by-file", device, [HOLE], ["-"]), others("by-file", base, device),
              same_dump("removed-again", "removed"),
              says(f"write {declare} ENOENT", f"write {declare} ok"))
    step, check = play("container", f"open:{device}", f"set:{device}", "iommu",
                       ranges_are("removed", device), f"try:{span(*HOLE)}", f"edu:{device}")
    script.do(f"removed for {device}: maps", [step], check, edus(1))


def model(key, name):
    """declare=VENDOR:DEVICE: each device of that model has the region, by itself."""
    kernel = kernels.get(key)
    topology = MODEL[kernel.arch]
    script = Script()
    before(script)
    wrong = [*NO_MODEL, (parameter((EDUS, FIXED[kernel.arch])), "EADDRINUSE")]
    for n, (words, errno) in enumerate(wrong):
        script.do(words, [f"load {MODULE} {words}", "left", f"dump wrong{n}"],
                  says(rf"load {MODULE} {errno} .*"), explained(most=4), none_left,
                  same_dump(f"wrong{n}", "before"))
    # Such a device is not there, and never comes.
    given = parameter(("1234:11E8", HOLE), ("1af4:ffff", LATER))
    reads_one, reads_two, reads_none = listed(ONE, HOLE), listed(OTHER, HOLE), \
        listed("0000:00:09.0")
    script.do("load", [f"load {MODULE} hooks=kprobe {given}", "dump given", reads_one[0],
                       reads_two[0], reads_none[0]],
              says(rf"load {MODULE} ok .*"), reads_one[1], reads_two[1], reads_none[1],
              dumped("given", "before", {ONE: [HOLE], OTHER: [HOLE]}, given=OWN))
    model_enforced(script, "given", ONE, OTHER)
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", mark("busy"),
                       writes(ONE, "remove", HOLE, "EBUSY"), mark("end"),
                       ranges_are("given", ONE), *pages_beside(HOLE))
    script.do("attached", [step, "dump attached"], check, complains(ONE, 1, "busy"),
              same_dump("attached", "given"))
    script.do("in use", ["unload iommu_resv"], says("unload iommu_resv (EBUSY|EAGAIN)"))

    device = f"/sys/bus/pci/devices/{THIRD}"
    plug = ["sleep 100", f"wait {device}", f"bind {THIRD}"]
    step, check = listed(THIRD, HOLE)
    script.do("plug", ["say plug", *plug, "dump plugged", step], says(f"bind {THIRD} ok"), check,
              shows("plugged", THIRD, [HOLE], [THIRD]), others("plugged", "given", THIRD))
    model_enforced(script, "plugged", THIRD)
    model_removed(script, OTHER, "plugged")
    away = [f"write {device}/remove 1", f"wait-gone {device}", "sleep 500"]
    gone = f"{THIRD} is gone: {span(*HOLE)} waits for {EDUS}"
    script.do("gone", [*away, "dump gone"], says(rf"wait {device} ok \d+"), logs(gone),
              shows("gone", ONE, [HOLE], [ONE]), without(THIRD, "gone"),
              others("gone", "removed", THIRD))
    script.do("back", ["write /sys/bus/pci/rescan 1", *plug, "dump back"],
              says(f"bind {THIRD} ok"), shows("back", THIRD, [HOLE], [THIRD]),
              others("back", "removed", THIRD))
    model_removed(script, THIRD, "back")
    # It was removed for that device: one that comes is another.
    script.do("back after it was removed",
              [*away, "write /sys/bus/pci/rescan 1", *plug, "dump again"],
              says(f"bind {THIRD} ok"), shows("again", THIRD, [HOLE], [THIRD]),
              others("again", "removed", THIRD))
    script.do("unplug", ["say unplug", f"wait-gone {device}", "sleep 500", "dump unplugged"],
              says(rf"wait {device} ok \d+"), logs(gone), shows("unplugged", ONE, [HOLE], [ONE]),
              without(THIRD, "unplugged"), others("unplugged", "gone"))
    script.do("in use by one", ["unload iommu_resv"], says("unload iommu_resv (EBUSY|EAGAIN)"))
    declaring(script, "remove the last", ONE, "remove", [HOLE])
    unloading(script, "kprobe")
    script.do("as before", ["dump after", "vfio"], same_dump("after", "before"),
              same_vfio("after", "before"))
    if "livepatch" in backends(kernel):
        model_livepatch(script)
    actions = [
        ("plug", lambda qmp: qmp.do("device_add", driver="edu", bus="hp1", id="edu1",
                                    dma_mask=TOP)),
        ("unplug", lambda qmp: qmp.do("device_del", id="edu1"))]
    faults = run_script(name, kernel, topology, script, actions, limit=240)
    return f"{len(wrong)} refused", faults


def model_livepatch(script):
    """The same by the other backend."""
    loading(script, "livepatch", " " + parameter((EDUS, HOLE)))
    script.do("livepatch: files", ["dump patched"],
              dumped("patched", "before", {ONE: [HOLE], OTHER: [HOLE]}, given=OWN))
    model_enforced(script, "patched", ONE, OTHER)
    for device in (ONE, OTHER):
        declaring(script, f"livepatch: remove for {device}", device, "remove", [HOLE])
    unloading(script, "livepatch")
    script.do("livepatch: as before", ["dump livepatch-after"],
              same_dump("livepatch-after", "before"))


def none_left(piece, _):
    return [f"left {path}" for path in piece.said("left")]


def without(device, label):
    def check(_, state):
        return [f"{device} is still in group {n}" for n, g in groups_of(state, label).items()
                if device in g.names()]
    return check


# An IOMMU whose driver comes after the module. The root bus is not behind it, or the port to the
# host would wait for that driver, too.
VIRTIO = Topology("declare-virtio", "amd64", (), f"{Q35},default_bus_bypass_iommu=on",
                  ("virtio-iommu-pci,addr=2", "pxb-pcie,id=pxb,bus_nr=64",
                   "pcie-root-port,id=rp,bus=pxb,chassis=1", f"{EDU},bus=rp"))
BEHIND = "0000:41:00.0"


def virtio(key, name):
    """The driver of the IOMMU is a module and comes later than this one."""
    kernel = kernels.get(key)
    series = series_of(kernel)
    script = Script()
    script.do("load", [f"write {UNSAFE} 1",
                       f"load {MODULE} hooks=kprobe {parameter((BEHIND, HOLE))}", f"cat {HOOKS}"],
              says(rf"load {MODULE} ok .*"),
              lambda piece, _: [line for line in piece.lines if "viommu" in line and
                                " active " in line])
    script.do("the IOMMU comes", ["load /lib/virtio_iommu.ko", f"bind {BEHIND}", "dump come",
                                  f"cat {HOOKS}"],
              says(r"load /lib/virtio_iommu.ko ok .*", f"bind {BEHIND} ok",
                   r"\| viommu_get_resv_regions kprobe active \d+ 0 .*"),
              shows("come", BEHIND, [HOLE], [BEHIND]))
    script.do("VFIO", [f"run /vfio-check check {BEHIND}"],
              check_of(BEHIND, "come", VIRTIO, series))
    declare = of(BEHIND, "resv/declare")
    script.do("one more", [f"write {declare} add {text(LATER)}", "dump more"],
              says(f"write {declare} ok"), shows("more", BEHIND, [HOLE, LATER], [BEHIND, "-"]))
    step, check = play("container", f"open:{BEHIND}", f"set:{BEHIND}", "iommu",
                       ranges_are("more", BEHIND), *touching(HOLE), *touching(LATER))
    script.do("maps", [step], check)
    script.do("remove", [f"write {declare} remove {text(HOLE)}",
                         f"write {declare} remove {text(LATER)}", "dump removed"],
              shows("removed", BEHIND, [], [], absent=[HOLE, LATER]))
    unloading(script, "kprobe")
    script.do("after", ["dump before"], keep("before"))
    for backend in ("kprobe", "livepatch"):
        loading(script, backend)
        script.do(f"{backend}: nothing declared", [f"dump {backend}-loaded"],
                  dumped(f"{backend}-loaded", "before", {}))
        declaring(script, f"{backend}: declare", BEHIND, "add", [HOLE, LATER])
        script.do(f"{backend}: files", [f"dump {backend}"],
                  dumped(backend, f"{backend}-loaded", {BEHIND: [HOLE, LATER]}))
        script.do(f"{backend}: VFIO", [f"run /vfio-check check {BEHIND}"],
                  check_of(BEHIND, backend, VIRTIO, series))
        declaring(script, f"{backend}: remove", BEHIND, "remove", [HOLE, LATER])
        unloading(script, backend)
        script.do(f"{backend}: as before", [f"dump {backend}-after"],
                  same_dump(f"{backend}-after", "before"))
    script.do("both backends", [], same_lists("kprobe", "livepatch"))
    faults = run_script(name, kernel, VIRTIO, script, limit=240, later=("virtio_iommu",))
    return f"{len(script.stretches)} stretches", faults


def table():
    """The tests by name, as in tests.py."""
    out = {}
    for key in X86 + ARM:
        out[f"declare-regions-{key}"] = (main, key)
    for key in ("5.10-amd64", "6.1-amd64-rt", "6.12-amd64", "6.12-amd64-rt", "6.12-amd64-cloud",
                "7-amd64", "7-amd64-cloud"):
        out[f"declare-lists-intel-{key}"] = (same, "intel", key)
    for key in ("5.10-amd64", "5.10-amd64-rt", "6.1-amd64", "6.12-amd64", "7-amd64",
                "7-amd64-rt"):
        out[f"declare-lists-amd-{key}"] = (same, "amd", key)
    out["declare-lists-dt-7-arm64"] = (same, "dt-holes", "7-arm64")
    for key in ("5.10-amd64", "7-amd64", "6.12-arm64-16k", "7-arm64"):
        out[f"declare-errors-{key}"] = (errors, key)
    for key in ("5.10-amd64", "7-amd64", "7-arm64"):
        out[f"declare-load-{key}"] = (at_load, key)
        out[f"declare-model-{key}"] = (model, key)
    for key in ("5.10-amd64", "6.12-amd64-rt", "7-arm64"):
        out[f"truth-dead-probes-{key}"] = (dead, PROBES, key)
    # Elsewhere kprobes are no matter of ftrace's.
    for key in ("5.10-amd64", "6.12-amd64"):
        out[f"truth-no-ftrace-{key}"] = (dead, FTRACE, key)
    for key in ("6.12-amd64", "7-amd64"):
        out[f"declare-virtio-{key}"] = (virtio, key)
    return out
