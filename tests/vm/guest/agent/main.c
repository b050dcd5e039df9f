// SPDX-License-Identifier: GPL-2.0-only
/*
 * agent: /init of the test VMs. Loads the modules listed in /modules, then executes the steps in
 * /steps, one on each line, and sends the host what it saw through the virtio port "iommu-resv".
 * It does not judge what it saw: the host does (tests/vm/expect).
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
 * wait-text PATH TEXT          wait-text ok|timeout MILLISECONDS: until a line contains TEXT
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
 * busy LABEL MILLISECONDS STEP...   busy LABEL NANOSECONDS: the time that all tasks together ran
 *                              from the begin of that step until MILLISECONDS after its end
 * cdev                         the same with --cdev: cdev-probe GROUP LINE and cdev GROUP LINE
 * rebind DEVICE N              rebind N FAILURES: bind it to vfio-pci and unbind it, N times
 * bury DEVICE                  bury DEVICE ok|ERRNO: a test build removes its group's entry
 * spawn NAME COMMAND...        run in the background: a program, or "read-all", "uevents"
 * stop NAME                    NAME LINE... of its output, then NAME exit STATUS
 * kill NAME                    the same, by SIGKILL
 * wait-job NAME                the same, when it ends by itself
 * run COMMAND...               the same in the foreground, NAME is "run"
 * mount TYPE DIRECTORY         mount DIRECTORY ok|ERRNO
 * options MODULE [TEXT]        parameters with which modprobe() loads MODULE from now on
 * hooked LABEL                 the kernel's lists of hooks, see hooked()
 * allocs LABEL                 memory that modules have, see allocs()
 * livepatch-cycle N            livepatch-cycle N FAILURES: load both modules, until the patch is
 *                              active, and unload both
 * declare-cycle N FILE START END   declare-cycle N FAILURES BUSY: declare and remove a region; BUSY
 *                              counts the writes that were repeated because the group was in use
 * window-cycle N FILE GROUPFILE   window-cycle N FAILURES BUSY: load, move the MSI window several
 *                              times, and unload, every other time with the window moved
 * inject FILE LABEL MAX [PARAMETER...]   load the test build again and again, each time with
 *                              another step that fails, see inject()
 * inject-switch FILE LABEL MAX FROM TO GROUP   see inject_switch()
 * case LABEL [FOLDER]          restore what the case before has changed, see between.c: state LINE,
 *                              log LINE since the last time, case LABEL; from here on the modules
 *                              at the root are those of FOLDER
 * fail-nth LABEL MAX load|unload FILE [PARAMETER...]
 * fail-nth LABEL MAX write PATH TEXT / UNDO    see fail_nth(), needs a debug kernel
 *
 * Commands of spawn, beside programs: "read-all": read every file of every group; "uevents": print
 * the uevents of groups; "watch FILE TEXT": read FILE again and again, and count how often TEXT was
 * not in it; "watch-many N FILE TEXT": the same in N processes; "churn DEVICE": remove a PCI device
 * and rescan the bus.
 *
 * The kernel calls the agent as /sbin/modprobe, too: see modprobe().
 *
 * In the end the agent sends what a debug kernel found, see debug_kernel(); "log LINE" for the
 * kernel log, without the lines that were sent with a case; "end".
 */
#include "agent.h"

/* Parameters of a module for modprobe, by its name. */
#define OPTIONS		"/tmp/options-"

void step(char *line)
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

		tell("load %s %s %llu\n", arg, outcome(err), (unsigned long long)(cpu_ns() - start));
	} else if (!strcmp(cmd, "unload")) {
		tell("unload %s %s\n", arg, outcome(unload(arg)));
	} else if (!strcmp(cmd, "cycle") && n >= 4) {
		cycle(atoi(arg), word + 2, n - 2);
	} else if (!strcmp(cmd, "write") && n > 2) {
		tell("write %s %s\n", arg,
		     outcome(write_file(arg, strstr(whole, arg) + strlen(arg) + 1)));
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
	} else if (!strcmp(cmd, "case")) {
		next_case(arg, n > 2 ? word[2] : "");
	} else if (!strcmp(cmd, "wait")) {
		wait_path(arg, false);
	} else if (!strcmp(cmd, "wait-gone")) {
		wait_path(arg, true);
	} else if (!strcmp(cmd, "sleep")) {
		usleep(atoi(arg) * 1000);
	} else if (!strcmp(cmd, "bind") && n == 1) {
		bind_all();
	} else if (!strcmp(cmd, "bind")) {
		tell("bind %s %s\n", arg, outcome(bind_one(arg)));
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
		     outcome(mount(arg, word[2], arg, 0, NULL) && errno != EBUSY ? errno : 0));
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
 * The kernel calls modprobe -q -- NAME. This loads the livepatch only: other modules that the
 * kernel requests were loaded before, or do not exist. It logs each call in MODPROBE_LOG.
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
		fprintf(f, "%s %s\n", name, outcome(err));
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
			printf("agent: %s: %s\n", line, outcome(err));
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
		/* Wait until the host has read the last bytes from the port. */
		usleep(50000);
	} else {
		printf("agent: no port\n");
	}
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
