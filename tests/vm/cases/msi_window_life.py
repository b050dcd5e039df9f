# SPDX-License-Identifier: GPL-2.0-only
"""The movable MSI window while VFIO is loaded and unloaded, while probes are turned off and on, and
with many readers."""
from cases import SHARED, case
from expect import judge
from expect.hooks import HOOK, all_ok, grown, is_clean
from expect.said import complains, fails, keep, same_but_features, same_dump, says
from expect.window import moved, window_text
from lab import initramfs, kernels
from lab.machines import ONE, OTHER, machine
from talk.declaring import before
from talk.play import holds, interrupts, mark, opened, play, refused_at
from talk.script import Script, run_script
from talk.window import GUEST, NATIVE, PLACE, active, file_of, load, put, served, stock, to, unload
from talk.words import FEATURES, HOOKS, MODULE, PROBES, UNSAFE, of, span


@case("msi-window-late-{key}", ("5.10-arm64", "7-arm64"), boot=SHARED)
def late(key, name):
    """A container from before the load keeps its cookie at the kernel's place, also for a group
    that joins later."""
    kernel = kernels.get(key)
    topology = machine("its", "dt")
    script = Script()
    before(script)
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", f"open:{OTHER}",
                       holds(ONE, NATIVE), "await:/tmp/options-go", mark("join"),
                       f"set:{OTHER}", mark("end"),
                       interrupts(OTHER, 100, NATIVE), *refused_at(NATIVE), *refused_at(PLACE),
                       # The group whose attach made the cookie leaves; the doorbell stays mapped.
                       f"release:{ONE}", f"unset:{ONE}", f"close:{ONE}", *refused_at(NATIVE),
                       interrupts(OTHER, 100, NATIVE))
    command = step[len("run "):]
    script.do("joined late", [f"spawn run {command}", "wait-text /tmp/run hold:", f"load {MODULE}",
                              "dump loaded", to(ONE, f"0x{PLACE[0]:x}"),
                              to(OTHER, f"0x{PLACE[0]:x}"), "options go on", "wait-job run",
                              "sleep 500", "dump after-it"],
              says(rf"load {MODULE} ok .*", f"write {file_of(ONE)} EBUSY",
                   f"write {file_of(OTHER)} ok"), keep("loaded"), check,
              complains(OTHER, 1, "join", "loaded"),
              moved("after-it", "loaded", {OTHER: PLACE}))
    step, check = served("after-it", PLACE, OTHER, count=100)
    script.do("alone", [step], check)
    unload(script)
    script.do("after", ["dump after"], same_dump("after", "before"))
    faults = run_script(name, kernel, topology, script, memory="2G", limit=240)
    return f"{len(script.stretches)} stretches", faults


@case("msi-window-vfio-later-{key}", ("5.10-arm64", "7-arm64"), boot="it loads VFIO")
def vfio_later(key, name):
    """If VFIO's module is loaded after windows were moved, groups with different windows still
    cannot share a container."""
    kernel = kernels.get(key)
    later = ("vfio_iommu_type1",)
    files = [f"/lib/{module}" for module, _ in initramfs.pick(kernel, later)]
    script = Script()
    script.do("load", [f"load {MODULE} msi_window=0x{PLACE[0]:x}", f"cat {HOOKS}"],
              says(rf"load {MODULE} ok .*",
                   r"\| vfio_iommu_type1_attach_group kprobe off \d+ 0 the module .* not loaded"))
    script.do("VFIO comes", [*[f"load {file}" for file in files], f"write {UNSAFE} 1", "bind",
                             f"cat {HOOKS}", "dump moved"],
              says(rf"load {files[-1]} ok .*",
                   r"\| vfio_iommu_type1_attach_group kprobe active \d+ 0 -"), keep("moved"))
    step, check = served("moved", PLACE, ONE, OTHER, count=100)
    script.do("together", [step], check)
    put(script, "apart", OTHER, "default")
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", f"open:{OTHER}",
                       (f"set:{OTHER}", "EINVAL"), interrupts(ONE, 3, PLACE))
    script.do("refused", [step], check)
    unload(script)
    faults = run_script(name, kernel, machine("its", "dt"), script, memory="2G", limit=120,
                        later=later)
    return "", faults


