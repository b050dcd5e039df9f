# SPDX-License-Identifier: GPL-2.0-only
"""A script: the steps that the agent of a VM executes, and the checks of its transcript.

A script has steps in groups ("stretches"), each with its checks. A check is a function of (Piece,
state): the piece has what the agent sent and what the kernel logged during these steps, the state
has results of earlier ones. Or the script has one list of steps and one judge of the whole
transcript, a function of its lines. If the judge finds no fault, faults are planted in the
transcript, and the judge must find each. Checks and judges return a list of faults."""
import re
from dataclasses import dataclass

from expect import judge
from lab import boot

MARK = "iommu-resv-test"
# Lines that the kernel logs about every out-of-tree module
LOADER = re.compile(r"iommu_resv: (loading out-of-tree module|module verification failed)")


@dataclass
class Piece:
    """Lines of one stretch. LOG: the log up to the first inner mark; PARTS: {mark: the log after
    it}."""
    lines: list
    log: list
    parts: dict

    def said(self, *head):
        return judge.said(self.lines, *head)


class Script:
    """STEPS, and JUDGING, which judges the whole transcript. WRONG: faults to plant, (pattern,
    replacement)."""

    def __init__(self, steps=(), judging=None, wrong=()):
        self.steps = list(steps)
        self.judging = judging
        self.wrong = wrong
        self.stretches = []     # (subject, checks)

    def do(self, what, steps, *checks):
        n = len(self.stretches)
        self.steps += [f"say @{n}", f"write /dev/kmsg {MARK} @{n}", *steps]
        self.stretches.append((what, checks))

    def judge(self, lines):
        """The faults of a transcript. A check that raises is a fault, too, and the others go on."""
        pieces = split(lines, len(self.stretches))
        faults, state = [f"unknown step {line}" for line in judge.said(lines, "unknown-step")], {}
        for n, (what, checks) in enumerate(self.stretches):
            if pieces[n] is None:
                faults.append(f"{what}: no word of it")
                continue
            for check in checks:
                faults += [f"{what}: {fault}" for fault in outcome(check, pieces[n], state)]
        if self.stretches:
            faults += overflows(judge.said(lines, "log"))
        return faults + (self.judging(lines) if self.judging else [])

    def run(self, name, kernel, topology, actions=(), meanwhile=None, after=None, **options):
        """(lines, faults) of one VM. ACTIONS, MEANWHILE, OPTIONS: see Vm. AFTER: ignore reports of
        bugs before the first line of the kernel log that begins with AFTER."""
        said = boot.hear(boot.Request(name, kernel, topology, kernel.steps(self.steps), options),
                         actions, meanwhile)
        lines = kernel.heard(said.lines)
        faults = self.judge(lines) + said.complaints(after)
        return lines, faults or planted(self.judge, lines, self.wrong)


def outcome(check, piece, state):
    """The faults that CHECK finds, or that it raises."""
    try:
        return check(piece, state)
    except KeyError as missing:
        return [f"nothing kept is called {missing}: its step has not said it, or no check keeps it"]
    except Exception as why:    # pylint: disable=broad-except
        return [f"{type(why).__name__}: {why}"]


def split(lines, number):
    """The pieces of a transcript, with None for a missing one."""
    pieces = [None] * number
    now = None
    for line in lines:
        mark = re.fullmatch(r"say @(\d+)", line)
        if mark:
            now = pieces[int(mark[1])] = Piece([], [], {})
        elif now and not line.startswith(("log ", "write /dev/kmsg ")):
            now.lines.append(line)
    now = to = None
    for line in judge.said(lines, "log"):
        mark = re.fullmatch(rf"{MARK} ([@#])(\w+)", line)
        if mark and mark[1] == "@":
            now = pieces[int(mark[2])]
            to = now.log if now else None
        elif mark and now:
            to = now.parts.setdefault(mark[2], [])
        elif to is not None and line.startswith("iommu_resv: ") and not LOADER.match(line):
            to.append(line)
    return pieces


def run_script(name, kernel, topology, script, actions=(), **options):
    """The faults of SCRIPT."""
    return script.run(name, kernel, topology, actions, **options)[1]


def run(name, kernel, topology, steps, judging, faults=(), **options):
    """(lines, faults) of STEPS, judged by JUDGING. FAULTS: see WRONG of Script."""
    return Script(steps, judging, faults).run(name, kernel, topology, **options)


def overflows(log):
    """Lines by which the kernel says that the text of a file was longer than its page."""
    return [line for line in log if "bad count" in line]


def planted(judging, lines, faults):
    """Plant each of FAULTS in LINES; list those that JUDGING, a function of lines, misses."""
    text, out = "\n".join(lines), []
    for pattern, becomes in faults:
        wrong, n = re.subn(pattern, becomes, text, count=1, flags=re.M | re.S)
        if not n:
            out.append(f"there is nothing like '{pattern}' to plant a fault in")
        elif not judging(wrong.split("\n")):
            out.append(f"the planted fault '{pattern}' -> '{becomes}' is not seen")
    return out
