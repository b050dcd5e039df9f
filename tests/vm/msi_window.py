# SPDX-License-Identifier: GPL-2.0-only
"""The movable MSI window of Arm: moved, it moves for the kernel's list, for VFIO, and for the
interrupts of the device; what is refused changes nothing.

Built as the tests of declare.py are. That an interrupt went through the window shows in the address
that the device's own register has, which is an IOVA inside of it."""
from dataclasses import replace

import hooks
import initramfs
import judge
import kernels
from declare import (APPEND, FEATURES, HOOKS, MODULE, ONE, OTHER, MANY, PARAMETER, UNSAFE, Script,
                     before, cats, complains, explained, groups_of, keep, logged, mark, none_left,
                     of, play, ranges_are, run_script, same_dump, same_vfio, says, shown, span,
                     where)
from topologies import ARM, BY_NAME, EDU, GAP_TREE, GAPS, SLOTS, SMMU, X86, Topology
from declare import MACHINE as DECLARE_MACHINE
from vm import Vm

NATIVE = (0x8000000, 0x80fffff)
LOW = (0, 0x3fffffff)               # a guest with 1 GiB at 0
PLACE = (0x50000000, 0x500fffff)
THERE = (0x58000000, 0x580fffff)    # another one
GUEST = f"big:{span(*LOW)}"
# Interrupts of the device that has to get every one, and of all others: one takes 6 ms.
COUNT, FEW = 1000, 100
MB = 0x100000
FIRMWARE = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"

DEVICES = (f"{EDU},addr=3", f"{EDU},addr=4", f"{EDU},addr=7.0,multifunction=on", f"{EDU},addr=7.1")
CONTROLLERS = {"its": SMMU, "v2m": "virt,gic-version=2,iommu=smmuv3"}
OTHER_FUNCTION = "0000:00:07.1"


def machine(controller, firmware, devices=DEVICES):
    return Topology(f"msi-{controller}-{firmware}", "arm64", (), CONTROLLERS[controller], devices,
                    firmware=FIRMWARE if firmware == "acpi" else None)


# Checks

def window_text(window, by="moved"):
    return f"0x{window[0]:x} 0x{window[1] - window[0] + 1:x} {by}"


def relisted(lines, window):
    """LINES of the kernel's list with the software window at WINDOW; it is all that is "msi"."""
    out = sorted((int(w[0], 16), int(w[1], 16), w[2]) for w in (x.split() for x in lines)
                 if w[2] != "msi")
    rank = {"direct": 0, "direct-relaxable": 1, "reserved": 2, "msi": 3}
    out = sorted([*out, (*window, "msi")], key=lambda r: (r[0], rank[r[2]]))
    return [f"0x{start:016x} 0x{end:016x} {kind}" for start, end, kind in out]


def same_group(now, then):
    """NOW is as THEN, when VFIO may have had it: dma_api has its lines once VFIO is gone."""
    if then.files.get("dma_api", ("ENOENT",))[0] == "ENODATA":
        now, then = (replace(group, files={name: file for name, file in group.files.items()
                                           if name != "dma_api"}) for group in (now, then))
    return now == then


def moved(label, base, windows, by="moved"):
    """The dump LABEL is BASE with the windows of some groups moved: {device: window}."""
    def check(piece, state):
        faults = keep(label)(piece, state)
        if faults:
            return faults
        now, then = groups_of(state, label), groups_of(state, base)
        if sorted(now) != sorted(then):
            return [f"groups {sorted(now)}, they were {sorted(then)}"]
        there = {where(now, device).id: window for device, window in windows.items()}
        for n, group in now.items():
            faults += judge.check_group(group)
            if n not in there:
                if not same_group(group, then[n]):
                    faults.append(f"group {n} is not as in {base}")
                continue
            faults += judge.differ(f"group {n}: reserved_regions", group.lines("reserved_regions"),
                                   relisted(then[n].lines("reserved_regions"), there[n]))
            faults += judge.differ(f"group {n}: msi_window", group.lines("msi_window"),
                                   [window_text(there[n], by)])
            for name in ("aperture", "msi_isolation", "type"):
                faults += judge.differ(f"group {n}: {name}", group.lines(name),
                                       then[n].lines(name))
        return faults
    return check


def interrupts(device, count, window):
    """A word: DEVICE raises COUNT interrupts, all arrive, and they go through WINDOW."""
    word = f"irqs:{device}:{count}"
    return (word, arrives(word, device, count, window))


def arrives(word, device, count, window):
    def want(_, got):
        faults = []
        at = [int(line.split()[2], 16) for line in got
              if line.startswith(f"msi-address {device} ")]
        if len(at) != 1 or not window[0] <= at[0] <= window[1]:
            faults.append(f"the device's message goes to {[hex(a) for a in at]}, not into "
                          f"{span(*window)}")
        if f"irqs {device} {count}/{count}" not in got:
            faults.append(f"interrupts: {[line for line in got if line.startswith('irqs ')]}")
        if got[-1:] != [f"{word} ok"]:
            faults.append(f"{got[-1:]}")
        return faults
    return want


def raises(device, count):
    """A word: a held device raises COUNT interrupts, and all arrive."""
    word = f"raise:{device}:{count}"

    def want(_, got):
        return [] if got == [f"irqs {device} {count}/{count}", f"{word} ok"] else [f"{got}"]
    return (word, want)


def holds(device, window):
    """A word: DEVICE is kept open with its interrupts on, which go through WINDOW."""
    word = f"hold:{device}"

    def want(_, got):
        at = [int(line.split()[2], 16) for line in got if line.startswith("msi-address ")]
        good = len(at) == 1 and window[0] <= at[0] <= window[1] and got[-1:] == [f"{word} ok"]
        return [] if good else [f"{got}, expected an address in {span(*window)}"]
    return (word, want)


def opened(*devices):
    """Words: one container with the groups of all DEVICES."""
    words = ["container"]
    for n, device in enumerate(devices):
        words += [f"open:{device}", f"set:{device}"] + (["iommu"] if not n else [])
    return words


def refused_at(window):
    """Words: a map of the first and of the last page of WINDOW is refused."""
    return [(f"try:{span(window[0], window[0] + 0xffff)}", "EINVAL"),
            (f"try:{span(window[1] - 0xffff, window[1])}", "EINVAL")]


def stock(*devices):
    """(step, check): how it is where the window is at the kernel's place."""
    return play(*opened(*devices), (GUEST, "EINVAL"), *refused_at(NATIVE),
                *[interrupts(device, 3, NATIVE) for device in devices])


def served(label, window, *devices, count=FEW):
    """(step, check): a guest has memory where the window was, and all of it works."""
    return play(*opened(*devices), ranges_are(label, *devices), GUEST,
                *[f"dma:{device}:{span(*NATIVE)}" for device in devices], *refused_at(window),
                *[interrupts(device, count, window) for device in devices])


def fails(check, *words):
    """CHECK finds faults, and they name each of WORDS."""
    def inverse(piece, state):
        text = "\n".join(check(piece, state))
        return [f"a test that must fail here does not see '{word}'; it said: {text}"
                for word in words if word not in text]
    return inverse


def in_log(*words):
    """One line of the module, and it has each of WORDS."""
    def check(piece, _):
        if len(piece.log) != 1:
            return [f"{len(piece.log)} lines in the log, expected 1: {piece.log}"]
        return [f"the log does not name '{word}': {piece.log}" for word in words
                if word not in piece.log[0]]
    return check


# Steps

def file_of(device):
    return of(device, "resv/msi_window")


def to(device, value):
    return f"write {file_of(device)} {value}"


def put(script, what, device, value, *checks):
    script.do(what, [to(device, value)], says(f"write {file_of(device)} ok"), *checks)


WAYS = {"kprobe": "iommu_alloc_resv_region", "kretprobe": "iommu_get_group_resv_regions"}


