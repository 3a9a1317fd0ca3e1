/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Exit statuses of all programs; README and the man pages document them. */
enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* also: a check or a dry run found faults */
    EXIT_USAGE = 2,
    EXIT_CONFIGURATION = 78, /* EX_CONFIG of sysexits.h: spec, layers or port are at fault */
    EXIT_INTERRUPTED = 130,  /* by Ctrl-C */
};
