/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/report.h"

#include <string.h>

#include "shared/log.h"

#define SHOWN_MAX 160

/* Fills BUF with a blank for each character of the source line in front of the fault. (A line with
 * a tab is not shown at all: it would be escaped in the log, and the caret be off.) */
static void caret_lead(const SpecFault *fault, char *buf, size_t size) {
    size_t n = 0, column = 1;

    for (size_t i = 0; i < fault->source_len && column < fault->column && n + 1 < size; i++) {
        if (((unsigned char)fault->source[i] & 0xc0) == 0x80)
            continue;
        buf[n++] = ' ';
        column++;
    }
    buf[n] = '\0';
}

void spec_log_fault(void *userdata, const SpecFault *fault) {
    char lead[SHOWN_MAX + 1];
    SpecLog *log = userdata;

    log->count++;
    if (log->most > 0 && log->count > log->most)
        return;
    /* Without the program's name in front, as editors and other tools expect of this form. */
    log_more(fault->level, "%s:%u:%u: %s%s", log->path, fault->line, fault->column,
             fault->level > LOG_ERR ? "warning: " : "", fault->message);
    if (!log->source || !fault->source || fault->source_len > SHOWN_MAX ||
        memchr(fault->source, '\t', fault->source_len))
        return;
    caret_lead(fault, lead, sizeof(lead));
    log_more(fault->level, "  %.*s", (int)fault->source_len, fault->source);
    log_more(fault->level, "  %s^", lead);
}

void spec_log_rest(const SpecLog *log) {
    if (log->most > 0 && log->count > log->most)
        log_error("%s: and %u more; 'left4me-generator --dry-run' shows all", log->path,
                  log->count - log->most);
}

void spec_write_lowerdirs(FILE *f, const Spec *spec, const char *root,
                          void (*write)(FILE *f, const char *text)) {
    for (size_t i = 0; i < spec->n_overlays; i++) {
        write(f, root);
        write(f, "/overlays/");
        write(f, spec->overlays[i].path);
        write(f, ":");
    }
    write(f, root);
    write(f, "/installation");
}
