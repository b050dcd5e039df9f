# SPDX-License-Identifier: GPL-2.0-only
"""Tests docs-*: the commands of README and docs print what the pages show; tests/lib/pages.py finds
these commands."""
import subprocess
import sys
import tempfile
from pathlib import Path

from cases import case, explain_qemu
from expect import judge
from expect.hooks import all_ok
from lab import kernels
from lab.topologies import EDU, Q35, Topology
from talk.script import run
from talk.sections import sections
from talk.words import MODULE

sys.path.append(str(kernels.LIB))
import pages    # noqa: E402

# The machine of "make demo".
TOPOLOGY = Topology("docs", "amd64", (), Q35,
                    ("intel-iommu,intremap=on", "VGA,addr=1", f"{EDU},addr=2",
                     "virtio-rng-pci,addr=3"),
                    "intel_iommu=on")
PROGRAMS = ("bin/dash", "bin/cat", "bin/grep", "usr/bin/head", "usr/bin/tail", "bin/dmesg",
            "bin/kmod", "bin/mkdir",
            "usr/bin/script")
NAMES = {"bin/sh": "dash", "usr/bin/modprobe": "kmod", "usr/bin/rmmod": "kmod"}
# (page, steps before it)
PAGES = (("README.md", []), ("docs/check-vm.md", []), ("docs/declare.md", ["bind 0000:00:02.0"]),
         ("docs/fleet.md", []))


def commands_of(page):
    """[(command, [lines], whether numbers vary)]; the lines of a hidden command are ["..."]."""
    out = []
    for mark, commands in pages.blocks((kernels.TREE / page).read_text(encoding="utf-8")):
        way = pages.MARK.fullmatch(mark)
        if not way or not mark.startswith("run"):
            continue
        if way["before"]:
            out.append((way["before"], ["..."], False))
        out += [(command, lines, way["vary"]) for command, lines in commands]
    return out


def script(page):
    """A shell script that runs the commands of a page; before command N it prints "@ N"."""
    lines = ["#!/usr/bin/dash",
             "export PATH=/usr/bin:/bin TERM=dumb SHELL=/usr/bin/dash LC_ALL=C.UTF-8"]
    for n, (command, _, _) in enumerate(commands_of(page)):
        lines += [f"echo @ {n}", command]
    return ("\n".join([*lines, "exit 0"]) + "\n").encode()


def files(kernel):
    """{name: bytes} of the programs, and of the files that modprobe reads."""
    root = kernels.told_line("root", "bookworm")
    out = explain_qemu.command("bookworm")
    for program in PROGRAMS:
        out.update(explain_qemu.libraries(root, "/" + program))
        out["usr/bin/" + Path(program).name] = Path(root, program).read_bytes()
    for name, other in NAMES.items():
        out[name] = out[f"usr/bin/{other}"]
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base, "lib/modules", kernel.release)
        folder.mkdir(parents=True)
        (folder / "iommu_resv.ko").write_bytes(kernel.module.read_bytes())
        subprocess.run(["depmod", "-b", base, kernel.release], check=True, capture_output=True)
        out.update({str(path.relative_to(base)): path.read_bytes() for path in folder.iterdir()})
    # The line that the reader of docs/declare.md writes into this file.
    text = (kernels.TREE / "docs/declare.md").read_text(encoding="utf-8")
    options = next(line for line in text.splitlines() if line.startswith("options iommu_resv "))
    out["etc/modprobe.d/iommu_resv.conf"] = (options + "\n").encode()
    ids = "usr/share/misc/pci.ids"
    out[ids] = Path(root, ids).read_bytes()
    return {**out, **{f"pages/{n}": script(page) for n, (page, _) in enumerate(PAGES)}}


def judge_pages(lines):
    faults, section = all_ok(lines), sections(lines)
    for n, (page, _) in enumerate(PAGES):
        told = [line.rstrip("\r") for line in judge.said(section.get(f"page-{n}", []), "run")]
        commands = commands_of(page)
        marks = [line for line in told if line.startswith("@ ")]
        if told[-1:] != ["exit 0"] or marks != [f"@ {at}" for at in range(len(commands))]:
            faults.append(f"{page}: {marks} {told[-1:]}")
            continue
        ends = [*(told.index(mark) for mark in marks), len(told) - 1]
        for at, (command, wanted, vary) in enumerate(commands):
            printed = told[ends[at] + 1:ends[at + 1]]
            if not pages.same(printed, wanted, vary):
                faults.append(pages.differs(page, command, printed, wanted))
    return faults


PLANTED = ((r"^run (.*) isolated ", r"run \1 unsafe "), (r"^run @ 0$", "run @ 9"),
           (r"^(run iommu-resv: not unloaded):.*", r"\1"))


@case("docs-commands-{key}", ("6.1-amd64",), boot="it has the programs of a distribution")
def commands(key, name):
    """Every command that can run on the machine of "make demo" prints what its page shows."""
    kernel = kernels.get(key)
    # script(1) gives the commands a terminal, where they cut lines at 80 columns.
    steps = ["run /usr/bin/mkdir /dev/pts", "mount devpts /dev/pts", f"load {MODULE}"]
    for n, (_, before) in enumerate(PAGES):
        steps += [*before, f"say page-{n}", f"run /usr/bin/script -qec /pages/{n} /dev/null"]
    _, faults = run(name, kernel, TOPOLOGY, steps, judge_pages, PLANTED,
                    extra=files(kernel), limit=240)
    return f"{sum(len(commands_of(page)) for page, _ in PAGES)} commands", faults
