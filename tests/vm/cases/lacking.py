# SPDX-License-Identifier: GPL-2.0-only
"""Tests lacking-*: what is added to kernels that lack it, by native=ignore on kernels that have it:
the same is asked of the kernel first and of the module then, and the answers are compared. Only
the test build has native=ignore."""
import re
from functools import partial

from expect import hooks, judge
from expect.hooks import (Section, all_ok, allocations, costs, failed_steps, injected, is_clean,
                          leaves, parse)
from lab import kernels
from lab.kernels import series_of
from lab.topologies import ARM, PLAIN, TABLE, X86
from talk.script import run
from talk.sections import sections
from talk.words import CHECKS, FEATURES, HOOKS, IGNORE, MODULE, MOUNTS

DEVICE = {"amd64": "0000:00:03.0", "arm64": "0000:00:03.0"}
OTHER = "0000:00:04.0"
GROUP = "/sys/bus/pci/devices/{}/iommu_group"

WINDOW = {"amd64": (0xfee00000, 0xfeefffff), "arm64": (0x8000000, 0x80fffff)}
TOP = {"amd64": 1 << 39, "arm64": 1 << 48}


def group_with(groups, device):
    return next((g for g in groups.values() if device in g.names()), judge.Group("none"))


# lacking-report: every topology

def report_steps():
    return [f"load {MODULE}", "bind", "dump native", "unload iommu_resv", IGNORE, "dump loaded",
            "pieces", "vfio", "unload iommu_resv", "left", "dump back"]


def judge_report(lines, topology, series):
    """The module's list is the kernel's, and VFIO goes by it in all that it answers."""
    dumps = judge.dumps(lines)
    faults = judge.check_report(lines, topology, series, added=True)
    native, added, back = (dumps.get(label, {}) for label in ("native", "loaded", "back"))
    compared = 0
    for number, group in native.items():
        if number == "-":
            continue
        ours = added.get(number, judge.Group("none"))
        for name in ("reserved_regions", "usable", "aperture", "msi_isolation", "msi_window"):
            faults += judge.differ(f"group {number}: {name}, added and native",
                                   ours.lines(name), group.lines(name))
            compared += len(group.lines(name))
        strip = [" ".join(line.split()[:5]) for line in group.lines("regions")]
        # Of what the kernel's drivers say, the module says from whom it has it, or knows as well.
        told = [" ".join(line.split()[:5]) for line in ours.lines("regions")]
        faults += judge.differ(f"group {number}: regions, added and native", told, strip)
        faults += judge.differ(f"group {number}: reserved_regions, after unload and before",
                               back.get(number, judge.Group("none")).lines("reserved_regions"),
                               group.lines("reserved_regions"))
        enforced = [line for line in ours.lines("regions") if " out-of-range " in line]
        faults += [f"group {number}: not enforced: {line}" for line in enforced
                   if not line.endswith(" enforced")]
    if not compared:
        faults.append("nothing was compared")
    return faults


def report(topology, key, name):
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, topology, report_steps(),
                        partial(judge_report, topology=topology, series=series_of(kernel)),
                        limit=180)
    groups = judge.dumps(lines).get("native", {})
    return f"{len(groups) - 1} groups", faults


# lacking-maps: 10,000 random maps, and what GET_INFO tells

COUNT = 10000
HOLES = [(0x10000000, 0x10000fff), (0x10002000, 0x10002fff), (0x20000000, 0x3fffffff),
         (0x7ffff000, 0x7fffffff), (0x100000000, 0x1ffffffff), (0x3000000000, 0x3000000fff)]
SIZES = "16,20,24,exact,exact-1,exact+64,page,fresh,readonly"


def edges(arch):
    out = [TOP[arch]]
    for low, high in [*HOLES, WINDOW[arch]]:
        out += [low, high + 1]
    return ":".join(f"{edge:x}" for edge in out)


def declares(verb, holes, device):
    """What is declared holds the module, so it is taken back in the end."""
    return [f"write {GROUP.format(device)}/resv/declare {verb} 0x{low:x} 0x{high:x}"
            for low, high in holes]


