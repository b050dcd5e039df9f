// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv check --vm: does this VM fit this host, and what must be set? */
#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../features.h"
#include "../format.h"
#include "../origin.h"
#include "../xalloc.h"
#include "vm.h"

const char *const vm_area_names[] = {
	[AREA_RAM] = "ram",
	[AREA_HOTPLUG] = "hot-plug",
	[AREA_BARS] = "bars",
	[AREA_GIC] = "redistributors",
	[AREA_ECAM] = "ecam",
};

const char *const vm_severity_names[] = {
	[FINDING_NO] = "no",
	[FINDING_UNKNOWN] = "unknown",
	[FINDING_WARNING] = "warning",
	[FINDING_NOTE] = "note",
};

static const char *const firmware_names[] = {
	[FIRMWARE_SEABIOS] = "seabios",
	[FIRMWARE_EDK2] = "edk2",
	[FIRMWARE_NONE] = NULL,
};

static enum vm_format format_of_word(const char *word)
{
	int i;

	for (i = 0; i < VM_FORMATS; i++)
		if (!strcmp(word, vm_format_names[i]))
			return (enum vm_format)i;
	vm_fail("--as is libvirt, qemu, proxmox or cloud-hypervisor, not '%s'", word);
}

/**
 * vm_guest() - read the description of a VM
 * @ctl: options
 * @in: the description
 * @host: what the guest inherits
 * @g: to fill
 */
void vm_guest(const struct control *ctl, const struct vm_input *in,
	      const struct vm_host *host, struct guest *g)
{
	struct words words = { 0 };

	*g = (struct guest) { .format = ctl->as ? format_of_word(ctl->as) : vm_guess(in) };
	switch (g->format) {
	case VM_LIBVIRT:
		libvirt_guest(in, host, g);
		break;
	case VM_PROXMOX:
		proxmox_guest(ctl, in, host, g);
		break;
	case VM_CLOUD_HYPERVISOR:
		shell_words(in, &words);
		cloud_hypervisor_guest(&words, host, g);
		break;
	default:
		shell_words(in, &words);
		qemu_guest(&words, host, g);
	}
}

/**
 * vm_read_guest() - read the file of --vm
 * @ctl: options
 * @g: to fill; exits with a message if it is invalid
 */
void vm_read_guest(const struct control *ctl, struct guest *g)
{
	struct vm_input in;
	struct vm_host host;

	/* Report a wrong word before a missing file. */
	if (ctl->as)
		format_of_word(ctl->as);
	vm_read(ctl, &in);
	host_read(ctl, &host);
	vm_guest(ctl, &in, &host, g);
}

/**
 * vm_text() - a VM in one line
 * @ctl: options
 * @g: the VM
 *
 * Return: the line, kept
 */
char *vm_text(const struct control *ctl, const struct guest *g)
{
	const struct range ram = { 0, g->ram + g->plugged - 1 };
	char *size = format_size(ctl, &ram, 1);
	char *text = keep_printf("%s%s%s, %s, %s", g->name ?: "", g->name ? ": " : "",
				 vm_format_names[g->format], g->machine_type, size);

	if (g->firmware == FIRMWARE_SEABIOS || g->firmware == FIRMWARE_EDK2)
		text = keep_printf("%s, %s", text, firmware_names[g->firmware]);
	if (g->phys_bits)
		text = keep_printf("%s, %u address bits", text, g->phys_bits);
	free(size);
	return text;
}

static void print_map(const struct control *ctl, const struct guest_map *m)
{
	static const struct column columns[] = {
		{ "START", SCOLS_FL_RIGHT }, { "END", SCOLS_FL_RIGHT },
		{ "SIZE", SCOLS_FL_RIGHT }, { "GUEST", 0 },
	};
	struct libscols_table *table;
	size_t i;

	if (!m->nr)
		return;
	table = table_new(ctl, columns, 4);
	for (i = 0; i < m->nr; i++) {
		struct libscols_line *line = table_line(table);

		table_cell(line, 0, format_address(m->a[i].at.start));
		table_cell(line, 1, format_address(m->a[i].at.end));
		table_cell(line, 2, format_size(ctl, &m->a[i].at, 1));
		table_cell(line, 3, xstrdup(vm_area_names[m->a[i].kind]));
	}
	table_print(table);
}

