/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Placing and removing specs, so that an instance is there whole or not at all, whatever kills us:
 * a temporary name, fsync, rename, fsync of the directory. What a killed one leaves is hidden, and
 * the next one removes it. All print what fails, and return a negative errno then. */

#include "ctl/ctl.h"

/* Opens instances/NAME and locks it: two left4mectl at once take turns, and who waits says so. With
 * CREATE it is made where it is not there. Returns a descriptor that holds the lock, or a negative
 * errno; -ENOENT, not printed, without CREATE where there is none. */
int place_lock(int instances_fd, const char *name, bool create);

/* Writes LEN bytes of TEXT to spec.yaml in DIR_FD, the directory of NAME in INSTANCES_FD. -EEXIST,
 * not printed, where there is one already and REPLACE is not set. */
int place_spec(int instances_fd, int dir_fd, const char *name, const char *text, size_t len,
               bool replace);

/* Removes instances/NAME: the spec first, so that what is left of it is none. */
int place_remove(int instances_fd, int dir_fd, const char *name);
