# SPDX-License-Identifier: GPL-2.0-only
"""Tests lacking-attach, -checks and -late: containers of several groups, the parameter checks=, and
VFIO's modules that are loaded later."""
import re
from functools import partial

from cases import SHARED, case
from cases.lacking import A, B, DEVICE, GROUP, WINDOW, copies, declares, int_of
from expect import hooks, judge
from expect.hooks import all_ok, is_clean
from lab import kernels
from lab.topologies import PLAIN
from talk.script import run
from talk.sections import sections
from talk.words import CHECKS, FEATURES, HOOKS, IGNORE, MODULE, MOUNTS, STOCK

HOLE = (0x40000000, 0x4000ffff)
PLAYS = {
    # B's hole is mapped, so the attach fails. Without the map it succeeds, and maps there fail.
    "conflict": f"container open:{A} open:{B} set:{A} iommu map:0x40000000-0x40000fff set:{B} "
                f"unmap:0x40000000-0x40000fff set:{B} try:0x40000000-0x40000fff "
                f"try:0x4000f000-0x4000ffff try:0x40010000-0x40010fff edu:{A} edu:{B} "
                f"unset:{B} try:0x40000000-0x40000fff",
    # The group with the hole is attached first, and detached first.
    "order": f"container open:{A} open:{B} set:{B} iommu try:0x40000000-0x40000fff set:{A} "
             f"try:0x40000000-0x40000fff unset:{B} try:0x40000000-0x40000fff edu:{A} "
             f"set:{B} try:0x40000000-0x40000fff",
    # Maps that touch the hole, end in it, begin in it, or contain it.
    "around": f"container open:{B} set:{B} iommu try:0x3ffff000-0x3fffffff "
              "try:0x3ffff000-0x40000fff try:0x4000f000-0x40010fff try:0x3fff0000-0x4001ffff "
              "try:0x40010000-0x4001ffff big:0x30000000-0x3fffffff big:0x40010000-0x5fffffff "
              "big:0x70000000-0x70ffffff",
    # Maps next to the hole stay when its group is attached, and are repeated on its domain.
    "replay": f"container open:{A} open:{B} set:{A} iommu big:0x30000000-0x3fffffff "
              f"big:0x50000000-0x50ffffff set:{B} dma:{B}:0x30000000-0x3000ffff "
              f"dma:{A}:0x50000000-0x5000ffff edu:{B} unset:{A} dma:{B}:0x50000000-0x5000ffff",
}


def plays(arch):
    """The plays for ARCH: on arm64 all but "conflict". If a map that VFIO repeats on a new domain
    is refused, VFIO since about 5.10 unmaps what it has not mapped, and the SMMU's driver warns.
    Older VFIO frees the domain at once, and newer VFIO gets there only with native=ignore."""
    return [play for name, play in PLAYS.items() if arch == "amd64" or name != "conflict"]


def attach_steps(arch):
    steps = ["bind"]
    for label, load in (("native", f"load {MODULE}"), ("added", IGNORE)):
        steps += [load, *declares("add", [HOLE], B), f"say {label}"]
        for play in plays(arch):
            steps += [f"run /vfio-check play {play}"]
        steps += [f"cat {HOOKS}", f"cat {GROUP.format(B)}/resv/refused",
                  *declares("remove", [HOLE], B), "unload iommu_resv", "sleep 200"]
    return [*steps, "left"]


def judge_attach(lines):
    faults = all_ok(lines)
    section = sections(lines)
    native, added = (judge.said(section.get(label, []), "run") for label in ("native", "added"))
    # Compare whole lines: no word of these plays prints the address of interrupts, which QEMU may
    # choose differently.
    faults += judge.differ("answers of VFIO, added and native", added, native)
    if sum("EINVAL" in line for line in native) < 5 or sum(" ok" in line for line in native) < 25:
        faults.append("that compares little:\n    " + "\n    ".join(native))
    return faults


@case("lacking-attach-{key}", ("5.10-amd64", "6.12-amd64", "7-amd64", "6.1-arm64", "7-arm64"))
def attach(key, name):
    """The module refuses and accepts containers of several groups as the kernel does."""
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch],
                        attach_steps(kernel.arch), judge_attach,
                        memory="3G", limit=240)
    return f"{len(judge.said(lines, 'run'))} answers", faults


# lacking-checks: the parameter, the file, the log and the tracepoint

