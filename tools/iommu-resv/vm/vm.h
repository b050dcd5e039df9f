/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps from the description of a VM to an answer: a reader (libvirt, proxmox, qemu,
 * cloud_hypervisor) makes a struct guest, guest.c makes its memory map, verdict.c compares
 * the map with the groups of this host, propose.c looks for settings that help.  A file
 * uses only files that come before it in this order.
 */
#ifndef VM_H
#define VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../facts.h"
#include "../iommu-resv.h"
#include "keep.h"

#define MIB	(UINT64_C(1) << 20)
#define GIB	(UINT64_C(1) << 30)
#define TIB	(UINT64_C(1) << 40)

/* More than any machine has; keeps all sums below 2^63. */
#define VM_SIZE_MAX	(UINT64_C(1) << 56)
#define VM_FILE_MAX	(1024 * 1024)
#define VM_DEVICES_MAX	256

enum vm_format {
	VM_LIBVIRT,
	VM_QEMU,
	VM_PROXMOX,
	VM_CLOUD_HYPERVISOR,
	VM_FORMATS,
};

enum vm_machine {
	VM_PC,			/* QEMU's i440FX */
	VM_Q35,
	VM_VIRT,		/* QEMU's virt of arm64 */
	VM_CLH_X86,		/* Cloud Hypervisor */
	VM_CLH_ARM,
};

enum vm_vendor {
	VENDOR_UNKNOWN,
	VENDOR_AMD,
	VENDOR_INTEL,
	VENDOR_OTHER,
};

enum vm_firmware {
	FIRMWARE_SEABIOS,
	FIRMWARE_EDK2,
	FIRMWARE_NONE,		/* a kernel is started directly, or unknown firmware */
};

/**
 * struct vm_host - the properties of the host's CPU that a guest under KVM inherits
 * @vendor: its vendor
 * @phys_bits: its physical address bits, 0 if not known
 * @arm: it is an Arm machine
 * @guest: it is a virtual machine itself
 */
struct vm_host {
	enum vm_vendor vendor;
	unsigned int phys_bits;
	bool arm;
	bool guest;
};

/**
 * struct vm_device - a device that is passed through
 * @name: as sysfs has it
 * @managed: the program that starts the VM binds it to VFIO's driver
 */
struct vm_device {
	char *name;
	bool managed;
};

/**
 * struct guest - a VM as it is described
 * @format: format of the description
 * @name: its name, or NULL
 * @machine_type: as given
 * @machine: kind of that machine
 * @version: of QEMU's machine type, major * 100 + minor; VERSION_NEWEST for one
 *	without a version
 * @version_known: false for a distribution's type whose version is not known
 * @arm: the guest is an arm64 machine
 * @ram: bytes of memory that are there from the start, without modules
 * @maxmem: bytes that may be reached with modules; @ram if none may
 * @has_backend: the memory is an object of QEMU, which has a size of its own
 * @backend: that size, if it is another one than @ram; else 0
 * @slots: of modules
 * @plugged: bytes of modules that are there from the start
 * @low_limit: max-ram-below-4g, 0 for the machine type's own
 * @hole64: size of the 64-bit PCI hole
 * @kvm: not emulated
 * @cpu: model of the CPU
 * @vendor: of the CPU as the guest sees it
 * @long_mode: the CPU has 64 bits
 * @huge_pages: the CPU has pages of 1 GiB
 * @phys_bits: address bits of the CPU, 0 if not known
 * @bits_from_host: these are the host's, or fewer
 * @guest_bits: guest-phys-bits, 0 if not set
 * @firmware: the firmware, which places the BARs
 * @ivshmem: there is shared memory in a BAR
 * @viommu: there is a virtual IOMMU
 * @cxl: there is CXL memory, which moves the 64-bit PCI hole
 * @highmem: arm64: there is anything above 4 GiB
 * @compact: arm64: regions that are off take no space
 * @redists: arm64: the second region of redistributors is on
 * @ecam: arm64: the high ECAM is on
 * @mmio: arm64: the high PCI window is on
 * @mmio_size: its size
 * @devices: what is passed through
 * @nr_devices: their number
 * @notes: remarks to print with the answer
 */
struct guest {
	enum vm_format format;
	char *name;
	char *machine_type;
	enum vm_machine machine;
	unsigned int version;
	bool version_known;
	bool arm;
	uint64_t ram;
	uint64_t maxmem;
	bool has_backend;
	uint64_t backend;
	uint64_t slots;
	uint64_t plugged;
	uint64_t low_limit;
	uint64_t hole64;
	bool kvm;
	char *cpu;
	enum vm_vendor vendor;
	bool long_mode;
	bool huge_pages;
	unsigned int phys_bits;
	bool bits_from_host;
	unsigned int guest_bits;
	enum vm_firmware firmware;
	bool ivshmem;
	bool viommu;
	bool cxl;
	bool highmem;
	bool compact;
	bool redists;
	bool ecam;
	bool mmio;
	uint64_t mmio_size;
	struct vm_device *devices;
	size_t nr_devices;
	struct words notes;
};

