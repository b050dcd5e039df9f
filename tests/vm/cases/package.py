# SPDX-License-Identifier: GPL-2.0-only
"""The life of the packages on a Debian that boots: installation, a new kernel, upgrade, removal,
Secure Boot, switching off. guest/package has the steps; each of its phases is one boot of the same
disk."""
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from cases import case
from lab import kernels
from lab.qmp import Qmp
from lab.vm import BAD

SUITES = {"12": "bookworm", "13": "trixie"}
FIRMWARE = Path("/usr/share/OVMF")


@dataclass
class Boot:
    """One phase. append: words of the kernel command line; limit: seconds; enroll: enroll the key
    in MokManager between this boot and the next one; asked_for: put the module into the disk's
    modules-load.d first."""
    append: str = ""
    limit: int = 900
    enroll: bool = False
    asked_for: bool = False


def from_disk(disk, name, to):
    """Copy the target of the symbolic link /NAME of DISK, which a boot loader would load, to TO."""
    out = subprocess.run(["debugfs", "-R", f"stat /{name}", disk], text=True, capture_output=True)
    link = re.search(r'Fast link dest: "(.*)"', out.stdout)
    if not link:
        raise kernels.Failure(f"{disk} has no /{name}")
    subprocess.run(["debugfs", "-R", f"dump /{link[1]} {to}", disk], capture_output=True)


def ask_for_module(disk):
    """Make the next boots load the module, as docs/packages.md says."""
    with tempfile.NamedTemporaryFile("w") as line:
        line.write("iommu_resv\n")
        line.flush()
        name = "/etc/modules-load.d/iommu_resv.conf"
        out = subprocess.run(["debugfs", "-w", "-R", f"write {line.name} {name}", disk],
                             text=True, capture_output=True)
        seen = subprocess.run(["debugfs", "-R", f"cat {name}", disk], text=True,
                              capture_output=True)
    if seen.stdout != "iommu_resv\n":
        raise kernels.Failure(f"{disk} does not take {name}: {out.stderr}")


class Guest:
    """A disk of its own, booted again and again."""

    def __init__(self, name, suite, disk):
        self.dir = kernels.CACHE / name
        shutil.rmtree(self.dir, ignore_errors=True)
        (self.dir / "host").mkdir(parents=True)
        self.var = kernels.told("machine", suite, disk)
        self.disk = self.dir / "disk"
        # Copy them: another run may replace them by those of another tree.
        subprocess.run(["cp", "--sparse=always", self.var[disk], self.disk], check=True)
        for packages in ("packages", "newer"):
            shutil.copytree(Path(self.var["SHARE"]) / packages, self.dir / "host" / packages)
        shutil.copy(kernels.guest_program("vfio-check", "amd64"), self.dir / "host/vfio-check")
        shutil.copy(kernels.HERE / "guest/package", self.dir / "host/package")
        version = subprocess.run(["bash", "-c", '. "$0" && echo "$PACKAGE_VERSION"',
                                  kernels.TREE / "dkms.conf"], text=True, capture_output=True)
        words = [f"{key}={shlex.quote(self.var[key])}" for key in ("RELEASE", "NEXT", "BARE")]
        words.append(f"VERSION={version.stdout.strip()}")
        (self.dir / "host/machine").write_text("\n".join(words) + "\n")

    def done(self):
        """Delete the disk, which is large; keep the files with the output."""
        for name in ("disk", "kernel", "vmlinuz", "initrd", "esp", "vars"):
            (self.dir / name).unlink(missing_ok=True)

    def start(self, append):
        """QEMU's arguments that start the kernel of the disk with the command line APPEND."""
        from_disk(self.disk, "vmlinuz", self.dir / "vmlinuz")
        from_disk(self.disk, "initrd.img", self.dir / "initrd")
        subprocess.run([kernels.LIB / "vmlinux", self.dir / "vmlinuz", self.dir / "kernel"],
                       check=True)
        return ["-machine", "q35,kernel-irqchip=split", "-kernel", str(self.dir / "kernel"),
                "-initrd", str(self.dir / "initrd"), "-append", append]

    def run(self, tag, boot, meanwhile=None):
        """Run QEMU once; returns the file of its serial console. MEANWHILE: function of the process
        and of that file."""
        console, port = self.dir / f"console.{tag}", self.dir / f"port.{tag}"
        # norandmaps: QEMU translates a program again for each new address. With the same address
        # every time, programs start in less than half the time.
        append = ("root=LABEL=machine ro console=ttyS0 panic=-1 intel_iommu=on no_timer_check "
                  "cryptomgr.notests norandmaps mitigations=off systemd.show_status=false "
                  + boot.append)
        command = [
            "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-smp", "1",
            # AVX and "rep movsb" are fast on hardware, but slow when they are emulated.
            "-cpu", "max,-avx,-avx2,-erms,-fsrm", "-m", "1536M",
            "-nodefaults", "-nic", "none", "-display", "none", "-no-reboot",
            "-device", "intel-iommu,intremap=on",
            "-device", "edu,dma_mask=0xffffffffffffffff,addr=3",
            "-serial", f"file:{console}", "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
            "-device", "virtio-serial-pci", "-chardev", f"file,id=port,path={port}",
            "-device", "virtserialport,chardev=port,name=iommu-resv",
            "-drive", f"if=none,id=disk,file={self.disk},format=raw,cache=unsafe",
            "-device", "virtio-blk-pci,drive=disk,bootindex=1",
            "-fsdev", f"local,id=host,path={self.dir}/host,security_model=none",
            "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
            "-fsdev", f"local,id=share,path={self.var['SHARE']},security_model=none,readonly=on",
            "-device", "virtio-9p-pci,fsdev=share,mount_tag=share",
            *self.start(append)]
        (self.dir / f"command.{tag}").write_text(shlex.join(command) + "\n")
        with open(self.dir / f"qemu.{tag}", "w", encoding="ascii") as log:
            qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            if meanwhile:
                meanwhile(qemu, console)
            qemu.wait(boot.limit)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if qemu.poll() is None:
                qemu.kill()
                qemu.wait()
        return console

    def boot(self, phase, boot):
        """Run guest/package with PHASE ("test number"); its lines, and the console's text."""
        steps = self.dir / "host/steps"
        steps.write_text(f"#!/bin/sh\nexec /host/package {phase}\n")
        steps.chmod(0o755)
        tag = phase.split()[1]
        start = time.monotonic()
        text = self.run(tag, boot).read_text(errors="replace")
        port = self.dir / f"port.{tag}"
        lines = port.read_text(errors="replace").splitlines() if port.exists() else []
        if not lines or lines[-1] != "end":
            tail = (self.dir / f"qemu.{tag}").read_text() + text
            raise kernels.Failure(
                f"phase {tag} not at its end after {time.monotonic() - start:.0f} s, "
                f"see {self.dir}\n    " + "\n    ".join(lines[-12:] + tail.splitlines()[-8:]))
        return lines, text