EVENT = "/sys/kernel/tracing/events/iommu_resv/map_refused/enable"
TRACE = "/sys/kernel/tracing/trace"


def checks_steps(arch):
    device, (low, _) = DEVICE[arch], WINDOW[arch]
    # Skip the window's first page: VFIO checks only the first byte of a movable window.
    low += 0x1000
    page = f"0x{low:x}-0x{low + 0xfff:x}"
    free = "0x1000000-0x1000fff"
    play = f"run /vfio-check play container open:{device} set:{device} iommu try:{page} try:{free}"
    refused = f"cat {GROUP.format(device)}/resv/refused"
    regions = f"cat {GROUP.format(device)}/resv/regions"
    every = [play, refused, regions, f"cat {FEATURES}"]
    return [*MOUNTS, "mount tracefs /sys/kernel/tracing", "bind", "hooked before",
            f"{IGNORE} checks=perhaps", f"load {MODULE} native=perhaps", IGNORE,
            f"write {EVENT} 1", "say enforce", *every, f"cat {TRACE}",
            f"write {CHECKS} warn", "say warn", *every,
            f"write {CHECKS} off", "say off", *every, f"cat {HOOKS}", "hooked off",
            # Maps of a user from before the checks are not refused until it has gone.
            f"spawn holder /vfio-check play container open:{device} set:{device} iommu "
            f"await:/tmp/options-go try:{page} await:/tmp/options-end try:{page}",
            # Wait until the holder has the device open.
            f"wait-text {HOOKS} iommu", "sleep 1500",
            f"write {CHECKS} enforce", "say stranger", regions, "options go", "sleep 500",
            "options end", "wait-job holder", "sleep 500",
            # The next look at the group finds that it has gone.
            f"write {CHECKS} enforce", "say again", *every,
            f"write {CHECKS} nonsense", f"cat {CHECKS}",
            # Many refusals at once give few lines in the log.
            "say many", f"run /vfio-check play container open:{device} set:{device} iommu "
            f"random:1,400,{low:x}", refused,
            "write /sys/module/iommu_resv/parameters/hooks none", "say none", *every, "hooked none",
            "write /sys/module/iommu_resv/parameters/hooks auto", "say auto", *every,
            "unload iommu_resv", "hooked end", "left"]


