/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "left4mectl list": a row for each instance, of its unit, its spec, what the generator made of
 * that and, where it runs, what the server itself says. Without systemd to ask, what its files
 * tell. */

#include "config.h"

#include <libsmartcols.h>
#include <limits.h>
#include <string.h>

#include "ctl/bus.h"
#include "ctl/compiled.h"
#include "ctl/ctl.h"
#include "ctl/servers.h"
#include "ctl/text.h"
#include "ctl/unit-state.h"
#include "query/address.h"
#include "shared/exit.h"
#include "shared/log.h"

/* Servers on this host answer within a few milliseconds, but for one that loads a map. */
#define TIMEOUT_USEC 300000U

typedef struct Row {
    const char *name;
    SpecState spec;
    uint16_t port; /* 0 where the spec does not tell */
    bool autostart;
    int reload, restart; /* whether one is needed; negative: unknown */
    bool has_state;
    UnitState state;
    QueryAddress address; /* where it is asked, if it runs; else of family AF_UNSPEC */
    const A2sInfo *info;  /* NULL where it did not answer */
} Row;

/* --- Rows ----------------------------------------------------------------------------------- */

static int add_name(void *userdata, const char *name) {
    return names_add(userdata, name);
}

/* One word for all: what is worst first. */
static const char *spec_word(const Row *row) {
    if (row->spec != SPEC_OK)
        return spec_state_name(row->spec);
    if (row->reload > 0)
        return "changed since reload";
    return row->restart > 0 ? "needs restart" : "ok";
}

static int fill_spec(Row *row, int instances_fd, bool with_systemd) {
    static Spec spec;
    int error = 0, r;

    row->spec = SPEC_UNREADABLE;
    if (instances_fd >= 0 || instances_fd == -ENOENT)
        row->spec = SPEC_MISSING;
    if (instances_fd >= 0)
        row->spec = spec_inspect(instances_fd, row->name, &spec, NULL, NULL, &error);
    if (error == -ENOMEM)
        return error;
    if (row->spec == SPEC_OK) {
        char host[256];

        row->port = spec.port;
        row->autostart = spec.autostart;
        /* The name of an address is not looked up: that may take long. */
        (void)address_of_server(spec.args, spec.port, &row->address, host);
    }
    if (!with_systemd || row->spec == SPEC_UNREADABLE)
        return 0;

    /* A drop-in without its spec is one that the next reload takes away. */
    r = compiled_agrees(row->name, row->spec == SPEC_OK ? &spec : NULL);
    if (r >= 0 || r == -ENOENT)
        row->reload = row->spec == SPEC_MISSING ? r >= 0 : r != 1;
    return 0;
}

static int fill_state(Row *row, sd_bus *bus, int instances_fd) {
    char unit[UNIT_NAME_MAX];
    int r;

    unit_name(row->name, unit);
    r = unit_state_get(bus, unit, &row->state);
    if (r < 0)
        return r;
    row->has_state = true;
    if (row->spec == SPEC_OK || row->spec == SPEC_REFUSED)
        row->restart = unit_state_needs_restart(&row->state, spec_changed(instances_fd, row->name));
    return 0;
}

/* Another instance may have the port of one that does not run. */
static bool is_asked(const Row *row) {
    return row->has_state && row->address.any.sa_family != AF_UNSPEC &&
           (strcmp(row->state.active, "active") == 0 ||
            strcmp(row->state.active, "reloading") == 0);
}

/* Has each row that runs point to the answer of its server, which is in QUERIES. */
static int fill_info(Row rows[], Query queries[], size_t n) {
    int r;

    for (size_t i = 0; i < n; i++)
        if (is_asked(&rows[i]))
            queries[i].address = rows[i].address;
    r = servers_ask(queries, n, TIMEOUT_USEC);
    for (size_t i = 0; r >= 0 && i < n; i++)
        if (queries[i].outcome == QUERY_ANSWERED)
            rows[i].info = &queries[i].info;
    return r;
}

/* --- As a table ----------------------------------------------------------------------------- */

enum {
    COLUMN_NAME,
    COLUMN_STATE,
    COLUMN_BOOT,
    COLUMN_PORT,
    COLUMN_PLAYERS,
    COLUMN_MAP,
    COLUMN_SPEC,
    COLUMN_MEMORY,
    COLUMN_SINCE
};

