// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the IOMMU can address for a group, before VFIO attaches it.
 *
 * VFIO learns this from the geometry of its domain after the attach.  So this source
 * allocates a domain like VFIO's once for each IOMMU, reads its geometry, and frees
 * it without attaching it.  With most drivers the result is exact.  Some drivers set or
 * change the geometry when a device is attached; before that it is:
 *
 * - intel up to 6.12: 57 bits (DEFAULT_DOMAIN_ADDRESS_WIDTH), whatever the
 *   hardware has.  See vtd_end().  Before v5.11 and 5.10.9 an attach does not change
 *   that: VFIO's ranges reach to 57 bits, and a map beyond the hardware's fails with
 *   EFAULT.  No header shows whether a kernel is one of these; a domain that is attached
 *   does, see claim_end().  Looked at: 5.4 (Ubuntu), 5.10, RHEL 8.2.
 * - arm-smmu up to 7.3, arm-smmu-v3 before 6.8 or so, virtio-iommu up to 6.12:
 *   empty.  The group's DMA domain is attached to the same hardware, so it has
 *   the right geometry.  A group in passthrough has no DMA domain.  Then this source
 *   reads the identification registers of an SMMUv3, which are always readable;
 *   with other IOMMUs the aperture is unknown until a user attaches.
 */
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include "compat/iommu.h"
#include "firmware/vtd.h"
#include "source/hw.h"
#include "source/source.h"

/*
 * An attached domain was seen that claims more address bits than its IOMMU has.  Set
 * once, never cleared.
 */
static bool overstated;

/**
 * resv_aperture_overstated() - does this kernel's Intel driver leave the placeholder in
 *	domains that it attaches?
 *
 * Context: any.
 * Return: true if such a domain was seen; false if none was seen yet: with iommu=pt
 * there is none before VFIO or another user attaches one
 */
bool resv_aperture_overstated(void)
{
	return READ_ONCE(overstated);
}

/**
 * resv_aperture_note_overstated() - note that a domain claims more than its IOMMU has
 *
 * Context: any.
 */
void resv_aperture_note_overstated(void)
{
	WRITE_ONCE(overstated, true);
}

/*
 * Which tables this kernel's Intel driver uses in scalable mode.  Since v5.6 it has
 * first-level tables.  It used them for all domains until first_level_by_default() got
 * the type of the domain as an argument (v5.16, 5.15.99, RHEL 9.1).  No header shows
 * this change: a kernel without the type IOMMU_DOMAIN_DMA_FQ (v5.15) does not have it,
 * and a kernel whose core frees the lists of regions (v6.0) has it.  Looked at: 5.10,
 * 5.14 (RHEL 9.0, 9.1, 9.3), 5.15.85, 5.15.200, 6.1, 6.5, 6.12, openEuler 5.10.
 */
static enum resv_vtd_tables vtd_tables(void)
{
	if (!RESV_HAVE(VFIO_IOVA_RANGE))
		return RESV_VTD_SECOND_ONLY;
	if (!RESV_HAVE(DOMAIN_DMA_FQ))
		return RESV_VTD_FIRST;
	return RESV_HAVE(RESV_PUT_CORE) ? RESV_VTD_SECOND : RESV_VTD_EITHER;
}

/*
 * Get the value of a hexadecimal attribute of an IOMMU's class device, which user
 * space reads as /sys/class/iommu/NAME/GROUP/ATTR.
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

/* SMMUv3 architecture specification IHI 0070, sections 6.3.1 and 6.3.6. */
#define SMMU_IDR0		0x0
#define SMMU_IDR0_S1P		BIT(1)
#define SMMU_IDR5		0x14
#define SMMU_IDR5_VAX(idr5)	(((idr5) >> 10) & 3)
#define SMMU_IDR5_GRAN64K	BIT(6)

/*
 * Compute the stage 1 input addresses of an SMMUv3 as arm_smmu_domain_finalise() sizes
 * the tables of VFIO's domain and arm_lpae_restrict_pgsizes() limits them: more than
 * 48 bits need 64 KiB pages.  For hardware with only stage 2 the result is unknown.
 */
