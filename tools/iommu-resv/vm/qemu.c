// SPDX-License-Identifier: GPL-2.0-only
/*
 * A command line of QEMU.  This file takes options in QEMU's order and by QEMU's rules of
 * merging (system/vl.c): all -machine options are merged, and the last value of a key
 * counts; -m overrides -machine memory.*; a property in -cpu overrides -global.
 */
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "opts.h"
#include "vm.h"

/* qemu-options.hx of QEMU 4.2 to 10.0: options that take no argument */
static const char *const switches[] = {
	"S", "s", "h", "help", "version", "audio-help", "async-teardown", "daemonize",
	"enable-fips", "enable-hax", "enable-kvm", "enable-sync-profile", "full-screen",
	"jitdump", "mem-prealloc", "no-acpi", "no-fd-bootchk", "no-hpet", "no-quit",
	"no-reboot", "no-shutdown", "no-user-config", "nodefaults", "nodefconfig",
	"nographic", "old-param", "only-migratable", "perfmap", "portrait", "preconfig",
	"semihosting", "singlestep", "snapshot", "usb", "win2k-hack", "xen-attach",
	"xen-domid-restrict", "no-kvm", "no-kvm-irqchip", "alt-grab", "ctrl-grab",
	"no-frame", "curses", "sdl", "tdf",
};

/* options that take one; id and loadstate are from Proxmox */
static const char *const with_argument[] = {
	"D", "L", "M", "accel", "acpitable", "action", "add-fd", "append", "audio",
	"audiodev", "balloon", "bios", "blockdev", "boot", "bt", "cdrom", "chardev",
	"chroot", "compat", "cpu", "d", "debugcon", "device", "dfilter", "display",
	"drive", "dtb", "dump-vmstate", "echr", "fda", "fdb", "fsdev", "fw_cfg", "g",
	"gdb", "global", "hda", "hdachs", "hdb", "hdc", "hdd", "icount", "id", "incoming",
	"initrd", "iscsi", "k", "kernel", "loadstate", "loadvm", "m", "machine", "mem-path", "mon",
	"monitor", "msg", "mtdblock", "name", "net", "netdev", "nic", "numa", "object",
	"option-rom", "overcommit", "parallel", "pflash", "pidfile", "plugin", "prom-env",
	"qmp", "qmp-pretty", "qtest", "qtest-log", "readconfig", "realtime", "rotate",
	"rtc", "run-with", "runas", "sandbox", "sd", "seed", "semihosting-config",
	"serial", "set", "shim", "show-cursor", "smbios", "smp", "soundhw", "spice",
	"tb-size", "tpmdev", "trace", "usbdevice", "uuid", "vga", "virtfs",
	"virtfs_synth", "vnc", "watchdog", "watchdog-action", "writeconfig", "xen-domid",
};

/**
 * struct line - a command line taken apart
 * @g: the guest that it makes
 * @host: what its CPU may inherit
 * @machine: all of -machine
 * @memory: all of -m
 * @cpu: the last -cpu
 * @cpu_globals: what -global says of CPUs, keys only
 * @objects: memory backends: key is the name, value the size
 * @modules: names of the backends of memory modules
 * @accel: the first -accel
 * @hole64: what -global says of the host bridge's hole, or NULL
 * @pflash: there is a flash image, which only edk2 is
 * @bios: the last -bios
 * @arm_binary: of a QEMU for Arm
 * @short_binary: of a QEMU for 32-bit x86
 */
struct line {
	struct guest *g;
	const struct vm_host *host;
	struct opts machine;
	struct opts memory;
	struct opts cpu;
	struct opts cpu_globals;
	struct opts objects;
	struct words modules;
	char *accel;
	struct opts hole64;
	bool pflash;
	const char *bios;
	bool arm_binary;
	bool short_binary;
};

static bool listed(const char *const *list, size_t nr, const char *word)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!strcmp(list[i], word))
			return true;
	return false;
}

