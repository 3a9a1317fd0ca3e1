/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the command lines of the helpers have in common: --help, --version, and operands of which
 * the last is the name of an instance. */

#include <stddef.h>

/* For alarm(2), of what runs before the game: the unit has no TimeoutStartSec=, which would count
 * for the game too. It is systemd's own default. */
#define START_LIMIT_SEC 90

typedef struct CommandLine {
    const char *program;
    void (*help)(void);   /* prints to standard output */
    int n_operands;       /* so many, the name included */
    const char *operands; /* how a message names them: "one NAME" */
} CommandLine;

/* Opens the log, too. Returns -1 with the operands from argv[optind] on, or the exit status of a
 * program that is done with its command line, because it was wrong or asked for help. */
int command_line_parse(const CommandLine *line, int argc, char *argv[]);
