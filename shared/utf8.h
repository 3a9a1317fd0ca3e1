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
