// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the facts of another host. JSON must follow the schema: the command exits if a
 * member is missing or has another type, or if a text is one that this command would
 * not write.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <json-c/json.h>

#include "assign.h"
#include "hostfile.h"
#include "tar.h"
#include "words.h"
#include "xalloc.h"

/* A host with 1,000 groups needs 4 MiB. */
#define FILE_MAX	(16 * 1024 * 1024)
#define TEXT_MAX	256
/* More than any host has; limits the time that a file can cost. */
#define GROUPS_MAX	20000
#define ITEMS_MAX	10000

/* Exit: member @key is invalid. */
__attribute__((noreturn)) static void wrong(const struct hostfile *h, const char *key)
{
	vm_fail("%s: '%s' is missing or invalid; make the file with 'iommu-resv --json'",
		h->path, key);
}

/* Member @key, which is of @type or null; NULL for null */
static struct json_object *member(const struct hostfile *h, struct json_object *in,
				  const char *key, enum json_type type)
{
	struct json_object *found;

	if (!json_object_object_get_ex(in, key, &found) ||
	    (found && !json_object_is_type(found, type)))
		wrong(h, key);
	return found;
}

static struct json_object *needed(const struct hostfile *h, struct json_object *in,
				  const char *key, enum json_type type)
{
	struct json_object *found = member(h, in, key, type);

	if (!found)
		wrong(h, key);
	return found;
}

/* Printable, so that a terminal can show it; NULL for null */
static const char *text(const struct hostfile *h, struct json_object *in, const char *key)
{
	struct json_object *found = member(h, in, key, json_type_string);
	const char *s = found ? json_object_get_string(found) : NULL;
	size_t i;

	if (!s)
		return NULL;
	for (i = 0; s[i]; i++)
		if (s[i] < ' ' || s[i] > '~')
			wrong(h, key);
	if (!i || i > TEXT_MAX || (size_t)json_object_get_string_len(found) != i)
		wrong(h, key);
	return s;
}

static const char *needed_text(const struct hostfile *h, struct json_object *in,
			       const char *key)
{
	const char *s = text(h, in, key);

	if (!s)
		wrong(h, key);
	return s;
}

static char *name(const struct hostfile *h, struct json_object *in, const char *key)
{
	const char *s = needed_text(h, in, key);

	if (!word_is_name(s))
		wrong(h, key);
	return xstrdup(s);
}

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static enum answer answer(const struct hostfile *h, struct json_object *in, const char *key)
{
	struct json_object *found = member(h, in, key, json_type_boolean);

	if (!found)
		return ANSWER_UNKNOWN;
	return json_object_get_boolean(found) ? ANSWER_YES : ANSWER_NO;
}

static struct range range(const struct hostfile *h, struct json_object *in)
{
	struct range r;

	if (!in || !json_object_is_type(in, json_type_object) ||
	    !word_hex(needed_text(h, in, "start"), 1, &r.start) ||
	    !word_hex(needed_text(h, in, "end"), 1, &r.end) || r.end < r.start)
		wrong(h, "start, end");
	return r;
}

static struct json_object *item(const struct hostfile *h, struct json_object *array,
				size_t i, const char *key)
{
	struct json_object *found = json_object_array_get_idx(array, i);

	if (!found || !json_object_is_type(found, json_type_object))
		wrong(h, key);
	return found;
}

/* Member @key, with no more than @max items */
static struct json_object *list(const struct hostfile *h, struct json_object *in,
				const char *key, size_t max)
{
	struct json_object *found = needed(h, in, key, json_type_array);

	if (json_object_array_length(found) > max)
		vm_fail("%s: '%s' has more items than a host can have", h->path, key);
	return found;
}

/* 0x and four digits; NULL for null */
static char *id(const struct hostfile *h, struct json_object *in, const char *key)
{
	const char *s = text(h, in, key);
	uint64_t value;

	if (s && (strlen(s) != 6 || !word_hex(s, 4, &value)))
		wrong(h, key);
	return copy(s);
}

static unsigned int number(const struct hostfile *h, struct json_object *in,
			   const char *key)
{
	int64_t value = json_object_get_int64(needed(h, in, key, json_type_int));

	if (value < 0 || value > INT_MAX)
		wrong(h, key);
	return (unsigned int)value;
}

static void read_devices(const struct hostfile *h, struct json_object *in, struct group *g)
{
	struct json_object *array = list(h, in, "devices", ITEMS_MAX);
	size_t i, nr = json_object_array_length(array);

	for (i = 0; i < nr; i++) {
		struct json_object *d = item(h, array, i, "devices");

		g->devices = xreallocarray(g->devices, i + 1, sizeof(*g->devices));
		g->nr_devices = i + 1;
		g->devices[i] = (struct device) {
			.name = xstrdup(needed_text(h, d, "device")),
			.vendor = id(h, d, "vendor_id"),
			.model = id(h, d, "device_id"),
		};
	}
}

