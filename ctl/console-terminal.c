/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The console on a terminal: libedit's line below what the server prints. libedit asks for one
 * character after the other, and while it waits for one, new lines are put above its own. */

#include "config.h"

#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "ctl/console.h"
#include "shared/exit.h"
#include "shared/log.h"

#define HISTORY_SIZE 1000
/* Lines to begin with, and lines after which it is looked for a key again. */
#define CONTEXT_LINES 10
#define BATCH_LINES 200

typedef struct Terminal {
    Console *console;
    EditLine *el;
    History *history;
    mbstate_t state; /* of a character that is read byte by byte */
    bool dumb;       /* it cannot erase */
    bool interrupted;
    int error; /* a negative errno: the journal cannot be read any more */
    char prompt[INSTANCE_NAME_MAX + sizeof("> ")];
} Terminal;

static Terminal *terminal_of(EditLine *el) {
    Terminal *t = NULL;

    (void)el_get(el, EL_CLIENTDATA, &t);
    return t;
}

static char *prompt(EditLine *el) {
    return terminal_of(el)->prompt;
}

static size_t columns(void) {
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Erases the prompt and what is typed, in all rows that it has; libedit draws it anew afterwards.
 */
static void erase_line(Terminal *t) {
    const LineInfoW *line = el_wline(t->el);
    size_t width = strlen(t->prompt);

    if (t->dumb) {
        (void)putchar('\n');
        return;
    }
    for (const wchar_t *c = line->buffer; c < line->cursor; c++)
        width += wcwidth(*c) > 0 ? (size_t)wcwidth(*c) : 0;
    (void)putchar('\r');
    for (size_t rows = width / columns(); rows > 0; rows--)
        (void)fputs("\033[A", stdout);
    (void)fputs("\033[J", stdout);
}

/* Returns whether there may be more. */
static bool show_output(Terminal *t) {
    int n, r = 0;

    for (n = 0; n < BATCH_LINES; n++) {
        _cleanup_free_ char *text = NULL;

        r = console_next(t->console, &text);
        if (r <= 0)
            break;
        if (n == 0)
            erase_line(t);
        (void)puts(text);
    }
    if (r < 0)
        t->error = r;
    if (n > 0) {
        (void)fflush(stdout);
        (void)el_set(t->el, EL_REFRESH);
    }
    return n == BATCH_LINES;
}

/* As read(2): 1 with a character, 0 at the end; what is no character is passed over. */
static int read_character(Terminal *t, wchar_t *ret) {
    for (;;) {
        char byte;
        ssize_t n = read(STDIN_FILENO, &byte, 1);

        if (n <= 0)
            return 0;
        switch (mbrtowc(ret, &byte, 1, &t->state)) {
        case (size_t)-2:
            break;
        case (size_t)-1:
            t->state = (mbstate_t){0};
            break;
        default:
            return 1;
        }
    }
}

static int get_character(EditLine *el, wchar_t *ret) {
    Terminal *t = terminal_of(el);
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = t->console->signal_fd, .events = POLLIN},
                           {.fd = console_output_fd(t->console), .events = POLLIN}};

    for (;;) {
        bool more = show_output(t), resized = false;

        if (t->error < 0)
            return 0;
        if (poll(fds, ELEMENTSOF(fds), more ? 0 : -1) < 0) {
            /* libedit's own: Ctrl-Z. */
            if (errno == EINTR)
                continue;
            return 0;
        }
        if (fds[1].revents && console_interrupted(t->console, &resized)) {
            t->interrupted = true;
            return 0;
        }
        if (resized) {
            el_resize(el);
            (void)el_set(el, EL_REFRESH);
        }
        if (fds[0].revents)
            return read_character(t, ret);
    }
}

static int start(Terminal *t) {
    const char *type = getenv("TERM");
    HistEvent event;

    t->dumb = !type || type[0] == '\0' || strcmp(type, "dumb") == 0;
    (void)snprintf(t->prompt, sizeof(t->prompt), "%.*s> ", INSTANCE_NAME_MAX, t->console->name);
    t->history = history_init();
    t->el = t->history ? el_init("left4mectl", stdin, stdout, stderr) : NULL;
    if (!t->el || history(t->history, &event, H_SETSIZE, HISTORY_SIZE) < 0 ||
        history(t->history, &event, H_SETUNIQUE, 1) < 0 || el_set(t->el, EL_CLIENTDATA, t) < 0 ||
        el_set(t->el, EL_PROMPT, prompt) < 0 || el_set(t->el, EL_EDITOR, "emacs") < 0 ||
        el_set(t->el, EL_HIST, history, t->history) < 0 || el_set(t->el, EL_SIGNAL, 1) < 0 ||
        el_set(t->el, EL_GETCFN, get_character) < 0)
        return -ENOMEM;
    /* A tab would be refused in a line. */
    (void)el_set(t->el, EL_BIND, "\t", "ed-unassigned", NULL);
    return 0;
}

/* Returns whether to go on. What cannot be sent was told, and may be mended. */
static bool handle(Terminal *t, const char *line, size_t len) {
    HistEvent event;

    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    if (len == 0)
        return true;
    (void)history(t->history, &event, H_ENTER, line);
    if (console_send(t->console, line, len) == -EINTR)
        t->interrupted = true;
    return !t->interrupted;
}

static void loop(Terminal *t) {
    const char *line;
    int len;

    do
        line = el_gets(t->el, &len);
    while (line && len > 0 && !t->interrupted && t->error >= 0 && handle(t, line, (size_t)len));
    (void)putchar('\n');
    (void)fflush(stdout);
}

int console_terminal(Console *console) {
    Terminal t = {.console = console};

    (void)setlocale(LC_CTYPE, "");
    if (console_follow(console, CONTEXT_LINES) < 0)
        return EXIT_FAILED;
    if (start(&t) >= 0) {
        say_step("the console of %s; Ctrl-D leaves it, and the server runs on", console->name);
        loop(&t);
    } else {
        t.error = -ENOMEM;
    }
    if (t.error < 0)
        log_error("cannot go on: %s", strerror(-t.error));
    if (t.el)
        el_end(t.el);
    if (t.history)
        history_end(t.history);
    return t.error < 0 ? EXIT_FAILED : t.interrupted ? EXIT_INTERRUPTED : EXIT_DONE;
}
