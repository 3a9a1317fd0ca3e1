/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Addresses of servers: from and to text, without a look-up. */

#include <stdbool.h>
#include <stdint.h>

#include "query/client.h"

/* "[ADDRESS]:65535" and its end. */
#define ADDRESS_TEXT_MAX (INET6_ADDRSTRLEN + sizeof("[]:65535"))

/* Takes an address of IPv4 or IPv6 in numbers; what stands for all addresses of the host is asked
 * on loopback. False where HOST is none. */
bool address_literal(const char *host, uint16_t port, QueryAddress *ret);

/* The address of a server that was started with ARGS, words as L4D2_ARGS has them: what -ip says,
 * loopback where it says nothing or "all addresses". Returns 0, or -EINVAL where it says a name:
 * RET_HOST has it then. */
int address_of_server(const char *args, uint16_t port, QueryAddress *ret,
                      char ret_host[static 256]);

/* The address without its port, and both. */
const char *address_host(const QueryAddress *address, char text[static ADDRESS_TEXT_MAX]);
const char *address_text(const QueryAddress *address, char text[static ADDRESS_TEXT_MAX]);
uint16_t address_port(const QueryAddress *address);
