/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "query/client.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "shared/macros.h"

#define USEC_PER_SEC 1000000U
#define USEC_PER_MSEC 1000U
#define RESEND_USEC (500 * USEC_PER_MSEC) /* at most: a third of the time, where that is less */
#define DATAGRAM_MAX 8192                 /* Source servers send 1400 bytes */
#define DATAGRAMS_AT_ONCE 64              /* so that a flood does not hold up the others */

uint64_t query_now(void) {
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

/* --- Addresses ------------------------------------------------------------------------------ */

static bool is_loopback(const QueryAddress *a) {
    if (a->any.sa_family == AF_INET)
        return ntohl(a->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

static socklen_t address_len(const QueryAddress *a) {
    return a->any.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

/* See the header. */
static bool counts(const QueryAddress *asked, const QueryAddress *from) {
    if (from->any.sa_family != asked->any.sa_family)
        return false;
    if (asked->any.sa_family == AF_INET)
        return from->in.sin_port == asked->in.sin_port &&
               (from->in.sin_addr.s_addr == asked->in.sin_addr.s_addr ||
                (is_loopback(asked) && is_loopback(from)));
    return from->in6.sin6_port == asked->in6.sin6_port &&
           IN6_ARE_ADDR_EQUAL(&from->in6.sin6_addr, &asked->in6.sin6_addr);
}

/* --- Ends ----------------------------------------------------------------------------------- */

static QueryOutcome *current(Query *q) {
    return q->exchange.kind == A2S_INFO ? &q->outcome : &q->players_outcome;
}

static void settle(Query *q, QueryOutcome outcome) {
    if (*current(q) == QUERY_PENDING)
        *current(q) = outcome;
    closep(&q->fd);
    q->fd = -EBADF;
}

static void fail(Query *q, int error) {
    q->error = error;
    settle(q, error == -ECONNREFUSED ? QUERY_REFUSED : QUERY_FAILED);
}

/* Nothing more is waited for: says what came last, for want of an answer. */
static void give_up(Query *q) {
    if (q->heard || a2s_is_partial(&q->exchange)) {
        /* What is too large may have been in parts, of which some came behind the one too many. */
        if (!q->heard || (a2s_is_partial(&q->exchange) && q->bad != A2S_TOO_LARGE))
            q->bad = A2S_WAIT;
        settle(q, QUERY_BAD);
    } else if (q->elsewhere) {
        settle(q, QUERY_ELSEWHERE);
    } else if (q->error < 0) {
        settle(q, QUERY_FAILED);
    } else {
        settle(q, QUERY_NO_ANSWER);
    }
}

void query_end(Query *q) {
    if (q->fd >= 0)
        give_up(q);
}

/* --- Requests ------------------------------------------------------------------------------- */

/* Whether ERROR may be over when the request is sent again: routers say so in passing. */
static bool is_passing(int error) {
    return error == -EAGAIN || error == -EINTR || error == -ENOBUFS || error == -EHOSTUNREACH ||
           error == -ENETUNREACH || error == -EHOSTDOWN || error == -ENETDOWN;
}

static void send_request(Query *q, uint64_t now) {
    uint8_t request[A2S_REQUEST_MAX];
    const size_t len = a2s_request(&q->exchange, request);

    q->resend_at = q->repeated ? UINT64_MAX : now + q->interval;
    if (sendto(q->fd, request, len, MSG_DONTWAIT | MSG_NOSIGNAL, &q->address.any,
               address_len(&q->address)) >= 0)
        return;
    q->error = -errno;
    if (!is_passing(q->error))
        fail(q, q->error);
}

static void begin_round(Query *q) {
    q->round_at = query_now();
    send_request(q, q->round_at);
}

static void end_round(Query *q) {
    const uint64_t usec = query_now() - q->round_at;

    if (usec < q->latency_usec)
        q->latency_usec = usec;
}

/* What asks on loopback is bound there, so that no other host can send to it. */
static int open_socket(const QueryAddress *address) {
    const int family = address->any.sa_family, on = 1;
    QueryAddress own = {.any = {.sa_family = (sa_family_t)family}};
    _cleanup_close_ int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    /* Without it a socket that is not connected hears nothing of ICMP. Connected it cannot be: it
     * would not see answers from elsewhere. */
    if (setsockopt(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
                   family == AF_INET ? IP_RECVERR : IPV6_RECVERR, &on, sizeof(on)) < 0)
        return -errno;
    if (is_loopback(address)) {
        if (family == AF_INET)
            own.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        else
            own.in6.sin6_addr = in6addr_loopback;
        if (bind(fd, &own.any, address_len(&own)) < 0)
            return -errno;
    }
    return TAKE_FD(fd);
}

void query_begin(Query *q, uint64_t timeout_usec) {
    const bool keep_challenge = q->repeated && q->outcome == QUERY_ANSWERED;

    q->outcome = q->players_outcome = QUERY_PENDING;
    q->error = 0;
    q->heard = q->elsewhere = false;
    q->source = (QueryAddress){0};
    q->latency_usec = UINT64_MAX;
    q->interval = timeout_usec / 3 < RESEND_USEC ? timeout_usec / 3 : RESEND_USEC;
    q->deadline = query_now() + timeout_usec;
    q->fd = -EBADF;
    if (keep_challenge)
        a2s_begin_next(&q->exchange, A2S_INFO, q->info_buf, sizeof(q->info_buf));
    else
        a2s_begin(&q->exchange, A2S_INFO, q->info_buf, sizeof(q->info_buf));
    if (q->address.any.sa_family == AF_UNSPEC)
        return;
    q->fd = open_socket(&q->address);
    if (q->fd < 0)
        fail(q, q->fd);
    else
        begin_round(q);
}

/* --- Answers -------------------------------------------------------------------------------- */

static void take_answer(Query *q) {
    end_round(q);
    if (q->exchange.kind == A2S_INFO) {
        (void)a2s_read_info(q->info_buf, q->exchange.len, &q->info);
        q->outcome = QUERY_ANSWERED;
        q->heard = q->elsewhere = false;
        q->error = 0;
        if (q->want_players) {
            a2s_begin_next(&q->exchange, A2S_PLAYER, q->players_buf, sizeof(q->players_buf));
            begin_round(q);
            return;
        }
    } else {
        (void)a2s_read_players(q->players_buf, q->exchange.len, &q->players);
    }
    settle(q, QUERY_ANSWERED);
}

static void take_datagram(Query *q, const uint8_t *datagram, size_t len, const QueryAddress *from) {
    A2sResult result;

    if (!counts(&q->address, from)) {
        if (!q->elsewhere && q->outcome == QUERY_PENDING)
            q->source = *from;
        q->elsewhere = true;
        return;
    }
    result = len > DATAGRAM_MAX ? A2S_TOO_LARGE : a2s_feed(&q->exchange, datagram, len);
    switch (result) {
    case A2S_DONE:
        q->source = *from;
        take_answer(q);
        break;
    case A2S_RESEND:
        end_round(q);
        begin_round(q);
        break;
    case A2S_WAIT:
        break;
    case A2S_TRUNCATED:
    case A2S_GARBAGE:
    case A2S_TOO_LARGE:
        q->heard = true;
        q->bad = result;
        break;
    case A2S_COMPRESSED:
    case A2S_ENDLESS:
        q->bad = result;
        settle(q, QUERY_BAD);
        break;
    }
}

/* The error that an ICMP message brought, or 0 when there is none left. The queue has to be
 * emptied, or else poll() would not wait any more. */
static int take_icmp(int fd) {
    char data[A2S_REQUEST_MAX];
    union {
        struct cmsghdr align;
        char buf[512];
    } control;
    struct iovec iov = {.iov_base = data, .iov_len = sizeof(data)};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.buf,
                             .msg_controllen = sizeof(control.buf)};

    if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        struct sock_extended_err error;

        if (!((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
              (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR)))
            continue;
        memcpy(&error, CMSG_DATA(c), sizeof(error));
        return error.ee_errno > 0 ? -(int)error.ee_errno : -EIO;
    }
    return -EIO;
}

static void take_error(Query *q, int error) {
    q->error = error;
    if (!is_passing(error))
        fail(q, error);
}

void query_receive(Query *q) {
    uint8_t datagram[DATAGRAM_MAX];

    for (unsigned i = 0; i < DATAGRAMS_AT_ONCE && q->fd >= 0; i++) {
        QueryAddress from = {0};
        socklen_t from_len = sizeof(from);
        ssize_t n;
        int error = take_icmp(q->fd);

        if (error < 0) {
            take_error(q, error);
            continue;
        }
        n = recvfrom(q->fd, datagram, sizeof(datagram), MSG_DONTWAIT | MSG_TRUNC, &from.any,
                     &from_len);
        if (n >= 0)
            take_datagram(q, datagram, (size_t)n, &from);
        else if (errno == EAGAIN)
            return;
        else
            take_error(q, -errno);
    }
}

/* --- Time ----------------------------------------------------------------------------------- */

void query_tick(Query *q) {
    const uint64_t now = query_now();

    if (q->fd < 0)
        return;
    if (now >= q->deadline)
        give_up(q);
    else if (now >= q->resend_at)
        send_request(q, now);
}

uint64_t query_wake_at(const Query *q) {
    if (q->fd < 0)
        return UINT64_MAX;
    return q->resend_at < q->deadline ? q->resend_at : q->deadline;
}

/* Waits for any of them. Returns whether there is one to wait for. */
static bool wait_for_any(const Query queries[], struct pollfd polls[], size_t n) {
    uint64_t wake_at = UINT64_MAX, now = query_now(), wait;
    struct timespec ts;

    for (size_t i = 0; i < n; i++) {
        polls[i] = (struct pollfd){.fd = queries[i].fd, .events = POLLIN};
        if (query_wake_at(&queries[i]) < wake_at)
            wake_at = query_wake_at(&queries[i]);
    }
    if (wake_at == UINT64_MAX)
        return false;
    wait = wake_at > now ? wake_at - now : 0;
    ts.tv_sec = (time_t)(wait / USEC_PER_SEC);
    ts.tv_nsec = (long)(wait % USEC_PER_SEC) * 1000;
    if (ppoll(polls, (nfds_t)n, &ts, NULL) <= 0)
        for (size_t i = 0; i < n; i++)
            polls[i].revents = 0;
    return true;
}

void query_run(Query queries[], struct pollfd polls[], size_t n, uint64_t timeout_usec) {
    for (size_t i = 0; i < n; i++)
        query_begin(&queries[i], timeout_usec);
    while (wait_for_any(queries, polls, n))
        for (size_t i = 0; i < n; i++) {
            if (polls[i].revents)
                query_receive(&queries[i]);
            query_tick(&queries[i]);
        }
}
