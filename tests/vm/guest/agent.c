// SPDX-License-Identifier: GPL-2.0-only
/*
 * agent: /init of the test VMs. Loads the modules listed in /modules, then does the steps in
 * /steps, one a line, and tells the host what it saw through the virtio port "iommu-resv". It
 * judges nothing: that is the host's part (judge.py).
 *
 * steps                        lines sent
 * load FILE [PARAMETER...]     load FILE ok|ERRNO NANOSECONDS (of CPU time, here and below)
 * unload MODULE                unload MODULE ok|ERRNO
 * cycle N FILE MODULE [PARAMETER...]   cycle N FAILURES (load and unload N times)
 * write PATH TEXT              write PATH ok|ERRNO
 * write-without CAP PATH TEXT  write-without CAP ok|ERRNO: by a process without that capability
 * write-hex PATH HEX           write-hex ok|ERRNO BYTES: these bytes in one write
 * fill PATH START STRIDE MAX   fill COUNT ok|ERRNO: "add" so many pages, until one is refused
 * drain PATH START STRIDE N    drain COUNT ok|ERRNO: "remove" them
 * cat PATH                     file PATH ok|ERRNO, | LINE...
 * wait-text PATH TEXT          wait-text ok|timeout MILLISECONDS: until a line has that in it
 * say TEXT                     say TEXT (the host waits for it)
 * wait PATH | wait-gone PATH   wait PATH ok|timeout MILLISECONDS
 * sleep MILLISECONDS
 * bind                         bind DEVICE ok|ERRNO, for all PCI devices that VFIO can have
 * unbind DEVICE                unbind DEVICE ok|ERRNO
 * dump LABEL                   see dump()
 * pieces                       pieces GROUP BYTES same|differs: is resv/regions, read in small
 *                              pieces, what one big read gives?
 * left                         left PATH, for all that the module leaves in sysfs
 * vfio                         probe GROUP LINE and vfio GROUP LINE of vfio-check, all groups
 * time NAME [ROUNDS]           time NAME FILES BYTES NANOSECONDS: read that file of all groups
 * busy LABEL MILLISECONDS STEP...   busy LABEL NANOSECONDS: what all tasks together ran from the
 *                              begin of that step until so long after its end
 * cdev                         the same with --cdev: cdev-probe GROUP LINE and cdev GROUP LINE
 * rebind DEVICE N              rebind N FAILURES: give it to vfio-pci and take it away again
 * bury DEVICE                  bury DEVICE ok|ERRNO: a test build forgets its group
 * spawn NAME COMMAND...        run in the background: a program, or "read-all", "uevents"
 * stop NAME                    NAME LINE... of its output, then NAME exit STATUS
 * kill NAME                    the same, by SIGKILL
 * wait-job NAME                the same, when it ends by itself
 * run COMMAND...               the same in the foreground, NAME is "run"
 * mount TYPE DIRECTORY         mount DIRECTORY ok|ERRNO
 * options MODULE [TEXT]        what modprobe, see there, gives MODULE as parameters from now on
 * hooked LABEL                 what is hooked in this kernel, see hooked()
 * allocs LABEL                 memory that modules have, see allocs()
 * livepatch-cycle N            livepatch-cycle N FAILURES: load both modules, until the patch is
 *                              active, and unload both
 * declare-cycle N FILE START END   declare-cycle N FAILURES BUSY: declare and take back; how often
 *                              it was tried again because the group was in use
 * window-cycle N FILE GROUPFILE   window-cycle N FAILURES BUSY: load, move the MSI window about, and
 *                              unload, every other time with the window moved
 * inject FILE LABEL MAX [PARAMETER...]   load the test build with each step in turn made to fail,
 *                              see inject()
 * inject-switch FILE LABEL MAX FROM TO GROUP   see inject_switch()
 * fail-nth LABEL MAX load|unload FILE [PARAMETER...]
 * fail-nth LABEL MAX write PATH TEXT / UNDO    see fail_nth(), needs a debug kernel
 *
 * Commands of spawn, beside programs: "read-all"; "uevents"; "watch FILE TEXT": read FILE again
 * and again, and count the times that TEXT was not in it; "watch-many N FILE TEXT": N that do so; "churn DEVICE": take a PCI device away
 * and have the bus looked at again.
 *
 * As /sbin/modprobe, for the kernel: see modprobe().
 *
 * In the end: what a debug kernel found, see debug_kernel(); "log LINE" for the kernel log; "end".
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GROUPS		"/sys/kernel/iommu_groups"
#define PCI_DEVICES	"/sys/bus/pci/devices"
#define VIRTIO_IOMMU	"0x1af4:0x1057"
#define CLASS_IOMMU	"0x080600"
#define MAX_WORDS	96
#define MAX_JOBS	1024

/* Parameters of a module for modprobe, by its name. */
#define OPTIONS		"/tmp/options-"

static FILE *port;
static char port_device[64];

struct job {
	char name[32];
	pid_t pid;
};

static struct job jobs[MAX_JOBS];
static unsigned int nr_jobs;

static void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(port, fmt, ap);
	va_end(ap);
}

