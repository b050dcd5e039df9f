# SPDX-License-Identifier: GPL-2.0-only
"""Checks of declared regions, by the kernel's own rule for its lists."""
from expect import judge
from expect.said import groups_of, keep, where
from talk.words import HOLE, of, span, text

TOP = judge.TOP
OWN = object()

# The kernel's own ranks, which decide where two regions start at the same address.
RANK = {"direct": 0, "direct-relaxable": 1, "reserved": 2, "msi": 3}


# The kernel's rule

def insert(regions, new):
    """iommu_insert_resv_region() of Linux 5.4 and later, with its arithmetic of 64 bits.

    REGIONS and the result: [(start, rank, end)]."""
    at = next((i for i, r in enumerate(regions) if new[:2] <= r[:2]), len(regions))
    out = []
    for start, rank, end in regions[:at] + [new] + regions[at:]:
        top = next((i for i in reversed(range(len(out))) if out[i][1] == rank), None)
        if rank != new[1] or top is None or start > (out[top][2] + 1) & TOP:
            out.append((start, rank, end))
        else:
            out[top] = (out[top][0], rank, max(out[top][2], end))
    return out


def kernel_list(lines, declared, devices=1):
    """The kernel's reserved_regions, which was LINES, after the regions DECLARED are declared for
    each of the group's DEVICES devices."""
    names = {rank: name for name, rank in RANK.items()}
    regions = [(int(w[0], 16), RANK[w[2]], int(w[1], 16)) for w in (x.split() for x in lines)]
    for _ in range(devices):
        for start, end in declared:
            regions = insert(regions, (start, RANK["reserved"], end))
    return [f"0x{start:016x} 0x{end:016x} {names[rank]}" for start, rank, end in regions]


def cut(ranges, holes):
    """RANGES without HOLES."""
    return [piece for lo, hi in ranges for piece in judge.without(lo, hi, holes)]


def both(one, other):
    """The addresses that are in both ONE and OTHER."""
    return cut(one, cut([(0, TOP)], other))


def dumped(label, base, declared, given=""):
    """The dump LABEL is BASE with the regions DECLARED, {device: [(start, end)]}.

    GIVEN: the text of the device column, if it is not "-"; OWN: the name of the device."""
    def check(piece, state):
        faults = keep(label)(piece, state)
        if faults:
            return faults
        now, then = groups_of(state, label), groups_of(state, base)
        if sorted(now) != sorted(then):
            return [f"groups {sorted(now)}, they were {sorted(then)}"]
        wanted = {n: [] for n in now}
        for device, regions in declared.items():
            column = device if given is OWN else given or "-"
            wanted[where(now, device).id] += [(*r, column) for r in regions]
        for n, group in now.items():
            faults += judge.check_group(group)
            faults += check_declared(group, then[n], wanted[n])
        return faults
    return check


def check_declared(group, then, wanted):
    """GROUP is THEN, an earlier dump of it, with WANTED, [(start, end, device column)]."""
    head = f"group {group.id}"
    ranges = [w[:2] for w in wanted]
    faults = judge.differ(f"{head}: reserved_regions, and the kernel's rule",
                          group.lines("reserved_regions"),
                          kernel_list(then.lines("reserved_regions"), ranges,
                                      len(group.devices)))
    # If THEN was dumped without the module, its group has no files of the module to compare.
    admin = [line for line in group.lines("regions") if line.split()[3] == "admin"]
    faults += judge.differ(f"{head}: declared lines of regions, and what was declared", admin,
                           [f"0x{s:016x} 0x{e:016x} reserved admin {device} added enforced"
                            for s, e, device in sorted(wanted)])
    if "regions" not in then.files:
        return faults
    rest = [line for line in group.lines("regions") if line.split()[3] != "admin"]
    faults += judge.differ(f"{head}: other lines of regions, and those of before", rest,
                           [line for line in then.lines("regions") if line.split()[3] != "admin"])
    old = [(int(w[0], 16), int(w[1], 16)) for w in (x.split() for x in then.lines("regions"))
           if w[3] == "admin"]
    if not old:
        faults += judge.differ(f"{head}: usable, and before without what was declared",
                               judge.pairs(group.lines("usable")),
                               cut(judge.pairs(then.lines("usable")), ranges))
    for name in ("aperture", "msi_isolation", "msi_window", "type"):
        faults += judge.differ(f"{head}: {name}, and before", group.lines(name), then.lines(name))
    return faults


def same_lists(one, other):
    """Two dumps show the same regions everywhere."""
    def check(_, state):
        return [fault for n, group in groups_of(state, one).items()
                for file in ("reserved_regions", "regions", "usable")
                for fault in judge.differ(f"group {n}: {file} in {one}, and in {other}",
                                          group.lines(file), state[other][n].lines(file))]
    return check


def in_force(there):
    """If THERE, the kernel's list has the declared region and the group's file says "enforced";
    else neither."""
    def check(piece, _):
        line = f"0x{HOLE[0]:016x} 0x{HOLE[1]:016x} reserved"
        listed = any(said == f"| {line}" for said in piece.lines)
        told = [said for said in piece.lines if said.startswith(f"| {line} ")]
        enforced_now = any(said.split()[-1] == "enforced" for said in told)
        return [] if told and (listed, enforced_now) == (there, there) else \
            [f"listed {listed}, and the file says {told}"]
    return check


def warned(number):
    """The log has NUMBER warnings that a driver's function is not hooked."""
    def check(piece, _):
        lines = [line for line in piece.log if "_get_resv_regions (kprobe) is off" in line]
        return [] if len(lines) == number else [f"{len(lines)} warnings: {lines}"]
    return check


def shows(label, device, regions, column, absent=(), base=None):
    """In the dump LABEL both files of DEVICE's group have REGIONS, and not those of ABSENT."""
    def check(piece, state):
        faults = keep(label)(piece, state)
        if faults:
            return faults
        group = where(state[label], device)
        faults += judge.check_group(group)
        faults += judge.differ(
            "declared lines of regions", [line for line in group.lines("regions")
                                          if line.split()[3] == "admin"],
            [f"0x{s:016x} 0x{e:016x} reserved admin {col} added enforced"
             for (s, e), col in sorted(zip(regions, column))])
        listed = judge.pairs([line for line in group.lines("reserved_regions")
                              if line.endswith(" reserved")])
        faults += [f"reserved_regions lacks {span(*r)}: {listed}" for r in regions
                   if r not in listed]
        faults += [f"reserved_regions has {span(*r)}" for r in absent if r in listed]
        return faults
    return check


def listed(device, *regions):
    """(step, check): the file "declare" of the device's group lists REGIONS."""
    path = of(device, "resv/declare")

    def check(piece, _):
        start = f"file {path} "
        at = next((n for n, line in enumerate(piece.lines) if line.startswith(start)), None)
        if at is None:
            return [f"{path} was not read"]
        lines = []
        for line in piece.lines[at + 1:]:
            if not line.startswith("| "):
                break
            lines.append(line[2:])
        return judge.differ(f"{path}, and what was declared", lines,
                            [f"add {text(region)}" for region in regions])
    return f"cat {path}", check
