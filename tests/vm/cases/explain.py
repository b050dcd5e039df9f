# SPDX-License-Identifier: GPL-2.0-only
"""Tests explain-*: `refused`, the log and the tracepoints say why VFIO has refused a map or an
attach."""
import re
from functools import partial

from cases import SHARED, assignable, case, lacking
from expect import judge
from expect.hooks import Section, all_ok
from lab import kernels
from lab.topologies import ARM, BY_NAME, PLAIN, X86
from talk.script import run
from talk.sections import sections
from talk.words import DEVICE, GROUP, HOOKS, MODULE, MOUNTS

OTHER = "0000:00:04.0"
REFUSED = f"{GROUP}/resv/refused"
OTHERS_REFUSED = f"/sys/bus/pci/devices/{OTHER}/iommu_group/resv/refused"
LIMIT = "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"
EXPLAIN = "/sys/module/iommu_resv/parameters/explain"
TRACE = "/sys/kernel/tracing"
HOLE = (0x40000000, 0x40000fff)
PAGE = 0x1000

# Since 6.18 VFIO has its own errno for an overflow.
OTHERS = {"wraps": "EOVERFLOW"}

# (label, map to ask for, errno, `refused` from its third word on)
ASKED = (
    ("flags", "0,1000000,1000", "EINVAL", "- - flags EINVAL -"),
    ("unknown", "803,1000000,1000", "EINVAL", "- - flags EINVAL -"),
    ("size", "3,1000000,0", "EINVAL", "- - size EINVAL -"),
    ("start", "3,1000800,1000", "EINVAL", "- - alignment EINVAL -"),
    ("length", "3,1000000,1800", "EINVAL", "- - alignment EINVAL -"),
    ("wraps", "3,fffffffffffff000,2000", "EINVAL", "- - wraps EINVAL -"),
    ("overlap", "3,2000000,1000", "EEXIST", "- - overlap EEXIST -"),
    ("memory", "3,1000000,1000,1000", "EFAULT", "- - memory EFAULT -"),
    ("declared", f"3,{HOLE[0]:x},1000", "EINVAL",
     f"0x{HOLE[0]:016x} 0x{HOLE[1]:016x} reserved admin -"),
    ("across", f"3,{HOLE[0] - PAGE:x},3000", "EINVAL",
     f"0x{HOLE[0]:016x} 0x{HOLE[1]:016x} reserved admin -"),
)


def asked_steps():
    play = ["container", f"open:{DEVICE}", f"set:{DEVICE}", "iommu", f"open:{OTHER}",
            f"set:{OTHER}", "ask:3,2000000,1000", f"read:{REFUSED}"]
    for _, request, _, _ in ASKED:
        play += [f"ask:{request}", f"read:{REFUSED}"]
    # The next reading is as the one before: a map that succeeds leaves no trace.
    play += ["ask:3,3000000,1000", f"read:{REFUSED}", "storm:20", f"read:{REFUSED}"]
    # The hole is not the other group's, but all other refusals count for both groups.
    play += ["sleep:0", f"read:{OTHERS_REFUSED}"]
    short = ["container", f"open:{DEVICE}", f"set:{DEVICE}", "iommu", "lock:65536",
             "ask:3,1000000,100000", f"read:{REFUSED}"]
    full = [f"write:{LIMIT}=1", "container", f"open:{DEVICE}", f"set:{DEVICE}", "iommu",
            "ask:3,1000000,1000", "ask:3,2000000,1000", f"read:{REFUSED}"]
    enable = f"{TRACE}/events/iommu_resv/map_refused/enable"
    features = "/sys/kernel/iommu_resv/features"
    return [*MOUNTS, "bind", f"load {MODULE}", "say auto", f"cat {features}", f"cat {REFUSED}",
            f"write {GROUP}/resv/declare add 0x{HOLE[0]:x} 0x{HOLE[1]:x}",
            f"write {enable} 1", f"wait-text {features} map-explanations added",
            "say listening", f"cat {REFUSED}",
            "say asked", f"run /vfio-check play {' '.join(play)}",
            "say short", f"run /vfio-check play {' '.join(short)}",
            "say full", f"run /vfio-check play {' '.join(full)}",
            "say traced", f"cat {TRACE}/trace", "say hooks",
            f"cat {HOOKS}",
            f"write {enable} 0", f"wait-text {features} map-explanations inert",
            f"write {EXPLAIN} on", f"cat {features}", f"write {EXPLAIN} no",
            # From here on refusals are not explained.
            f"write {EXPLAIN} off", "say off", f"cat {REFUSED}",
            f"run /vfio-check play container open:{DEVICE} set:{DEVICE} iommu ask:3,1000800,1000",
            f"write {EXPLAIN} on", "say on", f"cat {features}", f"cat {REFUSED}",
            f"write {GROUP}/resv/declare remove 0x{HOLE[0]:x} 0x{HOLE[1]:x}",
            "unload iommu_resv", "left"]


