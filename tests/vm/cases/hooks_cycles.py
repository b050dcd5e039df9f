# SPDX-License-Identifier: GPL-2.0-only
"""Tests hooks-cycles: load and unload the module, declare and remove regions again and again, while
other programs use it."""
import re
from dataclasses import replace
from functools import partial

from cases import case
from expect import judge
from expect.hooks import Section, all_ok, grown, is_clean, leaves
from lab import kernels
from lab.topologies import DEBUG, EDU, PLAIN, SLOTS
from talk.script import run
from talk.words import ACTIVE, ADD, DISABLE, FILES, MODULE, MOUNTS, REGION, REMOVE, RESTING

# pciehp removes a device five seconds after the request: wait for that before looking at groups.
SETTLED = {"amd64": "sleep 500", "arm64": "sleep 6500"}
CYCLES = {"kprobe": 40, "livepatch": 12}
DECLARES = {"kprobe": 100, "livepatch": 100}
# VFIO uses the first, the second is bound and unbound, and regions are declared for the third.
USED, CHURNED, DECLARED = "0000:00:03.0", "0000:00:04.0", "0000:00:08.0"
BUSY = {arch: replace(plain, name="busy", devices=(*plain.devices, f"{EDU},addr=8", *SLOTS))
        for arch, plain in PLAIN.items()}


class Plugs:
    """Plug a device into one slot, then unplug it while another is plugged into the other slot, and
    so on. QEMU frees a slot only some seconds after the request; a refused request is repeated."""

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


def cycles_steps(arch, backend):
    """The steps. The counts begin after the first load, which makes the kernel allocate memory that
    it keeps."""
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
              # Each write has to hit the time between two attaches by VFIO.
              f"declare-cycle 20 {declare.format(USED)} {REGION}",
              "say finish", "stop churn", "stop user", "stop reader", SETTLED[arch],
              "say end", *FILES, "dump loaded"]
    if backend == "livepatch":
        steps += DISABLE
    return steps + ["unload iommu_resv", "hooked end", "left", "sleep 1000", "allocs after"]


def judge_cycles(lines, arch, backend, counted=True):
    """COUNTED: the kernel lists who allocated the objects of the kmalloc caches."""
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
            faults.append(f"too few operations: {counts}")
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


@case("hooks-cycles-{backend}-{key}", ("5.10-amd64", "7-amd64", "7-arm64"), backend="kprobe",
      slow=3)
@case("hooks-cycles-{backend}-{key}", ("5.10-amd64", "7-amd64"), backend="livepatch", slow=3)
@case("debug-hooks-cycles-kprobe-{arch}", DEBUG, backend="kprobe", part="debug")
@case("debug-hooks-cycles-{backend}-amd64", ("debug-amd64",), backend="livepatch", part="debug")
def cycles(key, backend, name):
    """The module can be loaded and unloaded, and regions declared and removed, repeatedly, while
    other tasks read sysfs, use VFIO and plug devices. It leaves nothing behind."""
    kernel = kernels.get(key)
    plugs = Plugs()
    # KASAN keeps freed objects for a while, so counts mean nothing there; kmemleak finds leaks.
    counted = not kernel.debug
    lines, faults = run(name, kernel, BUSY[kernel.arch], cycles_steps(kernel.arch, backend),
                        partial(judge_cycles, arch=kernel.arch, backend=backend, counted=counted),
                        PLANTED_CYCLES + (PLANTED_GROWN if counted else ()),
                        memory="1G", smp=2, limit=600,
                        append="slub_debug=FZPU page_poison=1" if counted else "",
                        meanwhile=("begin", "finish", 6, plugs))
    told = [line for who in ("user", "churn", "reader") for line in judge.said(lines, who)[:-1]]
    return f"{' '.join(told)} plugs={plugs.count}", faults
