/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/servers.h"

#include <errno.h>

#include "shared/macros.h"

int servers_ask(Query queries[], size_t n, uint64_t timeout_usec) {
    _cleanup_free_ struct pollfd *polls = calloc(n + 1, sizeof(*polls));

    if (!polls)
        return -ENOMEM;
    query_run(queries, polls, n, timeout_usec);
    return 0;
}

const char *server_outcome_name(QueryOutcome outcome) {
    static const char *const names[] = {
        [QUERY_PENDING] = "failed",      [QUERY_ANSWERED] = "answered",
        [QUERY_NO_ANSWER] = "no-answer", [QUERY_REFUSED] = "refused",
        [QUERY_ELSEWHERE] = "elsewhere", [QUERY_BAD] = "bad-answer",
        [QUERY_FAILED] = "failed",
    };

    return names[outcome];
}
