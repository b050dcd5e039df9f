// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommu-resv intersect: which addresses are usable on all hosts, and which host and region
 * make the others unusable.  If several groups of a host have the device, all of them must
 * fit, because it is not known which of them a guest gets.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "hostfile.h"
#include "origin.h"
#include "range.h"
#include "vm/vm.h"
#include "words.h"
#include "xalloc.h"

#define HOSTS_MAX	1024
#define LOSSES_MAX	20000

/**
 * struct model - a device to look for
 * @vendor: as 0x8086
 * @device: as 0x1592
 */
struct model {
	const char *vendor;
	const char *device;
};

/**
 * struct part - a group that must fit
 * @host: its host
 * @g: the group
 * @device: the first of its devices that one of the models matches
 * @assignable: would VFIO give it to a guest?
 */
struct part {
	const struct hostfile *host;
	const struct group *g;
	const struct device *device;
	enum answer assignable;
};

/**
 * struct loss - a range that is not usable on all hosts
 * @at: the range
 * @type: type of the region there, NULL if no region is reported there
 * @origin: origin of the region
 * @hosts: files of the hosts where the range is not usable
 */
struct loss {
	struct range at;
	const char *type;
	const char *origin;
	struct words hosts;
};

struct remark {
	enum severity severity;
	const char *host;
	char *text;
};

/**
 * struct common - the answer
 * @hosts: all hosts
 * @nr_hosts: their number
 * @models: the devices to look for; none: every device
 * @nr_models: their number
 * @parts: the groups that must fit
 * @nr_parts: their number
 * @usable: the ranges in which VFIO accepts maps for all of them
 * @known: the usable ranges of all of them are known
 * @lacking: a host has no such device
 * @losses: the ranges that are not usable on all hosts
 * @nr_losses: their number
 * @remarks: findings that are not about one range
 * @nr_remarks: their number
 */
struct common {
	struct hostfile *hosts;
	size_t nr_hosts;
	struct model *models;
	size_t nr_models;
	struct part *parts;
	size_t nr_parts;
	struct ranges usable;
	bool known;
	bool lacking;
	struct loss *losses;
	size_t nr_losses;
	struct remark *remarks;
	size_t nr_remarks;
};

static void remark(struct common *c, enum severity severity, const char *host, char *text)
{
	size_t i;

	for (i = 0; i < c->nr_remarks; i++)
		if (c->remarks[i].host == host && !strcmp(c->remarks[i].text, text))
			return;
	c->remarks = xreallocarray(c->remarks, c->nr_remarks + 1, sizeof(*c->remarks));
	c->remarks[c->nr_remarks++] = (struct remark) { severity, host, text };
}

static void add_model(struct common *c, const char *vendor, const char *device)
{
	c->models = xreallocarray(c->models, c->nr_models + 1, sizeof(*c->models));
	c->models[c->nr_models++] = (struct model) { vendor, device };
}

/* VENDOR:DEVICE, as lspci -n prints it */
static void add_word(struct common *c, const char *word)
{
	unsigned int vendor, device;
	char end;

	if (strlen(word) != 9 || strspn(word, "0123456789abcdefABCDEF:") != 9 ||
	    sscanf(word, "%4x:%4x%c", &vendor, &device, &end) != 2)
		errx(EXIT_TROUBLE, "--device %s: give VENDOR:DEVICE, like 8086:1592, as 'lspci -n' prints it",
		     word);
	add_model(c, keep_printf("0x%04x", vendor), keep_printf("0x%04x", device));
}

/* The VM names devices by address, which may differ between hosts: use the ids. */
static void add_vm_device(struct common *c, const char *word)
{
	char *name = device_name(word);
	size_t h, i, k;

	for (h = 0; h < c->nr_hosts; h++)
		for (i = 0; i < c->hosts[h].groups.nr; i++)
			for (k = 0; k < c->hosts[h].groups.g[i].nr_devices; k++) {
				const struct device *d = &c->hosts[h].groups.g[i].devices[k];

				if (strcmp(d->name, name) || !d->vendor || !d->model)
					continue;
				free(name);
				add_model(c, d->vendor, d->model);
				return;
			}
	free(name);
	vm_fail("no host's file has vendor and device of %s, which the VM has: give them with --device VENDOR:DEVICE",
		word);
}

static const struct device *find_device(const struct group *g, const struct model *m)
{
	size_t i;

	for (i = 0; i < g->nr_devices; i++) {
		const struct device *d = &g->devices[i];

		if (!m || (d->vendor && d->model && !strcmp(d->vendor, m->vendor) &&
			   !strcmp(d->model, m->device)))
			return d;
	}
	return NULL;
}

