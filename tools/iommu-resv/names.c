// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of PCI devices, by libpci's list of names.  This file reads the ids itself,
 * because libpci would scan the bus of the machine that runs it.
 */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <pci/pci.h>

#include "names.h"
#include "sysfs.h"
#include "words.h"
#include "xalloc.h"

struct names {
	struct pci_access *pci;
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

	names->pci = pci_alloc();
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
	char name[256];

	if (!read_id(device_dir, "vendor", &vendor) ||
	    !read_id(device_dir, "device", &device))
		return;
	d->ids = xasprintf("%04x:%04x", (unsigned int)vendor, (unsigned int)device);
	d->product = xstrdup(pci_lookup_name(names->pci, name, sizeof(name),
					     PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
					     (int)vendor, (int)device));
}

void names_close(struct names *names)
{
	pci_cleanup(names->pci);
	free(names);
}
