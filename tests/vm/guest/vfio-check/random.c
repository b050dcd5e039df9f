// SPDX-License-Identifier: GPL-2.0-only
/* Words of a play that request many maps, or wrong ones. */
#include "vfio.h"

/* Random maps have at most RANDOM_PAGES pages; most are within RANDOM_NEAR pages of an edge. */
#define RANDOM_PAGES	512
#define RANDOM_NEAR	600
#define RANDOM_EDGES	64
#define RANDOM_LINE	100	/* answers in a line */
#define RANDOM_TOLD	5	/* number of odd answers that are printed in full */

/* splitmix64: any seed is good, and all machines draw the same. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* The parameters of random maps. */
struct plan {
	const char *seed;
	uint64_t state;
	unsigned int count;
	uint64_t edge[RANDOM_EDGES];
	unsigned int nr_edge;
};

/*
 * Draw a map. Three of four are near an edge, where a page more or less matters, the others have
 * addresses of any magnitude. All are whole pages. None has the last page below 2^64, which VFIO
 * cannot unmap. The maps do not depend on answers, so that a seed gives the same maps everywhere.
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
int play_random(struct play *p, int n, char *arg)
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
	/* Make all pages present, without huge pages, so that no map fails because of memory. */
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
int play_ask(struct play *p, char *arg)
{
	char *flags = strsep(&arg, ","), *iova = strsep(&arg, ","), *size = strsep(&arg, ",");
	struct request r = { .vaddr = (uintptr_t)p->mem };
	uint64_t wide;

	if (!size || !wide_of(flags, 16, &wide) || !wide_of(iova, 16, &r.iova) ||
	    !wide_of(size, 16, &r.size) || (arg && !wide_of(arg, 16, &r.vaddr)))
		return EINVAL;
	r.flags = wide;
	/* For a map of a file, VADDR is an offset; without it, 0. */
	if (r.flags & FROM_FILE && r.vaddr == (uintptr_t)p->mem)
		r.vaddr = 0;
	return ask(&p->v, &r);
}

/* Drop CAP_IPC_LOCK, and set the limit of locked memory to that number of bytes. */
int play_lock(const char *arg)
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

/* The last line of FILE, without its newline. */
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

/* Place of a map that exists all the time, so that others can overlap it. */
#define BLAME_TAKEN	0x5000000
#define BLAME_PAGES	16

/* Make some of the requests wrong, in one of several ways. */
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
		/* The process has no memory at this address. */
		r->vaddr = page;
		break;
	}
}

/*
 * "FILE,SEED,COUNT,EDGE[:EDGE...]": request random maps. For each that is refused, print the
 * request, the errno, and the last line of FILE. A map that succeeds must not change FILE.
 */
int play_blame(struct play *p, int n, char *arg)
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

/* A thread that requests misaligned maps. */
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

/* "COUNT": 64 threads request COUNT misaligned maps each. */
int play_storm(struct play *p, int n, const char *arg)
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
