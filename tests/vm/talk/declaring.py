# SPDX-License-Identifier: GPL-2.0-only
"""Steps, with their checks, that load the module, declare and remove regions, and unload."""
from expect.said import keep, says, uevent
from expect.vfio import keep_vfio
from talk.words import FEATURES, HOOKS, LIVEPATCH, MODULE, PATCH, UNSAFE, of, span, text


def cats(device, names=("reserved_regions", "resv/regions", "resv/usable")):
    return [f"cat {of(device, name)}" for name in names]


def loading(script, backend, also="", declared=()):
    """ALSO: other parameters; DECLARED: the devices for which they declare a region."""
    steps = [f"load {MODULE} hooks={backend}{also}"]
    if backend == "livepatch":
        # The kernel may have loaded it by modprobe already.
        steps += [f"load {LIVEPATCH}"]
    # Kprobes are installed only while a region is declared.
    state = "off" if backend == "kprobe" and not also else "active"
    # The livepatch is active from the look at one group on; the others follow.
    steps += [f"wait-text {HOOKS} {backend} {state}",
              *[f"wait-text {of(device, 'resv/regions')} added enforced" for device in declared],
              f"cat {HOOKS}", f"cat {FEATURES}"]
    checks = [says(rf"load {MODULE} ok .*", r"wait-text ok \d+",
                   rf"\| declared-regions added {backend} \S.*")]
    if backend == "livepatch":
        checks.append(says(rf"load {LIVEPATCH} (ok|EEXIST) .*",
                           r"\| iommu_get_group_resv_regions livepatch active \d+ 0 .*"))
    else:
        checks.append(says(rf"\| \w+_get_resv_regions kprobe {state} \d+ 0 .*"))
    script.do(f"{backend}: load", steps, *checks)


def unloading(script, backend):
    steps, want = [], []
    if backend == "livepatch":
        steps = [f"write {PATCH}/enabled 0", f"wait-gone {PATCH}",
                 "unload iommu_resv_livepatch"]
        want = [f"write {PATCH}/enabled ok", rf"wait {PATCH} ok \d+",
                "unload iommu_resv_livepatch ok"]
    script.do(f"{backend}: unload", [*steps, "unload iommu_resv", "left"],
              says(*want, "unload iommu_resv ok"),
              lambda piece, _: [f"left {path}" for path in piece.said("left")])


def declaring(script, what, device, verb, regions, base="before"):
    """Write VERB and each of REGIONS to DEVICE's `declare`: each write is accepted, and the group
    sends a uevent."""
    path = of(device, "resv/declare")
    script.do(what, ["spawn event uevents", "sleep 200",
                     *[f"write {path} {verb} {text(r)}" for r in regions],
                     "sleep 100", "stop event"],
              lambda piece, _: [f"{verb} {text(regions[i])}: {line}"
                                for i, line in enumerate(piece.said("write"))
                                if line != f"{path} ok"] +
              ([] if len(piece.said("write")) == len(regions) else ["a write is missing"]),
              uevent(device, base))


def before(script):
    """Keep a dump and VFIO's answers from before the module is loaded, with
    allow_unsafe_interrupts set."""
    script.do("before", [f"write {UNSAFE} 1", "bind", "dump before", "vfio"],
              lambda piece, _: [f"bind {x}" for x in piece.said("bind") if not x.endswith(" ok")],
              keep("before"), keep_vfio("before"))


def parameter(*regions):
    return "declare=" + ",".join(f"{device}:{span(*region)}" for device, region in regions)


# A region that hardware or the kernel takes itself, by architecture
FIXED = {"amd64": (0xfee00000, 0xfee0ffff), "arm64": (0x8000000, 0x800ffff)}
