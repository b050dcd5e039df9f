# SPDX-License-Identifier: GPL-2.0-only
"""Checks of hooks: the module's file, the kernel's lists of hooks, leftovers, and costs."""
import re
from dataclasses import dataclass

from expect import judge
from talk.sections import files, sections
from talk.words import FEATURES, GROUP, HOOKS, MODE, RESTING, SHOWN


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
    """The hooks in LINES of the file, and faults of their form."""
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
        faults.append(f"hooks: listed twice: {lines}")
    return hooks, faults


OBSERVED = ("iommu_attach_group", "iommu_detach_group", "iommu_domain_free",
            "vfio_iommu_type1_attach_group")


def of_window(hook):
    """Does HOOK serve the MSI window, not declared regions?"""
    return hook.backend == "kretprobe" or hook.symbol in ("iommu_alloc_resv_region", *OBSERVED)


class Section:
    """The answers of one section; its methods add the faults that they find to FAULTS."""

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
        """The lines that begin with the words HEAD continue with WANTED, one for each line."""
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
        """There are kprobes, and all are in STATE; with STATE None there are none."""
        found = [hook.state for hook in self.of("kprobe")]
        if set(found) != ({state} if state else set()):
            self.fault(f"kprobes {self.of('kprobe')}, expected {state}")

    def resting(self):
        """There are kprobes, and none is installed; see RESTING."""
        self.kprobes("off")
        if any(hook.reason != RESTING for hook in self.of("kprobe")):
            self.fault(f"kprobes {self.of('kprobe')}, expected '{RESTING}'")

    def livepatch(self, state, reason=""):
        """There is one livepatch, in STATE; with STATE None there is none."""
        found = self.of("livepatch")
        if not state:
            if found:
                self.fault(f"{found}, though this kernel has no livepatches")
        elif len(found) != 1 or found[0].state != state or reason not in found[0].reason:
            self.fault(f"livepatch {found}, expected {state} {reason}")

    def shows(self, wanted=True):
        """The kernel's own list has the declared region if WANTED, else not."""
        status, lines = self.files.get(f"{GROUP}/reserved_regions", ("missing", []))
        if status != "ok" or (SHOWN in lines) != wanted:
            self.fault(f"reserved_regions {status}: {lines}, "
                       f"expected with{'' if wanted else 'out'} {SHOWN}")


def hooked(lines, label):
    """Hooks by the kernel's own lists: ({(kind, line)}, {kind: result of reading the list})."""
    found, reads = set(), {}
    for line in judge.said(lines, "hooked", label):
        kind, _, rest = line.partition(" ")
        if kind == "read":
            reads.update([rest.split(" ", 1)])
        else:
            found.add((kind, rest))
    return found, reads


def is_clean(lines, before, after, arch):
    """AFTER, the kernel's lists have no hook that they did not have BEFORE."""
    (first, _), (last, reads) = hooked(lines, before), hooked(lines, after)
    # Hooks use ftrace only on x86, and some arm64 kernels have no ftrace.
    for kind in ("kprobe", "ftrace") if arch == "amd64" else ("kprobe",):
        if reads.get(kind) != "ok":
            return [f"{after}: what is hooked cannot be read ({kind}: {reads.get(kind)})"]
    return [f"{after}: {kind} {line} is left" for kind, line in sorted(last - first)]


def is_hooked(lines, before, now, hooks):
    """The kernel's own lists have each of HOOKS that the module's file calls active."""
    new = hooked(lines, now)[0] - hooked(lines, before)[0]
    faults = []
    for hook in hooks:
        kind = "ftrace" if hook.backend == "livepatch" else "kprobe"
        there = any(k == kind and re.search(rf"\b{re.escape(hook.symbol)}\b", line)
                    for k, line in new)
        if hook.state == "active" and not there:
            faults.append(f"{now}: the kernel knows nothing of {hook}")
    return faults


def not_hooked(lines, label):
    """Loading the module alone installs no hook."""
    return [f"{label}: {kind} {line} is hooked" for kind, line in
            sorted(hooked(lines, label)[0] - hooked(lines, "before")[0])
            if kind in ("kprobe", "ftrace", "livepatch")]


def logged(lines, pattern, number=None):
    told = [line for line in judge.said(lines, "log") if re.search(pattern, line)]
    if len(told) == number or number is None and told:
        return []
    return [f"'{pattern}' is {len(told)} times in the log, expected {number or 'some'}"]


def all_ok(lines, but=()):
    """Faults for loads, unloads, mounts and binds that failed, except those of BUT, {(command,
    number)}, which had to fail."""
    faults = []
    for command in ("load", "unload", "mount", "bind", "wait", "wait-gone", "wait-text"):
        for n, line in enumerate(judge.said(lines, command)):
            if "ok" not in line.split() and (command, n) not in but:
                faults.append(f"{command} {line}")
    return faults + [f"{c} {line}" for c in ("failed", "unknown-step", "left")
                     for line in judge.said(lines, c)]


# Faults that a test plants in its own transcript, (pattern, replacement): only the first match is
# replaced, and the judge must find each fault.
LEFT = "kprobe ffffffff81000000  k  intel_iommu_get_resv_regions+0x4    [FTRACE]"


def leaves(label):
    """Faults to plant: a hook is left; and the kernel's list of hooks cannot be read."""
    return ((rf"^hooked {label} read kprobe ok$", rf"\g<0>\nhooked {label} {LEFT}"),
            (rf"^hooked {label} read kprobe ok$", rf"hooked {label} read kprobe ENOENT"))


def injected(lines):
    """{label.N: (result, steps)} of the "inject" lines."""
    return {f"{w[0]}.{w[1]}": (w[2], w[3])
            for w in (line.split() for line in judge.said(lines, "inject"))}


def failed_steps(lines):
    """Names of the steps that failed, in their order in the log."""
    found = (re.match(r"iommu_resv: test: step \d+ \((.*)\) fails", text)
             for text in judge.said(lines, "log"))
    return [m[1] for m in found if m]


def allocations(lines, label):
    """({(cache, allocating function): number of objects}, number of caches that were read)."""
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


def grown(lines):
    """Faults for objects that a module left behind, by the counts before and after."""
    faults = []
    (before, _), (after, caches) = allocations(lines, "before"), allocations(lines, "after")
    if caches < 5:
        faults.append(f"only {caches} caches say who has their memory")
    if not any("[iommu_resv" in who for _, who in allocations(lines, "seen")[0]):
        faults.append("the memory of a loaded module is not seen")
    for (cache, who), count in after.items():
        more = count - before.get((cache, who), 0)
        if more > (20 if "iommu_alloc_resv_region" in who else 0):
            faults.append(f"{who} has {more} objects of {cache} more than before")
    return faults


def costs(lines):
    """{label: (smallest cost of pairs, smallest cost of an attach, number of measurements)}"""
    out, label = {}, ""
    for line in lines:
        if line.startswith("say "):
            label = line[4:]
        m = re.match(r"run cost pairs=(\d+) attach=(\d+)", line)
        if m:
            pairs, attach, n = out.get(label, (1 << 64, 1 << 64, 0))
            out[label] = (min(pairs, int(m[1])), min(attach, int(m[2])), n + 1)
    return out
