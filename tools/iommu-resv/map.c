// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv map: draw the address space of the host and of a guest. */
#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "features.h"
#include "format.h"
#include "picture.h"
#include "replace.h"

static bool is_svg(const char *word)
{
	size_t len = strlen(word);

	return len > strlen(".svg") && !strcmp(word + len - strlen(".svg"), ".svg");
}

/* A word like out.png, but not a platform device, which can have such a name */
static bool is_other_file(const struct control *ctl, const char *word)
{
	const char *dot = strrchr(word, '.');
	unsigned int id;

	return (strchr(word, '/') || (dot && isalpha((unsigned char)dot[1]))) &&
	       !group_of(ctl, word, &id);
}

/* The last word may be a file; returns it, or NULL. */
static const char *find_file(const struct control *ctl, int *argc, char **argv)
{
	int i;

	if (*argc && is_svg(argv[*argc - 1]))
		return argv[--*argc];
	for (i = 0; i < *argc; i++) {
		if (is_svg(argv[i]))
			errx(EXIT_TROUBLE, "give '%s' as the last word", argv[i]);
		if (is_other_file(ctl, argv[i]))
			errx(EXIT_TROUBLE, "'%s' is not a device; to write a file, give it a name that ends in .svg",
			     argv[i]);
	}
	return NULL;
}

/* If facts are missing keep the file, because an incomplete picture misleads. */
static int write_svg(const struct control *ctl, const struct picture *p, const char *file)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int ret;

	if (ctl->gaps) {
		warnx("%s is unchanged, because something could not be read", file);
		return EXIT_TROUBLE;
	}
	out = open_memstream(&text, &len);
	if (!out)
		err(EXIT_TROUBLE, "cannot write");
	picture_svg(ctl, p, out);
	if (fclose(out))
		err(EXIT_TROUBLE, "cannot write");
	ret = replace_file(file, text, len, 0644);
	free(text);
	return ret;
}

static int show(struct control *ctl, const struct shown *s, const char *file)
{
	struct picture p;
	size_t i;

	for (i = 0; i < s->groups->nr; i++)
		say_inert(ctl, &s->groups->g[i]);
	picture_make(ctl, s, &p);
	if (file)
		return write_svg(ctl, &p, file);
	picture_draw(ctl, &p);
	return EXIT_OK;
}

static int map_groups(struct control *ctl, int argc, char **argv, const char *file)
{
	struct groups groups;
	struct shown s = { .groups = &groups };
	int ret;

	if (!argc)
		errx(EXIT_TROUBLE, "which device? Give its name or the number of a group, or a VM with --vm");
	ret = groups_find(ctl, NULL, argc, argv, &groups);
	if (!ret) {
		say_not_loaded(ctl);
		ret = show(ctl, &s, file);
	}
	groups_free(&groups);
	return ret;
}

/* The answer is that of check --vm. */
static int map_vm(struct control *ctl, int argc, char **argv, const char *file)
{
	struct guest_map m;
	struct vm_verdict v;
	struct guest g;
	struct shown s = { &v.groups, &g, &m, &v };
	int i, ret;

	vm_read_guest(ctl, &g);
	for (i = 0; i < argc; i++)
		guest_device(&g, argv[i], true);
	if (!g.nr_devices)
		vm_fail("no device is passed through to this VM: name one of this host, as in 'map DEVICE --vm FILE'");
	guest_map(&g, &m);
	verdict_make(ctl, &g, &m, &v);
	ret = show(ctl, &s, file) ?: vm_exit(verdict_worst(&v));
	verdict_free(&v);
	return ret;
}

int cmd_map(struct control *ctl, int argc, char **argv)
{
	const char *file;
	int ret;

	if (ctl->json)
		errx(EXIT_TROUBLE, "map has no JSON: '--json show' and '--json check --vm' have the same facts");
	file = find_file(ctl, &argc, argv);
	ret = ctl->vm ? map_vm(ctl, argc, argv, file) : map_groups(ctl, argc, argv, file);
	keep_free();
	return ret;
}
