/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds the codec of A2S what servers send, what they might, and what nobody should. Each argument
 * names a case; it ends with an assertion that fails, or in silence. Every datagram is fed from
 * memory that ends with it, so that a sanitizer sees each byte read beyond. */

#undef NDEBUG

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/a2s.h"
#include "shared/macros.h"

#define BYTES(text) (const uint8_t *)(text), (sizeof(text) - 1)
#define ALL "\xff\xff\xff\xff"

static const char info_answer[] = ALL "I\x11name\0map\0folder\0game\0\x26\x02\x03\x08\x01"
                                      "dl\x01\x00"
                                      "2.2.4.3\0"
                                      "\xf1"
                                      "\x87\x69"
                                      "\x01\x02\x03\x04\x05\x06\x07\x88"
                                      "\x8c\x69tv\xff\0"
                                      "a,b\0"
                                      "\x26\x02\x00\x00\x00\x00\x00\x00";
static const char players_answer[] = ALL "D\x03"
                                         "\0Coach\0\x0a\x00\x00\x00\x00\x00\x28\x41"
                                         "\x01\xff\x1b[m\0\xfb\xff\xff\xff\x00\x00\xc0\x7f"
                                         "\x02\0\0\0\0\0\x00\x00\x80\xbf";
#define INFO BYTES(info_answer)
#define PLAYERS BYTES(players_answer)

/* From memory of LEN bytes and no more. */
static A2sResult feed(A2sExchange *x, const uint8_t *data, size_t len) {
    _cleanup_free_ uint8_t *copy = malloc(len > 0 ? len : 1);
    A2sResult result;

    assert(copy);
    memcpy(copy, data, len);
    result = a2s_feed(x, len > 0 ? copy : copy + 1, len);
    return result;
}

static A2sResult feed_part(A2sExchange *x, uint32_t id, unsigned total, unsigned number,
                           const uint8_t *data, size_t len) {
    uint8_t part[2048] = {0xfe, 0xff, 0xff, 0xff};

    for (size_t i = 0; i < 4; i++)
        part[4 + i] = (uint8_t)(id >> (8 * i));
    part[8] = (uint8_t)total;
    part[9] = (uint8_t)number;
    part[10] = 0xe0;
    part[11] = 0x04;
    assert(len <= sizeof(part) - 12);
    memcpy(part + 12, data, len);
    return feed(x, part, 12 + len);
}

static size_t part_len(size_t len, size_t size, size_t number) {
    return len - number * size < size ? len - number * size : size;
}

/* --- Requests ------------------------------------------------------------------------------- */

static void test_requests(void) {
    uint8_t buf[64], request[A2S_REQUEST_MAX];
    A2sExchange x;

    a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
    assert(a2s_request(&x, request) == 25);
    assert(memcmp(request, ALL "TSource Engine Query", 25) == 0);
    assert(feed(&x, BYTES(ALL "A\x01\x02\x03\x04")) == A2S_RESEND);
    assert(a2s_request(&x, request) == 29);
    assert(memcmp(request, ALL "TSource Engine Query\0\x01\x02\x03\x04", 29) == 0);
    a2s_begin_next(&x, A2S_PLAYER, buf, sizeof(buf));
    assert(a2s_request(&x, request) == 9);
    assert(memcmp(request, ALL "U\x01\x02\x03\x04", 9) == 0);
    a2s_begin(&x, A2S_PLAYER, buf, sizeof(buf));
    assert(a2s_request(&x, request) == 9);
    assert(memcmp(request, ALL "U" ALL, 9) == 0);
}

static void test_challenges(void) {
    uint8_t buf[1024];
    A2sExchange x;

    a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
    for (unsigned i = 0; i < A2S_CHALLENGES_MAX; i++) {
        const uint8_t challenge[] = {0xff, 0xff, 0xff, 0xff, 'A', (uint8_t)i, 2, 3, 4};

        for (size_t len = 0; len < sizeof(challenge); len++)
            assert(feed(&x, challenge, len) == A2S_TRUNCATED);
        assert(feed(&x, challenge, sizeof(challenge)) == A2S_RESEND);
        assert(x.challenge[0] == i);
    }
    assert(feed(&x, BYTES(ALL "A\x09\x02\x03\x04")) == A2S_ENDLESS);
    /* Not before the answer, though. */
    a2s_begin_next(&x, A2S_INFO, buf, sizeof(buf));
    for (unsigned i = 0; i < A2S_CHALLENGES_MAX; i++)
        assert(feed(&x, BYTES(ALL "A\x09\x02\x03\x04")) == A2S_RESEND);
    assert(feed(&x, INFO) == A2S_DONE);
}

