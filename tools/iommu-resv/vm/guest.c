// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a guest has its memory.  Each rule names the source file of QEMU (or of the
 * other VMM) that it follows, and the machine types to which it applies;
 * tests/tools/qemu-judge compares the result with the real QEMU of two Debian releases
 * for hundreds of command lines.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vm.h"

#define FOUR_GIB	(4 * GIB)

/* hw/i386/pc.c: AMD_HT_START, AMD_ABOVE_1TB_START */
#define HT_START	UINT64_C(0xfd00000000)
#define HT_END		UINT64_C(0x10000000000)

/* include/hw/acpi/acpi.h */
#define ACPI_MAX_RAM_SLOTS	256

static uint64_t up(uint64_t value, uint64_t to)
{
	return (value + (to - 1)) / to * to;
}

static void add_area(struct guest_map *m, enum area_kind kind, uint64_t start,
		     uint64_t size)
{
	if (!size || m->nr == AREAS_MAX)
		return;
	m->a[m->nr++] = (struct area) { kind, { start, start + (size - 1) } };
}

static int by_start(const void *a, const void *b)
{
	const struct area *x = a, *y = b;

	return (x->at.start > y->at.start) - (x->at.start < y->at.start);
}

/*
 * hw/core/machine.c, machine_set_mem() (before 7.1: softmmu/vl.c, set_memory_options())
 * and machine_run_board_init()
 */
static char *refused_memory(const struct guest *g)
{
	if (g->backend)
		return keep_printf("its memory backend has another size (0x%" PRIx64 ") than the memory (0x%" PRIx64 ")",
				   g->backend, g->ram);
	if (g->maxmem < g->ram)
		return keep_printf("maxmem (0x%" PRIx64 ") is less than the memory (0x%" PRIx64 ")",
				   g->maxmem, g->ram);
	if (g->slots && g->maxmem == g->ram)
		return keep_string("there are slots for memory, but maxmem leaves nothing for them");
	return NULL;
}

/*
 * The memory below 4 GiB.  q35: hw/i386/pc_q35.c, pc_q35_init(), all machine types.
 * pc: hw/i386/pc_piix.c, pc_init1(); pc-i440fx-1.7 and older do not keep GiB together
 * (gigabyte_align).
 */
static uint64_t low_memory(const struct guest *g)
{
	uint64_t low, limit = g->low_limit;

	if (g->machine == VM_Q35) {
		low = g->ram >= UINT64_C(0xb0000000) ? 2 * GIB : UINT64_C(0xb0000000);
		if (limit && low > limit)
			low = limit;
	} else {
		if (!limit)
			limit = UINT64_C(0xe0000000);
		low = limit;
		if (g->ram >= limit && g->version >= 200 && low > 3 * GIB)
			low = 3 * GIB;
	}
	return g->ram < low ? g->ram : low;
}

/**
 * struct pc_memory - memory above 4 GiB of a PC
 * @start: of it
 * @size: of it, may be 0
 * @dimm: start of the hot-plug area
 * @dimm_size: its size, 0 if there is none
 * @hole64: start of the 64-bit PCI hole
 * @top: last address that QEMU takes the guest to use
 */
struct pc_memory {
	uint64_t start;
	uint64_t size;
	uint64_t dimm;
	uint64_t dimm_size;
	uint64_t hole64;
	uint64_t top;
};

/*
 * hw/i386/pc.c: pc_get_device_memory_range(), pc_pci_hole64_start(), pc_max_used_gpa().
 * A GiB a slot is added since 2.2 (enforce_aligned_dimm).  Until 2.4 the hole begins
 * where the hot-plug area does (broken_reserved_end).  A CPU without 64 bits has no
 * hole since 8.2; before, all that matters is that such a guest is not moved.
 */
static void pc_above(const struct guest *g, uint64_t start, uint64_t low,
		     struct pc_memory *pc)
{
	pc->start = start;
	pc->size = g->ram - low;
	pc->dimm = up(pc->start + pc->size, GIB);
	pc->dimm_size = g->maxmem > g->ram ? g->maxmem - g->ram : 0;
	if (pc->dimm_size && g->version >= 202)
		pc->dimm_size += g->slots * GIB;
	pc->hole64 = pc->start + pc->size;
	if (pc->dimm_size)
		pc->hole64 = g->version <= 204 ? pc->dimm : pc->dimm + pc->dimm_size;
	pc->hole64 = up(pc->hole64, GIB);
	if (g->long_mode)
		pc->top = pc->hole64 + g->hole64 - 1;
	else if (pc->dimm_size)
		pc->top = pc->dimm + pc->dimm_size - 1;
	else
		pc->top = pc->start + pc->size - 1;
}

/*
 * hw/i386/pc.c, pc_memory_init(): since machine types 7.1 (enforce_amd_1tb_hole), and
 * only if the guest's CPU is an AMD, everything above 4 GiB moves above 1 TiB if any of
 * it would reach the HyperTransport hole.
 */