static const char *errname(int err)
{
	const char *name = strerrorname_np(err);

	return err ? name ? name : "?" : "ok";
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* CPU time: under -icount the instructions that were done, without the waits. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

/* The content, NUL-terminated, to be freed; NULL with errno set. */
static char *read_file(const char *path, size_t *len)
{
	size_t cap = 65536, n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	char *buf;
	ssize_t got;

	if (fd < 0)
		return NULL;
	buf = malloc(cap + 1);
	while ((got = read(fd, buf + n, cap - n)) > 0) {
		n += got;
		if (n == cap)
			buf = realloc(buf, (cap *= 2) + 1);
	}
	err = errno;
	close(fd);
	if (got < 0) {
		free(buf);
		errno = err;
		return NULL;
	}
	buf[n] = 0;
	if (len)
		*len = n;
	return buf;
}

static void read_word(const char *path, char *word, size_t size)
{
	char *text = read_file(path, NULL);

	snprintf(word, size, "%s", text ? text : "");
	word[strcspn(word, "\n")] = 0;
	free(text);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

static int not_dot(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int list(const char *dir, struct dirent ***names)
{
	int n = scandir(dir, names, not_dot, by_number);

	if (n >= 0)
		return n;
	*names = NULL;
	return 0;
}

static void list_free(struct dirent **names, int n)
{
	while (n > 0)
		free(names[--n]);
	free(names);
}

/* Each line of a file behind PREFIX. */
static void tell_lines(const char *prefix, char *text)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")))
		if (*line || rest)
			tell("%s%s\n", prefix, line);
}

/* file NAME ok|ERRNO, and the lines behind "| " */
static void tell_file(const char *dir, const char *name)
{
	char path[PATH_MAX], *text;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	text = read_file(path, NULL);
	tell("file %s %s\n", name, errname(text ? 0 : errno));
	if (text)
		tell_lines("| ", text);
	free(text);
}

/*
 * dump LABEL, then for each group: group N, device NAME DRIVER ID, iommu NAME of that device,
 * file NAME STATUS, | LINE...; at last the files of the module itself as those of a group "-"; dump-end.
 */
static void dump(const char *label)
{
	struct dirent **groups, **names;
	char dir[PATH_MAX], path[PATH_MAX], link[PATH_MAX], id[16], vendor[16];
	int n = list(GROUPS, &groups), i, j, m;
	ssize_t len;

	tell("dump %s\n", label);
	for (i = 0; i < n; i++) {
		tell("group %s\n", groups[i]->d_name);
		snprintf(dir, sizeof(dir), GROUPS "/%.16s/devices", groups[i]->d_name);
		m = list(dir, &names);
		for (j = 0; j < m; j++) {
			snprintf(path, sizeof(path), "%s/%s/driver", dir, names[j]->d_name);
			len = readlink(path, link, sizeof(link) - 1);
			link[len < 0 ? 0 : len] = 0;
			snprintf(path, sizeof(path), "%s/%s/vendor", dir, names[j]->d_name);
			read_word(path, vendor, sizeof(vendor));
			snprintf(path, sizeof(path), "%s/%s/device", dir, names[j]->d_name);
			read_word(path, id, sizeof(id));
			tell("device %s %s %s:%s\n", names[j]->d_name,
			     len < 0 ? "-" : strrchr(link, '/') + 1, vendor, id);
			snprintf(path, sizeof(path), "%s/%s/iommu", dir, names[j]->d_name);
			len = readlink(path, link, sizeof(link) - 1);
			link[len < 0 ? 0 : len] = 0;
			if (len > 0)
				tell("iommu %s\n", strrchr(link, '/') + 1);
		}
		list_free(names, m);
		snprintf(dir, sizeof(dir), GROUPS "/%.16s", groups[i]->d_name);
		tell_file(dir, "type");
		tell_file(dir, "reserved_regions");
		snprintf(dir, sizeof(dir), GROUPS "/%.16s/resv", groups[i]->d_name);
		m = list(dir, &names);
		for (j = 0; j < m; j++)
			if (strcmp(names[j]->d_name, "declare"))
				tell_file(dir, names[j]->d_name);
		list_free(names, m);
	}
	list_free(groups, n);
	tell("group -\n");
	m = list("/sys/kernel/iommu_resv", &names);
	for (j = 0; j < m; j++)
		tell_file("/sys/kernel/iommu_resv", names[j]->d_name);
	list_free(names, m);
	tell("dump-end\n");
}

/* As read_file(), SIZE bytes at a time; 0 bytes if it cannot be read. */
static size_t read_pieces(const char *path, char *buf, size_t cap, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got;

	while (n + size <= cap && (got = read(fd, buf + n, size)) > 0)
		n += got;
	if (fd >= 0)
		close(fd);
	return n;
}

static void pieces(void)
{
	static char small[1 << 20], big[1 << 20];
	struct dirent **groups;
	int n = list(GROUPS, &groups), i;
	char path[PATH_MAX];
	size_t len;
	bool same;

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), GROUPS "/%.16s/resv/regions", groups[i]->d_name);
		len = read_pieces(path, small, sizeof(small), 64);
		same = len == read_pieces(path, big, sizeof(big), sizeof(big) / 2) &&
		       !memcmp(small, big, len);
		tell("pieces %s %zu %s\n", groups[i]->d_name, len, same ? "same" : "differs");
	}
	list_free(groups, n);
}

static void left(void)
{
	struct dirent **groups;
	int n = list(GROUPS, &groups), i;
	char path[PATH_MAX];

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), GROUPS "/%.16s/resv", groups[i]->d_name);
		if (!access(path, F_OK))
			tell("left %s\n", path);
	}
	list_free(groups, n);
	if (!access("/sys/kernel/iommu_resv", F_OK))
		tell("left /sys/kernel/iommu_resv\n");
	if (!access("/sys/module/iommu_resv", F_OK))
		tell("left /sys/module/iommu_resv\n");
}

/* Everything but bridges, the port that talks to the host, and the IOMMU itself. */
static bool bindable(const char *device)
{
	char path[PATH_MAX], vendor[16], id[16], both[40], class[16];
	unsigned char header = 0xff;
	int fd;

	if (!strcmp(device, port_device))
		return false;
	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/vendor", device);
	read_word(path, vendor, sizeof(vendor));
	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/device", device);
	read_word(path, id, sizeof(id));
	snprintf(both, sizeof(both), "%s:%s", vendor, id);
	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/class", device);
	read_word(path, class, sizeof(class));
	if (!strcmp(both, VIRTIO_IOMMU) || !strcmp(class, CLASS_IOMMU))
		return false;
	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/config", device);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && pread(fd, &header, 1, 0x0e) != 1)
		header = 0xff;
	close(fd);
	return (header & 0x7f) == 0;
}

static int bind_one(const char *device)
{
	char path[PATH_MAX];
	int err, tries;

	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/driver_override", device);
	err = write_file(path, "vfio-pci");
	if (err)
		return err;
	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/driver/unbind", device);
	write_file(path, device);
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/vfio-pci/%.32s", device);
	/* A device that was just plugged in is not open to drivers yet. */
	for (tries = 0; tries < 20; tries++, usleep(20000)) {
		err = write_file("/sys/bus/pci/drivers_probe", device);
		if (!access(path, F_OK))
			return 0;
	}
	return err ? err : ENODEV;
}

static void bury(const char *device)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len;
	int err;

	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/iommu_group", device);
	len = readlink(path, link, sizeof(link) - 1);
	if (len > 0) {
		link[len] = '\0';
		err = write_file("/sys/module/iommu_resv/parameters/test_bury",
				 strrchr(link, '/') + 1);
	} else {
		err = ENODEV;
	}
	tell("bury %s %s\n", device, errname(err));
}

static void bind_all(void)
{
	struct dirent **names;
	int n = list(PCI_DEVICES, &names), i;

	for (i = 0; i < n; i++)
		if (bindable(names[i]->d_name))
			tell("bind %s %s\n", names[i]->d_name, errname(bind_one(names[i]->d_name)));
	list_free(names, n);
}

static void rebind(const char *device, int n)
{
	char path[PATH_MAX];
	int i, failures = 0;

	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/driver/unbind", device);
	for (i = 0; i < n; i++)
		failures += bind_one(device) || write_file(path, device);
	tell("rebind %d %d\n", n, failures);
}

static void unbind(const char *device)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/driver/unbind", device);
	tell("unbind %s %s\n", device, errname(write_file(path, device)));
}