#define VERSION_NEWEST	9999

enum area_kind {
	AREA_RAM,
	AREA_HOTPLUG,
	AREA_BARS,
	AREA_GIC,
	AREA_ECAM,
};

struct area {
	enum area_kind kind;
	struct range at;
};

#define AREAS_MAX	16

/**
 * struct guest_map - the memory map of a guest
 * @a: its areas, by address
 * @nr: their number
 * @hole64: the 64-bit PCI hole of QEMU; start 0 if there is none
 * @hotplug_used: bytes of the hot-plug area that modules can fill; the rest is for
 *	their alignment
 * @refused: why the VMM does not start this VM at all, or NULL
 * @bits_low: @refused says that the CPU has too few address bits
 * @unknown: why the map is not known, or NULL
 */
struct guest_map {
	struct area a[AREAS_MAX];
	size_t nr;
	struct range hole64;
	uint64_t hotplug_used;
	char *refused;
	bool bits_low;
	char *unknown;
};

/* input.c: files, guesses, and the exit for invalid input */
struct vm_input {
	const char *file;
	char *text;
	size_t len;
};

void vm_read(const struct control *ctl, struct vm_input *in);
enum vm_format vm_guess(const struct vm_input *in);
void vm_json(const struct control *ctl, const char *report);
void vm_printable(char *text);
__attribute__((noreturn, format(printf, 1, 2))) void vm_fail(const char *fmt, ...);
extern const char *const vm_format_names[VM_FORMATS];

/* host.c */
void host_read(const struct control *ctl, struct vm_host *host);
void host_functions(const struct control *ctl, const char *slot, struct words *names);

/* shell.c */
void shell_words(const struct vm_input *in, struct words *words);
void shell_split(const char *text, struct words *words);
bool shell_is_qemu(const char *word);
bool shell_is_cloud_hypervisor(const char *word);

/* the readers */
void qemu_guest(const struct words *words, const struct vm_host *host,
		struct guest *g);
void libvirt_guest(const struct vm_input *in, const struct vm_host *host,
		   struct guest *g);
void proxmox_guest(const struct control *ctl, const struct vm_input *in,
		   const struct vm_host *host, struct guest *g);
void cloud_hypervisor_guest(const struct words *words, const struct vm_host *host,
			    struct guest *g);
void guest_device(struct guest *g, const char *name, bool managed);
void guest_note(struct guest *g, char *note);

/* guest.c */
void guest_map(const struct guest *g, struct guest_map *m);

/* verdict.c */
enum severity {
	FINDING_NO,		/* does not fit */
	FINDING_UNKNOWN,	/* not known */
	FINDING_WARNING,	/* fits, but something else does not work */
	FINDING_NOTE,
};

/**
 * struct finding - one result
 * @severity: how serious it is
 * @step: the check that found it
 * @device: the device, or NULL if it is about all devices
 * @group: its group, if @grouped
 * @grouped: @group is valid
 * @area: the part of the guest's map that it is about, or NULL
 * @region: the reserved region in the way, or NULL
 * @text: in words
 */
struct finding {
	enum severity severity;
	const char *step;
	char *device;
	unsigned int group;
	bool grouped;
	const struct area *area;
	const struct region *region;
	char *text;
};

/**
 * struct vm_verdict - the answer
 * @f: findings, in their order
 * @nr: their number
 * @groups: the groups of all devices
 */
struct vm_verdict {
	struct finding *f;
	size_t nr;
	struct groups groups;
};

void verdict_make(struct control *ctl, const struct guest *g,
		  const struct guest_map *m, struct vm_verdict *v);
enum severity verdict_worst(const struct vm_verdict *v);
struct range verdict_fillable(const struct guest_map *m, const struct area *a);
bool verdict_area_usable(const struct group *grp, const struct range *at);
bool verdict_map_fits(const struct vm_verdict *v, const struct guest_map *m,
		      enum area_kind kind);
void verdict_free(struct vm_verdict *v);

/* propose.c */

/**
 * struct proposal - a setting that helps
 * @cause: the fault that it cures
 * @lines: lines to paste
 */
struct proposal {
	char *cause;
	struct words lines;
};

struct proposals {
	struct proposal *p;
	size_t nr;
};

void propose(const struct guest *g, const struct guest_map *m,
	     const struct vm_verdict *v, struct proposals *proposals);

/* check_vm.c */
extern const char *const vm_area_names[];
extern const char *const vm_severity_names[];
void vm_guest(const struct control *ctl, const struct vm_input *in,
	      const struct vm_host *host, struct guest *g);
void vm_read_guest(const struct control *ctl, struct guest *g);
char *vm_text(const struct control *ctl, const struct guest *g);
const char *vm_word(enum severity worst);
int vm_exit(enum severity worst);
int check_vm(struct control *ctl, int argc, char **argv);

#endif
