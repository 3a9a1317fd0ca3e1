/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/utf8.h"

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
