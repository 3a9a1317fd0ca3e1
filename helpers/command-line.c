/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/command-line.h"

#include <getopt.h>
#include <stdio.h>

#include "shared/exit.h"
#include "shared/log.h"
#include "spec/names.h"

int command_line_parse(const CommandLine *line, int argc, char *argv[]) {
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    int c;

    log_open_stderr(line->program);
    opterr = 0;
    while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (c == 'h') {
            line->help();
            return EXIT_DONE;
        }
        if (c == 'v') {
            (void)printf("%s %s\n", line->program, PACKAGE_VERSION);
            return EXIT_DONE;
        }
        log_error("unknown option; see '%s --help'", line->program);
        return EXIT_USAGE;
    }
    if (argc - optind != line->n_operands) {
        log_error("%s is needed; see '%s --help'", line->operands, line->program);
        return EXIT_USAGE;
    }
    if (!instance_name_valid(argv[argc - 1])) {
        log_error("'%s' is no name for an instance: 1 to 64 of a-z A-Z 0-9 _ -, the first a letter "
                  "or digit",
                  argv[argc - 1]);
        return EXIT_USAGE;
    }
    return -1;
}
