# SPDX-License-Identifier: GPL-2.0-only
"""The hooks: how they come and go, what they say, what they cost, and what is left after them.

Each test has its steps and a function that judges the transcript alone, so that planted faults can
be shown to it (see planted())."""
import re
from dataclasses import dataclass, replace
from functools import partial

import declare
import judge
import kernels
from topologies import ARM, BY_NAME, EDU, PLAIN, SLOTS, X86
from vm import Vm

MODULE = "/iommu_resv.ko"
LIVEPATCH = "/iommu_resv_livepatch.ko"
HOOKS = "/sys/kernel/iommu_resv/hooks"
FEATURES = "/sys/kernel/iommu_resv/features"
MODE = "/sys/module/iommu_resv/parameters/hooks"
PATCH = "/sys/kernel/livepatch/iommu_resv_livepatch"
DEVICE = "0000:00:03.0"
GROUP = f"/sys/bus/pci/devices/{DEVICE}/iommu_group"
LISTED = "iommu_get_group_resv_regions"
REGION = "0x40000000 0x40000fff"
SHOWN = "0x0000000040000000 0x0000000040000fff reserved"
READS = 5
# What the hooks of declared regions say while there is none: they were tested, and are out.
RESTING = "nothing is declared"

MOUNTS = ["mount debugfs /sys/kernel/debug", "mount tracefs /sys/kernel/tracing"]
FILES = [f"cat {HOOKS}", f"cat {FEATURES}", f"cat {MODE}"]
LIST = f"cat {GROUP}/reserved_regions"
ADD = f"write {GROUP}/resv/declare add {REGION}"
REMOVE = f"write {GROUP}/resv/declare remove {REGION}"
# What takes the livepatch away, without the command.
DISABLE = [f"write {PATCH}/enabled 0", f"wait-gone {PATCH}", "unload iommu_resv_livepatch"]
ACTIVE = f"wait-text {HOOKS} livepatch active"


@dataclass
class Hook:
    symbol: str
    backend: str
    state: str
    hits: int
    missed: int
    reason: str


HOOK = re.compile(r"(\S+) (kprobe|kretprobe|ftrace|ftrace-return|livepatch) "
                  r"(off|inert|active|draining) "
                  r"(\d+) (\d+) (\S.*)")


def parse(lines):
    """The hooks that these lines of the file tell of, and faults of its form."""
    hooks, faults = [], []
    for line in lines:
        m = HOOK.fullmatch(line)
        if not m:
            faults.append(f"hooks: bad line '{line}'")
            continue
        hook = Hook(m[1], m[2], m[3], int(m[4]), int(m[5]), m[6])
        hooks.append(hook)
        if (hook.reason == "-") != (hook.state == "active"):
            faults.append(f"hooks: state and reason do not fit: '{line}'")
        if hook.missed:
            faults.append(f"hooks: missed: '{line}'")
    if len({(hook.symbol, hook.backend) for hook in hooks}) != len(hooks):
        faults.append(f"hooks: told twice: {lines}")
    return hooks, faults


def sections(lines):
    """{text: lines after "say TEXT", until the next one}; "" is what comes before all."""
    out = {"": []}
    now = out[""]
    for line in lines:
        if line.startswith("say "):
            now = out.setdefault(line[4:], [])
        now.append(line)
    return out


def files(lines):
    """{path: (status, lines)}, the last that was told of each."""
    out, text = {}, []
    for line in lines:
        word = line.split(" ")
        if word[0] == "file":
            text = []
            out[word[1]] = (word[2], text)
        elif word[0] == "|":
            text.append(line[2:])
    return out


OBSERVED = ("iommu_attach_group", "iommu_detach_group", "iommu_domain_free",
            "vfio_iommu_type1_attach_group")


def of_window(hook):
    """It is there for the MSI window, not for declared regions."""
    return hook.backend == "kretprobe" or hook.symbol in ("iommu_alloc_resv_region", *OBSERVED)


class Section:
    """One section's answers; faults are collected as they are found."""

    def __init__(self, lines, label, faults):
        parts = sections(lines)
        self.label = label
        self.faults = faults
        self.lines = parts.get(label, [])
        self.files = files(self.lines)
        if label not in parts:
            self.fault("was never reached")
        self.hooks, bad = parse(self.text(HOOKS)) if HOOKS in self.files else ([], [])
        faults += [f"{label}: {fault}" for fault in bad]

    def fault(self, text):
        self.faults.append(f"{self.label}: {text}")

    def text(self, path):
        return self.files.get(path, ("missing", []))[1]

    def of(self, backend):
        return [hook for hook in self.hooks if hook.backend == backend and not of_window(hook)]

    def hits(self, backend):
        return sum(hook.hits for hook in self.of(backend))

    def told(self, *head):
        return judge.said(self.lines, *head)

    def expect(self, head, wanted):
        """All lines that begin with the words HEAD go on so."""
        told = self.told(*head.split())
        if told != wanted:
            self.fault(f"{head}: {told}, expected {wanted}")

    def mode(self, wanted):
        if self.text(MODE) != [wanted]:
            self.fault(f"the parameter reads {self.text(MODE)}, expected {wanted}")

    def feature(self, state, by):
        told = [line.split(" ", 3) for line in self.text(FEATURES)
                if line.startswith("declared-regions ")]
        if len(told) != 1 or told[0][1:3] != [state, by] or len(told[0]) != 4:
            self.fault(f"features: {told}, expected declared-regions {state} {by} and why")
        elif state == "inert" and told[0][3] == "-":
            self.fault("features: declared-regions is inert, and nothing says why")

    def kprobes(self, state):
        """There are some, all in this STATE; or none for STATE None."""
        found = [hook.state for hook in self.of("kprobe")]
        if set(found) != ({state} if state else set()):
            self.fault(f"kprobes {self.of('kprobe')}, expected {state}")

    def resting(self):
        """There are some kprobes, none of which is in; see RESTING."""
        self.kprobes("off")
        if any(hook.reason != RESTING for hook in self.of("kprobe")):
            self.fault(f"kprobes {self.of('kprobe')}, expected '{RESTING}'")

    def livepatch(self, state, reason=""):
        """One, in this STATE; or none for STATE None."""
        found = self.of("livepatch")
        if not state:
            if found:
                self.fault(f"{found}, though this kernel has no livepatches")
        elif len(found) != 1 or found[0].state != state or reason not in found[0].reason:
            self.fault(f"livepatch {found}, expected {state} {reason}")

    def shows(self, wanted=True):
        """Is the declared region in the kernel's own list?"""
        status, lines = self.files.get(f"{GROUP}/reserved_regions", ("missing", []))
        if status != "ok" or (SHOWN in lines) != wanted:
            self.fault(f"reserved_regions {status}: {lines}, "
                       f"expected with{'' if wanted else 'out'} {SHOWN}")


