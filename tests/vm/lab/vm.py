# SPDX-License-Identifier: GPL-2.0-only
"""Run one VM: QEMU without KVM, with a port for the agent's lines, a console file, a QMP socket
and a time limit."""
import re
import shutil
import subprocess
import time

from lab import initramfs, kernels
from lab.qmp import Qmp

COMMON = {
    "amd64": {
        "qemu": "qemu-system-x86_64",
        "console": "ttyS0",
        # With interrupt remapping the timer check sometimes fails on a busy host.
        "append": "no_timer_check",
        "cpu": "max",
        "port": "addr=0x1d",
    },
    "arm64": {
        "qemu": "qemu-system-aarch64",
        "console": "ttyAMA0",
        "append": "",
        "cpu": "cortex-a57",
        "port": "addr=0x1d",
    },
}

# Reports of the kernel that fail a test, even if other code has caused them.
BAD = re.compile(r"WARNING:|BUG:|\bOops\b|Call [Tt]race|soft lockup|hung_task|"
                 r"blocked for more than|unreferenced object|refcount_t|general protection|"
                 r"UBSAN|KFENCE|"
                 r"list_(add|del) corruption|Kernel panic|Internal error|sysfs: cannot create|"
                 r"kobject_add_internal failed|(?<!double-/)use-after-free|"
                 r"Poison overwritten|Redzone|"
                 r"rcu_\w+ (detected|self-detected) .*stall|lockdep is turned off")

# A debug kernel checks each access to memory and keeps freed memory for a while, which takes
# memory and time.
DEBUG_MEMORY = "2G"
DEBUG_SLOWER = 5


def megabytes(size):
    return int(size[:-1]) * {"M": 1, "G": 1024}[size[-1]]


def qemu_of(suite):
    """Words before QEMU's command: none for this machine's QEMU; for that of SUITE, words that
    run it in its root."""
    if not suite:
        return []
    root = kernels.told_line("qemu", suite)
    cache = kernels.CACHE.parent
    return [str(kernels.LIB / "in-root"), root, f"{cache}:{cache}", "--"]


class Said:
    """The output of a VM for one case, in files of its folder: "port" has the lines of the agent,
    "console" those of the kernel."""

    def __init__(self, name, kernel):
        self.dir = kernels.CACHE / name
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        self.name = name
        self.debug = kernel.debug
        self.lines = []

    def text(self, name):
        try:
            return (self.dir / name).read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def log(self):
        return [line[4:] for line in self.lines if line.startswith("log ")]

    def complaints(self, after=None):
        """The first report of a bug in the kernel log, with some lines around it; and leaks.

        AFTER: ignore the log before the first line that begins with AFTER."""
        return self.reported(after) + (debug_faults(self.lines) if self.debug else [])

    def reported(self, after):
        log = self.log()
        lines = log
        if after:
            first = next((i for i, text in enumerate(log) if text.startswith(after)), 0)
            lines = log[first:]
        for i, line in enumerate(lines):
            if BAD.search(line):
                around = lines[max(0, i - 2):i + 14]
                return ["kernel log: " + "".join(f"\n    {text}" for text in around)]
        # The console may have later lines than the log that the agent has read.
        known = set(log)
        for line in self.text("console").splitlines():
            if BAD.search(line) and re.sub(r"^\[ *[0-9.]+\] ", "", line) not in known:
                return [f"console: {line}"]
        return []


