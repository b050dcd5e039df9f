# SPDX-License-Identifier: GPL-2.0-only
"""iommufd: its address spaces with the files of devices, and its container in place of type 1's.

The kernels are those of tests/debug, as Debian's have no iommufd. With iommufd the rules of a group
do not hold before a device of it is opened (in a container) or attached (to an address space), so
vfio-check asks after that."""
import re
from functools import partial

from cases import case, explain
from cases.truth import STOCK
from expect import judge
from expect.hooks import Section, all_ok
from expect.said import keep, none_left, says
from lab import kernels
from lab.kernels import series_of
from lab.machines import MACHINE, ONE, OTHER, machine
from lab.topologies import BY_NAME, PLAIN
from talk.play import interrupts, opened, play, raises, ranges_are, refused_at
from talk.script import Script, run, run_script
from talk.sections import sections
from talk.window import COUNT, FEW, NATIVE, PLACE, THERE, file_of, put, to
from talk.words import (ACTIVE, ADD, DEVICE, DISABLE, FEATURES, GROUP, HOOKS, LISTED, MODE, MODULE,
                        MOUNTS, PATCH, REGION, REMOVE, REPORT, SHOWN)

ELSEWHERE = "0x60000000 0x60000fff"
# Guest memory over the kernel's window; small enough to map it twice on a debug kernel.
MEMORY = "big:0x0-0xfffffff"
ASKED = ("vfio", "cdev")


def parts(lines):
    """{text: lines} between the "say" lines."""
    return sections(lines)


def agree(label, lines, topology, series):
    """The groups of the dump LABEL agree with VFIO's answers in LINES, by both ways."""
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


@case("iommufd-report-amd64", ("debug-amd64-iommufd",), part="debug")
@case("iommufd-report-arm64", ("debug-arm64-iommufd",), part="debug")
def report(key, name):
    """The files of every group agree with VFIO, by iommufd's container and by device files."""
    kernel = kernels.get(key)
    topology, series = PLAIN[kernel.arch], series_of(kernel)
    steps = [*REPORT]
    steps.insert(steps.index("vfio") + 1, "cdev")

    def judging(lines):
        faults = judge.check_report(lines, topology, series)
        return faults + agree("loaded", lines, topology, series)

    return "", run(name, kernel, topology, steps, judging, PLANTED_REPORT)[1]


PLANTED_REPORT = (
    (r"^cdev (\d+) range=0x\S+", r"cdev \1 range=0x0000000000100000"),
    (r"^(cdev \d+ inside=.*) EINVAL$", r"\1 ok"),
    (r"^cdev (\d+) msi=3/3$", r"cdev \1 msi=0/3"),
)


def declare_steps(mode):
    steps = [*MOUNTS, f"load {MODULE} hooks={mode}"]
    if mode == "livepatch":
        steps += [ACTIVE]
    steps += ["bind", "say declared", ADD, "dump declared", f"cat {HOOKS}", "vfio", "cdev",
              "say held", f"spawn holder /vfio-check --cdev hold {DEVICE} 100", "sleep 1500",
              f"write {GROUP}/resv/declare add {ELSEWHERE}", REMOVE, "stop holder",
              "say removed", REMOVE, "dump removed", "vfio", "cdev", "say end"]
    if mode == "livepatch":
        steps += DISABLE
    return steps + ["unload iommu_resv", "left"]


def judge_declare(lines, arch, series, mode):
    topology = PLAIN[arch]
    faults = all_ok(lines)
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


@case("iommufd-declare-{mode}-amd64", ("debug-amd64-iommufd",), mode=("kprobe", "livepatch"),
      part="debug")
@case("iommufd-declare-{mode}-arm64", ("debug-arm64-iommufd",), mode="kprobe", part="debug")
def declare(key, mode, name):
    """A declared region holds for programs that map by iommufd; `declare` gives EBUSY while a
    device is attached to an address space."""
    kernel = kernels.get(key)
    return "", run(name, kernel, PLAIN[kernel.arch], declare_steps(mode),
                   partial(judge_declare, arch=kernel.arch, mode=mode,
                           series=series_of(kernel)), PLANTED_DECLARE, limit=240)[1]


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
    """Words: attach all DEVICES to one address space."""
    return [word for word in opened(*devices) if word != "iommu"]