static void add(struct opts *opts, const char *key, const char *value)
{
	if (!(opts->nr & (opts->nr - 1)))
		opts->o = keep_more(opts->o, opts->nr * sizeof(*opts->o),
				    (opts->nr ? 2 * opts->nr : 1) * sizeof(*opts->o));
	opts->o[opts->nr++] = (struct opt) { keep_string(key), keep_string(value) };
}

/* "/sys/bus/pci/devices/0000:01:00.0/" */
static char *last_component(const char *path)
{
	size_t len = strlen(path);
	const char *start;

	while (len && path[len - 1] == '/')
		len--;
	start = path + len;
	while (start > path && start[-1] != '/')
		start--;
	return keep_part(start, len - (size_t)(start - path));
}

/*
 * hw/core/qdev-properties-system.c, set_pci_host_devaddr(): [DOMAIN:]BUS:SLOT.FUNCTION,
 * as many hexadecimal digits as one likes.
 */
static char *pci_name(const char *host)
{
	unsigned int domain = 0, bus, slot, function;
	char end;

	if (sscanf(host, "%8x:%8x:%8x.%8u%c", &domain, &bus, &slot, &function, &end) != 4) {
		domain = 0;
		if (sscanf(host, "%8x:%8x.%8u%c", &bus, &slot, &function, &end) != 3)
			vm_fail("-device vfio-pci,host=%s: not the address of a PCI device",
				host);
	}
	if (bus > 0xff || slot > 0x1f || function > 7)
		vm_fail("-device vfio-pci,host=%s: no PCI device has this address", host);
	return keep_printf("%04x:%02x:%02x.%x", domain, bus, slot, function);
}

static void vfio_device(struct line *l, const struct opts *o)
{
	const char *host = opts_get(o, "host"), *sysfs = opts_get(o, "sysfsdev");

	if (sysfs)
		guest_device(l->g, last_component(sysfs), false);
	else if (host)
		guest_device(l->g, pci_name(host), false);
	else if (opts_get(o, "fd"))
		vm_fail("-device vfio-pci has a file descriptor and no address: the device cannot be identified");
	else
		vm_fail("-device vfio-pci has neither host= nor sysfsdev=");
}

static bool is_module(const char *driver)
{
	return !strcmp(driver, "pc-dimm") || !strcmp(driver, "nvdimm") ||
	       !strncmp(driver, "virtio-mem-", 11) || !strncmp(driver, "virtio-pmem-", 12);
}

static void take_device(struct line *l, const char *text)
{
	struct opts o = { 0 };
	const char *driver;

	if (*text == '{')
		opts_json(&o, "-device", text);
	else
		opts_parse(&o, "-device", text, "driver");
	driver = opts_get(&o, "driver");
	if (!driver)
		vm_fail("-device has no driver");
	if (!strncmp(driver, "vfio-pci", 8) || !strcmp(driver, "vfio-platform") ||
	    !strcmp(driver, "vfio-amd-xgbe") || !strcmp(driver, "vfio-calxeda-xgmac"))
		vfio_device(l, &o);
	else if (is_module(driver) && opts_get(&o, "memdev"))
		words_add(&l->modules, keep_string(opts_get(&o, "memdev")));
	else if (!strncmp(driver, "ivshmem", 7))
		l->g->ivshmem = true;
	else if (strstr(driver, "iommu"))
		l->g->viommu = true;
}

static void take_object(struct line *l, const char *text)
{
	struct opts o = { 0 };
	const char *type, *id;

	if (*text == '{')
		opts_json(&o, "-object", text);
	else
		opts_parse(&o, "-object", text, "qom-type");
	type = opts_get(&o, "qom-type");
	id = opts_get(&o, "id");
	if (type && id && !strncmp(type, "memory-backend-", 15) && opts_get(&o, "size"))
		add(&l->objects, id, opts_get(&o, "size"));
}

static bool is_cpu_type(const char *driver)
{
	const char *end = strstr(driver, "x86_64-cpu");

	return end && !end[strlen("x86_64-cpu")];
}