def judge_checks(lines, arch, copied):
    faults = []
    how = "ops VFIO's domains" if copied else "kprobe iommu_map"
    loads = [line.split()[1] for line in judge.said(lines, "load")]
    if loads != ["EINVAL", "EINVAL", "ok"]:
        faults.append(f"loads: {loads}")
    low, high = WINDOW[arch]
    device = DEVICE[arch]
    section = sections(lines)
    kind = "msi apic" if arch == "amd64" else "sw-msi window"
    line = f"0x{low:016x} 0x{high:016x} {kind} {device} added "
    page = low + 0x1000

    def expect(label, answer, count, enforced, feature):
        text = section.get(label, [])
        tried = [t for t in judge.said(text, "run") if " try:" in t]
        told = [t.split()[-1] for t in tried]
        if told != [answer, "ok"]:
            faults.append(f"{label}: maps of the region and beside: {tried}")
        numbers = [int(t[2:]) for t in text if re.fullmatch(r"\| \d+", t)]
        if numbers != [count]:
            faults.append(f"{label}: refused says {numbers}, expected {count}")
        word = "enforced" if enforced else "advice"
        if f"| {line}{word}" not in text:
            faults.append(f"{label}: regions lacks '{line}{word}'")
        if not any(t.startswith(f"| map-checks {feature}") for t in text):
            faults.append(f"{label}: features lacks 'map-checks {feature}'")

    expect("enforce", "EINVAL", 1, True, f"added {how}: maps that hit a region or leave the "
           "aperture are refused")
    expect("warn", "ok", 2, False, f"added {how}: maps over reserved regions are only logged "
           "(checks=warn)")
    expect("off", "ok", 2, False, "inert - turned off by the parameter checks=")
    expect("again", "EINVAL", 3, True, f"added {how}")
    # With hooks=none the kernel's own list is not hidden from VFIO, which refuses by itself.
    expect("none", "EINVAL", int_of(section, "many"), False,
           "inert - turned off by the parameter hooks=")
    expect("auto", "EINVAL", int_of(section, "many") + 1, True, f"added {how}")
    last = (rf"\| 0x{page:016x} 0x{page + 0xfff:016x} 0x{low:016x} 0x{high:016x} {kind} {device} "
            r"\d+ vfio-check")
    if not any(re.fullmatch(last, t) for t in section.get("enforce", [])):
        faults.append(f"refused does not tell '{last}'")
    trace = rf".*vfio-check-\d+ .*map_refused: group=\d+ iova=0x{page:x}-0x{page + 0xfff:x} " \
            rf"region=0x{low:x}-0x{high:x} type={kind.split()[0]} origin={kind.split()[1]} " \
            rf"device={device}"
    found = [t for t in section.get("enforce", []) if re.fullmatch(r"\| *" + trace, t)]
    if len(found) != 1:
        faults.append(f"{len(found)} times in the trace: {trace}")
    log = [t for t in judge.said(lines, "log") if t.startswith("iommu_resv: ")]
    for pattern in (rf"group \d+: a map of 0x{page:x}-0x{page + 0xfff:x} by vfio-check\[\d+\] is "
                    rf"refused: it hits 0x{low:x}-0x{high:x} "
                    rf"\({', '.join(kind.split())}, {device}\)",
                    r"a map of .* would be refused, and is let through",
                    r"checks=perhaps is invalid: use enforce, warn or off",
                    r"checks=nonsense is invalid: use enforce, warn or off",
                    r"native=perhaps is invalid: the values are use and ignore",
                    r"native=ignore is for tests"):
        if not any(re.search(pattern, t) for t in log):
            faults.append(f"the log lacks '{pattern}'")
    told = sum("a map of" in t for t in log)
    if told > 60:
        faults.append(f"{told} lines in the log about maps")
    if int_of(section, "many") < 50:
        faults.append(f"{int_of(section, 'many')} of the many were refused")
    # While a user from before has the group, its regions are advice and maps are allowed.
    if f"| {line}advice" not in section.get("stranger", []):
        faults.append("a group attached before the load is shown as checked")
    tried = [t for t in judge.said(lines, "holder") if " try:" in t]
    if [t.split()[-1] for t in tried] != ["ok", "ok"]:
        faults.append(f"a group attached before the load: {tried}")
    writes = [t for t in judge.said(lines, "write") if CHECKS in t]
    if [t.split()[-1] for t in writes] != ["ok", "ok", "ok", "ok", "EINVAL"]:
        faults.append(f"writes: {writes}")
    hooked = hooks.hooked(lines, "off")[0]
    if any("iommu_map" in text for _, text in hooked):
        faults.append(f"checks=off leaves a hook: {hooked}")
    faults += is_clean(lines, "before", "end", arch)
    left = hooks.hooked(lines, "none")[0] - hooks.hooked(lines, "before")[0]
    faults += [f"hooks=none leaves {kind} {text}" for kind, text in left
               if kind in ("kprobe", "ftrace")]
    return faults


@case("lacking-checks-{key}", ("5.10-amd64", "7-amd64", "6.12-arm64"), boot=SHARED)
def checks(key, name):
    """checks= works as it says, and the file, the log and the tracepoint report refused maps."""
    kernel = kernels.get(key, test=True)
    _, faults = run(name, kernel, PLAIN[kernel.arch], checks_steps(kernel.arch),
                    partial(judge_checks, arch=kernel.arch, copied=copies(kernel)), limit=240)
    return "", faults


# lacking-older: a guest that is older than the checks gets another group

def older_steps(arch):
    low = WINDOW[arch][0] + 0x1000
    page = f"0x{low:x}-0x{low + 0xfff:x}"
    regions = f"cat {GROUP.format(B)}/resv/regions"
    # Without the module these kernels check maps themselves, so load it without checks.
    return ["bind", f"{IGNORE} checks=off",
            f"spawn holder /vfio-check play container open:{A} open:{B} set:{A} iommu try:{page} "
            f"await:/tmp/options-go set:{B} try:{page} await:/tmp/options-end unset:{A} "
            f"try:{page}", "sleep 2000", f"write {CHECKS} enforce", "say before", regions,
            "options go", "sleep 1500", "say joined", regions, "options end", "wait-job holder",
            f"write {CHECKS} enforce", "say new",
            f"run /vfio-check play container open:{A} open:{B} set:{A} iommu set:{B} try:{page} "
            f"unset:{A} try:{page}", "unload iommu_resv", "left"]


