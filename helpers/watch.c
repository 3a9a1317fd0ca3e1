/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/watch.h"

#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "shared/fd.h"
#include "shared/macros.h"
#include "spec/names.h"

#define SPEC_FILE "spec.yaml"
#define DROPIN_PREFIX "left4me-server@"
#define DROPIN_SUFFIX ".service.d"
#define DROPIN_FILE "50-left4me.conf"

/* Names that come and go. Of directories above instances only one name is looked at. */
#define TREE_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
/* No IN_MODIFY: a spec is read when its writer is done. IN_CREATE is for what has no writer: a
 * link, a directory. */
#define INSTANCE_EVENTS (TREE_EVENTS | IN_CLOSE_WRITE | IN_ATTRIB)

/* So much of the queue (16,384 events by default) is read in one go. */
#define READ_SIZE (64U * 1024)
#define READS_MAX 32U

#define NAMES_SHOWN 3U

/* What tells one state of a spec from another. The inode's change time is nobody's to set, and
 * tells of writes, renames, modes and links. */
typedef struct Print {
    int error; /* negative errno where the spec is there, and cannot be looked at */
    bool present;
    dev_t dev;
    ino_t ino;
    struct timespec changed;
} Print;

struct Instance {
    Instance *next, *prev;
    char name[INSTANCE_NAME_MAX + 1];
    int wd;
    Print print;
    bool exists;    /* the directory, or what is in its place */
    bool unwatched; /* there is a directory, and no watch on it */
    bool changed;
    bool compiling;
    unsigned seen; /* the scan that last saw it */
};

/* --- The instances that are known ----------------------------------------------------------- */

static int compare_names(const void *a, const void *b) {
    return strcmp(((const Instance *)a)->name, ((const Instance *)b)->name);
}

static int compare_wds(const void *a, const void *b) {
    int x = ((const Instance *)a)->wd, y = ((const Instance *)b)->wd;

    return (x > y) - (x < y);
}

/* NAME is a valid one, so it fits. */
static void copy_name(Instance *i, const char *name) {
    size_t len = strnlen(name, sizeof(i->name) - 1);

    memcpy(i->name, name, len);
    i->name[len] = '\0';
}

static Instance *find_name(const Watch *w, const char *name) {
    Instance key;
    Instance *const *node;

    copy_name(&key, name);
    node = tfind(&key, &w->by_name, compare_names);
    return node ? *node : NULL;
}

static Instance *find_wd(const Watch *w, int wd) {
    const Instance key = {.wd = wd};
    Instance *const *node = tfind(&key, &w->by_wd, compare_wds);

    return node ? *node : NULL;
}

static void mark_changed(Watch *w, Instance *i) {
    i->changed = true;
    w->stirred = true;
}

/* Without memory a scan is all that remains; it is done again until there is some. */
static Instance *add(Watch *w, const char *name) {
    Instance *i = calloc(1, sizeof(*i));

    if (!i) {
        w->scan_wanted = true;
        return NULL;
    }
    i->wd = -1;
    copy_name(i, name);
    if (!tsearch(i, &w->by_name, compare_names)) {
        free(i);
        w->scan_wanted = true;
        return NULL;
    }
    i->prev = w->last;
    if (i->prev)
        i->prev->next = i;
    else
        w->first = i;
    w->last = i;
    return i;
}

static void set_exists(Watch *w, Instance *i, bool exists) {
    if (i->exists == exists)
        return;
    i->exists = exists;
    w->n_instances += exists ? 1 : (size_t)-1;
}

static void set_unwatched(Watch *w, Instance *i, bool unwatched) {
    if (i->unwatched == unwatched)
        return;
    i->unwatched = unwatched;
    w->n_unwatched += unwatched ? 1 : (size_t)-1;
}

static void forget_wd(Watch *w, Instance *i) {
    if (i->wd < 0)
        return;
    (void)tdelete(i, &w->by_wd, compare_wds);
    i->wd = -1;
}

static void unwatch(Watch *w, Instance *i) {
    int wd = i->wd;

    forget_wd(w, i);
    /* The directory may be gone, and its watch with it. */
    if (wd >= 0)
        (void)inotify_rm_watch(w->inotify_fd, wd);
    set_unwatched(w, i, false);
}