static int load(char **word, int n)
{
	char params[1024] = "";
	int fd = open(word[0], O_RDONLY | O_CLOEXEC), i, err = 0;

	if (fd < 0)
		return errno;
	for (i = 1; i < n; i++) {
		strncat(params, word[i], sizeof(params) - strlen(params) - 2);
		strcat(params, " ");
	}
	if (syscall(SYS_finit_module, fd, params, 0))
		err = errno;
	close(fd);
	return err;
}

static int unload(const char *name)
{
	int i, err = 0;

	/* A reader of sysfs may hold the module for a moment. */
	for (i = 0; i < 100; i++) {
		err = syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
		if (err != EAGAIN && err != EBUSY && err != EWOULDBLOCK)
			break;
		usleep(10000);
	}
	return err;
}

/* WORD: FILE MODULE [PARAMETER...] */
static void cycle(int n, char **word, int words)
{
	int i, failures = 0, err;
	char *name = word[1];

	/* As load() wants it: the parameters behind the file. */
	word[1] = word[0];
	for (i = 0; i < n; i++) {
		err = load(word + 1, words - 1);
		if (!err) {
			usleep(50000);
			err = unload(name);
		}
		if (err) {
			failures++;
			tell("cycle-error %d %s\n", i, errname(err));
		}
	}
	tell("cycle %d %d\n", n, failures);
}

static void wait_path(const char *path, bool gone)
{
	uint64_t start = now_ns(), ms;
	bool there;

	do {
		there = !access(path, F_OK);
		ms = (now_ns() - start) / 1000000;
		if (there != gone)
			break;
		usleep(5000);
	} while (ms < 30000);
	tell("wait %s %s %llu\n", path, there != gone ? "ok" : "timeout", (unsigned long long)ms);
}

static int write_weakly(const char *cap, const char *path, const char *text)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	int nr = !strcmp(cap, "SYS_ADMIN") ? CAP_SYS_ADMIN : CAP_SYS_RAWIO;

	if (syscall(SYS_capget, &head, caps))
		return errno;
	caps[CAP_TO_INDEX(nr)].effective &= ~CAP_TO_MASK(nr);
	if (syscall(SYS_capset, &head, caps))
		return errno;
	return write_file(path, text);
}

static void write_without(const char *cap, const char *path, const char *text)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(write_weakly(cap, path, text));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		tell("failed write-without %s\n", cap);
	else
		tell("write-without %s %s\n", cap, errname(WEXITSTATUS(status)));
}

static void write_hex(const char *path, const char *hex)
{
	size_t n = strlen(hex) / 2, i;
	char *bytes = malloc(n + 1);
	ssize_t done = -1;
	unsigned int byte;
	int fd, err;

	for (i = 0; i < n && sscanf(hex + 2 * i, "%2x", &byte) == 1; i++)
		bytes[i] = byte;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		done = write(fd, bytes, n);
	err = done < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	free(bytes);
	tell("write-hex %s %zd\n", errname(err), done);
}

/* VERB on MAX pages from START on, STRIDE apart, until one is refused. */
static void declare_many(const char *cmd, const char *verb, char **word)
{
	uint64_t start = strtoull(word[1], NULL, 0), stride = strtoull(word[2], NULL, 0);
	uint64_t page = sysconf(_SC_PAGESIZE);
	unsigned long i, max = strtoul(word[3], NULL, 0);
	char text[80];
	int err = 0;

	for (i = 0; i < max; i++, start += stride) {
		snprintf(text, sizeof(text), "%s 0x%llx 0x%llx\n", verb,
			 (unsigned long long)start, (unsigned long long)(start + page - 1));
		err = write_file(word[0], text);
		if (err)
			break;
	}
	tell("%s %lu %s\n", cmd, i, errname(err));
}

static void cat(const char *path)
{
	char *text = read_file(path, NULL);

	tell("file %s %s\n", path, errname(text ? 0 : errno));
	if (text)
		tell_lines("| ", text);
	free(text);
}

static void wait_text(const char *path, const char *want)
{
	uint64_t start = now_ns(), ms;
	bool there = false;
	char *text;

	do {
		text = read_file(path, NULL);
		there = text && strstr(text, want);
		free(text);
		ms = (now_ns() - start) / 1000000;
		if (there)
			break;
		usleep(20000);
	} while (ms < 30000);
	tell("wait-text %s %llu\n", there ? "ok" : "timeout", (unsigned long long)ms);
}

/* load or unload MODULE, and tell it if that fails */
static int must(const char *what, const char *name, int err)
{
	if (err)
		tell("failed %s %s %s\n", what, name, errname(err));
	return err;
}

#define CORE		"/iommu_resv.ko"
#define LIVEPATCH	"/iommu_resv_livepatch.ko"
#define PATCHES		"/sys/kernel/livepatch"
#define OUR_PATCH	PATCHES "/iommu_resv_livepatch"

/* Until FILE has TEXT in it; false after 30 s. */
static bool wait_word(const char *path, const char *want)
{
	char word[64];
	int i;

	for (i = 0; i < 3000; i++, usleep(10000)) {
		read_word(path, word, sizeof(word));
		if (!strcmp(word, want))
			return true;
	}
	return false;
}

static bool wait_gone(const char *path)
{
	int i;

	for (i = 0; i < 3000 && !access(path, F_OK); i++)
		usleep(10000);
	return i < 3000;
}

static int livepatch_off(void)
{
	int err;

	if (!access(OUR_PATCH, F_OK)) {
		err = write_file(OUR_PATCH "/enabled", "0");
		/* EINVAL, or ENOENT if that is over: one that does not work is disabled already. */
		if (err && err != EINVAL && err != ENOENT)
			return err;
		if (!wait_gone(OUR_PATCH))
			return ETIME;
	}
	return access("/sys/module/iommu_resv_livepatch", F_OK) ? 0 :
	       unload("iommu_resv_livepatch");
}

/* Until the hook has been tested. */
static bool wait_active(void)
{
	bool active = false;
	char *text;
	int i;

	for (i = 0; i < 3000 && !active; i++, usleep(10000)) {
		text = read_file("/sys/kernel/iommu_resv/hooks", NULL);
		active = text && strstr(text, " livepatch active");
		free(text);
	}
	return active;
}

/* Tasks that hold up a transition, and where they are. */
static void tell_unpatched(void)
{
	char path[PATH_MAX], state[16], name[32], stack[256];
	struct dirent **names;
	int n = list("/proc", &names), i;

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/proc/%.16s/patch_state", names[i]->d_name);
		read_word(path, state, sizeof(state));
		if (strcmp(state, "0"))
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/comm", names[i]->d_name);
		read_word(path, name, sizeof(name));
		snprintf(path, sizeof(path), "/proc/%.16s/stack", names[i]->d_name);
		read_word(path, stack, sizeof(stack));
		tell("failed transition %s %s %s\n", names[i]->d_name, name, stack);
	}
	list_free(names, n);
}

