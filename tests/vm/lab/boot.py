# SPDX-License-Identifier: GPL-2.0-only
"""Boots that cases share. The runner calls a case that shares a boot twice. The first call ends
where the case would run a VM, and gives its steps. Then one VM executes the steps of all cases that
need the same machine, one after the other. The second call judges the case's own part of the
transcript (class Stretch), as if the VM had been its own.

Between two cases the agent restores what all of them change (guest/agent/between.c) and sends the
state of the machine, which must be as before the case. A case that left something behind, or during
which the VM ended, fails, and only that case: the cases after it boot again."""
import re
import threading
import time
from dataclasses import dataclass, field, replace

from lab import kernels
from lab.vm import Said, Vm, megabytes

# The state of this thread's case: "asks" while it is called for its steps, or the Stretch that it
# judges.
now = threading.local()


@dataclass(eq=False)
class Request(BaseException):
    """The steps that a case needs a VM for; OPTIONS: see Vm. The first call of a case ends with
    this as an exception. It is no Exception, which the case might catch."""
    name: str
    kernel: kernels.Kernel
    topology: object
    steps: list
    options: dict = field(default_factory=dict)

    def machine(self):
        """Requests for which this is equal can share a boot: a text of kernel, devices and options.
        The time limit is a case's own, each has its build of the module, and more memory than it
        asks for harms no case."""
        return repr((self.kernel.key, self.topology.machine_only(), sorted(
            (name, value) for name, value in self.options.items()
            if name not in ("limit", "memory", "module") and value)))

    def builds(self):
        """{file name: path} of the modules that it tests."""
        kernel = self.kernel
        if self.options.get("module"):
            kernel = replace(kernel).use(self.options["module"])
        return {file.name: file for file in (kernel.module, kernel.livepatch) if file}


def hear(request, actions=(), meanwhile=None):
    """The output of a VM for REQUEST: of a VM of its own, or of one that has executed the steps."""
    how = getattr(now, "how", None)
    if how == "asks":
        if actions or meanwhile or request.kernel.debug:
            raise SystemExit(f"{request.name} cannot share a boot: it has QEMU do something, or its"
                             " kernel tells what its checks have found only at the end of a boot")
        raise request
    if how is not None:
        return how.answer(request)
    vm = Vm(request.name, request.kernel, request.topology, request.steps, **request.options)
    vm.run(actions, meanwhile)
    return vm


def call(function, name, how):
    now.how = how
    try:
        return function(name=name)
    finally:
        now.how = None


def ask(function, name):
    """The request of a case; None if it needs no VM."""
    try:
        call(function, name, "asks")
    except Request as request:
        return request
    return None


class Stretch(Said):
    """The output of a shared VM for one request. FAULTS: those that the case itself does not judge;
    DEAD: did the VM end in it?"""

    def __init__(self, request, lines, console, faults=(), dead=False):
        super().__init__(request.name, request.kernel)
        self.steps = request.steps
        self.lines = lines
        self.faults = list(faults)
        self.dead = dead
        self.seconds = 0
        (self.dir / "port").write_text("\n".join(lines) + "\n")
        (self.dir / "console").write_text("\n".join(console) + "\n")

    def answer(self, request):
        if self.dead:
            raise kernels.Failure("\n".join(self.faults))
        if request.steps != self.steps:
            raise kernels.Failure("its steps are not those that it asked for at first")
        return self

    def complaints(self, after=None):
        return self.faults + super().complaints(after)


def left_behind(before, after):
    """How the state of a machine differs from that before a case. A device may get its group with
    its first driver, so a new group is no difference."""
    def place(line):
        return line.split()[1:3]

    known = [place(line) for line in before]
    return [f"left behind: {line[6:]}" for line in after if line not in before and
            (place(line)[0] not in ("group", "reserved") or place(line) in known)] + \
        [f"not as it was: {line[6:]}" for line in before if line not in after]


