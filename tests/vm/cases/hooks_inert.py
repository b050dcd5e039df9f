# SPDX-License-Identifier: GPL-2.0-only
"""Tests hooks-inlined and hooks-steps: hooks that are accepted and never fire, and installation
steps that fail."""
from functools import partial

from cases import SHARED, case
from expect import judge
from expect.hooks import (LEFT, OBSERVED, Section, all_ok, failed_steps, hooked, injected, is_clean,
                          leaves, logged, of_window, parse)
from lab import kernels
from lab.topologies import PLAIN, X86
from talk.script import run
from talk.words import (ADD, DEVICE, FILES, GROUP, HOOKS, LIST, LISTED, MODULE, MOUNTS, PATCH,
                        REGION, RESTING, SHOWN)

# hooks-inlined: a function that the compiler inlined into its callers

INLINED = "iommu_get_resv_regions"


def inlined_steps(arch):
    steps = [*MOUNTS, "bind", "hooked before",
             "say kprobe", f"load {MODULE} hooks=kprobe test_symbol={INLINED}", *FILES, ADD, LIST,
             "hooked kprobe", "say kprobe-after", "unload iommu_resv", "hooked kprobe-after",
             "left"]
    if arch == "amd64":
        steps += [f"options iommu_resv_livepatch test_symbol={INLINED}",
                  "say livepatch", f"load {MODULE} hooks=livepatch",
                  f"wait-text {HOOKS} livepatch inert", *FILES, ADD, LIST,
                  "say livepatch-after", f"wait-gone {PATCH}", "unload iommu_resv_livepatch",
                  "unload iommu_resv", "hooked livepatch-after", "left"]
    return steps


def judge_inlined(lines, arch):
    faults = []
    for backend in ("kprobe", "livepatch") if arch == "amd64" else ("kprobe",):
        now = Section(lines, backend, faults)
        now.mode(backend)
        found = [hook for hook in now.of(backend) if hook.symbol == INLINED]
        if len(found) != 1 or found[0].state != "inert" or "fire" not in found[0].reason:
            now.fault(f"{now.hooks}, expected {INLINED} {backend} inert, as it does not fire")
        now.feature("inert", "-")
        now.expect(f"write {GROUP}/resv/declare", ["EOPNOTSUPP"])
        now.shows(False)
        faults += is_clean(lines, "before", f"{backend}-after", arch)
        faults += logged(lines, rf"^iommu_resv: hook {INLINED} \({backend}\) is off: .*fire", 1)
    left = {kind for kind, _ in hooked(lines, "kprobe")[0] - hooked(lines, "before")[0]}
    if left & {"kprobe", "ftrace"}:
        faults.append(f"kprobe: it is inert, and still hooked: {left}")
    return faults + all_ok(lines)


PLANTED_INLINED = (
    (r"kprobe inert (\d+) 0 .*?$", r"kprobe active \1 0 -"),
    (r"kprobe inert (\d+) 0 .*?$", r"kprobe inert \1 0 because"),
    (r"declared-regions inert - ", "declared-regions added kprobe "),
    (r"(/declare) EOPNOTSUPP$", r"\1 ok"),
    (r"^hooked kprobe read kprobe ok$", rf"\g<0>\nhooked kprobe {LEFT}"),
    (r"^log iommu_resv: hook iommu_get.*?$", "log"),
    *leaves("kprobe-after"),
)


@case("hooks-inlined-{key}", X86 + ("5.10-arm64", "7-arm64"), boot=SHARED)
def inlined(key, name):
    """A hook that is accepted but never fires is inert, says so, and enforces nothing."""
    kernel = kernels.get(key, test=True)
    return "", run(name, kernel, PLAIN[kernel.arch], inlined_steps(kernel.arch),
                   partial(judge_inlined, arch=kernel.arch), PLANTED_INLINED)[1]


# hooks-steps: each step of an installation fails once

