// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommu-resv advise: what to set for DPDK or SPDK, which map their memory at its
 * virtual addresses and use every device that VFIO has, unless the command line says
 * otherwise. A program has one container, so its memory must be usable for all its
 * devices.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "format.h"
#include "json.h"
#include "modules.h"
#include "no_groups.h"
#include "origin.h"
#include "range.h"
#include "remedy.h"
#include "xalloc.h"

/* Default of vfio_iommu_type1, used while it is not loaded */
#define ENTRIES		65535
#define HUGE_PAGE	(UINT64_C(2) << 20)

/**
 * struct program - a program for which there is advice
 * @name: its name on the command line
 * @allow: its option that names a device
 * @others: text: which devices it uses without that option
 * @mode: text: why to set the IOVA mode
 * @base: text: why to set the base address of its memory
 */
static const struct program {
	const char *name;
	const char *allow;
	const char *others;
	const char *mode;
	const char *base;
} programs[] = {
	{ "dpdk", "-a",
	  "without a list DPDK uses all devices that are bound to VFIO (before 20.11 the option is -w):",
	  "let the devices use the process's virtual addresses, which the IOMMU translates; physical addresses need root:",
	  "put its memory where all these groups can map it; DPDK's default, 0x100000000, need not be such a place:" },
	{ "spdk", "-A",
	  "without a list SPDK uses all devices that are bound to VFIO (before 21.01 the option is -W):",
	  "let the devices use the process's virtual addresses, which the IOMMU translates; SPDK uses physical addresses, which need root, where it sees no IOMMU of 48 bits:",
	  "put its memory where all these groups can map it; SPDK's default, 0x200000000000, needs 46 address bits:" },
};

/**
 * struct advice - the answer
 * @ctl: options
 * @program: the program
 * @groups: groups of the devices
 * @given: the devices that the program gets
 * @known: @has_room is valid
 * @has_room: there is a place for the program's memory
 * @room: that place
 * @obstructed: VFIO would refuse one of the groups
 * @unknown: for one of the groups it is not known whether VFIO would refuse it
 * @all: what to do
 */
struct advice {
	struct control *ctl;
	const struct program *program;
	struct groups groups;
	struct words given;
	bool known;
	bool has_room;
	struct range room;
	bool obstructed;
	bool unknown;
	struct remedies all;
};

static const struct program *find_program(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (!strcmp(programs[i].name, name))
			return &programs[i];
	errx(EXIT_TROUBLE, "advise is for dpdk or spdk, not '%s'", name);
}

/*
 * A word that is not a device is a group number: all devices of that group except
 * bridges.
 */
static void find_given(struct advice *a, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		char *name = device_name(argv[i]);
		bool whole = !name[strspn(name, "0123456789")];
		unsigned int id;
		size_t g, d;

		for (g = 0; g < a->groups.nr; g++) {
			const struct group *group = &a->groups.g[g];

			for (d = 0; d < group->nr_devices; d++) {
				const struct device *device = &group->devices[d];
				bool is = whole ? group_of(a->ctl, name, &id) && id == group->id &&
						  (!device->class || strncmp(device->class, "0x06", 4)) &&
						  (!device->driver || strcmp(device->driver, "pcieport")) :
						  !strcmp(name, device->name);

				if (is && !words_have(&a->given, device->name))
					words_add(&a->given, keep_string(device->name));
			}
		}
		free(name);
	}
}

static void find_room(struct advice *a)
{
	struct ranges common = { 0 };
	size_t i;

	common.r = xreallocarray(NULL, 1, sizeof(*common.r));
	common.r[common.nr++] = (struct range) { 0, UINT64_MAX };
	a->known = a->groups.nr != 0;
	for (i = 0; i < a->groups.nr; i++) {
		a->known &= a->groups.g[i].usable_known;
		ranges_intersect(&common, &a->groups.g[i].usable);
	}
	a->has_room = a->known && remedy_room(&common, &a->room);
	free(common.r);
}

