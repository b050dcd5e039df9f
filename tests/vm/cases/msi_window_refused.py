# SPDX-License-Identifier: GPL-2.0-only
"""Moves of a window that the module refuses, by the file and by the parameter."""
from cases import SHARED, case
from expect import judge
from expect.said import (complains, explained, groups_of, in_log, keep, logged, none_left,
                         same_but_none, same_dump, says, shown, where)
from expect.window import window_text
from lab import kernels
from lab.machines import DEVICES, MANY, ONE, OTHER, machine
from lab.topologies import ARM
from talk.declaring import before, cats
from talk.play import mark, opened, play, refused_at
from talk.script import Script, run_script
from talk.window import LOW, MB, NATIVE, PLACE, THERE, file_of, load, put, served, stock, to, unload
from talk.words import FEATURES, MODE, MODULE, of, span

# Devices that limit the window: a root port with 32-bit MSI addresses, and a conventional bridge,
# in whose window a neighbour has its registers.
ROOT = "0000:00:08.0"
REFUSING = (*DEVICES, "ioh3420,addr=8,chassis=9")


def refused(page):
    """[(device, text, errno, words of the log)]."""
    high = 1 << 48
    bad = ["", " ", "\n", "0x", "0xg", "50000000", "1342177280", "-0x50000000", "0x-5", "+0x5",
           "auto0", "autox", "default0", "DEFAULT", "Auto", "moved", "kernel", "none",
           "0x50000000 100000", "0x50000000 0x", "0x50000000 0x100000 x", "0x50000000x",
           "0x50000000 0x100000 0x100000", "0x50000000,,0x100000", "0x50000000-0x500fffff",
           "0x50000000,", "0x10000000050000000", "0x50000000 0x10000000050000000",
           "auto,avoid", "auto,avoid=", "auto,avoid=0x0", "auto,avoid=0x0-", "auto,avoid=0-1",
           "auto,avoid=0xfff-0x0", "auto avoid=0x0-0xfff,", "auto,0x0-0xfff", "auto,,avoid=0x0-0x1",
           "auto,avoid=0x0-0xfffx", "autoavoid=0x0-0xfff", "default 0x50000000", "%s%n", "a" * 4000,
           "0x" + "0" * 4000]
    out = [(ONE, text, "EINVAL", ()) for text in bad]
    out += [(ONE, text, "EINVAL", ("pages",)) for text in (
        f"0x{PLACE[0] + 1:x}", f"0x{PLACE[0] + page // 2:x}", f"0x{PLACE[0]:x} 0x{MB + 1:x}",
        f"0x{PLACE[0]:x} 0x{page // 2:x}", f"0x{PLACE[0]:x} 0x0")]
    out += [(ONE, text, "EINVAL", ("0",)) for text in ("0x0", f"0x0 0x{MB:x}")]
    out += [(ONE, "auto," + ",".join(f"avoid=0x{n << 20:x}-0x{n << 20 | 0xfffff:x}"
                                     for n in range(9)), "E2BIG", ("8",))]
    out += [(ONE, text, "ERANGE", (f"0x{high - 1:x}",)) for text in (
        f"0x{high:x}", f"0x{high - MB // 2:x}", f"0x{high - MB:x} 0x{MB + page:x}",
        f"0x{judge.TOP - MB + 1:x}", f"0x{PLACE[0]:x} 0x{judge.TOP - page + 1:x}",
        f"0x{judge.TOP - page + 1:x} 0x{2 * page:x}")]
    # Windows that overlap the group's declared region from all sides
    out += [(ONE, text, "EADDRINUSE", ("0x48000000-0x4800ffff", "admin")) for text in (
        "0x48000000", f"0x{0x48000000 - MB + page:x}", f"0x{0x48010000 - page:x} 0x{MB:x}",
        f"0x47000000 0x{2 << 24:x}")]
    # The host bridge's windows, low and high, and their edges
    out += [(ONE, text, "EADDRINUSE", ("pci-window", "pci0000:00")) for text in (
        "0x10000000", "0x20000000", f"0x{0x10000000 - MB + page:x}", f"0x{0x3eff0000 - page:x}",
        "0x8000000000", "0xf000000000")]
    out += [(ROOT, text, "ERANGE", (ROOT, "32-bit")) for text in (
        "0x100000000", f"0x{0x100000000 - MB // 2:x}", "0x1000000000 0x100000")]
    out += [(ROOT, "auto,avoid=0x0-0xffffffff", "ENOSPC", (ROOT,)),
            (ONE, f"auto,avoid=0x0-0x{judge.TOP:x}", "ENOSPC", ()),
            (ONE, f"auto,avoid=0x0-0x{1 << 40:x},avoid=0x{1 << 39:x}-0x{high - 1:x}", "ENOSPC", ())]
    return out


