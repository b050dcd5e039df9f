// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv features: what the module does on this kernel. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "sysfs.h"
#include "words.h"
#include "xalloc.h"

#define MAX_WORDS	5

/* A file of the module: each line has @nr words, the last takes the rest. */
struct kind {
	const char *file;
	const char *json;
	struct column columns[MAX_WORDS];
	const char *keys[MAX_WORDS];
	size_t nr;
	bool (*valid)(char **words);
};

static bool valid_feature(char **w)
{
	return word_is_name(w[0]) &&
	       (word_among(w[1], "native", "added") || !strcmp(w[1], "inert"));
}

static bool valid_hook(char **w)
{
	uint64_t count;

	return word_is_name(w[1]) && word_is_name(w[2]) &&
	       word_decimal(w[3], &count) && word_decimal(w[4], &count);
}

static const struct kind kinds[] = {
	{
		.file = "features",
		.json = "features",
		.columns = { { "FEATURE", 0 }, { "STATE", 0 }, { "HOOK", 0 },
			     { "REASON", SCOLS_FL_WRAP } },
		.keys = { "feature", "state", "hook", "reason" },
		.nr = 4,
		.valid = valid_feature,
	}, {
		.file = "hooks",
		.json = "hooks",
		.columns = { { "SYMBOL", 0 }, { "BACKEND", 0 }, { "STATE", 0 },
			     { "HITS", SCOLS_FL_RIGHT },
			     { "MISSED", SCOLS_FL_RIGHT } },
		.keys = { "symbol", "backend", "state", "hits", "missed" },
		.nr = 5,
		.valid = valid_hook,
	},
};

static int open_file(struct control *ctl, struct text *t, const char *file)
{
	char *path = xasprintf("%s/kernel/iommu_resv/%s", ctl->sysfs, file);
	char *name = xstrdup(path);
	int ret = text_open(t, path);

	if (ret && ret != -ENOENT) {
		errno = -ret;
		warn("%s", name);
		ctl->gaps = true;
	}
	free(name);
	return ret;
}

static void add_line(const struct kind *kind, char **words, struct json *j,
		     struct libscols_table *table)
{
	struct libscols_line *line = table ? table_line(table) : NULL;
	size_t i;

	if (!table)
		json_open(j, NULL, '{');
	for (i = 0; i < kind->nr; i++) {
		if (table)
			table_cell(line, i, xstrdup(words[i]));
		else
			json_string(j, kind->keys[i],
				    strcmp(words[i], "-") ? words[i] : NULL);
	}
	if (!table)
		json_close(j, '}');
}

static void print_kind(struct control *ctl, const struct kind *kind,
		       struct json *j)
{
	struct libscols_table *table = NULL;
	char *line, *words[MAX_WORDS];
	struct text t;

	if (ctl->json)
		json_open(j, kind->json, '[');
	else
		table = table_new(ctl, kind->columns, kind->nr);
	if (!open_file(ctl, &t, kind->file)) {
		while (text_next(&t, &line)) {
			char *copy = xstrdup(line);

			if (words_split(line, words, kind->nr) &&
			    kind->valid(words))
				add_line(kind, words, j, table);
			else
				text_bad(&t, copy);
			free(copy);
		}
		if (!text_close(&t))
			ctl->gaps = true;
	}
	if (table)
		table_print(table);
	else
		json_close(j, ']');
}

static char *read_version(struct control *ctl)
{
	char *line, *version = NULL;
	struct text t;

	if (open_file(ctl, &t, "version"))
		return NULL;
	if (text_next(&t, &line) && line[0] && !strchr(line, ' '))
		version = xstrdup(line);
	if (!text_close(&t))
		ctl->gaps = true;
	return version;
}

int cmd_features(struct control *ctl, int argc, char **argv)
{
	struct json j = { 0 };
	char *version;
	size_t i;

	if (argc)
		errx(EXIT_TROUBLE, "features takes no operand: '%s'", argv[0]);
	if (!ctl->loaded)
		warnx("the module is not loaded: 'modprobe iommu_resv'");
	version = read_version(ctl);
	if (ctl->json) {
		json_open(&j, NULL, '{');
		json_string(&j, "version", version);
	} else if (version) {
		printf("iommu_resv %s\n", version);
	}
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		print_kind(ctl, &kinds[i], &j);
	if (ctl->json)
		json_close(&j, '}');
	free(version);
	return ctl->loaded ? EXIT_OK : EXIT_TROUBLE;
}
