# SPDX-License-Identifier: GPL-2.0-only
"""Tests on kernels that report faults (tests/debug): lockdep, KASAN, kmemleak and others.

Tests of other parts are repeated on such a kernel. There every report of the kernel is a fault, and
so is a memory leak; see lab.vm.debug_faults()."""
from cases import case, load
from expect import judge
from lab import kernels
from lab.topologies import DEBUG, PLAIN
from talk.script import run
from talk.words import ACTIVE, DISABLE, GROUP, MODULE, MOUNTS, REGION, SHOWN

# So many loads and unloads must leave nothing behind.
CYCLES = 200


@case("debug-cycles-{arch}", DEBUG, part="debug")
def cycles(key, name):
    """The module can be loaded and unloaded as in load-cycles, but more often."""
    return load.cycles(key, name, CYCLES)


# Upper limit of the allocations of one operation.
ALLOCATIONS = 3000
ADD, REMOVE = f"add {REGION}", f"remove {REGION}"
MOVED, MOVED_SHOWN = "0x50000000", "0x0000000050000000 "


def failing_steps(arch):
    """Steps that do every operation, again for each of its allocations, which is made to fail."""
    def write(label, file, text, undo):
        return f"fail-nth {label} {ALLOCATIONS} write {GROUP}/resv/{file} {text} / {undo}"

    steps = [*MOUNTS, "bind"]
    for mode in ("kprobe", "livepatch") if arch == "amd64" else ("kprobe",):
        loads = f"{MODULE} hooks={mode}"
        steps += [f"fail-nth load-{mode} {ALLOCATIONS} load {loads}"]
        if mode == "livepatch":
            steps += [ACTIVE]
        steps += [write(f"add-{mode}", "declare", ADD, REMOVE),
                  write(f"remove-{mode}", "declare", REMOVE, ADD)]
        if arch == "arm64":
            steps += [write(f"move-{mode}", "msi_window", MOVED, "default"),
                      write(f"back-{mode}", "msi_window", "default", MOVED)]
        if mode == "livepatch":
            steps += DISABLE
        steps += [f"fail-nth unload-{mode} {ALLOCATIONS} unload {loads}", "left"]
    return steps


# {operation: (line of the kernel's list, is it there after success)}; after a failure it is the
# other way round.
LISTS = {"add": (SHOWN, True), "remove": (SHOWN, False), "move": (MOVED_SHOWN, True),
         "back": (MOVED_SHOWN, False)}


def judge_failing(lines, arch):
    faults = [f"left {path}" for path in judge.said(lines, "left")]
    faults += [f"{word} {line}" for word in ("failed", "unknown-step")
               for line in judge.said(lines, word)]
    labels = [f"{what}-{mode}" for mode in (("kprobe", "livepatch") if arch == "amd64" else
                                            ("kprobe",))
              for what in ("load", "add", "remove", "unload") +
              (("move", "back") if arch == "arm64" else ())]
    for label in labels:
        what = label.split("-", maxsplit=1)[0]
        told = [line.split() for line in judge.said(lines, "fail", label)]
        ended = judge.said(lines, "fail-end", label)
        if not ended or not ended[0].isdigit() or int(ended[0]) < 3:
            faults.append(f"{label}: ended with {ended}")
        if not told or told[-1][1] != "ok":
            faults.append(f"{label}: with no failure: {told[-1:]}")
        for n, errno, state in told:
            if errno not in ("ok", "ENOMEM"):
                faults.append(f"{label}: allocation {n} fails: {errno}")
            there = {"load": errno == "ok", "unload": errno != "ok"}.get(what, True)
            if state != ("loaded" if there else "absent"):
                faults.append(f"{label}: allocation {n} fails: {errno}, and the module is {state}")
            if what in LISTS:
                shown, wanted = LISTS[what]
                listed = any(line.startswith(shown)
                             for line in judge.said(lines, "fail-list", f"{label}.{n}"))
                if listed != (wanted == (errno == "ok")):
                    faults.append(f"{label}: allocation {n} fails: {errno}, and the list is "
                                  f"{judge.said(lines, 'fail-list', f'{label}.{n}')}")
    return faults


@case("debug-failslab-{arch}", DEBUG, part="debug")
def failing(key, name):
    """If any single allocation of load, declare, move or unload fails, the operation is done
    completely or not at all, and nothing leaks."""
    kernel = kernels.get(key)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], failing_steps(kernel.arch),
                        lambda lines: judge_failing(lines, kernel.arch), limit=240)
    return "; ".join(f"{line}" for line in judge.said(lines, "fail-end")), faults
