// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds why VFIO did not open a device by the file of its group
 * (VFIO_GROUP_GET_DEVICE_FD).
 *
 *   the group has no such device			ENODEV
 *   no container, or one without an IOMMU		EINVAL
 *   host drivers (before v5.19)			EINVAL
 *   the device's driver				any
 *   iommufd, where it is the container			see iommufd.c
 *
 * All these checks are inlined into the file's ioctl function, which gets the file and
 * a command.  The group's number comes from the file: since v5.16 its character device
 * belongs to a device with the number as its name.  Before, only the file's name has
 * the number, and only if udev or devtmpfs made the file.  If the name is not the
 * number of a group, as for groups without an IOMMU, this file explains nothing.
 *
 * If a hook inside the call has already explained the refusal, this file does not repeat
 * it.
 */
#include <linux/cdev.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vfio.h>
#include "compat/compat.h"
#include "group/attach.h"
#include "group/snapshot.h"
#include "feature/check/check.h"
#include "feature/check/device.h"
#include "feature/check/explain.h"
#include "feature/check/refused.h"
#include "feature/check/rules.h"

/* Under rcu_read_lock(), because a rename can free the name of a file. */
static int group_number(const struct file *file)
{
	const struct cdev *cdev = READ_ONCE(file_inode(file)->i_cdev);
	const char *name;
	int nr;

	if (!cdev)
		return -1;
	name = cdev->kobj.parent ? kobject_name(cdev->kobj.parent) :
				   (const char *)file->f_path.dentry->d_name.name;
	return name && !kstrtoint(name, 10, &nr) ? nr : -1;
}

/**
 * struct asked - the group from whose file a process wanted a device
 * @group: the group; only compared
 * @last: the last refusal that was noted for it
 * @attached: the group is, or may be, attached to one of VFIO's domains
 */
struct asked {
	const struct iommu_group *group;
	struct resv_refused last;
	bool attached;
};

static bool find(int nr, struct asked *asked)
{
	const struct resv_check_group *cg = NULL;
	const struct resv_attach_group *g;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_numbered(nr);
	if (g)
		cg = g->data[RESV_CHECK_INDEX];
	if (cg) {
		asked->group = g->group;
		asked->last = cg->last;
		asked->attached = resv_attach_state(g) != RESV_ATTACH_FREE;
	}
	resv_attach_unlock(flags);
	return cg;
}

static bool was_told(const struct resv_device_call *call,
		     const struct resv_refused *last)
{
	return last->attach && last->serial >= call->serial &&
	       last->pid == task_tgid_nr(current);
}

/* Did the process cause the error itself, or was the call only interrupted? */
static bool is_own(int err)
{
	switch (err) {
	case -EFAULT:
	case -EINTR:
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		return true;
	default:
		return err <= -ERESTARTSYS;
	}
}

static enum resv_why why_not_opened(const struct asked *asked,
				    const struct resv_snapshot *snapshot, int err)
{
	if (err == -ENODEV)
		return RESV_WHY_DEVICE;
	if (err != -EINVAL)
		return RESV_WHY_OPEN;
	if (!asked->attached)
		return RESV_WHY_UNSET;
	if (!RESV_HAVE(CLAIM_DMA_OWNER) && resv_explain_host_driven(snapshot))
		return RESV_WHY_DRIVER;
	return RESV_WHY_OPEN;
}

/**
 * resv_device_begin() - vfio_group_fops_unl_ioctl() was called
 * @call: set to what resv_device_end() needs
 * @file: first argument
 * @cmd: second argument
 *
 * Context: in the tap; does not sleep.
 * Return: true if the tap has to call resv_device_end()
 */
bool resv_device_begin(struct resv_device_call *call, const struct file *file,
		       unsigned int cmd)
{
	if (cmd != VFIO_GROUP_GET_DEVICE_FD)
		return false;
	call->file = file;
	call->serial = resv_refused_serial();
	return true;
}

/**
 * resv_device_end() - vfio_group_fops_unl_ioctl() opened no device
 * @call: set by resv_device_begin()
 * @err: negative errno
 *
 * Context: in the tap, in the task that made the call; does not sleep.
 */
void resv_device_end(const struct resv_device_call *call, int err)
{
	struct resv_refused refused = { .err = err, .attach = true };
	struct resv_snapshot *snapshot;
	struct asked asked;

	if (is_own(err) || !find(group_number(call->file), &asked) ||
	    was_told(call, &asked.last))
		return;
	snapshot = resv_explain_snapshot(asked.group);
	if (!snapshot)
		return;
	resv_refused_name_process(&refused);
	strscpy(refused.device, "-", sizeof(refused.device));
	refused.why = why_not_opened(&asked, snapshot, err);
	resv_snapshot_put(snapshot);
	resv_refused_note(asked.group, &refused, true);
}