/* DRIVER.PROPERTY=VALUE, or the three as keys */
static void take_global(struct line *l, const char *text)
{
	const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
	const char *driver, *property, *value;
	struct opts o = { 0 };

	if (dot && equals && dot < equals) {
		driver = keep_part(text, (size_t)(dot - text));
		property = keep_part(dot + 1, (size_t)(equals - dot - 1));
		value = equals + 1;
	} else {
		opts_parse(&o, "-global", text, NULL);
		driver = opts_get(&o, "driver");
		property = opts_get(&o, "property");
		value = opts_get(&o, "value");
		if (!driver || !property || !value)
			vm_fail("-global %s is not DRIVER.PROPERTY=VALUE", text);
	}
	if (is_cpu_type(driver))
		add(&l->cpu_globals, keep_printf("%s.%s", driver, property), value);
	else if (!strcmp(property, "pci-hole64-size"))
		add(&l->hole64, driver, value);
	else if (!strcmp(property, "x-pci-hole64-fix"))
		vm_fail("-global %s moves the 64-bit PCI hole, and is not covered",
			text);
}

static void take_drive(struct line *l, const char *text)
{
	struct opts o = { 0 };
	const char *interface;

	opts_parse(&o, "-drive", text, NULL);
	interface = opts_get(&o, "if");
	if (interface && !strcmp(interface, "pflash"))
		l->pflash = true;
}

/* Proxmox has bridges and USB in a file of its own; other files may have anything. */
static void take_readconfig(const char *text)
{
	static const char pve[] = "/usr/share/qemu-server/pve-";

	if (strncmp(text, pve, sizeof(pve) - 1) || strstr(text, ".."))
		vm_fail("-readconfig %s: that file is not read; give its options on the command line",
			text);
}

/* -set GROUP.ID.KEY=VALUE */
static void take_set(const char *text)
{
	if (strncmp(text, "device.", 7) || strstr(text, ".host=") ||
	    strstr(text, ".sysfsdev="))
		vm_fail("-set %s changes another option, and is not covered", text);
}

static void take_accel(struct line *l, const char *text)
{
	struct opts o = { 0 };
	const char *accel;

	opts_parse(&o, "-accel", text, "accel");
	accel = opts_get(&o, "accel");
	if (!l->accel && accel)
		l->accel = keep_string(accel);
}

static void take_option(struct line *l, const char *name, const char *text)
{
	if (!strcmp(name, "machine") || !strcmp(name, "M")) {
		opts_parse(&l->machine, "-machine", text, "type");
	} else if (!strcmp(name, "m")) {
		opts_parse(&l->memory, "-m", text, "size");
	} else if (!strcmp(name, "cpu")) {
		l->cpu = (struct opts) { 0 };
		opts_parse(&l->cpu, "-cpu", text, "model");
	} else if (!strcmp(name, "device")) {
		take_device(l, text);
	} else if (!strcmp(name, "object")) {
		take_object(l, text);
	} else if (!strcmp(name, "global")) {
		take_global(l, text);
	} else if (!strcmp(name, "drive")) {
		take_drive(l, text);
	} else if (!strcmp(name, "pflash")) {
		l->pflash = true;
	} else if (!strcmp(name, "bios")) {
		l->bios = text;
	} else if (!strcmp(name, "accel")) {
		take_accel(l, text);
	} else if (!strcmp(name, "enable-kvm")) {
		take_accel(l, "kvm");
	} else if (!strcmp(name, "readconfig")) {
		take_readconfig(text);
	} else if (!strcmp(name, "set")) {
		take_set(text);
	} else if (!strcmp(name, "name")) {
		struct opts o = { 0 };

		opts_parse(&o, "-name", text, "guest");
		if (opts_get(&o, "guest"))
			l->g->name = keep_string(opts_get(&o, "guest"));
	}
}