/* The user who starts the program binds these devices to VFIO's driver. */
static void obstacles_of(const struct advice *a, const struct group *g, struct obstacles *found)
{
	const char *given = "";
	size_t i, nr = 0;

	for (i = 0; i < g->nr_devices; i++)
		if (words_have(&a->given, g->devices[i].name))
			given = g->devices[i].name;
	obstacles_find(a->ctl, g, given, found);
	for (i = 0; i < found->nr; i++)
		if (found->o[i].kind != OBSTACLE_DRIVER ||
		    !words_have(&a->given, found->o[i].device->name))
			found->o[nr++] = found->o[i];
	found->nr = nr;
}

static void add_mode(struct advice *a)
{
	words_add(&remedy_add(&a->all, a->program->mode)->set, keep_string("--iova-mode=va"));
	if (a->has_room)
		words_add(&remedy_add(&a->all, a->program->base)->set,
			  keep_printf("--base-virtaddr=0x%" PRIx64, a->room.start));
}

static void add_allowed(struct advice *a)
{
	struct remedy *r = remedy_add(&a->all, a->program->others);
	size_t i;

	for (i = 0; i < a->given.nr; i++)
		words_add(&r->set, keep_printf("%s %s", a->program->allow, a->given.w[i]));
}

static void add_limits(struct advice *a)
{
	uint64_t entries = vfio_entry_limit(a->ctl) ?: ENTRIES;
	struct range reach = { 0, entries * HUGE_PAGE - 1 };
	struct remedy *r;
	char *size;

	if (a->has_room) {
		size = format_size(a->ctl, &a->room, 1);
		remedy_add(&a->all, keep_printf("there is room for %s of memory there, 0x%" PRIx64 "-0x%" PRIx64 ", and no more",
						size, a->room.start, a->room.end));
		free(size);
	}
	r = remedy_add(&a->all, "the program locks all its memory: unless it runs as root, this limit must be larger than that memory, in its shell or in its systemd unit:");
	words_add(&r->set, keep_string("ulimit -l unlimited"));
	words_add(&r->set, keep_string("LimitMEMLOCK=infinity"));
	size = format_size(a->ctl, &reach, 1);
	r = remedy_add(&a->all, keep_printf("VFIO allows %" PRIu64 " maps, which is %s in huge pages of 2 MiB, because DPDK maps each page separately; for more memory use pages of 1 GiB, or raise that limit:",
					    entries, size));
	words_add(&r->set, keep_printf("echo %" PRIu64 " > /sys/module/vfio_iommu_type1/parameters/dma_entry_limit",
				       2 * entries));
	free(size);
}

/* The arguments for the program, one word each */
static void find_arguments(const struct advice *a, struct words *arguments)
{
	size_t i, k;

	for (i = 0; i < a->all.nr; i++)
		for (k = 0; k < a->all.r[i].set.nr; k++) {
			const char *set = a->all.r[i].set.w[k];
			size_t len = strcspn(set, " ");

			if (*set != '-')
				continue;
			words_add(arguments, keep_part(set, len));
			if (set[len])
				words_add(arguments, keep_string(set + len + 1));
		}
}

static void json_words(struct json *j, const char *key, const struct words *words)
{
	size_t i;

	json_open(j, key, '[');
	for (i = 0; i < words->nr; i++)
		json_string(j, NULL, words->w[i]);
	json_close(j, ']');
}

