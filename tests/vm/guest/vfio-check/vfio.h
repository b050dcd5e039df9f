/* SPDX-License-Identifier: GPL-2.0-only */
/* Declarations that the files of vfio-check share. */
#ifndef VFIO_CHECK_H
#define VFIO_CHECK_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/iommufd.h"
#include "lib/lib.h"

#define EDU_DMA_SIZE		1024

struct range {
	uint64_t start;
	uint64_t end;
};

#define MAX_CDEVS	8

struct vfio {
	const char *id;
	int container;			/* with an ioas: the file /dev/iommu */
	int group;
	uint32_t ioas;
	struct {
		char name[16];
		int fd;
	} device[MAX_CDEVS];		/* devices that are open as long as the container is */
	unsigned int nr_device;
	struct range *range;		/* NULL: the kernel does not report ranges */
	unsigned int nr_range;
};

struct edu {
	int dev;
	int event;			/* eventfd of its MSI, or -1 */
	char *bar;
	size_t size;
};

/* A flag that VFIO does not have: map a file in memory; @vaddr is the offset in the file. */
#define FROM_FILE	0x200

/* The request of a map, which may be wrong. */
struct request {
	uint32_t flags;
	uint64_t iova;
	uint64_t size;
	uint64_t vaddr;
};

/* A play finds its groups by the names with which they were opened. */
#define MAX_GROUPS	8
#define PLAY_MEMORY	(16ULL << 20)

/* A play can have so many big maps, with memory of their own, and held devices. */
#define MAX_BIGS	4
#define MAX_HELD	4

struct big {
	struct range r;
	char *mem;
};

struct play {
	struct vfio v;			/* its container; the member group is not used */
	struct {
		const char *name;
		int fd;
	} group[MAX_GROUPS];
	struct {
		const char *name;
		struct edu edu;
	} held[MAX_HELD];
	struct big big[MAX_BIGS];
	unsigned int nr_big;
	char *mem;
};

#define COST_ROUNDS	100

/* vfio.c */
extern size_t page;
extern bool use_cdev;
double now(void);
void vfio_close(struct vfio *v);
int new_ioas(struct vfio *v);
int cdev_attach(const struct vfio *v, int dev);
int cdev_detach(int dev);
int cdev_open(const char *device);
int cdev_bind(const struct vfio *v, int dev);
const char *vfio_open(struct vfio *v, const char *id);
bool allow_unsafe(void);
void get_ranges(struct vfio *v);

/* edu.c */
const char *edu_move(char *bar, char *from, uint64_t src, char *to, uint64_t dst);
int edu_open(struct edu *e, int dev);
int edu_listen(struct edu *e);
unsigned int edu_raise(struct edu *e, unsigned int count, unsigned int *raised);
int edu_close(struct edu *e);
void check_edu(struct vfio *v, int dev, char *mem);
void check_devices(struct vfio *v, char *mem);

/* maps.c */
int ask(struct vfio *v, const struct request *r);
int map(struct vfio *v, void *mem, uint64_t iova, uint64_t size);
int unmap(struct vfio *v, uint64_t iova, uint64_t size);
void check_maps(struct vfio *v, void *mem);
const char *group_id(const char *arg);
uint64_t smallest_map(struct vfio *v);
unsigned int dma_places(struct vfio *v, uint64_t place[2]);

/* check.c */
bool open_loud(struct vfio *v, const char *id);
int do_check(const char *id, char *mem);
int do_probe(const char *id);
int do_loop(const char *id, char *mem, unsigned long pause);
int do_attaches(const char *id, char *mem, const char *text);
int do_pairs(const char *id, char *mem, unsigned long pairs);

/* play.c */
bool number_of(const char *text, unsigned int *number);
bool wide_of(const char *text, int base, uint64_t *number);
bool range_of(const char *text, struct range *r);
int *play_group(struct play *p, const char *name);
int play_open(struct play *p, const char *name);
int play_close(struct play *p, const char *name);
int play_map(struct play *p, const char *range, bool again);
int play_unmap(struct play *p, const char *range);
int play_big(struct play *p, const char *range);
int play_unbig(struct play *p, const char *range);
int play_write(char *arg);
int play_read(int n, const char *path);
int play_container(struct play *p);
int play_set(struct play *p, int group);
int play_fetch(struct play *p, char *arg);
int play_unset(int group);
int play_edu(struct play *p, const char *device);
const char *play_dma(struct play *p, char *arg);
int play_irqs(struct play *p, int n, char *arg, bool held);
int play_hold(struct play *p, int n, const char *name);
int play_release(struct play *p, const char *name);
int play_await(const char *path);
int play_sleep(const char *arg);

/* random.c */
int play_random(struct play *p, int n, char *arg);
int play_ask(struct play *p, char *arg);
int play_lock(const char *arg);
int play_blame(struct play *p, int n, char *arg);
int play_storm(struct play *p, int n, const char *arg);

/* failing.c */
int play_failing(struct play *p, int n, char *arg);

/* info.c */
int play_info(struct play *p, int n, char *arg);

/* words.c */
int do_play(int argc, char **argv);

/* cost.c */
int do_cost(const char *id, char *mem, unsigned long pages, int rounds);

#endif