static void take_words(struct line *l, const struct words *words)
{
	size_t i;

	for (i = 1; i < words->nr; i++) {
		const char *name = words->w[i];

		if (name[0] != '-' || !name[1])
			continue;	/* a disk */
		name += name[1] == '-' ? 2 : 1;
		if (listed(switches, sizeof(switches) / sizeof(switches[0]), name)) {
			take_option(l, name, "");
			continue;
		}
		/* Skip the argument of an unknown option, too; it does not begin with "-". */
		if (!listed(with_argument,
			    sizeof(with_argument) / sizeof(with_argument[0]), name)) {
			guest_note(l->g, keep_printf("%s is not a known option of QEMU, and was ignored",
						     words->w[i]));
			i += i + 1 < words->nr && words->w[i + 1][0] != '-';
			continue;
		}
		if (i + 1 == words->nr)
			vm_fail("%s has no argument", words->w[i]);
		take_option(l, name, words->w[++i]);
	}
}

/* The name of the program decides the architecture and the default machine. */
static void take_program(struct line *l, const char *program)
{
	const char *base = strrchr(program, '/');
	static const char prefix[] = "qemu-system-";

	base = base ? base + 1 : program;
	if (!strncmp(base, prefix, sizeof(prefix) - 1)) {
		base += sizeof(prefix) - 1;
		l->arm_binary = !strcmp(base, "aarch64") || !strcmp(base, "arm");
		l->short_binary = !strcmp(base, "i386");
		if (!l->arm_binary && strcmp(base, "x86_64") &&
		    strncmp(base, "x86_64-", 7) && strcmp(base, "i386") &&
		    strcmp(base, "x86"))
			vm_fail("%s: only machines of x86 and arm64 are covered",
				program);
	}
}

static void finish_machine(struct line *l)
{
	const char *type = opts_get(&l->machine, "type");
	size_t i;

	if (!type && l->arm_binary)
		vm_fail("no machine type: QEMU has no default for Arm");
	if (!machine_type(l->g, type ?: "pc", l->arm_binary))
		vm_fail("the machine type %s is not covered: only pc, q35 and virt of arm64 are",
			type);
	for (i = 0; i < l->machine.nr; i++) {
		const char *key = l->machine.o[i].key;

		if (!strncmp(key, "sgx-epc", 7))
			vm_fail("-machine %s: memory for SGX is not covered", key);
		if (!strncmp(key, "pflash", 6))
			l->pflash = true;
	}
	l->g->cxl = opts_bool(&l->machine, "cxl", false);
	if (opts_get(&l->machine, "iommu"))
		l->g->viommu = strcmp(opts_get(&l->machine, "iommu"), "none");
}

static void finish_accel(struct line *l, const char *program)
{
	const char *accel = l->accel ?: opts_get(&l->machine, "accel");
	const char *base = strrchr(program, '/');

	base = base ? base + 1 : program;
	if (accel)
		l->g->kvm = !strncmp(accel, "kvm", 3) && (!accel[3] || accel[3] == ':');
	else
		l->g->kvm = !strcmp(base, "kvm") || !strcmp(base, "qemu-kvm");
}

/*
 * system/vl.c, parse_memory_options() and hw/core/machine.c, machine_set_mem(): a size
 * without unit is MiB in -m, bytes elsewhere; what -m lacks comes from -machine
 * memory.*, or else from the memory backend.
 */
