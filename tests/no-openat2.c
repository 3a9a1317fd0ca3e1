/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* no-openat2 PROGRAM ARGUMENT…: runs it where openat2() fails with ENOSYS, as it does in a unit
 * with RestrictSUIDSGID= (seccomp cannot look at the mode that it is given). Exits with 125 where
 * that cannot be had: a test that went the usual way after all would prove nothing. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_OWN 125

static int fail(const char *what) {
    (void)fprintf(stderr, "no-openat2: %s: %s\n", what, strerror(errno));
    return EXIT_OWN;
}

int main(int argc, char *argv[]) {
    /* The number alone: the architectures that a test may meet all have the same. */
    static struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    static const struct sock_fprog program = {
        .len = sizeof(filter) / sizeof(filter[0]),
        .filter = filter,
    };
    static const struct open_how how = {.flags = O_PATH};

    if (argc < 2) {
        (void)fputs("usage: no-openat2 PROGRAM ARGUMENT…\n", stderr);
        return EXIT_OWN;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        return fail("cannot install the filter");
    if (syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how)) >= 0 || errno != ENOSYS)
        return fail("openat2() is still there");

    (void)execvp(argv[1], argv + 1);
    return fail(argv[1]);
}
