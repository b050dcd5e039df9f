// SPDX-License-Identifier: GPL-2.0-only
/* Makes allocations fail, one at a time. */
#include "agent.h"

#define FAIL_NTH	"/proc/self/fail-nth"

/* An operation whose allocations fail, and the one that undoes it: a load, an unload or a write. */
struct failing {
	const char *path;
	const char *text, *undo;	/* texts to write; NULL: PATH is a module */
	char **word;			/* the module and its parameters */
	int words;
	bool unloads;
};

static int failing_do(const struct failing *f)
{
	if (f->text)
		return write_file(f->path, f->text);
	return f->unloads ? unload("iommu_resv") : load(f->word, f->words);
}

static int failing_undo(const struct failing *f)
{
	if (f->text)
		return write_file(f->path, f->undo);
	return f->unloads ? load(f->word, f->words) : unload("iommu_resv");
}

/* Addresses of this kernel's modules, which are below the kernel or above it; without KASLR. */
static int modules_range(uint64_t *start, uint64_t *end)
{
	char *text = read_file("/proc/kallsyms", NULL), *at;
	uint64_t kernel = 0, module = 0;

	at = text ? strstr(text, " _text\n") : NULL;
	while (at && at > text && at[-1] != '\n')
		at--;
	if (at)
		kernel = strtoull(at, NULL, 16);
	free(text);
	text = read_file("/proc/modules", NULL);
	at = text ? strstr(text, " 0x") : NULL;
	if (at)
		module = strtoull(at, NULL, 16);
	free(text);
	if (!kernel || !module)
		return ENODATA;
	*start = module < kernel ? kernel - 0x80000000ULL : module & ~0xfffffffULL;
	*end = module < kernel ? kernel : UINT64_MAX;
	return 0;
}

/*
 * Let only allocations fail that a module makes, by itself or through the kernel's functions that
 * it calls: the kernel's own loader of modules warns if its allocations fail. The kernel logs no
 * line for each failure.
 */
static int failing_allowed(void)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc" };
	char start_text[24], end_text[24], path[128];
	const char * const settings[][2] = {
		{ "require-start", start_text }, { "require-end", end_text },
		{ "ignore-gfp-wait", "N" }, { "verbose", "0" }
	};
	uint64_t start, end;
	unsigned int i, j;
	int err = modules_range(&start, &end);

	if (err)
		return err;
	snprintf(start_text, sizeof(start_text), "0x%llx", (unsigned long long)start);
	snprintf(end_text, sizeof(end_text), "0x%llx", (unsigned long long)end);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (j = 0; j < sizeof(settings) / sizeof(settings[0]) && !err; j++) {
			snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kinds[i],
				 settings[j][0]);
			err = write_file(path, settings[j][1]);
		}
	}
	return err ? err : write_file("/sys/kernel/debug/fail_page_alloc/min-order", "0");
}

/*
 * fail-nth LABEL MAX WHAT: do WHAT again and again. The first time the first allocation of a module
 * fails, the second time the second one, and so on, until WHAT makes fewer allocations. Each time
 * this sends "fail LABEL N ok|ERRNO loaded|absent" and, after a write, "fail-list LABEL N LINE" for
 * each line of the kernel's list. It undoes each success, except the last, in which no allocation
 * failed. In the end it sends "fail-end LABEL ALLOCATIONS", or "fail-end LABEL ERRNO".
 */
static void fail_nth(const char *label, int max, const struct failing *f)
{
	char count[16], left[32], list[PATH_MAX], *at;
	int i, err = failing_allowed();

	for (i = 1; i <= max && !err; i++) {
		int result;

		snprintf(count, sizeof(count), "%d", i);
		err = write_file(FAIL_NTH, count);
		if (err)
			break;
		result = failing_do(f);
		read_word(FAIL_NTH, left, sizeof(left));
		write_file(FAIL_NTH, "0");
		tell("fail %s %d %s %s\n", label, i, outcome(result),
		     access("/sys/kernel/iommu_resv", F_OK) ? "absent" : "loaded");
		if (f->text) {
			snprintf(list, sizeof(list), "%s", f->path);
			at = strstr(list, "/resv/");
			if (at) {
				strcpy(at, "/reserved_regions");
				tell_numbered("fail-list", label, i, list);
			}
		}
		fflush(port);
		/* Not 0: there were fewer allocations than @i, so none has failed. */
		if (atoi(left)) {
			tell("fail-end %s %d\n", label, i - 1);
			return;
		}
		if (!result)
			err = must("undo", label, failing_undo(f));
	}
	tell("fail-end %s %s\n", label, err ? outcome(err) : "more");
}

/* WORD: LABEL MAX load|unload FILE [PARAMETER...], or LABEL MAX write PATH TEXT / UNDO */
void fail_nth_step(char **word, int n, const char *whole)
{
	struct failing f = { .path = word[3], .word = word + 3, .words = n - 3 };
	char *text, *undo;

	f.unloads = !strcmp(word[2], "unload");
	text = strdup(strstr(whole, word[3]) + strlen(word[3]));
	undo = strstr(text, " / ");
	if (!strcmp(word[2], "write") && undo) {
		*undo = 0;
		f.text = text + 1;
		f.undo = undo + 3;
	}
	fail_nth(word[0], atoi(word[1]), &f);
	free(text);
}
