// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes and unpacks archives of "iommu-resv save", in the format ustar of POSIX.
 *
 * The sender of an archive is not trusted: it may have only files, folders, and links
 * that consist of a name and have no target. All are unpacked below a new folder, and
 * no more than a host can have.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "iommu-resv.h"
#include "tar.h"
#include "xalloc.h"

#define BLOCK		512
#define NAME_LEN	100
#define ENTRIES_MAX	200000
#define FILE_MAX	(1024 * 1024)
#define BYTES_MAX	(64 * 1024 * 1024)

enum { TAR_FILE = '0', TAR_OLD_FILE = '\0', TAR_LINK = '2', TAR_DIR = '5' };

struct header {
	char name[NAME_LEN];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char time[12];
	char sum[8];
	char type;
	char target[100];
	char magic[6];
	char version[2];
	char owner[32];
	char group[32];
	char major[8];
	char minor[8];
	char prefix[155];
	char rest[12];
};

static unsigned int checksum(const struct header *h)
{
	const unsigned char *bytes = (const unsigned char *)h;
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < sizeof(*h); i++)
		sum += i >= offsetof(struct header, sum) &&
		       i < offsetof(struct header, type) ? ' ' : bytes[i];
	return sum;
}

/* A long path is split at a slash. */
static bool set_name(struct header *h, const char *path)
{
	size_t len = strlen(path), at = 0;

	if (len > NAME_LEN) {
		const char *slash = strchr(path + len - NAME_LEN - 1, '/');

		at = slash ? (size_t)(slash - path) : len;
		if (at > sizeof(h->prefix) || at == len)
			return false;
		memcpy(h->prefix, path, at);
		at++;
	}
	memcpy(h->name, path + at, len - at);
	return true;
}

static bool write_header(struct tar *tar, const char *name, char type, size_t size,
			 const char *target)
{
	char *path = xasprintf(TAR_FOLDER "%s%s%s", *name ? "/" : "", name,
			       type == TAR_DIR ? "/" : "");
	struct header h = { .type = type, .magic = "ustar", .version = { '0', '0' } };
	bool fits = set_name(&h, path) && strlen(target) <= sizeof(h.target);

	free(path);
	if (!fits)
		return false;
	memcpy(h.target, target, strlen(target));
	snprintf(h.mode, sizeof(h.mode), "%07o", type == TAR_FILE ? 0644 : 0755);
	snprintf(h.uid, sizeof(h.uid), "%07o", 0);
	snprintf(h.gid, sizeof(h.gid), "%07o", 0);
	snprintf(h.size, sizeof(h.size), "%011zo", size);
	snprintf(h.time, sizeof(h.time), "%011llo", (unsigned long long)tar->now);
	snprintf(h.sum, sizeof(h.sum), "%06o", checksum(&h));
	h.sum[7] = ' ';
	fwrite(&h, sizeof(h), 1, tar->file);
	return true;
}

/**
 * tar_file() - add a file
 * @tar: archive
 * @name: its path
 * @content: its content
 * @len: its length
 *
 * Return: false if the format cannot hold that name
 */
bool tar_file(struct tar *tar, const char *name, const char *content, size_t len)
{
	static const char zeros[BLOCK];

	if (!write_header(tar, name, TAR_FILE, len, ""))
		return false;
	fwrite(content, len, 1, tar->file);
	fwrite(zeros, (BLOCK - len % BLOCK) % BLOCK, 1, tar->file);
	return true;
}

bool tar_folder(struct tar *tar, const char *name)
{
	return write_header(tar, name, TAR_DIR, 0, "");
}

bool tar_link(struct tar *tar, const char *name, const char *target)
{
	return write_header(tar, name, TAR_LINK, 0, target);
}

void tar_end(struct tar *tar)
{
	static const char zeros[2 * BLOCK];

	fwrite(zeros, sizeof(zeros), 1, tar->file);
}

/* The folder of everything that is unpacked; removed when the command ends */
static char *root;
/* One folder in it for each archive */
static char **dirs;
static size_t nr_dirs;

/**
 * struct unpacking - an archive being unpacked
 * @archive: its path
 * @in: the open archive
 * @dir: the folder that it goes to
 * @entries: what was unpacked so far
 * @bytes: how large that is
 */
struct unpacking {
	const char *archive;
	FILE *in;
	const char *dir;
	unsigned int entries;
	uint64_t bytes;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_root(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	while (nr_dirs)
		free(dirs[--nr_dirs]);
	free(dirs);
	free(root);
}

static const char *make_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir;

	if (!root) {
		root = xasprintf("%s/iommu-resv-XXXXXX", tmp && *tmp ? tmp : "/tmp");
		if (!mkdtemp(root))
			err(EXIT_TROUBLE, "%s", root);
		atexit(remove_root);
	}
	dir = xasprintf("%s/%zu", root, nr_dirs);
	dirs = xreallocarray(dirs, nr_dirs + 1, sizeof(*dirs));
	dirs[nr_dirs++] = dir;
	if (mkdir(dir, 0700))
		err(EXIT_TROUBLE, "%s", dir);
	return dir;
}