static void add_part(struct common *c, const struct hostfile *h, size_t nr,
		     const struct device *d)
{
	size_t i;

	for (i = 0; i < c->nr_parts; i++)
		if (c->parts[i].g == &h->groups.g[nr])
			return;
	c->parts = xreallocarray(c->parts, c->nr_parts + 1, sizeof(*c->parts));
	c->parts[c->nr_parts++] = (struct part) {
		h, &h->groups.g[nr], d, h->assignable[nr],
	};
}

static void find_parts(struct common *c, const struct hostfile *h, const struct model *m)
{
	bool found = false;
	size_t i;

	for (i = 0; i < h->groups.nr; i++) {
		const struct device *d = find_device(&h->groups.g[i], m);

		if (d)
			add_part(c, h, i, d);
		found |= d != NULL;
	}
	if (found)
		return;
	c->lacking = true;
	remark(c, FINDING_NO, h->path,
	       m ? keep_printf("has no device %s:%s", m->vendor + 2, m->device + 2) :
		   keep_string("has no device in an IOMMU group"));
}

static void find_all_parts(struct common *c)
{
	size_t h, i;

	for (h = 0; h < c->nr_hosts; h++) {
		for (i = 0; i < c->nr_models; i++)
			find_parts(c, &c->hosts[h], &c->models[i]);
		if (!c->nr_models)
			find_parts(c, &c->hosts[h], NULL);
		if (!c->hosts[h].complete)
			remark(c, FINDING_UNKNOWN, c->hosts[h].path,
			       keep_string("something could not be read when the file was made"));
	}
}

static void find_usable(struct common *c)
{
	size_t i;

	c->usable.r = xreallocarray(NULL, 1, sizeof(*c->usable.r));
	c->usable.r[0] = (struct range) { 0, UINT64_MAX };
	c->usable.nr = 1;
	c->known = c->nr_parts > 0;
	for (i = 0; i < c->nr_parts; i++) {
		const struct part *p = &c->parts[i];

		if (p->g->usable_known) {
			ranges_intersect(&c->usable, &p->g->usable);
			continue;
		}
		c->known = false;
		remark(c, FINDING_UNKNOWN, p->host->path,
		       keep_printf("group %u: where VFIO accepts maps is not known", p->g->id));
	}
	if (c->lacking)
		c->usable.nr = 0;
}

static void lose(struct common *c, const struct hostfile *h, const struct range *at,
		 const struct region *r)
{
	const char *type = r ? r->type : NULL, *origin = r ? r->origin : NULL;
	struct loss *l;
	size_t i;

	for (i = 0; i < c->nr_losses; i++) {
		l = &c->losses[i];
		if (l->at.start == at->start && l->at.end == at->end && !l->type == !type &&
		    (!type || (!strcmp(l->type, type) && !strcmp(l->origin, origin))))
			break;
	}
	if (i == LOSSES_MAX)
		vm_fail("the hosts have more than %d different regions", LOSSES_MAX);
	if (i == c->nr_losses) {
		c->losses = xreallocarray(c->losses, i + 1, sizeof(*c->losses));
		c->losses[c->nr_losses++] = (struct loss) { *at, type, origin, { 0 } };
	}
	l = &c->losses[i];
	if (!l->hosts.nr || strcmp(l->hosts.w[l->hosts.nr - 1], h->path))
		words_add(&l->hosts, keep_string(h->path));
}

static bool is_told(const struct group *g, const struct range *gap)
{
	size_t i;

	for (i = 0; i < g->nr_regions; i++)
		if (region_refuses(g, &g->regions[i]) && ranges_overlap(&g->regions[i].at, gap))
			return true;
	return false;
}

