/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The upper layer of an instance, as left4me-stage fills it. All of it belongs to the game, which
 * strangers talk to: no symbolic link is followed, nothing that stands there is opened for writing,
 * nothing is waited for. */

#include <stddef.h>

/* Opens the directory NAME in DIR_FD, and makes it where it is not there. A whiteout, which
 * overlayfs leaves when the game removes a layer's directory, gives way to it. Returns a descriptor
 * that can be read, or a negative errno: -ENOTDIR or -ELOOP where something else has the name. */
int upper_make_dir(int dir_fd, const char *name);

/* Removes server*.cfg from CFG_FD, directories excepted. Returns 0 or a negative errno. */
int upper_remove_stale(int cfg_fd);

/* Writes LEN bytes of DATA to a new file NAME of mode 0640. Returns 0, or a negative errno: -EEXIST
 * where something has the name. What was begun is removed. */
int upper_write(int cfg_fd, const char *name, const char *data, size_t len);

/* Copies the regular file SOURCE_FD to a new file NAME, with its permissions and its time of
 * modification; errors as upper_write(). */
int upper_copy(int cfg_fd, const char *name, int source_fd);
