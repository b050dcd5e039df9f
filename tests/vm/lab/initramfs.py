# SPDX-License-Identifier: GPL-2.0-only
"""Write an initramfs (cpio, "newc") with the agent, its steps and the modules it needs."""
import lzma
import subprocess

from lab import kernels


def entry(name, data, mode, inode):
    """One member: header in hexadecimal, name and data each padded to four bytes."""
    name = name.encode() + b"\0"
    fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
    head = b"070701" + b"".join(b"%08X" % value for value in fields) + name
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def cpio(files, folders=(), links=()):
    """An archive of FILES, {name: bytes}, all of them executable; LINKS: {name: target}."""
    names, links = set(folders), dict(links)
    for name in [*files, *links]:
        parts = name.split("/")[:-1]
        names |= {"/".join(parts[:i + 1]) for i in range(len(parts))}
    out, inode = [], 1
    for name in sorted(names):
        out.append(entry(name, b"", 0o040755, inode))
        inode += 1
    for name, data in files.items():
        out.append(entry(name, data, 0o100755, inode))
        inode += 1
    for name, target in links.items():
        out.append(entry(name, target.encode(), 0o120777, inode))
        inode += 1
    out.append(entry("TRAILER!!!", b"", 0, 0))
    data = b"".join(out)
    return data + b"\0" * (-len(data) % 512)


def unpacked(path):
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
    if path.suffix == ".gz":
        import gzip
        return gzip.decompress(path.read_bytes())
    return path.read_bytes()


def depends(data):
    """Names in the "depends=" line of a module's .modinfo."""
    at = data.find(b"\0depends=")
    if at < 0:
        return []
    end = data.index(b"\0", at + 1)
    return [n.replace("-", "_") for n in data[at + 9:end].decode().split(",") if n]


def pick(kernel, wanted):
    """WANTED modules and what they need, in loading order: [(file name, bytes)]."""
    done, out = set(), []

    def visit(name, needed):
        if name in done or name in kernel.builtin:
            return
        done.add(name)
        if name not in kernel.files:
            if needed:
                raise kernels.Failure(f"{kernel.release} has no module {name}")
            return
        data = unpacked(kernel.files[name])
        for other in depends(data):
            visit(other, True)
        out.append((name + ".ko", data))

    for name in wanted:
        optional = name.startswith("?")
        visit(name.lstrip("?"), not optional)
    return out


# Modules of every VM. virtio_pci's ring and core come as its dependencies, and so does
# vfio_virqfd where the kernel has it.
BASE = ["virtio_pci", "virtio_console", "vfio_iommu_type1", "vfio_pci"]
# Modules where the container is iommufd's; iommufd comes as a dependency of vfio.
BASE_IOMMUFD = [name for name in BASE if name != "vfio_iommu_type1"]


def build(kernel, steps, wanted=(), tables=None, extra=None, module=None, later=()):
    """The whole initrd. TABLES: {name: bytes} ACPI tables that override those of the firmware.
    EXTRA: {name: bytes} files. LATER: modules that are in /lib but are not loaded at boot.

    The tables are in an archive of their own at the start, where the kernel looks for them."""
    files = {
        "init": kernels.guest_program("agent", kernel.arch).read_bytes(),
        "vfio-check": kernels.guest_program("vfio-check", kernel.arch).read_bytes(),
        "steps": ("\n".join(steps) + "\n").encode(),
    }
    if module:
        kernel.use(module)
    if kernel.module:
        files["iommu_resv.ko"] = kernel.module.read_bytes()
    if kernel.livepatch:
        files["iommu_resv_livepatch.ko"] = kernel.livepatch.read_bytes()
    listing = []
    base = BASE_IOMMUFD if kernel.iommufd else BASE
    for name, data in pick(kernel, [*wanted, *base, *later]):
        files["lib/" + name] = data
        if name.removesuffix(".ko") not in later:
            listing.append("/lib/" + name)
    files["modules"] = ("\n".join(listing) + "\n").encode()
    files.update(extra or {})
    # The kernel loads the livepatch by modprobe, which is a link to the agent.
    main = cpio(files, ["dev", "proc", "run", "sys", "tmp"], {"sbin/modprobe": "/init"})
    if not tables:
        return main
    return cpio({f"kernel/firmware/acpi/{n}.aml": t for n, t in tables.items()}) + main