@case("iommufd-window-arm64", ("debug-arm64-iommufd",), part="debug")
def window(key, name):
    """A moved window is moved for iommufd, too; its doorbells work, and it holds the module."""
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
    # Another address space replaces the first: iommufd reads the list again.
    step, check = by_cdev(*devices_bound(ONE), MEMORY, "ioas", f"set:{ONE}",
                          ranges_are("moved", ONE), MEMORY, *refused_at(PLACE),
                          interrupts(ONE, FEW, PLACE))
    script.do("moved, replaced", [step], check)
    # A window that is moved for iommufd holds the module, as not every attach is seen.
    script.do("unload while moved", ["unload iommu_resv"],
              says(r"unload iommu_resv (EAGAIN|EBUSY)"))
    # Two groups with different windows in one address space: iommufd excludes both windows, and
    # before 6.15 the doorbells of both groups are at the window of the first.
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


@case("iommufd-window-container-arm64", ("debug-arm64-iommufd",), part="debug")
def container(key, name):
    """A moved window works in iommufd's container, too."""
    kernel = kernels.get(key)
    script = Script()
    script.do("load", ["bind", f"load {MODULE}"], says(rf"load {MODULE} ok .*"))
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("moved", ["dump moved"], keep("moved"))
    # "hold" opens the device; from then on the rules of its group hold.
    step, check = play(*opened(ONE), interrupts(ONE, 1, PLACE))
    script.do("interrupts alone", [step], check)
    step, check = play(*opened(ONE), ("hold:" + ONE, lambda _, got: [] if got[-1:] == [
        f"hold:{ONE} ok"] else [f"{got}"]), ranges_are("moved", ONE), MEMORY, *refused_at(PLACE),
        raises(ONE, FEW))
    script.do("moved, in a container", [step], check)
    put(script, "default", ONE, "default")
    script.do("unload", ["unload iommu_resv", "left"], says("unload iommu_resv ok"), none_left)
    return "", run_script(name, kernel, machine("its", "dt"), script, memory="2G", limit=240)


# iommufd-explain-maps, -container: why iommufd refuses a map

# (label, map to ask for, errno, `refused` from its third word on)
EXPLAINED = (
    ("size", "3,1000000,0", "EINVAL", "- - size EINVAL -"),
    ("start", "3,1000800,1000", "EINVAL", "- - alignment EINVAL -"),
    ("length", "3,1000000,1800", "EINVAL", "- - alignment EINVAL -"),
    ("wraps", "3,fffffffffffff000,2000", "EOVERFLOW", "- - wraps EOVERFLOW -"),
    ("overlap", "3,2000000,1000", "EEXIST", "- - overlap EEXIST -"),
    ("memory", "3,1000000,1000,1000", "EFAULT", "- - memory EFAULT -"),
    ("declared", f"3,{explain.HOLE[0]:x},1000", "EINVAL",
     f"0x{explain.HOLE[0]:016x} 0x{explain.HOLE[1]:016x} reserved admin -"),
)
# The same of regions that depend on the machine. The IOMMU can address the first part of "beyond".
# "room" is a map without an address, which only iommufd's own call allows, and larger than what the
# IOMMU can address.
MACHINES_OWN = {
    "amd64": (
        ("msi", "3,fee00000,1000", "EINVAL",
         f"0x00000000fee00000 0x00000000feefffff msi apic {DEVICE}"),
        ("beyond", "3,7ffffff000,2000", "EINVAL",
         "0x0000008000000000 0xffffffffffffffff out-of-range aperture -"),
        ("room", "103,0,100000000000", "ENOSPC", "- - room ENOSPC -"),
    ),
    "arm64": (
        ("msi", "3,8000000,1000", "EINVAL",
         f"0x0000000008000000 0x00000000080fffff sw-msi window {DEVICE}"),
        ("beyond", "3,fffffffff000,2000", "EINVAL",
         "0x0001000000000000 0xffffffffffffffff out-of-range aperture -"),
        ("room", "103,0,2000000000000", "ENOSPC", "- - room ENOSPC -"),
    ),
}
# A file in place of memory, where the kernel has that.
FROM_FILE = (
    ("declared, file", f"203,{explain.HOLE[0]:x},1000", "EINVAL",
     f"0x{explain.HOLE[0]:016x} 0x{explain.HOLE[1]:016x} reserved admin -"),
    ("overlap, file", "203,2000000,1000", "EEXIST", "- - overlap EEXIST -"),
    ("offset, file", "203,1000000,1000,800", "EINVAL", "- - alignment EINVAL -"),
)
STORM = 64 * 20


