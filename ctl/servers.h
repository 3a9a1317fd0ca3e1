/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Many servers that are asked, and what became of it in a word. */

#include <stddef.h>
#include <stdint.h>

#include "query/client.h"

/* Asks all that have an address, side by side; the others (family 0) stay QUERY_PENDING. Returns 0
 * or -ENOMEM. */
int servers_ask(Query queries[], size_t n, uint64_t timeout_usec);

/* A word for programs: "answered", "no-answer", "refused", "elsewhere", "bad-answer", "failed". */
const char *server_outcome_name(QueryOutcome outcome);
