/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The game as a child process: its start, signals for it, its end. */

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct Game {
    pid_t pid;      /* also of its process group */
    bool has_ended; /* and was waited for */
    int status;     /* then: as wait(2) has it */
} Game;

/* Starts ARGV[0], a path, in a process group of its own and in a Landlock domain (see scope.h),
 * with MASK for its signal mask, and STDIN_FD for its standard input, or ours where it is negative.
 * It is killed when the calling process ends. What it leaves behind becomes the caller's child,
 * whatever it does. Returns 0 once the program runs, or a negative errno: that of fork(2) or
 * execve(2). */
int game_start(Game *game, char *const argv[], const sigset_t *mask, int stdin_fd);

/* Sends SIGNAL to the game's process group; to the game alone where it has left that. */
void game_signal(const Game *game, int signal);

/* Waits for whatever child has ended, without blocking. Returns whether there are any left. */
bool game_reap(Game *game);

/* SIGKILL for the game and everything that descends from the calling process. */
void game_kill(const Game *game);
