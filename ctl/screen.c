/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/screen.h"

/* terminfo(3) alone, of all of ncurses. */
#include <curses.h>
#include <term.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "query/client.h"
#include "shared/fd.h"
#include "shared/macros.h"
#include "shared/text-stream.h"

#define WIDTH_DEFAULT 80
#define HEIGHT_DEFAULT 24

/* What terminfo says, without padding: no terminal of today needs any. */
#define SEQUENCE_MAX 64
typedef struct Sequence {
    char text[SEQUENCE_MAX];
    size_t len;
} Sequence;

static Sequence enter_screen, leave_screen, home, clear_line, clear_rest;

static bool is_open;
static bool has_keys; /* standard input is a terminal */
static struct termios saved_modes;

/* Signal handlers read and write these. */
static volatile sig_atomic_t is_entered, redraw;

/* Signals that are let in nowhere but in screen_wait(): the others may come while systemd is asked,
 * which can take long. */
static sigset_t waiting_mask;

/* --- Entering and leaving ------------------------------------------------------------------- */

/* What is called here may be called in a signal handler. */

static void put(const Sequence *sequence) {
    (void)fd_write_all(STDOUT_FILENO, sequence->text, sequence->len);
}

static void enter(void) {
    struct termios modes = saved_modes;

    modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    modes.c_cc[VMIN] = 1;
    modes.c_cc[VTIME] = 0;
    if (has_keys)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    is_entered = 1;
    put(&enter_screen);
}

static void leave(void) {
    if (!is_entered)
        return;
    is_entered = 0;
    put(&leave_screen);
    if (has_keys)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &saved_modes);
}

/* --- Signals -------------------------------------------------------------------------------- */

static void on_end(int signal_number) {
    leave();
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static void on_stop(int signal_number) {
    const int saved = errno;

    (void)signal_number;
    leave();
    (void)raise(SIGSTOP);
    errno = saved;
}

static void on_continue(int signal_number) {
    const int saved = errno;

    (void)signal_number;
    enter();
    redraw = 1;
    errno = saved;
}

static void on_resize(int signal_number) {
    (void)signal_number;
    redraw = 1;
}

static void set_handlers(void) {
    static const struct {
        int number;
        void (*handler)(int);
    } handlers[] = {
        {SIGINT, on_end},   {SIGTERM, on_end},      {SIGHUP, on_end},      {SIGQUIT, on_end},
        {SIGTSTP, on_stop}, {SIGCONT, on_continue}, {SIGWINCH, on_resize},
    };
    sigset_t held;

    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGTSTP);
    (void)sigaddset(&held, SIGCONT);
    (void)sigaddset(&held, SIGWINCH);
    (void)sigprocmask(SIG_BLOCK, &held, &waiting_mask);
    for (size_t i = 0; i < ELEMENTSOF(handlers); i++) {
        struct sigaction action = {.sa_handler = handlers[i].handler, .sa_flags = SA_RESTART};
        struct sigaction former;

        /* One at a time. SIGCONT may come while SIGTSTP's handler stops, and waits for its end. */
        (void)sigfillset(&action.sa_mask);
        /* In the background, tcsetattr() has to stop us before anything is drawn. */
        (void)sigdelset(&action.sa_mask, SIGTTOU);
        /* nohup's SIGHUP, and that of a shell's background, stay ignored. */
        if (sigaction(handlers[i].number, NULL, &former) == 0 && former.sa_handler == SIG_IGN)
            continue;
        (void)sigaction(handlers[i].number, &action, NULL);
    }
}

/* --- The terminal --------------------------------------------------------------------------- */

static char put_buffer[2 * SEQUENCE_MAX];
static size_t put_len;

static int put_character(int c) {
    if (put_len < sizeof(put_buffer))
        put_buffer[put_len++] = (char)c;
    return c;
}