def load(script, what="load", words="", backend="kprobe"):
    """Loaded; the hooks of windows are in only if the parameter moves some."""
    by = WAYS[backend]
    state = r"active \d+ 0 -" if "msi_window=" in words else r"off \d+ 0 no MSI window is moved"
    script.do(what, [f"load {MODULE} {words}".rstrip(), f"cat {HOOKS}", f"cat {FEATURES}"],
              says(rf"load {MODULE} ok .*", rf"\| {by} {backend} {state}",
                   rf"\| vfio_iommu_type1_attach_group kprobe {state}",
                   rf"\| msi-window-move added {backend} {by}\b.*",
                   r"\| msi-doorbells added - 1 doorbell: .*"))


def active(script, backend="kprobe"):
    """While a window is moved they are in, and nothing was missed by any."""
    script.do("hooks are in", [f"cat {HOOKS}"],
              says(*[rf"\| {symbol} {kind} active \d+ 0 -" for symbol, kind in (
                  (WAYS[backend], backend), ("iommu_get_group_resv_regions", "kretprobe"),
                  ("iommu_attach_group", "kprobe"), ("iommu_detach_group", "kprobe"),
                  ("iommu_domain_free", "kprobe"), ("vfio_iommu_type1_attach_group", "kprobe"))]),
              lambda piece, _: [line for line in piece.lines
                                if line.startswith("| ") and line.split()[5] != "0"])


def rested(script):
    """When none is moved any more, they are out."""
    script.do("hooks are out", [f"cat {HOOKS}"],
              lambda piece, _: [line for line in piece.lines if line.startswith("| ") and
                                not ("resv_regions" in line and " kprobe " in line) and
                                line.split()[3] != "off"])


def unload(script, what="unload"):
    script.do(what, ["unload iommu_resv", "left"], says("unload iommu_resv ok"), none_left)


# Tests

def main(controller, firmware, key, backend, name):
    """Moved, used, and moved back, by the file and by unloading."""
    test = backend != "kprobe"
    kernel = kernels.get(key, test=test)
    topology = machine(controller, firmware)
    words = "test_group=1" if test else ""
    script = Script()
    before(script)
    step, check = stock(ONE)
    script.do("without the module", [step], check)
    load(script, words=words, backend=backend)
    script.do("loaded", ["dump loaded"], moved("loaded", "loaded", {ONE: NATIVE}, "kernel"))
    script.do("loaded, VFIO", [step], check)
    put(script, "move", ONE, f"0x{PLACE[0]:x}", in_log(f"0x{PLACE[0]:x}-0x{PLACE[1]:x}"))
    script.do("moved", ["dump moved"], moved("moved", "loaded", {ONE: PLACE}))
    count = COUNT if (controller, firmware) == ("its", "dt") and not test else FEW
    good_step, good = served("moved", PLACE, ONE, count=count)
    script.do("moved, VFIO", [good_step], good)
    script.do("moved still", ["dump still"], same_dump("still", "moved"))
    active(script, backend)
    put(script, "default", ONE, "default", in_log("again"))
    rested(script)
    script.do("back", ["dump back"], same_dump("back", "loaded"))
    script.do("back, VFIO", [step], check)
    put(script, "move for unload", ONE, f"0x{PLACE[0]:x}")
    good_step, good = served("moved", PLACE, ONE)
    script.do("moved again, VFIO", [good_step], good)
    active(script, backend)
    unload(script)
    script.do("after", ["dump after", "vfio"], same_dump("after", "before"),
              same_vfio("after", "before"))
    script.do("after, VFIO", [step], check)
    # The same with the hooks off has to be found wrong.
    script.do("load without hooks", [f"load {MODULE} hooks=none"], says(rf"load {MODULE} ok .*"))
    script.do("no hook, no move", [to(ONE, f"0x{PLACE[0]:x}"), "dump none"],
              says(f"write {file_of(ONE)} EOPNOTSUPP"), complains(ONE),
              same_but_none("none", "before"))
    script.do("no hook, VFIO", [good_step],
              fails(good, f"{GUEST} EINVAL", "not into " + span(*PLACE), "ranges"))
    unload(script, "unload without hooks")
    faults = run_script(name, kernel, topology, script, memory="2G", limit=240)
    return f"{count} interrupts, {backend}", faults


def same_but_none(label, base):
    """As BASE in the kernel's files: nothing has moved."""
    def check(piece, state):
        faults = keep(label)(piece, state)
        return faults or [
            f"group {n}: {file} is not as in {base}" for n, group in groups_of(state, label).items()
            for file in ("reserved_regions", "type")
            if group.lines(file) != state[base][n].lines(file)]
    return check


def shared(controller, firmware, key, name):
    """Two devices in a container, a group of two functions, and groups that do not agree."""
    kernel = kernels.get(key)
    topology = machine(controller, firmware)
    script = Script()
    before(script)
    load(script)
    script.do("loaded", ["dump loaded"], keep("loaded"))
    put(script, "move one", ONE, f"0x{PLACE[0]:x}")
    # In either order the second one is refused; the first one goes on.
    for first, second in ((ONE, OTHER), (OTHER, ONE)):
        window = PLACE if first == ONE else NATIVE
        step, check = play(
            "container", f"open:{first}", f"set:{first}", "iommu", f"open:{second}",
            mark("join"), (f"set:{second}", "EINVAL"), mark("end"),
            *refused_at(window), interrupts(first, 3, window))
        script.do(f"{second} joins {first}", [step], check, complains(second, 1, "join", "loaded"))
    step, check = play(*opened(ONE), GUEST, interrupts(ONE, 3, PLACE))
    script.do("alone", [step], check)
    put(script, "move the other elsewhere", OTHER, f"0x{THERE[0]:x}")
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", f"open:{OTHER}",
                       (f"set:{OTHER}", "EINVAL"))
    script.do("both moved, apart", [step], check)
    put(script, "move the other to the same", OTHER, f"0x{PLACE[0]:x}")
    put(script, "move the group of two", MANY, f"0x{PLACE[0]:x}")
    script.do("all moved", ["dump moved"],
              moved("moved", "loaded", {ONE: PLACE, OTHER: PLACE, MANY: PLACE}))
    step, check = served("moved", PLACE, ONE, OTHER)
    script.do("two devices", [step], check)
    # The one whose window the container has leaves, and the other one goes on there.
    step, check = play(*opened(ONE, OTHER), GUEST, interrupts(OTHER, 3, PLACE),
                       f"unset:{ONE}", f"close:{ONE}", ranges_are("moved", OTHER),
                       *refused_at(PLACE), interrupts(OTHER, 100, PLACE))
    script.do("one leaves", [step], check)
    step, check = play(
        *opened(MANY), GUEST, f"dma:{MANY}:{span(*NATIVE)}",
        f"dma:{OTHER_FUNCTION}:{span(*NATIVE)}", *refused_at(PLACE), holds(MANY, PLACE),
        interrupts(OTHER_FUNCTION, COUNT, PLACE), raises(MANY, FEW))
    script.do("a group of two functions", [step], check)
    # All at once, and each has its turn while the others are held.
    step, check = play(
        *opened(ONE, OTHER, MANY), GUEST, holds(ONE, PLACE), holds(MANY, PLACE),
        holds(OTHER, PLACE), raises(ONE, FEW), raises(OTHER, FEW), raises(MANY, FEW),
        f"release:{ONE}", f"unset:{ONE}", f"close:{ONE}", *refused_at(PLACE), raises(OTHER, 100),
        raises(MANY, 100))
    script.do("three groups in a container", [step], check)
    active(script)
    for device in (ONE, OTHER, MANY):
        put(script, f"default for {device}", device, "default")
    rested(script)
    script.do("back", ["dump back"], same_dump("back", "loaded"))
    unload(script)
    script.do("after", ["dump after", "vfio"], same_dump("after", "before"),
              same_vfio("after", "before"))
    faults = run_script(name, kernel, topology, script, memory="2G", limit=240)
    return f"{len(script.stretches)} stretches", faults


PLUGGED = "0000:01:00.0"