/* A line with words of the VM's file. */
static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	char *line;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		err(EXIT_TROUBLE, "cannot allocate memory");
	va_end(ap);
	vm_printable(line);
	puts(line);
	free(line);
}

static void print_devices(const struct control *ctl, const struct guest *g)
{
	unsigned int id;
	size_t i;

	for (i = 0; i < g->nr_devices; i++) {
		const char *name = g->devices[i].name;

		if (strspn(name, "0123456789") == strlen(name))
			say("group %s", name);
		else if (group_of(ctl, name, &id))
			say("device %s, group %u", name, id);
		else
			say("device %s", name);
	}
}

/* The answer in words */
const char *vm_word(enum severity worst)
{
	return worst == FINDING_NO ? "does not fit" :
	       worst == FINDING_UNKNOWN ? "cannot tell" : "fits";
}

int vm_exit(enum severity worst)
{
	return worst == FINDING_NO ? EXIT_NO :
	       worst == FINDING_UNKNOWN ? EXIT_TROUBLE : EXIT_OK;
}

static void print_finding(const struct finding *f)
{
	char *region;

	printf("%s: ", vm_severity_names[f->severity]);
	if (f->grouped)
		printf("group %u: ", f->group);
	if (f->area)
		printf("%s 0x%" PRIx64 "-0x%" PRIx64 "%s", vm_area_names[f->area->kind],
		       f->area->at.start, f->area->at.end, f->text ? " " : "");
	say("%s", f->text ?: "");
	if (f->region) {
		region = format_region(f->region);
		printf("  %s\n", region);
		free(region);
	}
}

static void print_answer(const struct control *ctl, const struct guest *g,
			 const struct guest_map *m, const struct vm_verdict *v,
			 const struct proposals *p)
{
	enum severity worst = verdict_worst(v);
	bool bars = false;
	size_t i, k;

	say("%s", vm_text(ctl, g));
	print_map(ctl, m);
	print_devices(ctl, g);
	putchar('\n');
	for (i = 0; i < v->nr; i++) {
		print_finding(&v->f[i]);
		bars |= v->f[i].severity == FINDING_WARNING && v->f[i].area &&
			v->f[i].area->kind == AREA_BARS;
	}
	if (bars)
		puts("  only DMA from device to device fails there");
	for (i = 0; i < g->notes.nr; i++)
		say("note: %s", g->notes.w[i]);
	if (!g->nr_devices)
		puts("note: no device is passed through, so no group of this host matters");
	for (i = 0; i < p->nr; i++) {
		say("to set, because of %s:", p->p[i].cause);
		for (k = 0; k < p->p[i].lines.nr; k++)
			say("  %s", p->p[i].lines.w[k]);
	}
	puts(vm_word(worst));
}

static void json_guest(struct json *j, const struct guest *g)
{
	size_t i;

	json_open(j, "vm", '{');
	json_string(j, "format", vm_format_names[g->format]);
	json_string(j, "name", g->name);
	json_string(j, "machine", g->machine_type);
	json_string(j, "firmware", firmware_names[g->firmware]);
	json_string(j, "cpu", g->cpu);
	if (g->phys_bits)
		json_number(j, "address_bits", g->phys_bits);
	else
		json_null(j, "address_bits");
	json_address(j, "ram", g->ram);
	json_address(j, "modules", g->plugged);
	json_open(j, "devices", '[');
	for (i = 0; i < g->nr_devices; i++)
		json_string(j, NULL, g->devices[i].name);
	json_close(j, ']');
	json_close(j, '}');
}

