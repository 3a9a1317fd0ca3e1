/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* When a server counts as started and when as hung: three keys of a spec, which travel in the
 * drop-in as L4D2_READY, L4D2_READY_TIMEOUT and L4D2_WATCHDOG, and by which left4me-run goes. What
 * a spec does not say is not in its drop-in either; left4me-run takes the defaults then. */

#include <stdint.h>

#define TIMING_READY_TIMEOUT_DEFAULT "5min"
#define TIMING_WATCHDOG_DEFAULT "90s"

#define TIMING_TEXT_MAX 32 /* bytes of a value in the drop-in */

typedef enum TimingReady {
    TIMING_READY_UNSET,
    TIMING_READY_QUERY,   /* once it answers */
    TIMING_READY_STARTED, /* once it runs */
} TimingReady;

#define TIMING_OFF UINT64_MAX

/* 0: the spec does not say. */
typedef struct Timing {
    TimingReady ready;
    uint64_t ready_timeout; /* microseconds */
    uint64_t watchdog;      /* likewise, or TIMING_OFF */
} Timing;

/* The rows of a table of the three. PARSE takes the text of a spec or of the environment and sets
 * its member of RET; it returns 0, or -EINVAL where the text is none that EXPECTED describes.
 * FORMAT writes the canonical text, which PARSE takes again, or returns NULL for what is not set.
 */
typedef struct TimingField {
    const char *key;      /* in the spec */
    const char *variable; /* in the environment */
    const char *expected;
    int (*parse)(const char *text, Timing *ret);
    const char *(*format)(const Timing *timing, char text[static TIMING_TEXT_MAX]);
} TimingField;

#define TIMING_FIELDS 3
extern const TimingField timing_fields[TIMING_FIELDS];

/* A time span as systemd.time(7) has it, "90", "90s", "1min 30s", "1.5h", in microseconds; without
 * months and years, whose length nobody means here. Returns 0, -EINVAL for what is none, -ERANGE
 * for one that does not fit. */
int timespan_parse(const char *text, uint64_t *ret_usec);
