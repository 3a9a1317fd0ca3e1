/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where an overlay is mounted, by its source. A mount point's directory can be renamed from another
 * mount namespace, by whoever owns its parent, and the mount goes with it: its name alone does not
 * find it again. */

#include <stddef.h>
#include <stdint.h>

/* The ID that /proc/self/mountinfo has for the mount that FD lies in (statx(2), STATX_MNT_ID, from
 * Linux 5.8 on); 0 where FD is not open. */
uint64_t mounts_id(int fd);

/* Detaches, lazily, each overlay of this mount namespace that has SOURCE, but not the mount with
 * the ID KEEP, nor its peers (mount_namespaces(7)): where the state root is bind-mounted, what is
 * mounted below it is seen at both of its places. Returns how many there were, or a negative errno
 * where one stays: -ESTALE when it was moved again and again. PATH, of SIZE bytes, is where the
 * last one was, if there was any. */
int mounts_detach(const char *source, uint64_t keep, char *path, size_t size);
