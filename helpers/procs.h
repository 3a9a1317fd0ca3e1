/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Processes, as proc(5) tells of them, without allocation. What ends while it is looked at counts
 * as not there. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads the beginning of the file FORMAT names, at most SIZE - 1 bytes, and terminates it. Returns
 * its length or a negative errno. */
ssize_t procs_read(char *buf, size_t size, const char *format, ...)
    __attribute__((__format__(__printf__, 3, 4)));

/* Calls EACH for the numbers that name entries of the directory PATH, such as /proc or
 * /proc/PID/fd, until it returns other than 0. Returns that, 0, or a negative errno. */
int procs_each(const char *path, int (*each)(void *userdata, unsigned number), void *userdata);

/* Whether PID is a descendant of ANCESTOR, or is it itself. */
bool procs_descends(pid_t pid, pid_t ancestor);

/* The CPU time that a process used, and its first thread alone, in microseconds. */
typedef struct ProcsCpu {
    uint64_t process, main_thread;
} ProcsCpu;

/* Returns 0 or a negative errno. */
int procs_cpu(pid_t pid, ProcsCpu *ret);