def hooked(lines, label):
    """What the kernel says is hooked: ({(kind, line)}, {kind: answer of the file})."""
    found, reads = set(), {}
    for line in judge.said(lines, "hooked", label):
        kind, _, rest = line.partition(" ")
        if kind == "read":
            reads.update([rest.split(" ", 1)])
        else:
            found.add((kind, rest))
    return found, reads


def is_clean(lines, before, after, arch):
    """Nothing is hooked that was not before, and nothing of the modules is there."""
    (first, _), (last, reads) = hooked(lines, before), hooked(lines, after)
    # Only those of x86 hook by ftrace, and some of arm64 have none.
    for kind in ("kprobe", "ftrace") if arch == "amd64" else ("kprobe",):
        if reads.get(kind) != "ok":
            return [f"{after}: what is hooked cannot be read ({kind}: {reads.get(kind)})"]
    return [f"{after}: {kind} {line} is left" for kind, line in sorted(last - first)]


def is_hooked(lines, before, now, hooks):
    """The kernel's own lists have HOOKS, which say that they are active."""
    new = hooked(lines, now)[0] - hooked(lines, before)[0]
    faults = []
    for hook in hooks:
        kind = "ftrace" if hook.backend == "livepatch" else "kprobe"
        there = any(k == kind and re.search(rf"\b{re.escape(hook.symbol)}\b", line)
                    for k, line in new)
        if hook.state == "active" and not there:
            faults.append(f"{now}: the kernel knows nothing of {hook}")
    return faults


def logged(lines, pattern, number=None):
    told = [line for line in judge.said(lines, "log") if re.search(pattern, line)]
    if len(told) == number or number is None and told:
        return []
    return [f"'{pattern}' is {len(told)} times in the log, expected {number or 'some'}"]


def all_ok(lines, but=()):
    """Loads, unloads, mounts and binds that failed, but those that were to: {(command, number)}."""
    faults = []
    for command in ("load", "unload", "mount", "bind", "wait", "wait-gone", "wait-text"):
        for n, line in enumerate(judge.said(lines, command)):
            if "ok" not in line.split() and (command, n) not in but:
                faults.append(f"{command} {line}")
    return faults + [f"{c} {line}" for c in ("failed", "unknown-step", "left")
                     for line in judge.said(lines, c)]


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
    steps += [  # the core brings the livepatch
        "say livepatch", f"load {MODULE} hooks=livepatch", ACTIVE, *FILES, "hooked livepatch",
        *[LIST] * READS,
        "say livepatch-read", *FILES, f"write {MODE} nonsense", ADD, LIST,
        "say livepatch-undeclare", REMOVE, LIST, f"write {MODE} none", *FILES,
        "cat /tmp/modprobe.log",
        "say livepatch-kept", "unload iommu_resv",
        "say livepatch-off", *DISABLE, *FILES, ADD, LIST, REMOVE,
        "say livepatch-after", "unload iommu_resv", "hooked livepatch-after", "left",
        # the livepatch by hand, beside kprobes
        "say hand", f"load {MODULE}", f"load {LIVEPATCH}", ACTIVE, "sleep 1000", *FILES, ADD, LIST,
        REMOVE,
        "hooked hand", *DISABLE,
        "say hand-off", *FILES, "unload iommu_resv", "hooked hand-after", "left",
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


def not_hooked(lines, label):
    """Who only loads the module has sysfs, but no hook."""
    return [f"{label}: {kind} {line} is hooked" for kind, line in
            sorted(hooked(lines, label)[0] - hooked(lines, "before")[0])
            if kind in ("kprobe", "ftrace", "livepatch")]


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
    # Before v5.19 the bracket of VFIO's attach is seen from the first declaration on, whatever the
    # mode is: see group/attach.c.  And a return of the list is looked at, see declare/guard.c.
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


# Faults that a test plants in its own transcript, if that is right: the judge has to see each.
# (pattern, what it becomes); the first place where it is found.
LEFT = "kprobe ffffffff81000000  k  intel_iommu_get_resv_regions+0x4    [FTRACE]"


def leaves(label):
    """Something is still hooked; it cannot be known what is."""
    return ((rf"^hooked {label} read kprobe ok$", rf"\g<0>\nhooked {label} {LEFT}"),
            (rf"^hooked {label} read kprobe ok$", rf"hooked {label} read kprobe ENOENT"))


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


def planted(judging, lines, faults):
    """Faults that JUDGING, a function of lines, does not see in LINES."""
    text, out = "\n".join(lines), []
    for pattern, becomes in faults:
        wrong, n = re.subn(pattern, becomes, text, count=1, flags=re.M | re.S)
        if not n:
            out.append(f"there is nothing like '{pattern}' to plant a fault in")
        elif not judging(wrong.split("\n")):
            out.append(f"the planted fault '{pattern}' -> '{becomes}' is not seen")
    return out


def run(name, kernel, topology, steps, judging, faults=(), **options):
    """(lines, faults) of one VM. FAULTS: to be planted."""
    actions = {key: options.pop(key) for key in ("actions", "meanwhile") if key in options}
    vm = Vm(name, kernel, topology, steps, **options)
    lines = vm.run(**actions)
    found = judging(lines) + vm.complaints()
    return lines, found or planted(judging, lines, faults)


def load(key, name):
    """Every mode at load and at run time; the file; nothing is left; switching has no gap."""
    kernel = kernels.get(key)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], load_steps(kernel.arch),
                        partial(judge_load, arch=kernel.arch),
                        PLANTED_LOAD_AMD64 if kernel.arch == "amd64" else PLANTED_LOAD,
                        limit=240)
    watched = [line for line in judge.said(lines, "watcher") if line.startswith("reads=")]
    return " ".join(watched), faults


