/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A terminal's screen, drawn anew as a whole, by what terminfo says of the terminal. The screen
 * that was there before comes back at each end, also by a signal, and while the process is stopped.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes over the terminal that standard output is: the alternate screen, no cursor, keys without
 * Return. False where it is none, or one that cannot be drawn on. */
bool screen_open(void);

/* Gives it back. It may be called at any time, and after a screen_open() that failed. */
void screen_close(void);

/* How much of a text can be shown. */
void screen_size(size_t *ret_width, size_t *ret_height);

/* Shows LEN bytes of TEXT, lines of ASCII, as much of them as there is room for. Returns 0 or a
 * negative errno. */
int screen_draw(const char *text, size_t len);

/* Waits as poll(2), until UNTIL, microseconds of CLOCK_MONOTONIC. Returns whether the screen has to
 * be drawn again: it has another size, or was given back for a while. Signals that end or stop the
 * process are acted upon. */
bool screen_wait(struct pollfd polls[], size_t n, uint64_t until);

/* Whether the key to leave, q, was pressed; standard input, where it is a terminal, has something
 * to read (POLLIN). Also where no key will ever come. */
bool screen_key_is_quit(void);