/* What is gone is known for as long as a reload has to tell of it. */
static void drop_if_over(Watch *w, Instance *i) {
    if (i->exists || i->changed || i->compiling)
        return;
    unwatch(w, i);
    (void)tdelete(i, &w->by_name, compare_names);
    if (i->next)
        i->next->prev = i->prev;
    else
        w->last = i->prev;
    if (i->prev)
        i->prev->next = i->next;
    else
        w->first = i->next;
    free(i);
}

/* --- Watches -------------------------------------------------------------------------------- */

/* By way of /proc, the watch is on what was opened, whatever its name leads to by now. */
static int add_watch(Watch *w, int dir_fd, uint32_t events) {
    char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
    int wd;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
    wd = inotify_add_watch(w->inotify_fd, path, events | IN_ONLYDIR);
    return wd < 0 ? -errno : wd;
}

static void watch_instance(Watch *w, Instance *i, int dir_fd) {
    /* With none left, asking for each of many directories would be for nothing. */
    bool none_left = w->watch_error == -ENOSPC && i->wd < 0;
    int wd = none_left ? -ENOSPC : add_watch(w, dir_fd, INSTANCE_EVENTS);
    Instance *other;

    if (wd >= 0 && wd == i->wd)
        return;
    unwatch(w, i);
    if (wd < 0) {
        w->watch_error = wd;
        set_unwatched(w, i, true);
        return;
    }

    /* The same directory by another name: it was renamed, and the event is yet to come. */
    other = find_wd(w, wd);
    if (other) {
        forget_wd(w, other);
        set_unwatched(w, other, true);
    }
    i->wd = wd;
    if (!tsearch(i, &w->by_wd, compare_wds)) {
        i->wd = -1;
        (void)inotify_rm_watch(w->inotify_fd, wd);
        w->watch_error = -ENOMEM;
        set_unwatched(w, i, true);
    }
}

/* --- Looking -------------------------------------------------------------------------------- */