class SecureGuest(Guest):
    """A guest whose firmware has Secure Boot on, with Microsoft's keys, and that boots by the
    signed shim and GRUB of the distribution."""

    def __init__(self, name, suite, disk):
        super().__init__(name, suite, disk)
        shutil.copy(FIRMWARE / "OVMF_VARS_4M.ms.fd", self.dir / "vars")
        self.esp = self.dir / "esp"
        with open(self.esp, "wb") as f:
            f.truncate(64 << 20)
        self.mtools("mformat", "-F", "::")
        self.mtools("mmd", "::EFI", "::EFI/BOOT", "::EFI/debian")
        root = Path(self.var["SHARE"]).parent / "root"
        for source, target in (("usr/lib/shim/shimx64.efi.signed", "BOOTX64.EFI"),
                               ("usr/lib/shim/mmx64.efi.signed", "mmx64.efi"),
                               ("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
                                "grubx64.efi")):
            self.mtools("mcopy", root / source, f"::EFI/BOOT/{target}")

    def mtools(self, command, *words):
        subprocess.run([command, "-i", self.esp, *words], check=True, stdout=subprocess.DEVNULL)

    def start(self, append):
        config = self.dir / "grub.cfg"
        config.write_text("search --no-floppy --set=root --label machine\n"
                          f"linux /vmlinuz {append}\ninitrd /initrd.img\nboot\n")
        self.mtools("mcopy", "-o", config, "::EFI/debian/grub.cfg")
        return ["-machine", "q35,kernel-irqchip=split,smm=on",
                "-global", "driver=cfi.pflash01,property=secure,value=on",
                "-drive", f"if=pflash,unit=0,format=raw,readonly=on,"
                          f"file={FIRMWARE}/OVMF_CODE_4M.secboot.fd",
                "-drive", f"if=pflash,unit=1,format=raw,file={self.dir}/vars",
                "-drive", f"if=none,id=esp,file={self.esp},format=raw,cache=unsafe",
                "-device", "virtio-blk-pci,drive=esp,bootindex=0"]

    def enroll(self):
        """Do what README says to do after "mokutil --import": shim starts MokManager at the next
        boot; press its keys. MokManager resets at the end, which ends this run."""
        def keys(qemu, console):
            qmp, shown = None, 0
            for wanted, pressed in (("Press any key", "ret"), ("Enroll MOK", "down ret"),
                                    ("View key 0", "down ret"), ("Enroll the key", "down ret"),
                                    ("Password", "p a s s w 0 r d ret"), ("Reboot", "ret")):
                due = time.monotonic() + 90
                while wanted.encode() not in (text := console.read_bytes()
                                              if console.exists() else b"")[shown:]:
                    if time.monotonic() > due or qemu.poll() is not None:
                        raise kernels.Failure(f"MokManager does not show '{wanted}'")
                    time.sleep(0.2)
                shown = len(text)
                qmp = qmp or Qmp(self.dir / "qmp")
                time.sleep(1)
                for key in pressed.split():
                    qmp.do("send-key", keys=[{"type": "qcode", "data": key}])
                    time.sleep(0.3)

        self.run("enroll", Boot(), keys)


