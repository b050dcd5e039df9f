# SPDX-License-Identifier: GPL-2.0-only
"""Firmware tables with mistakes that the kernel's own parser survives."""
import struct
from dataclasses import dataclass

from lab.acpi import (SMMU_NODE, devid, dmar, drhd, endpoint, iort, ivmd, ivrs, remapping, rmr,
                      rmrr, scope)


@dataclass(frozen=True)
class Case:
    name: str
    topology: str       # the topology whose devices the machine has
    kernels: tuple
    signature: str
    tables: dict
    lines: int = 1      # number of lines that the module logs about the table
    shows: tuple = ()   # (device, start of a line of `regions`) that must be shown nevertheless
    off: bool = False   # the kernel turns its IOMMU off
    append: str = ""    # kernel arguments


def dmar_case(name, *structures, kernels=("6.12-amd64",), **more):
    return Case(f"dmar-{name}", "rmrr", kernels, "DMAR", {"dmar": dmar(*structures)}, **more)


def ivrs_case(name, *structures, kernels=("6.12-amd64",), **more):
    return Case(f"ivrs-{name}", "ivmd", kernels, "IVRS", {"ivrs": ivrs(*structures)}, **more)


GOOD = rmrr(0x1a000000, 0x1a00ffff, endpoint(3))
GOOD_SHOWN = (("0000:00:03.0", "0x000000001a000000 0x000000001a00ffff direct rmrr"),)
GOOD_IVMD = ivmd(0x21, devid(3), 0x1a000000, 0x10000)
IVMD_SHOWN = (("0000:00:03.0", "0x000000001a000000 0x000000001a00ffff direct ivmd"),)

CASES = [
    # Every kernel that uses its IOMMU hangs at a structure of length 0; a unit at address 0 makes
    # it turn the IOMMU off.
    Case("dmar-zero-length", "rmrr", ("5.10-amd64", "7-amd64"), "DMAR",
         {"dmar": dmar(GOOD, remapping(2, b"", length=0), unit=drhd(0))}, off=True),
    # The last structure is longer than the table: the kernel turns its IOMMU off.
    dmar_case("past-the-end", GOOD, rmrr(0x1a010000, 0x1a01ffff, endpoint(5), length=200),
              off=True),
    # The table ends in the middle of a header; a kernel that used its IOMMU would hang here, too.
    Case("dmar-truncated", "rmrr", ("6.12-amd64",), "DMAR",
         {"dmar": dmar(GOOD, struct.pack("<H", 1), unit=drhd(0))}, off=True),
    # A device scope that is longer than its structure, so that it reaches into the next one.
    dmar_case("scope-past-the-end",
              rmrr(0x1a010000, 0x1a01ffff, scope(1, 0, 0, (5, 0), length=40)), GOOD,
              shows=GOOD_SHOWN),
    dmar_case("end-below-start", rmrr(0x1a01ffff + 1, 0x1a010000 - 1, endpoint(5)), GOOD,
              shows=GOOD_SHOWN),
    # Overlapping regions of one device are not an error of the table's form.
    dmar_case("overlap", GOOD, rmrr(0x1a008000, 0x1a01ffff, endpoint(3)), lines=0,
              shows=GOOD_SHOWN),
    ivrs_case("end-below-start", GOOD_IVMD, ivmd(0x21, devid(5), 0xfffffffffffff000, 0x10000),
              shows=IVMD_SHOWN),
    # Here the kernel would hang, too.
    ivrs_case("zero-length", GOOD_IVMD, ivmd(0x21, devid(5), 0x1a010000, 0x1000, length=0),
              append="amd_iommu=off", off=True),
    # The kernel lists a region that ends before it begins.
    ivrs_case("no-size", GOOD_IVMD, ivmd(0x21, devid(5), 0x1a010000, 0), shows=IVMD_SHOWN),
    ivrs_case("past-the-end", GOOD_IVMD, ivmd(0x21, devid(5), 0x1a010000, 0x10000, length=64),
              kernels=("6.12-amd64", "7-amd64"), shows=IVMD_SHOWN),
    ivrs_case("overlap", GOOD_IVMD, ivmd(0x22, 0, 0x1a008000, 0x10000, extra=0xff), lines=0,
              shows=IVMD_SHOWN),
    Case("iort-zero-length", "smmu-acpi", ("6.12-arm64",), "IORT",
         {"iort": iort(rmr(0x50000000, 0x10000, SMMU_NODE, 0x18, length=0))}),
    Case("iort-past-the-end", "smmu-acpi", ("6.1-arm64", "7-arm64"), "IORT",
         {"iort": iort(rmr(0x50000000, 0x10000, SMMU_NODE, 0x18, length=4096))}),
    Case("iort-end-below-start", "smmu-acpi", ("6.12-arm64",), "IORT",
         {"iort": iort(rmr(0xffffffffffff0000, 0x20000, SMMU_NODE, 0x18))}),
]
