// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio-check: what VFIO (type 1) makes of an IOMMU group, in lines KEY=VALUE.
 *
 * vfio-check check GROUP      open the group and print, in this order,
 *     open=ok | open=ERRNO STEP   the step that refused
 *     unsafe=1                    only with allow_unsafe_interrupts, which is set if it helps
 *     page=SIZE                   the smallest map that is accepted, 0 if there is no place for one
 *     range=START END             one line per entry of the IOVA_RANGE capability; none on kernels
 *                                 before 5.4, which have no such thing, and then no edge=
 *     inside=START END TYPE FIRST LAST
 *                                 per line of the group's reserved_regions: result of a map of
 *                                 its first and of its last page, "ok" or an errno
 *     edge=START END FIRST LAST   per range: a map of its first and of its last page
 *     dma=IOVA ok|WHY             per edu device and place: RAM -> edu -> RAM is the same
 *     msi=SEEN/RAISED             per edu device: interrupts by an eventfd
 * vfio-check probe GROUP      only open it, and change nothing: open=ok | open=ERRNO STEP
 * vfio-check loop GROUP [MS]  map, unmap, open and close until SIGTERM, with a pause between; print
 *                             loops=N errors=N
 * vfio-check attaches GROUP START-END   open and close until SIGTERM; print what became of that,
 *                             and whether the hole was there: attaches=N held=N refused=N
 *                             open=N other=N, and the first of the last two in words
 * vfio-check pairs GROUP N    print the nanoseconds of N map and unmap pairs: pairs=N ns=NS
 * vfio-check cost GROUP [PAGES [TIMES]]   CPU time of 10 map and unmap pairs of so many pages (1),
 *                             and of opening and closing the group, the middle of what was seen so
 *                             many times (100):
 *                             cost pairs=NS attach=NS
 * vfio-check hold GROUP SECS  keep the group open
 * vfio-check play WORD...     do the words one by one, whatever they give, see do_play(): for
 *                             what takes several groups in a container, much memory, many
 *                             interrupts, or time in between
 *
 * GROUP is its number or one of its PCI devices, as 0000:00:03.0.
 * All devices of the group must be bound to vfio-pci already. Exit 0 if the group opened.
 *
 * "vfio-check --cdev ..." does the same by the files of devices and an address space of iommufd,
 * instead of that of the group and a container. A container may be iommufd's, too: then the
 * rules of a group begin to hold when a device of it is opened, as is done here.
 */
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

#include "iommufd.h"

#define GROUPS		"/sys/kernel/iommu_groups"
#define TYPE1		"/sys/module/vfio_iommu_type1"
#define IOMMUFD		"/sys/module/iommufd"
#define UNSAFE		"/parameters/allow_unsafe_interrupts"

/* QEMU's educational device: docs/specs/edu.txt */
#define EDU_ID			0x11e81234
#define EDU_IRQ_RAISE		0x60
#define EDU_IRQ_ACK		0x64
#define EDU_DMA_SRC		0x80
#define EDU_DMA_DST		0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_CMD		0x98
#define EDU_DMA_BUSY		1
#define EDU_DMA_TO_RAM		2
#define EDU_BUFFER		0x40000
#define EDU_BUFFER_SIZE		4096
#define EDU_DMA_SIZE		1024

#define MSI_COUNT		3
#define MSI_MISSES		3	/* that many did not come: no more are raised */

struct range {
	uint64_t start;
	uint64_t end;
};

#define MAX_CDEVS	8

struct vfio {
	const char *id;
	int container;			/* or /dev/iommu, if there is an ioas */
	int group;
	uint32_t ioas;
	struct {
		char name[16];
		int fd;
	} device[MAX_CDEVS];		/* that are open for as long as the container is */
	unsigned int nr_device;
	struct range *range;		/* NULL: the kernel does not tell */
	unsigned int nr_range;
};

struct edu {
	int dev;
	int event;			/* of its MSI, or -1 */
	char *bar;
	size_t size;
};

static size_t page;
static bool use_cdev;

static const char *errname(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "?";
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void vfio_close(struct vfio *v)
{
	while (v->nr_device)
		close(v->device[--v->nr_device].fd);
	if (v->group >= 0)
		close(v->group);
	if (v->container >= 0)
		close(v->container);
	free(v->range);
	memset(v, 0, sizeof(*v));
	v->group = -1;
	v->container = -1;
}

/* These return 0 or an errno. */
static int new_ioas(struct vfio *v)
{
	struct iommufd_ioas_alloc a = { .size = sizeof(a) };

	if (ioctl(v->container, IOMMUFD_IOAS_ALLOC, &a))
		return errno;
	v->ioas = a.out_ioas_id;
	return 0;
}

static int cdev_attach(const struct vfio *v, int dev)
{
	struct device_attach_pt a = { .argsz = sizeof(a), .pt_id = v->ioas };

	return ioctl(dev, DEVICE_ATTACH_PT, &a) ? errno : 0;
}

static int cdev_detach(int dev)
{
	struct device_detach_pt d = { .argsz = sizeof(d) };

	return ioctl(dev, DEVICE_DETACH_PT, &d) ? errno : 0;
}

/* The file of a PCI device, or -1 with errno set: it may have none. */
static int cdev_open(const char *device)
{
	struct dirent *d;
	char path[128];
	int fd = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/vfio-dev", device);
	dir = opendir(path);
	errno = ENOENT;
	while (dir && fd < 0 && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%.16s", d->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		break;
	}
	if (dir)
		closedir(dir);
	return fd;
}

static int cdev_bind(const struct vfio *v, int dev)
{
	struct device_bind_iommufd b = { .argsz = sizeof(b), .iommufd = v->container };

	return ioctl(dev, DEVICE_BIND_IOMMUFD, &b) ? errno : 0;
}

/* Keep a device open that is VFIO's: by its own file, or by its group's. */
static const char *take_device(struct vfio *v, const char *name)
{
	int fd = use_cdev ? cdev_open(name) : ioctl(v->group, VFIO_GROUP_GET_DEVICE_FD, name);

	/* Bridges are in the group but not VFIO's. */
	if (fd < 0)
		return errno == ENOENT || errno == ENODEV ? NULL : "device";
	snprintf(v->device[v->nr_device].name, sizeof(v->device->name), "%s", name);
	v->device[v->nr_device++].fd = fd;
	if (!use_cdev)
		return NULL;
	errno = cdev_bind(v, fd);
	if (errno)
		return "bind";
	errno = cdev_attach(v, fd);
	return errno ? "attach" : NULL;
}

static const char *take_devices(struct vfio *v)
{
	const char *step = NULL;
	struct dirent *d;
	char path[128];
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), GROUPS "/%.16s/devices", v->id);
	dir = opendir(path);
	while (dir && !step && v->nr_device < MAX_CDEVS && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		step = take_device(v, d->d_name);
		err = errno;
	}
	if (dir)
		closedir(dir);
	if (!step && !v->nr_device) {
		step = "device";
		err = ENODEV;
	}
	errno = err;
	return step;
}

static bool container_is_iommufd(void)
{
	return access(TYPE1, F_OK) && !access(IOMMUFD, F_OK);
}

static const char *cdevs_open(struct vfio *v)
{
	v->container = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (v->container < 0)
		return "iommufd";
	errno = new_ioas(v);
	return errno ? "ioas" : take_devices(v);
}

/* Name of the step that refused, with errno set, or NULL. */
static const char *vfio_open(struct vfio *v, const char *id)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[64];

	memset(v, 0, sizeof(*v));
	v->id = id;
	v->group = -1;
	if (use_cdev)
		return cdevs_open(v);
	v->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (v->container < 0)
		return "container";
	snprintf(path, sizeof(path), "/dev/vfio/%s", id);
	v->group = open(path, O_RDWR | O_CLOEXEC);
	if (v->group < 0)
		return "group";
	if (ioctl(v->group, VFIO_GROUP_GET_STATUS, &status))
		return "status";
	errno = EBUSY;
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return "viable";
	if (ioctl(v->group, VFIO_GROUP_SET_CONTAINER, &v->container))
		return "set-container";
	if (ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return "set-iommu";
	return container_is_iommufd() ? take_devices(v) : NULL;
}

