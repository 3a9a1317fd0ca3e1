/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs of left4mectl share: the command line, what is printed, the instances' files. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "shared/macros.h"
#include "spec/names.h"
#include "spec/spec.h"

/* "left4me-server@NAME.service" and its end. */
#define UNIT_NAME_MAX (sizeof("left4me-server@.service") + INSTANCE_NAME_MAX)

/* The command line, as it was given. */
extern const char *arg_root;
extern bool arg_json, arg_quiet, arg_yes, arg_no_reload, arg_no_block, arg_no_headings;
extern bool arg_once, arg_start, arg_replace, arg_size;
extern const char *arg_interval, *arg_iterations, *arg_output; /* NULL: not given */

/* Whether <root> is the one that the units know: without it there is nothing to ask of systemd. */
bool root_is_of_units(void);

/* A verb gets its operands, of which there are as many as its row in the table asks for, and
 * returns an exit status. */
typedef int (*VerbFunction)(int n, char *operands[]);

int verb_check(int n, char *operands[]);
int verb_console(int n, char *operands[]);
int verb_create(int n, char *operands[]);
int verb_delete(int n, char *operands[]);
int verb_edit(int n, char *operands[]);
int verb_list(int n, char *operands[]);
int verb_logs(int n, char *operands[]);
int verb_metrics(int n, char *operands[]);
int verb_query(int n, char *operands[]);
int verb_reset(int n, char *operands[]);
int verb_restart(int n, char *operands[]);
int verb_show(int n, char *operands[]);
int verb_start(int n, char *operands[]);
int verb_status(int n, char *operands[]);
int verb_stop(int n, char *operands[]);
int verb_top(int n, char *operands[]);

/* --- What is printed ------------------------------------------------------------------------ */

/* What is about to be done, on standard output; nothing with --quiet or --json. */
void say_step(const char *format, ...) _printf_(1, 2);

/* The outcome for instance NAME, a sentence: likewise on standard output, or, where it FAILED, on
 * standard error whatever the options are. With --json it goes into the object that
 * print_outcomes() prints. RESULT is a word for programs: "done", "failed", "unchanged", ... */
void say_outcome(const char *name, bool failed, const char *result, const char *format, ...)
    _printf_(4, 5);

/* A line that belongs to the last outcome, which failed: on standard error, and into its "log". */
void say_outcome_line(const char *format, ...) _printf_(1, 2);

/* With --json: prints the object of a verb that acts: {"verb": ..., "instances": [{"name",
 * "result", "message", "log"}...]}. Returns STATUS, or EXIT_FAILED where that could not be written.
 */
int print_outcomes(const char *verb, int status);

/* Prints JSON, an object or an array, on standard output, and releases it. Returns EXIT_DONE, or
 * EXIT_FAILED once it was said that it could not be written, or that there was no memory for it
 * (JSON is NULL). */
int print_json(json_t *json);

/* Asks on the terminal, if there is one and --yes was not given. True where there is nothing to ask
 * for or the answer begins with y; DEFAULT_YES says what an empty answer is. */
bool ask(bool default_yes, const char *format, ...) _printf_(2, 3);

#define _cleanup_json_ _cleanup_(json_decrefp)

/* --- Instances ------------------------------------------------------------------------------ */

/* Whether NAME may be an instance's; says so where not. */
bool check_name(const char *name);

void unit_name(const char *name, char unit[static UNIT_NAME_MAX]);

/* Opens <root>/instances for reading. Returns a descriptor or, once it was said why not, a negative
 * errno; -ENOENT, where there is no such directory, is said only if REQUIRED. */
int open_instances(bool required);

/* Reads the spec of NAME into TEXT, of SPEC_SIZE_MAX bytes; as spec_load(), nothing is said. */
int read_spec(int instances_fd, const char *name, char *text, size_t *ret_len);

/* Parses it, and prints its faults on standard error. LEN bytes of TEXT are changed (see
 * spec_parse()); PATH is how messages name it. Returns as spec_parse(). */
int parse_spec(Spec *spec, char *text, size_t len, const char *path);

/* All directories of <root>/instances that hold a spec.yaml and whose names may be an instance's,
 * in the order of their names. To be released by names_free(). Returns 0 or a negative errno. */
typedef struct Names {
    char **names;
    size_t n;
} Names;
int find_instances(int instances_fd, Names *ret);

/* Adds NAME, unless it is there. Returns 0 or -ENOMEM. */
int names_add(Names *names, const char *name);
void names_sort(Names *names);
void names_free(Names *names);
#define _cleanup_names_ _cleanup_(names_free)