static void json_map(struct json *j, const struct guest_map *m)
{
	size_t i;

	json_open(j, "map", '[');
	for (i = 0; i < m->nr; i++) {
		json_open(j, NULL, '{');
		json_address(j, "start", m->a[i].at.start);
		json_address(j, "end", m->a[i].at.end);
		json_string(j, "kind", vm_area_names[m->a[i].kind]);
		json_close(j, '}');
	}
	json_close(j, ']');
	if (m->hole64.start)
		json_range(j, "pci_hole64", &m->hole64);
	else
		json_null(j, "pci_hole64");
	json_string(j, "refused", m->refused);
}

static void json_finding(struct json *j, const struct finding *f)
{
	json_open(j, NULL, '{');
	json_string(j, "severity", vm_severity_names[f->severity]);
	json_string(j, "step", f->step);
	if (f->grouped)
		json_number(j, "group", f->group);
	else
		json_null(j, "group");
	json_string(j, "device", f->device);
	json_string(j, "reason", f->text);
	if (f->area)
		json_range(j, "area", &f->area->at);
	else
		json_null(j, "area");
	json_open(j, "regions", '[');
	if (f->region)
		json_region(j, f->region);
	json_close(j, ']');
	json_close(j, '}');
}

static void json_answer(const struct control *ctl, const struct guest *g,
			const struct guest_map *m, const struct vm_verdict *v,
			const struct proposals *p)
{
	enum severity worst = verdict_worst(v);
	struct json j = { 0 };
	size_t i, k;

	json_report(ctl, &j, "check-vm");
	json_bool(&j, "module_loaded", ctl->loaded);
	json_bool(&j, "complete", !ctl->gaps);
	json_guest(&j, g);
	json_map(&j, m);
	json_open(&j, "findings", '[');
	for (i = 0; i < v->nr; i++)
		json_finding(&j, &v->f[i]);
	json_close(&j, ']');
	json_open(&j, "notes", '[');
	for (i = 0; i < g->notes.nr; i++)
		json_string(&j, NULL, g->notes.w[i]);
	json_close(&j, ']');
	json_open(&j, "proposals", '[');
	for (i = 0; i < p->nr; i++) {
		json_open(&j, NULL, '{');
		json_string(&j, "because_of", p->p[i].cause);
		json_open(&j, "set", '[');
		for (k = 0; k < p->p[i].lines.nr; k++)
			json_string(&j, NULL, p->p[i].lines.w[k]);
		json_close(&j, ']');
		json_close(&j, '}');
	}
	json_close(&j, ']');
	if (worst == FINDING_UNKNOWN)
		json_null(&j, "fits");
	else
		json_bool(&j, "fits", worst != FINDING_NO);
	json_close(&j, '}');
}

/**
 * check_vm() - the command
 * @ctl: options
 * @argc: number of words
 * @argv: devices or groups in addition to those of the VM
 *
 * Return: an exit code
 */
int check_vm(struct control *ctl, int argc, char **argv)
{
	struct proposals proposals;
	struct guest_map m;
	struct vm_verdict v;
	struct guest g;
	int i, ret;

	vm_json(ctl->json ? ctl : NULL, "check-vm");
	vm_read_guest(ctl, &g);
	for (i = 0; i < argc; i++)
		guest_device(&g, argv[i], true);
	guest_map(&g, &m);
	verdict_make(ctl, &g, &m, &v);
	propose(&g, &m, &v, &proposals);
	for (i = 0; i < (int)v.groups.nr; i++)
		say_inert(ctl, &v.groups.g[i]);
	if (ctl->json)
		json_answer(ctl, &g, &m, &v, &proposals);
	else
		print_answer(ctl, &g, &m, &v, &proposals);
	ret = vm_exit(verdict_worst(&v));
	verdict_free(&v);
	keep_free();
	return ret;
}
