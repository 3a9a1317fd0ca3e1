/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "left4mectl top": what the instances do, a table that is drawn anew every now and then. On a
 * terminal it has a screen of its own; elsewhere the tables follow one another as plain text.
 * Servers are asked while keys and signals are listened to, so nobody waits for one that is silent.
 *
 * No locale is set: libsmartcols writes as \xNN then what is not ASCII, and a byte is a column. */

#include "config.h"

#include <inttypes.h>
#include <libsmartcols.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "ctl/bus.h"
#include "ctl/ctl.h"
#include "ctl/rows.h"
#include "ctl/screen.h"
#include "ctl/servers.h"
#include "ctl/text.h"
#include "shared/exit.h"
#include "shared/fd.h"
#include "shared/log.h"
#include "shared/text-stream.h"
#include "spec/timing.h"

#define USEC_PER_SEC 1000000U

/* As of the list; and before the next table is due. */
#define TIMEOUT_USEC 300000U
#define INTERVAL_DEFAULT "2s"
#define INTERVAL_MIN 100000U
#define INTERVAL_MAX (24 * UINT64_C(3600) * USEC_PER_SEC)

typedef struct Table {
    Rows rows;
    uint64_t taken;    /* microseconds of CLOCK_MONOTONIC */
    int64_t *permille; /* for each row: of one CPU, since the former table; negative: unknown */
    size_t *order;     /* in which the rows are shown */
} Table;

typedef struct Top {
    sd_bus *bus;
    int instances_fd;
    int n_names;
    char **names;
    uint64_t interval;   /* microseconds */
    uint64_t iterations; /* UINT64_MAX: no end */
    bool on_screen;
    Table table; /* the last */
    struct pollfd *polls;
    size_t n_polls;
} Top;

/* Besides 0 and a negative errno: the user has seen enough. */
#define QUIT 1

static void table_free(Table *table) {
    rows_free(&table->rows);
    free(table->permille);
    free(table->order);
    *table = (Table){0};
}
#define _cleanup_table_ _cleanup_(table_free)

/* --- What is worth knowing ------------------------------------------------------------------ */

static bool is_running(const Row *row) {
    return unit_state_is_running(&row->state);
}

static bool is_failed(const Row *row) {
    return strcmp(row->state.active, "failed") == 0;
}

static bool is_silent(const Row *row) {
    return row->query && !row->info;
}

static int64_t used_permille(const Row *row, uint64_t now, const Table *former) {
    for (size_t i = 0; i < former->rows.n; i++) {
        const Row *before = &former->rows.rows[i];
        const uint64_t usec = now - former->taken;

        if (strcmp(before->name, row->name) != 0)
            continue;
        if (usec == 0 || row->state.cpu == UINT64_MAX || before->state.cpu > row->state.cpu ||
            before->state.active_enter != row->state.active_enter)
            return -1;
        /* Nanoseconds by microseconds. */
        return (int64_t)((row->state.cpu - before->state.cpu) / usec);
    }
    return -1;
}

/* What has to be looked at, then who is played on most, then the rest. */
static int rank(const Row *row) {
    if (is_failed(row) || is_silent(row) || strcmp(row->state.sub, "auto-restart") == 0)
        return 0;
    return row->info ? 1 : is_running(row) ? 2 : 3;
}

static int compare(const void *a, const void *b, void *userdata) {
    const size_t i = *(const size_t *)a, j = *(const size_t *)b;
    const Row *x = &((const Row *)userdata)[i], *y = &((const Row *)userdata)[j];
    const int order = rank(x) - rank(y);
    const int players = x->info && y->info ? y->info->players - x->info->players : 0;

    return order != 0 ? order : players != 0 ? players : i < j ? -1 : i > j;
}

/* Looks at all, and begins to ask. */
static int take(Top *top, Table *ret) {
    _cleanup_table_ Table table = {0};
    int r;

    if (top->instances_fd == -ENOENT)
        top->instances_fd = open_instances(false);
    r = rows_find(top->instances_fd, top->bus, top->n_names, top->names, &table.rows);
    if (r < 0)
        return r;
    table.taken = query_now();
    table.permille = calloc(table.rows.n + 1, sizeof(*table.permille));
    table.order = calloc(table.rows.n + 1, sizeof(*table.order));
    if (!table.permille || !table.order)
        return -ENOMEM;
    for (size_t i = 0; i < table.rows.n; i++) {
        table.permille[i] = used_permille(&table.rows.rows[i], table.taken, &top->table);
        table.order[i] = i;
        if (table.rows.rows[i].query)
            query_begin(&table.rows.queries[i], TIMEOUT_USEC);
    }
    *ret = table;
    table = (Table){0};
    return 0;
}

