// SPDX-License-Identifier: GPL-2.0-only
/*
 * The configuration of a VM of Proxmox VE (/etc/pve/qemu-server/ID.conf).  This file
 * converts it to the options that Proxmox passes to QEMU, as far as they matter here:
 * qemu-server, PVE/QemuServer.pm, Memory.pm, CPUConfig.pm, PCI.pm, as of 9.2. Snapshots
 * and pending changes, which come after the first "[", are ignored.
 */
#include <inttypes.h>
#include <string.h>

#include "opts.h"
#include "vm.h"

/* Memory.pm */
#define STATIC_MIB	1024
#define MAX_SLOTS	255
#define MAX_MIB		(UINT64_C(4) * 1024 * 1024)

static char *trimmed(const char *start, size_t len)
{
	while (len && (*start == ' ' || *start == '\t')) {
		start++;
		len--;
	}
	while (len && strchr(" \t\r", start[len - 1]))
		len--;
	return keep_part(start, len);
}

/* "key: value" lines of the current configuration */
static void read_lines(const struct vm_input *in, struct opts *conf)
{
	const char *at = in->text;
	unsigned int line = 0;

	if (strlen(in->text) != in->len)
		vm_fail("%s: has null bytes, not a configuration of Proxmox", in->file);
	while (*at) {
		size_t len = strcspn(at, "\n"), key = strcspn(at, ":\n");
		char *text = trimmed(at, len);

		line++;
		if (*text == '[')
			return;
		if (*text && *text != '#') {
			if (key >= len)
				vm_fail("%s:%u: not 'key: value', as in a configuration of Proxmox: '%.40s'",
					in->file, line, text);
			if (!(conf->nr & (conf->nr - 1)))
				conf->o = keep_more(conf->o, conf->nr * sizeof(*conf->o),
						    (conf->nr ? 2 * conf->nr : 1) *
						    sizeof(*conf->o));
			conf->o[conf->nr++] = (struct opt) {
				trimmed(at, key), trimmed(at + key + 1, len - key - 1)
			};
		}
		at += len;
		at += *at == '\n';
	}
}

static bool set(const struct opts *conf, const char *key, bool unset)
{
	const char *value = opts_get(conf, key);

	return value ? strcmp(value, "0") : unset;
}

/**
 * struct conf - a configuration on its way to options
 * @ctl: options of the command
 * @o: the lines
 * @host: what the CPU may inherit
 * @words: the options so far
 * @arm: the guest is an arm64 machine
 * @kvm: it is not emulated
 * @cpu_type: of cpu:
 * @cpu: the other keys of cpu:
 */
struct conf {
	const struct control *ctl;
	struct opts o;
	const struct vm_host *host;
	struct words words;
	bool arm;
	bool kvm;
	const char *cpu_type;
	struct opts cpu;
};

static void option(struct conf *c, const char *name, char *argument)
{
	words_add(&c->words, keep_string(name));
	words_add(&c->words, argument);
}

static void take_machine(struct conf *c)
{
	const char *text = opts_get(&c->o, "machine"), *type = NULL;
	const char *arch = opts_get(&c->o, "arch"), *bios = opts_get(&c->o, "bios");
	struct opts o = { 0 };

	c->arm = arch ? !strcmp(arch, "aarch64") : c->host->arm;
	/* A guest of another architecture than the host is emulated. */
	c->kvm = set(&c->o, "kvm", true) && c->arm == c->host->arm;
	words_add(&c->words, keep_printf("qemu-system-%s", c->arm ? "aarch64" : "x86_64"));
	if (text)
		opts_parse(&o, "machine:", text, "type");
	type = opts_get(&o, "type");
	if (!type)
		type = c->arm ? "virt" : "pc";
	option(c, "-machine", keep_string(type));
	option(c, "-accel", keep_string(c->kvm ? "kvm" : "tcg"));
	if (opts_get(&o, "viommu"))
		option(c, "-device", keep_string("virtio-iommu-pci"));
	if (bios && !strcmp(bios, "ovmf"))
		option(c, "-machine", keep_string("pflash0=edk2"));
}

