/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "left4mectl console": one line and its answer, lines from a pipe, or a terminal. */

#include "config.h"

#include "ctl/console.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "shared/exit.h"
#include "shared/log.h"
#include "shared/text-stream.h"

/* An answer is over when nothing came for QUIET. It begins within FIRST, or there is none; and a
 * server on which much goes on is not listened to for longer than MOST. */
#define QUIET_MSEC 300
#define FIRST_MSEC 1000
#define MOST_MSEC 5000

static int64_t now_msec(void) {
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- Output --------------------------------------------------------------------------------- */

/* Prints what is there. Returns how many lines, or a negative errno once the reason was printed. */
static int print_output(const Console *console) {
    int n = 0, r;

    for (;; n++) {
        _cleanup_free_ char *text = NULL;

        r = console_next(console, &text);
        if (r <= 0)
            break;
        (void)puts(text);
    }
    if (r < 0) {
        log_error("cannot read the journal: %s", strerror(-r));
        return r;
    }
    if (n > 0 && fflush(stdout) != 0) {
        r = -errno;
        log_error("cannot write to standard output: %s", strerror(-r));
        return r;
    }
    return n;
}

/* Prints what the server has to say to what was sent. Returns 0, -EINTR, or another negative errno
 * once the reason was printed. */
static int print_answer(const Console *console) {
    const int64_t begin = now_msec();
    int64_t until = begin + FIRST_MSEC;
    struct pollfd fds[] = {{.fd = console->signal_fd, .events = POLLIN},
                           {.fd = console_output_fd(console), .events = POLLIN}};

    if (!console->journal)
        return 0;
    for (;;) {
        int r = print_output(console);
        int64_t now = now_msec();

        if (r < 0)
            return r;
        if (r > 0)
            until = now + QUIET_MSEC < begin + MOST_MSEC ? now + QUIET_MSEC : begin + MOST_MSEC;
        if (now >= until)
            return 0;
        if (poll(fds, ELEMENTSOF(fds), (int)(until - now)) < 0 && errno != EINTR)
            return -errno;
        if (fds[0].revents && console_interrupted(console, NULL))
            return -EINTR;
    }
}

/* --- One line ------------------------------------------------------------------------------- */

/* The words with single spaces between them, or NULL. */
static char *join(int n, char *words[]) {
    _cleanup_text_stream_ TextStream line = {0};

    if (text_stream_open(&line) < 0)
        return NULL;
    for (int i = 0; i < n; i++)
        (void)fprintf(line.file, "%s%s", i > 0 ? " " : "", words[i]);
    return text_stream_flush(&line) < 0 ? NULL : TAKE_PTR(line.text);
}

static int send_one(Console *console, const char *line) {
    int r = console_try(console);

    if (r >= 0)
        r = console_follow(console, 0);
    if (r >= 0)
        r = console_send(console, line, strlen(line));
    if (r >= 0)
        r = print_answer(console);
    return r;
}

/* --- Lines from a pipe ---------------------------------------------------------------------- */

typedef struct Pipe {
    const Console *console;
    size_t used;
    unsigned long number; /* of the line, for messages */
    char buf[2 * CONSOLE_LINE_MAX];
} Pipe;

static int send_numbered(Pipe *p, const char *line, size_t len) {
    int r;

    p->number++;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (len == 0)
        return 0;
    r = console_send(p->console, line, len);
    if (r < 0 && r != -EINTR)
        log_error("that was line %lu of standard input; those behind it were not sent", p->number);
    return r;
}

/* Sends the whole lines that are in the buffer; at the END, what is left too. */
static int send_lines(Pipe *p, bool end) {
    size_t begin = 0;
    char *newline;
    int r;

    while ((newline = memchr(p->buf + begin, '\n', p->used - begin))) {
        r = send_numbered(p, p->buf + begin, (size_t)(newline - p->buf) - begin);
        if (r < 0)
            return r;
        begin = (size_t)(newline - p->buf) + 1;
    }
    /* One that fills the buffer is too long whatever follows, and is told to be. */
    if ((end && begin < p->used) || (begin == 0 && p->used == sizeof(p->buf)))
        return send_numbered(p, p->buf + begin, p->used - begin);
    memmove(p->buf, p->buf + begin, p->used - begin);
    p->used -= begin;
    return 0;
}

/* Returns 1 when there is more, 0 at the end. */
static int read_lines(Pipe *p) {
    ssize_t n = read(STDIN_FILENO, p->buf + p->used, sizeof(p->buf) - p->used);
    int r;

    if (n < 0) {
        r = errno == EINTR || errno == EAGAIN ? 1 : -errno;
        if (r < 0)
            log_error("cannot read standard input: %s", strerror(-r));
        return r;
    }
    p->used += (size_t)n;
    r = send_lines(p, n == 0);
    return r < 0 ? r : n > 0;
}

static int send_pipe(Console *console) {
    static Pipe p;
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = console->signal_fd, .events = POLLIN},
                           {.fd = -EBADF, .events = POLLIN}};
    int r = console_try(console);

    if (r >= 0)
        r = console_follow(console, 0);
    if (r < 0)
        return r;
    p = (Pipe){.console = console};
    fds[2].fd = console_output_fd(console);
    do {
        r = print_output(console);
        if (r < 0)
            return r;
        if (poll(fds, ELEMENTSOF(fds), -1) < 0 && errno != EINTR)
            return -errno;
        if (fds[1].revents && console_interrupted(console, NULL))
            return -EINTR;
        r = fds[0].revents ? read_lines(&p) : 1;
    } while (r > 0);
    return r < 0 ? r : print_answer(console);
}

/* --- Verb ----------------------------------------------------------------------------------- */

/* From here on signals are read, and a server that ends while it is written to is told by errno. */
static int open_signals(void) {
    sigset_t mask;

    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGHUP);
    (void)sigaddset(&mask, SIGINT);
    (void)sigaddset(&mask, SIGTERM);
    (void)sigaddset(&mask, SIGWINCH);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
        return -errno;
    return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int exit_status(int r) {
    return r == -EINTR ? EXIT_INTERRUPTED : r < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run(Console *console, int n, char *words[]) {
    _cleanup_free_ char *line = NULL;

    if (n > 0) {
        line = join(n, words);
        if (!line) {
            log_error("no memory");
            return EXIT_FAILED;
        }
        return exit_status(send_one(console, line));
    }
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
        return exit_status(send_pipe(console));
    return console_try(console) < 0 ? EXIT_FAILED : console_terminal(console);
}

int verb_console(int n, char *operands[]) {
    _cleanup_close_ int signal_fd = -EBADF;
    Console console = {.name = operands[0]};
    int status;

    if (!check_name(operands[0]))
        return EXIT_USAGE;
    if (!root_is_of_units()) {
        log_error("the units know '" LEFT4ME_ROOT_DIR "' alone, and servers of another --root have "
                  "no console");
        return EXIT_USAGE;
    }
    if (n > 1 && operands[1][0] == '\0') {
        log_error("there is no command to send");
        return EXIT_USAGE;
    }
    signal_fd = open_signals();
    if (signal_fd < 0) {
        log_error("cannot watch signals: %s", strerror(errno));
        return EXIT_FAILED;
    }
    console.signal_fd = signal_fd;
    unit_name(console.name, console.unit);
    status = run(&console, n - 1, operands + 1);
    sd_journal_close(console.journal);
    return status;
}
