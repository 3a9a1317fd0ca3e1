/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "spec/words.h"

static bool from_literal(const char *host, uint16_t port, QueryAddress *ret) {
    QueryAddress address = {0};

    if (inet_pton(AF_INET, host, &address.in.sin_addr) == 1) {
        address.in.sin_family = AF_INET;
        address.in.sin_port = htons(port);
    } else if (inet_pton(AF_INET6, host, &address.in6.sin6_addr) == 1) {
        address.in6.sin6_family = AF_INET6;
        address.in6.sin6_port = htons(port);
    } else {
        return false;
    }
    *ret = address;
    return true;
}

/* What is bound to all addresses is asked on loopback. */
static void instead_of_any(QueryAddress *a) {
    if (a->any.sa_family == AF_INET && a->in.sin_addr.s_addr == htonl(INADDR_ANY))
        a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (a->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr))
        a->in6.sin6_addr = in6addr_loopback;
}

int address_of_spec(const Spec *spec, QueryAddress *ret, char ret_host[static 256]) {
    if (!words_option(spec->args, "-ip", ret_host, 256))
        (void)snprintf(ret_host, 256, "127.0.0.1");
    if (!from_literal(ret_host, spec->port, ret))
        return -EINVAL;
    instead_of_any(ret);
    return 0;
}

static void take(QueryAddress *ret, const struct addrinfo *ai) {
    *ret = (QueryAddress){0};
    memcpy(ret, ai->ai_addr, ai->ai_addrlen < sizeof(*ret) ? ai->ai_addrlen : sizeof(*ret));
}

const char *address_resolve(const char *host, uint16_t port, QueryAddress *ret) {
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *list = NULL;
    const struct addrinfo *best = NULL;
    int r;

    if (from_literal(host, port, ret)) {
        instead_of_any(ret);
        return NULL;
    }
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

const char *address_host(const QueryAddress *a, char text[static ADDRESS_TEXT_MAX]) {
    const void *raw =
        a->any.sa_family == AF_INET ? (const void *)&a->in.sin_addr : &a->in6.sin6_addr;

    if (!inet_ntop(a->any.sa_family, raw, text, (socklen_t)ADDRESS_TEXT_MAX))
        (void)snprintf(text, ADDRESS_TEXT_MAX, "?");
    return text;
}

const char *address_text(const QueryAddress *a, char text[static ADDRESS_TEXT_MAX]) {
    char host[ADDRESS_TEXT_MAX];
    const bool bare = a->any.sa_family == AF_INET;

    (void)snprintf(text, ADDRESS_TEXT_MAX, "%s%.*s%s:%u", bare ? "" : "[", INET6_ADDRSTRLEN,
                   address_host(a, host), bare ? "" : "]", address_port(a));
    return text;
}

uint16_t address_port(const QueryAddress *a) {
    return ntohs(a->any.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}