def told(section):
    """[(result of a word, lines of the file that was read after it)]"""
    out = []
    for line in judge.said(section, "run"):
        word = line.split(" ", 2)
        if word[1] == "|" and out:
            out[-1][1].append(word[2])
        elif word[1].startswith("read:") and word[2:] != ["ok"]:
            out.append((line, []))
        elif word[1].startswith(("ask:", "storm:", "sleep:")):
            out.append((word[2] if len(word) > 2 else "", []))
    return out


def judge_asked(lines):
    bad = f"write {EXPLAIN} EINVAL"
    faults = all_ok([line for line in lines if line != bad])
    if lines.count(bad) != 1:
        faults.append("explain=no is not refused")
    parts = sections(lines)
    if f"file {REFUSED} ENODATA" not in parts["auto"] or \
            not any(line.startswith("| map-explanations inert - off, because it slows down")
                    for line in parts["auto"]):
        faults.append(f"explain=auto: {parts['auto']}")
    if "| 0" not in parts["listening"]:
        faults.append(f"somebody listens: {parts['listening']}")
    seen = told(parts["asked"])
    if len(seen) != len(ASKED) + 4:
        return [*faults, f"asked: {judge.said(parts['asked'], 'run')}"]
    if seen[0] != ("ok", ["0"]):
        faults.append(f"before: {seen[0]}")
    for nr, ((label, request, errno, what), (got, text)) in enumerate(zip(ASKED, seen[1:]), 1):
        start, size = (int(word, 16) for word in request.split(",")[1:3])
        end = (start + size - 1) % (1 << 64)
        what = what.replace(errno, got)
        want = rf"0x{start:016x} 0x{end:016x} {re.escape(what)} \d+ vfio-check"
        if got not in (errno, OTHERS.get(label)) or len(text) != 2 or \
                text[0] != str(nr) or not re.fullmatch(want, text[1]):
            faults.append(f"{label}: {got} {text}")
    count = len(ASKED)
    if seen[-3][0] != "ok" or seen[-3][1][:1] != [str(count)]:
        faults.append(f"a map that succeeds: {seen[-3]}")
    storm = 64 * 20
    regions = sum(" reserved admin " in what for _, _, _, what in ASKED)
    if seen[-1][1][:1] != [str(count - regions + storm)]:
        faults.append(f"the other group: {seen[-1]}")
    if f"refused={storm}" not in " ".join(judge.said(parts["asked"], "run")) or \
            seen[-2][1][:1] != [str(count + storm)]:
        faults.append(f"64 threads: {seen[-2]}")
    short, full = told(parts["short"]), told(parts["full"])
    if short[-1][0] != "ENOMEM" or " - - memlock ENOMEM - " not in " ".join(short[-1][1]):
        faults.append(f"RLIMIT_MEMLOCK: {short}")
    if full[-1][0] != "ENOSPC" or " - - entries ENOSPC - " not in " ".join(full[-1][1]):
        faults.append(f"dma_entry_limit: {full}")
    traced = [line for line in parts["traced"] if " map_refused: " in line]
    for what in ("type=alignment origin=EINVAL", "type=reserved origin=admin",
                 "type=entries origin=ENOSPC"):
        if not any(what in line for line in traced):
            faults.append(f"traced: no {what}")
    # For each attach one line for a region and one for another reason: four, none from the storm.
    log = [line for line in judge.said(lines, "log")
           if re.search(r"iommu_resv: group \d+: a map of 0x", line)]
    if len(log) != 4 or "its flags or its argsz" not in log[0] or "hits 0x40000000" not in log[1]:
        faults.append(f"log: {log}")
    missed = [hook for hook in Section(lines, "hooks", faults).hooks
              if hook.symbol.endswith("vfio_iommu_type1_ioctl")]
    if not missed or any(hook.state != "active" or hook.missed for hook in missed):
        faults.append(f"hooks: {missed}")
    if f"file {REFUSED} ENODATA" not in parts["off"]:
        faults.append(f"explain=off: {parts['off'][:3]}")
    if not any(re.fullmatch(r"\| \d+", line) for line in parts["on"]) or \
            not any(line.startswith("| map-explanations added kretprobe") for line in parts["on"]):
        faults.append(f"explain=on: {parts['on'][:9]}")
    return faults


