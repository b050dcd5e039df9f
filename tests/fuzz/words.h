/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A group, and writes to its files: the first bytes of an input describe the group, and the
 * rest are what is written.
 */
#ifndef WORDS_H
#define WORDS_H

#include "userland.h"
#include "group/attach.h"
#include "group/feature.h"
#include "group/group.h"
#include "group/snapshot.h"

/**
 * struct bytes - an input that is being used up
 * @p: the next byte
 * @left: how many there are
 */
struct bytes {
	const uint8_t *p;
	size_t left;
};

static inline unsigned int take(struct bytes *b)
{
	if (!b->left)
		return 0;
	b->left--;
	return *b->p++;
}

static struct kobject words_kobject = { .name = "7" };
static struct resv_facts words_facts;
static bool words_busy;		/* the group is attached */
static bool words_lost;		/* the kernel's list does not show the change */

static char words_names[] = "-\0" "0000:00:03.0";

static inline struct iommu_group *words_group(void)
{
	return (struct iommu_group *)&words_kobject;
}

/* Up to seven regions, an aperture or none, and pages of three sizes. */
static inline void words_make(struct bytes *b)
{
	static const unsigned int shifts[] = { 12, 14, 16 };
	struct resv_facts *c = &words_facts;
	unsigned int how = take(b), what = take(b), i;
	struct resv_region r;
	u64 base;

	memset(c, 0, sizeof(*c));
	c->group = words_group();
	c->id = 7;
	c->nr_devices = 1 + how % 3;
	c->page = 1ULL << shifts[how / 4 % 3];
	c->hooked = !(how & 0x80);
	c->movable = !(how & 0x40);
	c->listed = true;
	c->taken_known = true;
	c->names = words_names;
	c->names_len = sizeof(words_names);
	words_busy = what & 0x80;
	words_lost = what & 0x40;
	c->msi32 = what & 0x20 ? 2 : 0;
	c->aperture_known = !(what & 0x10);
	if (c->aperture_known)
		c->aperture.end = (1ULL << (32 + 2 * (what & 7))) - 1;
	resv_set_init(&c->regions);
	resv_set_init(&c->taken);
	resv_set_init(&c->bridges);
	for (i = take(b) % 8; i; i--) {
		base = (u64)(take(b) | take(b) << 8 | take(b) << 16);
		r.start = base << 12;
		r.end = r.start + ((u64)(take(b) + 1) << 12) - 1;
		r.name = i & 1 ? 2 : 0;
		r.type = take(b) % RESV_NR_TYPES;
		r.origin = RESV_ORIGIN_KERNEL;
		r.flags = r.type == RESV_PCI_WINDOW ? RESV_F_ADDED :
			  r.type == RESV_DIRECT_RELAXABLE ? 0 : RESV_F_ENFORCED;
		HOLDS(!resv_set_add(i & 2 && r.type == RESV_PCI_WINDOW ?
				    &c->bridges : &c->regions, &r));
	}
}

static inline void words_free(void)
{
	resv_set_free(&words_facts.regions);
	resv_set_free(&words_facts.taken);
	resv_set_free(&words_facts.bridges);
}

/*
 * The next write: the bytes before 0xff and a NUL, in memory of exactly that size.  *@len is
 * the number of bytes before 0xff, so that the text can have a zero byte inside.
 */
static inline char *words_next(struct bytes *b, size_t *len)
{
	size_t n = 0;
	char *text;

	while (n < b->left && b->p[n] != 0xff)
		n++;
	text = malloc(n + 1);
	HOLDS(text);
	memcpy(text, b->p, n);
	text[n] = '\0';
	n += n < b->left;
	*len = n - (n && n <= b->left && b->p[n - 1] == 0xff);
	b->p += n;
	b->left -= n;
	return text;
}

/* The answer to a write of @len bytes: all of them, or one of the field's errors. */
static inline void words_answer(ssize_t ret, size_t len)
{
	if (ret >= 0) {
		HOLDS((size_t)ret == len);
		return;
	}
	HOLDS(ret == -EINVAL || ret == -ERANGE || ret == -EADDRINUSE || ret == -EEXIST ||
	      ret == -ENOENT || ret == -E2BIG || ret == -EBUSY || ret == -EOPNOTSUPP ||
	      ret == -ENOSPC);
}

enum resv_hook_mode resv_hooks_mode(void)
{
	return RESV_HOOKS_KPROBE;
}

bool resv_hooks_by_kprobe(void)
{
	return true;
}

int resv_attach_when_free(struct iommu_group *group, int (*fn)(void *data),
			  void *data)
{
	HOLDS(group == words_group());
	return words_busy ? -EBUSY : fn(data);
}

#endif /* WORDS_H */
