/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* LD_PRELOAD=fail-alloc.so FAIL_ALLOC=N[+] PROGRAM: its Nth call of malloc(), calloc(), realloc()
 * or an aligned one fails, with "+" all that follow too. Others of libc, such as strdup(), come by
 * these. Once one has failed, a byte is written to descriptor FAIL_ALLOC_FD, if that is set: it
 * tells the caller that the program made so many. */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/* glibc's own names of what is replaced here, so that nothing has to be looked up by what might
 * itself allocate. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static bool fails(void) {
    static unsigned long count, wanted;
    static bool known, all;
    const char *fd;

    if (!known) {
        const char *value = getenv("FAIL_ALLOC");
        char *end;

        known = true;
        if (value) {
            wanted = strtoul(value, &end, 10);
            all = *end == '+';
        }
    }
    count++;
    if (wanted == 0 || count < wanted || (count > wanted && !all))
        return false;
    fd = getenv("FAIL_ALLOC_FD");
    if (fd && count == wanted)
        (void)!write(atoi(fd), "x", 1);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size) {
    return fails() ? NULL : __libc_realloc(p, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size) {
    void *p = fails() ? NULL : __libc_memalign(alignment, size);

    if (!p)
        return ENOMEM;
    *ret = p;
    return 0;
}
