/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cleanup attributes and the few macros that every file here uses.
 *
 * A variable that owns something carries a _cleanup_*_ attribute; ownership leaves a function only
 * through TAKE_PTR or TAKE_FD. Descriptors that hold nothing are -EBADF, never -1 or 0. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((__cleanup__(f)))
#define _printf_(fmt, first) __attribute__((__format__(__printf__, fmt, first)))

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))

#define TAKE_PTR(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) *_take_p = &(p);                                                             \
        __typeof__(p) _take_v = *_take_p;                                                          \
        *_take_p = NULL;                                                                           \
        _take_v;                                                                                   \
    })

#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int *_take_fd = &(fd);                                                                     \
        int _take_v = *_take_fd;                                                                   \
        *_take_fd = -EBADF;                                                                        \
        _take_v;                                                                                   \
    })

static inline void freep(void *p) {
    free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(freep)

/* Keeps errno, so that it can run between a failure and its report. For what was only read from;
 * close() of what was written to is checked where it happens. */
static inline void closep(int *fd) {
    int saved = errno;

    if (*fd >= 0)
        (void)close(*fd);
    errno = saved;
}
#define _cleanup_close_ _cleanup_(closep)

static inline void fclosep(FILE **f) {
    int saved = errno;

    if (*f)
        (void)fclose(*f);
    errno = saved;
}
#define _cleanup_fclose_ _cleanup_(fclosep)

static inline void closedirp(DIR **dir) {
    if (*dir)
        (void)closedir(*dir);
}
#define _cleanup_closedir_ _cleanup_(closedirp)
