/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All that is known of instances: of an instance's spec, of what the generator made of it, of its
 * unit and, where that runs, what the server itself says. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "ctl/compiled.h"
#include "ctl/ctl.h"
#include "ctl/unit-state.h"
#include "query/client.h"

typedef struct Row {
    const char *name;
    SpecState spec;
    uint16_t port; /* 0 where the spec does not tell */
    bool autostart;
    int reload, restart; /* whether one is needed; negative: unknown */
    bool has_state;
    UnitState state;
    const Query *query;  /* NULL where nobody is asked: it does not run, or not where is known */
    const A2sInfo *info; /* NULL where it did not answer */
} Row;

typedef struct Rows {
    Row *rows;
    size_t n;
    Query *queries; /* one for each row; the address of those that are not asked is AF_UNSPEC */
    Names names;
} Rows;

/* Connects to systemd, if it is what runs the instances of this root. Returns NULL, or why not. */
const char *rows_open_bus(sd_bus **ret);

/* Looks at the instances named, or at all: those that have a spec in INSTANCES_FD, which may be a
 * negative errno, and those whose unit is something. Without BUS, there are no states of units.
 * Nothing is printed. Returns 0 or a negative errno. */
int rows_find(int instances_fd, sd_bus *bus, int n_names, char *names[], Rows *ret);

/* Takes what came of the queries. */
void rows_take_answers(Rows *rows);

/* Asks those that run, side by side, and takes their answers. Returns 0 or -ENOMEM. */
int rows_ask(Rows *rows, uint64_t timeout_usec);

void rows_free(Rows *rows);
#define _cleanup_rows_ _cleanup_(rows_free)