TAKEN = (0x48000000, 0x4800ffff)


@case("msi-window-refused-{key}", ARM + ("6.12-arm64-16k", "6.12-arm64-64k"))
def refusals(key, name):
    """Each refused move gets its errno and one line in the log, and changes nothing."""
    kernel = kernels.get(key)
    topology = machine("its", "dt", REFUSING)
    page = kernels.page_size(key)
    script = Script()
    before(script)
    load(script)
    script.do("declare", [f"write {of(ONE, 'resv/declare')} add 0x{TAKEN[0]:x} 0x{TAKEN[1]:x}"],
              says(f"write {of(ONE, 'resv/declare')} ok"))
    put(script, "move", ONE, f"0x{PLACE[0]:x}")
    script.do("loaded", ["dump loaded"], keep("loaded"))
    names = ("reserved_regions", "resv/regions", "resv/usable", "resv/msi_window")
    cases = [case for case in refused(page) if case[1]]
    for device, text, errno, words in cases:
        head = repr(text if len(text) < 60 else text[:40] + "...")
        script.do(head, [f"write-hex {file_of(device)} {text.encode().hex()}",
                         *cats(device, names)],
                  says(f"write-hex {errno} -1"), complains(device, base="loaded"), in_log(*words),
                  shown(device, "loaded", len(names)))
    for cap in ("SYS_ADMIN", "SYS_RAWIO"):
        script.do(f"without {cap}", [f"write-without {cap} {file_of(ONE)} auto", *cats(ONE, names)],
                  says(f"write-without {cap} EACCES"), complains(ONE, 0, base="loaded"),
                  shown(ONE, "loaded", len(names)))
    script.do("a zero inside", [f"write-hex {file_of(ONE)} {b'auto'.hex()}00", *cats(ONE, names)],
              says("write-hex EINVAL -1"), complains(ONE, base="loaded"),
              shown(ONE, "loaded", len(names)))
    # A region cannot be declared over the window, and the window cannot move back over a region.
    script.do("declared over the window",
              [f"write {of(ONE, 'resv/declare')} add 0x{PLACE[0]:x} 0x{PLACE[0] + 0xffff:x}"],
              says(f"write {of(ONE, 'resv/declare')} EADDRINUSE"), logged(1))
    script.do("declared where it was",
              [f"write {of(ONE, 'resv/declare')} add 0x{NATIVE[0]:x} 0x{NATIVE[0] + 0xffff:x}",
               to(ONE, "default"), f"cat {file_of(ONE)}",
               f"write {of(ONE, 'resv/declare')} remove 0x{NATIVE[0]:x} 0x{NATIVE[0] + 0xffff:x}"],
              says(f"write {of(ONE, 'resv/declare')} ok", f"write {file_of(ONE)} EADDRINUSE",
                   r"\| " + window_text(PLACE)))
    # While the group has a user every write is refused, whether right or wrong.
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu",
                       mark("busy"), *[(f"write:{file_of(ONE)}={value}", "EBUSY")
                                       for value in (f"0x{THERE[0]:x}", "auto", "default")],
                       mark("end"), *refused_at(PLACE))
    script.do("in use", [step, *cats(ONE, names)], check, complains(ONE, 3, "busy", "loaded"),
              lambda piece, state: shown(ONE, "loaded", len(names))(
                  without_run(piece), state))
    # With hooks=none, and a switch to it while a window is moved
    script.do("hooks=none, moved", [f"write {MODE} none"], says(f"write {MODE} EBUSY"),
              logged(1))
    script.do("taken back", [f"write {of(ONE, 'resv/declare')} remove 0x{TAKEN[0]:x} "
                             f"0x{TAKEN[1]:x}"], says(f"write {of(ONE, 'resv/declare')} ok"))
    script.do("hooks=none, still moved", [f"write {MODE} none"],
              says(f"write {MODE} EBUSY"), logged(1))
    put(script, "default", ONE, "default")
    script.do("hooks=none", [f"write {MODE} none", f"cat {FEATURES}", to(ONE, "auto")],
              says(f"write {MODE} ok", r"\| msi-window-move inert - \S.*",
                   f"write {file_of(ONE)} EOPNOTSUPP"))
    script.do("hooks=auto", [f"write {MODE} auto"], says(f"write {MODE} ok"))
    # Forms that are accepted
    for text, window, by in (
            ("0x50000000", PLACE, "moved"), ("0x50000000\n", PLACE, "moved"),
            (" 0x50000000 ", PLACE, "moved"), ("0X58000000", THERE, "moved"),
            ("0x50000000 0x100000", PLACE, "moved"), ("0x50000000,0x100000\n", PLACE, "moved"),
            ("0x50000000\t0x200000", (0x50000000, 0x501fffff), "moved"),
            (f"0x50000000 0x{page:x}", (0x50000000, 0x50000000 + page - 1), "moved"),
            (f"0x{page:x}", (page, page + MB - 1), "moved"),
            ("0xffffff00000", (0xffffff00000, 0xfffffffffff), "moved"),
            (f"0x{(1 << 48) - MB:x}", ((1 << 48) - MB, (1 << 48) - 1), "moved"),
            ("0x8000000", NATIVE, "moved"), ("auto", NATIVE, "auto"),
            ("auto,avoid=0x0-0x3fffffff", (0xfff00000, 0xffffffff), "auto"),
            ("auto avoid=0x0-0x3fffffff", (0xfff00000, 0xffffffff), "auto"),
            ("auto , avoid=0x0-0x3fffffff , avoid=0xfee00000-0xffffffff\n",
             (0xfed00000, 0xfedfffff), "auto"),
            ("auto,avoid=0x20000000-0x2fffffff", NATIVE, "auto"),
            ("auto,avoid=0x0-0xffffffffff", ((1 << 48) - MB, (1 << 48) - 1), "auto"),
            ("default\n", NATIVE, "kernel")):
        script.do(repr(text), [f"write-hex {file_of(ONE)} {text.encode().hex()}",
                               f"cat {file_of(ONE)}", "dump form"],
                  says(f"write-hex ok {len(text)}", r"\| " + window_text(window, by)),
                  in_log(f"0x{window[0]:x}-0x{window[1]:x}"),
                  lambda piece, state: keep("form")(piece, state) or
                  judge.check_group(where(state["form"], ONE)))
    unload(script)
    script.do("after", ["dump after"], same_dump("after", "before"))
    faults = run_script(name, kernel, topology, script, memory="1G", limit=240)
    return f"{len(cases)} refused", faults