def takes_files(kernel):
    return [int(word) for word in re.findall(r"\d+", kernel.release)[:2]] >= [6, 13]


def words_of(way, kernel):
    """(words up to the attach of both devices, maps to ask for)"""
    arch = kernel.arch
    opened_by = {
        "cdev": ["container", f"open:{ONE}", f"set:{ONE}", f"open:{OTHER}", f"set:{OTHER}"],
        "container": ["container", f"open:{ONE}", f"set:{ONE}", "iommu", f"open:{OTHER}",
                      f"set:{OTHER}", f"fetch:{ONE},{ONE}", f"fetch:{OTHER},{OTHER}"],
    }
    own = MACHINES_OWN[arch] if way == "cdev" else MACHINES_OWN[arch][:-1]
    if way == "cdev" and takes_files(kernel):
        own += FROM_FILE
    return opened_by[way], EXPLAINED + own


def explain_steps(way, kernel):
    check = "/vfio-check --cdev play" if way == "cdev" else "/vfio-check play"
    words, asked = words_of(way, kernel)
    begin = " ".join(words)
    play_words = ["ask:3,2000000,1000", f"read:{explain.REFUSED}"]
    for _, request, _, _ in asked:
        play_words += [f"ask:{request}", f"read:{explain.REFUSED}"]
    # A map that succeeds leaves no trace.
    play_words += ["ask:3,3000000,1000", f"read:{explain.REFUSED}", "storm:20",
                   f"read:{explain.REFUSED}", "sleep:0", f"read:{explain.OTHERS_REFUSED}"]
    if way == "cdev":
        # A refusal does not count for a device that has left, but still for one that stays.
        play_words += [f"unset:{ONE}", "ask:3,1000800,1000", f"read:{explain.REFUSED}",
                       "sleep:0", f"read:{explain.OTHERS_REFUSED}"]
        # A device also leaves when its file is closed.
        play_words += [f"close:{OTHER}", "ask:3,1000000,0", f"read:{explain.OTHERS_REFUSED}"]
    short = f"lock:65536 ask:3,1000000,100000 read:{explain.REFUSED}"
    hole = f"0x{explain.HOLE[0]:x} 0x{explain.HOLE[1]:x}"
    return [*MOUNTS, "bind", f"load {MODULE}", "say auto", f"cat {FEATURES}",
            f"write {GROUP}/resv/declare add {hole}",
            f"write {explain.TRACE}/events/iommu_resv/map_refused/enable 1",
            f"wait-text {FEATURES} iommufd-explanations added", "say asked",
            f"run {check} {begin} {' '.join(play_words)}",
            "say short", f"run {check} {begin} {short}",
            "say traced", f"cat {explain.TRACE}/trace", "say hooks", f"cat {HOOKS}",
            "say off", f"write {explain.EXPLAIN} off", f"cat {explain.REFUSED}",
            f"cat {FEATURES}", f"write {GROUP}/resv/declare remove {hole}",
            "unload iommu_resv", "left"]


