// SPDX-License-Identifier: GPL-2.0-only
/* Does the words of a play, one after the other. */
#include "vfio.h"

/*
 * The words, in which GROUP is a device of the group, and the lines that they print, which begin
 * with the number of the word, N:
 *     container | iommu | drop        a new container, VFIO_SET_IOMMU, close the container
 *     open:GROUP | close:GROUP        the file of the group
 *     set:GROUP | unset:GROUP         VFIO_GROUP_SET_CONTAINER, VFIO_GROUP_UNSET_CONTAINER
 *     claim:GROUP                     as "set", without asking first whether the group is viable
 *     ioas                            with --cdev, where GROUP is a device: "open" binds it to
 *                                     iommufd, "set" attaches it to the address space of
 *                                     "container", "ioas" makes another one, and "set" of a
 *                                     device that is attached replaces its address space
 *     space:NUMBER                    from now on "set" attaches to this address space of iommufd
 *     fetch:GROUP,NAME                VFIO_GROUP_GET_DEVICE_FD for a device of that name, which
 *                                     stays open until the end
 *     map:START-END | unmap:START-END
 *     try:START-END                   map, and unmap if that worked
 *     big:START-END | unbig:START-END
 *                                     one map of up to 2 GiB, with memory of its own; up to 4 at a
 *                                     time, until "unbig" or the end
 *     edu:DEVICE                      dma= and msi= lines as of "check"; the group's name is DEVICE
 *     dma:DEVICE:START-END            an edu device reads from another part of the "big" map that
 *                                     contains the range, and writes to the range, every 64 KiB
 *                                     and at its end: "N WORD timeout|differs" if that fails
 *     irqs:DEVICE:COUNT               an edu device raises interrupts, one at a time:
 *                                     "N msi-address DEVICE ADDRESS", as the device has it, and
 *                                     "N irqs DEVICE SEEN/RAISED"; after 3 that did not come, no
 *                                     more are raised
 *     hold:DEVICE | release:DEVICE    keep the device open with its MSI enabled, until "release" or
 *                                     the end; "N msi-address ..."; up to 4 devices, for which
 *                                     "edu" and "irqs" give EBUSY
 *     raise:DEVICE:COUNT              as "irqs", for a device that is held: "N irqs ..." only
 *     random:SEED,COUNT,EDGE[:EDGE...]
 *                                     COUNT maps of 1 to 512 pages, unmapped again, at places that
 *                                     follow from SEED (decimal), from the EDGEs (hexadecimal; most
 *                                     are near one), and from the size of a page:
 *                                     "N random SEED FIRST ANSWERS" for each 100, FIRST being the
 *                                     number of the first, from 0; an answer is "." accepted, "E"
 *                                     EINVAL, or "?" otherwise. Before that line, the first 5 of
 *                                     the others are printed as "N random-errno NUMBER START SIZE
 *                                     ERRNO", or "N random-unmap ..." if only the unmap failed. In
 *                                     the end "N random SEED total=N accepted=N refused=N other=N"
 *     ask:FLAGS,IOVA,SIZE[,VADDR]     a map, right or wrong, all hexadecimal; without VADDR there
 *                                     is memory for up to 16 MiB. With --cdev the flag 100 makes
 *                                     iommufd choose the place
 *     lock:BYTES                      from now on without CAP_IPC_LOCK, and with that limit of
 *                                     locked memory
 *     blame:FILE,SEED,COUNT,EDGE[:EDGE...]
 *                                     COUNT maps as those of "random", some of them made wrong in
 *                                     one of several ways; one that is accepted is unmapped again.
 *                                     "N blame FLAGS IOVA SIZE VADDR ERRNO LINE" for each that is
 *                                     refused, LINE being the last one of FILE, and in the end "N
 *                                     blamed total=N accepted=N refused=N odd=N": odd counts maps
 *                                     that were accepted and changed FILE, or could not be unmapped
 *     storm:COUNT                     64 threads ask for COUNT misaligned maps each; "N storm
 *                                     refused=N"
 *     info:ARGSZ[,ARGSZ...]           VFIO_IOMMU_GET_INFO with each: a number, or "exact", the
 *                                     argsz that the kernel needs, "exact-1", "exact+64", or
 *                                     "exact" in a buffer with 20 bytes in one page and the others
 *                                     in the next one, which is present ("page"), is not
 *                                     ("fresh"), or cannot be written ("readonly"):
 *                                     "N info ARGSZ ret=ok|ERRNO argsz=N flags=0x.. pgsizes=0x..
 *                                     cap_offset=N" from the buffer, which was filled with 0xa5
 *                                     before, with cap_offset "-" if ARGSZ is less than 20; "N
 *                                     info-cap ARGSZ id=N version=N next=N" for each capability,
 *                                     and "N info-range ARGSZ START END" for each range; "N
 *                                     info-cap ARGSZ broken" if the chain of capabilities leaves
 *                                     the ARGSZ bytes; "N info-tail ARGSZ clean|dirty": dirty if
 *                                     the kernel wrote behind all that
 *     failing:attach|replace,DEVICE,FILE
 *                                     with --cdev: attach DEVICE to the address space, or replace
 *                                     that by a new one. The first time the first allocation of
 *                                     the call fails, then the second, and so on until none fails:
 *                                     "N failing COUNT ok|ERRNO GROUP" for each, and the lines of
 *                                     FILE. An attach that succeeded is undone before the next one
 *     sleep:MS | await:PATH           await: wait until that file exists
 *     pause                           print the line of the word, then wait for a signal
 *     write:PATH=TEXT | read:PATH     read: "N | LINE" for each line
 *         N WORD ok|ERRNO
 *     ranges                          N ranges START-END...
 */
