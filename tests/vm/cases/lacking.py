# SPDX-License-Identifier: GPL-2.0-only
"""Tests lacking-*: what the module adds to kernels before 5.4. With native=ignore, which only the
test build has, it adds the same on current kernels: the tests ask the kernel first and then the
module, and compare the answers."""
import re
from functools import partial

from cases import SHARED, boot_on, case
from expect import judge
from expect.hooks import all_ok
from lab import kernels
from lab.kernels import series_of
from lab.topologies import ARM, PLAIN, TABLE, X86
from talk.script import run
from talk.sections import sections
from talk.words import HOOKS, IGNORE, MODULE

DEVICE = {"amd64": "0000:00:03.0", "arm64": "0000:00:03.0"}
OTHER = "0000:00:04.0"
GROUP = "/sys/bus/pci/devices/{}/iommu_group"

WINDOW = {"amd64": (0xfee00000, 0xfeefffff), "arm64": (0x8000000, 0x80fffff)}
TOP = {"amd64": 1 << 39, "arm64": 1 << 48}


def copies(kernel):
    """Do the domains of VFIO get a copy of their operations that checks maps (ops.c)? Where these
    cannot be copied, a hook on iommu_map() checks maps. As COMPAT_HAS_OPS_COPY."""
    return series_of(kernel) == "5.10"


def group_with(groups, device):
    return next((g for g in groups.values() if device in g.names()), judge.Group("none"))


# lacking-report: every topology

def report_steps():
    return [f"load {MODULE}", "bind", "dump native", "unload iommu_resv", IGNORE, "dump loaded",
            "pieces", "vfio", "unload iommu_resv", "left", "dump back"]


def judge_report(lines, topology, series):
    """The module's list is the kernel's, and all answers of VFIO agree with it."""
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
        # Compare up to the device column: the flags (native or added) differ.
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
    """On every machine the module adds exactly what the kernel itself has."""
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, topology, report_steps(),
                        partial(judge_report, topology=topology, series=series_of(kernel)),
                        limit=180, kaslr=True)
    groups = judge.dumps(lines).get("native", {})
    return f"{len(groups) - 1} groups", faults


for machine in TABLE:
    # Skip machines with another suite's QEMU: they test the width of tables, which is equal here.
    if not machine.suite:
        case("lacking-report-{topology.name}-{key}", machine.kernels, topology=machine,
             boot=boot_on(machine, SHARED))(report)


# lacking-maps: 10,000 random maps, and the answers of GET_INFO

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
    """Steps that declare or remove HOLES for DEVICE. Remove them before unload: they hold the
    module."""
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
    """All answers to "random", one character each, and the totals."""
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
        # The kernel writes its own answer there, which fails.
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
        # Memory that is not present or not writable: the answer asks for more room, or the kernel
        # has made the memory present meanwhile.
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
        faults.append("the kernel reported no range either")
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
    # VFIO itself refuses maps beyond the aperture here, so not every refusal is counted.
    refused = int_of(section, "added")
    if not COUNT // 10 < refused <= int(totals.get("refused", 0)):
        faults.append(f"refused says {refused}, {totals}")
    return faults


@case("lacking-maps-{key}", X86 + ARM)
def maps(key, name):
    """The module answers random maps, and GET_INFO, as the kernel does."""
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], maps_steps(kernel.arch),
                        partial(judge_maps, arch=kernel.arch), limit=300, memory="1G",
                        append="log_buf_len=4M loglevel=3")
    ours, _ = answers(sections(lines).get("added", []))
    return f"{len(ours)} maps, {ours.count('E')} refused", faults


# lacking-attach: containers of several groups

A, B = "0000:00:03.0", "0000:00:04.0"


def int_of(section, label):
    numbers = [int(t[2:]) for t in section.get(label, []) if re.fullmatch(r"\| \d+", t)]
    return numbers[-1] if numbers else -1
