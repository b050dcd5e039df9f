# SPDX-License-Identifier: GPL-2.0-only
"""The movable MSI window of Arm: a move changes the kernel's list, VFIO's ranges and the address of
the device's interrupts; a refused move changes nothing.

The device's own register shows whether its interrupts go through the window: it has an IOVA inside
the window."""
from cases import SHARED, case
from expect import judge
from expect.said import complains, fails, in_log, keep, none_left, same_but_none, same_dump, says
from expect.vfio import same_vfio
from expect.window import moved, window_text
from lab import kernels
from lab.machines import CONTROLLERS, MANY, ONE, OTHER, OTHER_FUNCTION, PLUGGED, machine
from lab.topologies import ARM, EDU, SLOTS
from talk.declaring import before
from talk.play import holds, interrupts, mark, opened, play, raises, ranges_are, refused_at
from talk.script import Script, run_script
from talk.window import (COUNT, FEW, GUEST, NATIVE, PLACE, THERE, active, file_of, load, put,
                         rested, served, stock, to, unload)
from talk.words import MODULE, UNSAFE, span


@case("msi-window-{controller}-{firmware}-{key}", ARM, controller=tuple(CONTROLLERS),
      firmware=("dt", "acpi"), backend="kprobe", boot=SHARED)
@case("msi-window-{controller}-{firmware}-{key}", ("6.12-arm64-16k", "6.12-arm64-64k"),
      controller="its", firmware="dt", backend="kprobe", boot=SHARED)
@case("msi-window-list-{key}", ("5.10-arm64", "7-arm64"), controller="its", firmware="dt",
      backend="kretprobe", boot=SHARED)
@case("debug-msi-window-arm64", ("debug-arm64",), controller="its", firmware="dt", backend="kprobe",
      part="debug")
def main(controller, firmware, key, backend, name):
    """The window can be moved, used, and moved back, by the file and by unloading."""
    test = backend != "kprobe"
    kernel = kernels.get(key, test=test)
    topology = machine(controller, firmware)
    words = "test_group=1" if test else ""
    script = Script()
    before(script)
    step, check = stock(ONE)
    script.do("without the module", [step], check)
    load(script, words=words, backend=backend)
    script.do("loaded", ["dump loaded"], moved("loaded", "loaded", {ONE: NATIVE}, "kernel"))
    script.do("loaded, VFIO", [step], check)
    put(script, "move", ONE, f"0x{PLACE[0]:x}", in_log(f"0x{PLACE[0]:x}-0x{PLACE[1]:x}"))
    script.do("moved", ["dump moved"], moved("moved", "loaded", {ONE: PLACE}))
    count = COUNT if (controller, firmware) == ("its", "dt") and not test else FEW
    good_step, good = served("moved", PLACE, ONE, count=count)
    script.do("moved, VFIO", [good_step], good)
    script.do("moved still", ["dump still"], same_dump("still", "moved"))
    active(script, backend)
    put(script, "default", ONE, "default", in_log("the kernel's place"))
    rested(script)
    script.do("back", ["dump back"], same_dump("back", "loaded"))
    script.do("back, VFIO", [step], check)
    put(script, "move for unload", ONE, f"0x{PLACE[0]:x}")
    good_step, good = served("moved", PLACE, ONE)
    script.do("moved again, VFIO", [good_step], good)
    active(script, backend)
    unload(script)
    script.do("after", ["dump after", "vfio"], same_dump("after", "before"),
              same_vfio("after", "before"))
    script.do("after, VFIO", [step], check)
    # With the hooks off the same check must fail.
    script.do("load without hooks", [f"load {MODULE} hooks=none"], says(rf"load {MODULE} ok .*"))
    script.do("no hook, no move", [to(ONE, f"0x{PLACE[0]:x}"), "dump none"],
              says(f"write {file_of(ONE)} EOPNOTSUPP"), complains(ONE),
              same_but_none("none", "before"))
    script.do("no hook, VFIO", [good_step],
              fails(good, f"{GUEST} EINVAL", "not into " + span(*PLACE), "ranges"))
    unload(script, "unload without hooks")
    faults = run_script(name, kernel, topology, script, memory="2G", limit=240)
    return f"{count} interrupts, {backend}", faults


@case("msi-window-shared-{key}", ARM, controller="its", firmware="dt", boot=SHARED)
# The other controller, and the other firmware.
@case("msi-window-shared-{controller}-{firmware}-{key}", ("5.10-arm64", "7-arm64"),
      controller="v2m", firmware="acpi", boot=SHARED)
