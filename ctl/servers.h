/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Servers that are asked, and what became of it in words. */

#include <stddef.h>
#include <stdint.h>

#include "query/client.h"

#define SERVER_MESSAGE_MAX 160

/* Asks all that have an address, side by side; the others (family 0) stay QUERY_PENDING. Returns 0
 * or -ENOMEM. */
int servers_ask(Query queries[], size_t n, uint64_t timeout_usec);

/* A word for programs: "answered", "no-answer", "refused", "elsewhere", "bad-answer", "failed". */
const char *server_outcome_name(QueryOutcome outcome);

/* OUTCOME, one of Q's two, in a sentence. */
const char *server_describe(const Query *q, QueryOutcome outcome,
                            char message[static SERVER_MESSAGE_MAX]);
