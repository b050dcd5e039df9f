// SPDX-License-Identifier: GPL-2.0-only
/*
 * A domain of libvirt.  This file converts it to the options that libvirt passes to
 * QEMU, as far as they matter here (src/qemu/qemu_command.c), so that both are read by
 * the same rules and <qemu:commandline> is merged as QEMU merges it.
 *
 * The XML is not trusted: no document type (and so no entities), no network.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include "vm.h"

#define QEMU_NS	"http://libvirt.org/schemas/domain/qemu/1.0"

/* A static pointer, so that a checker for leaks finds it when vm_fail() exits. */
static xmlDoc *doc;

/**
 * struct domain - a domain on its way to options
 * @root: the element <domain>
 * @devices: its element <devices>, or NULL
 * @words: the options so far
 * @unmanaged: devices that libvirt does not bind to VFIO's driver
 */
struct domain {
	xmlNode *root;
	xmlNode *devices;
	struct words words;
	struct words unmanaged;
};

static bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE &&
	       !strcmp((const char *)node->name, name);
}

/* The next child of this name, after @after or the first */
static xmlNode *child(xmlNode *node, const char *name, xmlNode *after)
{
	xmlNode *c = after ? after->next : node ? node->children : NULL;

	while (c && !is_element(c, name))
		c = c->next;
	return c;
}

/* An attribute, or NULL */
static char *prop(xmlNode *node, const char *name)
{
	xmlChar *value = node ? xmlGetNoNsProp(node, (const xmlChar *)name) : NULL;
	char *copy = value ? keep_string((const char *)value) : NULL;

	xmlFree(value);
	return copy;
}

static bool prop_is(xmlNode *node, const char *name, const char *value)
{
	char *have = prop(node, name);

	return have && !strcmp(have, value);
}

/* The text of an element, without blanks around it */
static char *text_of(xmlNode *node)
{
	xmlChar *content = xmlNodeGetContent(node);
	const char *at = content ? (const char *)content : "";
	size_t len;
	char *text;

	at += strspn(at, " \t\r\n");
	len = strlen(at);
	while (len && strchr(" \t\r\n", at[len - 1]))
		len--;
	text = keep_part(at, len);
	xmlFree(content);
	return text;
}

static uint64_t number(const char *text, const char *what)
{
	uint64_t value = 0;
	const char *at;

	for (at = text; *at >= '0' && *at <= '9'; at++) {
		value = 10 * value + (uint64_t)(*at - '0');
		if (value > VM_SIZE_MAX)
			break;
	}
	if (at == text || *at)
		vm_fail("<%s> is not a number that a machine can have: '%s'", what, text);
	return value;
}

/*
 * src/util/virutil.c, virScaleInteger(): KB is 1000 bytes, K and KiB are 1024; upper
 * and lower case are the same.
 */
static uint64_t scaled(xmlNode *node)
{
	static const char letters[] = "kmgtpe";
	uint64_t value = number(text_of(node), (const char *)node->name), scale = 1;
	const char *unit = prop(node, "unit") ?: "KiB", *letter;
	unsigned int i;

	if (*unit && strcasecmp(unit, "b") && strcasecmp(unit, "byte") &&
	    strcasecmp(unit, "bytes")) {
		letter = strchr(letters, tolower((unsigned char)*unit));
		if (!letter || (unit[1] && strcasecmp(unit + 1, "B") &&
				strcasecmp(unit + 1, "iB")))
			vm_fail("<%s unit='%s'> is not a unit of libvirt",
				(const char *)node->name, unit);
		for (i = 0; i <= (unsigned int)(letter - letters); i++)
			scale *= !strcasecmp(unit + 1, "B") ? 1000 : 1024;
	}
	if (value && scale > VM_SIZE_MAX / value)
		vm_fail("<%s> is larger than any machine", (const char *)node->name);
	return value * scale;
}

static uint64_t up_kib(uint64_t size)
{
	return (size + 1023) / 1024 * 1024;
}

static uint64_t up_mib(uint64_t size)
{
	return (size + MIB - 1) / MIB * MIB;
}

static void option(struct domain *d, const char *name, char *argument)
{
	words_add(&d->words, keep_string(name));
	words_add(&d->words, argument);
}

/* Commas in a value, which QEMU expects twice */
static char *escaped(const char *value)
{
	char *out = keep_alloc(2 * strlen(value) + 1), *at = out;

	for (; *value; value++) {
		*at++ = *value;
		if (*value == ',')
			*at++ = ',';
	}
	return out;
}