/* Adds what the terminal has for a capability. False where it has nothing. */
static bool add_capability(Sequence *sequence, const char *capability) {
    const char *text = tigetstr(capability);

    if (!text || text == (const char *)-1)
        return false;
    if (strcmp(capability, "cup") == 0)
        text = tiparm(text, 0, 0);
    put_len = 0;
    if (!text || tputs(text, 1, put_character) != OK || sequence->len + put_len > SEQUENCE_MAX)
        return false;
    memcpy(sequence->text + sequence->len, put_buffer, put_len);
    sequence->len += put_len;
    return true;
}

static bool read_terminfo(void) {
    int error;

    if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
        return false;
    if (!add_capability(&home, "cup") || !add_capability(&clear_line, "el") ||
        !add_capability(&clear_rest, "ed"))
        return false;
    /* What is missing of these, no terminal needs. */
    (void)add_capability(&enter_screen, "smcup");
    (void)add_capability(&enter_screen, "civis");
    (void)add_capability(&leave_screen, "cnorm");
    if (!add_capability(&leave_screen, "rmcup")) {
        (void)add_capability(&leave_screen, "cup");
        (void)add_capability(&leave_screen, "ed");
    }
    return true;
}

bool screen_open(void) {
    if (isatty(STDOUT_FILENO) != 1 || !read_terminfo())
        return false;
    has_keys = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &saved_modes) == 0;
    is_open = true;
    set_handlers();
    enter();
    return true;
}

void screen_close(void) {
    if (!is_open)
        return;
    is_open = false;
    leave();
    (void)sigprocmask(SIG_SETMASK, &waiting_mask, NULL);
}

void screen_size(size_t *ret_width, size_t *ret_height) {
    struct winsize size = {0};

    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    /* What is written into the last column has some terminals go on in the next line. */
    *ret_width = size.ws_col > 1 ? size.ws_col - 1U : size.ws_col > 0 ? 1 : WIDTH_DEFAULT - 1;
    *ret_height = size.ws_row > 0 ? size.ws_row : HEIGHT_DEFAULT;
}

int screen_draw(const char *text, size_t len) {
    _cleanup_text_stream_ TextStream frame = {0};
    const char *const end = text + len;
    size_t width, height;
    int r = text_stream_open(&frame);

    if (r < 0)
        return r;
    screen_size(&width, &height);
    (void)fwrite(home.text, 1, home.len, frame.file);
    for (size_t row = 0; row < height && text < end; row++) {
        const char *line_feed = memchr(text, '\n', (size_t)(end - text));
        const char *line_end = line_feed ? line_feed : end;
        const size_t line_len = (size_t)(line_end - text);

        if (row > 0)
            (void)fputs("\r\n", frame.file);
        (void)fwrite(clear_line.text, 1, clear_line.len, frame.file);
        (void)fwrite(text, 1, line_len < width ? line_len : width, frame.file);
        text = line_feed ? line_feed + 1 : end;
    }
    /* From behind the last line on. */
    (void)fwrite(clear_rest.text, 1, clear_rest.len, frame.file);
    r = text_stream_flush(&frame);
    return r < 0 ? r : fd_write_all(STDOUT_FILENO, frame.text, frame.len);
}

bool screen_wait(struct pollfd polls[], size_t n, uint64_t until) {
    const uint64_t now = query_now(), usec = until > now ? until - now : 0;
    const struct timespec timeout = {
        .tv_sec = (time_t)(usec / 1000000),
        .tv_nsec = (long)(usec % 1000000) * 1000,
    };
    bool again;

    if (ppoll(polls, n, &timeout, is_open ? &waiting_mask : NULL) < 0)
        for (size_t i = 0; i < n; i++)
            polls[i].revents = 0;
    again = redraw != 0;
    redraw = 0;
    return again;
}

bool screen_key_is_quit(void) {
    char keys[64];
    ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

    return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN) ||
           (n > 0 && (memchr(keys, 'q', (size_t)n) || memchr(keys, 'Q', (size_t)n)));
}
