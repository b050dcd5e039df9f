# SPDX-License-Identifier: GPL-2.0-only
"""dma_api: the addresses that the kernel's own DMA does not use, compared with those that the
kernel reserves when it makes a domain; a probe on reserve_iova() traces these from boot on."""
import re
from dataclasses import replace

from cases import case
from expect import judge
from expect.hooks import all_ok
from lab import kernels
from lab.topologies import BY_NAME
from talk.script import run
from talk.sections import files, sections
from talk.words import DEVICE, GROUP, MODULE, MOUNTS

PAGE = 4096
TRACE = "/sys/kernel/tracing/trace"
LINE = re.compile(rf"({judge.HEX}) ({judge.HEX}) ({'|'.join(judge.ALL_TYPES)}) dma-api (\S+) "
                  rf"native (enforced|advice) ({'|'.join(judge.ORIGINS)})")
WATCH = {"amd64": "kprobe_event=p:resv,reserve_iova,lo=%si,hi=%dx trace_buf_size=4M",
         "arm64": "kprobe_event=p:resv,reserve_iova,lo=%x1,hi=%x2 trace_buf_size=4M"}
TYPED = f"{GROUP}/type"
FILE = f"{GROUP}/resv/dma_api"


def steps(switch):
    """SWITCH: the kernel can change the type of a group's domain before a driver is bound."""
    out = [*MOUNTS[1:], f"load {MODULE}"]
    if switch:
        out += ["say as-booted", f"cat {FILE}", f"write {TYPED} identity",
                "say identity", f"cat {FILE}", f"write {TYPED} DMA", "say back", f"cat {FILE}"]
    return out + ["bind", "say loaded", "dump loaded", "say windows", "cat /proc/iomem",
                  f"cat {TRACE}", "say end",
                  f"spawn guest /vfio-check hold {DEVICE} 600", "sleep 2000", "dump held",
                  "unload iommu_resv", f"load {MODULE}", "dump late", "unload iommu_resv",
                  f"load {MODULE} sources=kernel,pci", "dump without", "unload iommu_resv",
                  "stop guest", "left"]


def parse(lines):
    """[(start, end, type, device, enforced, origin)], and faults of their form."""
    out, faults = [], []
    for line in lines:
        m = LINE.fullmatch(line)
        if m:
            out.append((int(m[1], 16), int(m[2], 16), m[3], m[4], m[5] == "enforced", m[6]))
        else:
            faults.append(f"bad line '{line}'")
    if [r[:2] for r in out] != sorted(r[:2] for r in out):
        faults.append(f"not in order: {lines}")
    return out, faults


def windows(lines):
    """The windows of the first host bridge by /proc/iomem."""
    out = []
    for line in lines:
        m = re.fullmatch(r"\| *([0-9a-f]+)-([0-9a-f]+) : (PCI Bus 0000:00|pcie@10000000)", line)
        if m:
            out.append((int(m[1], 16), int(m[2], 16)))
    return sorted(out)


def reserved(lines):
    """The addresses that the kernel has reserved since boot."""
    return [(int(m[1], 16) * PAGE, (int(m[2], 16) + 1) * PAGE - 1) for m in
            (re.search(r" resv: .* lo=(0x[0-9a-f]+) hi=(0x[0-9a-f]+)", line) for line in lines)
            if m]


def check_group(group, hosts, gaps, certain):
    """HOSTS and GAPS: windows that dma_api must have besides the kernel's own regions."""
    head = f"group {group.id}: dma_api"
    status, lines = group.files["dma_api"]
    if status != "ok":
        return [f"{head}: {status}"]
    if group.lines("type") == ["identity"]:
        return [f"{head}: {lines}, and the type is identity"] if lines else []
    if group.lines("type") not in (["DMA"], ["DMA-FQ"]):
        return [f"{head}: the type is {group.lines('type')}"]
    told, faults = parse(lines)
    faults = [f"{head}: {fault}" for fault in faults]
    want = []
    own = [r for r in group.regions() if r[5] and r[2] != "sw-msi"]
    for r in own:
        shared = sum(r[:3] == other[:3] for other in own)
        want.append((*r[:3], r[4], shared == len(group.devices), r[3]))
    bridge = [(lo, hi, "pci-window", "pci0000:00", certain, "bridge") for lo, hi in hosts + gaps]
    return faults + judge.differ(f"{head}, and what is known of the group",
                                 sorted(map(str, told)), sorted(map(str, want + bridge)))


def check_kernel(groups, kept):
    """All enforced addresses are in KEPT, which the kernel reserved, and KEPT has no others."""
    faults = []
    told = [r for group in groups for r in parse(group.lines("dma_api"))[0]]
    for lo, hi in sorted({r[:2] for r in told if r[4]}):
        if judge.without(lo, hi, kept):
            faults.append(f"0x{lo:x}-0x{hi:x} is listed, and not reserved: {kept}")
    # The kernel reserves one page more at the end of a gap.
    wide = [(max(lo - PAGE, 0), hi + PAGE) for lo, hi, *_ in told]
    for lo, hi in sorted(set(kept)):
        if judge.without(lo, hi, wide):
            faults.append(f"0x{lo:x}-0x{hi:x} is reserved, and not listed")
    if not kept:
        faults.append("the kernel was not seen to reserve anything")
    return faults


