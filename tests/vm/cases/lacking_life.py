# SPDX-License-Identifier: GPL-2.0-only
"""Tests lacking-cost, -cycles and -steps: the cost of checks; loading and unloading with them."""
from functools import partial

from cases import case
from cases.lacking import A, B, DEVICE, GROUP, WINDOW, copies, declares
from expect import judge
from expect.hooks import (Section, all_ok, allocations, costs, failed_steps, injected, is_clean,
                          leaves, parse)
from lab import kernels
from lab.topologies import PLAIN
from talk.script import run
from talk.sections import sections
from talk.words import (CHECKS, FEATURES, HOOKS, IGNORE, MODULE, MOUNTS, PROBES, RANGES,
                        UNUSED)

# lacking-cost: instructions of a map and unmap pair of a huge page, as most guests use them, and of
# a single page. A probe takes a fifth of the instructions of such a pair, so the cost of a single
# page is only reported with probes, and limited where no probe is on the way: operations are
# copied, and ranges=off.

COST_ROUNDS = 3
HUGE = 512
COSTS = {4: 1.02, 64: 1.03}
PAGE_COST = 1.02
MSI_AND_APERTURE = 2


def more_holes(number):
    return [(0x100000000 + n * 0x100000, 0x100000fff + n * 0x100000) for n in range(number)]


def cost_steps(arch):
    device = DEVICE[arch]
    steps = ["write /proc/sys/vm/nr_hugepages 4", "bind", IGNORE]
    there = MSI_AND_APERTURE
    for number in COSTS:
        # Regions can be declared only while checks enforce them.
        steps += [f"write {CHECKS} enforce",
                  *declares("add", more_holes(number - MSI_AND_APERTURE)[there - MSI_AND_APERTURE:],
                            device)]
        there = number
        for _ in range(COST_ROUNDS):
            for label, mode, ranges in (("unchecked", "off", "kernel"),
                                        ("checked", "enforce", "kernel"),
                                        ("unranged", "enforce", "off")):
                steps += [f"write {RANGES} {ranges}", f"write {CHECKS} {mode}", "sleep 300",
                          f"say {label}-{number}", f"run /vfio-check cost {device} {HUGE}",
                          f"say page-{label}-{number}", f"run /vfio-check cost {device}"]
        steps += [f"say regions-{number}", f"cat {GROUP.format(device)}/resv/regions",
                  f"cat {GROUP.format(device)}/resv/refused", f"cat {HOOKS}"]
    steps += declares("remove", more_holes(max(COSTS) - MSI_AND_APERTURE), device)
    return [*steps, "unload iommu_resv", "left"]


def cost_ratios(lines):
    found = costs(lines)
    out = {}
    for number in COSTS:
        off, on = found.get(f"unchecked-{number}"), found.get(f"checked-{number}")
        if off and on and off[2] == on[2] == COST_ROUNDS:
            out[number] = on[0] / off[0]
    return out


def page_ratio(lines, label, number):
    """A map and unmap of a single page with LABEL, compared with one without checks; or None."""
    found = costs(lines)
    parts = [found.get(f"page-{what}-{number}") for what in (label, "unchecked")]
    return parts[0][0] / parts[1][0] if all(parts) else None


def judge_cost(lines, copied):
    faults = all_ok(lines)
    for number in COSTS if copied else ():
        ratio = page_ratio(lines, "unranged", number)
        if not ratio or ratio > PAGE_COST:
            faults.append(f"{number} regions: a page costs {ratio} of what it does unchecked")
    for number, limit in COSTS.items():
        ratio = cost_ratios(lines).get(number)
        if not ratio or ratio > limit:
            faults.append(f"{number} regions: {ratio} of what it is unchecked, allowed are {limit}")
        regions = [t for t in sections(lines).get(f"regions-{number}", [])
                   if t.startswith("| 0x") and t.endswith(" enforced")]
        if len(regions) != number:
            faults.append(f"{len(regions)} regions are enforced, expected {number}")
    if copied:
        faults += [f"hooked: {line}" for line in lines if line.startswith("| iommu_map ")]
        return faults
    # The hook was called: otherwise the low cost would mean nothing.
    part = [hook for hook in parse([t[2:] for t in sections(lines).get(
        "regions-64", []) if t.startswith("| iommu_map ")])[0]]
    if not part or part[0].hits < 100:
        faults.append(f"nothing was checked: {part}")
    return faults