static int smmu_v3_geometry(struct device *dev, struct resv_hw_iommu *measured)
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
		return 0;
	res = platform_get_resource(to_platform_device(hw), IORESOURCE_MEM, 0);
	if (!res || resource_size(res) < SMMU_IDR5 + 4)
		return 0;
	/* The driver owns the region, so do not request it; read registers of its first page. */
	regs = ioremap(res->start, SMMU_IDR5 + 4);
	if (!regs)
		return -ENOMEM;
	idr0 = readl_relaxed(regs + SMMU_IDR0);
	idr5 = readl_relaxed(regs + SMMU_IDR5);
	iounmap(regs);
	if (!(idr0 & SMMU_IDR0_S1P))
		return 0;
	width = 48;
	if (SMMU_IDR5_VAX(idr5) == 1 && PAGE_SIZE == SZ_64K &&
	    (idr5 & SMMU_IDR5_GRAN64K))
		width = 52;
	width = min_t(unsigned int, width, VA_BITS);
	measured->regs.start = 0;
	measured->regs.end = BIT_ULL(width) - 1;
	measured->regs_known = true;
#endif
	return 0;
}

/*
 * Measure the IOMMU of a device: the geometry of a domain like VFIO's before an attach.
 *
 * It is the same for all devices behind one IOMMU, according to the drivers' functions
 * that allocate domains:
 *
 * - intel: up to 6.12 intel_iommu_domain_alloc() does not get the device, and all
 *   domains have the same placeholder.  Since v6.13 paging_domain_alloc(), and since
 *   v6.19 intel_iommu_domain_alloc_first_stage() and ..._second_stage(), use the
 *   registers of the device's unit.  The end that replaces the placeholder is not
 *   cached, because it also depends on the DMA domain of the group: see vtd_end().
 * - amd: depends on the version and the levels of the tables, which the driver sets for
 *   the machine (dma_max_address(), amd_iommu_domain_alloc_paging_flags()).
 * - arm-smmu-v3: empty; since about 6.8 it depends on the features of the device's SMMU
 *   (arm_smmu_domain_finalise()), as do the registers that are read here.
 * - arm-smmu: empty.
 * - virtio-iommu: empty; since about v6.13 the geometry of the device's virtio-iommu
 *   (viommu_domain_alloc_paging()).
 */
static int measure(struct device *dev, struct resv_hw_iommu *iommu)
{
	struct iommu_domain *domain = compat_iommu_paging_domain_alloc(dev);
	struct device *instance = compat_dev_iommu_instance(dev);
	int ret;

	memset(iommu, 0, sizeof(*iommu));
	if (domain == ERR_PTR(-ENOMEM))
		return -ENOMEM;
	iommu->page = PAGE_SIZE;
	if (!IS_ERR(domain)) {
		iommu->fresh_known = geometry_of(domain, &iommu->fresh);
		iommu->page = compat_domain_page(domain);
		iommu->page_known = COMPAT_HAS_DOMAIN_PAGE;
		iommu_domain_free(domain);
	}
	if (IS_ENABLED(CONFIG_X86) && instance) {
		ret = iommu_attribute(instance, "intel-iommu", "cap", &iommu->cap) ?:
		      iommu_attribute(instance, "intel-iommu", "ecap", &iommu->ecap);
		if (ret == -ENOMEM)
			return ret;
		iommu->vtd_known = !ret;
	}
	return iommu->fresh_known ? 0 : smmu_v3_geometry(dev, iommu);
}

/* The end that replaces the placeholder of an Intel domain, or 0 if it is not known. */
static u64 vtd_end(struct device *dev, const struct resv_hw_iommu *iommu)
{
	struct resv_range dma;

	if (!iommu->vtd_known)
		return 0;
	return resv_vtd_end(iommu->cap, iommu->ecap, vtd_tables(),
			    attached_geometry(dev, &dma) ? dma.end : 0);
}

/*
 * Before about v5.7 the geometry of an Intel domain is 48 or 57 bits
 * (DEFAULT_DOMAIN_ADDRESS_WIDTH), whatever it is attached to.  The driver refuses maps
 * beyond what the hardware can address (intel_iommu_map(), -EFAULT), and does not use
 * tables of more levels than that default.
 */
static bool old_vtd_geometry(struct device *dev, const struct resv_hw_iommu *iommu,
			     struct resv_range *aperture)
{
	u64 end = RESV_HAVE(VFIO_IOVA_RANGE) ? 0 : vtd_end(dev, iommu);

	if (!end || !iommu->fresh_known)
		return false;
	*aperture = iommu->fresh;
	aperture->end = min(aperture->end, end);
	return true;
}

