/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UTF-8 as RFC 3629 has it, and what in it counts as a control character. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the character that S starts with; LEN is how many bytes there are. Returns the number of
 * bytes it takes (1 to 4), or 0 where they are none: cut short, overlong, a surrogate, beyond
 * U+10FFFF. */
unsigned utf8_decode(const char *s, size_t len, uint32_t *ret_char);

/* C0, DEL and C1; also U+2028 and U+2029, which YAML 1.1 and terminals take for line ends. */
bool utf8_is_control(uint32_t c);

/* The code points that Unicode keeps from ever being characters (U+FDD0 to U+FDEF, and the last two
 * of each plane). systemd ignores a unit file's line that holds one. */
bool utf8_is_noncharacter(uint32_t c);

/* Appends LEN bytes of S to the text in BUF, which already holds USED of SIZE bytes, 3 of which at
 * least are left; no terminator is added. Bytes that are no UTF-8, and those of control characters,
 * are written as \xNN, so that the result is one line of UTF-8; what does not fit is replaced by
 * "...". Returns the text's new length. */
size_t utf8_append_escaped(char *buf, size_t used, size_t size, const char *s, size_t len);
