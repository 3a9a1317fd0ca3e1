/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The last mount of an instance, and whether it lives. A mount that is detached while it is busy,
 * or that another mount namespace has a copy of, is in no table any more, but the kernel goes on
 * writing to its upper directory for whoever holds it. So what the kernel knows it by is kept in a
 * file of root's, from the mount to its end; /run forgets it when the kernel does. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LAST_MOUNT_DIR "/run/left4me-overlay"

typedef struct LastMount {
    dev_t dev;   /* of the overlay: nobody else has it while that lives */
    uint64_t id; /* of the mount; from Linux 6.8 on one that is never used again */
} LastMount;

/* That of what is mounted on the directory NAME of DIR_FD. Returns 0 or a negative errno. */
int last_mount_look(int dir_fd, const char *name, LastMount *ret);

/* Keeps it for INSTANCE, or reads it. Returns 0 or a negative errno: -ENOENT where none is kept,
 * -EBADMSG for what is no record. */
int last_mount_save(const char *instance, const LastMount *mount);
int last_mount_load(const char *instance, LastMount *ret);
void last_mount_forget(const char *instance);

/* Whether the file that the link NAME in DIR_FD leads to, as links in /proc do, is of MOUNT. */
bool last_mount_has(const LastMount *mount, int dir_fd, const char *name);

/* Whether some file system has MOUNT's device number: if none has, MOUNT is gone. Numbers are used
 * again, so one that has it need not be MOUNT. */
bool last_mount_may_live(const LastMount *mount);

/* Whether an overlay that lives, be it mounted or not, has UPPER_FD for its upper directory. The
 * kernel says so only to who is about to mount another one, and puts a line into its log whatever
 * the answer: ask when there is a reason. Nothing is mounted and nothing is written. Returns 0 or
 * 1, or a negative errno. */
int last_mount_upper_in_use(int upper_fd);
