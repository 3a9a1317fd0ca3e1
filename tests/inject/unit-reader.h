/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A reading of our drop-ins by the rules of systemd.syntax(7) and systemd.exec(5), which knows
 * nothing of how they are written. It is stricter than systemd: what systemd would pass over with a
 * warning is a fault here. */

#include <stdbool.h>
#include <stddef.h>

/* What the drop-in of an accepted spec has to say. */
typedef struct DropinText {
    const char *description; /* NULL: none */
    unsigned port;
    const char *args;
    const char *lowerdirs;
    /* As the spec has them, NULL: none. A time is another text in the drop-in, and the same. */
    const char *ready, *ready_timeout, *watchdog;
} DropinText;

/* Holds the LEN bytes of DATA against the contract: exactly its keys, in its sections, and exactly
 * these texts; without SPEC, exactly the drop-in of a refused spec. Returns NULL where it is so,
 * else what is not. */
const char *unit_reader_fault(const char *data, size_t len, const char *source_path,
                              const DropinText *spec);

/* Splits TEXT as systemd.service(5), "Command lines", has it of an unbraced $VARIABLE. Returns the
 * words one behind the other, each with its terminator, in memory to be freed, and their number; or
 * NULL where a quote is left open, or a backslash has nothing behind it. */
char *unit_reader_words(const char *text, size_t *ret_n, size_t *ret_len);
