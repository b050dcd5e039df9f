// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proposes settings, in the syntax of the program that runs the VM. A setting is proposed
 * only if the guest's map, made again with the setting, no longer has the fault.
 */
#include <inttypes.h>
#include <string.h>

#include "../range.h"
#include "vm.h"

/**
 * struct quest - the search for settings
 * @g: the guest, with the settings that were found so far
 * @v: the findings
 * @p: the proposals
 */
struct quest {
	struct guest g;
	const struct vm_verdict *v;
	struct proposals *p;
};

static struct proposal *add(struct quest *q, char *cause)
{
	struct proposals *p = q->p;

	if (!(p->nr & (p->nr - 1)))
		p->p = keep_more(p->p, p->nr * sizeof(*p->p),
				 (p->nr ? 2 * p->nr : 1) * sizeof(*p->p));
	p->p[p->nr] = (struct proposal) { .cause = cause };
	return &p->p[p->nr++];
}

static void line(struct proposal *p, char *text)
{
	words_add(&p->lines, text);
}

static bool is_pc(const struct guest *g)
{
	return g->machine == VM_PC || g->machine == VM_Q35;
}

/* "16G", or MiB or KiB if it is not whole GiB */
static char *size_text(uint64_t size)
{
	if (!(size % GIB))
		return keep_printf("%" PRIu64 "G", size / GIB);
	if (!(size % MIB))
		return keep_printf("%" PRIu64 "M", size / MIB);
	return keep_printf("%" PRIu64 "K", size / 1024);
}

static char *libvirt_size(const char *element, const char *more, uint64_t size)
{
	const char *unit = size % GIB ? "MiB" : "GiB";

	return keep_printf("<%s%s unit='%s'>%" PRIu64 "</%s>", element, more, unit,
			   size / (size % GIB ? MIB : GIB), element);
}

/* An option of QEMU, for programs that have no setting for it */
static void qemu_option(struct quest *q, struct proposal *p, const char *name,
			char *argument)
{
	switch (q->g.format) {
	case VM_LIBVIRT:
		line(p, keep_string("<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"));
		line(p, keep_string("  <qemu:commandline>"));
		line(p, keep_printf("    <qemu:arg value='%s'/>", name));
		line(p, keep_printf("    <qemu:arg value='%s'/>", argument));
		line(p, keep_string("  </qemu:commandline>"));
		break;
	case VM_PROXMOX:
		line(p, keep_printf("args: %s %s", name, argument));
		break;
	default:
		line(p, keep_printf("%s %s", name, argument));
	}
}

static bool hit_by(const struct finding *f, enum area_kind kind)
{
	return f->severity == FINDING_NO && f->area && f->area->kind == kind;
}

static bool map_fits(const struct quest *q, const struct guest *g, bool all)
{
	struct guest_map m;

	guest_map(g, &m);
	return !m.refused && !m.unknown && verdict_map_fits(q->v, &m, AREA_RAM) &&
	       (!all || verdict_map_fits(q->v, &m, AREA_HOTPLUG));
}

/* Is all RAM below 4 GiB outside of holes? */
static bool low_fits(const struct quest *q, const struct guest *g)
{
	struct guest_map m;
	size_t i, k;

	guest_map(g, &m);
	for (i = 0; i < m.nr; i++)
		for (k = 0; k < q->v->groups.nr; k++)
			if (m.a[i].kind == AREA_RAM && m.a[i].at.start < 4 * GIB &&
			    !verdict_area_usable(&q->v->groups.g[k], &m.a[i].at))
				return false;
	return true;
}

/* Regions in low memory, other than a window that can be moved */
static void propose_low(struct quest *q)
{
	uint64_t limit = 4 * GIB;
	struct guest g = q->g;
	size_t i;

	if (!is_pc(&q->g))
		return;
	for (i = 0; i < q->v->nr; i++) {
		const struct finding *f = &q->v->f[i];

		if (hit_by(f, AREA_RAM) && f->region && f->area->at.start < 4 * GIB &&
		    f->region->at.start < limit)
			limit = f->region->at.start;
	}
	limit = limit / GIB * GIB;
	if (!limit || limit == 4 * GIB)
		return;
	g.low_limit = limit;
	if (!low_fits(q, &g))
		return;
	q->g = g;
	qemu_option(q, add(q, keep_string("a region in the memory below 4 GiB")), "-machine",
		    keep_printf("max-ram-below-4g=%s", size_text(limit)));
}