__attribute__((noreturn)) static void bad(const struct unpacking *u, const char *why)
{
	errx(EXIT_TROUBLE, "%s: %s; give a folder, or a file that 'iommu-resv save' wrote",
	     u->archive, why);
}

__attribute__((noreturn)) static void failed(const struct unpacking *u, const char *path)
{
	err(EXIT_TROUBLE, "%s: cannot unpack %s", u->archive, path);
}

/* Digits, followed only by blanks and zeros */
static bool octal(const char *field, size_t len, uint64_t *value)
{
	size_t i = 0;

	*value = 0;
	while (i < len && field[i] >= '0' && field[i] <= '7')
		*value = *value << 3 | (uint64_t)(field[i++] - '0');
	if (!i)
		return false;
	while (i < len && (field[i] == ' ' || field[i] == '\0'))
		i++;
	return i == len;
}

/* Letters of names in sysfs, in components that do not lead upward */
static bool is_path(const char *path)
{
	const char *part = path;

	while (*part) {
		size_t i, len = strcspn(part, "/");

		if (!len || part[0] == '.')
			return false;
		for (i = 0; i < len; i++)
			if (part[i] <= ' ' || part[i] > '~')
				return false;
		part += len;
		if (*part == '/' && !*++part)
			return false;
	}
	return *path != '\0';
}

/* A driver or an IOMMU, whose name is needed; or a device that was not copied */
static bool is_link(const char *path, const char *target)
{
	const char *slash = strrchr(path, '/');

	return slash && is_path(target) && !strchr(target, '/') &&
	       (!strcmp(slash, "/driver") || !strcmp(slash, "/iommu") ||
		!strcmp(slash + 1, target));
}

/* Make the folders of @path down to its last slash. */
static void make_folders(const struct unpacking *u, char *path)
{
	char *slash = strchr(path + strlen(u->dir), '/');

	for (; slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			failed(u, path);
		*slash = '/';
	}
}

static void unpack_file(struct unpacking *u, const char *path, uint64_t size)
{
	static char content[FILE_MAX + BLOCK];
	int fd;

	if (size > FILE_MAX)
		bad(u, "a file in it is larger than any file of sysfs");
	u->bytes += size;
	if (u->bytes > BYTES_MAX)
		bad(u, "holds more than a host can have");
	if (size && !fread(content, (size + BLOCK - 1) / BLOCK * BLOCK, 1, u->in))
		bad(u, "is cut short");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, content, size) != (ssize_t)size || close(fd))
		failed(u, path);
}

/* The path inside the folder of all archives. */
static char *place_of(const struct unpacking *u, const struct header *h)
{
	char *path = h->prefix[0] ?
		xasprintf("%.*s/%.*s", (int)sizeof(h->prefix), h->prefix,
			  (int)sizeof(h->name), h->name) :
		xasprintf("%.*s", (int)sizeof(h->name), h->name);
	size_t len = strlen(path), folder = strlen(TAR_FOLDER);
	char *place;

	if (h->type == TAR_DIR && len && path[len - 1] == '/')
		path[len - 1] = '\0';
	if (!is_path(path) || strncmp(path, TAR_FOLDER, folder) ||
	    (path[folder] && path[folder] != '/'))
		bad(u, "a name in it is not that of a saved file");
	place = xasprintf("%s%s", u->dir, path + folder);
	free(path);
	return place;
}

static void unpack_one(struct unpacking *u, const struct header *h)
{
	char *path = place_of(u, h);
	char *target = xasprintf("%.*s", (int)sizeof(h->target), h->target);
	uint64_t size = 0;

	if (!octal(h->size, sizeof(h->size), &size))
		bad(u, "a size in it is invalid");
	make_folders(u, path);
	if (h->type == TAR_FILE || h->type == TAR_OLD_FILE) {
		unpack_file(u, path, size);
	} else if (h->type == TAR_DIR && !size) {
		if (mkdir(path, 0700) && errno != EEXIST)
			failed(u, path);
	} else if (h->type == TAR_LINK && !size && is_link(path, target)) {
		if (symlink(target, path))
			failed(u, path);
	} else {
		bad(u, "has an entry that no saved host has");
	}
	free(target);
	free(path);
}

static void unpack_all(struct unpacking *u)
{
	struct header h;
	uint64_t sum;

	for (;;) {
		if (!fread(&h, sizeof(h), 1, u->in))
			bad(u, u->entries ? "is cut short" : "is not an archive");
		if (u->entries && !h.name[0])
			return;
		if (memcmp(h.magic, "ustar", 5) || !octal(h.sum, sizeof(h.sum), &sum) ||
		    sum != checksum(&h))
			bad(u, u->entries ? "is damaged" : "is not an archive");
		if (u->entries++ == ENTRIES_MAX)
			bad(u, "holds more files than a host can have");
		unpack_one(u, &h);
	}
}

/**
 * tar_unpack() - unpack an archive, until the command ends; exits if it is not an
 * archive
 * @path: the archive
 *
 * Return: the folder
 */
const char *tar_unpack(const char *path)
{
	struct unpacking u = { .archive = path, .in = fopen(path, "re") };

	if (!u.in)
		err(EXIT_TROUBLE, "%s", path);
	u.dir = make_dir();
	unpack_all(&u);
	fclose(u.in);
	return u.dir;
}