def maps_steps(arch):
    device = DEVICE[arch]
    play = (f"run /vfio-check play container open:{device} set:{device} iommu "
            f"info:{SIZES} random:{{}},{COUNT},{edges(arch)}")
    steps = ["bind"]
    for label, load in (("native", f"load {MODULE}"), ("added", IGNORE)):
        steps += [load, *declares("add", HOLES, device), f"say {label}", f"dump {label}",
                  play.format(4711),
                  f"cat {GROUP.format(device)}/resv/refused", f"cat {HOOKS}", f"say end-{label}",
                  *declares("remove", HOLES, device), "unload iommu_resv", "sleep 200"]
    return [*steps, "left"]


def said_in(section, *head):
    return judge.said(section, "run", *head)


def answers(section):
    """All characters of "random", and the totals."""
    chars, totals = {}, {}
    for line in judge.said(section, "run"):
        word = line.split()
        if len(word) > 3 and word[1] == "random" and word[3].isdigit():
            chars[int(word[3])] = word[4]
        elif len(word) > 3 and word[1] == "random" and word[3].startswith("total="):
            totals = dict(w.split("=") for w in word[3:])
    return "".join(chars[i] for i in sorted(chars)), totals


def info(section):
    """{what: (fields, [capabilities' ids], [ranges], tail)}"""
    out = {}
    for line in judge.said(section, "run"):
        word = line.split()
        if len(word) < 3 or not word[1].startswith("info"):
            continue
        entry = out.setdefault(word[2], [{}, [], [], None])
        if word[1] == "info":
            entry[0] = dict(w.split("=") for w in word[3:])
        elif word[1] == "info-cap":
            entry[1].append(" ".join(word[3:]))
        elif word[1] == "info-range":
            entry[2].append(tuple(int(w, 16) for w in word[3:5]))
        elif word[1] == "info-tail":
            entry[3] = word[3]
    return out


def judge_info(native, added, usable):
    """The user ABI of 5.4, where IOVA_RANGE is the only capability."""
    faults = []
    need = 24 + 16 + 16 * len(usable)
    for what in SIZES.split(","):
        ours, theirs = added.get(what), native.get(what)
        if not ours or not theirs:
            faults.append(f"info {what}: not asked")
            continue
        size = {"exact": need, "exact-1": need - 1, "exact+64": need + 64}.get(what)
        size = size or (int(what) if what.isdigit() else need)
        fits = size >= need and what not in ("fresh", "readonly")
        fields = ours[0]
        # The kernel's own answer is written there as well, and fails.
        if what == "readonly" and (fields.get("ret"), theirs[0].get("ret")) == ("EFAULT", "EFAULT"):
            continue
        if fields.get("ret") != "ok":
            faults.append(f"info {what}: {fields}")
            continue
        if not int(fields["flags"], 16) & 2:
            faults.append(f"info {what}: no flag for capabilities: {fields}")
        if fields["pgsizes"] != theirs[0]["pgsizes"]:
            faults.append(f"info {what}: pgsizes {fields['pgsizes']}, "
                          f"native {theirs[0]['pgsizes']}")
        argsz = int(fields["argsz"])
        # Memory that is not there or not writable: more room is wanted than there is, or the
        # kernel had it there by now.
        if what in ("fresh", "readonly"):
            if not (argsz > size and fields["cap_offset"] == "0" or
                    what == "fresh" and fields["cap_offset"] == "24"):
                faults.append(f"info {what}: {fields}")
            continue
        if argsz != (size if fits else need):
            faults.append(f"info {what}: argsz {argsz}, needed are {need}")
        offset = "-" if size < 20 else "24" if fits else "0"
        if fields["cap_offset"] != offset:
            faults.append(f"info {what}: cap_offset {fields['cap_offset']}, not {offset}")
        faults += judge.differ(f"info {what}: capabilities", ours[1],
                               ["id=1 version=1 next=0"] if fits else [])
        faults += judge.differ(f"info {what}: ranges", ours[2], usable if fits else [])
    if not any(entry[2] for entry in native.values()):
        faults.append("the kernel told no range either")
    told = [entry[2] for entry in native.values() if entry[2]]
    faults += judge.differ("ranges of the capability, added and native", usable, told and told[0])
    return faults


