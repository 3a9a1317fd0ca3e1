/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A server's console: lines go into the FIFO that is its standard input, and what it answers comes
 * out of the journal. The two have nothing to do with each other: who may write may be one who may
 * not read. */

#include <limits.h>
#include <stddef.h>
#include <systemd/sd-journal.h>

#include "ctl/ctl.h"

/* A line with its newline: what write(2) puts into a pipe whole, whoever else writes (pipe(7)). */
#define CONSOLE_LINE_MAX PIPE_BUF

typedef struct Console {
    const char *name;
    char unit[UNIT_NAME_MAX];
    int signal_fd;       /* SIGINT, SIGTERM and SIGHUP, which are blocked, and SIGWINCH */
    sd_journal *journal; /* NULL where it cannot be read */
} Console;

/* --- Input ---------------------------------------------------------------------------------- */

/* Whether the server has a console now and it may be written to. Returns 0, or a negative errno
 * once the reason was printed. */
int console_try(const Console *console);

/* Sends TEXT, LEN bytes of one line without its newline, whole or not at all. Opens the FIFO each
 * time, since every start of the server makes a new one. Waits for a server that does not read, a
 * few seconds at most. Returns 0; -EINTR when a signal came; or another negative errno once the
 * reason was printed. */
int console_send(const Console *console, const char *text, size_t len);

/* Whether a signal to leave is there, and takes it. *RET_RESIZED, which may be NULL, tells of
 * SIGWINCH. */
bool console_interrupted(const Console *console, bool *ret_resized);

/* --- Output --------------------------------------------------------------------------------- */

/* Opens the journal, at the last BEFORE lines, else at its end. Where it cannot be read that is
 * said, and is no failure. Returns 0 or a negative errno, once the reason was printed. */
int console_follow(Console *console, unsigned before);

/* For poll(2), or -EBADF. */
int console_output_fd(const Console *console);

/* The next line that the game printed, or that systemd has to say of its unit, with nothing in it
 * that a terminal would act upon; to be freed. Returns 1, 0 where there is none now, or a negative
 * errno. */
int console_next(const Console *console, char **ret);

/* --- Terminal ------------------------------------------------------------------------------- */

/* A prompt with history, until Ctrl-D or Ctrl-C. Returns an exit status. */
int console_terminal(Console *console);