PLANTED_COST = (
    (r"^(say checked-4$.*?pairs=)(\d+)(.*^say checked-4$.*?pairs=)(\d+)(.*^say checked-4$.*?pairs=)"
     r"(\d+)", lambda m: "".join(str(int(x) * 103 // 100) if x.isdigit() else x
                                 for x in m.groups())),
    (r" added enforced$", " added advice"),
)


@case("lacking-cost-{key}", ("5.10-amd64", "6.12-amd64", "5.10-arm64", "7-arm64"),
      boot="it counts instructions")
def cost(key, name):
    """With checks a map and unmap pair of a huge page costs at most 2% more with 4 regions, 3% with
    64; one of a single page at most 2% more where no hook is on the way. Clocks count instructions
    here (-icount shift=0)."""
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], cost_steps(kernel.arch),
                        partial(judge_cost, copied=copies(kernel)),
                        PLANTED_COST, limit=700, accel="tcg,thread=single",
                        qemu=["-icount", "shift=0,sleep=off"])
    note = "; ".join(f"{n} regions {ratio:.4f}" for n, ratio in cost_ratios(lines).items())
    pair = costs(lines).get("unchecked-4", (0,))[0] / 10
    note += f"; a pair of {pair:.0f} instructions"
    for label in ("checked", "unranged"):
        for number in COSTS:
            ratio = page_ratio(lines, label, number)
            note += f"; a page, {label}, {number} regions {ratio:.4f}" if ratio else ""
    return note, faults and faults + [note]


# lacking-cycles: load and unload under readers and users of VFIO

CYCLES = 8


def cycles_steps():
    return [*MOUNTS, "bind", "hooked before", IGNORE, "allocs seen", "unload iommu_resv",
            "sleep 500", "allocs before", "spawn reader read-all",
            f"spawn user /vfio-check loop {A}", f"spawn other /vfio-check loop {B} 3",
            f"cycle {CYCLES} {MODULE} iommu_resv native=ignore", IGNORE, "sleep 300",
            *[f"write {CHECKS} {mode}" for mode in ("warn", "off", "enforce") * 5],
            "stop other", "stop user", "stop reader", "say end", f"cat {HOOKS}", f"cat {FEATURES}",
            "unload iommu_resv", "hooked end", "left", "sleep 1000", "allocs after"]


def judge_cycles(lines, arch, copied):
    faults = all_ok(lines)
    if judge.said(lines, "cycle") != [f"{CYCLES} 0"]:
        faults.append(f"cycle: {judge.said(lines, 'cycle')} {judge.said(lines, 'cycle-error')[:5]}")
    counts = {}
    for who in ("reader", "user", "other"):
        told = judge.said(lines, who)
        counts.update((f"{who}-{word.split('=')[0]}", word.split("=")[1])
                      for line in told[:-1] for word in line.split())
        if told[-1:] != ["exit 0"]:
            faults.append(f"{who}: {told}")
    for what in ("reader-files", "user-loops", "other-loops"):
        if int(counts.get(what, 0)) < 20:
            faults.append(f"too few operations: {counts}")
    for what in ("user-errors", "other-errors"):
        if counts.get(what) != "0":
            faults.append(f"VFIO user: {counts}")
    end = Section(lines, "end", faults)
    there = {hook.symbol: hook for hook in end.hooks}
    for symbol in ("iommu_attach_group", "vfio_iommu_type1_open",
                   *([] if copied else ["iommu_map"])):
        if symbol not in there or there[symbol].state != "active":
            faults.append(f"{symbol}: {there.get(symbol)}")
    if copied and "iommu_map" in there:
        faults.append("operations are copied, and iommu_map is hooked as well")
    before, _ = allocations(lines, "before")
    after, caches = allocations(lines, "after")
    if caches < 5 or not any("[iommu_resv" in who
                             for _, who in allocations(lines, "seen")[0]):
        faults.append("the memory of a loaded module is not seen")
    for (cache, who), count in after.items():
        more = count - before.get((cache, who), 0)
        if more > (20 if "iommu_alloc_resv_region" in who else 0):
            faults.append(f"{who} has {more} objects of {cache} more than before")
    faults += is_clean(lines, "before", "end", arch)
    return faults


