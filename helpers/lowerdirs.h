/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* L4D2_LOWERDIRS, the list of layers that the generator compiled into the unit's environment:
 * <root>/overlays/PATH:…:<root>/installation, the topmost first. Who can write that variable is
 * root's equal, but a list that was not written by the generator is taken for what it is: a fault.
 * Nothing here touches a file. */

#include <stddef.h>

/* The kernel's limit (OVL_MAX_STACK): 499 overlays and the installation. */
#define LOWERDIRS_MAX 500

typedef struct Lowerdirs {
    char *text; /* owned; the paths are parts of it */

    /* Relative to <root>: "overlays/PATH", and at the end at most one "installation". */
    const char *paths[LOWERDIRS_MAX];
    size_t n;

    const char *refused; /* the entry that lowerdirs_parse() stumbled over, a part of text */
} Lowerdirs;

void lowerdirs_done(Lowerdirs *lowerdirs);

/* *LOWERDIRS is all zero before and takes lowerdirs_done() afterwards, also after a failure.
 * Returns 0, or -EINVAL with the entry that is no layer in refused, -E2BIG for more than
 * LOWERDIRS_MAX, -ENOMEM. */
int lowerdirs_parse(Lowerdirs *lowerdirs, const char *text);

/* Finds a layer that, by its path, lies beneath another one or is the same, which overlayfs answers
 * with ELOOP. Returns its index, with that of the other in *RET_OUTER; n if there is none: a bind
 * mount can do the same, and no path tells. */
size_t lowerdirs_find_nested(const Lowerdirs *lowerdirs, size_t *ret_outer);