static void finish_memory(struct line *l)
{
	struct guest *g = l->g;
	const char *size = opts_get(&l->memory, "size");
	const char *backend = opts_get(&l->machine, "memory-backend");
	uint64_t module;
	size_t i;
	bool max;

	g->ram = 128 * MIB;
	if (size && !size_parse(size, 'M', &g->ram))
		vm_fail("-m %s: not a size, or larger than any machine", size);
	if ((!size || !g->ram) &&
	    !opts_size(&l->machine, "memory.size", 'B', &g->ram)) {
		g->ram = 128 * MIB;
		if (backend && !opts_size(&l->objects, backend, 'B', &g->ram))
			vm_fail("-machine memory-backend=%s: there is no -object of this name that has a size",
				backend);
	}
	g->ram = (g->ram + 8191) / 8192 * 8192;
	g->has_backend = backend && opts_size(&l->objects, backend, 'B', &g->backend);
	if (g->backend == g->ram)
		g->backend = 0;
	if (!g->ram)
		vm_fail("the machine has no memory");
	max = opts_size(&l->machine, "memory.max-size", 'B', &g->maxmem);
	max |= opts_size(&l->memory, "maxmem", 'B', &g->maxmem);
	if (!max)
		g->maxmem = g->ram;
	opts_number(&l->machine, "memory.slots", &g->slots);
	opts_number(&l->memory, "slots", &g->slots);
	for (i = 0; i < l->modules.nr; i++) {
		if (opts_size(&l->objects, l->modules.w[i], 'B', &module))
			g->plugged += module;
		if (g->plugged > VM_SIZE_MAX)
			vm_fail("the memory modules are larger than any machine");
	}
	if (g->slots > 65535)
		vm_fail("slots=%s is more than any machine has",
			opts_get(&l->memory, "slots") ?: "");
}

/* The value of -cpu, or else that of -global for this model or for all. */
static const char *cpu_get(const struct line *l, const char *key)
{
	const char *value = opts_get(&l->cpu, key);

	if (!value)
		value = opts_get(&l->cpu_globals,
				 keep_printf("%s-x86_64-cpu.%s", l->g->cpu, key));
	if (!value)
		value = opts_get(&l->cpu_globals, keep_printf("x86_64-cpu.%s", key));
	return value;
}

static bool cpu_number(const struct line *l, const char *key, uint64_t *value)
{
	struct opts o = { 0 };
	const char *text = cpu_get(l, key);

	if (!text)
		return false;
	add(&o, key, text);
	return opts_number(&o, key, value);
}

static bool cpu_bool(const struct line *l, const char *key, bool unset)
{
	struct opts o = { 0 };
	const char *text = cpu_get(l, key);

	if (!text)
		return unset;
	add(&o, key, text);
	return opts_bool(&o, key, unset);
}

/* "+feature", "-feature" and "feature=on" */
static bool cpu_feature(const struct line *l, const char *name, bool unset)
{
	bool on = cpu_bool(l, name, unset);

	if (opts_get(&l->cpu, keep_printf("+%s", name)))
		on = true;
	if (opts_get(&l->cpu, keep_printf("-%s", name)))
		on = false;
	return on;
}

/*
 * target/i386/host-cpu.c, host_cpu_realizefn() and host_cpu_instance_init(): under KVM
 * each model has the host's vendor unless an option sets another one; "host" and "max"
 * have its address bits, others 40 (TCG_PHYS_ADDR_BITS), whatever the model is.
 */
static void finish_cpu(struct line *l)
{
	struct guest *g = l->g;
	/* target/i386/cpu.h, TARGET_DEFAULT_CPU_TYPE */
	const char *model = opts_get(&l->cpu, "model") ?:
			    l->short_binary ? "qemu32" : "qemu64";
	bool like_host = !strcmp(model, "host") || !strcmp(model, "max");
	const char *vendor;
	uint64_t bits = 0, limit = 0, number;
	bool host_bits;

	g->cpu = keep_string(model);
	cpu_x86(model, g);
	if (g->kvm)
		g->vendor = l->host->vendor;
	vendor = cpu_get(l, "vendor");
	if (vendor)
		g->vendor = !strcmp(vendor, "AuthenticAMD") ? VENDOR_AMD :
			    !strcmp(vendor, "GenuineIntel") ? VENDOR_INTEL : VENDOR_OTHER;
	g->huge_pages = cpu_feature(l, "pdpe1gb", g->huge_pages);
	g->long_mode = cpu_feature(l, "lm", g->long_mode);
	if (!cpu_number(l, "phys-bits", &bits) || !bits)
		bits = g->long_mode ? 40 : 36;
	host_bits = cpu_bool(l, "host-phys-bits", (g->kvm && like_host) ||
			     machine_has_host_bits(g->machine_type));
	if (g->kvm && host_bits) {
		bits = l->host->phys_bits;
		if (machine_has_host_bits(g->machine_type))
			limit = 48;
		cpu_number(l, "host-phys-bits-limit", &limit);
		if (limit && bits > limit)
			bits = limit;
		g->bits_from_host = true;
	}
	if ((bits && bits < 32) || bits > 52)
		vm_fail("a CPU of %u address bits: QEMU allows 32 to 52",
			(unsigned int)(bits > 9999 ? 9999 : bits));
	g->phys_bits = (unsigned int)bits;
	if (cpu_number(l, "guest-phys-bits", &number) && number >= 32 && number <= 64)
		g->guest_bits = (unsigned int)number;
}