def parts(lines, mark):
    """LINES, split before each one that has MARK, a pattern, in it."""
    out = [[]]
    for line in lines:
        if re.search(mark, line):
            out.append([])
        out[-1].append(line)
    return out


def of(kind, lines):
    return [line for line in lines if line.startswith(kind + " ")]


def transcript(boot, case):
    """The lines of CASE as they are if the VM is its own: those of the boot, and the log last."""
    both = [*boot, *case]
    return [line for line in both if not re.match("(log|state|case) |end$", line)] + of("log", both)


class Boot(Vm):
    """One VM for several requests that want the same machine."""

    def __init__(self, requests):
        first = requests[0]
        folders, extra, steps = {}, dict(first.options.get("extra") or {}), []
        for n, request in enumerate(requests):
            builds = request.builds()
            folder = folders.setdefault(str(builds), f"builds/{len(folders)}")
            extra.update({f"{folder}/{name}": path.read_bytes() for name, path in builds.items()})
            steps += [f"case {n} /{folder}", *request.steps]
        self.limits = [request.options.get("limit", 120) for request in requests]
        memory = [request.options.get("memory", "512M") for request in requests]
        options = {**first.options, "module": None, "extra": extra, "limit": max(self.limits),
                   "memory": max(memory, key=megabytes)}
        super().__init__(f"boot-{first.name}", replace(first.kernel, module=None, livepatch=None),
                         first.topology, [*steps, "case end"], **options)
        self.requests = requests
        (self.dir / "port").touch()
        self.at, self.rest = 0, ""      # how far the port was read, and the begin of its last line
        self.times = []                 # of each case's begin

    def watch(self):
        """Each case has its time limit. If one has left something behind, the VM ends."""
        with open(self.dir / "port", "rb") as port:
            port.seek(self.at)
            new = port.read()
        self.at += len(new)
        *lines, self.rest = (self.rest + new.decode(errors="replace")).split("\n")
        self.lines += lines
        if not of("case", lines):
            return
        number = len(of("case", self.lines))
        self.times += [time.monotonic()] * (number - len(self.times))
        self.limit = self.limits[min(number, len(self.limits)) - 1]
        self.deadline = self.times[-1] + self.limit
        if any(self.left(n) for n in range(number - 1)):
            raise kernels.Failure("a case has left something behind")

    def left(self, n):
        """The differences that case N left behind; the case has ended."""
        part = parts(self.lines, "^case ")
        return left_behind(of("state", part[n]), of("state", part[n + 1]))

    def hear(self):
        """Run it. Returns a Stretch for each request that was executed; the others boot again."""
        why, start = None, time.monotonic()
        try:
            self.run()
        except kernels.Failure as failure:
            why = str(failure)
        # The first case's time has that of the boot, and the last one's that of the end.
        times = [start, *self.times[1:len(self.requests)]]
        times += [time.monotonic()] * (len(self.requests) + 1 - len(times))
        said = parts(self.lines, "^case (?!end)")
        console = parts(self.text("console").splitlines(), "iommu-resv-test case (?!end)")
        over = len(of("case", self.lines)) - 1
        if len(said) == 1:
            return [Stretch(r, said[0], console[0], [why], True) for r in self.requests]
        stretches = []
        for n, request in enumerate(self.requests[:len(said) - 1]):
            faults = self.left(n) if n < over else []
            dead = n >= over or bool(why) and n + 1 == len(self.requests) and not faults
            if dead:
                faults = [why]
            elif n + 1 >= len(console):
                faults.append("the console has no mark of it")
            seen = [*console[0], *(console[n + 1] if n + 1 < len(console) else [])]
            stretches.append(Stretch(request, transcript(said[0], said[n + 1]) +
                                     ([] if dead else ["end"]), seen, faults, dead))
            stretches[-1].seconds = times[n + 1] - times[n]
            # The arguments of tests/vm/run for the same boot
            (stretches[-1].dir / "boot").write_text(self.name + ":" + "".join(
                f" {other.name}" for other in self.requests) + "\n")
            if faults:
                break
        return stretches
