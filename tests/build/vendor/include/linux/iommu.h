/* SPDX-License-Identifier: GPL-2.0-only */
/* Declarations that kernels 4.18 to 5.14 share, and those of one vendor that shape.h selects. */
#ifndef VENDOR_IOMMU_H
#define VENDOR_IOMMU_H

#include <linux/device.h>
#include <linux/types.h>

enum iommu_cap {
	IOMMU_CAP_CACHE_COHERENCY,
	IOMMU_CAP_INTR_REMAP,
};

/* The backported type is at mainline's position, so the values of the later types shift. */
enum iommu_resv_type {
	IOMMU_RESV_DIRECT,
#ifdef SHAPE_RELAXABLE
	IOMMU_RESV_DIRECT_RELAXABLE,
#endif
	IOMMU_RESV_RESERVED,
	IOMMU_RESV_MSI,
	IOMMU_RESV_SW_MSI,
};

struct iommu_resv_region {
	struct list_head list;
	phys_addr_t start;
	size_t length;
	int prot;
	enum iommu_resv_type type;
#ifdef SHAPE_REGION_FREE
	KABI_EXTEND(void (*free)(struct device *dev, struct iommu_resv_region *region));
#endif
};

#define IOMMU_READ		1
#define IOMMU_DOMAIN_DMA	3
#ifdef SHAPE_DMA_FQ
#define IOMMU_DOMAIN_DMA_FQ	7
#endif

struct iommu_domain_geometry {
	dma_addr_t aperture_start;
	dma_addr_t aperture_end;
	bool force_aperture;
};

struct iommu_domain;

/* In kernels with separate operations of domains, map() is one of these. */
struct iommu_domain_ops {
#ifdef SHAPE_DOMAIN_OPS
	int (*map)(struct iommu_domain *domain, unsigned long iova, phys_addr_t paddr,
		   size_t size, int prot, gfp_t gfp);
	phys_addr_t (*iova_to_phys)(struct iommu_domain *domain, dma_addr_t iova);
#endif
	KABI_RESERVE(3);
};

struct iommu_ops {
#ifndef SHAPE_DOMAIN_OPS
#ifdef SHAPE_MAP_GFP
	KABI_REPLACE(int (*map)(struct iommu_domain *domain, unsigned long iova,
				phys_addr_t paddr, size_t size, int prot),
		     int (*map)(struct iommu_domain *domain, unsigned long iova,
				phys_addr_t paddr, size_t size, int prot, gfp_t gfp));
#else
	int (*map)(struct iommu_domain *domain, unsigned long iova, phys_addr_t paddr,
		   size_t size, int prot);
#endif
#ifdef SHAPE_MAP_PAGES
	int (*map_pages)(struct iommu_domain *domain, unsigned long iova, phys_addr_t paddr,
			 size_t pgsize, size_t pgcount, int prot, gfp_t gfp, size_t *mapped);
#endif
	phys_addr_t (*iova_to_phys)(struct iommu_domain *domain, dma_addr_t iova);
#endif
	void (*get_resv_regions)(struct device *dev, struct list_head *list);
#ifdef SHAPE_PUT_IN_OPS
	KABI_USE(4, void (*put_resv_regions)(struct device *dev, struct list_head *list));
#endif
};

struct iommu_domain {
	unsigned int type;
#ifdef SHAPE_DOMAIN_OPS
	const struct iommu_domain_ops *ops;
#else
	const struct iommu_ops *ops;
#endif
	unsigned long pgsize_bitmap;
	struct iommu_domain_geometry geometry;
};

#ifdef SHAPE_DEV_IOMMU
struct iommu_device {
	const struct iommu_ops *ops;
	struct device *dev;
};

struct iommu_fwspec {
	unsigned int num_ids;
	u32 ids[];
};

struct dev_iommu {
	struct iommu_fwspec *fwspec;
	struct iommu_device *iommu_dev;
};

static inline struct iommu_fwspec *dev_iommu_fwspec_get(struct device *dev)
{
	return dev->iommu ? dev->iommu->fwspec : NULL;
}
#endif

int iommu_get_group_resv_regions(struct iommu_group *group, struct list_head *head);
/* Every shape declares these; Module.symvers tells which ones a module can call. */
void iommu_get_resv_regions(struct device *dev, struct list_head *list);
void iommu_put_resv_regions(struct device *dev, struct list_head *list);
struct iommu_domain *iommu_get_domain_for_dev(struct device *dev);
int iommu_group_claim_dma_owner(struct iommu_group *group, void *owner);
struct iommu_domain *iommu_domain_alloc(struct bus_type *bus);
bool iommu_capable(struct bus_type *bus, enum iommu_cap cap);
bool device_iommu_capable(struct device *dev, enum iommu_cap cap);
int iommu_map(struct iommu_domain *domain, unsigned long iova, phys_addr_t paddr, size_t size,
	      int prot);

#endif /* VENDOR_IOMMU_H */
