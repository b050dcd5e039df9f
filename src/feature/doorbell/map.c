// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI doorbells in VFIO's domains, on kernels that do not map them (Arm before v4.11).
 *
 * On Arm an SMMU translates MSI writes like all other writes.  When kernels 4.9 and 4.10
 * compose an interrupt's message, they map the doorbell if the domain has a cookie
 * (iommu_dma_map_msi_msg(), called by the irqchips of ITS and GICv2m).  VFIO's domains
 * have no cookie, so the device writes to the doorbell's physical address, and the SMMU
 * faults.  v4.11 gave VFIO's domains a cookie (iommu_get_msi_cookie()).
 *
 * A tap on that function does for such a domain what v4.11 does: it maps the doorbell's
 * page once for each domain, at the next free page of the group's MSI window, and puts
 * that address into the message.  Then the function finds no cookie and returns.  The
 * window is on the list of the group, so if maps are checked, maps there are refused.
 *
 * Invariants:
 *
 * - A domain with a mapped doorbell has a struct doorbells in data[], from the first
 *   interrupt until the domain is freed.  For that time the domain holds one reference on
 *   this module: the device keeps the message while the interrupt is in use, and an
 *   interrupt that is set up without the module would get lost.
 * - resv_doorbell_add() allocates one struct doorbells for each group, and marks the
 *   group by a data[] that is not NULL.  A domain with mapped doorbells has a group, so
 *   there are enough objects for all such domains, and the tap takes a spare one instead
 *   of allocating.
 *
 * Locks: the tracker's lock protects the spare objects and data[].  The lock of each
 * struct doorbells protects its list of mapped pages; it is taken without the tracker's
 * lock while the driver maps a page, and inside the tracker's lock when an object is
 * taken from the spare ones or returned to them.  Both are raw, because the tap runs with
 * interrupts off and under the raw lock of the interrupt's descriptor.
 *
 * The tap maps by the driver's own operation: iommu_map() is hooked, so a handler must
 * not call it.
 */
#include <linux/iommu.h>
#include <linux/irq.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/msi.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "feature/doorbell/doorbell.h"
#include "feature/doorbell/map.h"

#if RESV_DOORBELL_MAPS
#include "model/region.h"
#include "group/attach.h"
#include "feature/window/table.h"

/* Maximum number of doorbells of a domain's devices; a machine has a few. */
#define MAX_PAGES	16

/**
 * struct doorbells - doorbells that are mapped in one domain
 * @node: on the list of spare objects
 * @rcu: for freeing
 * @lock: protects all members below
 * @domain: the domain, or NULL for a spare object
 * @start: first address of the window
 * @next: where the next page is mapped
 * @end: last address of the window
 * @page: bytes of a page of the domain
 * @nr: number of mapped pages
 * @iova: where each is mapped
 * @doorbell: its physical page
 */
struct doorbells {
	struct list_head node;
	struct rcu_head rcu;
	raw_spinlock_t lock;
	const struct iommu_domain *domain;
	u64 start;
	u64 next;
	u64 end;
	u64 page;
	unsigned int nr;
	u64 iova[MAX_PAGES];
	phys_addr_t doorbell[MAX_PAGES];
};

/* Under the tracker's lock */
static LIST_HEAD(spare);
static unsigned int nr_used;	/* objects in use by domains */
static unsigned int nr_surplus;	/* objects beyond one for each group */

/* Value of data[] of a group for which there is an object. */
static char provided;

static struct doorbells *first_spare(void)
{
	return list_first_entry_or_null(&spare, struct doorbells, node);
}

/* Give @d an object for doorbells in @window, and take a reference on the module. */
static struct doorbells *take(struct resv_attach_domain *d,
			      const struct resv_range *window)
{
	struct doorbells *doorbells = first_spare();

	if (!doorbells || !resv_attach_pin(d))
		return NULL;
	list_del(&doorbells->node);
	raw_spin_lock(&doorbells->lock);
	doorbells->domain = d->domain;
	doorbells->start = window->start;
	doorbells->next = window->start;
	doorbells->end = window->end;
	doorbells->page = 1ULL << __ffs(d->domain->pgsize_bitmap);
	doorbells->nr = 0;
	raw_spin_unlock(&doorbells->lock);
	nr_used++;
	rcu_assign_pointer(d->data[RESV_DOORBELL_INDEX], (void *)doorbells);
	return doorbells;
}

