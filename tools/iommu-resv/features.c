// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv features: what the module does on this kernel. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "features.h"
#include "format.h"
#include "sysfs.h"
#include "words.h"
#include "xalloc.h"

#define MAX_WORDS	6

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

/* SYMBOL BACKEND STATE HITS MISSED REASON */
static bool valid_hook(char **w)
{
	uint64_t count;

	return (word_among(w[1], "kprobe", "kretprobe") ||
		!strcmp(w[1], "livepatch")) &&
	       (word_among(w[2], "off", "inert") ||
		word_among(w[2], "active", "draining")) &&
	       word_decimal(w[3], &count) && word_decimal(w[4], &count);
}

static const struct kind features = {
	.file = "features",
	.json = "features",
	.columns = { { "FEATURE", 0 }, { "STATE", 0 }, { "HOOK", 0 },
		     { "REASON", SCOLS_FL_WRAP } },
	.keys = { "feature", "state", "hook", "reason" },
	.nr = 4,
	.valid = valid_feature,
};

static const struct kind hooks = {
	.file = "hooks",
	.json = "hooks",
	.columns = { { "SYMBOL", 0 }, { "BACKEND", 0 }, { "STATE", 0 },
		     { "HITS", SCOLS_FL_RIGHT },
		     { "MISSED", SCOLS_FL_RIGHT },
		     { "REASON", SCOLS_FL_WRAP } },
	.keys = { "symbol", "backend", "state", "hits", "missed",
		  "reason" },
	.nr = 6,
	.valid = valid_hook,
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
		uint64_t count;

		if (table)
			table_cell(line, i, xstrdup(words[i]));
		else if (kind->columns[i].flags & SCOLS_FL_RIGHT &&
			 word_decimal(words[i], &count))
			json_number(j, kind->keys[i], count);
		else
			json_string(j, kind->keys[i],
				    strcmp(words[i], "-") ? words[i] : NULL);
	}
	if (!table)
		json_close(j, '}');
}

/* Calls @fn with the words of each line that makes sense. */
static void each_line(struct control *ctl, const struct kind *kind,
		      void (*fn)(char **words, void *data), void *data)
{
	char *line, *words[MAX_WORDS];
	struct text t;

	if (open_file(ctl, &t, kind->file))
		return;
	while (text_next(&t, &line)) {
		char *copy = xstrdup(line);

		if (words_split(line, words, kind->nr) && kind->valid(words))
			fn(words, data);
		else
			text_bad(&t, copy);
		free(copy);
	}
	if (!text_close(&t))
		ctl->gaps = true;
}

struct output {
	const struct kind *kind;
	struct json *j;
	struct libscols_table *table;
};

static void output_line(char **words, void *data)
{
	const struct output *out = data;

	add_line(out->kind, words, out->j, out->table);
}

static void print_kind(struct control *ctl, const struct kind *kind,
		       struct json *j)
{
	struct libscols_table *table = NULL;
	struct output out;

	if (ctl->json)
		json_open(j, kind->json, '[');
	else
		table = table_new(ctl, kind->columns, kind->nr);
	out = (struct output) { kind, j, table };
	each_line(ctl, kind, output_line, &out);
	if (table)
		table_print(table);
	else
		json_close(j, ']');
}

/**
 * print_hooks() - the table of hooks
 * @ctl: options
 * @j: document being written, if JSON is
 */
void print_hooks(struct control *ctl, struct json *j)
{
	print_kind(ctl, &hooks, j);
}

struct inert {
	bool added;
	unsigned int nr;
	char *first;
};

static void inert_feature(char **words, void *data)
{
	struct inert *inert = data;

	if (!strcmp(words[0], "declared-regions"))
		inert->added = strcmp(words[1], "inert");
}

static void inert_hook(char **words, void *data)
{
	struct inert *inert = data;

	if (strcmp(words[2], "inert"))
		return;
	if (!inert->nr++)
		inert->first = xasprintf("%s (%s)", words[0], words[1]);
}

/**
 * say_inert() - one line if hooks do not work that somebody wanted
 * @ctl: options
 *
 * One backend is enough: a livepatch that could not be had is no trouble as
 * long as kprobes do the work.
 */
void say_inert(struct control *ctl)
{
	struct inert inert = { 0 };
	bool gaps = ctl->gaps;

	each_line(ctl, &features, inert_feature, &inert);
	if (!inert.added)
		each_line(ctl, &hooks, inert_hook, &inert);
	if (inert.nr == 1)
		warnx("the hook %s is inert: declared regions are not enforced, see 'iommu-resv hooks'",
		      inert.first);
	else if (inert.nr)
		warnx("the hooks %s and %u more are inert: declared regions are not enforced, see 'iommu-resv hooks'",
		      inert.first, inert.nr - 1);
	/* Not what was asked for, so the answer has no gap by it. */
	ctl->gaps = gaps;
	free(inert.first);
}

static void livepatch_line(char **words, void *data)
{
	char **reason = data;

	if (!strcmp(words[1], "livepatch")) {
		free(*reason);
		*reason = xstrdup(words[5]);
	}
}

/**
 * livepatch_reason() - why there is no livepatch
 * @ctl: options
 *
 * Return: allocated, or NULL if this kernel knows of none
 */
char *livepatch_reason(struct control *ctl)
{
	char *reason = NULL;

	each_line(ctl, &hooks, livepatch_line, &reason);
	return reason;
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
	print_kind(ctl, &features, &j);
	print_kind(ctl, &hooks, &j);
	if (ctl->json)
		json_close(&j, '}');
	free(version);
	return ctl->loaded ? EXIT_OK : EXIT_TROUBLE;
}
