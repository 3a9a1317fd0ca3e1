/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/suggest.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define WORD_MAX 32

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

static char fold(char c) {
    return (char)tolower((unsigned char)c);
}

/* Damerau and Levenshtein's distance, of words no longer than WORD_MAX; neighbours that changed
 * places count once. */
static unsigned distance(const char *a, const char *b) {
    unsigned rows[3][WORD_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    size_t n = strlen(b);

    for (size_t j = 0; j <= n; j++)
        last[j] = (unsigned)j;

    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        unsigned *spare = before;

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned changed = fold(a[i - 1]) != fold(b[j - 1]);

            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + changed);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[n];
}

const char *suggest(const char *word, const char *const *names) {
    const char *best = NULL;
    unsigned best_distance = 3;

    if (strlen(word) > WORD_MAX)
        return NULL;
    for (; *names; names++) {
        unsigned d = distance(word, *names);

        /* Of a short name, two letters are too much to guess. */
        if (d < best_distance && d < strlen(*names) / 2) {
            best = *names;
            best_distance = d;
        }
    }
    return best;
}