static bool allow_unsafe(void)
{
	int fd = open(use_cdev || container_is_iommufd() ? IOMMUFD UNSAFE : TYPE1 UNSAFE,
		      O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, "1", 1) == 1;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A range is two numbers here and there. */
static void get_ioas_ranges(struct vfio *v)
{
	struct iommufd_ioas_iova_ranges r = { .size = sizeof(r), .ioas_id = v->ioas };

	if (!ioctl(v->container, IOMMUFD_IOAS_IOVA_RANGES, &r) || errno != EMSGSIZE)
		return;
	v->range = calloc(r.num_iovas, sizeof(*v->range));
	r.allowed_iovas = (uintptr_t)v->range;
	if (!ioctl(v->container, IOMMUFD_IOAS_IOVA_RANGES, &r))
		v->nr_range = r.num_iovas;
}

static void get_ranges(struct vfio *v)
{
	struct vfio_iommu_type1_info *info;
	struct vfio_info_cap_header *cap;
	struct vfio_iommu_type1_info_cap_iova_range *ranges;
	uint32_t size, next;
	unsigned int i;

	if (v->ioas) {
		get_ioas_ranges(v);
		return;
	}
	info = calloc(1, sizeof(*info));
	info->argsz = sizeof(*info);
	if (ioctl(v->container, VFIO_IOMMU_GET_INFO, info))
		goto out;
	size = info->argsz;
	info = realloc(info, size);
	memset(info, 0, size);
	info->argsz = size;
	if (ioctl(v->container, VFIO_IOMMU_GET_INFO, info) || !(info->flags & VFIO_IOMMU_INFO_CAPS))
		goto out;
	for (next = info->cap_offset; next && next + sizeof(*cap) <= size; next = cap->next) {
		cap = (void *)((char *)info + next);
		if (cap->id != VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
			continue;
		ranges = (void *)cap;
		v->nr_range = ranges->nr_iovas;
		v->range = calloc(v->nr_range ? v->nr_range : 1, sizeof(*v->range));
		for (i = 0; i < v->nr_range; i++) {
			v->range[i].start = ranges->iova_ranges[i].start;
			v->range[i].end = ranges->iova_ranges[i].end;
		}
	}
out:
	free(info);
}

/* A map as it is asked for, right or wrong. */
struct request {
	uint32_t flags;
	uint64_t iova;
	uint64_t size;
	uint64_t vaddr;
};

/* In place of a flag of VFIO's: iommufd is to choose the place. */
#define ANY_PLACE	0x100

static int ask_ioas(struct vfio *v, const struct request *r)
{
	struct iommufd_ioas_map m = {
		.size = sizeof(m),
		.flags = (r->flags & ANY_PLACE ? 0 : IOMMUFD_MAP_FIXED) |
			 (r->flags & VFIO_DMA_MAP_FLAG_READ ? IOMMUFD_MAP_READABLE : 0) |
			 (r->flags & VFIO_DMA_MAP_FLAG_WRITE ? IOMMUFD_MAP_WRITEABLE : 0),
		.ioas_id = v->ioas,
		.user_va = r->vaddr,
		.length = r->size,
		.iova = r->iova,
	};

	return ioctl(v->container, IOMMUFD_IOAS_MAP, &m) ? errno : 0;
}

static int ask(struct vfio *v, const struct request *r)
{
	struct vfio_iommu_type1_dma_map m = {
		.argsz = sizeof(m),
		.flags = r->flags,
		.vaddr = r->vaddr,
		.iova = r->iova,
		.size = r->size,
	};

	if (v->ioas)
		return ask_ioas(v, r);
	return ioctl(v->container, VFIO_IOMMU_MAP_DMA, &m) ? errno : 0;
}

static int map(struct vfio *v, void *mem, uint64_t iova, uint64_t size)
{
	struct request r = {
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = iova,
		.size = size,
		.vaddr = (uintptr_t)mem,
	};

	return ask(v, &r);
}

static int unmap_ioas(struct vfio *v, uint64_t iova, uint64_t size)
{
	struct iommufd_ioas_unmap u = {
		.size = sizeof(u), .ioas_id = v->ioas, .iova = iova, .length = size,
	};

	if (ioctl(v->container, IOMMUFD_IOAS_UNMAP, &u))
		return errno;
	return u.length == size ? 0 : ENOENT;
}

static int unmap(struct vfio *v, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap m = { .argsz = sizeof(m), .iova = iova, .size = size };

	if (v->ioas)
		return unmap_ioas(v, iova, size);
	if (ioctl(v->container, VFIO_IOMMU_UNMAP_DMA, &m))
		return errno;
	return m.size == size ? 0 : ENOENT;
}

/* Map one page at the page that holds IOVA and take it away again. */
static const char *try_map(struct vfio *v, void *mem, uint64_t iova)
{
	int err;

	iova &= ~(uint64_t)(page - 1);
	err = map(v, mem, iova, page);
	if (!err)
		err = unmap(v, iova, page);
	return err ? errname(err) : "ok";
}

/* The file that lists a group's reserved regions, or NULL: kernels before 4.11 have none. */
static FILE *open_regions(const char *id)
{
	char path[300];

	snprintf(path, sizeof(path), GROUPS "/%s/reserved_regions", id);
	return fopen(path, "r");
}

static bool next_region(FILE *f, struct range *r, char type[32])
{
	return fscanf(f, "%" SCNx64 " %" SCNx64 " %31s", &r->start, &r->end, type) == 3;
}

static void check_maps(struct vfio *v, void *mem)
{
	FILE *f = open_regions(v->id);
	struct range r;
	unsigned int i;
	char type[32];

	while (f && next_region(f, &r, type)) {
		printf("inside=0x%016" PRIx64 " 0x%016" PRIx64 " %s ", r.start, r.end, type);
		printf("%s ", try_map(v, mem, r.start));
		printf("%s\n", try_map(v, mem, r.end));
	}
	if (f)
		fclose(f);
	for (i = 0; i < v->nr_range; i++) {
		uint64_t first = (v->range[i].start + page - 1) & ~(uint64_t)(page - 1);

		printf("edge=0x%016" PRIx64 " 0x%016" PRIx64 " ", v->range[i].start,
		       v->range[i].end);
		printf("%s ", try_map(v, mem, first));
		/* VFIO accepts the last page of all but does not find it again to unmap. */
		printf("%s\n", try_map(v, mem, v->range[i].end == UINT64_MAX ?
					       UINT64_MAX - page : v->range[i].end));
	}
}

/* GROUP is a number, or a PCI device of the group. */
static const char *group_id(const char *arg)
{
	char path[128], link[256], *slash;
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", arg);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return arg;
	link[len] = 0;
	slash = strrchr(link, '/');
	return strdup(slash ? slash + 1 : link);
}

/* Of any group: a container may have several, and all of them count. */
static bool is_reserved(uint64_t start, uint64_t end)
{
	bool found = false;
	struct dirent *d;
	struct range r;
	char type[32];
	DIR *dir;
	FILE *f;

	dir = opendir(GROUPS);
	while (dir && !found && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		f = open_regions(d->d_name);
		while (f && !found && next_region(f, &r, type))
			found = r.start <= end && r.end >= start;
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Two pages at AT, or STEP further, and so on, until that is not reserved. */
static uint64_t free_place(uint64_t at, uint64_t step)
{
	unsigned int i;

	/* Something is free long before; the end is for a file that is nonsense. */
	for (i = 0; i < 1000 && is_reserved(at, at + 2 * page - 1); i++)
		at += step;
	return at;
}

/*
 * The smallest map that VFIO accepts, of all powers of two: by trying. As it gives no others, the
 * place and the memory are whole pages of any IOMMU.
 */
static uint64_t smallest_map(struct vfio *v)
{
	const uint64_t most = 0x200000;
	uint64_t iova = free_place(most, most), size, found = 0;
	char *mem = mmap(NULL, 2 * most, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return 0;
	for (size = 256; size <= most && !found; size *= 2)
		if (!map(v, (void *)(((uintptr_t)mem + most - 1) & ~(most - 1)), iova, size)) {
			unmap(v, iova, size);
			found = size;
		}
	munmap(mem, 2 * most);
	return found;
}

/* Two places to try DMA at: low, and as high as edu and every page table reach. */
static unsigned int dma_places(struct vfio *v, uint64_t place[2])
{
	const uint64_t low = 0x1000000, top = (1ULL << 47) - 1;
	unsigned int i, nr = 0;

	if (!v->range) {
		/* Nor does such a kernel tell the aperture, which is 39 bits at least. */
		place[nr++] = free_place(low, low);
		place[nr++] = free_place((1ULL << 39) - 3 * page, -low);
		return nr;
	}
	for (i = 0; i < v->nr_range && !nr; i++)
		if (v->range[i].start <= low && v->range[i].end >= low + 2 * page - 1)
			place[nr++] = low;
	for (i = v->nr_range; i--;) {
		uint64_t end = v->range[i].end < top ? v->range[i].end : top;

		if (end < v->range[i].start || end - v->range[i].start < 4 * page)
			continue;
		place[nr++] = (end & ~(uint64_t)(page - 1)) - 2 * page;
		break;
	}
	return nr;
}

static volatile void *edu_reg(char *bar, unsigned int reg)
{
	return bar + reg;
}

static bool edu_dma(char *bar, uint64_t src, uint64_t dst, uint32_t cmd)
{
	double end = now() + 10;

	*(volatile uint64_t *)edu_reg(bar, EDU_DMA_SRC) = src;
	*(volatile uint64_t *)edu_reg(bar, EDU_DMA_DST) = dst;
	*(volatile uint64_t *)edu_reg(bar, EDU_DMA_COUNT) = EDU_DMA_SIZE;
	*(volatile uint64_t *)edu_reg(bar, EDU_DMA_CMD) = cmd | EDU_DMA_BUSY;
	while (*(volatile uint64_t *)edu_reg(bar, EDU_DMA_CMD) & EDU_DMA_BUSY) {
		if (now() > end)
			return false;
		usleep(1000);
	}
	return true;
}

/* RAM -> edu -> RAM, from one place that is mapped to another one: NULL, or what went wrong. */
static const char *edu_move(char *bar, char *from, uint64_t src, char *to, uint64_t dst)
{
	unsigned int i;

	for (i = 0; i < EDU_DMA_SIZE; i++) {
		from[i] = i * 7 + (dst >> 12);
		to[i] = 0;
	}
	if (!edu_dma(bar, src, EDU_BUFFER, 0) || !edu_dma(bar, EDU_BUFFER, dst, EDU_DMA_TO_RAM))
		return "timeout";
	return memcmp(from, to, EDU_DMA_SIZE) ? "differs" : NULL;
}

static const char *edu_copy(struct vfio *v, char *bar, char *mem, uint64_t iova)
{
	const char *why;
	int err;

	err = map(v, mem, iova, 2 * page);
	if (err)
		return errname(err);
	why = edu_move(bar, mem, iova, mem + page, iova + page);
	if (unmap(v, iova, 2 * page))
		why = "unmap";
	return why ? why : "ok";
}

static int msi_enable(int dev, int event)
{
	char buf[sizeof(struct vfio_irq_set) + sizeof(int)];
	struct vfio_irq_set *set = (void *)buf;

	set->argsz = sizeof(buf);
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = VFIO_PCI_MSI_IRQ_INDEX;
	set->start = 0;
	set->count = 1;
	memcpy(set->data, &event, sizeof(event));
	return ioctl(dev, VFIO_DEVICE_SET_IRQS, set) ? errno : 0;
}

static int msi_disable(int dev)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSI_IRQ_INDEX,
	};

	return ioctl(dev, VFIO_DEVICE_SET_IRQS, &set) ? errno : 0;
}

/*
 * Take over DEV, which may do DMA from then on: 0, or an errno and DEV is closed. It is ENODEV if
 * the device is not one whose behaviour is known.
 */
static int edu_open(struct edu *e, int dev)
{
	struct vfio_region_info config = { .argsz = sizeof(config),
					   .index = VFIO_PCI_CONFIG_REGION_INDEX };
	struct vfio_region_info bar0 = { .argsz = sizeof(bar0),
					 .index = VFIO_PCI_BAR0_REGION_INDEX };
	uint16_t cmd = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	uint32_t id = 0;
	int err = ENODEV;

	if (ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, &config) ||
	    pread(dev, &id, 4, config.offset) != 4 || id != EDU_ID)
		goto out;
	errno = EIO;
	if (pwrite(dev, &cmd, 2, config.offset + PCI_COMMAND) == 2 &&
	    !ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, &bar0)) {
		e->dev = dev;
		e->event = -1;
		e->size = bar0.size;
		e->bar = mmap(NULL, e->size, PROT_READ | PROT_WRITE, MAP_SHARED, dev, bar0.offset);
		if (e->bar != MAP_FAILED)
			return 0;
	}
	err = errno;
out:
	close(dev);
	return err;
}

static int edu_listen(struct edu *e)
{
	int err;

	e->event = eventfd(0, EFD_CLOEXEC);
	if (e->event < 0)
		return errno;
	err = msi_enable(e->dev, e->event);
	if (err) {
		close(e->event);
		e->event = -1;
	}
	return err;
}

/* How many were seen of COUNT interrupts, or of the first RAISED if too many do not come. */
static unsigned int edu_raise(struct edu *e, unsigned int count, unsigned int *raised)
{
	struct pollfd p = { .fd = e->event, .events = POLLIN };
	unsigned int i, seen = 0, missed = 0;
	uint64_t n;

	for (i = 0; i < count && missed < MSI_MISSES; i++) {
		*(volatile uint32_t *)edu_reg(e->bar, EDU_IRQ_RAISE) = 1;
		if (poll(&p, 1, 3000) == 1 && read(e->event, &n, sizeof(n)) == sizeof(n))
			seen += n;
		else
			missed++;
		*(volatile uint32_t *)edu_reg(e->bar, EDU_IRQ_ACK) = 1;
	}
	*raised = i;
	return seen;
}

static int edu_close(struct edu *e)
{
	int err = 0;

	if (e->event >= 0) {
		err = msi_disable(e->dev);
		close(e->event);
	}
	munmap(e->bar, e->size);
	close(e->dev);
	return err;
}

static void edu_msi(struct edu *e)
{
	unsigned int seen, raised;
	int err;

	err = edu_listen(e);
	if (err) {
		printf("msi=%s\n", errname(err));
		return;
	}
	seen = edu_raise(e, MSI_COUNT, &raised);
	printf("msi=%u/%u\n", seen, raised);
}

/* Device DMA and interrupts, if the device is one whose behaviour is known. Closes DEV. */
static void check_edu(struct vfio *v, int dev, char *mem)
{
	uint64_t place[2];
	unsigned int i, nr;
	struct edu e;
	int err;

	err = edu_open(&e, dev);
	if (err) {
		if (err != ENODEV)
			printf("dma=0 %s\n", errname(err));
		return;
	}
	nr = dma_places(v, place);
	for (i = 0; i < nr; i++)
		printf("dma=0x%016" PRIx64 " %s\n", place[i], edu_copy(v, e.bar, mem, place[i]));
	edu_msi(&e);
	edu_close(&e);
}

static void check_devices(struct vfio *v, char *mem)
{
	struct dirent *d;
	char path[128];
	unsigned int i;
	DIR *dir;
	int dev;

	for (i = 0; use_cdev && i < v->nr_device; i++)
		check_edu(v, dup(v->device[i].fd), mem);
	if (use_cdev)
		return;
	snprintf(path, sizeof(path), GROUPS "/%s/devices", v->id);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		/* Bridges are in the group but not VFIO's. */
		dev = ioctl(v->group, VFIO_GROUP_GET_DEVICE_FD, d->d_name);
		if (dev < 0)
			continue;
		check_edu(v, dev, mem);
	}
	if (dir)
		closedir(dir);
}

