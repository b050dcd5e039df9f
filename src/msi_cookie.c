// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI doorbells in the domains of VFIO, for kernels that map them only for the DMA API.
 *
 * On Arm an SMMU translates the writes that are interrupts like any others.  Kernels
 * 4.9 and 4.10 map the doorbell when an interrupt's message is made, if the domain has
 * a cookie (iommu_dma_map_msi_msg(), called by the chips of ITS and GICv2m); VFIO's
 * domains have none, so the device writes to the doorbell's physical address, which
 * the SMMU refuses.  v4.11 gave them one (iommu_get_msi_cookie()).
 *
 * A tap on that function does for such a domain what v4.11 does: the doorbell's page
 * is mapped at the next free page of the group's MSI window, once for a domain, and
 * the message gets that address.  It runs where the kernel's function would map, with
 * interrupts off and a raw lock of the interrupt held.  That function then finds no
 * cookie and returns.
 *
 * The window is on the list of the group, so maps there are refused (police.c), and
 * groups of a domain have it at the same place, or would have a domain each.
 *
 * A message stays in the device for as long as the interrupt is in use, and its page
 * in the domain until that is freed: until then this module is held.  An interrupt
 * that is set up without it would get lost.
 *
 * It maps by the driver's own operation: iommu_map() is hooked, and must not be called
 * by a handler.
 */
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/irq.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "compat/compat.h"
#include "native.h"
#include "msi_cookie.h"
#include "msi_window.h"
#include "police.h"

#if defined(CONFIG_ARM64) && defined(CONFIG_KPROBES) && \
	!defined(RESV_HAVE_GROUP_RESV_REGIONS)

/* Doorbells that one domain's devices can have; a machine has a few. */
#define MAX_PAGES	16

/**
 * struct cookie - doorbells that are mapped in one domain
 * @node: in the table, by address of @domain
 * @domain: the domain
 * @start: first address of the window
 * @next: where the next one is mapped
 * @end: last address of the window
 * @page: bytes of a page of the domain
 * @nr: how many there are
 * @iova: where each is mapped
 * @doorbell: its physical page
 */
struct cookie {
	struct hlist_node node;
	const struct iommu_domain *domain;
	u64 start;
	u64 next;
	u64 end;
	u64 page;
	unsigned int nr;
	u64 iova[MAX_PAGES];
	phys_addr_t doorbell[MAX_PAGES];
};

static DEFINE_HASHTABLE(cookies, 6);
static DEFINE_RAW_SPINLOCK(cookies_lock);

static struct cookie *find(const struct iommu_domain *domain)
{
	struct cookie *cookie;

	hash_for_each_possible(cookies, cookie, node, (unsigned long)domain)
		if (cookie->domain == domain)
			return cookie;
	return NULL;
}

/* The module is held on behalf of the domain from now on. */
static struct cookie *make(const struct iommu_domain *domain,
			   const struct iommu_group *group)
{
	struct resv_range window;
	struct cookie *cookie;

	if (!resv_msi_tap_place(group, &window) || !try_module_get(THIS_MODULE))
		return NULL;
	cookie = kzalloc(sizeof(*cookie), GFP_ATOMIC | __GFP_NOWARN);
	if (!cookie) {
		module_put(THIS_MODULE);
		return NULL;
	}
	cookie->domain = domain;
	cookie->start = window.start;
	cookie->next = window.start;
	cookie->end = window.end;
	cookie->page = 1ULL << __ffs(domain->pgsize_bitmap);
	hash_add(cookies, &cookie->node, (unsigned long)domain);
	return cookie;
}

