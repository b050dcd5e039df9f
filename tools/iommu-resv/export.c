// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommu-resv export: the facts for Node Feature Discovery, Prometheus and Ansible.
 * Incomplete facts do not replace a file.
 */
#include <ctype.h>
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "assign.h"
#include "features.h"
#include "format.h"
#include "install.h"
#include "names.h"
#include "no_groups.h"
#include "replace.h"
#include "xalloc.h"

/* NFD ignores longer files. */
#define NFD_MAX		(64 * 1024)
/* Longer than the interval of the timer. */
#define NFD_VALID	3600

/**
 * struct verdict - can a group be given to a guest?
 * @reason: "" if it can; else what is in the way, as in list, but in lower case
 */
struct verdict {
	char reason[16];
};

/**
 * struct facts - what is exported
 * @ctl: options
 * @groups: all groups
 * @verdicts: one for each of them
 * @bits: fewest address bits of a group, 0 if none is known
 * @isolated: interrupts of all groups are isolated: 1, 0, or -1 if that is not known
 * @blocked: number of groups that an RMRR keeps from every guest
 * @ht: a HyperTransport hole is there
 */
struct facts {
	struct control *ctl;
	struct groups groups;
	struct verdict *verdicts;
	unsigned int bits;
	int isolated;
	unsigned int blocked;
	bool ht;
};

/* 1, 0, or -1 if it is not known */
static int is_isolated(const struct group *g)
{
	if (!g->msi_isolation || !strcmp(g->msi_isolation, "unknown"))
		return -1;
	return !strcmp(g->msi_isolation, "isolated");
}

static void judge(const struct facts *f, const struct group *g, struct verdict *verdict)
{
	struct obstacles found;
	const char *word;
	size_t i;

	obstacles_find(f->ctl, g, NULL, &found);
	word = obstacles_word(&found);
	obstacles_free(&found);
	if (!strcmp(word, "yes"))
		word = "";
	else if (!strcmp(word, "-"))
		word = "unknown";
	for (i = 0; word[i] && i < sizeof(verdict->reason) - 1; i++)
		verdict->reason[i] = (char)tolower((unsigned char)word[i]);
	verdict->reason[i] = '\0';
}

static void add_group(struct facts *f, const struct group *g, struct verdict *verdict)
{
	int isolated = is_isolated(g);
	size_t i;

	judge(f, g, verdict);
	f->blocked += !strcmp(verdict->reason, "rmrr");
	/*
	 * One group that is not isolated decides, otherwise one whose isolation is
	 * unknown.
	 */
	if (g->nr_devices && (!isolated || (isolated < 0 && f->isolated)))
		f->isolated = isolated;
	if (g->aperture_known && (!f->bits || format_bits(&g->aperture) < f->bits))
		f->bits = format_bits(&g->aperture);
	for (i = 0; i < g->nr_regions; i++)
		f->ht |= !strcmp(g->regions[i].origin, "ht");
}

static int facts_read(struct facts *f)
{
	struct names *names = names_open(f->ctl);
	int ret = groups_read(f->ctl, names, &f->groups);
	size_t i;

	names_close(names);
	if (f->groups.nr)
		say_not_loaded(f->ctl);
	else if (!ret)
		say_no_groups(f->ctl);
	f->ctl->gaps |= ret != 0;
	groups_refused(f->ctl, &f->groups);
	f->isolated = f->groups.nr ? 1 : -1;
	f->verdicts = xreallocarray(NULL, f->groups.nr + 1, sizeof(*f->verdicts));
	for (i = 0; i < f->groups.nr; i++)
		add_group(f, &f->groups.g[i], &f->verdicts[i]);
	return ret;
}

static void facts_free(struct facts *f)
{
	free(f->verdicts);
	groups_free(&f->groups);
}

/* Devices of one kind: one that can be given to a guest is enough. */
struct kind {
	const char *ids;
	const char *reason;
};

static int by_kind(const void *va, const void *vb)
{
	const struct kind *a = va, *b = vb;

	return strcmp(a->ids, b->ids) ?: strcmp(a->reason, b->reason);
}