/* Between two usable ranges there should be a region. */
static void lose_gaps(struct common *c, const struct part *p)
{
	const struct ranges *u = &p->g->usable;
	struct range gap = { 0, 0 };
	size_t i;

	for (i = 0; i <= u->nr; i++) {
		gap.end = i < u->nr ? u->r[i].start - 1 : UINT64_MAX;
		if ((i == u->nr || u->r[i].start > gap.start) && !is_told(p->g, &gap))
			lose(c, p->host, &gap, NULL);
		if (i < u->nr && u->r[i].end == UINT64_MAX)
			return;
		if (i < u->nr)
			gap.start = u->r[i].end + 1;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct loss *x = a, *y = b;

	if (x->at.start != y->at.start)
		return x->at.start < y->at.start ? -1 : 1;
	return x->at.end == y->at.end ? 0 : x->at.end < y->at.end ? -1 : 1;
}

static void find_losses(struct common *c)
{
	size_t i, k;

	for (i = 0; i < c->nr_parts; i++) {
		const struct group *g = c->parts[i].g;

		for (k = 0; k < g->nr_regions; k++)
			if (region_refuses(g, &g->regions[k]))
				lose(c, c->parts[i].host, &g->regions[k].at, &g->regions[k]);
		if (g->usable_known)
			lose_gaps(c, &c->parts[i]);
	}
	if (c->nr_losses)
		qsort(c->losses, c->nr_losses, sizeof(*c->losses), by_place);
}

static void judge_parts(struct common *c)
{
	const struct part *first = NULL;
	size_t i;

	for (i = 0; i < c->nr_parts; i++) {
		const struct part *p = &c->parts[i];

		if (p->assignable == ANSWER_NO)
			remark(c, FINDING_NO, p->host->path,
			       keep_printf("group %u cannot be given to a guest; 'iommu-resv show %u' on that host says why",
					   p->g->id, p->g->id));
		else if (p->assignable == ANSWER_UNKNOWN)
			remark(c, FINDING_UNKNOWN, p->host->path,
			       keep_printf("group %u: whether it can be given to a guest is not known",
					   p->g->id));
		if (p->g->window_state != WINDOW_THERE)
			continue;
		if (!first)
			first = p;
		else if (p->g->window.start != first->g->window.start)
			remark(c, FINDING_WARNING, p->host->path,
			       keep_printf("group %u: the MSI window is at 0x%" PRIx64 ", on %s at 0x%" PRIx64,
					   p->g->id, p->g->window.start, first->host->path,
					   first->g->window.start));
	}
	if (c->known && !c->usable.nr && !c->lacking)
		remark(c, FINDING_NO, NULL, keep_string("no address is usable on all hosts"));
}

/* Does an area of the guest's map fit one group? */
static void judge_area(struct common *c, const struct part *p, const struct guest_map *m,
		       const struct area *a, bool shared)
{
	struct range at = verdict_fillable(m, a);
	enum severity severity = FINDING_NO;

	if (a->kind == AREA_GIC || a->kind == AREA_ECAM || verdict_area_usable(p->g, &a->at))
		return;
	if (verdict_area_usable(p->g, &at) || (a->kind == AREA_BARS && !shared))
		severity = FINDING_WARNING;
	remark(c, severity, p->host->path,
	       keep_printf("group %u: %s 0x%" PRIx64 "-0x%" PRIx64 " is not all usable",
			   p->g->id, vm_area_names[a->kind], a->at.start, a->at.end));
}

static bool same_map(const struct guest_map *a, const struct guest_map *b)
{
	size_t i;

	for (i = 0; i < a->nr && i < b->nr; i++)
		if (a->a[i].at.start != b->a[i].at.start || a->a[i].at.end != b->a[i].at.end)
			return false;
	return a->nr == b->nr;
}

/* The map depends on what the guest's CPU inherits from the host's. */
static void judge_vm(struct common *c, const struct control *ctl, const struct vm_input *in)
{
	struct guest_map first = { 0 };
	size_t h, i, k;

	for (h = 0; h < c->nr_hosts; h++) {
		const struct hostfile *host = &c->hosts[h];
		struct guest_map *m = keep_alloc(sizeof(*m));
		struct guest g;

		vm_guest(ctl, in, &host->cpu, &g);
		guest_map(&g, m);
		if (m->refused)
			remark(c, FINDING_NO, host->path,
			       keep_printf("the VM does not start: %s", m->refused));
		if (m->unknown)
			remark(c, FINDING_UNKNOWN, host->path, m->unknown);
		for (i = 0; i < c->nr_parts; i++)
			for (k = 0; k < m->nr && c->parts[i].host == host; k++)
				judge_area(c, &c->parts[i], m, &m->a[k], g.ivshmem);
		if (!h)
			first = *m;
		else if (!same_map(&first, m))
			remark(c, FINDING_WARNING, host->path,
			       keep_printf("the VM's memory map differs from that on %s, because the CPUs of the hosts differ",
					   c->hosts[0].path));
	}
}

static void vm_devices(struct common *c, const struct control *ctl, const struct vm_input *in)
{
	struct guest g;
	size_t i;

	vm_guest(ctl, in, &c->hosts[0].cpu, &g);
	for (i = 0; i < g.nr_devices; i++)
		add_vm_device(c, g.devices[i].name);
}

static enum severity worst(const struct common *c)
{
	enum severity severity = FINDING_NOTE;
	size_t i;

	for (i = 0; i < c->nr_remarks; i++)
		if (c->remarks[i].severity < severity)
			severity = c->remarks[i].severity;
	return severity;
}

static const char *assign_word(enum answer assignable)
{
	return assignable == ANSWER_YES ? "yes" : assignable == ANSWER_NO ? "no" : "-";
}

static void print_parts(const struct control *ctl, const struct common *c)
{
	static const struct column columns[] = {
		{ "HOST", 0 }, { "GROUP", SCOLS_FL_RIGHT }, { "DEVICE", 0 },
		{ "ASSIGN", 0 }, { "BITS", SCOLS_FL_RIGHT }, { "MSI", 0 },
	};
	struct libscols_table *table = table_new(ctl, columns, 6);
	size_t i;

	for (i = 0; i < c->nr_parts; i++) {
		const struct part *p = &c->parts[i];
		struct libscols_line *line = table_line(table);

		table_cell(line, 0, xstrdup(p->host->path));
		table_cell(line, 1, xasprintf("%u", p->g->id));
		table_cell(line, 2, xstrdup(p->device->name));
		table_cell(line, 3, xstrdup(assign_word(p->assignable)));
		table_cell(line, 4, p->g->aperture_known ?
			   xasprintf("%u", format_bits(&p->g->aperture)) : xstrdup("-"));
		table_cell(line, 5, xstrdup(p->g->msi_isolation ?: "-"));
	}
	table_print(table);
}

static struct libscols_line *range_line(const struct control *ctl,
					struct libscols_table *table, const struct range *r)
{
	struct libscols_line *line = table_line(table);

	table_cell(line, 0, format_address(r->start));
	table_cell(line, 1, format_address(r->end));
	table_cell(line, 2, format_size(ctl, r, 1));
	return line;
}

static void print_usable(const struct control *ctl, const struct common *c)
{
	static const struct column columns[] = {
		{ "START", SCOLS_FL_RIGHT }, { "END", SCOLS_FL_RIGHT },
		{ "SIZE", SCOLS_FL_RIGHT },
	};
	struct libscols_table *table;
	size_t i;

	printf("\nUsable on all hosts:%s\n", !c->known ? " not known" :
	       c->usable.nr ? "" : " nothing");
	if (!c->known || !c->usable.nr)
		return;
	table = table_new(ctl, columns, 3);
	for (i = 0; i < c->usable.nr; i++)
		range_line(ctl, table, &c->usable.r[i]);
	table_print(table);
}

/* "all", or the files of the hosts */
static char *hosts_text(const struct common *c, const struct loss *l)
{
	char *text = xstrdup(l->hosts.nr == c->nr_hosts ? "all" : l->hosts.w[0]);
	size_t i;

	for (i = 1; i < l->hosts.nr && l->hosts.nr < c->nr_hosts; i++) {
		char *more = xasprintf("%s, %s", text, l->hosts.w[i]);

		free(text);
		text = more;
	}
	return text;
}

static void print_losses(const struct control *ctl, const struct common *c)
{
	static const struct column columns[] = {
		{ "START", SCOLS_FL_RIGHT }, { "END", SCOLS_FL_RIGHT },
		{ "SIZE", SCOLS_FL_RIGHT }, { "TYPE", 0 }, { "ORIGIN", 0 }, { "HOSTS", 0 },
	};
	struct libscols_table *table;
	size_t i;

	if (!c->nr_losses)
		return;
	puts("\nNot usable on all hosts:");
	table = table_new(ctl, columns, 6);
	for (i = 0; i < c->nr_losses; i++) {
		const struct loss *l = &c->losses[i];
		struct libscols_line *line = range_line(ctl, table, &l->at);

		table_cell(line, 3, xstrdup(l->type ?: "-"));
		table_cell(line, 4, xstrdup(l->origin ?: "-"));
		table_cell(line, 5, hosts_text(c, l));
	}
	table_print(table);
}

static void print_answer(const struct control *ctl, const struct common *c)
{
	size_t i;

	if (c->nr_parts) {
		print_parts(ctl, c);
		print_usable(ctl, c);
		print_losses(ctl, c);
		putchar('\n');
	}
	for (i = 0; i < c->nr_remarks; i++) {
		const struct remark *r = &c->remarks[i];

		printf("%s: %s%s%s\n", vm_severity_names[r->severity], r->host ?: "",
		       r->host ? ": " : "", r->text);
	}
	puts(worst(c) == FINDING_NO ? "does not fit" :
	     worst(c) == FINDING_UNKNOWN ? "cannot tell" : "fits");
}

static void json_part(struct json *j, const struct part *p)
{
	json_open(j, NULL, '{');
	json_string(j, "host", p->host->path);
	json_number(j, "group", p->g->id);
	json_string(j, "device", p->device->name);
	if (p->assignable == ANSWER_UNKNOWN)
		json_null(j, "assignable");
	else
		json_bool(j, "assignable", p->assignable == ANSWER_YES);
	if (p->g->aperture_known)
		json_range(j, "aperture", &p->g->aperture);
	else
		json_null(j, "aperture");
	json_string(j, "msi_isolation", p->g->msi_isolation);
	json_close(j, '}');
}

static void json_loss(struct json *j, const struct loss *l)
{
	size_t i;

	json_open(j, NULL, '{');
	json_address(j, "start", l->at.start);
	json_address(j, "end", l->at.end);
	json_size(j, "size", l->at.end - l->at.start);
	json_string(j, "type", l->type);
	json_string(j, "origin", l->origin);
	json_open(j, "hosts", '[');
	for (i = 0; i < l->hosts.nr; i++)
		json_string(j, NULL, l->hosts.w[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void json_remark(struct json *j, const struct remark *r)
{
	json_open(j, NULL, '{');
	json_string(j, "severity", vm_severity_names[r->severity]);
	json_string(j, "host", r->host);
	json_string(j, "reason", r->text);
	json_close(j, '}');
}

static void json_answer(const struct control *ctl, const struct common *c)
{
	struct json j = { 0 };
	size_t i;

	json_report(ctl, &j, "intersect");
	json_open(&j, "groups", '[');
	for (i = 0; i < c->nr_parts; i++)
		json_part(&j, &c->parts[i]);
	json_close(&j, ']');
	if (c->known) {
		json_open(&j, "usable", '[');
		for (i = 0; i < c->usable.nr; i++)
			json_range(&j, NULL, &c->usable.r[i]);
		json_close(&j, ']');
	} else {
		json_null(&j, "usable");
	}
	json_open(&j, "lost", '[');
	for (i = 0; i < c->nr_losses; i++)
		json_loss(&j, &c->losses[i]);
	json_close(&j, ']');
	json_open(&j, "findings", '[');
	for (i = 0; i < c->nr_remarks; i++)
		json_remark(&j, &c->remarks[i]);
	json_close(&j, ']');
	if (worst(c) == FINDING_UNKNOWN)
		json_null(&j, "fits");
	else
		json_bool(&j, "fits", worst(c) != FINDING_NO);
	json_close(&j, '}');
}

static void read_hosts(struct common *c, const struct control *ctl, int nr, char **paths)
{
	int i, k;

	if (!nr)
		errx(EXIT_TROUBLE, "which hosts? Give files that 'iommu-resv --json' or 'iommu-resv save' wrote on them");
	if (nr > HOSTS_MAX)
		errx(EXIT_TROUBLE, "more than %d hosts", HOSTS_MAX);
	c->hosts = xreallocarray(NULL, (size_t)nr, sizeof(*c->hosts));
	for (i = 0; i < nr; i++) {
		for (k = 0; k < i; k++)
			if (!strcmp(paths[i], paths[k]))
				errx(EXIT_TROUBLE, "%s is named twice", paths[i]);
		hostfile_read(ctl, paths[i], &c->hosts[i]);
		c->nr_hosts++;
	}
}

static void common_free(struct common *c)
{
	size_t i;

	for (i = 0; i < c->nr_hosts; i++)
		hostfile_free(&c->hosts[i]);
	free(c->hosts);
	free(c->models);
	free(c->parts);
	free(c->usable.r);
	free(c->losses);
	free(c->remarks);
	keep_free();
}

int cmd_intersect(struct control *ctl, int argc, char **argv)
{
	struct common c = { 0 };
	struct vm_input in;
	enum severity severity;

	vm_json(ctl->json ? ctl : NULL, "intersect");
	if (ctl->device)
		add_word(&c, ctl->device);
	read_hosts(&c, ctl, argc, argv);
	if (ctl->vm)
		vm_read(ctl, &in);
	if (ctl->vm && !ctl->device)
		vm_devices(&c, ctl, &in);
	find_all_parts(&c);
	find_usable(&c);
	find_losses(&c);
	judge_parts(&c);
	if (ctl->vm)
		judge_vm(&c, ctl, &in);
	if (ctl->json)
		json_answer(ctl, &c);
	else
		print_answer(ctl, &c);
	severity = worst(&c);
	common_free(&c);
	return severity == FINDING_NO ? EXIT_NO :
	       severity == FINDING_UNKNOWN ? EXIT_TROUBLE : EXIT_OK;
}