static void livepatch_cycle(int n)
{
	char *core[] = { CORE, "hooks=livepatch" };
	int i, failures = 0, err;

	for (i = 0; i < n; i++) {
		err = must("load", CORE, load(core, 2));
		/* The core asks for the livepatch, in its own time. */
		if (!err && (!wait_word(OUR_PATCH "/enabled", "1") ||
			     !wait_word(OUR_PATCH "/transition", "0") || !wait_active()))
			err = must("wait", OUR_PATCH, ETIME);
		if (err)
			tell_unpatched();
		if (!err)
			err = must("unload", LIVEPATCH, livepatch_off());
		if (!err)
			err = must("unload", CORE, unload("iommu_resv"));
		failures += !!err;
	}
	tell("livepatch-cycle %d %d\n", n, failures);
}

/* A write to the file of a group that VFIO has may have to be tried again. */
static int write_patiently(const char *path, const char *text, unsigned long *busy)
{
	int i, err;

	for (i = 0; i < 20000; i++) {
		err = write_file(path, text);
		if (err != EBUSY)
			break;
		++*busy;
		usleep(500);
	}
	return err;
}

static void declare_cycle(int n, const char *path, const char *start, const char *end)
{
	unsigned long busy = 0;
	char add[128], remove[128];
	int i, failures = 0, err;

	snprintf(add, sizeof(add), "add %s %s", start, end);
	snprintf(remove, sizeof(remove), "remove %s %s", start, end);
	for (i = 0; i < n; i++) {
		err = must("declare", path, write_patiently(path, add, &busy));
		if (!err)
			err = must("undeclare", path, write_patiently(path, remove, &busy));
		failures += !!err;
		if (failures > 20)
			break;
	}
	tell("declare-cycle %d %d %lu\n", i, failures, busy);
}

/* hooked LABEL kprobe|ftrace|livepatch LINE; and "read" of each, ok or why not */
static void hooked_file(const char *label, const char *kind, const char *path)
{
	char head[96], *text = read_file(path, NULL);

	snprintf(head, sizeof(head), "hooked %.32s %s ", label, kind);
	tell("hooked %s read %s %s\n", label, kind, errname(text ? 0 : errno));
	if (text)
		tell_lines(head, text);
	free(text);
}

static void hooked(const char *label)
{
	struct dirent **names;
	int n, i;

	hooked_file(label, "kprobe", "/sys/kernel/debug/kprobes/list");
	hooked_file(label, "ftrace", "/sys/kernel/tracing/enabled_functions");
	n = list(PATCHES, &names);
	for (i = 0; i < n; i++)
		tell("hooked %s livepatch %s\n", label, names[i]->d_name);
	list_free(names, n);
	n = list("/sys/module", &names);
	for (i = 0; i < n; i++)
		if (!strncmp(names[i]->d_name, "iommu_resv", 10))
			tell("hooked %s module %s\n", label, names[i]->d_name);
	list_free(names, n);
	if (!access("/sys/kernel/iommu_resv", F_OK))
		tell("hooked %s sysfs /sys/kernel/iommu_resv\n", label);
}

/*
 * allocs LABEL CACHE LINE: who has memory of the kmalloc caches, if that is a module or was one:
 * there the kernel has no name any more. Needs slub_debug=U. allocs LABEL caches N in the end.
 */
static void allocs(const char *label)
{
	static const char * const files[] = { "/sys/kernel/debug/slab/%.64s/alloc_traces",
					      "/sys/kernel/slab/%.64s/alloc_calls" };
	char path[PATH_MAX], *text, *line, *rest, *at;
	struct dirent **names;
	int n = list("/sys/kernel/slab", &names), i, caches = 0;
	unsigned int j;

	for (i = 0; i < n; i++) {
		if (strncmp(names[i]->d_name, "kmalloc-", 8))
			continue;
		for (j = 0, text = NULL; j < 2 && !text; j++) {
			snprintf(path, sizeof(path), files[j], names[i]->d_name);
			text = read_file(path, NULL);
		}
		rest = text;
		if (text && strstr(text, "age="))
			caches++;
		while ((line = strsep(&rest, "\n"))) {
			if (!strstr(line, "age="))
				continue;
			/* COUNT FUNCTION[+OFFSET/SIZE [MODULE]] ... */
			at = line + strspn(line, " 0123456789");
			if (strstr(line, "[iommu_resv") || !strncmp(at, "0x", 2) ||
			    strstr(line, "iommu_alloc_resv_region"))
				tell("allocs %s %s %s\n", label, names[i]->d_name, line);
		}
		free(text);
	}
	list_free(names, n);
	tell("allocs %s caches %d\n", label, caches);
}

#define PARAMETERS	"/sys/module/iommu_resv/parameters"
#define HOOKS		"/sys/kernel/iommu_resv/hooks"

/* With hooks=livepatch: until it is known what became of it. */
static void wait_settled(void)
{
	char mode[16], *text;
	bool settled = false;
	int i;

	usleep(200000);
	read_word(PARAMETERS "/hooks", mode, sizeof(mode));
	if (strcmp(mode, "livepatch"))
		return;
	for (i = 0; i < 1000 && !settled; i++, usleep(10000)) {
		text = read_file(HOOKS, NULL);
		settled = text && (strstr(text, " livepatch active") ||
				   strstr(text, " livepatch inert"));
		free(text);
	}
	usleep(200000);
}

static void tell_numbered(const char *what, const char *label, int i, const char *path)
{
	char head[96], *text = read_file(path, NULL);

	snprintf(head, sizeof(head), "%s %.32s.%d ", what, label, i);
	if (text)
		tell_lines(head, text);
	free(text);
}

/* Take back what a parameter "declare=DEVICE:START-END" has declared, so that it can be unloaded. */
static void undeclare(const char *word)
{
	char device[64], start[32], end[32], path[PATH_MAX], text[80];

	if (sscanf(word, "declare=%12s:%31[^-]-%31s", device, start, end) != 3)
		return;
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/iommu_group/resv/declare", device);
	snprintf(text, sizeof(text), "remove %s %s", start, end);
	must("undeclare", path, write_file(path, text));
}

static void window_cycle(int n, char *file, const char *path)
{
	static const char * const places[] = {
		"0x50000000", "auto,avoid=0x0-0x3fffffff", "default", "0x58000000 0x200000", "auto",
		"default",
	};
	int i, j, moves, failures = 0, err;
	unsigned long busy = 0;

	for (i = 0; i < n && failures <= 20; i++) {
		err = must("load", file, load(&file, 1));
		moves = i & 1 ? 4 : 6;
		for (j = 0; j < moves && !err; j++)
			err = must("window", path, write_patiently(path, places[j], &busy));
		failures += !!err;
		if (!access("/sys/module/iommu_resv", F_OK))
			failures += !!must("unload", CORE, unload("iommu_resv"));
	}
	tell("window-cycle %d %d %lu\n", i, failures, busy);
}

