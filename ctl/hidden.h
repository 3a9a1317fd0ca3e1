/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What in an instance's upper layer hides something of a layer below. Upper is the game's, which
 * strangers talk to: names there can be anything, nothing is opened but directories, no link is
 * followed, and there is an end to how deep and how long it is looked at. */

#include <stdbool.h>
#include <stddef.h>

#include "ctl/layers.h"
#include "shared/macros.h"

typedef struct Hidden {
    char *path;       /* relative to upper */
    const char *kind; /* "file", "directory", "symlink", "whiteout", "opaque", "other" */
    size_t layer;     /* the topmost that has it */
} Hidden;

typedef struct HiddenFiles {
    Hidden *files;
    size_t n;
    bool complete; /* false where something could not be looked at, or it was too much */
} HiddenFiles;

/* UPPER_FD can be read. Returns 0 or -ENOMEM. */
int hidden_find(int upper_fd, const Layers *layers, HiddenFiles *ret);

void hidden_free(HiddenFiles *files);
#define _cleanup_hidden_ _cleanup_(hidden_free)

/* Whether the spec wrote it there, and not the game: server.cfg and the aliases. */
bool hidden_is_staged(const Hidden *file);

/* What lies beneath DIR_FD takes on disk, in bytes; a hard link counts each time. Returns 0, or a
 * negative errno where not all of it can be looked at. */
int disk_usage(int dir_fd, unsigned long long *ret);
