/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/inject/unit-reader.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX 16

typedef struct Setting {
    const char *section, *key;
    char *value;
} Setting;

typedef struct Unit {
    char *text; /* all strings are parts of it */
    Setting settings[SETTINGS_MAX];
    size_t n;
} Unit;

static bool is_white(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void *allocate(size_t size) {
    void *p = calloc(1, size);

    if (!p)
        abort();
    return p;
}

/* --- Lines and settings --------------------------------------------------------------------- */

static char *strip(char *s) {
    char *end;

    while (is_white(*s))
        s++;
    end = s + strlen(s);
    while (end > s && is_white(end[-1]))
        end--;
    *end = '\0';
    return s;
}

/* A line goes on where it ends in a backslash that is not itself behind one. */
static bool goes_on(const char *s) {
    bool escaped = false;

    for (; *s != '\0'; s++)
        escaped = !escaped && *s == '\\';
    return escaped;
}

/* Takes one whole line from the text, whose END is that of the last: systemd ends a line at CR and
 * NUL too. */
static char *next_line(char **rest, const char *end) {
    char *line = *rest, *p = line;

    if (line >= end)
        return NULL;
    while (p < end && *p != '\n' && *p != '\r' && *p != '\0')
        p++;
    *p = '\0';
    *rest = p + 1;
    return line;
}

static const char *add_setting(Unit *unit, const char *section, char *line) {
    char *equals = strchr(line, '=');

    if (!section)
        return "a setting in front of any section";
    if (!equals)
        return "a line that is no setting";
    if (unit->n == SETTINGS_MAX)
        return "too many settings";
    *equals = '\0';
    unit->settings[unit->n++] =
        (Setting){.section = section, .key = strip(line), .value = strip(equals + 1)};
    return NULL;
}

static const char *read_unit(Unit *unit, const char *data, size_t len) {
    const char *section = NULL, *fault = NULL;
    char *rest, *line;

    unit->text = allocate(len + 1);
    memcpy(unit->text, data, len);
    rest = unit->text;
    while (!fault && (line = next_line(&rest, unit->text + len))) {
        size_t n;

        line = strip(line);
        if (*line == '\0' || *line == '#' || *line == ';')
            continue;
        /* The contract has no setting of several lines: no value may make one. */
        if (goes_on(line))
            return "a line that goes on in the next";
        n = strlen(line);
        if (*line != '[')
            fault = add_setting(unit, section, line);
        else if (line[n - 1] != ']')
            fault = "a section without its end";
        else {
            line[n - 1] = '\0';
            section = line + 1;
        }
    }
    return fault;
}

/* --- Values --------------------------------------------------------------------------------- */

/* Expands "%%" in place; every other specifier would bring in what no spec says. */
static const char *expand(char *s) {
    char *to = s;

    for (; *s != '\0'; s++) {
        if (*s == '%' && *++s != '%')
            return "a specifier";
        *to++ = *s;
    }
    *to = '\0';
    return NULL;
}

static int hex_digits(const char *s, unsigned n, uint32_t *ret) {
    *ret = 0;
    for (unsigned i = 0; i < n; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit;

        if (s[i] == '\0' || !(digit = strchr(digits, s[i] | 0x20)))
            return -1;
        *ret = *ret << 4 | (uint32_t)(digit - digits);
    }
    return 0;
}

/* The C-style escapes of systemd.syntax(7), of which only those of one byte can be ours. */
static const char *unescape(const char **s, char *ret) {
    static const char letters[] = "abfnrtv\\\"'s", bytes[] = "\a\b\f\n\r\t\v\\\"' ";
    const char *letter;
    uint32_t c;

    if (**s != '\0' && (letter = strchr(letters, **s))) {
        *ret = bytes[letter - letters];
        *s += 1;
        return NULL;
    }
    if (**s == 'x' && hex_digits(*s + 1, 2, &c) == 0 && c != 0) {
        *ret = (char)c;
        *s += 3;
        return NULL;
    }
    return "an escape that is none, or not ours";
}

/* Takes the one assignment that Environment= holds, unquoted and unescaped, from VALUE in place. */
static const char *read_assignment(char *value) {
    const char *s = value, *fault;
    char *to = value;
    char quote = '\0';

    for (; *s != '\0' && (quote != '\0' || !is_white(*s));) {
        if (*s == '\\') {
            s++;
            fault = unescape(&s, to++);
            if (fault)
                return fault;
        } else if (quote == '\0' && (*s == '"' || *s == '\''))
            quote = *s++;
        else if (quote != '\0' && *s == quote) {
            quote = '\0';
            s++;
        } else
            *to++ = *s++;
    }
    if (quote != '\0')
        return "an open quote in Environment=";
    if (*s != '\0')
        return "a second word in Environment=";
    *to = '\0';
    return expand(value);
}

/* --- The contract --------------------------------------------------------------------------- */

static const char *expect_setting(const Unit *unit, size_t i, const char *section,
                                  const char *key) {
    if (i >= unit->n)
        return "a setting is missing";
    if (strcmp(unit->settings[i].section, section) != 0)
        return "a section that is not the contract's";
    if (strcmp(unit->settings[i].key, key) != 0)
        return "a key that is not the contract's";
    return NULL;
}

static const char *expect_plain(const Unit *unit, size_t i, const char *section, const char *key,
                                const char *text) {
    const char *fault = expect_setting(unit, i, section, key);

    if (!fault)
        fault = expand(unit->settings[i].value);
    if (!fault && strcmp(unit->settings[i].value, text) != 0)
        fault = "a text that is not the spec's";
    return fault;
}

/* The value of the variable NAME, which is all that the setting holds. */
static const char *read_variable(const Unit *unit, size_t i, const char *name, const char **ret) {
    const char *fault = expect_setting(unit, i, "Service", "Environment");
    size_t n = strlen(name);

    if (!fault)
        fault = read_assignment(unit->settings[i].value);
    if (fault)
        return fault;
    if (strncmp(unit->settings[i].value, name, n) != 0 || unit->settings[i].value[n] != '=')
        return "a variable that is not the contract's";
    *ret = unit->settings[i].value + n + 1;
    return NULL;
}

static const char *expect_variable(const Unit *unit, size_t i, const char *name, const char *text) {
    const char *value, *fault = read_variable(unit, i, name, &value);

    if (!fault && strcmp(value, text) != 0)
        fault = "a variable whose text is not the spec's";
    return fault;
}

/* A time by systemd.time(7), in microseconds. Of what is accepted, it is one. */
static long double microseconds(const char *s) {
    static const struct {
        const char *names;
        long double usec;
    } units[] = {
        {"|us|usec|\xc2\xb5s|\xce\xbcs|", 1}, {"|ms|msec|", 1e3L},
        {"||s|sec|second|seconds|", 1e6L},    {"|m|min|minute|minutes|", 60e6L},
        {"|h|hr|hour|hours|", 3600e6L},       {"|d|day|days|", 86400e6L},
        {"|w|week|weeks|", 604800e6L},
    };
    long double sum = 0;

    while (*s != '\0') {
        char unit[64], *end;
        long double number;
        size_t n;

        while (is_white(*s))
            s++;
        if (*s == '\0')
            break;
        number = strtold(s, &end);
        if (end == s)
            return -1;
        for (s = end; is_white(*s);)
            s++;
        n = strcspn(s, " \t.0123456789");
        (void)snprintf(unit, sizeof(unit), "|%.*s|", (int)n, s);
        s += n;
        for (n = 0; !strstr(units[n].names, unit);)
            if (++n == sizeof(units) / sizeof(*units))
                return -1;
        sum += number * units[n].usec;
    }
    return sum;
}

/* Digits and "s" or "us", or "off". Each fraction may have lost a microsecond. */
static const char *expect_time(const Unit *unit, size_t i, const char *name, const char *text) {
    const char *value, *fault = read_variable(unit, i, name, &value);
    long double difference;
    size_t digits;

    if (fault)
        return fault;
    if (strcmp(text, "off") == 0)
        return strcmp(value, "off") == 0 ? NULL : "a time that is not off";
    digits = strspn(value, "0123456789");
    if (digits == 0 || (strcmp(value + digits, "s") != 0 && strcmp(value + digits, "us") != 0))
        return "a time that is none";
    difference = microseconds(value) - microseconds(text);
    return difference > -100 && difference < 100 ? NULL : "a time that is not the spec's";
}

static const char *expect_timing(const Unit *unit, size_t *i, const DropinText *spec) {
    const char *fault = NULL;

    if (spec->ready)
        fault = expect_variable(unit, (*i)++, "L4D2_READY", spec->ready);
    if (!fault && spec->ready_timeout)
        fault = expect_time(unit, (*i)++, "L4D2_READY_TIMEOUT", spec->ready_timeout);
    if (!fault && spec->watchdog)
        fault = expect_time(unit, (*i)++, "L4D2_WATCHDOG", spec->watchdog);
    return fault;
}

/* A setting's text has no blanks at its ends. */
static const char *expect_description(const Unit *unit, size_t i, const char *description) {
    char *copy = strdup(description);
    const char *fault;

    if (!copy)
        abort();
    fault = expect_plain(unit, i, "Unit", "Description", strip(copy));
    free(copy);
    return fault;
}

static const char *compare(const Unit *unit, const char *source_path, const DropinText *spec) {
    const char *fault = NULL;
    char port[16];
    size_t i = 0;

    if (spec && spec->description)
        fault = expect_description(unit, i++, spec->description);
    if (!fault)
        fault = expect_plain(unit, i++, "Unit", "SourcePath", source_path);
    if (!fault && !spec)
        fault = expect_plain(unit, i++, "Service", "Restart", "no");
    if (!fault && spec) {
        (void)snprintf(port, sizeof(port), "%u", spec->port);
        fault = expect_variable(unit, i++, "L4D2_PORT", port);
        if (!fault)
            fault = expect_variable(unit, i++, "L4D2_ARGS", spec->args);
        if (!fault)
            fault = expect_variable(unit, i++, "L4D2_LOWERDIRS", spec->lowerdirs);
        if (!fault)
            fault = expect_timing(unit, &i, spec);
    }
    if (!fault && i < unit->n)
        fault = "a setting more than the contract's";
    return fault;
}

const char *unit_reader_fault(const char *data, size_t len, const char *source_path,
                              const DropinText *spec) {
    Unit unit = {0};
    const char *fault = read_unit(&unit, data, len);

    if (!fault)
        fault = compare(&unit, source_path, spec);
    free(unit.text);
    return fault;
}

/* --- Words ---------------------------------------------------------------------------------- */

char *unit_reader_words(const char *text, size_t *ret_n, size_t *ret_len) {
    enum { BETWEEN, BARE, SINGLE, DOUBLE } state = BETWEEN;
    char *words = allocate(2 * strlen(text) + 2);
    size_t n = 0, len = 0;

    for (;; text++) {
        if (*text == '\0' || (state <= BARE && is_white(*text))) {
            if (state > BARE)
                break;
            if (state == BARE) {
                words[len++] = '\0';
                n++;
            }
            state = BETWEEN;
            if (*text != '\0')
                continue;
            *ret_n = n;
            *ret_len = len;
            return words;
        }
        if (state == BETWEEN)
            state = BARE;
        if (*text == '\\') {
            if (*++text == '\0')
                break;
            words[len++] = *text;
        } else if (*text == '"' && state != SINGLE)
            state = state == DOUBLE ? BARE : DOUBLE;
        else if (*text == '\'' && state != DOUBLE)
            state = state == SINGLE ? BARE : SINGLE;
        else
            words[len++] = *text;
    }
    free(words);
    return NULL;
}
