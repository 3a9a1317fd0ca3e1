/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/place.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pwd.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/fd.h"
#include "shared/log.h"

#define TEMPORARY_FORMAT ".spec.yaml.%d"
#define TEMPORARY_PATTERN ".spec.yaml.*"

/* A directory of instances nests no deeper; what does is none of ours. */
#define DEPTH_MAX 32

static int fail(const char *what, const char *name, int r) {
    if (r == -EACCES || r == -EPERM)
        log_error("cannot %s '%s/instances/%s': %s: those may who are root or in group left4me",
                  what, arg_root, name, strerror(-r));
    else
        log_error("cannot %s '%s/instances/%s': %s", what, arg_root, name, strerror(-r));
    return r;
}

/* What root makes is user left4me's. With another state root that user may not even exist. */
static int give(int fd) {
    const struct passwd *user;

    if (geteuid() != 0)
        return 0;
    errno = 0;
    user = getpwnam("left4me");
    if (!user && !root_is_of_units())
        return 0;
    if (!user) {
        log_error("there is no user left4me: run 'systemd-sysusers'");
        return errno != 0 ? -errno : -ENOENT;
    }
    return fchown(fd, user->pw_uid, user->pw_gid) < 0 ? -errno : 0;
}

/* --- Locking -------------------------------------------------------------------------------- */

/* Whether NAME is still the directory that FD is. */
static bool is_current(int instances_fd, int fd, const char *name) {
    struct stat a, b;

    return fstat(fd, &a) == 0 && fstatat(instances_fd, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int open_directory(int instances_fd, const char *name, bool create) {
    _cleanup_close_ int fd = fd_open_beneath(instances_fd, name, O_RDONLY | O_DIRECTORY, 0);
    int r;

    if (fd != -ENOENT || !create)
        return TAKE_FD(fd);
    if (mkdirat(instances_fd, name, 0770) < 0 && errno != EEXIST)
        return -errno;
    fd = fd_open_beneath(instances_fd, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    r = give(fd);
    /* The group comes of the setgid bit of instances/. */
    if (r >= 0 && fchmod(fd, 02770) < 0)
        r = -errno;
    return r < 0 ? r : TAKE_FD(fd);
}

int place_lock(int instances_fd, const char *name, bool create) {
    for (;;) {
        _cleanup_close_ int fd = open_directory(instances_fd, name, create);

        if (fd == -ENOENT && !create)
            return fd;
        if (fd < 0)
            return fail("open", name, fd);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            if (errno != EWOULDBLOCK)
                return fail("lock", name, -errno);
            say_step("waiting for another left4mectl that works on %s", name);
            while (flock(fd, LOCK_EX) < 0)
                if (errno != EINTR)
                    return fail("lock", name, -errno);
        }
        /* Whoever held it may have deleted the instance. */
        if (is_current(instances_fd, fd, name))
            return TAKE_FD(fd);
    }
}

/* --- Placing -------------------------------------------------------------------------------- */

/* Under the lock, what has such a name was left by one that was killed. */
static void remove_leftovers(int dir_fd) {
    _cleanup_closedir_ DIR *dir = NULL;
    struct dirent *entry;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        closep(&fd);
        return;
    }
    while ((entry = readdir(dir)))
        if (fnmatch(TEMPORARY_PATTERN, entry->d_name, FNM_PERIOD) == 0)
            (void)unlinkat(dir_fd, entry->d_name, 0);
}

static int write_temporary(int dir_fd, const char *temporary, const char *text, size_t len) {
    _cleanup_close_ int fd =
        openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r;

    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, text, len);
    if (r >= 0)
        r = give(fd);
    if (r >= 0 && fchmod(fd, 0640) < 0)
        r = -errno;
    if (r >= 0 && fsync(fd) < 0)
        r = -errno;
    if (r >= 0)
        r = fd_close_written(&fd);
    return r;
}

int place_spec(int instances_fd, int dir_fd, const char *name, const char *text, size_t len,
               bool replace) {
    char temporary[sizeof(TEMPORARY_FORMAT) + 3 * sizeof(int)];
    int r;

    remove_leftovers(dir_fd);
    (void)snprintf(temporary, sizeof(temporary), TEMPORARY_FORMAT, getpid());
    r = write_temporary(dir_fd, temporary, text, len);
    if (r >= 0 &&
        renameat2(dir_fd, temporary, dir_fd, "spec.yaml", replace ? 0 : RENAME_NOREPLACE) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlinkat(dir_fd, temporary, 0);
        return r == -EEXIST ? r : fail("place the spec in", name, r);
    }
    if (fsync(dir_fd) < 0 || fsync(instances_fd) < 0)
        return fail("write", name, -errno);
    return 0;
}

/* --- Removing ------------------------------------------------------------------------------- */

static int remove_contents(int dir_fd, unsigned depth) {
    _cleanup_closedir_ DIR *dir = NULL;
    struct dirent *entry;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int r = -errno;

        closep(&fd);
        return r;
    }
    while (errno = 0, (entry = readdir(dir))) {
        _cleanup_close_ int child_fd = -EBADF;
        int r;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            unlinkat(dir_fd, entry->d_name, 0) == 0 || errno == ENOENT)
            continue;
        if (errno != EISDIR && errno != EPERM)
            return -errno;
        child_fd = fd_open_beneath(dir_fd, entry->d_name, O_RDONLY | O_DIRECTORY, 0);
        if (child_fd < 0)
            return child_fd;
        r = depth < DEPTH_MAX ? remove_contents(child_fd, depth + 1) : -ENAMETOOLONG;
        if (r < 0)
            return r;
        if (unlinkat(dir_fd, entry->d_name, AT_REMOVEDIR) < 0)
            return -errno;
    }
    return -errno;
}

int place_remove(int instances_fd, int dir_fd, const char *name) {
    int r = 0;

    if (unlinkat(dir_fd, "spec.yaml", 0) < 0 && errno != ENOENT)
        r = -errno;
    if (r >= 0 && fsync(dir_fd) < 0)
        r = -errno;
    if (r >= 0)
        r = remove_contents(dir_fd, 0);
    if (r >= 0 && unlinkat(instances_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        r = -errno;
    if (r >= 0 && fsync(instances_fd) < 0)
        r = -errno;
    return r < 0 ? fail("remove", name, r) : 0;
}
