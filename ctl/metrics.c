/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "left4mectl metrics": the rows of all instances as Prometheus reads them, in its text exposition
 * format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/), for the
 * textfile collector of its node exporter.
 *
 * The collector refuses a file whole for one line that is wrong, and one server must not take the
 * others out of sight: what a server says is text in a label here, escaped, whatever it is. */

#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/bus.h"
#include "ctl/ctl.h"
#include "ctl/rows.h"
#include "ctl/text.h"
#include "shared/exit.h"
#include "shared/fd.h"
#include "shared/log.h"
#include "shared/text-stream.h"

/* Nobody waits for this: time enough for a server that is busy. */
#define TIMEOUT_USEC 1500000U

/* --- Values --------------------------------------------------------------------------------- */

#define VALUE_MAX 48

/* Each writes the value of a row and returns true, or false where the row has none. */
typedef bool (*ValueFunction)(const Row *row, char value[static VALUE_MAX]);

static bool put_integer(uint64_t number, char value[static VALUE_MAX]) {
    (void)snprintf(value, VALUE_MAX, "%" PRIu64, number);
    return true;
}

/* NUMBER of so many parts of a second; by integers, so that no locale and no rounding is in it. */
static bool put_seconds(uint64_t number, uint64_t parts, int digits, char value[static VALUE_MAX]) {
    (void)snprintf(value, VALUE_MAX, "%" PRIu64 ".%0*" PRIu64, number / parts, digits,
                   number % parts);
    return true;
}

static bool is_running(const Row *row) {
    return row->has_state && unit_state_is_running(&row->state);
}

/* One that runs but cannot be asked is neither up nor down. */
static bool put_up(const Row *row, char value[static VALUE_MAX]) {
    return (row->query || !is_running(row)) && put_integer(row->info != NULL, value);
}

static bool put_running(const Row *row, char value[static VALUE_MAX]) {
    return put_integer(is_running(row), value);
}

static bool put_failed(const Row *row, char value[static VALUE_MAX]) {
    return put_integer(strcmp(row->state.active, "failed") == 0, value);
}

static bool put_players(const Row *row, char value[static VALUE_MAX]) {
    return row->info && put_integer(row->info->players, value);
}

static bool put_max_players(const Row *row, char value[static VALUE_MAX]) {
    return row->info && put_integer(row->info->max_players, value);
}

static bool put_bots(const Row *row, char value[static VALUE_MAX]) {
    return row->info && put_integer(row->info->bots, value);
}

static bool put_latency(const Row *row, char value[static VALUE_MAX]) {
    return row->info && put_seconds(row->query->latency_usec, 1000000, 6, value);
}

static bool put_restarts(const Row *row, char value[static VALUE_MAX]) {
    return put_integer(row->state.restarts, value);
}

static bool put_memory(const Row *row, char value[static VALUE_MAX]) {
    return row->state.memory != UINT64_MAX && put_integer(row->state.memory, value);
}

static bool put_cpu(const Row *row, char value[static VALUE_MAX]) {
    return row->state.cpu != UINT64_MAX && put_seconds(row->state.cpu, 1000000000, 9, value);
}

static bool put_start_time(const Row *row, char value[static VALUE_MAX]) {
    return is_running(row) && put_seconds(row->state.active_enter, 1000000, 6, value);
}

static bool put_spec_valid(const Row *row, char value[static VALUE_MAX]) {
    return row->spec != SPEC_UNREADABLE && put_integer(row->spec == SPEC_OK, value);
}

static bool put_needs_reload(const Row *row, char value[static VALUE_MAX]) {
    return row->reload >= 0 && put_integer(row->reload > 0, value);
}

static bool put_info(const Row *row, char value[static VALUE_MAX]) {
    return row->info && put_integer(1, value);
}

/* --- Labels --------------------------------------------------------------------------------- */

/* As text_write(): what is left then to be escaped are backslash and quote. */
static int put_label(FILE *f, const char *label, const char *value) {
    _cleanup_text_stream_ TextStream text = {0};
    int r = text_stream_open(&text);

    if (r < 0)
        return r;
    text_write(text.file, value);
    r = text_stream_flush(&text);
    if (r < 0)
        return r;
    (void)fprintf(f, ",%s=\"", label);
    for (const char *c = text.text; *c != '\0'; c++) {
        if (*c == '\\' || *c == '"')
            (void)putc('\\', f);
        (void)putc(*c, f);
    }
    (void)putc('"', f);
    return 0;
}

static int put_info_labels(FILE *f, const Row *row) {
    int r = put_label(f, "map", row->info->map);

    return r < 0 ? r : put_label(f, "version", row->info->version);
}

/* --- All together --------------------------------------------------------------------------- */

typedef struct Metric {
    const char *name, *type, *help;
    ValueFunction value;
    int (*labels)(FILE *f, const Row *row); /* further ones, each with a comma in front */
} Metric;

