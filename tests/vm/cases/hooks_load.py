# SPDX-License-Identifier: GPL-2.0-only
"""Tests hooks-load: the modes at load and at run time, the files, and switching."""
import re
from functools import partial

from cases import SHARED, case
from expect import judge
from expect.hooks import (Hook, LEFT, Section, all_ok, hooked, is_clean, is_hooked, leaves, logged,
                          not_hooked)
from lab import kernels
from lab.topologies import ARM, DEBUG, PLAIN, X86
from talk.script import run
from talk.words import (ACTIVE, ADD, DISABLE, FILES, GROUP, LIST, LISTED, LIVEPATCH, MODE, MODULE,
                        MOUNTS, READS, REMOVE, RESTED, SHOWN)


# hooks-load: modes, the file, switching

def load_steps(arch):
    steps = [*MOUNTS, "bind", "hooked before", "say bad", f"load {MODULE} hooks=nonsense",
             "hooked bad", "left"]
    for mode in ("default", "auto", "kprobe", "none"):
        steps += [f"say {mode}", f"load {MODULE}" + (f" hooks={mode}" if mode != "default" else ""),
                  *FILES, f"hooked {mode}", *[LIST] * READS,
                  f"say {mode}-read", *FILES, f"write {MODE} nonsense", ADD, LIST,
                  f"say {mode}-undeclare", REMOVE, *FILES, LIST,
                  f"say {mode}-after", "unload iommu_resv", f"hooked {mode}-after", "left"]
    if arch == "arm64":
        return steps + ["say livepatch", f"load {MODULE} hooks=livepatch", "sleep 500", *FILES, ADD,
                        "say switch", "unload iommu_resv", f"load {MODULE} hooks=kprobe", ADD,
                        f"write {MODE} livepatch", *FILES, LIST, REMOVE,
                        "say end", "unload iommu_resv", "hooked end", "left"]
    steps += [  # the core requests the livepatch
        "say livepatch", f"load {MODULE} hooks=livepatch", ACTIVE, *FILES, "hooked livepatch",
        *[LIST] * READS,
        "say livepatch-read", *FILES, f"write {MODE} nonsense", ADD, LIST,
        "say livepatch-undeclare", REMOVE, LIST, f"write {MODE} none", *FILES,
        "cat /tmp/modprobe.log",
        "say livepatch-kept", "unload iommu_resv",
        "say livepatch-off", *DISABLE, *RESTED, *FILES, ADD, LIST, REMOVE,
        "say livepatch-after", "unload iommu_resv", "hooked livepatch-after", "left",
        # the livepatch by hand, beside kprobes
        "say hand", f"load {MODULE}", f"load {LIVEPATCH}", ACTIVE, *RESTED, *FILES, ADD, LIST,
        REMOVE, "hooked hand", *DISABLE,
        "say hand-off", *RESTED, *FILES, "unload iommu_resv", "hooked hand-after", "left",
        # switching while a region is declared
        "say switch", f"load {MODULE} hooks=kprobe", ADD, LIST,
        f"spawn watcher watch {GROUP}/reserved_regions {SHOWN.split(' ', maxsplit=1)[0]}",
        "sleep 200",
        "say to-livepatch", f"write {MODE} livepatch", *FILES, LIST, "hooked to-livepatch",
        "sleep 200",
        "say back", f"write {MODE} kprobe", *FILES, LIST, "sleep 200",
        "say disabled", *DISABLE, *FILES, LIST, "hooked disabled", "sleep 200",
        "say again", f"write {MODE} livepatch", *FILES, LIST,
        "say again-back", *DISABLE, *FILES, LIST,
        "say refused", f"write {MODE} none", *FILES, LIST,
        "say watched", "stop watcher",
        "say off", REMOVE, f"write {MODE} none", *FILES, "hooked off", LIST, ADD,
        "say on", f"write {MODE} kprobe", *FILES, ADD, LIST, REMOVE,
        "say end", "unload iommu_resv", "hooked end", "left",
    ]
    return steps


