# SPDX-License-Identifier: GPL-2.0-only
"""Tests hotplug-*: devices that are plugged and unplugged."""
from cases import case
from expect import judge
from lab import kernels
from lab.kernels import series_of
from lab.topologies import DEBUG, HOTPLUG
from talk.script import Script
from talk.words import MODULE

# Two slots, as QEMU frees a slot only some seconds after the kernel has removed the device.
PLUGGED = {"1": "0000:01:00.0", "2": "0000:02:00.0"}


@case("hotplug-edu-{key}", ("5.10-amd64", "6.1-amd64", "6.12-amd64", "7-amd64", "6.12-arm64",
                            "7-arm64"), boot="it plugs a device")
@case("debug-hotplug-{arch}", DEBUG, part="debug")
def hotplug(key, name):
    """A device is plugged and unplugged, then another: the files of its group come within two
    seconds, and nothing is left behind."""
    kernel = kernels.get(key)
    steps = [f"load {MODULE}", "spawn event uevents", "sleep 300"]
    actions = []
    for n, bdf in PLUGGED.items():
        device = f"/sys/bus/pci/devices/{bdf}"
        steps += [f"say plug{n}", f"wait {device}", f"bind {bdf}",
                  f"wait {device}/iommu_group/resv/regions", f"dump plugged{n}",
                  # There, after VFIO's reset of the slot, the kernel misses its attention button.
                  "# no vfio" if key == "6.12-arm64" else "vfio",
                  f"say unplug{n}", f"wait-gone {device}", "sleep 500", f"dump gone{n}"]
        actions += [
            (f"plug{n}", lambda qmp, n=n: qmp.do("device_add", driver="edu", bus=f"hp{n}",
                                                 id=f"edu{n}", dma_mask=(1 << 64) - 1)),
            (f"unplug{n}", lambda qmp, n=n: qmp.do("device_del", id=f"edu{n}"))]
    steps += ["stop event", "unload iommu_resv", "left"]
    lines, faults = Script(steps).run(name, kernel, HOTPLUG[kernel.arch], actions)
    faults += [f"left {path}" for path in judge.said(lines, "left")]
    faults += [f"bind: {line}" for line in judge.said(lines, "bind") if not line.endswith("ok")]
    late = 0
    for line in judge.said(lines, "wait"):
        path, status, ms = line.split()
        if status != "ok":
            faults.append(f"waited in vain for {path}")
        if path.endswith("regions"):
            late = max(late, int(ms))
    if late > 2000:
        faults.append(f"the files came after {late} ms")
    dumps = judge.dumps(lines)
    times = {}      # the second device may get the first one's group number
    for n, bdf in PLUGGED.items():
        found = [g for g in dumps[f"plugged{n}"].values() if bdf in g.names()]
        if len(found) != 1:
            faults.append(f"{bdf} is in {len(found)} groups")
            continue
        group = found[0]
        faults += judge.check_group(group)
        if "vfio" in steps:
            times[group.id] = times.get(group.id, 0) + 1
            faults += judge.check_vfio(group, judge.answers(lines, group.id, times[group.id]),
                                       HOTPLUG[kernel.arch], series_of(kernel))
        if f"change@/kernel/iommu_groups/{group.id}" not in judge.said(lines, "event"):
            faults.append(f"no uevent for group {group.id}")
        gone = dumps[f"gone{n}"]
        if group.id in gone and not gone[group.id].devices:
            faults.append(f"group {group.id} is kept alive without a device")
        for left in gone.values():
            if left.id != "-" and (not left.lines("regions") or bdf in left.names()):
                faults.append(f"after unplug, group {left.id}: {left}")
    return f"files after {late} ms", faults