/*
 * inject LABEL N ok|ERRNO STEPS: a load with its step N made to fail, from 1 until there is no
 * such step, or MAX. Before the unload "hooks LABEL.N LINE" and "features LABEL.N LINE", after it
 * what is hooked, as LABEL.N.
 */
static void inject(char **word, int n)
{
	char fail[32], steps[32], after[64], *arg[MAX_WORDS];
	int i, j, err, max = atoi(word[2]);
	const char *label = word[1];

	for (i = 1; i <= max; i++) {
		snprintf(fail, sizeof(fail), "test_fail=%d", i);
		arg[0] = word[0];
		arg[1] = fail;
		for (j = 3; j < n; j++)
			arg[j - 1] = word[j];
		tell("try %s.%d\n", label, i);
		err = load(arg, n - 1);
		if (!err)
			wait_settled();
		read_word(PARAMETERS "/test_steps", steps, sizeof(steps));
		/* What comes now has steps of its own: a read of the hooks tests them. */
		write_file(PARAMETERS "/test_fail", "0");
		tell_numbered("hooks", label, i, HOOKS);
		tell_numbered("features", label, i, "/sys/kernel/iommu_resv/features");
		tell("inject %s %d %s %s\n", label, i, errname(err), *steps ? steps : "-");
		for (j = 3; j < n && !err; j++)
			undeclare(word[j]);
		must("unload", LIVEPATCH, livepatch_off());
		if (!access("/sys/module/iommu_resv", F_OK))
			must("unload", CORE, unload("iommu_resv"));
		snprintf(after, sizeof(after), "%.32s.%d", label, i);
		hooked(after);
		fflush(port);
		if (!err && atoi(steps) < i)
			break;
	}
}

/*
 * inject-switch FILE LABEL MAX FROM TO GROUP: the same while the hooks are switched, and a region
 * is declared in GROUP. inject LABEL N ok|ERRNO STEPS here is of the switch; "mode LABEL.N MODE"
 * and "list LABEL.N LINE" of the kernel's list come after it.
 */
static void inject_switch(char **word)
{
	const char *label = word[1], *from = word[3], *to = word[4];
	char mode[32], fail[32], steps[32], after[64], declare[PATH_MAX], path[PATH_MAX];
	char *arg[] = { word[0], mode };
	int i, err, before, max = atoi(word[2]);

	snprintf(mode, sizeof(mode), "hooks=%s", from);
	snprintf(declare, sizeof(declare), "%s/resv/declare", word[5]);
	snprintf(path, sizeof(path), "%s/reserved_regions", word[5]);
	for (i = 1; i <= max; i++) {
		tell("try %s.%d\n", label, i);
		if (must("load", CORE, load(arg, 2)))
			break;
		wait_settled();
		must("declare", declare, write_file(declare, "add 0x40000000 0x40000fff"));
		read_word(PARAMETERS "/test_steps", steps, sizeof(steps));
		before = atoi(steps);
		snprintf(fail, sizeof(fail), "%d", before + i);
		write_file(PARAMETERS "/test_fail", fail);
		err = write_file(PARAMETERS "/hooks", to);
		read_word(PARAMETERS "/test_steps", steps, sizeof(steps));
		usleep(200000);
		write_file(PARAMETERS "/test_fail", "0");
		tell_numbered("hooks", label, i, HOOKS);
		tell_numbered("features", label, i, "/sys/kernel/iommu_resv/features");
		tell_numbered("mode", label, i, PARAMETERS "/hooks");
		tell_numbered("list", label, i, path);
		tell("inject %s %d %s %d\n", label, i, errname(err), atoi(steps) - before);
		must("undeclare", declare, write_file(declare, "remove 0x40000000 0x40000fff"));
		must("unload", LIVEPATCH, livepatch_off());
		must("unload", CORE, unload("iommu_resv"));
		snprintf(after, sizeof(after), "%.32s.%d", label, i);
		hooked(after);
		fflush(port);
		if (!err && atoi(steps) - before < i)
			break;
	}
}

#define FAIL_NTH	"/proc/self/fail-nth"

/* One thing that is made to fail, and what takes it back. */
struct failing {
	const char *path;
	const char *text, *undo;	/* what is written; NULL: PATH is a module */
	char **word;			/* the module and its parameters */
	int words;
	bool unloads;
};

static int failing_do(const struct failing *f)
{
	if (f->text)
		return write_file(f->path, f->text);
	return f->unloads ? unload("iommu_resv") : load(f->word, f->words);
}

static int failing_undo(const struct failing *f)
{
	if (f->text)
		return write_file(f->path, f->undo);
	return f->unloads ? load(f->word, f->words) : unload("iommu_resv");
}

/* Where this kernel, which is always at the same place, has modules: below itself, or above. */
static int modules_range(uint64_t *start, uint64_t *end)
{
	char *text = read_file("/proc/kallsyms", NULL), *at;
	uint64_t kernel = 0, module = 0;

	at = text ? strstr(text, " _text\n") : NULL;
	while (at && at > text && at[-1] != '\n')
		at--;
	if (at)
		kernel = strtoull(at, NULL, 16);
	free(text);
	text = read_file("/proc/modules", NULL);
	at = text ? strstr(text, " 0x") : NULL;
	if (at)
		module = strtoull(at, NULL, 16);
	free(text);
	if (!kernel || !module)
		return ENODATA;
	*start = module < kernel ? kernel - 0x80000000ULL : module & ~0xfffffffULL;
	*end = module < kernel ? kernel : UINT64_MAX;
	return 0;
}

/*
 * Only what a module asks for fails, by itself or through the kernel's functions that it calls:
 * the kernel's own loader of modules warns when it lacks memory. No line in the log for each.
 */
static int failing_allowed(void)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc" };
	char start_text[24], end_text[24], path[128];
	const char * const settings[][2] = {
		{ "require-start", start_text }, { "require-end", end_text },
		{ "ignore-gfp-wait", "N" }, { "verbose", "0" }
	};
	uint64_t start, end;
	unsigned int i, j;
	int err = modules_range(&start, &end);

	if (err)
		return err;
	snprintf(start_text, sizeof(start_text), "0x%llx", (unsigned long long)start);
	snprintf(end_text, sizeof(end_text), "0x%llx", (unsigned long long)end);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (j = 0; j < sizeof(settings) / sizeof(settings[0]) && !err; j++) {
			snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kinds[i],
				 settings[j][0]);
			err = write_file(path, settings[j][1]);
		}
	}
	return err ? err : write_file("/sys/kernel/debug/fail_page_alloc/min-order", "0");
}