def without_run(piece):
    """PIECE without the lines of vfio-check's play."""
    return type(piece)([line for line in piece.lines if not line.startswith("run ")], piece.log,
                       piece.parts)


@case("msi-window-load-{key}", ("5.10-arm64", "7-arm64"), boot=SHARED)
def parameter(key, name):
    """msi_window=: wrong values are refused; present groups and later ones get the window."""
    kernel = kernels.get(key)
    topology = machine("its", "dt")
    script = Script()
    before(script)
    for words, errno in (("msi_window=junk", "EINVAL"), ("msi_window=0x5000000g", "EINVAL"),
                         ("msi_window=auto,avoid=1-2", "EINVAL"),
                         ("msi_window=default,0x1000", "EINVAL"),
                         ("msi_window=auto" + ",avoid=0x0-0xfff" * 9, "E2BIG"),
                         ("msi_window=" + "0" * 600, "E2BIG|EINVAL")):
        script.do(words[:60], [f"load {MODULE} {words}", "left"],
                  says(rf"load {MODULE} ({errno}) .*"), explained(("msi_window=",)), none_left)
    # A place that suits no group: the module loads, logs that for each group, and moves nothing.
    script.do("no such place", [f"load {MODULE} msi_window=0x20000000", "dump none"],
              says(rf"load {MODULE} ok .*"), keep("none"),
              lambda piece, state: [] if len([line for line in piece.log if "overlaps" in line]) ==
              len(groups_of(state, "none")) else [f"log: {piece.log}"],
              same_but_none("none", "before"))
    unload(script, "unload the first")
    # Without hooks the parameter is not in force, which the log says once for each group. With
    # hooks it is, except for a group to which "default" was written.
    script.do("no hooks", [f"load {MODULE} hooks=none msi_window=0x{PLACE[0]:x}", "dump unhooked"],
              says(rf"load {MODULE} ok .*"), keep("unhooked"),
              lambda piece, state: [] if len([x for x in piece.log if "not in force" in x]) ==
              len(groups_of(state, "unhooked")) == len(piece.log) - 1 else [f"log: {piece.log}"],
              same_but_none("unhooked", "before"))
    script.do("hooks come", [to(ONE, "default"), f"write {MODE} auto", "sleep 200",
                             f"cat {file_of(ONE)}", f"cat {file_of(OTHER)}"],
              says(f"write {file_of(ONE)} ok", f"write {MODE} ok",
                   r"\| " + window_text(NATIVE, "kernel"), r"\| " + window_text(PLACE)))
    unload(script, "unload the second")
    # One group has a user, so it keeps the kernel's place.
    words = " ".join([*opened(OTHER), f"hold:{OTHER}", "pause"])
    late = "0xfff00000 0x100000 auto"
    script.do("one in use", [f"spawn user /vfio-check play {words}", "wait-text /tmp/user hold:",
                             f"load {MODULE} msi_window=auto,avoid={span(*LOW)}",
                             f"cat {file_of(ONE)}", f"cat {file_of(MANY)}", "dump param",
                             f"cat {of(OTHER, 'resv/msi_window')}", "kill user"],
              says(rf"load {MODULE} ok .*", rf"\| {late}", r"\| " + window_text(NATIVE, "kernel")),
              lambda piece, _: [] if piece.lines.count(f"| {late}") >= 2 else ["not moved"],
              lambda piece, _: [] if len([x for x in piece.log if "in use" in x]) == 1
              else [f"log: {piece.log}"],
              keep("param"))
    window = (0xfff00000, 0xffffffff)
    step, check = served("param", window, ONE, count=100)
    script.do("VFIO", [step], check)
    stock_step, stock_check = stock(OTHER)
    script.do("VFIO and the other", [stock_step], stock_check)
    script.do("default", [to(ONE, "default"), "sleep 200", f"cat {file_of(ONE)}"],
              says(f"write {file_of(ONE)} ok", r"\| " + window_text(NATIVE, "kernel")))
    # Unbinding and binding a driver makes the module look at all groups: "default" stays.
    script.do("default stays", [f"unbind {OTHER}", f"bind {OTHER}", "sleep 300",
                                f"cat {file_of(ONE)}"],
              says(f"bind {OTHER} ok", r"\| " + window_text(NATIVE, "kernel")))
    unload(script)
    script.do("after", ["dump after"], same_dump("after", "before"))
    faults = run_script(name, kernel, topology, script, memory="2G", limit=240)
    return f"{len(script.stretches)} stretches", faults