def judge_maps(lines, arch):
    faults = all_ok(lines)
    section = sections(lines)
    native, added = section.get("native", []), section.get("added", [])
    (theirs, _), (ours, totals) = answers(native), answers(added)
    if len(theirs) != COUNT or len(ours) != COUNT:
        faults.append(f"{len(ours)} and {len(theirs)} answers, expected {COUNT}")
    wrong = [i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b]
    if wrong:
        faults.append(f"{len(wrong)} maps are answered otherwise than by the kernel: {wrong[:20]}")
    count = {c: ours.count(c) for c in ".E?"}
    if count["."] < COUNT // 5 or count["E"] < COUNT // 5 or count["?"]:
        faults.append(f"answers {count}: that compares little")
    faults += [f"a map was refused by {line}" for line in said_in(added, "4", "random-errno")]
    dumps = judge.dumps(lines)
    groups = [group_with(dumps.get(label, {}), DEVICE[arch]) for label in ("native", "added")]
    usable = judge.pairs(groups[1].lines("usable"))
    faults += judge.differ("usable, added and native", usable,
                           judge.pairs(groups[0].lines("usable")))
    faults += judge_info(info(native), info(added), usable)
    # What leaves the aperture VFIO itself refuses here, so fewer are counted than refused.
    refused = int_of(section, "added")
    if not COUNT // 10 < refused <= int(totals.get("refused", 0)):
        faults.append(f"refused says {refused}, {totals}")
    return faults


def maps(key, name):
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], maps_steps(kernel.arch),
                        partial(judge_maps, arch=kernel.arch), limit=300, memory="1G",
                        append="log_buf_len=4M loglevel=3")
    ours, _ = answers(sections(lines).get("added", []))
    return f"{len(ours)} maps, {ours.count('E')} refused", faults


# lacking-attach: containers of several groups

A, B = "0000:00:03.0", "0000:00:04.0"
HOLE = (0x40000000, 0x4000ffff)
PLAYS = {
    # B's hole is in use: no attach. Then it is not, and the attach ends the use of it.
    "conflict": f"container open:{A} open:{B} set:{A} iommu map:0x40000000-0x40000fff set:{B} "
                f"unmap:0x40000000-0x40000fff set:{B} try:0x40000000-0x40000fff "
                f"try:0x4000f000-0x4000ffff try:0x40010000-0x40010fff edu:{A} edu:{B} "
                f"unset:{B} try:0x40000000-0x40000fff",
    # The one with the hole is first, and leaves first.
    "order": f"container open:{A} open:{B} set:{B} iommu try:0x40000000-0x40000fff set:{A} "
             f"try:0x40000000-0x40000fff unset:{B} try:0x40000000-0x40000fff edu:{A} "
             f"set:{B} try:0x40000000-0x40000fff",
    # Maps that touch it, end in it, begin in it, or have it inside.
    "around": f"container open:{B} set:{B} iommu try:0x3ffff000-0x3fffffff "
              "try:0x3ffff000-0x40000fff try:0x4000f000-0x40010fff try:0x3fff0000-0x4001ffff "
              "try:0x40010000-0x4001ffff big:0x30000000-0x3fffffff big:0x40010000-0x5fffffff "
              "big:0x70000000-0x70ffffff",
    # Maps next to the hole stay when its group comes, and are on its domain as well.
    "replay": f"container open:{A} open:{B} set:{A} iommu big:0x30000000-0x3fffffff "
              f"big:0x50000000-0x50ffffff set:{B} dma:{B}:0x30000000-0x3000ffff "
              f"dma:{A}:0x50000000-0x5000ffff edu:{B} unset:{A} dma:{B}:0x50000000-0x5000ffff",
}


def plays(arch):
    """When a map is refused that VFIO repeats on a new domain, VFIO since 5.10 or so unmaps what it
    has not mapped, of which the SMMU's driver warns. Older ones free the domain at once, and newer
    ones do not come to that without native=ignore."""
    return [play for name, play in PLAYS.items() if arch == "amd64" or name != "conflict"]


def attach_steps(arch):
    steps = ["bind"]
    for label, load in (("native", f"load {MODULE}"), ("added", IGNORE)):
        steps += [load, *declares("add", [HOLE], B), f"say {label}"]
        for play in plays(arch):
            steps += [f"run /vfio-check play {play}"]
        steps += [f"cat {HOOKS}", f"cat {GROUP.format(B)}/resv/refused",
                  *declares("remove", [HOLE], B), "unload iommu_resv", "sleep 200"]
    return [*steps, "left"]


