/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a server is asked that somebody names. */

#include <stdint.h>

#include "query/address.h"

/* Looks HOST up, a name or an address. Of several addresses the first of IPv4 is taken, the one
 * protocol that the game knows, else the first. Returns NULL, or why not. */
const char *address_resolve(const char *host, uint16_t port, QueryAddress *ret);