def hotplug(controller, firmware, key, name):
    """A device with a moved window goes and comes back, with and without the parameter."""
    kernel = kernels.get(key)
    topology = machine(controller, firmware, (f"{EDU},addr=3", *SLOTS))
    device = f"/sys/bus/pci/devices/{PLUGGED}"
    script = Script()
    script.do("start", [f"write {UNSAFE} 1", "bind"])
    load(script)
    arrive = ["sleep 100", f"wait {device}", f"bind {PLUGGED}"]
    there = says(f"bind {PLUGGED} ok")
    gone = [f"write {device}/remove 1", f"wait-gone {device}", "sleep 300"]
    back = ["write /sys/bus/pci/rescan 1", *arrive]
    script.do("plug", ["say plug", *arrive, "dump plugged"], there, keep("plugged"))
    put(script, "move", PLUGGED, f"0x{PLACE[0]:x}")
    script.do("moved", ["dump moved"], moved("moved", "plugged", {PLUGGED: PLACE}))
    step, check = served("moved", PLACE, PLUGGED)
    script.do("moved, VFIO", [step], check)
    script.do("gone", gone, says(rf"wait {device} ok \d+"))
    # The window is the group's. Before 7.x the slot's port does not keep its device apart, so the
    # group lives on without it.
    alone = key.startswith("7-")
    window = window_text(NATIVE, "kernel") if alone else window_text(PLACE)
    script.do("back", [*back, f"cat {file_of(PLUGGED)}", "dump again"], there,
              says(r"\| " + window), keep("again"))
    again_step, again_check = stock(PLUGGED) if alone else (step, check)
    script.do("back, VFIO", [again_step], again_check)
    put(script, "move again", PLUGGED, f"0x{PLACE[0]:x}")
    script.do("moved again", ["dump moved"], moved("moved", "plugged", {PLUGGED: PLACE}))
    script.do("moved again, VFIO", [step], check)
    unload(script)
    load(script, "load with the parameter", f"msi_window=0x{PLACE[0]:x}")
    for n in range(2):
        script.do(f"by the parameter, {n}", [f"cat {file_of(PLUGGED)}", "dump moved"],
                  says(r"\| " + window_text(PLACE)), keep("moved"))
        script.do(f"by the parameter, {n}, VFIO", [step], check)
        script.do(f"gone, {n}", gone, says(rf"wait {device} ok \d+"))
        script.do(f"back, {n}", back, there)
    script.do("last", [f"cat {file_of(PLUGGED)}"], says(r"\| " + window_text(PLACE)))
    if alone:       # else VFIO's reset of the slot makes it deaf to its button
        script.do("unplug", ["say unplug", f"wait-gone {device}", "sleep 300"],
                  says(rf"wait {device} ok \d+"))
    active(script)
    unload(script, "unload at the end")
    actions = [
        ("plug", lambda qmp: qmp.do("device_add", driver="edu", bus="hp1", id="edu1",
                                    dma_mask=judge.TOP)),
        ("unplug", lambda qmp: qmp.do("device_del", id="edu1"))]
    faults = run_script(name, kernel, topology, script, actions, memory="2G", limit=240)
    return f"{len(script.stretches)} stretches", faults


def killed(controller, firmware, key, name):
    """A process that uses the window holds it and the module, until the process is killed."""
    kernel = kernels.get(key)
    topology = machine(controller, firmware)
    script = Script()
    before(script)
    load(script)
    script.do("loaded", ["dump loaded"], keep("loaded"))
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("moved", ["dump moved"], moved("moved", "loaded", {ONE: PLACE}))
    step, check = served("moved", PLACE, ONE)
    words = " ".join([*opened(ONE), GUEST, f"irqs:{ONE}:1000000"])
    for n in range(2):
        script.do(f"killed among interrupts, {n}",
                  [f"spawn user /vfio-check play {words}",
                   "wait-text /tmp/user msi-address", "sleep 300", to(ONE, "default"),
                   "unload iommu_resv", f"dump used{n}", "kill user"],
                  says(f"write {file_of(ONE)} EBUSY", "unload iommu_resv (EBUSY|EAGAIN)",
                       f"user 4 {GUEST} ok",
                       rf"user 5 msi-address {ONE} 0x{PLACE[0] >> 20:011x}[0-9a-f]{{5}}",
                       "user exit 137"),
                  complains(ONE, 1, base="loaded"), same_dump(f"used{n}", "moved"))
        script.do(f"after the kill, {n}", ["dump still"], same_dump("still", "moved"))
        script.do(f"after the kill, {n}, VFIO", [step], check)
    # Held without interrupts, and the module goes as soon as nobody has it.
    words = " ".join([*opened(ONE), GUEST, f"hold:{ONE}", "pause"])
    script.do("killed while it holds", [f"spawn user /vfio-check play {words}",
                                        "wait-text /tmp/user hold:", "unload iommu_resv",
                                        "kill user", "unload iommu_resv", "left",
                                        "dump after", "vfio"],
              lambda piece, _: [] if [line[-2:] == "ok" for line in
                                      piece.said("unload iommu_resv".split()[0])] == [False, True]
              else [f"unload: {piece.said('unload')}"],
              none_left, same_dump("after", "before"), same_vfio("after", "before"))
    faults = run_script(name, kernel, topology, script, memory="2G", limit=240)
    return f"{len(script.stretches)} stretches", faults


# Refused writes. A root port whose messages have 32 bits, and a conventional bridge, whose window
# is the place of a neighbour's registers.
ROOT = "0000:00:08.0"
REFUSING = (*DEVICES, "ioh3420,addr=8,chassis=9")


def refused(page):
    """[(device, text, errno, words of the log)]."""
    high = 1 << 48
    bad = ["", " ", "\n", "0x", "0xg", "50000000", "1342177280", "-0x50000000", "0x-5", "+0x5",
           "auto0", "autox", "default0", "DEFAULT", "Auto", "moved", "kernel", "none",
           "0x50000000 100000", "0x50000000 0x", "0x50000000 0x100000 x", "0x50000000x",
           "0x50000000 0x100000 0x100000", "0x50000000,,0x100000", "0x50000000-0x500fffff",
           "0x50000000,", "0x10000000050000000", "0x50000000 0x10000000050000000",
           "auto,avoid", "auto,avoid=", "auto,avoid=0x0", "auto,avoid=0x0-", "auto,avoid=0-1",
           "auto,avoid=0xfff-0x0", "auto avoid=0x0-0xfff,", "auto,0x0-0xfff", "auto,,avoid=0x0-0x1",
           "auto,avoid=0x0-0xfffx", "autoavoid=0x0-0xfff", "default 0x50000000", "%s%n", "a" * 4000,
           "0x" + "0" * 4000]
    out = [(ONE, text, "EINVAL", ()) for text in bad]
    out += [(ONE, text, "EINVAL", ("pages",)) for text in (
        f"0x{PLACE[0] + 1:x}", f"0x{PLACE[0] + page // 2:x}", f"0x{PLACE[0]:x} 0x{MB + 1:x}",
        f"0x{PLACE[0]:x} 0x{page // 2:x}", f"0x{PLACE[0]:x} 0x0")]
    out += [(ONE, text, "EINVAL", ("0",)) for text in ("0x0", f"0x0 0x{MB:x}")]
    out += [(ONE, "auto," + ",".join(f"avoid=0x{n << 20:x}-0x{n << 20 | 0xfffff:x}"
                                     for n in range(9)), "E2BIG", ("8",))]
    out += [(ONE, text, "ERANGE", (f"0x{high - 1:x}",)) for text in (
        f"0x{high:x}", f"0x{high - MB // 2:x}", f"0x{high - MB:x} 0x{MB + page:x}",
        f"0x{judge.TOP - MB + 1:x}", f"0x{PLACE[0]:x} 0x{judge.TOP - page + 1:x}",
        f"0x{judge.TOP - page + 1:x} 0x{2 * page:x}")]
    # What is declared for the group, from all sides
    out += [(ONE, text, "EADDRINUSE", ("0x48000000-0x4800ffff", "admin")) for text in (
        "0x48000000", f"0x{0x48000000 - MB + page:x}", f"0x{0x48010000 - page:x} 0x{MB:x}",
        f"0x47000000 0x{2 << 24:x}")]
    # The host bridge's windows, low and high, and their edges
    out += [(ONE, text, "EADDRINUSE", ("pci-window", "pci0000:00")) for text in (
        "0x10000000", "0x20000000", f"0x{0x10000000 - MB + page:x}", f"0x{0x3eff0000 - page:x}",
        "0x8000000000", "0xf000000000")]
    out += [(ROOT, text, "ERANGE", (ROOT, "64-bit")) for text in (
        "0x100000000", f"0x{0x100000000 - MB // 2:x}", "0x1000000000 0x100000")]
    out += [(ROOT, "auto,avoid=0x0-0xffffffff", "ENOSPC", (ROOT,)),
            (ONE, f"auto,avoid=0x0-0x{judge.TOP:x}", "ENOSPC", ()),
            (ONE, f"auto,avoid=0x0-0x{1 << 40:x},avoid=0x{1 << 39:x}-0x{high - 1:x}", "ENOSPC", ())]
    return out


