# SPDX-License-Identifier: GPL-2.0-only
"""Kernels to test on, the module built for them, and the guest programs."""
import functools
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
TREE = HERE.parent.parent
LIB = TREE / "tests" / "lib"
CACHE = Path(os.environ.get("IOMMU_RESV_CACHE", "/var/cache/iommu-resv")) / "vm"


class Skip(Exception):
    """The archive does not have what the test needs."""


class Failure(Exception):
    """The test cannot go on."""


@dataclass
class Kernel:
    key: str
    arch: str
    release: str
    image: Path
    modules: Path
    module: Path = None         # iommu_resv.ko
    livepatch: Path = None      # iommu_resv_livepatch.ko, where the kernel has livepatches
    files: dict = field(default_factory=dict)   # name -> path below modules
    builtin: set = field(default_factory=set)
    answers: str = None         # series whose answers it gives, if not that of its release
    parameters: str = ""        # of the module, in each load
    by_ftrace: bool = False     # it is hooked by ftrace_ops, not by kprobes on ftrace

    @property
    def debug(self):
        """Is it a debug kernel, which reports faults and is slow? See tests/debug."""
        return self.key.startswith("debug-")

    @property
    def iommufd(self):
        """Is its VFIO container iommufd's, not that of type 1?"""
        return self.key.endswith("-iommufd")

    def steps(self, steps):
        """STEPS as this kernel needs them."""
        out = []
        for step in steps:
            if step.split()[:2] == ["load", "/iommu_resv.ko"]:
                step = f"{step} {self.parameters}".strip()
            elif self.by_ftrace and step.startswith("wait-text "):
                step = re.sub(r"\bkretprobe\b", "ftrace-return", step)
                step = re.sub(r"\bkprobe\b", "ftrace", step)
            out.append(step)
        return out

    def heard(self, lines):
        """LINES with the names that the module's ways to hook have on most kernels."""
        if not self.by_ftrace:
            return lines
        text = re.sub(r"^(\| \S+(?: added)? |log iommu_resv: .*\()ftrace-return\b", r"\1kretprobe",
                      "\n".join(lines), flags=re.M)
        return re.sub(r"^(\| \S+(?: added)? |log iommu_resv: .*\()ftrace\b", r"\1kprobe", text,
                      flags=re.M).split("\n")

    def index(self):
        """Find the modules; names have '_' where files may have '-'."""
        for path in self.modules.rglob("*.ko*"):
            self.files[path.name.split(".ko")[0].replace("-", "_")] = path
        listing = self.modules / "modules.builtin"
        if listing.exists():
            self.builtin = {Path(line).name.split(".ko")[0].replace("-", "_")
                            for line in listing.read_text().split()}
        return self

    def use(self, module):
        """Test with MODULE, and with the livepatch in the same folder if there is one."""
        livepatch = module.with_name("iommu_resv_livepatch.ko")
        self.module = module
        self.livepatch = livepatch if livepatch.exists() else None
        return self


def page_size(key):
    """Bytes of a page of the kernel KEY."""
    return {"16k": 16384, "64k": 65536}.get(key.split("-")[-1], 4096)


def keys():
    out = subprocess.run([LIB / "kernel", "list"], check=True, text=True, stdout=subprocess.PIPE)
    return out.stdout.split()


def told_line(script, *words):
    """The one line that tests/lib/SCRIPT prints."""
    out = subprocess.run([LIB / script, *words], text=True, capture_output=True)
    if out.returncode == 77:
        raise Skip(out.stderr.strip().splitlines()[-1] if out.stderr.strip() else "not served")
    if out.returncode:
        raise Failure(f"{script} {' '.join(words)}: {out.stderr.strip()}")
    return out.stdout.strip()


def told(script, *words):
    """The assignments that tests/lib/SCRIPT prints, by name."""
    return dict(word.split("=", 1) for word in shlex.split(told_line(script, *words)))


def get(key, build=True, test=False):
    """Fetch the kernel KEY and build the modules of this tree for it. TEST: make the test build,
    which can fail on purpose at each step and hook other functions."""
    if instead:
        return instead.get(key, build, test)
    kernel = replace(fetched(key))
    if build:
        kernel.use(built(key, test))
    return kernel


@functools.lru_cache(None)
def fetched(key):
    var = told("kernel", "get", key)
    return Kernel(key, var["ARCH"], var["RELEASE"],
                  Path(var.get("VMLINUX") or var["IMAGE"]), Path(var["MODULES"])).index()


@functools.lru_cache(None)
def built(key, test):
    """The module of this tree, which does not change in a run."""
    return build_module(key, test=test)


def build_module(key, tree=None, test=False, name="iommu_resv"):
    """NAME.ko of TREE, built for the kernel KEY; the other modules are in the same folder."""
    if instead:
        return instead.build(tree or TREE, test) / f"{name}.ko"
    out = subprocess.run([LIB / "build-module", key] + ([tree] if tree else []),
                         text=True, capture_output=True,
                         env={**os.environ, "KBUILD_ARGS": "RESV_TEST=1" if test else ""})
    if out.returncode:
        raise Failure(f"{name} does not build for {key}:\n{out.stdout}{out.stderr}")
    return Path(out.stdout.split()[-1]) / f"{name}.ko"


