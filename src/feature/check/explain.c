// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds why VFIO or iommufd refused a map or an attach, on kernels whose VFIO checks maps
 * itself (v5.4).
 *
 * VFIO answers only an errno.  When VFIO_IOMMU_MAP_DMA returns one, this file repeats the
 * checks of vfio_dma_do_map() of drivers/vfio/vfio_iommu_type1.c in their order, on the
 * structure of the process, and reports the first that fails.  It does not change the
 * errno.
 *
 *   flags, size, alignment				EINVAL
 *   end of the address space				EINVAL, since v6.18 EOVERFLOW
 *   the process has already mapped a part of it	EEXIST
 *   too many maps (dma_entry_limit)			ENOSPC
 *   regions and aperture of the container's groups	EINVAL
 *   memory that may be locked				ENOMEM
 *   memory of the process				EFAULT
 *   end of the IOMMU, if the domain claims more	EFAULT, before v5.11 on Intel
 *
 * vfio_iommu_type1_attach_group() refuses an attach when the program sets the container's
 * IOMMU or puts another group into the container.  Since v5.19
 * iommu_group_claim_dma_owner() refuses, too, when VFIO takes the group into the
 * container.  The reasons:
 *
 *   regions that are mapped 1:1			EPERM (Intel), since v6.6 EINVAL
 *   host drivers				EPERM, since v5.19
 *   interrupts that are not isolated			EPERM
 *   maps and groups of the container			EINVAL
 *   another user has the group				EBUSY, since v5.19 EPERM
 *
 * Before v5.19 VFIO itself checks the drivers when a program asks whether the group is
 * viable, and returns no error.  resv/assignable lists the drivers on all kernels.
 *
 * The regions of a group come from its snapshot, which readers of its files see, so this
 * file keeps only one record for each group.  If the aperture is known only after an
 * attach, it comes from the group's domain (rules.c).
 *
 * The handler of a kretprobe cannot handle a page fault.  The kernel has just read the
 * structure, so that memory is present; if it is not, the call counts as missed.  If
 * another thread has changed the structure meanwhile, this file explains the changed one.
 *
 * iommufd.c has the taps on iommufd, and calls this file for maps that iommufd refused;
 * device.c explains VFIO_GROUP_GET_DEVICE_FD.
 *
 * A hook at the return of vfio_iommu_type1_ioctl() makes each map slower (docs/tested.md
 * has figures), so by default it is installed only while a tracepoint is enabled.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/vfio.h>
#include "compat/uaccess.h"
#include "compat/vfio.h"
#include "group/attach.h"
#include "group/group.h"
#include "group/snapshot.h"
#include "firmware/vtd.h"
#include "feature/check/check.h"
#include "feature/check/explain.h"
#include "feature/check/refused.h"
#include "feature/check/rules.h"
#include "feature/check/spaces.h"

/* Length of the structure up to its last member that VFIO needs. */
#define MAP_LEN	offsetofend(struct vfio_iommu_type1_dma_map, size)

/**
 * struct member - a group of a container, or of an address space of iommufd
 * @group: the group; only compared
 * @reach: addresses that the group's domain can map
 */
struct member {
	const struct iommu_group *group;
	struct resv_range reach;
};

static bool space_member_at(const void *space, unsigned int i, struct member *m)
{
	m->group = resv_space_group(space, i);
	/* The snapshot has regions for all addresses outside the aperture. */
	m->reach.start = 0;
	m->reach.end = ULLONG_MAX;
	return m->group;
}

static bool container_member_at(const void *container, unsigned int i,
				struct member *m)
{
	const struct resv_check_group *cg;
	const struct resv_attach_group *g;
	struct resv_attach_container *c;
	unsigned long flags;
	bool found = false;

	flags = resv_attach_lock();
	c = resv_attach_container_find(container);
	if (!c)
		goto unlock;
	resv_attach_container_for_each(g, c) {
		cg = resv_rules_group(g);
		if (!cg || !g->domain || g->domain->container != c || i--)
			continue;
		m->group = g->group;
		m->reach = cg->reach;
		found = true;
		break;
	}
unlock:
	resv_attach_unlock(flags);
	return found;
}

/*
 * Set @m to group number @i of a place.  May skip groups that are attached or detached
 * between calls.
 *
 * Return: false if the place has fewer groups
 */
static bool member_at(const struct resv_explain_place *place, unsigned int i,
		      struct member *m)
{
	return place->space ? space_member_at(place->space, i, m) :
			      container_member_at(place->container, i, m);
}