static const struct {
    const char *heading;
    double width; /* a hint */
    int flags;
} columns[] = {
    [COLUMN_NAME] = {"NAME", 4, 0},
    [COLUMN_STATE] = {"STATE", 6, SCOLS_FL_TRUNC},
    [COLUMN_BOOT] = {"AT BOOT", 4, 0},
    [COLUMN_PORT] = {"PORT", 5, SCOLS_FL_RIGHT},
    [COLUMN_PLAYERS] = {"PLAYERS", 5, SCOLS_FL_RIGHT},
    [COLUMN_MAP] = {"MAP", 8, SCOLS_FL_TRUNC},
    [COLUMN_SPEC] = {"SPEC", 2, SCOLS_FL_TRUNC},
    [COLUMN_MEMORY] = {"MEMORY", 4, SCOLS_FL_RIGHT},
    [COLUMN_SINCE] = {"SINCE", 10, SCOLS_FL_TRUNC},
};

static int add_line(struct libscols_table *table, const Row *row) {
    char state[80] = "-", port[sizeof("65535")] = "-", memory[FORMAT_MAX] = "-";
    char since[FORMAT_MAX] = "-", players[FORMAT_MAX] = "-";
    struct libscols_line *line = scols_table_new_line(table, NULL);
    const char *texts[ELEMENTSOF(columns)] = {
        [COLUMN_NAME] = row->name,
        [COLUMN_STATE] = state,
        [COLUMN_BOOT] = "-",
        [COLUMN_PORT] = port,
        [COLUMN_PLAYERS] = players,
        [COLUMN_MAP] = row->info ? row->info->map : "-",
        [COLUMN_SPEC] = spec_word(row),
        [COLUMN_MEMORY] = memory,
        [COLUMN_SINCE] = since,
    };
    int r = line ? 0 : -ENOMEM;

    if (row->port > 0)
        (void)snprintf(port, sizeof(port), "%u", row->port);
    if (row->info)
        (void)snprintf(players, sizeof(players), "%u/%u", row->info->players,
                       row->info->max_players);
    if (row->has_state) {
        unit_state_describe(&row->state, state, sizeof(state));
        texts[COLUMN_BOOT] = unit_state_at_boot(&row->state, row->autostart);
        (void)format_time_short(unit_state_since(&row->state), since);
        if (row->state.memory != UINT64_MAX)
            (void)format_size(row->state.memory, memory);
    }
    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(columns); i++)
        r = scols_line_set_data(line, i, texts[i]);
    return r;
}

/* Where a name is cut, nobody can type it: so only if the others cannot give way enough. */
static bool names_fit(const struct libscols_table *table, const Row rows[], size_t n) {
    size_t width = scols_table_get_termwidth(table), needed = 0;

    for (size_t i = 0; i < n; i++)
        if (strlen(rows[i].name) > needed)
            needed = strlen(rows[i].name);
    for (size_t i = COLUMN_NAME + 1; i < ELEMENTSOF(columns); i++)
        needed += 2 + strlen(columns[i].heading);
    return needed <= width;
}

static int print_table(const Row rows[], size_t n) {
    struct libscols_table *table = scols_new_table();
    int r = table ? 0 : -ENOMEM;

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(columns); i++) {
        const bool cut = i == COLUMN_NAME && !names_fit(table, rows, n);

        if (!scols_table_new_column(table, columns[i].heading, columns[i].width,
                                    columns[i].flags | (cut ? SCOLS_FL_TRUNC : 0)))
            r = -ENOMEM;
    }
    if (r >= 0)
        r = scols_table_enable_noheadings(table, arg_no_headings);
    for (size_t i = 0; r >= 0 && i < n; i++)
        r = add_line(table, &rows[i]);
    if (r >= 0)
        r = scols_print_table(table);
    if (table)
        scols_unref_table(table);
    if (r >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
        r = -EIO;
    if (r >= 0)
        return EXIT_DONE;
    log_error("cannot print the table: %s", strerror(-r));
    return EXIT_FAILED;
}

/* --- As JSON -------------------------------------------------------------------------------- */

static json_t *flag_json(int flag) {
    return flag < 0 ? json_null() : json_boolean(flag);
}

