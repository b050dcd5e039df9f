# SPDX-License-Identifier: GPL-2.0-only
"""Steps, with their checks, and plays about the movable MSI window of Arm."""
from expect.said import none_left, says
from talk.play import interrupts, opened, play, ranges_are, refused_at
from talk.words import FEATURES, HOOKS, MODULE, of, span

NATIVE = (0x8000000, 0x80fffff)
LOW = (0, 0x3fffffff)               # a guest with 1 GiB at 0
PLACE = (0x50000000, 0x500fffff)
THERE = (0x58000000, 0x580fffff)    # another one
GUEST = f"big:{span(*LOW)}"
# Numbers of interrupts: many for the device that must lose none, few for the others, as one takes
# 6 ms.
COUNT, FEW = 1000, 100
MB = 0x100000


def stock(*devices):
    """(step, check): with the window at the kernel's place, VFIO refuses maps there."""
    return play(*opened(*devices), (GUEST, "EINVAL"), *refused_at(NATIVE),
                *[interrupts(device, 3, NATIVE) for device in devices])


def served(label, window, *devices, count=FEW):
    """(step, check): a guest has memory where the window was, and all of it works."""
    return play(*opened(*devices), ranges_are(label, *devices), GUEST,
                *[f"dma:{device}:{span(*NATIVE)}" for device in devices], *refused_at(window),
                *[interrupts(device, count, window) for device in devices])


def file_of(device):
    return of(device, "resv/msi_window")


def to(device, value):
    return f"write {file_of(device)} {value}"


def put(script, what, device, value, *checks):
    script.do(what, [to(device, value)], says(f"write {file_of(device)} ok"), *checks)


WAYS = {"kprobe": "iommu_alloc_resv_region", "kretprobe": "iommu_get_group_resv_regions"}


def load(script, what="load", words="", backend="kprobe"):
    """Load the module; the hooks of windows are installed only if its parameter moves some."""
    by = WAYS[backend]
    state = r"active \d+ 0 -" if "msi_window=" in words else r"off \d+ 0 no MSI window is moved"
    script.do(what, [f"load {MODULE} {words}".rstrip(), f"cat {HOOKS}", f"cat {FEATURES}"],
              says(rf"load {MODULE} ok .*", rf"\| {by} {backend} {state}",
                   rf"\| vfio_iommu_type1_attach_group kprobe {state}",
                   rf"\| msi-window-move added {backend} {by}\b.*",
                   r"\| msi-doorbells added - 1 doorbell: .*"))


def active(script, backend="kprobe"):
    """While a window is moved the hooks are active, and none has missed a call."""
    script.do("hooks are in", [f"cat {HOOKS}"],
              says(*[rf"\| {symbol} {kind} active \d+ 0 -" for symbol, kind in (
                  (WAYS[backend], backend), ("iommu_get_group_resv_regions", "kretprobe"),
                  ("iommu_attach_group", "kprobe"), ("iommu_detach_group", "kprobe"),
                  ("iommu_domain_free", "kprobe"), ("vfio_iommu_type1_attach_group", "kprobe"))]),
              lambda piece, _: [line for line in piece.lines
                                if line.startswith("| ") and line.split()[5] != "0"])


def rested(script):
    """When no window is moved any more, the hooks are off."""
    script.do("hooks are out", [f"cat {HOOKS}"],
              lambda piece, _: [line for line in piece.lines if line.startswith("| ") and
                                not ("resv_regions" in line and " kprobe " in line) and
                                line.split()[3] != "off"])


def unload(script, what="unload"):
    script.do(what, ["unload iommu_resv", "left"], says("unload iommu_resv ok"), none_left)