TAKEN = (0x48000000, 0x4800ffff)


def refusals(key, name):
    """Whatever is refused is refused with its errno and one line, and changes nothing."""
    kernel = kernels.get(key)
    topology = machine("its", "dt", REFUSING)
    page = 16384 if key.endswith("-16k") else 4096
    script = Script()
    before(script)
    load(script)
    script.do("declare", [f"write {of(ONE, 'resv/declare')} add 0x{TAKEN[0]:x} 0x{TAKEN[1]:x}"],
              says(f"write {of(ONE, 'resv/declare')} ok"))
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("loaded", ["dump loaded"], keep("loaded"))
    names = ("reserved_regions", "resv/regions", "resv/usable", "resv/msi_window")
    cases = [case for case in refused(page) if case[1]]
    for device, text, errno, words in cases:
        head = repr(text if len(text) < 60 else text[:40] + "...")
        script.do(head, [f"write-hex {file_of(device)} {text.encode().hex()}",
                         *cats(device, names)],
                  says(f"write-hex {errno} -1"), complains(device, base="loaded"), in_log(*words),
                  shown(device, "loaded", len(names)))
    for cap in ("SYS_ADMIN", "SYS_RAWIO"):
        script.do(f"without {cap}", [f"write-without {cap} {file_of(ONE)} auto", *cats(ONE, names)],
                  says(f"write-without {cap} EACCES"), complains(ONE, 0, base="loaded"),
                  shown(ONE, "loaded", len(names)))
    script.do("a zero inside", [f"write-hex {file_of(ONE)} {b'auto'.hex()}00", *cats(ONE, names)],
              says("write-hex EINVAL -1"), complains(ONE, base="loaded"),
              shown(ONE, "loaded", len(names)))
    # What is declared may not go where the window is, nor the window back where something is.
    script.do("declared over the window",
              [f"write {of(ONE, 'resv/declare')} add 0x{PLACE[0]:x} 0x{PLACE[0] + 0xffff:x}"],
              says(f"write {of(ONE, 'resv/declare')} EADDRINUSE"), logged(1))
    script.do("declared where it was",
              [f"write {of(ONE, 'resv/declare')} add 0x{NATIVE[0]:x} 0x{NATIVE[0] + 0xffff:x}",
               to(ONE, "default"), f"cat {file_of(ONE)}",
               f"write {of(ONE, 'resv/declare')} remove 0x{NATIVE[0]:x} 0x{NATIVE[0] + 0xffff:x}"],
              says(f"write {of(ONE, 'resv/declare')} ok", f"write {file_of(ONE)} EADDRINUSE",
                   r"\| " + window_text(PLACE)))
    # In use: whatever is written, right or wrong.
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu",
                       mark("busy"), *[(f"write:{file_of(ONE)}={value}", "EBUSY")
                                       for value in (f"0x{THERE[0]:x}", "auto", "default")],
                       mark("end"), *refused_at(PLACE))
    script.do("in use", [step, *cats(ONE, names)], check, complains(ONE, 3, "busy", "loaded"),
              lambda piece, state: shown(ONE, "loaded", len(names))(
                  without_run(piece), state))
    # With hooks that are off, and hooks that would go
    script.do("hooks=none, moved", [f"write {PARAMETER} none"], says(f"write {PARAMETER} EBUSY"),
              logged(1))
    script.do("taken back", [f"write {of(ONE, 'resv/declare')} remove 0x{TAKEN[0]:x} "
                             f"0x{TAKEN[1]:x}"], says(f"write {of(ONE, 'resv/declare')} ok"))
    script.do("hooks=none, still moved", [f"write {PARAMETER} none"],
              says(f"write {PARAMETER} EBUSY"), logged(1))
    put(script, "default", ONE, "default")
    script.do("hooks=none", [f"write {PARAMETER} none", f"cat {FEATURES}", to(ONE, "auto")],
              says(f"write {PARAMETER} ok", r"\| msi-window-move inert - \S.*",
                   f"write {file_of(ONE)} EOPNOTSUPP"))
    script.do("hooks=auto", [f"write {PARAMETER} auto"], says(f"write {PARAMETER} ok"))
    # Forms that are right
    for text, window, by in (
            ("0x50000000", PLACE, "moved"), ("0x50000000\n", PLACE, "moved"),
            (" 0x50000000 ", PLACE, "moved"), ("0X58000000", THERE, "moved"),
            ("0x50000000 0x100000", PLACE, "moved"), ("0x50000000,0x100000\n", PLACE, "moved"),
            ("0x50000000\t0x200000", (0x50000000, 0x501fffff), "moved"),
            (f"0x50000000 0x{page:x}", (0x50000000, 0x50000000 + page - 1), "moved"),
            (f"0x{page:x}", (page, page + MB - 1), "moved"),
            ("0xffffff00000", (0xffffff00000, 0xfffffffffff), "moved"),
            (f"0x{(1 << 48) - MB:x}", ((1 << 48) - MB, (1 << 48) - 1), "moved"),
            ("0x8000000", NATIVE, "moved"), ("auto", NATIVE, "auto"),
            ("auto,avoid=0x0-0x3fffffff", (0xfff00000, 0xffffffff), "auto"),
            ("auto avoid=0x0-0x3fffffff", (0xfff00000, 0xffffffff), "auto"),
            ("auto , avoid=0x0-0x3fffffff , avoid=0xfee00000-0xffffffff\n",
             (0xfed00000, 0xfedfffff), "auto"),
            ("auto,avoid=0x20000000-0x2fffffff", NATIVE, "auto"),
            ("auto,avoid=0x0-0xffffffffff", ((1 << 48) - MB, (1 << 48) - 1), "auto"),
            ("default\n", NATIVE, "kernel")):
        script.do(repr(text), [f"write-hex {file_of(ONE)} {text.encode().hex()}",
                               f"cat {file_of(ONE)}", "dump form"],
                  says(f"write-hex ok {len(text)}", r"\| " + window_text(window, by)),
                  in_log(f"0x{window[0]:x}-0x{window[1]:x}"),
                  lambda piece, state: keep("form")(piece, state) or
                  judge.check_group(where(state["form"], ONE)))
    unload(script)
    script.do("after", ["dump after"], same_dump("after", "before"))
    faults = run_script(name, kernel, topology, script, memory="1G", limit=240)
    return f"{len(cases)} refused", faults


def without_run(piece):
    """PIECE without the lines of a play."""
    return type(piece)([line for line in piece.lines if not line.startswith("run ")], piece.log,
                       piece.parts)