static char *machine_line(const struct guest *g, const char *type)
{
	if (g->format == VM_LIBVIRT)
		return keep_printf("<type arch='x86_64' machine='%s'>hvm</type>", type);
	if (g->format == VM_PROXMOX)
		return keep_printf("machine: %s", type);
	return keep_printf("-machine %s", type);
}

/* The setting that gives the CPU the host's address bits, or fewer */
static void bits_lines(struct quest *q, struct proposal *p, unsigned int limit)
{
	const struct guest *g = &q->g;
	bool like_host = !strcmp(g->cpu, "host") || !strcmp(g->cpu, "max");
	char *qemu;

	if (g->format == VM_CLOUD_HYPERVISOR) {
		line(p, keep_printf("--cpus max_phys_bits=%u", limit));
		return;
	}
	if (!g->kvm) {
		qemu = keep_printf("%s,phys-bits=%u", g->cpu, limit ?: 46);
	} else {
		qemu = keep_printf("%s%s", g->cpu, like_host ? "" : ",host-phys-bits=on");
		if (limit)
			qemu = keep_printf("%s,host-phys-bits-limit=%u", qemu, limit);
	}
	switch (g->format) {
	case VM_LIBVIRT:
		if (!g->kvm)
			line(p, keep_printf("<maxphysaddr mode='emulate' bits='%u'/>",
					    limit ?: 46));
		else if (limit)
			line(p, keep_printf("<maxphysaddr mode='passthrough' limit='%u'/>",
					    limit));
		else
			line(p, keep_string("<maxphysaddr mode='passthrough'/>"));
		break;
	case VM_PROXMOX:
		if (limit && g->firmware == FIRMWARE_EDK2) {
			line(p, keep_string("# qemu-server 9.0.18 and later"));
			line(p, keep_printf("cpu: %s,guest-phys-bits=%u", g->cpu, limit));
			line(p, keep_string("# before that"));
		}
		if (limit)
			line(p, keep_printf("args: -cpu %s", qemu));
		else
			line(p, keep_printf("cpu: %s,phys-bits=host", g->cpu));
		break;
	default:
		line(p, keep_printf("-cpu %s", qemu));
	}
}

/* Memory and PCI hole exceed the CPU's address bits; the host may have more */
static void propose_more_bits(struct quest *q, const struct guest_map *m)
{
	struct guest g = q->g;

	if (!m->bits_low || !is_pc(&g) || g.bits_from_host)
		return;
	bits_lines(q, add(q, keep_string("too few address bits of the guest's CPU")), 0);
	q->g.phys_bits = 0;
}

/* The region in the HyperTransport hole that memory of the guest hits, or NULL */
static const struct region *hit_ht_hole(const struct quest *q)
{
	static const struct range hole = {
		UINT64_C(0xfd00000000), UINT64_C(0xffffffffff)
	};
	size_t i;

	for (i = 0; i < q->v->nr; i++) {
		const struct finding *f = &q->v->f[i];

		if ((hit_by(f, AREA_RAM) || hit_by(f, AREA_HOTPLUG)) && f->region &&
		    !strcmp(f->region->type, "reserved") &&
		    ranges_overlap(&f->region->at, &hole))
			return f->region;
	}
	return NULL;
}

/* hw/i386/pc.c moves memory above the hole, see guest.c */
static void propose_newer_machine(struct quest *q)
{
	struct guest g = q->g;

	if (!is_pc(&g) || g.vendor != VENDOR_AMD || g.version >= 701 || !hit_ht_hole(q))
		return;
	g.version = 701;
	if (g.phys_bits && g.phys_bits < 41)
		g.phys_bits = 0;
	if (!map_fits(q, &g, true))
		return;
	line(add(q, keep_string("the HyperTransport hole below 1 TiB")),
	     machine_line(&g, g.machine == VM_Q35 ? "pc-q35-7.1" : "pc-i440fx-7.1"));
	if (q->g.phys_bits && q->g.phys_bits < 41)
		bits_lines(q, add(q, keep_string("memory above 1 TiB needs 41 address bits")), 0);
	q->g = g;
}

/* Only this kernel has the hole: on a later one the guest needs no setting */
static void propose_newer_kernel(struct quest *q)
{
	const struct region *hole = hit_ht_hole(q);

	if (hole && hole->ht_ignore)
		line(add(q, keep_string("the HyperTransport hole, which the IOMMU does not need (HTRangeIgnore)")),
		     keep_string("Linux 6.16 or later on the host, which lets guests use these 12 GiB"));
}

