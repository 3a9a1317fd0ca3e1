/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What no spec tells by itself: whether this host has what an instance needs. */

#include "ctl/findings.h"
#include "spec/spec.h"

/* Looks for the layers of SPEC beneath <root>, for the game in them, the sources of aliases, and
 * the loader that the game needs. Reports for SUBJECT; what is every instance's is printed once.
 * Returns 0, whatever was found, or -ENOMEM. */
int host_check(Subject *subject, const Spec *spec);

/* Whether user left4me, who is to stage it, can read the spec of instance NAME: 1, 0, or a negative
 * errno where that cannot be tried. Only root can. */
int host_game_can_read(int instances_fd, const char *name);