/*
 * Did the tracker see the attach of every group of the container?  For an address space
 * of iommufd this cannot be known; but if it has no known group, the taps have missed an
 * attach.
 */
static bool is_known(const struct resv_explain_place *place)
{
	const void *container = place->container;
	struct member m;

	const struct resv_attach_container *c;
	unsigned long flags;
	bool known;

	if (place->space)
		return member_at(place, 0, &m);
	flags = resv_attach_lock();
	c = resv_attach_container_find(container);
	known = c && c->known;
	resv_attach_unlock(flags);
	return known;
}

/**
 * resv_explain_snapshot() - get the snapshot of a group
 * @group: the group; only its address is used
 *
 * Context: any.
 * Return: a reference for resv_snapshot_put(), or NULL
 */
struct resv_snapshot *resv_explain_snapshot(const struct iommu_group *group)
{
	return resv_group_snapshot((struct kobject *)group);
}

/*
 * Compute the smallest page that VFIO accepts in a container, as
 * vfio_update_pgsize_bitmap() does: take the smallest page of each group's IOMMU, and
 * then the largest of these and PAGE_SIZE.
 */
static u64 page_of(const struct resv_explain_place *place)
{
	struct resv_snapshot *snapshot;
	struct member m;
	unsigned int i;
	u64 page = PAGE_SIZE;

	for (i = 0; member_at(place, i, &m); i++) {
		snapshot = resv_explain_snapshot(m.group);
		if (!snapshot)
			continue;
		page = max(page, snapshot->page);
		resv_snapshot_put(snapshot);
	}
	return page;
}

