# SPDX-License-Identifier: GPL-2.0-only
"""The lists that the kernel makes of declared regions and its own regions, with both backends."""
from cases import SHARED, case
from expect import judge
from expect.declared import TOP, dumped, same_lists, shows
from expect.said import keep, same_dump, says
from expect.vfio import check_of, good_vfio, same_vfio
from lab import kernels
from lab.kernels import backends, series_of
from lab.machines import BEHIND, MANY, ONE, OTHER, VIRTIO
from lab.topologies import BY_NAME
from talk.declaring import before, declaring, loading, parameter, unloading
from talk.play import play, ranges_are, touching
from talk.script import Script, run_script
from talk.words import HOLE, HOOKS, LATER, MODULE, UNSAFE, of, text

# Regions that test the kernel's merging: {device: regions in the order in which to declare them}.
# Devices that a machine lacks are skipped there.
INTEL_LISTS = {
    # Adjacent ones, the last one between the first two; on both sides of the MSI region; at both
    # ends of what the IOMMU can address.
    ONE: [(0x40020000, 0x4002ffff), (0x40000000, 0x4000ffff), (0x40010000, 0x4001ffff),
          (0xfedf0000, 0xfedfffff), (0xfef00000, 0xfef0ffff), (0, 0xffff),
          (0x7fffff0000, 0x7fffffffff), (0x48000000, 0x48000fff)],
    # Groups of several devices
    MANY: [(0x50000000, 0x500fffff), (0x50200000, 0x502fffff)],
    # One over the bridge's window, which is only advice
    "0000:02:01.0": [(0x60000000, 0x6000ffff), (0xfdc00000, 0xfdc0ffff)],
    # Over direct-relaxable: from the same start, inside, and across its end
    "0000:00:1f.0": [(0, 0xffff), (0x100000, 0x10ffff), (0xff0000, 0x100ffff)],
}
AMD_LISTS = {
    # Merged with the kernel's own reserved region, from below and from above
    ONE: [(0xfcffff0000, 0xfcffffffff), (0x10000000000, 0x1000000ffff), (0x40000000, 0x4000ffff)],
    MANY: [(0xfedf0000, 0xfedfffff), (0xfcfffe0000, 0xfcfffeffff), (0x10000010000, 0x1000001ffff)],
}
DT_LISTS = {
    # Beside a direct region of the device tree, and in a group that VFIO refuses
    ONE: [(0x50010000, 0x5001ffff), (0x4fff0000, 0x4fffffff)],
    # Merged with a reserved region of the device tree; on both sides of the MSI window; the last
    # page
    OTHER: [(0x60010000, 0x6001ffff), (0x5fff0000, 0x5fffffff), (0x7ff0000, 0x7ffffff),
            (0x8100000, 0x810ffff), (0xffffffff0000, 0xffffffffffff)],
}
LISTS = {"intel": INTEL_LISTS, "amd": AMD_LISTS, "dt-holes": DT_LISTS}
# Start of one of these regions in the list of ONE
SEEN = {"intel": 0x40000000, "amd": 0x40000000, "dt-holes": 0x50010000}
# The end of the address space, which the IOMMU of this machine can address.
AMD_TOP = (TOP - 0xffff, TOP)


@case("declare-lists-intel-{key}", ("5.10-amd64", "6.1-amd64-rt", "6.12-amd64", "6.12-amd64-rt",
                                    "6.12-amd64-cloud", "7-amd64", "7-amd64-cloud"),
      topology_name="intel", boot=SHARED)
@case("declare-lists-amd-{key}", ("5.10-amd64", "5.10-amd64-rt", "6.1-amd64", "6.12-amd64",
                                  "7-amd64", "7-amd64-rt"), topology_name="amd", boot=SHARED)
@case("declare-lists-dt-{key}", ("7-arm64",), topology_name="dt-holes", boot=SHARED)
def same(topology_name, key, name):
    """Both backends give the same lists, by the kernel's rule."""
    kernel = kernels.get(key)
    topology, series = BY_NAME[topology_name], series_of(kernel)
    lists = dict(LISTS[topology_name])
    if topology_name == "amd" and series != "7":
        lists[ONE] = lists[ONE] + [AMD_TOP]
    script = Script()
    before(script)
    for backend in backends(kernel):
        loading(script, backend)
        script.do(f"{backend}: nothing declared", [f"dump {backend}-loaded"],
                  dumped(f"{backend}-loaded", "before", {}))
        for device, regions in lists.items():
            declaring(script, f"{backend}: declare for {device}", device, "add", regions)
        script.do(f"{backend}: lists", [f"dump {backend}", "vfio"],
                  dumped(backend, f"{backend}-loaded", lists), good_vfio(backend, topology, series))
        # Lists read in rapid succession all have the regions.
        watch = f"watch {of(ONE, 'reserved_regions')} 0x{SEEN[topology_name]:016x}"
        script.do(f"{backend}: lists one after the other",
                  [*[f"spawn {who} {watch}" for who in WATCHERS], "sleep 2000",
                   *[f"stop {who}" for who in WATCHERS], f"cat {HOOKS}"],
                  watched, says(rf"\| \w+ {backend} active \d+ 0 .*"))
        if backend == "livepatch":
            script.do("both backends", [], same_lists("kprobe", "livepatch"), same_answers)
        # Remove them in another order than that in which they were declared.
        for device, regions in lists.items():
            declaring(script, f"{backend}: remove for {device}", device, "remove",
                      sorted(regions))
        script.do(f"{backend}: removed", [f"dump {backend}-removed"],
                  same_dump(f"{backend}-removed", f"{backend}-loaded"))
        unloading(script, backend)
        script.do(f"{backend}: as before", [f"dump {backend}-after", "vfio"],
                  same_dump(f"{backend}-after", "before"), same_vfio(f"{backend}-after", "before"))
    # KASLR as report-* has it, so that they can share a boot
    faults = run_script(name, kernel, topology, script, limit=300, kaslr=True)
    return f"{sum(len(r) for r in lists.values())} regions", faults


