/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a spec is worth, and whether what left4me-generator made of it at the last daemon-reload is
 * still what it would make now. */

#include <limits.h>
#include <stdint.h>

#include "spec/spec.h"

typedef enum SpecState {
    SPEC_OK,
    SPEC_REFUSED,
    SPEC_MISSING,
    SPEC_UNREADABLE, /* we may not read it; root, and so the generator, may */
} SpecState;

/* "ok", "refused", "missing", "unreadable". */
const char *spec_state_name(SpecState state);

/* Loads and parses the spec of instance NAME; SPEC is of use only where it is SPEC_OK. Its faults
 * go to REPORT, as spec_parse() has it, but not those of the file itself: *RET_ERROR is then what
 * spec_load() returned, else 0. NULL for REPORT: to nobody. */
SpecState spec_inspect(int instances_fd, const char *name, Spec *spec, SpecReport report,
                       void *userdata, int *ret_error);

/* When the spec's file, or its place, was changed last, in microseconds since 1970; 0 where nobody
 * can tell. A file that is renamed into place keeps its time of modification, so that of its last
 * change of status counts. */
uint64_t spec_changed(int instances_fd, const char *name);

/* Where the drop-in of instance NAME is. */
void compiled_path(const char *name, char path[static PATH_MAX]);

/* Compares what the generator made for NAME, the drop-in and the link that has it started at boot,
 * with what it would make of SPEC (of a refused one: NULL). Returns 1 where both are the same, 0
 * where they are not, or a negative errno; -ENOENT where there is no drop-in. */
int compiled_agrees(const char *name, const Spec *spec);
