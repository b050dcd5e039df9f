# SPDX-License-Identifier: GPL-2.0-only
"""The movable MSI window on various machines: with a firmware region over it, with gaps of a host
bridge, with many doorbells, with virtio-iommu, and on x86, which has no window."""
from cases import SHARED, case
from expect.said import complains, groups_of, in_log, keep, logged, same_dump, says, where
from expect.vfio import same_vfio
from expect.window import clear_of, in_window, moved
from lab import kernels
from lab.machines import DEVICES, MACHINE, MANY, ONE, OTHER, OTHER_FUNCTION, with_hole
from lab.topologies import ARM, BY_NAME, EDU, GAPS, GAP_TREE, SMMU, Topology, X86
from talk.declaring import before
from talk.play import interrupts, opened, play, ranges_are, refused_at
from talk.script import Script, run_script
from talk.window import GUEST, LOW, MB, NATIVE, PLACE, file_of, put, served, to, unload
from talk.words import FEATURES, HOOKS, MODULE, UNSAFE, of, span

# A firmware region over the window: 16 MiB from 0x7800000, as on a real machine.
OVER = (0x7800000, 0x87fffff)

OVERLAP = with_hole("msi-overlap", (f"{EDU},addr=3", f"{EDU},addr=4"), 3, 0, OVER)


@case("msi-window-overlap-{key}", ARM)
def overlap(key, name):
    """The module reports a firmware region over the window, and `auto` moves the window away."""
    kernel = kernels.get(key)
    script = Script()
    script.do("start", [f"write {UNSAFE} 1", "bind"])
    script.do("load", [f"load {MODULE}", "dump loaded"], says(rf"load {MODULE} ok .*"),
              keep("loaded"),
              lambda piece, state: overlap_told(piece, where(state["loaded"], ONE).id))
    script.do("said once", ["say again", f"unbind {OTHER}", f"bind {OTHER}", "sleep 300"],
              logged(0))
    script.do("auto", [to(ONE, "auto"), "dump cured"], says(f"write {file_of(ONE)} ok"),
              keep("cured"), in_log("below 4 GiB"),
              lambda _, state: clear_of(where(state["cured"], ONE), OVER))
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", ranges_are("cured", ONE),
                       interrupts(ONE, 100, (0, 0xffffffff)))
    script.do("VFIO", [step], check, lambda piece, state: [
        f"{line}, the window is {where(state['cured'], ONE).lines('msi_window')}"
        for line in piece.said("run") if "msi-address" in line and not in_window(
            int(line.split()[-1], 16), where(state["cured"], ONE))])
    script.do("on top", [to(ONE, "0x8000000"), "dump same"],
              says(f"write {file_of(ONE)} EADDRINUSE"), complains(ONE, base="loaded"),
              in_log(span(*OVER), "dt"), same_dump("same", "cured"))
    put(script, "back on top", ONE, "default")
    unload(script)
    # With the parameter the window moves at load, and the log only says where to.
    script.do("by the parameter", [f"load {MODULE} msi_window=auto", "dump given"], keep("given"),
              lambda piece, state: clear_of(where(state["given"], ONE), OVER) +
              [line for line in piece.log if "interrupts, or DMA" in line])
    unload(script, "unload at the end")
    faults = run_script(name, kernel, OVERLAP, script, memory="1G", limit=120)
    return "", faults


# The second function of a slot has a region of its own.
INSIDE = (0x50010000, 0x5001ffff)
JOINS = with_hole("msi-joins", DEVICES, 7, 1, INSIDE)