def judge_attach(lines):
    faults = all_ok(lines)
    section = sections(lines)
    native, added = (judge.said(section.get(label, []), "run") for label in ("native", "added"))
    # Where an interrupt goes is written there by QEMU, which may choose otherwise.
    faults += judge.differ("answers of VFIO, added and native", added, native)
    if sum("EINVAL" in line for line in native) < 5 or sum(" ok" in line for line in native) < 25:
        faults.append("that compares little:\n    " + "\n    ".join(native))
    return faults


def attach(key, name):
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch],
                        attach_steps(kernel.arch), judge_attach,
                        memory="3G", limit=240)
    return f"{len(judge.said(lines, 'run'))} answers", faults


# lacking-checks: the parameter, the file, the log and the tracepoint

EVENT = "/sys/kernel/tracing/events/iommu_resv/map_refused/enable"
TRACE = "/sys/kernel/tracing/trace"


def checks_steps(arch):
    device, (low, _) = DEVICE[arch], WINDOW[arch]
    # The first byte of the movable window is all that VFIO knows of.
    low += 0x1000
    page = f"0x{low:x}-0x{low + 0xfff:x}"
    free = "0x1000000-0x1000fff"
    play = f"run /vfio-check play container open:{device} set:{device} iommu try:{page} try:{free}"
    refused = f"cat {GROUP.format(device)}/resv/refused"
    regions = f"cat {GROUP.format(device)}/resv/regions"
    every = [play, refused, regions, f"cat {FEATURES}"]
    return [*MOUNTS, "mount tracefs /sys/kernel/tracing", "bind", "hooked before",
            f"{IGNORE} checks=perhaps", f"load {MODULE} native=perhaps", IGNORE,
            f"write {EVENT} 1", "say enforce", *every, f"cat {TRACE}",
            f"write {CHECKS} warn", "say warn", *every,
            f"write {CHECKS} off", "say off", *every, f"cat {HOOKS}", "hooked off",
            # A user of before is left alone until he is gone.
            f"spawn holder /vfio-check play container open:{device} set:{device} iommu "
            f"await:/tmp/options-go try:{page} await:/tmp/options-end try:{page}",
            # Opened when VFIO holds its device.
            f"wait-text {HOOKS} iommu", "sleep 1500",
            f"write {CHECKS} enforce", "say stranger", regions, "options go", "sleep 500",
            "options end", "wait-job holder", "sleep 500",
            # The next look at the group notices it.
            f"write {CHECKS} enforce", "say again", *every,
            f"write {CHECKS} nonsense", f"cat {CHECKS}",
            # Many at once: few lines in the log.
            "say many", f"run /vfio-check play container open:{device} set:{device} iommu "
            f"random:1,400,{low:x}", refused,
            "write /sys/module/iommu_resv/parameters/hooks none", "say none", *every, "hooked none",
            "write /sys/module/iommu_resv/parameters/hooks auto", "say auto", *every,
            "unload iommu_resv", "hooked end", "left"]