/*
 * fail-nth LABEL MAX WHAT: do it again and again, and make the first allocation of a module fail
 * the first time, the second one the second time, and so on, until one is not reached. Told each
 * time: "fail LABEL N ok|ERRNO loaded|absent" and, after a write, "fail-list LABEL N LINE" of the
 * kernel's list. What succeeded is taken back, but when no allocation failed. In the end:
 * "fail-end LABEL ALLOCATIONS", or "fail-end LABEL ERRNO".
 */
static void fail_nth(const char *label, int max, const struct failing *f)
{
	char count[16], left[32], list[PATH_MAX], *at;
	int i, err = failing_allowed();

	for (i = 1; i <= max && !err; i++) {
		int result;

		snprintf(count, sizeof(count), "%d", i);
		err = write_file(FAIL_NTH, count);
		if (err)
			break;
		result = failing_do(f);
		read_word(FAIL_NTH, left, sizeof(left));
		write_file(FAIL_NTH, "0");
		tell("fail %s %d %s %s\n", label, i, errname(result),
		     access("/sys/kernel/iommu_resv", F_OK) ? "absent" : "loaded");
		if (f->text) {
			snprintf(list, sizeof(list), "%s", f->path);
			at = strstr(list, "/resv/");
			if (at) {
				strcpy(at, "/reserved_regions");
				tell_numbered("fail-list", label, i, list);
			}
		}
		fflush(port);
		/* Not 0: there were less allocations than that. */
		if (atoi(left)) {
			tell("fail-end %s %d\n", label, i - 1);
			return;
		}
		if (!result)
			err = must("undo", label, failing_undo(f));
	}
	tell("fail-end %s %s\n", label, err ? errname(err) : "more");
}

/* WORD: LABEL MAX load|unload FILE [PARAMETER...], or LABEL MAX write PATH TEXT / UNDO */
static void fail_nth_step(char **word, int n, const char *whole)
{
	struct failing f = { .path = word[3], .word = word + 3, .words = n - 3 };
	char *text, *undo;

	f.unloads = !strcmp(word[2], "unload");
	text = strdup(strstr(whole, word[3]) + strlen(word[3]));
	undo = strstr(text, " / ");
	if (!strcmp(word[2], "write") && undo) {
		*undo = 0;
		f.text = text + 1;
		f.undo = undo + 3;
	}
	fail_nth(word[0], atoi(word[1]), &f);
	free(text);
}

static void time_reads(const char *name, unsigned int rounds)
{
	struct dirent **groups;
	int n = list(GROUPS, &groups), i, fd, files = 0;
	static char buf[65536];
	char path[PATH_MAX];
	uint64_t ns = 0, start;
	size_t bytes = 0;
	ssize_t got;

	while (rounds--) {
		for (i = 0; i < n; i++) {
			snprintf(path, sizeof(path), GROUPS "/%.16s/%.64s", groups[i]->d_name, name);
			start = cpu_ns();
			fd = open(path, O_RDONLY | O_CLOEXEC);
			if (fd < 0)
				continue;
			while ((got = read(fd, buf, sizeof(buf))) > 0)
				bytes += got;
			close(fd);
			ns += cpu_ns() - start;
			files++;
		}
	}
	list_free(groups, n);
	tell("time %s %d %zu %llu\n", name, files, bytes, (unsigned long long)ns);
}

/* Background jobs */

static volatile sig_atomic_t stopping;

static void on_term(int sig)
{
	(void)sig;
	stopping = 1;
}

/* Read every file of every group, again and again. */
static int read_all(void)
{
	static const char * const dirs[] = { GROUPS, "/sys/kernel/iommu_resv" };
	unsigned long files = 0, passes = 0;
	char dir[PATH_MAX], path[PATH_MAX];
	struct dirent **groups, **names;
	int n, m, i, j;
	size_t len;

	while (!stopping) {
		n = list(dirs[passes & 1 ? 1 : 0], &groups);
		for (i = 0; i < n; i++) {
			if (passes & 1)
				snprintf(dir, sizeof(dir), "%s", dirs[1]);
			else
				snprintf(dir, sizeof(dir), GROUPS "/%.16s/resv", groups[i]->d_name);
			m = list(dir, &names);
			for (j = 0; j < m; j++) {
				snprintf(path, sizeof(path), "%s/%s", dir, names[j]->d_name);
				free(read_file(path, &len));
				files++;
			}
			list_free(names, m);
		}
		list_free(groups, n);
		passes++;
	}
	printf("files=%lu passes=%lu\n", files, passes);
	return 0;
}

/* Print the uevents of groups. */
static int uevents(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[8192];
	ssize_t got;

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return 1;
	while (!stopping) {
		if (poll(&p, 1, 100) != 1)
			continue;
		got = recv(fd, buf, sizeof(buf) - 1, 0);
		if (got <= 0)
			continue;
		buf[got] = 0;
		if (strstr(buf, "@/kernel/iommu_groups/"))
			printf("%s\n", buf);
	}
	return 0;
}

static int watch(const char *path, const char *want)
{
	unsigned long reads = 0, without = 0, errors = 0;
	char *text;

	while (!stopping) {
		text = read_file(path, NULL);
		if (!text)
			errors++;
		else if (!strstr(text, want))
			without++;
		free(text);
		reads++;
	}
	printf("reads=%lu without=%lu errors=%lu\n", reads, without, errors);
	return 0;
}

static int watch_many(int n, const char *path, const char *want)
{
	pid_t *pid = calloc(n, sizeof(*pid));
	int i, status, bad = 0, null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (i = 0; i < n; i++) {
		bool good = true;
		char *text;

		pid[i] = fork();
		if (pid[i])
			continue;
		dup2(null, 1);
		do {
			text = read_file(path, NULL);
			good = good && text && strstr(text, want);
			free(text);
		} while (!stopping);
		_exit(!good);
	}
	while (!stopping)
		usleep(20000);
	for (i = 0; i < n; i++)
		kill(pid[i], SIGTERM);
	for (i = 0; i < n; i++) {
		while (waitpid(pid[i], &status, 0) < 0 && errno == EINTR)
			;
		bad += status != 0;
	}
	printf("watchers=%d bad=%d\n", n, bad);
	return 0;
}

static int churn(const char *device)
{
	unsigned long times = 0, errors = 0;
	char path[PATH_MAX], dir[PATH_MAX];
	int i;

	snprintf(dir, sizeof(dir), PCI_DEVICES "/%.32s", device);
	snprintf(path, sizeof(path), PCI_DEVICES "/%.32s/remove", device);
	while (!stopping) {
		if (write_file(path, "1"))
			errors++;
		usleep(20000);
		if (write_file("/sys/bus/pci/rescan", "1"))
			errors++;
		for (i = 0; i < 200 && access(dir, F_OK); i++)
			usleep(5000);
		usleep(50000);
		times++;
	}
	printf("times=%lu churn-errors=%lu\n", times, errors);
	return 0;
}

