// SPDX-License-Identifier: GPL-2.0-only
/* The file that describes a VM: read it, and guess which program wrote it. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../origin.h"
#include "vm.h"

const char *const vm_format_names[VM_FORMATS] = {
	[VM_LIBVIRT] = "libvirt",
	[VM_QEMU] = "qemu",
	[VM_PROXMOX] = "proxmox",
	[VM_CLOUD_HYPERVISOR] = "cloud-hypervisor",
};

static const struct control *as_json;
static const char *as_report;

/* From here on a failure also writes a document of this kind, unless @ctl is NULL. */
void vm_json(const struct control *ctl, const char *report)
{
	as_json = ctl;
	as_report = report;
}

/* Bytes of a character that moves the cursor or turns the direction of text, or 0. */
static size_t control_len(const unsigned char *s)
{
	if (*s < ' ' || *s == 0x7f)
		return 1;
	/* U+0080 to U+009F, as U+009B, which begins a command of a terminal */
	if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f)
		return 2;
	/* U+202A to U+202E and U+2066 to U+2069 */
	if (s[0] == 0xe2 && ((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) ||
			     (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)))
		return 3;
	return 0;
}

/**
 * vm_printable() - replace the characters that would control the terminal
 * @text: text that has words of the VM's file; their control characters become '?'
 */
void vm_printable(char *text)
{
	size_t len;

	while (*text) {
		len = control_len((const unsigned char *)text);
		if (len) {
			memset(text, '?', len);
			text += len;
		} else {
			text++;
		}
	}
}

/**
 * vm_fail() - exit, because it is not known whether the VM fits
 * @fmt: why not
 */
void vm_fail(const char *fmt, ...)
{
	struct json j = { 0 };
	char *why;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&why, fmt, ap) < 0)
		err(EXIT_TROUBLE, "cannot allocate memory");
	va_end(ap);
	vm_printable(why);
	warnx("%s", why);
	if (as_json) {
		json_report(as_json, &j, as_report);
		json_string(&j, "reason", why);
		json_null(&j, "fits");
		json_close(&j, '}');
	}
	free(why);
	keep_free();
	exit(EXIT_TROUBLE);
}

/**
 * vm_read() - read the file, or standard input for "-"
 * @ctl: options
 * @in: to fill
 */
void vm_read(const struct control *ctl, struct vm_input *in)
{
	bool is_stdin = !strcmp(ctl->vm, "-");
	size_t room = 0;
	ssize_t n;
	int fd;

	*in = (struct vm_input) { .file = is_stdin ? "standard input" : ctl->vm };
	fd = is_stdin ? STDIN_FILENO : open(ctl->vm, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		vm_fail("%s: %s", in->file, strerror(errno));
	for (;;) {
		if (room - in->len < 2) {
			size_t more = room ? 2 * room : 16384;

			if (room > VM_FILE_MAX)
				vm_fail("%s: larger than 1 MiB, not a description of a VM",
					in->file);
			in->text = keep_more(in->text, in->len, more);
			room = more;
		}
		n = read(fd, in->text + in->len, room - in->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			vm_fail("%s: %s", in->file, strerror(errno));
		if (!n)
			break;
		in->len += (size_t)n;
	}
	if (!is_stdin)
		close(fd);
	in->text[in->len] = '\0';
	if (!in->len)
		vm_fail("%s: is empty", in->file);
}

/* The last component of a path, up to @end. */
static const char *base_of(const char *word)
{
	const char *slash = strrchr(word, '/');

	return slash ? slash + 1 : word;
}

bool shell_is_qemu(const char *word)
{
	const char *base = base_of(word);

	return !strncmp(base, "qemu-system-", strlen("qemu-system-")) ||
	       !strcmp(base, "qemu-kvm") || !strcmp(base, "kvm");
}

bool shell_is_cloud_hypervisor(const char *word)
{
	const char *base = base_of(word);

	return !strcmp(base, "cloud-hypervisor") ||
	       !strcmp(base, "cloud-hypervisor-static");
}

/* A line like "memory: 4096", as a Proxmox configuration has and nothing else. */
static bool is_proxmox(const char *text)
{
	static const char *const keys[] = {
		"memory", "cores", "sockets", "hostpci", "ostype", "scsihw",
		"vmgenid", "smbios1", "machine", "balloon",
	};
	unsigned int hits = 0;
	size_t i;

	while (*text) {
		size_t len = strcspn(text, "\n");
		size_t key = strspn(text, "abcdefghijklmnopqrstuvwxyz_-");

		for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (key == strlen(keys[i]) && !strncmp(text, keys[i], key) &&
			    text[key + strspn(text + key, "0123456789")] == ':')
				hits++;
		text += len;
		text += *text == '\n';
	}
	return hits > 0;
}

/**
 * vm_guess() - which program wrote it?
 * @in: the file
 *
 * Return: the format
 */
enum vm_format vm_guess(const struct vm_input *in)
{
	const char *text = in->text + strspn(in->text, " \t\r\n");
	size_t at = 0;

	if (*text == '<' || !strncmp(text, "\xef\xbb\xbf<", 4))
		return VM_LIBVIRT;
	/* The line names one of these programs, after any other words. */
	while (at < in->len) {
		size_t len = strcspn(in->text + at, " \t\r\n'\"");
		char *word = keep_part(in->text + at, len);

		if (shell_is_cloud_hypervisor(word))
			return VM_CLOUD_HYPERVISOR;
		if (shell_is_qemu(word))
			return VM_QEMU;
		at += len + 1;
	}
	if (strlen(in->text) == in->len && is_proxmox(in->text))
		return VM_PROXMOX;
	vm_fail("%s: not a domain of libvirt, a command line of QEMU or Cloud Hypervisor, or a VM of Proxmox; say with --as what it is",
		in->file);
}
