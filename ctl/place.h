/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Placing and removing specs, so that an instance is there whole or not at all, whatever kills us:
 * a temporary name, fsync, rename, fsync of the directory. What a killed one leaves is hidden, and
 * the next one removes it. All print what fails, and return a negative errno then. */

#include "ctl/ctl.h"

/* Locks instance NAME: who changes its files, or removes any, does so alone (EXCLUSIVE); jobs of
 * systemd's may be asked for side by side. Who waits says so. The lock is a file beside the
 * instance's directory, and not in it: the game could open that, and hold a lock for ever. Returns
 * a descriptor that holds the lock, or a negative errno. */
int place_lock(int instances_fd, const char *name, bool exclusive);

/* Opens instances/NAME. With CREATE, under the lock, it is made where it is not there, and mended
 * where a former attempt was killed in the middle of that. Returns a descriptor or a negative
 * errno; -ENOENT, not printed, where there is none. */
int place_open(int instances_fd, const char *name, bool create);

/* Whether all of place_remove() is permitted; says so where not. */
int place_may_remove(int instances_fd, int dir_fd, const char *name);

/* Writes LEN bytes of TEXT to spec.yaml in DIR_FD, the directory of NAME in INSTANCES_FD. -EEXIST,
 * not printed, where there is one already and REPLACE is not set. */
int place_spec(int instances_fd, int dir_fd, const char *name, const char *text, size_t len,
               bool replace);

/* Removes instances/NAME: the spec first, so that what is left of it is none; the lock's file last.
 */
int place_remove(int instances_fd, int dir_fd, const char *name);