static void pc_relocate(const struct guest *g, uint64_t low, struct pc_memory *pc,
			struct guest_map *m)
{
	if (pc->top < HT_START || !g->long_mode)
		return;
	if (g->version < 701 && g->version_known)
		return;
	if (g->vendor != VENDOR_AMD && g->vendor != VENDOR_UNKNOWN)
		return;
	if (g->vendor == VENDOR_UNKNOWN)
		m->unknown = keep_string("QEMU moves the memory above 1 TiB if the CPU is from AMD, and the vendor of this CPU is not known here");
	else if (!g->version_known)
		m->unknown = keep_printf("QEMU 7.1 and later machine types move the memory above 1 TiB, and which of them %s follows is not known",
					 g->machine_type);
	else
		pc_above(g, HT_END, low, pc);
}

/*
 * edk2, OvmfPkg/Library/PlatformInitLib/MemDetect.c, PlatformAddressWidthFromCpuid()
 * and PlatformDynamicMmioWindow() (edk2-stable202211 and later); SeaBIOS 1.16.3 and
 * later, src/fw/paravirt.c, physbits(), and src/fw/pciinit.c: they trust the bits of a
 * CPU under QEMU unless these equal an old default.  Then BARs go to the top eighth of
 * the address space, else into QEMU's hole.
 */
static void pc_bars(const struct guest *g, const struct pc_memory *pc,
		    struct guest_map *m)
{
	unsigned int bits = g->phys_bits;
	uint64_t size, base;
	bool valid;

	if (!bits || g->cxl)
		return;
	valid = bits >= 41 ||
		(g->vendor == VENDOR_INTEL && (bits == 36 || bits == 39)) ||
		(g->vendor == VENDOR_AMD && bits == 40);
	if (g->firmware == FIRMWARE_EDK2 && g->guest_bits) {
		valid = true;
		if (bits > g->guest_bits)
			bits = g->guest_bits;
	}
	if (g->firmware == FIRMWARE_SEABIOS && (!pc->size || bits < 36))
		valid = false;
	if (g->firmware == FIRMWARE_NONE || !g->long_mode)
		valid = false;
	if (bits > 46)
		bits = 46;
	if (g->firmware == FIRMWARE_EDK2 && bits > 40 && !g->huge_pages)
		bits = 40;
	size = UINT64_C(1) << (bits - 3);
	base = (UINT64_C(1) << bits) - size;
	/* If memory is there, both stay in the hole; that of edk2 has its own size. */
	if (!valid || base <= pc->hole64) {
		size = g->firmware == FIRMWARE_EDK2 ? 32 * GIB :
		       m->hole64.end - m->hole64.start + 1;
		base = g->firmware == FIRMWARE_EDK2 ? up(pc->hole64, size) : pc->hole64;
	}
	add_area(m, AREA_BARS, base, size);
}

static void pc_map(const struct guest *g, struct guest_map *m)
{
	uint64_t low = low_memory(g);
	struct pc_memory pc;

	m->refused = refused_memory(g);
	if (!m->refused && g->maxmem > g->ram && g->slots > ACPI_MAX_RAM_SLOTS)
		m->refused = keep_printf("%" PRIu64 " slots for memory are more than %d",
					 g->slots, ACPI_MAX_RAM_SLOTS);
	if (!m->refused && g->maxmem > g->ram && g->maxmem % 4096)
		m->refused = keep_string("maxmem is not made of whole pages");
	if (!m->refused && g->low_limit > FOUR_GIB)
		m->refused = keep_string("max-ram-below-4g is above 4 GiB");
	if (m->refused)
		return;
	pc_above(g, FOUR_GIB, low, &pc);
	pc_relocate(g, low, &pc, m);
	if (m->unknown)
		return;
	/* hw/i386/pc.c, pc_memory_init(); 32-bit CPUs have 36 bits, and are not checked before 8.2 */
	if (g->phys_bits && (g->long_mode || g->version >= 802) &&
	    pc.top >> g->phys_bits) {
		m->refused = keep_printf("memory and PCI hole end at 0x%" PRIx64 ", beyond the CPU's %u address bits",
					 pc.top, g->phys_bits);
		m->bits_low = true;
	}
	add_area(m, AREA_RAM, 0, low);
	add_area(m, AREA_RAM, pc.start, pc.size);
	add_area(m, AREA_HOTPLUG, pc.dimm, pc.dimm_size);
	m->hotplug_used = g->maxmem - g->ram;
	if (g->long_mode && g->hole64 && !g->cxl) {
		/* hw/pci-host/q35.c, q35_host_get_pci_hole64_end(), and i440fx.c */
		m->hole64.start = pc.hole64;
		m->hole64.end = up(pc.hole64 + g->hole64, GIB) - 1;
		pc_bars(g, &pc, m);
	}
}

