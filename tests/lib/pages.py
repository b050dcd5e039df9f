#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Find the commands in README and docs, and check that they print what the pages show.

The line before a block of commands is a mark that says which check covers the block:

  <!-- run -->                 the test docs-commands runs it, in the order of the page
  <!-- run, numbers vary -->   the same, but numbers may differ
  <!-- run after: COMMAND -->  the same, after a COMMAND that the page does not show
  <!-- golden NAME... -->      each command prints what tests/tools/golden/NAME has
  <!-- by hand: WHY -->        no check: it is from a machine that the checks do not have

A line "..." stands for any lines, also for none.

    pages.py --marks FILE...       print what is wrong with the marks of these pages
    pages.py --golden DIR FILE...  print the blocks that differ from the golden files"""
import re
import sys
from pathlib import Path

BLOCK = re.compile(r"^(?:<!-- (?P<mark>.*) -->\n)?```\n(?P<text>(?:.*\n)*?)```$", re.MULTILINE)
MARK = re.compile(r"run(?P<vary>, numbers vary)?( after: (?P<before>\S.*))?|"
                  r"golden( [a-z0-9-]+)+|by hand: \S.*")
PROMPTS = ("$ ", "# ")


def blocks(text):
    """[(mark or "", [(command, [lines that it prints])])] of a page; a block that does not begin
    with a prompt has no commands."""
    out = []
    for found in BLOCK.finditer(text):
        commands, prompt = [], found["text"][:2]
        for line in found["text"].splitlines() if prompt in PROMPTS else ():
            if line.startswith(prompt):
                commands.append((line[2:], []))
            elif commands:
                commands[-1][1].append(line)
        if commands:
            out.append((found["mark"] or "", commands))
    return out


def plain(line, vary=False):
    """LINE without the time of the kernel's log and, if numbers VARY, without numbers."""
    line = re.sub(r"^\[ *\d+\.\d+\] ", "", line).rstrip()
    return re.sub(r" +", " ", re.sub(r"\b\d+\b", "N", line)) if vary else line


def same(printed, page, vary=False):
    """Are the lines that a command PRINTED those of the PAGE?"""
    wanted = "".join(r"(?:.*\n)*" if line == "..." else re.escape(plain(line, vary)) + r"\n"
                     for line in page)
    return re.fullmatch(wanted, "".join(plain(line, vary) + "\n" for line in printed))


def differs(where, command, printed, page):
    return "\n    ".join([f"{where}: '{command}' prints", *printed, "and the page has", *page])


def wrong_marks(path):
    return [f"{path}: '{commands[0][0]}': " +
            (f"unknown mark '{mark}'" if mark else "no mark says where this comes from")
            for mark, commands in blocks(path.read_text(encoding="utf-8"))
            if not MARK.fullmatch(mark)]


def golden(folder, name):
    """The lines of a golden file that a command printed: without the command and its exit code."""
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("stderr: ") for line in lines[1:-1]]


def not_golden(folder, path):
    out = []
    for mark, commands in blocks(path.read_text(encoding="utf-8")):
        if not mark.startswith("golden "):
            continue
        names = mark.split()[1:]
        if len(names) != len(commands):
            out.append(f"{path}: '{mark}' has not a name for each command")
        out += [differs(f"{path}: {name}", command, golden(folder, name), lines)
                for name, (command, lines) in zip(names, commands)
                if not same(golden(folder, name), lines)]
    return out


def main(what, *words):
    if what == "--marks":
        faults = [fault for path in words for fault in wrong_marks(Path(path))]
    else:
        faults = [fault for path in words[1:] for fault in not_golden(Path(words[0]), Path(path))]
    print("".join(fault + "\n" for fault in faults), end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