def parameter(key, name):
    """msi_window=: what is wrong is refused; groups that are there and that come get it."""
    kernel = kernels.get(key)
    topology = machine("its", "dt")
    script = Script()
    before(script)
    for words, errno in (("msi_window=junk", "EINVAL"), ("msi_window=0x5000000g", "EINVAL"),
                         ("msi_window=auto,avoid=1-2", "EINVAL"),
                         ("msi_window=default,0x1000", "EINVAL"),
                         ("msi_window=auto" + ",avoid=0x0-0xfff" * 9, "E2BIG"),
                         ("msi_window=" + "0" * 600, "E2BIG|EINVAL")):
        script.do(words[:60], [f"load {MODULE} {words}", "left"],
                  says(rf"load {MODULE} ({errno}) .*"), explained(("msi_window=",)), none_left)
    # A place that suits no group: the module loads, says so for each, and nothing moves.
    script.do("no such place", [f"load {MODULE} msi_window=0x20000000", "dump none"],
              says(rf"load {MODULE} ok .*"), keep("none"),
              lambda piece, state: [] if len([line for line in piece.log if "overlaps" in line]) ==
              len(groups_of(state, "none")) else [f"log: {piece.log}"],
              same_but_none("none", "before"))
    unload(script, "unload the first")
    # Without hooks it is not in force, which is said once for each group; with them it is, but
    # where somebody has asked for the kernel's place.
    script.do("no hooks", [f"load {MODULE} hooks=none msi_window=0x{PLACE[0]:x}", "dump unhooked"],
              says(rf"load {MODULE} ok .*"), keep("unhooked"),
              lambda piece, state: [] if len([x for x in piece.log if "not in force" in x]) ==
              len(groups_of(state, "unhooked")) == len(piece.log) - 1 else [f"log: {piece.log}"],
              same_but_none("unhooked", "before"))
    script.do("hooks come", [to(ONE, "default"), f"write {PARAMETER} auto", "sleep 200",
                             f"cat {file_of(ONE)}", f"cat {file_of(OTHER)}"],
              says(f"write {file_of(ONE)} ok", f"write {PARAMETER} ok",
                   r"\| " + window_text(NATIVE, "kernel"), r"\| " + window_text(PLACE)))
    unload(script, "unload the second")
    # One is in use, and so keeps the kernel's place.
    words = " ".join([*opened(OTHER), f"hold:{OTHER}", "pause"])
    late = "0xfff00000 0x100000 auto"
    script.do("one in use", [f"spawn user /vfio-check play {words}", "wait-text /tmp/user hold:",
                             f"load {MODULE} msi_window=auto,avoid={span(*LOW)}",
                             f"cat {file_of(ONE)}", f"cat {file_of(MANY)}", "dump param",
                             f"cat {of(OTHER, 'resv/msi_window')}", "kill user"],
              says(rf"load {MODULE} ok .*", rf"\| {late}", r"\| " + window_text(NATIVE, "kernel")),
              lambda piece, _: [] if piece.lines.count(f"| {late}") >= 2 else ["not moved"],
              lambda piece, _: [] if len([x for x in piece.log if "in use" in x]) == 1
              else [f"log: {piece.log}"],
              keep("param"))
    window = (0xfff00000, 0xffffffff)
    step, check = served("param", window, ONE, count=100)
    script.do("VFIO", [step], check)
    stock_step, stock_check = stock(OTHER)
    script.do("VFIO and the other", [stock_step], stock_check)
    script.do("default", [to(ONE, "default"), "sleep 200", f"cat {file_of(ONE)}"],
              says(f"write {file_of(ONE)} ok", r"\| " + window_text(NATIVE, "kernel")))
    # A driver that comes and goes has all groups looked at: default it stays.
    script.do("default stays", [f"unbind {OTHER}", f"bind {OTHER}", "sleep 300",
                                f"cat {file_of(ONE)}"],
              says(f"bind {OTHER} ok", r"\| " + window_text(NATIVE, "kernel")))
    unload(script)
    script.do("after", ["dump after"], same_dump("after", "before"))
    faults = run_script(name, kernel, topology, script, memory="2G", limit=240)
    return f"{len(script.stretches)} stretches", faults


def late(key, name):
    """A container from before the module was loaded: its cookie is where the kernel has it."""
    kernel = kernels.get(key)
    topology = machine("its", "dt")
    script = Script()
    before(script)
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", f"open:{OTHER}",
                       holds(ONE, NATIVE), "await:/tmp/options-go", mark("join"),
                       f"set:{OTHER}", mark("end"),
                       interrupts(OTHER, 100, NATIVE), *refused_at(NATIVE), *refused_at(PLACE),
                       # Who had the cookie made leaves; the doorbell is still mapped there.
                       f"release:{ONE}", f"unset:{ONE}", f"close:{ONE}", *refused_at(NATIVE),
                       interrupts(OTHER, 100, NATIVE))
    command = step[len("run "):]
    script.do("joined late", [f"spawn run {command}", "wait-text /tmp/run hold:", f"load {MODULE}",
                              "dump loaded", to(ONE, f"0x{PLACE[0]:x}"),
                              to(OTHER, f"0x{PLACE[0]:x}"), "options go on", "wait-job run",
                              "sleep 500", "dump after-it"],
              says(rf"load {MODULE} ok .*", f"write {file_of(ONE)} EBUSY",
                   f"write {file_of(OTHER)} ok"), keep("loaded"), check,
              complains(OTHER, 1, "join", "loaded"),
              moved("after-it", "loaded", {OTHER: PLACE}))
    step, check = served("after-it", PLACE, OTHER, count=100)
    script.do("alone", [step], check)
    unload(script)
    script.do("after", ["dump after"], same_dump("after", "before"))
    faults = run_script(name, kernel, topology, script, memory="2G", limit=240)
    return f"{len(script.stretches)} stretches", faults


# A firmware region over the window, as was seen on real hardware: 16 MiB from 0x7800000.
OVER = (0x7800000, 0x87fffff)


def with_hole(name, devices, slot, function, region):
    """A machine whose device tree has REGION, which must stay free, for one of its devices."""
    start, size = region[0], region[1] - region[0] + 1
    return Topology(name, "arm64", (), SMMU, devices, dts=f"""
/ {{
    reserved-memory {{
        #address-cells = <2>;
        #size-cells = <2>;
        ranges;
        hole: hole {{
            iommu-addresses = <&holed 0 0 0x{start:x} 0 0x{size:x}>;
        }};
    }};
    pcie@10000000 {{
        holed: edu@{slot},{function} {{
            reg = <0x{slot << 11 | function << 8:x} 0 0 0 0>;
            memory-region = <&hole>;
        }};
    }};
}};
""")


OVERLAP = with_hole("msi-overlap", (f"{EDU},addr=3", f"{EDU},addr=4"), 3, 0, OVER)


def overlap(key, name):
    """Firmware's region over the window is reported, and auto moves the window away."""
    kernel = kernels.get(key)
    script = Script()
    script.do("start", [f"write {UNSAFE} 1", "bind"])
    script.do("load", [f"load {MODULE}", "dump loaded"], says(rf"load {MODULE} ok .*"),
              keep("loaded"),
              lambda piece, state: overlap_told(piece, where(state["loaded"], ONE).id))
    script.do("said once", ["say again", f"unbind {OTHER}", f"bind {OTHER}", "sleep 300"],
              logged(0))
    script.do("auto", [to(ONE, "auto"), "dump cured"], says(f"write {file_of(ONE)} ok"),
              keep("cured"), in_log("below 4 GiB"),
              lambda _, state: clear_of(where(state["cured"], ONE), OVER))
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", ranges_are("cured", ONE),
                       interrupts(ONE, 100, (0, 0xffffffff)))
    script.do("VFIO", [step], check, lambda piece, state: [
        f"{line}, the window is {where(state['cured'], ONE).lines('msi_window')}"
        for line in piece.said("run") if "msi-address" in line and not in_window(
            int(line.split()[-1], 16), where(state["cured"], ONE))])
    script.do("on top", [to(ONE, "0x8000000"), "dump same"],
              says(f"write {file_of(ONE)} EADDRINUSE"), complains(ONE, base="loaded"),
              in_log(span(*OVER), "dt"), same_dump("same", "cured"))
    put(script, "back on top", ONE, "default")
    unload(script)
    # At load it is cured without a word about it but where the window went.
    script.do("by the parameter", [f"load {MODULE} msi_window=auto", "dump given"], keep("given"),
              lambda piece, state: clear_of(where(state["given"], ONE), OVER) +
              [line for line in piece.log if "interrupts, or DMA" in line])
    unload(script, "unload at the end")
    faults = run_script(name, kernel, OVERLAP, script, memory="1G", limit=120)
    return "", faults


# The second function of a slot has a region of its own.
INSIDE = (0x50010000, 0x5001ffff)
JOINS = with_hole("msi-joins", DEVICES, 7, 1, INSIDE)


