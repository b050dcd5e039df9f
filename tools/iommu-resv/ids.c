// SPDX-License-Identifier: GPL-2.0-only
/*
 * pci.ids: "VVVV  Vendor", below it "<tab>DDDD  Device", below that lines with two tabs
 * about subsystems, then a list of classes.  libpci makes objects of all its 37,000
 * lines, for 25 million instructions; a command that names a few devices needs only
 * where each vendor begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ids.h"
#include "xalloc.h"

/* Ten times the size of the list; a longer file is something else. */
#define IDS_MAX	(16 * 1024 * 1024)

struct ids_vendor {
	uint16_t id;
	const char *line;
};

static char *read_all(int fd)
{
	size_t room = 2 * 1024 * 1024, len = 0;
	char *text = xmalloc(room);
	ssize_t n;

	for (;;) {
		if (len + 1 == room) {
			if (room >= IDS_MAX)
				break;
			room *= 2;
			text = xreallocarray(text, room, 1);
		}
		n = read(fd, text + len, room - len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	/* An error, too much, or compressed by gzip. */
	if (n || !strncmp(text, "\x1f\x8b", 2)) {
		free(text);
		return NULL;
	}
	return text;
}

/* "8086" and a blank; -1 if it is not that */
static int take_id(const char *at)
{
	int id = 0, i;

	for (i = 0; i < 4; i++) {
		char c = at[i];

		if (c >= '0' && c <= '9')
			id = id << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			id = id << 4 | (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			id = id << 4 | (c - 'A' + 10);
		else
			return -1;
	}
	return at[4] == ' ' || at[4] == '\t' ? id : -1;
}

static const char *next_line(const char *at)
{
	at = strchr(at, '\n');
	return at ? at + 1 : NULL;
}

/* What follows the id, without blanks around it */
static char *take_name(const char *at)
{
	size_t len;

	at += 5;
	at += strspn(at, " \t");
	len = strcspn(at, "\r\n");
	while (len && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	return xasprintf("%.*s", (int)len, at);
}

/**
 * ids_open() - read the list
 * @ids: to fill; ids_close() it if it was read
 * @path: the file
 *
 * Return: false if there is none, or if it is not plain text
 */
bool ids_open(struct ids *ids, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t room = 0;
	const char *at;

	*ids = (struct ids) { 0 };
	if (fd < 0)
		return false;
	ids->text = read_all(fd);
	close(fd);
	if (!ids->text)
		return false;
	for (at = ids->text; at; at = next_line(at)) {
		int id;

		/* Most lines are about devices. */
		if (*at == '\t')
			continue;
		if (at[0] == 'C' && at[1] == ' ')
			break;
		id = take_id(at);
		if (id < 0)
			continue;
		if (ids->nr == room) {
			room = room ? 2 * room : 4096;
			ids->vendors = xreallocarray(ids->vendors, room,
						     sizeof(*ids->vendors));
		}
		ids->vendors[ids->nr++] = (struct ids_vendor) { (uint16_t)id, at };
	}
	return true;
}

/**
 * ids_name() - the name of a device, as lspci prints it
 * @ids: of ids_open()
 * @vendor: its vendor
 * @device: its model
 *
 * Return: allocated
 */
char *ids_name(const struct ids *ids, uint16_t vendor, uint16_t device)
{
	char *maker, *model = NULL, *name;
	const char *at = NULL;
	size_t i;

	for (i = 0; !at && i < ids->nr; i++)
		if (ids->vendors[i].id == vendor)
			at = ids->vendors[i].line;
	if (!at)
		return xasprintf("Device %04x:%04x", vendor, device);
	maker = take_name(at);
	for (at = next_line(at); at && !model && strchr("\t#\r\n", *at) && *at;
	     at = next_line(at))
		if (at[0] == '\t' && at[1] != '\t' && take_id(at + 1) == device)
			model = take_name(at + 1);
	name = model ? xasprintf("%s %s", maker, model) :
		       xasprintf("%s Device %04x", maker, device);
	free(maker);
	free(model);
	return name;
}

/**
 * ids_close() - free what ids_open() has filled
 * @ids: list that was read
 */
void ids_close(struct ids *ids)
{
	free(ids->vendors);
	free(ids->text);
}
