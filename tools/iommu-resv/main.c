// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv: which addresses a guest may not use, by group, and why. */
#include <err.h>
#include <getopt.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "columns.h"
#include "facts.h"
#include "help.h"
#include "iommu-resv.h"
#include "origin.h"
#include "tar.h"

/* Longer words are not a typo of a command. */
#define TYPO_MAX	16

static int cmd_help(struct control *ctl, int argc, char **argv);
static int cmd_version(struct control *ctl, int argc, char **argv);

static const struct {
	const char *name;
	int (*run)(struct control *ctl, int argc, char **argv);
} commands[] = {
	{ "list", cmd_list },
	{ "show", cmd_show },
	{ "check", cmd_check },
	{ "why", cmd_why },
	{ "features", cmd_features },
	{ "hooks", cmd_hooks },
	{ "checks", cmd_checks },
	{ "declare", cmd_declare },
	{ "undeclare", cmd_undeclare },
	{ "window", cmd_window },
	{ "saved", cmd_saved },
	{ "apply", cmd_apply },
	{ "intersect", cmd_intersect },
	{ "map", cmd_map },
	{ "save", cmd_save },
	{ "unload", cmd_unload },
	{ "export", cmd_export },
	{ "advise", cmd_advise },
	{ "help", cmd_help },
	{ "version", cmd_version },
};

static void usage(void)
{
	fputs("\n"
	      "Usage:\n"
	      " iommu-resv [options] [list]\n"
	      " iommu-resv [options] show GROUP|DEVICE...\n"
	      " iommu-resv [options] check GROUP|DEVICE START-END|START+SIZE|LINE|-...\n"
	      " iommu-resv [options] check --vm FILE|- [--as FORMAT] [GROUP|DEVICE...]\n"
	      " iommu-resv [options] why [GROUP|DEVICE...]\n"
	      " iommu-resv [options] features\n"
	      " iommu-resv [options] hooks [auto|kprobe|livepatch|none]\n"
	      " iommu-resv [options] checks [enforce|warn|off]\n"
	      " iommu-resv declare [--save] GROUP|DEVICE|V:D START END\n"
	      " iommu-resv undeclare [--save] GROUP|DEVICE|V:D START END\n"
	      " iommu-resv [options] window GROUP|DEVICE\n"
	      " iommu-resv window [--save] GROUP|DEVICE|V:D BASE [SIZE]\n"
	      " iommu-resv window [--save] GROUP|DEVICE|V:D auto [avoid START-END]...\n"
	      " iommu-resv window [--save] GROUP|DEVICE|V:D default\n"
	      " iommu-resv declare|window --forget DEVICE|V:D [START END]\n"
	      " iommu-resv [options] saved\n"
	      " iommu-resv apply [GROUP|DEVICE...]\n"
	      " iommu-resv [options] intersect HOST... [--device VENDOR:DEVICE] [--vm FILE]\n"
	      " iommu-resv [options] map GROUP|DEVICE... [--vm FILE] [OUT.svg]\n"
	      " iommu-resv [options] save FILE|-\n"
	      " iommu-resv unload\n"
	      " iommu-resv [options] export nfd|prometheus|facts [FILE]\n"
	      " iommu-resv export nfd|prometheus|facts --install [--root DIR]\n"
	      " iommu-resv [options] advise dpdk|spdk GROUP|DEVICE...\n"
	      " iommu-resv help [COMMAND]\n"
	      "\n"
	      "Show which I/O addresses a guest may not use, and why; declare more of them.\n"
	      "\n"
	      "Commands:\n"
	      " list       one table of all IOMMU groups (the default)\n"
	      " show       all facts of some groups, and what VFIO does with them\n"
	      " check      would VFIO accept maps of these ranges (ends included), or of the\n"
	      "            lines of a log?\n"
	      "            does this VM fit its devices, and what must be set?\n"
	      " why        why was the last map or attach of a group refused, and what to do?\n"
	      " features   what the module does on this kernel\n"
	      " hooks      what puts declared regions into the kernel's lists; switch it\n"
	      " checks     who refuses maps over reserved regions; set what the module does\n"
	      " declare    reserve a range that firmware does not report (ends included)\n"
	      " undeclare  remove such a region\n"
	      " window     where the host maps interrupt doorbells (Arm); move it\n"
	      " saved      what declare and window have saved, and where it is in force\n"
	      " apply      bring what was saved into force\n"
	      " intersect  what fits on all hosts, by files that --json or save wrote\n"
	      " map        draw the address space of the host and of a VM\n"
	      " save       copy these facts into a file, for --sysfs on another machine\n"
	      " unload     unload the module, and its livepatch\n"
	      " export     print the facts for Node Feature Discovery, Prometheus or Ansible\n"
	      " advise     what to set for DPDK or SPDK with these devices\n"
	      " help       help for a command: 'iommu-resv help list'\n"
	      " version    display version\n"
	      "\n"
	      "Options:\n"
	      " -b, --bytes           print sizes in bytes, not in a human readable format\n"
	      " -d, --device V:D      list, show, intersect: devices with this VENDOR:DEVICE\n"
	      " -J, --json            use JSON output format\n"
	      " -n, --noheadings      don't print headings\n"
	      " -o, --output COLS     list, show: print these columns; 'help' lists them\n"
	      " -P, --pairs           list, show: print KEY=\"value\" pairs\n"
	      " -r, --raw             list, show: separate columns by one blank\n"
	      " -x, --sort COL        list, show: sort by this column\n"
	      "     --as FORMAT       libvirt, qemu, proxmox or cloud-hypervisor, with --vm\n"
	      "     --forget          declare, window: remove it from what was saved\n"
	      "     --install         export: make that program read the facts\n"
	      "     --pci-ids FILE    take the names of PCI devices from FILE\n"
	      "     --root DIR        export --install: change the system below DIR\n"
	      "     --save            declare, undeclare, window: for good, also after a boot\n"
	      "     --sysfs DIR       use DIR instead of /sys, or a file that save wrote\n"
	      "     --vm FILE         a VM: XML of libvirt, command line, or configuration\n"
	      "\n"
	      " -h, --help            display this help\n"
	      " -V, --version         display version\n"
	      "\n"
	      "Exit codes: 0 success, 1 it does not fit (why: something was refused), 2 any\n"
	      "other result.\n"
	      "For more details see iommu-resv(8).\n", stdout);
}

