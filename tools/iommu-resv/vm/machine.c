// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of QEMU's machine types and CPU models.  A machine type of a distribution is
 * based on the upstream one of the QEMU with which it was introduced.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

static const struct {
	const char *name;	/* beginning of what follows "pc-q35-" and the like */
	unsigned int version;
} distributions[] = {
	/* Red Hat: 9.0.0 came with QEMU 6.2, 9.2.0 with 7.2 */
	{ "rhel7.", 212 }, { "rhel8.", 602 }, { "rhel9.0", 602 },
	{ "rhel9.2", 702 }, { "rhel9.4", 802 }, { "rhel9.6", 902 },
	{ "rhel10.0", 902 }, { "rhel10.", 1000 },
	/* Ubuntu */
	{ "xenial", 205 }, { "bionic", 211 }, { "focal", 402 }, { "groovy", 500 },
	{ "hirsute", 502 }, { "impish", 600 }, { "jammy", 602 }, { "kinetic", 700 },
	{ "lunar", 702 }, { "mantic", 800 }, { "noble", 802 }, { "oracular", 900 },
	{ "plucky", 902 }, { "questing", 1001 },
};

static unsigned long take_number(const char **text)
{
	char *end;
	unsigned long number = strtoul(*text, &end, 10);

	*text = end;
	return number;
}

/* "7.2", "10.0+pve1", "4.0.1", "rhel9.4.0", "jammy-hpb" */
static void take_version(struct guest *g, const char *text)
{
	unsigned long major, minor;
	size_t i;

	if (*text >= '1' && *text <= '9') {
		major = take_number(&text);
		if (*text == '.' && text[1] >= '0' && text[1] <= '9') {
			text++;
			minor = take_number(&text);
			if (major < 99 && minor < 100 &&
			    (!*text || strchr(".+-", *text))) {
				g->version = (unsigned int)(100 * major + minor);
				return;
			}
		}
	}
	for (i = 0; i < sizeof(distributions) / sizeof(distributions[0]); i++) {
		if (!strncmp(text, distributions[i].name,
			     strlen(distributions[i].name))) {
			g->version = distributions[i].version;
			return;
		}
	}
	g->version_known = false;
}

/**
 * machine_type() - find out what a machine type is
 * @g: to fill
 * @type: the type
 * @arm_binary: of a QEMU for Arm
 *
 * Return: false if it is not known
 */
bool machine_type(struct guest *g, const char *type, bool arm_binary)
{
	static const struct {
		const char *prefix;
		enum vm_machine machine;
	} types[] = {
		{ "pc-q35-", VM_Q35 },
		{ "pc-i440fx-", VM_PC },
		{ "virt-", VM_VIRT },
	};
	char *alias = keep_part(type, strcspn(type, "+"));	/* "q35+pve0" of Proxmox */
	size_t i;

	g->machine_type = keep_string(type);
	g->version = VERSION_NEWEST;
	g->version_known = true;
	g->arm = arm_binary;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strncmp(type, types[i].prefix, strlen(types[i].prefix)))
			continue;
		g->machine = types[i].machine;
		take_version(g, type + strlen(types[i].prefix));
		break;
	}
	if (i == sizeof(types) / sizeof(types[0])) {
		if (!strcmp(alias, "q35"))
			g->machine = VM_Q35;
		else if (!strcmp(alias, "pc") || !strcmp(alias, "ubuntu"))
			g->machine = VM_PC;
		else if (!strcmp(alias, "virt"))
			g->machine = VM_VIRT;
		else
			return false;
	}
	if (g->machine == VM_VIRT)
		g->arm = true;
	return g->arm == (g->machine == VM_VIRT);
}

/*
 * Red Hat's machine types, and those of Ubuntu that are made for this, use the host's
 * bits.
 */
bool machine_has_host_bits(const char *type)
{
	size_t len = strlen(type);

	return !strncmp(type, "pc-q35-rhel", 11) || !strncmp(type, "pc-i440fx-rhel", 14) ||
	       (len > 4 && !strcmp(type + len - 4, "-hpb"));
}

static bool begins(const char *model, const char *const *names)
{
	for (; *names; names++)
		if (!strncmp(model, *names, strlen(*names)))
			return true;
	return false;
}

static bool is_one_of(const char *model, const char *const *names)
{
	for (; *names; names++) {
		size_t len = strlen(*names);

		/* "qemu64" and "qemu64-v1" */
		if (!strncmp(model, *names, len) &&
		    (!model[len] || !strncmp(model + len, "-v", 2)))
			return true;
	}
	return false;
}

/**
 * cpu_x86() - properties of a model without KVM, by target/i386/cpu.c
 * @model: the model
 * @g: vendor, long mode, and pages of 1 GiB are filled in
 */
void cpu_x86(const char *model, struct guest *g)
{
	static const char *const amd[] = { "EPYC", "Opteron_G", "phenom", "athlon", NULL };
	static const char *const amd_exact[] = { "qemu64", "max", NULL };
	static const char *const other[] = { "Dhyana", "YongFeng", NULL };
	static const char *const other_exact[] = { "base", NULL };
	static const char *const short_mode[] = {
		"486", "pentium", "pentium2", "pentium3", "athlon", "n270", "coreduo",
		"kvm32", "qemu32", "base", NULL
	};
	static const char *const huge[] = {
		"EPYC", "Opteron_G4", "Opteron_G5", "phenom", "Dhyana", "YongFeng",
		"Skylake-Server", "Cascadelake-Server", "Cooperlake", "Icelake-Server",
		"SapphireRapids", "GraniteRapids", "SierraForest", "ClearwaterForest",
		"DiamondRapids", "Denverton", "Snowridge", "KnightsMill", NULL
	};
	/* "host-model" of libvirt is a model that it makes of the host's CPU. */
	static const char *const huge_exact[] = { "max", "host", "host-model", NULL };

	g->vendor = begins(model, amd) || is_one_of(model, amd_exact) ? VENDOR_AMD :
		    begins(model, other) || is_one_of(model, other_exact) ?
		    VENDOR_OTHER : VENDOR_INTEL;
	g->long_mode = !is_one_of(model, short_mode);
	g->huge_pages = begins(model, huge) || is_one_of(model, huge_exact);
}

/* Address bits of QEMU's Arm models, by target/arm; 0 if not known */
unsigned int cpu_arm_bits(const char *model)
{
	static const struct {
		const char *name;
		unsigned int bits;
	} models[] = {
		{ "cortex-a15", 40 }, { "cortex-a7", 40 }, { "cortex-a35", 40 },
		{ "cortex-a53", 40 }, { "cortex-a55", 40 }, { "cortex-a57", 44 },
		{ "cortex-a72", 44 }, { "cortex-a76", 40 }, { "cortex-a710", 40 },
		{ "a64fx", 40 }, { "neoverse-n1", 48 }, { "neoverse-n2", 48 },
		{ "neoverse-v1", 48 }, { "max", 52 },
	};
	size_t i;

	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		if (!strcmp(model, models[i].name))
			return models[i].bits;
	return 0;
}