/* The label is "server": "instance" is Prometheus's own, the exporter that was asked. */
static const Metric metrics[] = {
    {"left4me_server_up", "gauge", "Whether the server answers a query (A2S_INFO).", put_up, NULL},
    {"left4me_server_running", "gauge", "Whether its unit is active.", put_running, NULL},
    {"left4me_server_failed", "gauge", "Whether its unit failed.", put_failed, NULL},
    {"left4me_server_players", "gauge", "Players, bots among them, as the server says.",
     put_players, NULL},
    {"left4me_server_max_players", "gauge", "How many players the server takes.", put_max_players,
     NULL},
    {"left4me_server_bots", "gauge", "How many of the players are bots.", put_bots, NULL},
    {"left4me_server_query_latency_seconds", "gauge", "Round trip of a query.", put_latency, NULL},
    {"left4me_server_restarts_total", "counter",
     "Restarts by systemd since the server was started by hand or at boot.", put_restarts, NULL},
    {"left4me_server_memory_bytes", "gauge", "Memory of all its processes.", put_memory, NULL},
    {"left4me_server_cpu_seconds_total", "counter",
     "Time on a CPU of all its processes since its last start.", put_cpu, NULL},
    {"left4me_server_start_time_seconds", "gauge",
     "When it was started, in seconds since 1970, where it runs.", put_start_time, NULL},
    {"left4me_server_spec_valid", "gauge", "Whether it has a spec, and none that is refused.",
     put_spec_valid, NULL},
    {"left4me_server_needs_reload", "gauge",
     "Whether its spec is not compiled as it is now: a daemon-reload is needed.", put_needs_reload,
     NULL},
    {"left4me_server_info", "gauge", "What the server says of itself.", put_info, put_info_labels},
};

static int write_sample(FILE *f, const Metric *metric, const Row *row, bool *first) {
    char value[VALUE_MAX];
    int r = 0;

    if (!metric->value(row, value))
        return 0;
    if (*first)
        (void)fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                      metric->type);
    *first = false;
    (void)fprintf(f, "%s{server=\"%s\"", metric->name, row->name);
    if (metric->labels)
        r = metric->labels(f, row);
    (void)fprintf(f, "} %s\n", value);
    return r;
}

static int write_metrics(FILE *f, const Rows *rows) {
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(metrics); i++) {
        bool first = true;

        for (size_t j = 0; r >= 0 && j < rows->n; j++)
            r = write_sample(f, &metrics[i], &rows->rows[j], &first);
    }
    (void)fprintf(f,
                  "# HELP left4me_build_info The version of left4me.\n"
                  "# TYPE left4me_build_info gauge\n"
                  "left4me_build_info{version=\"%s\"} 1\n",
                  PACKAGE_VERSION);
    return r;
}

/* Its readers see the file before or the file afterwards. No fsync: after a crash it is replaced.
 */
static int replace_file(const char *path, const char *text, size_t len) {
    _cleanup_free_ char *temporary = NULL;
    _cleanup_close_ int fd = -EBADF;
    const char *slash = strrchr(path, '/');
    int r;

    /* A dot name that does not end in .prom: no collector takes it. */
    if (asprintf(&temporary, "%.*s.left4mectl.XXXXXX", slash ? (int)(slash + 1 - path) : 0, path) <
        0) {
        temporary = NULL;
        return -ENOMEM;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, text, len);
    if (r >= 0 && fchmod(fd, 0644) < 0)
        r = -errno;
    if (r >= 0)
        r = fd_close_written(&fd);
    if (r >= 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        (void)unlink(temporary);
    return r;
}

static int output(const Rows *rows) {
    _cleanup_text_stream_ TextStream text = {0};
    int r = text_stream_open(&text);

    if (r >= 0)
        r = write_metrics(text.file, rows);
    if (r >= 0)
        r = text_stream_flush(&text);
    if (r < 0) {
        log_error("cannot write metrics: %s", strerror(-r));
        return EXIT_FAILED;
    }
    r = arg_output ? replace_file(arg_output, text.text, text.len)
                   : fd_write_all(STDOUT_FILENO, text.text, text.len);
    if (r >= 0)
        return EXIT_DONE;
    if (arg_output)
        log_error("cannot write '%s': %s", arg_output, strerror(-r));
    else
        log_error("cannot write to standard output: %s", strerror(-r));
    return EXIT_FAILED;
}

int verb_metrics(int n, char *operands[]) {
    _cleanup_close_ int instances_fd = open_instances(false);
    _cleanup_bus_ sd_bus *bus = NULL;
    _cleanup_rows_ Rows rows = {0};
    const char *why;
    int r;

    (void)n;
    (void)operands;
    /* Half of the truth would look like servers that are down. */
    if (instances_fd < 0 && instances_fd != -ENOENT)
        return EXIT_FAILED;
    why = rows_open_bus(&bus);
    if (why) {
        log_error("there are no metrics: %s", why);
        return EXIT_FAILED;
    }
    r = rows_find(instances_fd, bus, 0, NULL, &rows);
    if (r >= 0)
        r = rows_ask(&rows, TIMEOUT_USEC);
    if (r < 0) {
        log_error("cannot look at instances: %s", strerror(-r));
        return EXIT_FAILED;
    }
    return output(&rows);
}
