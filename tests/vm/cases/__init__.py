# SPDX-License-Identifier: GPL-2.0-only
"""The cases: each a function of this folder that returns (note, [faults]), with its claim as
docstring and @case over it, which says under what names and on which kernels it runs. Whatever file
lies here is found; tests/vm/new writes the frame of one."""
import functools
import importlib
import itertools
import pkgutil
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass
class Case:
    """PART: of "check", "release" or "debug"; SLOW: it takes so many minutes."""
    function: object
    part: str
    slow: int

    def claim(self):
        return " ".join(self.function.func.__doc__.split())


found = {}      # name -> Case


def case(names, kernels=(), *, part="check", slow=0, **words):
    """NAMES: a name, with {words} in it; KERNELS: keys, which the function gets as "key" (and the
    name can have {arch} of it); WORDS: what it gets besides. Of a tuple it gets each in turn, of
    several tuples all combinations."""
    if kernels:
        words["key"] = tuple(kernels)

    def register(function):
        if not function.__doc__:
            raise ValueError(f"{function.__module__}.{function.__name__} does not say its claim")
        each = [value if isinstance(value, tuple) else (value,) for value in words.values()]
        for values in itertools.product(*each):
            given = dict(zip(words, values))
            arch = "arm64" if "arm64" in given.get("key", "") else "amd64"
            name = names.format(arch=arch, **given)
            if name in found:
                raise ValueError(f"two cases are called {name}")
            found[name] = Case(functools.partial(function, **given), part, slow)
        return function
    return register


def find_all():
    """{name: Case} of all, in the order in which they begin: those first that take minutes, so
    that none of these is left when all others are through."""
    for package in (HERE, HERE.parent / "planted"):
        for module in pkgutil.iter_modules([str(package)]):
            importlib.import_module(f"{package.name}.{module.name}")
    return dict(sorted(found.items(), key=lambda item: -item[1].slow))
