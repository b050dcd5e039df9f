/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Just enough of the kernel, in user space, to compile the parsers of what administrators
 * write (src/feature/declare/words.c, src/feature/window/words.c) without changes.
 * tests/fuzz/run makes a <linux/NAME.h> for each header that they include; it only
 * includes this header.
 */
#ifndef USERLAND_H
#define USERLAND_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include "model/base.h"
#include "target.h"

#define IS_ENABLED(option)	0
#define PAGE_SIZE		4096UL
#define GFP_KERNEL		0
#define CAP_SYS_ADMIN		21
#define CAP_SYS_RAWIO		17
#define ALIGN(x, a)		(((x) + ((a) - 1)) & ~((u64)(a) - 1))
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
#define __rcu
#define WRITE_ONCE(x, value)	((x) = (value))
#define __printf(a, b)		__attribute__((format(printf, a, b)))

typedef unsigned short umode_t;
typedef unsigned int gfp_t;

struct rcu_head { int unused; };
struct kref { int unused; };
struct kobject { const char *name; };
struct kernel_param { const char *name; };

struct kernel_param_ops {
	int (*set)(const char *val, const struct kernel_param *kp);
	int (*get)(char *buf, const struct kernel_param *kp);
};

#define module_param_cb(name, ops, arg, perm) \
	static const struct kernel_param_ops *const param_##name = (ops)
#define MODULE_PARM_DESC(name, text)	_Static_assert(sizeof(text) > 1, text)

#define pr_err	target_fact
#define pr_warn	target_fact
#define pr_info	target_fact

static inline const char *kobject_name(const struct kobject *kobj)
{
	return kobj->name;
}

static inline bool capable(int cap)
{
	return cap == CAP_SYS_ADMIN || cap == CAP_SYS_RAWIO;
}

/* A lock is not taken twice, and is released only by its holder. */
struct mutex { int held; };

#define DEFINE_MUTEX(name)	struct mutex name

static inline void mutex_lock(struct mutex *m)
{
	HOLDS(!m->held);
	m->held = 1;
}

static inline void mutex_unlock(struct mutex *m)
{
	HOLDS(m->held);
	m->held = 0;
}

struct hlist_node { struct hlist_node *next; };
struct list_head { struct list_head *next, *prev; };

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define list_entry_of(p, pos, member) \
	container_of(p, __typeof__(*(pos)), member)
#define list_for_each_entry(pos, head, member)				\
	for (pos = list_entry_of((head)->next, pos, member);		\
	     &pos->member != (head);					\
	     pos = list_entry_of(pos->member.next, pos, member))
#define list_for_each_entry_safe(pos, n, head, member)			\
	for (pos = list_entry_of((head)->next, pos, member),		\
	     n = list_entry_of(pos->member.next, pos, member);		\
	     &pos->member != (head);					\
	     pos = n, n = list_entry_of(n->member.next, n, member))

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	entry->prev = head->prev;
	entry->next = head;
	head->prev->next = entry;
	head->prev = entry;
}

static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	entry->next = NULL;
	entry->prev = NULL;
}

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	(void)gfp;
	return calloc(1, size);
}

static inline char *kstrdup(const char *s, gfp_t gfp)
{
	(void)gfp;
	return strdup(s);
}

static inline void kfree(void *p)
{
	free(p);
}

/* As the kernel's: returns the number of characters in @buf, without the NUL. */
static inline int __attribute__((format(printf, 3, 4)))
scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	if (!size)
		return 0;
	return len < (int)size ? len : (int)size - 1;
}

static inline ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t len = strnlen(from, size);

	if (len == size) {
		memcpy(to, from, size - 1);
		to[size - 1] = '\0';
		return -E2BIG;
	}
	memcpy(to, from, len + 1);
	return (ssize_t)len;
}

static inline char *strim(char *s)
{
	size_t len = strlen(s);

	while (len && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

#endif /* USERLAND_H */
