/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a server is asked. */

#include <stdint.h>

#include "query/client.h"
#include "spec/spec.h"

/* "[ADDRESS]:65535" and its end. */
#define ADDRESS_TEXT_MAX (INET6_ADDRSTRLEN + sizeof("[]:65535"))

/* The address of a running instance: what -ip says, loopback where it says nothing or "all
 * addresses". Returns 0, or -EINVAL where it says a name: RET_HOST has it then. */
int address_of_spec(const Spec *spec, QueryAddress *ret, char ret_host[static 256]);

/* Looks HOST up, a name or an address. Of several addresses the first of IPv4 is taken, the one
 * protocol that the game knows, else the first. Returns NULL, or why not. */
const char *address_resolve(const char *host, uint16_t port, QueryAddress *ret);

/* The address without its port, and both. */
const char *address_host(const QueryAddress *address, char text[static ADDRESS_TEXT_MAX]);
const char *address_text(const QueryAddress *address, char text[static ADDRESS_TEXT_MAX]);
uint16_t address_port(const QueryAddress *address);
