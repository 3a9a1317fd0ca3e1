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

/* In microseconds. What waits for a processor wants it as much as what has one: on a busy host an
 * endless loop is told by both together. */
typedef struct ProcsCpu {
    uint64_t process;     /* the CPU time that all threads used */
    uint64_t main_thread; /* the time that the first thread ran, or was ready to run */
} ProcsCpu;

/* Returns 0 or a negative errno. */
int procs_cpu(pid_t pid, ProcsCpu *ret);