STEPS_MAX = 60
WINDOW = "0x50000000"


def steps_steps(arch):
    steps = [*MOUNTS, "bind", "hooked before", f"inject {MODULE} kprobe {STEPS_MAX} hooks=kprobe",
             f"inject {MODULE} parameter {STEPS_MAX} declare={DEVICE}:{REGION.replace(' ', '-')}"]
    if arch == "arm64":
        steps += [f"inject {MODULE} window {STEPS_MAX} msi_window={WINDOW}"]
    if arch == "amd64":
        steps += [f"inject {MODULE} livepatch {STEPS_MAX} hooks=livepatch",
                  f"inject-switch {MODULE} on {STEPS_MAX} kprobe livepatch {GROUP}",
                  f"inject-switch {MODULE} back {STEPS_MAX} livepatch kprobe {GROUP}"]
    return steps + ["hooked end", "left"]


def judge_steps(lines, arch, least):
    faults = []
    results = injected(lines)
    names = failed_steps(lines)
    labels = ("kprobe", "parameter")
    labels += ("livepatch", "on", "back") if arch == "amd64" else ("window",)
    failing = 0
    for label in labels:
        mine = [key for key in results if key.split(".")[0] == label]
        if not mine:
            faults.append(f"{label}: no step was tried")
            continue
        if len(mine) >= STEPS_MAX:
            faults.append(f"{label}: after {STEPS_MAX} steps there were more")
        for key in mine:
            last = key == mine[-1]
            result, _ = results[key]
            failing += not last
            faults += one_step(lines, key, label, result, last, arch)
    if len(names) != failing:
        faults.append(f"{failing} steps were made to fail, the log has {len(names)}: {names}")
    if len(set(names)) < least:
        faults.append(f"{len(set(names))} different steps, expected {least}: {sorted(set(names))}")
    faults += is_clean(lines, "before", "end", arch)
    return faults + all_ok(lines)


def window_step(lines, key, hooks, last):
    """The window can be moved if one of the two ways and all hooks of attaches work."""
    # The first way needs the hooks of declared regions to know whose window it is.
    by_device = all(hook.state == "active" or hook.reason == RESTING
                    for hook in hooks if not of_window(hook))
    hooks = [hook for hook in hooks if of_window(hook)]
    # The entry and the return of a function are separate places. A place whose allocation failed
    # is off until it is requested again, which the next look at a group may already have done.
    good = {hook.symbol for hook in hooks} - {hook.symbol for hook in hooks
                                              if hook.state == "inert" or
                                              hook.reason == "no memory"}
    told = [line.split(" ", 3) for line in judge.said(lines, "features", key)
            if line.startswith("msi-window-move ")]
    wanted = ["inert", "-"]
    if good.issuperset(OBSERVED):
        if "iommu_alloc_resv_region" in good and by_device:
            wanted = ["added", "kprobe"]
            # If the first way failed at one look, both ways stay in use until no window is moved.
            if not last and LISTED in good and [words[2] for words in told] == ["kretprobe"]:
                wanted = ["added", "kretprobe"]
        elif LISTED in good:
            wanted = ["added", "kretprobe"]
    # While a region is declared, the return of the list is hooked: see declare/guard.c.
    faults = [f"{key}: {hook}, though no window is moved" for hook in hooks
              if hook.state == "active" and not key.startswith("window.") and
              (hook.symbol, hook.backend) != (LISTED, "kretprobe")]
    if len(told) != 1 or told[0][1:3] != wanted or told[0][3:] in ([], ["-"]):
        faults.append(f"{key}: features: {told}, expected msi-window-move {wanted}; {hooks}")
    return faults


