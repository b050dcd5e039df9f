// SPDX-License-Identifier: GPL-2.0-only
/*
 * A command line of Cloud Hypervisor (cloud-hypervisor/src/main.rs, vmm/src/config.rs,
 * option_parser/src/lib.rs): each option takes one or more arguments KEY=VALUE,..., in
 * which brackets and double quotes keep commas together.
 */
#include <string.h>

#include "opts.h"
#include "vm.h"

/**
 * struct command - a command line taken apart
 * @g: the guest that it makes
 * @zones: size of all memory zones
 * @hotplug: what can be plugged into them
 */
struct command {
	struct guest *g;
	uint64_t zones;
	uint64_t hotplug;
};

/* Commas that separate, by the rules of split_commas() */
static void split(struct opts *o, const char *option, const char *text)
{
	while (*text) {
		unsigned int depth = 0;
		bool quotes = false;
		size_t len, key;
		char *one;

		for (len = 0; text[len]; len++) {
			char c = text[len];

			if (c == '"')
				quotes = !quotes;
			else if (c == '[' && !quotes)
				depth++;
			else if (c == ']' && !quotes && !depth--)
				vm_fail("%s %s: a bracket too many", option, text);
			else if (c == ',' && !quotes && !depth)
				break;
		}
		if (quotes || depth)
			vm_fail("%s %s: a quote or bracket does not end", option, text);
		one = keep_part(text, len);
		key = strcspn(one, "=");
		if (!(o->nr & (o->nr - 1)))
			o->o = keep_more(o->o, o->nr * sizeof(*o->o),
					 (o->nr ? 2 * o->nr : 1) * sizeof(*o->o));
		o->o[o->nr++] = (struct opt) {
			keep_part(one, key),
			keep_string(one[key] ? one + key + 1 : ""),
		};
		text += len;
		text += *text == ',';
	}
}

/* ByteSized: digits and K, M or G */
static uint64_t size_of(const struct opts *o, const char *option, const char *key,
			uint64_t unset)
{
	const char *text = opts_get(o, key);
	uint64_t size;
	size_t digits;

	if (!text)
		return unset;
	digits = strspn(text, "0123456789");
	if (!size_parse(text, 'B', &size) || (text[digits] && !strchr("KMG", text[digits])))
		vm_fail("%s %s=%s: not a size, or larger than any machine", option, key, text);
	return size;
}

static uint64_t up(uint64_t value, uint64_t to)
{
	return (value + (to - 1)) / to * to;
}

static void take_memory(struct command *c, const char *text)
{
	struct opts o = { 0 };
	const char *method;

	split(&o, "--memory", text);
	c->g->ram = size_of(&o, "--memory", "size", 512 * MIB);
	method = opts_get(&o, "hotplug_method");
	c->g->maxmem = size_of(&o, "--memory", "hotplug_size", 0);
	if (method && !strcmp(method, "virtio-mem"))
		c->g->maxmem = up(c->g->maxmem, 128 * MIB);
}

static void take_zone(struct command *c, const char *text)
{
	struct opts o = { 0 };

	split(&o, "--memory-zone", text);
	if (!opts_get(&o, "size"))
		vm_fail("--memory-zone %s: has no size", text);
	c->zones += size_of(&o, "--memory-zone", "size", 0);
	c->hotplug += up(size_of(&o, "--memory-zone", "hotplug_size", 0), 128 * MIB);
	if (c->zones > VM_SIZE_MAX || c->hotplug > VM_SIZE_MAX)
		vm_fail("the memory zones are larger than any machine");
}

static void take_device(struct command *c, const char *text)
{
	struct opts o = { 0 };
	const char *path, *start;
	size_t len;

	split(&o, "--device", text);
	path = opts_get(&o, "path");
	if (!path)
		vm_fail("--device %s: has no path", text);
	if (opts_get(&o, "iommu") && !strcmp(opts_get(&o, "iommu"), "on"))
		c->g->viommu = true;
	len = strlen(path);
	while (len && path[len - 1] == '/')
		len--;
	for (start = path + len; start > path && start[-1] != '/'; start--)
		;
	guest_device(c->g, keep_part(start, len - (size_t)(start - path)), false);
}

static void take_cpus(struct command *c, const char *text)
{
	struct opts o = { 0 };
	uint64_t bits;

	split(&o, "--cpus", text);
	if (!opts_number(&o, "max_phys_bits", &bits))
		return;
	if (bits < 32 || bits > 64)
		vm_fail("--cpus max_phys_bits=%s: not a number of address bits",
			opts_get(&o, "max_phys_bits"));
	if (!c->g->phys_bits || c->g->phys_bits > bits)
		c->g->phys_bits = bits > 52 ? 52 : (unsigned int)bits;
}

static void take(struct command *c, const char *option, const char *text)
{
	if (!strcmp(option, "--memory"))
		take_memory(c, text);
	else if (!strcmp(option, "--memory-zone"))
		take_zone(c, text);
	else if (!strcmp(option, "--device"))
		take_device(c, text);
	else if (!strcmp(option, "--cpus"))
		take_cpus(c, text);
	else if (!strcmp(option, "--ivshmem"))
		c->g->ivshmem = true;
	else if (!strcmp(option, "--restore"))
		vm_fail("--restore: the description of the machine is in the snapshot, not on the command line");
}

/**
 * cloud_hypervisor_guest() - the guest that a command line makes
 * @words: the command line
 * @host: what the CPU may inherit
 * @g: to fill
 */
void cloud_hypervisor_guest(const struct words *words, const struct vm_host *host,
			    struct guest *g)
{
	struct command c = { .g = g };
	const char *option = NULL;
	size_t i;

	g->format = VM_CLOUD_HYPERVISOR;
	/* It runs only on KVM, so the guest has the host's architecture. */
	g->arm = host->arm;
	g->machine = g->arm ? VM_CLH_ARM : VM_CLH_X86;
	g->machine_type = keep_string(g->arm ? "aarch64" : "x86_64");
	g->version_known = true;
	g->firmware = FIRMWARE_NONE;
	g->kvm = true;
	g->cpu = keep_string("host");
	g->vendor = host->vendor;
	g->phys_bits = host->phys_bits;
	g->bits_from_host = true;
	g->long_mode = true;
	g->ram = 512 * MIB;
	for (i = 1; i < words->nr; i++) {
		const char *word = words->w[i], *equals = strchr(word, '=');

		if (strncmp(word, "--", 2)) {
			/* Further arguments of "--device a b" */
			if (option)
				take(&c, option, word);
			continue;
		}
		option = word;
		if (equals) {
			option = keep_part(word, (size_t)(equals - word));
			take(&c, option, equals + 1);
		}
	}
	if (!g->ram && !c.zones)
		vm_fail("--memory size=0, and no --memory-zone");
	if (g->ram && c.zones)
		vm_fail("--memory-zone needs --memory size=0");
	if (c.zones) {
		g->ram = c.zones;
		g->maxmem = c.hotplug;
	}
	g->maxmem += g->ram;
	if (g->viommu)
		guest_note(g, keep_string("the guest has a virtual IOMMU: this applies while the guest leaves it off"));
}
