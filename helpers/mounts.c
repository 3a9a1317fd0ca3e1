/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "shared/macros.h"

/* How often a mount is looked for that is moved meanwhile. */
#define TRIES_MAX 16

typedef struct Mount {
    uint64_t id;
    uint64_t peers; /* number of its peer group; 0: private */
    const char *path;
} Mount;

uint64_t mounts_id(int fd) {
    struct statx st;

    if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
        return 0;
    return (st.stx_mask & STATX_MNT_ID) ? st.stx_mnt_id : 0;
}

/* Octal escapes stand for blank, newline and backslash (proc_pid_mountinfo(5)). */
static void unescape(char *s) {
    char *to = s;

    while (*s != '\0') {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] != '\0' && s[3] != '\0') {
            *to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 4;
        } else {
            *to++ = *s++;
        }
    }
    *to = '\0';
}

/* Cuts LINE into fields: "ID PARENT DEV ROOT PATH OPTIONS [TAG]... - TYPE SOURCE OPTIONS". */
static bool parse(char *line, const char *source, Mount *ret) {
    char *fields = line, *tail = strstr(line, " - overlay "), *tag = strstr(line, " shared:");
    size_t n = strlen(source);
    char *path = NULL;

    if (!tail)
        return false;
    tail += strlen(" - overlay ");
    if (strncmp(tail, source, n) != 0 || tail[n] != ' ')
        return false;
    ret->id = strtoull(line, NULL, 10);
    ret->peers = tag && tag < tail ? strtoull(tag + strlen(" shared:"), NULL, 10) : 0;
    for (unsigned i = 0; i < 5; i++)
        path = strsep(&fields, " ");
    if (!path)
        return false;
    unescape(path);
    ret->path = path;
    return true;
}

/* By a descriptor of which it is known what it stands for: its path may be anybody's. */
static int detach(const Mount *mount) {
    _cleanup_close_ int fd = open(mount->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

    if (mounts_id(fd) != mount->id)
        return -ESTALE;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return umount2(path, MNT_DETACH) < 0 ? -errno : 0;
}

/* The next mount that has SOURCE, in *RET; returns 1, 0 behind the last, or negative. */
static int next_mount(FILE *f, const char *source, char **line, size_t *line_size, Mount *ret) {
    while (errno = 0, getline(line, line_size, f) >= 0)
        if (parse(*line, source, ret))
            return 1;
    /* Behind a failed read there is the rest of a line first, and the next read may go well. */
    return errno != 0 ? -errno : ferror(f) ? -EIO : 0;
}

/* The peer group of the mount with ID, in *RET; 0 where it has none, or is not there. */
static int find_peers(const char *source, uint64_t id, uint64_t *ret) {
    _cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
    _cleanup_free_ char *line = NULL;
    size_t line_size = 0;
    Mount mount;
    int r;

    if (!f)
        return -errno;
    *ret = 0;
    while ((r = next_mount(f, source, &line, &line_size, &mount)) > 0)
        if (mount.id == id)
            *ret = mount.peers;
    return r;
}

/* One look at all mounts, which the kernel writes anew, layers and all: a second one, for the peer
 * group of KEEP, is taken only where KEEP is not alone. Returns how many of the wanted ones there
 * were; *RET is the outcome of detaching the last. */
static int detach_all(const char *source, uint64_t keep, char *path, size_t size, int *ret) {
    _cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
    _cleanup_free_ char *line = NULL;
    bool alone = true;
    size_t line_size = 0;
    uint64_t peers = 0;
    int r, found = 0;
    Mount mount;

    if (!f)
        return -errno;
    while ((r = next_mount(f, source, &line, &line_size, &mount)) > 0) {
        if (mount.id == keep)
            continue;
        if (alone && keep != 0)
            r = find_peers(source, keep, &peers);
        if (r < 0)
            return r;
        alone = false;
        if (peers != 0 && mount.peers == peers)
            continue;
        (void)snprintf(path, size, "%s", mount.path);
        *ret = detach(&mount);
        found++;
    }
    return r < 0 ? r : found;
}

int mounts_detach(const char *source, uint64_t keep, char *path, size_t size) {
    int total = 0, r = 0;

    *path = '\0';
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        int found = detach_all(source, keep, path, size, &r);

        if (found <= 0)
            return found < 0 ? found : total;
        if (r >= 0)
            total += found;
    }
    return r < 0 ? r : -ESTALE;
}