def judge_explain(lines, way, kernel):
    faults = all_ok(lines)
    section = parts(lines)
    if not any(line.startswith("| iommufd-explanations inert - off, because it slows down")
               for line in section["auto"]):
        faults.append(f"explain=auto: {section['auto']}")
    _, asked = words_of(way, kernel)
    seen = explain.told(section["asked"])
    count = len(asked)
    if len(seen) != count + (7 if way == "cdev" else 4):
        return [*faults, f"asked: {judge.said(section['asked'], 'run')}"]
    if seen[0] != ("ok", ["0"]):
        faults.append(f"before: {seen[0]}")
    for nr, ((label, request, errno, what), (got, text)) in enumerate(zip(asked, seen[1:]), 1):
        start, size = (int(word, 16) for word in request.split(",")[1:3])
        end = (start + size - 1) % (1 << 64)
        want = rf"0x{start:016x} 0x{end:016x} {re.escape(what)} \d+ vfio-check"
        if got != errno or len(text) != 2 or text[0] != str(nr) or not re.fullmatch(want, text[1]):
            faults.append(f"{label}: {got} {text}")
    after = seen[count + 1:]
    if after[0][0] != "ok" or after[0][1][:1] != [str(count)]:
        faults.append(f"a map that succeeds: {after[0]}")
    if f"refused={STORM}" not in " ".join(judge.said(section["asked"], "run")) or \
            after[1][1][:1] != [str(count + STORM)]:
        faults.append(f"64 threads: {after[1]}")
    # Only the hole is not the other group's.
    others = sum(" admin " not in what for _, _, _, what in asked) + STORM
    if after[2][1][:1] != [str(others)]:
        faults.append(f"the other group: {after[2]}")
    if way == "cdev" and (after[3][0] != "EINVAL" or after[3][1][:1] != [str(count + STORM)] or
                          after[4][1][:1] != [str(others + 1)] or
                          after[5][0] != "EINVAL" or after[5][1][:1] != [str(others + 1)]):
        faults.append(f"a device has left: {after[3:]}")
    short = explain.told(section["short"])
    if not short or short[-1][0] != "ENOMEM" or \
            " - - memlock ENOMEM - " not in " ".join(short[-1][1]):
        faults.append(f"RLIMIT_MEMLOCK: {short}")
    traced = [line for line in section["traced"] if " map_refused: " in line]
    for what in ("type=alignment origin=EINVAL", "type=reserved origin=admin",
                 "type=out-of-range origin=aperture"):
        if not any(what in line for line in traced):
            faults.append(f"traced: no {what}")
    names = ["iopt_map_user_pages", "vfio_iommufd_physical_attach_ioas", "iommufd_device_bind",
             "vfio_iommufd_physical_unbind", "iopt_table_enforce_dev_resv_regions"]
    if asked[-1] == FROM_FILE[-1]:
        names.append("iopt_map_file_pages")
    missed = [hook for hook in Section(lines, "hooks", faults).hooks
              if hook.symbol.endswith(tuple(names))]
    if len(missed) != len(names) or any(hook.state != "active" or not hook.hits or hook.missed
                                        for hook in missed):
        faults.append(f"hooks: {missed}")
    log = [line for line in judge.said(lines, "log")
           if re.search(r"iommu_resv: group \d+: a map of 0x", line)]
    # One line for a region and one for another reason, each by the first group noted, which can be
    # either one; none from the storm.
    if not 2 <= len(log) <= 4:
        faults.append(f"log: {log}")
    if f"file {explain.REFUSED} ENODATA" not in section["off"] or \
            not any(line.startswith("| iommufd-explanations inert - turned off")
                    for line in section["off"]):
        faults.append(f"explain=off: {section['off']}")
    return faults


PLANTED_EXPLAIN = (
    (r"( - - size EINVAL - )", " - - flags EINVAL - "),
    (r"( - - memlock ENOMEM - )", " - - other ENOMEM - "),
    (r"^(run \d+ storm refused=)\d+$", r"\g<1>1"),
    (r"^(file \S+/refused) ENODATA$", r"\1 ok"),
)


