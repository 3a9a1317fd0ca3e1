/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/game.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers/procs.h"
#include "helpers/scope.h"
#include "shared/log.h"
#include "shared/macros.h"

/* Does not return. What went wrong with execve() goes to ERROR_FD, which it closes otherwise. */
static _Noreturn void run_game(char *const argv[], const sigset_t *mask, int stdin_fd, pid_t parent,
                               int error_fd) {
    int error, r;

    /* The parent may have been killed before this was in force. */
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);

    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    r = scope_enter();
    if (r < 0)
        log_warning("cannot keep the game from signalling other instances: %s, ignoring",
                    strerror(-r));
    r = scope_filter();
    if (r < 0)
        log_warning("cannot keep the game from setting limits of other instances: %s, ignoring",
                    strerror(-r));
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    if (stdin_fd < 0 || dup2(stdin_fd, STDIN_FILENO) >= 0)
        (void)execv(argv[0], argv);
    error = -errno;
    (void)!write(error_fd, &error, sizeof(error));
    _exit(EXIT_FAILURE);
}

int game_start(Game *game, char *const argv[], const sigset_t *mask, int stdin_fd) {
    const pid_t parent = getpid();
    int pipe_fds[2], error = 0;
    _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
    pid_t pid;

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    read_fd = pipe_fds[0];
    write_fd = pipe_fds[1];
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        run_game(argv, mask, stdin_fd, parent, write_fd);

    /* The child does so too: whoever is first, it is done before a signal is sent. */
    (void)setpgid(pid, pid);
    closep(&write_fd);
    write_fd = -EBADF;
    if (read(read_fd, &error, sizeof(error)) == (ssize_t)sizeof(error)) {
        (void)waitpid(pid, NULL, 0);
        return error;
    }
    *game = (Game){.pid = pid};
    return 0;
}

void game_signal(const Game *game, int signal) {
    if (!game->has_ended && kill(-game->pid, signal) < 0)
        (void)kill(game->pid, signal);
}

bool game_reap(Game *game) {
    for (;;) {
        int status;
        const pid_t pid = waitpid(-1, &status, WNOHANG);

        if (pid <= 0)
            return pid == 0;
        if (pid == game->pid) {
            game->has_ended = true;
            game->status = status;
        }
    }
}

static int kill_descendant(void *userdata, unsigned pid) {
    const pid_t self = *(const pid_t *)userdata;

    if ((pid_t)pid != self && procs_descends((pid_t)pid, self))
        (void)kill((pid_t)pid, SIGKILL);
    return 0;
}

void game_kill(const Game *game) {
    const pid_t self = getpid();

    game_signal(game, SIGKILL);
    (void)procs_each("/proc", kill_descendant, (void *)(uintptr_t)&self);
}