PLANTED_ASKED = (
    (r"( - - size EINVAL - )", " - - flags EINVAL - "),
    (r"( - - entries ENOSPC - )", " - - other ENOSPC - "),
    (r"^(run \d+ storm refused=)\d+$", r"\g<1>1"),
    (r"^(file \S+/refused) ENODATA$", r"\1 ok"),
)


@case("explain-maps-{key}", X86 + ARM + ("6.12-amd64-rt",))
def asked(key, name):
    """Each errno of a map is explained, for the group whose map it was, and once in the log."""
    kernel = kernels.get(key)
    return "", run(name, kernel, PLAIN[kernel.arch], asked_steps(), judge_asked,
                   PLANTED_ASKED, smp=2, memory="1G")[1]


# explain-random: why many random maps are refused

COUNT = {"7-amd64": 10000}
HOLES = lacking.HOLES


def random_steps(arch, count):
    add = [f"write {GROUP}/resv/declare add 0x{low:x} 0x{high:x}" for low, high in HOLES]
    blame = f"blame:{REFUSED},4711,{count},{lacking.edges(arch)}"
    return ["bind", f"load {MODULE} explain=on", *add, "dump found",
            f"run /vfio-check play container open:{DEVICE} set:{DEVICE} iommu {blame}",
            f"cat {HOOKS}",
            *(step.replace(" add ", " remove ") for step in add), "unload iommu_resv", "left"]


def why(request, errno, regions):
    """The first check of vfio_dma_do_map() that fails, by its source: words 3 to 7 of `refused`."""
    flags, iova, size, vaddr = request
    last = (1 << 64) - 1
    if errno == "EEXIST":
        return "- - overlap EEXIST -"
    if errno == "EFAULT":
        return "- - memory EFAULT -"
    if errno == "EOVERFLOW":
        return "- - wraps EOVERFLOW -"
    if errno != "EINVAL":
        return f"errno {errno} is not expected"
    if flags & ~7 or bool(flags & 3) == bool(flags & 4):
        return "- - flags EINVAL -"
    if not size:
        return "- - size EINVAL -"
    if (iova | size | vaddr) % PAGE:
        return "- - alignment EINVAL -"
    if iova + size - 1 > last or vaddr + size - 1 > last:
        return "- - wraps EINVAL -"
    for line in regions:
        word = line.split()
        start, end = int(word[0], 16), int(word[1], 16)
        if word[6] == "enforced" and start <= iova + size - 1 and end >= iova:
            return " ".join(word[:5])
    return "- - other EINVAL -"


def judge_random(lines, count):
    faults = all_ok(lines)
    group = lacking.group_with(judge.dumps(lines)["found"], DEVICE)
    regions = group.lines("regions")
    wrong, kinds, total = [], {}, {}
    for line in judge.said(lines, "run"):
        word = line.split()
        if word[1] == "blamed":
            total = dict(item.split("=") for item in word[2:])
        if word[1] != "blame":
            continue
        request = tuple(int(item, 16) for item in word[2:6])
        want = why(request, word[6], regions)
        kinds[want.split()[2]] = kinds.get(want.split()[2], 0) + 1
        end = (request[1] + request[2] - 1) % (1 << 64)
        if " ".join(word[7:14]) != f"0x{request[1]:016x} 0x{end:016x} {want}":
            wrong.append(line)
    if wrong:
        faults.append(f"{len(wrong)} explanations are wrong: {wrong[:3]}")
    if total.get("total") != str(count) or total.get("odd") != "0" or \
            sum(kinds.values()) != int(total["refused"]):
        faults.append(f"{total} {kinds}")
    for kind in ("flags", "size", "alignment", "wraps", "overlap", "memory", "reserved",
                 "out-of-range"):
        if kinds.get(kind, 0) < count // 500:
            faults.append(f"{kind} was seen {kinds.get(kind, 0)} times")
    return faults


PLANTED_RANDOM = (
    (r" - - memory EFAULT - ", " - - other EFAULT - "),
    (r" odd=0$", " odd=1"),
)


