# SPDX-License-Identifier: GPL-2.0-only
"""Regions declared for all devices of a model."""
from cases import case
from expect.declared import OWN, TOP, dumped, listed, shows
from expect.said import complains, explained, logs, none_left, others, same_dump, says, without
from expect.vfio import edus, same_vfio
from lab import kernels
from lab.kernels import backends
from lab.machines import ONE, OTHER, PLUGGED
from lab.topologies import EDU, Q35, SLOTS, SMMU, Topology
from talk.declaring import FIXED, before, declaring, loading, parameter, unloading
from talk.play import SMALL, mark, pages_beside, play, ranges_are, touching, writes
from talk.script import Script, run_script
from talk.words import HOLE, LATER, MODULE, of, span, text

# Two devices of the model, another device, and a third one of the model that is plugged later
EDUS = "1234:11e8"
THIRD = PLUGGED
MODEL = {
    "amd64": Topology("declare-model", "amd64", (), Q35,
                      ("intel-iommu,intremap=on", f"{EDU},addr=3", f"{EDU},addr=4",
                       "pci-testdev,addr=9", *SLOTS), "intel_iommu=on"),
    "arm64": Topology("declare-model", "arm64", (), SMMU,
                      (f"{EDU},addr=3", f"{EDU},addr=4", "pci-testdev,addr=9", *SLOTS)),
}
NO_MODEL = (
    (parameter((EDUS, HOLE), ("1234:11E8", HOLE)), "EADDRINUSE"),
    (parameter((EDUS, (HOLE[0], HOLE[1] - 1))), "EINVAL"),
    (f"declare={EDUS}", "EINVAL"), (f"declare={EDUS}:", "EINVAL"),
    # A present device cannot get the region: it already has it, or no hook would enforce it.
    (parameter((EDUS, HOLE), (ONE, HOLE)), "EADDRINUSE"),
    (parameter((OTHER, (HOLE[0] - SMALL, HOLE[1])), (EDUS, HOLE)), "EADDRINUSE"),
    (f"hooks=none {parameter((EDUS, HOLE))}", "EOPNOTSUPP"),
)


def model_enforced(script, label, *devices):
    """VFIO excludes HOLE for each of DEVICES."""
    for device in devices:
        step, check = play("container", f"open:{device}", f"set:{device}", "iommu",
                           ranges_are(label, device), *touching(HOLE), f"edu:{device}")
        script.do(f"{label}: maps of {device}", [step], check, edus(1))


def model_removed(script, device, base):
    """The file of DEVICE's group removes the region of that device only, and completely."""
    declare = of(device, "resv/declare")
    declaring(script, f"remove for {device}", device, "remove", [HOLE], base)
    step, check = listed(device)
    script.do(f"removed for {device}", [step, "dump removed", f"write {declare} remove "
                                        f"{text(HOLE)}", f"write {declare} add {text(HOLE)}",
                                        "dump by-file", f"write {declare} remove {text(HOLE)}",
                                        "dump removed-again"],
              check, shows("removed", device, [], [], absent=[HOLE]),
              others("removed", base, device),
              shows("by-file", device, [HOLE], ["-"]), others("by-file", base, device),
              same_dump("removed-again", "removed"),
              says(f"write {declare} ENOENT", f"write {declare} ok"))
    step, check = play("container", f"open:{device}", f"set:{device}", "iommu",
                       ranges_are("removed", device), f"try:{span(*HOLE)}", f"edu:{device}")
    script.do(f"removed for {device}: maps", [step], check, edus(1))