static struct kind *find_kinds(const struct facts *f, size_t *nr)
{
	struct kind *kinds = NULL;
	size_t i, k;

	*nr = 0;
	for (i = 0; i < f->groups.nr; i++) {
		const struct group *g = &f->groups.g[i];

		kinds = xreallocarray(kinds, *nr + g->nr_devices + 1, sizeof(*kinds));
		for (k = 0; k < g->nr_devices; k++)
			if (g->devices[k].ids)
				kinds[(*nr)++] = (struct kind) {
					g->devices[k].ids, f->verdicts[i].reason,
				};
	}
	if (*nr)
		qsort(kinds, *nr, sizeof(*kinds), by_kind);
	return kinds;
}

static void nfd_expiry(FILE *out)
{
	struct timespec now;
	struct tm utc;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += NFD_VALID;
	gmtime_r(&now.tv_sec, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	fprintf(out, "# +expiry-time=%s\n", text);
}

static void write_nfd(const struct facts *f, FILE *out)
{
	static const char prefix[] = "iommu-resv.io/";
	struct kind *kinds;
	size_t i, nr;

	nfd_expiry(out);
	if (f->bits)
		fprintf(out, "%saperture-bits=%u\n", prefix, f->bits);
	if (f->isolated >= 0)
		fprintf(out, "%smsi-isolated=%s\n", prefix, f->isolated ? "true" : "false");
	fprintf(out, "%srmrr-blocked=%u\n", prefix, f->blocked);
	fprintf(out, "%sht-hole=%s\n", prefix, f->ht ? "true" : "false");
	kinds = find_kinds(f, &nr);
	if (nr)
		fputs("# +no-label\n", out);
	/* "" sorts first, so that the best of a kind is its first. */
	for (i = 0; i < nr; i++)
		if (!i || strcmp(kinds[i].ids, kinds[i - 1].ids))
			fprintf(out, "%spci-%.4s-%.4s=%s\n", prefix, kinds[i].ids,
				kinds[i].ids + 5,
				*kinds[i].reason ? kinds[i].reason : "assignable");
	free(kinds);
	if (ftell(out) > NFD_MAX)
		errx(EXIT_TROUBLE, "more than 64 KiB, and NFD ignores longer files: too many kinds of devices");
}

static void metric(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP iommu_resv_%s %s\n# TYPE iommu_resv_%s %s\n", name, help,
		name, type);
}

static void label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*value == '"' || *value == '\\')
			putc('\\', out);
		putc(*value, out);
	}
	putc('"', out);
}

static void usable_bytes(const struct facts *f, const struct group *g, FILE *out)
{
	struct control bytes = *f->ctl;
	char *size;

	if (!g->usable_known)
		return;
	bytes.bytes = true;
	size = format_size(&bytes, g->usable.r, g->usable.nr);
	fprintf(out, "iommu_resv_group_usable_bytes{group=\"%u\"} %s\n", g->id, size);
	free(size);
}

static void device_info(const struct group *g, FILE *out)
{
	size_t i;

	for (i = 0; i < g->nr_devices; i++) {
		fprintf(out, "iommu_resv_group_device_info{group=\"%u\",", g->id);
		label(out, "device", g->devices[i].name);
		putc(',', out);
		label(out, "driver", g->devices[i].driver ?: "");
		fputs("} 1\n", out);
	}
}

static void inert_line(const char *feature, void *data)
{
	fprintf(data, "iommu_resv_feature_inert{feature=\"%s\"} 1\n", feature);
}