# Not on 7.x, where a function that is found again gets a group of its own.
@case("msi-window-joins-{key}", ("5.10-arm64", "6.12-arm64"))
def joins(key, name):
    """When a device with a region at the moved window joins the group, the module says so once."""
    kernel = kernels.get(key)
    device = f"/sys/bus/pci/devices/{OTHER_FUNCTION}"
    script = Script()
    script.do("start", [f"write {UNSAFE} 1", "bind", f"write {device}/remove 1",
                        f"wait-gone {device}", f"load {MODULE}"],
              says(rf"load {MODULE} ok .*"))
    put(script, "move", MANY, f"0x{PLACE[0]:x}", in_log(span(*PLACE)))
    script.do("join", ["write /sys/bus/pci/rescan 1", f"wait {device}", f"bind {OTHER_FUNCTION}",
                       "sleep 500", "dump joined"],
              says(f"bind {OTHER_FUNCTION} ok"), keep("joined"),
              lambda piece, state: [] if OTHER_FUNCTION in where(state["joined"], MANY).names()
              else ["it did not join"],
              lambda piece, _: [f"the log does not tell '{word}': {piece.log}" for word in
                                (span(*INSIDE), OTHER_FUNCTION, "does not suit")
                                if sum(word in line for line in piece.log) == 0])
    script.do("said once", [f"unbind {ONE}", f"bind {ONE}", "sleep 400"], logged(0))
    script.do("auto", [to(MANY, "auto"), "dump cured"], says(f"write {file_of(MANY)} ok"),
              keep("cured"), in_log("the kernel's place"),
              lambda _, state: clear_of(where(state["cured"], MANY), INSIDE))
    step, check = play(*opened(MANY), ranges_are("cured", MANY), interrupts(MANY, 3, NATIVE),
                       interrupts(OTHER_FUNCTION, 3, NATIVE))
    script.do("VFIO", [step], check)
    unload(script)
    faults = run_script(name, kernel, JOINS, script, memory="1G", limit=120)
    return "", faults


# Behind a host bridge that does not pass all DMA on
GAPPED = Topology("msi-gaps", "arm64", (), SMMU, DEVICES, dts=GAP_TREE)


@case("msi-window-gaps-{key}", ("5.10-arm64", "6.12-arm64", "7-arm64"))
def gaps(key, name):
    """No window can be moved to where a host bridge passes no DMA on; if the kernel's own window is
    there, the module says so."""
    kernel = kernels.get(key)
    page = kernels.page_size(key)
    (_, first), (second, low), (top, _) = GAPS
    script = Script()
    before(script)
    script.do("load", [f"load {MODULE}", "dump loaded"], says(rf"load {MODULE} ok .*"),
              keep("loaded"), lambda piece, state: [
                  f"{len(told)} of {len(groups)} groups: {piece.log}" for told, groups in
                  [([x for x in piece.log if f"overlaps {span(0, first)} (pci-window" in x],
                    groups_of(state, "loaded"))] if len(told) != len(groups)])
    # Windows that overlap the gaps from all sides, and the kernel's own place.
    for start in (NATIVE[0], page, first + 1 - page, second, second - MB + page, low + 1 - page,
                  top - MB + page, top):
        script.do(f"0x{start:x}", [to(ONE, f"0x{start:x}"), "dump same"],
                  says(f"write {file_of(ONE)} EADDRINUSE"), complains(ONE, base="loaded"),
                  in_log("pci-window", "bridge", "pci0000:00"), same_dump("same", "loaded"))
    for value, start, by in (
            ("auto", second - MB, "auto"),
            (f"auto,avoid={span(first + 1, second - 1)}", 0xfff00000, "auto"),
            ("auto,avoid=0x0-0xffffffff", top - MB, "auto"),
            (f"0x{first + 1:x}", first + 1, "moved"), (f"0x{low + 1:x}", low + 1, "moved"),
            (f"0x{top - MB:x}", top - MB, "moved")):
        window = (start, start + MB - 1)
        put(script, value, ONE, value, in_log(span(*window)))
        script.do(f"{value}: dump", ["dump moved"], moved("moved", "loaded", {ONE: window}, by))
    step, check = served("moved", window, ONE)
    script.do("VFIO", [step], check)
    put(script, "default", ONE, "default", in_log("the kernel's place"))
    script.do("back", ["dump back"], same_dump("back", "loaded"))
    unload(script)
    script.do("by the parameter", [f"load {MODULE} msi_window=auto", "dump given"], keep("given"),
              lambda _, state: clear_of(where(state["given"], ONE), GAPS[0]),
              lambda piece, _: [line for line in piece.log if "interrupts, or DMA" in line])
    unload(script, "unload at the end")
    script.do("after", ["dump after"], same_dump("after", "before"))
    faults = run_script(name, kernel, GAPPED, script, memory="2G", limit=240)
    return f"{len(script.stretches)} stretches", faults


