# SPDX-License-Identifier: GPL-2.0-only
"""Tests vendor-*: peculiarities of vendor kernels, imitated by a switch of the test build."""
import re

from cases import case
from cases.hooks_livepatch import OTHER, OTHER_COMES, OTHER_GOES, other_module
from expect import judge
from expect.hooks import Section, all_ok, hooked, is_clean, leaves
from lab import kernels
from lab.topologies import BY_NAME, PLAIN
from talk.script import run
from talk.sections import files, sections
from talk.words import (ADD, DEVICE, FEATURES, FILES, GROUP, HOOKS, LIST, LISTED, MODE, MODULE,
                        MOUNTS, REMOVE)

REFUSED = f"{GROUP}/resv/refused"
LINE = "iova-ranges-end"

# vendor-ranges: domains that claim 57 bits, as those of the Intel driver before 5.11; the hardware
# has 39. (label, parameters at load, end of VFIO's ranges, errno of a map beyond the hardware,
# state in features)
HAS = 0x7fffffffff
SAYS = (1 << 57) - 1
LOADS = (
    ("sound", "", HAS, "EINVAL", None),
    ("sound-cut", "ranges=cut", HAS, "EINVAL", "native -"),
    ("wrong", "test_claim=1", SAYS, "EFAULT", "inert -"),
    ("cut", "test_claim=1 ranges=cut", HAS, "EINVAL", "added kretprobe"),
)
ATTACH = f"container open:{DEVICE} set:{DEVICE} iommu"
# Maps within the hardware's range, beyond it, across its end, and within it but without memory.
ASKED = ("3,1000000,1000", f"3,{HAS + 1:x},1000", f"3,{HAS - 0xfff:x},2000",
         "3,3000000,1000,1000")
DMA = f"big:4000000-4ffffff dma:{DEVICE}:4000000-400ffff"


def ranges_steps():
    asked = " ".join(f"ask:{words} read:{REFUSED}" for words in ASKED)
    steps = ["bind"]
    for label, parameters, *_ in LOADS:
        steps += [f"say {label}", f"load {MODULE} explain=on {parameters}".strip(),
                  f"run /vfio-check play {ATTACH} ranges {asked} {DMA} read:{GROUP}/resv/usable",
                  f"cat {FEATURES}", f"cat {HOOKS}", f"cat {GROUP}/resv/usable",
                  "unload iommu_resv", "left"]
    # The module that is loaded next finds such a domain attached.
    return [*steps, "say found", f"load {MODULE} test_claim=1",
            f"spawn holder /vfio-check play {ATTACH} pause", "wait-text /tmp/holder pause",
            "unload iommu_resv", f"load {MODULE}", f"cat {FEATURES}", f"cat {GROUP}/resv/usable",
            f"cat {GROUP}/resv/aperture", "kill holder", "unload iommu_resv", "left",
            "say bad", f"load {MODULE} ranges=no", "left"]


def judge_ranges(lines):
    bad = f"load {MODULE} EINVAL"
    faults = all_ok([line for line in lines if not line.startswith(bad)])
    parts = sections(lines)
    if not any(line.startswith(bad) for line in parts["bad"]):
        faults.append(f"ranges=no: {parts['bad']}")
    beyond = f"0x{HAS + 1:016x} 0x{(1 << 64) - 1:016x} out-of-range aperture"
    for label, _, end, errno, state in LOADS:
        part = parts[label]
        played = judge.said(part, "run")
        told = [words[0].rpartition("-")[2] for words in
                (line.split()[-1:] for line in played if " ranges " in line)]
        if [int(word, 16) for word in told] != [end]:
            faults.append(f"{label}: VFIO's ranges end at {told}")
        got = [line.split()[2] for line in played if re.match(r"\d+ ask:", line)]
        if got != ["ok", errno, errno, "EFAULT"]:
            faults.append(f"{label}: maps {got}")
        if sum(bool(re.match(r"\d+ (big|dma):\S+ ok", line)) for line in played) != 2:
            faults.append(f"{label}: DMA: {played}")
        why = [line.split(" | ")[1] for line in played if " | 0x" in line and "vfio-check" in line]
        if len(why) != 3 or any(f" {beyond} " not in line for line in why[:2]) or \
                " - - memory EFAULT - " not in why[2]:
            faults.append(f"{label}: refused {why}")
        found = [line[2:] for line in part if line.startswith(f"| {LINE} ")]
        if [" ".join(line.split()[1:3]) for line in found] != ([state] if state else []):
            faults.append(f"{label}: {found}")
        for path, (status, text) in files(part).items():
            if path.endswith("usable") and (status != "ok" or
                                            max(judge.pairs(text))[1] != HAS):
                faults.append(f"{label}: usable {status} {text}")
    found = files(parts["found"])
    if not any(line.startswith(f"{LINE} inert - ") for line in found[FEATURES][1]):
        faults.append(f"found attached: {found[FEATURES]}")
    for name in ("usable", "aperture"):
        text = found[f"{GROUP}/resv/{name}"][1]
        if not text or max(judge.pairs(text))[1] != HAS:
            faults.append(f"found attached: {name} {text}")
    return faults


