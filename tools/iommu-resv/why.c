// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv why: why the last map or attach of a group was refused, and what to do. */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "features.h"
#include "format.h"
#include "modules.h"
#include "no_groups.h"
#include "origin.h"
#include "range.h"
#include "remedy.h"
#include "vm/vm.h"
#include "words.h"
#include "xalloc.h"

/* Default of the kernel, used if the parameter cannot be read */
#define ENTRIES		65535

/**
 * struct answer - about the last refused map or attach of a group
 * @meaning: what the region is for that it hits, or what the reason is
 * @all: what to do
 */
struct answer {
	const char *meaning;
	struct remedies all;
};

static struct remedy *add(struct answer *a, const char *text)
{
	return remedy_add(&a->all, text);
}

static void add_check(struct answer *a, const char *text)
{
	words_add(&add(a, text)->set, keep_string("iommu-resv check --vm FILE"));
}

static void add_keep_out(struct answer *a)
{
	add_check(a, "keep the guest's memory out of this region; this command prints the setting, if there is one:");
}

static const char *meaning_of(const struct region *r)
{
	static const struct {
		const char *type;
		const char *origin;
		const char *words;
	} meanings[] = {
		{ "direct", NULL, WORDS_DIRECT },
		{ "direct-relaxable", NULL, WORDS_RELAXABLE },
		{ "msi", NULL, "the hardware takes interrupt messages here" },
		{ "sw-msi", NULL, WORDS_SW_MSI },
		{ "out-of-range", NULL, "the IOMMU cannot address this" },
		{ "reserved", "admin", "the administrator has declared this region" },
		{ "reserved", "ht", "AMD's hardware uses these addresses for HyperTransport" },
		{ "reserved", NULL, "firmware or the IOMMU driver reserves these addresses" },
	};
	size_t i;

	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (!strcmp(meanings[i].type, r->type) &&
		    (!meanings[i].origin || !strcmp(meanings[i].origin, r->origin)))
			return meanings[i].words;
	return NULL;
}

/* What to do about a map above the aperture, or below it */
static void out_of_range(const struct control *ctl, const struct group *g,
			 struct answer *a)
{
	const struct region *hit = &g->refused.hit;
	unsigned int bits = hit->at.start ? range_whole_bits(hit->at.start - 1) : 0;
	struct vm_host host;
	struct remedy *r;

	if (!hit->at.start) {
		add_check(a, keep_printf("the guest must not have memory below 0x%" PRIx64 "; this command lists what it has there:",
					 hit->at.end + 1));
		return;
	}
	r = add(a, keep_printf("the guest must not have memory from 0x%" PRIx64 " on: reduce its memory or maxmem, or on x86 the address bits of its CPU, which decide where firmware puts BARs; this command says which:",
			       hit->at.start));
	words_add(&r->set, keep_string("iommu-resv check --vm FILE"));
	host_read(ctl, &host);
	if (!host.arm)
		remedy_bits(&a->all, bits,
			    keep_printf("limit the guest's CPU to the %u address bits of the IOMMU; in QEMU, libvirt, or Proxmox VE:",
					bits));
	add(a, "if the map is of a BAR, not of memory, the guest works: only DMA from device to device fails there");
	add(a, keep_printf("DPDK and SPDK: set --base-virtaddr= to an address in a usable range, which 'iommu-resv show %u' lists",
			   g->id));
}

static void declared(const struct group *g, struct answer *a)
{
	const struct range *at = &g->refused.hit.at;
	struct remedy *r;

	r = add(a, "if the region is no longer needed, stop the guest or program that has the group, and undeclare the region:");
	words_add(&r->set, keep_printf("iommu-resv undeclare %u 0x%" PRIx64 "-0x%" PRIx64, g->id,
				       at->start, at->end));
	add_keep_out(a);
}

static void movable(const struct group *g, struct answer *a)
{
	const struct range *map = &g->refused.map;
	struct remedy *r;

	r = add(a, "stop the guest or program that has the group, and move the MSI window out of this map:");
	words_add(&r->set, keep_printf("iommu-resv window %u auto avoid 0x%" PRIx64 "-0x%" PRIx64,
				       g->id, map->start, map->end));
	add_check(a, "or let this command print the move out of all of the guest's memory:");
}

