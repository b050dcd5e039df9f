// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: the words of the file "msi_window" and of the parameter msi_window=. */

#include "words.h"
#include "feature/window/words.c"

#define TOP_32BIT	0xffffffffULL

struct mutex resv_msi_windows_lock;
static struct resv_msi_window window;
static bool has_window;

struct resv_msi_window *resv_msi_window_find(const struct iommu_group *group)
{
	HOLDS(group == words_group());
	return has_window ? &window : NULL;
}

int resv_msi_window_move(struct resv_msi_window *w, const struct resv_range *to,
			 enum resv_window_by by)
{
	HOLDS(w == &window && resv_msi_windows_lock.held);
	w->at = *to;
	w->by = by;
	return 0;
}

bool resv_facts_soft_window(const struct resv_facts *c, struct resv_range *at)
{
	HOLDS(c == &words_facts && at);
	return false;
}

/* Two doorbells, which need a page each */
u64 resv_doorbells_need(void)
{
	return 2 * words_facts.page;
}

u64 resv_doorbells_room(u64 native)
{
	return native;
}

unsigned int resv_doorbells_count(void)
{
	return 2;
}

void resv_msi_taps_change_begin(void)
{
}

void resv_msi_taps_change_end(void)
{
}

void resv_msi_taps_note_denied(void)
{
}

static struct resv_snapshot snapshot;

struct resv_snapshot *resv_group_snapshot(struct kobject *kobj)
{
	HOLDS(kobj == &words_kobject);
	return &snapshot;
}

void resv_snapshot_put(struct resv_snapshot *s)
{
	HOLDS(s == &snapshot);
}

int resv_group_change(struct kobject *kobj, const struct resv_group_change *change,
		      void *data)
{
	struct resv_region r = { .type = RESV_SW_MSI, .origin = RESV_ORIGIN_WINDOW };
	int ret;

	HOLDS(kobj == &words_kobject);
	change->begin(data);
	ret = change->apply(&words_facts, data);
	if (!ret) {
		r.start = words_lost ? window.native.start : window.at.start;
		r.end = words_lost ? window.native.end : window.at.end;
		resv_set_free(&words_facts.taken);
		resv_set_init(&words_facts.taken);
		HOLDS(!resv_set_merge_one(&words_facts.taken, &r));
		ret = change->confirm(&words_facts, data);
	}
	change->end(data);
	return ret;
}

/* At a moved window messages reach the IOMMU, and no other device. */
static void check_window(const struct request *request)
{
	const struct resv_facts *c = &words_facts;
	const struct resv_range *at = &window.at;
	unsigned int i;

	HOLDS(!resv_msi_windows_lock.held);
	HOLDS(at->start <= at->end);
	if (window.by == RESV_WINDOW_BY_KERNEL) {
		HOLDS(at->start == window.native.start && at->end == window.native.end);
		return;
	}
	HOLDS(at->start && !((at->start | (at->end + 1)) & (c->page - 1)));
	HOLDS(at->end - at->start + 1 >= resv_doorbells_need());
	HOLDS(at->end <= (c->aperture_known ? c->aperture.end : TOP_32BIT));
	HOLDS(!c->msi32 || at->end <= TOP_32BIT);
	HOLDS(!resv_window_conflict(&c->regions, at->start, at->end, NULL));
	HOLDS(!resv_window_conflict(&c->bridges, at->start, at->end, NULL));
	for (i = 0; i < request->nr_avoid; i++)
		HOLDS(request->avoid[i].end < at->start ||
		      request->avoid[i].start > at->end);
}

static void write_file(struct bytes *b)
{
	struct resv_range before = window.at;
	enum resv_window_by by = window.by;
	char page[PAGE_SIZE], *text;
	struct request request;
	size_t len;
	ssize_t ret;

	text = words_next(b, &len);
	ret = msi_window_store(words_group(), text, len);
	words_answer(ret, len);
	HOLDS(parse(text, &request) <= 0);
	HOLDS(request.nr_avoid <= MAX_AVOID);
	if (ret >= 0) {
		HOLDS(!parse(text, &request) && has_window && !words_busy);
		check_window(&request);
	} else if (!words_lost) {
		HOLDS(window.at.start == before.start && window.at.end == before.end);
		HOLDS(window.by == by);
	}
	snapshot.window = window.at;
	snapshot.window_by = window.by;
	snapshot.window_known = has_window;
	HOLDS(msi_window_show(words_group(), page) > 0 || !has_window);
	free(text);
}

static void load(struct bytes *b)
{
	char *text, back[sizeof(msi_window) + 2];
	size_t len;

	text = words_next(b, &len);
	if (!param_msi_window->set(text, NULL)) {
		HOLDS(strlen(text) < sizeof(msi_window));
		if (!resv_msi_window_init() && has_window) {
			mutex_lock(&resv_msi_windows_lock);
			resv_msi_window_apply(&words_facts, &window);
			resv_msi_window_log_unsuited(&words_facts, &window);
			resv_msi_window_log_conflicts(&words_facts, &window, &window.at);
			mutex_unlock(&resv_msi_windows_lock);
			check_window(&param);
		}
		param_msi_window->get(back, NULL);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };

	words_make(&b);
	has_window = take(&b) & 1;
	memset(&window, 0, sizeof(window));
	window.group = words_group();
	window.native.start = 0x8000000;
	window.native.end = 0x80fffff;
	window.at = window.native;
	window.by = RESV_WINDOW_BY_KERNEL;
	load(&b);
	while (b.left)
		write_file(&b);
	HOLDS(resv_msi_window_requested() == (param.what != WANT_DEFAULT));
	HOLDS(resv_msi_window_file.store == msi_window_store);
	words_free();
	return 0;
}
