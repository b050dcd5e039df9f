// SPDX-License-Identifier: GPL-2.0-only
/* Advice: what to do, in words and in lines to paste. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "range.h"
#include "remedy.h"
#include "vm/vm.h"

#define WIDTH		80
/* Address bits of a CPU that QEMU accepts */
#define BITS_MIN	32
#define BITS_MAX	52
/* Where SPDK puts its memory by default (env_dpdk) */
#define SPDK_BASE	UINT64_C(0x200000000000)
/* End of the low part of a guest's memory: it ends at 2 to 3.5 GiB. */
#define LOW_RAM_END	UINT64_C(0xe0000000)
#define GIB		(UINT64_C(1) << 30)
/* Addresses of processes end here on x86_64, and higher on arm64. */
#define USER_END	(UINT64_C(1) << 47)
/* This is DPDK's default base, too. */
#define LOW_END		(UINT64_C(1) << 32)

/**
 * remedy_add() - add one thing to do
 * @all: to add to
 * @text: in words, kept
 *
 * Return: what was added, without lines
 */
struct remedy *remedy_add(struct remedies *all, const char *text)
{
	struct remedy *r;

	assert(all->nr < REMEDIES_MAX);
	r = &all->r[all->nr++];
	*r = (struct remedy) { .text = text };
	return r;
}

/**
 * remedy_bits() - limit the address bits of a guest's CPU to those of the IOMMU
 * @all: to add to, if QEMU accepts this number of bits
 * @bits: of the aperture
 * @text: in words, kept
 */
void remedy_bits(struct remedies *all, unsigned int bits, const char *text)
{
	struct remedy *r;

	if (bits < BITS_MIN || bits > BITS_MAX)
		return;
	r = remedy_add(all, text);
	words_add(&r->set, keep_printf("-cpu host,host-phys-bits-limit=%u", bits));
	words_add(&r->set, keep_printf("<maxphysaddr mode='passthrough' limit='%u'/>", bits));
	words_add(&r->set, keep_printf("args: -cpu host,host-phys-bits-limit=%u", bits));
}

/**
 * print_wrapped() - print words in lines that fit a terminal
 * @first: the first line begins with this, and the others are indented by its length
 * @text: the words
 */
void print_wrapped(const char *first, const char *text)
{
	size_t indent = strlen(first), column = indent;
	const char *word = text;

	fputs(first, stdout);
	while (*word) {
		size_t len = strcspn(word, " ");

		if (word != text && column + 1 + len > WIDTH) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (word != text) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)len, word);
		column += len;
		word += len;
		word += *word == ' ';
	}
	putchar('\n');
}

/**
 * remedies_print() - print all of them
 * @all: what to do
 */
void remedies_print(const struct remedies *all)
{
	size_t i, k;

	for (i = 0; i < all->nr; i++) {
		print_wrapped("- ", all->r[i].text);
		for (k = 0; k < all->r[i].set.nr; k++)
			printf("    %s\n", all->r[i].set.w[k]);
	}
}

/* Above this address nothing is mapped; UINT64_MAX if that is not known. */
static uint64_t top_of(const struct group *g)
{
	size_t i;

	for (i = 0; i < g->nr_regions; i++)
		if (!strcmp(g->regions[i].type, "out-of-range") && g->regions[i].at.start)
			return g->regions[i].at.start - 1;
	return UINT64_MAX;
}

/* Firmware of a guest may place BARs as high as its CPU addresses. */
static void beyond_aperture(const struct vm_host *host, uint64_t top, struct remedies *all)
{
	unsigned int bits = range_whole_bits(top);

	if (top == UINT64_MAX || host->phys_bits <= bits)
		return;
	remedy_bits(all, bits,
		    keep_printf("the CPU has %u address bits and the IOMMU %u, so a guest can have BARs, or memory if it has much, where the IOMMU cannot map; if the map of a BAR fails, only DMA from device to device is lost; to keep everything below that limit, for QEMU, libvirt, or Proxmox VE:",
				host->phys_bits, bits));
}

