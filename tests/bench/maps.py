# SPDX-License-Identifier: GPL-2.0-only
"""The cost of a map and unmap: without the module, and with it while it explains refused maps and
while it does not.

One VM a kernel, whose clocks count instructions (-icount shift=0). maps.txt keeps the figures, from
which docs/kernels writes the table in docs/tested.md. The module's default has to agree with them:
it explains by default on kernels where that costs at most LIMIT, and on no others."""
import re
import threading
from functools import partial
from pathlib import Path

from cases import explain, lacking_life
from expect import hooks, judge
from expect.hooks import all_ok
from lab import kernels
from lab.topologies import PLAIN
from lab.vm import Vm
from talk.script import planted
from talk.sections import sections
from talk.words import DEVICE, MODULE

KEYS = ("5.10-amd64", "6.1-amd64", "6.12-amd64", "7-amd64", "5.10-arm64", "6.1-arm64",
        "6.12-arm64", "7-arm64")
# The kernels of "make check"; "make check-release" measures all.
USUAL = ("6.12-amd64", "7-arm64")
KEPT = Path(__file__).resolve().parent / "maps.txt"
FEATURES = "/sys/kernel/iommu_resv/features"
SIZES = {"page": "4 KiB", "huge": "2 MiB"}
MODES = ("off", "auto", "on")       # of the parameter explain; no tracepoint is enabled
ROUNDS = 3
PAIRS = 10      # number of pairs in one measurement of vfio-check
# Number of measurements, of which vfio-check prints the median. The median is now and then one of
# two figures, a few percent apart, so the least of some rounds counts. A huge page takes longer,
# and its figures differ less.
TIMES = {"page": 60, "huge": 8}
# Limits of the ratio to the cost without the module: with explanations by default, with
# explain=on, and without explanations. For a huge page two measurements of one kernel have a
# ratio of 0.999 to 1.0013.
LIMIT = {"page": 1.06, "huge": 1.01}
ASKED = {"page": 1.30, "huge": 1.03}
UNASKED = {"page": 1.001, "huge": 1.005}
# How far a measurement may differ from that in maps.txt, which may be of another kernel of the
# series: on one kernel two runs measured 1.005 and 1.009 for a huge page.
NEAR = {"page": 0.02, "huge": 0.008}
lock = threading.Lock()       # for maps.txt


def measure(label):
    return [f"say page-{label}", f"run /vfio-check cost {DEVICE} 1 {TIMES['page']}",
            f"say huge-{label}",
            f"run /vfio-check cost {DEVICE} {lacking_life.HUGE} {TIMES['huge']}"]


def steps():
    out = ["write /proc/sys/vm/nr_hugepages 4", "bind", *measure("bare"), f"load {MODULE}",
           "sleep 300", "say default", f"cat {FEATURES}"]
    for _ in range(ROUNDS):
        for mode in MODES:
            out += [f"write {explain.EXPLAIN} {mode}", "sleep 300", f"say now-{mode}",
                    f"cat {FEATURES}", *measure(mode)]
    return [*out, "unload iommu_resv", *measure("bare") * (ROUNDS - 1), "left"]


def ratios(lines):
    """{(size, mode): ratio to the cost without the module}"""
    found = hooks.costs(lines)
    return {(size, mode): found[f"{size}-{mode}"][0] / found[f"{size}-bare"][0]
            for size in SIZES for mode in MODES
            if all(found.get(f"{size}-{label}", (0, 0, 0))[2] == ROUNDS
                   for label in ("bare", mode))}


def explains(lines, label):
    """State of map-explanations in the sections LABEL, "added" or "inert"; None if they differ."""
    found = re.findall(r"^\| map-explanations (\S+)", "\n".join(sections(lines)[label]), re.M)
    return found[0] if len(set(found)) == 1 else None


def kept():
    """The content of maps.txt: {kernel: (default, {size: ratio})}."""
    out = {}
    for line in KEPT.read_text().splitlines() if KEPT.exists() else ():
        if not line.startswith("#"):
            key, default, *numbers = line.split()
            out[key] = (default, dict(zip(SIZES, map(float, numbers))))
    return out


def figures(lines):
    """The figures of a kernel for maps.txt: (default, {size: ratio})."""
    default = {"added": "on", "inert": "off"}[explains(lines, "default")]
    found = ratios(lines)
    return default, {size: found[size, "on"] for size in SIZES}