static void take_os(struct domain *d)
{
	xmlNode *os = child(d->root, "os", NULL);
	xmlNode *type = child(os, "type", NULL), *loader = child(os, "loader", NULL);
	char *virt = prop(d->root, "type");
	char *arch = prop(type, "arch") ?: keep_string("x86_64");
	char *machine = prop(type, "machine");

	if (!virt || (strcmp(virt, "kvm") && strcmp(virt, "qemu")))
		vm_fail("a domain of type '%s': only kvm and qemu are covered",
			virt ?: "");
	if (!type || strcmp(text_of(type), "hvm"))
		vm_fail("the domain has no <os><type>hvm</type>, so it is not a machine of QEMU");
	if (strcmp(arch, "x86_64") && strcmp(arch, "i686") && strcmp(arch, "aarch64"))
		vm_fail("architecture %s: only machines of x86 and arm64 are covered",
			arch);
	words_add(&d->words, keep_printf("qemu-system-%s",
					 strcmp(arch, "i686") ? arch : "i386"));
	/* src/qemu/qemu_domain.c, qemuDomainDefaultMachine...: virt on Arm, pc on x86 */
	if (!machine)
		machine = keep_string(strcmp(arch, "aarch64") ? "pc" : "virt");
	option(d, "-machine", escaped(machine));
	option(d, "-accel", keep_string(strcmp(virt, "kvm") ? "tcg" : "kvm"));
	if (prop_is(os, "firmware", "efi") || prop_is(loader, "type", "pflash"))
		option(d, "-machine", keep_string("pflash0=edk2"));
	else if (loader)
		option(d, "-bios", text_of(loader));
}

/* As qemuDomainGetMemoryModuleSizeAlignment() says, modules are made of 2 MiB. */
static uint64_t take_modules(struct domain *d)
{
	xmlNode *m = NULL;
	uint64_t sum = 0, one;
	unsigned int nr = 0;

	while ((m = child(d->devices, "memory", m))) {
		xmlNode *size = child(child(m, "target", NULL), "size", NULL);

		if (prop_is(m, "model", "sgx-epc"))
			vm_fail("memory for SGX is not covered");
		if (!size)
			vm_fail("a memory module has no <target><size>");
		one = up_kib(scaled(size));
		option(d, "-object", keep_printf("memory-backend-ram,id=module%u,size=%" PRIu64,
						 nr, (one + 2 * MIB - 1) / (2 * MIB) * (2 * MIB)));
		option(d, "-device", keep_printf("pc-dimm,memdev=module%u", nr++));
		sum += one;
		if (sum > VM_SIZE_MAX)
			vm_fail("the memory modules are larger than any machine");
	}
	return sum;
}

static uint64_t numa_size(struct domain *d)
{
	xmlNode *numa = child(child(d->root, "cpu", NULL), "numa", NULL), *cell = NULL;
	uint64_t sum = 0, size;
	char *memory;

	while ((cell = child(numa, "cell", cell))) {
		memory = prop(cell, "memory");
		if (!memory)
			continue;
		/* The attribute has its unit in another attribute. */
		xmlNode *node = xmlNewNode(NULL, (const xmlChar *)"cell");

		xmlAddChild(cell, node);
		xmlNodeAddContent(node, (const xmlChar *)memory);
		if (prop(cell, "unit"))
			xmlNewProp(node, (const xmlChar *)"unit",
				   (const xmlChar *)prop(cell, "unit"));
		size = up_mib(scaled(node));
		sum += size;
		if (sum > VM_SIZE_MAX)
			vm_fail("the NUMA cells are larger than any machine");
	}
	return sum;
}

/*
 * src/qemu/qemu_domain.c, qemuDomainAlignMemorySizes(): whole MiB.  <memory> includes
 * the modules; where there are NUMA cells, they are the memory without modules.
 */