# hooks-inlined: a function that the compiler put into its callers

INLINED = "iommu_get_resv_regions"


def inlined_steps(arch):
    steps = [*MOUNTS, "bind", "hooked before",
             "say kprobe", f"load {MODULE} hooks=kprobe test_symbol={INLINED}", *FILES, ADD, LIST,
             "hooked kprobe", "say kprobe-after", "unload iommu_resv", "hooked kprobe-after",
             "left"]
    if arch == "amd64":
        steps += [f"options iommu_resv_livepatch test_symbol={INLINED}",
                  "say livepatch", f"load {MODULE} hooks=livepatch",
                  f"wait-text {HOOKS} livepatch inert", *FILES, ADD, LIST,
                  "say livepatch-after", f"wait-gone {PATCH}", "unload iommu_resv_livepatch",
                  "unload iommu_resv", "hooked livepatch-after", "left"]
    return steps


def judge_inlined(lines, arch):
    faults = []
    for backend in ("kprobe", "livepatch") if arch == "amd64" else ("kprobe",):
        now = Section(lines, backend, faults)
        now.mode(backend)
        found = [hook for hook in now.of(backend) if hook.symbol == INLINED]
        if len(found) != 1 or found[0].state != "inert" or "fire" not in found[0].reason:
            now.fault(f"{now.hooks}, expected {INLINED} {backend} inert, as it does not fire")
        now.feature("inert", "-")
        now.expect(f"write {GROUP}/resv/declare", ["EOPNOTSUPP"])
        now.shows(False)
        faults += is_clean(lines, "before", f"{backend}-after", arch)
        faults += logged(lines, rf"^iommu_resv: hook {INLINED} \({backend}\) is off: .*fire", 1)
    left = {kind for kind, _ in hooked(lines, "kprobe")[0] - hooked(lines, "before")[0]}
    if left & {"kprobe", "ftrace"}:
        faults.append(f"kprobe: it is inert, and still hooked: {left}")
    return faults + all_ok(lines)


PLANTED_INLINED = (
    (r"kprobe inert (\d+) 0 .*?$", r"kprobe active \1 0 -"),
    (r"kprobe inert (\d+) 0 .*?$", r"kprobe inert \1 0 because"),
    (r"declared-regions inert - ", "declared-regions added kprobe "),
    (r"(/declare) EOPNOTSUPP$", r"\1 ok"),
    (r"^hooked kprobe read kprobe ok$", rf"\g<0>\nhooked kprobe {LEFT}"),
    (r"^log iommu_resv: hook iommu_get.*?$", "log"),
    *leaves("kprobe-after"),
)


