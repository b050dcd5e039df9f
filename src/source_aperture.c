// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the IOMMU can address for a group, before anybody attached.
 *
 * VFIO learns it from the geometry of its domain after the attach, so a
 * domain like VFIO's is made here, looked at, and freed again unattached.
 * With most drivers that is exact.  With some the geometry is set, or changes,
 * when a device is attached:
 *
 * - intel up to 6.12: 57 bits (DEFAULT_DOMAIN_ADDRESS_WIDTH), whatever the
 *   hardware has.  See vtd_end().
 * - arm-smmu up to 7.3, arm-smmu-v3 before 6.8 or so, virtio-iommu up to 6.12:
 *   empty.  The group's DMA domain is attached to the same hardware, so it has
 *   the same one.  A group in passthrough has no such domain.  Then SMMUv3
 *   hardware is asked itself, by its identification registers, which are
 *   always readable; elsewhere the aperture is unknown until somebody attaches.
 */
#include <linux/io.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include "compat/iommu.h"
#include "source.h"

/* VT-d specification, sections 11.4.2 (CAP_REG) and 11.4.3 (ECAP_REG). */
#define CAP_SAGAW(cap)		(((cap) >> 8) & 0x1f)
#define CAP_MGAW(cap)		((unsigned int)(((cap) >> 16) & 0x3f) + 1)
#define CAP_FL5LP(cap)		(((cap) >> 60) & 1)
#define ECAP_SMTS(ecap)		(((ecap) >> 43) & 1)
#define ECAP_SLTS(ecap)		(((ecap) >> 46) & 1)
#define ECAP_FLTS(ecap)		(((ecap) >> 47) & 1)

/* Geometry of an Intel domain that no device was attached to. */
#define VTD_PLACEHOLDER		(BIT_ULL(57) - 1)

/*
 * Value of a hexadecimal attribute of an IOMMU's class device, the one that
 * user space reads as /sys/class/iommu/NAME/GROUP/ATTR.
 */
static int iommu_attribute(struct device *dev, const char *group,
			   const char *attr, u64 *value)
{
	const struct attribute_group **g;
	struct attribute **a;
	int ret = -ENOENT;
	char *page;

	for (g = dev->groups; g && *g; g++)
		if ((*g)->name && !strcmp((*g)->name, group))
			break;
	if (!g || !*g || !(*g)->attrs)
		return -ENOENT;
	for (a = (*g)->attrs; *a; a++)
		if (!strcmp((*a)->name, attr))
			break;
	if (!*a)
		return -ENOENT;
	page = (char *)get_zeroed_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	if (container_of(*a, struct device_attribute, attr)->show) {
		struct device_attribute *da;

		da = container_of(*a, struct device_attribute, attr);
		if (da->show(dev, da, page) > 0)
			ret = kstrtou64(strim(page), 16, value);
	}
	free_page((unsigned long)page);
	return ret;
}

static bool geometry_of(const struct iommu_domain *domain,
			struct resv_range *aperture)
{
	return compat_domain_geometry(domain, &aperture->start, &aperture->end);
}

static bool attached_geometry(struct device *dev, struct resv_range *aperture)
{
	struct iommu_domain *domain = compat_iommu_get_domain_for_dev(dev);

	return domain && (domain->type & __IOMMU_DOMAIN_PAGING) &&
	       geometry_of(domain, aperture);
}

/* Largest width of the adjusted ones in @sagaw, within what the unit can address. */
static unsigned int vtd_width(u64 cap, unsigned int sagaw)
{
	unsigned int agaw, width = 0;

	/* Bit n stands for 30 + 9 * n bits; the driver uses up to 57. */
	for (agaw = 1; agaw <= 3; agaw++)
		if (sagaw & BIT(agaw))
			width = 30 + 9 * agaw;
	return min(width, CAP_MGAW(cap));
}

