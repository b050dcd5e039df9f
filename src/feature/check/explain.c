// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why VFIO or iommufd refused a map or an attach, on kernels whose VFIO checks maps itself
 * (v5.4).
 *
 * VFIO answers an errno and no more.  When VFIO_IOMMU_MAP_DMA returns one, this file
 * goes through what vfio_dma_do_map() of drivers/vfio/vfio_iommu_type1.c looks at, in
 * its order, with the structure that the process has given, and names the first thing
 * that is wrong.  The errno stays.
 *
 *   flags, size, alignment				EINVAL
 *   end of the address space				EINVAL, since v6.18 EOVERFLOW
 *   a map that the process has there already		EEXIST
 *   too many maps (dma_entry_limit)			ENOSPC
 *   regions and aperture of the container's groups	EINVAL
 *   memory that may be locked				ENOMEM
 *   memory of the process				EFAULT
 *   what the IOMMU has, where its domain says more	EFAULT, before v5.11 on Intel
 *
 * An attach is refused by vfio_iommu_type1_attach_group(), when the program sets the
 * container's IOMMU or puts another group into the container; since v5.19 also by
 * iommu_group_claim_dma_owner(), when VFIO takes the group into the container:
 *
 *   regions that are mapped 1:1			EPERM (Intel), since v6.6 EINVAL
 *   drivers of the host				EPERM, since v5.19
 *   interrupts that are not isolated			EPERM
 *   maps and groups of the container			EINVAL
 *   somebody else has the group			EBUSY, since v5.19 EPERM
 *
 * Before v5.19 VFIO itself looks at the drivers when a program asks whether the group is
 * viable, and answers no error.  resv/assignable tells of them on all kernels.
 *
 * What regions a group has is in its snapshot, as readers of its files see it, so that
 * nothing is kept for this but one record a group.  Where the aperture is known only
 * after an attach, the group's domain has told it (rules.c).
 *
 * The handler of a kretprobe can serve no page fault.  The kernel has just read the
 * structure, so that memory is there; if it is not, the call counts as missed.  Another
 * thread can have changed the structure meanwhile, and gets the explanation of what it
 * wrote.
 *
 * iommufd.c has the calls of iommufd, whose maps are judged here, and device.c those of
 * VFIO_GROUP_GET_DEVICE_FD.
 *
 * A return hook makes each map dearer (docs/tested.md has figures), so by default it is
 * in only while somebody listens to the tracepoint.
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

/* Up to here VFIO wants the structure. */
#define MAP_LEN	offsetofend(struct vfio_iommu_type1_dma_map, size)

/**
 * struct member - a group of a container, or of an address space of iommufd
 * @group: the group; only compared
 * @reach: what its domain addresses
 */
struct member {
	const struct iommu_group *group;
	struct resv_range reach;
};

static bool space_member_at(const void *space, unsigned int i, struct member *m)
{
	m->group = resv_space_group(space, i);
	/* Its snapshot has what lies beyond, as a region. */
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
 * The group number @i of a place, or false if it has no such.  Groups that come or go
 * meanwhile may be left out.
 */
static bool member_at(const struct resv_explain_place *place, unsigned int i,
		      struct member *m)
{
	return place->space ? space_member_at(place->space, i, m) :
			      container_member_at(place->container, i, m);
}

/*
 * Was every group of the container seen being attached?  Of an address space that is
 * not told, but one of which no group is known has some that were not.
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
 * resv_explain_snapshot() - what is known of a group
 * @group: the group, of which only the address is used
 *
 * Context: any.
 * Return: a reference for resv_snapshot_put(), or NULL
 */
struct resv_snapshot *resv_explain_snapshot(const struct iommu_group *group)
{
	return resv_group_snapshot((struct kobject *)group);
}

/*
 * The smallest page that VFIO takes for all groups of the container.  As in
 * vfio_update_pgsize_bitmap(), that of the IOMMU which has the largest, and not less
 * than the kernel's.
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

	/* Since v5.12 a map can get another address in the process, and no rights. */
	return map->argsz < MAP_LEN || (map->flags & ~(prot | vaddr)) ||
	       !prot == !vaddr;
}

/* What is wrong with the call itself, or RESV_WHY_REGION if its addresses may be. */
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
	/* No map is made, so no region is looked at. */
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

/* Of iommufd; its own errnos are those of type 1 but for the following. */
static enum resv_why why_space_refused(const struct vfio_iommu_type1_dma_map *map,
				       int err)
{
	switch (err) {
	case -ENOSPC:
		return RESV_WHY_ROOM;
	case -EINVAL:
		if (!map->size)
			return RESV_WHY_SIZE;
		/* No IOMMU has smaller pages.  The rest depends on which has it. */
		if ((map->iova | map->size) & (SZ_4K - 1))
			return RESV_WHY_ALIGNMENT;
		return RESV_WHY_REGION;
	default:
		return why_refused(map, PAGE_SIZE, err);
	}
}

/* Does the map hit a region of the group?  Then fill in which, and of which device. */
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
 * Where a domain says more than its IOMMU has, and VFIO believes it (see
 * resv_vtd_claim_end()), the IOMMU's driver refuses a map beyond, with EFAULT.  On all
 * other kernels VFIO refuses such a map before, with EINVAL.
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

/* The groups that forbid the map, because of their regions. */
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

/* All groups of the place, as none of them is more to blame than the others. */
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
 * Return: true if resv_explain_end() has to be called
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
 * resv_explain_end() - a map was refused
 * @call: what resv_explain_begin() has set
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
		/* A group that is not known may be the one that forbids it. */
		why = is_known(&place) ? RESV_WHY_OTHER : RESV_WHY_UNKNOWN;
	}
	refused.why = why;
	note_all(&place, &refused);
	return true;
}

/**
 * resv_explain_space() - iommufd has refused a map
 * @space: address space; only compared
 * @map: what was to be mapped; flags are not known
 * @err: negative errno
 *
 * iommufd looks at the address and the size, then at regions, then at maps that are
 * there, and at last at the alignment of the memory (iopt_alloc_area_pages()).
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
 * @snapshot: of the group
 * @refused: to fill in, which, and of which device
 *
 * Context: any.
 * Return: one does
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
 * resv_explain_host_driven() - has a device of a group a driver of the host?
 * @snapshot: of the group
 *
 * Context: any.
 * Return: it had one when the group was looked at
 */
bool resv_explain_host_driven(const struct resv_snapshot *snapshot)
{
	size_t len;
	const char *held = resv_snapshot_text(snapshot, RESV_TEXT_HELD, &len);

	/* A device without an IOMMU has a line there, too. */
	return strnstr(held, "host-driver ", len);
}

/* Since v5.19: a driver of the host owns the group, or somebody else does. */
static enum resv_why why_owned(const struct resv_snapshot *snapshot,
			       struct resv_refused *refused)
{
	if (resv_explain_host_driven(snapshot))
		return RESV_WHY_DRIVER;
	/* Since v6.6 a region is EINVAL. */
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
		/* Without another group the container has no map. */
		return member_at(&place, 0, &m) ? RESV_WHY_CONTAINER :
							   RESV_WHY_OTHER;
	case -EBUSY:
		return RESV_WHY_BUSY;
	default:
		return RESV_WHY_OTHER;
	}
}

/**
 * resv_explain_attach() - an attach was refused
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