static void take_memory(struct domain *d)
{
	xmlNode *memory = child(d->root, "memory", NULL);
	xmlNode *max = child(d->root, "maxMemory", NULL);
	uint64_t total, modules = take_modules(d), ram = numa_size(d), slots = 0;
	bool whole = false;
	char *text;

	if (!memory)
		vm_fail("the domain has no <memory>");
	total = up_kib(scaled(memory));
	if (!ram) {
		whole = true;
		if (modules >= total)
			vm_fail("<memory> is no larger than the memory modules, which it includes");
		ram = up_mib(total - modules);
	}
	/* src/qemu/qemu_command.c, qemuBuildMemCommandLine(): with cells they are the backends */
	if (whole) {
		option(d, "-object", keep_printf("memory-backend-ram,id=ram,size=%" PRIu64, ram));
		option(d, "-machine", keep_string("memory-backend=ram"));
	}
	if (max) {
		if (prop(max, "slots"))
			slots = number(prop(max, "slots"), "maxMemory slots");
		text = keep_printf("size=%" PRIu64 "k,maxmem=%" PRIu64 "k", ram / 1024,
				   up_mib(scaled(max)) / 1024);
		if (slots)
			text = keep_printf("%s,slots=%" PRIu64, text, slots);
		option(d, "-m", text);
	} else {
		option(d, "-m", keep_printf("size=%" PRIu64 "k", ram / 1024));
	}
}

static void take_cpu(struct domain *d)
{
	xmlNode *cpu = child(d->root, "cpu", NULL), *feature = NULL;
	xmlNode *bits = child(cpu, "maxphysaddr", NULL);
	char *model;

	if (!cpu)
		return;
	if (prop_is(cpu, "mode", "host-passthrough"))
		model = keep_string("host");
	else if (prop_is(cpu, "mode", "maximum"))
		model = keep_string("max");
	else if (child(cpu, "model", NULL))
		model = text_of(child(cpu, "model", NULL));
	else if (prop_is(cpu, "mode", "host-model"))
		model = keep_string("host-model");
	else
		return;
	model = escaped(model);
	while ((feature = child(cpu, "feature", feature))) {
		char *name = prop(feature, "name"), *policy = prop(feature, "policy");

		if (!name || strpbrk(name, ",="))
			continue;
		if (policy && (!strcmp(policy, "disable") || !strcmp(policy, "forbid")))
			model = keep_printf("%s,%s=off", model, name);
		else if (!policy || !strcmp(policy, "require") || !strcmp(policy, "force"))
			model = keep_printf("%s,%s=on", model, name);
	}
	/* src/qemu/qemu_command.c, qemuBuildCpuCommandLine() */
	if (bits && prop_is(bits, "mode", "passthrough")) {
		model = keep_printf("%s,host-phys-bits=on", model);
		if (prop(bits, "limit"))
			model = keep_printf("%s,host-phys-bits-limit=%" PRIu64, model,
					    number(prop(bits, "limit"), "maxphysaddr limit"));
	} else if (bits && prop(bits, "bits")) {
		model = keep_printf("%s,phys-bits=%" PRIu64, model,
				    number(prop(bits, "bits"), "maxphysaddr bits"));
	} else if (bits) {
		model = keep_printf("%s,host-phys-bits=off", model);
	}
	option(d, "-cpu", model);
}

/* src/conf/device_conf.c: any base that strtoul() knows */
static unsigned int address_part(xmlNode *address, const char *name, unsigned int max)
{
	char *text = prop(address, name), *end;
	unsigned long value;

	if (!text)
		return 0;
	value = strtoul(text, &end, 0);
	if (end == text || *end || value > max)
		vm_fail("a PCI address has %s='%s'", name, text);
	return (unsigned int)value;
}

static void take_pci(struct domain *d, xmlNode *node, xmlNode *address)
{
	char *name;

	if (!address || !prop(address, "bus") || !prop(address, "slot"))
		vm_fail("a device that is passed through has no <source><address bus= slot=>");
	name = keep_printf("%04x:%02x:%02x.%x", address_part(address, "domain", 0xffffffff),
			   address_part(address, "bus", 0xff),
			   address_part(address, "slot", 0x1f),
			   address_part(address, "function", 7));
	option(d, "-device", keep_printf("vfio-pci,host=%s", name));
	if (!prop_is(node, "managed", "yes"))
		words_add(&d->unmanaged, name);
}

static void take_hostdev(struct domain *d, xmlNode *node)
{
	xmlNode *address = child(child(node, "source", NULL), "address", NULL);
	char *uuid = prop(address, "uuid");

	if (!prop_is(node, "mode", "subsystem"))
		return;
	if (prop_is(node, "type", "pci")) {
		take_pci(d, node, address);
	} else if (prop_is(node, "type", "mdev")) {
		if (!uuid)
			vm_fail("a mediated device has no <source><address uuid=>");
		option(d, "-device", keep_printf("vfio-pci,sysfsdev=/sys/bus/mdev/devices/%s",
						 escaped(uuid)));
	}
}