class Vm(Said):
    """One run of a VM."""

    def __init__(self, name, kernel, topology, steps, *, append="", wanted=(), limit=120, smp=1,
                 memory="512M", qemu=(), tables=None, module=None, later=(), extra=None,
                 accel=None, kaslr=False):
        super().__init__(name, kernel)
        if kernel.debug:
            limit, memory = limit * DEBUG_SLOWER, max(memory, DEBUG_MEMORY, key=megabytes)
        self.limit = limit
        common = COMMON[kernel.arch]
        if not accel:
            # On x86 QEMU has a fault when one CPU changes code that another one runs, as kprobes
            # and livepatches do (even a stock kernel with another livepatch panics at an "int3"
            # that is not there). With one thread the CPUs take turns.
            accel = f"tcg,thread={'single' if kernel.arch == 'amd64' and smp > 1 else 'multi'}"
        # The A57 is fast to emulate but has no pages of 16 KiB.
        cpu = "cortex-a76" if kernel.release.endswith("-16k") else common["cpu"]
        tables = tables if tables is not None else topology.tables
        initrd = self.dir / "initrd"
        initrd.write_bytes(initramfs.build(kernel, steps, [*topology.modules, *wanted],
                                           tables, extra, module, later))
        # Here the kernel's tests of its ciphers take a third of a boot, and KASLR takes a sixth;
        # report- tests have KASLR.
        words = ["root=/dev/ram0", f"console={common['console']}", "panic=-1", "loglevel=5",
                 "log_buf_len=1M", "cryptomgr.notests", "" if kaslr else "nokaslr",
                 # Without it the kernel drops some of what is written to its log.
                 "printk.devkmsg=on", common["append"], topology.append, append]
        self.command = [
            *qemu_of(topology.suite), common["qemu"], "-machine", topology.machine, "-accel", accel,
            "-cpu", cpu, "-smp", str(smp), "-m", memory, "-no-reboot",
            "-nodefaults", "-nic", "none", "-display", "none",
            "-serial", f"file:{self.dir}/console",
            "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
            "-chardev", f"file,id=port,path={self.dir}/port",
            # No MSI, so that the port works even if the test breaks interrupts.
            "-device", f"virtio-serial-pci,vectors=0,{common['port']}",
            "-device", "virtserialport,chardev=port,name=iommu-resv",
            *topology.qemu(self.dir), *qemu,
            "-kernel", str(kernel.image), "-initrd", str(initrd),
            "-append", " ".join(w for w in words if w),
        ]
        (self.dir / "command").write_text("\n".join(self.command) + "\n")

    def run(self, actions=(), meanwhile=None):
        """Run the VM. ACTIONS: [(text, function of Qmp)]: call each function in turn once the
        agent has said its text. MEANWHILE: (first text, last text, seconds, function of Qmp): once
        the agent has said the first text, call the function every so many seconds, until the agent
        says the last text.

        Returns the lines of the agent; raises Failure if the agent did not say "end"."""
        actions = list(actions)
        qmp = None
        due = 0
        start = time.monotonic()
        self.deadline = start + self.limit
        with open(self.dir / "qemu", "w", encoding="ascii") as log:
            qemu = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=subprocess.STDOUT)
        try:
            while qemu.poll() is None:
                self.watch()
                if time.monotonic() > self.deadline:
                    raise kernels.Failure(f"not at its end after {self.limit} s{self.tail()}")
                if actions and f"say {actions[0][0]}\n" in self.text("port"):
                    qmp = qmp or Qmp(self.dir / "qmp")
                    actions.pop(0)[1](qmp)
                if meanwhile and time.monotonic() >= due:
                    first, last, period, function = meanwhile
                    port = self.text("port")
                    if f"say {first}\n" in port and f"say {last}\n" not in port:
                        qmp = qmp or Qmp(self.dir / "qmp")
                        function(qmp)
                        due = time.monotonic() + period
                time.sleep(0.05)
        finally:
            if qemu.poll() is None:
                qemu.kill()
                qemu.wait()
        self.seconds = time.monotonic() - start
        self.lines = self.text("port").splitlines()
        (self.dir / "initrd").unlink()
        if not self.lines or self.lines[-1] != "end":
            raise kernels.Failure(f"the VM ended early{self.tail()}")
        return self.lines

    def watch(self):
        """Called again and again while the VM runs; may raise Failure to end it."""

    def tail(self):
        lines = (self.text("qemu") + self.text("console")).splitlines()[-12:]
        return f", see {self.dir}" + "".join(f"\n    {line}" for line in lines)


def debug_faults(lines):
    """Leaks that a debug kernel found, and faults if its checks were not active to the end."""
    said = [line[6:] for line in lines if line.startswith("debug ")]
    faults = [f"debug kernel: no '{want}': {said}" for want in
              ("lockdep 1", "kmemleak scanned ok") if want not in said]
    leaks = [line[5:] for line in lines if line.startswith("leak ")]
    return faults + (["leaked: " + "".join(f"\n    {line}" for line in leaks[:24])]
                     if leaks else [])
