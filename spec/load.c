/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/fd.h"
#include "shared/macros.h"
#include "spec/names.h"
#include "spec/spec.h"

#define SPEC_FILE "/spec.yaml"

int spec_load(int instances_fd, const char *name, char *buf, size_t *ret_len) {
    char path[INSTANCE_NAME_MAX + sizeof(SPEC_FILE)];
    _cleanup_close_ int fd = -EBADF;
    struct stat st;

    if (snprintf(path, sizeof(path), "%s" SPEC_FILE, name) >= (int)sizeof(path))
        return -ENAMETOOLONG;

    /* Non-blocking: a FIFO in the spec's place must not hold up a boot. */
    fd = fd_open_beneath(instances_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    /* A hard link may be to a file that whoever placed it could not read. */
    if (st.st_nlink > 1)
        return -EMLINK;
    if ((unsigned long long)st.st_size > SPEC_SIZE_MAX)
        return -EFBIG;
    return fd_read_all(fd, buf, (size_t)st.st_size, ret_len);
}

const char *spec_load_strerror(int error) {
    switch (-error) {
    case ENOENT:
    case ENOTDIR:
        return "does not exist";
    case ELOOP:
        return "is reached through a symbolic link, and none is followed: place the file itself "
               "there";
    case EISDIR:
        return "is a directory: place a file there";
    case EINVAL:
    case ENXIO:
        return "is no regular file: place a file there";
    case EMLINK:
        return "has a second hard link: place a copy of its own there";
    case EFBIG:
        return "is larger than 64 KiB, the most a spec may be";
    case EACCES:
        return "cannot be read: permission denied";
    default:
        return strerror(-error);
    }
}