def inlined(key, name):
    """A hook that loads but never fires says so, and enforces nothing."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, PLAIN[kernel.arch], inlined_steps(kernel.arch),
                   partial(judge_inlined, arch=kernel.arch), PLANTED_INLINED)[1]


# hooks-steps: each step of an installation fails once

STEPS_MAX = 60
WINDOW = "0x50000000"


def steps_steps(arch):
    steps = [*MOUNTS, "bind", "hooked before", f"inject {MODULE} kprobe {STEPS_MAX} hooks=kprobe",
             f"inject {MODULE} parameter {STEPS_MAX} declare={DEVICE}:{REGION.replace(' ', '-')}"]
    if arch == "arm64":
        steps += [f"inject {MODULE} window {STEPS_MAX} msi_window={WINDOW}"]
    if arch == "amd64":
        steps += [f"inject {MODULE} livepatch {STEPS_MAX} hooks=livepatch",
                  f"inject-switch {MODULE} on {STEPS_MAX} kprobe livepatch {GROUP}",
                  f"inject-switch {MODULE} back {STEPS_MAX} livepatch kprobe {GROUP}"]
    return steps + ["hooked end", "left"]


def injected(lines):
    """{label.N: (result, steps, [names of the steps that failed])}, by the order of transcripts
    and log: each "try" begins with a load, which the log tells of by failing steps."""
    return {f"{w[0]}.{w[1]}": (w[2], w[3])
            for w in (line.split() for line in judge.said(lines, "inject"))}


def failed_steps(lines):
    """Names of the steps that failed, in turn."""
    found = (re.match(r"iommu_resv: test: step \d+ \((.*)\) fails", text)
             for text in judge.said(lines, "log"))
    return [m[1] for m in found if m]


def judge_steps(lines, arch, least):
    faults = []
    results = injected(lines)
    names = failed_steps(lines)
    labels = ("kprobe", "parameter")
    labels += ("livepatch", "on", "back") if arch == "amd64" else ("window",)
    failing = 0
    for label in labels:
        mine = [key for key in results if key.split(".")[0] == label]
        if not mine:
            faults.append(f"{label}: no step was tried")
            continue
        if len(mine) >= STEPS_MAX:
            faults.append(f"{label}: after {STEPS_MAX} steps there were more")
        for key in mine:
            last = key == mine[-1]
            result, _ = results[key]
            failing += not last
            faults += one_step(lines, key, label, result, last, arch)
    if len(names) != failing:
        faults.append(f"{failing} steps were made to fail, the log tells of {len(names)}: {names}")
    if len(set(names)) < least:
        faults.append(f"{len(set(names))} different steps, expected {least}: {sorted(set(names))}")
    faults += is_clean(lines, "before", "end", arch)
    return faults + all_ok(lines)


def window_step(lines, key, hooks, last):
    """The window can be moved if one of the two ways works, and all that is observed."""
    # The first way needs to know whose window it is, from the hooks that declared regions have.
    by_device = all(hook.state == "active" or hook.reason == RESTING
                    for hook in hooks if not of_window(hook))
    hooks = [hook for hook in hooks if of_window(hook)]
    # The entry and the return of a function are places of their own. One that had no memory is
    # off until it is wanted again: the next look at a group may have come already.
    good = {hook.symbol for hook in hooks} - {hook.symbol for hook in hooks
                                              if hook.state == "inert" or
                                              hook.reason == "no memory"}
    told = [line.split(" ", 3) for line in judge.said(lines, "features", key)
            if line.startswith("msi-window-move ")]
    wanted = ["inert", "-"]
    if good.issuperset(OBSERVED):
        if "iommu_alloc_resv_region" in good and by_device:
            wanted = ["added", "kprobe"]
            # Once it has failed for a look, lists are edited both ways until no window is moved.
            if not last and LISTED in good and [words[2] for words in told] == ["kretprobe"]:
                wanted = ["added", "kretprobe"]
        elif LISTED in good:
            wanted = ["added", "kretprobe"]
    # While a region is declared, the return of the list is looked at: see declare/guard.c.
    faults = [f"{key}: {hook}, though no window is moved" for hook in hooks
              if hook.state == "active" and not key.startswith("window.") and
              (hook.symbol, hook.backend) != (LISTED, "kretprobe")]
    if len(told) != 1 or told[0][1:3] != wanted or told[0][3:] in ([], ["-"]):
        faults.append(f"{key}: features: {told}, expected msi-window-move {wanted}; {hooks}")
    return faults


def one_step(lines, key, label, result, last, arch):
    """What there was after one step had failed; LAST: none had, and all must be well."""
    hooks, faults = parse(judge.said(lines, "hooks", key))
    faults = [f"{key}: {fault}" for fault in faults]
    if arch == "arm64" and result == "ok":
        faults += window_step(lines, key, hooks, last)
    hooks = [hook for hook in hooks if not of_window(hook)]
    feature = [line.split(" ", 3) for line in judge.said(lines, "features", key)
               if line.startswith("declared-regions ")]
    state = feature[0][1] if feature else "missing"
    active = [hook for hook in hooks if hook.state == "active" or hook.reason == RESTING]
    switching = label in ("on", "back")
    if last and (result != "ok" or state != "added" or not active):
        faults.append(f"{key}: no step fails: {result}, {feature}, {hooks}")
    elif switching:
        # The old backend or the new: in any case the region is enforced.
        mode = judge.said(lines, "mode", key)
        wanted = {"on": ("livepatch", "kprobe"), "back": ("kprobe", "livepatch")}[label]
        # A livepatch that fails a later test of it is replaced by kprobes.
        replaced = mode == ["auto"] and any(hook.backend == "kprobe" for hook in active)
        if mode != [wanted[0] if result == "ok" else wanted[1]] and not replaced:
            faults.append(f"{key}: {result}, and the mode is {mode}")
        if SHOWN not in judge.said(lines, "list", key):
            faults.append(f"{key}: the declared region is not in the kernel's list any more")
        if state != "added" or not active:
            faults.append(f"{key}: {feature} {hooks}, though a region is declared")
    elif result == "ok" and not last:
        # What failed may have been tried again, for the next group: then all is well.
        well = state == "added" and active and len(active) == len(
            [hook for hook in hooks if hook.backend == active[0].backend])
        if not well and (state != "inert" or feature[0][3:] in ([], ["-"]) or active):
            faults.append(f"{key}: loaded, and {feature}: expected inert and why; {hooks}")
    elif result != "ok" and (hooks or feature):
        faults.append(f"{key}: refused with {result}, and there is {hooks} {feature}")
    return faults + is_clean(lines, "before", key, arch)


PLANTED_STEPS = (
    (r"^log iommu_resv: test: step 1 .*?$", "log"),
    (r"^inject kprobe 1 ENOMEM", "inject kprobe 1 ok"),
    (r"^(features kprobe\.\d+ declared-regions) inert - ", r"\1 added kprobe "),
    (r"^(features kprobe\.\d+ declared-regions inert -) .*?$", r"\1 -"),
    (r"^(hooks kprobe\.\d+ \S+ kprobe) inert (\d+) 0 .*?$", r"\1 active \2 0 -"),
    (r"^hooked kprobe.2 read kprobe ok$", r"\g<0>\nfailed unload iommu_resv EAGAIN"),
    *leaves("kprobe.1"), *leaves("kprobe.6"), *leaves("end"),
)
PLANTED_STEPS_AMD64 = PLANTED_STEPS + (
    (r"^list on.1 0x0000000040000000 .*?$", "list on.1 -"),
    (r"^list back.2 0x0000000040000000 .*?$", "list back.2 -"),
    (r"^mode on.1 kprobe$", "mode on.1 livepatch"),
    *leaves("livepatch.5"), *leaves("back.1"),
)


def steps(key, least, name):
    """The Nth step fails, for all N: inert or not loaded, and nothing stays hooked."""
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], steps_steps(kernel.arch),
                        partial(judge_steps, arch=kernel.arch, least=least),
                        PLANTED_STEPS_AMD64 if kernel.arch == "amd64" else PLANTED_STEPS, limit=400)
    names = failed_steps(lines)
    steps_failed = ", ".join(sorted(set(names)))
    return f"{len(names)} failures of {len(set(names))} steps: {steps_failed}", faults


# hooks-other: somebody else's livepatch

OTHER = "other_livepatch"
OTHER_PATCH = f"/sys/kernel/livepatch/{OTHER}"
OTHER_COMES = [f"load /{OTHER}.ko", f"wait {OTHER_PATCH}/transition",
               f"wait-text {OTHER_PATCH}/transition 0"]
OTHER_GOES = [f"write {OTHER_PATCH}/enabled 0", f"wait-gone {OTHER_PATCH}", f"unload {OTHER}"]


def other_module(key):
    """{name: bytes} of that livepatch, for a VM with the kernel KEY."""
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
            # The other comes last, and is on top.
            "say on-top", ADD, LIST, *OTHER_COMES, "sleep 3000", *FILES, LIST, *OTHER_GOES,
            "say end", REMOVE, LIST, *DISABLE, "unload iommu_resv", "hooked end", "left"]


def judge_other(lines):
    faults = []
    now = Section(lines, "kprobe", faults)
    now.kprobes("active")
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
    # Another one on top of ours: that is told, and kprobes take over.
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
    (r"(^say kprobe$.*?kprobe) active (\d+) 0 -$", r"\1 inert \2 0 why"),
    (r"(^say hand$.*?)^\| 0x0000000040000000 .*?$", r"\1| -"),
    (r"(^say switch$.*?^write \S+) \S+$", r"\1 ok"),
    (r"(^say on-top$.*?^file \S+/features ok$.*?)^\| 0x0000000040000000 .*?$", r"\1| -"),
    (r"(^say on-top$.*?livepatch) inert (\d+) 0 .*?$", r"\1 active \2 0 -"),
    (r"(^say switch$.*?livepatch inert [^\n]*)other_livepatch", r"\1somebody"),
    (r"(^say livepatch$.*?/declare) EOPNOTSUPP$", r"\1 ok"),
    *leaves("end"),
)


def other(key, name):
    """Another livepatch has the function: named, not fought; kprobes go on."""
    kernel = kernels.get(key)
    return "", run(name, kernel, PLAIN["amd64"], other_steps(), judge_other, PLANTED_OTHER,
                   extra=other_module(key))[1]


# hooks-version: the livepatch of another version, as an upgrade leaves it beside the loaded core

NEWER = "/newer.ko"


def version_steps():
    return [*MOUNTS, "bind", "hooked before", "say newer", f"load {MODULE}", f"load {NEWER}",
            *FILES, ADD, LIST, REMOVE, "say ours", f"load {LIVEPATCH}", f"wait {PATCH}/transition",
            *FILES, "say end", *DISABLE, "unload iommu_resv", "hooked end", "left"]


def judge_version(lines):
    faults = []
    newer = Section(lines, "newer", faults)
    if [line.split()[0] for line in newer.told("load", NEWER)] != ["ENOEXEC"]:
        newer.fault(f"load of the livepatch: {newer.told('load', NEWER)}, expected ENOEXEC")
    newer.livepatch("inert", "another version")
    newer.resting()
    newer.shows()
    faults += logged(lines, r"^iommu_resv: livepatch: it is version .*next, "
                            r"iommu_resv is .*; unload")
    # The right one still comes.
    ours = Section(lines, "ours", faults)
    if [line.split()[0] for line in ours.told("load", LIVEPATCH)] != ["ok"]:
        ours.fault(f"load of our livepatch: {ours.told('load', LIVEPATCH)}")
    faults += is_clean(lines, "before", "end", "amd64")
    return faults + all_ok(lines, {("load", 1)})


PLANTED_VERSION = (
    (r"(^load /newer.ko) ENOEXEC", r"\1 ok"),
    (r"another version", "somebody"),
    (r"^(log iommu_resv: livepatch: it is version) ", r"\1s "),
    *leaves("end"),
)


def version(key, name):
    """A livepatch of another version does not load, and is named; kprobes go on."""
    kernel = kernels.get(key)
    tree = kernels.CACHE / f"{name}-tree"
    kernels.copy_tree(tree)
    changelog = tree / "debian/changelog"
    changelog.write_text(changelog.read_text().replace(")", "+next)", 1))
    built = kernels.build_module(key, tree, name="iommu_resv_livepatch")
    return "", run(name, kernel, PLAIN["amd64"], version_steps(), judge_version, PLANTED_VERSION,
                   extra={NEWER[1:]: built.read_bytes()})[1]


# hooks-module: functions of modules that come later

TYPE1 = "vfio_iommu_type1"
IOCTL = "vfio_iommu_type1_ioctl"


def module_steps():
    return [*MOUNTS, "bind", "hooked before",
            "say off", f"load {MODULE} test_symbol={TYPE1}:{IOCTL}", f"cat {HOOKS}",
            "say come", f"load /lib/{TYPE1}.ko", f"cat {HOOKS}", "hooked come",
            "say used", f"run /vfio-check check {DEVICE}", f"cat {HOOKS}",
            "say gone", f"unload {TYPE1}", f"cat {HOOKS}", "hooked gone",
            "say again", f"load /lib/{TYPE1}.ko", f"run /vfio-check check {DEVICE}", f"cat {HOOKS}",
            "say both", "unload iommu_resv", "hooked both", f"run /vfio-check check {DEVICE}",
            "left"]


def judge_module(lines, arch):
    faults = []

    def count(label, state):
        part = Section(lines, label, faults)
        found = [hook for hook in part.hooks if hook.symbol == IOCTL]
        if len(found) != 1 or found[0].state != state:
            part.fault(f"{found}, expected {IOCTL} {state}")
            return 0
        return found[0].hits

    count("off", "off")
    first, used = count("come", "active"), count("used", "active")
    count("gone", "off")
    again = count("again", "active")
    if used <= first:
        faults.append(f"used: {used} hits after {first}")
    if again <= used and again < 10:
        faults.append(f"again: {again} hits after {used}")
    faults += is_hooked(lines, "before", "come", [Hook(IOCTL, "kprobe", "active", 0, 0, "-")])
    for label in ("gone", "both"):
        left = [line for kind, line in hooked(lines, label)[0] - hooked(lines, "before")[0]
                if kind in ("kprobe", "ftrace") and IOCTL in line]
        if left:
            faults.append(f"{label}: {left} is left")
    faults += is_clean(lines, "before", "both", arch)
    opened = [line for line in judge.said(lines, "run") if line.startswith("open=")]
    if opened != ["open=ok"] * 3:
        faults.append(f"VFIO: {opened}")
    return faults + all_ok(lines)


PLANTED_MODULE = (
    (r"(^say off$.*?_ioctl kprobe) off (\d+) 0 .*?$", r"\1 active \2 0 -"),
    (r"(^say come$.*?_ioctl kprobe) active (\d+) 0 .*?$", r"\1 off \2 0 why"),
    (r"(^say used$.*?_ioctl kprobe active) \d+ ", r"\1 0 "),
    (r"(^say gone$.*?_ioctl kprobe) off (\d+) 0 .*?$", r"\1 active \2 0 -"),
    (rf"^hooked come kprobe [^\n]*{IOCTL}.*?$", "#"),
    (r"^hooked gone read kprobe ok$", rf"\g<0>\nhooked gone kprobe ffff  k  {IOCTL}+0x0"),
    (r"^run open=ok$", "run open=ENOENT group"),
    *leaves("both"),
)


def module(key, name):
    """A function of a module that comes, goes and comes again."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, PLAIN[kernel.arch], module_steps(),
                   partial(judge_module, arch=kernel.arch), PLANTED_MODULE, later=[TYPE1])[1]


