/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "left4mectl check": every fault of specs, as the generator would report it, and what only the
 * host can tell. It asks nobody but the file system. */

#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/ctl.h"
#include "ctl/findings.h"
#include "ctl/host.h"
#include "ctl/port-uses.h"
#include "ctl/text.h"
#include "shared/exit.h"
#include "shared/fd.h"
#include "shared/log.h"
#include "spec/report.h"

typedef struct Check {
    int instances_fd;
    Subjects subjects;
    PortUses uses;
    Spec spec;
    char text[SPEC_SIZE_MAX + 1];
} Check;

/* --- A spec --------------------------------------------------------------------------------- */

typedef struct FaultSink {
    SpecLog log;
    Subject *subject;
    int error;
} FaultSink;

static void take_fault(void *userdata, const SpecFault *fault) {
    FaultSink *sink = userdata;
    int r;

    if (!sink->subject->silent)
        spec_log_fault(&sink->log, fault);
    r = subject_add(sink->subject, fault->level, fault->line, fault->column, fault->message);
    if (r < 0)
        sink->error = r;
}

/* A fault of the file as a whole, in the generator's words. */
static int report_file(Subject *subject, const char *message) {
    if (!subject->silent)
        log_error("%s: %s", subject->path, message);
    return subject_add(subject, LOG_ERR, 0, 0, message);
}

static int report_unreadable(Subject *subject, const char *who) {
    char message[256];

    (void)snprintf(message, sizeof(message),
                   "%s: 'chgrp left4me' and 'chmod 0640' the file, 'chgrp left4me' and 'chmod "
                   "2770' its directory",
                   who);
    return report_file(subject, message);
}

/* A file that somebody names is theirs: links are followed, and a pipe is read. */
static int load_file(const char *path, char *text, size_t *ret_len) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    int r;

    if (fd < 0)
        return -errno;
    r = fd_read_all(fd, text, SPEC_SIZE_MAX + 1, ret_len);
    return r >= 0 && *ret_len > SPEC_SIZE_MAX ? -EFBIG : r;
}

/* Loads the subject's spec. Returns 1, 0 once it was reported why not, or -ENOMEM. */
static int load(Check *check, Subject *subject, size_t *ret_len) {
    char message[PATH_MAX];
    int r = subject->file ? load_file(subject->file, check->text, ret_len)
                          : read_spec(check->instances_fd, subject->name, check->text, ret_len);

    if (r >= 0)
        return 1;
    if (!subject->file && r == -EACCES)
        return report_unreadable(subject, "cannot be read: permission denied");
    if (!subject->file && (r == -ENOENT || r == -ENOTDIR)) {
        (void)snprintf(message, sizeof(message), "does not exist: there is no instance %s",
                       subject->name);
        return report_file(subject, message);
    }
    return report_file(subject, spec_load_strerror(r));
}

static int check_subject(Check *check, size_t i) {
    Subject *subject = &check->subjects.subjects[i];
    FaultSink sink = {.log = {.path = subject->path, .source = true}, .subject = subject};
    size_t len;
    int r = load(check, subject, &len);

    if (r <= 0)
        return r;
    /* Of another root, it is nobody's business to read. */
    if (!subject->file && !subject->silent && root_is_of_units() &&
        host_game_can_read(check->instances_fd, subject->name) == 0) {
        r = report_unreadable(subject, "user left4me cannot read it");
        if (r < 0)
            return r;
    }

    r = spec_parse(&check->spec, check->text, len, arg_root, take_fault, &sink);
    if (sink.error < 0)
        return sink.error;
    if (r == -EBADMSG)
        return 0;
    if (r < 0)
        return r;
    subject->port = check->spec.port;
    r = port_uses_add(&check->uses, i, &check->spec);
    return r < 0 ? r : host_check(subject, &check->spec);
}

/* --- Ports ---------------------------------------------------------------------------------- */