/*
 * Where the placeholder of an Intel domain will end once VFIO has attached it:
 * __iommu_calculate_sagaw(), prepare_domain_attach_device(), alloc_domain() and
 * domain_update_iommu_cap() of 5.10, 6.1 and 6.12.
 *
 * In legacy mode it is the width of second-level tables.  In scalable mode
 * first-level tables may be used, whose addresses are canonical and so lose a
 * bit; whether the driver runs in that mode shows in the group's DMA domain,
 * which uses them wherever it can.
 *
 * Return: last address, or 0 if it cannot be known
 */
static u64 vtd_end(struct device *dev)
{
	struct device *iommu = compat_dev_iommu_instance(dev);
	unsigned int legacy, scalable, fl_sagaw, dma;
	struct resv_range attached;
	u64 cap, ecap;

	if (!iommu || iommu_attribute(iommu, "intel-iommu", "cap", &cap) ||
	    iommu_attribute(iommu, "intel-iommu", "ecap", &ecap))
		return 0;
	legacy = vtd_width(cap, CAP_SAGAW(cap));
	/* First-level tables are used since v5.6. */
	if (!RESV_HAVE(VFIO_IOVA_RANGE) || !ECAP_SMTS(ecap) || !ECAP_FLTS(ecap))
		return legacy ? BIT_ULL(legacy) - 1 : 0;
	if (!attached_geometry(dev, &attached))
		return 0;
	/* VFIO's domain gets the same tables where there is no choice. */
	if (!RESV_HAVE(DOMAIN_DMA_FQ) || !ECAP_SLTS(ecap))
		return attached.end;
	/* Else VFIO's gets second-level ones, of a width that suits both. */
	fl_sagaw = BIT(2) | (CAP_FL5LP(cap) ? BIT(3) : 0);
	scalable = vtd_width(cap, CAP_SAGAW(cap) & fl_sagaw);
	dma = fls64(attached.end);
	if (scalable && dma == scalable - 1)
		return BIT_ULL(scalable) - 1;
	return dma == legacy ? attached.end : 0;
}

/*
 * Return: 1 if @aperture is set, 0 if the geometry is empty before an attach,
 * -ENODATA if it is not to be trusted before an attach
 */
static int fresh_geometry(struct device *dev, struct resv_range *aperture,
			  u64 *page)
{
	struct iommu_domain *domain = compat_iommu_paging_domain_alloc(dev);
	bool known;

	if (IS_ERR(domain))
		return 0;
	known = geometry_of(domain, aperture);
	*page = compat_domain_page(domain);
	iommu_domain_free(domain);
	/* Since v6.13 the Intel driver makes domains for a device. */
	if (known && RESV_HAVE(DOMAIN_ALLOC_BUS) && IS_ENABLED(CONFIG_X86) &&
	    aperture->end == VTD_PLACEHOLDER) {
		aperture->end = vtd_end(dev);
		if (!aperture->end)
			return -ENODATA;
	}
	return known;
}

/*
 * Before v5.7 or so an Intel domain says 48 or 57 bits
 * (DEFAULT_DOMAIN_ADDRESS_WIDTH) whatever it is attached to, and a map beyond what
 * the hardware has is refused by the driver (intel_iommu_map(), -EFAULT).  Tables of
 * more levels than that default are not used.
 */
static bool old_vtd_geometry(struct device *dev, struct resv_range *aperture,
			     u64 *page)
{
	u64 end = RESV_HAVE(VFIO_IOVA_RANGE) ? 0 : vtd_end(dev);

	if (!end || fresh_geometry(dev, aperture, page) <= 0)
		return false;
	aperture->end = min(aperture->end, end);
	return true;
}

/* SMMUv3 architecture specification IHI 0070, sections 6.3.1 and 6.3.6. */
#define SMMU_IDR0		0x0
#define SMMU_IDR0_S1P		BIT(1)
#define SMMU_IDR5		0x14
#define SMMU_IDR5_VAX(idr5)	(((idr5) >> 10) & 3)
#define SMMU_IDR5_GRAN64K	BIT(6)

