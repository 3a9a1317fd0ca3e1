/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What left4mectl prints: steps and outcomes for a person, one JSON value for a program. Results go
 * to standard output, errors to standard error, by shared/log.h. */

#include "config.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/text.h"
#include "shared/exit.h"
#include "shared/log.h"

static json_t *outcomes; /* an array; NULL without --json, or without memory */

static bool is_silent(void) {
    return arg_quiet || arg_json;
}

void say_step(const char *format, ...) {
    va_list ap;

    if (is_silent())
        return;
    va_start(ap, format);
    (void)vprintf(format, ap);
    va_end(ap);
    (void)printf("...\n");
    (void)fflush(stdout);
}

static void add_outcome(const char *name, const char *result, const char *message) {
    if (!outcomes)
        outcomes = json_array();
    (void)json_array_append_new(
        outcomes, json_pack("{s:s, s:s, s:s}", "name", name, "result", result, "message", message));
}

void say_outcome(const char *name, bool failed, const char *result, const char *format, ...) {
    _cleanup_free_ char *message = NULL;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vasprintf(&message, format, ap);
    va_end(ap);
    if (n < 0) {
        message = NULL;
        log_error("%s: no memory for a message", name);
        return;
    }

    if (arg_json)
        add_outcome(name, result, message);
    if (failed)
        log_error("%s: %s", name, message);
    else if (!is_silent())
        (void)printf("%s: %s\n", name, message);
    (void)fflush(stdout);
}

void say_outcome_line(const char *format, ...) {
    _cleanup_free_ char *line = NULL;
    json_t *last, *log;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vasprintf(&line, format, ap);
    va_end(ap);
    if (n < 0) {
        line = NULL;
        return;
    }
    log_more(LOG_ERR, "  %s", line);
    last = outcomes ? json_array_get(outcomes, json_array_size(outcomes) - 1) : NULL;
    if (!last)
        return;
    log = json_object_get(last, "log");
    if (!log) {
        log = json_array();
        (void)json_object_set_new(last, "log", log);
    }
    (void)json_array_append_new(log, text_json(line));
}

int print_outcomes(const char *verb, int status) {
    int r;

    if (!arg_json)
        return status;
    if (!outcomes)
        outcomes = json_array();
    r = print_json(json_pack("{s:s, s:b, s:o}", "verb", verb, "ok", status == EXIT_DONE,
                             "instances", outcomes));
    return status == EXIT_DONE ? r : status;
}

int print_json(json_t *json) {
    _cleanup_json_ json_t *owned = json;

    if (!owned) {
        log_error("no memory");
        return EXIT_FAILED;
    }
    if (json_dumpf(owned, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF ||
        fflush(stdout) != 0) {
        log_error("cannot write to standard output: %s", strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

bool ask(bool default_yes, const char *format, ...) {
    char answer[16];
    va_list ap;

    if (arg_yes || isatty(STDIN_FILENO) != 1)
        return true;
    va_start(ap, format);
    (void)vfprintf(stderr, format, ap);
    va_end(ap);
    (void)fprintf(stderr, " [%s] ", default_yes ? "Y/n" : "y/N");
    if (!fgets(answer, sizeof(answer), stdin))
        return false;
    if (answer[0] == '\n')
        return default_yes;
    return answer[0] == 'y' || answer[0] == 'Y';
}
