# SPDX-License-Identifier: GPL-2.0-only
"""Prints the results of VMs, as tests/lib/common.sh does, and installs what VMs need."""
import os
import threading

from lab import kernels

PACKAGES = ["qemu-system-x86", "qemu-system-arm", "qemu-efi-aarch64", "device-tree-compiler",
            "ovmf", "mtools", "e2fsprogs", "gcc", "libc6-dev", "gcc-aarch64-linux-gnu",
            "libc6-dev-arm64-cross", "zstd"]
lock = threading.Lock()


def installed():
    """Install what is missing; false if that fails."""
    return kernels.subprocess.run([kernels.LIB / "need", *PACKAGES]).returncode == 0


def report(verdict, name, reason, seconds=None):
    first, *more = reason.split("\n") if reason else ["", ]
    line = f"{verdict} {name} {first}".rstrip()
    with lock:
        print(line + (f" [{seconds:.0f} s]" if seconds is not None else ""), flush=True)
        for text in more:
            print("    " + text, flush=True)
        if os.environ.get("RESULTS"):
            with open(os.environ["RESULTS"], "a", encoding="utf-8") as f:
                # In one line, because the end of "make check" repeats it.
                f.write("; ".join([line, *(text.strip() for text in more)])[:2000] + "\n")


def verdict_of(name, note, faults, seconds=None):
    """Report, and return, PASS or FAIL."""
    said = f"what the machine said: {kernels.CACHE / name}"
    reason = "\n".join([f"{len(faults)} faults", *faults, said]) if faults else note
    verdict = "FAIL" if faults else "PASS"
    report(verdict, name, reason, seconds)
    return verdict


def closing(verdicts):
    """The exit status of all. Prints a closing line, except inside "make check", which prints one
    for all parts."""
    if not os.environ.get("RESULTS"):
        count = [verdicts.count(verdict) for verdict in ("PASS", "FAIL", "SKIP")]
        print(f"{count[0]} passed, {count[1]} failed" +
              (f", {count[2]} skipped" if count[2] else ""))
    return 1 if "FAIL" in verdicts else 0
