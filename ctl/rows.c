/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/rows.h"

#include <string.h>

#include "ctl/bus.h"
#include "ctl/servers.h"
#include "query/address.h"

static int add_name(void *userdata, const char *name) {
    return names_add(userdata, name);
}

/* ADDRESS is left alone where the spec does not tell it. */
static int fill_spec(Row *row, QueryAddress *address, int instances_fd, bool with_systemd) {
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
        (void)address_of_server(spec.args, spec.port, address, host);
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

static int fill_row(Rows *rows, const char *name, int instances_fd, sd_bus *bus) {
    Row *row = &rows->rows[rows->n];
    Query *query = &rows->queries[rows->n];
    int r;

    *row = (Row){.name = name, .reload = -1, .restart = -1};
    query->address.any.sa_family = AF_UNSPEC;
    r = fill_spec(row, &query->address, instances_fd, bus);
    if (r >= 0 && bus)
        r = fill_state(row, bus, instances_fd);
    if (r < 0)
        return r;
    if (row->spec == SPEC_MISSING && (!bus || unit_state_is_nothing(&row->state))) {
        unit_state_done(&row->state);
        return 0;
    }
    /* Another instance may have the port of one that does not run. */
    if (!row->has_state || !unit_state_is_running(&row->state))
        query->address.any.sa_family = AF_UNSPEC;
    if (query->address.any.sa_family != AF_UNSPEC)
        row->query = query;
    rows->n++;
    return 0;
}

static int find_names(Names *names, int instances_fd, sd_bus *bus, int n_only, char *only[]) {
    int r = 0;

    for (int i = 0; r >= 0 && i < n_only; i++)
        r = names_add(names, only[i]);
    if (n_only > 0)
        return r;
    if (instances_fd >= 0)
        r = find_instances(instances_fd, names);
    if (r >= 0 && bus)
        r = bus_loaded_instances(bus, add_name, names);
    if (r >= 0)
        names_sort(names);
    return r;
}

int rows_find(int instances_fd, sd_bus *bus, int n_names, char *names[], Rows *ret) {
    _cleanup_rows_ Rows rows = {0};
    int r = find_names(&rows.names, instances_fd, bus, n_names, names);

    if (r < 0)
        return r;
    rows.rows = calloc(rows.names.n + 1, sizeof(*rows.rows));
    rows.queries = calloc(rows.names.n + 1, sizeof(*rows.queries));
    if (!rows.rows || !rows.queries)
        return -ENOMEM;
    for (size_t i = 0; r >= 0 && i < rows.names.n; i++)
        r = fill_row(&rows, rows.names.names[i], instances_fd, bus);
    if (r < 0)
        return r;
    *ret = rows;
    rows = (Rows){0};
    return 0;
}

void rows_take_answers(Rows *rows) {
    for (size_t i = 0; i < rows->n; i++)
        if (rows->queries[i].outcome == QUERY_ANSWERED)
            rows->rows[i].info = &rows->queries[i].info;
}

int rows_ask(Rows *rows, uint64_t timeout_usec) {
    int r = servers_ask(rows->queries, rows->n, timeout_usec);

    if (r >= 0)
        rows_take_answers(rows);
    return r;
}

void rows_free(Rows *rows) {
    for (size_t i = 0; i < rows->n; i++)
        unit_state_done(&rows->rows[i].state);
    free(rows->rows);
    free(rows->queries);
    names_free(&rows->names);
    *rows = (Rows){0};
}

const char *rows_open_bus(sd_bus **ret) {
    return !root_is_of_units()       ? "another root is none of systemd's"
           : bus_open(ret, true) < 0 ? "systemd cannot be asked"
                                     : NULL;
}
