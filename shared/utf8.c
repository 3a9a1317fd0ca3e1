/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/utf8.h"

#include <string.h>

unsigned utf8_decode(const char *s, size_t len, uint32_t *ret_char) {
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first;
    unsigned n;
    uint32_t c;

    if (len == 0)
        return 0;
    first = (unsigned char)s[0];
    if (first < 0x80) {
        *ret_char = first;
        return 1;
    }

    if (first >= 0xc2 && first <= 0xdf)
        n = 2;
    else if ((first & 0xf0) == 0xe0)
        n = 3;
    else if (first >= 0xf0 && first <= 0xf4)
        n = 4;
    else
        return 0;
    if (len < n)
        return 0;

    c = first & (0x7fU >> n);
    for (unsigned i = 1; i < n; i++) {
        unsigned char next = (unsigned char)s[i];

        if ((next & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (next & 0x3f);
    }
    if (c < lowest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;

    *ret_char = c;
    return n;
}

bool utf8_is_control(uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

bool utf8_is_noncharacter(uint32_t c) {
    return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

/* Copies the one character at S to OUT, escaped where it must be. Returns the bytes taken, or 0
 * when SIZE is too small; the bytes given are in *RET_WRITTEN. */
static size_t escape_char(const char *s, size_t len, char *out, size_t size, size_t *ret_written) {
    uint32_t c;
    unsigned n = utf8_decode(s, len, &c);

    if (n > 0 && !utf8_is_control(c)) {
        if (size < n)
            return 0;
        memcpy(out, s, n);
        *ret_written = n;
        return n;
    }

    /* A control character of several bytes is escaped byte by byte. */
    if (size < 4)
        return 0;
    static const char hex[] = "0123456789abcdef";
    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex[(unsigned char)s[0] >> 4];
    out[3] = hex[(unsigned char)s[0] & 15];
    *ret_written = 4;
    return 1;
}

size_t utf8_append_escaped(char *buf, size_t used, size_t size, const char *s, size_t len) {
    while (len > 0) {
        size_t written;
        size_t taken = escape_char(s, len, buf + used, size - 3 - used, &written);

        if (taken == 0) {
            memcpy(buf + used, "...", 3);
            return used + 3;
        }
        used += written;
        s += taken;
        len -= taken;
        /* The second byte of a control character stands alone now, and is escaped as such. */
    }
    return used;
}
