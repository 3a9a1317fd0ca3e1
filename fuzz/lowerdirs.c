/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libFuzzer's target for what left4me-overlay, which is root, takes from others: the list of
 * layers in its environment, and names. The input is the list; "~" at its start stands for the
 * state root and behind a colon too, so that an input is not mostly that. Judged by a reading of
 * the contract's grammar that walks it character by character. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/lowerdirs.h"
#include "spec/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool condition) {
    if (!condition)
        abort();
}

static bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* LEN characters of those that a name may hold, the first of them no sign but those of FIRST. */
static bool is_word(const char *s, size_t len, const char *first, const char *signs, size_t most) {
    if (len < 1 || len > most || !(is_letter_or_digit(s[0]) || (s[0] && strchr(first, s[0]))))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_letter_or_digit(s[i]) && !(s[i] && strchr(signs, s[i])))
            return false;
    return true;
}

static bool is_path(const char *s, size_t len) {
    size_t start = 0;

    for (size_t i = 0; i <= len; i++)
        if (i == len || s[i] == '/') {
            if (!is_word(s + start, i - start, "_", "._+@-", 255))
                return false;
            start = i + 1;
        }
    return true;
}

static bool is_layer(const char *s, size_t len, bool last) {
    static const char overlays[] = LEFT4ME_ROOT_DIR "/overlays/",
                      installation[] = LEFT4ME_ROOT_DIR "/installation";
    size_t n = sizeof(overlays) - 1;

    if (last && len == sizeof(installation) - 1 && memcmp(s, installation, len) == 0)
        return true;
    return len > n && memcmp(s, overlays, n) == 0 && is_path(s + n, len - n);
}

/* Returns how many layers there are before the first fault, or the end; RET says which it was. */
static size_t read_list(const char *s, int *ret) {
    size_t n = 0;

    for (;;) {
        size_t len = strcspn(s, ":");

        if (!is_layer(s, len, s[len] == '\0')) {
            *ret = -EINVAL;
            return n;
        }
        if (n == 500) {
            *ret = -E2BIG;
            return n;
        }
        n++;
        if (s[len] == '\0') {
            *ret = 0;
            return n;
        }
        s += len + 1;
    }
}

/* One path is beneath the other, or is it, where they agree up to the end of the shorter and it
 * ends a component. */
static bool nested(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *b == '\0' && (*a == '\0' || *a == '/');
}

static void check_nested(const Lowerdirs *lowerdirs) {
    size_t outer = SIZE_MAX;
    size_t inner = lowerdirs_find_nested(lowerdirs, &outer);
    size_t found = 0;

    for (size_t i = 0; i < lowerdirs->n; i++)
        for (size_t k = 0; k < lowerdirs->n; k++)
            found += i != k && nested(lowerdirs->paths[i], lowerdirs->paths[k]);
    expect((inner < lowerdirs->n) == (found > 0));
    if (found > 0)
        expect(outer < lowerdirs->n && outer != inner &&
               nested(lowerdirs->paths[inner], lowerdirs->paths[outer]));
}

static void check_list(const char *text) {
    Lowerdirs lowerdirs = {0};
    const char *entry = text;
    int expected, r = lowerdirs_parse(&lowerdirs, text);

    expect(lowerdirs.n == read_list(text, &expected));
    expect(r == expected);
    expect((r == 0) == (lowerdirs.refused == NULL));
    for (size_t i = 0; i < lowerdirs.n; i++) {
        size_t root = strlen(LEFT4ME_ROOT_DIR "/"), len = strcspn(entry, ":");

        expect(strlen(lowerdirs.paths[i]) == len - root);
        expect(memcmp(lowerdirs.paths[i], entry + root, len - root) == 0);
        entry += len + 1;
    }
    if (lowerdirs.refused)
        expect(strlen(lowerdirs.refused) == strcspn(entry, ":"));
    if (r == 0)
        check_nested(&lowerdirs);
    lowerdirs_done(&lowerdirs);
    expect(!lowerdirs.text && lowerdirs.n == 0);
}

static void check_names(const char *s) {
    size_t len = strlen(s);

    expect(instance_name_valid(s) == is_word(s, len, "", "_-", 64));
    expect(alias_valid(s) == is_word(s, len, "_-", "_-", 64));
    expect(overlay_component_valid(s) == is_word(s, len, "_", "._+@-", 255));
    expect(overlay_path_valid(s) == is_path(s, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *name = malloc(size + 1), *list, *to;

    if (size > 32768) {
        free(name);
        return 0;
    }
    list = to = malloc(size * strlen(LEFT4ME_ROOT_DIR) + 1);
    expect(name && list);
    for (size_t i = 0; i < size && data[i] != '\0'; i++)
        if (data[i] == '~' && (i == 0 || data[i - 1] == ':'))
            to = stpcpy(to, LEFT4ME_ROOT_DIR);
        else
            *to++ = (char)data[i];
    *to = '\0';
    check_list(list);
    free(list);

    memcpy(name, data, size);
    name[size] = '\0';
    check_names(name);
    free(name);
    return 0;
}
