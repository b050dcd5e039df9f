// SPDX-License-Identifier: GPL-2.0-only
/* Words of a play: groups, maps, and devices of a container. */
#include "vfio.h"

#define BIG_MEMORY	(2ULL << 30)
#define BIG_STEP	0x10000

/* Cut ARG at its last ':', and return the text behind it: names of devices have ':', too. */
static char *cut(char *arg)
{
	char *colon = strrchr(arg, ':');

	if (!colon)
		return arg + strlen(arg);
	*colon = 0;
	return colon + 1;
}

/* number_of(), wide_of() and range_of() return false, with errno set, if TEXT is wrong. */
bool number_of(const char *text, unsigned int *number)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*number = n;
	errno = EINVAL;
	return end != text && !*end && n <= INT_MAX;
}

bool wide_of(const char *text, int base, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, base);
	if (!errno && (end == text || *end))
		errno = EINVAL;
	return !errno;
}

bool range_of(const char *text, struct range *r)
{
	errno = ERANGE;
	return sscanf(text, "%" SCNx64 "-%" SCNx64, &r->start, &r->end) == 2 && r->end >= r->start;
}

/* Find a group by the name with which it was opened, or by another device of it. */
int *play_group(struct play *p, const char *name)
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

int play_open(struct play *p, const char *name)
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

int play_close(struct play *p, const char *name)
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

/* Map START-END, up to 16 MiB, and with AGAIN unmap it. */
int play_map(struct play *p, const char *range, bool again)
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

int play_unmap(struct play *p, const char *range)
{
	struct range r;

	if (!range_of(range, &r))
		return errno;
	return unmap(&p->v, r.start, r.end - r.start + 1);
}

/* Map START-END in one piece, with memory of its own. */
int play_big(struct play *p, const char *range)
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

/* The latest big map that contains all of R, or NULL with errno set. */
static struct big *find_big(struct play *p, const struct range *r)
{
	unsigned int i;

	for (i = p->nr_big; i--;)
		if (p->big[i].r.start <= r->start && p->big[i].r.end >= r->end)
			return &p->big[i];
	errno = ENOENT;
	return NULL;
}

int play_unbig(struct play *p, const char *range)
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
	/* Refuse to unmap a part of a big map, without calling VFIO. */
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
int play_write(char *arg)
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

/* Print each line of the file behind the number of the word. */
int play_read(int n, const char *path)
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

/* File of a device, or -1; @msi: the caller sets its MSI, so the device must not be held. */
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
int play_container(struct play *p)
{
	p->v.container = open(use_cdev ? "/dev/iommu" : "/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (p->v.container < 0)
		return errno;
	return use_cdev ? new_ioas(&p->v) : 0;
}

int play_set(struct play *p, int group)
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
int play_fetch(struct play *p, char *arg)
{
	char *group = strsep(&arg, ",");
	int *fd = play_group(p, group);

	if (!fd || !arg)
		return ENOENT;
	return ioctl(*fd, VFIO_GROUP_GET_DEVICE_FD, arg) < 0 ? errno : 0;
}

int play_unset(int group)
{
	if (use_cdev)
		return cdev_detach(group);
	return ioctl(group, VFIO_GROUP_UNSET_CONTAINER) ? errno : 0;
}

int play_edu(struct play *p, const char *device)
{
	int dev = play_device(p, device, true);

	if (dev < 0)
		return errno;
	check_edu(&p->v, dev, p->mem);
	return 0;
}

/* DMA to places all over "DEVICE:START-END", from another part of the big map that contains it. */
const char *play_dma(struct play *p, char *arg)
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

/* Address of messages in the device's own register, because VFIO shows user space another one. */
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

/* Open a device, enable its MSI, and print the address of its messages. */
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

/* "DEVICE:COUNT"; @held: the device is held, else open it. */
int play_irqs(struct play *p, int n, char *arg, bool held)
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

int play_hold(struct play *p, int n, const char *name)
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

int play_release(struct play *p, const char *name)
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

/* Wait until another program has made the file. */
int play_await(const char *path)
{
	double end = now() + 120;

	while (access(path, F_OK)) {
		if (now() > end)
			return ETIMEDOUT;
		usleep(20000);
	}
	return 0;
}

int play_sleep(const char *arg)
{
	unsigned int ms;

	if (!number_of(arg, &ms))
		return errno;
	return poll(NULL, 0, ms) ? errno : 0;
}