def one_step(lines, key, label, result, last, arch):
    """The state after one step has failed; LAST: no step failed, so everything must work."""
    hooks, faults = parse(judge.said(lines, "hooks", key))
    faults = [f"{key}: {fault}" for fault in faults]
    if arch == "arm64" and result == "ok":
        faults += window_step(lines, key, hooks, last)
    hooks = [hook for hook in hooks if not of_window(hook)]
    feature = [line.split(" ", 3) for line in judge.said(lines, "features", key)
               if line.startswith("declared-regions ")]
    state = feature[0][1] if feature else "missing"
    active = [hook for hook in hooks if hook.state == "active" or hook.reason == RESTING]
    switching = label in ("on", "back")
    if last and (result != "ok" or state != "added" or not active):
        faults.append(f"{key}: no step fails: {result}, {feature}, {hooks}")
    elif switching:
        # By the old backend or by the new one, the region is enforced in any case.
        mode = judge.said(lines, "mode", key)
        wanted = {"on": ("livepatch", "kprobe"), "back": ("kprobe", "livepatch")}[label]
        # If a later self-test of the livepatch fails, kprobes replace it.
        replaced = mode == ["auto"] and any(hook.backend == "kprobe" for hook in active)
        if mode != [wanted[0] if result == "ok" else wanted[1]] and not replaced:
            faults.append(f"{key}: {result}, and the mode is {mode}")
        if SHOWN not in judge.said(lines, "list", key):
            faults.append(f"{key}: the declared region is not in the kernel's list any more")
        if state != "added" or not active:
            faults.append(f"{key}: {feature} {hooks}, though a region is declared")
    elif result == "ok" and not last:
        # For the next group the failed step may have been repeated: then everything works.
        well = state == "added" and active and len(active) == len(
            [hook for hook in hooks if hook.backend == active[0].backend])
        if not well and (state != "inert" or feature[0][3:] in ([], ["-"]) or active):
            faults.append(f"{key}: loaded, and {feature}: expected inert and why; {hooks}")
    elif result != "ok" and (hooks or feature):
        faults.append(f"{key}: refused with {result}, and there is {hooks} {feature}")
    return faults + is_clean(lines, "before", key, arch)


PLANTED_STEPS = (
    (r"^log iommu_resv: test: step 1 .*?$", "log"),
    (r"^inject kprobe 1 ENOMEM", "inject kprobe 1 ok"),
    (r"^(features kprobe\.\d+ declared-regions) inert - ", r"\1 added kprobe "),
    (r"^(features kprobe\.\d+ declared-regions inert -) .*?$", r"\1 -"),
    (r"^(hooks kprobe\.\d+ \S+ kprobe) inert (\d+) 0 .*?$", r"\1 active \2 0 -"),
    (r"^hooked kprobe.2 read kprobe ok$", r"\g<0>\nfailed unload iommu_resv EAGAIN"),
    *leaves("kprobe.1"), *leaves("kprobe.6"), *leaves("end"),
)
PLANTED_STEPS_AMD64 = PLANTED_STEPS + (
    (r"^list on.1 0x0000000040000000 .*?$", "list on.1 -"),
    (r"^list back.2 0x0000000040000000 .*?$", "list back.2 -"),
    (r"^mode on.1 kprobe$", "mode on.1 livepatch"),
    *leaves("livepatch.5"), *leaves("back.1"),
)


@case("hooks-steps-{key}", ("5.10-amd64", "7-amd64"), least=10)
@case("hooks-steps-{key}", ("7-arm64",), least=8)
def steps(key, least, name):
    """If the Nth step fails, for any N, the hooks are inert or the module does not load, and
    nothing stays hooked."""
    kernel = kernels.get(key, test=True)
    lines, faults = run(name, kernel, PLAIN[kernel.arch], steps_steps(kernel.arch),
                        partial(judge_steps, arch=kernel.arch, least=least),
                        PLANTED_STEPS_AMD64 if kernel.arch == "amd64" else PLANTED_STEPS, limit=400)
    names = failed_steps(lines)
    steps_failed = ", ".join(sorted(set(names)))
    return f"{len(names)} failures of {len(set(names))} steps: {steps_failed}", faults
