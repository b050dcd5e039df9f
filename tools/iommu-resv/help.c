// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommu-resv help COMMAND, iommu-resv COMMAND --help: help for one command, on one
 * screen.
 */
#include <stdio.h>
#include <string.h>

#include "help.h"

#define COMMON_OPTIONS \
	"     --pci-ids FILE    take the names of PCI devices from FILE\n" \
	"     --sysfs DIR       use DIR, or a file of save, instead of /sys\n"

#define TABLE_OPTIONS \
	" -b, --bytes           print sizes in bytes, not in a human readable format\n" \
	" -d, --device V:D      only devices with this VENDOR:DEVICE, as in 'lspci -n';\n" \
	"                       one of the two may be left out\n" \
	" -J, --json            use JSON output format\n" \
	" -n, --noheadings      don't print headings\n" \
	" -o, --output COLS     print these columns, separated by commas; +COLS prints\n" \
	"                       them beside the usual ones; 'help' lists all\n" \
	" -P, --pairs           print KEY=\"value\" pairs\n" \
	" -r, --raw             print columns with one blank between, and \\x20 for blanks\n" \
	"                       of names\n" \
	" -x, --sort COL        sort by this column\n"

static const struct {
	const char *command;
	const char *text;
} helps[] = {
	{ "list",
	  "Usage: iommu-resv [options] [list]\n"
	  "\n"
	  "One line for each device of each IOMMU group: can a guest have it, and how much\n"
	  "may be mapped for it?\n"
	  "\n"
	  "Options:\n"
	  TABLE_OPTIONS COMMON_OPTIONS
	  "\n"
	  "Examples:\n"
	  " iommu-resv -d 8086: -o +ID\n"
	  " iommu-resv list -n -x LARGEST -o GROUP,DEVICE,ASSIGN\n" },
	{ "show",
	  "Usage: iommu-resv [options] show GROUP|DEVICE...\n"
	  "       iommu-resv [options] show -d VENDOR:DEVICE\n"
	  "\n"
	  "Everything about these groups: reserved regions, usable ranges, and what VFIO\n"
	  "does. A device may be written 0000:00:03.0, 00:03.0 or pci_0000_00_03_0.\n"
	  "With -o, -P, -r or -x one table of the regions is printed, and nothing else.\n"
	  "\n"
	  "Options:\n"
	  TABLE_OPTIONS COMMON_OPTIONS
	  "\n"
	  "Examples:\n"
	  " iommu-resv show 00:03.0\n"
	  " iommu-resv show -n -r -o START,END,TYPE 00:03.0\n" },
	{ "check",
	  "Usage: iommu-resv [options] check GROUP|DEVICE START-END|START+SIZE|LINE|-...\n"
	  "       iommu-resv [options] check --vm FILE|- [--as FORMAT] [GROUP|DEVICE...]\n"
	  "\n"
	  "Would VFIO accept maps of these ranges (ends included), or those that lines of\n"
	  "a log tell of? Does a VM fit its devices, and if not, what is to be set?\n"
	  "\n"
	  "Options:\n"
	  "     --as FORMAT       libvirt, qemu, proxmox or cloud-hypervisor, with --vm\n"
	  " -b, --bytes           print sizes in bytes, not in a human readable format\n"
	  " -J, --json            use JSON output format\n"
	  "     --vm FILE         a VM: XML of libvirt, command line, or configuration\n"
	  COMMON_OPTIONS
	  "\n"
	  "Examples:\n"
	  " iommu-resv check 00:03.0 0x100000000+16G\n"
	  " iommu-resv check 00:03.0 - < /var/log/libvirt/qemu/guest.log\n"
	  " virsh dumpxml guest | iommu-resv check --vm -\n"
	  "\n"
	  "Exit codes: 0 fits, 1 does not fit, 2 cannot tell.\n" },
	{ "why",
	  "Usage: iommu-resv [options] why [GROUP|DEVICE...]\n"
	  "\n"
	  "Why was the last map or attach of each group, or of these groups, refused? What\n"
	  "was to be mapped, by which process, which reserved region it hits or what other\n"
	  "reason there is, and what to do. As root, as it tells of processes. What the\n"
	  "kernel's own VFIO refuses (5.4 and later), the module explains with explain=on.\n"
	  "Of a group that is named it also tells what keeps VFIO from giving it to a\n"
	  "guest.\n"
	  "\n"
	  "Options:\n"
	  " -b, --bytes           print sizes in bytes, not in a human readable format\n"
	  " -J, --json            use JSON output format\n"
	  "     --sysfs DIR       use DIR, or a file of save, instead of /sys\n"
	  "\n"
	  "Examples:\n"
	  " iommu-resv why\n"
	  " iommu-resv why 00:03.0\n"
	  "\n"
	  "Exit codes: 0 nothing was refused, 1 something was or will be, 2 cannot tell.\n" },
	{ "features",
	  "Usage: iommu-resv [options] features\n"
	  "\n"
	  "What the module does on this kernel, what the kernel does itself, and what\n"
	  "nobody does, and why.\n"
	  "\n"
	  "Options:\n"
	  " -J, --json            use JSON output format\n"
	  " -n, --noheadings      don't print headings\n"
	  "     --sysfs DIR       use DIR instead of /sys\n" },
	{ "hooks",
	  "Usage: iommu-resv [options] hooks [auto|kprobe|livepatch|none]\n"
	  "\n"
	  "The hooks by which declared regions get into the kernel's lists. With a mode:\n"
	  "switch to it, as root; the old hooks go when the new ones work.\n"
	  "\n"
	  "Options:\n"
	  " -J, --json            use JSON output format\n"
	  " -n, --noheadings      don't print headings\n"
	  "     --sysfs DIR       use DIR instead of /sys\n" },
	{ "checks",
	  "Usage: iommu-resv [options] checks [enforce|warn|off]\n"
	  "\n"
	  "Who refuses maps over reserved regions. With a mode: what the module shall do on\n"
	  "a kernel before 5.4, whose VFIO refuses none; as root.\n"
	  "\n"
	  "Options:\n"
	  " -J, --json            use JSON output format\n"
	  "     --sysfs DIR       use DIR instead of /sys\n" },
	{ "declare",
	  "Usage: iommu-resv declare [--save] GROUP|DEVICE|VENDOR:DEVICE START END\n"
	  "       iommu-resv declare --forget DEVICE|VENDOR:DEVICE [START END]\n"
	  "\n"
	  "Reserve a range that firmware does not tell of, as root. The end is included.\n"
	  "The group must not be in use. It holds until undeclare or a reboot; with --save\n"
	  "for good, for the device at this address, or for all with this VENDOR:DEVICE,\n"
	  "those that come later, too. 'iommu-resv saved' lists what was saved.\n"
	  "\n"
	  "Options:\n"
	  "     --forget          take it out of what was saved; what is in force stays\n"
	  "     --save            reserve it now, and after each boot\n"
	  "\n"
	  "Examples:\n"
	  " iommu-resv declare 00:03.0 0x20000000 0x200fffff\n"
	  " iommu-resv declare --save 8086:1592 0x20000000 0x200fffff\n" },
	{ "undeclare",
	  "Usage: iommu-resv undeclare [--save] GROUP|DEVICE|VENDOR:DEVICE START END\n"
	  "\n"
	  "Take back exactly what was declared, as root; with --save take it out of what\n"
	  "was saved, too. What stays saved would come back, and is refused.\n"
	  "\n"
	  "Example:\n"
	  " iommu-resv undeclare 00:03.0 0x20000000 0x200fffff\n" },
	{ "window",
	  "Usage: iommu-resv [options] window GROUP|DEVICE\n"
	  "       iommu-resv window [--save] GROUP|DEVICE|VENDOR:DEVICE BASE [SIZE]\n"
	  "       iommu-resv window [--save] GROUP|DEVICE|VENDOR:DEVICE\n"
	  "                         auto [avoid START-END]...\n"
	  "       iommu-resv window [--save] GROUP|DEVICE|VENDOR:DEVICE default\n"
	  "       iommu-resv window --forget DEVICE|VENDOR:DEVICE\n"
	  "\n"
	  "Where the host maps interrupt doorbells (Arm). As root: move that window to\n"
	  "BASE, or to a place that the kernel finds, or back. The group must not be in\n"
	  "use.\n"
	  "\n"
	  "Options:\n"
	  " -b, --bytes           print the size in bytes\n"
	  "     --forget          take it out of what was saved; what is in force stays\n"
	  " -J, --json            use JSON output format\n"
	  "     --save            move it now, and after each boot\n"
	  "     --sysfs DIR       use DIR instead of /sys\n"
	  "\n"
	  "Example:\n"
	  " iommu-resv window 00:03.0 auto avoid 0x0-0x3fffffff\n" },
	{ "saved",
	  "Usage: iommu-resv [options] saved\n"
	  "\n"
	  "What declare and window have saved in /etc/iommu-resv.conf with --save, and in\n"
	  "which groups it is in force.\n"
	  "\n"
	  "Options:\n"
	  " -J, --json            use JSON output format\n"
	  "     --sysfs DIR       use DIR, or a file of save, instead of /sys\n" },
	{ "apply",
	  "Usage: iommu-resv apply [GROUP|DEVICE...]\n"
	  "\n"
	  "Bring into force what was saved, for all groups or for these, as root. What is\n"
	  "in force already is left alone. A unit of systemd and a rule of udev do this at\n"
	  "boot and for devices that come later.\n" },
	{ "intersect",
	  "Usage: iommu-resv [options] intersect HOST... [--device VENDOR:DEVICE]\n"
	  "                                             [--vm FILE|- [--as FORMAT]]\n"
	  "\n"
	  "Which addresses are usable on all these hosts, and which host and region takes\n"
	  "the rest away? Does a VM fit all of them? A HOST is a file that --json or save\n"
	  "has written there.\n"
	  "\n"
	  "Options:\n"
	  "     --as FORMAT       libvirt, qemu, proxmox or cloud-hypervisor, with --vm\n"
	  " -b, --bytes           print sizes in bytes, not in a human readable format\n"
	  " -d, --device V:D      the groups that have a device with this VENDOR:DEVICE\n"
	  " -J, --json            use JSON output format\n"
	  "     --vm FILE         a VM: XML of libvirt, command line, or configuration\n"
	  "\n"
	  "Example:\n"
	  " iommu-resv intersect alpha.json beta.json -d 8086:1592 --vm guest.xml\n"
	  "\n"
	  "Exit codes: 0 fits, 1 does not fit, 2 cannot tell.\n" },
	{ "map",
	  "Usage: iommu-resv [options] map GROUP|DEVICE... [OUT.svg]\n"
	  "       iommu-resv [options] map --vm FILE|- [--as FORMAT] [GROUP|DEVICE...]\n"
	  "                            [OUT.svg]\n"
	  "\n"
	  "A picture of the address space, lowest addresses first: what the host lets a\n"
	  "guest have, who reserves the rest, and beside it what a VM has there. Where they\n"
	  "collide, the line says so. It is drawn here, or into a file whose name ends in\n"
	  ".svg. The devices are those of the VM, and those that are named.\n"
	  "\n"
	  "Options:\n"
	  "     --as FORMAT       libvirt, qemu, proxmox or cloud-hypervisor, with --vm\n"
	  " -b, --bytes           print sizes in bytes, not in a human readable format\n"
	  " -n, --noheadings      don't print headings\n"
	  "     --sysfs DIR       use DIR, or a file of save, instead of /sys\n"
	  "     --vm FILE         a VM: XML of libvirt, command line, or configuration\n"
	  "\n"
	  "Examples:\n"
	  " iommu-resv map 00:03.0\n"
	  " virsh dumpxml guest | iommu-resv map --vm - guest.svg\n"
	  "\n"
	  "Exit codes, with --vm those of check: 0 fits, 1 does not fit, 2 cannot tell.\n" },
	{ "save",
	  "Usage: iommu-resv [options] save FILE|-\n"
	  "\n"
	  "Copy the facts of this host into a tar archive, which --sysfs FILE and\n"
	  "intersect read on another machine. Names of users, processes and of the host\n"
	  "stay out.\n"
	  "\n"
	  "Options:\n"
	  "     --sysfs DIR       use DIR instead of /sys\n"
	  "\n"
	  "Example:\n"
	  " iommu-resv save alpha.tar\n" },
	{ "export",
	  "Usage: iommu-resv [options] export nfd|prometheus|facts [FILE]\n"
	  "       iommu-resv export nfd|prometheus|facts --install [--root DIR]\n"
	  "\n"
	  "The facts for other programs: features of Node Feature Discovery (valid for an\n"
	  "hour), metrics for the text file collector of Prometheus' node exporter, or JSON\n"
	  "in one line for Ansible. With FILE, that is replaced in one step, or not at all\n"
	  "if something could not be read.\n"
	  "\n"
	  "With --install, as root, that program reads the facts by itself from now on: the\n"
	  "timer and the path unit that write the file are enabled and started, or Ansible\n"
	  "gets /etc/ansible/facts.d/iommu_resv.fact. What is there already stays.\n"
	  "\n"
	  "Options:\n"
	  "     --install         have that program read the facts by itself\n"
	  COMMON_OPTIONS
	  "     --root DIR        with --install: change the system below DIR, not this one\n"
	  "\n"
	  "Examples:\n"
	  " iommu-resv export prometheus /var/lib/prometheus/node-exporter/iommu_resv.prom\n"
	  " iommu-resv export facts --install\n" },
	{ "advise",
	  "Usage: iommu-resv [options] advise dpdk|spdk GROUP|DEVICE...\n"
	  "\n"
	  "What to set for a program of DPDK or SPDK that gets these devices: the mode of\n"
	  "its addresses, where its memory goes, the list of devices, and limits; and why.\n"
	  "The memory has to be usable for all groups of the devices.\n"
	  "\n"
	  "Options:\n"
	  " -b, --bytes           print sizes in bytes, not in a human readable format\n"
	  " -J, --json            use JSON output format\n"
	  "     --sysfs DIR       use DIR, or a file of save, instead of /sys\n"
	  "\n"
	  "Example:\n"
	  " iommu-resv advise dpdk 00:03.0\n"
	  "\n"
	  "Exit codes: 0 VFIO gives them away, 1 it does not, 2 cannot tell.\n" },
	{ "unload",
	  "Usage: iommu-resv unload\n"
	  "\n"
	  "Unload the module, after its livepatch if that is there; as root. Nothing is\n"
	  "unloaded while a region is declared or a guest uses a moved MSI window: these\n"
	  "are named.\n" },
};

/**
 * help_command() - print the help of a command
 * @command: its name
 *
 * Return: false if it has none of its own
 */
bool help_command(const char *command)
{
	size_t i;

	for (i = 0; i < sizeof(helps) / sizeof(helps[0]); i++)
		if (!strcmp(helps[i].command, command)) {
			printf("\n%s\nFor more details see iommu-resv(8).\n",
			       helps[i].text);
			return true;
		}
	return false;
}
