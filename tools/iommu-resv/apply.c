// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv apply, saved: bring saved settings into force, and list them. */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "json.h"
#include "origin.h"
#include "put.h"
#include "saved.h"
#include "xalloc.h"

static bool holds(const struct saved_item *item, const struct group *g)
{
	return item->kind == SAVED_DECLARE ? region_holds(g, &item->range) :
					     window_holds(g, item->request);
}

static char *value_of(const struct saved_item *item)
{
	if (item->kind == SAVED_WINDOW)
		return xstrdup(item->request);
	return xasprintf("0x%" PRIx64 "-0x%" PRIx64, item->range.start, item->range.end);
}

static int apply_item(struct control *ctl, const struct saved_item *item, const struct group *g)
{
	char *value = value_of(item);
	int ret;

	if (item->kind == SAVED_DECLARE)
		ret = put_region(ctl, g, "add", &item->range);
	else
		ret = put_window(ctl, g, item->request);
	if (ret == EXIT_OK)
		printf("group %u: %s %s, as saved for %s\n", g->id, saved_kinds[item->kind], value,
		       item->owner);
	free(value);
	return ret;
}

/* Everything saved for the groups; what is already in force is not touched. */
static int apply_all(struct control *ctl, const struct saved *saved, const struct groups *groups)
{
	int ret = EXIT_OK;
	size_t i, j;

	for (i = 0; i < groups->nr; i++)
		for (j = 0; j < saved->nr; j++) {
			const struct saved_item *item = &saved->items[j];
			const struct group *g = &groups->g[i];

			if (saved_owns(item->owner, g) && !holds(item, g) &&
			    apply_item(ctl, item, g))
				ret = EXIT_TROUBLE;
		}
	return ret;
}

/**
 * cmd_apply() - bring into force what was saved, for all groups or for some
 * @ctl: options
 * @argc: number of @argv
 * @argv: groups or devices; none for all
 *
 * Return: an exit code
 */
int cmd_apply(struct control *ctl, int argc, char **argv)
{
	struct saved saved;
	struct groups groups;
	int ret;

	may_change(ctl, "apply");
	saved_lock();
	if (!saved_read(&saved))
		return EXIT_TROUBLE;
	if (!saved.nr && !saved.bad) {
		saved_free(&saved);
		return EXIT_OK;
	}
	if (!ctl->loaded)
		errx(EXIT_TROUBLE, "the module is not loaded: 'modprobe iommu_resv'");
	ret = saved_groups(ctl, argc, argv, &groups);
	if (!ret)
		ret = apply_all(ctl, &saved, &groups);
	groups_free(&groups);
	if (saved.bad)
		ret = EXIT_TROUBLE;
	saved_free(&saved);
	return ret;
}

static void list_json(struct json *j, const struct saved_item *item, const struct groups *groups)
{
	size_t i;

	json_open(j, NULL, '{');
	json_string(j, "what", saved_kinds[item->kind]);
	json_string(j, "device", saved_names_model(item->owner) ? NULL : item->owner);
	json_string(j, "ids", saved_names_model(item->owner) ? item->owner : NULL);
	if (item->kind == SAVED_DECLARE) {
		json_address(j, "start", item->range.start);
		json_address(j, "end", item->range.end);
	} else {
		json_string(j, "window", item->request);
	}
	json_open(j, "groups", '[');
	for (i = 0; i < groups->nr; i++) {
		if (!saved_owns(item->owner, &groups->g[i]))
			continue;
		json_open(j, NULL, '{');
		json_number(j, "group", groups->g[i].id);
		json_bool(j, "in_force", holds(item, &groups->g[i]));
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void list_line(const struct saved_item *item, const struct groups *groups)
{
	char *value = value_of(item);
	unsigned int nr = 0;
	size_t i;

	printf("%s %s %s:", saved_kinds[item->kind], item->owner, value);
	for (i = 0; i < groups->nr; i++)
		if (saved_owns(item->owner, &groups->g[i]))
			printf("%s group %u %s", nr++ ? "," : "", groups->g[i].id,
			       holds(item, &groups->g[i]) ? "in force" : "not in force");
	puts(nr ? "" : " no such device here");
	free(value);
}

/**
 * cmd_saved() - list what was saved, and where it is in force
 * @ctl: options
 * @argc: number of @argv
 * @argv: none
 *
 * Return: an exit code
 */
int cmd_saved(struct control *ctl, int argc, char **argv)
{
	struct json j = { 0 };
	struct saved saved;
	struct groups groups;
	int ret;
	size_t i;

	if (argc)
		errx(EXIT_TROUBLE, "saved takes no operand: '%s'", argv[0]);
	if (!saved_read(&saved))
		return EXIT_TROUBLE;
	ret = saved.nr ? saved_groups(ctl, 0, NULL, &groups) : 0;
	if (!saved.nr)
		groups = (struct groups) { 0 };
	if (ctl->json) {
		json_report(ctl, &j, "saved");
		json_open(&j, "saved", '[');
	}
	for (i = 0; i < saved.nr; i++)
		if (ctl->json)
			list_json(&j, &saved.items[i], &groups);
		else
			list_line(&saved.items[i], &groups);
	if (ctl->json) {
		json_close(&j, ']');
		json_close(&j, '}');
	}
	groups_free(&groups);
	if (saved.bad)
		ret = EXIT_TROUBLE;
	saved_free(&saved);
	return ret;
}