/* Is the region that was hit one that only this kernel reserves? */
static bool is_kept_by_kernel(const struct group *g)
{
	size_t i;

	for (i = 0; i < g->nr_regions; i++)
		if (g->regions[i].ht_ignore &&
		    ranges_overlap(&g->regions[i].at, &g->refused.hit.at))
			return true;
	return false;
}

static void hit_remedies(const struct control *ctl, const struct group *g,
			 struct answer *a)
{
	const struct region *hit = &g->refused.hit;

	if (g->refused.attach) {
		add(a, "no guest can have this device: use another one, or a virtual function of this one");
	} else if (!strcmp(hit->type, "out-of-range")) {
		out_of_range(ctl, g, a);
	} else if (!strcmp(hit->type, "sw-msi")) {
		movable(g, a);
	} else if (!strcmp(hit->origin, "admin")) {
		declared(g, a);
	} else {
		if (!strcmp(hit->origin, "ht"))
			add(a, "give the guest less memory; or an AMD CPU with 41 address bits and QEMU's machine type 7.1 or later, which leaves these addresses free");
		if (is_kept_by_kernel(g))
			add(a, "or boot Linux 6.16 or later on the host: the IOMMU does not need these 12 GiB (HTRangeIgnore), and such a kernel lets guests use them");
		add_keep_out(a);
	}
}

static void no_setting(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	(void)g;
	add(a, "this is a bug of the program, and no setting of the host helps: look for a newer version, or report it to the program's authors");
}

static void flags(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	(void)g;
	add(a, "this is a bug of the program, or it needs a newer kernel: look for newer versions of both");
}

static void alignment(const struct control *ctl, const struct group *g, struct answer *a)
{
	struct range page = { 0, g->page_size - 1 };
	char *size = format_size(ctl, &page, 1);

	add(a, keep_printf("start, size and the process's address must be multiples of %s for this group: give the guest such a memory size",
			   size));
	add(a, "use huge pages, which begin at such addresses, or a kernel with smaller pages");
	free(size);
}

static void entries(const struct control *ctl, const struct group *g, struct answer *a)
{
	uint64_t limit = vfio_entry_limit(ctl) ?: ENTRIES;
	struct remedy *r;

	(void)g;
	r = add(a, keep_printf("raise the limit, which is %" PRIu64 ", and start the program again:", limit));
	words_add(&r->set, keep_printf("echo %" PRIu64 " > /sys/module/vfio_iommu_type1/parameters/dma_entry_limit",
				       2 * limit));
	r = add(a, "to keep it after a reboot, put this into a file of /etc/modprobe.d:");
	words_add(&r->set, keep_printf("options vfio_iommu_type1 dma_entry_limit=%" PRIu64, 2 * limit));
	add(a, "or use larger huge pages, so that the program needs fewer maps");
}

static void out_of_room(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	words_add(&add(a, "the map is larger than the usable ranges of the group, or the process has mapped most of them; this command lists the ranges:")->set,
		  keep_printf("iommu-resv show %u", g->id));
}

static void memlock(const struct control *ctl, const struct group *g, struct answer *a)
{
	struct remedy *r;

	(void)ctl;
	(void)g;
	r = add(a, "raise the limit above all memory of the guest or program: in its shell, or in its systemd unit:");
	words_add(&r->set, keep_string("ulimit -l unlimited"));
	words_add(&r->set, keep_string("LimitMEMLOCK=infinity"));
	words_add(&add(a, "libvirt raises it by itself; only if that is not enough, put this into the domain, with some GiB more than the guest's memory, because the kernel kills a guest that needs more:")->set,
		  keep_string("<memtune><hard_limit unit='GiB'>SIZE</hard_limit></memtune>"));
	add(a, "if the kernel log does not say 'RLIMIT_MEMLOCK (...) exceeded', the host has too little memory: give the guest less");
}