def judge_checks(lines, arch):
    faults = []
    loads = [line.split()[1] for line in judge.said(lines, "load")]
    if loads != ["EINVAL", "EINVAL", "ok"]:
        faults.append(f"loads: {loads}")
    low, high = WINDOW[arch]
    device = DEVICE[arch]
    section = sections(lines)
    kind = "msi apic" if arch == "amd64" else "sw-msi window"
    line = f"0x{low:016x} 0x{high:016x} {kind} {device} added "
    page = low + 0x1000

    def expect(label, answer, count, enforced, feature):
        text = section.get(label, [])
        tried = [t for t in judge.said(text, "run") if " try:" in t]
        told = [t.split()[-1] for t in tried]
        if told != [answer, "ok"]:
            faults.append(f"{label}: maps of the region and beside: {tried}")
        numbers = [int(t[2:]) for t in text if re.fullmatch(r"\| \d+", t)]
        if numbers != [count]:
            faults.append(f"{label}: refused says {numbers}, expected {count}")
        word = "enforced" if enforced else "advice"
        if f"| {line}{word}" not in text:
            faults.append(f"{label}: regions lacks '{line}{word}'")
        if not any(t.startswith(f"| map-checks {feature}") for t in text):
            faults.append(f"{label}: features lacks 'map-checks {feature}'")

    expect("enforce", "EINVAL", 1, True, "added kprobe iommu_map: maps that hit a region or leave "
           "the aperture are refused")
    expect("warn", "ok", 2, False, "added kprobe iommu_map: such maps are told, and let through "
           "(checks=warn)")
    expect("off", "ok", 2, False, "inert - turned off by the parameter checks=")
    expect("again", "EINVAL", 3, True, "added kprobe")
    # Nothing hides the kernel's own list from VFIO then.
    expect("none", "EINVAL", int_of(section, "many"), False,
           "inert - turned off by the parameter hooks=")
    expect("auto", "EINVAL", int_of(section, "many") + 1, True, "added kprobe")
    last = (rf"\| 0x{page:016x} 0x{page + 0xfff:016x} 0x{low:016x} 0x{high:016x} {kind} {device} "
            r"\d+ vfio-check")
    if not any(re.fullmatch(last, t) for t in section.get("enforce", [])):
        faults.append(f"refused does not tell '{last}'")
    trace = rf".*vfio-check-\d+ .*map_refused: group=\d+ iova=0x{page:x}-0x{page + 0xfff:x} " \
            rf"region=0x{low:x}-0x{high:x} type={kind.split()[0]} origin={kind.split()[1]} " \
            rf"device={device}"
    found = [t for t in section.get("enforce", []) if re.fullmatch(r"\| *" + trace, t)]
    if len(found) != 1:
        faults.append(f"{len(found)} times in the trace: {trace}")
    log = [t for t in judge.said(lines, "log") if t.startswith("iommu_resv: ")]
    for pattern in (rf"group \d+: a map of 0x{page:x}-0x{page + 0xfff:x} by vfio-check\[\d+\] is "
                    rf"refused: it hits 0x{low:x}-0x{high:x} "
                    rf"\({', '.join(kind.split())}, {device}\)",
                    r"a map of .* should be refused and is let through",
                    r"checks=perhaps is not understood: give enforce, warn or off",
                    r"checks=nonsense is not understood: give enforce, warn or off",
                    r"native=perhaps is not understood: give use or ignore",
                    r"native=ignore is for tests"):
        if not any(re.search(pattern, t) for t in log):
            faults.append(f"the log lacks '{pattern}'")
    told = sum("a map of" in t for t in log)
    if told > 60:
        faults.append(f"{told} lines in the log about maps")
    if int_of(section, "many") < 50:
        faults.append(f"{int_of(section, 'many')} of the many were refused")
    # With the group in use before: advice, and maps go through until it is given back.
    if f"| {line}advice" not in section.get("stranger", []):
        faults.append("who was there before is said to be checked")
    tried = [t for t in judge.said(lines, "holder") if " try:" in t]
    if [t.split()[-1] for t in tried] != ["ok", "ok"]:
        faults.append(f"who was there before: {tried}")
    writes = [t for t in judge.said(lines, "write") if CHECKS in t]
    if [t.split()[-1] for t in writes] != ["ok", "ok", "ok", "ok", "EINVAL"]:
        faults.append(f"writes: {writes}")
    hooked = hooks.hooked(lines, "off")[0]
    if any("iommu_map" in text for _, text in hooked):
        faults.append(f"checks=off leaves a hook: {hooked}")
    faults += is_clean(lines, "before", "end", arch)
    left = hooks.hooked(lines, "none")[0] - hooks.hooked(lines, "before")[0]
    faults += [f"hooks=none leaves {kind} {text}" for kind, text in left
               if kind in ("kprobe", "ftrace")]
    return faults


def int_of(section, label):
    numbers = [int(t[2:]) for t in section.get(label, []) if re.fullmatch(r"\| \d+", t)]
    return numbers[-1] if numbers else -1


def checks(key, name):
    kernel = kernels.get(key, test=True)
    _, faults = run(name, kernel, PLAIN[kernel.arch], checks_steps(kernel.arch),
                    partial(judge_checks, arch=kernel.arch), limit=240)
    return "", faults


# lacking-late: VFIO's modules come after ours, go, and come again while nothing is checked

