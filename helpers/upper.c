/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helpers/upper.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/fd.h"
#include "shared/macros.h"

/* Kernel, Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories". */
static bool is_whiteout(int dir_fd, const char *name) {
    struct stat st;

    return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
           st.st_rdev == 0;
}

int upper_make_dir(int dir_fd, const char *name) {
    if (is_whiteout(dir_fd, name) && unlinkat(dir_fd, name, 0) < 0)
        return -errno;
    if (mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST)
        return -errno;
    return fd_open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
}

int upper_remove_stale(int cfg_fd) {
    _cleanup_closedir_ DIR *dir = fd_open_dir(cfg_fd, ".");
    struct dirent *entry;

    if (!dir)
        return -errno;
    while (errno = 0, (entry = readdir(dir)))
        if (fnmatch("server*.cfg", entry->d_name, 0) == 0 &&
            unlinkat(cfg_fd, entry->d_name, 0) < 0 && errno != EISDIR && errno != ENOENT)
            return -errno;
    return -errno;
}

/* O_EXCL follows no link and opens nothing that is there. */
static int create(int cfg_fd, const char *name) {
    int fd = openat(cfg_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    return fd < 0 ? -errno : fd;
}

/* Closes the new file, or removes it if R is an error. */
static int finish(int cfg_fd, const char *name, int *fd, int r) {
    int closed = fd_close_written(fd);

    if (r >= 0)
        r = closed;
    if (r < 0)
        (void)unlinkat(cfg_fd, name, 0);
    return r;
}

int upper_write(int cfg_fd, const char *name, const char *data, size_t len) {
    _cleanup_close_ int fd = create(cfg_fd, name);
    int r;

    if (fd < 0)
        return fd;
    r = fd_write_all(fd, data, len);
    if (r >= 0 && fchmod(fd, 0640) < 0)
        r = -errno;
    return finish(cfg_fd, name, &fd, r);
}

static int copy_bytes(int from_fd, int to_fd) {
    char buf[16 * 1024];

    for (;;) {
        size_t len;
        int r = fd_read_all(from_fd, buf, sizeof(buf), &len);

        if (r < 0 || len == 0)
            return r;
        r = fd_write_all(to_fd, buf, len);
        if (r < 0)
            return r;
    }
}

static int copy_attributes(int from_fd, int to_fd) {
    struct stat st;

    if (fstat(from_fd, &st) < 0)
        return -errno;
    if (fchmod(to_fd, st.st_mode & 0777) < 0)
        return -errno;
    const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, st.st_mtim};
    return futimens(to_fd, times) < 0 ? -errno : 0;
}

int upper_copy(int cfg_fd, const char *name, int source_fd) {
    _cleanup_close_ int fd = create(cfg_fd, name);
    int r;

    if (fd < 0)
        return fd;
    r = copy_bytes(source_fd, fd);
    if (r >= 0)
        r = copy_attributes(source_fd, fd);
    return finish(cfg_fd, name, &fd, r);
}