static void memory(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	(void)g;
	add(a, "if the map is of a BAR, not of memory, the guest works: only DMA from device to device fails there");
	add(a, "otherwise the memory is of a kind that cannot be pinned, as some files are: use ordinary memory or huge pages");
}

static void host_driver(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	words_add(&add(a, "unbind the device from that driver, or bind it to vfio-pci; this command names both:")->set,
		  keep_printf("iommu-resv show %u", g->id));
}

static void interrupts(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	(void)g;
	add(a, "turn interrupt remapping on in firmware setup, and remove what turns it off from the kernel command line");
	words_add(&add(a, "or, if the guest is trusted, put this into a file of /etc/modprobe.d, and load vfio_iommu_type1 again:")->set,
		  keep_string("options vfio_iommu_type1 allow_unsafe_interrupts=1"));
}

static void interrupts_iommufd(const struct control *ctl, const struct group *g,
			       struct answer *a)
{
	(void)ctl;
	(void)g;
	add(a, "turn interrupt remapping on in firmware setup, and remove what turns it off from the kernel command line");
	words_add(&add(a, "or, if the guest is trusted, put this into a file of /etc/modprobe.d, and load iommufd again:")->set,
		  keep_string("options iommufd allow_unsafe_interrupts=1"));
}

static void group_file(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	words_add(&add(a, "stop the guest or program that has the group's file open; this command names it:")->set,
		  keep_printf("fuser -v /dev/vfio/%u", g->id));
}

static void no_device(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	words_add(&add(a, "give the program the address of a device of this group, and bind that device to vfio-pci; this command lists the devices and their drivers:")->set,
		  keep_printf("iommu-resv show %u", g->id));
}

static void not_opened(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	(void)g;
	add(a, "see the kernel log, where the device's driver may say more: the device may not wake up, or may have lost power");
}

static void unset(const struct control *ctl, const struct group *g, struct answer *a)
{
	add(a, "if the program opens a device before the container has an IOMMU (VFIO_SET_IOMMU), that is a bug of the program");
	not_opened(ctl, g, a);
}

static void container(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	(void)g;
	add_check(a, "keep the guest's memory out of this group's regions, too, before the guest is started; this command prints what to set:");
}

static void busy(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	words_add(&add(a, "stop the guest or program that has the group; this command names it:")->set,
		  keep_printf("fuser -v /dev/vfio/%u", g->id));
}

static void unknown(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	(void)g;
	add(a, "restart the guest or program, so that the module sees which groups it has");
	add_check(a, "or let this command say which of the guest's memory does not fit:");
}

static void other(const struct control *ctl, const struct group *g, struct answer *a)
{
	(void)ctl;
	(void)g;
	add(a, "see the kernel log, where the IOMMU driver may say more");
	add(a, "if it says nothing, please report the output of 'iommu-resv-doctor'");
}

static void reason_remedies(const struct control *ctl, const struct group *g, struct answer *a)
{
	static const struct {
		const char *reason;
		void (*fn)(const struct control *ctl, const struct group *g, struct answer *a);
	} reasons[] = {
		{ "flags", flags },
		{ "size", no_setting },
		{ "alignment", alignment },
		{ "wraps", no_setting },
		{ "overlap", no_setting },
		{ "entries", entries },
		{ "memlock", memlock },
		{ "memory", memory },
		{ "host-driver", host_driver },
		{ "interrupts", interrupts },
		{ "container", container },
		{ "unknown", unknown },
		{ "busy", busy },
		{ "room", out_of_room },
		{ "interrupts-iommufd", interrupts_iommufd },
		{ "address-space", no_setting },
		{ "group-file", group_file },
		{ "no-device", no_device },
		{ "container-unset", unset },
		{ "open", not_opened },
		{ "other", other },
	};
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (!strcmp(reasons[i].reason, g->refused.reason)) {
			reasons[i].fn(ctl, g, a);
			return;
		}
	add(a, "update the command to the version of the module");
}

