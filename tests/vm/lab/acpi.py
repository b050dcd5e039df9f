# SPDX-License-Identifier: GPL-2.0-only
"""ACPI tables like QEMU's with additions, which the kernel gets instead of QEMU's.

A table replaces the firmware's if the signature and the OEM names are the same and its OEM
revision is higher (drivers/acpi/tables.c)."""
import struct


def table(signature, revision, body, length=None):
    """A table with QEMU's OEM names; LENGTH, if given, is a wrong length for its header."""
    size = 36 + len(body)
    head = struct.pack("<4sIBB6s8sI4sI", signature.encode(), size if length is None else length,
                       revision, 0, b"BOCHS ", b"BXPC    ", 2, b"RESV", 1)
    data = bytearray(head + body)
    data[9] = -sum(data) & 0xff
    return bytes(data)


# DMAR: VT-d specification, chapter 8

def scope(kind, enumeration, bus, *path, length=None):
    """One device scope; PATH is (device, function) pairs."""
    body = b"".join(struct.pack("BB", *pair) for pair in path)
    return struct.pack("<BBHBB", kind, 6 + len(body) if length is None else length, 0,
                       enumeration, bus) + body


def endpoint(device, function=0):
    return scope(1, 0, 0, (device, function))


def remapping(kind, body, length=None):
    return struct.pack("<HH", kind, 4 + len(body) if length is None else length) + body


def drhd(base=0xfed90000):
    """QEMU's only unit, which has all devices and the IOAPIC (on bus 0xff)."""
    return remapping(0, struct.pack("<BBHQ", 1, 0, 0, base) + scope(3, 0, 0xff, (0, 0)))


def rmrr(start, end, *scopes, length=None):
    return remapping(1, struct.pack("<HHQQ", 0, 0, start, end) + b"".join(scopes), length)


def dmar(*structures, unit=drhd()):
    body = struct.pack("<BB10x", 39 - 1, 1) + unit + b"".join(structures)
    return table("DMAR", 1, body)


# IVRS: AMD I/O Virtualization Technology specification, chapter 5

def ivhd(images=None):
    """QEMU's unit, 00:01.0, with all devices behind it, and the IOAPIC as 00:14.0. With IMAGES
    (of its two extended feature registers) the block has type 0x11."""
    body = b"" if images is None else struct.pack("<QQ", *images)
    body += struct.pack("<BHB", 1, 0, 0) + struct.pack("<BHBBHB", 0x48, 0, 0, 0, 0xa0, 1)
    return struct.pack("<BBHHHQHHI", 0x10 if images is None else 0x11, 0xd1, 24 + len(body),
                       devid(1), 0x40, 0xfed80000, 0, 0, 0x44 if images is None else 0) + body


def ivmd(kind, device, start, size, flags=7, extra=0, length=32):
    """A memory block; FLAGS 7 is unity map, read and write; EXTRA the last device of a range."""
    return struct.pack("<BBHHHQQQ", kind, flags, length, device, extra, 0, start, size)


def ivrs(*structures, info=0x2800):
    return table("IVRS", 1, struct.pack("<I8x", info) + ivhd() + b"".join(structures))


def devid(device, function=0, bus=0):
    return bus << 8 | device << 3 | function


# IORT: Arm's IO Remapping Table, DEN0049

def iort_node(kind, revision, body, maps=b"", length=None):
    size = 16 + len(body) + len(maps)
    return struct.pack("<BHBIII", kind, size if length is None else length, revision, 0,
                       len(maps) // 20, 16 + len(body)) + body + maps


def iort_map(output, base=0, count=0xffff, to=0):
    return struct.pack("<IIIII", base, count, to, output, 0)


def rmr(start, size, smmu, stream, length=None):
    """One range for one stream, of the SMMU node at that offset."""
    body = struct.pack("<III", 0, 1, 28) + struct.pack("<QQI", start, size, 0)
    node = iort_node(6, 3, body, iort_map(smmu, stream, 0, stream), length)
    return node


SMMU_NODE = 48 + 24


def iort(*more, bits=64):
    """QEMU's virt machine: an ITS, the SMMU before it, and a PCI root that passes addresses of
    BITS bits; then MORE nodes."""
    its = iort_node(0, 1, struct.pack("<II", 1, 0))
    smmu = iort_node(4, 4, struct.pack("<QIIQIIIIIII", 0x9050000, 1, 0, 0, 0, 106, 107, 109, 108,
                                       0, 0), iort_map(48))
    root = iort_node(2, 3, struct.pack("<IBHBIIB3x", 1, 0, 0, 3, 0, 0, bits),
                     iort_map(SMMU_NODE))
    nodes = [its, smmu, root, *more]
    # Kernels read RMR nodes only in tables of revision 5 or later.
    return table("IORT", 5, struct.pack("<III", len(nodes), 48, 0) + b"".join(nodes))
