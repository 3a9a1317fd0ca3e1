/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks servers by A2S, one or many side by side, each until a deadline of its own. A request that
 * gets no answer is sent again, since UDP loses some. Nothing is allocated and no name is resolved;
 * the caller has the memory of each query, and may either have query_run() wait for all of them or
 * wait by itself for the descriptor (POLLIN) and for query_wake_at().
 *
 * Whose answer counts: that of the address and port asked. One exception is made, for a server that
 * was asked on a loopback address: it may answer from another loopback address, with the port
 * asked. That happens without any fault of its own: a server bound to 0.0.0.0 that is asked on
 * 127.0.1.1, which Debian gives the host's own name, answers from 127.0.0.1, since this is what the
 * kernel chooses. Nobody but this host can send from there, and the socket that asks is bound to
 * loopback too. An answer from another port comes from another socket, maybe of another server, so
 * it never counts; nor does another address across a network, where no player could make use of it.
 * Such an answer is not passed over in silence, though: see QUERY_ELSEWHERE. */

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "query/a2s.h"

#define QUERY_INFO_MAX 4096     /* bytes of an answer; a datagram of a Source server has 1400 */
#define QUERY_PLAYERS_MAX 16384 /* 255 players with names of 32 bytes are 10,457 */

typedef union QueryAddress {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
} QueryAddress;

typedef enum QueryOutcome {
    QUERY_PENDING,
    QUERY_ANSWERED,
    QUERY_NO_ANSWER, /* silence until the deadline */
    QUERY_REFUSED,   /* ICMP: no socket on that port */
    QUERY_ELSEWHERE, /* answers came from another address or port, and none from the one asked */
    QUERY_BAD,       /* what came was no answer: see bad */
    QUERY_FAILED,    /* an error of the system or the network: see error */
} QueryOutcome;

typedef struct Query {
    /* Set by the caller. Without an address, its family AF_UNSPEC, nobody is asked and OUTCOME
     * stays QUERY_PENDING. The players are asked for once the info is there. */
    QueryAddress address;
    bool want_players;

    /* Set for one of many queries with the same structure, of the same server on this host: it
     * begins with the challenge that was good for the last one, and sends each request once, since
     * the next query comes anyway. All zero at first. */
    bool repeated;

    /* What came of it. INFO, LATENCY_USEC and SOURCE hold something where OUTCOME is
     * QUERY_ANSWERED, PLAYERS where PLAYERS_OUTCOME is. They point into this structure: do not move
     * it. */
    QueryOutcome outcome, players_outcome;
    A2sResult bad;       /* of QUERY_BAD: the last one; A2S_WAIT: parts are missing */
    int error;           /* of QUERY_FAILED: a negative errno */
    QueryAddress source; /* who answered; of QUERY_ELSEWHERE: who did instead */
    uint64_t
        latency_usec; /* the shortest of all rounds, each from when its request was sent first */
    A2sInfo info;
    A2sPlayers players;

    /* Its own. FD may be waited for while it is not negative. */
    int fd;
    A2sExchange exchange;
    uint64_t deadline, interval, round_at, resend_at; /* microseconds of CLOCK_MONOTONIC */
    bool heard, elsewhere;
    uint8_t info_buf[QUERY_INFO_MAX], players_buf[QUERY_PLAYERS_MAX];
} Query;

/* Microseconds of CLOCK_MONOTONIC. */
uint64_t query_now(void);

/* Opens a socket and sends the first request. What is open is closed as soon as all is answered or
 * nothing more is to be expected; query_end() does it before. */
void query_begin(Query *q, uint64_t timeout_usec);

/* Takes what is there, at most some dozens of datagrams, without waiting. */
void query_receive(Query *q);

/* Sends again what got no answer in time; ends it at the deadline. */
void query_tick(Query *q);

/* When query_tick() is due, in microseconds of CLOCK_MONOTONIC; UINT64_MAX where never. */
uint64_t query_wake_at(const Query *q);

/* Closes what is open, and settles outcomes. */
void query_end(Query *q);

/* Asks N servers side by side and returns when all have answered or the time is over. POLLS has
 * room for N. */
void query_run(Query queries[], struct pollfd polls[], size_t n, uint64_t timeout_usec);