/* --- The table ------------------------------------------------------------------------------ */

enum {
    COLUMN_NAME,
    COLUMN_STATE,
    COLUMN_PLAYERS,
    COLUMN_MAP,
    COLUMN_CPU,
    COLUMN_MEMORY,
    COLUMN_LATENCY,
    COLUMN_RESTARTS,
    COLUMN_UPTIME
};

static const struct {
    const char *heading;
    double width; /* a hint */
    int flags;
} columns[] = {
    [COLUMN_NAME] = {"NAME", 4, SCOLS_FL_TRUNC},
    [COLUMN_STATE] = {"STATE", 6, SCOLS_FL_TRUNC},
    [COLUMN_PLAYERS] = {"PLAYERS", 5, SCOLS_FL_RIGHT},
    [COLUMN_MAP] = {"MAP", 8, SCOLS_FL_TRUNC},
    [COLUMN_CPU] = {"CPU%", 5, SCOLS_FL_RIGHT},
    [COLUMN_MEMORY] = {"MEMORY", 4, SCOLS_FL_RIGHT},
    [COLUMN_LATENCY] = {"LATENCY", 8, SCOLS_FL_RIGHT},
    [COLUMN_RESTARTS] = {"RESTARTS", 3, SCOLS_FL_RIGHT},
    [COLUMN_UPTIME] = {"UPTIME", 7, SCOLS_FL_RIGHT},
};

static uint64_t realtime(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

static void format_uptime(uint64_t since, char buf[static FORMAT_MAX]) {
    const uint64_t now = realtime(), s = now > since ? (now - since) / USEC_PER_SEC : 0;

    if (s >= 86400)
        (void)snprintf(buf, FORMAT_MAX, "%" PRIu64 "d %02" PRIu64 "h", s / 86400, s / 3600 % 24);
    else if (s >= 3600)
        (void)snprintf(buf, FORMAT_MAX, "%" PRIu64 "h %02" PRIu64 "m", s / 3600, s / 60 % 60);
    else
        (void)snprintf(buf, FORMAT_MAX, "%" PRIu64 "m %02" PRIu64 "s", s / 60, s % 60);
}

static void format_answer(const Row *row, char players[static FORMAT_MAX],
                          char latency[static FORMAT_MAX]) {
    const uint64_t usec = row->query ? row->query->latency_usec : 0;

    if (row->info) {
        (void)snprintf(players, FORMAT_MAX, "%u/%u", row->info->players, row->info->max_players);
        (void)snprintf(latency, FORMAT_MAX, "%" PRIu64 ".%02" PRIu64 "ms", usec / 1000,
                       usec / 10 % 100);
    } else if (row->query) {
        (void)snprintf(latency, FORMAT_MAX, "%s", server_outcome_name(row->query->outcome));
    }
}

static int add_line(struct libscols_table *scols, const Row *row, int64_t permille) {
    char state[80], players[FORMAT_MAX] = "-", cpu[FORMAT_MAX] = "-", memory[FORMAT_MAX] = "-";
    char latency[FORMAT_MAX] = "-", restarts[FORMAT_MAX], uptime[FORMAT_MAX] = "-";
    struct libscols_line *line = scols_table_new_line(scols, NULL);
    const char *texts[ELEMENTSOF(columns)] = {
        [COLUMN_NAME] = row->name,  [COLUMN_STATE] = state,
        [COLUMN_PLAYERS] = players, [COLUMN_MAP] = row->info ? row->info->map : "-",
        [COLUMN_CPU] = cpu,         [COLUMN_MEMORY] = memory,
        [COLUMN_LATENCY] = latency, [COLUMN_RESTARTS] = restarts,
        [COLUMN_UPTIME] = uptime,
    };
    int r = line ? 0 : -ENOMEM;

    unit_state_describe(&row->state, state, sizeof(state));
    format_answer(row, players, latency);
    if (permille >= 0)
        (void)snprintf(cpu, sizeof(cpu), "%" PRId64 ".%" PRId64, permille / 10, permille % 10);
    if (row->state.memory != UINT64_MAX)
        (void)format_size(row->state.memory, memory);
    (void)snprintf(restarts, sizeof(restarts), "%" PRIu32, row->state.restarts);
    if (is_running(row))
        format_uptime(row->state.active_enter, uptime);
    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(columns); i++)
        r = scols_line_set_data(line, i, texts[i]);
    return r;
}

