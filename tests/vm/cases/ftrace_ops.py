# SPDX-License-Identifier: GPL-2.0-only
"""The module's own ftrace_ops, which hook functions on x86 before v5.5: beside livepatches of the
same function, in either order, and with kprobes turned off.

On the kernels of the tests kprobes do not exclude livepatches, so a switch of the test build makes
the module use its own ops there."""
from cases import case
from cases.hooks_livepatch import OTHER_COMES, OTHER_GOES, other_module
from expect import judge
from expect.hooks import Section, all_ok, hooked
from lab import kernels
from lab.topologies import PLAIN
from talk.script import run
from talk.words import ADD, DEVICE, FILES, LIST, LISTED, MODULE, MOUNTS, REMOVE

WORDS = "hooks=kprobe test_ftrace=1 test_group=1"
KPROBES = "/sys/kernel/debug/kprobes/enabled"
FTRACE = "/proc/sys/kernel/ftrace_enabled"
CHECK = f"run /vfio-check check {DEVICE}"
# In each of these sections a region is declared.
DECLARED = ("first", "patched", "probes-off", "ftrace-off", "unpatched", "second")


def steps():
    return [*MOUNTS, "bind", "hooked before",
            "say first", f"load {MODULE} {WORDS}", ADD, LIST, CHECK, "hooked first", *FILES,
            "say patched", *OTHER_COMES, LIST, CHECK, "hooked patched", *FILES,
            "say probes-off", f"write {KPROBES} 0", LIST, CHECK, *FILES, f"write {KPROBES} 1",
            "say ftrace-off", f"write {FTRACE} 0", LIST, CHECK, *FILES,
            "say unpatched", *OTHER_GOES, LIST, CHECK, *FILES,
            "say removed", REMOVE, LIST, "unload iommu_resv", "hooked removed", "left",
            "say second", *OTHER_COMES, f"load {MODULE} {WORDS}", ADD, LIST, CHECK, *FILES,
            "say end", REMOVE, LIST, "unload iommu_resv", *OTHER_GOES, LIST, "hooked end", "left"]


def ops(lines, label):
    """Functions that have ftrace_ops by the kernel's list, and those whose ops redirect them."""
    found = {line.split()[0]: " I " in f"{line} " for kind, line in hooked(lines, label)[0]
             if kind == "ftrace"}
    return set(found), {name for name, redirects in found.items() if redirects}


def judge_all(lines):
    faults = []
    for label in DECLARED:
        now = Section(lines, label, faults)
        mine = now.of("ftrace")
        if [(hook.symbol, hook.state) for hook in mine] != [(LISTED, "active")]:
            now.fault(f"{mine}, expected {LISTED} ftrace active")
        if any(hook.backend in ("kprobe", "kretprobe") for hook in now.hooks):
            now.fault(f"a kprobe is used: {now.hooks}")
        if not any(hook.backend == "ftrace-return" for hook in now.hooks):
            now.fault(f"no return is hooked: {now.hooks}")
        now.feature("added", "ftrace")
        now.shows()
        vfio = now.told("run")
        if "open=ok" not in vfio or not any(word.startswith("range=") for word in vfio):
            now.fault(f"VFIO: {vfio}")
        for start, end in judge.pairs(word.partition("=")[2] for word in vfio
                                      if word.startswith("range=")):
            if start <= 0x40000fff and end >= 0x40000000:
                now.fault(f"VFIO offers 0x{start:x}-0x{end:x}, of which a part is declared")
    hits = [sum(hook.hits for hook in Section(lines, label, faults).of("ftrace"))
            for label in DECLARED[:-1]]
    if hits != sorted(set(hits)):
        faults.append(f"hits of {LISTED}: {hits}, expected more each time")
    first, redirected = ops(lines, "first")
    if LISTED not in first or redirected:
        faults.append(f"first: ftrace_ops at {first}, of which {redirected} redirect")
    if LISTED not in ops(lines, "patched")[1]:
        faults.append(f"patched: the livepatch does not redirect {LISTED}")
    if Section(lines, "ftrace-off", faults).told("write", FTRACE) != ["EBUSY"]:
        faults.append(f"ftrace can be turned off: {judge.said(lines, 'write', FTRACE)}")
    for label in ("removed", "end"):
        Section(lines, label, faults).shows(False)
        left = ops(lines, label)[0] - ops(lines, "before")[0]
        if left:
            faults.append(f"{label}: ftrace_ops are left at {left}")
    return faults + all_ok(lines)


PLANTED = (
    (rf"(^say patched$.*?{LISTED} ftrace) active (\d+) 0 -$", r"\1 inert \2 0 why"),
    (r"(^say patched$.*?)^\| 0x0000000040000000 .*?$", r"\1| -"),
    (r"(^say second$.*?)^\| 0x0000000040000000 .*?$", r"\1| -"),
    (r"(^say probes-off$.*?declared-regions added) ftrace", r"\1 kprobe"),
    (rf"(^write {FTRACE}) EBUSY", r"\1 ok"),
    (r"(^say patched$.*?range=0x0000000000000000 0x00000000)3fffffff", r"\g<1>4fffffff"),
    (r"^hooked end read ftrace ok$", rf"\g<0>\nhooked end ftrace {LISTED} (1) R"),
)


@case("truth-ftrace-{key}", ("5.10-amd64",))
def beside(key, name):
    """The module's ops and a livepatch work on the same function, in either order."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, PLAIN["amd64"], steps(), judge_all, PLANTED,
                   extra=other_module(key))[1]
