/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

#include "shared/fd.h"
#include "shared/macros.h"

#define DEPTH_MAX 64 /* from a process to its ancestor */

ssize_t procs_read(char *buf, size_t size, const char *format, ...) {
    _cleanup_close_ int fd = -EBADF;
    char path[64];
    va_list ap;
    size_t len;
    int r;

    va_start(ap, format);
    r = vsnprintf(path, sizeof(path), format, ap);
    va_end(ap);
    if (r < 0 || (size_t)r >= sizeof(path))
        return -EINVAL;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = fd_read_all(fd, buf, size - 1, &len);
    if (r < 0)
        return r;
    buf[len] = '\0';
    return (ssize_t)len;
}

/* As getdents64(2) has it. */
typedef struct Dirent {
    uint64_t ino;
    int64_t off;
    unsigned short reclen;
    unsigned char type;
    char name[];
} Dirent;

/* The number that NAME is, or -1. */
static int64_t parse_number(const char *name) {
    int64_t n = 0;

    if (*name == '\0')
        return -1;
    for (; *name != '\0'; name++) {
        if (*name < '0' || *name > '9' || n > INT32_MAX)
            return -1;
        n = n * 10 + (*name - '0');
    }
    return n;
}

int procs_each(const char *path, int (*each)(void *userdata, unsigned number), void *userdata) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _Alignas(Dirent) char buf[4096];

    if (fd < 0)
        return -errno;
    for (;;) {
        /* readdir(3) would allocate. */
        const long n = syscall(SYS_getdents64, fd, buf, sizeof(buf));

        if (n <= 0)
            return n < 0 ? -errno : 0;
        for (long i = 0; i < n;) {
            const Dirent *d = (const Dirent *)(const void *)(buf + i);
            const int64_t number = parse_number(d->name);
            int r;

            i += d->reclen;
            if (number < 0)
                continue;
            r = each(userdata, (unsigned)number);
            if (r != 0)
                return r;
        }
    }
}

/* Fields of proc_pid_stat(5), by its numbers. */
enum { STAT_PPID = 4, STAT_UTIME = 14, STAT_STIME = 15 };

/* The field NUMBER, from 4 on, of the text of a stat file. The name, field 2, may hold anything, a
 * parenthesis too; the last one in the file ends it. */
static uint64_t stat_field(const char *text, unsigned number) {
    const char *p = strrchr(text, ')');

    for (unsigned i = 2; p && i < number; i++) {
        p = strchr(p, ' ');
        if (p)
            p++;
    }
    return p ? strtoull(p, NULL, 10) : 0;
}

bool procs_descends(pid_t pid, pid_t ancestor) {
    for (unsigned depth = 0; depth < DEPTH_MAX && pid > 1; depth++) {
        char text[512];

        if (pid == ancestor)
            return true;
        if (procs_read(text, sizeof(text), "/proc/%d/stat", pid) < 0)
            return false;
        pid = (pid_t)stat_field(text, STAT_PPID);
    }
    return false;
}

int procs_cpu(pid_t pid, ProcsCpu *ret) {
    char text[512], *rest;
    ssize_t n = procs_read(text, sizeof(text), "/proc/%d/stat", pid);
    uint64_t ticks, ran;

    if (n < 0)
        return (int)n;
    ticks = stat_field(text, STAT_UTIME) + stat_field(text, STAT_STIME);
    /* proc(5) does not have this file; the kernel's sched-stats.rst does: nanoseconds that it ran,
     * nanoseconds that it waited for a processor, and how often it got one. */
    n = procs_read(text, sizeof(text), "/proc/%d/task/%d/schedstat", pid, pid);
    if (n < 0)
        return (int)n;
    ran = strtoull(text, &rest, 10);
    ret->process = ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
    ret->main_thread = (ran + strtoull(rest, NULL, 10)) / 1000;
    return 0;
}
