# SPDX-License-Identifier: GPL-2.0-only
"""Judge the transcript of a VM: compare the module's files, the kernel's files and VFIO's answers.
The comparisons do not follow the module's code and were written without it."""
import re
from dataclasses import dataclass, field

from lab.topologies import applies

TOP = (1 << 64) - 1
HEX = r"0x[0-9a-f]{16}"
TYPES = ["direct", "direct-relaxable", "reserved", "msi", "sw-msi"]     # the kernel's order
ALL_TYPES = TYPES + ["out-of-range", "pci-window"]
ORIGINS = ["kernel", "rmrr", "ivmd", "rmr", "dt", "apic", "ht", "bridge", "aperture", "admin",
           "window"]
FORMAT = {
    "regions": rf"{HEX} {HEX} ({'|'.join(ALL_TYPES)}) ({'|'.join(ORIGINS)}) \S+ "
               r"(native|added) (enforced|advice)( ht-ignore)?",
    "usable": rf"{HEX} {HEX}",
    "aperture": rf"{HEX} {HEX}",
    "msi_isolation": r"isolated|unsafe|unknown",
    "msi_window": r"none|0x[0-9a-f]+ 0x[0-9a-f]+ (kernel|moved|auto)",
    "page_size": r"0x[1-9a-f][0-9a-f]*",
    "iommu": r"[^\s/]+",
    "assignable": rf"yes|no|direct \S+ {HEX} {HEX}|unsafe-interrupts -|no-iommu \S+|"
                  r"host-driver \S+ \S+",
}
FEATURE = r"[a-z0-9_-]+ (native|added|inert) \S+ \S.*"


@dataclass
class Group:
    id: str
    devices: list = field(default_factory=list)     # (name, driver, vendor:device)
    files: dict = field(default_factory=dict)       # name -> (status, lines)
    iommus: set = field(default_factory=set)        # IOMMUs to which its devices have links

    def lines(self, name):
        return self.files.get(name, ("ENOENT", []))[1]

    def names(self):
        return [device[0] for device in self.devices]

    def regions(self):
        """The file `regions`: [(start, end, type, origin, device, native, enforced)]."""
        out = []
        for line in self.lines("regions"):
            w = line.split()
            if re.fullmatch(FORMAT["regions"], line):
                out.append((int(w[0], 16), int(w[1], 16), w[2], w[3], w[4], w[5] == "native",
                            w[6] == "enforced"))
        return out


def dumps(lines):
    """{label: {group id: Group}} of all dumps."""
    out, groups, group, status, text = {}, {}, None, None, None
    for line in lines:
        word = line.split(" ")
        if word[0] == "dump":
            groups = out.setdefault(word[1], {})
        elif word[0] == "group":
            group = groups.setdefault(word[1], Group(word[1]))
        elif word[0] == "device":
            group.devices.append(tuple(word[1:]))
        elif word[0] == "iommu":
            group.iommus.add(word[1])
        elif word[0] == "file":
            status, text = word[2], []
            group.files[word[1]] = (status, text)
        elif word[0] == "|":
            text.append(line[2:])
    return out


def said(lines, *head):
    """The rests of the lines that begin with the words HEAD."""
    start = " ".join(head) + " "
    return [line[len(start):] for line in lines if line.startswith(start)]


def pairs(lines):
    return [tuple(int(w, 16) for w in line.split()[:2]) for line in lines]


def merged(regions):
    """Merge (start, end, type) as kernels since 5.4 do: by type, overlapping or adjacent."""
    out = []
    for rank, kind in enumerate(TYPES):
        mine = []
        for start, end in sorted(r[:2] for r in regions if r[2] == kind):
            if mine and start <= mine[-1][1] + 1:
                mine[-1][1] = max(mine[-1][1], end)
            else:
                mine.append([start, end])
        out += [(start, rank, end) for start, end in mine]
    return [f"0x{start:016x} 0x{end:016x} {TYPES[rank].replace('sw-msi', 'msi')}"
            for start, rank, end in sorted(out)]


def without(start, end, holes):
    """[START, END] without HOLES."""
    out = []
    for lo, hi in sorted(holes):
        if hi < start or lo > end:
            continue
        if lo > start:
            out.append((start, lo - 1))
        start = hi + 1
        if start > end:
            return out
    return out + [(start, end)]


