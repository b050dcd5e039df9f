# SPDX-License-Identifier: GPL-2.0-only
"""The cases. A case is a function in a file of this folder that returns (note, [faults]). Its
docstring is its claim, and @case gives it its names and kernels. Every file in this folder is
imported; tests/vm/new writes the frame of a case."""
import functools
import importlib
import itertools
import pkgutil
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


# SHARED: the case leaves the machine as it found it, so that it can share a boot with others.
# FIRST: the same, and it needs a boot in which VFIO has had no device yet, because on some kernels
# a device gets its group only then.
SHARED, FIRST = "shared", "shared, first"


def boot_on(topology, how):
    """HOW, SHARED or FIRST, for a case that gives all devices of TOPOLOGY to VFIO."""
    if topology.no_msi:
        return "the kernel warns when a device whose interrupts it has refused leaves its driver"
    return how


@dataclass
class Case:
    """PART: "check", "release" or "debug"; SLOW: minutes that it takes, if it takes minutes; BOOT:
    SHARED or FIRST, or why it needs a boot of its own."""
    function: object
    part: str
    slow: int
    boot: str

    def claim(self):
        return " ".join(self.function.func.__doc__.split())


found = {}      # name -> Case


def case(names, kernels=(), *, part="check", slow=0, boot="not tried in a shared one", **words):
    """Register a function as cases. NAMES: the name, with {words} in it; KERNELS: keys, which the
    function gets as "key" (the name can have {arch} of the key); BOOT, PART, SLOW: see Case; WORDS:
    other arguments. There is one case for each member of a tuple, and for each combination of
    several tuples."""
    if kernels:
        words["key"] = tuple(kernels)

    def register(function):
        if not function.__doc__:
            sys.exit(f"{function.__module__}: {function.__name__}() has no docstring: its claim")
        each = [value if isinstance(value, tuple) else (value,) for value in words.values()]
        for values in itertools.product(*each):
            given = dict(zip(words, values))
            arch = "arm64" if "arm64" in given.get("key", "") else "amd64"
            name = names.format(arch=arch, **given)
            if name in found:
                raise ValueError(f"two cases are called {name}")
            found[name] = Case(functools.partial(function, **given), part, slow, boot)
        return function
    return register


def find_all():
    """{name: Case} of all cases, in the order in which they start: those that take minutes start
    first, so that they do not run alone at the end."""
    for package in (HERE, HERE.parent / "planted"):
        for module in pkgutil.iter_modules([str(package)]):
            importlib.import_module(f"{package.name}.{module.name}")
    return dict(sorted(found.items(), key=lambda item: -item[1].slow))
