# SPDX-License-Identifier: GPL-2.0-only
"""Tests frame-*: the frame that tests/vm/new writes."""
import subprocess
import sys
import types

import cases
from cases import case
from lab import kernels

NAME = "frame-written"
# An expectation of the frame, and one that is wrong.
RIGHT, WRONG = '"unload iommu_resv ok"', '"unload iommu_resv EBUSY"'


def written(key):
    """The frame of a case as tests/vm/new writes it."""
    out = subprocess.run([sys.executable, kernels.HERE / "new", "--print", NAME, key], check=True,
                         text=True, stdout=subprocess.PIPE)
    return out.stdout


def run_text(text, key, name):
    """(note, faults) of the one case in TEXT."""
    module = types.ModuleType(NAME)
    try:
        exec(compile(text, NAME, "exec"), module.__dict__)      # pylint: disable=exec-used
        return cases.found[f"{NAME}-{key}"].function(name=name)
    finally:
        cases.found.pop(f"{NAME}-{key}", None)


@case("frame-runs-{key}", ("7-arm64",))
def runs(key, name):
    """The frame of tests/vm/new is found, runs and passes; with a wrong expectation it fails."""
    text = written(key)
    _, faults = run_text(text, key, name)
    if not faults:
        if RIGHT not in text:
            return "", [f"the frame does not expect {RIGHT}"]
        _, seen = run_text(text.replace(RIGHT, WRONG), key, name)
        if not any("EBUSY" in fault for fault in seen):
            faults = [f"a wrong expectation passes: {seen}"]
    return "", faults