def differ(what, ours, theirs):
    if ours == theirs:
        return []
    ours, theirs = ([f"0x{x[0]:016x} 0x{x[1]:016x}" if isinstance(x, tuple) else x for x in side]
                    for side in (ours, theirs))
    out = [f"{what}:"]
    out += [f"    only ours:   {x}" for x in ours if x not in theirs]
    out += [f"    only theirs: {x}" for x in theirs if x not in ours]
    return ["\n".join(out if len(out) > 1 else out + ["    in another order"])]


def reasons(group):
    """VFIO's obstacles by `assignable`: [(word, device)]; None if the file has no lines."""
    lines = group.lines("assignable")
    return [tuple(line.split()[:2]) for line in lines[1:]] if lines else None


def check_assignable(group, regions):
    """The file by itself, without VFIO's answers: each reason holds, and is of the group."""
    head = f"group {group.id}: assignable"
    lines = group.lines("assignable")
    faults = []
    if lines[1:] == [] if lines[0] == "no" else lines != ["yes"]:
        faults.append(f"{head}: {lines}")
    if len(set(lines)) != len(lines):
        faults.append(f"{head}: the same twice: {lines}")
    drivers = {device[0]: device[1] for device in group.devices}
    for line in lines[1:]:
        word = line.split()
        if word[0] == "host-driver" and drivers.get(word[1]) != word[2]:
            faults.append(f"{head}: {line}, but the drivers are {drivers}")
        if word[0] == "direct" and (int(word[2], 16), int(word[3], 16), "direct",
                                    word[1]) not in [r[:3] + (r[4],) for r in regions]:
            faults.append(f"{head}: {line} is not in regions")
        if word[0] == "no-iommu" and group.iommus:
            faults.append(f"{head}: {line}, but sysfs has its IOMMU: {group.iommus}")
    # With these drivers, or with none, every kernel lets VFIO have the group.
    for name, driver in drivers.items():
        if driver in ("vfio-pci", "-") and ("host-driver", name) in reasons(group):
            faults.append(f"{head}: {name} is bound to {driver}")
    if ("unsafe-interrupts", "-") in reasons(group) and \
            group.lines("msi_isolation") == ["isolated"]:
        faults.append(f"{head}: interrupts are isolated")
    return faults


def check_group(group, added=False):
    """Conditions that hold for any group, also without VFIO. ADDED: the module makes its list."""
    faults = []
    head = f"group {group.id}"
    # By bad firmware the kernel can list a region that ends before it begins. That is no region,
    # and what VFIO does with it is unknown.
    theirs = [line for line, (start, end) in zip(group.lines("reserved_regions"),
                                                 pairs(group.lines("reserved_regions")))
              if start <= end]
    nonsense = len(theirs) != len(group.lines("reserved_regions"))
    if nonsense and group.files.get("usable", ("",))[0] != "ENODATA":
        faults.append(f"{head}: usable is shown though the kernel lists nonsense")
    for name, pattern in FORMAT.items():
        status, lines = group.files.get(name, ("ENOENT", []))
        if status == "ENODATA" and nonsense and name in ("usable", "assignable"):
            continue
        if status != "ok":
            faults.append(f"{head}: {name}: {status}")
            continue
        faults += [f"{head}: {name}: bad line '{line}'" for line in lines
                   if not re.fullmatch(pattern, line)]
        if name in ("aperture", "msi_isolation", "msi_window", "page_size") and len(lines) != 1:
            faults.append(f"{head}: {name} has {len(lines)} lines")
    if faults:
        return faults
    regions = group.regions()
    if group.lines("assignable"):
        faults += check_assignable(group, regions)
    faults += differ(f"{head}: iommu, and the links of its devices",
                     sorted(group.lines("iommu")), sorted(group.iommus))
    # Declared regions are also in the kernel's list while they are enforced.
    listed = [r for r in regions if r[5] or r[3] == "admin" and r[6]]
    if added:
        listed += [r for r in regions if r not in listed and
                   (r[6] and r[2] in TYPES or r[2] == "direct-relaxable")]
    faults += differ(f"{head}: regions merged, and reserved_regions", merged(listed),
                     theirs)
    for region in regions:
        if region[4] not in group.names() + ["-"] and region[2] != "pci-window":
            faults.append(f"{head}: region of {region[4]}, which is not in the group")
        if region[6] and region[2] == "pci-window":
            faults.append(f"{head}: pci-window is enforced")
        # A DMA limit of 64 bits excludes nothing, so it must not give a tiny window at the end.
        if region[2] == "pci-window" and region[1] - region[0] < 0xfff:
            faults.append(f"{head}: pci-window is not whole pages")
    if nonsense:
        return faults
    windows = pairs(group.lines("msi_window")) if group.lines("msi_window") != ["none"] else []
    soft = sorted({r[:2] for r in regions if r[2] == "sw-msi"})
    faults += differ(f"{head}: msi_window, and sw-msi regions",
                     [(base, base + size - 1) for base, size in windows], soft)
    (low, high), = pairs(group.lines("aperture"))
    outside = sorted({r[:2] for r in regions if r[2] == "out-of-range"})
    faults += differ(f"{head}: out-of-range, and what aperture leaves", outside,
                     without(0, TOP, [(low, high)]))
    holes = [r[:2] for r in listed if r[2] in TYPES and r[2] != "direct-relaxable"]
    faults += differ(f"{head}: usable, and aperture without reserved_regions",
                     pairs(group.lines("usable")), without(low, high, holes))
    return faults