PLANTED_CYCLES = (
    (r"^(cycle \d+) 0$", r"\1 1"),
    (r"^user loops=(\d+) errors=0$", r"user loops=\1 errors=2"),
    (r"^other exit 0$", "other exit 139"),
    (r"^allocs after ", "allocs after kmalloc-64 1 0xffffffffc0251050 age=1 pid=1\nallocs after "),
    *leaves("end"),
)


@case("lacking-cycles-{key}", ("5.10-amd64", "7-amd64", "6.12-arm64"), slow=3)
def cycles(key, name):
    """When the module is loaded and unloaded under readers and users of VFIO, nothing breaks and
    nothing is left behind."""
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], cycles_steps(),
                        partial(judge_cycles, arch=kernel.arch, copied=copies(kernel)),
                        PLANTED_CYCLES,
                        memory="1G", smp=2, limit=420,
                        append="slub_debug=FZPU page_poison=1")
    told = [line for who in ("user", "other", "reader") for line in judge.said(lines, who)[:-1]]
    return " ".join(told), faults


# lacking-steps: the Nth step of loading fails, for all N

STEPS_MAX = 40


def steps_steps():
    return [*MOUNTS, "bind", "hooked before",
            f"inject {MODULE} ignore {STEPS_MAX} native=ignore", "hooked end", "left"]


def judge_steps(lines, arch, copied):
    faults = all_ok(lines)
    # If there is no memory for a copy of operations, the hook on iommu_map() checks maps.
    needed = "iommu_attach_group" if copied else "iommu_map"
    results = injected(lines)
    names = failed_steps(lines)
    if len(results) < 10 or len(results) >= STEPS_MAX or len(names) != len(results) - 1:
        faults.append(f"{len(results)} loads, {names}")
    last = f"ignore.{len(results)}"
    for key, (result, _) in results.items():
        told = {line.split()[0]: line.split()[1] for line in judge.said(lines, "features", key)}
        there, *_ = parse(judge.said(lines, "hooks", key))
        states = {hook.symbol: hook.state for hook in there}
        good = told.get("map-checks") == "added" and states.get(needed) == "active"
        if key == last and not (result == "ok" and good):
            faults.append(f"{key}: no step fails: {result} {told} {states}")
        # If a step of a hook fails, it is repeated for the next group, or the feature is off.
        if result == "ok" and not good and told.get("map-checks") != "inert":
            faults.append(f"{key}: loaded, and {told.get('map-checks')} {states}")
        if result == "ok" and told.get("map-checks") == "inert" and \
                states.get(needed) == "active" and "inert" not in [h.state for h in there]:
            faults.append(f"{key}: off, and all hooks work: {states}")
        faults += is_clean(lines, "before", key, arch)
    return faults + is_clean(lines, "before", "end", arch)


