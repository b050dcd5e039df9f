// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv features: what the module does on this kernel; also for other commands. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "features.h"
#include "format.h"
#include "modules.h"
#include "origin.h"
#include "sysfs.h"
#include "words.h"
#include "xalloc.h"

#define MAX_WORDS	6

/* A file of the module: each line has @nr words, the last of which is the rest of the line. */
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
		word_among(w[1], "ftrace", "ftrace-return") ||
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

static void checks_line(char **words, void *data)
{
	struct checks *checks = data;

	if (strcmp(words[0], "map-checks"))
		return;
	checks_free(checks);
	checks->state = xstrdup(words[1]);
	checks->hook = xstrdup(words[2]);
	checks->reason = xstrdup(words[3]);
}

/**
 * checks_read() - who refuses maps over reserved regions?
 * @ctl: options
 * @checks: to fill; checks_free() it
 */
void checks_read(struct control *ctl, struct checks *checks)
{
	*checks = (struct checks) { 0 };
	each_line(ctl, &features, checks_line, checks);
}

/**
 * checks_inert() - are maps over reserved regions not refused?
 * @checks: of checks_read()
 */
bool checks_inert(const struct checks *checks)
{
	return checks->state && !strcmp(checks->state, "inert");
}

void checks_free(struct checks *checks)
{
	free(checks->state);
	free(checks->hook);
	free(checks->reason);
	*checks = (struct checks) { 0 };
}

/*
 * The mode, allocated, if it is warn or off, so that the module refuses no maps although it
 * could; else NULL.
 */
static char *lenient_mode(const struct control *ctl, const struct checks *checks)
{
	char *mode;

	/* The parameter also exists on kernels whose VFIO checks maps. */
	if (!checks->state || !strcmp(checks->state, "native"))
		return NULL;
	mode = parameter_read(ctl, "checks");
	if (mode && word_among(mode, "warn", "off"))
		return mode;
	free(mode);
	return NULL;
}

/**
 * checks_off() - is it known that the module lets maps over reserved regions through?
 * @ctl: options
 */
bool checks_off(struct control *ctl)
{
	struct checks checks;
	bool gaps = ctl->gaps, off;
	char *mode;

	checks_read(ctl, &checks);
	/* This is not part of the answer, so ignore errors here. */
	ctl->gaps = gaps;
	mode = lenient_mode(ctl, &checks);
	off = mode || checks_inert(&checks);
	free(mode);
	checks_free(&checks);
	return off;
}

/**
 * checks_by_vfio() - does the kernel's VFIO itself check maps, according to the module?
 * @ctl: options
 */
bool checks_by_vfio(struct control *ctl)
{
	struct checks checks;
	bool gaps = ctl->gaps, native;

	checks_read(ctl, &checks);
	/* This is not part of the answer, so ignore errors here. */
	ctl->gaps = gaps;
	native = checks.state && !strcmp(checks.state, "native");
	checks_free(&checks);
	return native;
}

static void say_unchecked(struct control *ctl, const struct group *g,
			  const struct checks *checks)
{
	char *mode = lenient_mode(ctl, checks);

	if (mode)
		warnx("checks=%s: maps over reserved regions are not refused, see 'iommu-resv checks'",
		      mode);
	else if (checks_inert(checks))
		warnx("map-checks is inert: maps over reserved regions are not refused, see 'iommu-resv checks'");
	else if (checks->state && g->unchecked)
		warnx("group %u is in use, and its maps are not checked: maps over reserved regions are not refused",
		      g->id);
	free(mode);
}

struct naming {
	void (*fn)(const char *feature, void *data);
	void *data;
};

static void name_inert(char **words, void *data)
{
	const struct naming *naming = data;

	if (!strcmp(words[1], "inert"))
		naming->fn(words[0], naming->data);
}

/**
 * features_inert() - name the features that are inert
 * @ctl: options
 * @fn: called with the name of each
 * @data: for @fn
 */
void features_inert(struct control *ctl, void (*fn)(const char *feature, void *data),
		    void *data)
{
	struct naming naming = { fn, data };

	each_line(ctl, &features, name_inert, &naming);
}

struct inert {
	bool added;
	struct checks checks;
	unsigned int nr;
	char *first;
};

static void inert_feature(char **words, void *data)
{
	struct inert *inert = data;

	if (!strcmp(words[0], "declared-regions"))
		inert->added = strcmp(words[1], "inert");
	checks_line(words, &inert->checks);
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
 * say_inert() - one line if wanted hooks do not work, and one if maps are not refused
 * @ctl: options
 * @g: group that it is about
 *
 * One backend is enough: a missing livepatch does not matter as long as kprobes work.
 */
void say_inert(struct control *ctl, const struct group *g)
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
	say_unchecked(ctl, g, &inert.checks);
	/* This is not part of the answer, so ignore errors here. */
	ctl->gaps = gaps;
	checks_free(&inert.checks);
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
 * Return: allocated, or NULL if this kernel has none
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
		json_report(ctl, &j, "features");
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