static void answer(const struct control *ctl, const struct group *g, struct answer *a)
{
	*a = (struct answer) { 0 };
	if (g->refused.reason) {
		char *text = format_reason(&g->refused);

		a->meaning = keep_string(text);
		free(text);
		reason_remedies(ctl, g, a);
	} else {
		a->meaning = meaning_of(&g->refused.hit);
		hit_remedies(ctl, g, a);
	}
}

static void print_name(const struct group *g)
{
	printf("Group %u", g->id);
	if (g->nr_devices)
		printf(" (%s", g->devices[0].name);
	if (g->nr_devices > 1)
		printf(" and %zu more", g->nr_devices - 1);
	if (g->nr_devices)
		putchar(')');
}

/*
 * QEMU asks VFIO whether a group is viable before it attaches anything, and exits if it is
 * not.  Then VFIO has refused nothing, so print what keeps the group from guests.
 *
 * Return: true if something keeps the group from guests
 */
static bool say_barred(const struct control *ctl, const struct group *g, bool again)
{
	struct obstacles found;
	size_t i;

	obstacles_find(ctl, g, NULL, &found);
	if (found.nr && !ctl->json) {
		if (again)
			putchar('\n');
		print_name(g);
		puts(", VFIO gives it to no guest:");
		for (i = 0; i < found.nr; i++) {
			char *text = obstacle_text(&found.o[i]);

			print_wrapped("- ", text);
			free(text);
		}
	}
	obstacles_free(&found);
	return found.nr;
}

static void print_group(const struct control *ctl, const struct group *g)
{
	char *map = format_refused(ctl, &g->refused);
	struct answer a;

	answer(ctl, g, &a);
	print_name(g);
	printf(", refused %s: %" PRIu64 ", the last:\n", format_refusals(&g->refused),
	       g->refused.count);
	puts(map);
	if (!g->refused.reason) {
		char *hit = format_region(&g->refused.hit);

		printf("  %s %s\n", g->refused.attach ? "because of" : "hits", hit);
		free(hit);
	}
	if (a.meaning)
		print_wrapped("  ", a.meaning);
	puts("What to do:");
	remedies_print(&a.all);
	free(map);
}

/* The reason for which it is not known what was refused; NULL if it is known. */
static const char *cause(const struct control *ctl, const struct group *g)
{
	char *mode;
	bool off;

	if (g->refused.known)
		return NULL;
	if (!ctl->loaded)
		return "the module is not loaded: 'modprobe iommu_resv'";
	if (!g->has_facts)
		return "the module does not show this group";
	switch (g->refused.unknown) {
	case REFUSED_FORBIDDEN:
		return "only root may read what was refused: run 'why' as root";
	case REFUSED_ABSENT:
		return origin_is_here(ctl) ?
		       "the loaded module is too old to count refused maps" :
		       "this copy does not have what was refused: 'save' copies it if it is run as root, and if explanations are on (explain=on)";
	case REFUSED_UNTOLD:
		mode = parameter_read(ctl, "explain");
		if (!mode)
			return "this kernel's VFIO refuses maps by itself, and the loaded module is too old to explain them";
		off = word_among(mode, "auto", "off");
		free(mode);
		return off ? "explanations are off, because they slow down every map: 'echo on > /sys/module/iommu_resv/parameters/explain', then restart the guest or program" :
			     "the module cannot explain VFIO's refusals on this kernel: see 'iommu-resv features'";
	default:
		return "what was refused cannot be read";
	}
}

/* Print each cause once, because it is mostly that of all groups. */
static void say_unknown(const struct control *ctl, const struct groups *groups)
{
	const char **causes = xreallocarray(NULL, groups->nr, sizeof(*causes));
	size_t i, k, nr;

	for (i = 0; i < groups->nr; i++)
		causes[i] = cause(ctl, &groups->g[i]);
	for (i = 0; i < groups->nr; i++) {
		const char *here = causes[i];

		if (!here)
			continue;
		for (k = i, nr = 0; k < groups->nr; k++)
			if (causes[k] && !strcmp(causes[k], here)) {
				causes[k] = NULL;
				nr++;
			}
		if (nr == groups->nr)
			warnx("%s", here);
		else if (nr == 1)
			warnx("group %u: %s", groups->g[i].id, here);
		else
			warnx("group %u and %zu more: %s", groups->g[i].id, nr - 1, here);
	}
	free(causes);
}