def judge_load(lines, arch):
    patches = arch == "amd64"
    absent = "off" if patches else None
    faults = []
    refused = {("load", 0)}

    bad = Section(lines, "bad", faults)
    if not bad.lines or bad.told("load", MODULE)[0].split()[0] != "EINVAL":
        bad.fault("hooks=nonsense is not refused")
    faults += logged(lines, r"^iommu_resv: hooks=nonsense .*auto.*kprobe.*livepatch.*none",
                     6 if patches else 5)
    faults += is_clean(lines, "before", "bad", arch)

    for mode in ("default", "auto", "kprobe"):
        now = Section(lines, mode, faults)
        read = Section(lines, f"{mode}-read", faults)
        after = Section(lines, f"{mode}-undeclare", faults)
        for part in (now, read, after):
            part.mode("auto" if mode == "default" else mode)
            part.resting()
            part.livepatch(absent, "not loaded" if patches else "")
            part.feature("added", "kprobe")
        faults += not_hooked(lines, mode)
        if not now.hits("kprobe") or read.hits("kprobe") != now.hits("kprobe"):
            read.fault(f"{now.hits('kprobe')} hits, then {READS} reads, then "
                       f"{read.hits('kprobe')}")
        read.expect(f"write {MODE}", ["EINVAL"])
        read.expect(f"write {GROUP}/resv/declare", ["ok"])
        read.shows()
        after.expect(f"write {GROUP}/resv/declare", ["ok"])
        now.shows(False)
        after.shows(False)
        faults += is_clean(lines, "before", f"{mode}-after", arch)

    off = Section(lines, "none", faults)
    tried = Section(lines, "none-read", faults)
    for part in (off, tried):
        part.mode("none")
        part.kprobes(None)
        part.livepatch(absent, "not loaded" if patches else "")
        part.feature("inert", "-")
    faults += is_clean(lines, "before", "none-after", arch)
    tried.expect(f"write {GROUP}/resv/declare", ["EOPNOTSUPP"])
    tried.shows(False)
    faults += not_hooked(lines, "none")

    if arch == "arm64":
        no = Section(lines, "livepatch", faults)
        no.mode("livepatch")
        no.livepatch(None)
        no.kprobes(None)
        no.feature("inert", "-")
        no.expect(f"write {GROUP}/resv/declare", ["EOPNOTSUPP"])
        switch = Section(lines, "switch", faults)
        switch.expect(f"write {MODE}", ["EOPNOTSUPP"])
        switch.expect(f"write {GROUP}/resv/declare", ["ok", "ok"])
        switch.mode("kprobe")
        switch.kprobes("active")
        switch.shows()
        faults += is_clean(lines, "before", "end", arch)
        return faults + all_ok(lines, refused)

    now = Section(lines, "livepatch", faults)
    read = Section(lines, "livepatch-read", faults)
    after = Section(lines, "livepatch-undeclare", faults)
    for part in (now, read, after):
        part.mode("livepatch")
        part.kprobes(None)
        part.livepatch("active")
        part.feature("added", "livepatch")
    faults += is_hooked(lines, "before", "livepatch", now.hooks)
    if read.hits("livepatch") < now.hits("livepatch") + READS:
        read.fault(f"{now.hits('livepatch')} hits, then {READS} reads, then "
                   f"{read.hits('livepatch')}")
    read.expect(f"write {MODE}", ["EINVAL"])
    read.expect(f"write {GROUP}/resv/declare", ["ok"])
    read.shows()
    after.expect(f"write {GROUP}/resv/declare", ["ok"])
    after.shows(False)
    after.expect(f"write {MODE}", ["EBUSY"])
    if "iommu_resv_livepatch ok" not in after.text("/tmp/modprobe.log"):
        after.fault(f"modprobe was asked for {after.text('/tmp/modprobe.log')}")
    kept = Section(lines, "livepatch-kept", faults)
    if kept.told("unload") not in (["iommu_resv EAGAIN"], ["iommu_resv EBUSY"]):
        kept.fault(f"the core is unloaded under the livepatch: {kept.told('unload')}")
    refused.add(("unload", 4))
    gone = Section(lines, "livepatch-off", faults)
    # When the livepatch is disabled by its own file, kprobes take its place.
    gone.mode("auto")
    gone.livepatch("off", "not loaded")
    gone.resting()
    gone.feature("added", "kprobe")
    gone.expect(f"write {GROUP}/resv/declare", ["ok", "ok"])
    gone.shows()
    faults += is_clean(lines, "before", "livepatch-after", arch)

    hand = Section(lines, "hand", faults)
    hand.mode("auto")
    hand.resting()
    hand.livepatch("active")
    hand.feature("added", "kprobe,livepatch")
    hand.shows()
    faults += is_hooked(lines, "before", "hand", hand.hooks)
    part = Section(lines, "hand-off", faults)
    part.resting()
    part.livepatch("off", "not loaded")
    part.feature("added", "kprobe")
    faults += is_clean(lines, "before", "hand-after", arch)

    for label, mode, kprobes, patch, by in (
            ("to-livepatch", "livepatch", None, "active", "livepatch"),
            ("back", "kprobe", "active", "active", "kprobe,livepatch"),
            ("disabled", "kprobe", "active", "off", "kprobe"),
            ("again", "livepatch", None, "active", "livepatch"),
            ("again-back", "auto", "active", "off", "kprobe"),
            ("refused", "auto", "active", "off", "kprobe")):
        part = Section(lines, label, faults)
        part.mode(mode)
        part.kprobes(kprobes)
        part.livepatch(patch)
        part.feature("added", by)
        part.shows()
        if label not in ("disabled", "again-back"):
            part.expect(f"write {MODE}", ["EBUSY" if label == "refused" else "ok"])
    Section(lines, "switch", faults).shows()
    faults += is_hooked(lines, "before", "to-livepatch",
                        [Hook(LISTED, "livepatch", "active", 0, 0, "-")])
    # Before v5.19 the bracket of VFIO's attach stays hooked from the first declaration on, in every
    # mode: see group/attach.c. The return of the list is hooked, too: see declare/guard.c.
    left = [line for kind, line in hooked(lines, "to-livepatch")[0] - hooked(lines, "before")[0]
            if kind == "kprobe" and "vfio_iommu_type1_attach_group" not in line]
    if len(left) != 1 or f"  r  {LISTED}+" not in left[0]:
        faults.append(f"to-livepatch: kprobes are left, or no return is looked at: {left}")
    told = Section(lines, "watched", faults).told("watcher")
    m = re.fullmatch(r"reads=(\d+) without=(\d+) errors=(\d+)", told[0] if told else "")
    if not m or int(m[1]) < 100 or m[2] != "0" or m[3] != "0":
        faults.append(f"the reader of reserved_regions: {told}")
    part = Section(lines, "off", faults)
    part.mode("none")
    part.kprobes(None)
    part.feature("inert", "-")
    part.expect(f"write {GROUP}/resv/declare", ["ok", "EOPNOTSUPP"])
    part.shows(False)
    part = Section(lines, "on", faults)
    part.expect(f"write {MODE}", ["ok"])
    part.expect(f"write {GROUP}/resv/declare", ["ok", "ok"])
    part.resting()
    part.shows()
    faults += is_clean(lines, "before", "end", arch)
    return faults + all_ok(lines, refused)


