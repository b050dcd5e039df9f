# SPDX-License-Identifier: GPL-2.0-only
"""Regions declared by the parameter at load, for devices that are present or plugged later."""
from cases import case
from expect.declared import TOP, dumped, shows
from expect.said import explained, lost, none_left, others, same_dump, says, without
from expect.vfio import check_of, edus, same_vfio
from lab import kernels
from lab.kernels import backends, series_of
from lab.machines import ONE, PLUGGED
from lab.topologies import DEBUG, EDU, Q35, SLOTS, SMMU, Topology
from talk.declaring import FIXED, before, loading, parameter, unloading
from talk.play import SMALL, play, ranges_are, touching
from talk.script import Script, run_script
from talk.words import HOLE, HOLE_MANY, HOOKS, LATER, MODULE, PATCH, of, text

PLUGGED_HOLE = (0x24000000, 0x2400ffff)
HOTPLUG = {
    "amd64": Topology("declare-hotplug", "amd64", (), Q35,
                      ("intel-iommu,intremap=on", f"{EDU},addr=3", *SLOTS), "intel_iommu=on"),
    "arm64": Topology("declare-hotplug", "arm64", (), SMMU, (f"{EDU},addr=3", *SLOTS)),
}

# One region more than the module has room for.
ABSENT = [("0000:09:00.0", (n << 12, n << 12 | 0xfff)) for n in range(1, 34)]
WRONG = (
    ("declare=junk", "EINVAL"), (f"declare={ONE}", "EINVAL"), (f"declare={ONE}:", "EINVAL"),
    (f"declare={ONE}:0x20000000", "EINVAL"), (f"declare={ONE}:0x20000000-", "EINVAL"),
    (f"declare={ONE}:20000000-2000ffff", "EINVAL"),
    (f"declare={ONE}:0x2000ffff-0x20000000", "EINVAL"),
    (f"declare={ONE}:0x20000000-0x2000ffffx", "EINVAL"),
    (f"declare={ONE}:0x10000000020000000-0x1000000002000ffff", "EINVAL"),
    (f"declare={ONE}:-0x20000000-0x2000ffff", "EINVAL"),
    ("declare=:0x20000000-0x2000ffff", "EINVAL"),
    ("declare=0000:09:00.0:0x2000ffff-0x20000000", "EINVAL"),
    (f"declare={ONE}:0x20000001-0x2000ffff", "EINVAL"),
    (f"declare={ONE}:0x1000000000000-0x100000000ffff", "ERANGE"),
    # Newer kernels change a module's EEXIST, which to user space means "already loaded".
    (parameter((ONE, HOLE), (ONE, HOLE)), "(EEXIST|EBUSY|EINVAL|EADDRINUSE)"),
    (parameter((ONE, HOLE), (ONE, (HOLE[0] - SMALL, HOLE[1]))), "EADDRINUSE"),
    (parameter(*ABSENT), "(E2BIG|EINVAL|ENOSPC)"),
    (f"hooks=none {parameter((ONE, HOLE))}", "EOPNOTSUPP"),
    ("hooks=nonsense", "EINVAL"), ("hooks=", "EINVAL"), ("hooks=kprobe,livepatch", "EINVAL"),
)


