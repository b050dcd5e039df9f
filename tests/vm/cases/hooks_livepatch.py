# SPDX-License-Identifier: GPL-2.0-only
"""Tests hooks-other and hooks-version: livepatches of other modules, or of another version."""
from cases import case
from expect.hooks import Section, all_ok, is_clean, leaves, logged
from lab import kernels
from lab.topologies import PLAIN, X86
from talk.script import run
from talk.words import (ACTIVE, ADD, DISABLE, FILES, GROUP, HOOKS, LIST, LISTED, LIVEPATCH, MODE,
                        MODULE, MOUNTS, PATCH, REMOVE, RESTED)

# hooks-other: another module's livepatch

OTHER = "other_livepatch"
OTHER_PATCH = f"/sys/kernel/livepatch/{OTHER}"
OTHER_COMES = [f"load /{OTHER}.ko", f"wait {OTHER_PATCH}/transition",
               f"wait-text {OTHER_PATCH}/transition 0"]
OTHER_GOES = [f"write {OTHER_PATCH}/enabled 0", f"wait-gone {OTHER_PATCH}", f"unload {OTHER}"]


def other_module(key):
    """{name: bytes} of the other livepatch, for a VM with the kernel KEY."""
    built = kernels.build_module(key, kernels.HERE / "guest" / "other-livepatch", name=OTHER)
    return {f"{OTHER}.ko": built.read_bytes()}


def other_steps():
    return [*MOUNTS, "bind", "hooked before", *OTHER_COMES,
            "say kprobe", f"load {MODULE} hooks=kprobe", *FILES, ADD, LIST,
            "say hand", f"load {LIVEPATCH}", *FILES, LIST,
            "say switch", f"write {MODE} livepatch", *FILES, LIST, REMOVE,
            "say livepatch", "unload iommu_resv", f"load {MODULE} hooks=livepatch",
            f"wait-text {HOOKS} livepatch inert", *FILES, ADD,
            "say free", "unload iommu_resv", *OTHER_GOES, f"load {MODULE} hooks=livepatch", ACTIVE,
            *FILES,
            # The other livepatch comes last, so it counts.
            "say on-top", ADD, LIST, *OTHER_COMES, "sleep 3000", *FILES, LIST, *OTHER_GOES,
            "say end", REMOVE, LIST, *DISABLE, "unload iommu_resv", "hooked end", "left"]


def judge_other(lines):
    faults = []
    now = Section(lines, "kprobe", faults)
    now.resting()
    now.feature("added", "kprobe")
    now.expect(f"write {GROUP}/resv/declare", ["ok"])
    now.shows()
    hand = Section(lines, "hand", faults)
    if [line.split()[0] for line in hand.told("load", LIVEPATCH)] != ["EBUSY"]:
        hand.fault(f"load of the livepatch: {hand.told('load', LIVEPATCH)}, expected EBUSY")
    faults += logged(lines, rf"^iommu_resv.*{LISTED}.*{OTHER}")
    switch = Section(lines, "switch", faults)
    if switch.told("write", MODE) in ([], ["ok"]):
        switch.fault(f"hooks=livepatch: {switch.told('write', MODE)}")
    for part in (hand, switch):
        part.mode("kprobe")
        part.kprobes("active")
        part.livepatch("inert", OTHER)
        part.feature("added", "kprobe")
        part.shows()
    no = Section(lines, "livepatch", faults)
    no.mode("livepatch")
    no.livepatch("inert", OTHER)
    no.feature("inert", "-")
    no.expect(f"write {GROUP}/resv/declare", ["EOPNOTSUPP"])
    free = Section(lines, "free", faults)
    free.livepatch("active")
    # With another livepatch on top of ours, the module says so and kprobes take over.
    top = Section(lines, "on-top", faults)
    top.livepatch("inert", OTHER)
    top.kprobes("active")
    top.feature("added", "kprobe")
    top.shows()
    Section(lines, "end", faults).shows(False)
    faults += is_clean(lines, "before", "end", "amd64")
    return faults + all_ok(lines, {("load", 2)})


