/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/holders.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "helpers/last-mount.h"
#include "shared/fd.h"
#include "shared/macros.h"

/* What is looked for: files by their names, or those of one mount. */
typedef struct Wanted {
    const char *const *paths;
    size_t n;
    const LastMount *mount;
} Wanted;

/* A removed file's name ends in " (deleted)", also a removed mount point's own. */
static bool is_among(const Wanted *wanted, const char *file) {
    for (size_t i = 0; i < wanted->n; i++) {
        size_t n = strlen(wanted->paths[i]);

        if (strncmp(file, wanted->paths[i], n) == 0 &&
            (file[n] == '\0' || file[n] == '/' || strcmp(file + n, " (deleted)") == 0))
            return true;
    }
    return false;
}

static bool link_is_wanted(int dir_fd, const char *name, const Wanted *wanted) {
    char file[PATH_MAX];
    ssize_t n;

    if (wanted->mount)
        return last_mount_has(wanted->mount, dir_fd, name);
    n = readlinkat(dir_fd, name, file, sizeof(file) - 1);
    if (n < 0)
        return false;
    file[n] = '\0';
    return is_among(wanted, file);
}

static bool process_holds(int process_fd, const Wanted *wanted) {
    static const char *const links[] = {"cwd", "root", "exe"};
    /* A library that is mapped holds the mount long after its descriptor was closed. */
    static const char *const directories[] = {"fd", "map_files"};

    for (size_t i = 0; i < ELEMENTSOF(links); i++)
        if (link_is_wanted(process_fd, links[i], wanted))
            return true;

    for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
        _cleanup_closedir_ DIR *dir = fd_open_dir(process_fd, directories[i]);
        struct dirent *entry;

        while (dir && (entry = readdir(dir)))
            if (link_is_wanted(dirfd(dir), entry->d_name, wanted))
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

static ssize_t find(const Wanted *wanted, Holder holders[], size_t max) {
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
        if (process_fd < 0 || !process_holds(process_fd, wanted))
            continue;
        if (found < max) {
            holders[found].pid = (pid_t)strtol(entry->d_name, NULL, 10);
            read_name(process_fd, holders[found].name);
        }
        found++;
    }
    return (ssize_t)found;
}

ssize_t holders_find(const char *const paths[], size_t n, Holder holders[], size_t max) {
    return find(&(const Wanted){.paths = paths, .n = n}, holders, max);
}

ssize_t holders_find_of(const LastMount *mount, Holder holders[], size_t max) {
    return find(&(const Wanted){.mount = mount}, holders, max);
}
