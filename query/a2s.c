/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "query/a2s.h"

#include <errno.h>
#include <string.h>

#define WHOLE UINT32_MAX       /* FF FF FF FF: the datagram is the message */
#define SPLIT (UINT32_MAX - 1) /* FE FF FF FF: it is a part of it */
#define COMPRESSED 0x80000000U /* bit of a split answer's ID */
#define HEADER_SIZE 4

/* The first byte behind the header. */
enum {
    REQUEST_INFO = 'T',
    REQUEST_PLAYER = 'U',
    ANSWER_CHALLENGE = 'A',
    ANSWER_INFO = 'I',
    ANSWER_PLAYER = 'D',
};

/* --- Reading -------------------------------------------------------------------------------- */

/* What is left of a message. After a read beyond its end nothing is left, and all that is read is 0
 * or empty: one look at FAILED at the end tells. */
typedef struct Reader {
    const uint8_t *next, *end;
    bool failed;
} Reader;

static Reader reader(const void *data, size_t len) {
    return (Reader){.next = data, .end = (const uint8_t *)data + len};
}

static size_t left(const Reader *r) {
    return (size_t)(r->end - r->next);
}

/* All integers are little-endian. */
static uint64_t get(Reader *r, size_t n) {
    uint64_t value = 0;

    if (left(r) < n) {
        r->failed = true;
        r->next = r->end;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)r->next[i] << (8 * i);
    r->next += n;
    return value;
}

static uint8_t get_u8(Reader *r) {
    return (uint8_t)get(r, 1);
}

static uint16_t get_u16(Reader *r) {
    return (uint16_t)get(r, 2);
}

static uint32_t get_u32(Reader *r) {
    return (uint32_t)get(r, 4);
}

static const char *get_text(Reader *r) {
    const uint8_t *text = r->next, *end = memchr(text, '\0', left(r));

    if (!end) {
        r->failed = true;
        r->next = r->end;
        return "";
    }
    r->next = end + 1;
    return (const char *)text;
}

/* Takes header and type. */
static int get_head(Reader *r, uint8_t type) {
    const uint32_t header = get_u32(r);
    const uint8_t found = get_u8(r);

    if (r->failed)
        return -EBADMSG;
    return header == WHOLE && found == type ? 0 : -EINVAL;
}

/* --- Answers -------------------------------------------------------------------------------- */

static void get_extra(Reader *r, A2sInfo *info) {
    info->extra = get_u8(r);
    if (info->extra & A2S_EXTRA_PORT)
        info->port = get_u16(r);
    if (info->extra & A2S_EXTRA_STEAM_ID)
        info->steam_id = get(r, 8);
    if (info->extra & A2S_EXTRA_TV) {
        info->tv_port = get_u16(r);
        info->tv_name = get_text(r);
    }
    if (info->extra & A2S_EXTRA_KEYWORDS)
        info->keywords = get_text(r);
    if (info->extra & A2S_EXTRA_GAME_ID)
        info->game_id = get(r, 8);
}

int a2s_read_info(const void *answer, size_t len, A2sInfo *ret) {
    Reader r = reader(answer, len);
    A2sInfo info = {0};
    int error = get_head(&r, ANSWER_INFO);

    if (error < 0)
        return error;
    info.protocol = get_u8(&r);
    info.name = get_text(&r);
    info.map = get_text(&r);
    info.folder = get_text(&r);
    info.game = get_text(&r);
    info.app_id = get_u16(&r);
    info.players = get_u8(&r);
    info.max_players = get_u8(&r);
    info.bots = get_u8(&r);
    info.type = (char)get_u8(&r);
    info.os = (char)get_u8(&r);
    info.password = get_u8(&r) != 0;
    info.vac = get_u8(&r) != 0;
    info.version = get_text(&r);
    /* Without any of the extra fields their flag may be missing too. */
    if (left(&r) > 0)
        get_extra(&r, &info);
    if (r.failed)
        return -EBADMSG;
    *ret = info;
    return 0;
}

static bool get_player(Reader *r, A2sPlayer *ret) {
    uint32_t seconds;

    ret->index = get_u8(r);
    ret->name = get_text(r);
    ret->score = (int32_t)get_u32(r);
    seconds = get_u32(r);
    _Static_assert(sizeof(ret->seconds) == sizeof(seconds), "a float is one of IEEE 754");
    memcpy(&ret->seconds, &seconds, sizeof(seconds));
    return !r->failed;
}

int a2s_read_players(const void *answer, size_t len, A2sPlayers *ret) {
    Reader r = reader(answer, len);
    A2sPlayers players;
    A2sPlayer player;
    int error = get_head(&r, ANSWER_PLAYER);

    if (error < 0)
        return error;
    players.left = get_u8(&r);
    players.next = r.next;
    players.end = r.end;
    for (unsigned i = 0; i < players.left && !r.failed; i++)
        (void)get_player(&r, &player);
    if (r.failed)
        return -EBADMSG;
    *ret = players;
    return 0;
}

bool a2s_next_player(A2sPlayers *players, A2sPlayer *ret) {
    Reader r = reader(players->next, (size_t)(players->end - players->next));

    if (players->left == 0 || !get_player(&r, ret))
        return false;
    players->left--;
    players->next = r.next;
    return true;
}

