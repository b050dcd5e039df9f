# SPDX-License-Identifier: GPL-2.0-only
"""Tests explain-qemu-*: a real QEMU, of the Debian release of the kernel, gets a device and fails;
what the administrator finds afterwards.

QEMU runs in the virtual machine, with -S, so that its guest never runs; VFIO refuses before that.
All cases of a kernel share one boot."""
import hashlib
import re
import subprocess
import tempfile
from pathlib import Path

from cases import case
from expect import judge
from expect.hooks import all_ok
from lab import acpi, kernels
from lab.topologies import EDU, KEEP, Q35, Topology
from talk.script import run
from talk.sections import sections
from talk.words import MODULE

SUITES = {"6.1-amd64": "bookworm", "6.12-amd64": "trixie"}
PROGRAM = "/usr/bin/qemu-system-x86_64"
COMMAND = "/usr/bin/iommu-resv"
# Files that the program needs: in some releases its accelerator is a module; and its BIOS.
PARTS = ("usr/lib/x86_64-linux-gnu/qemu/accel-tcg-*",)
DATA = ("usr/share/seabios/bios-256k.bin", "usr/share/qemu/kvmvapic.bin")
BITS = 39
TIED, GIVEN, SHARED, COMPANION = "0000:00:03.0", "0000:00:05.0", "0000:00:07.0", "0000:00:07.1"
DMAR = acpi.dmar(acpi.rmrr(0x1a000000, 0x1a00ffff, acpi.endpoint(3)))
TOPOLOGY = Topology(
    "qemu", "amd64", (), Q35,
    (f"intel-iommu,intremap=on,aw-bits={BITS}", f"{EDU},addr=3", f"{EDU},addr=5",
     f"{EDU},addr=7.0,multifunction=on", "nvme,serial=0,addr=7.1"),
    f"intel_iommu=on {KEEP}", modules=("nvme",), tables={"dmar": DMAR})
HOLE = (0x2000000, 0x2000fff)
LIMIT = 1 << BITS
# Commands for the monitor of each QEMU.
TYPED = "info status\ninfo pci\nquit\n"
# 64 MiB of RAM, which VFIO pins.
USUAL = "-machine q35 -m 64M"
# The second part of this memory begins at 4 GiB, is never touched, and reaches the aperture's end.
LARGE = "-machine q35,max-ram-below-4g=64M -m 516G"
DIMM = f"-machine q35 -m 64M,slots=1,maxmem=600G -object memory-backend-ram,id=dimm,size=128M " \
       f"-device pc-dimm,memdev=dimm,addr={LIMIT:#x}"


STARTED = ("fits", "hole", "filled", "dimm", "large", "tied", "companion", "freed")


def group(device):
    return f"/sys/bus/pci/devices/{device}/iommu_group"


def libraries(root, program):
    """{name in the guest: bytes} of the libraries of PROGRAM of ROOT."""
    script = 'ldd "$1" | grep -o "/[^ ]*" | while read -r f; do echo "$f $(readlink -f "$f")"; done'
    out = subprocess.run([kernels.LIB / "in-root", root, "--", "sh", "-c", script, "sh", program],
                         text=True, capture_output=True)
    if out.returncode or "ld-linux" not in out.stdout:
        raise kernels.Failure(f"ldd {program}: {out.stdout}{out.stderr}")
    return {name.lstrip("/"): Path(root + real).read_bytes()
            for name, real in map(str.split, out.stdout.splitlines())}