/* The domain is freed with its pages; the tracker puts the reference on the module. */
static void freed(struct resv_attach_domain *d)
{
	struct doorbells *doorbells;

	doorbells = rcu_dereference_protected(d->data[RESV_DOORBELL_INDEX],
					      true);
	if (!doorbells)
		return;
	RCU_INIT_POINTER(d->data[RESV_DOORBELL_INDEX], NULL);
	raw_spin_lock(&doorbells->lock);
	doorbells->domain = NULL;
	raw_spin_unlock(&doorbells->lock);
	list_add(&doorbells->node, &spare);
	nr_used--;
}

/* The tracker's client. */
const struct resv_attach_client resv_doorbell_client = {
	.index = RESV_DOORBELL_INDEX,
	.freed = freed,
};

/* Has VFIO attached a group to @d, and has the tracker seen everything since? */
static bool is_known(const struct resv_attach_domain *d)
{
	const struct resv_attach_group *g;

	resv_attach_domain_for_each(g, d)
		if (d->container && resv_attach_state(g) != RESV_ATTACH_UNSEEN)
			return true;
	return false;
}

/*
 * Find or take the doorbells of @domain, to which @group is attached.
 *
 * A domain whose attach the tracker did not see gets none: its maps are not checked, so
 * the window may be in use.  @known is set to false for such a domain.
 *
 * Return: the doorbells; or NULL, also if the group has no window, or this module is being
 * unloaded
 */
static struct doorbells *doorbells_of(const struct iommu_domain *domain,
				      const struct iommu_group *group,
				      bool *known)
{
	struct doorbells *doorbells = NULL;
	struct resv_attach_domain *d;
	struct resv_range window;
	unsigned long flags;
	bool placed;

	/* This takes the tracker's lock itself. */
	placed = resv_msi_window_place(group, &window);
	flags = resv_attach_lock();
	d = resv_attach_domain_find(domain);
	if (d)
		doorbells = rcu_dereference_protected(d->data[RESV_DOORBELL_INDEX],
						      true);
	*known = doorbells || (d && is_known(d));
	if (!doorbells && *known && placed)
		doorbells = take(d, &window);
	resv_attach_unlock(flags);
	return doorbells;
}

/* Map the page of a doorbell, under the lock of @doorbells.  Return: its IOVA, or 0 */
static u64 map_page(struct doorbells *doorbells, struct iommu_domain *domain,
		    phys_addr_t doorbell)
{
	int prot = IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO;
	u64 iova, page = doorbells->page;
	unsigned int i;

	for (i = 0; i < doorbells->nr; i++) {
		if (doorbells->doorbell[i] != doorbell)
			continue;
		iova = doorbells->iova[i];
		if (domain->ops->iova_to_phys(domain, iova) == doorbell)
			return iova;
		/* Probes were off, and a new domain has reused the address of a freed one. */
		doorbells->next = doorbells->start;
		doorbells->nr = 0;
		break;
	}
	i = doorbells->nr;
	iova = doorbells->next;
	/* Skip pages that are mapped already, because maps were not checked. */
	while (iova + (page - 1) <= doorbells->end &&
	       domain->ops->iova_to_phys(domain, iova))
		iova += page;
	doorbells->next = iova;
	if (i == MAX_PAGES || iova + (page - 1) > doorbells->end ||
	    domain->ops->map(domain, iova, doorbell, page, prot))
		return 0;
	doorbells->next = iova + page;
	doorbells->iova[i] = iova;
	doorbells->doorbell[i] = doorbell;
	doorbells->nr++;
	return iova;
}

/* Return: the IOVA of @doorbell in the domain, or 0 */
static u64 map_doorbell(struct doorbells *doorbells,
			struct iommu_domain *domain, phys_addr_t doorbell)
{
	unsigned long flags;
	u64 offset, iova = 0;

	raw_spin_lock_irqsave(&doorbells->lock, flags);
	offset = doorbell & (doorbells->page - 1);
	if (doorbells->domain == domain)
		iova = map_page(doorbells, domain, doorbell - offset);
	raw_spin_unlock_irqrestore(&doorbells->lock, flags);
	return iova ? iova + offset : 0;
}

static struct device *device_of(unsigned int irq)
{
	struct msi_desc *desc = irq_get_msi_desc(irq);

