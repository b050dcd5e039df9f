// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: the words of the file "declare" and of the parameter declare=. */

#include "words.h"
#include "feature/declare/words.c"

struct list_head resv_declared_list = LIST_HEAD_INIT(resv_declared_list);
struct mutex resv_declare_lock;

struct resv_declared *resv_declared_make(const char *device, u64 start, u64 end)
{
	struct resv_declared *d = kzalloc(sizeof(*d), GFP_KERNEL);

	HOLDS(d && start <= end && strlen(device) < sizeof(d->device));
	d->start = start;
	d->end = end;
	strcpy(d->device, device);
	return d;
}

void resv_declared_publish(struct resv_declared *d)
{
	list_add_tail(&d->node, &resv_declared_list);
}

void resv_declared_withdraw(struct resv_declared *d)
{
	list_del(&d->node);
}

void resv_declared_free(struct resv_declared *d)
{
	HOLDS(!d->node.next);
	kfree(d);
}

int resv_declared_bind(struct resv_declared *d, struct iommu_group *group)
{
	d->group = group;
	return 0;
}

void resv_declared_unbind(struct resv_declared *d)
{
	d->group = NULL;
}

/* The guard of lists is installed. */
bool resv_declare_guard_get(struct iommu_group *group)
{
	HOLDS(!group || group == words_group());
	return true;
}

void resv_declare_guard_rest(void)
{
}

/* The caller frees the region after this, so it must have left the table first. */
void resv_declare_iommufd_wait(struct resv_declared *d)
{
	struct resv_declared *other;

	HOLDS(resv_declare_lock.held);
	resv_declared_for_each(other)
		HOLDS(other != d || d->of);
}

/* Each change begins and ends once, and not under the lock. */
static bool changing;

void resv_declare_change_begin(void)
{
	HOLDS(!changing && !resv_declare_lock.held);
	changing = true;
}

void resv_declare_change_end(void)
{
	HOLDS(changing && !resv_declare_lock.held);
	changing = false;
}

int resv_declared_stock(unsigned int more)
{
	return more ? 0 : -EINVAL;
}

void resv_declared_exit(void)
{
	struct resv_declared *d, *tmp;

	resv_declared_for_each_safe(d, tmp) {
		resv_declared_withdraw(d);
		resv_declared_free(d);
	}
	nr_by_device = 0;
}

/* The kernel's list of the group has the declared regions, unless words_lost. */
static void list_declared(void)
{
	struct resv_declared *d;
	struct resv_region r = { .type = RESV_RESERVED, .origin = RESV_ORIGIN_KERNEL };

	resv_set_free(&words_facts.taken);
	resv_set_init(&words_facts.taken);
	resv_declared_for_each(d) {
		if (words_lost)
			break;
		r.start = d->start;
		r.end = d->end;
		HOLDS(!resv_set_merge_one(&words_facts.taken, &r));
	}
}

int resv_group_change(struct kobject *kobj, const struct resv_group_change *change,
		      void *data)
{
	int ret;

	HOLDS(kobj == &words_kobject);
	ret = change->apply(&words_facts, data);
	if (ret)
		return ret;
	list_declared();
	return change->confirm(&words_facts, data);
}

/* These conditions hold for the table after any input. */
static void check_declared(void)
{
	const struct resv_declared *d, *other;
	unsigned int nr = 0;

	resv_declared_for_each(d) {
		const struct resv_facts *c = &words_facts;

		HOLDS(d->start <= d->end && d->end - d->start != ULLONG_MAX);
		nr += !d->group;
		/* "0000:0000" is the name of a device: no device has these ids. */
		HOLDS(!d->model == !(strlen(d->device) == 9 && d->device[4] == ':' &&
				     strspn(d->device, "0123456789abcdef") == 4 &&
				     strspn(d->device + 5, "0123456789abcdef") == 4 &&
				     strcmp(d->device, "0000:0000")));
		if (!d->group) {
			HOLDS(d->device[0] && !((d->start | (d->end + 1)) & 0xfff));
			resv_declared_for_each(other)
				HOLDS(other == d || strcmp(other->device, d->device) ||
				      other->end < d->start || other->start > d->end);
			continue;
		}
		HOLDS(!((d->start | (d->end + 1)) & (c->page - 1)));
		HOLDS(!c->aperture_known || (d->start >= c->aperture.start &&
					     d->end <= c->aperture.end));
		HOLDS(!check_regions(c, d));
		resv_declared_for_each(other)
			HOLDS(other == d || other->end < d->start || other->start > d->end);
	}
	HOLDS(nr <= MAX_BY_DEVICE);
	HOLDS(!resv_declare_lock.held);
	HOLDS(!changing);
}