PLANTED = (
    (rf"-0x{SAYS:016x}$", f"-0x{HAS:016x}"),
    (r"^(run \d+ ask:\S+) EFAULT$", r"\1 EINVAL"),
    (r"out-of-range aperture", "reserved admin"),
    (r"( - - memory EFAULT - )", " - - other EFAULT - "),
    (rf"^\| {LINE} inert [^\n]*$", "| nothing"),
    (rf"^\| {LINE} added [^\n]*$", "| nothing"),
    (rf"^(\| 0x\S+) 0x{HAS:016x}$", rf"\1 0x{SAYS:016x}"),
)


@case("vendor-ranges-{key}", ("5.10-amd64", "6.12-amd64"))
def ranges(key, name):
    """If VFIO's ranges go beyond the hardware, the module says so, explains refused maps, and cuts
    the ranges with ranges=cut."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, BY_NAME["intel"], ranges_steps(), judge_ranges, PLANTED,
                   memory="1G")[1]


# vendor-overwritten: livepatches that overwrite the place that ftrace uses, as on openEuler

def overwritten_steps():
    return [*MOUNTS, "bind", "hooked before", *OTHER_COMES,
            # Even a kernel before 5.5 must hook by kprobes, for which it looks before it patches.
            "say patched",
            f"load {MODULE} hooks=kprobe test_group=1 test_overwrites=1 test_ftrace=1", ADD,
            *FILES, LIST, "hooked patched",
            "say free", *OTHER_GOES, f"write {MODE} none", f"write {MODE} kprobe", ADD, *FILES,
            LIST,
            "say end", REMOVE, LIST, "unload iommu_resv", "hooked end", "left"]


def judge_overwritten(lines):
    faults = []
    patched = Section(lines, "patched", faults)
    here = [hook for hook in patched.hooks if hook.symbol == LISTED and hook.backend != "livepatch"]
    if not here or any(hook.state != "inert" or "a livepatch has this" not in hook.reason or
                       hook.backend != "kprobe" or not hook.reason.endswith(OTHER)
                       for hook in here):
        patched.fault(f"hooks of {LISTED}: {here}, expected inert by {OTHER}")
    patched.feature("inert", "-")
    patched.expect(f"write {GROUP}/resv/declare", ["EOPNOTSUPP"])
    patched.shows(False)
    faults += [f"patched: {kind} {line} is hooked"
               for kind, line in sorted(hooked(lines, "patched")[0] - hooked(lines, "before")[0])
               if kind == "kprobe" and LISTED in line]
    free = Section(lines, "free", faults)
    free.expect(f"write {GROUP}/resv/declare", ["ok"])
    free.shows()
    Section(lines, "end", faults).shows(False)
    return faults + is_clean(lines, "before", "end", "amd64") + all_ok(lines)


PLANTED_OVERWRITTEN = (
    (rf"(^say patched$.*?{LISTED} kprobe) inert (\d+) (\d+) [^\n]*$", r"\1 active \2 \3 -"),
    (r"(a livepatch has this [^\n]*)other_livepatch$", r"\1somebody"),
    (rf"(^say patched$.*?{LISTED}) kprobe inert", r"\1 ftrace inert"),
    (r"(^say patched$.*?/declare) EOPNOTSUPP$", r"\1 ok"),
    (r"^hooked patched read kprobe ok$", rf"\g<0>\nhooked patched kprobe ffffffff81000000  k  "
                                         rf"{LISTED}+0x4    [FTRACE]"),
    (r"(^say free$.*?/declare) ok$", r"\1 EOPNOTSUPP"),
    *leaves("end"),
)


# Only 5.10 can be asked for ftrace_ops.
@case("vendor-overwritten-{key}", ("5.10-amd64", "6.12-amd64"))
def overwritten(key, name):
    """Where livepatches overwrite the place that ftrace uses, the module does not hook a function
    that one has replaced, and names the livepatch; it does when the livepatch is gone."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, PLAIN["amd64"], overwritten_steps(), judge_overwritten,
                   PLANTED_OVERWRITTEN, extra=other_module(key))[1]
