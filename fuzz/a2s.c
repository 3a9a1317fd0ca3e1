/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libFuzzer's target for the codec of A2S: a series of datagrams as one server may send them, fed
 * to the queries for info and for players one after the other.
 *
 * The input: a byte that sizes the buffer, then datagrams, each behind its length in two bytes,
 * little-endian; the last one may be cut short. */

#include <stdlib.h>
#include <string.h>

#include "query/a2s.h"

#define DATAGRAMS_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool condition) {
    if (!condition)
        abort();
}

/* Every byte that the answer holds is the caller's to read. */
static void check_text(const A2sExchange *x, const char *text) {
    if (!text)
        return;
    expect((const uint8_t *)text >= x->buf && (const uint8_t *)text < x->buf + x->len);
    expect((const uint8_t *)text + strlen(text) < x->buf + x->len);
}

static void check_answer(const A2sExchange *x) {
    A2sPlayers players;
    A2sPlayer player;
    A2sInfo info;

    expect(x->len <= x->size);
    expect(!a2s_is_partial(x));
    if (x->kind == A2S_INFO) {
        expect(a2s_read_info(x->buf, x->len, &info) == 0);
        expect(info.name && info.map && info.folder && info.game && info.version);
        check_text(x, info.name);
        check_text(x, info.map);
        check_text(x, info.folder);
        check_text(x, info.game);
        check_text(x, info.version);
        check_text(x, info.tv_name);
        check_text(x, info.keywords);
    } else {
        expect(a2s_read_players(x->buf, x->len, &players) == 0);
        while (a2s_next_player(&players, &player))
            check_text(x, player.name);
        expect(players.left == 0);
    }
}

/* In memory of its own, so that a read beyond its end is seen. */
static A2sResult feed(A2sExchange *x, const uint8_t *data, size_t len) {
    uint8_t *copy = malloc(len + 1);
    A2sResult result;

    expect(copy != NULL);
    memcpy(copy + 1, data, len);
    result = a2s_feed(x, copy + 1, len);
    free(copy);
    return result;
}

static size_t next_datagram(const uint8_t **data, size_t *left) {
    size_t len = (size_t)(*data)[0] | (size_t)(*data)[1] << 8;

    *data += 2;
    *left -= 2;
    return len < *left ? len : *left;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t request[A2S_REQUEST_MAX];
    uint8_t *bufs[2];
    A2sExchange x;
    size_t buf_size, left = size;
    unsigned resends = 0, kinds = 0;

    if (left < 1)
        return 0;
    buf_size = (size_t)data[0] * 16;
    data++;
    left--;
    bufs[0] = malloc(buf_size + 1);
    bufs[1] = malloc(buf_size + 1);
    expect(bufs[0] && bufs[1]);
    a2s_begin(&x, A2S_INFO, bufs[0], buf_size);

    for (unsigned i = 0; i < DATAGRAMS_MAX && left > 2; i++) {
        size_t len = next_datagram(&data, &left);
        A2sResult result = feed(&x, data, len);

        data += len;
        left -= len;
        expect(x.used <= buf_size && x.received <= A2S_PARTS_MAX);
        expect(a2s_request(&x, request) <= sizeof(request));
        if (result == A2S_RESEND)
            expect(++resends <= A2S_CHALLENGES_MAX);
        if (result == A2S_COMPRESSED || result == A2S_ENDLESS)
            break;
        if (result != A2S_DONE)
            continue;
        check_answer(&x);
        if (++kinds == 2)
            break;
        resends = 0;
        a2s_begin_next(&x, A2S_PLAYER, bufs[1], buf_size);
    }
    free(bufs[0]);
    free(bufs[1]);
    return 0;
}
