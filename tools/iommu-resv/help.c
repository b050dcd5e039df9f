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
	"                       one of the two may be omitted\n" \
	" -J, --json            use JSON output format\n" \
	" -n, --noheadings      don't print headings\n" \
	" -o, --output COLS     print these columns, separated by commas; +COLS prints\n" \
	"                       them in addition to the usual ones; 'help' lists all\n" \
	" -P, --pairs           print KEY=\"value\" pairs\n" \
	" -r, --raw             separate columns by one blank; blanks of names become\n" \
	"                       \\x20\n" \
	" -x, --sort COL        sort by this column\n"

static const struct {
	const char *command;
	const char *text;
} helps[] = {
	{ "list",
	  "Usage: iommu-resv [options] [list]\n"
	  "\n"
	  "Print one line for each device of each IOMMU group: can a guest have it, and\n"
	  "how much can be mapped for it?\n"
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
	  "Print everything about these groups: reserved regions, usable ranges, and what\n"
	  "VFIO does. A device may be written 0000:00:03.0, 00:03.0 or pci_0000_00_03_0.\n"
	  "With -o, -P, -r or -x print one table of the regions, and nothing else.\n"
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
	  "Would VFIO accept maps of these ranges (ends included, but not in 0-4G), or the\n"
	  "maps in these lines of a log? Does a VM fit its devices, and if not, what must\n"
	  "be set?\n"
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
	  "Why was the last map or attach of each group, or of these groups, refused?\n"
	  "Print the range, the process, the reserved region that the range hits or the\n"
	  "other reason, and what to do. Needs root, because it names processes. Since\n"
	  "5.4 the kernel's own VFIO refuses maps; the module explains them with\n"
	  "explain=on. For a named group, also print what keeps VFIO from giving it to a\n"
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
	  "Print what the module does on this kernel, what the kernel does itself, and\n"
	  "what neither does, and why.\n"
	  "\n"
	  "Options:\n"
	  " -J, --json            use JSON output format\n"
	  " -n, --noheadings      don't print headings\n"
	  "     --sysfs DIR       use DIR instead of /sys\n" },
	{ "hooks",
	  "Usage: iommu-resv [options] hooks [auto|kprobe|livepatch|none]\n"
	  "\n"
	  "Print the hooks that put declared regions into the kernel's lists. With a mode,\n"
	  "as root: switch to it; the old hooks are removed when the new ones work.\n"
	  "\n"
	  "Options:\n"
	  " -J, --json            use JSON output format\n"
	  " -n, --noheadings      don't print headings\n"
	  "     --sysfs DIR       use DIR instead of /sys\n" },
	{ "checks",
	  "Usage: iommu-resv [options] checks [enforce|warn|off]\n"
	  "\n"
	  "Print who refuses maps over reserved regions. With a mode, as root: set what\n"
	  "the module does on a kernel before 5.4, whose VFIO refuses none.\n"
	  "\n"
	  "Options:\n"
	  " -J, --json            use JSON output format\n"
	  "     --sysfs DIR       use DIR instead of /sys\n" },
	{ "declare",
	  "Usage: iommu-resv declare [--save] GROUP|DEVICE|VENDOR:DEVICE START END\n"
	  "       iommu-resv declare --forget DEVICE|VENDOR:DEVICE [START END]\n"
	  "\n"
	  "Reserve a range that firmware does not report, as root. The end is included.\n"
	  "The group must not be in use. The region stays until undeclare or a reboot; with\n"
	  "--save it stays for good, for the device at this address, or for all devices\n"
	  "with this VENDOR:DEVICE, also those added later. 'iommu-resv saved' lists what\n"
	  "was saved.\n"
	  "\n"
	  "Options:\n"
	  "     --forget          remove it from what was saved; what is in force stays\n"
	  "     --save            reserve it now, and after each boot\n"
	  "\n"
	  "Examples:\n"
	  " iommu-resv declare 00:03.0 0x20000000 0x200fffff\n"
	  " iommu-resv declare --save 8086:1592 0x20000000 0x200fffff\n" },
	{ "undeclare",
	  "Usage: iommu-resv undeclare [--save] GROUP|DEVICE|VENDOR:DEVICE START END\n"
	  "\n"
	  "Remove exactly what was declared, as root; with --save also remove it from what\n"
	  "was saved. Without --save, a region that is saved is refused, because it would\n"
	  "be declared again.\n"
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
	  "Print where the host maps interrupt doorbells (Arm). As root: move that window\n"
	  "to BASE, or to a place that the module finds, or back. The group must not be in\n"
	  "use.\n"
	  "\n"
	  "Options:\n"
	  " -b, --bytes           print the size in bytes\n"
	  "     --forget          remove it from what was saved; what is in force stays\n"
	  " -J, --json            use JSON output format\n"
	  "     --save            move it now, and after each boot\n"
	  "     --sysfs DIR       use DIR instead of /sys\n"
	  "\n"
	  "Example:\n"
	  " iommu-resv window 00:03.0 auto avoid 0x0-0x3fffffff\n" },
	{ "saved",
	  "Usage: iommu-resv [options] saved\n"
	  "\n"
	  "Print what declare and window have saved in /etc/iommu-resv.conf with --save,\n"
	  "and in which groups it is in force.\n"
	  "\n"
	  "Options:\n"
	  " -J, --json            use JSON output format\n"
	  "     --sysfs DIR       use DIR, or a file of save, instead of /sys\n" },
	{ "apply",
	  "Usage: iommu-resv apply [GROUP|DEVICE...]\n"
	  "\n"
	  "Bring into force what was saved, for all groups or for these, as root. What is\n"
	  "already in force is not touched. A systemd unit and udev rules run this at boot\n"
	  "and for devices that are added later.\n" },
	{ "intersect",
	  "Usage: iommu-resv [options] intersect HOST... [--device VENDOR:DEVICE]\n"
	  "                                             [--vm FILE|- [--as FORMAT]]\n"
	  "\n"
	  "Which addresses are usable on all these hosts, and which host and region removes\n"
	  "the others? Does a VM fit all hosts? A HOST is a file that --json or save wrote\n"
	  "on that host.\n"
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
	  "Draw the address space, lowest addresses first: what the host lets a guest use,\n"
	  "who reserves the rest, and beside it what a VM has there. Mark lines where these\n"
	  "collide. Draw in the terminal, or into a file whose name ends in .svg. The\n"
	  "devices are those of the VM and those named.\n"
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
	  "intersect read on another machine. The archive has no names of users, processes\n"
	  "or the host.\n"
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
	  "Print the facts for other programs: features for Node Feature Discovery (valid\n"
	  "for an hour), metrics for the textfile collector of Prometheus' node exporter,\n"
	  "or JSON in one line for Ansible. With FILE, replace that file in one step, or\n"
	  "not at all if something could not be read.\n"
	  "\n"
	  "With --install, as root, make that program read the facts from now on: enable\n"
	  "and start the timer and the path unit that write the file, or write\n"
	  "/etc/ansible/facts.d/iommu_resv.fact for Ansible. Existing files stay.\n"
	  "\n"
	  "Options:\n"
	  "     --install         make that program read the facts from now on\n"
	  COMMON_OPTIONS
	  "     --root DIR        with --install: change the system below DIR, not this one\n"
	  "\n"
	  "Examples:\n"
	  " iommu-resv export prometheus /var/lib/prometheus/node-exporter/iommu_resv.prom\n"
	  " iommu-resv export facts --install\n" },
	{ "advise",
	  "Usage: iommu-resv [options] advise dpdk|spdk GROUP|DEVICE...\n"
	  "\n"
	  "Print what to set for a DPDK or SPDK program that uses these devices: the mode\n"
	  "of its addresses, the place of its memory, the list of devices, and limits; and\n"
	  "why. The memory must be usable for all groups of the devices.\n"
	  "\n"
	  "Options:\n"
	  " -b, --bytes           print sizes in bytes, not in a human readable format\n"
	  " -J, --json            use JSON output format\n"
	  "     --sysfs DIR       use DIR, or a file of save, instead of /sys\n"
	  "\n"
	  "Example:\n"
	  " iommu-resv advise dpdk 00:03.0\n"
	  "\n"
	  "Exit codes: 0 VFIO gives these devices to a program, 1 it does not,\n"
	  "2 cannot tell.\n" },
	{ "unload",
	  "Usage: iommu-resv unload\n"
	  "\n"
	  "Unload the livepatch, if it is loaded, and then the module, as root. While a\n"
	  "region is declared or a guest uses a moved MSI window, unload nothing, and name\n"
	  "these.\n" },
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
