/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which instances have the same port at the same address. */

#include <stddef.h>
#include <stdint.h>

typedef struct PortUser {
    const char *name;
    char *address; /* what -ip says; NULL is all addresses */
    size_t next;   /* the user of this port before this one, counted from 1; 0 is none */
} PortUser;

typedef struct Ports {
    PortUser *users;
    size_t n, size;
    uint32_t last[UINT16_MAX + 1]; /* by port: its latest user, counted from 1; 0 is none */
} Ports;

/* Notes that instance NAME, which must stay valid, has PORT at the address that -ip in ARGS names.
 * Returns 0 with the name of a former user of the same in *RET_OTHER, NULL if there is none; or
 * -ENOMEM. */
int ports_add(Ports *ports, const char *name, uint16_t port, const char *args,
              const char **ret_other);

void ports_free(Ports *ports);
