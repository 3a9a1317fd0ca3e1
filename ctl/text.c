/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "shared/macros.h"
#include "shared/text-stream.h"
#include "shared/utf8.h"

#define USEC_PER_SEC 1000000U

void text_write(FILE *f, const char *text) {
    size_t len = strlen(text);

    while (len > 0) {
        uint32_t c;
        unsigned n = utf8_decode(text, len, &c);

        if (n > 0 && !utf8_is_control(c)) {
            (void)fwrite(text, 1, n, f);
        } else {
            /* A control character of several bytes goes byte by byte: those that follow the first
             * stand alone, and are no UTF-8 then. */
            (void)fprintf(f, "\\x%02x", (unsigned char)text[0]);
            n = 1;
        }
        text += n;
        len -= n;
    }
}

json_t *text_json(const char *text) {
    _cleanup_text_stream_ TextStream copy = {0};
    size_t len;

    if (!text)
        return json_null();
    if (text_stream_open(&copy) < 0)
        return NULL;
    for (len = strlen(text); len > 0;) {
        uint32_t c;
        unsigned n = utf8_decode(text, len, &c);

        if (n > 0)
            (void)fwrite(text, 1, n, copy.file);
        else
            (void)fputs("\xef\xbf\xbd", copy.file);
        text += n > 0 ? n : 1;
        len -= n > 0 ? n : 1;
    }
    return text_stream_flush(&copy) == 0 ? json_stringn(copy.text, copy.len) : NULL;
}

const char *format_size(uint64_t bytes, char buf[static FORMAT_MAX]) {
    static const char units[] = "BKMGTPE";
    size_t unit = 0;
    uint64_t rest = 0;

    while (bytes >= 1024 && unit + 2 < sizeof(units)) {
        rest = bytes % 1024;
        bytes /= 1024;
        unit++;
    }
    if (unit > 0 && bytes < 10)
        (void)snprintf(buf, FORMAT_MAX, "%" PRIu64 ".%" PRIu64 "%c", bytes, rest * 10 / 1024,
                       units[unit]);
    else
        (void)snprintf(buf, FORMAT_MAX, "%" PRIu64 "%c", bytes, units[unit]);
    return buf;
}

const char *format_time(uint64_t usec, char buf[static FORMAT_MAX]) {
    const time_t seconds = (time_t)(usec / USEC_PER_SEC);
    struct tm tm;

    if (usec == 0 || !localtime_r(&seconds, &tm) ||
        strftime(buf, FORMAT_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        (void)snprintf(buf, FORMAT_MAX, "-");
    return buf;
}

const char *format_time_short(uint64_t usec, char buf[static FORMAT_MAX]) {
    const time_t seconds = (time_t)(usec / USEC_PER_SEC), now = time(NULL);
    struct tm tm, tm_now;
    bool today;

    if (usec == 0 || !localtime_r(&seconds, &tm) || !localtime_r(&now, &tm_now)) {
        (void)snprintf(buf, FORMAT_MAX, "-");
        return buf;
    }
    today = tm.tm_year == tm_now.tm_year && tm.tm_yday == tm_now.tm_yday;
    if (strftime(buf, FORMAT_MAX, today ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &tm) == 0)
        buf[0] = '\0';
    return buf;
}

json_t *time_json(uint64_t usec) {
    const time_t seconds = (time_t)(usec / USEC_PER_SEC);
    char date[FORMAT_MAX], buf[FORMAT_MAX + 16];
    struct tm tm;

    if (usec == 0 || !gmtime_r(&seconds, &tm) ||
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        return json_null();
    (void)snprintf(buf, sizeof(buf), "%s.%06uZ", date, (unsigned)(usec % USEC_PER_SEC));
    return json_string(buf);
}

json_t *number_json(uint64_t value) {
    return value == UINT64_MAX ? json_null() : json_integer((json_int_t)value);
}
