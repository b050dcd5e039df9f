// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of PCI devices, by libpci's list of names.  This file reads the ids itself,
 * because libpci would scan the bus of the machine that runs it.  libpci says where the
 * list is, and reads it if it is compressed.
 */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pci/pci.h>

#include "ids.h"
#include "names.h"
#include "sysfs.h"
#include "words.h"
#include "xalloc.h"

/* A model that was looked for */
struct known {
	uint32_t ids;
	char *name;
};

/**
 * struct names - where names come from
 * @pci: libpci's handle
 * @opened: the list was looked for
 * @plain: it is plain text, and in @ids
 * @ids: the list
 * @known: names that were found; a host has many devices and few models
 * @nr: their number
 */
struct names {
	struct pci_access *pci;
	bool opened;
	bool plain;
	struct ids ids;
	struct known *known;
	size_t nr;
};

static __attribute__((noreturn)) void pci_trouble(char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	verrx(EXIT_TROUBLE, fmt, ap);
	va_end(ap);
}

static void pci_quiet(char *fmt, ...)
{
	(void)fmt;
}

/**
 * names_open() - start
 * @ctl: options
 *
 * Return: what the other functions take
 */
struct names *names_open(const struct control *ctl)
{
	struct names *names = xmalloc(sizeof(*names));

	*names = (struct names) { .pci = pci_alloc() };
	/* pci_init() would set these, but it looks for a bus too. */
	names->pci->error = pci_trouble;
	names->pci->warning = pci_quiet;
	names->pci->debug = pci_quiet;
	/* udev's database repeats the list, and libpci leaks the handle. */
	pci_set_param(names->pci, "hwdb.disable", "1");
	if (ctl->pci_ids)
		pci_set_name_list_path(names->pci, xstrdup(ctl->pci_ids), 1);
	return names;
}

/* libpci takes a file without .gz if there is none with it. */
static void open_list(struct names *names)
{
	char *path = xstrdup(names->pci->id_file_name ?: "");
	size_t len = strlen(path);

	names->opened = true;
	if (len > 3 && !strcmp(path + len - 3, ".gz") && !file_exists(path))
		path[len - 3] = '\0';
	names->plain = ids_open(&names->ids, path);
	free(path);
}

static char *find_name(struct names *names, uint16_t vendor, uint16_t device)
{
	char name[256];

	if (!names->opened)
		open_list(names);
	if (names->plain)
		return ids_name(&names->ids, vendor, device);
	return xstrdup(pci_lookup_name(names->pci, name, sizeof(name),
				       PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
				       vendor, device));
}

static const char *name_of(struct names *names, uint16_t vendor, uint16_t device)
{
	uint32_t ids = (uint32_t)vendor << 16 | device;
	size_t i;

	for (i = names->nr; i-- > 0;)
		if (names->known[i].ids == ids)
			return names->known[i].name;
	names->known = xreallocarray(names->known, names->nr + 1, sizeof(*names->known));
	names->known[names->nr] = (struct known) { ids, find_name(names, vendor, device) };
	return names->known[names->nr++].name;
}

static bool read_id(const char *dir, const char *file, uint64_t *id)
{
	struct text t;
	char *line;
	bool found;

	if (text_open(&t, xasprintf("%s/%s", dir, file)))
		return false;
	found = text_next(&t, &line) && word_hex(line, 4, id) && *id <= 0xffff;
	text_close(&t);
	return found;
}

/**
 * names_product() - vendor and device, as ids and as names
 * @names: of names_open()
 * @device_dir: the device's directory in sysfs
 * @d: gets both, if it is a PCI device
 */
void names_product(struct names *names, const char *device_dir, struct device *d)
{
	uint64_t vendor, device;

	if (!read_id(device_dir, "vendor", &vendor) ||
	    !read_id(device_dir, "device", &device))
		return;
	d->ids = xasprintf("%04x:%04x", (unsigned int)vendor, (unsigned int)device);
	d->product = xstrdup(name_of(names, (uint16_t)vendor, (uint16_t)device));
}

void names_close(struct names *names)
{
	size_t i;

	for (i = 0; i < names->nr; i++)
		free(names->known[i].name);
	free(names->known);
	ids_close(&names->ids);
	pci_cleanup(names->pci);
	free(names);
}
