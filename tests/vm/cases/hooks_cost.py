# SPDX-License-Identifier: GPL-2.0-only
"""Tests hooks-cost: the cost of hooks that are installed and have nothing to do."""
from functools import partial

from cases import case
from expect.hooks import Section, all_ok, costs
from lab import kernels
from lab.topologies import PLAIN
from talk.script import run
from talk.words import ACTIVE, DEVICE, DISABLE, HOOKS, MODULE, RESTING

# hooks-cost: instructions of VFIO's most frequent operations, and of an attach

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


# Faults to plant: one measurement without the module is cheaper by 1/500 or by 1/40. It is the
# last one, as the first can be more expensive than the others.
PLANTED_COST = (
    (r"\A(.*^say without-kprobe$.*?pairs=)(\d+)", lambda m: f"{m[1]}{int(m[2]) * 499 // 500}"),
    (r"\A(.*^say without-kprobe$.*?attach=)(\d+)", lambda m: f"{m[1]}{int(m[2]) * 39 // 40}"),
    (r"^say kprobe$", "say nothing"),
)


@case("hooks-cost-{key}", ("6.12-amd64", "7-arm64"), boot="it counts instructions")
def cost(key, name):
    """With the idle module a map costs at most 0.1% more and an attach at most 2% more than without
    it. Clocks count instructions here (-icount shift=0)."""
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
