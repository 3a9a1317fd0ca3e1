/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a spec that was accepted says, read a second time by libyaml's document tree and not by its
 * events. It judges nothing: of what is no spec it makes anything at all, or nothing. */

#include <stdbool.h>
#include <stddef.h>

#include "tests/inject/unit-reader.h"

typedef struct Intended {
    char *description; /* NULL without one, or where it is blank */
    char *args, *config, *lowerdirs;
    char *port;
    char *ready, *ready_timeout, *watchdog; /* NULL without them */
    bool autostart;
    size_t n_words; /* of the arguments, each item split by itself */
} Intended;

/* Returns whether TEXT is a document at all. Takes intended_done() afterwards, in either case. */
bool intended_read(Intended *intended, const char *text, size_t len, const char *root);

void intended_done(Intended *intended);
