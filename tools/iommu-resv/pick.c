// SPDX-License-Identifier: GPL-2.0-only
/* -d VENDOR:DEVICE, as lspci has it. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pick.h"

/* Up to four hexadecimal digits, or nothing or * for any. */
static bool parse_id(const char *word, size_t len, int *id)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	*id = -1;
	if (!len || (len == 1 && *word == '*'))
		return true;
	if (len > 4 || strspn(word, digits) < len)
		return false;
	*id = (int)strtol(word, NULL, 16);
	return true;
}

/**
 * pick_word() - understand VENDOR:DEVICE
 * @word: what lspci -n prints; one of the two may be omitted, or *
 * @pick: to fill
 *
 * Return: false if it is not one
 */
bool pick_word(const char *word, struct pick *pick)
{
	size_t len = strcspn(word, ":");

	return word[len] && parse_id(word, len, &pick->vendor) &&
	       parse_id(word + len + 1, strlen(word + len + 1), &pick->device);
}

/**
 * pick_parse() - parse -d; exits with a message if it is invalid
 * @ctl: options
 * @pick: to fill
 *
 * Return: false if there is no -d: all devices
 */
bool pick_parse(const struct control *ctl, struct pick *pick)
{
	const char *word = ctl->device;

	*pick = (struct pick) { -1, -1 };
	if (!word)
		return false;
	if (!pick_word(word, pick))
		errx(EXIT_TROUBLE, "'%s' is not VENDOR:DEVICE, like 8086:1521, as 'lspci -n' prints it; one of the two may be omitted",
		     word);
	return true;
}

/**
 * pick_device() - is the device one of these?
 * @pick: of pick_parse()
 * @d: device
 */
bool pick_device(const struct pick *pick, const struct device *d)
{
	unsigned int vendor, device;

	if (pick->vendor < 0 && pick->device < 0)
		return true;
	if (!d->ids || sscanf(d->ids, "%4x:%4x", &vendor, &device) != 2)
		return false;
	return (pick->vendor < 0 || vendor == (unsigned int)pick->vendor) &&
	       (pick->device < 0 || device == (unsigned int)pick->device);
}

static bool has_device(const struct group *g, const void *data)
{
	size_t i;

	for (i = 0; i < g->nr_devices; i++)
		if (pick_device(data, &g->devices[i]))
			return true;
	return false;
}

/**
 * pick_groups() - keep the groups that have such a device
 * @ctl: options
 * @pick: of pick_parse()
 * @groups: groups
 *
 * Return: 0, or an exit code after saying that there is none
 */
int pick_groups(const struct control *ctl, const struct pick *pick, struct groups *groups)
{
	groups_keep(groups, has_device, pick);
	if (groups->nr)
		return 0;
	warnx("no IOMMU group has a device %s", ctl->device);
	return EXIT_TROUBLE;
}