/* --- Requests ------------------------------------------------------------------------------- */

void a2s_begin(A2sExchange *x, A2sKind kind, void *buf, size_t size) {
    *x = (A2sExchange){.kind = kind, .buf = buf, .size = size};
}

void a2s_begin_next(A2sExchange *x, A2sKind kind, void *buf, size_t size) {
    const A2sExchange former = *x;

    a2s_begin(x, kind, buf, size);
    x->has_challenge = former.has_challenge;
    memcpy(x->challenge, former.challenge, sizeof(x->challenge));
}

size_t a2s_request(const A2sExchange *x, uint8_t request[static A2S_REQUEST_MAX]) {
    static const char info[] = "Source Engine Query"; /* sent with its terminator */
    size_t len = HEADER_SIZE;

    memset(request, 0xff, HEADER_SIZE);
    if (x->kind == A2S_INFO) {
        request[len++] = REQUEST_INFO;
        memcpy(request + len, info, sizeof(info));
        len += sizeof(info);
        if (!x->has_challenge)
            return len;
    } else {
        request[len++] = REQUEST_PLAYER;
    }
    /* -1 asks for a challenge. */
    if (x->has_challenge)
        memcpy(request + len, x->challenge, A2S_CHALLENGE_SIZE);
    else
        memset(request + len, 0xff, A2S_CHALLENGE_SIZE);
    return len + A2S_CHALLENGE_SIZE;
}

/* --- Datagrams ------------------------------------------------------------------------------ */

static A2sResult take_challenge(A2sExchange *x, const uint8_t *message, size_t len) {
    if (len < HEADER_SIZE + 1 + A2S_CHALLENGE_SIZE)
        return A2S_TRUNCATED;
    if (x->n_challenges >= A2S_CHALLENGES_MAX)
        return A2S_ENDLESS;
    x->n_challenges++;
    x->has_challenge = true;
    memcpy(x->challenge, message + HEADER_SIZE + 1, A2S_CHALLENGE_SIZE);
    return A2S_RESEND;
}

/* A whole message, in a datagram or in x->buf. */
static A2sResult take_message(A2sExchange *x, const uint8_t *message, size_t len) {
    A2sPlayers players;
    A2sInfo info;
    Reader r = reader(message, len);
    uint32_t header = get_u32(&r);
    uint8_t type = get_u8(&r);
    int error;

    if (r.failed)
        return A2S_TRUNCATED;
    if (header != WHOLE)
        return A2S_GARBAGE;
    if (type == ANSWER_CHALLENGE)
        return take_challenge(x, message, len);
    if (type == (x->kind == A2S_INFO ? ANSWER_PLAYER : ANSWER_INFO))
        return A2S_WAIT;

    error = x->kind == A2S_INFO ? a2s_read_info(message, len, &info)
                                : a2s_read_players(message, len, &players);
    if (error < 0)
        return error == -EBADMSG ? A2S_TRUNCATED : A2S_GARBAGE;
    if (len > x->size)
        return A2S_TOO_LARGE;
    memmove(x->buf, message, len);
    x->total = 0;
    x->len = len;
    return A2S_DONE;
}

static void begin_parts(A2sExchange *x, uint32_t id, unsigned total) {
    x->id = id;
    x->total = total;
    x->received = 0;
    x->used = 0;
    memset(x->part_len, 0, sizeof(x->part_len));
}

/* Puts a part in front of those with higher numbers that are there already. */
static void insert_part(A2sExchange *x, unsigned number, const uint8_t *data, size_t len) {
    size_t offset = 0;

    for (unsigned i = 0; i < number; i++)
        offset += x->part_len[i];
    memmove(x->buf + offset + len, x->buf + offset, x->used - offset);
    memcpy(x->buf + offset, data, len);
    x->used += len;
    x->part_len[number] = (uint16_t)len;
    x->received++;
}

static A2sResult take_part(A2sExchange *x, Reader *r) {
    const uint32_t id = get_u32(r);
    const unsigned total = get_u8(r), number = get_u8(r);

    (void)get_u16(r); /* where the server splits */
    if (r->failed || left(r) == 0)
        return A2S_TRUNCATED;
    if (id & COMPRESSED)
        return A2S_COMPRESSED;
    if (total == 0 || number >= total)
        return A2S_GARBAGE;
    if (total > A2S_PARTS_MAX || left(r) > UINT16_MAX)
        return A2S_TOO_LARGE;
    if (x->total == 0 || x->id != id || x->total != total)
        begin_parts(x, id, total);
    if (x->part_len[number] > 0)
        return A2S_WAIT;
    if (left(r) > x->size - x->used) {
        x->total = 0;
        return A2S_TOO_LARGE;
    }
    insert_part(x, number, r->next, left(r));
    if (x->received < x->total)
        return A2S_WAIT;
    x->total = 0;
    return take_message(x, x->buf, x->used);
}

A2sResult a2s_feed(A2sExchange *x, const void *datagram, size_t len) {
    Reader r = reader(datagram, len);
    uint32_t header = get_u32(&r);

    if (r.failed)
        return A2S_TRUNCATED;
    if (header == SPLIT)
        return take_part(x, &r);
    return take_message(x, datagram, len);
}

bool a2s_is_partial(const A2sExchange *x) {
    return x->total > 0;
}