READERS = 280       # more than the instances of a kretprobe


@case("msi-window-off-{key}", ("5.10-arm64", "7-arm64"), boot=SHARED)
def off(key, name):
    """While probes are turned off for the whole machine, the files say that the window is not
    moved, and `default` works."""
    kernel = kernels.get(key)
    topology = machine("its", "dt")

    def look(state):
        """Make the module look at all groups, and wait until `features` has STATE."""
        return [f"unbind {OTHER}", f"bind {OTHER}",
                f"wait-text {FEATURES} msi-window-move {state}", "sleep 500"]

    script = Script()
    before(script)
    load(script)
    script.do("loaded", ["mount debugfs /sys/kernel/debug", "dump loaded"], keep("loaded"))
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("moved", ["dump moved"], moved("moved", "loaded", {ONE: PLACE}))
    good_step, good = served("moved", PLACE, ONE, count=3)
    step, check = stock(ONE)
    for n in range(2):
        script.do(f"probes off, {n}", [f"write {PROBES} 0", *look("inert"), f"cat {FEATURES}",
                                       f"dump off{n}",
                                       to(OTHER, f"0x{PLACE[0]:x}")],
                  says(f"write {PROBES} ok", r"\| msi-window-move inert - \S.*",
                       f"write {file_of(OTHER)} EOPNOTSUPP"),
                  same_but_features(f"off{n}", "loaded"))
        script.do(f"probes off, {n}, VFIO", [step], check)
        script.do(f"probes off, {n}, served", [good_step],
                  fails(good, f"{GUEST} EINVAL", "not into " + span(*PLACE), "ranges"))
        if n:
            put(script, "default without probes", ONE, "default")
        script.do(f"probes on, {n}", [f"write {PROBES} 1", *look("added"), f"cat {FEATURES}",
                                      f"dump on{n}"],
                  says(f"write {PROBES} ok", r"\| msi-window-move added kprobe \S.*"),
                  same_but_features(f"on{n}", "loaded" if n else "moved"))
        script.do(f"probes on, {n}, VFIO", [step if n else good_step], check if n else good)
    unload(script)
    # Load with the parameter while probes are off: it is in force when they are turned on.
    script.do("load without probes", [f"write {PROBES} 0",
                                      f"load {MODULE} msi_window=0x{PLACE[0]:x}",
                                      f"cat {file_of(ONE)}"],
              says(rf"load {MODULE} ok .*", r"\| " + window_text(NATIVE, "kernel")))
    # The parameter is applied to the other groups a little later.
    script.do("probes come", [f"write {PROBES} 1", *look("added"),
                              f"wait-text {file_of(ONE)} moved", f"cat {file_of(ONE)}",
                              f"cat {FEATURES}"],
              # A driver's hook that has never worked is retried only when hooks= is written.
              says(r"\| " + window_text(PLACE), r"\| msi-window-move added kretprobe \S.*"))
    script.do("probes come, VFIO", [good_step], good)
    # The group has a user when probes are turned off, and none when they are turned on: nothing
    # stays held.
    words = " ".join([*opened(ONE), f"hold:{ONE}", "pause"])
    script.do("gone meanwhile", [f"spawn user /vfio-check play {words}",
                                 "wait-text /tmp/user hold:", f"write {PROBES} 0", *look("inert"),
                                 "kill user", f"write {PROBES} 1", *look("added"),
                                 to(ONE, "default")],
              says(f"write {file_of(ONE)} ok"))
    unload(script, "unload at the end")
    script.do("after", ["dump after"], same_dump("after", "before"))
    faults = run_script(name, kernel, topology, script, memory="2G", limit=240)
    return "", faults