/* CPUConfig.pm, get_cpu_options(); custom models are in another file */
static void take_cpu(struct conf *c)
{
	const char *text = opts_get(&c->o, "cpu"), *bits, *guest_bits;
	char *model;

	if (text)
		opts_parse(&c->cpu, "cpu:", text, "cputype");
	c->cpu_type = opts_get(&c->cpu, "cputype");
	if (!c->cpu_type)
		c->cpu_type = c->arm ? c->kvm ? "host" : "max" : c->kvm ? "kvm64" : "qemu64";
	if (!strncmp(c->cpu_type, "custom-", 7))
		vm_fail("cpu: %s: that model is defined in another file of Proxmox; give the output of 'qm showcmd' instead",
			c->cpu_type);
	model = keep_string(strncmp(c->cpu_type, "x86-64-v", 8) ? c->cpu_type : "qemu64");
	bits = opts_get(&c->cpu, "phys-bits");
	guest_bits = opts_get(&c->cpu, "guest-phys-bits");
	if (guest_bits)
		model = keep_printf("%s,guest-phys-bits=%s", model, guest_bits);
	if (bits && !strcmp(bits, "host"))
		model = keep_printf("%s,host-phys-bits=on", model);
	else if (bits)
		model = keep_printf("%s,phys-bits=%s", model, bits);
	text = opts_get(&c->cpu, "flags");
	if (text && strstr(text, "+pdpe1gb"))
		model = keep_printf("%s,pdpe1gb=on", model);
	option(c, "-cpu", model);
}

static uint64_t mib(const struct conf *c, const char *text)
{
	uint64_t size;

	(void)c;
	if (!size_parse(text, 'M', &size) || strspn(text, "0123456789") != strlen(text))
		vm_fail("memory: %s: not a number of MiB that a machine can have", text);
	return size / MIB;
}

static bool hotplugs_memory(const struct conf *c)
{
	const char *at = opts_get(&c->o, "hotplug");
	static const char memory[] = "memory";

	while (at && *at) {
		size_t len = strcspn(at, ",; ");

		if (len == sizeof(memory) - 1 && !strncmp(at, memory, len))
			return true;
		at += len;
		at += strspn(at, ",; ");
	}
	return false;
}

/* Memory.pm, get_max_mem() */
static uint64_t max_mib(const struct conf *c)
{
	unsigned int host = c->host->phys_bits, bits = 0;
	const char *text = opts_get(&c->cpu, "phys-bits");
	uint64_t number, max;

	if (text && strcmp(text, "host") && opts_number(&c->cpu, "phys-bits", &number))
		bits = number <= 64 ? (unsigned int)number : 64;
	else if (!host)
		vm_fail("hotplug: memory: how much Proxmox allows depends on the address bits of the CPU of its host, which are not known here");
	else if ((text && !strcmp(text, "host")) || !strcmp(c->cpu_type, "host") ||
		 !strcmp(c->cpu_type, "max"))
		bits = host;
	else
		bits = host > 40 ? 40 : host;
	bits &= ~1u;
	if (bits < 32)
		vm_fail("cpu: phys-bits=%s: too few", text ?: "");
	max = UINT64_C(1) << (bits - 21);
	return max > MAX_MIB ? MAX_MIB : max;
}

