/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/text.h"

#include <stdint.h>
#include <string.h>

#include "shared/macros.h"
#include "shared/utf8.h"

static const char *const public_keys[] = {"port", "autostart", "path", "alias"};

static const char byte_order_mark[] = "\xef\xbb\xbf";

/* What is wrong with a character wherever it stands, or NULL. */
static const char *character_fault(uint32_t c) {
    if (c == 0)
        return "a NUL byte: a spec is text";
    if (utf8_is_control(c) && c != '\t' && c != '\n')
        return "a control character: a spec is plain text";
    if (utf8_is_noncharacter(c))
        return "a code point that is no character";
    return NULL;
}

/* How many of the next characters are printable ASCII: nearly all are, and need no further look. */
static size_t printable(const char *s, size_t len) {
    size_t n = 0;

    while (n < len && s[n] >= ' ' && s[n] <= '~')
        n++;
    return n;
}

size_t spec_text_clean(SpecText *t, SpecTextReport report, void *userdata) {
    const char *before = NULL; /* what was wrong with the character before */
    unsigned line = 1, column = 1;
    size_t faults = 0;

    if (t->len >= 3 && memcmp(t->text, byte_order_mark, 3) == 0) {
        t->text += 3;
        t->len -= 3;
    }

    t->ascii = true;
    for (size_t i = 0; i < t->len;) {
        const size_t passed = printable(t->text + i, t->len - i);
        const char *message;
        uint32_t c;
        unsigned n;

        if (passed > 0) {
            i += passed;
            column += (unsigned)passed;
            before = NULL;
            continue;
        }

        n = utf8_decode(t->text + i, t->len - i, &c);
        if (n == 0)
            message = "not UTF-8: save the file in that encoding";
        else if (c == '\r' && i + 1 < t->len && t->text[i + 1] == '\n')
            message = NULL;
        else if (c == 0xfeff)
            message = "a byte order mark inside the text";
        else
            message = character_fault(c);

        if (message) {
            if (message != before)
                report(userdata, line, column, message);
            faults++;
            memset(t->text + i, '_', n > 0 ? n : 1);
        }
        if (n > 1)
            t->ascii = false;
        before = message;
        i += n > 0 ? n : 1;
        column++;
        if (n > 0 && c == '\n') {
            line++;
            column = 1;
        }
    }
    return faults;
}

const char *spec_text_forbidden(const char *value, size_t len, bool newline_ok, bool tab_ok) {
    for (size_t i = printable(value, len); i < len; i += printable(value + i, len - i)) {
        const char *message;
        uint32_t c;
        unsigned n = utf8_decode(value + i, len - i, &c);

        if (n == 0)
            return "not UTF-8";
        if (c == '\n' && !newline_ok)
            return "a newline: this is one line";
        if (c == '\t' && !tab_ok)
            return "a tab: use spaces";
        message = character_fault(c);
        if (message)
            return message;
        i += n;
    }
    return NULL;
}