@case("iommufd-explain-maps-amd64", ("debug-amd64",), way="cdev", part="debug")
@case("iommufd-explain-{way}-amd64", ("debug-amd64-iommufd",), way="container", part="debug")
@case("iommufd-explain-maps-arm64", ("debug-arm64",), way="cdev", part="debug")
@case("iommufd-explain-{way}-arm64", ("debug-arm64-iommufd",), way="container", part="debug")
def explained(key, way, name):
    """Each errno of a map by iommufd is explained, for the groups whose map it was."""
    kernel = kernels.get(key)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], explain_steps(way, kernel),
                        partial(judge_explain, way=way, kernel=kernel), PLANTED_EXPLAIN,
                        memory="2G", limit=240)
    return f"{len(judge.said(lines, 'run'))} lines", faults


# iommufd-explain-attach: why iommufd refuses a device

# {topology: [(label, words, errno of the last but one, text of `refused`, a pattern of the log)]}
BY_FILE = f"open:{ONE} read:{explain.REFUSED}"
ATTACHES = {
    "plain": (
        ("group-file", f"container {BY_FILE}", "EBUSY", "- - group-file EBUSY -",
         "a program has the group's file open"),
        ("mapped", f"container open:{OTHER} set:{OTHER} ask:3,{explain.HOLE[0]:x},1000 open:{ONE} "
                   f"set:{ONE} read:{explain.REFUSED}", "EADDRINUSE",
         "- - container EADDRINUSE -", "conflict with the container's maps"),
        ("absent", f"container open:{ONE} space:77 set:{ONE} read:{explain.REFUSED}", "ENOENT",
         "- - address-space ENOENT -", "an address space that does not exist"),
    ),
    "rmrr": (
        ("region", f"container {BY_FILE}", "EINVAL",
         f"0x000000001a000000 0x000000001a00ffff direct rmrr {DEVICE}", "requires a 1:1 map of"),
    ),
    "intel-noremap": (
        ("interrupts", f"container {BY_FILE}", "EPERM", "- - interrupts-iommufd EPERM -",
         "allow_unsafe_interrupts of iommufd is off"),
    ),
}


def attach_steps(topology):
    hole = f"{GROUP}/resv/declare {{}} 0x{explain.HOLE[0]:x} 0x{explain.HOLE[1]:x}"
    steps = [*MOUNTS, "bind", f"load {MODULE}"]
    if topology == "plain":
        steps.append(f"write {hole.format('add')}")
    steps += [f"write {explain.TRACE}/events/iommu_resv/attach_refused/enable 1",
              f"wait-text {FEATURES} iommufd-explanations added"]
    for label, words, _, _, _ in ATTACHES[topology]:
        held = label == "group-file"
        steps += [f"say {label}"]
        if held:
            steps += [f"spawn holder /vfio-check hold {DEVICE} 100", "sleep 1500"]
        steps += [f"run /vfio-check --cdev play {words}"]
        if held:
            steps += ["stop holder"]
    steps += ["say traced", f"cat {explain.TRACE}/trace"]
    if topology == "plain":
        steps += [f"write {hole.format('remove')}"]
    # The tracepoint is still enabled when the module is unloaded.
    return [*steps, "unload iommu_resv", "left", "sleep 1000"]


def judge_attach(lines, topology):
    faults = all_ok(lines)
    wanted = ATTACHES[topology]
    for nr, (label, _, errno, what, _) in enumerate(wanted, 1):
        said = [line.split(" ", 2)[1:] for line in judge.said(parts(lines)[label], "run")
                if not line.startswith("exit ")]
        text = [word[1] for word in said if word[0] == "|"]
        failed = [word[1] for word in said if word[0] != "|" and word[1] != "ok"]
        # Only one word fails.
        if failed != [errno] or len(text) != 2 or text[0] != str(nr) or \
                not re.fullmatch(rf"- - {re.escape(what)} \d+ vfio-check", text[1]):
            faults.append(f"{label}: {said}")
    log = [line for line in judge.said(lines, "log")
           if re.search(r"iommu_resv: group \d+: the attach by vfio-check", line)]
    # Each attach logs once, and no attach has succeeded in between.
    if len(log) != 1 or not re.search(wanted[0][4], log[0]):
        faults.append(f"log: {log}")
    traced = [line for line in parts(lines)["traced"] if " attach_refused: " in line]
    if len(traced) != len(wanted):
        faults.append(f"traced: {traced}")
    return faults


