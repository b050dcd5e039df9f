// SPDX-License-Identifier: GPL-2.0-only
/* Prints the answers of VFIO_IOMMU_GET_INFO. */
#include "vfio.h"

/* The answer of VFIO_IOMMU_GET_INFO with all fields of any kernel, which the headers may lack. */
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

/* The argsz that every kernel accepts, and that for which kernels return capabilities */
#define INFO_FIRST	offsetof(struct info, cap_offset)
#define INFO_SECOND	offsetof(struct info, pad)
#define INFO_FLAG_CAPS	2

/* Ids of capabilities, and sizes of those that have one */
#define INFO_RANGES		1
#define INFO_MIGRATION		2
#define INFO_MIGRATION_SIZE	32
#define INFO_DMA_AVAIL		3
#define INFO_DMA_AVAIL_SIZE	12
#define INFO_BUFFER	0x40000		/* more than any kernel writes, whatever argsz is */
#define INFO_SPLIT	20		/* bytes in the first page, up to cap_offset */
#define INFO_POISON	0xa5

/* An answer of VFIO_IOMMU_GET_INFO. Structures in its buffer need not be aligned. */
struct answer {
	int n;				/* number of the word */
	const char *what;
	const char *buf;
	uint32_t size;			/* bytes that were requested */
	uint32_t exact;			/* bytes that the kernel has */
	uint32_t end;			/* end of the bytes that the kernel may have written */
};

/* Print the capability at AT. False if it is not all inside of the requested bytes. */
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
		/* The length of an unknown capability may be all of the rest. */
		len = a->exact > at + sizeof(*cap) ? a->exact - at : sizeof(*cap);
	}
	if (a->size - at < len)
		return false;
	for (i = 0; cap->id == INFO_RANGES && i < ranges.nr_iovas; i++) {
		memcpy(&r, a->buf + at + sizeof(ranges) + i * sizeof(r), sizeof(r));
		printf("%d info-range %s 0x%016" PRIx64 " 0x%016" PRIx64 "\n", a->n, a->what,
		       r.start, r.end);
	}
	/* Since 6.6 the kernel pads each capability to a multiple of 8 bytes. */
	len = (at + len + 7) & ~7ULL;
	if (len > a->size)
		len = a->size;
	if (a->end < len)
		a->end = len;
	return true;
}

/* The kernel writes the capabilities in ascending order: a link backward is a fault, too. */
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

/* The argsz for WHAT; EXACT is the argsz that the kernel needs. */
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

/* Call once, with a buffer in which changed bytes can be found, and print the answer. */
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
	/* With a huge page the second page would be present as soon as the first is. */
	madvise(base, page + INFO_BUFFER, MADV_NOHUGEPAGE);
	buf = base;
	if (readonly || fresh || !strcmp(what, "page"))
		buf += page - INFO_SPLIT;
	/* Writing poison to a page would make it present, so a fresh page keeps its zeroes. */
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
	/* On an error the kernel has written nothing; the caller's argsz is still there. */
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
int play_info(struct play *p, int n, char *arg)
{
	/* Every kernel accepts this argsz, and returns the one that it needs. */
	struct info info = { .argsz = INFO_FIRST };
	char *what;
	int err = 0;

	if (ioctl(p->v.container, VFIO_IOMMU_GET_INFO, &info))
		return errno;
	while (!err && (what = strsep(&arg, ",")))
		err = info_ask(p, n, what, info.argsz);
	return err;
}
