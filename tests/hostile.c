/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* hostile SEED CANARY PATH…
 *
 * The hostile user of a race test: exchanges what is at each PATH, relative to the state root, for
 * something else and back, in random order, as fast as it can or a little slower, until it is
 * killed. Something else is a symbolic link (into CANARY, to a secret in it, to what is not there,
 * to itself, to /etc), a FIFO, a second hard link of a file of the user's own, a file, a directory,
 * a deep one. Prints its PID once it has begun.
 *
 * It follows no symbolic link itself: what is changed behind one was changed by somebody else. */

#include "config.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/fd.h"
#include "shared/macros.h"

#define DEPTH 150

static const char *canary;

static void remove_tree(int dir_fd, const char *name) {
    _cleanup_close_ int fd = -EBADF;
    _cleanup_closedir_ DIR *dir = NULL;
    struct dirent *entry;

    if (unlinkat(dir_fd, name, 0) >= 0 || (errno != EISDIR && errno != EPERM))
        return;
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    dir = fd < 0 ? NULL : fd_open_dir(fd, ".");
    while (dir && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_tree(fd, entry->d_name);
    (void)unlinkat(dir_fd, name, AT_REMOVEDIR);
}

static void make_deep(int dir_fd, const char *name) {
    int fd = dir_fd;

    for (unsigned i = 0; i < DEPTH; i++) {
        int next_fd;

        (void)mkdirat(fd, name, 0755);
        next_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd != dir_fd)
            (void)close(fd);
        if (next_fd < 0)
            return;
        fd = next_fd;
    }
    (void)close(fd);
}

/* A number of its own has each kind; what is in the way of a kind stays. */
static void make(int root_fd, int dir_fd, const char *evil, const char *name, long kind) {
    char target[512];
    int fd;

    switch (kind) {
    case 0:
    case 1: /* twice as often as others */
        (void)snprintf(target, sizeof(target), "%s/%s", canary, name);
        (void)symlinkat(target, dir_fd, evil);
        break;
    case 2:
        (void)snprintf(target, sizeof(target), "%s/secret", canary);
        (void)symlinkat(target, dir_fd, evil);
        break;
    case 3:
        (void)snprintf(target, sizeof(target), "%s/new", canary);
        (void)symlinkat(target, dir_fd, evil);
        break;
    case 4:
        (void)symlinkat(name, dir_fd, evil);
        break;
    case 5:
        (void)symlinkat("../../../../../../../../../etc", dir_fd, evil);
        break;
    case 6:
        (void)mkfifoat(dir_fd, evil, 0666);
        break;
    case 7:
        (void)linkat(root_fd, "overlays/a/own", dir_fd, evil, 0);
        break;
    case 8:
        fd = openat(dir_fd, evil, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd >= 0)
            (void)close(fd);
        break;
    case 9:
        make_deep(dir_fd, evil);
        break;
    default:
        (void)mkdirat(dir_fd, evil, 0755);
    }
}

static void pause_for(long us) {
    if (random() % 2 == 0)
        (void)usleep((useconds_t)(random() % us));
}

static void attack(int root_fd, const char *path) {
    char directory[512], base[512], evil[64];
    const char *name;
    _cleanup_close_ int dir_fd = -EBADF;

    (void)snprintf(directory, sizeof(directory), "%s", path);
    (void)snprintf(base, sizeof(base), "%s", path);
    name = basename(base);
    dir_fd = fd_open_beneath(root_fd, dirname(directory), O_RDONLY | O_DIRECTORY, 0);
    if (dir_fd < 0)
        return;

    (void)snprintf(evil, sizeof(evil), ".evil%d", getpid());
    make(root_fd, dir_fd, evil, name, random() % 11);
    if (renameat2(dir_fd, evil, dir_fd, name, RENAME_EXCHANGE) >= 0) {
        pause_for(4000);
        if (renameat2(dir_fd, evil, dir_fd, name, RENAME_EXCHANGE) < 0)
            (void)renameat2(dir_fd, evil, dir_fd, name, RENAME_NOREPLACE);
    }
    remove_tree(dir_fd, evil);
}

int main(int argc, char *argv[]) {
    _cleanup_close_ int root_fd = open(LEFT4ME_ROOT_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (argc < 4 || root_fd < 0)
        return 2;
    srandom((unsigned)strtoul(argv[1], NULL, 10));
    canary = argv[2];
    (void)printf("%d\n", getpid());
    (void)fflush(stdout);
    for (;;) {
        attack(root_fd, argv[3 + random() % (argc - 3)]);
        /* A start has many steps, and is to get through at times. */
        pause_for(20000);
    }
}
