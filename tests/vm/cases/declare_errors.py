# SPDX-License-Identifier: GPL-2.0-only
"""Which declared regions the module refuses, and how many it accepts."""
from cases import SHARED, case
from expect import judge
from expect.declared import TOP, dumped
from expect.said import complains, logged, same_dump, says, shown, where
from expect.vfio import same_vfio
from lab import kernels
from lab.machines import MACHINE, ONE
from talk.declaring import before, cats, declaring, loading, unloading
from talk.play import play, ranges_are
from talk.script import Script, run_script
from talk.words import FEATURES, HOLE, HOOKS, MODE, of, text


def refused(page, arch):
    """[(bytes to write to `declare` of ONE, errno)], while HOLE is declared."""
    add = b"add 0x%x 0x%x"
    start, end = HOLE
    free = 0x60000000
    high = 1 << (39 if arch == "amd64" else 48)
    fixed = 0xfee00000 if arch == "amd64" else 0x8000000
    good = add % (free, free + page - 1)
    malformed = [
        b"\n", b" ", b"add", b"add ", b"add\n", b"remove", b"add 0x60000000", b"remove 0x60000000",
        good + b" 0x70000000", good + b" x", good + b"x", good + b",", good + b"\nadd",
        good + b"\n" + good, good + b"\0trailing", b"\0", b"\0" + good, b"add\0" + good[4:],
        b"add 60000000 6000ffff", b"add 0x60000000 6000ffff", b"add 1610612736 1610678271",
        b"add -0x60000000 0x6000ffff", b"add 0x-60000000 0x6000ffff", b"add 0x60000000 -1",
        b"add +0x60000000 0x6000ffff", b"add 0x60000000-0x6000ffff", b"add 0x 0x6000ffff",
        b"add 0x60000000 0xg", b"add 0x10000000060000000 0x1000000006000ffff",
        b"add 0x60000000 0x1000000006000ffff", b"add 0x60000000 0xffffffffffffffffffffffffffffff",
        b"add 0x" + b"0" * 4000 + b" 0x0", b"a" * 4095, b"a" * 5000, b"add " * 1200,
        b"delete 0x60000000 0x6000ffff", b"ADD 0x60000000 0x6000ffff", good[:3] + good[4:],
        b"addition 0x60000000 0x6000ffff", bytes(range(128, 256)), b"add 0x%x 0x%x %n %s",
    ]
    out = [(raw, "EINVAL") for raw in malformed]
    out += [(add % pair, "EINVAL") for pair in (
        (free + 1, free + page - 1), (free, free + page), (free, free + page - 2),
        (free + page // 2, free + page - 1), (free, free + page // 2 - 1), (free, free),
        # End below start, by a page or more and by just one byte
        (free + page, free - 1), (free, free - 1), (end + 1, end), (TOP - page + 1, 0))]
    out += [(add % pair, "ERANGE") for pair in (
        (high, high + page - 1), (high - page, high + page - 1), (TOP - page + 1, TOP))]
    # For these both errnos are right.
    out += [(add % pair, "(ERANGE|EADDRINUSE)") for pair in ((0, TOP), (free, TOP))]
    out += [(add % pair, "EADDRINUSE") for pair in (
        (start, start + page - 1), (end - page + 1, end), (start + page, end - page),
        (start - page, start + page - 1), (end - page + 1, end + page),
        (start - page, end + page), (start, end - page), (start, end + page),
        (fixed, fixed + 0xfffff), (fixed, fixed + page - 1), (fixed - page, fixed + page - 1),
        (fixed - page, fixed + 0xfffff + page), (0, 0xffffffff & ~(page - 1) | page - 1))]
    out += [(add % HOLE, "EEXIST"), (add % HOLE + b"\n", "EEXIST")]
    out += [(b"remove 0x%x 0x%x" % pair, "ENOENT") for pair in (
        (free, free + page - 1), (start, start + page - 1), (end - page + 1, end),
        (start + page, end - page), (start - page, end + page), (start, end + page),
        (fixed, fixed + 0xfffff))]
    return out


ODD = (0x70000000, 0x7000ffff)


@case("declare-errors-{key}", ("5.10-amd64", "7-amd64", "6.12-arm64-16k", "7-arm64"), boot=SHARED)
def errors(key, name):
    """Each refused write gets its errno and one line in the log, and changes nothing."""
    kernel = kernels.get(key)
    topology = MACHINE[kernel.arch]
    page = kernels.page_size(key)
    path = of(ONE, "resv/declare")
    script = Script()
    before(script)
    loading(script, "kprobe")
    script.do("nothing declared", ["dump loaded"], dumped("loaded", "before", {}))
    declaring(script, "declare", ONE, "add", [HOLE])
    script.do("declared", ["dump declared"], dumped("declared", "loaded", {ONE: [HOLE]}))
    cases = refused(page, kernel.arch)
    for raw, errno in cases:
        said = repr(raw if len(raw) < 60 else raw[:40] + b"...")
        script.do(f"{said}", [f"write-hex {path} {raw.hex()}", *cats(ONE)],
                  says(f"write-hex {errno} -1"), complains(ONE), shown(ONE, "declared"))
    for cap in ("SYS_ADMIN", "SYS_RAWIO"):
        script.do(f"without {cap}", [f"write-without {cap} {path} add {text(ODD)}", *cats(ONE)],
                  says(f"write-without {cap} EACCES"), complains(ONE, 0), shown(ONE, "declared"))
    # sysfs does not pass an empty write on to the module.
    script.do("nothing written", [f"write-hex {path} ", *cats(ONE)], says("write-hex ok 0"),
              complains(ONE, 0), shown(ONE, "declared"))
    script.do("a reader", [f"cat {path}", f"run /vfio-check play read:{path}"],
              lambda piece, _: judge.differ("what is declared", [line for line in piece.lines
                                                                 if line.startswith("| ")],
                                            [f"| add {text(HOLE)}"]))
    script.do("nothing changed", ["dump errors"], same_dump("errors", "declared"))

    # Forms that are accepted
    for form in (b"%s 0x%x 0x%x", b"%s 0x%x 0x%x\n", b"%s 0x%016x 0x%016x\n", b"%s 0x%X 0x%X\n"):
        for verb in (b"add", b"remove"):
            raw = form % (verb, *ODD)
            script.do(repr(raw), [f"write-hex {path} {raw.hex()}"],
                      says(f"write-hex ok {len(raw)}"))
    script.do("right forms", ["dump forms"], same_dump("forms", "declared"))

    full(script, path, page)

    # No hook enforces regions with hooks=none
    script.do("none, while declared", [f"write {MODE} none", *cats(ONE)],
              says(f"write {MODE} EBUSY"), shown(ONE, "declared"), logged(1))
    declaring(script, "remove", ONE, "remove", [HOLE])
    script.do("none", [f"write {MODE} none", f"cat {FEATURES}", "dump none"],
              says(f"write {MODE} ok", r"\| declared-regions inert - \S.*"),
              same_dump("none", "loaded"))
    script.do("declare with none", [f"write {path} add {text(HOLE)}", "dump none-still"],
              says(f"write {path} EOPNOTSUPP"), complains(ONE), same_dump("none-still", "loaded"))
    script.do("kprobe again", [f"write {MODE} kprobe", f"cat {HOOKS}"],
              says(f"write {MODE} ok", r"\| \w+ kprobe off \d+ 0 nothing is declared"))
    declaring(script, "declare again", ONE, "add", [HOLE])
    script.do("declared again", ["dump again"], dumped("again", "loaded", {ONE: [HOLE]}))
    declaring(script, "remove again", ONE, "remove", [HOLE])
    unloading(script, "kprobe")
    script.do("as before", ["vfio", "dump after"], same_dump("after", "before"),
              same_vfio("after", "before"))
    faults = run_script(name, kernel, topology, script, limit=300)
    return f"{len(cases)} refused", faults


LINE = len("0x0000000000000000 0x0000000000000000 reserved\n")
FILL = 0x10000000000 >> 4


def full(script, path, page):
    """Fill the kernel's own file up to one page, which its text never exceeds."""
    three = [(0x78000000 + n * page, 0x78000000 + (n + 1) * page - 1) for n in range(3)]
    declaring(script, "three in a row", ONE, "add", three)
    script.do("filled", [f"fill {path} {FILL:#x} {2 * page:#x} {page // LINE}", "dump full"],
              filled(page, [HOLE, *three]))
    step, check = play("container", f"open:{ONE}", f"set:{ONE}", "iommu", ranges_are("full", ONE))
    script.do("VFIO with all of them", [step], check)
    script.do("emptied", [f"drain {path} {FILL:#x} {2 * page:#x} {page}", "dump emptied"],
              emptied, dumped("emptied", "loaded", {ONE: [HOLE, *three]}))
    declaring(script, "three removed", ONE, "remove", three)
    script.do("nothing changed when not full", ["dump not-full"], same_dump("not-full", "declared"))
    # Adjacent regions are one line. Removing one from the middle makes it two lines, in the end
    # more than fit on a page; the file must stay complete then, too.
    number = 4 * page // LINE
    script.do("side by side", [f"fill {path} {FILL:#x} {page:#x} {number}", "dump row"],
              side_by_side(page))
    script.do("split", [f"drain {path} {FILL + page:#x} {2 * page:#x} {number // 2}", "dump split"],
              split_up(page))
    script.do("all gone", [
        # Remove the rest from the end on, where each removal shortens the file.
        *[f"drain {path} {FILL + n * page:#x} {page:#x} 1" for n in reversed(range(number))],
        "dump all-gone"], same_dump("all-gone", "declared"))


def row(number, page):
    return [(FILL + n * page, FILL + (n + 1) * page - 1) for n in range(number)]


def size_of(group):
    return sum(len(line) + 1 for line in group.lines("reserved_regions"))


def filled(page, also):
    """The file is as full as it can be, and complete."""
    def check(piece, state):
        told = [line.split() for line in piece.said("fill")]
        if len(told) != 1 or told[0][1] != "E2BIG":
            return [f"fill {told}, expected E2BIG"]
        count = state["filled"] = int(told[0][0])
        regions = [(FILL + 2 * n * page, FILL + (2 * n + 1) * page - 1) for n in range(count)]
        faults = dumped("full", "loaded", {ONE: [*also, *regions]})(piece, state)
        if faults:
            return faults
        size = size_of(where(state["full"], ONE))
        if size >= page:
            faults.append(f"the kernel's file has {size} bytes")
        # The module may reserve room for devices that join the group, and to split the three.
        if size < page * 15 // 16 - 3 * LINE:
            faults.append(f"refused though the kernel's file has only {size} bytes")
        if not piece.log[-1:] or not piece.log[-1].startswith("iommu_resv: group "):
            faults.append(f"the log lacks the refusal: {piece.log[-1:]}")
        return faults
    return check


def side_by_side(page):
    """All regions were accepted, or as many as can be split again."""
    def check(piece, state):
        told = [line.split() for line in piece.said("fill")]
        if len(told) != 1 or told[0][1] not in ("ok", "E2BIG") or told[0][0] == "0":
            return [f"fill {told}"]
        state["accepted"], state["refusal"] = int(told[0][0]), told[0][1] == "E2BIG"
        return dumped("row", "loaded", {ONE: [HOLE, *row(state["accepted"], page)]})(piece, state)
    return check


def split_up(page):
    """A removal that splits a region, or an earlier declaration, was refused when the file was
    full; and the file is complete."""
    def check(piece, state):
        told = [line.split() for line in piece.said("drain")]
        if len(told) != 1 or told[0][1] not in ("E2BIG", "ENOENT", "ok"):
            return [f"drain {told}"]
        gone = {2 * n + 1 for n in range(int(told[0][0]))}
        regions = [r for n, r in enumerate(row(state.get("accepted", 0), page)) if n not in gone]
        faults = dumped("split", "loaded", {ONE: [HOLE, *regions]})(piece, state)
        if told[0][1] != "E2BIG" and not state.get("refusal"):
            faults.append(f"drain {told}, expected E2BIG")
        if "split" in state and size_of(where(state["split"], ONE)) >= page:
            faults.append(f"the file has {size_of(where(state['split'], ONE))} bytes")
        return faults
    return check


def emptied(piece, state):
    told = piece.said("drain")
    want = f"{state.get('filled')} ENOENT"
    return [] if told == [want] else [f"drain {told}, expected {want}"]
