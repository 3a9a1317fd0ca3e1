/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/holders.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "shared/fd.h"
#include "shared/macros.h"

typedef struct Paths {
    const char *const *paths;
    size_t n;
} Paths;

/* A removed file's name ends in " (deleted)", also a removed mount point's own. */
static bool is_among(const Paths *paths, const char *file) {
    for (size_t i = 0; i < paths->n; i++) {
        size_t n = strlen(paths->paths[i]);

        if (strncmp(file, paths->paths[i], n) == 0 &&
            (file[n] == '\0' || file[n] == '/' || strcmp(file + n, " (deleted)") == 0))
            return true;
    }
    return false;
}

static bool link_is_among(int dir_fd, const char *name, const Paths *paths) {
    char file[PATH_MAX];
    ssize_t n = readlinkat(dir_fd, name, file, sizeof(file) - 1);

    if (n < 0)
        return false;
    file[n] = '\0';
    return is_among(paths, file);
}

static bool process_holds(int process_fd, const Paths *paths) {
    static const char *const links[] = {"cwd", "root", "exe"};
    /* A library that is mapped holds the mount long after its descriptor was closed. */
    static const char *const directories[] = {"fd", "map_files"};

    for (size_t i = 0; i < ELEMENTSOF(links); i++)
        if (link_is_among(process_fd, links[i], paths))
            return true;

    for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
        _cleanup_closedir_ DIR *dir = fd_open_dir(process_fd, directories[i]);
        struct dirent *entry;

        while (dir && (entry = readdir(dir)))
            if (link_is_among(dirfd(dir), entry->d_name, paths))
                return true;
    }
    return false;
}

static void read_name(int process_fd, char name[static HOLDER_NAME_MAX]) {
    _cleanup_close_ int fd = openat(process_fd, "comm", O_RDONLY | O_CLOEXEC);
    size_t n = 0;

    if (fd < 0 || fd_read_all(fd, name, HOLDER_NAME_MAX, &n) < 0)
        n = 0;
    /* The newline that the kernel adds gives its place to the zero. */
    name[n > 0 ? n - 1 : 0] = '\0';
}

ssize_t holders_find(const char *const paths[], size_t n, Holder holders[], size_t max) {
    const Paths wanted = {.paths = paths, .n = n};
    _cleanup_closedir_ DIR *proc = fd_open_dir(AT_FDCWD, "/proc");
    struct dirent *entry;
    size_t found = 0;

    if (!proc)
        return -errno;
    while ((entry = readdir(proc))) {
        _cleanup_close_ int process_fd = -EBADF;

        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        process_fd = openat(dirfd(proc), entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (process_fd < 0 || !process_holds(process_fd, &wanted))
            continue;
        if (found < max) {
            holders[found].pid = (pid_t)strtol(entry->d_name, NULL, 10);
            read_name(process_fd, holders[found].name);
        }
        found++;
    }
    return (ssize_t)found;
}