static bool flags_bad(const struct vfio_iommu_type1_dma_map *map)
{
	u32 prot = map->flags & (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
	u32 vaddr = map->flags & COMPAT_VFIO_DMA_MAP_FLAG_VADDR;

	/* Since v5.12 VADDR changes a map's address in the process, without rights. */
	return map->argsz < MAP_LEN || (map->flags & ~(prot | vaddr)) ||
	       !prot == !vaddr;
}

/* Return: what is wrong with the call itself, or RESV_WHY_REGION if regions may forbid it */
static enum resv_why why_invalid(const struct vfio_iommu_type1_dma_map *map,
				 u64 page)
{
	if (flags_bad(map))
		return RESV_WHY_FLAGS;
	if (!map->size)
		return RESV_WHY_SIZE;
	if ((map->iova | map->vaddr | map->size) & (page - 1))
		return RESV_WHY_ALIGNMENT;
	if (map->iova + map->size - 1 < map->iova ||
	    map->vaddr + map->size - 1 < map->vaddr)
		return RESV_WHY_WRAPS;
	/* Such a call makes no map, so VFIO checks no region. */
	if (map->flags & COMPAT_VFIO_DMA_MAP_FLAG_VADDR)
		return RESV_WHY_OTHER;
	return RESV_WHY_REGION;
}

static enum resv_why why_refused(const struct vfio_iommu_type1_dma_map *map,
				 u64 page, int err)
{
	switch (err) {
	case -EINVAL:
		return why_invalid(map, page);
	case -EOVERFLOW:
		return RESV_WHY_WRAPS;
	case -EEXIST:
		return RESV_WHY_OVERLAP;
	case -ENOSPC:
		return RESV_WHY_ENTRIES;
	case -ENOMEM:
		return RESV_WHY_MEMLOCK;
	case -EFAULT:
		return RESV_WHY_MEMORY;
	default:
		return RESV_WHY_OTHER;
	}
}

/* As why_refused(), for iommufd, where ENOSPC and EINVAL have other reasons. */
static enum resv_why why_space_refused(const struct vfio_iommu_type1_dma_map *map,
				       int err)
{
	switch (err) {
	case -ENOSPC:
		return RESV_WHY_ROOM;
	case -EINVAL:
		if (!map->size)
			return RESV_WHY_SIZE;
		/* No IOMMU has smaller pages.  resv_explain_space() checks larger ones. */
		if ((map->iova | map->size) & (SZ_4K - 1))
			return RESV_WHY_ALIGNMENT;
		return RESV_WHY_REGION;
	default:
		return why_refused(map, PAGE_SIZE, err);
	}
}

/* Does the map hit a region of the group?  If so, store the region and its device. */
static bool hits_region(const struct member *m, struct resv_refused *refused)
{
	struct resv_range at = { .start = refused->start, .end = refused->end };
	struct resv_snapshot *snapshot = resv_explain_snapshot(m->group);
	bool hit = false;

	memset(&refused->region, 0, sizeof(refused->region));
	if (snapshot) {
		hit = resv_snapshot_hole(snapshot, &at, RESV_ALL_TYPES,
					 &refused->region, refused->device,
					 sizeof(refused->device));
		resv_snapshot_put(snapshot);
	}
	return hit || resv_refused_beyond(&m->reach, refused);
}

/*
 * If a domain claims more address bits than its IOMMU has (see resv_vtd_claim_end()),
 * VFIO lets a map beyond the real end pass, and the IOMMU's driver refuses it with
 * EFAULT.  On all other kernels VFIO refuses such a map first, with EINVAL.
 */
static bool leaves_claim(const struct member *m, struct resv_refused *refused)
{
	struct resv_snapshot *snapshot = resv_explain_snapshot(m->group);
	struct resv_range has = { .start = 0 };

	if (!snapshot)
		return false;
	has.end = snapshot->claim_end;
	resv_snapshot_put(snapshot);
	if (!has.end || m->reach.end != RESV_VTD_PLACEHOLDER)
		return false;
	memset(&refused->region, 0, sizeof(refused->region));
	return resv_refused_beyond(&has, refused);
}

static bool blame_claims(const struct resv_explain_place *place,
			 struct resv_refused *refused)
{
	struct member m;
	bool any = false;
	unsigned int i;

	for (i = 0; member_at(place, i, &m); i++) {
		if (!leaves_claim(&m, refused))
			continue;
		resv_refused_note(m.group, refused, !any);
		any = true;
	}
	return any;
}

/* Note the refusal for the groups whose regions forbid the map. */
static bool blame_regions(const struct resv_explain_place *place,
			  struct resv_refused *refused)
{
	struct member m;
	bool any = false;
	unsigned int i;

	for (i = 0; member_at(place, i, &m); i++) {
		if (!hits_region(&m, refused))
			continue;
		resv_refused_note(m.group, refused, !any);
		any = true;
	}
	return any;
}

/* Note the refusal for all groups of the place, because no single group is its cause. */
static void note_all(const struct resv_explain_place *place,
		     struct resv_refused *refused)
{
	struct member m;
	unsigned int i;

	memset(&refused->region, 0, sizeof(refused->region));
	strscpy(refused->device, "-", sizeof(refused->device));
	for (i = 0; member_at(place, i, &m); i++)
		resv_refused_note(m.group, refused, !i);
	if (!i)
		resv_refused_note(NULL, refused, true);
}

static void describe(const struct vfio_iommu_type1_dma_map *map, int err,
		     struct resv_refused *refused)
{
	refused->start = map->iova;
	refused->end = map->iova + map->size - 1;
	refused->vaddr = map->vaddr;
	refused->err = err;
	resv_refused_name_process(refused);
}

/**
 * resv_explain_begin() - vfio_iommu_type1_ioctl() was called
 * @call: set to what resv_explain_end() needs
 * @container: first argument
 * @cmd: second argument
 * @arg: third argument
 *
 * Context: in the tap; does not sleep.
 * Return: true if the tap has to call resv_explain_end()
 */
bool resv_explain_begin(struct resv_explain_call *call, const void *container,
			unsigned int cmd, unsigned long arg)
{
	if (cmd != VFIO_IOMMU_MAP_DMA)
		return false;
	call->container = container;
	call->arg = arg;
	return true;
}

/**
 * resv_explain_end() - VFIO has refused a map
 * @call: set by resv_explain_begin()
 * @err: negative errno
 *
 * Context: in the tap, in the task that made the call; does not sleep.
 * Return: false if the process's structure cannot be read
 */
bool resv_explain_end(const struct resv_explain_call *call, int err)
{
	struct resv_explain_place place = { .container = call->container };
	struct vfio_iommu_type1_dma_map map = { 0 };
	struct resv_refused refused = { 0 };
	enum resv_why why;

	resv_attach_assert_unlocked();
	if (!compat_copy_from_user_nofault(&map, (void __user *)call->arg, MAP_LEN))
		return false;
	describe(&map, err, &refused);
	if (err == -EFAULT && blame_claims(&place, &refused))
		return true;
	why = why_refused(&map, page_of(&place), err);
	if (why == RESV_WHY_REGION) {
		if (blame_regions(&place, &refused))
			return true;
		/* A group whose attach the taps did not see may forbid the map. */
		why = is_known(&place) ? RESV_WHY_OTHER : RESV_WHY_UNKNOWN;
	}
	refused.why = why;
	note_all(&place, &refused);
	return true;
}

/**
 * resv_explain_space() - iommufd has refused a map
 * @space: address space; only compared
 * @map: the map; its flags are not known
 * @err: negative errno
 *
 * iommufd checks the address and the size, then regions, then existing maps, and last the
 * alignment of the memory (iopt_alloc_area_pages()).
 *
 * Context: in the tap, in the task that made the call; does not sleep.
 */
void resv_explain_space(const void *space,
			const struct vfio_iommu_type1_dma_map *map, int err)
{
	struct resv_explain_place place = { .space = space };
	struct resv_refused refused = { 0 };
	enum resv_why why;

	resv_attach_assert_unlocked();
	describe(map, err, &refused);
	why = why_space_refused(map, err);
	if (why == RESV_WHY_REGION) {
		if (blame_regions(&place, &refused))
			return;
		if ((map->iova | map->vaddr | map->size) & (page_of(&place) - 1))
			why = RESV_WHY_ALIGNMENT;
		else
			why = is_known(&place) ? RESV_WHY_OTHER : RESV_WHY_UNKNOWN;
	}
	refused.why = why;
	note_all(&place, &refused);
}

/**
 * resv_explain_barred() - does a region forbid every attach of a group?
 * @snapshot: snapshot of the group
 * @refused: if one does, the members region and device are set
 *
 * Context: any.
 * Return: true if one does
 */
bool resv_explain_barred(const struct resv_snapshot *snapshot,
			 struct resv_refused *refused)
{
	struct resv_range all = { .end = ULLONG_MAX };
	size_t len;

	resv_snapshot_text(snapshot, RESV_TEXT_BARS, &len);
	return len && resv_snapshot_hole(snapshot, &all, RESV_TYPE(RESV_DIRECT),
					 &refused->region, refused->device,
					 sizeof(refused->device));
}

/**
 * resv_explain_host_driven() - does a host driver have a device of a group?
 * @snapshot: snapshot of the group
 *
 * Context: any.
 * Return: true if one did when the group was last looked at
 */
bool resv_explain_host_driven(const struct resv_snapshot *snapshot)
{
	size_t len;
	const char *held = resv_snapshot_text(snapshot, RESV_TEXT_HELD, &len);

	/* The text also has lines of another kind, for devices without an IOMMU. */
	return strnstr(held, "host-driver ", len);
}

/* Since v5.19: a host driver or another user owns the group. */
static enum resv_why why_owned(const struct resv_snapshot *snapshot,
			       struct resv_refused *refused)
{
	if (resv_explain_host_driven(snapshot))
		return RESV_WHY_DRIVER;
	/* Since v6.6 the errno for a region is EINVAL. */
	if (!RESV_HAVE(REQUIRE_DIRECT) && resv_explain_barred(snapshot, refused))
		return RESV_WHY_REGION;
	return RESV_WHY_BUSY;
}

static enum resv_why why_not_attached(const struct resv_explain_attach *call,
				      const struct resv_snapshot *snapshot,
				      struct resv_refused *refused)
{
	struct resv_explain_place place = { .container = call->container };
	struct member m;

	switch (refused->err) {
	case -EPERM:
		if (!call->container)
			return why_owned(snapshot, refused);
		if (resv_explain_barred(snapshot, refused))
			return RESV_WHY_REGION;
		return snapshot->unguarded ? RESV_WHY_INTERRUPTS : RESV_WHY_OTHER;
	case -EINVAL:
		if (resv_explain_barred(snapshot, refused))
			return RESV_WHY_REGION;
		/* A container without another group has no maps. */
		return member_at(&place, 0, &m) ? RESV_WHY_CONTAINER :
							   RESV_WHY_OTHER;
	case -EBUSY:
		return RESV_WHY_BUSY;
	default:
		return RESV_WHY_OTHER;
	}
}

/**
 * resv_explain_attach() - VFIO has refused an attach
 * @call: the call
 * @err: negative errno
 *
 * Context: in the tap, in the task that made the call; does not sleep.
 */
void resv_explain_attach(const struct resv_explain_attach *call, int err)
{
	struct resv_snapshot *snapshot = resv_explain_snapshot(call->group);
	struct resv_refused refused = { .err = err, .attach = true };

	if (!snapshot)
		return;
	resv_refused_name_process(&refused);
	strscpy(refused.device, "-", sizeof(refused.device));
	refused.why = why_not_attached(call, snapshot, &refused);
	resv_snapshot_put(snapshot);
	resv_refused_note(call->group, &refused, true);
}
