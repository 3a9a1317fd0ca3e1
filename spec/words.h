/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The words of L4D2_ARGS, as systemd makes them of the unbraced $L4D2_ARGS in ExecStart=: split at
 * white space, quotes of either kind group, a backslash takes the next character, also inside
 * quotes (systemd.service(5), "Command lines"; extract_first_word() with EXTRACT_UNQUOTE). */

#include <stddef.h>

/* Takes the next word from *REST, which moves behind it. The word goes to WORD without its quotes
 * and backslashes, cut to SIZE - 1 bytes. Returns 1, 0 at the end, or -EINVAL where systemd would
 * swallow what follows: a quote that is never closed, a backslash with nothing behind it. */
int words_next(const char **rest, char *word, size_t size);

/* Looks for the option NAME, a word of its own, and copies the word behind it to VALUE. As the
 * game does, letters are compared without their case and the first of several counts. Returns 1
 * where there is one, 0 where not (or where nothing follows it). */
int words_option(const char *words, const char *name, char *value, size_t size);