def overlap_told(piece, group):
    told = [line for line in piece.log if line.startswith(f"iommu_resv: group {group}: ")]
    if len(told) == 1 and "0x8000000-0x80fffff" in told[0] and span(*OVER) in told[0] and \
            ONE in told[0] and "auto" in told[0]:
        return []
    return [f"the overlap is not logged: {piece.log}"]


# Doorbells without a driver, as the module counts those of the device tree. One of them has a
# doorbell for each device, in 64 KiB; one is disabled.
EXTRA = 20
DOORBELLS = Topology("msi-doorbells", "arm64", (), SMMU, (f"{EDU},addr=3",), dts="/ {\n" + "".join(
    f"\tdoorbell@a{n:03x}0000 {{ compatible = \"test,doorbell\"; msi-controller;\n"
    f"\t\treg = <0 0xa{n:03x}0000 0 0x10000>; }};\n" for n in range(EXTRA)) + """
    doorbell@b0000000 { compatible = "test,doorbell"; msi-controller;
        reg = <0 0xb0000000 0 0x10000>; socionext,synquacer-pre-its = <0x58000000 0x10000>; };
    doorbell@b0010000 { compatible = "test,doorbell"; msi-controller; status = "disabled";
        reg = <0 0xb0010000 0 0x10000>; };
};
""")


@case("msi-window-doorbells-{key}",
      ("5.10-arm64", "6.12-arm64-16k", "6.12-arm64-64k", "7-arm64"))
