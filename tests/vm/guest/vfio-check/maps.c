// SPDX-License-Identifier: GPL-2.0-only
/* Requests maps, tries maps at the edges of regions, and finds free places. */
#include "vfio.h"

/* A flag that VFIO does not have: iommufd chooses the address. */
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

static int ask_file(struct vfio *v, const struct request *r)
{
	struct iommufd_ioas_map_file m = {
		.size = sizeof(m),
		.flags = IOMMUFD_MAP_FIXED | IOMMUFD_MAP_READABLE | IOMMUFD_MAP_WRITEABLE,
		.ioas_id = v->ioas,
		.fd = memfd_create("map", MFD_CLOEXEC),
		.start = r->vaddr,
		.length = r->size,
		.iova = r->iova,
	};
	int err = 0;

	if (m.fd < 0 || ftruncate(m.fd, PLAY_MEMORY) ||
	    ioctl(v->container, IOMMUFD_IOAS_MAP_FILE, &m))
		err = errno;
	if (m.fd >= 0)
		close(m.fd);
	return err;
}

int ask(struct vfio *v, const struct request *r)
{
	struct vfio_iommu_type1_dma_map m = {
		.argsz = sizeof(m),
		.flags = r->flags,
		.vaddr = r->vaddr,
		.iova = r->iova,
		.size = r->size,
	};

	if (v->ioas && r->flags & FROM_FILE)
		return ask_file(v, r);
	if (v->ioas)
		return ask_ioas(v, r);
	return ioctl(v->container, VFIO_IOMMU_MAP_DMA, &m) ? errno : 0;
}

int map(struct vfio *v, void *mem, uint64_t iova, uint64_t size)
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

int unmap(struct vfio *v, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap m = { .argsz = sizeof(m), .iova = iova, .size = size };

	if (v->ioas)
		return unmap_ioas(v, iova, size);
	if (ioctl(v->container, VFIO_IOMMU_UNMAP_DMA, &m))
		return errno;
	return m.size == size ? 0 : ENOENT;
}

/* Map the page that contains IOVA, and unmap it again. */
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

void check_maps(struct vfio *v, void *mem)
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
		/* VFIO accepts a map of the last page below 2^64, but cannot unmap it. */
		printf("%s\n", try_map(v, mem, v->range[i].end == UINT64_MAX ?
					       UINT64_MAX - page : v->range[i].end));
	}
}

/* GROUP is a number, or a PCI device of the group. */
const char *group_id(const char *arg)
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

/* Is a part of the range reserved in any group? A container may have several groups. */
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

/* The first place from AT on, in steps of STEP, where two pages are not reserved. */
static uint64_t free_place(uint64_t at, uint64_t step)
{
	unsigned int i;

	/* A place is free long before; the limit is for files with wrong content. */
	for (i = 0; i < 1000 && is_reserved(at, at + 2 * page - 1); i++)
		at += step;
	return at;
}

/*
 * The smallest map that VFIO accepts, found by trying all powers of two from 256 bytes on. Address
 * and memory are aligned to 2 MiB, so that only the size can be the reason for a refusal.
 */
uint64_t smallest_map(struct vfio *v)
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
unsigned int dma_places(struct vfio *v, uint64_t place[2])
{
	const uint64_t low = 0x1000000, top = (1ULL << 47) - 1;
	unsigned int i, nr = 0;

	if (!v->range) {
		/* These kernels do not report the aperture either; it has at least 39 bits. */
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