static void read_regions(const struct hostfile *h, struct json_object *in, struct group *g)
{
	struct json_object *array = list(h, in, "regions", ITEMS_MAX);
	size_t i, nr = json_object_array_length(array);

	for (i = 0; i < nr; i++) {
		struct json_object *r = item(h, array, i, "regions");
		enum answer added = answer(h, r, "added");
		enum answer enforced = answer(h, r, "enforced");

		g->regions = xreallocarray(g->regions, i + 1, sizeof(*g->regions));
		g->nr_regions = i + 1;
		g->regions[i] = (struct region) {
			.at = range(h, r),
			.type = name(h, r, "type"),
			.origin = name(h, r, "origin"),
			.device = copy(text(h, r, "device")),
			.told = added != ANSWER_UNKNOWN && enforced != ANSWER_UNKNOWN,
			.added = added == ANSWER_YES,
			.enforced = enforced == ANSWER_YES,
			.ht_ignore = json_object_object_get_ex(r, "ht_ignore", NULL) &&
				     answer(h, r, "ht_ignore") == ANSWER_YES,
		};
	}
}

static void read_usable(const struct hostfile *h, struct json_object *in, struct group *g)
{
	struct json_object *array = member(h, in, "usable", json_type_array);
	size_t i, nr;

	if (array)
		array = list(h, in, "usable", ITEMS_MAX);
	nr = array ? json_object_array_length(array) : 0;
	g->usable_known = array != NULL;
	g->usable.r = xreallocarray(NULL, nr + 1, sizeof(*g->usable.r));
	for (i = 0; i < nr; i++) {
		g->usable.r[i] = range(h, item(h, array, i, "usable"));
		if (i && g->usable.r[i].start <= g->usable.r[i - 1].end)
			wrong(h, "usable");
	}
	g->usable.nr = nr;
}

static void read_msi(const struct hostfile *h, struct json_object *in, struct group *g)
{
	struct json_object *window = needed(h, in, "msi_window", json_type_object);
	const char *isolation = text(h, in, "msi_isolation");
	const char *state = needed_text(h, window, "state");

	if (isolation && !word_among(isolation, "isolated", "unsafe") &&
	    strcmp(isolation, "unknown"))
		wrong(h, "msi_isolation");
	g->msi_isolation = copy(isolation);
	if (word_among(state, "kernel", "moved") || !strcmp(state, "auto")) {
		g->window_state = WINDOW_THERE;
		g->window = range(h, window);
	} else if (!strcmp(state, "none")) {
		g->window_state = WINDOW_NONE;
	} else if (strcmp(state, "unknown")) {
		wrong(h, "state");
	}
}

static void read_group(struct hostfile *h, struct json_object *in)
{
	struct json_object *aperture = member(h, in, "aperture", json_type_object);
	struct json_object *refused = member(h, in, "refused", json_type_object);
	struct group *g;
	size_t nr = h->groups.nr;

	h->groups.g = xreallocarray(h->groups.g, nr + 1, sizeof(*g));
	h->assignable = xreallocarray(h->assignable, nr + 1, sizeof(*h->assignable));
	g = &h->groups.g[nr];
	*g = (struct group) { .id = number(h, in, "group") };
	h->groups.nr++;
	g->has_facts = !strcmp(needed_text(h, in, "source"), "module");
	read_devices(h, in, g);
	read_regions(h, in, g);
	read_usable(h, in, g);
	read_msi(h, in, g);
	if (aperture) {
		g->aperture_known = true;
		g->aperture = range(h, aperture);
	}
	if (refused) {
		const char *by = text(h, refused, "by");

		g->refused.known = true;
		g->refused.by_vfio = by && !strcmp(by, "vfio");
	}
	if (g->has_facts)
		group_find_checks(g);
	h->assignable[nr] = answer(h, in, "assignable");
}

static void read_cpu(struct hostfile *h, struct json_object *in)
{
	struct json_object *cpu = needed(h, in, "cpu", json_type_object);
	const char *vendor = text(h, cpu, "vendor"), *arch = text(h, in, "architecture");

	if (vendor)
		h->cpu.vendor = !strcmp(vendor, "amd") ? VENDOR_AMD :
				!strcmp(vendor, "intel") ? VENDOR_INTEL : VENDOR_OTHER;
	if (member(h, cpu, "address_bits", json_type_int)) {
		h->cpu.phys_bits = number(h, cpu, "address_bits");
		if (h->cpu.phys_bits < 32 || h->cpu.phys_bits > 57)
			wrong(h, "address_bits");
	}
	h->cpu.arm = arch && !strcmp(arch, "aarch64");
}