static json_t *row_json(const Row *row) {
    const UnitState *state = row->has_state ? &row->state : NULL;
    const A2sInfo *info = row->info;
    const char *at_boot = state ? unit_state_at_boot(state, row->autostart) : NULL;

    return json_pack(
        "{s:s, s:s?, s:s?, s:s?, s:s?, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "name",
        row->name, "active_state", state ? state->active : NULL, "sub_state",
        state ? state->sub : NULL, "result", state ? state->result : NULL, "at_boot", at_boot,
        "port", row->port > 0 ? json_integer(row->port) : json_null(), "players",
        info ? json_integer(info->players) : json_null(), "max_players",
        info ? json_integer(info->max_players) : json_null(), "bots",
        info ? json_integer(info->bots) : json_null(), "map", text_json(info ? info->map : NULL),
        "spec", spec_state_name(row->spec), "needs_reload", flag_json(row->reload), "needs_restart",
        flag_json(row->restart), "memory", number_json(state ? state->memory : UINT64_MAX), "since",
        time_json(state ? unit_state_since(state) : 0));
}

static int print_rows_json(const Row rows[], size_t n) {
    json_t *array = json_array();

    for (size_t i = 0; array && i < n; i++)
        if (json_array_append_new(array, row_json(&rows[i])) < 0) {
            json_decref(array);
            array = NULL;
        }
    return print_json(array);
}

/* --- All together --------------------------------------------------------------------------- */

/* Connects to systemd, if it is what runs the instances of this root. */
static bool open_bus(sd_bus **ret) {
    const char *why = !root_is_of_units()       ? "another root is none of systemd's"
                      : bus_open(ret, true) < 0 ? "systemd cannot be asked"
                                                : NULL;

    if (why && !arg_quiet)
        log_notice("%s: no states of units are shown", why);
    return !why;
}

/* Fills the rows of NAMES; *RET_N are shown. */
static int fill_rows(Row rows[], const Names *names, int instances_fd, sd_bus *bus, size_t *ret_n) {
    size_t n = 0;

    for (size_t i = 0; i < names->n; i++) {
        Row *row = &rows[n];
        int r;

        *row = (Row){.name = names->names[i], .reload = -1, .restart = -1};
        r = fill_spec(row, instances_fd, bus);
        if (r >= 0 && bus)
            r = fill_state(row, bus, instances_fd);
        if (r < 0) {
            *ret_n = n;
            return r;
        }
        if (row->spec == SPEC_MISSING && row->has_state && unit_state_is_nothing(&row->state))
            unit_state_done(&row->state);
        else
            n++;
    }
    *ret_n = n;
    return 0;
}

static int list(const Names *names, int instances_fd, sd_bus *bus) {
    _cleanup_free_ Row *rows = calloc(names->n + 1, sizeof(*rows));
    _cleanup_free_ Query *queries = calloc(names->n + 1, sizeof(*queries));
    size_t n = 0;
    int r = rows && queries ? fill_rows(rows, names, instances_fd, bus, &n) : -ENOMEM;
    int status = EXIT_FAILED;

    if (r >= 0)
        r = fill_info(rows, queries, n);
    if (r < 0)
        log_error("cannot list instances: %s", strerror(-r));
    else
        status = arg_json ? print_rows_json(rows, n) : print_table(rows, n);
    if (r >= 0 && n == 0 && !arg_json && !arg_quiet)
        log_notice("there are no instances");
    for (size_t i = 0; i < n; i++)
        unit_state_done(&rows[i].state);
    return status;
}

int verb_list(int n, char *operands[]) {
    _cleanup_close_ int instances_fd = open_instances(false);
    _cleanup_bus_ sd_bus *bus = NULL;
    _cleanup_names_ Names names = {0};
    int r = 0, status;

    (void)n;
    (void)operands;
    if (instances_fd >= 0)
        r = find_instances(instances_fd, &names);
    if (r < 0) {
        log_error("cannot look for instances in '%s/instances': %s", arg_root, strerror(-r));
        return EXIT_FAILED;
    }
    if (open_bus(&bus) && bus_loaded_instances(bus, add_name, &names) < 0)
        return EXIT_FAILED;
    names_sort(&names);
    status = list(&names, instances_fd, bus);
    return instances_fd < 0 && instances_fd != -ENOENT ? EXIT_FAILED : status;
}