static bool print_equal(const Print *a, const Print *b) {
    return a->error == b->error && a->present == b->present && a->dev == b->dev &&
           a->ino == b->ino && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

/* As the generator has it: no spec is no instance, and anything in a spec's place is one, if only
 * to be refused. */
static Print look_at_spec(int dir_fd) {
    struct stat st;

    if (fstatat(dir_fd, SPEC_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return (Print){.present = false};
        return (Print){.present = true, .error = -errno};
    }
    return (Print){.present = true, .dev = st.st_dev, .ino = st.st_ino, .changed = st.st_ctim};
}

/* Brings what is known of instance NAME in line with what is there; INSTANCES_FD may be a negative
 * errno. */
static void look(Watch *w, int instances_fd, const char *name) {
    Instance *i = find_name(w, name);
    _cleanup_close_ int dir_fd = -ENOENT;
    Print print = {.present = false};

    if (instances_fd >= 0)
        dir_fd = fd_open_beneath(instances_fd, name, O_PATH | O_DIRECTORY, 0);
    if (!i && (dir_fd == -ENOENT || dir_fd == -ENOTDIR))
        return;
    if (!i)
        i = add(w, name);
    if (!i)
        return;

    i->seen = w->scan_mark;
    set_exists(w, i, dir_fd != -ENOENT && dir_fd != -ENOTDIR);
    if (dir_fd >= 0) {
        /* The watch comes first: what was made before it is seen, what is made after it is told. */
        watch_instance(w, i, dir_fd);
        print = look_at_spec(dir_fd);
    } else {
        unwatch(w, i);
        if (i->exists)
            print = (Print){.present = true, .error = dir_fd};
        /* A symbolic link is watched from outside. Anything else may pass by itself. */
        if (i->exists && dir_fd != -ELOOP) {
            w->watch_error = dir_fd;
            set_unwatched(w, i, true);
        }
    }

    if (!print_equal(&print, &i->print))
        mark_changed(w, i);
    i->print = print;
    drop_if_over(w, i);
}

static int open_instances(const Watch *w) {
    /* The way to <root> is root's, who may have symbolic links there. */
    _cleanup_close_ int root_fd = open(w->root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (root_fd < 0)
        return -errno;
    return fd_open_beneath(root_fd, "instances", O_RDONLY | O_DIRECTORY, 0);
}

/* Puts a watch of the tree where it belongs, if it is not there already. */
static void watch_tree(Watch *w, int dir_fd, int *wd) {
    int new_wd = dir_fd < 0 ? dir_fd : add_watch(w, dir_fd, TREE_EVENTS);

    if (*wd >= 0 && new_wd != *wd)
        (void)inotify_rm_watch(w->inotify_fd, *wd);
    *wd = new_wd;
    if (new_wd < 0 && dir_fd >= 0) {
        w->watch_error = new_wd;
        w->tree_unwatched = true;
    }
}

/* Watches the way to instances, from <root>'s parent on, and returns instances, opened, or a
 * negative errno. From the top down: what is replaced behind us is told of. */
static int watch_way(Watch *w) {
    _cleanup_close_ int parent_fd = -EBADF, root_fd = -EBADF, instances_fd = -EBADF;
    char parent[PATH_MAX];

    w->tree_unwatched = false;
    (void)snprintf(parent, sizeof(parent), "%s", w->root);
    *strrchr(parent, '/') = '\0';
    parent_fd = open(parent[0] ? parent : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    watch_tree(w, parent_fd, &w->parent_wd);
    /* There is nothing that would tell of its coming. */
    if (parent_fd < 0)
        w->tree_unwatched = true;

    root_fd = open(w->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    w->tree_error = root_fd < 0 ? -errno : 0;
    watch_tree(w, root_fd, &w->root_wd);

    if (root_fd >= 0) {
        instances_fd = fd_open_beneath(root_fd, "instances", O_RDONLY | O_DIRECTORY, 0);
        w->tree_error = instances_fd < 0 ? instances_fd : 0;
    }
    watch_tree(w, instances_fd, &w->instances_wd);
    return w->tree_error < 0 ? w->tree_error : TAKE_FD(instances_fd);
}

static void scan_directory(Watch *w, int instances_fd, bool unwatched_only) {
    _cleanup_closedir_ DIR *dir = fd_open_dir(instances_fd, ".");
    const struct dirent *entry;

    if (!dir) {
        w->scan_wanted = true;
        return;
    }
    while ((entry = readdir(dir))) {
        Instance *i;

        if (!instance_name_valid(entry->d_name))
            continue;
        i = unwatched_only ? find_name(w, entry->d_name) : NULL;
        if (i && !i->unwatched)
            i->seen = w->scan_mark;
        else
            look(w, instances_fd, entry->d_name);
    }
}

void watch_scan(Watch *w, bool unwatched_only) {
    _cleanup_close_ int instances_fd = -EBADF;
    Instance *i, *next;

    w->scan_wanted = false;
    w->watch_error = 0;
    w->scan_mark++;
    instances_fd = watch_way(w);
    /* Nobody would tell that a directory was replaced. */
    if (w->tree_unwatched)
        unwatched_only = false;
    if (instances_fd >= 0)
        scan_directory(w, instances_fd, unwatched_only);
    for (i = w->first; i; i = next) {
        next = i->next;
        if (i->seen != w->scan_mark)
            look(w, instances_fd, i->name);
    }
    if (w->n_unwatched == 0 && !w->tree_unwatched)
        w->watch_error = 0;
}

/* --- Events --------------------------------------------------------------------------------- */

static bool is_named(const struct inotify_event *event, const char *name) {
    return event->len > 0 && strcmp(event->name, name) == 0;
}

/* Opened once for all events of a batch. */
static void look_in_batch(Watch *w, int *instances_fd, const char *name) {
    if (*instances_fd == -EBADF)
        *instances_fd = open_instances(w);
    look(w, *instances_fd, name);
}

/* A name in instances came or went. */
static void handle_entry(Watch *w, const struct inotify_event *event, int *instances_fd) {
    Instance *i;

    if (event->len == 0 || !instance_name_valid(event->name))
        return;

    /* What came and went before we looked may have been compiled in between, by a reload that was
     * somebody else's. Not so a directory in which we would have seen the spec. */
    i = find_name(w, event->name);
    if ((event->mask & (IN_DELETE | IN_MOVED_FROM)) && (event->mask & IN_ISDIR) &&
        !(i && i->exists && !i->unwatched && !i->print.present)) {
        if (!i)
            i = add(w, event->name);
        if (i)
            mark_changed(w, i);
    }
    look_in_batch(w, instances_fd, event->name);
}

static void handle_event(Watch *w, const struct inotify_event *event, int *instances_fd) {
    bool over = event->mask & (IN_IGNORED | IN_UNMOUNT);
    Instance *i;

    if (event->mask & IN_Q_OVERFLOW) {
        w->events_lost = w->scan_wanted = w->stirred = true;
        return;
    }
    if (event->wd == w->parent_wd) {
        if (over || is_named(event, strrchr(w->root, '/') + 1))
            w->scan_wanted = true;
        return;
    }
    if (event->wd == w->root_wd) {
        if (over || is_named(event, "instances"))
            w->scan_wanted = true;
        return;
    }
    if (event->wd == w->instances_wd) {
        if (over)
            w->scan_wanted = true;
        else
            handle_entry(w, event, instances_fd);
        return;
    }

    i = find_wd(w, event->wd);
    if (!i)
        return;
    /* A directory that is removed is told of by instances, too; only a mount is not. */
    if (event->mask & IN_UNMOUNT)
        w->scan_wanted = true;
    if (event->mask & IN_IGNORED)
        forget_wd(w, i);
    else if (is_named(event, SPEC_FILE))
        mark_changed(w, i);
}

void watch_read(Watch *w) {
    static _Alignas(struct inotify_event) char buf[READ_SIZE];
    _cleanup_close_ int instances_fd = -EBADF;

    for (unsigned reads = 0; reads < READS_MAX; reads++) {
        ssize_t n = read(w->inotify_fd, buf, sizeof(buf));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        for (const char *p = buf; p < buf + n;) {
            const struct inotify_event *event = (const void *)p;

            handle_event(w, event, &instances_fd);
            p += sizeof(*event) + event->len;
        }
    }
}

/* --- Mounts --------------------------------------------------------------------------------- */

/* FNV-1a. */
static uint64_t hash(uint64_t h, const char *s) {
    for (; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3;
    return h;
}

/* Whether one of the two paths is the other or lies below it. */
static bool concerns(const char *path, const char *other) {
    size_t n = strlen(path), m = strlen(other);
    const char *longer = n > m ? path : other;
    size_t shorter = n > m ? m : n;

    return strncmp(path, other, shorter) == 0 &&
           (shorter <= 1 || longer[shorter] == '/' || longer[shorter] == '\0');
}

/* Mount points on the way to instances and below it, with the mounts' IDs. Servers that start and
 * stop mount too, beside it, and are none of our business. */
static uint64_t hash_mounts(const Watch *w) {
    _cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
    _cleanup_free_ char *line = NULL, *root = realpath(w->root, NULL);
    char path[PATH_MAX];
    size_t size = 0;
    uint64_t h = 0xcbf29ce484222325;

    (void)snprintf(path, sizeof(path), "%.*s/instances", (int)(sizeof(path) - sizeof("/instances")),
                   root ? root : w->root);
    while (f && getline(&line, &size, f) > 0) {
        char *fields[5], *saved = NULL;
        size_t n = 0;

        for (char *s = line; n < ELEMENTSOF(fields); s = NULL)
            if (!(fields[n++] = strtok_r(s, " ", &saved)))
                break;
        if (n == ELEMENTSOF(fields) && fields[4] && concerns(path, fields[4]))
            h = hash(hash(hash(h, fields[0]), " "), fields[4]);
    }
    return h;
}

void watch_mounts(Watch *w) {
    uint64_t mounts = hash_mounts(w);

    if (mounts != w->mounts)
        w->scan_wanted = true;
    w->mounts = mounts;
}

/* --- Against the drop-ins ------------------------------------------------------------------- */

static bool is_later(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* Whether the drop-in of I is younger than all that it was made from, DIRECTORY included. */
static bool is_compiled(const Instance *i, int instances_fd, int generator_fd,
                        const struct timespec *directory) {
    char dropin[sizeof(DROPIN_PREFIX DROPIN_SUFFIX "/" DROPIN_FILE) + INSTANCE_NAME_MAX];
    struct stat compiled, st;

    (void)snprintf(dropin, sizeof(dropin), DROPIN_PREFIX "%s" DROPIN_SUFFIX "/" DROPIN_FILE,
                   i->name);
    if (generator_fd < 0 || fstatat(generator_fd, dropin, &compiled, AT_SYMLINK_NOFOLLOW) < 0)
        return !i->print.present;
    /* The clock of a file system stands still for some milliseconds: "not later" is too late. */
    return i->print.present && is_later(&compiled.st_mtim, &i->print.changed) &&
           is_later(&compiled.st_mtim, directory) &&
           fstatat(instances_fd, i->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           is_later(&compiled.st_mtim, &st.st_ctim);
}

/* A drop-in of an instance that is no more. */
static void compare_dropin(Watch *w, int generator_fd, const char *dir_name) {
    const size_t prefix = strlen(DROPIN_PREFIX), suffix = strlen(DROPIN_SUFFIX);
    char name[INSTANCE_NAME_MAX + 1], path[NAME_MAX + sizeof("/" DROPIN_FILE)];
    size_t len = strlen(dir_name);
    struct stat st;
    Instance *i;

    if (len <= prefix + suffix || len - prefix - suffix > INSTANCE_NAME_MAX ||
        strncmp(dir_name, DROPIN_PREFIX, prefix) != 0 ||
        strcmp(dir_name + len - suffix, DROPIN_SUFFIX) != 0)
        return;
    memcpy(name, dir_name + prefix, len - prefix - suffix);
    name[len - prefix - suffix] = '\0';
    (void)snprintf(path, sizeof(path), "%s/" DROPIN_FILE, dir_name);
    if (!instance_name_valid(name) || find_name(w, name) ||
        fstatat(generator_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    i = add(w, name);
    if (i)
        mark_changed(w, i);
}

void watch_compare(Watch *w, const char *generator_dir) {
    _cleanup_close_ int instances_fd = open_instances(w);
    _cleanup_closedir_ DIR *dir = opendir(generator_dir);
    int generator_fd = dir ? dirfd(dir) : -EBADF;
    const struct dirent *entry;
    struct stat st;

    w->stirred = w->events_lost;
    for (Instance *i = w->first; i; i = i->next) {
        i->changed = false;
        if (!is_compiled(i, instances_fd, generator_fd, &(const struct timespec){.tv_sec = 0}))
            mark_changed(w, i);
    }
    while (dir && (entry = readdir(dir)))
        compare_dropin(w, generator_fd, entry->d_name);

    /* All may have come here together. Otherwise it is told who changed, and not that all did. */
    if (w->stirred || fstat(instances_fd, &st) < 0)
        return;
    for (Instance *i = w->first; i; i = i->next)
        if (!is_compiled(i, instances_fd, generator_fd, &st.st_ctim))
            mark_changed(w, i);
}

/* --- Reloads -------------------------------------------------------------------------------- */

/* "a", "a and b", "a, b and c", "a, b, c and 7 more". */
static void describe(char *buf, size_t size, const char *const *names, size_t n) {
    size_t shown = n > NAMES_SHOWN ? NAMES_SHOWN : n, len = 0;

    len = (size_t)snprintf(buf, size, "spec of ");
    for (size_t k = 0; k < shown && len < size; k++) {
        const char *before = k == 0 ? "" : k + 1 == n ? " and " : ", ";

        len += (size_t)snprintf(buf + len, size - len, "%s%s", before, names[k]);
    }
    if (n > shown && len < size)
        len += (size_t)snprintf(buf + len, size - len, " and %zu more", n - shown);
    if (len < size)
        (void)snprintf(buf + len, size - len, " changed");
}

size_t watch_begin(Watch *w, char *buf, size_t size) {
    _cleanup_close_ int instances_fd = open_instances(w);
    const char *names[NAMES_SHOWN];
    size_t n = 0;

    for (Instance *i = w->first; i; i = i->next) {
        if (!i->changed)
            continue;
        /* Before the generator looks: what is newer than this is told of by another event, or
         * found by another scan. */
        look(w, instances_fd, i->name);
        i->changed = false;
        i->compiling = true;
        if (n < NAMES_SHOWN)
            names[n] = i->name;
        n++;
    }
    w->stirred = false;
    if (n > 0)
        describe(buf, size, names, n);
    else if (size > 0)
        buf[0] = '\0';
    return n;
}

void watch_end(Watch *w, bool done) {
    Instance *i, *next;

    for (i = w->first; i; i = next) {
        next = i->next;
        if (i->compiling && !done)
            mark_changed(w, i);
        i->compiling = false;
        drop_if_over(w, i);
    }
}

/* --- From the beginning to the end ---------------------------------------------------------- */

int watch_open(Watch *w, const char *root) {
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd < 0)
        return -errno;
    *w = (Watch){.root = root,
                 .inotify_fd = fd,
                 .parent_wd = -EBADF,
                 .root_wd = -EBADF,
                 .instances_wd = -EBADF};
    w->mounts = hash_mounts(w);
    return 0;
}

void watch_close(Watch *w) {
    Instance *i, *next;

    for (i = w->first; i; i = next) {
        next = i->next;
        i->exists = i->changed = i->compiling = false;
        drop_if_over(w, i);
    }
    closep(&w->inotify_fd);
}