static void read_document(struct hostfile *h, struct json_object *in)
{
	struct json_object *groups;
	size_t i;

	if (!in || !json_object_is_type(in, json_type_object))
		wrong(h, "schema");
	if (strcmp(needed_text(h, in, "schema"), "iommu-resv/1"))
		wrong(h, "schema");
	if (strcmp(needed_text(h, in, "report"), "groups"))
		vm_fail("%s: not a report on groups; make the file with 'iommu-resv --json' or 'iommu-resv --json show DEVICE'",
			h->path);
	read_cpu(h, in);
	h->complete = answer(h, in, "complete") == ANSWER_YES;
	groups = list(h, in, "groups", GROUPS_MAX);
	for (i = 0; i < json_object_array_length(groups); i++)
		read_group(h, item(h, groups, i, "groups"));
}

static void parse(struct hostfile *h, const char *content, size_t len)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *document;
	enum json_tokener_error error;

	if (!tokener)
		errx(EXIT_TROUBLE, "cannot allocate memory");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	/* The last byte ends numbers, and is a 0. */
	document = json_tokener_parse_ex(tokener, content, (int)len + 1);
	error = json_tokener_get_error(tokener);
	json_tokener_free(tokener);
	if (error != json_tokener_success) {
		json_object_put(document);
		vm_fail("%s: not JSON (%s); make the file with 'iommu-resv --json'", h->path,
			error == json_tokener_continue ? "it ends too early" :
			json_tokener_error_desc(error));
	}
	read_document(h, document);
	json_object_put(document);
}

/* Standard input is "-". */
static void read_json(struct hostfile *h, int fd)
{
	size_t len = 0, room = 65536;
	char *content = xmalloc(room);
	ssize_t n;

	while ((n = read(fd, content + len, room - len - 1)) > 0) {
		len += (size_t)n;
		if (len > FILE_MAX)
			vm_fail("%s: larger than 16 MiB, not a document of iommu-resv", h->path);
		if (room - len < 2) {
			room *= 2;
			content = xreallocarray(content, room, 1);
		}
	}
	if (n < 0)
		vm_fail("%s: %s", h->path, strerror(errno));
	content[len] = '\0';
	if (strlen(content) != len)
		vm_fail("%s: not JSON (it has a null byte); make the file with 'iommu-resv --json'",
			h->path);
	parse(h, content, len);
	free(content);
}

/* Read the same facts from a copy of its sysfs as from its JSON */
static void read_sysfs(const struct control *ctl, const char *dir, struct hostfile *h)
{
	struct control there = *ctl;
	struct obstacles found;
	size_t i;

	there.sysfs = dir;
	there.gaps = false;
	host_read(&there, &h->cpu);
	if (groups_read(&there, NULL, &h->groups))
		vm_fail("%s: has no IOMMU groups; make it with 'iommu-resv save'", h->path);
	groups_refused(&there, &h->groups);
	groups_details(&there, &h->groups);
	h->complete = !there.gaps;
	h->assignable = xreallocarray(NULL, h->groups.nr + 1, sizeof(*h->assignable));
	for (i = 0; i < h->groups.nr; i++) {
		obstacles_find(&there, &h->groups.g[i], NULL, &found);
		h->assignable[i] = found.nr ? ANSWER_NO :
				   found.unknown ? ANSWER_UNKNOWN : ANSWER_YES;
		obstacles_free(&found);
	}
}

static bool is_archive(int fd)
{
	char magic[5];

	return pread(fd, magic, sizeof(magic), 257) == sizeof(magic) &&
	       !memcmp(magic, "ustar", sizeof(magic));
}

/**
 * hostfile_read() - read a host; exits if that fails
 * @ctl: options
 * @path: a file of --json or save, or a folder as for --sysfs
 * @h: to fill; hostfile_free() it
 */
void hostfile_read(const struct control *ctl, const char *path, struct hostfile *h)
{
	bool is_stdin = !strcmp(path, "-");
	struct stat st;
	int fd;

	*h = (struct hostfile) { .path = is_stdin ? "standard input" : path };
	fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		vm_fail("%s: %s", h->path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		read_sysfs(ctl, path, h);
	else if (is_archive(fd))
		read_sysfs(ctl, tar_unpack(path), h);
	else
		read_json(h, fd);
	if (!is_stdin)
		close(fd);
}

/**
 * hostfile_free() - free what hostfile_read() has filled
 * @h: the host
 */
void hostfile_free(struct hostfile *h)
{
	groups_free(&h->groups);
	free(h->assignable);
}