/* Tells both of them, once. */
static int report_clash(Subject *a, const PortUse *use_a, Subject *b, const PortUse *use_b) {
    char message[512];
    int r;

    /* In the generator's order. */
    if (strcmp(a->name, b->name) > 0)
        return report_clash(b, use_b, a, use_a);
    if (a == b)
        (void)snprintf(message, sizeof(message),
                       "'%s' and '%s' of instance %s are the same port, %u: the game has it once",
                       use_a->what, use_b->what, a->name, use_a->port);
    else if (use_a->role == PORT_GAME && use_b->role == PORT_GAME)
        (void)snprintf(message, sizeof(message),
                       "instances %s and %s have the same port, %u: only one of them can run at a "
                       "time",
                       a->name, b->name, use_a->port);
    else
        (void)snprintf(message, sizeof(message),
                       "instances %s ('%s') and %s ('%s') have the same port, %u: whichever starts "
                       "second does not get it",
                       a->name, use_a->what, b->name, use_b->what, use_a->port);
    log_warning("%s", message);
    r = subject_add(a, LOG_WARNING, 0, 0, message);
    return r < 0 || a == b ? r : subject_add(b, LOG_WARNING, 0, 0, message);
}

/* Whether the user of use I had the same port in an earlier use, for which this was told. */
static bool was_told(const PortUses *uses, size_t i) {
    for (size_t k = i; k > 0 && uses->uses[k - 1].user == uses->uses[i].user; k--)
        if (uses->uses[k - 1].port == uses->uses[i].port)
            return true;
    return false;
}

/* Finds the former use that use I clashes with: the latest, and rather one of which only one
 * instance can run. Returns its number, or I. */
static size_t find_clash(const Check *check, size_t i, bool games_only) {
    const PortUses *uses = &check->uses;
    const Subject *subject = &check->subjects.subjects[uses->uses[i].user];
    const bool told = was_told(uses, i);

    for (size_t k = i; k > 0; k--) {
        const PortUse *former = &uses->uses[k - 1];
        const Subject *other = &check->subjects.subjects[former->user];

        if (other->file || (subject->silent && other->silent) || (told && other != subject))
            continue;
        if (games_only && (former->role != PORT_GAME || uses->uses[i].role != PORT_GAME))
            continue;
        if (port_uses_clash(former, &uses->uses[i]))
            return k - 1;
    }
    return i;
}

static int check_ports(Check *check) {
    const PortUse *uses = check->uses.uses;
    Subject *subjects = check->subjects.subjects;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < check->uses.n; i++) {
        size_t k;

        /* A file is no instance, but may be the next spec of any of them. */
        if (subjects[uses[i].user].file)
            continue;
        k = find_clash(check, i, true);
        if (k == i)
            k = find_clash(check, i, false);
        if (k != i)
            r = report_clash(&subjects[uses[k].user], &uses[k], &subjects[uses[i].user], &uses[i]);
    }
    return r;
}

/* --- Which ---------------------------------------------------------------------------------- */

static int add_instance(Check *check, const char *name, bool silent) {
    char path[PATH_MAX];
    int r;

    if (subjects_have_name(&check->subjects, name))
        return 0;
    (void)snprintf(path, sizeof(path), "%s/instances/%s/spec.yaml", arg_root, name);
    r = subjects_add(&check->subjects, name, NULL, path);
    if (r >= 0)
        check->subjects.subjects[check->subjects.n - 1].silent = silent;
    return r;
}

/* What lies in the directory and is no instance. */
static int add_stray(Check *check, const char *name, const char *message) {
    char path[PATH_MAX];
    int r;

    (void)snprintf(path, sizeof(path), "%s/instances/%s", arg_root, name);
    log_warning("'%s'%s, ignoring", path, message);
    r = subjects_add(&check->subjects, NULL, NULL, path);
    if (r < 0)
        return r;
    message += strspn(message, ": ");
    return subject_add(&check->subjects.subjects[check->subjects.n - 1], LOG_WARNING, 0, 0,
                       message);
}

static int wanted_entry(const struct dirent *entry) {
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "lost+found") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_entry(Check *check, const char *name) {
    char path[INSTANCE_NAME_MAX + sizeof("/spec.yaml")];
    struct stat st;

    if (!instance_name_valid(name))
        return add_stray(check, name,
                         ": no name for an instance (1 to 64 of a-z A-Z 0-9 _ -, the first a "
                         "letter or digit)");
    (void)snprintf(path, sizeof(path), "%.*s/spec.yaml", INSTANCE_NAME_MAX, name);
    if (fstatat(check->instances_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOTDIR)
            return add_stray(check, name, " is no directory");
        if (errno == ENOENT)
            return add_stray(check, name, " holds no spec.yaml");
    }
    return add_instance(check, name, false);
}

