/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/bus.h"

/* After the spec of NAME was placed: one Reload, by a connection that is opened for it; with
 * --no-reload, or another state root than the units', says that one is needed. Returns an exit
 * status. */
int reload_after(const char *name, sd_bus **ret_bus);
