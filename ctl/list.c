/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "left4mectl list": a row for each instance, of its unit, its spec, what the generator made of
 * that and, where it runs, what the server itself says. Without systemd to ask, what its files
 * tell. */

#include "config.h"

#include <libsmartcols.h>
#include <string.h>

#include "ctl/bus.h"
#include "ctl/ctl.h"
#include "ctl/rows.h"
#include "ctl/text.h"
#include "shared/exit.h"
#include "shared/log.h"

/* Servers on this host answer within a few milliseconds, but for one that loads a map. */
#define TIMEOUT_USEC 300000U

/* One word for all: what is worst first. */
static const char *spec_word(const Row *row) {
    if (row->spec != SPEC_OK)
        return spec_state_name(row->spec);
    if (row->reload > 0)
        return "changed since reload";
    return row->restart > 0 ? "needs restart" : "ok";
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

static int list(const Rows *rows) {
    if (arg_json)
        return print_rows_json(rows->rows, rows->n);
    if (rows->n == 0 && !arg_quiet)
        log_notice("there are no instances");
    return print_table(rows->rows, rows->n);
}

int verb_list(int n, char *operands[]) {
    _cleanup_close_ int instances_fd = open_instances(false);
    _cleanup_bus_ sd_bus *bus = NULL;
    _cleanup_rows_ Rows rows = {0};
    const char *why = rows_open_bus(&bus);
    int r, status;

    (void)n;
    (void)operands;
    if (why && !arg_quiet)
        log_notice("%s: no states of units are shown", why);
    r = rows_find(instances_fd, bus, 0, NULL, &rows);
    if (r >= 0)
        r = rows_ask(&rows, TIMEOUT_USEC);
    if (r < 0) {
        log_error("cannot list instances: %s", strerror(-r));
        return EXIT_FAILED;
    }
    status = list(&rows);
    return instances_fd < 0 && instances_fd != -ENOENT ? EXIT_FAILED : status;
}