/* --- Answers -------------------------------------------------------------------------------- */

static void check_info(const A2sExchange *x) {
    A2sInfo info;

    assert(a2s_read_info(x->buf, x->len, &info) == 0);
    assert(info.protocol == 17);
    assert(strcmp(info.name, "name") == 0 && strcmp(info.map, "map") == 0);
    assert(strcmp(info.folder, "folder") == 0 && strcmp(info.game, "game") == 0);
    assert(info.app_id == 550 && info.players == 3 && info.max_players == 8 && info.bots == 1);
    assert(info.type == 'd' && info.os == 'l' && info.password && !info.vac);
    assert(strcmp(info.version, "2.2.4.3") == 0);
    assert(info.extra == 0xf1 && info.port == 27015);
    assert(info.steam_id == 0x8807060504030201);
    assert(info.tv_port == 27020 && strcmp(info.tv_name, "tv\xff") == 0);
    assert(strcmp(info.keywords, "a,b") == 0 && info.game_id == 550);
}

static void check_players(const A2sExchange *x) {
    A2sPlayers players;
    A2sPlayer player;

    assert(a2s_read_players(x->buf, x->len, &players) == 0);
    assert(players.left == 3);
    assert(a2s_next_player(&players, &player));
    assert(player.index == 0 && strcmp(player.name, "Coach") == 0 && player.score == 10);
    assert(player.seconds > 10.4F && player.seconds < 10.6F);
    assert(a2s_next_player(&players, &player));
    assert(strcmp(player.name, "\xff\x1b[m") == 0 && player.score == -5);
    assert(!(player.seconds >= 0 || player.seconds < 0));
    assert(a2s_next_player(&players, &player));
    assert(player.index == 2 && player.name[0] == '\0' && player.seconds < 0);
    assert(!a2s_next_player(&players, &player));
    assert(!a2s_next_player(&players, &player));
}

static void test_answers(void) {
    uint8_t buf[1024];
    A2sExchange x;

    a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
    assert(feed(&x, PLAYERS) == A2S_WAIT);
    assert(feed(&x, INFO) == A2S_DONE);
    check_info(&x);
    a2s_begin_next(&x, A2S_PLAYER, buf, sizeof(buf));
    assert(feed(&x, INFO) == A2S_WAIT);
    assert(feed(&x, PLAYERS) == A2S_DONE);
    check_players(&x);
    a2s_begin_next(&x, A2S_PLAYER, buf, sizeof(buf));
    assert(feed(&x, BYTES(ALL "D\0")) == A2S_DONE);
    /* What follows is of a later engine. */
    a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
    assert(feed(&x, (const uint8_t *)info_answer, sizeof(info_answer)) == A2S_DONE);
    check_info(&x);
}

static void test_buffer(void) {
    for (size_t size = 0; size <= sizeof(info_answer) - 1; size++) {
        _cleanup_free_ uint8_t *buf = malloc(size > 0 ? size : 1);
        A2sExchange x;

        a2s_begin(&x, A2S_INFO, buf, size);
        assert(feed(&x, INFO) == (size < sizeof(info_answer) - 1 ? A2S_TOO_LARGE : A2S_DONE));
    }
}

/* An old server may leave the flag of extra fields out: that cut alone is whole. */
static void test_truncated(void) {
    const size_t whole = sizeof(info_answer) - 1, plain = whole - 29;
    uint8_t buf[1024];
    A2sExchange x;
    A2sInfo info;

    assert((uint8_t)info_answer[plain] == 0xf1);
    for (size_t len = 0; len < whole; len++) {
        a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
        assert(feed(&x, (const uint8_t *)info_answer, len) ==
               (len == plain ? A2S_DONE : A2S_TRUNCATED));
        /* It did not spoil anything. */
        if (len != plain)
            assert(feed(&x, INFO) == A2S_DONE);
    }
    a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
    assert(feed(&x, (const uint8_t *)info_answer, plain) == A2S_DONE);
    assert(a2s_read_info(buf, x.len, &info) == 0 && info.extra == 0 && !info.keywords);
    for (size_t len = 0; len < sizeof(players_answer) - 1; len++) {
        a2s_begin(&x, A2S_PLAYER, buf, sizeof(buf));
        assert(feed(&x, (const uint8_t *)players_answer, len) == A2S_TRUNCATED);
    }
}