/* How many letters must be inserted, removed or changed to turn @a into @b. */
static size_t distance(const char *a, const char *b)
{
	size_t row[TYPO_MAX + 1], la = strlen(a), lb = strlen(b), i, j;

	if (la > TYPO_MAX || lb > TYPO_MAX)
		return SIZE_MAX;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

__attribute__((noreturn)) static void unknown_command(const char *command)
{
	size_t i, d, best = 3;
	const char *meant = NULL;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		d = distance(command, commands[i].name);
		if (d < best) {
			best = d;
			meant = commands[i].name;
		}
	}
	if (meant)
		errx(EXIT_TROUBLE, "unknown command '%s', did you mean '%s'? Try 'iommu-resv --help'",
		     command, meant);
	errx(EXIT_TROUBLE, "unknown command '%s'; try 'iommu-resv --help'", command);
}

/* Index of a command in the table; exits with a message if there is no such command. */
static size_t find_command(const char *command)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(command, commands[i].name))
			return i;
	if (!strcmp(command, "ls"))
		return find_command("list");
	unknown_command(command);
}

/* Lost output (disk full, closed pipe) is an error, too. */
static int finish(int ret)
{
	if (fflush(stdout) || ferror(stdout))
		err(EXIT_TROUBLE, "write error");
	return ret;
}

static int cmd_version(struct control *ctl, int argc, char **argv)
{
	(void)ctl;
	if (argc)
		errx(EXIT_TROUBLE, "version takes no operand: '%s'", argv[0]);
	puts("iommu-resv " RESV_VERSION);
	return EXIT_OK;
}

static int cmd_help(struct control *ctl, int argc, char **argv)
{
	(void)ctl;
	if (argc > 1)
		errx(EXIT_TROUBLE, "help takes one command: '%s'", argv[1]);
	if (!argc || !help_command(commands[find_command(argv[0])].name))
		usage();
	return EXIT_OK;
}

/* Exits with a message if @command cannot change this kernel. */
void may_change(const struct control *ctl, const char *command)
{
	if (!origin_is_here(ctl))
		errx(EXIT_TROUBLE, "'%s' changes the running kernel: it takes no --sysfs",
		     command);
	if (geteuid())
		errx(EXIT_TROUBLE, "'%s' changes the kernel: run it as root",
		     command);
}

/* --sysfs is a folder, or an archive of one. */
static void find_copy(struct control *ctl)
{
	struct stat st;

	if (!stat(ctl->sysfs, &st) && !S_ISDIR(st.st_mode))
		ctl->sysfs = tar_unpack(ctl->sysfs);
}