/*
 * Stage 1 input addresses of an SMMUv3, as arm_smmu_domain_finalise() sizes the
 * tables of VFIO's domain and arm_lpae_restrict_pgsizes() limits them: more
 * than 48 bits take 64 KiB pages.  Hardware with only stage 2 is left unknown.
 */
static bool smmu_v3_geometry(struct device *dev, struct resv_range *aperture)
{
#ifdef CONFIG_ARM64
	struct device *iommu = compat_dev_iommu_instance(dev);
	struct device *hw = iommu ? iommu->parent : NULL;
	unsigned int width;
	struct resource *res;
	void __iomem *regs;
	u32 idr0, idr5;

	if (!hw || hw->bus != &platform_bus_type || !hw->driver ||
	    strcmp(hw->driver->name, "arm-smmu-v3"))
		return false;
	res = platform_get_resource(to_platform_device(hw), IORESOURCE_MEM, 0);
	if (!res || resource_size(res) < SMMU_IDR5 + 4)
		return false;
	/* The driver owns the region; its first page only is looked at. */
	regs = ioremap(res->start, SMMU_IDR5 + 4);
	if (!regs)
		return false;
	idr0 = readl_relaxed(regs + SMMU_IDR0);
	idr5 = readl_relaxed(regs + SMMU_IDR5);
	iounmap(regs);
	if (!(idr0 & SMMU_IDR0_S1P))
		return false;
	width = 48;
	if (SMMU_IDR5_VAX(idr5) == 1 && PAGE_SIZE == SZ_64K &&
	    (idr5 & SMMU_IDR5_GRAN64K))
		width = 52;
	width = min_t(unsigned int, width, VA_BITS);
	aperture->start = 0;
	aperture->end = BIT_ULL(width) - 1;
	return true;
#else
	return false;
#endif
}

static bool find_aperture(struct device *dev, struct resv_range *aperture,
			  u64 *page)
{
	struct iommu_domain *domain = compat_iommu_get_domain_for_dev(dev);
	int ret;

	if (old_vtd_geometry(dev, aperture, page))
		return true;
	/* Somebody like VFIO has attached: that is the answer. */
	if (domain && domain->type == IOMMU_DOMAIN_UNMANAGED &&
	    geometry_of(domain, aperture)) {
		*page = compat_domain_page(domain);
		return true;
	}
	ret = fresh_geometry(dev, aperture, page);
	if (ret)
		return ret > 0;
	return attached_geometry(dev, aperture) ||
	       smmu_v3_geometry(dev, aperture);
}

static int aperture_device(struct resv_facts *c, struct device *dev)
{
	struct resv_range aperture;
	u64 page = PAGE_SIZE;
	bool known;

	known = find_aperture(dev, &aperture, &page);
	c->page = max(c->page, page);
	if (!known)
		return 0;
	/* Devices of a group share one domain, so what suits all of them. */
	if (!c->aperture_known) {
		c->aperture = aperture;
		c->aperture_known = true;
	} else {
		c->aperture.start = max(c->aperture.start, aperture.start);
		c->aperture.end = min(c->aperture.end, aperture.end);
	}
	return 0;
}

static void aperture_status(struct resv_status *f)
{
	if (COMPAT_HAS_PAGING_DOMAIN) {
		resv_status_add(f, "aperture", RESV_STATUS_ADDED,
				 "geometry of a domain, of the group's DMA domain, or of the hardware");
		resv_status_add(f, "out-of-range", RESV_STATUS_ADDED,
				 "what lies outside of the aperture");
		resv_status_add(f, "usable", RESV_STATUS_ADDED,
				 "known before attach");
	} else {
		resv_status_unknown(f, "aperture",
				     "unknown way to make a domain: aperture and usable cannot be read");
	}
}

const struct resv_source resv_source_aperture = {
	.name = "aperture",
	.device = aperture_device,
	.status = aperture_status,
};
