# SPDX-License-Identifier: GPL-2.0-only
"""Plays: several words that one process of vfio-check does, each with its expected answer."""
from expect import judge
from expect.declared import TOP, both
from expect.said import where
from talk.script import MARK
from talk.words import of, span, text


def play(*words):
    """(step, check) of a play. WORDS: a word whose answer must be ok, or (word, answer). An answer
    is an errno, or a function of (state, lines behind the word's number) that returns faults."""
    words = [(w, "ok") if isinstance(w, str) else w for w in words]

    def check(piece, state):
        faults = []
        out = piece.said("run")
        for n, (word, want) in enumerate(words):
            got = [line[len(str(n)) + 1:] for line in out if line.startswith(f"{n} ")]
            if callable(want):
                faults += [f"{word}: {fault}" for fault in want(state, got)]
            elif got != [f"{word} {want}"]:
                faults.append(f"{word}: {got}, expected {want}")
        if out[-1:] != ["exit 0"]:
            faults.append(f"vfio-check: {out[-1:]}")
        return faults

    step = "run /vfio-check play " + " ".join(word for word, _ in words)
    if len(step.split()) > 95:
        raise ValueError("more words than the agent takes")
    return step, check


def ranges_are(label, *devices):
    """A word: VFIO's ranges are those that all groups of DEVICES have as usable in the dump
    LABEL."""
    def want(state, got):
        usable = [(0, TOP)]
        for device in devices:
            usable = both(usable, judge.pairs(where(state[label], device).lines("usable")))
        expected = "ranges " + " ".join(f"0x{lo:016x}-0x{hi:016x}" for lo, hi in usable)
        return [] if got == [expected] else [f"{got}, expected {expected}"]
    return ("ranges", want)


def reads(device, name, label):
    """A word: the file NAME of DEVICE's group is as in the dump LABEL."""
    path = of(device, name)

    def want(state, got):
        lines = [line[2:] for line in got if line.startswith("| ")]
        faults = judge.differ(f"now, and {label}", lines,
                              where(state[label], device).lines(name.split("/")[-1]))
        if got[-1:] != [f"read:{path} ok"]:
            faults.append(f"{got[-1:]}")
        return faults
    return (f"read:{path}", want)


def mark(name):
    return f"write:/dev/kmsg={MARK}_#{name}"


def writes(device, verb, region, errno="ok"):
    return (f"write:{of(device, 'resv/declare')}={verb}_{text(region).replace(' ', '_')}", errno)


SMALL = 0x10000     # a multiple of every kernel's page size


def touching(region):
    """Words: maps that touch REGION fail, maps beside it work."""
    start, end = region
    middle = (start + end + 1) // 2
    bad = ((start, start + SMALL - 1), (middle, middle + SMALL - 1), (end - SMALL + 1, end),
           region, (start - SMALL, end + SMALL), (start - SMALL, start + SMALL - 1),
           (end - SMALL + 1, end + SMALL))
    good = ((start - SMALL, start - 1), (end + 1, end + SMALL),
            (start - 4 * SMALL, start - 1), (end + 1, end + 4 * SMALL))
    return [(f"try:{span(*b)}", "EINVAL") for b in bad] + [f"try:{span(*g)}" for g in good]


def pages_beside(region, page=4096):
    """Words: maps of the first and last page of REGION fail, maps of the pages beside it work."""
    start, end = region
    return [(f"try:{span(start, start + page - 1)}", "EINVAL"),
            f"try:{span(start - page, start - 1)}",
            (f"try:{span(end - page + 1, end)}", "EINVAL"), f"try:{span(end + 1, end + page)}"]


def interrupts(device, count, window):
    """A word: DEVICE raises COUNT interrupts; all arrive, through WINDOW."""
    word = f"irqs:{device}:{count}"
    return (word, arrives(word, device, count, window))


def arrives(word, device, count, window):
    def want(_, got):
        faults = []
        at = [int(line.split()[2], 16) for line in got
              if line.startswith(f"msi-address {device} ")]
        if len(at) != 1 or not window[0] <= at[0] <= window[1]:
            faults.append(f"the device's message goes to {[hex(a) for a in at]}, not into "
                          f"{span(*window)}")
        if f"irqs {device} {count}/{count}" not in got:
            faults.append(f"interrupts: {[line for line in got if line.startswith('irqs ')]}")
        if got[-1:] != [f"{word} ok"]:
            faults.append(f"{got[-1:]}")
        return faults
    return want


def raises(device, count):
    """A word: DEVICE, which is held, raises COUNT interrupts, and all arrive."""
    word = f"raise:{device}:{count}"

    def want(_, got):
        return [] if got == [f"irqs {device} {count}/{count}", f"{word} ok"] else [f"{got}"]
    return (word, want)


def holds(device, window):
    """A word: keep DEVICE open with its interrupts on, through WINDOW."""
    word = f"hold:{device}"

    def want(_, got):
        at = [int(line.split()[2], 16) for line in got if line.startswith("msi-address ")]
        good = len(at) == 1 and window[0] <= at[0] <= window[1] and got[-1:] == [f"{word} ok"]
        return [] if good else [f"{got}, expected an address in {span(*window)}"]
    return (word, want)


def opened(*devices):
    """Words: open one container and put the groups of all DEVICES into it."""
    words = ["container"]
    for n, device in enumerate(devices):
        words += [f"open:{device}", f"set:{device}"] + (["iommu"] if not n else [])
    return words


def refused_at(window):
    """Words: VFIO refuses maps of the first and of the last page of WINDOW."""
    return [(f"try:{span(window[0], window[0] + 0xffff)}", "EINVAL"),
            (f"try:{span(window[1] - 0xffff, window[1])}", "EINVAL")]