def check_maps(head, lines, ranges):
    """VFIO refused exactly the maps of pages that are not in RANGES."""
    faults = []
    for kind, line in lines:
        word = line.split()
        for address, answer in ((word[0], word[-2]), (word[1], word[-1])):
            inside = any(lo <= int(address, 16) <= hi for lo, hi in ranges)
            if answer != ("ok" if inside else "EINVAL"):
                faults.append(f"{head}: map at {address} ({kind} {line}): {answer}")
    return faults


def check_verdict(group, answer, unsafe=False):
    """`assignable` of GROUP, dumped before, agrees with VFIO's ANSWER. UNSAFE: True if VFIO gave it
    only after allow_unsafe_interrupts was set; None if that was off. If not None, the reason
    unsafe-interrupts does not count, as the parameter may have been set for another group."""
    told = reasons(group)
    head = f"group {group.id}: assignable"
    if told is None:
        return []
    there = [reason for reason in told if unsafe is None or reason[0] != "unsafe-interrupts"]
    if answer == "ok" and there:
        return [f"{head} says {there}, VFIO opened it"]
    if answer != "ok" and not told:
        return [f"{head} says yes, VFIO refused: {answer}"]
    if unsafe and ("unsafe-interrupts", "-") not in told:
        return [f"{head} lacks unsafe-interrupts, which VFIO refused it for"]
    return []


def check_vfio(group, lines, topology, series):
    """The files of GROUP, dumped before, agree with what VFIO said when it opened the group."""
    head = f"group {group.id} ({group.names()[0]})"
    said_by = {key: [line[len(key) + 1:] for line in lines if line.startswith(key + "=")]
               for key in ("open", "page", "range", "inside", "edge", "dma", "msi", "unsafe")}
    if not said_by["open"]:
        return [f"{head}: VFIO said nothing"]
    answer = said_by["open"][-1]
    faults = check_verdict(group, answer, bool(said_by["unsafe"]))
    if answer == "ok":
        faults += differ(f"{head}: page_size, and the smallest map that VFIO accepts",
                         group.lines("page_size"), said_by["page"])
    refused = [d for d in topology.refused if applies(d, 1, series) and d[0] in group.names()]
    if refused:
        if answer == "ok":
            faults.append(f"{head}: VFIO opened it, a refusal was expected")
        return faults
    if answer != "ok":
        return faults + [f"{head}: VFIO refused it: {answer}"]
    ranges = pairs(said_by["range"])
    faults += differ(f"{head}: usable, and VFIO's IOVA ranges", pairs(group.lines("usable")),
                     ranges)
    faults += check_maps(head, [(kind, line) for kind in ("inside", "edge")
                                for line in said_by[kind]], ranges)
    faults += [f"{head}: DMA at {line}" for line in said_by["dma"] if not line.endswith(" ok")]
    edus = sum(d[2] == "0x1234:0x11e8" for d in group.devices)
    if len(said_by["dma"]) != 2 * edus:
        faults.append(f"{head}: {len(said_by['dma'])} DMA tests with {edus} edu devices")
    good = [line for line in said_by["msi"] if line == "3/3"]
    if len(good) != edus and series not in topology.no_msi:
        faults.append(f"{head}: interrupts: {said_by['msi']}")
    return faults


