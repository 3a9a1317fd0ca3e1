/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What became of a query, in words. */

#include "query/client.h"

#define QUERY_MESSAGE_MAX 160

/* OUTCOME, one of Q's two, in a sentence without a full stop. */
const char *query_describe(const Query *q, QueryOutcome outcome,
                           char message[static QUERY_MESSAGE_MAX]);
