# SPDX-License-Identifier: GPL-2.0-only
"""Declared regions act like the kernel's own in every respect."""
from cases import SHARED, case
from expect.declared import dumped, same_lists
from expect.said import complains, same_dump, says
from expect.vfio import check_of, edus, same_vfio
from lab import kernels
from lab.kernels import backends, series_of
from lab.machines import MACHINE, MANY, ONE, OTHER
from lab.topologies import ARM, DEBUG, X86
from talk.declaring import before, declaring, loading, unloading
from talk.play import SMALL, mark, pages_beside, play, ranges_are, reads, touching, writes
from talk.script import Script, run_script
from talk.words import HOLE, HOLE_MANY, LATER, span


def enforced(script, backend, topology, series):
    """With one backend: all properties of declared regions; the unload leaves nothing behind."""
    label = f"{backend}-declared"
    loading(script, backend)
    script.do(f"{backend}: nothing declared", [f"dump {backend}-loaded"],
              dumped(f"{backend}-loaded", "before", {}))
    declaring(script, f"{backend}: declare", ONE, "add", [HOLE])
    declaring(script, f"{backend}: declare in a group of two", MANY, "add", [HOLE_MANY])
    declared = {ONE: [HOLE], MANY: [HOLE_MANY]}
    script.do(f"{backend}: files", [f"dump {label}"], dumped(label, f"{backend}-loaded", declared))
    for device in (ONE, OTHER, MANY):
        script.do(f"{backend}: VFIO and {device}", [f"run /vfio-check check {device}"],
                  check_of(device, label, topology, series))
    for device, hole in declared.items():
        step, check = play("container", f"open:{device}", f"set:{device}", "iommu",
                           ranges_are(label, device), *touching(hole[0]),
                           *pages_beside(hole[0]))
        script.do(f"{backend}: maps of {device}", [step], check)

    # Attach a group while its region is already mapped
    start, end = HOLE
    conflicts = []
    for range_ in ((start, start + SMALL - 1), (end - SMALL + 1, end),
                   (start + SMALL, start + 2 * SMALL - 1), (start - SMALL, end + SMALL)):
        conflicts += [f"map:{span(*range_)}", (f"set:{ONE}", "EINVAL"), f"unmap:{span(*range_)}"]
    step, check = play(
        "container", f"open:{OTHER}", f"set:{OTHER}", "iommu", f"open:{ONE}", *conflicts,
        ranges_are(label, OTHER), f"try:{span(start, end)}",
        f"map:{span(start - SMALL, start - 1)}", f"map:{span(end + 1, end + SMALL)}",
        f"set:{ONE}", ranges_are(label, ONE, OTHER),
        (f"try:{span(start, start + SMALL - 1)}", "EINVAL"), f"edu:{ONE}", f"edu:{OTHER}")
    script.do(f"{backend}: attach against maps", [step], check, edus(2))

    # While it is attached nothing changes, and a detach reads the same list again.
    inside = [(f"try:{span(start, start + SMALL - 1)}", "EINVAL"),
              (f"try:{span(end - SMALL + 1, end)}", "EINVAL"), f"try:{span(end + 1, end + SMALL)}"]
    files = [reads(ONE, "resv/regions", label), reads(ONE, "reserved_regions", label),
             reads(OTHER, "resv/regions", label), reads(OTHER, "reserved_regions", label)]
    step, check = play(
        "container", f"open:{ONE}", f"open:{OTHER}", f"set:{ONE}", "iommu", f"set:{OTHER}",
        ranges_are(label, ONE, OTHER),
        mark("add"), writes(ONE, "add", LATER, "EBUSY"),
        mark("remove"), writes(ONE, "remove", HOLE, "EBUSY"),
        mark("other"), writes(OTHER, "add", LATER, "EBUSY"),
        mark("end"), *files, *inside,
        f"unset:{OTHER}", ranges_are(label, ONE), *inside, f"edu:{ONE}",
        # The other device is free now.
        writes(OTHER, "add", LATER), writes(OTHER, "remove", LATER),
        writes(ONE, "remove", HOLE, "EBUSY"), *files, ranges_are(label, ONE), *inside,
        f"set:{OTHER}", *inside, f"unset:{ONE}", f"try:{span(*HOLE)}", ranges_are(label, OTHER),
        writes(ONE, "add", LATER), writes(ONE, "remove", LATER))
    script.do(f"{backend}: attached", [step], check, edus(1),
              *[complains(device, 1, part) for part, device in
                (("add", ONE), ("remove", ONE), ("other", OTHER))])
    script.do(f"{backend}: files after that", [f"dump {backend}-still"],
              same_dump(f"{backend}-still", label))

    script.do(f"{backend}: in use", ["unload iommu_resv", f"dump {backend}-used"],
              says("unload iommu_resv (EBUSY|EAGAIN)"), same_dump(f"{backend}-used", label))
    declaring(script, f"{backend}: remove", ONE, "remove", [HOLE])
    script.do(f"{backend}: in use by the other", ["unload iommu_resv"],
              says("unload iommu_resv (EBUSY|EAGAIN)"))
    declaring(script, f"{backend}: remove in the group of two", MANY, "remove", [HOLE_MANY])
    script.do(f"{backend}: removed", [f"dump {backend}-removed"],
              same_dump(f"{backend}-removed", f"{backend}-loaded"))
    unloading(script, backend)
    script.do(f"{backend}: as before", ["vfio", f"dump {backend}-after"],
              same_dump(f"{backend}-after", "before"),
              same_vfio(f"{backend}-after", "before"))


@case("declare-regions-{key}", X86 + ARM, boot=SHARED)
@case("debug-declare-{arch}", DEBUG, part="debug")
def main(key, name):
    """Declared regions act like the kernel's own in every respect."""
    kernel = kernels.get(key)
    topology, series = MACHINE[kernel.arch], series_of(kernel)
    script = Script()
    before(script)
    for backend in backends(kernel):
        enforced(script, backend, topology, series)
    if len(backends(kernel)) > 1:
        script.do("both backends", [], same_lists("kprobe-declared", "livepatch-declared"))
    faults = run_script(name, kernel, topology, script, limit=240)
    return f"{len(script.stretches)} stretches, {' '.join(backends(kernel))}", faults