static void take_hole64(struct domain *d, xmlNode *controller)
{
	xmlNode *hole = child(controller, "pcihole64", NULL);
	uint64_t size;

	if (!hole || !prop_is(controller, "type", "pci"))
		return;
	size = up_kib(scaled(hole)) / 1024;
	if (prop_is(controller, "model", "pcie-root"))
		option(d, "-global", keep_printf("q35-pcihost.pci-hole64-size=%" PRIu64 "K",
						 size));
	else if (prop_is(controller, "model", "pci-root"))
		option(d, "-global", keep_printf("i440FX-pcihost.pci-hole64-size=%" PRIu64 "K",
						 size));
}

static void take_devices(struct domain *d)
{
	xmlNode *node;

	for (node = d->devices ? d->devices->children : NULL; node; node = node->next) {
		if (is_element(node, "hostdev"))
			take_hostdev(d, node);
		else if (is_element(node, "interface") && prop_is(node, "type", "hostdev"))
			take_pci(d, node, child(child(node, "source", NULL), "address", NULL));
		else if (is_element(node, "controller"))
			take_hole64(d, node);
		else if (is_element(node, "shmem"))
			option(d, "-device", keep_string("ivshmem-plain"));
		else if (is_element(node, "iommu"))
			option(d, "-device", keep_string("virtio-iommu-pci"));
	}
}

/* <qemu:commandline> comes last on libvirt's command line, too. */
static void take_qemu_args(struct domain *d)
{
	xmlNode *line = NULL, *arg;
	char *value;

	while ((line = child(d->root, "commandline", line))) {
		if (!line->ns || strcmp((const char *)line->ns->href, QEMU_NS))
			continue;
		for (arg = child(line, "arg", NULL); arg; arg = child(line, "arg", arg)) {
			value = prop(arg, "value");
			if (value)
				words_add(&d->words, value);
		}
	}
}

static void parse(const struct vm_input *in)
{
	const xmlError *error;

	if (strlen(in->text) != in->len)
		vm_fail("%s: not XML: it has null bytes", in->file);
	if (strstr(in->text, "<!DOCTYPE") || strstr(in->text, "<!ENTITY"))
		vm_fail("%s: XML with a document type, which libvirt never writes: not read",
			in->file);
	doc = xmlReadMemory(in->text, (int)in->len, NULL, NULL,
			    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
			    XML_PARSE_NOCDATA | XML_PARSE_COMPACT);
	if (!doc) {
		error = xmlGetLastError();
		vm_fail("%s:%d: XML is not well-formed: %.*s", in->file,
			error ? error->line : 0,
			error && error->message ? (int)strcspn(error->message, "\n") : 0,
			error && error->message ? error->message : "");
	}
}

/**
 * libvirt_guest() - the guest that a domain is
 * @in: the XML
 * @host: what the CPU may inherit
 * @g: to fill
 */
void libvirt_guest(const struct vm_input *in, const struct vm_host *host,
		   struct guest *g)
{
	struct domain d = { 0 };
	char *name = NULL;
	size_t i;

	parse(in);
	d.root = xmlDocGetRootElement(doc);
	/* "virsh managedsave-dumpxml" and "/etc/libvirt/qemu" have the same. */
	if (d.root && is_element(d.root, "domstatus"))
		d.root = child(d.root, "domain", NULL);
	if (!d.root || !is_element(d.root, "domain"))
		vm_fail("%s: XML, but not a <domain> of libvirt", in->file);
	d.devices = child(d.root, "devices", NULL);
	if (child(d.root, "name", NULL))
		name = text_of(child(d.root, "name", NULL));
	take_os(&d);
	take_memory(&d);
	take_cpu(&d);
	take_devices(&d);
	take_qemu_args(&d);
	xmlFreeDoc(doc);
	doc = NULL;
	xmlCleanupParser();
	qemu_guest(&d.words, host, g);
	g->format = VM_LIBVIRT;
	g->name = name ?: g->name;
	for (i = 0; i < g->nr_devices; i++)
		g->devices[i].managed = !words_have(&d.unmanaged, g->devices[i].name);
}
