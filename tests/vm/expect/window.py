# SPDX-License-Identifier: GPL-2.0-only
"""Checks of where the MSI window is."""
from dataclasses import replace

from expect import judge
from expect.said import groups_of, keep, where


def window_text(window, by="moved"):
    return f"0x{window[0]:x} 0x{window[1] - window[0] + 1:x} {by}"


def relisted(lines, window):
    """LINES of the kernel's list with the software window at WINDOW, as its only "msi" line."""
    out = sorted((int(w[0], 16), int(w[1], 16), w[2]) for w in (x.split() for x in lines)
                 if w[2] != "msi")
    rank = {"direct": 0, "direct-relaxable": 1, "reserved": 2, "msi": 3}
    out = sorted([*out, (*window, "msi")], key=lambda r: (r[0], rank[r[2]]))
    return [f"0x{start:016x} 0x{end:016x} {kind}" for start, end, kind in out]


def same_group(now, then):
    """Is NOW as THEN? VFIO may have had the group then, so that dma_api had no lines yet."""
    if then.files.get("dma_api", ("ENOENT",))[0] == "ENODATA":
        now, then = (replace(group, files={name: file for name, file in group.files.items()
                                           if name != "dma_api"}) for group in (now, then))
    return now == then


def moved(label, base, windows, by="moved"):
    """The dump LABEL is BASE with moved windows; WINDOWS: {device: window} of the groups."""
    def check(piece, state):
        faults = keep(label)(piece, state)
        if faults:
            return faults
        now, then = groups_of(state, label), groups_of(state, base)
        if sorted(now) != sorted(then):
            return [f"groups {sorted(now)}, they were {sorted(then)}"]
        there = {where(now, device).id: window for device, window in windows.items()}
        for n, group in now.items():
            faults += judge.check_group(group)
            if n not in there:
                if not same_group(group, then[n]):
                    faults.append(f"group {n} is not as in {base}")
                continue
            faults += judge.differ(f"group {n}: reserved_regions", group.lines("reserved_regions"),
                                   relisted(then[n].lines("reserved_regions"), there[n]))
            faults += judge.differ(f"group {n}: msi_window", group.lines("msi_window"),
                                   [window_text(there[n], by)])
            for name in ("aperture", "msi_isolation", "type"):
                faults += judge.differ(f"group {n}: {name}", group.lines(name),
                                       then[n].lines(name))
        return faults
    return check


def in_window(address, group):
    base, size, _ = group.lines("msi_window")[0].split()
    return int(base, 16) <= address < int(base, 16) + int(size, 16)


def clear_of(group, region):
    base, size, by = group.lines("msi_window")[0].split()
    start, end = int(base, 16), int(base, 16) + int(size, 16) - 1
    faults = judge.check_group(group)
    if by != "auto" or start <= region[1] and end >= region[0]:
        faults.append(f"the window is {group.lines('msi_window')}")
    return faults
