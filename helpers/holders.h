/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who holds a mount: processes whose working directory, root, executable, mapped or open file is in
 * it. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "helpers/last-mount.h"

/* TASK_COMM_LEN of the kernel, with the zero at its end. */
#define HOLDER_NAME_MAX 16

typedef struct Holder {
    pid_t pid;
    char name[HOLDER_NAME_MAX]; /* what the process calls itself: any bytes at all */
} Holder;

/* Looks at every process of /proc for files at or beneath one of the N absolute, canonical PATHS,
 * by the names that /proc gives and without touching a file: that could hang, on a dead NFS
 * server's or a hostile FUSE's. /proc tells a path as the process's own mount namespace has it; a
 * sandbox that shows the mount elsewhere is found only if that path is among PATHS.
 *
 * Returns how many there are, of which the first MAX are in HOLDERS, or a negative errno where
 * there is no /proc to read. A process that ends meanwhile is passed over. */
ssize_t holders_find(const char *const paths[], size_t n, Holder holders[], size_t max);

/* The same for a mount that was detached, whose files have no names any more. It has the kernel
 * look at each file, though not ask a server for it (AT_STATX_DONT_SYNC): for what is rare. */
ssize_t holders_find_of(const LastMount *mount, Holder holders[], size_t max);