/* Return: where the doorbell's page is in the domain, or 0 */
static u64 map(struct cookie *cookie, struct iommu_domain *domain,
	       phys_addr_t doorbell)
{
	int prot = IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO;
	u64 iova;
	unsigned int i;

	for (i = 0; i < cookie->nr; i++) {
		if (cookie->doorbell[i] != doorbell)
			continue;
		iova = cookie->iova[i];
		if (domain->ops->iova_to_phys(domain, iova) == doorbell)
			return iova;
		/* Another domain at the same place, as probes were off for a while. */
		cookie->next = cookie->start;
		cookie->nr = 0;
		i = 0;
		break;
	}
	/* With maps unchecked somebody may be there already. */
	while (resv_police_mode() != RESV_POLICE_ENFORCE &&
	       cookie->next + (cookie->page - 1) <= cookie->end &&
	       domain->ops->iova_to_phys(domain, cookie->next))
		cookie->next += cookie->page;
	iova = cookie->next;
	if (cookie->nr == MAX_PAGES || iova + (cookie->page - 1) > cookie->end ||
	    domain->ops->map(domain, iova, doorbell, cookie->page, prot))
		return 0;
	cookie->next += cookie->page;
	cookie->iova[i] = iova;
	cookie->doorbell[i] = doorbell;
	cookie->nr++;
	return iova;
}

static struct device *device_of(unsigned int irq)
{
	struct msi_desc *desc = irq_get_msi_desc(irq);

	return desc ? msi_desc_to_dev(desc) : NULL;
}

/**
 * resv_cookie_tap_compose() - a chip is about to have its doorbell mapped
 * @irq: the interrupt
 * @msg: its message, which has the doorbell's physical address
 *
 * Context: in the handler of a kprobe, with interrupts off.
 * Return: it is no message of a domain like VFIO's, or is as it should be now
 */
bool resv_cookie_tap_compose(unsigned int irq, struct msi_msg *msg)
{
	struct device *dev = device_of(irq);
	struct iommu_domain *domain;
	phys_addr_t doorbell;
	struct cookie *cookie;
	unsigned long flags;
	u64 iova = 0;
	bool known;

	if (!dev || !dev->iommu_group)
		return true;
	domain = iommu_get_domain_for_dev(dev);
	if (!domain || domain->type != IOMMU_DOMAIN_UNMANAGED ||
	    domain->iova_cookie)
		return true;
	doorbell = (u64)msg->address_hi << 32 | msg->address_lo;
	known = resv_police_knows(domain);
	raw_spin_lock_irqsave(&cookies_lock, flags);
	cookie = find(domain);
	known |= !!cookie;
	/* Of others the maps are not checked, so the window may be in use. */
	if (!cookie && known)
		cookie = make(domain, dev->iommu_group);
	if (cookie)
		iova = map(cookie, domain, doorbell & ~(cookie->page - 1));
	if (iova)
		iova += doorbell & (cookie->page - 1);
	raw_spin_unlock_irqrestore(&cookies_lock, flags);
	if (!known) {
		dev_warn_ratelimited(dev, "was attached before iommu_resv was loaded, so its interrupts get lost: start the virtual machine anew\n");
		return false;
	}
	if (!iova) {
		/* As the kernel's function: better nowhere than into a guest's memory. */
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
 * resv_cookie_tap_free() - a domain is about to be freed
 * @domain: the domain
 *
 * Its pages go with it.
 *
 * Context: any; does not sleep.
 */
void resv_cookie_tap_free(const struct iommu_domain *domain)
{
	struct cookie *cookie;
	unsigned long flags;

	raw_spin_lock_irqsave(&cookies_lock, flags);
	cookie = find(domain);
	if (cookie)
		hash_del(&cookie->node);
	raw_spin_unlock_irqrestore(&cookies_lock, flags);
	if (!cookie)
		return;
	kfree(cookie);
	module_put(THIS_MODULE);
}

/**
 * resv_msi_cookies() - is any doorbell mapped?
 *
 * Context: any.
 */
bool resv_msi_cookies(void)
{
	unsigned long flags;
	bool any;

	raw_spin_lock_irqsave(&cookies_lock, flags);
	any = !hash_empty(cookies);
	raw_spin_unlock_irqrestore(&cookies_lock, flags);
	return any;
}
#else
bool resv_cookie_tap_compose(unsigned int irq, struct msi_msg *msg)
{
	return true;
}

void resv_cookie_tap_free(const struct iommu_domain *domain)
{
}

bool resv_msi_cookies(void)
{
	return false;
}
#endif