/*
 * hw/arm/virt.c, virt_set_memmap() and virt_set_high_memmap(): memory from 1 GiB, then
 * the hot-plug area, and from 256 GiB or behind that the high regions, each aligned to
 * its size.  A region that does not fit is omitted; before 7.2 (compact-highmem=off) it
 * takes its space nevertheless.
 */
static void virt_high(const struct guest *g, uint64_t base, struct guest_map *m)
{
	const struct {
		enum area_kind kind;
		uint64_t size;
		bool on;
	} high[] = {
		{ AREA_GIC, 64 * MIB, g->redists },
		{ AREA_ECAM, 256 * MIB, g->ecam },
		{ AREA_BARS, g->mmio_size, g->mmio },
	};
	size_t i;

	for (i = 0; i < sizeof(high) / sizeof(high[0]); i++) {
		uint64_t start = up(base, high[i].size), end = start + high[i].size;
		bool on = high[i].on && !(g->phys_bits && (end - 1) >> g->phys_bits);

		if (!g->highmem)
			on = false;
		if (on)
			add_area(m, high[i].kind, start, high[i].size);
		if (on || !g->compact)
			base = end;
	}
}

static void virt_map(const struct guest *g, struct guest_map *m)
{
	unsigned int bits = g->highmem ? g->phys_bits : 32;
	uint64_t dimm, dimm_size, top;

	m->refused = refused_memory(g);
	if (!m->refused && g->slots > ACPI_MAX_RAM_SLOTS)
		m->refused = keep_printf("%" PRIu64 " slots for memory are more than %d",
					 g->slots, ACPI_MAX_RAM_SLOTS);
	if (m->refused)
		return;
	dimm = up(GIB + g->ram, GIB);
	dimm_size = g->maxmem - g->ram + g->slots * GIB;
	top = dimm + up(dimm_size, GIB);
	if (bits && (top - 1) >> bits) {
		m->refused = keep_printf("memory ends at 0x%" PRIx64 ", beyond %u address bits",
					 top - 1, bits);
		m->bits_low = true;
	}
	add_area(m, AREA_RAM, GIB, g->ram);
	add_area(m, AREA_HOTPLUG, dimm, dimm_size);
	m->hotplug_used = g->maxmem - g->ram;
	virt_high(g, top < 256 * GIB ? 256 * GIB : top, m);
}

/*
 * Cloud Hypervisor, arch/src/x86_64/layout.rs and arch/src/aarch64/layout.rs; hot-plug
 * area and BARs: vmm/src/memory_manager.rs, start_addr() and mmio_address_space_size().
 * The last MiB before the 64 KiB at the end is for platform devices.
 */
static void clh_map(const struct guest *g, struct guest_map *m)
{
	bool arm = g->machine == VM_CLH_ARM;
	uint64_t start = arm ? GIB : 0;
	uint64_t low = arm ? UINT64_C(0xfc000000) - GIB : 3 * GIB;
	uint64_t end, hotplug = g->maxmem - g->ram;

	if (low > g->ram)
		low = g->ram;
	add_area(m, AREA_RAM, start, low);
	add_area(m, AREA_RAM, FOUR_GIB, g->ram - low);
	end = FOUR_GIB + (g->ram - low);
	if (hotplug)
		end = up(end, 128 * MIB);
	m->hotplug_used = hotplug;
	add_area(m, AREA_HOTPLUG, end, hotplug);
	end += hotplug;
	if (!g->phys_bits)
		return;
	if (end >= (UINT64_C(1) << g->phys_bits) - 64 * 1024 - MIB) {
		m->refused = keep_printf("memory ends at 0x%" PRIx64 ", beyond %u address bits",
					 end - 1, g->phys_bits);
		m->bits_low = true;
		return;
	}
	add_area(m, AREA_BARS, end, (UINT64_C(1) << g->phys_bits) - 64 * 1024 - MIB - end);
}

/**
 * guest_map() - where the guest has its memory
 * @g: the guest
 * @m: to fill
 */
void guest_map(const struct guest *g, struct guest_map *m)
{
	*m = (struct guest_map) { 0 };
	if (g->machine == VM_CLH_X86 || g->machine == VM_CLH_ARM)
		clh_map(g, m);
	else if (g->machine == VM_VIRT)
		virt_map(g, m);
	else
		pc_map(g, m);
	qsort(m->a, m->nr, sizeof(m->a[0]), by_start);
}

void guest_device(struct guest *g, const char *name, bool managed)
{
	size_t i;

	for (i = 0; i < g->nr_devices; i++)
		if (!strcmp(g->devices[i].name, name))
			return;
	if (g->nr_devices == VM_DEVICES_MAX)
		vm_fail("more than %d devices are passed through", VM_DEVICES_MAX);
	if (!g->devices)
		g->devices = keep_alloc(VM_DEVICES_MAX * sizeof(*g->devices));
	g->devices[g->nr_devices++] = (struct vm_device) { keep_string(name), managed };
}

void guest_note(struct guest *g, char *note)
{
	if (!words_have(&g->notes, note))
		words_add(&g->notes, note);
}