static void ram_lines(struct quest *q, uint64_t ram)
{
	struct proposal *p = add(q, keep_string("memory that does not fit"));
	const struct guest *g = &q->g;

	switch (g->format) {
	case VM_LIBVIRT:
		line(p, libvirt_size("memory", "", ram));
		line(p, libvirt_size("currentMemory", "", ram));
		if (g->maxmem > g->ram)
			line(p, keep_string("<!-- and no maxMemory -->"));
		break;
	case VM_PROXMOX:
		line(p, keep_printf("memory: %" PRIu64, ram / MIB));
		break;
	case VM_CLOUD_HYPERVISOR:
		line(p, keep_printf("--memory size=%s", size_text(ram)));
		break;
	default:
		line(p, keep_printf("-m %s", size_text(ram)));
		if (g->has_backend)
			line(p, keep_printf("# and size=%s in the -object of its memory-backend",
					    size_text(ram)));
	}
}

/*
 * The most memory that fits ends where a usable range ends, or is all below 4 GiB. This
 * ignores the hot-plug area.
 */
static void propose_less_ram(struct quest *q)
{
	uint64_t best = 0;
	struct guest g;
	size_t i, k;

	if (map_fits(q, &q->g, false))
		return;
	for (k = 0; k < q->v->groups.nr; k++) {
		const struct group *grp = &q->v->groups.g[k];

		for (i = 0; i < grp->usable.nr; i++) {
			uint64_t end = grp->usable.r[i].end, low;

			/* The amount below 4 GiB depends on the machine type: try 0 to 4 GiB. */
			for (low = 0; low <= 4; low++) {
				uint64_t gap = low * GIB, ram;

				if (end < gap || end - gap >= q->g.ram)
					continue;
				ram = (end - gap + 1) / GIB * GIB;
				g = q->g;
				g.ram = ram;
				g.backend = 0;
				g.maxmem = ram;
				g.slots = 0;
				if (ram > best && map_fits(q, &g, true))
					best = ram;
			}
		}
	}
	if (!best)
		return;
	ram_lines(q, best);
	q->g.ram = best;
	q->g.maxmem = best;
	q->g.slots = 0;
}

/* First try fewer slots, which cost only alignment; then less memory to plug */
static void propose_less_hotplug(struct quest *q)
{
	struct guest g = q->g;
	struct proposal *p;
	uint64_t low = 0, high;

	if (map_fits(q, &g, true) || !map_fits(q, &g, false) || g.maxmem == g.ram)
		return;
	/* In GiB; what fits is below what does not. */
	high = (g.maxmem - g.ram) / GIB;
	while (low < high) {
		uint64_t middle = (low + high + 1) / 2;

		g.maxmem = g.ram + middle * GIB;
		if (map_fits(q, &g, true))
			low = middle;
		else
			high = middle - 1;
	}
	if (!low || q->g.format == VM_PROXMOX) {
		p = add(q, keep_string("a hot-plug area that does not fit at all"));
		if (g.format == VM_PROXMOX)
			line(p, keep_string("hotplug: disk,network,usb"));
		q->g.maxmem = q->g.ram;
		q->g.slots = 0;
		return;
	}
	g.maxmem = g.ram + low * GIB;
	p = add(q, keep_string("a hot-plug area that does not fit"));
	if (g.format == VM_LIBVIRT)
		line(p, libvirt_size("maxMemory", keep_printf(" slots='%" PRIu64 "'", g.slots),
				     g.maxmem));
	else if (g.format == VM_CLOUD_HYPERVISOR)
		line(p, keep_printf("--memory size=%s,hotplug_size=%s", size_text(g.ram),
				    size_text(g.maxmem - g.ram)));
	else
		line(p, keep_printf("-m %s,slots=%" PRIu64 ",maxmem=%s", size_text(g.ram),
				    g.slots, size_text(g.maxmem)));
	q->g = g;
}

/* The smallest aperture of all groups, in bits */
static unsigned int aperture_bits(const struct vm_verdict *v)
{
	unsigned int least = 64, bits;
	size_t i;

	for (i = 0; i < v->groups.nr; i++) {
		const struct group *grp = &v->groups.g[i];

		if (!grp->aperture_known)
			continue;
		bits = range_whole_bits(grp->aperture.end);
		if (bits < least)
			least = bits;
	}
	return least;
}

/* BARs at the top of the address space follow the address bits of the CPU */
static void propose_fewer_bits(struct quest *q, const struct guest_map *m)
{
	unsigned int bits = aperture_bits(q->v);
	struct guest g = q->g;
	struct guest_map less;

	if (verdict_map_fits(q->v, m, AREA_BARS) || bits >= g.phys_bits || bits < 36)
		return;
	g.phys_bits = bits;
	guest_map(&g, &less);
	if (less.refused || less.unknown || !verdict_map_fits(q->v, &less, AREA_BARS))
		return;
	bits_lines(q, add(q, keep_printf("BARs beyond an aperture of %u bits", bits)), bits);
	q->g = g;
}