static int add_all(Check *check) {
    struct dirent **entries;
    int r = 0, n = scandirat(check->instances_fd, ".", &entries, wanted_entry, by_name);

    if (n < 0)
        return -errno;
    for (int i = 0; i < n; i++) {
        if (r >= 0)
            r = add_entry(check, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    if (n == 0 && !arg_quiet)
        log_notice("there are no instances in '%s/instances'", arg_root);
    return r;
}

/* Those that nobody asked for, for their ports. */
static int add_others(Check *check) {
    _cleanup_names_ Names names = {0};
    int r = find_instances(check->instances_fd, &names);

    for (size_t i = 0; r >= 0 && i < names.n; i++)
        r = add_instance(check, names.names[i], true);
    return r;
}

static bool is_file(const char *operand) {
    const char *dot = strrchr(operand, '.');

    return strchr(operand, '/') || (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0));
}

/* Adds what is to be checked. Returns an exit status. */
static int choose(Check *check, int n, char *operands[]) {
    bool names = n == 0;
    int r = 0;

    for (int i = 0; i < n; i++) {
        if (is_file(operands[i]))
            continue;
        if (!check_name(operands[i]))
            return EXIT_USAGE;
        names = true;
    }
    if (names) {
        check->instances_fd = open_instances(n > 0);
        if (check->instances_fd == -ENOENT && n == 0) {
            if (!arg_quiet)
                log_notice("there are no instances in '%s/instances'", arg_root);
            return EXIT_DONE;
        }
        if (check->instances_fd < 0)
            return EXIT_FAILED;
    }

    for (int i = 0; r >= 0 && i < n; i++)
        r = is_file(operands[i]) ? subjects_add(&check->subjects, NULL, operands[i], operands[i])
                                 : add_instance(check, operands[i], false);
    if (r >= 0 && names)
        r = n == 0 ? add_all(check) : add_others(check);
    if (r < 0) {
        log_error("cannot look for instances in '%s/instances': %s", arg_root, strerror(-r));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* --- The summary ---------------------------------------------------------------------------- */

static void print_line(const Subject *subject) {
    text_write(stdout, subject->name ? subject->name : subject->file);
    (void)fputs(": ", stdout);
    if (subject->errors > 0)
        (void)printf("%u fault%s", subject->errors, subject->errors == 1 ? "" : "s");
    else
        (void)fputs("ok", stdout);
    if (subject->warnings > 0)
        (void)printf(", %u warning%s", subject->warnings, subject->warnings == 1 ? "" : "s");
    (void)putchar('\n');
}

static json_t *subject_json(const Subject *subject) {
    return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o}", "name", text_json(subject->name), "file",
                     text_json(subject->file), "path", text_json(subject->path), "ok",
                     subject->errors == 0, "port",
                     subject->port > 0 ? json_integer(subject->port) : json_null(), "faults",
                     subject_findings_json(subject));
}

static int print_summary(const Subjects *subjects) {
    json_t *array = arg_json ? json_array() : NULL;

    for (size_t i = 0; i < subjects->n; i++) {
        const Subject *subject = &subjects->subjects[i];

        if (subject->silent)
            continue;
        if (!arg_json && !arg_quiet && (subject->name || subject->file))
            print_line(subject);
        if (array && json_array_append_new(array, subject_json(subject)) < 0) {
            json_decref(array);
            array = NULL;
        }
    }
    if (arg_json)
        return print_json(array);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_error("cannot write to standard output: %s", strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static int run(Check *check, int n, char *operands[]) {
    int r = 0, status = choose(check, n, operands), printed;

    if (status != EXIT_DONE)
        return status;
    for (size_t i = 0; r >= 0 && i < check->subjects.n; i++)
        if (check->subjects.subjects[i].name || check->subjects.subjects[i].file)
            r = check_subject(check, i);
    if (r >= 0)
        r = check_ports(check);
    if (r < 0) {
        log_error("cannot check: %s", strerror(-r));
        return EXIT_FAILED;
    }

    for (size_t i = 0; i < check->subjects.n; i++)
        if (!check->subjects.subjects[i].silent && check->subjects.subjects[i].errors > 0)
            status = EXIT_FAILED;
    printed = print_summary(&check->subjects);
    return status == EXIT_DONE ? printed : status;
}

int verb_check(int n, char *operands[]) {
    static Check check;
    int status;

    check.instances_fd = -EBADF;
    status = run(&check, n, operands);
    port_uses_free(&check.uses);
    subjects_free(&check.subjects);
    closep(&check.instances_fd);
    return status;
}
