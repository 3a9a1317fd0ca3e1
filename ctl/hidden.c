/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/hidden.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "shared/fd.h"

#define DEPTH_MAX 32U
#define LOOKED_AT_MAX 100000U
#define FOUND_MAX 1000U
#define LAYERS_MAX (SPEC_OVERLAYS_MAX + 1)

typedef struct Walk {
    const Layers *layers;
    HiddenFiles *found;
    size_t looked_at;
    unsigned depth;
    char path[PATH_MAX]; /* of what is looked at, relative to upper */
} Walk;

/* Layers by their numbers, the topmost first. */
typedef struct Beneath {
    uint16_t layers[LAYERS_MAX];
    size_t n;
} Beneath;

/* Kernel, Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories". */
static bool is_whiteout(const struct stat *st) {
    return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* Only root sees this attribute. */
static bool is_opaque(int fd) {
    char value;

    return fgetxattr(fd, "trusted.overlay.opaque", &value, sizeof(value)) == 1 && value == 'y';
}

static const char *kind_of(const struct stat *st) {
    if (S_ISREG(st->st_mode))
        return "file";
    if (S_ISDIR(st->st_mode))
        return "directory";
    if (S_ISLNK(st->st_mode))
        return "symlink";
    return is_whiteout(st) ? "whiteout" : "other";
}

/* --- Layers --------------------------------------------------------------------------------- */

static int stat_beneath(int dir_fd, const char *path, struct stat *ret) {
    _cleanup_close_ int fd = fd_open_beneath(dir_fd, path, O_PATH | O_NOFOLLOW, 0);

    /* The link itself: that its directory is none was seen before. */
    if (fd == -ELOOP) {
        *ret = (struct stat){.st_mode = S_IFLNK};
        return 0;
    }
    if (fd < 0)
        return fd;
    return fstat(fd, ret) < 0 ? -errno : 0;
}

/* Looks for w->path in the layers IN. Returns 1 with the topmost one that has it in *RET_LAYER, and
 * in *RET_DIRECTORIES those whose directories would be merged, none where it is no directory; or 0
 * where no layer shows such a file. */
static int find_in_layers(Walk *w, const Beneath *in, size_t *ret_layer, Beneath *ret_directories) {
    int found = 0;

    ret_directories->n = 0;
    for (size_t i = 0; i < in->n; i++) {
        struct stat st;
        int r = stat_beneath(w->layers->layers[in->layers[i]].fd, w->path, &st);

        if (r == -ENOENT || r == -ENOTDIR)
            continue;
        if (r < 0) {
            w->found->complete = false;
            continue;
        }
        if (is_whiteout(&st))
            break;
        if (!found)
            *ret_layer = in->layers[i];
        if (!S_ISDIR(st.st_mode))
            return 1; /* beneath a directory of a layer above, it is itself hidden by that */
        found = 1;
        ret_directories->layers[ret_directories->n++] = in->layers[i];
    }
    return found;
}

/* --- Upper ---------------------------------------------------------------------------------- */

static int add(Walk *w, const char *kind, size_t layer) {
    HiddenFiles *found = w->found;
    Hidden *grown;
    char *path;

    if (found->n == FOUND_MAX) {
        found->complete = false;
        return 0;
    }
    grown = reallocarray(found->files, found->n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    found->files = grown;
    path = strdup(w->path);
    if (!path)
        return -ENOMEM;
    grown[found->n++] = (Hidden){.path = path, .kind = kind, .layer = layer};
    return 0;
}

static int walk(Walk *w, int fd, size_t len, const Beneath *in);

static int walk_directory(Walk *w, int dir_fd, const char *name, size_t layer, size_t len,
                          const Beneath *directories) {
    _cleanup_close_ int fd =
        openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 || w->depth == DEPTH_MAX) {
        w->found->complete = false;
        return 0;
    }
    if (is_opaque(fd))
        return add(w, "opaque", layer);
    return walk(w, fd, len, directories);
}

/* Looks at the entry of DIR_FD that w->path, of LEN bytes, ends with. */
static int look_at(Walk *w, int dir_fd, const char *name, size_t len, const Beneath *in) {
    Beneath directories;
    struct stat st;
    size_t layer;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        w->found->complete = w->found->complete && errno == ENOENT;
        return 0;
    }
    if (find_in_layers(w, in, &layer, &directories) == 0)
        return 0;
    if (S_ISDIR(st.st_mode) && directories.n > 0)
        return walk_directory(w, dir_fd, name, layer, len, &directories);
    return add(w, kind_of(&st), layer);
}

