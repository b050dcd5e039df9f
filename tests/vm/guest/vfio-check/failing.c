// SPDX-License-Identifier: GPL-2.0-only
/* Attaches a device by its file, and makes the allocations of that call fail (debug kernels). */
#include "vfio.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define ATTEMPTS	300

/* Make the allocation with that number fail, counted from now on; with 0 none. */
static int arm(int nth, unsigned int count)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", count);

	return pwrite(nth, text, len, 0) == len ? 0 : errno;
}

/* Sets *none if no allocation has failed: then the kernel has not counted down to 0. */
static int left(int nth, bool *none)
{
	char text[16] = "";

	if (pread(nth, text, sizeof(text) - 1, 0) <= 0)
		return EIO;
	*none = atoi(text);
	return 0;
}

/* Make no other call between arm() and left(): many allocate, such as opening a file. */
static int attach(struct play *p, int nth, int dev, unsigned int count, bool *none)
{
	int err = arm(nth, count), result;

	if (err)
		return err;
	result = cdev_attach(&p->v, dev);
	err = left(nth, none);
	arm(nth, 0);
	return err ? err : result;
}

/* "attach|replace,DEVICE,FILE" */
int play_failing(struct play *p, int n, char *arg)
{
	const char *way = strsep(&arg, ","), *device = strsep(&arg, ",");
	int *fd = device ? play_group(p, device) : NULL;
	bool replace = !strcmp(way, "replace");
	unsigned int count;
	bool none = false;
	int nth, err = 0;

	if (!fd || !arg || !use_cdev)
		return EINVAL;
	nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (nth < 0)
		return errno;
	for (count = 1; count <= ATTEMPTS && !none; count++) {
		err = replace ? new_ioas(&p->v) : 0;
		if (err)
			break;
		err = attach(p, nth, *fd, count, &none);
		printf("%d failing %u %s %s\n", n, count, err ? errname(err) : "ok",
		       group_id(device));
		play_read(n, arg);
		if (!err && !none && !replace)
			cdev_detach(*fd);
	}
	close(nth);
	return err ? err : none ? 0 : E2BIG;
}
