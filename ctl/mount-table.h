/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the overlay of an instance is mounted in this mount namespace. */

#include "ctl/ctl.h"

/* The mount points of all overlays with the source that left4me-overlay gives that of NAME: more
 * than one, or another than runtime/NAME/merged, where a directory was renamed below a mount.
 * Returns 0 or a negative errno. */
int mount_table_find(const char *name, Names *ret);
