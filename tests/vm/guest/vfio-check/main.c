// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio-check: attach an IOMMU group by VFIO (type 1) and print its answers, in lines KEY=VALUE.
 *
 * vfio-check check GROUP      open the group and print, in this order,
 *     open=ok | open=ERRNO STEP   the step that refused
 *     unsafe=1                    only with allow_unsafe_interrupts, which is set if it helps
 *     page=SIZE                   the smallest map that is accepted, 0 if there is no place for one
 *     range=START END             one line per entry of the IOVA_RANGE capability; kernels before
 *                                 5.4 do not have it, so there are no lines range= and edge=
 *     inside=START END TYPE FIRST LAST
 *                                 per line of the group's reserved_regions: result of a map of
 *                                 its first and of its last page, "ok" or an errno
 *     edge=START END FIRST LAST   per range: a map of its first and of its last page
 *     dma=IOVA ok|WHY             per edu device and place: RAM -> edu -> RAM is the same
 *     msi=SEEN/RAISED             per edu device: interrupts by an eventfd
 * vfio-check probe GROUP      only open it, and change nothing: open=ok | open=ERRNO STEP
 * vfio-check loop GROUP [MS]  map, unmap, open and close until SIGTERM, with a pause between; print
 *                             loops=N errors=N
 * vfio-check attaches GROUP START-END   open and close until SIGTERM; print how many attaches had
 *                             the hole (held), were refused, lacked the hole (open) or failed
 *                             otherwise (other): attaches=N held=N refused=N open=N other=N, and
 *                             the first of the last two in words
 * vfio-check pairs GROUP N    print the nanoseconds of N map and unmap pairs: pairs=N ns=NS
 * vfio-check cost GROUP [PAGES [TIMES]]   CPU time of 10 map and unmap pairs of PAGES pages (1),
 *                             and of opening and closing the group; the median of TIMES (100)
 *                             measurements: cost pairs=NS attach=NS
 * vfio-check hold GROUP SECS  keep the group open
 * vfio-check play WORD...     do the words one after the other, even if one fails, see do_play():
 *                             for tests with several groups in a container, much memory, many
 *                             interrupts, or pauses
 *
 * GROUP is its number or one of its PCI devices, as 0000:00:03.0.
 * All devices of the group must be bound to vfio-pci already. Exit 0 if the group opened.
 *
 * "vfio-check --cdev ..." does the same by the files of devices and an address space of iommufd, in
 * place of the file of the group and a container. A container may be iommufd's, too: there the
 * rules of a group hold only after a device of it is opened, so this program opens all devices.
 */
#include "vfio.h"

int main(int argc, char **argv)
{
	struct vfio v;
	char *mem;

	setvbuf(stdout, NULL, _IOLBF, 0);
	page = sysconf(_SC_PAGESIZE);
	mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	if (argc > 1 && !strcmp(argv[1], "--cdev")) {
		use_cdev = true;
		argc--;
		argv++;
	}
	if (argc > 2 && !strcmp(argv[1], "play"))
		return do_play(argc - 2, argv + 2);
	if (argc > 2)
		argv[2] = (char *)group_id(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "check"))
		return do_check(argv[2], mem);
	if (argc == 3 && !strcmp(argv[1], "probe"))
		return do_probe(argv[2]);
	if ((argc == 3 || argc == 4) && !strcmp(argv[1], "loop"))
		return do_loop(argv[2], mem, argc == 4 ? strtoul(argv[3], NULL, 0) : 0);
	if (argc == 4 && !strcmp(argv[1], "attaches"))
		return do_attaches(argv[2], mem, argv[3]);
	if (argc == 4 && !strcmp(argv[1], "pairs"))
		return do_pairs(argv[2], mem, strtoul(argv[3], NULL, 0));
	if (argc == 4 && !strcmp(argv[1], "hold")) {
		if (!open_loud(&v, argv[2]))
			return 1;
		sleep(strtoul(argv[3], NULL, 0));
		return 0;
	}
	if (argc >= 3 && argc <= 5 && !strcmp(argv[1], "cost"))
		return do_cost(argv[2], mem, argc > 3 ? strtoul(argv[3], NULL, 10) : 1,
			       argc > 4 ? atoi(argv[4]) : COST_ROUNDS);
	fprintf(stderr, "usage: vfio-check [--cdev] check|probe|loop|cost GROUP | "
			"attaches GROUP START-END | pairs GROUP N | hold GROUP SECONDS | play WORD...\n");
	return 2;
}
