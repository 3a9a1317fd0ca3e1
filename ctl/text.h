/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values in the form in which they are printed: text that may be hostile, sizes, times. */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Longer than any text of the functions below that take such a buffer. */
#define FORMAT_MAX 40

/* Writes TEXT to F, control characters and what is no UTF-8 as \xNN: a file's name can hold
 * anything, and must not move a cursor or forge a line. */
void text_write(FILE *f, const char *text);

/* TEXT as a JSON string, with U+FFFD for each byte that is no UTF-8, which JSON cannot hold. NULL
 * for NULL gives null. NULL where memory is gone. */
json_t *text_json(const char *text);

/* "812K", "1.4G": bytes by powers of 1024. */
const char *format_size(uint64_t bytes, char buf[static FORMAT_MAX]);

/* "2025-11-24 22:34:10", in local time, for microseconds since 1970; "-" for 0. */
const char *format_time(uint64_t usec, char buf[static FORMAT_MAX]);

/* The same for a narrow place: the time of day alone where it was today, else without seconds. */
const char *format_time_short(uint64_t usec, char buf[static FORMAT_MAX]);

/* "2025-11-24T21:34:10.123456Z", for programs; null for 0. */
json_t *time_json(uint64_t usec);

/* An integer, or null where VALUE is UINT64_MAX, which is systemd's way to say that it has none. */
json_t *number_json(uint64_t value);
