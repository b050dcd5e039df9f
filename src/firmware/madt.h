/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parser of the ACPI MADT, whose signature is APIC (ACPI specification 6.5,
 * section 5.2.12): finds the MSI doorbells of an Arm machine's interrupt
 * controllers.
 */
#ifndef RESV_FIRMWARE_MADT_H
#define RESV_FIRMWARE_MADT_H

#include "model/base.h"

/**
 * enum resv_madt_type - subtables that name a doorbell
 * @RESV_MADT_MSI_FRAME: GICv2m MSI frame
 * @RESV_MADT_ITS: interrupt translation service of a GICv3 or v4
 * @RESV_MADT_ITS_FRAME: translate frame of an ITS of a GICv5, since ACPI 6.7
 *
 * ACPI_MADT_TYPE_* of include/acpi/actbl2.h; the last one is missing in kernels
 * without a GICv5 driver.
 */
enum resv_madt_type {
	RESV_MADT_MSI_FRAME = 13,
	RESV_MADT_ITS = 15,
	RESV_MADT_ITS_FRAME = 30
};

/**
 * struct resv_madt_doorbell - one doorbell
 * @offset: offset of the subtable in the table
 * @type: one of enum resv_madt_type
 * @base: physical address of the register frame, never 0
 * @doorbell: physical address to which devices write messages, never below @base
 *
 * The table lists doorbells that the machine has, not those that the kernel
 * uses: on a GICv3 with LPIs, that is, with an ITS, the kernel does not use the
 * MSI frames (gic_init_bases() in drivers/irqchip/irq-gic-v3.c).
 *
 * On Amazon's Graviton (OEM id AMAZON) the interrupt number is part of the
 * address, so devices write messages anywhere into the 8 KiB at the @base of
 * an MSI frame (gicv2m_get_msi_addr() in drivers/irqchip/irq-gic-v2m.c).
 */
struct resv_madt_doorbell {
	size_t offset;
	u8 type;
	u64 base;
	u64 doorbell;
};

int resv_parse_madt(const void *table, size_t len,
		    int (*fn)(void *ctx,
			      const struct resv_madt_doorbell *doorbell),
		    void *ctx, struct resv_parse_err *err);

#endif /* RESV_FIRMWARE_MADT_H */
