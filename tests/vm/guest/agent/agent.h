/* SPDX-License-Identifier: GPL-2.0-only */
/* Declarations that the files of the agent share. */
#ifndef AGENT_H
#define AGENT_H

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

#include "lib/lib.h"

#define PCI_DEVICES	"/sys/bus/pci/devices"
#define MAX_WORDS	96

#define CORE		"/iommu_resv.ko"
#define LIVEPATCH	"/iommu_resv_livepatch.ko"
#define PATCHES		"/sys/kernel/livepatch"

/* tell.c */
extern FILE *port;
extern char port_device[64];
void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *outcome(int err);
uint64_t now_ns(void);
int write_file(const char *path, const char *text);
char *read_file(const char *path, size_t *len);
void read_word(const char *path, char *word, size_t size);
int list(const char *dir, struct dirent ***names);
void list_free(struct dirent **names, int n);
void tell_lines(const char *prefix, char *text);
void tell_file(const char *dir, const char *name);

/* groups.c */
void dump(const char *label);
void pieces(void);
void left(void);
int bind_one(const char *device);
void bury(const char *device);
void bind_all(void);
void rebind(const char *device, int n);
void unbind(const char *device);

/* between.c */
void next_case(const char *label, const char *folder);

/* jobs.c */
void time_reads(const char *name, unsigned int rounds);
void spawn(const char *name, char **word, int n);
void collect(const char *name, const char *prefix, int sig);
void vfio_pass(const char *prefix, const char *mode, bool cdev);

/* main.c */
void step(char *line);

/* modules.c */
int load(char **word, int n);
int unload(const char *name);
void cycle(int n, char **word, int words);

/* files.c */
void wait_path(const char *path, bool gone);
void write_without(const char *cap, const char *path, const char *text);
void write_hex(const char *path, const char *hex);
void declare_many(const char *cmd, const char *verb, char **word);
void cat(const char *path);
void wait_text(const char *path, const char *want);

/* cycles.c */
int must(const char *what, const char *name, int err);
int livepatch_off(void);
void livepatch_cycle(int n);
void declare_cycle(int n, const char *path, const char *start, const char *end);
void undeclare(const char *word);
void window_cycle(int n, char *file, const char *path);

/* hooked.c */
void hooked(const char *label);
void allocs(const char *label);

/* inject.c */
void tell_numbered(const char *what, const char *label, int i, const char *path);
void inject(char **word, int n);
void inject_switch(char **word);

/* failing.c */
void fail_nth_step(char **word, int n, const char *whole);

/* debug.c */
void kernel_log(void);
void busy(const char *label, int ms, char *line);
void debug_kernel(void);

#endif