def command(suite):
    """The command of this tree, built with the compiler of SUITE, and its libraries."""
    source = kernels.TREE / "tools" / "iommu-resv"
    files = sorted(path for path in source.rglob("*") if path.is_file()
                   and path.suffix in (".c", ".h") or path.name == "Makefile")
    text = b"".join(path.read_bytes() for path in files)
    root = kernels.told_line("root", suite)
    name = f"iommu-resv-{suite}-{hashlib.sha256(text).hexdigest()[:12]}"
    out = kernels.CACHE / "guest" / name
    cache = kernels.CACHE.parent
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent) as folder:
            made = subprocess.run(
                [kernels.LIB / "in-root", root, f"{kernels.TREE}:/tree", f"{cache}:{cache}", "--",
                 "make", "-s", "-j2", "-C", "/tree/tools/iommu-resv", f"O={folder}"],
                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if made.returncode:
                raise kernels.Failure(f"the command does not build in {suite}:\n{made.stdout}")
            (Path(folder) / "iommu-resv").rename(out)
    with_it = Path(root) / "build" / name
    with_it.write_bytes(out.read_bytes())
    with_it.chmod(0o755)
    try:
        return {COMMAND[1:]: out.read_bytes(), **libraries(root, f"/build/{name}")}
    finally:
        with_it.unlink()


def files(suite):
    """{name: bytes} of all other files that the VM needs."""
    root = kernels.told_line("qemu", suite)
    found = [path for part in PARTS for path in Path(root).glob(part)]
    found += [Path(root) / name for name in DATA]
    program = Path(root + PROGRAM).read_bytes()
    return {**command(suite), **libraries(root, PROGRAM), PROGRAM[1:]: program,
            **{str(path.relative_to(root)): path.read_bytes() for path in found},
            **{f"monitor/{label}.{end}": text for label in STARTED
               for end, text in (("in", TYPED.encode()), ("out", b""))}}


def start(label, device, guest):
    """Steps that start QEMU and print what it said, what `refused` has, and what "why" says."""
    return [f"say {label}",
            f"run {PROGRAM} -S -accel tcg -nodefaults -display none {guest} "
            f"-chardev pipe,id=typed,path=/monitor/{label} -mon chardev=typed "
            f"-device vfio-pci,host={device},rombar=0",
            f"say {label}-monitor", f"cat /monitor/{label}.out",
            f"say {label}-found", f"cat {group(device)}/resv/refused",
            f"say {label}-why", f"run {COMMAND} why {device}"]


def steps():
    declare = f"0x{HOLE[0]:x}-0x{HOLE[1]:x}"
    return [f"load {MODULE} explain=on", "write /proc/sys/vm/overcommit_memory 1",
            "cat /sys/kernel/iommu_resv/features",
            *[f"bind {device}" for device in (TIED, GIVEN, SHARED)],
            *start("fits", GIVEN, USUAL),
            "say declared", f"run {COMMAND} declare {GIVEN} {declare}",
            *start("hole", GIVEN, USUAL),
            # The command that "why" proposed
            "say undeclared", f"run {COMMAND} undeclare {GIVEN} {declare}",
            *start("filled", GIVEN, USUAL),
            *start("dimm", GIVEN, DIMM),
            *start("large", GIVEN, LARGE),
            *start("tied", TIED, USUAL),
            *start("companion", SHARED, USUAL),
            "say unbound", f"unbind {COMPANION}",
            *start("freed", SHARED, USUAL),
            "say end", "unload iommu_resv", "left"]


# {case: (QEMU's message, region or reason in "refused", what "why" says, line of the log)}
BEYOND = (rf"0x{LIMIT:016x} 0xffffffffffffffff out-of-range aperture -",
          (rf"hits 0x{LIMIT:x}-0xffffffffffffffff out-of-range \(aperture\)",
           rf"the guest must not have memory from 0x{LIMIT:x} on: reduce its memory or maxmem",
           rf"-cpu host,host-phys-bits-limit={BITS}"),
          rf"it hits 0x{LIMIT:x}-0xffffffffffffffff \(out-of-range, aperture, -\)")
MAPPED = r"dma_map\(0x[0-9a-f]+, (0x[0-9a-f]+), (0x[0-9a-f]+), 0x[0-9a-f]+\) = -22 "
FAILED = {
    "hole": (MAPPED, rf"0x{HOLE[0]:016x} 0x{HOLE[1]:016x} reserved admin -",
             (rf"hits 0x{HOLE[0]:x}-0x{HOLE[1]:x} reserved \(admin\)",
              "the administrator has declared this region",
              rf"iommu-resv undeclare \d+ 0x{HOLE[0]:x}-0x{HOLE[1]:x}"),
             rf"it hits 0x{HOLE[0]:x}-0x{HOLE[1]:x} \(reserved, admin, -\)"),
    "dimm": (MAPPED, *BEYOND),
    "large": (MAPPED, *BEYOND),
    "tied": ("[Ff]ailed to set group container: (?:Operation not permitted|Invalid argument)",
             rf"0x000000001a000000 0x000000001a00ffff direct rmrr {TIED}",
             (rf"because of 0x1a000000-0x1a00ffff direct \(rmrr, {TIED}\)",
              "no guest can have this device: use another one"),
             rf"firmware requires a 1:1 map of 0x1a000000-0x1a00ffff \(direct, rmrr, {TIED}\)"),
    # QEMU asks VFIO whether the group is viable, and stops: VFIO refuses nothing.
    "companion": ("group \\d+ is not viable", None,
                  (rf"Group \d+ \({SHARED} and 1 more\), VFIO gives it to no guest: "
                   rf"- {COMPANION}, of the same group, is bound to nvme: unbind it",), None),
}
# {case: an earlier case with the same group}
WORKED = {"fits": None, "filled": "hole", "freed": "companion"}


class Case:
    """All answers about one start of QEMU."""

    def __init__(self, parts, label):
        self.qemu, self.status = self.ran(parts.get(label, []))
        self.monitor = "\n".join(parts.get(f"{label}-monitor", []))
        self.refused = [line[2:] for line in parts.get(f"{label}-found", [])
                        if line.startswith("| ")]
        self.why, self.answer = self.ran(parts.get(f"{label}-why", []))

    @staticmethod
    def ran(lines):
        """(output of a program, with single blanks; its exit status)"""
        said = judge.said(lines, "run")
        return " ".join(" ".join(said[:-1]).split()), (said or [""])[-1]


def judge_worked(case, before):
    """QEMU has its device, and nothing more was refused."""
    faults = []
    if case.status != "exit 0" or "VM status: paused (prelaunch)" not in case.monitor or \
            "PCI device 1234:11e8" not in case.monitor:
        faults.append(f"{case.status}: {case.qemu} {case.monitor}")
    if case.refused != (before.refused if before else ["0"]):
        faults.append(f"it left a trace: {case.refused}")
    wanted = "exit 1" if before and before.refused != ["0"] else "exit 0"
    if case.answer != wanted or "VFIO gives it to no guest" in case.why:
        faults.append(f"why: {case.answer} {case.why}")
    return faults


def judge_failed(case, message, what, answers, number):
    """QEMU failed with MESSAGE, and it is explained. NUMBER: refusals of the group so far."""
    faults = []
    said = re.search(message, case.qemu)
    if case.status != "exit 1" or "VM status" in case.monitor or not said:
        return [f"{case.status}: {case.qemu} {case.monitor}"]
    if what is None:
        if case.refused != ["0"]:
            faults.append(f"refused: {case.refused}")
    else:
        asked = "- -"
        if message == MAPPED:
            first, size = (int(word, 16) for word in said.groups())
            asked = f"0x{first:016x} 0x{first + size - 1:016x}"
        if len(case.refused) != 2 or case.refused[0] != str(number) or not \
                re.fullmatch(rf"{asked} {what} \d+ qemu-system-x86", case.refused[1]):
            faults.append(f"refused: {case.refused}, QEMU: {case.qemu}")
    if case.answer != "exit 1":
        faults.append(f"why: {case.answer}")
    return faults + [f"why does not say '{answer}': {case.why}" for answer in answers
                     if not re.search(answer, case.why)]


def judge_qemu(lines):
    faults = all_ok(lines)
    faults += [f"write {line}" for line in judge.said(lines, "write") if not line.endswith(" ok")]
    parts = sections(lines)
    for label in ("declared", "undeclared"):
        if judge.said(parts.get(label, []), "run") != ["exit 0"]:
            faults.append(f"{label}: {parts.get(label)}")
    cases = {label: Case(parts, label) for label in STARTED}
    for label, before in WORKED.items():
        faults += [f"{label}: {fault}" for fault in
                   judge_worked(cases[label], cases.get(before))]
    log = [line for line in judge.said(lines, "log") if "by qemu-system-x86" in line]
    logged = [pattern for *_, pattern in FAILED.values() if pattern]
    if len(log) != len(logged) or not all(map(re.search, logged, log)):
        faults.append(f"log: {log}")
    for label, (message, what, answers, _) in FAILED.items():
        # Three of these cases have the same device.
        number = ["hole", "dimm", "large"].index(label) + 1 if message == MAPPED else 1
        faults += [f"{label}: {fault}" for fault in
                   judge_failed(cases[label], message, what, answers, number)]
    return faults


PLANTED = (
    (r"(^say fits-found$.*?^\|) 0$", r"\1 1"),
    (r"(^say fits-monitor$.*?)1234:11e8", r"\g<1>1234:11e9"),
    (r"(^say filled-found$.*?^\|) 1$", r"\1 2"),
    (r"(^say hole$.*?dma_map\(\S+ 0x0, )0x4000000", r"\g<1>0x3000000"),
    (r"(^say hole-why$.*?iommu-resv )undeclare", r"\1declare"),
    (r"(^say dimm-found$.*?out-of-range) aperture", r"\1 admin"),
    (r"(^say large-why$.*?reduce its)", r"\1 own"),
    (r"(^say tied-found$.*?) rmrr 0000:00:03.0", r"\1 rmrr 0000:00:04.0"),
    (r"(^say companion-why$.*?) nvme", r"\1 nvmf"),
    (r"(^say freed-why$.*?)^run exit 0$", r"\1run exit 1"),
    (r"^(log iommu_resv: group \d+: the attach by qemu-system-x86.*?)direct", r"\1reserved"),
)


@case("explain-qemu-{key}", tuple(SUITES), boot="it has the programs of a distribution")
def real(key, name):
    """A QEMU that fails because of a hole, of memory beyond the aperture, of a firmware region of
    its device or of a companion in the group is explained; and works when the cause is removed."""
    kernel = kernels.get(key)
    suite = SUITES[key]
    lines, faults = run(name, kernel, TOPOLOGY, steps(), judge_qemu, PLANTED,
                        extra=files(suite), memory="1G", limit=240)
    version = re.search(r"QEMU (\S+) monitor", "\n".join(lines))
    return f"QEMU {version[1] if version else 'that told no version'}", faults
