// SPDX-License-Identifier: GPL-2.0-only
/* Steps that run in the background, and steps that measure time. */
#include "agent.h"

#define MAX_JOBS	1024

struct job {
	char name[32];
	pid_t pid;
};

static struct job jobs[MAX_JOBS];
static unsigned int nr_jobs;

void time_reads(const char *name, unsigned int rounds)
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

void spawn(const char *name, char **word, int n)
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
	printf("%s: %s\n", word[0], outcome(errno));
	_exit(127);
}

/* Send SIG to a job, if it is not 0, wait until the job ends, and send its output behind PREFIX. */
void collect(const char *name, const char *prefix, int sig)
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

void vfio_pass(const char *prefix, const char *mode, bool cdev)
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