static void spawn(const char *name, char **word, int n)
{
	struct job *job = &jobs[nr_jobs];
	char out[64];
	int fd;

	if (!n || nr_jobs == MAX_JOBS)
		return;
	snprintf(job->name, sizeof(job->name), "%s", name);
	snprintf(out, sizeof(out), "/tmp/%s", name);
	fflush(port);
	job->pid = fork();
	if (job->pid) {
		nr_jobs++;
		return;
	}
	fd = open(out, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_term);
	if (!strcmp(word[0], "read-all"))
		exit(read_all());
	if (!strcmp(word[0], "uevents"))
		exit(uevents());
	if (!strcmp(word[0], "watch") && n == 3)
		exit(watch(word[1], word[2]));
	if (!strcmp(word[0], "watch-many") && n == 4)
		exit(watch_many(atoi(word[1]), word[2], word[3]));
	if (!strcmp(word[0], "churn") && n == 2)
		exit(churn(word[1]));
	signal(SIGTERM, SIG_DFL);
	word[n] = NULL;
	execv(word[0], word);
	printf("%s: %s\n", word[0], errname(errno));
	_exit(127);
}

/* The output of a job behind PREFIX, when it has ended; SIG is sent before, if not 0. */
static void collect(const char *name, const char *prefix, int sig)
{
	char out[64], head[96], *text;
	struct job *job = NULL;
	unsigned int i;
	int status;

	for (i = 0; i < nr_jobs; i++)
		if (!strcmp(jobs[i].name, name))
			job = &jobs[i];
	if (!job)
		return;
	if (sig)
		kill(job->pid, sig);
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		;
	*job = jobs[--nr_jobs];
	snprintf(out, sizeof(out), "/tmp/%s", name);
	snprintf(head, sizeof(head), "%s ", prefix);
	text = read_file(out, NULL);
	if (text)
		tell_lines(head, text);
	free(text);
	unlink(out);
	tell("%sexit %d\n", head,
	     WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void vfio_pass(const char *prefix, const char *mode, bool cdev)
{
	struct dirent **groups;
	int n = list("/dev/vfio", &groups), i;
	char name[32], head[64];

	for (i = 0; i < n; i++) {
		char *by_group[] = { "/vfio-check", (char *)mode, groups[i]->d_name, NULL };
		char *by_cdev[] = { "/vfio-check", "--cdev", (char *)mode, groups[i]->d_name, NULL };

		if (!strcmp(groups[i]->d_name, "vfio") || !strcmp(groups[i]->d_name, "devices"))
			continue;
		snprintf(name, sizeof(name), "vfio%.16s", groups[i]->d_name);
		if (cdev)
			spawn(name, by_cdev, 4);
		else
			spawn(name, by_group, 3);
	}
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "vfio%.16s", groups[i]->d_name);
		snprintf(head, sizeof(head), "%s %.16s", prefix, groups[i]->d_name);
		collect(name, head, 0);
	}
	list_free(groups, n);
}

static void kernel_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char buf[8192], *text;
	ssize_t got;

	while (fd >= 0) {
		got = read(fd, buf, sizeof(buf) - 1);
		if (got < 0 && errno == EPIPE)
			continue;
		if (got <= 0)
			break;
		buf[got] = 0;
		text = strchr(buf, ';');
		text = text ? text + 1 : buf;
		text[strcspn(text, "\n")] = 0;
		tell("log %s\n", text);
	}
	close(fd);
}

/*
 * What all tasks together have run on CPU 0: the seventh number of its line in /proc/schedstat. It
 * grows when a task leaves the CPU, as this one does here.
 */
static uint64_t tasks_ns(void)
{
	unsigned long long ns = 0;
	char *text, *at;

	usleep(1000);
	text = read_file("/proc/schedstat", NULL);
	at = text ? strstr(text, "cpu0 ") : NULL;
	if (!at || sscanf(at, "cpu0 %*u %*u %*u %*u %*u %*u %llu", &ns) != 1)
		tell("no-schedstat\n");
	free(text);
	return ns;
}

static void step(char *line);

static void busy(const char *label, int ms, char *line)
{
	uint64_t start = tasks_ns();

	step(line);
	usleep(ms * 1000);
	tell("busy %s %llu\n", label, (unsigned long long)(tasks_ns() - start));
}

/* The kernel tells of an object only some seconds after it was allocated. */
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define KMEMLEAK_AGE	6

/*
 * For a kernel with lockdep: "debug lockdep 1", or 0 if it has given up after a report; then for
 * kmemleak, "debug kmemleak scanned ok|ERRNO" and "leak LINE" for all that it shows.
 */
static void debug_kernel(void)
{
	char *text = read_file("/proc/lockdep_stats", NULL), *at;
	int err;

	if (!text)
		return;
	at = strstr(text, "debug_locks:");
	tell("debug lockdep %d\n", at ? atoi(at + strlen("debug_locks:")) : -1);
	free(text);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	sleep(KMEMLEAK_AGE);
	err = write_file(KMEMLEAK, "scan");
	/* What one scan takes for a leak may just be in a register, or on its way. */
	err = err ? err : write_file(KMEMLEAK, "scan");
	tell("debug kmemleak scanned %s\n", errname(err));
	text = read_file(KMEMLEAK, NULL);
	if (text)
		tell_lines("leak ", text);
	free(text);
}