static unsigned int count_declared(void)
{
	const struct resv_declared *d;
	unsigned int nr = 0;

	resv_declared_for_each(d)
		nr++;
	return nr;
}

/* Write to the file; if that succeeds, the same write must fail the second time. */
static void write_file(struct bytes *b)
{
	unsigned int nr = count_declared();
	struct change change = { 0 };
	size_t len;
	char *text = words_next(b, &len);
	ssize_t ret = declare_store(words_group(), text, len);

	words_answer(ret, len);
	if (ret >= 0) {
		HOLDS(strlen(text) == len && parse_change(text, &change));
		HOLDS(count_declared() == nr + (change.add ? 1 : -1U));
		HOLDS(!words_busy);
		ret = declare_store(words_group(), text, len);
		HOLDS(ret == (change.add ? -EEXIST : -ENOENT) || ret == -E2BIG);
	} else {
		HOLDS(count_declared() == nr);
	}
	free(text);
}

/* Read the file of the group: does it list the region? */
static bool is_shown(const struct resv_declared *d)
{
	char *text = malloc(PAGE_SIZE), line[64];
	bool found;

	HOLDS(text);
	text[0] = '\0';
	HOLDS(resv_declare_file.show(words_group(), text) == (ssize_t)strlen(text));
	scnprintf(line, sizeof(line), "add 0x%llx 0x%llx\n", d->start, d->end);
	found = strstr(text, line);
	free(text);
	return found;
}

/* Add a device of the model, and remove its region by the file of its group. */
static void come_and_remove(struct resv_declared *model)
{
	struct resv_declared *d = resv_declared_make("0000:00:03.0", model->start, model->end);
	char line[64];
	ssize_t ret;

	d->model = model->model;
	d->of = model;
	if (resv_declare_check(&words_facts, d)) {
		kfree(d);
		return;
	}
	d->group = words_group();
	list_add_tail(&d->node, &model->node);
	HOLDS(is_shown(d));
	scnprintf(line, sizeof(line), "remove 0x%llx 0x%llx", d->start, d->end);
	ret = declare_store(words_group(), line, strlen(line));
	words_answer(ret, strlen(line));
	HOLDS(words_busy ? ret == -EBUSY : ret > 0);
	HOLDS(d->removed == !words_busy && d->held == d->removed && !d->group == d->removed);
	HOLDS(is_shown(d) == words_busy);
	resv_declared_withdraw(d);
	resv_declared_unbind(d);
	resv_declared_free(d);
}

static void load(struct bytes *b)
{
	struct resv_declared *d;
	char *text, back[sizeof(declare_list) + 2];
	size_t len;
	int ret;

	text = words_next(b, &len);
	ret = param_declare->set(text, NULL);
	HOLDS(!ret == (strlen(text) < sizeof(declare_list)));
	if (!ret) {
		ret = resv_declare_init();
		HOLDS(!ret || !count_declared());
		if (ret)
			words_answer(ret, 0);
		param_declare->get(back, NULL);
	}
	check_declared();
	resv_declared_for_each(d)
		if (resv_declared_is_model(d))
			come_and_remove(d);
	check_declared();
	resv_declared_exit();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };

	words_make(&b);
	load(&b);
	while (b.left) {
		write_file(&b);
		check_declared();
	}
	resv_declared_exit();
	words_free();
	HOLDS(resv_declare_file.store == declare_store);
	return 0;
}
