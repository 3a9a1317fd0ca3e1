/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helpers/lowerdirs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "spec/names.h"

#define ROOT_PREFIX LEFT4ME_ROOT_DIR "/"
#define OVERLAYS_PREFIX "overlays/"

void lowerdirs_done(Lowerdirs *lowerdirs) {
    free(lowerdirs->text);
    *lowerdirs = (Lowerdirs){0};
}

static bool has_prefix(const char *s, const char *prefix) {
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* PATH is relative to <root>. */
static bool is_layer(const char *path, bool last) {
    if (has_prefix(path, OVERLAYS_PREFIX))
        return overlay_path_valid(path + strlen(OVERLAYS_PREFIX));
    return last && strcmp(path, "installation") == 0;
}

int lowerdirs_parse(Lowerdirs *lowerdirs, const char *text) {
    char *entry, *next;

    lowerdirs->text = strdup(text);
    if (!lowerdirs->text)
        return -ENOMEM;

    for (entry = lowerdirs->text; entry; entry = next) {
        next = strchr(entry, ':');
        if (next)
            *next++ = '\0';

        lowerdirs->refused = entry;
        if (!has_prefix(entry, ROOT_PREFIX) || !is_layer(entry + strlen(ROOT_PREFIX), !next))
            return -EINVAL;
        if (lowerdirs->n == LOWERDIRS_MAX)
            return -E2BIG;
        lowerdirs->paths[lowerdirs->n++] = entry + strlen(ROOT_PREFIX);
    }
    lowerdirs->refused = NULL;
    return 0;
}

static bool is_same_or_beneath(const char *path, const char *outer) {
    size_t n = strlen(outer);

    return strncmp(path, outer, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

size_t lowerdirs_find_nested(const Lowerdirs *lowerdirs, size_t *ret_outer) {
    for (size_t i = 0; i < lowerdirs->n; i++)
        for (size_t k = 0; k < lowerdirs->n; k++)
            if (i != k && is_same_or_beneath(lowerdirs->paths[i], lowerdirs->paths[k])) {
                *ret_outer = k;
                return i;
            }
    return lowerdirs->n;
}
