# SPDX-License-Identifier: GPL-2.0-only
"""Checks of the lines that the agent sent or the module logged in some steps, and comparisons of
dumps."""
import re

from expect import judge
from lab import kernels


def says(*lines):
    """Each of LINES, patterns, matches one of the agent's lines."""
    def check(piece, _):
        return [f"lacks '{want}': {brief(piece.lines)}" for want in lines
                if not any(re.fullmatch(want, line) for line in piece.lines)]
    return check


def brief(lines):
    return "; ".join(lines[:6]) + (" ..." if len(lines) > 6 else "")


def complains(device, count=1, part=None, base="before"):
    """The log, or its PART, has COUNT lines, all about the group of DEVICE."""
    def check(piece, state):
        log = piece.log if part is None else piece.parts.get(part, [])
        group = where(state[base], device)
        good = [line for line in log if line.startswith(f"iommu_resv: group {group.id}: ")
                and len(line) > len(f"iommu_resv: group {group.id}: ") + 10]
        if len(good) == len(log) == count:
            return []
        return [f"{len(log)} lines in the log, {len(good)} of them about group {group.id}, "
                f"expected {count}: {log}"]
    return check


def where(groups, device):
    for group in groups.values():
        if device in group.names():
            return group
    raise kernels.Failure(f"{device} has no group")


def keep(label):
    """Keep the dump LABEL in the state, for later checks."""
    def check(piece, state):
        start = f"dump {label}"
        found = judge.dumps(piece.lines[piece.lines.index(start):]).get(label) \
            if start in piece.lines else None
        if not found or len(found) < 2:
            return [f"no dump {label}"]
        state[label] = found
        return []
    return check


def groups_of(state, label):
    return {n: g for n, g in state[label].items() if n != "-"}


def same_dump(label, base):
    """The dump LABEL is BASE byte for byte: groups, devices, and all files."""
    def check(piece, state):
        faults = keep(label)(piece, state)
        if faults:
            return faults
        now, then = groups_of(state, label), groups_of(state, base)
        if sorted(now) != sorted(then):
            return [f"groups {sorted(now)}, they were {sorted(then)}"]
        for n in now:
            if now[n] == then[n]:
                continue
            faults += [f"group {n}: {name} is {now[n].files.get(name)}, "
                       f"it was {then[n].files.get(name)}"
                       for name in sorted({*now[n].files, *then[n].files})
                       if now[n].files.get(name) != then[n].files.get(name)]
            if now[n].devices != then[n].devices:
                faults.append(f"group {n}: devices {now[n].devices}, were {then[n].devices}")
        return faults
    return check


def uevent(device, base="before"):
    def check(piece, state):
        path = f"change@/kernel/iommu_groups/{where(state[base], device).id}"
        return [] if path in piece.said("event") else [f"no uevent: {piece.said('event')}"]
    return check


def shown(device, label, number=3):
    """`cat` showed NUMBER files of DEVICE's group, as they were in the dump LABEL."""
    def check(piece, state):
        files = judge.dumps(["dump cat", "group cat", *piece.lines])["cat"]["cat"].files
        group = where(state[label], device)
        faults = [f"{path}: {status}" for path, (status, _) in files.items() if status != "ok"]
        if len(files) != number:
            faults.append(f"{len(files)} files were shown, expected {number}")
        return faults + [fault for path, (_, lines) in files.items()
                         for fault in judge.differ(f"{path}, and {label}", lines,
                                                   group.lines(path.split("/")[-1]))]
    return check


def logged(number):
    """The module logged NUMBER lines, on any subject."""
    def check(piece, _):
        return [] if len(piece.log) == number else \
            [f"{len(piece.log)} lines in the log, expected {number}: {piece.log}"]
    return check


def explained(words=(), most=2):
    """The module logged one line or more, at most MOST, and each of WORDS is in one of them."""
    def check(piece, _):
        faults = [] if 1 <= len(piece.log) <= most else [f"{len(piece.log)} lines: {piece.log}"]
        return faults + [f"the log does not name '{word}': {piece.log}" for word in words
                         if not any(word in line for line in piece.log)]
    return check


def others(label, base, *devices):
    """In the dump LABEL all groups except those of DEVICES are as in BASE."""
    def check(_, state):
        now, then = ({n: g for n, g in groups_of(state, dump).items()
                      if not set(devices) & set(g.names())} for dump in (label, base))
        return [] if now == then else [
            f"groups {[n for n in sorted({*now, *then}) if now.get(n) != then.get(n)]} are not "
            f"as in {base}"]
    return check


def lost(device, label):
    """The log says that the group that DEVICE had in the dump LABEL is gone."""
    def check(piece, state):
        start = f"iommu_resv: group {where(state[label], device).id} is gone"
        return [] if any(line.startswith(start) for line in piece.log) else \
            [f"no line '{start}': {piece.log}"]
    return check


def logs(line):
    """The module logged LINE once."""
    def check(piece, _):
        found = piece.log.count(f"iommu_resv: {line}")
        return [] if found == 1 else [f"'{line}' is {found} times in the log: {piece.log}"]
    return check


def none_left(piece, _):
    return [f"left {path}" for path in piece.said("left")]


def without(device, label):
    def check(_, state):
        return [f"{device} is still in group {n}" for n, g in groups_of(state, label).items()
                if device in g.names()]
    return check


def fails(check, *words):
    """CHECK finds faults that name each of WORDS."""
    def inverse(piece, state):
        text = "\n".join(check(piece, state))
        return [f"a test that must fail here does not see '{word}'; it said: {text}"
                for word in words if word not in text]
    return inverse


def in_log(*words):
    """The module logged one line, which has each of WORDS."""
    def check(piece, _):
        if len(piece.log) != 1:
            return [f"{len(piece.log)} lines in the log, expected 1: {piece.log}"]
        return [f"the log does not name '{word}': {piece.log}" for word in words
                if word not in piece.log[0]]
    return check


def same_but_none(label, base):
    """In the dump LABEL the kernel's files are as in BASE: nothing has moved."""
    def check(piece, state):
        faults = keep(label)(piece, state)
        return faults or [
            f"group {n}: {file} is not as in {base}" for n, group in groups_of(state, label).items()
            for file in ("reserved_regions", "type")
            if group.lines(file) != state[base][n].lines(file)]
    return check


def same_but_features(label, base):
    """In the dump LABEL all groups are as in BASE; the module's own files may differ."""
    def check(piece, state):
        faults = keep(label)(piece, state)
        if faults:
            return faults
        now, then = groups_of(state, label), groups_of(state, base)
        return [f"group {n}: {file} is {text}, in {base} {then[n].files.get(file)}"
                for n in now for file, text in now[n].files.items()
                if text != then[n].files.get(file)]
    return check