PLANTED_ATTACH = (
    (r"^(run \d+ \|) 1$", r"\1 0"),
    (r" attach_refused: ", " attach: "),
)


@case("iommufd-explain-attach-{topology.name}-amd64", ("debug-amd64",), part="debug",
      topology=(PLAIN["amd64"], BY_NAME["rmrr"], BY_NAME["intel-noremap"]))
@case("iommufd-explain-attach-plain-arm64", ("debug-arm64",), part="debug", topology=PLAIN["arm64"])
def attach(topology, key, name):
    """A bind or an attach that iommufd refuses is explained."""
    return "", run(name, kernels.get(key), topology, attach_steps(topology.name),
                   partial(judge_attach, topology=topology.name), PLANTED_ATTACH)[1]


# iommufd-tracked: the tracker knows attaches from the hooked calls, before the group is walked

TRACKED = "/sys/module/iommu_resv/parameters/test_attached"
HANDLES = ("iommu_attach_group_handle", "iommu_replace_group_handle", "iommu_detach_group_handle")
# (label, what the holder does next, states of the groups that are not free)
TURNS = (("before", "attach", []), ("attached", "replace", ["attached"]),
         ("replaced", "detach", ["attached"]), ("detached", "end", []))


def tracked_steps():
    # Explanations make the module watch attaches.
    steps = [*MOUNTS, "bind", f"load {MODULE}",
             f"write {explain.TRACE}/events/iommu_resv/map_refused/enable 1",
             f"wait-text {FEATURES} iommufd-explanations added",
             f"spawn holder /vfio-check --cdev play container open:{ONE} await:/tmp/options-attach "
             f"set:{ONE} await:/tmp/options-replace ioas set:{ONE} await:/tmp/options-detach "
             f"unset:{ONE} await:/tmp/options-end", "sleep 2000"]
    for label, then, states in TURNS:
        steps += [f"say {label}", f"cat {TRACKED}"]
        # This write makes the module look at the group, which has a user.
        steps += [ADD, "sleep 1000", f"cat {TRACKED}"] if states else []
        steps += [f"options {then}", "sleep 2000"]
    return [*steps, "wait-job holder", "say end", f"cat {HOOKS}", "unload iommu_resv", "left",
            "sleep 1000"]


def judge_tracked(lines):
    faults = all_ok(lines)
    for label, _, states in TURNS:
        part = parts(lines)[label]
        told = [line.split()[-1] for line in part if re.fullmatch(r"\| \d+ [a-z]+", line)]
        if len(told) < 2 or [state for state in told if state != "free"] != states * 2 or \
                judge.said(part, f"write {GROUP}/resv/declare") != ["EBUSY"] * len(states):
            faults.append(f"{label}: {part}")
    failed = [line for line in judge.said(lines, "holder") if not line.endswith((" ok", "exit 0"))]
    if failed or not judge.said(lines, "holder"):
        faults.append(f"holder: {judge.said(lines, 'holder')}")
    seen = Section(lines, "end", faults).hooks
    for symbol in HANDLES:
        mine = [hook for hook in seen if hook.symbol == symbol]
        if not mine or any(hook.state != "active" or not hook.hits for hook in mine):
            faults.append(f"{symbol}: {mine}")
    return faults


PLANTED_TRACKED = (
    (r"^(say attached$.*?\| \d+) attached$", r"\1 unseen"),
    (r"(iommu_replace_group_handle kprobe active) \d+ ", r"\1 0 "),
)