VFIO_GOES = ["unload vfio_pci", "unload vfio_iommu_type1"]
VFIO_COMES = ["load /lib/vfio_iommu_type1.ko", "load /lib/vfio_pci.ko"]


def late_steps(arch):
    device, (low, _) = DEVICE[arch], WINDOW[arch]
    low += 0x1000
    play = f"run /vfio-check play container open:{device} set:{device} iommu " \
           f"try:0x{low:x}-0x{low + 0xfff:x} try:0x1000000-0x1000fff ranges"
    return [*VFIO_GOES, IGNORE, "say before", f"cat {HOOKS}", *VFIO_COMES, "bind",
            "say first", play, f"cat {HOOKS}",
            f"write {CHECKS} off", *VFIO_GOES, *VFIO_COMES, f"write {CHECKS} enforce", "bind",
            "say second", play, f"cat {HOOKS}", "unload iommu_resv", "left"]


def judge_late(lines):
    faults = all_ok(lines)
    section = sections(lines)
    for label in ("first", "second"):
        text = section.get(label, [])
        told = [t.split()[-1] for t in judge.said(text, "run") if " try:" in t]
        if told != ["EINVAL", "ok"]:
            faults.append(f"{label}: {told}")
        ranges = [t for t in judge.said(text, "run") if " ranges 0x" in t]
        if len(ranges) != 1 or len(ranges[0].split()) < 4:
            faults.append(f"{label}: {ranges}")
    for label, state in (("before", "off"), ("first", "active"), ("second", "active")):
        found = [t.split()[3] for t in section.get(label, [])
                 if t.startswith("| vfio_iommu_type1_")]
        if len(found) != 5 or set(found) != {state}:
            faults.append(f"{label}: hooks of VFIO are {found}, expected {state}")
    return faults


PLANTED_LATE = (
    (r"^(say second$.*?try:\S+) EINVAL$", r"\1 ok"),
    (r"^(say first$.*?\| vfio_iommu_type1_open kretprobe) active", r"\1 off"),
)


def late(key, name):
    kernel = kernels.get(key, test=True)
    _, faults = run(name, kernel, PLAIN[kernel.arch], late_steps(kernel.arch), judge_late,
                    PLANTED_LATE)
    return "", faults


# lacking-cost: instructions of a map and unmap pair of a huge page, which is what guests are made
# of. Of a single page, which is a fifth of the instructions that a probe takes, it is told.

COST_ROUNDS = 3
HUGE = 512
COSTS = {4: 1.02, 64: 1.03}
MSI_AND_APERTURE = 2


def more_holes(number):
    return [(0x100000000 + n * 0x100000, 0x100000fff + n * 0x100000) for n in range(number)]


def cost_steps(arch):
    device = DEVICE[arch]
    steps = ["write /proc/sys/vm/nr_hugepages 4", "bind", IGNORE]
    there = MSI_AND_APERTURE
    for number in COSTS:
        # What is not enforced cannot be declared.
        steps += [f"write {CHECKS} enforce",
                  *declares("add", more_holes(number - MSI_AND_APERTURE)[there - MSI_AND_APERTURE:],
                            device)]
        there = number
        for _ in range(COST_ROUNDS):
            for label, mode in (("unchecked", "off"), ("checked", "enforce")):
                steps += [f"write {CHECKS} {mode}", "sleep 300", f"say {label}-{number}",
                          f"run /vfio-check cost {device} {HUGE}", f"say page-{label}-{number}",
                          f"run /vfio-check cost {device}"]
        steps += [f"say regions-{number}", f"cat {GROUP.format(device)}/resv/regions",
                  f"cat {GROUP.format(device)}/resv/refused", f"cat {HOOKS}"]
    steps += declares("remove", more_holes(max(COSTS) - MSI_AND_APERTURE), device)
    return [*steps, "unload iommu_resv", "left"]


def cost_ratios(lines):
    found = costs(lines)
    out = {}
    for number in COSTS:
        off, on = found.get(f"unchecked-{number}"), found.get(f"checked-{number}")
        if off and on and off[2] == on[2] == COST_ROUNDS:
            out[number] = on[0] / off[0]
    return out


def page_ratio(lines):
    found = costs(lines)
    return found["page-checked-4"][0] / found["page-unchecked-4"][0]


