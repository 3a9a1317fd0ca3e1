/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "query/describe.h"

#include <stdio.h>
#include <string.h>

#include "query/address.h"

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

const char *query_describe(const Query *q, QueryOutcome outcome,
                           char message[static QUERY_MESSAGE_MAX]) {
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
        (void)snprintf(message, QUERY_MESSAGE_MAX,
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
    (void)snprintf(message, QUERY_MESSAGE_MAX, "%s", text);
    return message;
}