static void finish_firmware(struct line *l)
{
	static const char *const edk2[] = { "OVMF", "ovmf", "edk2", "EDK2", "AAVMF",
					    "QEMU_EFI", "uefi" };
	size_t i;

	l->g->firmware = l->g->arm ? FIRMWARE_NONE : FIRMWARE_SEABIOS;
	if (l->bios && !strstr(l->bios, "bios"))
		l->g->firmware = FIRMWARE_NONE;
	for (i = 0; l->bios && i < sizeof(edk2) / sizeof(edk2[0]); i++)
		if (strstr(l->bios, edk2[i]))
			l->g->firmware = FIRMWARE_EDK2;
	if (l->pflash)
		l->g->firmware = FIRMWARE_EDK2;
}

static void finish_x86(struct line *l)
{
	struct guest *g = l->g;

	/* hw/pci-host/q35.c and i440fx.c */
	g->hole64 = g->machine == VM_Q35 ? 32 * GIB : 2 * GIB;
	opts_size(&l->hole64, g->machine == VM_Q35 ? "q35-pcihost" : "i440FX-pcihost",
		  'B', &g->hole64);
	opts_size(&l->machine, "max-ram-below-4g", 'B', &g->low_limit);
	finish_cpu(l);
}

/* hw/arm/virt.c, virt_instance_init(); no regions above 4 GiB before 3.0 but the window */
static void finish_arm(struct line *l)
{
	struct guest *g = l->g;
	const char *model = opts_get(&l->cpu, "model") ?: "cortex-a15";

	g->cpu = keep_string(model);
	g->highmem = opts_bool(&l->machine, "highmem", true);
	g->compact = opts_bool(&l->machine, "compact-highmem", g->version >= 702);
	g->redists = opts_bool(&l->machine, "highmem-redists", true);
	g->ecam = opts_bool(&l->machine, "highmem-ecam", g->version >= 300);
	g->mmio = opts_bool(&l->machine, "highmem-mmio", true);
	g->mmio_size = 512 * GIB;
	opts_size(&l->machine, "highmem-mmio-size", 'B', &g->mmio_size);
	if (g->mmio_size < 512 * GIB || (g->mmio_size & (g->mmio_size - 1)))
		vm_fail("-machine highmem-mmio-size=%s: QEMU wants a power of two, and 512G at least",
			opts_get(&l->machine, "highmem-mmio-size"));
	if (!g->kvm)
		g->phys_bits = cpu_arm_bits(model);
}

/**
 * qemu_guest() - the guest that a command line makes
 * @words: the command line
 * @host: what the CPU may inherit
 * @g: to fill; the format is set
 */
void qemu_guest(const struct words *words, const struct vm_host *host,
		struct guest *g)
{
	struct line l = { .g = g, .host = host };

	take_program(&l, words->w[0]);
	take_words(&l, words);
	finish_machine(&l);
	finish_accel(&l, words->w[0]);
	finish_memory(&l);
	if (g->arm)
		finish_arm(&l);
	else
		finish_x86(&l);
	finish_firmware(&l);
	if (g->viommu)
		guest_note(g, keep_string("the guest has a virtual IOMMU: this applies while the guest leaves it off"));
}
