/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/servers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/address.h"
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

static const char *describe_bad(A2sResult bad) {
    static const char *const texts[] = {
        [A2S_DONE] = "",
        [A2S_RESEND] = "",
        [A2S_WAIT] = "parts of its answer are missing",
        [A2S_TRUNCATED] = "its answer is cut short",
        [A2S_GARBAGE] = "it answers, but not as a Source server does",
        [A2S_TOO_LARGE] = "its answer is too large",
        [A2S_COMPRESSED] = "its answer is compressed, which is not supported",
        [A2S_ENDLESS] = "it sends one challenge after the other and no answer",
    };

    return texts[bad];
}

const char *server_describe(const Query *q, QueryOutcome outcome,
                            char message[static SERVER_MESSAGE_MAX]) {
    char source[ADDRESS_TEXT_MAX];
    const char *text = "not asked";

    switch (outcome) {
    case QUERY_PENDING:
        break;
    case QUERY_ANSWERED:
        text = "answered";
        break;
    case QUERY_NO_ANSWER:
        text = "no answer";
        break;
    case QUERY_REFUSED:
        text = "refused: nothing has this port";
        break;
    case QUERY_ELSEWHERE:
        (void)snprintf(message, SERVER_MESSAGE_MAX,
                       "no answer, but one from %s, which was not asked",
                       address_text(&q->source, source));
        return message;
    case QUERY_BAD:
        text = describe_bad(q->bad);
        break;
    case QUERY_FAILED:
        text = strerror(-q->error);
        break;
    }
    (void)snprintf(message, SERVER_MESSAGE_MAX, "%s", text);
    return message;
}