static int write_rows(FILE *f, const Table *table, size_t width) {
    struct libscols_table *scols = scols_new_table();
    int r = scols ? 0 : -ENOMEM;

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(columns); i++)
        if (!scols_table_new_column(scols, columns[i].heading, columns[i].width, columns[i].flags))
            r = -ENOMEM;
    if (r >= 0)
        r = scols_table_enable_noheadings(scols, arg_no_headings);
    if (r >= 0)
        r = scols_table_set_termforce(scols,
                                      width > 0 ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
    if (r >= 0 && width > 0)
        r = scols_table_set_termwidth(scols, width);
    if (r >= 0)
        r = scols_table_set_stream(scols, f);
    for (size_t i = 0; r >= 0 && i < table->rows.n; i++)
        r = add_line(scols, &table->rows.rows[table->order[i]], table->permille[table->order[i]]);
    if (r >= 0)
        r = scols_print_table(scols);
    if (scols)
        scols_unref_table(scols);
    return r;
}

static void write_summary(FILE *f, const Rows *rows) {
    size_t running = 0, silent = 0, failed = 0;
    unsigned players = 0, max_players = 0;
    char now[FORMAT_MAX];

    for (size_t i = 0; i < rows->n; i++) {
        const Row *row = &rows->rows[i];

        running += is_running(row);
        silent += is_silent(row);
        failed += is_failed(row);
        players += row->info ? row->info->players : 0U;
        max_players += row->info ? row->info->max_players : 0U;
    }
    (void)fprintf(f, "%s  %zu of %zu running, %zu silent, %zu failed, %u/%u players\n",
                  format_time_short(realtime(), now), running, rows->n, silent, failed, players,
                  max_players);
}

static int draw(const Top *top) {
    _cleanup_text_stream_ TextStream text = {0};
    size_t width = 0, height;
    int r = text_stream_open(&text);

    if (r < 0)
        return r;
    if (top->on_screen)
        screen_size(&width, &height);
    if (!arg_no_headings)
        write_summary(text.file, &top->table.rows);
    r = write_rows(text.file, &top->table, width);
    if (!top->on_screen && !arg_no_headings)
        (void)putc('\n', text.file);
    if (r >= 0)
        r = text_stream_flush(&text);
    if (r < 0)
        return r;
    return top->on_screen ? screen_draw(text.text, text.len)
                          : fd_write_all(STDOUT_FILENO, text.text, text.len);
}

/* --- Waiting -------------------------------------------------------------------------------- */

enum { POLL_INPUT, POLL_OUTPUT, POLL_QUERIES };

