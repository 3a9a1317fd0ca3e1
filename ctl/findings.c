/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/findings.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "ctl/text.h"
#include "shared/log.h"

static void subject_done(Subject *subject) {
    for (size_t i = 0; i < subject->n; i++)
        free(subject->findings[i].message);
    free(subject->findings);
    free(subject->name);
    free(subject->file);
    free(subject->path);
}

void subjects_free(Subjects *subjects) {
    for (size_t i = 0; i < subjects->n; i++)
        subject_done(&subjects->subjects[i]);
    free(subjects->subjects);
    *subjects = (Subjects){0};
}

static int copy(const char *text, char **ret) {
    *ret = text ? strdup(text) : NULL;
    return text && !*ret ? -ENOMEM : 0;
}

int subjects_add(Subjects *subjects, const char *name, const char *file, const char *path) {
    Subject *grown = reallocarray(subjects->subjects, subjects->n + 1, sizeof(*grown));
    Subject *subject;

    if (!grown)
        return -ENOMEM;
    subjects->subjects = grown;
    subject = &grown[subjects->n++];
    *subject = (Subject){0};
    if (copy(name, &subject->name) < 0 || copy(file, &subject->file) < 0)
        return -ENOMEM;
    return copy(path, &subject->path);
}

bool subjects_have_name(const Subjects *subjects, const char *name) {
    for (size_t i = 0; i < subjects->n; i++)
        if (subjects->subjects[i].name && strcmp(subjects->subjects[i].name, name) == 0)
            return true;
    return false;
}

int subject_add(Subject *subject, int level, unsigned line, unsigned column, const char *message) {
    Finding *grown;
    char *text;

    if (level <= LOG_ERR)
        subject->errors++;
    else
        subject->warnings++;
    if (subject->silent)
        return 0;
    grown = reallocarray(subject->findings, subject->n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    subject->findings = grown;
    if (copy(message, &text) < 0)
        return -ENOMEM;
    grown[subject->n++] =
        (Finding){.level = level, .line = line, .column = column, .message = text};
    return 0;
}

int subject_report(Subject *subject, int level, const char *format, ...) {
    _cleanup_free_ char *message = NULL;
    va_list ap;
    int n;

    if (subject->silent)
        return 0;
    va_start(ap, format);
    n = vasprintf(&message, format, ap);
    va_end(ap);
    if (n < 0) {
        message = NULL;
        return -ENOMEM;
    }
    if (subject->name)
        log_msg(level, "instance %s: %s", subject->name, message);
    else
        log_msg(level, "%s: %s", subject->path, message);
    return subject_add(subject, level, 0, 0, message);
}

json_t *subject_findings_json(const Subject *subject) {
    json_t *array = json_array();

    for (size_t i = 0; array && i < subject->n; i++) {
        const Finding *f = &subject->findings[i];
        json_t *place =
            f->line > 0 ? json_pack("{s:i, s:i}", "line", (int)f->line, "column", (int)f->column)
                        : json_pack("{s:n, s:n}", "line", "column");
        json_t *finding =
            json_pack("{s:s, s:o}", "level", f->level <= LOG_ERR ? "error" : "warning", "message",
                      text_json(f->message));

        if (!place || json_object_update_new(place, finding) < 0 ||
            json_array_append_new(array, place) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}