@case("msi-window-readers-{key}", ("5.10-arm64", "7-arm64"), backend="kprobe", boot=SHARED)
def readers(key, backend, name):
    """With any number of readers of the kernel's list, the window is moved, and a group with
    another window is refused."""
    test = backend != "kprobe"
    kernel = kernels.get(key, test=test)
    topology = machine("its", "dt")
    script = Script()
    before(script)
    load(script, words="test_group=1" if test else "", backend=backend)
    script.do("readers", [f"spawn r watch-many {READERS} {of(OTHER, 'reserved_regions')} msi",
                          "sleep 5000"])
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("moved", [f"cat {file_of(ONE)}", f"cat {of(ONE, 'reserved_regions')}", "dump moved"],
              says(r"\| " + window_text(PLACE), rf"\| 0x{PLACE[0]:016x} 0x{PLACE[1]:016x} msi"),
              keep("moved"))
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", f"open:{OTHER}",
                       (f"set:{OTHER}", "EINVAL"), interrupts(ONE, 3, PLACE))
    script.do("apart", [step], check)
    step, check = play("container", f"open:{OTHER}", f"set:{OTHER}", "iommu", f"open:{ONE}",
                       (f"set:{ONE}", "EINVAL"), interrupts(OTHER, 3, NATIVE))
    script.do("apart, the other way", [step], check)
    active(script, backend)
    put(script, "default", ONE, "default")
    script.do("they end", ["stop r"], says(f"r watchers={READERS} bad=0", "r exit 0"))
    unload(script)
    faults = run_script(name, kernel, topology, script, memory="1G", limit=300)
    return f"{READERS} readers", faults


CYCLES = 12


@case("msi-window-cycles-{key}", ("5.10-arm64", "7-arm64"), slow=3, boot="its allocator checks")
@case("debug-msi-window-cycles-arm64", ("debug-arm64",), part="debug")
def cycles(key, name):
    """When the module is loaded and unloaded and windows are moved again and again, while programs
    read all files and use VFIO, nothing breaks, is left behind or gets lost."""
    kernel = kernels.get(key)
    mounts = ["mount debugfs /sys/kernel/debug", "mount tracefs /sys/kernel/tracing"]
    steps = [*mounts, f"write {UNSAFE} 1", "bind", "hooked before", f"load {MODULE}",
             to(ONE, "0x50000000"), "allocs seen", to(ONE, "default"), "unload iommu_resv",
             "sleep 500", "allocs before", "spawn reader read-all",
             # ONE is free most of the time; OTHER is almost never free.
             f"spawn user /vfio-check loop {ONE} 250", f"spawn other /vfio-check loop {OTHER}",
             f"window-cycle {CYCLES} {MODULE} {file_of(ONE)}",
             "stop user", "stop other", "stop reader", f"load {MODULE}", to(ONE, "auto"),
             f"cat {HOOKS}", "dump loaded", f"run /vfio-check check {ONE}", "unload iommu_resv",
             "hooked end", "left", "sleep 1000", "allocs after"]
    lines, faults = Script(steps).run(
        name, kernel, machine("its", "dt"), memory="1G", smp=2, limit=420,
        append="" if kernel.debug else "slub_debug=FZPU page_poison=1")
    faults += all_ok(lines)
    told = [line.split() for line in judge.said(lines, "window-cycle")]
    if [t[:2] for t in told] != [[str(CYCLES), "0"]]:
        faults.append(f"window-cycle: {told}")
    for who in ("user", "other", "reader"):
        said = judge.said(lines, who)
        counts = dict(word.split("=") for line in said[:-1] for word in line.split())
        if said[-1:] != ["exit 0"] or int(counts.get("errors", 0)) or \
                int(counts.get("loops", counts.get("passes", 0))) < 20:
            faults.append(f"{who}: {said}")
    missed = [line for line in lines if line.startswith("| ") and
              HOOK.fullmatch(line[2:]) and HOOK.fullmatch(line[2:])[5] != "0"]
    faults += [f"missed: {line}" for line in missed]
    if "run msi=3/3" not in lines:
        faults.append(f"afterwards VFIO says {judge.said(lines, 'run')}")
    # KASAN keeps freed objects for a while, so counts mean nothing there; kmemleak finds leaks.
    if not kernel.debug:
        faults += grown(lines)
    faults += is_clean(lines, "before", "end", kernel.arch)
    return f"{CYCLES} times, {told[0][2] if told else '?'} tries met a group in use", faults
