/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/overlay-mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "shared/macros.h"

/* mount(2) copies one page of options, the zero at the end included, and cuts what is longer
 * without a word: the mount may then succeed with a part of the layers. Pages of other sizes only
 * make this stricter. */
#define OPTIONS_MAX 4096

/* --- fsopen(2) ------------------------------------------------------------------------------ */

/* Fetches what the kernel logged to FS_FD: records of "e ", "w " or "i " and a text, one per
 * read(2), ENODATA behind the last one. The last error is the one that counts. */
static void read_messages(int fs_fd, OverlayFault *fault) {
    char buf[sizeof(fault->message)];
    ssize_t n;

    while ((n = read(fs_fd, buf, sizeof(buf) - 1)) > 0) {
        buf[n] = '\0';
        buf[strcspn(buf, "\n")] = '\0';
        if (strncmp(buf, "e ", 2) == 0)
            memcpy(fault->message, buf + 2, strlen(buf + 2) + 1);
    }
}

static int set_directory(int fs_fd, OverlayApi api, const char *key, int fd, OverlayFault *fault) {
    char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
    int r;

    if (api == OVERLAY_API_FD) {
        r = fsconfig(fs_fd, FSCONFIG_SET_FD, key, NULL, fd);
    } else {
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        r = fsconfig(fs_fd, FSCONFIG_SET_STRING, key, path, 0);
    }
    if (r < 0) {
        r = -errno;
        read_messages(fs_fd, fault);
    }
    return r;
}

/* Up to 6.4 overlayfs is not of this interface: its options become one text, also those it does not
 * know, and at most a page of them. The kernel tells that before it looks for the descriptor, which
 * cannot be one (measured on 6.1; EBADF on 6.12 and 6.18). */
static bool is_legacy(int fs_fd) {
    return fsconfig(fs_fd, FSCONFIG_SET_FD, "lowerdir+", NULL, INT_MAX) < 0 && errno == EOPNOTSUPP;
}

/* Whether R, for the first layer, says that the interface itself is not there. An unfit layer that
 * answers the same is refused once more, and then told, by the interface tried next. */
static bool is_unknown(OverlayApi api, int r, const OverlayFault *fault) {
    /* EINVAL: up to 6.12. EBADF: kernels that take descriptors, but not yet of O_PATH. */
    if (api == OVERLAY_API_FD)
        return r == -EINVAL || r == -EBADF;
    /* 6.5 and 6.6 say so in words; they are out, so the words stay. */
    return r == -EINVAL && strstr(fault->message, "Unknown parameter");
}

static int configure(int fs_fd, OverlayApi api, const OverlayMount *mount, OverlayFault *fault) {
    int r;

    if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", mount->source, 0) < 0)
        return -errno;

    fault->step = OVERLAY_STEP_LOWER;
    for (size_t i = 0; i < mount->n_lower; i++) {
        fault->index = i;
        r = set_directory(fs_fd, api, "lowerdir+", mount->lower_fds[i], fault);
        if (r < 0)
            return i == 0 && is_unknown(api, r, fault) ? -ENOSYS : r;
    }

    fault->step = OVERLAY_STEP_UPPER;
    r = set_directory(fs_fd, api, "upperdir", mount->upper_fd, fault);
    if (r < 0)
        return r;

    fault->step = OVERLAY_STEP_WORK;
    r = set_directory(fs_fd, api, "workdir", mount->work_fd, fault);
    if (r < 0)
        return r;

    fault->step = OVERLAY_STEP_CREATE;
    if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
        r = -errno;
        read_messages(fs_fd, fault);
        return r;
    }
    return 0;
}

static int mount_by_fsopen(OverlayApi api, const OverlayMount *mount, OverlayFault *fault) {
    _cleanup_close_ int fs_fd = -EBADF, mount_fd = -EBADF;
    int r;

    fs_fd = fsopen("overlay", FSOPEN_CLOEXEC);
    if (fs_fd < 0)
        return -errno;
    if (is_legacy(fs_fd))
        return -ENOSYS;
    r = configure(fs_fd, api, mount, fault);
    if (r < 0)
        return r;

    mount_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (mount_fd < 0) {
        r = -errno;
        read_messages(fs_fd, fault);
        return r;
    }

    fault->step = OVERLAY_STEP_ATTACH;
    if (move_mount(mount_fd, "", mount->target_fd, "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return -errno;
    return 0;
}

/* --- mount(2) ------------------------------------------------------------------------------- */

typedef struct Options {
    char text[OPTIONS_MAX];
    size_t len;
} Options;

_printf_(2, 3) static int append(Options *options, const char *format, ...) {
    size_t space = sizeof(options->text) - options->len;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(options->text + options->len, space, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= space)
        return -E2BIG;
    options->len += (size_t)n;
    return 0;
}

static int write_options(Options *options, const OverlayMount *mount) {
    int r = 0;

    for (size_t i = 0; i < mount->n_lower && r >= 0; i++)
        r = append(options, "%s%d", i == 0 ? "lowerdir=" : ":", mount->lower_fds[i]);
    if (r < 0)
        return r;
    return append(options, ",upperdir=%d,workdir=%d", mount->upper_fd, mount->work_fd);
}

/* From /proc/self/fd a number is the path of what the descriptor stands for, so that 500 layers
 * take half a page. */
static int mount_by_options(const OverlayMount *m, OverlayFault *fault) {
    _cleanup_close_ int cwd_fd = -EBADF;
    Options options = {.len = 0};
    char target[3 * sizeof(int) + 1];
    int r;

    r = write_options(&options, m);
    if (r < 0)
        return r;
    (void)snprintf(target, sizeof(target), "%d", m->target_fd);

    cwd_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (cwd_fd < 0 || chdir("/proc/self/fd") < 0)
        return -errno;
    fault->step = OVERLAY_STEP_CREATE;
    r = mount(m->source, target, "overlay", MS_NOSUID | MS_NODEV, options.text) < 0 ? -errno : 0;
    if (fchdir(cwd_fd) < 0 && r >= 0)
        r = -errno;
    return r;
}

/* --- Either --------------------------------------------------------------------------------- */

int overlay_mount_by(OverlayApi api, const OverlayMount *mount, OverlayFault *ret_fault) {
    *ret_fault = (OverlayFault){.step = OVERLAY_STEP_BEGIN};

    if (api == OVERLAY_API_OPTIONS)
        return mount_by_options(mount, ret_fault);
    return mount_by_fsopen(api, mount, ret_fault);
}

int overlay_mount(const OverlayMount *mount, OverlayFault *ret_fault) {
    int r = overlay_mount_by(OVERLAY_API_FD, mount, ret_fault);

    if (r == -ENOSYS)
        r = overlay_mount_by(OVERLAY_API_STRING, mount, ret_fault);
    if (r == -ENOSYS)
        r = overlay_mount_by(OVERLAY_API_OPTIONS, mount, ret_fault);
    return r;
}