static void take_memory(struct conf *c)
{
	const char *text = opts_get(&c->o, "memory"), *pages = opts_get(&c->o, "hugepages");
	const char *sockets = opts_get(&c->o, "sockets");
	struct opts o = { 0 };
	uint64_t size = 512, fixed = STATIC_MIB;

	if (text) {
		opts_parse(&o, "memory:", text, "current");
		if (opts_get(&o, "current"))
			size = mib(c, opts_get(&o, "current"));
	}
	if (!hotplugs_memory(c)) {
		option(c, "-m", keep_printf("%" PRIu64, size));
		return;
	}
	if (pages && !strcmp(pages, "1024") && sockets)
		fixed *= mib(c, sockets) < 64 ? mib(c, sockets) : 64;
	if (size > max_mib(c))
		vm_fail("memory: %" PRIu64 " is more than Proxmox allows with hotplug: memory (%" PRIu64 ")",
			size, max_mib(c));
	option(c, "-m", keep_printf("size=%" PRIu64 ",slots=%d,maxmem=%" PRIu64 "M", fixed,
				    MAX_SLOTS, max_mib(c)));
	if (size > fixed) {
		option(c, "-object", keep_printf("memory-backend-ram,id=dimms,size=%" PRIu64 "M",
						 size - fixed));
		option(c, "-device", keep_string("pc-dimm,memdev=dimms"));
	}
}

/* "0000:01:00.0", "01:00.0", "01:00" (all functions), several with ";" */
static void take_host(struct conf *c, const char *key, const char *at)
{
	while (*at) {
		size_t len = strcspn(at, ";"), i;
		char *one = keep_part(at, len);
		const char *colon = strchr(one, ':');
		struct words functions = { 0 };

		at += len;
		at += *at == ';';
		if (!colon || strspn(one, "0123456789abcdefABCDEF:.") != strlen(one))
			vm_fail("%s: '%s' is not the address of a PCI device", key, one);
		if (!strchr(colon + 1, ':'))
			one = keep_printf("0000:%s", one);
		if (!strchr(one, '.')) {
			host_functions(c->ctl, one, &functions);
			if (!functions.nr)
				words_add(&functions, keep_printf("%s.0", one));
		} else {
			words_add(&functions, one);
		}
		for (i = 0; i < functions.nr; i++)
			option(c, "-device", keep_printf("vfio-pci,host=%s",
							 functions.w[i]));
	}
}

static void take_devices(struct conf *c)
{
	size_t i;

	for (i = 0; i < c->o.nr; i++) {
		const char *key = c->o.o[i].key;
		struct opts o = { 0 };

		if (strncmp(key, "hostpci", 7))
			continue;
		opts_parse(&o, key, c->o.o[i].value, "host");
		if (opts_get(&o, "mapping"))
			vm_fail("%s: mapping=%s: the device depends on the node of the cluster; give the output of 'qm showcmd' instead",
				key, opts_get(&o, "mapping"));
		if (opts_get(&o, "mdev"))
			vm_fail("%s: mdev=%s: Proxmox makes this device when the VM starts; give the output of 'qm showcmd' instead",
				key, opts_get(&o, "mdev"));
		if (!opts_get(&o, "host"))
			vm_fail("%s: has no address of a device", key);
		take_host(c, key, opts_get(&o, "host"));
	}
	if (opts_get(&c->o, "ivshmem"))
		option(c, "-device", keep_string("ivshmem-plain"));
}

/**
 * proxmox_guest() - the guest that a configuration is
 * @ctl: options
 * @in: the file
 * @host: what the CPU may inherit
 * @g: to fill
 */
void proxmox_guest(const struct control *ctl, const struct vm_input *in,
		   const struct vm_host *host, struct guest *g)
{
	struct conf c = { .ctl = ctl, .host = host };
	size_t i;

	read_lines(in, &c.o);
	if (!c.o.nr)
		vm_fail("%s: not a configuration of Proxmox: it has no 'key: value'", in->file);
	take_machine(&c);
	take_cpu(&c);
	take_memory(&c);
	take_devices(&c);
	if (opts_get(&c.o, "args"))
		shell_split(opts_get(&c.o, "args"), &c.words);
	qemu_guest(&c.words, host, g);
	g->format = VM_PROXMOX;
	if (opts_get(&c.o, "name"))
		g->name = keep_string(opts_get(&c.o, "name"));
	/* Proxmox binds each device to vfio-pci before it starts QEMU. */
	for (i = 0; i < g->nr_devices; i++)
		g->devices[i].managed = true;
}