/* Whatever it makes of them, it can be read then. */
static void flip(A2sKind kind, const uint8_t *answer, size_t len) {
    uint8_t copy[1024], buf[1024];

    for (size_t i = 0; i < len; i++)
        for (unsigned value = 0; value < 256; value++) {
            A2sPlayers players;
            A2sPlayer player;
            A2sInfo info;
            A2sExchange x;

            memcpy(copy, answer, len);
            copy[i] = (uint8_t)value;
            a2s_begin(&x, kind, buf, sizeof(buf));
            if (feed(&x, copy, len) != A2S_DONE)
                continue;
            if (kind == A2S_INFO) {
                assert(a2s_read_info(buf, x.len, &info) == 0);
                assert(strlen(info.name) + strlen(info.version) < len);
            } else {
                assert(a2s_read_players(buf, x.len, &players) == 0);
                while (a2s_next_player(&players, &player))
                    assert(strlen(player.name) < len);
                assert(players.left == 0);
            }
        }
}

static void test_flipped(void) {
    flip(A2S_INFO, INFO);
    flip(A2S_PLAYER, PLAYERS);
}

static void test_garbage(void) {
    uint8_t buf[1024];
    A2sExchange x;

    a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
    assert(feed(&x, BYTES("hello, hello")) == A2S_GARBAGE);
    assert(feed(&x, BYTES("\xfd\xff\xff\xffI")) == A2S_GARBAGE);
    assert(feed(&x, BYTES("\xfd\xff\xff\xff"
                          "A\1\2\3\4")) == A2S_GARBAGE);
    /* GoldSrc's, rules, ping. */
    assert(feed(&x, BYTES(ALL "m127.0.0.1:27015\0name\0")) == A2S_GARBAGE);
    assert(feed(&x, BYTES(ALL "E\0\0")) == A2S_GARBAGE);
    assert(feed(&x, BYTES(ALL "j\0")) == A2S_GARBAGE);
    assert(!a2s_is_partial(&x));
    assert(feed(&x, INFO) == A2S_DONE);
}

/* --- Split answers -------------------------------------------------------------------------- */

/* Feeds all parts of SIZE bytes, in order STEP apart, and each of them TIMES. */
static A2sResult feed_split(A2sExchange *x, const uint8_t *data, size_t len, size_t size,
                            size_t step, unsigned times) {
    const size_t total = (len + size - 1) / size;
    A2sResult result = A2S_WAIT;

    for (size_t i = 0; i < total && result != A2S_DONE; i++)
        for (unsigned k = 0; k < times && result != A2S_DONE; k++) {
            const size_t number = (i * step) % total;

            result = feed_part(x, 7, (unsigned)total, (unsigned)number, data + number * size,
                               part_len(len, size, number));
            assert(result == A2S_DONE ? i + 1 == total : result == A2S_WAIT);
            assert(a2s_is_partial(x) == (result != A2S_DONE));
        }
    return result;
}

static void test_split(void) {
    const size_t len = sizeof(info_answer) - 1;
    uint8_t buf[1024];
    A2sExchange x;

    for (size_t size = (len + A2S_PARTS_MAX - 1) / A2S_PARTS_MAX; size <= len; size++) {
        const size_t total = (len + size - 1) / size;

        /* Forwards, and backwards: total - 1 is -1. */
        for (unsigned times = 1; times <= 2; times++) {
            a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
            assert(feed_split(&x, INFO, size, 1, times) == A2S_DONE);
            check_info(&x);
            a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
            assert(feed_split(&x, INFO, size, total > 1 ? total - 1 : 1, times) == A2S_DONE);
            check_info(&x);
        }
    }
}

