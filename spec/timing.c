/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/timing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/macros.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_DAY (24 * 60 * 60 * USEC_PER_SEC)

/* A game that is asked every second cannot be told to be hung sooner than after a few of them. */
#define READY_TIMEOUT_MIN USEC_PER_SEC
#define WATCHDOG_MIN (3 * USEC_PER_SEC)

/* --- Time spans ----------------------------------------------------------------------------- */

static uint64_t unit_usec(const char *unit, size_t len) {
    static const struct {
        const char *names; /* each with a blank before and behind it */
        uint64_t usec;
    } units[] = {
        {" us usec \xc2\xb5s \xce\xbcs ", 1},
        {" ms msec ", 1000},
        {" s sec second seconds ", USEC_PER_SEC},
        {" m min minute minutes ", 60 * USEC_PER_SEC},
        {" h hr hour hours ", 60 * 60 * USEC_PER_SEC},
        {" d day days ", USEC_PER_DAY},
        {" w week weeks ", 7 * USEC_PER_DAY},
    };
    char name[12];

    if (len == 0)
        return USEC_PER_SEC;
    if (len + 2 >= sizeof(name))
        return 0;
    (void)snprintf(name, sizeof(name), " %.*s ", (int)len, unit);
    for (size_t i = 0; i < ELEMENTSOF(units); i++)
        if (strstr(units[i].names, name))
            return units[i].usec;
    return 0;
}

/* A decimal number: digits, with at most one point among or before them. How many stand before it
 * goes to *RET_WHOLE; returns how long the number is, 0 where there is none. */
static size_t number_len(const char *s, size_t *ret_whole) {
    static const char digits[] = "0123456789";
    const size_t whole = strspn(s, digits);
    size_t fraction;

    *ret_whole = whole;
    if (s[whole] != '.')
        return whole;
    fraction = strspn(s + whole + 1, digits);
    /* Neither "1." nor "1.5.5", which could be read as two numbers, is one to systemd. */
    if (fraction == 0 || s[whole + 1 + fraction] == '.')
        return 0;
    return whole + 1 + fraction;
}

/* The number's LEN characters, of which WHOLE stand before the point, times UNIT. */
static int multiply(const char *s, size_t whole, size_t len, uint64_t unit, uint64_t *ret) {
    uint64_t usec = 0;

    for (size_t i = 0; i < whole; i++)
        if (__builtin_mul_overflow(usec, UINT64_C(10), &usec) ||
            __builtin_add_overflow(usec, (uint64_t)(s[i] - '0') * unit, &usec))
            return -ERANGE;
    for (size_t i = whole + 1; i < len; i++) {
        unit /= 10;
        if (__builtin_add_overflow(usec, (uint64_t)(s[i] - '0') * unit, &usec))
            return -ERANGE;
    }
    *ret = usec;
    return 0;
}

int timespan_parse(const char *text, uint64_t *ret_usec) {
    static const char blanks[] = " \t";
    uint64_t sum = 0;

    text += strspn(text, blanks);
    if (*text == '\0')
        return -EINVAL;
    while (*text != '\0') {
        uint64_t unit, usec;
        size_t whole, unit_len;
        const size_t len = number_len(text, &whole);
        const char *number = text;

        if (len == 0)
            return -EINVAL;
        text += len;
        text += strspn(text, blanks);
        unit_len = strcspn(text, "0123456789. \t");
        unit = unit_usec(text, unit_len);
        if (unit == 0)
            return -EINVAL;
        if (multiply(number, whole, len, unit, &usec) < 0 ||
            __builtin_add_overflow(sum, usec, &sum))
            return -ERANGE;
        text += unit_len;
        text += strspn(text, blanks);
    }
    *ret_usec = sum;
    return 0;
}

/* --- The keys ------------------------------------------------------------------------------- */

static int parse_span(const char *text, uint64_t least, uint64_t *ret) {
    uint64_t usec;

    if (timespan_parse(text, &usec) < 0 || usec < least || usec > USEC_PER_DAY)
        return -EINVAL;
    *ret = usec;
    return 0;
}

static const char *format_span(uint64_t usec, char text[static TIMING_TEXT_MAX]) {
    if (usec == 0)
        return NULL;
    if (usec == TIMING_OFF)
        return "off";
    if (usec % USEC_PER_SEC == 0)
        (void)snprintf(text, TIMING_TEXT_MAX, "%" PRIu64 "s", usec / USEC_PER_SEC);
    else
        (void)snprintf(text, TIMING_TEXT_MAX, "%" PRIu64 "us", usec);
    return text;
}

static int parse_ready(const char *text, Timing *ret) {
    if (strcmp(text, "query") == 0)
        ret->ready = TIMING_READY_QUERY;
    else if (strcmp(text, "started") == 0)
        ret->ready = TIMING_READY_STARTED;
    else
        return -EINVAL;
    return 0;
}

static const char *format_ready(const Timing *t, char text[static TIMING_TEXT_MAX]) {
    (void)text;
    return t->ready == TIMING_READY_QUERY     ? "query"
           : t->ready == TIMING_READY_STARTED ? "started"
                                              : NULL;
}

static int parse_ready_timeout(const char *text, Timing *ret) {
    return parse_span(text, READY_TIMEOUT_MIN, &ret->ready_timeout);
}

static const char *format_ready_timeout(const Timing *t, char text[static TIMING_TEXT_MAX]) {
    return format_span(t->ready_timeout, text);
}

static int parse_watchdog(const char *text, Timing *ret) {
    if (strcmp(text, "off") == 0) {
        ret->watchdog = TIMING_OFF;
        return 0;
    }
    return parse_span(text, WATCHDOG_MIN, &ret->watchdog);
}

static const char *format_watchdog(const Timing *t, char text[static TIMING_TEXT_MAX]) {
    return format_span(t->watchdog, text);
}

const TimingField timing_fields[TIMING_FIELDS] = {
    {"ready", "L4D2_READY", "'query' or 'started'", parse_ready, format_ready},
    {"ready_timeout", "L4D2_READY_TIMEOUT", "a time from 1s to 1d, such as '5min'",
     parse_ready_timeout, format_ready_timeout},
    {"watchdog", "L4D2_WATCHDOG", "a time from 3s to 1d, such as '90s', or 'off'", parse_watchdog,
     format_watchdog},
};
