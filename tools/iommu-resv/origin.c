// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which machine, kernel and module a report is about. A copy of another machine's sysfs
 * (--sysfs) has that in the files "osrelease", "arch" and "host-id".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "origin.h"
#include "sha256.h"
#include "sysfs.h"
#include "xalloc.h"

#define SCHEMA	"iommu-resv/1"

#define MACHINE_ID_DIGITS	32
#define HOST_DIGITS		32

/* Is this about the machine that runs the command? */
bool origin_is_here(const struct control *ctl)
{
	return !strcmp(ctl->sysfs, RESV_SYSFS);
}

/**
 * origin_path() - path of a file that is not part of sysfs
 * @ctl: options
 * @name: in a copy of another machine's sysfs
 * @here: on this machine
 *
 * Return: the path, to be freed
 */
char *origin_path(const struct control *ctl, const char *name, const char *here)
{
	return origin_is_here(ctl) ? xstrdup(here) : xasprintf("%s/%s", ctl->sysfs, name);
}

/* The first line of a file, or NULL */
static char *first_line(char *path)
{
	struct text t;
	char *line, *copy = NULL;

	if (text_open(&t, path))
		return NULL;
	if (text_next(&t, &line) && *line)
		copy = xstrdup(line);
	text_close(&t);
	return copy;
}

/*
 * machine-id(5) asks programs not to disclose it, but a hash of it that differs between
 * programs, so that the ids of two programs cannot be compared.
 */
static char *host_of(const char *machine_id)
{
	char text[SHA256_SHORT + 1], host[HOST_DIGITS + 1];
	uint8_t digest[32];
	size_t i;

	if (!machine_id || strlen(machine_id) != MACHINE_ID_DIGITS ||
	    strspn(machine_id, "0123456789abcdef") != MACHINE_ID_DIGITS)
		return NULL;
	snprintf(text, sizeof(text), "iommu-resv:%s", machine_id);
	sha256_short(text, strlen(text), digest);
	for (i = 0; i < HOST_DIGITS / 2; i++)
		sprintf(host + 2 * i, "%02x", digest[i]);
	return xstrdup(host);
}

static void read_here(struct origin *o)
{
	char *machine_id = first_line(xstrdup(RESV_MACHINE_ID));
	struct utsname name;

	if (!uname(&name)) {
		o->kernel = xstrdup(name.release);
		o->arch = xstrdup(name.machine);
	}
	o->host = host_of(machine_id);
	free(machine_id);
}

/**
 * origin_read() - find out
 * @ctl: options
 * @o: to fill; origin_free() it
 */
void origin_read(const struct control *ctl, struct origin *o)
{
	*o = (struct origin) {
		.module = first_line(xasprintf("%s/kernel/iommu_resv/version", ctl->sysfs)),
	};
	if (origin_is_here(ctl)) {
		read_here(o);
	} else {
		o->kernel = first_line(xasprintf("%s/osrelease", ctl->sysfs));
		o->arch = first_line(xasprintf("%s/arch", ctl->sysfs));
		o->host = first_line(xasprintf("%s/host-id", ctl->sysfs));
	}
}

/**
 * origin_free() - free what origin_read() has filled
 * @o: the origin
 */
void origin_free(struct origin *o)
{
	free(o->module);
	free(o->kernel);
	free(o->arch);
	free(o->host);
}

/**
 * json_report() - open the document, with what every report begins with
 * @ctl: options
 * @j: a document in which nothing is written yet
 * @report: what kind of report it is
 */
void json_report(const struct control *ctl, struct json *j, const char *report)
{
	struct origin o;

	origin_read(ctl, &o);
	json_open(j, NULL, '{');
	json_string(j, "schema", SCHEMA);
	json_string(j, "report", report);
	json_string(j, "tool_version", RESV_VERSION);
	json_string(j, "module_version", o.module);
	json_string(j, "kernel_version", o.kernel);
	json_string(j, "architecture", o.arch);
	json_string(j, "host_id", o.host);
	origin_free(&o);
}
