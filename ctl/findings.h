/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What "left4mectl check" finds wrong with an instance or a file: printed on standard error as it
 * is found, and kept for the summary. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/macros.h"
#include "spec/spec.h"

typedef struct Finding {
    int level;             /* LOG_ERR or LOG_WARNING */
    unsigned line, column; /* 0 where it is no place of the spec */
    char *message;
} Finding;

/* One that is checked. It has a name, or is a file, or is neither: what lies about in instances. */
typedef struct Subject {
    char *name;
    char *file;
    char *path;  /* of the spec, as messages name it */
    bool silent; /* nobody asked for it: only its ports count */
    uint16_t port;
    Finding *findings;
    size_t n;
    unsigned errors, warnings;
} Subject;

typedef struct Subjects {
    Subject *subjects;
    size_t n;
} Subjects;

/* Adds one; the texts are copied, NAME or FILE or both may be NULL. Returns 0 or -ENOMEM. */
int subjects_add(Subjects *subjects, const char *name, const char *file, const char *path);

bool subjects_have_name(const Subjects *subjects, const char *name);

void subjects_free(Subjects *subjects);
#define _cleanup_subjects_ _cleanup_(subjects_free)

/* Keeps a finding without printing it. What is found of a silent subject is dropped. Returns 0 or
 * -ENOMEM. */
int subject_add(Subject *subject, int level, unsigned line, unsigned column, const char *message);

/* Prints what the host has to say of the subject, behind its name, and keeps it. */
int subject_report(Subject *subject, int level, const char *format, ...) _printf_(3, 4);

/* The array of all findings; NULL where memory is gone. */
json_t *subject_findings_json(const Subject *subject);