@case("explain-random-{key}", ("5.10-amd64", "6.12-amd64", "7-amd64", "7-arm64"), boot=SHARED)
def random(key, name):
    """Among thousands of maps, half of them invalid, each refusal is explained correctly."""
    kernel = kernels.get(key)
    count = COUNT.get(key, 2000)
    return f"{count} maps", run(name, kernel, PLAIN[kernel.arch],
                                random_steps(kernel.arch, count),
                                partial(judge_random, count=count), PLANTED_RANDOM,
                                limit=240)[1]


# explain-attach: why attaches are refused

# {topology: (expected text of `refused` for DEVICE, a pattern of the log)}
ATTACHED = {
    "rmrr": (r"0x[0-9a-f]{16} 0x[0-9a-f]{16} direct rmrr 0000:00:03\.0",
             r"firmware requires a 1:1 map of 0x[0-9a-f]+-0x[0-9a-f]+ "
             r"\(direct, rmrr, 0000:00:03\.0\)"),
    "ivmd": (r"0x[0-9a-f]{16} 0x[0-9a-f]{16} direct ivmd 0000:00:03\.0",
             r"firmware requires a 1:1 map of 0x[0-9a-f]+-0x[0-9a-f]+ "
             r"\(direct, ivmd, 0000:00:03\.0\)"),
    "companions": ("- - host-driver EPERM -", "a device of the group is bound to a host driver"),
    "intel-noremap": ("- - interrupts EPERM -", "its interrupts are not isolated"),
    "plain": ("- - container EINVAL -", "conflict with the container's maps"),
}


def attach_steps(name):
    device = assignable.GIVEN if name == "companions" else DEVICE
    file = f"/sys/bus/pci/devices/{device}/iommu_group/resv/refused"
    play = f"container open:{device} claim:{device} iommu read:{file}"
    hole = f"{GROUP}/resv/declare {{}} 0x{HOLE[0]:x} 0x{HOLE[1]:x}"
    steps, after = [], []
    if name == "plain":
        # The container has a map, for the other group, where this one has a hole.
        play = (f"container open:{OTHER} set:{OTHER} iommu ask:3,{HOLE[0]:x},1000 "
                f"open:{DEVICE} set:{DEVICE} read:{REFUSED}")
        steps, after = [f"write {hole.format('add')}"], [f"write {hole.format('remove')}"]
    bind = f"bind {device}" if name == "companions" else "bind"
    return [*MOUNTS, bind, f"load {MODULE}", *steps,
            f"write {TRACE}/events/iommu_resv/attach_refused/enable 1",
            "wait-text /sys/kernel/iommu_resv/features map-explanations added",
            f"run /vfio-check play {play}", "say traced", f"cat {TRACE}/trace", *after,
            # The tracepoint is still enabled when the module is unloaded.
            "unload iommu_resv", "left", "sleep 1000"]


def judge_attach(lines, name):
    faults = all_ok(lines)
    what, logged = ATTACHED[name]
    said = judge.said(lines, "run")
    text = [line.split(" ", 2)[2] for line in said if line.split()[1:2] == ["|"]]
    if len(text) != 2 or text[0] != "1" or not re.fullmatch(rf"- - {what} \d+ vfio-check", text[1]):
        faults.append(f"{said}")
    log = [line for line in judge.said(lines, "log")
           if re.search(r"iommu_resv: group \d+: the attach by vfio-check", line)]
    if len(log) != 1 or not re.search(logged, log[0]):
        faults.append(f"log: {log}")
    traced = [line for line in sections(lines)["traced"] if " attach_refused: " in line]
    if len(traced) != 1:
        faults.append(f"traced: {traced}")
    return faults


PLANTED_ATTACH = (
    (r"^(run \d+ \|) 1$", r"\1 0"),
    (r" attach_refused: ", " attach: "),
)


@case("explain-attach-rmrr-{key}", X86, topology=BY_NAME["rmrr"], boot=SHARED)
@case("explain-attach-companions-{key}", ("6.12-amd64",), topology=assignable.COMPANIONS["amd64"])
@case("explain-attach-companions-{key}", ("7-arm64",), topology=assignable.COMPANIONS["arm64"])
@case("explain-attach-ivmd-{key}", ("6.12-amd64", "7-amd64"), topology=BY_NAME["ivmd"],
      boot=SHARED)
@case("explain-attach-noremap-{key}", ("5.10-amd64", "6.12-amd64"),
      topology=BY_NAME["intel-noremap"], boot=SHARED)
