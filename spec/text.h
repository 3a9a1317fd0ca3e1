/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The source text of a spec: what may be in it at all, where its lines are, and which of them may
 * be shown to whoever reads a message. */

#include <stdbool.h>
#include <stddef.h>

typedef struct SpecText {
    char *text; /* not terminated */
    size_t len;
    bool ascii; /* a character is a byte */
    /* Where the line lies that was asked for last: questions come in the order of the text. */
    unsigned line;
    size_t line_start;
    /* Likewise the character. */
    size_t asked_character, asked_offset;
} SpecText;

/* Called for each character that may not be in a spec; LINE and COLUMN count from 1. */
typedef void (*SpecTextReport)(void *userdata, unsigned line, unsigned column, const char *message);

/* Reports all that is no UTF-8, a control character, or no character at all, and puts underscores
 * in its place, so that a parser can go on; a run of the same fault is told once. CR is taken in
 * front of LF only, and a byte order mark at the start is left out. Returns how many there were. */
size_t spec_text_clean(SpecText *t, SpecTextReport report, void *userdata);

/* Says what a decoded value of LEN bytes holds that no value may (escapes can bring it in), or
 * NULL. LF and tab are refused unless they are allowed. */
const char *spec_text_forbidden(const char *value, size_t len, bool newline_ok, bool tab_ok);

/* The offset of a character, counted from 0; the end of the text where there is none. What
 * spec_text_clean() found tells whether they have to be counted. */
size_t spec_text_offset(SpecText *t, size_t character);

/* The offset at which LINE, from 0, begins, and its length without its end. */
size_t spec_text_line(SpecText *t, size_t line, size_t *ret_len);

/* How much of LINE, from 0, may be shown for a fault in a key's name of KEY_LEN bytes at offset
 * KEY: the line up to the name's end where the line holds nothing but the key and a scalar, else
 * 0. */
size_t spec_text_show_key(SpecText *t, size_t line, size_t key, size_t key_len);

/* Likewise for a fault in the scalar from offset START to END: the whole line where it holds
 * nothing but one of the keys whose values are no secrets, and that scalar. */
size_t spec_text_show_value(SpecText *t, size_t line, size_t start, size_t end);

/* Likewise for a syntax error in LINE: the whole line where it, and every line above that is not
 * blank or a comment, holds nothing but such a key and a plain scalar. What a parser could not make
 * sense of may be anything. */
size_t spec_text_show_syntax(SpecText *t, size_t line);
