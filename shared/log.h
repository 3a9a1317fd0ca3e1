/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Messages of a program: one call is one record, written by one write(2).
 *
 * Levels are those of syslog(3). A record goes to standard error, with the "<N>" prefix of
 * sd-daemon(3) where standard error is the journal's and without one on a terminal; or to the
 * kernel log, as systemd.generator(7) asks of generators. Control characters are escaped, so that
 * no text, wherever it came from, can forge a record or move a terminal's cursor. */

#include <stdbool.h>
#include <syslog.h>

#include "shared/macros.h"

/* A record of the kernel log may not be longer than this, or it is refused whole (EINVAL): 1024
 * bytes now (measured on 6.18), and before 6.3 a prefix of up to 48 bytes less. */
#define LOG_KMSG_MAX 976

/* Call one of them once, before anything is logged. NAME is the program's and must stay valid. */
void log_open_stderr(const char *name);

/* The kernel log, /dev/kmsg; standard error where that cannot be opened. Also standard error when
 * that is a terminal: whoever runs a generator by hand looks there. */
void log_open_kmsg(const char *name);

/* The text is one line, without a newline at its end. Longer than a record may be, it is cut and
 * ends in "...". */
void log_msg(int level, const char *format, ...) _printf_(2, 3);

/* The same, without the program's name in front on standard error: for FILE:LINE:COLUMN: message,
 * and for a source line and the caret below it, which stay aligned so. */
void log_more(int level, const char *format, ...) _printf_(2, 3);

#define log_error(...) log_msg(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_msg(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_msg(LOG_NOTICE, __VA_ARGS__)