def virtio_steps():
    behind = f"/sys/bus/pci/devices/{declare.BEHIND}/iommu_group"
    return [*MOUNTS, "hooked before",
            "say off", f"load {MODULE}", *FILES,
            "say come", "load /lib/virtio_iommu.ko", f"bind {declare.BEHIND}", *FILES,
            "hooked come", *[f"cat {behind}/reserved_regions"] * READS,
            f"write {behind}/resv/declare add {REGION}", f"cat {behind}/reserved_regions",
            f"write {behind}/resv/declare remove {REGION}",
            "say end", f"cat {HOOKS}", "unload iommu_resv", "hooked end", "left"]


def judge_virtio(lines):
    faults = []
    off = Section(lines, "off", faults)
    off.kprobes(None)
    now = Section(lines, "come", faults)
    now.resting()
    now.feature("added", "kprobe")
    if [hook.symbol for hook in now.of("kprobe")] != ["viommu_get_resv_regions"]:
        now.fault(f"{now.of('kprobe')}, expected viommu_get_resv_regions")
    behind = f"/sys/bus/pci/devices/{declare.BEHIND}/iommu_group"
    now.expect(f"write {behind}/resv/declare", ["ok", "ok"])
    if SHOWN not in now.text(f"{behind}/reserved_regions"):
        now.fault(f"{now.text(f'{behind}/reserved_regions')} lacks {SHOWN}")
    end = Section(lines, "end", faults)
    # The change looks twice, and once it is read while it is declared.
    if end.hits("kprobe") < now.hits("kprobe") + 3:
        end.fault(f"{now.hits('kprobe')} hits, a region, {end.hits('kprobe')}")
    faults += not_hooked(lines, "come")
    faults += is_clean(lines, "before", "end", "amd64")
    return faults + all_ok(lines)