def joins(key, name):
    """A device joins a group whose window is moved, and has a region there: it is told, once."""
    kernel = kernels.get(key)
    device = f"/sys/bus/pci/devices/{OTHER_FUNCTION}"
    script = Script()
    script.do("start", [f"write {UNSAFE} 1", "bind", f"write {device}/remove 1",
                        f"wait-gone {device}", f"load {MODULE}"],
              says(rf"load {MODULE} ok .*"))
    put(script, "move", MANY, f"0x{PLACE[0]:x}", in_log(span(*PLACE)))
    script.do("join", ["write /sys/bus/pci/rescan 1", f"wait {device}", f"bind {OTHER_FUNCTION}",
                       "sleep 500", "dump joined"],
              says(f"bind {OTHER_FUNCTION} ok"), keep("joined"),
              lambda piece, state: [] if OTHER_FUNCTION in where(state["joined"], MANY).names()
              else ["it did not join"],
              lambda piece, _: [f"the log does not tell '{word}': {piece.log}" for word in
                                (span(*INSIDE), OTHER_FUNCTION, "does not suit")
                                if sum(word in line for line in piece.log) == 0])
    script.do("said once", [f"unbind {ONE}", f"bind {ONE}", "sleep 400"], logged(0))
    script.do("auto", [to(MANY, "auto"), "dump cured"], says(f"write {file_of(MANY)} ok"),
              keep("cured"), in_log("the kernel's place"),
              lambda _, state: clear_of(where(state["cured"], MANY), INSIDE))
    step, check = play(*opened(MANY), ranges_are("cured", MANY), interrupts(MANY, 3, NATIVE),
                       interrupts(OTHER_FUNCTION, 3, NATIVE))
    script.do("VFIO", [step], check)
    unload(script)
    faults = run_script(name, kernel, JOINS, script, memory="1G", limit=120)
    return "", faults


# Behind a host bridge that does not pass all DMA on
GAPPED = Topology("msi-gaps", "arm64", (), SMMU, DEVICES, dts=GAP_TREE)


def gaps(key, name):
    """No window is where a host bridge passes no DMA on, but for the kernel's own: that is told."""
    kernel = kernels.get(key)
    page = 16384 if key.endswith("-16k") else 4096
    (_, first), (second, low), (top, _) = GAPS
    script = Script()
    before(script)
    script.do("load", [f"load {MODULE}", "dump loaded"], says(rf"load {MODULE} ok .*"),
              keep("loaded"), lambda piece, state: [
                  f"{len(told)} of {len(groups)} groups: {piece.log}" for told, groups in
                  [([x for x in piece.log if f"overlaps {span(0, first)} (pci-window" in x],
                    groups_of(state, "loaded"))] if len(told) != len(groups)])
    # From all sides; the kernel's own place, too.
    for start in (NATIVE[0], page, first + 1 - page, second, second - MB + page, low + 1 - page,
                  top - MB + page, top):
        script.do(f"0x{start:x}", [to(ONE, f"0x{start:x}"), "dump same"],
                  says(f"write {file_of(ONE)} EADDRINUSE"), complains(ONE, base="loaded"),
                  in_log("pci-window", "bridge", "pci0000:00"), same_dump("same", "loaded"))
    for value, start, by in (
            ("auto", second - MB, "auto"),
            (f"auto,avoid={span(first + 1, second - 1)}", 0xfff00000, "auto"),
            ("auto,avoid=0x0-0xffffffff", top - MB, "auto"),
            (f"0x{first + 1:x}", first + 1, "moved"), (f"0x{low + 1:x}", low + 1, "moved"),
            (f"0x{top - MB:x}", top - MB, "moved")):
        window = (start, start + MB - 1)
        put(script, value, ONE, value, in_log(span(*window)))
        script.do(f"{value}: dump", ["dump moved"], moved("moved", "loaded", {ONE: window}, by))
    step, check = served("moved", window, ONE)
    script.do("VFIO", [step], check)
    put(script, "default", ONE, "default", in_log("again"))
    script.do("back", ["dump back"], same_dump("back", "loaded"))
    unload(script)
    script.do("by the parameter", [f"load {MODULE} msi_window=auto", "dump given"], keep("given"),
              lambda _, state: clear_of(where(state["given"], ONE), GAPS[0]),
              lambda piece, _: [line for line in piece.log if "interrupts, or DMA" in line])
    unload(script, "unload at the end")
    script.do("after", ["dump after"], same_dump("after", "before"))
    faults = run_script(name, kernel, GAPPED, script, memory="2G", limit=240)
    return f"{len(script.stretches)} stretches", faults


def in_window(address, group):
    base, size, _ = group.lines("msi_window")[0].split()
    return int(base, 16) <= address < int(base, 16) + int(size, 16)


def overlap_told(piece, group):
    told = [line for line in piece.log if line.startswith(f"iommu_resv: group {group}: ")]
    if len(told) == 1 and "0x8000000-0x80fffff" in told[0] and span(*OVER) in told[0] and \
            ONE in told[0] and "auto" in told[0]:
        return []
    return [f"the overlap is not told: {piece.log}"]


def clear_of(group, region):
    base, size, by = group.lines("msi_window")[0].split()
    start, end = int(base, 16), int(base, 16) + int(size, 16) - 1
    faults = judge.check_group(group)
    if by != "auto" or start <= region[1] and end >= region[0]:
        faults.append(f"the window is {group.lines('msi_window')}")
    return faults


# Doorbells that nobody drives: what counts them goes by the device tree. One is for each device,
# in 64 KiB; one is switched off.
EXTRA = 20
DOORBELLS = Topology("msi-doorbells", "arm64", (), SMMU, (f"{EDU},addr=3",), dts="/ {\n" + "".join(
    f"\tdoorbell@a{n:03x}0000 {{ compatible = \"test,doorbell\"; msi-controller;\n"
    f"\t\treg = <0 0xa{n:03x}0000 0 0x10000>; }};\n" for n in range(EXTRA)) + """
    doorbell@b0000000 { compatible = "test,doorbell"; msi-controller;
        reg = <0 0xb0000000 0 0x10000>; socionext,synquacer-pre-its = <0x58000000 0x10000>; };
    doorbell@b0010000 { compatible = "test,doorbell"; msi-controller; status = "disabled";
        reg = <0 0xb0010000 0 0x10000>; };
};
""")


