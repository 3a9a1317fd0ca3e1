/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "shared/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/macros.h"

/* Opens one component of a path; -ELOOP for a symbolic link, for which O_DIRECTORY and O_PATH have
 * answers of their own. */
static int open_component(int dir_fd, const char *name, int flags, mode_t mode) {
    _cleanup_close_ int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    int r = fd < 0 ? -errno : 0;
    struct stat st;

    if (r == -ENOTDIR && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(st.st_mode))
        return -ELOOP;
    if (r < 0)
        return r;
    if ((flags & O_PATH) && (fstat(fd, &st) < 0 || S_ISLNK(st.st_mode)))
        return -ELOOP;
    return TAKE_FD(fd);
}

/* What openat2() does, one component after the other. RestrictSUIDSGID= of systemd has openat2()
 * fail with ENOSYS, because seccomp cannot look at the mode that it is given. */
static int open_by_components(int dir_fd, const char *path, int flags, mode_t mode) {
    _cleanup_close_ int fd = -EBADF;
    char name[NAME_MAX + 1];

    for (;;) {
        size_t n = strcspn(path, "/");
        int next_fd;

        if (n >= sizeof(name))
            return -ENAMETOOLONG;
        memcpy(name, path, n);
        name[n] = '\0';
        if (n == 0 || strcmp(name, "..") == 0)
            return -EXDEV;
        if (path[n] == '\0')
            return open_component(fd < 0 ? dir_fd : fd, name, flags, mode);

        next_fd = open_component(fd < 0 ? dir_fd : fd, name, O_PATH | O_DIRECTORY, 0);
        if (next_fd < 0)
            return next_fd;
        closep(&fd);
        fd = next_fd;
        path += n + 1;
    }
}

int fd_open_beneath(int dir_fd, const char *path, int flags, mode_t mode) {
    /* openat2() refuses a mode without O_CREAT, where open() would ignore it. */
    const struct open_how how = {
        .flags = (unsigned)flags | O_CLOEXEC,
        .mode = (flags & O_CREAT) ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd;

    /* RESOLVE_BENEATH may answer EAGAIN when anything on the system is renamed meanwhile
     * (openat2(2)); a user who renames without end must not keep us here for ever. */
    for (unsigned tries = 0; tries < 128; tries++) {
        fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
        if (fd >= 0)
            return (int)fd;
        if (errno == ENOSYS)
            return open_by_components(dir_fd, path, flags, mode);
        if (errno != EAGAIN && errno != EINTR)
            break;
    }
    return -errno;
}

DIR *fd_open_dir(int dir_fd, const char *path) {
    _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir)
        (void)TAKE_FD(fd);
    return dir;
}

int fd_read_all(int fd, char *buf, size_t size, size_t *ret_len) {
    size_t len = 0;

    while (len < size) {
        ssize_t n = read(fd, buf + len, size - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *ret_len = len;
    return 0;
}

int fd_write_all(int fd, const char *buf, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, buf, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        buf += n;
        len -= (size_t)n;
    }
    return 0;
}

int fd_close_written(int *fd) {
    return close(TAKE_FD(*fd)) < 0 ? -errno : 0;
}