PLANTED_VIRTIO = (
    (r"viommu_get_resv_regions kprobe off (\d+) 0 .*?$",
     r"viommu_get_resv_regions kprobe active \1 0 -"),
    (r"(^say end$.*?kprobe off) \d+", r"\1 0"),
    (r"^\| 0x0000000040000000 .*?$", "| -"),
    *leaves("end"),
)


def virtio(key, name):
    """The IOMMU's driver comes after the module."""
    kernel = kernels.get(key)
    return "", run(name, kernel, declare.VIRTIO, virtio_steps(), judge_virtio, PLANTED_VIRTIO,
                   later=["virtio_iommu"])[1]


# hooks-group: where the lists of single devices are not to be edited

def group_steps():
    steps = [*MOUNTS, "bind", "hooked before"]
    for label, words in (("device", ""), ("group", "test_group=1")):
        steps += [f"load {MODULE} hooks=kprobe {words}", f"say {label}", *FILES, ADD,
                  f"write {GROUP}/resv/declare add 0x40001000 0x40002fff",
                  f"write {GROUP}/resv/declare add 0x50000000 0x5fffffff", LIST,
                  f"say {label}-vfio", f"run /vfio-check check {DEVICE}",
                  f"say {label}-end", REMOVE,
                  f"write {GROUP}/resv/declare remove 0x40001000 0x40002fff",
                  f"write {GROUP}/resv/declare remove 0x50000000 0x5fffffff", LIST, f"cat {HOOKS}",
                  "unload iommu_resv", f"hooked {label}-after", "left"]
    return steps


def judge_group(lines, arch):
    faults, lists, ends, vfio = [], {}, {}, {}
    for label in ("device", "group"):
        now = Section(lines, label, faults)
        now.resting()
        now.feature("added", "kprobe")
        symbols = [hook.symbol for hook in now.of("kprobe")]
        if (symbols == [LISTED]) != (label == "group"):
            now.fault(f"hooked is {symbols}")
        now.expect(f"write {GROUP}/resv/declare", ["ok"] * 3)
        end = Section(lines, f"{label}-end", faults)
        end.expect(f"write {GROUP}/resv/declare", ["ok"] * 3)
        lists[label] = now.text(f"{GROUP}/reserved_regions")
        ends[label] = end.text(f"{GROUP}/reserved_regions")
        vfio[label] = [line for line in Section(lines, f"{label}-vfio", faults).told("run")
                       if not line.startswith("dma=")]
        faults += is_clean(lines, "before", f"{label}-after", arch)
        for line in ("0x0000000040000000 0x0000000040002fff reserved",
                     "0x0000000050000000 0x000000005fffffff reserved"):
            if line not in lists[label]:
                now.fault(f"reserved_regions {lists[label]} lacks {line}")
        if "open=ok" not in vfio[label]:
            now.fault(f"VFIO: {vfio[label]}")
    faults += judge.differ("reserved_regions by group, and by device", lists["group"],
                           lists["device"])
    faults += judge.differ("afterwards, by group, and by device", ends["group"], ends["device"])
    faults += judge.differ("VFIO by group, and by device", vfio["group"], vfio["device"])
    return faults + all_ok(lines)


PLANTED_GROUP = (
    (rf"{LISTED} kprobe off", "other_function kprobe off"),
    (r"(^say group$.*?)^\| 0x0000000050000000 .*?$", r"\1| -"),
    (r"(^say group-vfio$.*?)^run range=.*?$", r"\1#"),
    (r"(^say group-end$.*?)(^file \S+/reserved_regions ok$)", rf"\1\2\n| {SHOWN}"),
    *leaves("group-after"),
)