def judge_cost(lines):
    faults = all_ok(lines)
    for number, limit in COSTS.items():
        ratio = cost_ratios(lines).get(number)
        if not ratio or ratio > limit:
            faults.append(f"{number} regions: {ratio} of what it is unchecked, allowed are {limit}")
        regions = [t for t in sections(lines).get(f"regions-{number}", [])
                   if t.startswith("| 0x") and t.endswith(" enforced")]
        if len(regions) != number:
            faults.append(f"{len(regions)} regions are enforced, expected {number}")
    # What is not hooked costs nothing.
    part = [hook for hook in parse([t[2:] for t in sections(lines).get(
        "regions-64", []) if t.startswith("| iommu_map ")])[0]]
    if not part or part[0].hits < 100:
        faults.append(f"nothing was checked: {part}")
    return faults


PLANTED_COST = (
    (r"^(say checked-4$.*?pairs=)(\d+)(.*^say checked-4$.*?pairs=)(\d+)(.*^say checked-4$.*?pairs=)"
     r"(\d+)", lambda m: "".join(str(int(x) * 103 // 100) if x.isdigit() else x
                                 for x in m.groups())),
    (r" added enforced$", " added advice"),
)


def cost(key, name):
    """Clocks count instructions here (-icount shift=0)."""
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], cost_steps(kernel.arch), judge_cost,
                        PLANTED_COST, limit=300, accel="tcg,thread=single",
                        qemu=["-icount", "shift=0,sleep=off"])
    note = "; ".join(f"{n} regions {ratio:.4f}" for n, ratio in cost_ratios(lines).items())
    pair = costs(lines).get("unchecked-4", (0,))[0] / 10
    note += f"; a pair of {pair:.0f} instructions"
    if "page-checked-4" in costs(lines):
        note += f"; of a single page {page_ratio(lines):.4f}"
    return note, faults and faults + [note]


# lacking-cycles: loaded and unloaded under readers and users of VFIO

CYCLES = 8


def cycles_steps():
    return [*MOUNTS, "bind", "hooked before", IGNORE, "allocs seen", "unload iommu_resv",
            "sleep 500", "allocs before", "spawn reader read-all",
            f"spawn user /vfio-check loop {A}", f"spawn other /vfio-check loop {B} 3",
            f"cycle {CYCLES} {MODULE} iommu_resv native=ignore", IGNORE, "sleep 300",
            *[f"write {CHECKS} {mode}" for mode in ("warn", "off", "enforce") * 5],
            "stop other", "stop user", "stop reader", "say end", f"cat {HOOKS}", f"cat {FEATURES}",
            "unload iommu_resv", "hooked end", "left", "sleep 1000", "allocs after"]


def judge_cycles(lines, arch):
    faults = all_ok(lines)
    if judge.said(lines, "cycle") != [f"{CYCLES} 0"]:
        faults.append(f"cycle: {judge.said(lines, 'cycle')} {judge.said(lines, 'cycle-error')[:5]}")
    counts = {}
    for who in ("reader", "user", "other"):
        told = judge.said(lines, who)
        counts.update((f"{who}-{word.split('=')[0]}", word.split("=")[1])
                      for line in told[:-1] for word in line.split())
        if told[-1:] != ["exit 0"]:
            faults.append(f"{who}: {told}")
    for what in ("reader-files", "user-loops", "other-loops"):
        if int(counts.get(what, 0)) < 20:
            faults.append(f"little happened meanwhile: {counts}")
    for what in ("user-errors", "other-errors"):
        if counts.get(what) != "0":
            faults.append(f"VFIO user: {counts}")
    end = Section(lines, "end", faults)
    there = {hook.symbol: hook for hook in end.hooks}
    for symbol in ("iommu_map", "iommu_attach_group", "vfio_iommu_type1_open"):
        if symbol not in there or there[symbol].state != "active":
            faults.append(f"{symbol}: {there.get(symbol)}")
    before, _ = allocations(lines, "before")
    after, caches = allocations(lines, "after")
    if caches < 5 or not any("[iommu_resv" in who
                             for _, who in allocations(lines, "seen")[0]):
        faults.append("the memory of a loaded module is not seen")
    for (cache, who), count in after.items():
        more = count - before.get((cache, who), 0)
        if more > (20 if "iommu_alloc_resv_region" in who else 0):
            faults.append(f"{who} has {more} objects of {cache} more than before")
    faults += is_clean(lines, "before", "end", arch)
    return faults