PLANTED_LOAD = (
    (r"^load /iommu_resv.ko EINVAL", "load /iommu_resv.ko ok"),
    (r"^log iommu_resv: hooks=nonsense .*?$", "log iommu_resv: what?"),
    (r"(_resv_regions kprobe) active (\d+) 0 -$", r"\1 off \2 0 why"),
    (r"kprobe active (\d+) 0 -$", r"kprobe active \1 3 -"),
    (r"kprobe active (\d+) 0 -$", r"kprobe active \1 0 why"),
    (r"kprobe active (\d+) 0 -$", r"kprobe  active \1 0 -"),
    (r"(^say default-read$.*?_resv_regions kprobe off )\d+", r"\g<1>2"),
    (r"(^say default$.*?_resv_regions kprobe) off (\d+) 0 .*?$", r"\1 active \2 0 -"),
    (r"(^say default-read$.*?)^write \S+/declare ok$", r"\1write x/declare EOPNOTSUPP"),
    (r"(^say default-undeclare$.*?)(^file \S+/reserved_regions ok$)", rf"\1\2\n| {SHOWN}"),
    (r"(^say kprobe-read$.*?)^\| 0x0000000040000000 .*?$", r"\1| -"),
    (r"(^say kprobe-read$.*?)^write \S+/hooks EINVAL$", rf"\1write {MODE} ok"),
    (r"(^say none$.*?declared-regions) inert - ", r"\1 added kprobe "),
    (r"(^say none-read$.*?/declare) EOPNOTSUPP$", r"\1 ok"),
    (r"^hooked default read kprobe ok$", rf"\g<0>\nhooked default {LEFT}"),
    (r"^hooked none read kprobe ok$", rf"\g<0>\nhooked none {LEFT}"),
    (r"^unload iommu_resv ok$", "unload iommu_resv EAGAIN"),
    (r"^bind (\S+) ok", r"bind \1 ENODEV"),
    (r"^say auto$", "say something"),
    (r"^hooked auto-after read kprobe ok$", r"\g<0>\nleft /sys/kernel/iommu_resv"),
    *leaves("default-after"), *leaves("end"), *leaves("bad"),
)
PLANTED_LOAD_AMD64 = PLANTED_LOAD + (
    (r"(?<=without=)0", "1"), (r"(?<=reads=)\d+", "7"),
    (r"livepatch active (\d+) 0 -$", r"livepatch inert \1 0 why"),
    (r"(^say livepatch-read$.*?livepatch active )\d+", r"\g<1>0"),
    (r"(^say livepatch-kept$.*?^unload iommu_resv) \S+$", r"\1 ok"),
    (r"^\| iommu_resv_livepatch ok$", "| iommu_resv_livepatch ENOENT"),
    (r"(^say to-livepatch$.*?^write \S+) ok$", r"\1 ETIMEDOUT"),
    (r"(^say back$.*?)^\| 0x0000000040000000 .*?$", r"\1| -"),
    (r"(^say again-back$.*?_resv_regions kprobe) active (\d+) 0 -$", r"\1 inert \2 0 why"),
    (r"(^say refused$.*?^write \S+) EBUSY$", r"\1 ok"),
    (r"^hooked to-livepatch ftrace iommu_get.*?$", "#"),
    (r"^hooked hand-after read kprobe ok$", r"\g<0>\nhooked hand-after livepatch x"),
    *leaves("livepatch-after"),
)


@case("hooks-load-{key}", X86 + ARM, boot=SHARED)
@case("debug-hooks-load-{arch}", DEBUG, part="debug")
def load(key, name):
    """Every mode works at load and at run time, and the file `hooks` is right. The region is on
    the list while the mode is switched. The unload leaves nothing behind."""
    kernel = kernels.get(key)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], load_steps(kernel.arch),
                        partial(judge_load, arch=kernel.arch),
                        PLANTED_LOAD_AMD64 if kernel.arch == "amd64" else PLANTED_LOAD,
                        limit=240)
    watched = [line for line in judge.said(lines, "watcher") if line.startswith("reads=")]
    return " ".join(watched), faults