@case("lacking-steps-{key}", ("5.10-amd64", "7-arm64"))
def steps(key, name):
    """If the Nth step of loading fails, for any N, the checks are off or the module does not
    load."""
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], steps_steps(),
                        partial(judge_steps, arch=kernel.arch, copied=copies(kernel)),
                        ((r"^inject ignore 1 ENOMEM", "inject ignore 1 ok"),
                         *leaves("ignore.2"), *leaves("end")), limit=300)
    names = failed_steps(lines)
    steps_failed = ", ".join(sorted(set(names)))
    return f"{len(names)} failures of {len(set(names))} steps: {steps_failed}", faults


# lacking-unprobed: probes are turned off while a guest runs, which stays checked until it ends

def unprobed_steps(arch):
    device, (low, _) = DEVICE[arch], WINDOW[arch]
    low += 0x1000
    tries = f"try:0x{low:x}-0x{low + 0xfff:x} try:0x1000000-0x1000fff"
    play = f"/vfio-check play container open:{device} set:{device} iommu"
    regions = f"cat {GROUP.format(device)}/resv/regions"
    return [*MOUNTS, "bind", "hooked before", IGNORE,
            f"spawn holder {play} {tries} await:/tmp/options-go {tries} await:/tmp/options-end "
            f"{tries}", "sleep 2500", "say on", regions,
            f"write {PROBES} 0", f"write {CHECKS} enforce", "say dead", regions,
            f"cat {FEATURES}", "options go", "sleep 1000",
            # The guest may have mapped anything while checks were off, so that is let through.
            f"write {CHECKS} off", f"write {CHECKS} enforce", "say switched", regions,
            "say held", "unload iommu_resv", "options end", "wait-job holder",
            # No hook saw that the domain was freed.
            UNUSED, f"write {PROBES} 1", f"write {CHECKS} off", f"write {CHECKS} enforce",
            "say again", f"run {play} {tries}", regions, "unload iommu_resv", "hooked end", "left"]


def judge_unprobed(lines, arch):
    section = sections(lines)
    faults = all_ok(lines, {("unload", 0)})
    low, high = WINDOW[arch]
    told = [line.split()[-1] for line in judge.said(lines, "holder") if " try:" in line]
    if told != ["EINVAL", "ok", "EINVAL", "ok", "ok", "ok"]:
        faults.append(f"holder: {told}")
    for label, wanted in (("on", "enforced"), ("dead", "enforced"), ("switched", "advice"),
                          ("again", "enforced")):
        found = [line.split()[-1] for line in section.get(label, [])
                 if line.startswith(f"| 0x{low:016x} 0x{high:016x} ")]
        if found != [wanted]:
            faults.append(f"regions, {label}: {found}, expected {wanted}")
    if not any(line.startswith("| map-checks inert") for line in section.get("dead", [])):
        faults.append("features does not say that new guests are not checked")
    held = [line.split()[-1] for line in judge.said(section.get("held", []), "unload")]
    if [word in ("EBUSY", "EAGAIN") for word in held] != [True]:
        faults.append(f"unloading with a guest: {held}")
    tried = [line.split()[-1] for line in judge.said(section.get("again", []), "run")
             if " try:" in line]
    if tried != ["EINVAL", "ok"]:
        faults.append(f"again: {tried}")
    return faults + is_clean(lines, "before", "end", arch)


PLANTED_UNPROBED = (
    (r"^(say dead$.*?^holder [^\n]*try:\S+) EINVAL$", r"\1 ok"),
    (r"^(say dead$.*?) added enforced$", r"\1 added advice"),
    (r"^(say held$.*?^unload \S+) \w+$", r"\1 ok"),
    *leaves("end"),
)


@case("lacking-unprobed-{key}", ("5.10-amd64", "5.10-arm64"))
def unprobed(key, name):
    """A guest stays checked, and holds the module, when probes are turned off; also if no probe
    sees its end."""
    kernel = kernels.get(key, test=True)
    _, faults = run(name, kernel, PLAIN[kernel.arch], unprobed_steps(kernel.arch),
                    partial(judge_unprobed, arch=kernel.arch), PLANTED_UNPROBED, limit=240)
    return "", faults