/* Open, with the unsafe switch if that is what was missing. */
static bool open_loud(struct vfio *v, const char *id)
{
	const char *step = vfio_open(v, id);
	bool unsafe = false;
	int err = errno;

	if (step && err == EPERM && (!strcmp(step, "set-iommu") || !strcmp(step, "attach") ||
				     !strcmp(step, "device"))) {
		vfio_close(v);
		unsafe = allow_unsafe();
		step = vfio_open(v, id);
		if (step)
			err = errno;
	}
	if (step) {
		printf("open=%s %s\n", errname(err), step);
		vfio_close(v);
		return false;
	}
	printf("open=ok\n");
	if (unsafe)
		printf("unsafe=1\n");
	return true;
}

static int do_check(const char *id, char *mem)
{
	struct vfio v;
	unsigned int i;

	if (!open_loud(&v, id))
		return 1;
	get_ranges(&v);
	printf("page=0x%" PRIx64 "\n", smallest_map(&v));
	for (i = 0; i < v.nr_range; i++)
		printf("range=0x%016" PRIx64 " 0x%016" PRIx64 "\n", v.range[i].start,
		       v.range[i].end);
	check_maps(&v, mem);
	check_devices(&v, mem);
	vfio_close(&v);
	return 0;
}

static int do_probe(const char *id)
{
	struct vfio v;
	const char *step = vfio_open(&v, id);

	if (step)
		printf("open=%s %s\n", errname(errno), step);
	else
		printf("open=ok\n");
	vfio_close(&v);
	return step != NULL;
}

