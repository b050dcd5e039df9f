# SPDX-License-Identifier: GPL-2.0-only
"""Plays: several words of vfio-check in one process, each with the answer that it must get."""
from expect import judge
from expect.declared import TOP, both
from expect.said import where
from talk.script import MARK
from talk.words import of, span, text


def play(*words):
    """(step, check). WORDS: a word that must give ok, or (word, answer); an answer is an errno,
    or a function of (state, lines behind the word's number) that returns faults."""
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
    """VFIO's ranges are what is usable in the groups of all DEVICES by the dump LABEL."""
    def want(state, got):
        usable = [(0, TOP)]
        for device in devices:
            usable = both(usable, judge.pairs(where(state[label], device).lines("usable")))
        expected = "ranges " + " ".join(f"0x{lo:016x}-0x{hi:016x}" for lo, hi in usable)
        return [] if got == [expected] else [f"{got}, expected {expected}"]
    return ("ranges", want)


def reads(device, name, label):
    """The file is what it was in the dump LABEL."""
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


SMALL = 0x10000     # a page of every kernel


def touching(region):
    """Maps that touch a region must fail, those beside it work."""
    start, end = region
    middle = (start + end + 1) // 2
    bad = ((start, start + SMALL - 1), (middle, middle + SMALL - 1), (end - SMALL + 1, end),
           region, (start - SMALL, end + SMALL), (start - SMALL, start + SMALL - 1),
           (end - SMALL + 1, end + SMALL))
    good = ((start - SMALL, start - 1), (end + 1, end + SMALL),
            (start - 4 * SMALL, start - 1), (end + 1, end + 4 * SMALL))
    return [(f"try:{span(*b)}", "EINVAL") for b in bad] + [f"try:{span(*g)}" for g in good]


def pages_beside(region, page=4096):
    """The first and last page, and those on either side."""
    start, end = region
    return [(f"try:{span(start, start + page - 1)}", "EINVAL"),
            f"try:{span(start - page, start - 1)}",
            (f"try:{span(end - page + 1, end)}", "EINVAL"), f"try:{span(end + 1, end + page)}"]


def interrupts(device, count, window):
    """A word: DEVICE raises COUNT interrupts, all arrive, and they go through WINDOW."""
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
    """A word: a held device raises COUNT interrupts, and all arrive."""
    word = f"raise:{device}:{count}"

    def want(_, got):
        return [] if got == [f"irqs {device} {count}/{count}", f"{word} ok"] else [f"{got}"]
    return (word, want)


def holds(device, window):
    """A word: DEVICE is kept open with its interrupts on, which go through WINDOW."""
    word = f"hold:{device}"

    def want(_, got):
        at = [int(line.split()[2], 16) for line in got if line.startswith("msi-address ")]
        good = len(at) == 1 and window[0] <= at[0] <= window[1] and got[-1:] == [f"{word} ok"]
        return [] if good else [f"{got}, expected an address in {span(*window)}"]
    return (word, want)


def opened(*devices):
    """Words: one container with the groups of all DEVICES."""
    words = ["container"]
    for n, device in enumerate(devices):
        words += [f"open:{device}", f"set:{device}"] + (["iommu"] if not n else [])
    return words


def refused_at(window):
    """Words: a map of the first and of the last page of WINDOW is refused."""
    return [(f"try:{span(window[0], window[0] + 0xffff)}", "EINVAL"),
            (f"try:{span(window[1] - 0xffff, window[1])}", "EINVAL")]
