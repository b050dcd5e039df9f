# SPDX-License-Identifier: GPL-2.0-only
"""The file assignable: the module's answer about a group before VFIO opens it, with various
drivers."""
from functools import partial

from cases import case
from expect import judge
from expect.hooks import all_ok
from lab import kernels
from lab.topologies import EDU, Q35, SMMU, Topology
from talk.script import run
from talk.words import MODULE, UNSAFE

GIVEN = "0000:00:07.0"
# In the same group, and bound to a driver of the host when the module is loaded.
OTHER = "0000:00:07.1"
PCI = "/sys/bus/pci"
# Behind one of two ports that are in one group with all devices behind them.
BEHIND = "0000:01:00.0"
DEVICES = (f"{EDU},addr=7.0,multifunction=on", "nvme,serial=0,addr=7.1",
           "pcie-root-port,id=rp0,chassis=1,addr=6.0,multifunction=on,disable-acs=on",
           "pcie-root-port,id=rp1,chassis=2,addr=6.1,disable-acs=on",
           f"{EDU},bus=rp0", f"{EDU},bus=rp1")
COMPANIONS = {
    "amd64": Topology("companions", "amd64", (), Q35, ("intel-iommu,intremap=off", *DEVICES),
                      "intel_iommu=on", modules=("nvme", "?pci_stub")),
    "arm64": Topology("companions", "arm64", (), SMMU, DEVICES, modules=("nvme", "?pci_stub")),
}
# Reasons that the file must give at each moment; at the first one also the interrupts on amd64.
EXPECTED = {
    "guarded": {("host-driver", OTHER)},
    "bound": {("host-driver", OTHER)},
    "unbound": set(),
    "stub": set(),
    "mixed": set(),
    "ports": set(),
}
ROUNDS = 20


def ask(label, device):
    return [f"dump {label}", f"run /vfio-check probe {device}"]


def steps():
    """OTHER goes from the host's driver to none, to pci-stub, and to VFIO's."""
    return [f"load {MODULE}", f"bind {GIVEN}", "spawn event uevents", "sleep 300",
            *ask("guarded", GIVEN),
            f"write {UNSAFE} 1", *ask("bound", GIVEN),
            f"unbind {OTHER}", *ask("unbound", GIVEN),
            f"write {PCI}/devices/{OTHER}/driver_override pci-stub",
            f"write {PCI}/drivers_probe {OTHER}", *ask("stub", GIVEN),
            f"unbind {OTHER}", f"bind {OTHER}", *ask("mixed", GIVEN),
            f"bind {BEHIND}", *ask("ports", BEHIND), "stop event",
            # Readers block neither binding and unbinding of a driver nor removal of the files.
            "spawn reader read-all", f"rebind {OTHER} {ROUNDS}", "unload iommu_resv",
            "stop reader", "left"]


def judge_companions(lines, arch):
    faults = all_ok(lines)
    faults += [f"write {line}" for line in judge.said(lines, "write") if not line.endswith(" ok")]
    if judge.said(lines, "rebind") != [f"{ROUNDS} 0"]:
        faults.append(f"rebind: {judge.said(lines, 'rebind')}")
    dumps = judge.dumps(lines)
    answers = [line[len("open="):] for line in judge.said(lines, "run")
               if line.startswith("open=")]
    if len(answers) != len(EXPECTED):
        return faults + [f"VFIO was asked {len(answers)} times"]
    number = None
    for (label, wanted), answer in zip(EXPECTED.items(), answers):
        device = BEHIND if label == "ports" else GIVEN
        found = [g for g in dumps[label].values() if device in g.names()]
        if len(found) != 1:
            return faults + [f"{label}: {device} is in {len(found)} groups"]
        group = found[0]
        number = number or group.id
        if label == "guarded" and arch == "amd64":
            wanted = wanted | {("unsafe-interrupts", "-")}
        faults += [f"{label}: {fault}" for fault in judge.check_group(group) +
                   judge.check_verdict(group, answer, None)]
        told = judge.reasons(group)
        if told is None or set(told) != wanted:
            faults.append(f"{label}: {group.lines('assignable')}, expected {sorted(wanted)}")
    drivers = {device[0]: device[1] for device in found[0].devices}
    if "pcieport" not in drivers.values():
        faults.append(f"ports: no port has its driver: {drivers}")
    # Unbinding the driver of the host is the only event that changes the files of that group.
    events = judge.said(lines, "event").count(f"change@/kernel/iommu_groups/{number}")
    if events < 1:
        faults.append(f"group {number}: {events} uevents")
    return faults


PLANTED = (
    (r"(^dump bound$.*?)^\| no\n\| host-driver \S+ nvme$", r"\1| yes"),
    (r"(^dump unbound$.*?^device 0000:00:07.1 .*?^file assignable ok\n)\| yes$",
     r"\1| no\n| host-driver 0000:00:07.1 nvme"),
    (r"(^dump guarded$.*?)host-driver 0000:00:07.1 nvme", r"\1host-driver 0000:00:07.1 nvmf"),
    (r"(^dump ports$.*?^device 0000:00:06.0) pcieport (.*?^device 0000:00:06.1) pcieport ",
     r"\1 - \2 - "),
    (r"^event change@.*?$", ""),
    (r"^run open=E\S+ .*?$", "run open=ok"),
    (r"^run open=ok$", "run open=EBUSY viable"),
    (r"^rebind (\d+) 0$", r"rebind \1 1"),
)


@case("assignable-companions-{key}", ("5.10-amd64", "6.1-amd64", "6.12-amd64", "7-amd64",
                                      "5.10-arm64", "7-arm64"))
def companions(key, name):
    """For groups with bound, unbound and mixed companions and with ports, the file agrees with
    VFIO."""
    kernel = kernels.get(key)
    return "", run(name, kernel, COMPANIONS[kernel.arch], steps(),
                   partial(judge_companions, arch=kernel.arch), PLANTED, smp=2)[1]
