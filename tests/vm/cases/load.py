# SPDX-License-Identifier: GPL-2.0-only
"""Tests load-*: loading and unloading the module, and its parameters."""
from cases import case
from expect import judge
from lab import kernels
from lab.kernels import series_of
from lab.topologies import PLAIN
from talk.script import Script
from talk.words import MODULE


@case("load-cycles-{key}", ("5.10-amd64", "7-amd64", "7-arm64"), slow=1)
def cycles(key, name, count=25):
    """The module can be loaded and unloaded COUNT times while programs read every file and use
    VFIO."""
    kernel = kernels.get(key)
    steps = ["bind", "spawn reader read-all", "spawn user /vfio-check loop 0000:00:03.0",
             f"cycle {count} {MODULE} iommu_resv", f"load {MODULE}", "sleep 200", "stop user",
             "stop reader", "dump loaded", "pieces", "vfio", "unload iommu_resv", "left"]
    # On a debug kernel KASAN finds more than poisoning does.
    lines, faults = Script(steps).run(
        name, kernel, PLAIN[kernel.arch], memory="1G", smp=2, limit=240,
        append="" if kernel.debug else "slub_debug=FZPU page_poison=1")
    faults = judge.check_report(lines, PLAIN[kernel.arch], series_of(kernel)) + faults
    if judge.said(lines, "cycle") != [f"{count} 0"]:
        faults.append(f"cycle {judge.said(lines, 'cycle')} {judge.said(lines, 'cycle-error')}")
    counts = {}
    for who in ("reader", "user"):
        told = judge.said(lines, who)
        counts.update(word.split("=") for line in told[:-1] for word in line.split())
        if told[-1:] != ["exit 0"]:
            faults.append(f"{who}: {told}")
    if not int(counts.get("files", 0)) or not int(counts.get("loops", 0)):
        faults.append(f"no operations meanwhile: {counts}")
    if counts.get("errors") != "0":
        faults.append(f"VFIO user: {counts}")
    return " ".join(f"{k}={v}" for k, v in counts.items()), faults


# (wrong parameter, errno, pattern of the log)
BAD_PARAMETERS = (
    ("sources=kernel,nonsense", "EINVAL",
     r"sources=.*: use all or a list of .*kernel.*dmar.*aperture"),
    ("strict=perhaps", "EINVAL", r"strict=perhaps .* 0 or 1"),
)


@case("load-parameters-{key}", ("5.10-amd64", "7-arm64"))
def parameters(key, name):
    """Wrong values are refused with a line that names the right ones; right ones work."""
    kernel = kernels.get(key)
    steps = [f"load {MODULE} {bad[0]}" for bad in BAD_PARAMETERS]
    steps += ["left", "bind", f"load {MODULE} strict=1 sources=all", "dump loaded", "pieces",
              "vfio",
              "unload iommu_resv", f"load {MODULE} sources=kernel,msi", "dump part",
              "unload iommu_resv", "left"]
    topology = PLAIN[kernel.arch]
    lines, faults = Script(steps).run(name, kernel, topology)
    loads = [line.split()[1] for line in judge.said(lines, "load")]
    wanted = [bad[1] for bad in BAD_PARAMETERS] + ["ok", "ok"]
    if loads != wanted:
        faults.append(f"loads: {loads}, expected {wanted}")
    log = "\n".join(line for line in judge.said(lines, "log") if line.startswith("iommu_resv: "))
    faults += [f"the log lacks '{bad[2]}'" for bad in BAD_PARAMETERS
               if not judge.re.search(bad[2], log)]
    rest = [line for line in lines if not line.startswith("load ")]
    faults += judge.check_report(rest, topology, series_of(kernel))
    part = judge.dumps(lines).get("part", {})
    origins = {r[3] for g in part.values() for r in g.regions()}
    if not origins or origins & {"aperture", "apic", "bridge", "rmrr"}:
        faults.append(f"sources=kernel,msi gave {sorted(origins)}")
    return "", faults


# {name: (probes to break, the feature that is then lost)}
INERT = {
    "isolation": (("isolated_msi_group", "isolated_msi_domains"), "msi-isolation"),
}


@case("load-inert-{what}-{key}", ("6.12-amd64",), what=tuple(INERT))
def inert(key, what, name):
    """With an unknown interface the module builds, loads and says which feature is off."""
    kernel = kernels.get(key, build=False)
    probes, feature = INERT[what]
    tree = kernels.CACHE / f"tree-{name}"
    kernels.copy_tree(tree)
    for probe in probes:
        source = tree / "compat" / "probe" / f"{probe}.c"
        source.write_text(source.read_text() + "\n#error an interface that no kernel has\n")
    kernel.use(kernels.build_module(key, tree))
    topology = PLAIN[kernel.arch]
    steps = [f"load {MODULE} strict=1", "left", f"load {MODULE}", "bind", "dump loaded",
             "unload iommu_resv", "left"]
    lines, faults = Script(steps).run(name, kernel, topology)
    faults += [f"left {path}" for path in judge.said(lines, "left")]
    loads = [line.split()[1] for line in judge.said(lines, "load")]
    if loads != ["EOPNOTSUPP", "ok"]:
        faults.append(f"loads with strict=1 and without: {loads}")
    groups = judge.dumps(lines)["loaded"]
    files = groups.pop("-")
    faults += judge.check_module_files(files)
    line = [f for f in files.lines("features") if f.startswith(f"{feature} ")]
    if not line or line[0].split()[1] != "inert" or line[0].split()[3:] in ([], ["-"]):
        faults.append(f"features: {line}, expected '{feature} inert' and why")
    for group in groups.values():
        faults += judge.check_group(group)
    if not any(feature in text for text in judge.said(lines, "log")
               if text.startswith("iommu_resv: ")):
        faults.append(f"the log does not name {feature}")
    return line[0] if line else "", faults