size_t spec_text_line(SpecText *t, size_t line, size_t *ret_len) {
    const char *end;

    if (line < t->line) {
        t->line = 0;
        t->line_start = 0;
    }
    while (t->line < line) {
        const char *next = memchr(t->text + t->line_start, '\n', t->len - t->line_start);

        if (!next) {
            *ret_len = 0;
            return t->len;
        }
        t->line_start = (size_t)(next - t->text) + 1;
        t->line++;
    }

    end = memchr(t->text + t->line_start, '\n', t->len - t->line_start);
    *ret_len = end ? (size_t)(end - t->text) - t->line_start : t->len - t->line_start;
    if (*ret_len > 0 && t->text[t->line_start + *ret_len - 1] == '\r')
        (*ret_len)--;
    return t->line_start;
}

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t spec_text_offset(SpecText *t, size_t character) {
    size_t i = t->asked_offset;

    if (t->ascii)
        return character < t->len ? character : t->len;
    for (; t->asked_character < character && i < t->len; t->asked_character++)
        do
            i++;
        while (i < t->len && is_continuation(t->text[i]));
    for (; t->asked_character > character && i > 0; t->asked_character--)
        do
            i--;
        while (i > 0 && is_continuation(t->text[i]));
    t->asked_offset = i;
    return i;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static size_t skip_blanks(const char *s, size_t i, size_t end) {
    while (i < end && is_blank(s[i]))
        i++;
    return i;
}

/* Skips indentation and the dash of a list item. */
static size_t skip_lead(const char *s, size_t i, size_t end) {
    i = skip_blanks(s, i, end);
    if (i + 1 < end && s[i] == '-' && is_blank(s[i + 1]))
        i = skip_blanks(s, i + 1, end);
    return i;
}

/* The offset behind one of the public keys, its colon and the blanks that follow, or 0. */
static size_t skip_public_key(const char *s, size_t i, size_t end) {
    for (size_t k = 0; k < ELEMENTSOF(public_keys); k++) {
        size_t n = strlen(public_keys[k]);
        size_t j;

        if (end - i < n || memcmp(s + i, public_keys[k], n) != 0)
            continue;
        j = skip_blanks(s, i + n, end);
        if (j < end && s[j] == ':')
            return skip_blanks(s, j + 1, end);
    }
    return 0;
}

/* Whether what stands from I to END can be nothing but one scalar: no collection, no anchor, alias
 * or tag, no comment. */
static bool only_scalar(const char *s, size_t i, size_t end) {
    if (i < end && strchr("[{&*!", s[i]))
        return false;
    return !memchr(s + i, '#', end - i);
}

/* The same where there is no parser's word for it: a plain scalar that goes on to the end of the
 * line, and cannot be a quoted one with something behind it, or hold another key. */
static bool only_plain_scalar(const char *s, size_t i, size_t end) {
    if (i < end && strchr("\"'|>%@`?-,", s[i]))
        return false;
    for (size_t j = i; j < end; j++)
        if (s[j] == ':' && (j + 1 == end || is_blank(s[j + 1])))
            return false;
    return only_scalar(s, i, end);
}

size_t spec_text_show_key(SpecText *t, size_t line, size_t key, size_t key_len) {
    size_t len;
    size_t start = spec_text_line(t, line, &len);
    size_t end = start + len;
    size_t i;

    if (key < start || key + key_len > end || skip_lead(t->text, start, end) != key)
        return 0;
    i = skip_blanks(t->text, key + key_len, end);
    if (i >= end || t->text[i] != ':' ||
        !only_scalar(t->text, skip_blanks(t->text, i + 1, end), end))
        return 0;
    return key + key_len - start;
}

size_t spec_text_show_value(SpecText *t, size_t line, size_t scalar_start, size_t scalar_end) {
    size_t len;
    size_t start = spec_text_line(t, line, &len);
    size_t end = start + len;
    size_t i = skip_lead(t->text, start, end);

    if (scalar_start < start || scalar_end > end)
        return 0;
    if (skip_public_key(t->text, i, end) != scalar_start ||
        skip_blanks(t->text, scalar_end, end) != end)
        return 0;
    /* To the parser, an anchor and a tag belong to the scalar. */
    if (scalar_start < end && strchr("&!", t->text[scalar_start]))
        return 0;
    return len;
}

size_t spec_text_show_syntax(SpecText *t, size_t line) {
    size_t len = 0;

    for (size_t l = 0; l <= line; l++) {
        size_t start = spec_text_line(t, l, &len);
        size_t end = start + len;
        size_t i = skip_blanks(t->text, start, end);

        if (l < line && (i == end || t->text[i] == '#'))
            continue;
        i = skip_public_key(t->text, skip_lead(t->text, start, end), end);
        if (i == 0 || !only_plain_scalar(t->text, i, end))
            return 0;
    }
    return len;
}