@case("explain-attach-mapped-{key}", ("5.10-amd64", "7-amd64"), topology=PLAIN["amd64"],
      boot=SHARED)
@case("explain-attach-mapped-{key}", ("7-arm64",), topology=PLAIN["arm64"], boot=SHARED)
def attach(topology, key, name):
    """An attach that VFIO refuses is explained."""
    return "", run(name, kernels.get(key), topology, attach_steps(topology.name),
                   partial(judge_attach, name=topology.name), PLANTED_ATTACH,
                   # As report-* has, so that they can share a boot.
                   kaslr=topology.name in BY_NAME)[1]


# explain-device: why VFIO_GROUP_GET_DEVICE_FD is refused

# (label, words, errno or "ok", expected text of `refused`, or None if it must not change)
FETCHED = (
    ("unset", f"open:{DEVICE} fetch:{DEVICE},{DEVICE}", "EINVAL", "- - container-unset EINVAL -"),
    ("no-iommu", f"container open:{DEVICE} set:{DEVICE} fetch:{DEVICE},{DEVICE}", "EINVAL",
     "- - container-unset EINVAL -"),
    ("other", f"container open:{DEVICE} set:{DEVICE} iommu fetch:{DEVICE},{OTHER}", "ENODEV",
     "- - no-device ENODEV -"),
    ("works", f"container open:{DEVICE} set:{DEVICE} iommu fetch:{DEVICE},{DEVICE}", "ok", None),
)


def device_steps():
    steps = [*MOUNTS, "bind", f"load {MODULE}",
             f"write {TRACE}/events/iommu_resv/attach_refused/enable 1",
             "wait-text /sys/kernel/iommu_resv/features map-explanations added"]
    for label, words, _, _ in FETCHED:
        steps += [f"say {label}", f"run /vfio-check play {words} read:{REFUSED} "
                                  f"read:{OTHERS_REFUSED}"]
    return [*steps, "say traced", f"cat {TRACE}/trace", "say hooks", f"cat {HOOKS}",
            "unload iommu_resv", "left", "sleep 1000"]


def judge_device(lines):
    faults = all_ok(lines)
    parts = sections(lines)
    told_so_far, last = 0, None
    for label, _, errno, what in FETCHED:
        said = [line.split(" ", 2)[1:] for line in judge.said(parts[label], "run")]
        got = [word[1] for word in said if word[0].startswith("fetch:")]
        text = [word[1] for word in said if word[0] == "|"]
        if what:
            told_so_far += 1
            last = rf"- - {re.escape(what)} \d+ vfio-check"
        # The last line is from the file of the other group.
        if got != [errno] or len(text) != 3 or text[0] != str(told_so_far) or \
                not re.fullmatch(last, text[1]) or text[2] != "0":
            faults.append(f"{label}: {said}")
    log = [line for line in judge.said(lines, "log")
           if re.search(r"iommu_resv: group \d+: the attach by vfio-check", line)]
    # Each attach logs once. The third refusal comes after a successful attach, so it is logged.
    if len(log) != 2 or "in no container whose IOMMU is set" not in log[0] or \
            "has no such device" not in log[1]:
        faults.append(f"log: {log}")
    traced = [line for line in parts["traced"] if " attach_refused: " in line]
    if [re.search(r"type=(\S+)", line)[1] for line in traced] != \
            ["container-unset", "container-unset", "no-device"]:
        faults.append(f"traced: {traced}")
    place = [hook for hook in Section(lines, "hooks", faults).hooks
             if hook.symbol.endswith("vfio_group_fops_unl_ioctl")]
    if len(place) != 1 or place[0].state != "active" or place[0].hits != len(FETCHED) or \
            place[0].missed:
        faults.append(f"hooks: {place}")
    return faults


PLANTED_DEVICE = (
    (r" - - no-device ENODEV - ", " - - open ENODEV - "),
    (r"^(run \d+ fetch:\S+) ok$", r"\1 EINVAL"),
    (r"(vfio_group_fops_unl_ioctl kretprobe) active", r"\1 inert"),
)


@case("explain-device-{key}", ("5.10-amd64", "6.12-amd64", "7-amd64", "7-arm64"), boot=SHARED)
def device(key, name):
    """If VFIO does not open a device, that is explained; if it opens one, that leaves no trace."""
    kernel = kernels.get(key)
    return "", run(name, kernel, PLAIN[kernel.arch], device_steps(), judge_device,
                   PLANTED_DEVICE)[1]