def shared(controller, firmware, key, name):
    """Moved windows work for two devices in a container and for a group of two functions; groups
    with different windows cannot share a container."""
    kernel = kernels.get(key)
    topology = machine(controller, firmware)
    script = Script()
    before(script)
    load(script)
    script.do("loaded", ["dump loaded"], keep("loaded"))
    put(script, "move one", ONE, f"0x{PLACE[0]:x}")
    # In either order the second device is refused, and the first one goes on working.
    for first, second in ((ONE, OTHER), (OTHER, ONE)):
        window = PLACE if first == ONE else NATIVE
        step, check = play(
            "container", f"open:{first}", f"set:{first}", "iommu", f"open:{second}",
            mark("join"), (f"set:{second}", "EINVAL"), mark("end"),
            *refused_at(window), interrupts(first, 3, window))
        script.do(f"{second} joins {first}", [step], check, complains(second, 1, "join", "loaded"))
    step, check = play(*opened(ONE), GUEST, interrupts(ONE, 3, PLACE))
    script.do("alone", [step], check)
    put(script, "move the other elsewhere", OTHER, f"0x{THERE[0]:x}")
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", f"open:{OTHER}",
                       (f"set:{OTHER}", "EINVAL"))
    script.do("both moved, apart", [step], check)
    put(script, "move the other to the same", OTHER, f"0x{PLACE[0]:x}")
    put(script, "move the group of two", MANY, f"0x{PLACE[0]:x}")
    script.do("all moved", ["dump moved"],
              moved("moved", "loaded", {ONE: PLACE, OTHER: PLACE, MANY: PLACE}))
    step, check = served("moved", PLACE, ONE, OTHER)
    script.do("two devices", [step], check)
    # The device whose window the container uses leaves; the other one goes on with that window.
    step, check = play(*opened(ONE, OTHER), GUEST, interrupts(OTHER, 3, PLACE),
                       f"unset:{ONE}", f"close:{ONE}", ranges_are("moved", OTHER),
                       *refused_at(PLACE), interrupts(OTHER, 100, PLACE))
    script.do("one leaves", [step], check)
    step, check = play(
        *opened(MANY), GUEST, f"dma:{MANY}:{span(*NATIVE)}",
        f"dma:{OTHER_FUNCTION}:{span(*NATIVE)}", *refused_at(PLACE), holds(MANY, PLACE),
        interrupts(OTHER_FUNCTION, COUNT, PLACE), raises(MANY, FEW))
    script.do("a group of two functions", [step], check)
    # Hold all devices at the same time; each raises interrupts in turn.
    step, check = play(
        *opened(ONE, OTHER, MANY), GUEST, holds(ONE, PLACE), holds(MANY, PLACE),
        holds(OTHER, PLACE), raises(ONE, FEW), raises(OTHER, FEW), raises(MANY, FEW),
        f"release:{ONE}", f"unset:{ONE}", f"close:{ONE}", *refused_at(PLACE), raises(OTHER, 100),
        raises(MANY, 100))
    script.do("three groups in a container", [step], check)
    active(script)
    for device in (ONE, OTHER, MANY):
        put(script, f"default for {device}", device, "default")
    rested(script)
    script.do("back", ["dump back"], same_dump("back", "loaded"))
    unload(script)
    script.do("after", ["dump after", "vfio"], same_dump("after", "before"),
              same_vfio("after", "before"))
    faults = run_script(name, kernel, topology, script, memory="2G", limit=240)
    return f"{len(script.stretches)} stretches", faults


@case("msi-window-hotplug-{key}", ARM, controller="its", firmware="dt",
      boot="it plugs a device")
@case("msi-window-hotplug-{controller}-{key}", ("7-arm64",), controller="v2m", firmware="dt",
      boot="it plugs a device")