static void json_answer(const struct control *ctl, struct json *j, const struct group *g)
{
	struct answer a = { 0 };
	struct obstacles found;
	size_t i, k;

	if (g->refused.known && g->refused.count)
		answer(ctl, g, &a);
	obstacles_find(ctl, g, NULL, &found);
	json_obstacles(j, &found);
	obstacles_free(&found);
	json_string(j, "unknown", cause(ctl, g));
	json_string(j, "meaning", a.meaning);
	json_open(j, "remedies", '[');
	for (i = 0; i < a.all.nr; i++) {
		json_open(j, NULL, '{');
		json_string(j, "text", a.all.r[i].text);
		json_open(j, "set", '[');
		for (k = 0; k < a.all.r[i].set.nr; k++)
			json_string(j, NULL, a.all.r[i].set.w[k]);
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void json_why(const struct control *ctl, const struct groups *groups)
{
	struct json j = { 0 };
	size_t i, k;

	json_report(ctl, &j, "why");
	json_bool(&j, "module_loaded", ctl->loaded);
	json_bool(&j, "complete", !ctl->gaps);
	json_open(&j, "groups", '[');
	for (i = 0; i < groups->nr; i++) {
		const struct group *g = &groups->g[i];

		json_open(&j, NULL, '{');
		json_number(&j, "group", g->id);
		json_open(&j, "devices", '[');
		for (k = 0; k < g->nr_devices; k++)
			json_string(&j, NULL, g->devices[k].name);
		json_close(&j, ']');
		json_refused(&j, &g->refused);
		json_answer(ctl, &j, g);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

/* With checks=warn the module has let through the maps that it counts as refused. */
static void say_let_through(const struct control *ctl)
{
	char *mode = parameter_read(ctl, "checks");

	if (mode && !strcmp(mode, "warn"))
		warnx("checks=warn: the module counts such maps, and lets them through");
	free(mode);
}

/*
 * Print the answer in words; a refusal counts more than an unknown fact. NAMED: the
 * user has named these groups.
 */
static int say(const struct control *ctl, const struct groups *groups, bool named)
{
	bool any = false, unknown = false, by_module = false, by_vfio = false;
	size_t i;

	for (i = 0; i < groups->nr; i++) {
		const struct group *g = &groups->g[i];
		bool has = g->refused.known && g->refused.count;

		unknown |= !g->refused.known;
		by_vfio |= g->refused.by_vfio;
		if (has && !ctl->json) {
			if (any)
				putchar('\n');
			print_group(ctl, g);
		}
		by_module |= has && !g->refused.by_vfio;
		any |= has;
		if (named && !has)
			any |= say_barred(ctl, g, any);
	}
	if (by_module)
		say_let_through(ctl);
	if (unknown)
		say_unknown(ctl, groups);
	else if (!any && !ctl->json)
		puts(by_vfio ? "No refusal was seen since explanations were turned on. Programs that had their\ngroups before are not seen." :
			       "Nothing was refused since the module was loaded.");
	if (!any && !unknown && !named && !ctl->json)
		puts("If a group is not viable, 'iommu-resv why GROUP' says why.");
	return any ? EXIT_NO : unknown ? EXIT_TROUBLE : EXIT_OK;
}

int cmd_why(struct control *ctl, int argc, char **argv)
{
	struct groups groups;
	int ret, code;

	ret = argc ? groups_find(ctl, NULL, argc, argv, &groups) :
		     groups_read(ctl, NULL, &groups);
	ctl->gaps |= ret != 0;
	groups_refused(ctl, &groups);
	if (!groups.nr && !ret) {
		say_no_groups(ctl);
		ret = EXIT_TROUBLE;
	}
	if (ctl->json)
		json_why(ctl, &groups);
	code = groups.nr ? say(ctl, &groups, argc) : ret;
	keep_free();
	groups_free(&groups);
	return ret ?: code;
}