@case("iommufd-tracked-{arch}", ("debug-amd64-iommufd", "debug-arm64-iommufd"), part="debug")
def tracked(key, name):
    """The tracker sees attach, replacement and detach by the file of a device."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, PLAIN[kernel.arch], tracked_steps(), judge_tracked,
                   PLANTED_TRACKED, limit=240)[1]


# iommufd-failed: attaches and replacements that fail

FAILING = ("failing:attach", "failing:replace")
SLAB = "/sys/kernel/debug/failslab"


def failed_steps():
    steps = [*MOUNTS, "bind", f"load {MODULE}",
             f"write {explain.TRACE}/events/iommu_resv/map_refused/enable 1",
             f"wait-text {FEATURES} iommufd-explanations added",
             f"write {SLAB}/ignore-gfp-wait N", f"write {SLAB}/verbose 0", "say failing"]
    # The first address space keeps its domain, as OTHER is attached to it all the time.
    words = ["container", f"open:{OTHER}", f"set:{OTHER}", f"open:{ONE}",
             *(f"{word},{ONE},{TRACKED}" for word in FAILING), f"unset:{ONE}", f"read:{TRACKED}"]
    return [*steps, f"run /vfio-check --cdev play {' '.join(words)}", "say end", f"cat {HOOKS}",
            "unload iommu_resv", "left", "sleep 1000"]


def attempts(said):
    """[(errno, {group: state})] of the lines of one word, and the group of its device."""
    out, group = [], None
    for line in said:
        words = line.split()
        if words[1] == "failing":
            group = words[4]
            out.append((words[3], {}))
        elif words[1] == "|" and out:
            out[-1][1][words[2]] = words[3]
    return out, group


def judge_failed(lines):
    faults, said = all_ok(lines), judge.said(parts(lines)["failing"], "run")
    worked = {}
    for n, word in enumerate(FAILING, start=4):
        tries, group = attempts([line for line in said if line.startswith(f"{n} ")])
        worked[word] = [errno for errno, _ in tries].count("ok")
        if not tries or tries[-1][0] != "ok" or worked[word] == len(tries):
            faults.append(f"{word}: {[errno for errno, _ in tries]}")
        for nr, (errno, states) in enumerate(tries, 1):
            mine = states.pop(group, None)
            # After a failed attach another user could have the group: the next walk finds out.
            want = ("attached",) if errno == "ok" or word == FAILING[1] else ("free", "unseen")
            if mine not in want:
                faults.append(f"{word}, allocation {nr}: {errno}, and the group is {mine}")
            if [state for state in states.values() if state != "free"] != ["attached"]:
                faults.append(f"{word}, allocation {nr}: other groups: {states}")
    hooks = {(hook.symbol, hook.backend): hook for hook in Section(lines, "end", faults).hooks}
    # Some calls have failed in these functions, not before them.
    for symbol, least in ((HANDLES[0], worked[FAILING[0]] + 2),
                          (HANDLES[1], worked[FAILING[1]] + 1)):
        for backend in ("kprobe", "kretprobe"):
            hook = hooks.get((symbol, backend))
            if not hook or hook.state != "active" or hook.hits < least or hook.missed:
                faults.append(f"{symbol}, at least {least} calls: {hook}")
    # In the last lines of the play, every group but that of the other device is free.
    last = [line.split()[-1] for line in said if re.match(r"7 \| \d+ ", line)]
    if [state for state in last if state != "free"] != ["attached"]:
        faults.append(f"at the end: {last}")
    wrong = [line for line in said
             if not re.search(r" ok$|^exit 0$|^\d+ (\||failing) ", line)]
    return faults + [f"run: {line}" for line in wrong]


PLANTED_FAILED = (
    # The state of a group after an attach that failed, and after a replacement that failed
    (r"^(run 4 failing \d+ ENOMEM (\d+)$.*?^run 4 \| \2) (free|unseen)$", r"\1 attached"),
    (r"^(run 5 failing \d+ ENOMEM (\d+)$.*?^run 5 \| \2) attached$", r"\1 free"),
    (r"(iommu_replace_group_handle kretprobe active) \d+ ", r"\1 0 "),
)


@case("iommufd-failed-amd64", ("debug-amd64",), part="debug")
@case("iommufd-failed-arm64", ("debug-arm64",), part="debug")
def failed(key, name):
    """After an attach that failed the tracker takes the group for free, or looks; after a
    replacement that failed, for attached as before."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, MACHINE[kernel.arch], failed_steps(), judge_failed,
                   PLANTED_FAILED, limit=300)[1]


