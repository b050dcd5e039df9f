// SPDX-License-Identifier: GPL-2.0-only
/*
 * Consistent texts longer than a page.
 *
 * sysfs returns at most a page per read, and an ordinary file has at most one page.
 * Binary files can be longer, but the text can change between two reads.  So the first
 * read of an open file makes a copy, and further reads continue in the copy.  The copy is
 * stored in the buffer of the seq_file.  kernfs allocates a seq_file for every open file,
 * but does not use its buffer for binary files; seq_release() frees the buffer when the
 * file is closed (fs/kernfs/file.c and fs/seq_file.c, the same from 4.4 to 7.3).  kernfs
 * holds the open file's mutex during each read.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include "compat/mm.h"
#include "sysfs/text.h"

/**
 * resv_sysfs_read_text() - read a text of any length
 * @file: the open file
 * @buf: where to copy the bytes
 * @off: offset in the text
 * @count: maximum number of bytes
 * @make: makes the text: memory for kvfree(), with its length in @len, or an error pointer
 * @ctx: for @make
 *
 * Context: in read() of a binary file; may sleep.
 * Return: number of bytes, or an errno
 */
ssize_t resv_sysfs_read_text(struct file *file, char *buf, loff_t off,
			     size_t count,
			     char *(*make)(void *ctx, size_t *len), void *ctx)
{
	struct seq_file *sf = file->private_data;
	struct kernfs_open_file *of = sf->private;
	size_t len = 0;
	char *text;

	if (WARN_ON_ONCE(!of || of->file != file))
		return -EIO;
	if (off == 0 || !sf->buf) {
		text = make(ctx, &len);
		if (IS_ERR(text))
			return PTR_ERR(text);
		kvfree(sf->buf);
		sf->buf = text;
		sf->size = len;
	}
	return memory_read_from_buffer(buf, count, &off, sf->buf, sf->size);
}

/**
 * resv_sysfs_copy_text() - make a copy for resv_sysfs_read_text()
 * @text: the text
 * @len: its length
 *
 * Context: may sleep.
 * Return: zero-terminated memory for kvfree(), or an error pointer
 */
char *resv_sysfs_copy_text(const char *text, size_t len)
{
	char *copy = compat_kvmalloc(len + 1);

	if (!copy)
		return ERR_PTR(-ENOMEM);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}