static void write_prometheus(const struct facts *f, FILE *out)
{
	const struct groups *groups = &f->groups;
	size_t i;

	metric(out, "group_usable_bytes", "gauge", "Bytes that VFIO can map for a group.");
	for (i = 0; i < groups->nr; i++)
		usable_bytes(f, &groups->g[i], out);
	metric(out, "group_device_info", "gauge", "Devices of a group and their drivers.");
	for (i = 0; i < groups->nr; i++)
		device_info(&groups->g[i], out);
	metric(out, "group_assignable", "gauge",
	       "Whether a group can be given to a guest, and why not.");
	for (i = 0; i < groups->nr; i++)
		if (strcmp(f->verdicts[i].reason, "unknown"))
			fprintf(out, "iommu_resv_group_assignable{group=\"%u\",reason=\"%s\"} %d\n",
				groups->g[i].id, f->verdicts[i].reason,
				!*f->verdicts[i].reason);
	metric(out, "group_msi_isolated", "gauge",
	       "Whether devices of a group can raise only interrupts of their own.");
	for (i = 0; i < groups->nr; i++)
		if (is_isolated(&groups->g[i]) >= 0)
			fprintf(out, "iommu_resv_group_msi_isolated{group=\"%u\"} %d\n",
				groups->g[i].id, is_isolated(&groups->g[i]));
	metric(out, "refused_maps_total", "counter", "Maps and attaches that VFIO or the module has refused.");
	for (i = 0; i < groups->nr; i++)
		if (groups->g[i].refused.known)
			fprintf(out, "iommu_resv_refused_maps_total{group=\"%u\"} %" PRIu64 "\n",
				groups->g[i].id, groups->g[i].refused.count);
	metric(out, "feature_inert", "gauge", "Features that are inert on this kernel.");
	features_inert(f->ctl, inert_line, out);
}

/* "key": null, or a value without quotes */
static void fact(FILE *out, const char *key, bool known, const char *value)
{
	fprintf(out, "\"%s\": %s, ", key, known ? value : "null");
}

/*
 * One line. Names of devices are those of sysfs, and the command itself has the
 * reasons.
 */
static void write_facts(const struct facts *f, FILE *out)
{
	char *bits = xasprintf("%u", f->bits), *blocked = xasprintf("%u", f->blocked);
	size_t i;

	putc('{', out);
	fact(out, "module_loaded", true, f->ctl->loaded ? "true" : "false");
	fact(out, "complete", true, f->ctl->gaps ? "false" : "true");
	fact(out, "aperture_bits", f->bits, bits);
	fact(out, "msi_isolated", f->isolated >= 0, f->isolated ? "true" : "false");
	fact(out, "rmrr_blocked", true, blocked);
	fact(out, "ht_hole", true, f->ht ? "true" : "false");
	fputs("\"groups\": {", out);
	for (i = 0; i < f->groups.nr; i++) {
		const char *reason = f->verdicts[i].reason;
		bool known = strcmp(reason, "unknown");

		fprintf(out, "%s\"%u\": {", i ? ", " : "", f->groups.g[i].id);
		fact(out, "assignable", known, *reason ? "false" : "true");
		if (known && *reason)
			fprintf(out, "\"reason\": \"%s\"}", reason);
		else
			fputs("\"reason\": null}", out);
	}
	fputs("}}\n", out);
	free(blocked);
	free(bits);
}

static const struct format {
	const char *name;
	void (*write)(const struct facts *f, FILE *out);
} formats[] = {
	{ "nfd", write_nfd },
	{ "prometheus", write_prometheus },
	{ "facts", write_facts },
};

static const struct format *find_format(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	errx(EXIT_TROUBLE, "export is for nfd, prometheus or facts, not '%s'", name);
}

int cmd_export(struct control *ctl, int argc, char **argv)
{
	struct facts facts = { .ctl = ctl };
	const struct format *format;
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int ret;

	if (!argc || argc > 2)
		errx(EXIT_TROUBLE, "export takes nfd, prometheus or facts, and optionally a file to write");
	format = find_format(argv[0]);
	if (ctl->install) {
		if (argc > 1)
			errx(EXIT_TROUBLE, "--install writes to a fixed place, and takes no file: '%s'",
			     argv[1]);
		return install_reader(ctl, argv[0]);
	}
	ret = facts_read(&facts);
	out = open_memstream(&text, &len);
	if (!out)
		err(EXIT_TROUBLE, "cannot write");
	format->write(&facts, out);
	fclose(out);
	facts_free(&facts);
	if (argc < 2) {
		fwrite(text, 1, len, stdout);
	} else if (ret || ctl->gaps) {
		warnx("%s is unchanged, because something could not be read", argv[1]);
	} else {
		ret = replace_file(argv[1], text, len, 0644);
	}
	free(text);
	return ret;
}
