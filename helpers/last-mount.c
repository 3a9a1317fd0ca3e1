/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/last-mount.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "shared/fd.h"
#include "shared/macros.h"
#include "spec/names.h"

#define PATH_SIZE (sizeof(LAST_MOUNT_DIR "/") + INSTANCE_NAME_MAX)

/* From Linux 6.8 on; an older kernel passes over it. */
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U
#endif

static int look(int dir_fd, const char *name, int flags, LastMount *ret) {
    struct statx st;

    if (statx(dir_fd, name, flags | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
              STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &st) < 0)
        return -errno;
    *ret = (LastMount){.dev = makedev(st.stx_dev_major, st.stx_dev_minor), .id = st.stx_mnt_id};
    return 0;
}

int last_mount_look(int dir_fd, const char *name, LastMount *ret) {
    return look(dir_fd, name, AT_SYMLINK_NOFOLLOW, ret);
}

/* The device alone would do where all layers are on one file system; where they are not, overlayfs
 * gives files, though not directories, other ones. */
bool last_mount_has(const LastMount *mount, int dir_fd, const char *name) {
    LastMount file;

    return look(dir_fd, name, 0, &file) >= 0 &&
           (file.dev == mount->dev || (mount->id != 0 && file.id == mount->id));
}

static const char *record_path(const char *instance, char buf[static PATH_SIZE]) {
    (void)snprintf(buf, PATH_SIZE, LAST_MOUNT_DIR "/%s", instance);
    return buf;
}

int last_mount_save(const char *instance, const LastMount *mount) {
    _cleanup_close_ int fd = -EBADF;
    char path[PATH_SIZE], text[64];
    int n, r, closed;

    if (mkdir(LAST_MOUNT_DIR, 0755) < 0 && errno != EEXIST)
        return -errno;
    fd = open(record_path(instance, path), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
              0644);
    if (fd < 0)
        return -errno;
    n = snprintf(text, sizeof(text), "%u:%u %" PRIu64 "\n", major(mount->dev), minor(mount->dev),
                 mount->id);
    r = fd_write_all(fd, text, (size_t)n);
    closed = fd_close_written(&fd);
    return r < 0 ? r : closed;
}

int last_mount_load(const char *instance, LastMount *ret) {
    _cleanup_fclose_ FILE *f = NULL;
    char path[PATH_SIZE];
    unsigned major, minor;
    uint64_t id;

    f = fopen(record_path(instance, path), "re");
    if (!f)
        return -errno;
    if (fscanf(f, "%u:%u %" SCNu64, &major, &minor, &id) != 3)
        return -EBADMSG;
    *ret = (LastMount){.dev = makedev(major, minor), .id = id};
    return 0;
}

void last_mount_forget(const char *instance) {
    char path[PATH_SIZE];

    (void)unlink(record_path(instance, path));
}

/* ustat(2) is the one call that finds a file system by its number, mounted or not. */
bool last_mount_may_live(const LastMount *mount) {
#ifdef SYS_ustat
    /* As the kernel packs it (new_encode_dev()). */
    unsigned dev =
        (minor(mount->dev) & 0xff) | major(mount->dev) << 8 | (minor(mount->dev) & ~0xffU) << 12;
    char buf[64];

    return syscall(SYS_ustat, dev, buf) >= 0 || errno != EINVAL;
#else
    (void)mount;
    return true;
#endif
}

static int set_directory(int fs_fd, const char *key, int fd) {
    char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return fsconfig(fs_fd, FSCONFIG_SET_STRING, key, path, 0) < 0 ? -errno : 0;
}

/* With index=on the kernel answers EBUSY where it would otherwise warn. It looks at upper before it
 * looks at work, which here is upper once more and so refused (EINVAL), before anything was made
 * (measured on 6.1, 6.12 and 6.18). */
int last_mount_upper_in_use(int upper_fd) {
    static const char *const keys[] = {"lowerdir", "upperdir", "workdir"};
    _cleanup_close_ int fs_fd = fsopen("overlay", FSOPEN_CLOEXEC);
    int r = fs_fd < 0 ? -errno : 0;

    for (size_t i = 0; i < ELEMENTSOF(keys) && r >= 0; i++)
        r = set_directory(fs_fd, keys[i], upper_fd);
    if (r < 0)
        return r;
    if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "index", "on", 0) < 0)
        return -errno;
    if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) >= 0 || errno == EINVAL)
        return 0;
    return errno == EBUSY ? 1 : -errno;
}
