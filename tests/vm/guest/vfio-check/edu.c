// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's educational device: DMA and interrupts. */
#include "vfio.h"

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
#define MSI_COUNT		3
#define MSI_MISSES		3	/* that many did not come: no more are raised */

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

/*
 * Copy from one mapped place to another by DMA, through the device's buffer: NULL, or what went
 * wrong.
 */
const char *edu_move(char *bar, char *from, uint64_t src, char *to, uint64_t dst)
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
 * Enable DMA of the device DEV, and map its BAR. Returns 0, or an errno after closing DEV: ENODEV
 * if it is no edu device.
 */
int edu_open(struct edu *e, int dev)
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

int edu_listen(struct edu *e)
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

/* Raise COUNT interrupts, or fewer if MSI_MISSES do not arrive; returns how many arrived. */
unsigned int edu_raise(struct edu *e, unsigned int count, unsigned int *raised)
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

int edu_close(struct edu *e)
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

/* Check DMA and interrupts of the device, if it is an edu device. Closes DEV. */
void check_edu(struct vfio *v, int dev, char *mem)
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

void check_devices(struct vfio *v, char *mem)
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
		/* Skip devices that are not bound to VFIO's driver, such as bridges. */
		dev = ioctl(v->group, VFIO_GROUP_GET_DEVICE_FD, d->d_name);
		if (dev < 0)
			continue;
		check_edu(v, dev, mem);
	}
	if (dir)
		closedir(dir);
}