static volatile sig_atomic_t stop;

static bool range_of(const char *text, struct range *r);

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static int do_loop(const char *id, char *mem, unsigned long pause)
{
	unsigned long loops = 0, errors = 0;
	struct vfio v;
	int i;

	signal(SIGTERM, on_term);
	while (!stop) {
		if (vfio_open(&v, id)) {
			errors++;
		} else {
			for (i = 0; i < 50; i++) {
				uint64_t iova = 0x1000000ULL + (uint64_t)i * page;

				if (map(&v, mem, iova, page) || unmap(&v, iova, page))
					errors++;
			}
		}
		vfio_close(&v);
		loops++;
		usleep(pause * 1000);
	}
	printf("loops=%lu errors=%lu\n", loops, errors);
	return 0;
}

/* Has the open container the hole, in what it tells and in what it does? */
static bool has_hole(struct vfio *v, char *mem, const struct range *hole)
{
	bool there = true;
	unsigned int i;

	get_ranges(v);
	for (i = 0; i < v->nr_range; i++)
		there &= v->range[i].end < hole->start || v->range[i].start > hole->end;
	there &= v->nr_range > 0 && map(v, mem, hole->start, page) == EINVAL;
	free(v->range);
	v->range = NULL;
	return there;
}

static int do_attaches(const char *id, char *mem, const char *text)
{
	unsigned long attaches = 0, held = 0, refused = 0, open = 0, other = 0;
	const char *step;
	struct range hole;
	struct vfio v;

	if (!range_of(text, &hole))
		return 2;
	signal(SIGTERM, on_term);
	while (!stop) {
		step = vfio_open(&v, id);
		attaches++;
		if (step && !strncmp(step, "set-", 4) && (errno == ENOMEM || errno == EINVAL))
			refused++;
		else if (step && !other++)
			printf("other %s %s\n", step, errname(errno));
		else if (!step && has_hole(&v, mem, &hole))
			held++;
		else if (!step && !open++)
			printf("open after %lu\n", attaches);
		vfio_close(&v);
	}
	printf("attaches=%lu held=%lu refused=%lu open=%lu other=%lu\n", attaches, held, refused, open,
	       other);
	return 0;
}

static int do_pairs(const char *id, char *mem, unsigned long pairs)
{
	struct timespec a, b;
	struct vfio v;
	unsigned long i;

	if (!open_loud(&v, id))
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < pairs; i++)
		if (map(&v, mem, 0x1000000, page) || unmap(&v, 0x1000000, page))
			return 1;
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("pairs=%lu ns=%lld\n", pairs,
	       (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec);
	vfio_close(&v);
	return 0;
}

/* The groups of a play by the name they were opened under. */
#define MAX_GROUPS	8
#define PLAY_MEMORY	(16ULL << 20)

/* What has memory of its own, in the order of the words; a place every so often is tried. */
#define MAX_BIGS	4
#define BIG_MEMORY	(2ULL << 30)
#define BIG_STEP	0x10000

#define MAX_HELD	4

struct big {
	struct range r;
	char *mem;
};

struct play {
	struct vfio v;			/* its container; not its group */
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

/* What is behind the last ':', which is cut off: the name of a device has some, too. */
static char *cut(char *arg)
{
	char *colon = strrchr(arg, ':');

	if (!colon)
		return arg + strlen(arg);
	*colon = 0;
	return colon + 1;
}

/* These are false with errno set. */
static bool number_of(const char *text, unsigned int *number)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*number = n;
	errno = EINVAL;
	return end != text && !*end && n <= INT_MAX;
}

static bool wide_of(const char *text, int base, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, base);
	if (!errno && (end == text || *end))
		errno = EINVAL;
	return !errno;
}

static bool range_of(const char *text, struct range *r)
{
	errno = ERANGE;
	return sscanf(text, "%" SCNx64 "-%" SCNx64, &r->start, &r->end) == 2 && r->end >= r->start;
}

/* By the name it was opened under, or by another device of it. */
static int *play_group(struct play *p, const char *name)
{
	const char *id = NULL;
	unsigned int i;

	for (i = 0; i < MAX_GROUPS; i++)
		if (p->group[i].name && !strcmp(p->group[i].name, name))
			return &p->group[i].fd;
	if (strchr(name, ':'))
		id = group_id(name);
	for (i = 0; id && i < MAX_GROUPS; i++)
		if (p->group[i].name && !strcmp(group_id(p->group[i].name), id))
			return &p->group[i].fd;
	return NULL;
}

static int play_open(struct play *p, const char *name)
{
	char path[300];
	unsigned int i;
	int fd, err;

	snprintf(path, sizeof(path), "/dev/vfio/%s", group_id(name));
	fd = use_cdev ? cdev_open(name) : open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = use_cdev ? cdev_bind(&p->v, fd) : 0;
	if (err) {
		close(fd);
		return err;
	}
	for (i = 0; i < MAX_GROUPS; i++) {
		if (p->group[i].name)
			continue;
		p->group[i].name = name;
		p->group[i].fd = fd;
		return 0;
	}
	close(fd);
	return ENOSPC;
}

static int play_close(struct play *p, const char *name)
{
	unsigned int i;

	for (i = 0; i < MAX_GROUPS; i++) {
		if (!p->group[i].name || strcmp(p->group[i].name, name))
			continue;
		close(p->group[i].fd);
		p->group[i].name = NULL;
		return 0;
	}
	return ENOENT;
}

/* Map START-END, and with AGAIN take it away. More than there is memory for is mapped as one. */
static int play_map(struct play *p, const char *range, bool again)
{
	struct range r;
	int err;

	if (!range_of(range, &r) || r.end - r.start >= PLAY_MEMORY)
		return ERANGE;
	err = map(&p->v, p->mem, r.start, r.end - r.start + 1);
	if (!err && again)
		err = unmap(&p->v, r.start, r.end - r.start + 1);
	return err;
}

static int play_unmap(struct play *p, const char *range)
{
	struct range r;

	if (!range_of(range, &r))
		return errno;
	return unmap(&p->v, r.start, r.end - r.start + 1);
}

/* Map START-END in one piece, with memory of its own. */
static int play_big(struct play *p, const char *range)
{
	struct big b;
	size_t size;
	int err;

	if (!range_of(range, &b.r) || b.r.end - b.r.start >= BIG_MEMORY)
		return ERANGE;
	if (p->nr_big == MAX_BIGS)
		return ENOSPC;
	size = b.r.end - b.r.start + 1;
	b.mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b.mem == MAP_FAILED)
		return errno;
	madvise(b.mem, size, MADV_HUGEPAGE);
	err = map(&p->v, b.mem, b.r.start, size);
	if (err)
		munmap(b.mem, size);
	else
		p->big[p->nr_big++] = b;
	return err;
}

/* The latest big one that holds all of R, or NULL with errno set. */
static struct big *find_big(struct play *p, const struct range *r)
{
	unsigned int i;

	for (i = p->nr_big; i--;)
		if (p->big[i].r.start <= r->start && p->big[i].r.end >= r->end)
			return &p->big[i];
	errno = ENOENT;
	return NULL;
}