def keep(key, default, costs):
    """Write the figures of a kernel into maps.txt, and keep those of other kernels."""
    out = ["# kernel, whether explanations are on by default, and a map and unmap of 4 KiB and of "
           "2 MiB with them,",
           "# of what it is without the module: written by tests/bench/run --update"]
    with lock:
        known = {**kept(), key: (default, costs)}
        out += [f"{other} {known[other][0]} " +
                " ".join(f"{known[other][1][size]:.3f}" for size in SIZES)
                for other in KEYS if other in known]
        KEPT.write_text("\n".join(out) + "\n")


def judge_maps(lines, known):
    """KNOWN: the figures of this kernel in maps.txt."""
    faults = all_ok(lines)
    faults += [f"write {line}" for line in judge.said(lines, "write") if not line.endswith(" ok")]
    found = ratios(lines)
    if len(found) != len(MODES) * len(SIZES) or found["page", "on"] <= found["page", "off"]:
        return faults + [f"a figure is missing: {found}"]
    if explains(lines, "now-off") != "inert" or explains(lines, "now-on") != "added" or \
            explains(lines, "now-auto") != explains(lines, "default"):
        return faults + ["features does not follow the parameter explain"]
    default, costs = figures(lines)
    fits = all(costs[size] <= limit for size, limit in LIMIT.items())
    if fits != (default == "on"):
        faults.append(f"explanations cost {told(costs)}, allowed by default are {told(LIMIT)}: "
                      f"the module has them {default} by default")
    for size, name in SIZES.items():
        auto = UNASKED if default == "off" else LIMIT
        for mode, limit in (("off", UNASKED[size]), ("auto", auto[size]), ("on", ASKED[size])):
            if found[size, mode] > limit:
                faults.append(f"{name}: explain={mode} {found[size, mode]:.4f}, "
                              f"the limit is {limit}")
    if not known or known[0] != default or \
            any(abs(known[1][size] - costs[size]) > NEAR[size] for size in SIZES):
        faults.append(f"maps.txt has {known}, measured is {default} {told(costs)}: "
                      "tests/bench/run --update, then docs/kernels")
    return faults


def told(costs):
    return " and ".join(f"{costs[size]:.4f} of {name}" for size, name in SIZES.items())


def note_of(lines):
    found = hooks.costs(lines)
    try:
        default, _ = figures(lines)
        out = [f"explanations are {default} by default"]
        for size, name in SIZES.items():
            bare, off, on = (found[f"{size}-{label}"][0] for label in ("bare", "off", "on"))
            out.append(f"{name}: {bare / PAIRS:.0f} instructions without the module, "
                       f"{off / PAIRS:.0f} ({off / bare:.4f}) with it, "
                       f"{on / PAIRS:.0f} ({on / bare:.4f}) with explanations")
    except KeyError as why:
        return f"a figure is missing: {why}"
    return "; ".join(out)


def dearer(label, factor):
    """A fault to plant: multiply all costs in the sections LABEL by FACTOR."""
    one = rf"(.*?^say {label}$.*?pairs=)(\d+)"
    return (r"\A" + one * ROUNDS,
            lambda m: "".join(str(int(int(word) * factor)) if word.isdigit() else word
                              for word in m.groups()))


SWAPPED = {"added": "inert", "inert": "added"}
PLANTED = (
    dearer("page-off", 1.002),
    dearer("page-auto", 1.09),
    dearer("huge-off", 1.01),
    dearer("page-on", 1.25),
    dearer("huge-on", 1.02),
    (r"^(say default$.*?^\| map-explanations )(added|inert)",
     lambda m: m[1] + SWAPPED[m[2]]),
    (r"^say page-on$", "say nothing"),
    (r"^(say now-on$.*?^\| map-explanations )added", r"\1inert"),
)


def run(key, update=False):
    """[(name, note, faults)] of one VM. UPDATE: also write its figures into maps.txt."""
    kernel = kernels.get(key)
    vm = Vm(f"bench-maps-{key}", kernel, PLAIN[kernel.arch], steps(), limit=300,
            accel="tcg,thread=single", qemu=["-icount", "shift=0,sleep=off"])
    lines = vm.run()
    if update:
        keep(key, *figures(lines))
    judging = partial(judge_maps, known=kept().get(key))
    faults = judging(lines) or planted(judging, lines, PLANTED)
    return [(f"bench-maps-{key}", f"{note_of(lines)} [{vm.seconds:.0f} s]",
             faults + vm.complaints())]