/* Predict the geometry of a domain that VFIO allocates and attaches now. */
static bool future_geometry(struct device *dev, const struct resv_hw_iommu *iommu,
			    struct resv_range *aperture)
{
	if (!iommu->fresh_known)
		return attached_geometry(dev, aperture);
	*aperture = iommu->fresh;
	/* Up to v6.12 the Intel driver does not know the device when it makes a domain. */
	if (RESV_HAVE(DOMAIN_ALLOC_BUS) && IS_ENABLED(CONFIG_X86) &&
	    aperture->end == RESV_VTD_PLACEHOLDER)
		aperture->end = vtd_end(dev, iommu);
	return aperture->end;
}

/*
 * The last address that is surely mapped in an Intel domain of this kernel that claims
 * the placeholder, if a unit with these registers has less; else 0.
 */
static u64 claim_end(const struct resv_hw_iommu *iommu)
{
	if (!RESV_HAVE(DOMAIN_ALLOC_BUS) || !IS_ENABLED(CONFIG_X86) ||
	    !iommu->vtd_known || !iommu->fresh_known)
		return 0;
	return resv_vtd_claim_end(iommu->cap, iommu->ecap, iommu->fresh.end);
}

/* If the attached domain claims too much, note that, and use the unit's end. */
static void doubt_attached(struct device *dev, const struct resv_hw_iommu *iommu,
			   struct resv_range *aperture)
{
	u64 end = claim_end(iommu);
	struct resv_range says;

	if (!end || !attached_geometry(dev, &says) || says.end != RESV_VTD_PLACEHOLDER)
		return;
	resv_aperture_note_overstated();
	aperture->end = min(aperture->end, end);
}

static bool find_aperture(struct device *dev, const struct resv_hw_iommu *iommu,
			  struct resv_range *aperture, u64 *page)
{
	struct iommu_domain *domain = compat_iommu_get_domain_for_dev(dev);

	*page = iommu->page;
	if (old_vtd_geometry(dev, iommu, aperture))
		return true;
	/* VFIO or another user has attached its domain: use that domain's geometry. */
	if (domain && domain->type == IOMMU_DOMAIN_UNMANAGED &&
	    geometry_of(domain, aperture)) {
		*page = compat_domain_page(domain);
		doubt_attached(dev, iommu, aperture);
		return true;
	}
	if (future_geometry(dev, iommu, aperture)) {
		doubt_attached(dev, iommu, aperture);
		return true;
	}
	*aperture = iommu->regs;
	return iommu->regs_known;
}

static int aperture_device(struct resv_facts *c, struct device *dev)
{
	struct resv_hw *hw = c->device_hw;
	struct resv_hw_iommu iommu;
	struct resv_range aperture;
	u64 page, claim;
	int ret;

	ret = resv_hw_iommu(hw, dev, measure, &iommu);
	if (ret)
		return ret;
	if (find_aperture(dev, &iommu, &aperture, &page)) {
		hw->aperture = aperture;
		hw->aperture_known = true;
	}
	hw->page_shift = iommu.page_known ? ilog2(page) : 0;
	claim = claim_end(&iommu);
	if (claim)
		c->claim_end = min_not_zero(c->claim_end, claim);
	c->nr_pages += hw->page_shift != 0;
	c->page = max_t(u64, c->page, BIT_ULL(hw->page_shift));
	/*
	 * While a group is claimed but not attached yet, some drivers do not report the
	 * geometry.  Then use the last known one: hardware does not change.
	 */
	if (!hw->aperture_known)
		return 0;
	/* Devices of a group share one domain, so intersect their apertures. */
	if (!c->aperture_known) {
		c->aperture = hw->aperture;
		c->aperture_known = true;
	} else {
		c->aperture.start = max(c->aperture.start, hw->aperture.start);
		c->aperture.end = min(c->aperture.end, hw->aperture.end);
	}
	return 0;
}

static void aperture_status(struct resv_status *f)
{
	if (COMPAT_HAS_PAGING_DOMAIN) {
		resv_status_add(f, "aperture", RESV_STATUS_ADDED,
				"geometry of a domain, of the group's DMA domain, or of the hardware");
		resv_status_add(f, "out-of-range", RESV_STATUS_ADDED,
				"addresses outside of the aperture");
		resv_status_add(f, "usable", RESV_STATUS_ADDED,
				"known before attach");
	} else {
		resv_status_unknown(f, "aperture",
				    "unknown interface to make a domain: aperture and usable cannot be read");
	}
}

const struct resv_source resv_source_aperture = {
	.name = "aperture",
	.device = aperture_device,
	.status = aperture_status,
};
