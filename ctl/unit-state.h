/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemd knows of an instance's unit, by one call of org.freedesktop.DBus.Properties. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <systemd/sd-bus.h>

#include "shared/macros.h"

typedef struct UnitState {
    /* systemd's own words, org.freedesktop.systemd1(5); the file's is "" where it has none. */
    char load[32], active[32], sub[32], result[32], file[32];
    uint32_t main_pid; /* 0 without one */
    uint32_t restarts;
    uint64_t memory; /* bytes, or UINT64_MAX */
    uint64_t cpu;    /* nanoseconds since it was started last, or UINT64_MAX */
    /* Microseconds since 1970, or 0. */
    uint64_t inactive_exit, active_enter, active_exit, inactive_enter;
    char *environment; /* L4D2_*= of it, each with its NUL, and another one at the end */
    size_t environment_len;
} UnitState;

/* A unit that is not loaded is loaded for the occasion. Returns 0 or a negative errno; nothing is
 * printed. */
int unit_state_get(sd_bus *bus, const char *unit, UnitState *ret);

void unit_state_done(UnitState *state);
#define _cleanup_unit_state_ _cleanup_(unit_state_done)

/* Whether there is a server to ask. */
bool unit_state_is_running(const UnitState *state);

/* Since when it is what it is; 0 where it never was anything else. */
uint64_t unit_state_since(const UnitState *state);

/* Whether there is anything about it: a unit that is only looked at is loaded too. */
bool unit_state_is_nothing(const UnitState *state);

/* "active", "failed (start-limit)", "activating (auto-restart)". */
void unit_state_describe(const UnitState *state, char *buf, size_t size);

/* "enabled", "spec", "masked" or "no": what starts it at the next boot. */
const char *unit_state_at_boot(const UnitState *state, bool autostart);

/* Whether the unit runs with something else than what a start would give it now: the spec was
 * CHANGED (microseconds since 1970) after it was started, or a daemon-reload brought another port,
 * other arguments or layers. */
bool unit_state_needs_restart(const UnitState *state, uint64_t changed);