/* Waits until UNTIL, or until a query wants to be looked at. */
static int wait_once(Top *top, const Rows *asked, uint64_t until) {
    const size_t n = asked ? asked->n : 0;
    bool again;
    int r = 0;

    if (POLL_QUERIES + n > top->n_polls) {
        struct pollfd *grown = reallocarray(top->polls, POLL_QUERIES + n, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        top->polls = grown;
        top->n_polls = POLL_QUERIES + n;
    }
    top->polls[POLL_INPUT] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    if (!top->on_screen || isatty(STDIN_FILENO) != 1)
        top->polls[POLL_INPUT].fd = -1;
    /* Nobody reads a pipe any more: POLLERR. */
    top->polls[POLL_OUTPUT] = (struct pollfd){.fd = STDOUT_FILENO};
    for (size_t i = 0; i < n; i++) {
        const Query *q = &asked->queries[i];

        top->polls[POLL_QUERIES + i] = (struct pollfd){.fd = q->fd, .events = POLLIN};
        if (!asked->rows[i].query)
            top->polls[POLL_QUERIES + i].fd = -1;
        else if (q->fd >= 0 && query_wake_at(q) < until)
            until = query_wake_at(q);
    }
    again = screen_wait(top->polls, POLL_QUERIES + n, until);
    if ((top->polls[POLL_OUTPUT].revents & (POLLERR | POLLHUP)) != 0)
        return QUIT;
    if (top->polls[POLL_INPUT].revents != 0 && screen_key_is_quit())
        return QUIT;
    if (again && top->table.order)
        r = draw(top);
    return r;
}

/* Until all have answered, or their time is over. */
static int wait_for_answers(Top *top, Rows *rows) {
    for (;;) {
        bool open = false;
        int r;

        for (size_t i = 0; i < rows->n; i++)
            open = open || (rows->rows[i].query && rows->queries[i].fd >= 0);
        if (!open)
            break;
        r = wait_once(top, rows, UINT64_MAX);
        if (r != 0)
            return r;
        for (size_t i = 0; i < rows->n; i++) {
            if (!rows->rows[i].query || rows->queries[i].fd < 0)
                continue;
            query_receive(&rows->queries[i]);
            query_tick(&rows->queries[i]);
        }
    }
    rows_take_answers(rows);
    return 0;
}

static void end_queries(Rows *rows) {
    for (size_t i = 0; i < rows->n; i++)
        if (rows->rows[i].query)
            query_end(&rows->queries[i]);
}

/* --- All together --------------------------------------------------------------------------- */

static int next_table(Top *top) {
    _cleanup_table_ Table table = {0};
    int r = take(top, &table);

    if (r < 0)
        return r;
    r = wait_for_answers(top, &table.rows);
    end_queries(&table.rows);
    if (r != 0)
        return r;
    qsort_r(table.order, table.rows.n, sizeof(*table.order), compare, table.rows.rows);
    table_free(&top->table);
    top->table = table;
    table = (Table){0};
    return draw(top);
}

static int run(Top *top) {
    for (uint64_t i = 0; i < top->iterations; i++) {
        const uint64_t due = query_now() + top->interval;
        int r = next_table(top);

        while (r == 0 && i + 1 < top->iterations && query_now() < due)
            r = wait_once(top, NULL, due);
        if (r != 0)
            return r == QUIT ? 0 : r;
    }
    return 0;
}

static int parse_options(Top *top) {
    const char *iterations = arg_iterations ? arg_iterations : "";
    uint64_t n = 0;

    if (timespan_parse(arg_interval ? arg_interval : INTERVAL_DEFAULT, &top->interval) < 0 ||
        top->interval < INTERVAL_MIN || top->interval > INTERVAL_MAX) {
        log_error("--interval is no time span from 100ms to 1d, as 2s");
        return -EINVAL;
    }
    for (; *iterations >= '0' && *iterations <= '9' && n < UINT32_MAX; iterations++)
        n = n * 10 + (uint64_t)(*iterations - '0');
    if (arg_iterations && (n == 0 || *iterations != '\0')) {
        log_error("--iterations is no number from 1 on");
        return -EINVAL;
    }
    top->iterations = arg_iterations ? n : UINT64_MAX;
    return 0;
}

static bool all_exist(const Top *top) {
    _cleanup_rows_ Rows rows = {0};
    bool exist = true;

    /* Where it fails, that will be told. */
    if (top->n_names == 0 ||
        rows_find(top->instances_fd, top->bus, top->n_names, top->names, &rows) < 0)
        return true;
    for (int i = 0; i < top->n_names; i++) {
        bool found = false;

        for (size_t j = 0; j < rows.n; j++)
            found = found || strcmp(rows.rows[j].name, top->names[i]) == 0;
        if (!found)
            log_error("there is no instance '%s'", top->names[i]);
        exist = exist && found;
    }
    return exist;
}

int verb_top(int n, char *operands[]) {
    _cleanup_close_ int instances_fd = -EBADF;
    _cleanup_bus_ sd_bus *bus = NULL;
    Top top = {.n_names = n, .names = operands};
    const char *why;
    int r;

    for (int i = 0; i < n; i++)
        if (!check_name(operands[i]))
            return EXIT_USAGE;
    if (parse_options(&top) < 0)
        return EXIT_USAGE;
    top.instances_fd = open_instances(false);
    why = rows_open_bus(&bus);
    if (why) {
        log_error("there is nothing to see: %s", why);
        return EXIT_FAILED;
    }
    top.bus = bus;
    if (!all_exist(&top))
        return EXIT_FAILED;

    /* A pipe whose reader has seen enough is no fault, with or without the signal. */
    (void)signal(SIGPIPE, SIG_IGN);
    top.on_screen = screen_open();
    r = run(&top);
    screen_close();
    instances_fd = top.instances_fd;
    table_free(&top.table);
    free(top.polls);
    if (r >= 0 || r == -EPIPE)
        return EXIT_DONE;
    log_error("cannot go on: %s", strerror(-r));
    return EXIT_FAILED;
}