/* Walks the directory FD, whose path takes the first LEN bytes of w->path. */
static int walk(Walk *w, int fd, size_t len, const Beneath *in) {
    _cleanup_closedir_ DIR *dir = fd_open_dir(fd, ".");
    struct dirent *entry;
    int r = 0;

    if (!dir) {
        w->found->complete = false;
        return 0;
    }
    w->depth++;
    while (r >= 0 && (entry = readdir(dir))) {
        size_t n = strlen(entry->d_name);

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (++w->looked_at > LOOKED_AT_MAX || len + n + 2 > sizeof(w->path)) {
            w->found->complete = false;
            break;
        }
        if (len > 0)
            w->path[len] = '/';
        memcpy(w->path + len + (len > 0), entry->d_name, n + 1);
        r = look_at(w, fd, entry->d_name, len + (len > 0) + n, in);
    }
    w->depth--;
    return r;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const Hidden *)a)->path, ((const Hidden *)b)->path);
}

int hidden_find(int upper_fd, const Layers *layers, HiddenFiles *ret) {
    _cleanup_hidden_ HiddenFiles found = {.complete = true};
    _cleanup_free_ Walk *w = calloc(1, sizeof(*w));
    Beneath all = {.n = 0};
    int r;

    if (!w)
        return -ENOMEM;
    w->layers = layers;
    w->found = &found;
    for (size_t i = 0; i < layers->n && i < LAYERS_MAX; i++)
        if (layers->layers[i].fd >= 0)
            all.layers[all.n++] = (uint16_t)i;
    r = walk(w, upper_fd, 0, &all);
    if (r < 0)
        return r;
    if (found.n > 1)
        qsort(found.files, found.n, sizeof(*found.files), by_path);
    *ret = found;
    found = (HiddenFiles){0};
    return 0;
}

void hidden_free(HiddenFiles *files) {
    for (size_t i = 0; i < files->n; i++)
        free(files->files[i].path);
    free(files->files);
    *files = (HiddenFiles){0};
}

bool hidden_is_staged(const Hidden *file) {
    return strcmp(file->kind, "file") == 0 &&
           fnmatch("left4dead2/cfg/server*.cfg", file->path, FNM_PATHNAME) == 0;
}

/* --- Sizes ---------------------------------------------------------------------------------- */

static int add_usage(int dir_fd, unsigned depth, unsigned long long *total) {
    _cleanup_closedir_ DIR *dir = fd_open_dir(dir_fd, ".");
    struct dirent *entry;

    if (!dir)
        return -errno;
    while (errno = 0, (entry = readdir(dir))) {
        _cleanup_close_ int sub_fd = -EBADF;
        struct stat st;
        int r;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -errno;
        *total += (unsigned long long)st.st_blocks * 512;
        if (!S_ISDIR(st.st_mode))
            continue;
        if (depth == DEPTH_MAX)
            return -ELOOP;
        sub_fd = openat(dir_fd, entry->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = sub_fd < 0 ? -errno : add_usage(sub_fd, depth + 1, total);
        if (r < 0)
            return r;
    }
    return -errno;
}

int disk_usage(int dir_fd, unsigned long long *ret) {
    unsigned long long total = 0;
    int r = add_usage(dir_fd, 0, &total);

    if (r >= 0)
        *ret = total;
    return r;
}
