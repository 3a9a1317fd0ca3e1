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

/* No other program's: editors have files of their own beside a spec. */
#define TEMPORARY_FORMAT ".left4mectl.%d"
#define TEMPORARY_PATTERN ".left4mectl.*"

/* A dot name, so it is no instance's. */
#define LOCK_FORMAT ".%s.lock"
#define LOCK_MAX (sizeof(".") + INSTANCE_NAME_MAX + sizeof(".lock"))

/* Two descriptors a level. */
#define DEPTH_MAX 200

static int fail(const char *what, const char *name, int r) {
    if (r == -EACCES || r == -EPERM)
        log_error("cannot %s '%s/instances/%s': %s: those may who are root, or in group left4me "
                  "where the directory is left4me's and of mode 2770",
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

/* Whether the file PATH is still the one that FD is. */
static bool is_current(int instances_fd, int fd, const char *path) {
    struct stat a, b;

    return fstat(fd, &a) == 0 && fstatat(instances_fd, path, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int open_lock(int instances_fd, const char *path) {
    _cleanup_close_ int fd = fd_open_beneath(instances_fd, path, O_RDONLY | O_NONBLOCK, 0);
    int r;

    if (fd != -ENOENT)
        return TAKE_FD(fd);
    fd = fd_open_beneath(instances_fd, path, O_RDONLY | O_CREAT | O_EXCL | O_NONBLOCK, 0660);
    if (fd == -EEXIST)
        return fd_open_beneath(instances_fd, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return fd;
    r = give(fd);
    if (r >= 0 && fchmod(fd, 0660) < 0)
        r = -errno;
    return r < 0 ? r : TAKE_FD(fd);
}

int place_lock(int instances_fd, const char *name, bool exclusive) {
    const int operation = exclusive ? LOCK_EX : LOCK_SH;
    char path[LOCK_MAX];

    (void)snprintf(path, sizeof(path), LOCK_FORMAT, name);
    for (;;) {
        _cleanup_close_ int fd = open_lock(instances_fd, path);

        if (fd < 0)
            return fail("lock", name, fd);
        if (flock(fd, operation | LOCK_NB) < 0) {
            if (errno != EWOULDBLOCK)
                return fail("lock", name, -errno);
            log_notice("%s: waiting for another left4mectl that works on it", name);
            while (flock(fd, operation) < 0)
                if (errno != EINTR)
                    return fail("lock", name, -errno);
        }
        /* Whoever held it may have deleted the instance, and the lock with it. */
        if (is_current(instances_fd, fd, path))
            return TAKE_FD(fd);
    }
}

/* The group comes of the setgid bit of instances/. What somebody else made is left as it is. */
static int mend(int fd) {
    struct stat st;
    int r;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_uid != geteuid() && geteuid() != 0)
        return 0;
    r = give(fd);
    return r >= 0 && fchmod(fd, 02770) < 0 ? -errno : r;
}

int place_open(int instances_fd, const char *name, bool create) {
    _cleanup_close_ int fd = -EBADF;
    struct stat st;
    int r = 0;

    if (create && mkdirat(instances_fd, name, 0770) < 0 && errno != EEXIST)
        return fail("make", name, -errno);
    fd = fd_open_beneath(instances_fd, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd == -ENOENT && !create)
        return fd;
    if (fd >= 0 && create && fstatat(fd, "spec.yaml", &st, AT_SYMLINK_NOFOLLOW) < 0)
        r = mend(fd);
    if (fd < 0 || r < 0)
        return fail("open", name, fd < 0 ? fd : r);
    return TAKE_FD(fd);
}

/* --- Placing -------------------------------------------------------------------------------- */

/* Under the lock, what has such a name was left by one that was killed. */
static void remove_leftovers(int dir_fd) {
    _cleanup_closedir_ DIR *dir = fd_open_dir(dir_fd, ".");
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
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
    _cleanup_closedir_ DIR *dir = fd_open_dir(dir_fd, ".");
    struct dirent *entry;

    if (!dir)
        return -errno;
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

int place_may_remove(int instances_fd, int dir_fd, const char *name) {
    if (faccessat(dir_fd, ".", W_OK | X_OK, AT_EACCESS) < 0 ||
        faccessat(instances_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return fail("remove", name, -errno);
    return 0;
}

int place_remove(int instances_fd, int dir_fd, const char *name) {
    char lock[LOCK_MAX];
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
    if (r < 0)
        return fail("remove", name, r);
    (void)snprintf(lock, sizeof(lock), LOCK_FORMAT, name);
    (void)unlinkat(instances_fd, lock, 0);
    return 0;
}
