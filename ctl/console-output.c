/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Out of the journal. What a game prints is made by strangers: names, chat. */

#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "ctl/console.h"
#include "ctl/text.h"
#include "shared/log.h"
#include "shared/text-stream.h"

/* sd_journal_open() succeeds also where it finds nothing that it may read. */
static bool may_read_journal(void) {
    static const char *const directories[] = {"/var/log/journal", "/run/log/journal"};
    char id[SD_ID128_STRING_MAX], path[128];
    sd_id128_t machine;

    if (sd_id128_get_machine(&machine) < 0)
        return false;
    (void)sd_id128_to_string(machine, id);
    for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s/system.journal", directories[i], id);
        if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
            return true;
    }
    return false;
}

/* What the unit's processes print, and what systemd says of the unit. */
static int add_matches(Console *console) {
    char of_unit[32 + UNIT_NAME_MAX], about_unit[32 + UNIT_NAME_MAX];
    int r;

    (void)snprintf(of_unit, sizeof(of_unit), "_SYSTEMD_UNIT=%s", console->unit);
    (void)snprintf(about_unit, sizeof(about_unit), "UNIT=%s", console->unit);
    r = sd_journal_add_match(console->journal, of_unit, 0);
    if (r >= 0)
        r = sd_journal_add_match(console->journal, "_TRANSPORT=stdout", 0);
    if (r >= 0)
        r = sd_journal_add_disjunction(console->journal);
    if (r >= 0)
        r = sd_journal_add_match(console->journal, about_unit, 0);
    if (r >= 0)
        r = sd_journal_add_match(console->journal, "_PID=1", 0);
    return r;
}

/* So that sd_journal_next() finds the last BEFORE lines and all that come. */
static int seek(sd_journal *journal, unsigned before) {
    int r = sd_journal_seek_tail(journal);

    if (r >= 0)
        r = sd_journal_previous_skip(journal, (uint64_t)before + 1);
    /* Fewer than that: then from the first on, but for those that were not asked for. */
    if (r >= 0 && (unsigned)r < before + 1)
        r = before == 0 && r > 0 ? 0 : sd_journal_seek_head(journal);
    return r;
}

int console_follow(Console *console, unsigned before) {
    int r;

    if (!may_read_journal()) {
        log_notice("what %s answers is in the journal, which you may not read (it takes root, or "
                   "group systemd-journal or adm); lines are sent all the same",
                   console->name);
        return 0;
    }
    r = sd_journal_open(&console->journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
    if (r >= 0)
        r = add_matches(console);
    /* Has it watch for new entries, from before the first look on. */
    if (r >= 0)
        r = sd_journal_get_fd(console->journal);
    if (r >= 0)
        r = seek(console->journal, before);
    if (r < 0)
        log_error("cannot read the journal: %s", strerror(-r));
    return r;
}

int console_output_fd(const Console *console) {
    return console->journal ? sd_journal_get_fd(console->journal) : -EBADF;
}

/* The value of FIELD of the current entry; not terminated. */
static const char *get(sd_journal *journal, const char *field, size_t *ret_len) {
    const void *data;
    size_t len, skip = strlen(field) + 1;

    if (sd_journal_get_data(journal, field, &data, &len) < 0 || len < skip)
        return NULL;
    *ret_len = len - skip;
    return (const char *)data + skip;
}

/* The helpers that run before and after the game are not its console. */
static bool is_of_helper(sd_journal *journal) {
    static const char *const helpers[] = {"left4me-stage", "left4me-overlay"};
    size_t len;
    const char *identifier = get(journal, "SYSLOG_IDENTIFIER", &len);

    for (size_t i = 0; identifier && i < ELEMENTSOF(helpers); i++)
        if (len == strlen(helpers[i]) && memcmp(identifier, helpers[i], len) == 0)
            return true;
    return false;
}

/* Tables of "status" and of plugins have tabs in them, which no terminal minds. */
static char *make_harmless(const char *prefix, const char *message, size_t len) {
    _cleanup_free_ char *copy = strndup(message, len);
    _cleanup_text_stream_ TextStream text = {0};
    char *rest = copy, *part;

    if (!copy || text_stream_open(&text) < 0)
        return NULL;
    for (size_t end = strlen(copy); end > 0 && copy[end - 1] == '\r'; end--)
        copy[end - 1] = '\0';
    (void)fputs(prefix, text.file);
    while ((part = strsep(&rest, "\t"))) {
        text_write(text.file, part);
        if (rest)
            (void)fputc('\t', text.file);
    }
    return text_stream_flush(&text) < 0 ? NULL : TAKE_PTR(text.text);
}

static int advance(sd_journal *journal) {
    int r = sd_journal_next(journal);

    if (r != 0)
        return r;
    r = sd_journal_process(journal);
    return r < 0 || r == SD_JOURNAL_NOP ? r : sd_journal_next(journal);
}

int console_next(const Console *console, char **ret) {
    const char *message;
    size_t len;
    int r;

    if (!console->journal)
        return 0;
    while ((r = advance(console->journal)) > 0) {
        if (is_of_helper(console->journal))
            continue;
        message = get(console->journal, "MESSAGE", &len);
        if (!message)
            continue;
        /* PID 1's own lines come by no stream. */
        *ret = make_harmless(
            sd_journal_get_data(console->journal, "UNIT", &(const void *){NULL}, &(size_t){0}) >= 0
                ? "-- "
                : "",
            message, len);
        return *ret ? 1 : -ENOMEM;
    }
    return r;
}