@case("declare-model-{key}", ("5.10-amd64", "7-amd64", "7-arm64"), boot="it plugs a device")
def model(key, name):
    """declare=VENDOR:DEVICE: each device of that model has the region, independently."""
    kernel = kernels.get(key)
    topology = MODEL[kernel.arch]
    script = Script()
    before(script)
    wrong = [*NO_MODEL, (parameter((EDUS, FIXED[kernel.arch])), "EADDRINUSE")]
    for n, (words, errno) in enumerate(wrong):
        script.do(words, [f"load {MODULE} {words}", "left", f"dump wrong{n}"],
                  says(rf"load {MODULE} {errno} .*"), explained(most=4), none_left,
                  same_dump(f"wrong{n}", "before"))
    # No device of the second model is present, and none is plugged.
    given = parameter(("1234:11E8", HOLE), ("1af4:ffff", LATER))
    reads_one, reads_two, reads_none = listed(ONE, HOLE), listed(OTHER, HOLE), \
        listed("0000:00:09.0")
    script.do("load", [f"load {MODULE} hooks=kprobe {given}", "dump given", reads_one[0],
                       reads_two[0], reads_none[0]],
              says(rf"load {MODULE} ok .*"), reads_one[1], reads_two[1], reads_none[1],
              dumped("given", "before", {ONE: [HOLE], OTHER: [HOLE]}, given=OWN))
    model_enforced(script, "given", ONE, OTHER)
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", mark("busy"),
                       writes(ONE, "remove", HOLE, "EBUSY"), mark("end"),
                       ranges_are("given", ONE), *pages_beside(HOLE))
    script.do("attached", [step, "dump attached"], check, complains(ONE, 1, "busy"),
              same_dump("attached", "given"))
    script.do("in use", ["unload iommu_resv"], says("unload iommu_resv (EBUSY|EAGAIN)"))

    device = f"/sys/bus/pci/devices/{THIRD}"
    plug = ["sleep 100", f"wait {device}", f"bind {THIRD}"]
    step, check = listed(THIRD, HOLE)
    script.do("plug", ["say plug", *plug, "dump plugged", step], says(f"bind {THIRD} ok"), check,
              shows("plugged", THIRD, [HOLE], [THIRD]), others("plugged", "given", THIRD))
    model_enforced(script, "plugged", THIRD)
    model_removed(script, OTHER, "plugged")
    away = [f"write {device}/remove 1", f"wait-gone {device}", "sleep 500"]
    gone = f"{THIRD} is gone: {span(*HOLE)} waits for {EDUS}"
    script.do("gone", [*away, "dump gone"], says(rf"wait {device} ok \d+"), logs(gone),
              shows("gone", ONE, [HOLE], [ONE]), without(THIRD, "gone"),
              others("gone", "removed", THIRD))
    script.do("back", ["write /sys/bus/pci/rescan 1", *plug, "dump back"],
              says(f"bind {THIRD} ok"), shows("back", THIRD, [HOLE], [THIRD]),
              others("back", "removed", THIRD))
    model_removed(script, THIRD, "back")
    # The region was removed only for the device that went; a new device gets it.
    script.do("back after it was removed",
              [*away, "write /sys/bus/pci/rescan 1", *plug, "dump again"],
              says(f"bind {THIRD} ok"), shows("again", THIRD, [HOLE], [THIRD]),
              others("again", "removed", THIRD))
    script.do("unplug", ["say unplug", f"wait-gone {device}", "sleep 500", "dump unplugged"],
              says(rf"wait {device} ok \d+"), logs(gone), shows("unplugged", ONE, [HOLE], [ONE]),
              without(THIRD, "unplugged"), others("unplugged", "gone"))
    script.do("in use by one", ["unload iommu_resv"], says("unload iommu_resv (EBUSY|EAGAIN)"))
    declaring(script, "remove the last", ONE, "remove", [HOLE])
    unloading(script, "kprobe")
    script.do("as before", ["dump after", "vfio"], same_dump("after", "before"),
              same_vfio("after", "before"))
    if "livepatch" in backends(kernel):
        model_livepatch(script)
    actions = [
        ("plug", lambda qmp: qmp.do("device_add", driver="edu", bus="hp1", id="edu1",
                                    dma_mask=TOP)),
        ("unplug", lambda qmp: qmp.do("device_del", id="edu1"))]
    faults = run_script(name, kernel, topology, script, actions, limit=240)
    return f"{len(wrong)} refused", faults


def model_livepatch(script):
    """The same with the other backend."""
    loading(script, "livepatch", " " + parameter((EDUS, HOLE)), [ONE, OTHER])
    script.do("livepatch: files", ["dump patched"],
              dumped("patched", "before", {ONE: [HOLE], OTHER: [HOLE]}, given=OWN))
    model_enforced(script, "patched", ONE, OTHER)
    for device in (ONE, OTHER):
        declaring(script, f"livepatch: remove for {device}", device, "remove", [HOLE])
    unloading(script, "livepatch")
    script.do("livepatch: as before", ["dump livepatch-after"],
              same_dump("livepatch-after", "before"))
