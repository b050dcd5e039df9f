# SPDX-License-Identifier: GPL-2.0-only
"""Tests boots-*: cases that share a boot, some of which are wrong."""
from functools import partial

import sharing
from cases import case
from expect.hooks import all_ok
from lab import boot, kernels
from lab.machines import MACHINE
from talk.script import run
from talk.words import MODULE

UNLOAD = ["unload iommu_resv", "left"]
# A fault to plant that the judge sees, and one that it does not see
SEEN, UNSEEN = (r"^unload iommu_resv ok$", "unload iommu_resv EBUSY"), (r"^start .*?$", "start")
# For each case: what it does wrong and what it plants, how each fault that it must have begins, and
# how often the machine was booted again before it. The cases run in this order.
CASES = {
    "good": (UNLOAD, SEEN, [], 0),
    "panics": (["write /proc/sysrq-trigger c"], SEEN, ["the VM ended early"], 0),
    "next": (UNLOAD, SEEN, [], 1),
    "leaves": ([], UNSEEN, ["left behind: left /sys/kernel/iommu_groups/",
                            "left behind: module iommu_resv"], 1),
    "blind": (UNLOAD, UNSEEN, ["the planted fault "], 2),
    "warns": ([*UNLOAD, "write /dev/kmsg <4>WARNING: planted"], SEEN, ["kernel log: "], 2),
    "binds": ([*UNLOAD, "bind"], SEEN, [], 2),
    "hangs": ([*UNLOAD, "sleep 60000"], SEEN, ["not at its end after 30 s"], 2),
    "last": (UNLOAD, SEEN, [], 3),
}


def member(key, label, name):
    """One of CASES."""
    kernel = kernels.get(key)
    wrong, planted, _, _ = CASES[label]
    return "", run(name, kernel, MACHINE[kernel.arch],
                   [f"say {label}", "bind", f"load {MODULE}", "dump loaded", *wrong], all_ok,
                   [planted], limit=30 if label == "hangs" else 120)[1]


@case("boots-shared-{key}", ("7-arm64",), boot="it boots machines for others")
def shared(key, name):
    """A case that panics, hangs, leaves the module loaded or has a warning in the log fails by
    itself; those before and behind it pass, with their own transcripts."""
    functions = {f"{name}-{label}": partial(member, key, label) for label in CASES}
    members = [(who, function, boot.ask(function, who)) for who, function in functions.items()]
    if len({request.machine() for _, _, request in members}) != 1:
        return "", ["they do not ask for the same machine"]
    results = dict(sharing.together(members))
    faults, leaders = [], []
    for label, (_, _, wanted, boots) in CASES.items():
        who = f"{name}-{label}"
        got = results[who].faults
        if bool(got) != bool(wanted) or \
                any(not any(fault.startswith(want) for fault in got) for want in wanted) or \
                any(not any(fault.startswith(want) for want in wanted) for fault in got):
            faults.append(f"{label}: {got}, expected {wanted}")
        folder = kernels.CACHE / who
        said = [line for line in (folder / "port").read_text().splitlines()
                if line.startswith("say ")]
        if said != [f"say {label}"]:
            faults.append(f"{label}: its transcript has {said}")
        # The last one is alone, so it shares nothing.
        leader = (folder / "boot").read_text().split(":")[0] if label != "last" else who
        leaders += [leader] if leader not in leaders else []
        if leaders.index(leader) != boots:
            faults.append(f"{label}: its boot is number {leaders.index(leader)}, not {boots}")
    return f"{len(CASES)} cases in {len(leaders)} boots", faults