def judge_view(lines, domain, gaps, certain, seen, switch):
    """SEEN: the kernel's reservations were traced."""
    faults = all_ok(lines)
    dumps = judge.dumps(lines[lines.index("dump loaded"):] if "dump loaded" in lines else [])
    parts = sections(lines)
    hosts = windows(parts["windows"])
    if not hosts:
        faults.append("no window of a host bridge is known")
    for label in ("loaded", "held"):
        groups = dumps[label]
        module = groups.pop("-")
        for line in ("dma-api added ", "dma-api-in-use inert "):
            if not any(told.startswith(line) and len(told.split()) > 4
                       for told in module.lines("features")):
                faults.append(f"{label}: features: no '{line}' and why")
        for group in groups.values():
            faults += [f"{label}: {fault}" for fault in check_group(group, hosts, gaps, certain)]
            if domain not in group.lines("type")[0]:
                faults.append(f"{label}: the type is {group.lines('type')}")
    if seen:
        faults += check_kernel(dumps["loaded"].values(), reserved(parts["windows"]))
    # For a group that VFIO has when the module is loaded, dma_api is ENODATA; for others it is ok.
    for group in dumps["late"].values():
        if group.id != "-":
            want = "ENODATA" if DEVICE in group.names() else "ok"
            faults += judge.differ(f"late: group {group.id}", [group.files["dma_api"][0]], [want])
    faults += [f"without its source: group {group.id}: {group.files['dma_api']}"
               for group in dumps["without"].values()
               if group.id != "-" and group.files["dma_api"][0] != "ENODATA"]
    if switch:
        booted, identity, back = (files(parts[label]).get(FILE)
                                  for label in ("as-booted", "identity", "back"))
        if not booted or not booted[1] or identity != ("ok", []) or back != booted:
            faults.append(f"type changed: {booted}, then {identity}, then {back}")
    return faults


PLANTED = {
    "DMA": (
        (r"(^dump loaded$.*?^file dma_api ok\n)\| [^\n]*\n", r"\1"),
        (r"(^dump loaded$.*?^\| 0x\S+ 0x\S+) pci-window dma-api", r"\1 reserved dma-api"),
        (r"(^dump held$.*?^file dma_api) ok\n(?:\| [^\n]*\n)*", r"\1 ENODATA\n"),
        (r"^\| dma-api-in-use inert - .*?$", "| dma-api-in-use added - so"),
        (r"(^dump late$.*?^file dma_api) ENODATA$", r"\1 ok"),
        (r"(^dump without$.*?^file dma_api) ENODATA$", r"\1 ok"),
    ),
    "identity": (
        (r"(^dump loaded$.*?^file dma_api ok\n)",
         r"\1| 0x00000000fee00000 0x00000000feefffff msi dma-api - native enforced apic\n"),
    ),
}
# Faults to plant: a reservation at a page that dma_api does not list; and no reservation at all.
SEEN = {arch: (
    (r" resv: \([^\n]*? lo=0x[0-9a-f]+ hi=0x[0-9a-f]+", f" resv: x lo={page} hi={page}"),
    (r"(^file /sys/kernel/tracing/trace ok\n).*?(^say end$)", r"\1\2"),
) for arch, page in (("amd64", "0x7777777"), ("arm64", "0x50000"))}
SWITCHED = (
    (r"(^say identity$.*?^file \S+ ok\n)", r"\1| 0x0\n"),
    (r"(^say back$.*?^file \S+ ok\n)\| [^\n]*\n", r"\1"),
)


@case("dma-view-{topology}-dma-{key}", ("5.10-amd64", "6.12-amd64", "7-amd64"), topology="intel48",
      domain="DMA")
@case("dma-view-{topology}-{domain}-{key}", ("6.12-amd64",), topology="intel48", domain="identity")
@case("dma-view-{topology}-dma-{key}", ("6.1-amd64",), topology="amd", domain="DMA")
@case("dma-view-{topology}-dma-{key}", ("6.12-arm64", "7-arm64"), topology="dt-gaps", domain="DMA")
@case("dma-view-{topology}-{domain}-{key}", ("7-arm64",), topology="dt-gaps", domain="identity")
def view(topology, domain, key, name):
    """dma_api is right in all states of a group, and agrees with what the kernel reserves."""
    kernel = kernels.get(key)
    machine = BY_NAME[topology]
    if domain == "identity":
        machine = replace(machine, append=machine.append + " iommu.passthrough=1")
    gaps = [(lo, hi) for d, start, *_ in machine.shows if d == DEVICE and "pci-window" in start
            and "pci0000:00" in start for lo, hi in judge.pairs([start])]
    # In 5.10 Intel's driver has its own DMA API.
    own = key == "5.10-amd64"
    seen = domain == "DMA" and not own
    # Groups exist from boot on; and 5.10 cannot change the type.
    switch = domain == "DMA" and key in ("6.12-amd64", "7-amd64", "7-arm64")

    def judging(lines):
        return judge_view(lines, domain, gaps, not own, seen, switch)

    faults = PLANTED[domain] + (SEEN[kernel.arch] if seen else ()) + (SWITCHED if switch else ())
    return "", run(name, kernel, machine, steps(switch), judging, faults,
                   append=WATCH[kernel.arch] if seen else "")[1]
