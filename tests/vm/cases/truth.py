# SPDX-License-Identifier: GPL-2.0-only
"""Tests truth-*: nothing fails open. While the hooks that add regions are switched, replaced or
short of memory, an attach has the hole or is refused. Moved windows and checks stay in force, or
the module says that they are not."""
from cases import SHARED, case, lacking
from expect import judge
from expect.declared import in_force, warned
from expect.said import keep, same_dump, says
from expect.window import window_text
from lab import kernels
from lab.machines import MACHINE, ONE, machine
from lab.topologies import PLAIN
from talk.declaring import before, cats, declaring, loading, unloading
from talk.script import Script, run, run_script
from talk.sections import sections
from talk.window import NATIVE, PLACE, file_of, load, put, served, unload
from talk.words import (CHECKS, FEATURES, FTRACE, HOLE, HOOKS, IGNORE, MODE, MODULE, PATCH, PROBES,
                        STOCK, UNUSED, of, span, text)

# docs/security.md: within three seconds the module notices that its hooks do not work.
NOTICED = "sleep 3000"

# truth-stress: attaches in a loop

LIST = of(ONE, "resv/declare")
# On PREEMPT_RT a round takes a minute, as each transition of the livepatch waits for all looping
# tasks.
ROUNDS = {"5.10-amd64": 3, "6.12-amd64-rt": 1}


def short():
    """Steps that make the stock lack half of the entries, then all, then none."""
    return [step for every in (2, 1, 0) for step in (f"write {STOCK} {every}", "sleep 300")]


def livepatches():
    """Steps that switch to the livepatch and back to kprobes."""
    gone = [f"write {PATCH}/enabled 0", f"wait-gone {PATCH}", "unload iommu_resv_livepatch"]
    return [f"write {MODE} livepatch", "sleep 300", *short(), f"write {MODE} kprobe",
            *gone,
            # Disable it by its own file while nothing else enforces.
            f"write {MODE} livepatch", *gone, f"write {MODE} auto"]


def stressed(least, seen):
    def check(piece, _):
        told = [line for line in piece.said("attacher") if line.startswith("attaches=")]
        if len(told) != 1:
            return [f"attacher: {piece.said('attacher')}"]
        count = {name: int(n) for name, n in (word.split("=") for word in told[0].split())}
        seen.extend(told)
        faults = [] if count["attaches"] >= least else [f"few attaches: {told}"]
        if count["open"] or count["other"]:
            faults.append(f"attaches without the hole: {piece.said('attacher')}")
        if not count["held"] or not count["refused"]:
            faults.append(f"nothing was tested: {told}")
        return faults
    return check


@case("truth-stress-{key}", tuple(ROUNDS))
def stress(key, name):
    """No attach lacks the declared region while hooks are switched, livepatches are loaded and
    removed, entries are missing and readers empty the stock."""
    kernel = kernels.get(key, test=True)
    by_livepatch = kernel.livepatch is not None and kernel.arch == "amd64"
    script, seen = Script(), []
    before(script)
    script.do("load", [f"load {MODULE} hooks=kprobe", f"write {LIST} add {text(HOLE)}"],
              says(rf"load {MODULE} ok .*", f"write {LIST} ok"))
    jobs = [f"attacher /vfio-check attaches {ONE} {span(*HOLE)}", "one read-all", "two read-all"]
    rounds = [*short(), *(livepatches() if by_livepatch else ["sleep 2000"])] * ROUNDS[key]
    script.do("stress", [*(f"spawn {job}" for job in jobs), "sleep 500", *rounds, "stop attacher",
                         "stop one", "stop two"],
              stressed(1000, seen))
    script.do("end", [f"cat {FEATURES}", f"write {LIST} remove {text(HOLE)}", "unload iommu_resv"],
              says(r"\| declared-regions added kprobe .*", f"write {LIST} ok",
                   "unload iommu_resv ok"))
    faults = run_script(name, kernel, MACHINE[kernel.arch], script, limit=300, smp=2)
    return " ".join(seen), faults


# truth-window: the hook of a moved window stops working

def died(number):
    def check(piece, _):
        lines = [line for line in piece.log
                 if "the MSI window is at the kernel's place" in line]
        return [] if len(lines) == number else [f"{len(lines)} warnings: {piece.log}"]
    return check


@case("truth-window-{key}", ("7-arm64",), boot=SHARED)
def window(key, name):
    """If probes are turned off while a window is moved, the module says so within 3 s, without a
    read of its files."""
    kernel = kernels.get(key)
    where = file_of(ONE)
    place = window_text(PLACE, "moved")
    native = window_text(NATIVE, "kernel")
    script = Script()
    before(script)
    load(script)
    script.do("loaded", ["mount debugfs /sys/kernel/debug", "dump loaded"], keep("loaded"))
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    for turn in ("first", "second"):
        script.do(f"off, {turn}", [f"write {PROBES} 0", NOTICED, f"cat {where}"],
                  says(f"write {PROBES} ok", r"\| " + native), died(1))
        script.do(f"off for long, {turn}", [NOTICED, f"cat {FEATURES}"],
                  says(r"\| msi-window-move inert - \S.*"), died(0))
        script.do(f"on, {turn}", [f"write {PROBES} 1", NOTICED, f"cat {where}"],
                  says(f"write {PROBES} ok", r"\| " + place))
    script.do("off, and asked at once", ["sleep 1000", f"write {PROBES} 0", f"cat {FEATURES}"],
              says(f"write {PROBES} ok", r"\| msi-window-move inert - \S.*"))
    script.do("on, and asked at once", ["sleep 1000", f"write {PROBES} 1", f"cat {FEATURES}"],
              says(f"write {PROBES} ok", r"\| msi-window-move added kprobe \S.*"))
    put(script, "default", ONE, "default")
    unload(script)
    return "", run_script(name, kernel, machine("its", "dt"), script)


