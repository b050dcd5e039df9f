// SPDX-License-Identifier: GPL-2.0-only
/* Groups and their devices: send what sysfs has of them, and bind drivers. */
#include "agent.h"

#define VIRTIO_IOMMU	"0x1af4:0x1057"
#define CLASS_IOMMU	"0x080600"

/*
 * Sends dump LABEL, then for each group: group N, device NAME DRIVER ID, iommu NAME of that device,
 * file NAME STATUS, | LINE...; then the module's own files, as those of a group "-"; then dump-end.
 */
void dump(const char *label)
{
	struct dirent **groups, **names;
	char dir[PATH_MAX], path[PATH_MAX], link[PATH_MAX], id[16], vendor[16];
	int n = list(GROUPS, &groups), i, j, m;
	ssize_t len;

	tell("dump %s\n", label);
	for (i = 0; i < n; i++) {
		tell("group %s\n", groups[i]->d_name);
		snprintf(dir, sizeof(dir), GROUPS "/%.16s/devices", groups[i]->d_name);
		m = list(dir, &names);
		for (j = 0; j < m; j++) {
			snprintf(path, sizeof(path), "%s/%s/driver", dir, names[j]->d_name);
			len = readlink(path, link, sizeof(link) - 1);
			link[len < 0 ? 0 : len] = 0;
			snprintf(path, sizeof(path), "%s/%s/vendor", dir, names[j]->d_name);
			read_word(path, vendor, sizeof(vendor));
			snprintf(path, sizeof(path), "%s/%s/device", dir, names[j]->d_name);
			read_word(path, id, sizeof(id));
			tell("device %s %s %s:%s\n", names[j]->d_name,
			     len < 0 ? "-" : strrchr(link, '/') + 1, vendor, id);
			snprintf(path, sizeof(path), "%s/%s/iommu", dir, names[j]->d_name);
			len = readlink(path, link, sizeof(link) - 1);
			link[len < 0 ? 0 : len] = 0;
			if (len > 0)
				tell("iommu %s\n", strrchr(link, '/') + 1);
		}
		list_free(names, m);
		snprintf(dir, sizeof(dir), GROUPS "/%.16s", groups[i]->d_name);
		tell_file(dir, "type");
		tell_file(dir, "reserved_regions");
		snprintf(dir, sizeof(dir), GROUPS "/%.16s/resv", groups[i]->d_name);
		m = list(dir, &names);
		for (j = 0; j < m; j++)
			if (strcmp(names[j]->d_name, "declare"))
				tell_file(dir, names[j]->d_name);
		list_free(names, m);
	}
	list_free(groups, n);
	tell("group -\n");
	m = list("/sys/kernel/iommu_resv", &names);
	for (j = 0; j < m; j++)
		tell_file("/sys/kernel/iommu_resv", names[j]->d_name);
	list_free(names, m);
	tell("dump-end\n");
}

/* As read_file(), SIZE bytes at a time; 0 bytes if it cannot be read. */
static size_t read_pieces(const char *path, char *buf, size_t cap, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got;

	while (n + size <= cap && (got = read(fd, buf + n, size)) > 0)
		n += got;
	if (fd >= 0)
		close(fd);
	return n;
}

void pieces(void)
{
	static char small[1 << 20], big[1 << 20];
	struct dirent **groups;
	int n = list(GROUPS, &groups), i;
	char path[PATH_MAX];
	size_t len;
	bool same;

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), GROUPS "/%.16s/resv/regions", groups[i]->d_name);
		len = read_pieces(path, small, sizeof(small), 64);
		same = len == read_pieces(path, big, sizeof(big), sizeof(big) / 2) &&
		       !memcmp(small, big, len);
		tell("pieces %s %zu %s\n", groups[i]->d_name, len, same ? "same" : "differs");
	}
	list_free(groups, n);
}

void left(void)
{
	struct dirent **groups;
	int n = list(GROUPS, &groups), i;
	char path[PATH_MAX];

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), GROUPS "/%.16s/resv", groups[i]->d_name);
		if (!access(path, F_OK))
			tell("left %s\n", path);
	}
	list_free(groups, n);
	if (!access("/sys/kernel/iommu_resv", F_OK))
		tell("left /sys/kernel/iommu_resv\n");
	if (!access("/sys/module/iommu_resv", F_OK))
		tell("left /sys/module/iommu_resv\n");
}

/* Everything but bridges, the port that talks to the host, and the IOMMU itself. */
static bool bindable(const char *device)
{
	char path[PATH_MAX], vendor[16], id[16], both[40], class[16];
	unsigned char header = 0xff;
	int fd;

	if (!strcmp(device, port_device))
		return false;
	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/vendor", device);
	read_word(path, vendor, sizeof(vendor));
	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/device", device);
	read_word(path, id, sizeof(id));
	snprintf(both, sizeof(both), "%s:%s", vendor, id);
	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/class", device);
	read_word(path, class, sizeof(class));
	if (!strcmp(both, VIRTIO_IOMMU) || !strcmp(class, CLASS_IOMMU))
		return false;
	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/config", device);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && pread(fd, &header, 1, 0x0e) != 1)
		header = 0xff;
	close(fd);
	return (header & 0x7f) == 0;
}

int bind_one(const char *device)
{
	char path[PATH_MAX];
	int err, tries;

	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/driver_override", device);
	err = write_file(path, "vfio-pci");
	if (err)
		return err;
	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/driver/unbind", device);
	write_file(path, device);
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/vfio-pci/%.32s", device);
	/* A device that was just plugged in cannot be bound at once. */
	for (tries = 0; tries < 20; tries++, usleep(20000)) {
		err = write_file("/sys/bus/pci/drivers_probe", device);
		if (!access(path, F_OK))
			return 0;
	}
	return err ? err : ENODEV;
}

void bury(const char *device)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len;
	int err;

	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/iommu_group", device);
	len = readlink(path, link, sizeof(link) - 1);
	if (len > 0) {
		link[len] = '\0';
		err = write_file("/sys/module/iommu_resv/parameters/test_bury",
				 strrchr(link, '/') + 1);
	} else {
		err = ENODEV;
	}
	tell("bury %s %s\n", device, outcome(err));
}

void bind_all(void)
{
	struct dirent **names;
	int n = list(PCI_DEVICES, &names), i;

	for (i = 0; i < n; i++)
		if (bindable(names[i]->d_name))
			tell("bind %s %s\n", names[i]->d_name, outcome(bind_one(names[i]->d_name)));
	list_free(names, n);
}

void rebind(const char *device, int n)
{
	char path[PATH_MAX];
	int i, failures = 0;

	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/driver/unbind", device);
	for (i = 0; i < n; i++)
		failures += bind_one(device) || write_file(path, device);
	tell("rebind %d %d\n", n, failures);
}

void unbind(const char *device)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/driver/unbind", device);
	tell("unbind %s %s\n", device, outcome(write_file(path, device)));
}
