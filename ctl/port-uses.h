/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The UDP ports that specs name: of the game, of SourceTV, of the client. Those that the game takes
 * when none is named are not here: it looks for a free one then. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/spec.h"

typedef enum PortRole { PORT_GAME, PORT_TV, PORT_CLIENT } PortRole;

typedef struct PortUse {
    size_t user;      /* the caller's number for the spec */
    const char *what; /* "port", or the option that names it */
    PortRole role;
    uint16_t port;
    char address[64]; /* what -ip says; "" is all addresses */
} PortUse;

typedef struct PortUses {
    PortUse *uses;
    size_t n;
} PortUses;

/* Adds each port that SPEC names, once for each role. Returns 0 or -ENOMEM. */
int port_uses_add(PortUses *uses, size_t user, const Spec *spec);

/* Whether both sockets cannot be had at a time. */
bool port_uses_clash(const PortUse *a, const PortUse *b);

void port_uses_free(PortUses *uses);