PLANTED_OTHER = (
    (r"(^say hand$.*?ko) EBUSY", r"\1 ok"),
    (r"(^say kprobe$.*?kprobe) off (\d+) 0 nothing [a-z ]*$", r"\1 inert \2 0 why"),
    (r"(^say hand$.*?)^\| 0x0000000040000000 .*?$", r"\1| -"),
    (r"(^say switch$.*?^write \S+) \S+$", r"\1 ok"),
    (r"(^say on-top$.*?^file \S+/features ok$.*?)^\| 0x0000000040000000 .*?$", r"\1| -"),
    (r"(^say on-top$.*?livepatch) inert (\d+) 0 .*?$", r"\1 active \2 0 -"),
    (r"(^say switch$.*?livepatch inert [^\n]*)other_livepatch", r"\1somebody"),
    (r"(^say livepatch$.*?/declare) EOPNOTSUPP$", r"\1 ok"),
    *leaves("end"),
)


# Older kernels do not export the functions that the other livepatch needs.
@case("hooks-other-{key}", X86[2:])
def other(key, name):
    """If another livepatch has the function, the module names it and leaves it alone; kprobes go
    on."""
    kernel = kernels.get(key)
    return "", run(name, kernel, PLAIN["amd64"], other_steps(), judge_other, PLANTED_OTHER,
                   extra=other_module(key))[1]


# hooks-version: a livepatch of another version than the loaded core, as after an upgrade

NEWER = "/newer.ko"


def version_steps():
    return [*MOUNTS, "bind", "hooked before", "say newer", f"load {MODULE}", f"load {NEWER}",
            *RESTED, *FILES, ADD, LIST, REMOVE, "say ours", f"load {LIVEPATCH}",
            f"wait {PATCH}/transition", *FILES, "say end", *DISABLE, "unload iommu_resv",
            "hooked end", "left"]


def judge_version(lines):
    faults = []
    newer = Section(lines, "newer", faults)
    if [line.split()[0] for line in newer.told("load", NEWER)] != ["ENOEXEC"]:
        newer.fault(f"load of the livepatch: {newer.told('load', NEWER)}, expected ENOEXEC")
    newer.livepatch("inert", "another version")
    newer.resting()
    newer.shows()
    faults += logged(lines, r"^iommu_resv: livepatch: version .*next, "
                            r"but iommu_resv has version .*; unload")
    # The livepatch of the right version still loads.
    ours = Section(lines, "ours", faults)
    if [line.split()[0] for line in ours.told("load", LIVEPATCH)] != ["ok"]:
        ours.fault(f"load of our livepatch: {ours.told('load', LIVEPATCH)}")
    faults += is_clean(lines, "before", "end", "amd64")
    return faults + all_ok(lines, {("load", 1)})


PLANTED_VERSION = (
    (r"(^load /newer.ko) ENOEXEC", r"\1 ok"),
    (r"another version", "somebody"),
    (r"^(log iommu_resv: livepatch: version) ", r"\1s "),
    *leaves("end"),
)


# This kernel does not compare the prototypes of symbols, so only the module compares versions.
@case("hooks-version-{key}", ("7-amd64",))
def version(key, name):
    """A livepatch of another version does not load, and the log names it; kprobes go on."""
    kernel = kernels.get(key)
    tree = kernels.CACHE / f"{name}-tree"
    kernels.copy_tree(tree)
    changelog = tree / "debian/changelog"
    changelog.write_text(changelog.read_text().replace(")", "+next)", 1))
    built = kernels.build_module(key, tree, name="iommu_resv_livepatch")
    return "", run(name, kernel, PLAIN["amd64"], version_steps(), judge_version, PLANTED_VERSION,
                   extra={NEWER[1:]: built.read_bytes()})[1]
