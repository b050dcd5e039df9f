# SPDX-License-Identifier: GPL-2.0-only
"""Checks of what VFIO answers about groups."""
from expect import judge
from expect.said import where


def keep_vfio(label):
    """Keep VFIO's answers about all groups in the state, for later checks."""
    def check(piece, state):
        runs = state["vfio", label] = {}
        for line in piece.said("vfio"):
            group, answer = line.split(" ", 1)
            runs.setdefault(group, []).append(answer)
        if not any("open=ok" in lines for lines in runs.values()):
            return ["VFIO opened no group"]
        return []
    return check


def same_vfio(label, base):
    """VFIO's answers are word by word those of BASE."""
    def check(piece, state):
        faults = keep_vfio(label)(piece, state)
        now, then = state["vfio", label], state["vfio", base]
        return faults + [fault for n in sorted({*now, *then})
                         for fault in judge.differ(f"group {n}: VFIO now, and {base}",
                                                   now.get(n, []), then.get(n, []))]
    return check


def good_vfio(label, topology, series):
    """VFIO's answers agree with the files in the dump LABEL."""
    def check(piece, state):
        faults = keep_vfio(label)(piece, state)
        return faults + [fault for n, lines in state["vfio", label].items()
                         for fault in judge.check_vfio(state[label][n], lines, topology, series)]
    return check


def check_of(device, label, topology, series):
    """The output of `run /vfio-check check DEVICE` agrees with the dump LABEL."""
    def check(piece, state):
        return judge.check_vfio(where(state[label], device), piece.said("run"), topology, series)
    return check


def edus(number):
    """In this stretch the DMA and the interrupts of NUMBER edu devices worked."""
    def check(piece, _):
        dma = [line[4:] for line in piece.said("run") if line.startswith("dma=")]
        msi = [line[4:] for line in piece.said("run") if line.startswith("msi=")]
        if len(dma) == 2 * number and all(d.endswith(" ok") for d in dma) and \
                msi == ["3/3"] * number:
            return []
        return [f"of {number} devices DMA {dma}, interrupts {msi}"]
    return check
