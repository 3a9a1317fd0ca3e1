/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* overlay-fallbacks [--times N] fd|string|options|newest UPPER WORK TARGET LAYER...
 *
 * Mounts an overlay by one of the interfaces that kernels offer, so that a new kernel can show that
 * what older ones need works. Prints the step, the errno's text and the kernel's message of a
 * failure; exit status 3 where the kernel does not have the interface. With --times, the list
 * of layers is given N times over, so that it is longer than any that a kernel takes. */

#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "helpers/lowerdirs.h"
#include "helpers/overlay-mount.h"
#include "shared/macros.h"

#define TIMES_MAX 8

static int open_directory(const char *path) {
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        perror(path);
    return fd;
}

int main(int argc, char *argv[]) {
    static const char *const apis[] = {"fd", "string", "options"};
    static int lower_fds[LOWERDIRS_MAX * TIMES_MAX];
    OverlayMount mount = {.source = "fallbacks", .lower_fds = lower_fds};
    OverlayFault fault;
    size_t api = 0, times = 1, n;
    int r;

    if (argc > 2 && strcmp(argv[1], "--times") == 0) {
        times = strtoul(argv[2], NULL, 10);
        argc -= 2;
        argv += 2;
    }
    if (argc < 6 || argc - 5 > LOWERDIRS_MAX || times < 1 || times > TIMES_MAX)
        return 2;
    mount.upper_fd = open_directory(argv[2]);
    mount.work_fd = open_directory(argv[3]);
    mount.target_fd = open_directory(argv[4]);
    for (int i = 5; i < argc; i++)
        lower_fds[mount.n_lower++] = open_directory(argv[i]);
    n = mount.n_lower;
    while (mount.n_lower < n * times) {
        lower_fds[mount.n_lower] = lower_fds[mount.n_lower - n];
        mount.n_lower++;
    }

    while (api < ELEMENTSOF(apis) && strcmp(argv[1], apis[api]) != 0)
        api++;
    if (api == ELEMENTSOF(apis))
        r = overlay_mount(&mount, &fault);
    else
        r = overlay_mount_by((OverlayApi)api, &mount, &fault);
    if (r == -ENOSYS)
        return 3;
    if (r < 0) {
        (void)printf("step %u, layer %zu: %s: %s\n", fault.step, fault.index, strerror(-r),
                     fault.message);
        return 1;
    }
    return 0;
}