	return desc ? msi_desc_to_dev(desc) : NULL;
}

/**
 * resv_doorbell_compose() - map the doorbell of a message that is being composed
 * @irq: the interrupt
 * @msg: its message, which has the doorbell's physical address
 *
 * Context: in the tap, with interrupts off.
 * Return: true if the message is correct now, or does not belong to a domain like VFIO's
 */
bool resv_doorbell_compose(unsigned int irq, struct msi_msg *msg)
{
	struct device *dev = device_of(irq);
	struct iommu_domain *domain;
	struct doorbells *doorbells;
	phys_addr_t doorbell;
	u64 iova = 0;
	bool known;

	if (!dev || !dev->iommu_group)
		return true;
	domain = iommu_get_domain_for_dev(dev);
	if (!domain || domain->type != IOMMU_DOMAIN_UNMANAGED ||
	    domain->iova_cookie)
		return true;
	doorbell = (u64)msg->address_hi << 32 | msg->address_lo;
	doorbells = doorbells_of(domain, dev->iommu_group, &known);
	if (!known) {
		dev_warn_ratelimited(dev, "was attached before iommu_resv was loaded, so its interrupts get lost: restart the virtual machine\n");
		return false;
	}
	if (doorbells)
		iova = map_doorbell(doorbells, domain, doorbell);
	if (!iova) {
		/* Drop it, as the kernel does: its write could hit a guest's memory. */
		dev_err_ratelimited(dev, "no memory or no room for an MSI doorbell: interrupt %u gets lost\n",
				    irq);
		msg->address_hi = ~0U;
		msg->address_lo = ~0U;
		msg->data = ~0U;
		return false;
	}
	msg->address_hi = upper_32_bits(iova);
	msg->address_lo = lower_32_bits(iova);
	return true;
}

/**
 * resv_doorbell_add() - allocate the object that a domain of this group will need
 * @group: live group
 *
 * Context: under the lock of the group's entry; may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_doorbell_add(const struct iommu_group *group)
{
	struct doorbells *doorbells;
	struct resv_attach_group *g;
	unsigned long flags;
	bool there;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	there = g && g->data[RESV_DOORBELL_INDEX];
	if (g && !there && nr_surplus) {
		nr_surplus--;
		g->data[RESV_DOORBELL_INDEX] = &provided;
		there = true;
	}
	resv_attach_unlock(flags);
	if (there)
		return 0;
	doorbells = kzalloc(sizeof(*doorbells), GFP_KERNEL);
	if (!doorbells)
		return -ENOMEM;
	raw_spin_lock_init(&doorbells->lock);
	flags = resv_attach_lock();
	/* The lock of the group's entry keeps @g. */
	if (g) {
		g->data[RESV_DOORBELL_INDEX] = &provided;
		list_add(&doorbells->node, &spare);
	}
	resv_attach_unlock(flags);
	if (!g)
		kfree(doorbells);
	return g ? 0 : -ENOMEM;
}

/**
 * resv_doorbell_remove() - free the object of a group that is empty or gone
 * @group: the group; only its address is used
 *
 * Context: under the lock of the group's entry.
 */
void resv_doorbell_remove(const struct iommu_group *group)
{
	struct doorbells *doorbells = NULL;
	struct resv_attach_group *g;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g && g->data[RESV_DOORBELL_INDEX]) {
		g->data[RESV_DOORBELL_INDEX] = NULL;
		doorbells = first_spare();
		if (doorbells)
			list_del(&doorbells->node);
		else
			nr_surplus++;
	}
	resv_attach_unlock(flags);
	if (doorbells)
		kfree_rcu(doorbells, rcu);
}

/**
 * resv_doorbell_any() - is any doorbell mapped?
 *
 * Context: any.
 * Return: true if a domain has a mapped doorbell
 */
bool resv_doorbell_any(void)
{
	unsigned long flags;
	bool any;

	flags = resv_attach_lock();
	any = nr_used;
	resv_attach_unlock(flags);
	return any;
}

/**
 * resv_doorbell_exit() - free the spare objects
 *
 * Context: no tap is installed, and the tracker has no group.
 */
void resv_doorbell_exit(void)
{
	struct doorbells *doorbells, *next;

	list_for_each_entry_safe(doorbells, next, &spare, node)
		kfree(doorbells);
	INIT_LIST_HEAD(&spare);
}
#endif