@case("declare-load-{key}", ("5.10-amd64", "7-amd64", "7-arm64"), boot="it plugs a device")
@case("debug-declare-load-{arch}", DEBUG, part="debug")
def at_load(key, name):
    """declare=: wrong values are refused, present devices have the region, and devices that are
    plugged later get it."""
    kernel = kernels.get(key)
    topology, series = HOTPLUG[kernel.arch], series_of(kernel)
    script = Script()
    before(script)
    wrong = [*WRONG, (parameter((ONE, FIXED[kernel.arch])), "EADDRINUSE")]
    for n, (words, errno) in enumerate(wrong):
        head = words[:70]
        names = ("auto", "kprobe", "livepatch", "none") if words.startswith("hooks=") and \
            errno == "EINVAL" else ()
        script.do(head, [f"load {MODULE} {words}", "left", f"dump wrong{n}"],
                  says(rf"load {MODULE} {errno} .*"), explained(names), none_left,
                  same_dump(f"wrong{n}", "before"))
    script.do("as many as there may be", [f"load {MODULE} {parameter(*ABSENT[:32])}",
                                          "unload iommu_resv", "left"],
              says(rf"load {MODULE} ok .*", "unload iommu_resv ok"), none_left)

    device = f"/sys/bus/pci/devices/{PLUGGED}"
    given = parameter((ONE, HOLE), (PLUGGED, PLUGGED_HOLE), (ONE, LATER))
    script.do("load", [f"load {MODULE} hooks=kprobe {given}", "dump given"],
              says(rf"load {MODULE} ok .*"),
              dumped("given", "before", {ONE: [HOLE, LATER]}, given=ONE))
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu",
                       ranges_are("given", ONE), *touching(HOLE), *touching(LATER), f"edu:{ONE}")
    script.do("maps", [step], check, edus(1))
    script.do("in use", ["unload iommu_resv"], says("unload iommu_resv (EBUSY|EAGAIN)"))
    plug = ["sleep 100", f"wait {device}", f"bind {PLUGGED}"]
    plugged = says(f"bind {PLUGGED} ok")
    script.do("plug", ["say plug", *plug, "dump plugged"], plugged,
              shows("plugged", PLUGGED, [PLUGGED_HOLE], [PLUGGED]),
              shows("plugged", ONE, [HOLE, LATER], [ONE, ONE]),
              others("plugged", "given", PLUGGED))
    script.do("declare for it", [f"write {of(PLUGGED, 'resv/declare')} add {text(HOLE_MANY)}",
                                 "dump plugged-more"],
              says(f"write {of(PLUGGED, 'resv/declare')} ok"),
              shows("plugged-more", PLUGGED, [PLUGGED_HOLE, HOLE_MANY], [PLUGGED, "-"]),
              others("plugged-more", "given", PLUGGED))
    script.do("gone", [f"write {device}/remove 1", f"wait-gone {device}", "sleep 500",
                       "dump gone"],
              says(rf"wait {device} ok \d+"), lost(PLUGGED, "plugged-more"),
              shows("gone", ONE, [HOLE, LATER], [ONE, ONE]), without(PLUGGED, "gone"),
              others("gone", "given"))
    script.do("back", ["write /sys/bus/pci/rescan 1", *plug, "dump back"], plugged,
              shows("back", PLUGGED, [PLUGGED_HOLE], [PLUGGED], absent=[HOLE_MANY]),
              others("back", "given", PLUGGED))
    for region in (HOLE, LATER):
        script.do("remove what the parameter gave",
                  [f"write {of(ONE, 'resv/declare')} remove {text(region)}"],
                  says(f"write {of(ONE, 'resv/declare')} ok"))
    script.do("in use by what was plugged", ["unload iommu_resv", "dump still"],
              says("unload iommu_resv (EBUSY|EAGAIN)"),
              shows("still", ONE, [], [], absent=[HOLE, LATER]),
              shows("still", PLUGGED, [PLUGGED_HOLE], [PLUGGED]),
              others("still", "given", ONE, PLUGGED))
    script.do("VFIO and what was plugged", [f"run /vfio-check check {PLUGGED}"],
              check_of(PLUGGED, "still", topology, series))
    script.do("unplug", ["say unplug", f"wait-gone {device}", "sleep 500"],
              says(rf"wait {device} ok \d+"))
    # A region that waits for its device does not block the unload.
    unloading(script, "kprobe")
    script.do("as before", ["dump after", "vfio"], same_dump("after", "before"),
              same_vfio("after", "before"))
    if "livepatch" in backends(kernel):
        at_load_livepatch(script)
    actions = [
        ("plug", lambda qmp: qmp.do("device_add", driver="edu", bus="hp1", id="edu1",
                                    dma_mask=TOP)),
        ("unplug", lambda qmp: qmp.do("device_del", id="edu1"))]
    faults = run_script(name, kernel, topology, script, actions, limit=240)
    return f"{len(wrong)} refused", faults


def at_load_livepatch(script):
    """The region waits for the livepatch, and stays when the livepatch is disabled by its file."""
    loading(script, "livepatch", " " + parameter((ONE, HOLE)), [ONE])
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu",
                       ranges_are("patched", ONE), *touching(HOLE), f"edu:{ONE}")
    script.do("livepatch: files", ["dump patched"],
              dumped("patched", "before", {ONE: [HOLE]}, given=ONE))
    script.do("livepatch: maps", [step], check, edus(1))
    script.do("livepatch: turned off by hand",
              [f"write {PATCH}/enabled 0", f"wait-gone {PATCH}", "unload iommu_resv_livepatch",
               f"cat {HOOKS}", "dump unpatched"],
              says(f"write {PATCH}/enabled ok", rf"wait {PATCH} ok \d+",
                   "unload iommu_resv_livepatch ok",
                   r"\| \w+_get_resv_regions kprobe active \d+ 0 .*"),
              same_dump("unpatched", "patched"))
    script.do("livepatch: maps without it", [step], check, edus(1))
    script.do("livepatch: remove", [f"write {of(ONE, 'resv/declare')} remove {text(HOLE)}"],
              says(f"write {of(ONE, 'resv/declare')} ok"))
    unloading(script, "kprobe")
    script.do("livepatch: as before", ["dump livepatch-after"],
              same_dump("livepatch-after", "before"))
