/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A2S_INFO and A2S_PLAYER, the queries that a Source server answers by UDP, as
 * https://developer.valvesoftware.com/wiki/Server_queries has them: requests, the challenge,
 * answers in one datagram or split over several, and what is in them.
 *
 * Whatever comes by UDP may come from anybody, so hostile bytes are the normal case: every length
 * is checked, nothing is trusted to be text, and no server can have us work or wait for ever.
 * Nothing here allocates, keeps anything of its own, or touches a socket: datagrams come from the
 * caller and answers go to the caller's buffer. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define A2S_CHALLENGE_SIZE 4
#define A2S_REQUEST_MAX 29   /* bytes of a request */
#define A2S_CHALLENGES_MAX 8 /* challenges that are taken before an answer has to come */
#define A2S_PARTS_MAX 64     /* datagrams of a split answer */

typedef enum A2sKind { A2S_INFO, A2S_PLAYER } A2sKind;

typedef enum A2sResult {
    A2S_DONE,       /* the answer is there, whole and well-formed */
    A2S_RESEND,     /* a challenge was taken: send a2s_request() again */
    A2S_WAIT,       /* nothing to do: a part was kept, or it answers an earlier question */
    A2S_TRUNCATED,  /* like an answer, but it ends too early; as if it had not come */
    A2S_GARBAGE,    /* no answer to any of our questions; as if it had not come */
    A2S_TOO_LARGE,  /* an answer larger than the buffer; as if it had not come */
    A2S_COMPRESSED, /* by bzip2, as engines did around 2006; no use to go on */
    A2S_ENDLESS,    /* one challenge after the other; no use to go on */
} A2sResult;

/* One question and what came of it. */
typedef struct A2sExchange {
    A2sKind kind;
    bool has_challenge;
    uint8_t challenge[A2S_CHALLENGE_SIZE];
    unsigned n_challenges;

    uint8_t *buf; /* the caller's: the answer, from its FF FF FF FF on */
    size_t size;
    size_t len; /* of the answer, once it is there */

    /* A split answer: the parts that came lie in buf in the order of their numbers, without gaps.
     */
    uint32_t id;
    unsigned total, received; /* parts; total is 0 outside of a split answer */
    size_t used;
    uint16_t part_len[A2S_PARTS_MAX]; /* 0: did not come yet */
} A2sExchange;

/* Begins to ask for KIND. The answer goes to the SIZE bytes of BUF, which have to stay until
 * nothing of it is needed any more. */
void a2s_begin(A2sExchange *x, A2sKind kind, void *buf, size_t size);

/* Likewise, with the challenge of the former question, which mostly is good for the next one too:
 * where not, the server sends another. */
void a2s_begin_next(A2sExchange *x, A2sKind kind, void *buf, size_t size);

/* Writes the datagram to send: at first, after A2S_RESEND, and again where none came for a while.
 * Returns its length. */
size_t a2s_request(const A2sExchange *x, uint8_t request[static A2S_REQUEST_MAX]);

/* Takes a datagram. After A2S_DONE, A2S_COMPRESSED and A2S_ENDLESS nothing more may be fed. Parts
 * of a split answer may come in any order and several times: of two with one number the first
 * counts. Parts of another answer (the server was asked again) take the place of those that came.
 * The size field of a part says where the server splits and tells nothing that the length does not,
 * so it is passed over. */
A2sResult a2s_feed(A2sExchange *x, const void *datagram, size_t len);

/* Whether some of a split answer came, and some did not. */
bool a2s_is_partial(const A2sExchange *x);

/* The fields that an A2S_INFO answer may have or not: bits of A2sInfo.extra, the "extra data flag".
 */
enum {
    A2S_EXTRA_PORT = 0x80,
    A2S_EXTRA_TV = 0x40,
    A2S_EXTRA_KEYWORDS = 0x20,
    A2S_EXTRA_STEAM_ID = 0x10,
    A2S_EXTRA_GAME_ID = 0x01,
};

/* Texts are terminated, lie in the answer, and hold any bytes whatever. */
typedef struct A2sInfo {
    uint8_t protocol;
    const char *name, *map, *folder, *game;
    uint16_t app_id; /* the lower 16 bits of it; game_id has all */
    uint8_t players, max_players, bots;
    char type; /* 'd' dedicated, 'l' listen, 'p' SourceTV proxy */
    char os;   /* 'l' Linux, 'w' Windows, 'm' or 'o' macOS */
    bool password, vac;
    const char *version;
    uint8_t extra;        /* which of the following there are; the others are 0 and NULL */
    uint16_t port;        /* of the game */
    uint64_t steam_id;    /* of the server */
    uint16_t tv_port;     /* of SourceTV */
    const char *tv_name;  /* of SourceTV */
    const char *keywords; /* sv_tags */
    uint64_t game_id;     /* its lower 24 bits are the app id */
} A2sInfo;

/* Reads an answer to A2S_INFO of LEN bytes, from FF FF FF FF on; one of a2s_feed() always can be
 * read. What follows the last field that is known is passed over. Returns 0, -EBADMSG where it ends
 * too early, or -EINVAL where it is something else. */
int a2s_read_info(const void *answer, size_t len, A2sInfo *ret);

typedef struct A2sPlayer {
    uint8_t index; /* mostly 0 */
    const char *name;
    int32_t score;
    float seconds; /* since it joined; any value, NAN and below 0 too */
} A2sPlayer;

/* The players that are left to read. */
typedef struct A2sPlayers {
    unsigned left;
    const uint8_t *next, *end;
} A2sPlayers;

/* Likewise for A2S_PLAYER: sees that all players are there, as many as the answer says (the game
 * lists those that are still connecting, without a name). Returns as a2s_read_info(). */
int a2s_read_players(const void *answer, size_t len, A2sPlayers *ret);

/* Takes the next of them. False after the last. */
bool a2s_next_player(A2sPlayers *players, A2sPlayer *ret);