def enforced(text, arch):
    """What the lines of "regions" for the window of ARCH say last."""
    low, high = WINDOW[arch]
    return [line.split()[-1] for line in text if line.startswith(f"| 0x{low:016x} 0x{high:016x} ")]


def judge_older(lines, arch):
    faults = all_ok(lines)
    section = sections(lines)
    # Each answer but that to "await", which is none of VFIO's.
    for label, told, wanted in (
            ("holder", judge.said(lines, "holder"), ["ok", "ok", "ok"]),
            ("new", judge.said(section.get("new", []), "run"), ["EINVAL", "EINVAL"])):
        found = [line.split()[-1] for line in told if " try:" in line]
        if found != wanted or any(" set:" in line and not line.endswith(" ok") for line in told):
            faults.append(f"{label}: {told}")
    for label, wanted in (("before", "enforced"), ("joined", "advice")):
        found = enforced(section.get(label, []), arch)
        if found != [wanted]:
            faults.append(f"regions, {label}: {found}, expected {wanted}")
    return faults


PLANTED_OLDER = (
    (r"^(holder \d+ set:\S+) ok$", r"\1 EINVAL"),
    (r"^(say joined$.*?) added advice$", r"\1 added enforced"),
    (r"^(say new$.*?try:\S+) EINVAL$", r"\1 ok"),
)


@case("lacking-older-{key}", ("5.10-amd64", "7-amd64", "5.10-arm64"))
def older(key, name):
    """A group that is added to a guest from before the checks shares its domain, and is not
    checked; the files say so."""
    kernel = kernels.get(key, test=True)
    _, faults = run(name, kernel, PLAIN[kernel.arch], older_steps(kernel.arch),
                    partial(judge_older, arch=kernel.arch), PLANTED_OLDER)
    return "", faults


# lacking-renewed: a guest with checked maps gets another group after the checks were off

def renewed_steps(arch):
    low = WINDOW[arch][0] + 0x1000
    page = f"0x{low:x}-0x{low + 0xfff:x}"
    return ["bind", IGNORE,
            f"spawn holder /vfio-check play container open:{A} open:{B} set:{A} iommu try:{page} "
            f"await:/tmp/options-go set:{B} try:{page} await:/tmp/options-end unset:{A} "
            f"try:{page}", "sleep 2000", f"write {CHECKS} off", f"write {CHECKS} enforce",
            "options go", "sleep 1500", "say joined", f"cat {GROUP.format(B)}/resv/regions",
            "options end", "wait-job holder", "unload iommu_resv", "left"]


def judge_renewed(lines, arch):
    faults = all_ok(lines)
    told = judge.said(lines, "holder")
    found = [line.split()[-1] for line in told if " try:" in line]
    refused = [line for line in told if " set:" in line and not line.endswith(" ok")]
    if found != ["EINVAL"] * 3 or refused:
        faults.append(f"holder: {told}")
    found = enforced(sections(lines).get("joined", []), arch)
    return faults + ([f"regions: {found}"] if found != ["enforced"] else [])


PLANTED_RENEWED = (
    (r"^(holder \d+ try:\S+) EINVAL$", r"\1 ok"),
    (r"^(say joined$.*?) added enforced$", r"\1 added advice"),
)


@case("lacking-renewed-{key}", ("5.10-amd64", "5.10-arm64"))
def renewed(key, name):
    """If the checks are turned off and on again under a guest whose maps were checked, those of a
    group that the guest gets later are checked."""
    kernel = kernels.get(key, test=True)
    _, faults = run(name, kernel, PLAIN[kernel.arch], renewed_steps(kernel.arch),
                    partial(judge_renewed, arch=kernel.arch), PLANTED_RENEWED)
    return "", faults


# lacking-short: the tracker has no memory for the domain of an attach

def short_steps(arch):
    device, (low, _) = DEVICE[arch], WINDOW[arch]
    low += 0x1000
    play = (f"run /vfio-check play container open:{device} set:{device} iommu "
            f"try:0x{low:x}-0x{low + 0xfff:x}")
    regions = f"cat {GROUP.format(device)}/resv/regions"
    steps = ["bind", IGNORE]
    for label, mode, every in (("short", "enforce", 1), ("enough", "enforce", 0),
                               ("warned", "warn", 1), ("again", "enforce", 0)):
        steps += [f"write {CHECKS} {mode}", f"write {STOCK} {every}", f"say {label}", play,
                  f"cat {HOOKS}", regions]
    return [*steps, f"write {STOCK} 0", "unload iommu_resv", "left"]