PLANTED_CYCLES = (
    (r"^(cycle \d+) 0$", r"\1 1"),
    (r"^user loops=(\d+) errors=0$", r"user loops=\1 errors=2"),
    (r"^other exit 0$", "other exit 139"),
    (r"^allocs after ", "allocs after kmalloc-64 1 0xffffffffc0251050 age=1 pid=1\nallocs after "),
    *leaves("end"),
)


def cycles(key, name):
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], cycles_steps(),
                        partial(judge_cycles, arch=kernel.arch), PLANTED_CYCLES,
                        memory="1G", smp=2, limit=420,
                        append="slub_debug=FZPU page_poison=1")
    told = [line for who in ("user", "other", "reader") for line in judge.said(lines, who)[:-1]]
    return " ".join(told), faults


# lacking-steps: the Nth step of loading fails, for all N

STEPS_MAX = 40


def steps_steps():
    return [*MOUNTS, "bind", "hooked before",
            f"inject {MODULE} ignore {STEPS_MAX} native=ignore", "hooked end", "left"]


def judge_steps(lines, arch):
    faults = all_ok(lines)
    results = injected(lines)
    names = failed_steps(lines)
    if len(results) < 10 or len(results) >= STEPS_MAX or len(names) != len(results) - 1:
        faults.append(f"{len(results)} loads, {names}")
    last = f"ignore.{len(results)}"
    for key, (result, _) in results.items():
        told = {line.split()[0]: line.split()[1] for line in judge.said(lines, "features", key)}
        there, *_ = parse(judge.said(lines, "hooks", key))
        states = {hook.symbol: hook.state for hook in there}
        good = told.get("map-checks") == "added" and states.get("iommu_map") == "active"
        if key == last and not (result == "ok" and good):
            faults.append(f"{key}: no step fails: {result} {told} {states}")
        # A step that fails at a hook is tried again for the next group, or the feature is off.
        if result == "ok" and not good and told.get("map-checks") != "inert":
            faults.append(f"{key}: loaded, and {told.get('map-checks')} {states}")
        if result == "ok" and told.get("map-checks") == "inert" and \
                states.get("iommu_map") == "active" and "inert" not in states.values():
            faults.append(f"{key}: off, and all hooks work: {states}")
        faults += is_clean(lines, "before", key, arch)
    return faults + is_clean(lines, "before", "end", arch)


def steps(key, name):
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], steps_steps(),
                        partial(judge_steps, arch=kernel.arch),
                        ((r"^inject ignore 1 ENOMEM", "inject ignore 1 ok"),
                         *leaves("ignore.2"), *leaves("end")), limit=300)
    names = failed_steps(lines)
    steps_failed = ", ".join(sorted(set(names)))
    return f"{len(names)} failures of {len(set(names))} steps: {steps_failed}", faults


def table():
    """{name: (function, arguments...)}"""
    out = {}
    for topology in TABLE:
        # That QEMU is for the width of the tables, which is the same here.
        for key in () if topology.suite else topology.kernels:
            out[f"lacking-report-{topology.name}-{key}"] = (report, topology, key)
    for key in (*X86, *ARM):
        out[f"lacking-maps-{key}"] = (maps, key)
    for key in ("5.10-amd64", "6.12-amd64", "7-amd64", "6.1-arm64", "7-arm64"):
        out[f"lacking-attach-{key}"] = (attach, key)
    for key in ("5.10-amd64", "7-amd64", "6.12-arm64"):
        out[f"lacking-checks-{key}"] = (checks, key)
    for key in ("5.10-amd64", "7-amd64", "6.12-arm64"):
        out[f"lacking-late-{key}"] = (late, key)
    for key in ("6.12-amd64", "7-arm64"):
        out[f"lacking-cost-{key}"] = (cost, key)
    for key in ("5.10-amd64", "7-amd64", "6.12-arm64"):
        out[f"lacking-cycles-{key}"] = (cycles, key)
    for key in ("5.10-amd64", "7-arm64"):
        out[f"lacking-steps-{key}"] = (steps, key)
    return out
