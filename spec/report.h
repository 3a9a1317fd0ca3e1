/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the programs print the faults of a spec: by shared/log.h, "FILE:LINE:COLUMN: message", and
 * below it what of the source line may be shown, with a caret. */

#include <stdbool.h>
#include <stdio.h>

#include "spec/spec.h"

typedef struct SpecLog {
    const char *path; /* of the spec, as messages name it */
    unsigned most;    /* print no more than so many; 0 is all */
    bool source;      /* show source lines */
    unsigned count;   /* how many there were */
} SpecLog;

/* A SpecReport whose userdata is a SpecLog. */
void spec_log_fault(void *userdata, const SpecFault *fault);

/* Says how many were not printed, if any. */
void spec_log_rest(const SpecLog *log);

/* Writes the value of L4D2_LOWERDIRS: the overlays in their order, the installation last, each an
 * absolute path, separated by colons. WRITE puts text into F, escaped for what F is to become. */
void spec_write_lowerdirs(FILE *f, const Spec *spec, const char *root,
                          void (*write)(FILE *f, const char *text));