WATCHERS = ("w1", "w2", "w3")


def watched(piece, _):
    faults = []
    for who in WATCHERS:
        told = piece.said(who)
        count = dict(word.split("=") for word in told[0].split()) if len(told) == 2 else {}
        if told[-1:] != ["exit 0"] or int(count.get("reads", 0)) < 20 or \
                (count["without"], count["errors"]) != ("0", "0"):
            faults.append(f"{who}: {told}")
    return faults


def same_answers(_, state):
    one, other = state["vfio", "kprobe"], state["vfio", "livepatch"]
    return [fault for n in sorted({*one, *other})
            for fault in judge.differ(f"group {n}: VFIO with kprobe, and with livepatch",
                                      one.get(n, []), other.get(n, []))]


@case("declare-virtio-{key}", ("6.12-amd64", "7-amd64"))
def virtio(key, name):
    """Regions can be declared where the IOMMU's driver is a module that is loaded after this
    one."""
    kernel = kernels.get(key)
    series = series_of(kernel)
    script = Script()
    script.do("load", [f"write {UNSAFE} 1",
                       f"load {MODULE} hooks=kprobe {parameter((BEHIND, HOLE))}", f"cat {HOOKS}"],
              says(rf"load {MODULE} ok .*"),
              lambda piece, _: [line for line in piece.lines if "viommu" in line and
                                " active " in line])
    script.do("the IOMMU comes", ["load /lib/virtio_iommu.ko", f"bind {BEHIND}", "dump come",
                                  f"cat {HOOKS}"],
              says(r"load /lib/virtio_iommu.ko ok .*", f"bind {BEHIND} ok",
                   r"\| viommu_get_resv_regions kprobe active \d+ 0 .*"),
              shows("come", BEHIND, [HOLE], [BEHIND]))
    script.do("VFIO", [f"run /vfio-check check {BEHIND}"],
              check_of(BEHIND, "come", VIRTIO, series))
    declare = of(BEHIND, "resv/declare")
    script.do("one more", [f"write {declare} add {text(LATER)}", "dump more"],
              says(f"write {declare} ok"), shows("more", BEHIND, [HOLE, LATER], [BEHIND, "-"]))
    step, check = play("container", f"open:{BEHIND}", f"set:{BEHIND}", "iommu",
                       ranges_are("more", BEHIND), *touching(HOLE), *touching(LATER))
    script.do("maps", [step], check)
    script.do("remove", [f"write {declare} remove {text(HOLE)}",
                         f"write {declare} remove {text(LATER)}", "dump removed"],
              shows("removed", BEHIND, [], [], absent=[HOLE, LATER]))
    unloading(script, "kprobe")
    script.do("after", ["dump before"], keep("before"))
    for backend in ("kprobe", "livepatch"):
        loading(script, backend)
        script.do(f"{backend}: nothing declared", [f"dump {backend}-loaded"],
                  dumped(f"{backend}-loaded", "before", {}))
        declaring(script, f"{backend}: declare", BEHIND, "add", [HOLE, LATER])
        script.do(f"{backend}: files", [f"dump {backend}"],
                  dumped(backend, f"{backend}-loaded", {BEHIND: [HOLE, LATER]}))
        script.do(f"{backend}: VFIO", [f"run /vfio-check check {BEHIND}"],
                  check_of(BEHIND, backend, VIRTIO, series))
        declaring(script, f"{backend}: remove", BEHIND, "remove", [HOLE, LATER])
        unloading(script, backend)
        script.do(f"{backend}: as before", [f"dump {backend}-after"],
                  same_dump(f"{backend}-after", "before"))
    script.do("both backends", [], same_lists("kprobe", "livepatch"))
    faults = run_script(name, kernel, VIRTIO, script, limit=240, later=("virtio_iommu",))
    return f"{len(script.stretches)} stretches", faults