int main(int argc, char **argv)
{
	enum { OPT_PCI_IDS = 256, OPT_SYSFS, OPT_VM, OPT_AS, OPT_SAVE, OPT_FORGET,
	       OPT_INSTALL, OPT_ROOT };
	static const struct option options[] = {
		{ "bytes", no_argument, NULL, 'b' },
		{ "device", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'J' },
		{ "noheadings", no_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "pairs", no_argument, NULL, 'P' },
		{ "raw", no_argument, NULL, 'r' },
		{ "sort", required_argument, NULL, 'x' },
		{ "pci-ids", required_argument, NULL, OPT_PCI_IDS },
		{ "sysfs", required_argument, NULL, OPT_SYSFS },
		{ "vm", required_argument, NULL, OPT_VM },
		{ "as", required_argument, NULL, OPT_AS },
		{ "save", no_argument, NULL, OPT_SAVE },
		{ "forget", no_argument, NULL, OPT_FORGET },
		{ "install", no_argument, NULL, OPT_INSTALL },
		{ "root", required_argument, NULL, OPT_ROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct control ctl = { .sysfs = RESV_SYSFS };
	const char *command = "list";
	bool help = false, tables, intersects, takes_vm, changes;
	size_t i;
	int c, ret;

	setlocale(LC_ALL, "");
	while ((c = getopt_long(argc, argv, "bd:Jno:Prx:hV", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			ctl.bytes = true;
			break;
		case 'd':
			ctl.device = optarg;
			break;
		case 'J':
			ctl.json = true;
			break;
		case 'n':
			ctl.noheadings = true;
			break;
		case 'o':
			ctl.columns = optarg;
			break;
		case 'P':
			ctl.pairs = true;
			break;
		case 'r':
			ctl.raw = true;
			break;
		case 'x':
			ctl.sort = optarg;
			break;
		case OPT_PCI_IDS:
			ctl.pci_ids = optarg;
			break;
		case OPT_SYSFS:
			ctl.sysfs = optarg;
			break;
		case OPT_VM:
			ctl.vm = optarg;
			break;
		case OPT_AS:
			ctl.as = optarg;
			break;
		case OPT_SAVE:
			ctl.save = true;
			break;
		case OPT_FORGET:
			ctl.forget = true;
			break;
		case OPT_INSTALL:
			ctl.install = true;
			break;
		case OPT_ROOT:
			ctl.root = optarg;
			break;
		case 'h':
			help = true;
			break;
		case 'V':
			return finish(cmd_version(&ctl, 0, NULL));
		default:
			fputs("Try 'iommu-resv --help' for more information.\n", stderr);
			return EXIT_TROUBLE;
		}
	}
	argc -= optind;
	argv += optind;
	if (help)
		return finish(cmd_help(&ctl, argc ? 1 : 0, argv));
	if (argc) {
		command = *argv++;
		argc--;
	}
	i = find_command(command);
	command = commands[i].name;
	intersects = !strcmp(command, "intersect");
	takes_vm = intersects || !strcmp(command, "check") || !strcmp(command, "map");
	if ((ctl.vm || ctl.as) && !(ctl.vm && takes_vm))
		errx(EXIT_TROUBLE, "--vm is for check, intersect and map, and --as for --vm");
	tables = !strcmp(command, "list") || !strcmp(command, "show");
	if (columns_asked(&ctl) && !tables)
		errx(EXIT_TROUBLE, "-o, -P, -r and -x are for list and show");
	if (ctl.device && !tables && !intersects)
		errx(EXIT_TROUBLE, "-d is for list, show and intersect");
	changes = !strcmp(command, "declare") || !strcmp(command, "window");
	if ((ctl.forget && !changes) ||
	    (ctl.save && !changes && strcmp(command, "undeclare") != 0))
		errx(EXIT_TROUBLE, "--save is for declare, undeclare and window, --forget for declare and window");
	if (ctl.save && ctl.forget)
		errx(EXIT_TROUBLE, "--save and --forget cannot be combined");
	if ((ctl.install || ctl.root) && !(ctl.install && !strcmp(command, "export")))
		errx(EXIT_TROUBLE, "--install is for export, and --root for --install");
	find_copy(&ctl);
	ctl.loaded = module_loaded(&ctl);
	ret = commands[i].run(&ctl, argc, argv);
	return finish(ctl.gaps ? EXIT_TROUBLE : ret);
}
