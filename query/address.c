/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "query/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "spec/words.h"

/* What is bound to all addresses is asked on loopback. */
static void instead_of_any(QueryAddress *a) {
    if (a->any.sa_family == AF_INET && a->in.sin_addr.s_addr == htonl(INADDR_ANY))
        a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (a->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr))
        a->in6.sin6_addr = in6addr_loopback;
}

bool address_literal(const char *host, uint16_t port, QueryAddress *ret) {
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
    instead_of_any(&address);
    *ret = address;
    return true;
}

int address_of_server(const char *args, uint16_t port, QueryAddress *ret,
                      char ret_host[static 256]) {
    if (!words_option(args, "-ip", ret_host, 256))
        (void)snprintf(ret_host, 256, "127.0.0.1");
    return address_literal(ret_host, port, ret) ? 0 : -EINVAL;
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
