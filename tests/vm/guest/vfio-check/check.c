// SPDX-License-Identifier: GPL-2.0-only
/* The commands about one group. */
#include "vfio.h"

/* Open the group; if VFIO refuses because of interrupts, set allow_unsafe_interrupts and retry. */
bool open_loud(struct vfio *v, const char *id)
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

int do_check(const char *id, char *mem)
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

int do_probe(const char *id)
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

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

int do_loop(const char *id, char *mem, unsigned long pause)
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

/* Is the hole outside of the container's ranges, and does VFIO refuse a map there? */
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

int do_attaches(const char *id, char *mem, const char *text)
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

int do_pairs(const char *id, char *mem, unsigned long pairs)
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
