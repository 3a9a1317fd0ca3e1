/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int words_next(const char **rest, char *word, size_t size) {
    const char *p = *rest;
    char quote = '\0';
    size_t n = 0;

    while (is_space(*p))
        p++;
    if (*p == '\0') {
        *rest = p;
        return 0;
    }

    for (; *p != '\0' && (quote != '\0' || !is_space(*p)); p++) {
        if (*p == quote) {
            quote = '\0';
            continue;
        }
        if (quote == '\0' && (*p == '"' || *p == '\'')) {
            quote = *p;
            continue;
        }
        if (*p == '\\' && *++p == '\0')
            return -EINVAL;
        if (n + 1 < size)
            word[n++] = *p;
    }
    if (quote != '\0')
        return -EINVAL;

    word[n] = '\0';
    *rest = p;
    return 1;
}

int words_option(const char *words, const char *name, char *value, size_t size) {
    char word[64];

    while (words_next(&words, word, sizeof(word)) > 0)
        if (strcasecmp(word, name) == 0)
            return words_next(&words, value, size) > 0;
    return 0;
}