def doorbells(key, name):
    """A window that is too small for the doorbells is refused, and one without a given size is
    large enough. Every accepted place works, including the last that the IOMMU can address."""
    kernel = kernels.get(key)
    page = kernels.page_size(key)
    need = (EXTRA + 1) * page + 0x10000
    room = (EXTRA + 2) * 0x10000
    script = Script()
    before(script)
    script.do("load", [f"load {MODULE}", f"cat {FEATURES}", "dump loaded"],
              says(rf"load {MODULE} ok .*",
                   rf"\| msi-doorbells added - {EXTRA + 2} doorbells: .* 0x{need:x} bytes"),
              keep("loaded"))
    script.do("too small", [to(ONE, f"0x{PLACE[0]:x} 0x{need - page:x}"), "dump same"],
              says(f"write {file_of(ONE)} EINVAL"), complains(ONE, base="loaded"),
              in_log(f"{EXTRA + 2} doorbells", f"0x{need:x}"), same_dump("same", "loaded"))
    top = (1 << 48) - room
    for value, window, by in (
            (f"0x{PLACE[0]:x} 0x{need:x}", (PLACE[0], PLACE[0] + need - 1), "moved"),
            (f"0x{PLACE[0]:x}", (PLACE[0], PLACE[0] + room - 1), "moved"),
            (f"auto,avoid={span(*LOW)}", (0x100000000 - -(-room // MB) * MB,
                                          0x100000000 - -(-room // MB) * MB + room - 1), "auto"),
            ("auto,avoid=0x0-0xffffffff,avoid=0x10000000000-0xffffffffffff",
             (0x8000000000 - -(-room // MB) * MB,
              0x8000000000 - -(-room // MB) * MB + room - 1), "auto"),
            (f"0x{top:x}", (top, (1 << 48) - 1), "moved"),
            (f"0x{page:x}", (page, page + room - 1), "moved")):
        put(script, value, ONE, value)
        script.do(f"{value}: dump", ["dump moved"],
                  moved("moved", "loaded", {ONE: window}, by))
        step, check = play(*opened(ONE), ranges_are("moved", ONE),
                           *([GUEST] if window[0] > LOW[1] else []),
                           interrupts(ONE, 50, window))
        script.do(f"{value}: VFIO", [step], check)
    unload(script)
    script.do("after", ["dump after"], same_dump("after", "before"))
    faults = run_script(name, kernel, DOORBELLS, script, memory="2G", limit=240)
    return f"{EXTRA + 2} doorbells take 0x{need:x}, room is 0x{room:x}", faults


VIRTIO_MSI = Topology("msi-virtio", "arm64", (), "virt,gic-version=3",
                      ("virtio-iommu-pci,addr=2", f"{EDU},addr=3"), modules=("virtio_iommu",))


@case("msi-window-virtio-{key}", ("6.12-arm64", "7-arm64"))
def virtio(key, name):
    """virtio-iommu: if the host gives a region for messages there is no window; else the window can
    be moved."""
    kernel = kernels.get(key)
    script = Script()
    before(script)
    script.do("load", [f"load {MODULE}", f"cat {file_of(ONE)}", "dump loaded",
                       f"cat {of(ONE, 'reserved_regions')}"],
              says(rf"load {MODULE} ok .*", r"\| none",
                   r"\| 0x0000000008090000 0x000000000809ffff msi"), keep("loaded"))
    script.do("hardware", [to(ONE, f"0x{PLACE[0]:x}"), "dump same"],
              says(f"write {file_of(ONE)} EOPNOTSUPP"), complains(ONE, base="loaded"),
              in_log("hardware"), same_dump("same", "loaded"))
    unload(script)
    faults = run_script(name, kernel, VIRTIO_MSI, script, limit=120)

    script = Script()
    before(script)
    script.do("load", [f"load {MODULE}", f"cat {HOOKS}", f"cat {FEATURES}", "dump loaded"],
              says(rf"load {MODULE} ok .*", r"\| viommu_get_resv_regions kprobe off \d+ 0 no.*",
                   r"\| msi-window-move added kprobe \S.*"), keep("loaded"))
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("moved", ["dump moved"], moved("moved", "loaded", {ONE: PLACE}))
    # A move into a region that the host reserves is refused.
    script.do("onto the host's", [to(ONE, "0x40000000"), to(ONE, "0x1ff00000")],
              lambda piece, _: [x for x in piece.said("write") if not x.endswith("EADDRINUSE")])
    step, check = play(*opened(ONE), ranges_are("moved", ONE), *refused_at(PLACE),
                       f"try:{span(NATIVE[0], NATIVE[0] + 0xffff)}")
    script.do("moved, VFIO", [step], check)
    put(script, "default", ONE, "default")
    script.do("back", ["dump back"], same_dump("back", "loaded"))
    unload(script, "unload at the end")
    faults += run_script(f"{name}-holes", kernel, BY_NAME["virtio-holes"], script, limit=120)
    return "", faults


@case("msi-window-none-{key}", X86, boot=SHARED)
def none(key, name):
    """On x86 the hardware fixes the address of messages: there is no window, and a move is
    refused."""
    kernel = kernels.get(key)
    topology = MACHINE["amd64"]
    script = Script()
    before(script)
    script.do("load", [f"load {MODULE} msi_window=0x{PLACE[0]:x}", f"cat {FEATURES}",
                       "dump loaded"],
              says(rf"load {MODULE} ok .*", r"\| msi-window-move inert - \S.*"), keep("loaded"),
              lambda _, state: [f"group {n}: {g.lines('msi_window')}" for n, g in
                                groups_of(state, "loaded").items()
                                if g.lines("msi_window") != ["none"]])
    for value in ("0x50000000", "0x50000000 0x100000", "auto", "default"):
        script.do(value, [to(ONE, value), "dump same"], says(f"write {file_of(ONE)} EOPNOTSUPP"),
                  complains(ONE, base="loaded"), same_dump("same", "loaded"))
    script.do("junk", [to(ONE, "junk"), "dump same"], says(f"write {file_of(ONE)} EINVAL"),
              complains(ONE, base="loaded"), same_dump("same", "loaded"))
    unload(script)
    script.do("after", ["dump after", "vfio"], same_dump("after", "before"),
              same_vfio("after", "before"))
    faults = run_script(name, kernel, topology, script, limit=120)
    return "", faults