int do_play(int argc, char **argv)
{
	struct play p = { .v = { .container = -1, .group = -1 } };
	unsigned int i;
	const char *why;
	int n, err, *fd;
	char *word, *arg;

	p.mem = mmap(NULL, PLAY_MEMORY, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p.mem == MAP_FAILED)
		return 2;
	for (n = 0; n < argc; n++) {
		word = strdup(argv[n]);
		arg = strchr(word, ':');
		if (arg)
			*arg++ = 0;
		else
			arg = word + strlen(word);
		fd = play_group(&p, arg);
		err = 0;
		why = NULL;
		if (!strcmp(word, "container")) {
			err = play_container(&p);
		} else if (!strcmp(word, "ioas")) {
			err = new_ioas(&p.v);
		} else if (!strcmp(word, "drop")) {
			close(p.v.container);
			p.v.container = -1;
		} else if (!strcmp(word, "iommu")) {
			if (!use_cdev &&
			    ioctl(p.v.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
				err = errno;
		} else if (!strcmp(word, "open")) {
			err = play_open(&p, arg);
		} else if (!strcmp(word, "close")) {
			err = play_close(&p, arg);
		} else if (!strcmp(word, "set")) {
			err = fd ? play_set(&p, *fd) : ENOENT;
		} else if (!strcmp(word, "claim")) {
			err = !fd ? ENOENT :
			      ioctl(*fd, VFIO_GROUP_SET_CONTAINER, &p.v.container) ? errno : 0;
		} else if (!strcmp(word, "space")) {
			p.v.ioas = strtoul(arg, NULL, 10);
		} else if (!strcmp(word, "fetch")) {
			err = play_fetch(&p, arg);
		} else if (!strcmp(word, "unset")) {
			err = fd ? play_unset(*fd) : ENOENT;
		} else if (!strcmp(word, "map")) {
			err = play_map(&p, arg, false);
		} else if (!strcmp(word, "try")) {
			err = play_map(&p, arg, true);
		} else if (!strcmp(word, "unmap")) {
			err = play_unmap(&p, arg);
		} else if (!strcmp(word, "big")) {
			err = play_big(&p, arg);
		} else if (!strcmp(word, "unbig")) {
			err = play_unbig(&p, arg);
		} else if (!strcmp(word, "edu")) {
			free(p.v.range);
			p.v.range = NULL;
			p.v.nr_range = 0;
			get_ranges(&p.v);
			err = play_edu(&p, arg);
		} else if (!strcmp(word, "dma")) {
			why = play_dma(&p, arg);
		} else if (!strcmp(word, "irqs")) {
			err = play_irqs(&p, n, arg, false);
		} else if (!strcmp(word, "hold")) {
			err = play_hold(&p, n, arg);
		} else if (!strcmp(word, "raise")) {
			err = play_irqs(&p, n, arg, true);
		} else if (!strcmp(word, "release")) {
			err = play_release(&p, arg);
		} else if (!strcmp(word, "random")) {
			err = play_random(&p, n, arg);
		} else if (!strcmp(word, "ask")) {
			err = play_ask(&p, arg);
		} else if (!strcmp(word, "lock")) {
			err = play_lock(arg);
		} else if (!strcmp(word, "blame")) {
			err = play_blame(&p, n, arg);
		} else if (!strcmp(word, "storm")) {
			err = play_storm(&p, n, arg);
		} else if (!strcmp(word, "info")) {
			err = play_info(&p, n, arg);
		} else if (!strcmp(word, "failing")) {
			err = play_failing(&p, n, arg);
		} else if (!strcmp(word, "sleep")) {
			err = play_sleep(arg);
		} else if (!strcmp(word, "await")) {
			err = play_await(arg);
		} else if (!strcmp(word, "pause")) {
			printf("%d %s ok\n", n, argv[n]);
			fflush(stdout);
			while (true)
				pause();
		} else if (!strcmp(word, "write")) {
			err = play_write(arg);
		} else if (!strcmp(word, "read")) {
			err = play_read(n, arg);
		} else if (!strcmp(word, "ranges")) {
			free(p.v.range);
			p.v.range = NULL;
			p.v.nr_range = 0;
			get_ranges(&p.v);
			printf("%d ranges", n);
			for (i = 0; i < p.v.nr_range; i++)
				printf(" 0x%016" PRIx64 "-0x%016" PRIx64, p.v.range[i].start,
				       p.v.range[i].end);
			printf("\n");
			continue;
		} else {
			err = ENOSYS;
		}
		printf("%d %s %s\n", n, argv[n], why ? why : err ? errname(err) : "ok");
	}
	return 0;
}