static int play_unbig(struct play *p, const char *range)
{
	struct range r;
	struct big *b;
	size_t size;
	int err;

	if (!range_of(range, &r))
		return errno;
	b = find_big(p, &r);
	if (!b)
		return errno;
	/* A part of it is not what was mapped: VFIO is not asked. */
	size = r.end - r.start + 1;
	err = b->r.start == r.start && b->r.end == r.end ? unmap(&p->v, r.start, size) : ENOENT;
	if (err)
		return err;
	munmap(b->mem, size);
	p->nr_big--;
	memmove(b, b + 1, (char *)&p->big[p->nr_big] - (char *)b);
	return 0;
}

/* "PATH=TEXT", with '_' for a blank. */
static int play_write(char *arg)
{
	char *text = strchr(arg, '='), *c;
	int fd, err = 0;

	if (!text)
		return EINVAL;
	*text++ = 0;
	for (c = text; *c; c++)
		if (*c == '_')
			*c = ' ';
	fd = open(arg, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

/* Each line behind the number of the word. */
static int play_read(int n, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[512];

	if (!f)
		return errno;
	while (fgets(line, sizeof(line), f))
		printf("%d | %s", n, line);
	fclose(f);
	return 0;
}

/* A held device, or NULL with errno set. */
static struct edu *play_held(struct play *p, const char *name)
{
	unsigned int i;

	for (i = 0; i < MAX_HELD; i++)
		if (p->held[i].name && !strcmp(p->held[i].name, name))
			return &p->held[i].edu;
	errno = ENOENT;
	return NULL;
}

/* File of a device, or -1; @msi: the caller sets its MSI, which a holder of the device has. */
static int play_device(struct play *p, const char *name, bool msi)
{
	int *group = play_group(p, name);

	if (!group) {
		errno = ENOENT;
		return -1;
	}
	if (msi && play_held(p, name)) {
		errno = EBUSY;
		return -1;
	}
	return use_cdev ? dup(*group) : ioctl(*group, VFIO_GROUP_GET_DEVICE_FD, name);
}

/* A container, or an address space of iommufd. */
static int play_container(struct play *p)
{
	p->v.container = open(use_cdev ? "/dev/iommu" : "/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (p->v.container < 0)
		return errno;
	return use_cdev ? new_ioas(&p->v) : 0;
}

static int play_set(struct play *p, int group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	if (use_cdev)
		return cdev_attach(&p->v, group);
	if (ioctl(group, VFIO_GROUP_GET_STATUS, &status))
		return errno;
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return EPERM;
	return ioctl(group, VFIO_GROUP_SET_CONTAINER, &p->v.container) ? errno : 0;
}

/* "GROUP,NAME" */
static int play_fetch(struct play *p, char *arg)
{
	char *group = strsep(&arg, ",");
	int *fd = play_group(p, group);

	if (!fd || !arg)
		return ENOENT;
	return ioctl(*fd, VFIO_GROUP_GET_DEVICE_FD, arg) < 0 ? errno : 0;
}

static int play_unset(int group)
{
	if (use_cdev)
		return cdev_detach(group);
	return ioctl(group, VFIO_GROUP_UNSET_CONTAINER) ? errno : 0;
}

static int play_edu(struct play *p, const char *device)
{
	int dev = play_device(p, device, true);

	if (dev < 0)
		return errno;
	check_edu(&p->v, dev, p->mem);
	return 0;
}

/* DMA to places all over "DEVICE:START-END", which is in a big one, from elsewhere in that. */
static const char *play_dma(struct play *p, char *arg)
{
	const char *range = cut(arg), *why = NULL;
	uint64_t at, src, size;
	struct range r;
	struct big *b;
	struct edu e;
	char *mem;
	int dev, err;

	if (!range_of(range, &r) || r.end - r.start < EDU_DMA_SIZE - 1)
		return errname(ERANGE);
	b = find_big(p, &r);
	if (!b)
		return errname(errno);
	src = 0;
	if (r.start - b->r.start < page) {
		if (b->r.end - r.end < page)
			return errname(ENOSPC);
		src = b->r.end - b->r.start + 1 - page;
	}
	dev = play_device(p, arg, false);
	err = dev < 0 ? errno : edu_open(&e, dev);
	if (err)
		return errname(err);
	mem = b->mem + (r.start - b->r.start);
	size = r.end - r.start + 1;
	for (at = 0; !why && at + EDU_DMA_SIZE <= size; at += BIG_STEP)
		why = edu_move(e.bar, b->mem + src, b->r.start + src, mem + at, r.start + at);
	at = size - EDU_DMA_SIZE;
	if (!why)
		why = edu_move(e.bar, b->mem + src, b->r.start + src, mem + at, r.start + at);
	edu_close(&e);
	return why ? why : "ok";
}

/* Where the messages go by the device's own register: what VFIO shows is not that. */
static int msi_address(const char *device, uint64_t *address)
{
	unsigned char config[256 + PCI_MSI_DATA_64] = { 0 };
	uint32_t low, high = 0;
	unsigned int pos, i;
	char path[128];
	ssize_t len;
	int fd, err;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", device);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	len = pread(fd, config, 256, 0);
	err = len < 0 ? errno : len < 256 ? EIO : ENOENT;
	close(fd);
	pos = config[PCI_CAPABILITY_LIST] & ~3;
	for (i = 0; err == ENOENT && pos >= PCI_STD_HEADER_SIZEOF && i < 48; i++) {
		if (config[pos] == PCI_CAP_ID_MSI) {
			memcpy(&low, config + pos + PCI_MSI_ADDRESS_LO, sizeof(low));
			if (config[pos + PCI_MSI_FLAGS] & PCI_MSI_FLAGS_64BIT)
				memcpy(&high, config + pos + PCI_MSI_ADDRESS_HI, sizeof(high));
			*address = (uint64_t)high << 32 | low;
			return 0;
		}
		pos = config[pos + PCI_CAP_LIST_NEXT] & ~3;
	}
	return err;
}

/* Open a device, enable its MSI, and tell where that goes. */
static int play_listen(struct play *p, int n, const char *name, struct edu *e)
{
	int dev = play_device(p, name, true), err;
	uint64_t address;

	err = dev < 0 ? errno : edu_open(e, dev);
	if (err)
		return err;
	err = edu_listen(e);
	if (!err)
		err = msi_address(name, &address);
	if (err)
		edu_close(e);
	else
		printf("%d msi-address %s 0x%016" PRIx64 "\n", n, name, address);
	return err;
}

static void play_raise(int n, const char *name, struct edu *e, unsigned int count)
{
	unsigned int raised, seen = edu_raise(e, count, &raised);

	printf("%d irqs %s %u/%u\n", n, name, seen, raised);
}

/* "DEVICE:COUNT" of a device that is held, or is opened for that. */
static int play_irqs(struct play *p, int n, char *arg, bool held)
{
	const char *number = cut(arg);
	unsigned int count;
	struct edu e, *h;
	int err;

	if (!number_of(number, &count))
		return errno;
	if (held) {
		h = play_held(p, arg);
		if (!h)
			return errno;
		play_raise(n, arg, h, count);
		return 0;
	}
	err = play_listen(p, n, arg, &e);
	if (err)
		return err;
	play_raise(n, arg, &e, count);
	return edu_close(&e);
}

static int play_hold(struct play *p, int n, const char *name)
{
	unsigned int i;
	int err = ENOSPC;

	for (i = 0; i < MAX_HELD; i++) {
		if (p->held[i].name)
			continue;
		err = play_listen(p, n, name, &p->held[i].edu);
		if (!err)
			p->held[i].name = name;
		break;
	}
	return err;
}

static int play_release(struct play *p, const char *name)
{
	unsigned int i;
	int err = ENOENT;

	for (i = 0; i < MAX_HELD; i++) {
		if (!p->held[i].name || strcmp(p->held[i].name, name))
			continue;
		err = edu_close(&p->held[i].edu);
		p->held[i].name = NULL;
		break;
	}
	return err;
}

/* Until that file is there; somebody else makes it. */
static int play_await(const char *path)
{
	double end = now() + 120;

	while (access(path, F_OK)) {
		if (now() > end)
			return ETIMEDOUT;
		usleep(20000);
	}
	return 0;
}

static int play_sleep(const char *arg)
{
	unsigned int ms;

	if (!number_of(arg, &ms))
		return errno;
	return poll(NULL, 0, ms) ? errno : 0;
}

/* Random maps: up to so many pages large, and up to so many pages off an edge. */
#define RANDOM_PAGES	512
#define RANDOM_NEAR	600
#define RANDOM_EDGES	64
#define RANDOM_LINE	100	/* answers in a line */
#define RANDOM_TOLD	5	/* so many odd answers are told in full */

/* splitmix64: any seed is good, and all machines draw the same. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* What random maps are drawn from. */
struct plan {
	const char *seed;
	uint64_t state;
	unsigned int count;
	uint64_t edge[RANDOM_EDGES];
	unsigned int nr_edge;
};

/*
 * Three of four near an edge, where a page more or less counts, the others of any magnitude. All is
 * reckoned in pages. The last page of all is left out: VFIO does not find it again to unmap. What
 * is drawn does not depend on answers, so that one seed means the same requests everywhere.
 */
static void draw_map(struct plan *plan, struct range *r)
{
	uint64_t *state = &plan->state;
	const uint64_t last = UINT64_MAX / page;
	uint64_t first, nr;

	if (draw(state) % 4) {
		first = plan->edge[draw(state) % plan->nr_edge] / page;
		first += draw(state) % (2 * RANDOM_NEAR + 1);
		first = first > RANDOM_NEAR ? first - RANDOM_NEAR : 0;
	} else {
		nr = 12 + draw(state) % 52;
		first = (draw(state) >> (64 - nr)) / page;
	}
	nr = RANDOM_PAGES >> draw(state) % 10;
	nr = 1 + draw(state) % nr;
	if (first >= last)
		first = last - 1;
	if (nr > last - first)
		nr = last - first;
	r->start = first * page;
	r->end = (first + nr) * page - 1;
}

/* "SEED,COUNT,EDGE[:EDGE...]" */
static bool plan_of(char *arg, struct plan *plan)
{
	char *number, *text;

	plan->seed = strsep(&arg, ",");
	number = strsep(&arg, ",");
	plan->nr_edge = 0;
	if (!number || !wide_of(plan->seed, 10, &plan->state) ||
	    !number_of(number, &plan->count))
		return false;
	while ((text = strsep(&arg, ":")))
		if (plan->nr_edge == RANDOM_EDGES ||
		    !wide_of(text, 16, &plan->edge[plan->nr_edge++]))
			return false;
	return plan->nr_edge;
}

/* "SEED,COUNT,EDGE[:EDGE...]" */
static int play_random(struct play *p, int n, char *arg)
{
	unsigned int i, len = 0, accepted = 0, refused = 0, other = 0;
	char answers[RANDOM_LINE + 1], *mem;
	const char *odd;
	struct plan plan;
	struct range r;
	uint64_t size;
	int err;

	if (!plan_of(arg, &plan))
		return EINVAL;
	/* Pages that are there, and each by itself: a map must not fail because memory is short. */
	size = RANDOM_PAGES * page;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return errno;
	madvise(mem, size, MADV_NOHUGEPAGE);
	memset(mem, 1, size);
	for (i = 0; i < plan.count; i++) {
		draw_map(&plan, &r);
		odd = "errno";
		err = map(&p->v, mem, r.start, r.end - r.start + 1);
		if (!err) {
			odd = "unmap";
			err = unmap(&p->v, r.start, r.end - r.start + 1);
			answers[len] = '.';
			accepted += !err;
		} else if (err == EINVAL) {
			err = 0;
			answers[len] = 'E';
			refused++;
		}
		if (err) {
			answers[len] = '?';
			if (other++ < RANDOM_TOLD)
				printf("%d random-%s %u 0x%016" PRIx64 " 0x%" PRIx64 " %s\n", n,
				       odd, i, r.start, r.end - r.start + 1, errname(err));
		}
		if (++len == RANDOM_LINE || i == plan.count - 1) {
			answers[len] = 0;
			printf("%d random %s %u %s\n", n, plan.seed, i + 1 - len, answers);
			len = 0;
		}
	}
	printf("%d random %s total=%u accepted=%u refused=%u other=%u\n", n, plan.seed, plan.count,
	       accepted, refused, other);
	munmap(mem, size);
	return 0;
}

/* "FLAGS,IOVA,SIZE[,VADDR]", all hexadecimal; without VADDR there is memory for up to 16 MiB. */
static int play_ask(struct play *p, char *arg)
{
	char *flags = strsep(&arg, ","), *iova = strsep(&arg, ","), *size = strsep(&arg, ",");
	struct request r = { .vaddr = (uintptr_t)p->mem };
	uint64_t wide;

	if (!size || !wide_of(flags, 16, &wide) || !wide_of(iova, 16, &r.iova) ||
	    !wide_of(size, 16, &r.size) || (arg && !wide_of(arg, 16, &r.vaddr)))
		return EINVAL;
	r.flags = wide;
	return ask(&p->v, &r);
}

/* Do without CAP_IPC_LOCK, and lock no more than so many bytes. */
static int play_lock(const char *arg)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	struct rlimit limit;
	uint64_t bytes;

	if (!wide_of(arg, 10, &bytes))
		return errno;
	limit.rlim_cur = bytes;
	limit.rlim_max = bytes;
	if (setrlimit(RLIMIT_MEMLOCK, &limit) || syscall(SYS_capget, &head, data))
		return errno;
	data[0].effective &= ~(1U << CAP_IPC_LOCK);
	data[0].permitted &= ~(1U << CAP_IPC_LOCK);
	return syscall(SYS_capset, &head, data) ? errno : 0;
}

/* The last line of FILE that somebody reads, without its end. */
static void last_line(const char *file, char *line, size_t size)
{
	FILE *f = fopen(file, "r");
	char buf[512];

	snprintf(line, size, "-");
	while (f && fgets(buf, sizeof(buf), f)) {
		buf[strcspn(buf, "\n")] = 0;
		snprintf(line, size, "%s", buf);
	}
	if (f)
		fclose(f);
}

/* Where a map is that stays, and which others overlap. */
#define BLAME_TAKEN	0x5000000
#define BLAME_PAGES	16

/* One of the ways to be wrong; most are none. */
static void spoil(uint64_t *state, struct request *r)
{
	uint64_t n = 1 + draw(state) % (page - 1);

	switch (draw(state) % 20) {
	case 0:
		r->flags = 0;
		break;
	case 1:
		r->flags |= 1 << (3 + draw(state) % 29);
		break;
	case 2:
		r->size = 0;
		break;
	case 3:
		r->size += n;
		break;
	case 4:
		r->iova += n;
		break;
	case 5:
		r->vaddr += n;
		break;
	case 6:
		r->iova = UINT64_MAX - page + 1;
		r->size = 2 * page;
		break;
	case 7:
		r->iova = BLAME_TAKEN + draw(state) % BLAME_PAGES * page;
		break;
	case 8:
		/* Nothing is mapped so low. */
		r->vaddr = page;
		break;
	}
}

/*
 * "FILE,SEED,COUNT,EDGE[:EDGE...]": ask for random maps. Of each that is refused, what was asked for,
 * the errno, and the last line of FILE; of all others FILE must say nothing.
 */
static int play_blame(struct play *p, int n, char *arg)
{
	unsigned int i, accepted = 0, refused = 0, odd = 0;
	char *file = strsep(&arg, ","), *mem;
	char line[512], before[512];
	struct request r;
	struct range map;
	struct plan plan;
	uint64_t size;
	int err;

	if (!arg || !plan_of(arg, &plan))
		return EINVAL;
	size = (RANDOM_PAGES + 2) * page;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return errno;
	memset(mem, 1, size);
	r = (struct request){ 3, BLAME_TAKEN, BLAME_PAGES * page, (uintptr_t)mem };
	err = ask(&p->v, &r);
	if (err)
		return err;
	last_line(file, before, sizeof(before));
	for (i = 0; i < plan.count; i++) {
		draw_map(&plan, &map);
		r = (struct request){ 3, map.start, map.end - map.start + 1, (uintptr_t)mem };
		spoil(&plan.state, &r);
		err = ask(&p->v, &r);
		last_line(file, line, sizeof(line));
		if (err) {
			refused++;
			printf("%d blame %x %" PRIx64 " %" PRIx64 " %" PRIx64 " %s %s\n", n, r.flags,
			       r.iova, r.size, r.vaddr, errname(err), line);
		} else {
			accepted++;
			odd += strcmp(line, before) != 0;
			odd += unmap(&p->v, r.iova, r.size) != 0;
		}
		memcpy(before, line, sizeof(before));
	}
	printf("%d blamed total=%u accepted=%u refused=%u odd=%u\n", n, plan.count, accepted,
	       refused, odd);
	return 0;
}

#define STORM_TASKS	64

struct storm {
	struct vfio *v;
	unsigned int count;
	uint64_t vaddr;
	unsigned int refused;
};

/* All are misaligned. */
static void *storm(void *data)
{
	struct storm *s = data;
	struct request r = { .flags = 3, .size = page, .vaddr = s->vaddr };
	unsigned int i;

	for (i = 0; i < s->count; i++) {
		r.iova = 0x10000001 + i * page;
		s->refused += ask(s->v, &r) == EINVAL;
	}
	return NULL;
}

/* "COUNT": 64 threads ask for so many maps each, none of which is right. */
static int play_storm(struct play *p, int n, const char *arg)
{
	struct storm s[STORM_TASKS];
	pthread_t task[STORM_TASKS];
	unsigned int count, i, refused = 0;
	int err;

	if (!number_of(arg, &count))
		return errno;
	for (i = 0; i < STORM_TASKS; i++) {
		s[i] = (struct storm){ &p->v, count, (uintptr_t)p->mem, 0 };
		err = pthread_create(&task[i], NULL, storm, &s[i]);
		if (err)
			return err;
	}
	for (i = 0; i < STORM_TASKS; i++) {
		pthread_join(task[i], NULL);
		refused += s[i].refused;
	}
	printf("%d storm refused=%u\n", n, refused);
	return 0;
}

/* What VFIO_IOMMU_GET_INFO gives, as far as any kernel does, whatever headers are here. */
struct info {
	uint32_t argsz;
	uint32_t flags;
	uint64_t iova_pgsizes;
	uint32_t cap_offset;		/* 5.4 */
	uint32_t pad;			/* written since 6.6 */
};

struct info_cap {
	uint16_t id;
	uint16_t version;
	uint32_t next;
};

struct info_ranges {
	struct info_cap header;
	uint32_t nr_iovas;
	uint32_t reserved;		/* struct range follow */
};

/* What every kernel takes, and what those take that have capabilities */
#define INFO_FIRST	offsetof(struct info, cap_offset)
#define INFO_SECOND	offsetof(struct info, pad)

#define INFO_FLAG_CAPS	2

/* Ids of capabilities, and sizes of those that have one */
#define INFO_RANGES		1
#define INFO_MIGRATION		2
#define INFO_MIGRATION_SIZE	32
#define INFO_DMA_AVAIL		3
#define INFO_DMA_AVAIL_SIZE	12

#define INFO_BUFFER	0x40000		/* more than kernels write, whatever argsz says */
#define INFO_SPLIT	20		/* cap_offset is the last in its page then */
#define INFO_POISON	0xa5

/* An answer of VFIO_IOMMU_GET_INFO. What is in its buffer need not be aligned. */
struct answer {
	int n;				/* of the word */
	const char *what;
	const char *buf;
	uint32_t size;			/* of what was asked for */
	uint32_t exact;			/* what the kernel has */
	uint32_t end;			/* of what it may have written */
};

/* Print the capability at AT. False if that is not all inside. */
static bool info_cap(struct answer *a, uint32_t at, struct info_cap *cap)
{
	struct info_ranges ranges;
	struct range r;
	uint64_t len;
	uint32_t i;

	if (at > a->size || a->size - at < sizeof(*cap))
		return false;
	memcpy(cap, a->buf + at, sizeof(*cap));
	printf("%d info-cap %s id=%u version=%u next=%u\n", a->n, a->what, cap->id, cap->version,
	       cap->next);
	if (cap->id == INFO_RANGES) {
		if (a->size - at < sizeof(ranges))
			return false;
		memcpy(&ranges, a->buf + at, sizeof(ranges));
		len = sizeof(ranges) + (uint64_t)ranges.nr_iovas * sizeof(r);
	} else if (cap->id == INFO_MIGRATION) {
		len = INFO_MIGRATION_SIZE;
	} else if (cap->id == INFO_DMA_AVAIL) {
		len = INFO_DMA_AVAIL_SIZE;
	} else {
		/* Nobody knows how long it is: all that the kernel has may be of it. */
		len = a->exact > at + sizeof(*cap) ? a->exact - at : sizeof(*cap);
	}
	if (a->size - at < len)
		return false;
	for (i = 0; cap->id == INFO_RANGES && i < ranges.nr_iovas; i++) {
		memcpy(&r, a->buf + at + sizeof(ranges) + i * sizeof(r), sizeof(r));
		printf("%d info-range %s 0x%016" PRIx64 " 0x%016" PRIx64 "\n", a->n, a->what,
		       r.start, r.end);
	}
	/* Since 6.6 each is filled up to 8 bytes. */
	len = (at + len + 7) & ~7ULL;
	if (len > a->size)
		len = a->size;
	if (a->end < len)
		a->end = len;
	return true;
}

/* They are in order, so that one that leads back is as bad as one that leads out. */
static void info_chain(struct answer *a, uint32_t at)
{
	struct info_cap cap = { .next = at };

	while (cap.next) {
		at = cap.next;
		if (!info_cap(a, at, &cap) || (cap.next && cap.next <= at)) {
			printf("%d info-cap %s broken\n", a->n, a->what);
			return;
		}
	}
}

/* How much to ask for by WHAT, when EXACT is what the kernel wants. */
static bool info_argsz(const char *what, uint32_t exact, uint32_t *argsz)
{
	uint64_t wide = exact;

	if (!strcmp(what, "exact-1"))
		wide--;
	else if (!strcmp(what, "exact+64"))
		wide += 64;
	else if (strcmp(what, "exact") && strcmp(what, "page") && strcmp(what, "fresh") &&
		 strcmp(what, "readonly") && !wide_of(what, 10, &wide))
		return false;
	*argsz = wide;
	return wide <= UINT32_MAX;
}

/* Ask once, in a buffer that shows what was written, and print all that came. */
static int info_ask(struct play *p, int n, const char *what, uint32_t exact)
{
	bool readonly = !strcmp(what, "readonly"), fresh = !strcmp(what, "fresh");
	struct answer a = { .n = n, .what = what, .exact = exact };
	uint32_t argsz, i, poisoned = INFO_BUFFER;
	struct info info;
	char *base, *buf;
	int err;

	if (!info_argsz(what, exact, &argsz))
		return EINVAL;
	base = mmap(NULL, page + INFO_BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (base == MAP_FAILED)
		return errno;
	/* Else the second page could come with the first. */
	madvise(base, page + INFO_BUFFER, MADV_NOHUGEPAGE);
	buf = base;
	if (readonly || fresh || !strcmp(what, "page"))
		buf += page - INFO_SPLIT;
	/* To poison a page is to touch it: of a fresh one, its zeroes are the poison. */
	if (fresh)
		poisoned = INFO_SPLIT;
	memset(buf, INFO_POISON, poisoned);
	memcpy(buf, &argsz, sizeof(argsz));
	if (readonly && mprotect(base + page, INFO_BUFFER, PROT_READ)) {
		err = errno;
		goto out;
	}
	err = ioctl(p->v.container, VFIO_IOMMU_GET_INFO, buf) ? errno : 0;
	memcpy(&info, buf, sizeof(info));
	printf("%d info %s ret=%s argsz=%u flags=0x%x pgsizes=0x%" PRIx64 " cap_offset=", n, what,
	       err ? errname(err) : "ok", info.argsz, info.flags, info.iova_pgsizes);
	if (argsz < INFO_SECOND)
		printf("-\n");
	else
		printf("%u\n", info.cap_offset);
	a.buf = buf;
	a.size = argsz < INFO_BUFFER ? argsz : INFO_BUFFER;
	/* Who is refused gets nothing, and argsz is the caller's own. */
	a.end = err ? sizeof(argsz) : a.size < sizeof(info) ? a.size : sizeof(info);
	/* A kernel that has no capabilities leaves cap_offset as it was. */
	if (!err && argsz >= INFO_SECOND && info.flags & INFO_FLAG_CAPS)
		info_chain(&a, info.cap_offset);
	for (i = a.end; i < INFO_BUFFER; i++)
		if ((unsigned char)buf[i] != (i < poisoned ? INFO_POISON : 0))
			break;
	printf("%d info-tail %s %s\n", n, what, i < INFO_BUFFER ? "dirty" : "clean");
	err = 0;
out:
	munmap(base, page + INFO_BUFFER);
	return err;
}

/* "ARGSZ[,ARGSZ...]" */
static int play_info(struct play *p, int n, char *arg)
{
	/* No kernel refuses this, and all say what they would have. */
	struct info info = { .argsz = INFO_FIRST };
	char *what;
	int err = 0;

	if (ioctl(p->v.container, VFIO_IOMMU_GET_INFO, &info))
		return errno;
	while (!err && (what = strsep(&arg, ",")))
		err = info_ask(p, n, what, info.argsz);
	return err;
}

/*
 * Words, GROUP being a device of the group, and what is printed behind the number of the word:
 *     container | iommu | drop        a new container, VFIO_SET_IOMMU, close the container
 *     open:GROUP | close:GROUP        the file of the group
 *     set:GROUP | unset:GROUP         VFIO_GROUP_SET_CONTAINER, VFIO_GROUP_UNSET_CONTAINER
 *     claim:GROUP                     as "set", without asking first whether the group is viable
 *     ioas                            with --cdev, where GROUP is a device: "open" binds it to
 *                                     iommufd, "set" attaches it to the address space of
 *                                     "container", "ioas" makes another one, and "set" of a
 *                                     device that is attached replaces its address space
 *     space:NUMBER                    "set" of then on attaches to that of iommufd
 *     fetch:GROUP,NAME                VFIO_GROUP_GET_DEVICE_FD for a device of that name, which
 *                                     stays open until the end
 *     map:START-END | unmap:START-END
 *     try:START-END                   map, and unmap if that worked
 *     big:START-END | unbig:START-END
 *                                     as one map of up to 2 GiB, with memory of its own; up to 4
 *                                     at a time, and they stay until the end
 *     edu:DEVICE                      dma= and msi= lines as of "check"; the group's name is DEVICE
 *     dma:DEVICE:START-END            an edu device reads elsewhere in the "big" that has the
 *                                     range, and writes to the range, each 64 KiB and its very
 *                                     end: "N WORD timeout|differs" if that is not there then
 *     irqs:DEVICE:COUNT               an edu device raises interrupts, one at a time:
 *                                     "N msi-address DEVICE ADDRESS", as the device has it, and
 *                                     "N irqs DEVICE SEEN/RAISED"; after 3 that did not come, no
 *                                     more are raised
 *     hold:DEVICE | release:DEVICE    with its MSI enabled, until the end; "N msi-address ...";
 *                                     up to 4 devices, for which "edu" and "irqs" give EBUSY
 *     raise:DEVICE:COUNT              as "irqs", of a device that is held: "N irqs ..." only
 *     random:SEED,COUNT,EDGE[:EDGE...]
 *                                     COUNT maps of 1 to 512 pages, unmapped again, at places that
 *                                     follow from SEED (decimal), from the EDGEs (hexadecimal; most
 *                                     are near one), and from the size of a page:
 *                                     "N random SEED FIRST ANSWERS" for each 100, FIRST being the
 *                                     number of the first, from 0; an answer is "." accepted, "E"
 *                                     EINVAL, or "?" else. Of these the first 5 are told before, as
 *                                     "N random-errno NUMBER START SIZE ERRNO", or "N
 *                                     random-unmap ..." if only the unmap failed. At last "N
 *                                     random SEED total=N accepted=N refused=N other=N"
 *     ask:FLAGS,IOVA,SIZE[,VADDR]     a map, right or wrong, all hexadecimal; without VADDR there
 *                                     is memory for up to 16 MiB. With --cdev the flag 100 has
 *                                     iommufd choose the place
 *     lock:BYTES                      from now on without CAP_IPC_LOCK, and with that limit
 *     blame:FILE,SEED,COUNT,EDGE[:EDGE...]
 *                                     COUNT maps as those of "random", some of them spoilt in one of
 *                                     several ways; one that is accepted is unmapped again. "N blame
 *                                     FLAGS IOVA SIZE VADDR ERRNO LINE" for each that is refused,
 *                                     LINE being the last one of FILE, and at last "N blamed
 *                                     total=N accepted=N refused=N odd=N": odd ones were accepted,
 *                                     and FILE has changed
 *     storm:COUNT                     64 threads ask for COUNT misaligned maps each; "N storm
 *                                     refused=N"
 *     info:ARGSZ[,ARGSZ...]           VFIO_IOMMU_GET_INFO with each: a number, or "exact",
 *                                     which is what the kernel wants, "exact-1", "exact+64", or
 *                                     "exact" in a buffer of which 20 bytes are in one page and the
 *                                     others in a next that was touched ("page"), was not
 *                                     ("fresh"), or cannot be written ("readonly"):
 *                                     "N info ARGSZ ret=ok|ERRNO argsz=N flags=0x.. pgsizes=0x..
 *                                     cap_offset=N" as in the buffer then, which was filled with
 *                                     0xa5, and cap_offset "-" if less than 20 bytes were asked
 *                                     for; "N info-cap ARGSZ id=N version=N next=N" for each, and
 *                                     "N info-range ARGSZ START END" for each behind its
 *                                     capability; "N info-cap ARGSZ broken" if the chain leaves
 *                                     what was asked for; "N info-tail ARGSZ clean|dirty": was
 *                                     nothing written behind all that?
 *     sleep:MS | await:PATH           await: until that file is there
 *     pause                           until a signal kills; its line comes before
 *     write:PATH=TEXT | read:PATH     read: "N | LINE" for each line
 *         N WORD ok|ERRNO
 *     ranges                          N ranges START-END...
 */
static int do_play(int argc, char **argv)
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

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

#define COST_ROUNDS	100
#define COST_PAIRS	10

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/*
 * The middle of many rounds, nearly all of which are the same when instructions are counted: an
 * interrupt makes one dearer, and one in hundreds is cheaper, as somebody else did a part of it.
 */
static uint64_t middle(uint64_t ns[COST_ROUNDS], int n)
{
	qsort(ns, n, sizeof(*ns), by_value);
	return ns[n / 2];
}

/* MEM is a page; for more pages there is memory of its own, in the machine's huge pages. */
static char *cost_memory(char *mem, unsigned long pages)
{
	char *more;

	if (pages == 1)
		return mem;
	more = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (more == MAP_FAILED) {
		printf("cost no huge pages: %s\n", errname(errno));
		return NULL;
	}
	memset(more, 1, pages * page);
	return more;
}

static int do_cost(const char *id, char *mem, unsigned long pages, int rounds)
{
	uint64_t start, pair[COST_ROUNDS], attach[COST_ROUNDS];
	struct vfio v;
	int i, j;

	if (rounds < 1 || rounds > COST_ROUNDS)
		return 2;
	mem = cost_memory(mem, pages);
	if (!mem || !open_loud(&v, id))
		return 1;
	for (i = 0; i < rounds; i++) {
		start = cpu_ns();
		for (j = 0; j < COST_PAIRS; j++)
			if (map(&v, mem, 0x1000000, pages * page) ||
			    unmap(&v, 0x1000000, pages * page))
				return 1;
		pair[i] = cpu_ns() - start;
	}
	vfio_close(&v);
	for (i = 0; i < rounds; i++) {
		start = cpu_ns();
		if (vfio_open(&v, id))
			return 1;
		vfio_close(&v);
		attach[i] = cpu_ns() - start;
	}
	printf("cost pairs=%" PRIu64 " attach=%" PRIu64 "\n", middle(pair, rounds),
	       middle(attach, rounds));
	return 0;
}

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