def group_level(key, name):
    """The tap on the group's list gives what those on the drivers' callbacks give."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, PLAIN[kernel.arch], group_steps(),
                   partial(judge_group, arch=kernel.arch), PLANTED_GROUP)[1]


# hooks-cycles: again and again, while others use all of it

CYCLES = {"kprobe": 40, "livepatch": 12}
DECLARES = {"kprobe": 200, "livepatch": 100}
# VFIO has the first, the second comes and goes, in the third regions are declared.
USED, CHURNED, DECLARED = "0000:00:03.0", "0000:00:04.0", "0000:00:08.0"
BUSY = {arch: replace(plain, name="busy", devices=(*plain.devices, f"{EDU},addr=8", *SLOTS))
        for arch, plain in PLAIN.items()}


class Plugs:
    """A device comes into one slot, then goes while one comes into the other, and so on. QEMU frees
    a slot some seconds after it was asked to: what it does not do yet is tried again."""

    def __init__(self):
        self.there = {1: False, 2: False}
        self.turn = 1
        self.count = 0

    def change(self, qmp, slot, there):
        if self.there[slot] == there:
            return
        try:
            if there:
                qmp.do("device_add", driver="edu", bus=f"hp{slot}", id=f"edu{slot}",
                       dma_mask=(1 << 64) - 1)
            else:
                qmp.do("device_del", id=f"edu{slot}")
        except kernels.Failure:
            return
        self.there[slot] = there
        self.count += 1

    def __call__(self, qmp):
        self.change(qmp, self.turn, True)
        self.turn = 3 - self.turn
        self.change(qmp, self.turn, False)


def cycles_steps(backend):
    """The first load pays for what the kernel keeps."""
    declare = "/sys/bus/pci/devices/{}/iommu_group/resv/declare"
    cycle = {"kprobe": f"cycle {CYCLES[backend]} {MODULE} iommu_resv",
             "livepatch": f"livepatch-cycle {CYCLES[backend]}"}[backend]
    steps = [*MOUNTS, "bind", "hooked before", f"load {MODULE}", ADD, "allocs seen", REMOVE,
             "unload iommu_resv", "sleep 500", "allocs before", "spawn reader read-all",
             f"spawn user /vfio-check loop {USED}", f"spawn churn churn {CHURNED}", "say begin",
             cycle,
             f"load {MODULE} hooks={backend}"]
    if backend == "livepatch":
        steps += [ACTIVE]
    steps += [f"declare-cycle {DECLARES[backend]} {declare.format(DECLARED)} {REGION}",
              # Between two attaches of VFIO.
              f"declare-cycle 20 {declare.format(USED)} {REGION}",
              "say finish", "stop churn", "stop user", "stop reader", "sleep 500",
              "say end", *FILES, "dump loaded"]
    if backend == "livepatch":
        steps += DISABLE
    return steps + ["unload iommu_resv", "hooked end", "left", "sleep 1000", "allocs after"]


def allocations(lines, label):
    """({(cache, who): count}, caches that were looked at)."""
    out, caches = {}, 0
    for line in judge.said(lines, "allocs", label):
        cache, text = line.split(" ", 1)
        if cache == "caches":
            caches = int(text)
            continue
        count, who = text.split()[:2]
        if "[iommu_resv" in text:
            who += " [iommu_resv]"
        out[cache, who] = out.get((cache, who), 0) + int(count)
    return out, caches


def judge_cycles(lines, arch, backend, counted=True):
    """COUNTED: the kernel tells who has memory of the kmalloc caches."""
    faults = []
    cycle = {"kprobe": "cycle", "livepatch": "livepatch-cycle"}[backend]
    if judge.said(lines, cycle) != [f"{CYCLES[backend]} 0"]:
        faults.append(f"{cycle}: {judge.said(lines, cycle)} {judge.said(lines, 'cycle-error')[:5]}")
    declared = [line.split()[:2] for line in judge.said(lines, "declare-cycle")]
    if declared != [[str(DECLARES[backend]), "0"], ["20", "0"]]:
        faults.append(f"declare-cycle: {judge.said(lines, 'declare-cycle')}")
    counts = {}
    for who in ("reader", "user", "churn"):
        told = judge.said(lines, who)
        counts.update(word.split("=") for line in told[:-1] for word in line.split())
        if told[-1:] != ["exit 0"]:
            faults.append(f"{who}: {told}")
    for what in ("files", "loops", "times"):
        if int(counts.get(what, 0)) < 20:
            faults.append(f"little happened meanwhile: {counts}")
    if counts.get("errors") != "0":
        faults.append(f"VFIO user: {counts}")
    plugged = [line for line in judge.said(lines, "log")
               if re.match(r"pci 0000:0[12]:00\.0: \[1234:11e8\]", line)]
    if len(plugged) < 3:
        faults.append(f"a device was plugged in {len(plugged)} times")
    end = Section(lines, "end", faults)
    if not any((hook.state == "active" or hook.reason == RESTING) and hook.hits
               for hook in end.of(backend)):
        end.fault(f"{end.hooks}")
    if "dump loaded" not in lines:
        return faults + ["there is no dump"]
    for group in judge.dumps(lines[lines.index("dump loaded"):])["loaded"].values():
        if group.id != "-":
            faults += judge.check_group(group)
    if counted:
        faults += grown(lines)
    faults += is_clean(lines, "before", "end", arch)
    return faults + all_ok(lines)


def grown(lines):
    """Objects that a module left behind, from the counts before and after."""
    faults = []
    (before, _), (after, caches) = allocations(lines, "before"), allocations(lines, "after")
    if caches < 5:
        faults.append(f"only {caches} caches tell who has their memory")
    if not any("[iommu_resv" in who for _, who in allocations(lines, "seen")[0]):
        faults.append("the memory of a loaded module is not seen")
    for (cache, who), count in after.items():
        more = count - before.get((cache, who), 0)
        if more > (20 if "iommu_alloc_resv_region" in who else 0):
            faults.append(f"{who} has {more} objects of {cache} more than before")
    return faults


PLANTED_CYCLES = (
    (r"^((livepatch-)?cycle \d+) 0$", r"\1 1"),
    (r"^(declare-cycle \d+) 0 ", r"\1 1 "),
    (r"^user loops=(\d+) errors=0$", r"user loops=\1 errors=2"),
    (r"^user loops=\d+ ", "user loops=0 "),
    (r"^churn exit 0$", "churn exit 139"),
    (r" (active|off) (\d+) 0 (-|nothing is declared)$", r" \1 \2 1 \3"),
    *leaves("end"),
)
PLANTED_GROWN = (
    (r"^allocs after ", "allocs after kmalloc-64 1 0xffffffffc0251050 age=1 pid=1\nallocs after "),
    (r"^allocs after ", "allocs after kmalloc-64 99 iommu_alloc_resv_region+0x1/0x2 age=1 pid=1\n"
                        "allocs after "),
    (r"^allocs after caches \d+$", "allocs after caches 0"),
)


def cycles(key, backend, name):
    """Loaded and unloaded, declared and taken back; sysfs, VFIO and hotplug go on meanwhile."""
    kernel = kernels.get(key)
    plugs = Plugs()
    # KASAN keeps freed objects for a while, so counts say nothing there; kmemleak judges.
    counted = not kernel.debug
    lines, faults = run(name, kernel, BUSY[kernel.arch], cycles_steps(backend),
                        partial(judge_cycles, arch=kernel.arch, backend=backend, counted=counted),
                        PLANTED_CYCLES + (PLANTED_GROWN if counted else ()),
                        memory="1G", smp=2, limit=420,
                        append="slub_debug=FZPU page_poison=1" if counted else "",
                        meanwhile=("begin", "finish", 6, plugs))
    told = [line for who in ("user", "churn", "reader") for line in judge.said(lines, who)[:-1]]
    return f"{' '.join(told)} plugs={plugs.count}", faults


# hooks-cost: instructions of what VFIO does most, and of an attach

COST_ROUNDS = 4


def cost_steps(arch):
    steps = ["bind", f"run /vfio-check cost {DEVICE}"]
    for backend in ("kprobe", "livepatch") if arch == "amd64" else ("kprobe",):
        for _ in range(COST_ROUNDS):
            steps += [f"say without-{backend}", f"run /vfio-check cost {DEVICE}",
                      f"load {MODULE} hooks={backend}",
                      *([ACTIVE] if backend == "livepatch" else []), "sleep 300",
                      f"say {backend}", f"run /vfio-check cost {DEVICE}", f"cat {HOOKS}",
                      *(DISABLE if backend == "livepatch" else []), "unload iommu_resv",
                      "sleep 300"]
    return steps + ["left"]


def costs(lines):
    """{label: (least of pairs, least of attach, times it was measured)}"""
    out, label = {}, ""
    for line in lines:
        if line.startswith("say "):
            label = line[4:]
        m = re.match(r"run cost pairs=(\d+) attach=(\d+)", line)
        if m:
            pairs, attach, n = out.get(label, (1 << 64, 1 << 64, 0))
            out[label] = (min(pairs, int(m[1])), min(attach, int(m[2])), n + 1)
    return out


def ratios(lines, backend):
    with_it, without = costs(lines)[backend], costs(lines)[f"without-{backend}"]
    return with_it[0] / without[0], with_it[1] / without[1]


def judge_cost(lines, arch):
    faults = []
    found = costs(lines)
    for backend in ("kprobe", "livepatch") if arch == "amd64" else ("kprobe",):
        for label in (backend, f"without-{backend}"):
            if found.get(label, (0, 0, 0))[2] != COST_ROUNDS:
                return faults + [f"{label}: measured {found.get(label)}"] + all_ok(lines)
        pairs, attach = ratios(lines, backend)
        if pairs > 1.001:
            faults.append(f"{backend}: map and unmap {pairs:.5f} of what it is without")
        if attach > 1.02:
            faults.append(f"{backend}: attach {attach:.4f} of what it is without")
        part = Section(lines, backend, faults)
        if not any((hook.state == "active" or hook.reason == RESTING) and hook.hits
                   for hook in part.of(backend)):
            part.fault(f"nothing was hooked: {part.hooks}")
    return faults + all_ok(lines)


# Without the module all is one in 500 or one in 40 cheaper, once in all rounds: in the last, as the
# first one can be dearer.
PLANTED_COST = (
    (r"\A(.*^say without-kprobe$.*?pairs=)(\d+)", lambda m: f"{m[1]}{int(m[2]) * 499 // 500}"),
    (r"\A(.*^say without-kprobe$.*?attach=)(\d+)", lambda m: f"{m[1]}{int(m[2]) * 39 // 40}"),
    (r"^say kprobe$", "say nothing"),
)


def cost(key, name):
    """The module idle, against no module. Clocks count instructions here (-icount shift=0)."""
    kernel = kernels.get(key)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], cost_steps(kernel.arch),
                        partial(judge_cost, arch=kernel.arch), PLANTED_COST, limit=300,
                        accel="tcg,thread=single", qemu=["-icount", "shift=0,sleep=off"])
    note = "; ".join(f"{label} pair {pairs / 10:.0f} attach {attach}"
                     for label, (pairs, attach, _) in costs(lines).items() if label)
    for backend in ("kprobe", "livepatch"):
        if backend in costs(lines):
            note += "; {} {:.5f} {:.4f}".format(backend, *ratios(lines, backend))
    return note, faults and faults + [note]


def table():
    """{name: (function, arguments...)}"""
    out = {}
    for key in (*X86, *ARM):
        out[f"hooks-load-{key}"] = (load, key)
    for key in (*X86, "5.10-arm64", "7-arm64"):
        out[f"hooks-inlined-{key}"] = (inlined, key)
    for key, least in (("5.10-amd64", 10), ("7-amd64", 10), ("7-arm64", 8)):
        out[f"hooks-steps-{key}"] = (steps, key, least)
    # Older kernels do not export what that livepatch needs.
    for key in X86[2:]:
        out[f"hooks-other-{key}"] = (other, key)
    # Its kernel does not compare the prototypes of symbols.
    out["hooks-version-7-amd64"] = (version, "7-amd64")
    for key in ("5.10-amd64", "7-amd64", "6.12-arm64", "7-arm64"):
        out[f"hooks-module-{key}"] = (module, key)
    for key in BY_NAME["virtio-x86"].kernels:
        out[f"hooks-module-virtio-{key}"] = (virtio, key)
    for key in ("5.10-amd64", "7-arm64"):
        out[f"hooks-group-{key}"] = (group_level, key)
    for key in ("5.10-amd64", "7-amd64", "7-arm64"):
        out[f"hooks-cycles-kprobe-{key}"] = (cycles, key, "kprobe")
    for key in ("5.10-amd64", "7-amd64"):
        out[f"hooks-cycles-livepatch-{key}"] = (cycles, key, "livepatch")
    for key in ("6.12-amd64", "7-arm64"):
        out[f"hooks-cost-{key}"] = (cost, key)
    return out