def check_isolation(group, first, series, topology):
    """msi_isolation and assignable agree with VFIO's answer, with allow_unsafe_interrupts off."""
    ours = (group.lines("msi_isolation") or ["missing"])[0]
    faults = check_verdict(group, first.removeprefix("open="), None)
    if any(applies(d, 1, series) and d[0] in group.names() for d in topology.refused):
        return faults
    theirs = {"open=ok": "isolated", "open=EPERM set-iommu": "unsafe"}.get(first, first)
    faults += differ(f"group {group.id}: msi_isolation, and VFIO", [ours], [theirs])
    expected = "unsafe" if series in topology.unsafe else "isolated"
    if theirs != expected:
        faults.append(f"group {group.id}: VFIO finds interrupts {theirs}, expected {expected}")
    return faults


def check_expected(groups, topology, series):
    """The dump has the lines and groups that the topology's entry expects."""
    faults = []
    where = {name: group for group in groups.values() for name in group.names()}
    for entry in topology.shows:
        if not applies(entry, 2, series):
            continue
        group = where.get(entry[0])
        if not group:
            faults.append(f"{entry[0]} has no group")
        elif not any(line.startswith(entry[1]) for line in group.lines("regions")):
            faults.append(f"group {group.id} of {entry[0]} does not show '{entry[1]}'")
    for names in topology.same_group:
        found = {where[name].id if name in where else "none" for name in names}
        if len(found) != 1 or "none" in found:
            faults.append(f"{' '.join(names)} are in groups {' '.join(sorted(found))}")
    return faults


def check_pieces(groups, lines, topology):
    """Reads of 64 bytes at a time give the whole of `regions`, however long it is."""
    faults = []
    told = {line.split()[0]: line.split()[1:] for line in said(lines, "pieces")}
    for group in groups.values():
        size = sum(len(line) + 1 for line in group.lines("regions"))
        if told.get(group.id) != [str(size), "same"]:
            faults.append(f"group {group.id}: regions has {size} bytes, in pieces: "
                          f"{' '.join(told.get(group.id, ['nothing']))}")
        for name in topology.longer:
            if name in group.names() and size <= 4096:
                faults.append(f"group {group.id} of {name}: regions has only {size} bytes")
    faults += [f"{name} has no group" for name in topology.longer
               if not any(name in group.names() for group in groups.values())]
    return faults


def check_module_files(files):
    faults = []
    if files.lines("version") == []:
        faults.append("/sys/kernel/iommu_resv/version is empty")
    if not files.lines("features"):
        faults.append("/sys/kernel/iommu_resv/features is empty")
    faults += [f"features: bad line '{line}'" for line in files.lines("features")
               if not re.fullmatch(FEATURE, line)]
    return faults


def check_report(lines, topology, series, added=False):
    """Check a whole report- test: the dump "loaded", the two VFIO passes, and the unload."""
    faults = [f"{cmd} {line}" for cmd in ("load", "unload") for line in said(lines, cmd)
              if " ok" not in line]
    faults += [f"bind {line}" for line in said(lines, "bind") if not line.endswith(" ok")]
    groups = dumps(lines).get("loaded", {})
    module = groups.pop("-", Group("-"))
    faults += check_module_files(module)
    if not groups:
        faults.append("there is no group")
    port = lines[0].split()[1]
    tried = set()
    for group in groups.values():
        faults += check_group(group, added)
        answers = said(lines, "vfio", group.id)
        first = said(lines, "probe", group.id)
        if not answers or not first:
            # VFIO has a file for each group that has a device bound to vfio-pci.
            if any(device[1] == "vfio-pci" for device in group.devices):
                faults.append(f"group {group.id}: VFIO was never tried")
            continue
        if port in group.names():
            continue
        tried.update(group.names())
        faults += check_isolation(group, first[0], series, topology)
        faults += check_vfio(group, answers, topology, series)
    if not tried:
        faults.append("VFIO was tried on no group")
    faults += [f"{entry[0]}: a refusal was expected, VFIO was not asked"
               for entry in topology.refused
               if applies(entry, 1, series) and entry[0] not in tried]
    faults += check_pieces(groups, lines, topology)
    if not added:
        faults += check_expected(groups, topology, series)
    faults += [f"after unload there is {path}" for path in said(lines, "left")]
    log = "\n".join(said(lines, "log"))
    faults += [f"kernel log lacks '{p}'" for p in topology.log if not re.search(p, log)]
    return faults


def answers(lines, group, number):
    """The answers about GROUP of the run of vfio-check with this NUMBER, counted from 1."""
    runs = [[]]
    for line in said(lines, "vfio", group):
        runs[-1].append(line)
        if line.startswith("exit "):
            runs.append([])
    return runs[number - 1] if number <= len(runs) else []
