// SPDX-License-Identifier: GPL-2.0-only
/* Opens and closes groups, containers, and the files of devices. */
#include "vfio.h"

#define TYPE1		"/sys/module/vfio_iommu_type1"
#define IOMMUFD		"/sys/module/iommufd"
#define UNSAFE		"/parameters/allow_unsafe_interrupts"
#define EDU_BUFFER_SIZE		4096

size_t page;
bool use_cdev;

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void vfio_close(struct vfio *v)
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

/* new_ioas(), cdev_attach() and cdev_detach() return 0 or an errno. */
int new_ioas(struct vfio *v)
{
	struct iommufd_ioas_alloc a = { .size = sizeof(a) };

	if (ioctl(v->container, IOMMUFD_IOAS_ALLOC, &a))
		return errno;
	v->ioas = a.out_ioas_id;
	return 0;
}

int cdev_attach(const struct vfio *v, int dev)
{
	struct device_attach_pt a = { .argsz = sizeof(a), .pt_id = v->ioas };

	return ioctl(dev, DEVICE_ATTACH_PT, &a) ? errno : 0;
}

int cdev_detach(int dev)
{
	struct device_detach_pt d = { .argsz = sizeof(d) };

	return ioctl(dev, DEVICE_DETACH_PT, &d) ? errno : 0;
}

/* Open VFIO's file of a PCI device; -1 with errno set if that fails, or if it has none. */
int cdev_open(const char *device)
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

int cdev_bind(const struct vfio *v, int dev)
{
	struct device_bind_iommufd b = { .argsz = sizeof(b), .iommufd = v->container };

	return ioctl(dev, DEVICE_BIND_IOMMUFD, &b) ? errno : 0;
}

/* Open a device by its own file or its group's, and keep it open. */
static const char *take_device(struct vfio *v, const char *name)
{
	int fd = use_cdev ? cdev_open(name) : ioctl(v->group, VFIO_GROUP_GET_DEVICE_FD, name);

	/* Skip devices that are not bound to VFIO's driver, such as bridges. */
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
const char *vfio_open(struct vfio *v, const char *id)
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

bool allow_unsafe(void)
{
	int fd = open(use_cdev || container_is_iommufd() ? IOMMUFD UNSAFE : TYPE1 UNSAFE,
		      O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, "1", 1) == 1;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* struct range has the same layout as a range of iommufd. */
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

void get_ranges(struct vfio *v)
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