# iommufd-short: attaches while there is no memory for the entries of lists

DECLARED = f"{GROUP}/resv/declare"


def short_steps(by_livepatch):
    """Entries are missing, some and all; backends are switched meanwhile, where there are two."""
    gone = [f"write {PATCH}/enabled 0", f"wait-gone {PATCH}", "unload iommu_resv_livepatch"]
    switches = [f"write {MODE} livepatch", "sleep 500", f"write {MODE} kprobe", *gone,
                # Disabled by its own file, while nothing else enforces
                f"write {MODE} livepatch", *gone, f"write {MODE} auto"]
    steps = [*MOUNTS, "bind", f"load {MODULE} hooks=kprobe", ADD, "say declared",
             f"run /vfio-check --cdev play container open:{DEVICE} "
             f"write:{DECLARED}=remove_{REGION.replace(' ', '_')}",
             "say short", f"spawn attacher /vfio-check --cdev attaches {DEVICE} "
             f"{REGION.replace(' ', '-')}", "sleep 2000"]
    for every in (2, 1):
        steps += [f"write {STOCK} {every}", "sleep 3000", *(switches if by_livepatch else [])]
    return [*steps, f"write {STOCK} 0", "sleep 500", "stop attacher", f"cat {HOOKS}",
            f"cat {FEATURES}", REMOVE, "unload iommu_resv", "left"]


def judge_short(lines):
    faults, section = all_ok(lines), parts(lines)
    # Only the region of a group without a user is removed: iommufd has its entry.
    held = judge.said(section["declared"], "run")
    if f"2 write:{DECLARED}=remove_{REGION.replace(' ', '_')} EBUSY" not in held:
        faults.append(f"bound: {held}")
    told = [line for line in judge.said(section["short"], "attacher")
            if line.startswith("attaches=")]
    count = {name: int(n) for name, n in (word.split("=") for word in " ".join(told).split())}
    if len(told) != 1 or count["attaches"] < 20 or count["held"] != count["attaches"] or \
            count["open"] or count["other"]:
        faults.append(f"attacher: {judge.said(section['short'], 'attacher')}")
    # The drivers' taps have missed entries, on purpose.
    hooks = {hook.symbol: hook for hook in Section(lines, "short", []).hooks
             if hook.backend == "kprobe"}
    for symbol in ("iommu_get_resv_regions", "iopt_table_enforce_dev_resv_regions"):
        hook = hooks.get(symbol)
        if not hook or hook.state != "active" or not hook.hits or hook.missed:
            faults.append(f"{symbol}: {hook}")
    return faults


PLANTED_SHORT = (
    (r"^(attacher attaches=\d+ held=\d+ refused=0 open=)0", r"\g<1>1"),
    (r"(iommu_get_resv_regions kprobe active \d+) 0 ", r"\1 1 "),
)


@case("iommufd-short-amd64", ("debug-amd64",), part="debug")
@case("iommufd-short-arm64", ("debug-arm64",), part="debug")
def short(key, name):
    """iommufd attaches no group without a declared region, whatever memory there is for lists, and
    while the backends are switched."""
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], short_steps(kernel.arch == "amd64"),
                        judge_short, PLANTED_SHORT, limit=300)
    return " ".join(line for line in judge.said(lines, "attacher") if "attaches=" in line), faults