def judge(tag, lines, console):
    """The faults of one boot."""
    faults = [f"phase {tag}: {line[7:]}" for line in lines if line.startswith("not ok ")]
    if not any(line.startswith("ok ") for line in lines):
        faults.append(f"phase {tag}: nothing was tried")
    # The kernel also logs lines about signatures; reports of bugs have other words.
    faults += [f"phase {tag}: console: {line}" for line in console.splitlines()
               if BAD.search(line)]
    return faults


def life(kind, suite, disk, test, boots, name):
    """The phases of TEST, one boot each, all pass. The first phase that fails ends the test."""
    guest = kind(name, suite, disk)
    start, faults, steps = time.monotonic(), [], 0
    try:
        for number, boot in enumerate(boots, 1):
            if boot.asked_for:
                ask_for_module(guest.disk)
            lines, console = guest.boot(f"{test} {number}", boot)
            steps += sum(line.startswith("ok ") for line in lines)
            faults += judge(number, lines, console)
            if faults:
                break
            if boot.enroll:
                guest.enroll()
    finally:
        guest.done()
    return f"{steps} steps in {len(boots)} boots, {time.monotonic() - start:.0f} s", faults


@case("package-judge-sees-faults")
def judge_sees(name):
    """The judge of the package- tests sees failed steps and reports of bugs."""
    del name
    faults = []
    for lines, console, wanted in (
            (["ok a", "end"], "", 0),
            (["ok a", "not ok b: x", "end"], "", 1),
            (["text", "end"], "", 1),
            (["ok a", "end"], "[ 1.0] BUG: unable to handle page fault", 1)):
        found = judge(1, lines, console)
        if len(found) != wanted:
            faults.append(f"{lines} {console}: {found}")
    return "4 transcripts", faults


# Each boot of a Debian takes minutes here, so "make check" runs tests that do not depend on the
# release's dkms on one release only; "make check-release" runs the others.
SWITCHES = [Boot("modprobe.blacklist=iommu_resv", asked_for=True), Boot("iommu_resv.hooks=none"),
            Boot("module_blacklist=iommu_resv")]
SECURE = [Boot(enroll=True), Boot(), Boot("lockdown=confidentiality")]
USUAL = (
    # On these disks tests/lib/machine has installed the packages already, as an emulated processor
    # compiles for ten minutes; tests/dkms/run compiles them for each release. "quick" installs the
    # packages while the system runs, "upgrade" upgrades them.
    ("install", Guest, "INSTALLED", [Boot(), Boot(asked_for=True)], ("12",)),
    ("quick", Guest, "BASE", [Boot()], ("13",)),
    ("bare", Guest, "WITHOUT", [Boot()], ("12",)),
    ("upgrade", Guest, "INSTALLED", [Boot()], ("12",)),
    ("purge", Guest, "INSTALLED", [Boot(), Boot()], ("12",)),
    ("switches", Guest, "INSTALLED", SWITCHES, ("12",)),
    ("secureboot", SecureGuest, "INSTALLED", SECURE, ("12",)))
RELEASE = (
    ("kernel", Guest, "INSTALLED", [Boot(limit=1800), Boot()], ("12",)),
    ("updated", Guest, "UPDATED", [Boot()], ("12", "13")),
    ("upgrade", Guest, "INSTALLED", [Boot()], ("13",)),
    ("purge", Guest, "INSTALLED", [Boot(), Boot()], ("13",)),
    ("secureboot", SecureGuest, "INSTALLED", SECURE, ("13",)))


for rows, kind_of in ((USUAL, "check"), (RELEASE, "release")):
    for test, kind, disk, boots, releases in rows:
        for debian in releases:
            case(f"package-{test}-debian{debian}", part=kind_of, slow=10, kind=kind,
                 suite=SUITES[debian], disk=disk, test=test, boots=boots)(life)
case("vm-libvirt-debian12", part="release", slow=10, kind=Guest, suite=SUITES["12"],
     disk="LIBVIRT", test="libvirt", boots=[Boot()])(life)