static void step(char *line)
{
	char whole[1024], *word[MAX_WORDS], *cmd, *arg;
	int n = 0;

	snprintf(whole, sizeof(whole), "%s", line);
	while (n < MAX_WORDS - 1 && (word[n] = strsep(&line, " ")))
		n += *word[n] != 0;
	if (!n || word[0][0] == '#')
		return;
	cmd = word[0];
	arg = n > 1 ? word[1] : "";
	if (!strcmp(cmd, "load")) {
		uint64_t start = cpu_ns();
		int err = load(word + 1, n - 1);

		tell("load %s %s %llu\n", arg, errname(err), (unsigned long long)(cpu_ns() - start));
	} else if (!strcmp(cmd, "unload")) {
		tell("unload %s %s\n", arg, errname(unload(arg)));
	} else if (!strcmp(cmd, "cycle") && n >= 4) {
		cycle(atoi(arg), word + 2, n - 2);
	} else if (!strcmp(cmd, "write") && n > 2) {
		tell("write %s %s\n", arg,
		     errname(write_file(arg, strstr(whole, arg) + strlen(arg) + 1)));
	} else if (!strcmp(cmd, "write-without") && n > 3) {
		write_without(arg, word[2], strstr(whole, word[2]) + strlen(word[2]) + 1);
	} else if (!strcmp(cmd, "write-hex")) {
		write_hex(arg, n > 2 ? word[2] : "");
	} else if (!strcmp(cmd, "fill") && n == 5) {
		declare_many(cmd, "add", word + 1);
	} else if (!strcmp(cmd, "drain") && n == 5) {
		declare_many(cmd, "remove", word + 1);
	} else if (!strcmp(cmd, "cat")) {
		cat(arg);
	} else if (!strcmp(cmd, "wait-text") && n > 2) {
		wait_text(arg, strstr(whole, arg) + strlen(arg) + 1);
	} else if (!strcmp(cmd, "say")) {
		tell("%s\n", whole);
	} else if (!strcmp(cmd, "wait")) {
		wait_path(arg, false);
	} else if (!strcmp(cmd, "wait-gone")) {
		wait_path(arg, true);
	} else if (!strcmp(cmd, "sleep")) {
		usleep(atoi(arg) * 1000);
	} else if (!strcmp(cmd, "bind") && n == 1) {
		bind_all();
	} else if (!strcmp(cmd, "bind")) {
		tell("bind %s %s\n", arg, errname(bind_one(arg)));
	} else if (!strcmp(cmd, "unbind")) {
		unbind(arg);
	} else if (!strcmp(cmd, "dump")) {
		dump(arg);
	} else if (!strcmp(cmd, "pieces")) {
		pieces();
	} else if (!strcmp(cmd, "left")) {
		left();
	} else if (!strcmp(cmd, "vfio")) {
		vfio_pass("probe", "probe", false);
		vfio_pass("vfio", "check", false);
	} else if (!strcmp(cmd, "cdev")) {
		vfio_pass("cdev-probe", "probe", true);
		vfio_pass("cdev", "check", true);
	} else if (!strcmp(cmd, "time")) {
		time_reads(arg, n > 2 ? atoi(word[2]) : 1);
	} else if (!strcmp(cmd, "busy") && n > 3) {
		busy(arg, atoi(word[2]), whole + (word[3] - word[0]));
	} else if (!strcmp(cmd, "rebind") && n == 3) {
		rebind(arg, atoi(word[2]));
	} else if (!strcmp(cmd, "bury") && n == 2) {
		bury(arg);
	} else if (!strcmp(cmd, "spawn")) {
		spawn(arg, word + 2, n - 2);
	} else if (!strcmp(cmd, "stop")) {
		collect(arg, arg, SIGTERM);
	} else if (!strcmp(cmd, "kill")) {
		collect(arg, arg, SIGKILL);
	} else if (!strcmp(cmd, "wait-job")) {
		collect(arg, arg, 0);
	} else if (!strcmp(cmd, "run")) {
		spawn("run", word + 1, n - 1);
		collect("run", "run", 0);
	} else if (!strcmp(cmd, "mount") && n == 3) {
		tell("mount %s %s\n", word[2],
		     errname(mount(arg, word[2], arg, 0, NULL) && errno != EBUSY ? errno : 0));
	} else if (!strcmp(cmd, "options") && n > 1) {
		char path[PATH_MAX];
		FILE *f;

		snprintf(path, sizeof(path), OPTIONS "%.64s", arg);
		f = fopen(path, "we");
		fputs(strstr(whole, arg) + strlen(arg), f);
		fclose(f);
	} else if (!strcmp(cmd, "hooked") && n == 2) {
		hooked(arg);
	} else if (!strcmp(cmd, "allocs") && n == 2) {
		allocs(arg);
	} else if (!strcmp(cmd, "livepatch-cycle") && n == 2) {
		livepatch_cycle(atoi(arg));
	} else if (!strcmp(cmd, "declare-cycle") && n == 5) {
		declare_cycle(atoi(arg), word[2], word[3], word[4]);
	} else if (!strcmp(cmd, "window-cycle") && n == 4) {
		window_cycle(atoi(arg), word[2], word[3]);
	} else if (!strcmp(cmd, "inject") && n > 3) {
		inject(word + 1, n - 1);
	} else if (!strcmp(cmd, "inject-switch") && n == 7) {
		inject_switch(word + 1);
	} else if (!strcmp(cmd, "fail-nth") && n > 4) {
		fail_nth_step(word + 1, n - 1, whole);
	} else {
		tell("unknown-step %s\n", whole);
	}
	fflush(port);
}

#define MODPROBE_LOG	"/tmp/modprobe.log"

/*
 * As the kernel calls it: modprobe -q -- NAME. The livepatch only; what the kernel asks for besides
 * is not for tests, and was loaded before or is not there. Each call is told in MODPROBE_LOG.
 */
static int modprobe(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[argc - 1] : "";
	char *word[MAX_WORDS] = { LIVEPATCH }, path[PATH_MAX], *rest;
	int n = 1, err = ENOENT;
	FILE *f;

	if (!strcmp(name, "iommu_resv_livepatch")) {
		snprintf(path, sizeof(path), OPTIONS "%.64s", name);
		rest = read_file(path, NULL);
		while (n < MAX_WORDS - 1 && (word[n] = strsep(&rest, " ")))
			n += *word[n] != 0;
		err = load(word, n);
		if (err == EEXIST)
			err = 0;
	}
	f = fopen(MODPROBE_LOG, "ae");
	if (f) {
		fprintf(f, "%s %s\n", name, errname(err));
		fclose(f);
	}
	return err ? 1 : 0;
}

static bool open_port(void)
{
	char path[PATH_MAX], name[64], real[PATH_MAX];
	struct dirent **ports;
	int i, n, tries;

	for (tries = 0; tries < 1000 && !port; tries++, usleep(5000)) {
		n = list("/sys/class/virtio-ports", &ports);
		for (i = 0; i < n && !port; i++) {
			snprintf(path, sizeof(path), "/sys/class/virtio-ports/%.64s/name",
				 ports[i]->d_name);
			read_word(path, name, sizeof(name));
			if (strcmp(name, "iommu-resv"))
				continue;
			snprintf(path, sizeof(path), "/sys/class/virtio-ports/%.64s/device/..",
				 ports[i]->d_name);
			if (realpath(path, real))
				snprintf(port_device, sizeof(port_device), "%s",
					 strrchr(real, '/') + 1);
			snprintf(path, sizeof(path), "/dev/%.64s", ports[i]->d_name);
			port = fopen(path, "we");
		}
		list_free(ports, n);
	}
	return port;
}

int main(int argc, char **argv)
{
	char *text, *line, *rest, *word[2];
	int err;

	if (!strcmp(basename(argv[0]), "modprobe"))
		return modprobe(argc, argv);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	rest = read_file("/modules", NULL);
	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		word[0] = line;
		err = load(word, 1);
		if (err && err != EEXIST)
			printf("agent: %s: %s\n", line, errname(err));
	}
	if (open_port()) {
		tell("start %s\n", port_device);
		fflush(port);
		text = read_file("/steps", NULL);
		while (text && (line = strsep(&text, "\n")))
			step(line);
		debug_kernel();
		kernel_log();
		tell("end\n");
		fclose(port);
		/* The host has the bytes when the port's buffer is back. */
		usleep(50000);
	} else {
		printf("agent: no port\n");
	}
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