def doorbells(key, name):
    """No window is too small for the doorbells, and one that nobody sized is large enough. Any
    place that is accepted works, the last one that the IOMMU reaches, too."""
    kernel = kernels.get(key)
    page = 16384 if key.endswith("-16k") else 4096
    need = (EXTRA + 1) * page + 0x10000
    room = (EXTRA + 2) * 0x10000
    script = Script()
    before(script)
    script.do("load", [f"load {MODULE}", f"cat {FEATURES}", "dump loaded"],
              says(rf"load {MODULE} ok .*",
                   rf"\| msi-doorbells added - {EXTRA + 2} doorbells: .* 0x{need:x} bytes .*"),
              keep("loaded"))
    script.do("too small", [to(ONE, f"0x{PLACE[0]:x} 0x{need - page:x}"), "dump same"],
              says(f"write {file_of(ONE)} EINVAL"), complains(ONE, base="loaded"),
              in_log(f"{EXTRA + 2} doorbells", f"0x{need:x}"), same_dump("same", "loaded"))
    top = (1 << 48) - room
    for value, window, by in (
            (f"0x{PLACE[0]:x} 0x{need:x}", (PLACE[0], PLACE[0] + need - 1), "moved"),
            (f"0x{PLACE[0]:x}", (PLACE[0], PLACE[0] + room - 1), "moved"),
            (f"auto,avoid={span(*LOW)}", (0x100000000 - -(-room // MB) * MB,
                                          0x100000000 - -(-room // MB) * MB + room - 1), "auto"),
            ("auto,avoid=0x0-0xffffffff,avoid=0x10000000000-0xffffffffffff",
             (0x8000000000 - -(-room // MB) * MB,
              0x8000000000 - -(-room // MB) * MB + room - 1), "auto"),
            (f"0x{top:x}", (top, (1 << 48) - 1), "moved"),
            (f"0x{page:x}", (page, page + room - 1), "moved")):
        put(script, value, ONE, value)
        script.do(f"{value}: dump", ["dump moved"],
                  moved("moved", "loaded", {ONE: window}, by))
        step, check = play(*opened(ONE), ranges_are("moved", ONE),
                           *([GUEST] if window[0] > LOW[1] else []),
                           interrupts(ONE, 50, window))
        script.do(f"{value}: VFIO", [step], check)
    unload(script)
    script.do("after", ["dump after"], same_dump("after", "before"))
    faults = run_script(name, kernel, DOORBELLS, script, memory="2G", limit=240)
    return f"{EXTRA + 2} doorbells take 0x{need:x}, room is 0x{room:x}", faults


VIRTIO_MSI = Topology("msi-virtio", "arm64", (), "virt,gic-version=3",
                      ("virtio-iommu-pci,addr=2", f"{EDU},addr=3"), modules=("virtio_iommu",))


def virtio(key, name):
    """virtio-iommu: a host that gives a region for messages leaves no window; else it moves."""
    kernel = kernels.get(key)
    script = Script()
    before(script)
    script.do("load", [f"load {MODULE}", f"cat {file_of(ONE)}", "dump loaded",
                       f"cat {of(ONE, 'reserved_regions')}"],
              says(rf"load {MODULE} ok .*", r"\| none",
                   r"\| 0x0000000008090000 0x000000000809ffff msi"), keep("loaded"))
    script.do("hardware", [to(ONE, f"0x{PLACE[0]:x}"), "dump same"],
              says(f"write {file_of(ONE)} EOPNOTSUPP"), complains(ONE, base="loaded"),
              in_log("hardware"), same_dump("same", "loaded"))
    unload(script)
    faults = run_script(name, kernel, VIRTIO_MSI, script, limit=120)

    script = Script()
    before(script)
    script.do("load", [f"load {MODULE}", f"cat {HOOKS}", f"cat {FEATURES}", "dump loaded"],
              says(rf"load {MODULE} ok .*", r"\| viommu_get_resv_regions kprobe off \d+ 0 no.*",
                   r"\| msi-window-move added kprobe \S.*"), keep("loaded"))
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("moved", ["dump moved"], moved("moved", "loaded", {ONE: PLACE}))
    # Into what the host reserves, it is refused.
    script.do("onto the host's", [to(ONE, "0x40000000"), to(ONE, "0x1ff00000")],
              lambda piece, _: [x for x in piece.said("write") if not x.endswith("EADDRINUSE")])
    step, check = play(*opened(ONE), ranges_are("moved", ONE), *refused_at(PLACE),
                       f"try:{span(NATIVE[0], NATIVE[0] + 0xffff)}")
    script.do("moved, VFIO", [step], check)
    put(script, "default", ONE, "default")
    script.do("back", ["dump back"], same_dump("back", "loaded"))
    unload(script, "unload at the end")
    faults += run_script(f"{name}-holes", kernel, BY_NAME["virtio-holes"], script, limit=120)
    return "", faults


def none(key, name):
    """On x86 hardware fixes where messages go: no window, and none to be moved."""
    kernel = kernels.get(key)
    topology = DECLARE_MACHINE["amd64"]
    script = Script()
    before(script)
    script.do("load", [f"load {MODULE} msi_window=0x{PLACE[0]:x}", f"cat {FEATURES}",
                       "dump loaded"],
              says(rf"load {MODULE} ok .*", r"\| msi-window-move inert - \S.*"), keep("loaded"),
              lambda _, state: [f"group {n}: {g.lines('msi_window')}" for n, g in
                                groups_of(state, "loaded").items()
                                if g.lines("msi_window") != ["none"]])
    for value in ("0x50000000", "0x50000000 0x100000", "auto", "default"):
        script.do(value, [to(ONE, value), "dump same"], says(f"write {file_of(ONE)} EOPNOTSUPP"),
                  complains(ONE, base="loaded"), same_dump("same", "loaded"))
    script.do("junk", [to(ONE, "junk"), "dump same"], says(f"write {file_of(ONE)} EINVAL"),
              complains(ONE, base="loaded"), same_dump("same", "loaded"))
    unload(script)
    script.do("after", ["dump after", "vfio"], same_dump("after", "before"),
              same_vfio("after", "before"))
    faults = run_script(name, kernel, topology, script, limit=120)
    return "", faults


PROBES = "/sys/kernel/debug/kprobes/enabled"


def vfio_later(key, name):
    """VFIO's module comes after windows were moved: who shares a container has to agree, too."""
    kernel = kernels.get(key)
    later = ("vfio_iommu_type1",)
    files = [f"/lib/{module}" for module, _ in initramfs.pick(kernel, later)]
    script = Script()
    script.do("load", [f"load {MODULE} msi_window=0x{PLACE[0]:x}", f"cat {HOOKS}"],
              says(rf"load {MODULE} ok .*",
                   r"\| vfio_iommu_type1_attach_group kprobe off \d+ 0 the module .* not loaded"))
    script.do("VFIO comes", [*[f"load {file}" for file in files], f"write {UNSAFE} 1", "bind",
                             f"cat {HOOKS}", "dump moved"],
              says(rf"load {files[-1]} ok .*",
                   r"\| vfio_iommu_type1_attach_group kprobe active \d+ 0 -"), keep("moved"))
    step, check = served("moved", PLACE, ONE, OTHER, count=100)
    script.do("together", [step], check)
    put(script, "apart", OTHER, "default")
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", f"open:{OTHER}",
                       (f"set:{OTHER}", "EINVAL"), interrupts(ONE, 3, PLACE))
    script.do("refused", [step], check)
    unload(script)
    faults = run_script(name, kernel, machine("its", "dt"), script, memory="2G", limit=120,
                        later=later)
    return "", faults


READERS = 280       # more than a kretprobe has places


def off(key, name):
    """Probes are turned off for the whole machine: what is told is true, and default works."""
    kernel = kernels.get(key)
    topology = machine("its", "dt")

    def look(state):
        """Have all groups looked at, which may take a moment, until that is what is told."""
        return [f"unbind {OTHER}", f"bind {OTHER}",
                f"wait-text {FEATURES} msi-window-move {state}", "sleep 500"]

    script = Script()
    before(script)
    load(script)
    script.do("loaded", ["mount debugfs /sys/kernel/debug", "dump loaded"], keep("loaded"))
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("moved", ["dump moved"], moved("moved", "loaded", {ONE: PLACE}))
    good_step, good = served("moved", PLACE, ONE, count=3)
    step, check = stock(ONE)
    for n in range(2):
        script.do(f"probes off, {n}", [f"write {PROBES} 0", *look("inert"), f"cat {FEATURES}",
                                       f"dump off{n}",
                                       to(OTHER, f"0x{PLACE[0]:x}")],
                  says(f"write {PROBES} ok", r"\| msi-window-move inert - \S.*",
                       f"write {file_of(OTHER)} EOPNOTSUPP"),
                  same_but_features(f"off{n}", "loaded"))
        script.do(f"probes off, {n}, VFIO", [step], check)
        script.do(f"probes off, {n}, served", [good_step],
                  fails(good, f"{GUEST} EINVAL", "not into " + span(*PLACE), "ranges"))
        if n:
            put(script, "default without probes", ONE, "default")
        script.do(f"probes on, {n}", [f"write {PROBES} 1", *look("added"), f"cat {FEATURES}",
                                      f"dump on{n}"],
                  says(f"write {PROBES} ok", r"\| msi-window-move added kprobe \S.*"),
                  same_but_features(f"on{n}", "loaded" if n else "moved"))
        script.do(f"probes on, {n}, VFIO", [step if n else good_step], check if n else good)
    unload(script)
    # Loaded while they are off, with the parameter, which is in force as soon as they are on.
    script.do("load without probes", [f"write {PROBES} 0",
                                      f"load {MODULE} msi_window=0x{PLACE[0]:x}",
                                      f"cat {file_of(ONE)}"],
              says(rf"load {MODULE} ok .*", r"\| " + window_text(NATIVE, "kernel")))
    # The parameter is applied to the other groups a little later.
    script.do("probes come", [f"write {PROBES} 1", *look("added"),
                              f"wait-text {file_of(ONE)} moved", f"cat {file_of(ONE)}",
                              f"cat {FEATURES}"],
              # A driver's hook that never worked is tried again when hooks= is written.
              says(r"\| " + window_text(PLACE), r"\| msi-window-move added kretprobe \S.*"))
    script.do("probes come, VFIO", [good_step], good)
    # In use when they go, free when they come: nothing is held for ever.
    words = " ".join([*opened(ONE), f"hold:{ONE}", "pause"])
    script.do("gone meanwhile", [f"spawn user /vfio-check play {words}",
                                 "wait-text /tmp/user hold:", f"write {PROBES} 0", *look("inert"),
                                 "kill user", f"write {PROBES} 1", *look("added"),
                                 to(ONE, "default")],
              says(f"write {file_of(ONE)} ok"))
    unload(script, "unload at the end")
    script.do("after", ["dump after"], same_dump("after", "before"))
    faults = run_script(name, kernel, topology, script, memory="2G", limit=240)
    return "", faults


def same_but_features(label, base):
    """All groups are as in BASE; what the module says of itself may differ."""
    def check(piece, state):
        faults = keep(label)(piece, state)
        if faults:
            return faults
        now, then = groups_of(state, label), groups_of(state, base)
        return [f"group {n}: {file} is {text}, in {base} {then[n].files.get(file)}"
                for n in now for file, text in now[n].files.items()
                if text != then[n].files.get(file)]
    return check


def readers(key, backend, name):
    """However many read the kernel's list, the window is moved and who must be refused is."""
    test = backend != "kprobe"
    kernel = kernels.get(key, test=test)
    topology = machine("its", "dt")
    script = Script()
    before(script)
    load(script, words="test_group=1" if test else "", backend=backend)
    script.do("readers", [f"spawn r watch-many {READERS} {of(OTHER, 'reserved_regions')} msi",
                          "sleep 5000"])
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("moved", [f"cat {file_of(ONE)}", f"cat {of(ONE, 'reserved_regions')}", "dump moved"],
              says(r"\| " + window_text(PLACE), rf"\| 0x{PLACE[0]:016x} 0x{PLACE[1]:016x} msi"),
              keep("moved"))
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", f"open:{OTHER}",
                       (f"set:{OTHER}", "EINVAL"), interrupts(ONE, 3, PLACE))
    script.do("apart", [step], check)
    step, check = play("container", f"open:{OTHER}", f"set:{OTHER}", "iommu", f"open:{ONE}",
                       (f"set:{ONE}", "EINVAL"), interrupts(OTHER, 3, NATIVE))
    script.do("apart, the other way", [step], check)
    active(script, backend)
    put(script, "default", ONE, "default")
    script.do("they end", ["stop r"], says(f"r watchers={READERS} bad=0", "r exit 0"))
    unload(script)
    faults = run_script(name, kernel, topology, script, memory="1G", limit=300)
    return f"{READERS} readers", faults


CYCLES = 12


def cycles(key, name):
    """Moved, loaded and unloaded again and again while others read all files and use VFIO: nothing
    breaks, nothing is left, nothing is lost."""
    kernel = kernels.get(key)
    mounts = ["mount debugfs /sys/kernel/debug", "mount tracefs /sys/kernel/tracing"]
    steps = [*mounts, f"write {UNSAFE} 1", "bind", "hooked before", f"load {MODULE}",
             to(ONE, "0x50000000"), "allocs seen", to(ONE, "default"), "unload iommu_resv",
             "sleep 500", "allocs before", "spawn reader read-all",
             # Mostly free, but for a moment again and again; and never free
             f"spawn user /vfio-check loop {ONE} 250", f"spawn other /vfio-check loop {OTHER}",
             f"window-cycle {CYCLES} {MODULE} {file_of(ONE)}",
             "stop user", "stop other", "stop reader", f"load {MODULE}", to(ONE, "auto"),
             f"cat {HOOKS}", "dump loaded", f"run /vfio-check check {ONE}", "unload iommu_resv",
             "hooked end", "left", "sleep 1000", "allocs after"]
    vm = Vm(name, kernel, machine("its", "dt"), steps, memory="1G", smp=2, limit=420,
            append=APPEND + ("" if kernel.debug else " slub_debug=FZPU page_poison=1"))
    lines = vm.run()
    faults = vm.complaints() + hooks.all_ok(lines)
    told = [line.split() for line in judge.said(lines, "window-cycle")]
    if [t[:2] for t in told] != [[str(CYCLES), "0"]]:
        faults.append(f"window-cycle: {told}")
    for who in ("user", "other", "reader"):
        said = judge.said(lines, who)
        counts = dict(word.split("=") for line in said[:-1] for word in line.split())
        if said[-1:] != ["exit 0"] or int(counts.get("errors", 0)) or \
                int(counts.get("loops", counts.get("passes", 0))) < 20:
            faults.append(f"{who}: {said}")
    missed = [line for line in lines if line.startswith("| ") and
              hooks.HOOK.fullmatch(line[2:]) and hooks.HOOK.fullmatch(line[2:])[5] != "0"]
    faults += [f"missed: {line}" for line in missed]
    if "run msi=3/3" not in lines:
        faults.append(f"afterwards VFIO says {judge.said(lines, 'run')}")
    # KASAN keeps freed objects for a while, so counts say nothing there; kmemleak judges.
    if not kernel.debug:
        faults += hooks.grown(lines)
    faults += hooks.is_clean(lines, "before", "end", kernel.arch)
    return f"{CYCLES} times, {told[0][2] if told else '?'} tries met a group in use", faults


def table():
    """The tests by name, as in tests.py."""
    out = {}
    for key in ARM:
        for controller in CONTROLLERS:
            for firmware in ("dt", "acpi"):
                out[f"msi-window-{controller}-{firmware}-{key}"] = (main, controller, firmware,
                                                                    key, "kprobe")
        out[f"msi-window-shared-{key}"] = (shared, "its", "dt", key)
        out[f"msi-window-hotplug-{key}"] = (hotplug, "its", "dt", key)
        out[f"msi-window-killed-{key}"] = (killed, "its", "dt", key)
        out[f"msi-window-refused-{key}"] = (refusals, key)
        out[f"msi-window-overlap-{key}"] = (overlap, key)
    out["msi-window-its-dt-6.12-arm64-16k"] = (main, "its", "dt", "6.12-arm64-16k", "kprobe")
    # The other controller, and the other firmware.
    for key in ("5.10-arm64", "7-arm64"):
        out[f"msi-window-shared-v2m-acpi-{key}"] = (shared, "v2m", "acpi", key)
        out[f"msi-window-killed-v2m-acpi-{key}"] = (killed, "v2m", "acpi", key)
    out["msi-window-hotplug-v2m-7-arm64"] = (hotplug, "v2m", "dt", "7-arm64")
    out["msi-window-refused-6.12-arm64-16k"] = (refusals, "6.12-arm64-16k")
    for key in ("5.10-arm64", "6.12-arm64-16k", "7-arm64"):
        out[f"msi-window-doorbells-{key}"] = (doorbells, key)
    for key in ("5.10-arm64", "7-arm64"):
        out[f"msi-window-load-{key}"] = (parameter, key)
        out[f"msi-window-cycles-{key}"] = (cycles, key)
        out[f"msi-window-off-{key}"] = (off, key)
        out[f"msi-window-vfio-later-{key}"] = (vfio_later, key)
        out[f"msi-window-readers-{key}"] = (readers, key, "kprobe")
        out[f"msi-window-late-{key}"] = (late, key)
        out[f"msi-window-list-{key}"] = (main, "its", "dt", key, "kretprobe")
    # On 7.x a function that comes back has a group of its own.
    for key in ("5.10-arm64", "6.12-arm64"):
        out[f"msi-window-joins-{key}"] = (joins, key)
    for key in ("5.10-arm64", "6.12-arm64", "7-arm64"):
        out[f"msi-window-gaps-{key}"] = (gaps, key)
    for key in ("6.12-arm64", "7-arm64"):
        out[f"msi-window-virtio-{key}"] = (virtio, key)
    for key in X86:
        out[f"msi-window-none-{key}"] = (none, key)
    return out