def judge_short(lines):
    faults = all_ok(lines)
    section = sections(lines)
    before = 0
    # Without a domain VFIO does not know the type of the IOMMU, so nothing after "set" works.
    for label, attached, tried in (("short", False, None), ("enough", True, "EINVAL"),
                                   ("warned", True, "ok"), ("again", True, "EINVAL")):
        told = judge.said(section.get(label, []), "run")
        answers = {word: line.split()[-1] for line in told for word in ("iommu", "try")
                   if f" {word}" in line}
        if (answers.get("iommu") == "ok") != attached or \
                tried and answers.get("try") != tried:
            faults.append(f"{label}: {told}")
        missed = [hook.missed for hook in hooks.parse(
            [line[2:] for line in section.get(label, [])
             if line.startswith("| iommu_attach_group ")])[0]]
        if (missed or [0])[0] - before not in ((1, 2) if label in ("short", "warned") else (0,)):
            faults.append(f"{label}: iommu_attach_group missed {missed}, before {before}")
        before = (missed or [0])[0]
    return faults


PLANTED_SHORT = (
    (r"^(say short$.*?^run \d+ iommu) \w+$", r"\1 ok"),
    (r"^(say again$.*?try:\S+) EINVAL$", r"\1 ok"),
)


@case("lacking-short-{key}", ("5.10-amd64", "7-amd64", "5.10-arm64"))
def short(key, name):
    """If there is no memory to keep an attach in mind, checks=enforce refuses the attach, and
    checks=warn lets it through."""
    kernel = kernels.get(key, test=True)
    _, faults = run(name, kernel, PLAIN[kernel.arch], short_steps(kernel.arch), judge_short,
                    PLANTED_SHORT)
    return "", faults


# lacking-late: VFIO's modules are loaded after ours, unloaded, and loaded again with checks=off

VFIO_GOES = ["unload vfio_pci", "unload vfio_iommu_type1"]
VFIO_COMES = ["load /lib/vfio_iommu_type1.ko", "load /lib/vfio_pci.ko"]


def late_steps(arch):
    device, (low, _) = DEVICE[arch], WINDOW[arch]
    low += 0x1000
    play = f"run /vfio-check play container open:{device} set:{device} iommu " \
           f"try:0x{low:x}-0x{low + 0xfff:x} try:0x1000000-0x1000fff ranges"
    return [*VFIO_GOES, IGNORE, "say before", f"cat {HOOKS}", *VFIO_COMES, "bind",
            "say first", play, f"cat {HOOKS}",
            f"write {CHECKS} off", *VFIO_GOES, *VFIO_COMES, f"write {CHECKS} enforce", "bind",
            "say second", play, f"cat {HOOKS}", "unload iommu_resv", "left"]


def judge_late(lines):
    faults = all_ok(lines)
    section = sections(lines)
    for label in ("first", "second"):
        text = section.get(label, [])
        told = [t.split()[-1] for t in judge.said(text, "run") if " try:" in t]
        if told != ["EINVAL", "ok"]:
            faults.append(f"{label}: {told}")
        ranges = [t for t in judge.said(text, "run") if " ranges 0x" in t]
        if len(ranges) != 1 or len(ranges[0].split()) < 4:
            faults.append(f"{label}: {ranges}")
    for label, state in (("before", "off"), ("first", "active"), ("second", "active")):
        found = [t.split()[3] for t in section.get(label, [])
                 if t.startswith("| vfio_iommu_type1_")]
        if len(found) != 5 or set(found) != {state}:
            faults.append(f"{label}: hooks of VFIO are {found}, expected {state}")
    return faults


PLANTED_LATE = (
    (r"^(say second$.*?try:\S+) EINVAL$", r"\1 ok"),
    (r"^(say first$.*?\| vfio_iommu_type1_open kretprobe) active", r"\1 off"),
)


@case("lacking-late-{key}", ("5.10-amd64", "7-amd64", "6.12-arm64"), boot=SHARED)
def late(key, name):
    """Maps are checked when VFIO's modules are loaded after ours, unloaded, and loaded again."""
    kernel = kernels.get(key, test=True)
    _, faults = run(name, kernel, PLAIN[kernel.arch], late_steps(kernel.arch), judge_late,
                    PLANTED_LATE)
    return "", faults