def copy_tree(folder, tree=TREE):
    """Copy what the build needs of TREE to FOLDER, to change it or to build there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    parts = [part for part in ("Kbuild", "dkms.conf", "debian/changelog", "compat", "src")
             if (tree / part).exists()]
    subprocess.run(["cp", "-r", "--parents", "-t", folder, *parts], cwd=tree, check=True)


@dataclass
class Custom:
    """A kernel from anywhere: --kernel IMAGE --modules DIR --kdir DIR [--answers SERIES] [--load
    WORDS]."""
    image: Path
    modules: Path
    kdir: Path
    answers: str = None
    parameters: str = ""
    modules_of: dict = field(default_factory=dict)  # (tree, is it the test build) -> folder
    folders: list = field(default_factory=list)     # which go with this object
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arch(self):
        with open(self.image, "rb") as f:
            head = f.read(64)
        # An arm64 Image has a magic number at 56, an arm64 ELF file has machine 183 at 18.
        return "arm64" if head[56:60] == b"ARMd" or head[18:20] == b"\xb7\x00" else "amd64"

    def get(self, key=None, build=True, test=False):
        """This kernel, in a test for the kernel KEY."""
        arch = self.arch()
        if key and f"-{arch}" not in key:
            raise Skip(f"a test for {key}, this kernel is of {arch}")
        kernel = Kernel("custom", arch, self.modules.name, self.image, self.modules).index()
        kernel.answers = self.answers or key and key.split("-")[0]
        kernel.parameters = self.parameters
        if build:
            folder = self.build(TREE, test)
            kernel.use(folder / "iommu_resv.ko")
            facts = (folder / "compat" / "facts.h").read_text()
            # See compat/ftrace.h.
            kernel.by_ftrace = arch == "amd64" and "define RESV_HAVE_FTRACE_PT_REGS " in facts \
                and "define RESV_HAVE_FTRACE_PERMANENT " not in facts
        return kernel

    def build(self, tree, test):
        """The folder with the modules of TREE. A warning about TREE's own files is a failure; a
        kernel may have warnings of its own with this compiler."""
        with self.lock:
            if (tree, test) not in self.modules_of:
                self.modules_of[tree, test] = self.make(tree, test)
        return self.modules_of[tree, test]

    def make(self, tree, test):
        # For this run only: another may be about the same kernel.
        CACHE.mkdir(parents=True, exist_ok=True)
        self.folders.append(tempfile.TemporaryDirectory(dir=CACHE, prefix="custom-build-"))
        work = Path(self.folders[-1].name) / "tree"
        copy_tree(work, tree)
        cross = ["ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"] if self.arch() == "arm64" else []
        with open(work / "build.log", "w+", encoding="utf-8", errors="replace") as log:
            status = subprocess.run(
                ["make", "-C", self.kdir, f"M={work}", *cross, *(["RESV_TEST=1"] if test else []),
                 "W=1", "KCFLAGS=-g0", "CONFIG_DEBUG_INFO_BTF_MODULES=",
                 # kernel-doc of kernels before 5.5 does not run with perl 5.26 and later.
                 "cmd_checkdoc=:", "modules"],
                text=True, stdout=log, stderr=subprocess.STDOUT).returncode
            log.seek(0)
            said = log.read()
        if status:
            raise Failure(f"module does not build in {self.kdir}:\n{said}")
        warned = [line for line in said.splitlines() if "warning:" in line.lower() and
                  line.startswith((f"{work}/", "src/", "compat/"))]
        if warned:
            raise Failure("\n".join([f"the build in {self.kdir} warns:", *warned]))
        return work


instead = None      # a Custom, which get() takes for all keys of its architecture


def guest_program(name, arch):
    """Build the sources in guest/NAME and guest/lib as a static program for ARCH; its path."""
    guest = HERE / "guest"
    parts = [part for folder in (name, "lib") for part in sorted((guest / folder).glob("*.[ch]"))]
    text = b"".join(part.read_bytes() for part in parts)
    out = CACHE / "guest" / f"{name}-{arch}-{hashlib.sha256(text).hexdigest()[:12]}"
    if out.exists():
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    cc = "aarch64-linux-gnu-gcc" if arch == "arm64" else "gcc"
    with tempfile.NamedTemporaryFile(dir=out.parent, delete=False) as f:
        new = f.name
    subprocess.run([cc, "-O2", "-static", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                    "-Wmissing-prototypes", "-Wno-format-truncation", "-I", guest, "-o", new,
                    *(part for part in parts if part.suffix == ".c")], check=True)
    os.replace(new, out)
    return out


def series_of(kernel):
    """Whose answers the tests expect, such as "6.1" or "7"."""
    if kernel.answers:
        return kernel.answers
    major, minor = kernel.release.split(".")[:2]
    return major if int(major) >= 7 else f"{major}.{minor}"


def backends(kernel):
    """The backends that KERNEL can have; only x86 kernels have livepatches."""
    return ("kprobe", "livepatch") if kernel.arch == "amd64" else ("kprobe",)
