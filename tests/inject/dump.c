/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dump FILE [ARGUMENT…]: what it was started with, as the kernel has it: its arguments to
 * FILE.cmdline and its environment to FILE.environ. */

#include "config.h"

#include <stdio.h>

static int copy(const char *from, const char *name, const char *suffix) {
    char path[4096], buf[65536];
    FILE *in = fopen(from, "r"), *out;
    size_t n;

    (void)snprintf(path, sizeof(path), "%s.%s", name, suffix);
    out = fopen(path, "w");
    if (!in || !out)
        return 1;
    while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
        (void)fwrite(buf, 1, n, out);
    n = ferror(in) || ferror(out);
    (void)fclose(in);
    return fclose(out) != 0 || n != 0;
}

int main(int argc, char *argv[]) {
    if (argc < 2)
        return 2;
    return copy("/proc/self/cmdline", argv[1], "cmdline") ||
           copy("/proc/self/environ", argv[1], "environ");
}