# truth-leaving: looks at a group that VFIO is detaching

# Kernels whose driver has a blocking domain; without one, the kernel's looks like a user's domain.
BLOCKED = ("7-arm64",)
DETACH_MS = "/sys/module/iommu_resv/parameters/test_detach_ms"


@case("truth-leaving-{key}", ("6.1-arm64", "7-arm64"))
def leaving(key, name):
    """Between the call of a detach and its end the group still has its domain; the module does not
    take that for a new user."""
    kernel = kernels.get(key, test=True)
    step, check = served("moved", PLACE, ONE)
    script = Script()
    before(script)
    # With the switch the taps may miss users of iommufd, so the looks count, not only the taps.
    load(script, words="test_iommufd=1" if key in BLOCKED else "")
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("moved", ["dump moved"], keep("moved"))
    # The module looks at groups with moved windows every 1.5 s.
    for turn in range(3):
        script.do(f"slow, {turn}", [f"write {DETACH_MS} 2500", step], check)
        script.do(f"still, {turn}", [f"write {DETACH_MS} 0", "dump still"],
                  same_dump("still", "moved"))
    put(script, "default", ONE, "default")
    unload(script)
    return "", run_script(name, kernel, machine("its", "dt"), script,
                          memory="2G", limit=240, smp=2)


# truth-pinned: unloading the module cannot end the checks of a running guest

def pinned_steps(arch):
    device, (low, _) = lacking.DEVICE[arch], lacking.WINDOW[arch]
    page = f"0x{low + 0x1000:x}-0x{low + 0x1fff:x}"
    steps = ["bind", IGNORE]
    for label, end in (("closed", []), ("unchecked", [f"write {CHECKS} off"])):
        steps += [f"spawn {label} /vfio-check play container open:{device} set:{device} iommu "
                  f"try:0x1000000-0x1000fff await:/tmp/options-{label} try:{page}",
                  "sleep 2000", f"say held-{label}", "unload iommu_resv", *end,
                  f"options {label}", f"wait-job {label}", UNUSED,
                  f"say free-{label}", "unload iommu_resv", IGNORE]
    return [*steps, "say end", "unload iommu_resv", "left"]


def judge_pinned(lines):
    section, faults = sections(lines), []
    for label, last in (("closed", "EINVAL"), ("unchecked", "ok")):
        told = [line.split()[-1] for line in judge.said(lines, label) if " try:" in line]
        if told != ["ok", last]:
            faults.append(f"{label}: {judge.said(lines, label)}")
        for part, want in ((f"held-{label}", ("EBUSY", "EAGAIN")), (f"free-{label}", ("ok",))):
            got = judge.said(section.get(part, []), "unload")
            if [line.split()[-1] in want for line in got] != [True]:
                faults.append(f"{part}: {got}")
    return faults + [f"left {path}" for path in judge.said(lines, "left")]


@case("truth-pinned-{key}", ("5.10-amd64",), boot=SHARED)
def pinned(key, name):
    """The module cannot be unloaded while a guest with checked maps runs, and goes on checking."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, PLAIN[kernel.arch], pinned_steps(kernel.arch), judge_pinned,
                   limit=180)[1]


@case("truth-dead-probes-{key}", ("5.10-amd64", "6.12-amd64-rt", "7-arm64"),
      switch=PROBES, boot=SHARED)
# Only on x86 do these kprobes use ftrace.
@case("truth-no-ftrace-{key}", ("5.10-amd64", "6.12-amd64"), switch=FTRACE,
      boot=SHARED)
def dead(switch, key, name):
    """When a switch of the kernel turns probes off and on again, the module notices it by itself
    within 3 s, and its files and the log say so."""
    kernel = kernels.get(key)
    script = Script()
    before(script)
    loading(script, "kprobe")
    declaring(script, "declare", ONE, "add", [HOLE])
    script.do("declared", ["mount debugfs /sys/kernel/debug", "dump declared", *cats(ONE)],
              keep("declared"), in_force(True))
    for turn in ("first", "second"):
        # Nothing reads the module's files while the step sleeps.
        script.do(f"off, {turn}", [f"write {switch} 0", NOTICED, *cats(ONE)],
                  says(f"write {switch} ok"), in_force(False), warned(1))
        script.do(f"off for long, {turn}", [NOTICED], warned(0))
        script.do(f"on, {turn}", [f"write {switch} 1", NOTICED, *cats(ONE)],
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