static void json_groups_of(struct json *j, const struct advice *a)
{
	struct obstacles found;
	size_t i, k;

	json_open(j, "groups", '[');
	for (i = 0; i < a->groups.nr; i++) {
		const struct group *g = &a->groups.g[i];

		json_open(j, NULL, '{');
		json_number(j, "group", g->id);
		json_open(j, "devices", '[');
		for (k = 0; k < g->nr_devices; k++)
			json_string(j, NULL, g->devices[k].name);
		json_close(j, ']');
		obstacles_of(a, g, &found);
		json_obstacles(j, &found);
		obstacles_free(&found);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void json_advice(const struct advice *a, const struct words *arguments)
{
	struct json j = { 0 };
	size_t i;

	json_report(a->ctl, &j, "advise");
	json_bool(&j, "module_loaded", a->ctl->loaded);
	json_bool(&j, "complete", !a->ctl->gaps);
	json_string(&j, "program", a->program->name);
	json_words(&j, "devices", &a->given);
	json_groups_of(&j, a);
	json_string(&j, "iova_mode", a->all.nr ? "va" : NULL);
	if (a->has_room) {
		json_address(&j, "base_virtaddr", a->room.start);
		json_size(&j, "memory_max", a->room.end - a->room.start);
	} else {
		json_null(&j, "base_virtaddr");
		json_null(&j, "memory_max");
	}
	json_words(&j, "arguments", arguments);
	json_open(&j, "advice", '[');
	for (i = 0; i < a->all.nr; i++) {
		json_open(&j, NULL, '{');
		json_string(&j, "text", a->all.r[i].text);
		json_words(&j, "set", &a->all.r[i].set);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

static void print_obstacles(const struct advice *a, const struct group *g)
{
	struct obstacles found;
	size_t i;

	obstacles_of(a, g, &found);
	printf("Group %u: %s\n", g->id, found.nr ? "VFIO does not give it to a program" :
	       found.unknown ? "whether VFIO gives it to a program is known only after trying" :
			       "VFIO gives it to a program");
	for (i = 0; i < found.nr; i++) {
		char *text = obstacle_text(&found.o[i]);

		print_wrapped("  ", text);
		free(text);
	}
	obstacles_free(&found);
}

static void print_advice(const struct advice *a, const struct words *arguments)
{
	size_t i;

	for (i = 0; i < a->groups.nr; i++)
		print_obstacles(a, &a->groups.g[i]);
	if (!a->all.nr)
		return;
	putchar('\n');
	remedies_print(&a->all);
	putchar('\n');
	fputs("In one line:\n   ", stdout);
	for (i = 0; i < arguments->nr; i++)
		printf(" %s", arguments->w[i]);
	putchar('\n');
}

static int judge(struct advice *a)
{
	struct obstacles found;
	size_t i;

	for (i = 0; i < a->groups.nr; i++) {
		obstacles_of(a, &a->groups.g[i], &found);
		a->obstructed |= found.nr != 0;
		a->unknown |= found.unknown;
		obstacles_free(&found);
	}
	if (a->known && !a->has_room)
		warnx("no memory of a program can be mapped for all these devices: nothing above 4 GiB is usable");
	else if (a->groups.nr && !a->known)
		warnx("where memory can be mapped is not known: %s",
		      a->ctl->loaded ? "the kernel reports it once a device is attached" :
				       "load the module iommu_resv");
	return a->obstructed || (a->known && !a->has_room) ? EXIT_NO :
	       a->known ? EXIT_OK : EXIT_TROUBLE;
}

int cmd_advise(struct control *ctl, int argc, char **argv)
{
	struct advice a = { .ctl = ctl };
	struct words arguments = { 0 };
	int ret, code;

	if (argc < 2)
		errx(EXIT_TROUBLE, "advise takes dpdk or spdk, and the devices for it");
	a.program = find_program(argv[0]);
	ret = groups_find(ctl, NULL, argc - 1, argv + 1, &a.groups);
	ctl->gaps |= ret != 0;
	if (a.groups.nr)
		say_not_loaded(ctl);
	groups_details(ctl, &a.groups);
	find_given(&a, argc - 1, argv + 1);
	find_room(&a);
	code = judge(&a);
	if (a.given.nr && (a.has_room || !a.known) && !a.obstructed) {
		add_mode(&a);
		add_allowed(&a);
		add_limits(&a);
	}
	find_arguments(&a, &arguments);
	if (ctl->json)
		json_advice(&a, &arguments);
	else
		print_advice(&a, &arguments);
	keep_free();
	groups_free(&a.groups);
	return ret ?: code;
}