def hotplug(controller, firmware, key, name):
    """A device with a moved window can be removed and found again, with and without the
    parameter."""
    kernel = kernels.get(key)
    topology = machine(controller, firmware, (f"{EDU},addr=3", *SLOTS))
    device = f"/sys/bus/pci/devices/{PLUGGED}"
    script = Script()
    script.do("start", [f"write {UNSAFE} 1", "bind"])
    load(script)
    arrive = ["sleep 100", f"wait {device}", f"bind {PLUGGED}"]
    there = says(f"bind {PLUGGED} ok")
    gone = [f"write {device}/remove 1", f"wait-gone {device}", "sleep 300"]
    back = ["write /sys/bus/pci/rescan 1", *arrive]
    script.do("plug", ["say plug", *arrive, "dump plugged"], there, keep("plugged"))
    put(script, "move", PLUGGED, f"0x{PLACE[0]:x}")
    script.do("moved", ["dump moved"], moved("moved", "plugged", {PLUGGED: PLACE}))
    step, check = served("moved", PLACE, PLUGGED)
    script.do("moved, VFIO", [step], check)
    script.do("gone", gone, says(rf"wait {device} ok \d+"))
    # The window belongs to the group. Before 7.x the slot's port shares the device's group, so the
    # group lives on without the device.
    alone = key.startswith("7-")
    window = window_text(NATIVE, "kernel") if alone else window_text(PLACE)
    script.do("back", [*back, f"cat {file_of(PLUGGED)}", "dump again"], there,
              says(r"\| " + window), keep("again"))
    again_step, again_check = stock(PLUGGED) if alone else (step, check)
    script.do("back, VFIO", [again_step], again_check)
    put(script, "move again", PLUGGED, f"0x{PLACE[0]:x}")
    script.do("moved again", ["dump moved"], moved("moved", "plugged", {PLUGGED: PLACE}))
    script.do("moved again, VFIO", [step], check)
    unload(script)
    load(script, "load with the parameter", f"msi_window=0x{PLACE[0]:x}")
    for n in range(2):
        script.do(f"by the parameter, {n}", [f"cat {file_of(PLUGGED)}", "dump moved"],
                  says(r"\| " + window_text(PLACE)), keep("moved"))
        script.do(f"by the parameter, {n}, VFIO", [step], check)
        script.do(f"gone, {n}", gone, says(rf"wait {device} ok \d+"))
        script.do(f"back, {n}", back, there)
    script.do("last", [f"cat {file_of(PLUGGED)}"], says(r"\| " + window_text(PLACE)))
    if alone:       # else the kernel misses the slot's attention button after VFIO's reset of it
        script.do("unplug", ["say unplug", f"wait-gone {device}", "sleep 300"],
                  says(rf"wait {device} ok \d+"))
    active(script)
    unload(script, "unload at the end")
    actions = [
        ("plug", lambda qmp: qmp.do("device_add", driver="edu", bus="hp1", id="edu1",
                                    dma_mask=judge.TOP)),
        ("unplug", lambda qmp: qmp.do("device_del", id="edu1"))]
    faults = run_script(name, kernel, topology, script, actions, memory="2G", limit=240)
    return f"{len(script.stretches)} stretches", faults


@case("msi-window-killed-{key}", ARM, controller="its", firmware="dt", boot=SHARED)
# The other controller, and the other firmware.
@case("msi-window-killed-{controller}-{firmware}-{key}", ("5.10-arm64", "7-arm64"),
      controller="v2m", firmware="acpi", boot=SHARED)
def killed(controller, firmware, key, name):
    """A process that uses the window holds it and the module until the process is killed."""
    kernel = kernels.get(key)
    topology = machine(controller, firmware)
    script = Script()
    before(script)
    load(script)
    script.do("loaded", ["dump loaded"], keep("loaded"))
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("moved", ["dump moved"], moved("moved", "loaded", {ONE: PLACE}))
    step, check = served("moved", PLACE, ONE)
    words = " ".join([*opened(ONE), GUEST, f"irqs:{ONE}:1000000"])
    for n in range(2):
        script.do(f"killed among interrupts, {n}",
                  [f"spawn user /vfio-check play {words}",
                   "wait-text /tmp/user msi-address", "sleep 300", to(ONE, "default"),
                   "unload iommu_resv", f"dump used{n}", "kill user"],
                  says(f"write {file_of(ONE)} EBUSY", "unload iommu_resv (EBUSY|EAGAIN)",
                       f"user 4 {GUEST} ok",
                       rf"user 5 msi-address {ONE} 0x{PLACE[0] >> 20:011x}[0-9a-f]{{5}}",
                       "user exit 137"),
                  complains(ONE, 1, base="loaded"), same_dump(f"used{n}", "moved"))
        script.do(f"after the kill, {n}", ["dump still"], same_dump("still", "moved"))
        script.do(f"after the kill, {n}, VFIO", [step], check)
    # The device is held without raising interrupts; after the kill the module unloads at once.
    words = " ".join([*opened(ONE), GUEST, f"hold:{ONE}", "pause"])
    script.do("killed while it holds", [f"spawn user /vfio-check play {words}",
                                        "wait-text /tmp/user hold:", "unload iommu_resv",
                                        "kill user", "unload iommu_resv", "left",
                                        "dump after", "vfio"],
              lambda piece, _: [] if [line[-2:] == "ok" for line in
                                      piece.said("unload iommu_resv".split()[0])] == [False, True]
              else [f"unload: {piece.said('unload')}"],
              none_left, same_dump("after", "before"), same_vfio("after", "before"))
    faults = run_script(name, kernel, topology, script, memory="2G", limit=240)
    return f"{len(script.stretches)} stretches", faults