static bool hits_window(const struct vm_verdict *v, const struct group *grp)
{
	size_t i;

	for (i = 0; i < v->nr; i++)
		if (v->f[i].severity == FINDING_NO && v->f[i].grouped &&
		    v->f[i].group == grp->id && v->f[i].region &&
		    !strcmp(v->f[i].region->type, "sw-msi"))
			return true;
	return false;
}

/* The ranges that the guest may map, as operands of "window auto" */
static char *places_to_avoid(const struct guest_map *m)
{
	struct range whole = { UINT64_MAX, 0 };
	char *avoid = keep_string("");
	size_t i, nr = 0;

	for (i = 0; i < m->nr; i++) {
		const struct area *a = &m->a[i];

		if (a->kind != AREA_RAM && a->kind != AREA_HOTPLUG && a->kind != AREA_BARS)
			continue;
		avoid = keep_printf("%s avoid 0x%" PRIx64 "-0x%" PRIx64, avoid, a->at.start,
				    a->at.end);
		if (a->at.start < whole.start)
			whole.start = a->at.start;
		if (a->at.end > whole.end)
			whole.end = a->at.end;
		nr++;
	}
	if (nr > AVOID_MAX)
		avoid = keep_printf(" avoid 0x%" PRIx64 "-0x%" PRIx64, whole.start, whole.end);
	return avoid;
}

/*
 * MSI windows that collide with the guest, or differ: move all to the place of one of
 * them, or else to a new place.
 */
static void propose_window(struct quest *q, const struct guest_map *m)
{
	const struct group *good = NULL;
	size_t i;

	for (i = 0; i < q->v->groups.nr; i++) {
		const struct group *grp = &q->v->groups.g[i];

		if (!good && grp->window_state == WINDOW_THERE && !hits_window(q->v, grp))
			good = grp;
	}
	for (i = 0; i < q->v->groups.nr; i++) {
		const struct group *grp = &q->v->groups.g[i];

		if (good && grp->window_state == WINDOW_THERE &&
		    grp->window.start != good->window.start) {
			line(add(q, keep_printf("the MSI window of group %u", grp->id)),
			     keep_printf("iommu-resv window %u 0x%" PRIx64, grp->id,
					 good->window.start));
		} else if (!good && hits_window(q->v, grp)) {
			line(add(q, keep_printf("the MSI window of group %u", grp->id)),
			     keep_printf("iommu-resv window %u auto%s", grp->id,
					 places_to_avoid(m)));
			return;
		}
	}
}

static void propose_members(struct quest *q)
{
	size_t i;

	for (i = 0; i < q->v->nr; i++)
		if (!strcmp(q->v->f[i].step, "members"))
			line(add(q, keep_printf("%s, which the host uses",
						q->v->f[i].device)),
			     keep_printf("driverctl set-override %s vfio-pci",
					 q->v->f[i].device));
}

/* Faults that settings solve, unlike a device that no guest can have */
static bool is_settable(const struct vm_verdict *v)
{
	size_t i;

	for (i = 0; i < v->nr; i++)
		if (v->f[i].severity == FINDING_NO &&
		    (!strcmp(v->f[i].step, "attach") || !strcmp(v->f[i].step, "group")))
			return false;
	return true;
}

/**
 * propose() - settings that help
 * @g: the guest
 * @m: its map
 * @v: the faults of the map
 * @proposals: to fill
 */
void propose(const struct guest *g, const struct guest_map *m,
	     const struct vm_verdict *v, struct proposals *proposals)
{
	struct quest q = { .g = *g, .v = v, .p = proposals };

	*proposals = (struct proposals) { 0 };
	if (!is_settable(v))
		return;
	propose_members(&q);
	/* The description contradicts itself: nobody knows which part of it is meant. */
	if (m->refused && !m->bits_low)
		return;
	propose_more_bits(&q, m);
	propose_window(&q, m);
	propose_low(&q);
	propose_newer_machine(&q);
	propose_newer_kernel(&q);
	if (!m->unknown) {
		bool movable = false;
		size_t i;

		for (i = 0; i < v->groups.nr; i++)
			movable |= hits_window(v, &v->groups.g[i]);
		/* After the window is moved, nothing else may be needed. */
		if (!movable) {
			propose_less_ram(&q);
			propose_less_hotplug(&q);
		}
	}
	propose_fewer_bits(&q, m);
}
