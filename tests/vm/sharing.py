# SPDX-License-Identifier: GPL-2.0-only
"""Runs cases in machines: most have a VM of their own, and those that can share a boot share one,
see lab/boot.py."""
import time
from dataclasses import dataclass

from lab import boot, kernels


@dataclass
class Result:
    """The result of a case: its note and faults, or SKIP: what the archive does not have."""
    note: str
    faults: list
    seconds: float = 0
    skip: str = None


def result(function):
    """The Result of FUNCTION; an exception that it raises becomes a skip or a fault."""
    start = time.monotonic()
    try:
        out = Result(*function())
    except kernels.Skip as why:
        out = Result("", [], skip=str(why))
    except kernels.Failure as why:
        out = Result("", [str(why)])
    except Exception as why:    # pylint: disable=broad-except
        out = Result("", [f"{type(why).__name__}: {why}"])
    out.seconds = time.monotonic() - start
    return out


def alone(name, function):
    return result(lambda: function(name=name))


def asked(name, function):
    """The request of a case; None if it needs no VM or has failed already, so that it runs
    alone."""
    out = []
    result(lambda: out.append(boot.ask(function, name)))
    return out[0] if out else None


def together(members):
    """Run cases that want the same machine. MEMBERS: [(name, function, request)]. Yields (name,
    Result) of each. One that is alone has a VM of its own."""
    while len(members) > 1:
        try:
            stretches = boot.Boot([request for _, _, request in members]).hear()
        except Exception as why:    # pylint: disable=broad-except
            for name, _, _ in members:
                yield name, Result("", [f"{type(why).__name__}: {why}"])
            return
        for (name, function, _), stretch in zip(members, stretches):
            out = result(lambda: boot.call(function, name, stretch))
            out.seconds = stretch.seconds
            yield name, out
        members = members[len(stretches):]
    for name, function, _ in members:
        yield name, alone(name, function)