static void test_split_missing(void) {
    const size_t len = sizeof(info_answer) - 1;
    const uint8_t *answer = (const uint8_t *)info_answer;
    uint8_t buf[1024];
    A2sExchange x;

    a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
    assert(feed_part(&x, 1, 2, 1, answer + 40, len - 40) == A2S_WAIT);
    assert(a2s_is_partial(&x));
    /* The server was asked again: nothing of the former one counts. */
    assert(feed_part(&x, 2, 3, 0, answer, 20) == A2S_WAIT);
    assert(feed_part(&x, 2, 3, 2, answer + 30, len - 30) == A2S_WAIT);
    assert(feed_part(&x, 2, 3, 2, BYTES("another")) == A2S_WAIT);
    assert(feed_part(&x, 2, 3, 1, answer + 20, 10) == A2S_DONE);
    check_info(&x);
    a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
    assert(feed_part(&x, 1, 2, 0, BYTES("of another answer")) == A2S_WAIT);
    assert(feed_part(&x, 2, 2, 1, answer + 40, len - 40) == A2S_WAIT);
    assert(feed_part(&x, 2, 2, 0, answer, 40) == A2S_DONE);
    check_info(&x);
    a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
    assert(feed_part(&x, 1, 3, 0, BYTES("of another answer")) == A2S_WAIT);
    assert(feed_part(&x, 1, 2, 0, answer, 40) == A2S_WAIT);
    assert(feed_part(&x, 1, 2, 1, answer + 40, len - 40) == A2S_DONE);
    check_info(&x);
    /* A whole answer goes before parts. */
    a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
    assert(feed_part(&x, 1, 2, 1, answer + 40, len - 40) == A2S_WAIT);
    assert(feed(&x, INFO) == A2S_DONE);
    check_info(&x);
    assert(!a2s_is_partial(&x));
}

static void test_split_bounds(void) {
    static const uint8_t zeros[1200];
    const uint8_t *answer = (const uint8_t *)info_answer;
    const size_t len = sizeof(info_answer) - 1;
    uint8_t buf[2000];
    A2sExchange x;

    a2s_begin(&x, A2S_INFO, buf, sizeof(buf));
    assert(feed_part(&x, 1, 0, 0, answer, 20) == A2S_GARBAGE);
    assert(feed_part(&x, 1, 2, 2, answer, 20) == A2S_GARBAGE);
    assert(feed_part(&x, 1, 255, 255, answer, 20) == A2S_GARBAGE);
    assert(feed_part(&x, 1, A2S_PARTS_MAX + 1, 0, answer, 20) == A2S_TOO_LARGE);
    assert(feed_part(&x, 1, 2, 0, answer, 0) == A2S_TRUNCATED);
    assert(feed_part(&x, 0x80000001, 2, 0, answer, 20) == A2S_COMPRESSED);
    for (size_t n = 4; n < 12; n++)
        assert(feed(&x, (const uint8_t *)"\xfe\xff\xff\xff\0\0\0\0\2\0\0\4", n) == A2S_TRUNCATED);
    assert(feed_part(&x, 1, 3, 0, zeros, 1200) == A2S_WAIT);
    assert(feed_part(&x, 1, 3, 2, zeros, 801) == A2S_TOO_LARGE);
    /* It begins anew; all of the buffer can be used. */
    assert(feed_part(&x, 1, 3, 0, zeros, 1000) == A2S_WAIT);
    assert(feed_part(&x, 1, 3, 2, zeros, 999) == A2S_WAIT);
    assert(feed_part(&x, 1, 3, 1, zeros, 1) == A2S_GARBAGE);
    assert(!a2s_is_partial(&x));
    /* Split once is enough. */
    assert(feed_part(&x, 3, 1, 0,
                     BYTES("\xfe\xff\xff\xff\0\0\0\0\1\0\0\4"
                           "hello")) == A2S_GARBAGE);
    assert(feed_part(&x, 4, 1, 0, answer, len - 1) == A2S_TRUNCATED);
    assert(feed_part(&x, 4, 1, 0, BYTES(ALL "A\1\2\3\4")) == A2S_RESEND);
    assert(feed_part(&x, 4, 1, 0, answer, len) == A2S_DONE);
    check_info(&x);
}

int main(int argc, char *argv[]) {
    static const struct {
        const char *name;
        void (*function)(void);
    } tests[] = {
        {"requests", test_requests},
        {"challenges", test_challenges},
        {"answers", test_answers},
        {"buffer", test_buffer},
        {"truncated", test_truncated},
        {"flipped", test_flipped},
        {"garbage", test_garbage},
        {"split", test_split},
        {"split-missing", test_split_missing},
        {"split-bounds", test_split_bounds},
    };

    for (size_t i = 0; i < ELEMENTSOF(tests); i++)
        if (argc == 1)
            (void)printf("%s\n", tests[i].name);
        else if (argc == 2 && strcmp(argv[1], tests[i].name) == 0) {
            tests[i].function();
            return EXIT_SUCCESS;
        }
    return argc == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