/* Is it a region where maps fail, in memory that guests have by default? */
static bool is_in_low_ram(const struct region *r)
{
	return r->enforced && strcmp(r->type, "direct-relaxable") &&
	       strcmp(r->type, "out-of-range") && r->at.start >= GIB &&
	       r->at.start < LOW_RAM_END;
}

static void in_low_ram(const struct vm_host *host, const struct group *g, struct remedies *all)
{
	const struct region *lowest = NULL;
	size_t i;

	for (i = 0; i < g->nr_regions && !host->arm; i++)
		if (is_in_low_ram(&g->regions[i]) &&
		    (!lowest || g->regions[i].at.start < lowest->at.start))
			lowest = &g->regions[i];
	if (!lowest)
		return;
	words_add(&remedy_add(all, keep_printf("an x86 guest can have memory at 0x%" PRIx64 ", which is reserved; to move that memory above 4 GiB:",
					       lowest->at.start))->set,
		  keep_printf("-machine max-ram-below-4g=%" PRIu64 "G",
			      lowest->at.start / GIB));
}

static void hypertransport(const struct group *g, struct remedies *all)
{
	size_t i;

	for (i = 0; i < g->nr_regions; i++)
		if (!strcmp(g->regions[i].origin, "ht") && g->regions[i].enforced)
			break;
	if (i == g->nr_regions)
		return;
	if (g->regions[i].ht_ignore)
		remedy_add(all, "only this kernel reserves the HyperTransport range; the IOMMU does not need it (HTRangeIgnore): with Linux 6.16 or later on the host a guest can use these 12 GiB below 1 TiB");
	remedy_add(all, "a guest with nearly 1 TiB of memory has some of it in AMD's HyperTransport range; QEMU's machine types since 7.1 keep memory out of that range if the guest's CPU is an AMD CPU with 41 address bits or more");
}

/**
 * remedy_room() - where a program can put memory that is mapped at its virtual
 * addresses
 * @usable: what can be mapped
 * @room: to fill with the largest place, which begins with a whole page of 1 GiB
 *
 * Return: false if there is none
 */
bool remedy_room(const struct ranges *usable, struct range *room)
{
	bool found = false;
	size_t i;

	for (i = 0; i < usable->nr; i++) {
		struct range r = usable->r[i];

		/* Keep away from the program's own code and data. */
		if (r.start < LOW_END)
			r.start = LOW_END;
		if (r.end > USER_END - 1)
			r.end = USER_END - 1;
		if (r.start >= USER_END || r.end < LOW_END)
			continue;
		r.start = (r.start + GIB - 1) & ~(GIB - 1);
		if (r.start >= r.end || (found && r.end - r.start <= room->end - room->start))
			continue;
		*room = r;
		found = true;
	}
	return found;
}

/* DPDK maps memory at its virtual address, which SPDK sets. */
static void user_addresses(const struct group *g, uint64_t top, struct remedies *all)
{
	struct range room;

	if (top >= SPDK_BASE || !remedy_room(&g->usable, &room))
		return;
	words_add(&remedy_add(all, "SPDK puts its memory at 0x200000000000 by default, which is beyond this aperture (DPDK's default is low enough):")->set,
		  keep_printf("--base-virtaddr=0x%" PRIx64, room.start));
}

/**
 * remedies_of_group() - what to set in a guest or program that gets a group
 * @host: of host_read()
 * @g: group
 * @all: to fill
 */
void remedies_of_group(const struct vm_host *host, const struct group *g,
		       struct remedies *all)
{
	uint64_t top = top_of(g);

	*all = (struct remedies) { .nr = 0 };
	beyond_aperture(host, top, all);
	in_low_ram(host, g, all);
	hypertransport(g, all);
	user_addresses(g, top, all);
}
