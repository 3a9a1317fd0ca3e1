/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/address.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

static void take(QueryAddress *ret, const struct addrinfo *ai) {
    *ret = (QueryAddress){0};
    memcpy(ret, ai->ai_addr, ai->ai_addrlen < sizeof(*ret) ? ai->ai_addrlen : sizeof(*ret));
}

const char *address_resolve(const char *host, uint16_t port, QueryAddress *ret) {
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *list = NULL;
    const struct addrinfo *best = NULL;
    int r;

    if (address_literal(host, port, ret))
        return NULL;
    /* Also for fe80::1%eth0. */
    r = getaddrinfo(host, NULL, &hints, &list);
    if (r != 0)
        return r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r);
    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next)
        if (ai->ai_family == AF_INET || (ai->ai_family == AF_INET6 && !best)) {
            best = ai;
            if (ai->ai_family == AF_INET)
                break;
        }
    if (best)
        take(ret, best);
    freeaddrinfo(list);
    if (!best)
        return "it has no address";
    if (ret->any.sa_family == AF_INET)
        ret->in.sin_port = htons(port);
    else
        ret->in6.sin6_port = htons(port);
    return NULL;
}
