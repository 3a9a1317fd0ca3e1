/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* create, start, stop, restart, reset, delete: what systemctl and files do too, with a look before
 * and after. Nothing is changed before it is known that all of it is permitted. */

#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "ctl/bus.h"
#include "ctl/compiled.h"
#include "ctl/lifecycle.h"
#include "ctl/mount-table.h"
#include "ctl/place.h"
#include "shared/exit.h"
#include "shared/fd.h"
#include "shared/log.h"

#define LOG_LINES_MAX 6

/* --- Looking -------------------------------------------------------------------------------- */

/* Whether PATH, below <root>, is there; what may not be looked at is taken to be. */
_printf_(1, 2) static bool exists(const char *format, ...) {
    char path[PATH_MAX];
    struct stat st;
    va_list ap;
    int n = snprintf(path, sizeof(path), "%s/", arg_root);

    va_start(ap, format);
    (void)vsnprintf(path + n, sizeof(path) - (size_t)n, format, ap);
    va_end(ap);
    return lstat(path, &st) == 0 || errno == EACCES;
}

static bool is_compiled(const char *name) {
    char path[PATH_MAX];

    compiled_path(name, path);
    return access(path, F_OK) == 0;
}

/* The overlay of NAME, on merged or wherever it was moved to. What cannot be known is taken to be.
 */
static bool is_mounted(const char *name) {
    _cleanup_names_ Names found = {0};

    return mount_table_find(name, &found) < 0 || found.n > 0;
}

/* --- Outcomes ------------------------------------------------------------------------------- */

/* Says the last of what the unit's processes told as errors since SINCE. */
static unsigned say_errors(sd_journal *journal, uint64_t since) {
    unsigned n = 0, skip;

    if (sd_journal_seek_realtime_usec(journal, since) < 0)
        return 0;
    while (sd_journal_next(journal) > 0)
        n++;
    skip = n > LOG_LINES_MAX ? n - LOG_LINES_MAX : 0;
    (void)sd_journal_seek_realtime_usec(journal, since);
    for (unsigned i = 0; sd_journal_next(journal) > 0; i++) {
        const void *data;
        size_t len;

        if (i >= skip && sd_journal_get_data(journal, "MESSAGE", &data, &len) >= 0 &&
            len > strlen("MESSAGE="))
            say_outcome_line("%.*s", (int)(len - strlen("MESSAGE=")),
                             (const char *)data + strlen("MESSAGE="));
    }
    return n;
}

static void say_log(const char *name, uint64_t since) {
    char match[32 + UNIT_NAME_MAX], unit[UNIT_NAME_MAX];
    sd_journal *journal = NULL;
    unsigned n;

    if (sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0)
        return;
    unit_name(name, unit);
    (void)snprintf(match, sizeof(match), "_SYSTEMD_UNIT=%s", unit);
    (void)sd_journal_add_match(journal, match, 0);
    for (int level = 0; level <= LOG_ERR; level++) {
        (void)snprintf(match, sizeof(match), "PRIORITY=%d", level);
        (void)sd_journal_add_match(journal, match, 0);
    }
    n = say_errors(journal, since);
    sd_journal_close(journal);
    if (n == 0)
        say_outcome_line("'left4mectl logs %s' may tell more", name);
}

static uint64_t now_usec(void) {
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* To stand behind "start", "stop" or "restart". */
static const char *explain_result(const char *result) {
    static const char *const texts[][2] = {
        {"failed", "failed"},
        {"timeout", "took too long"},
        {"dependency", "needs a unit that failed"},
        {"assert", "is refused: there is no such instance, it has no spec.yaml"},
        {"skipped", "was skipped by systemd"},
        {"unsupported", "is not supported by systemd here"},
        {"canceled", "was cancelled"},
        {"collected", "was dropped by systemd"},
    };

    for (size_t i = 0; i < ELEMENTSOF(texts); i++)
        if (strcmp(texts[i][0], result) == 0)
            return texts[i][1];
    return result;
}

/* Says how the job ended. Returns whether it was done. DONE is the sentence for that. */
static bool say_job(sd_bus *bus, const Job *job, const char *verb, const char *done,
                    uint64_t since) {
    _cleanup_free_ char *state = NULL;
    char unit[UNIT_NAME_MAX];

    unit_name(job->name, unit);
    if (job->error) {
        say_outcome(job->name, true, "refused", "cannot %s: %s", verb, job->error);
        return false;
    }
    if (strcmp(job->result, "done") == 0) {
        say_outcome(job->name, false, "done", "%s", done);
        return true;
    }
    if (job->result[0] == '\0') {
        say_outcome(job->name, false, "queued", "%s: the job is queued", verb);
        return true;
    }
    if (strcmp(job->result, "canceled") == 0) {
        (void)bus_unit_string(bus, unit, "Unit", "ActiveState", &state);
        say_outcome(job->name, true, "canceled", "%s %s; the unit is %s now", verb,
                    explain_result(job->result), state ? state : "in a state that is not known");
        return false;
    }
    say_outcome(job->name, true, "failed", "%s %s", verb, explain_result(job->result));
    if (strcmp(job->result, "assert") != 0)
        say_log(job->name, since);
    return false;
}

static bool starts_at_boot(const char *state) {
    return strncmp(state, "enabled", strlen("enabled")) == 0;
}

/* --- Many at once --------------------------------------------------------------------------- */

static Job *jobs_new(int n, char *names[]) {
    Job *jobs = calloc((size_t)n, sizeof(*jobs));

    for (int i = 0; jobs && i < n; i++)
        jobs[i].name = names[i];
    if (!jobs)
        log_error("no memory");
    return jobs;
}

/* An instance that was stopped may be so for now only. */
static void say_comes_back(sd_bus *bus, const char *name) {
    _cleanup_free_ char *state = NULL;
    char unit[UNIT_NAME_MAX];

    unit_name(name, unit);
    if (bus_unit_file_state(bus, unit, &state) < 0 || !starts_at_boot(state))
        return;
    if (strcmp(state, "enabled-runtime") == 0)
        say_outcome(name, false, "comes-back",
                    "it comes back at the next boot: its spec says 'autostart: true'");
    else
        say_outcome(name, false, "comes-back", "it comes back at the next boot: it is %s", state);
}

/* Runs METHOD for all and says how each ended. */
static int run_jobs(sd_bus *bus, const char *method, const char *verb, const char *done, int n,
                    char *names[]) {
    _cleanup_free_ Job *jobs = jobs_new(n, names);
    uint64_t since = now_usec();
    int r, status = EXIT_DONE;

    if (!jobs)
        return EXIT_FAILED;
    r = bus_run_jobs(bus, method, jobs, (size_t)n);
    for (int i = 0; i < n && (r >= 0 || r == -EINTR); i++) {
        if (!say_job(bus, &jobs[i], verb, done, since))
            status = EXIT_FAILED;
        else if (strcmp(method, "StopUnit") == 0 && strcmp(jobs[i].result, "done") == 0)
            say_comes_back(bus, names[i]);
    }
    jobs_free(jobs, (size_t)n);
    return r == -EINTR ? EXIT_INTERRUPTED : r < 0 ? EXIT_FAILED : status;
}

/* Whether systemd knows another spec of NAME than the one in place. NeedDaemonReload does not tell
 * of a unit that is not loaded, so the drop-in is held against the spec; where that cannot be read,
 * systemd's word has to do. */
static bool is_changed(sd_bus *bus, int instances_fd, const char *name) {
    static Spec spec;
    char unit[UNIT_NAME_MAX];
    bool changed = false;
    int error;

    switch (instances_fd < 0 ? SPEC_UNREADABLE
                             : spec_inspect(instances_fd, name, &spec, NULL, NULL, &error)) {
    case SPEC_OK:
        return compiled_agrees(name, &spec) != 1;
    case SPEC_REFUSED:
        return compiled_agrees(name, NULL) != 1;
    case SPEC_MISSING:
    case SPEC_UNREADABLE:
    default:
        unit_name(name, unit);
        (void)bus_unit_bool(bus, unit, "Unit", "NeedDaemonReload", &changed);
        return changed || !is_compiled(name);
    }
}

static int read_changed(sd_bus *bus, int instances_fd, int n, char *names[]) {
    bool changed = false;

    for (int i = 0; i < n && !changed; i++)
        changed = is_changed(bus, instances_fd, names[i]);
    if (!changed || arg_no_reload)
        return EXIT_DONE;
    say_step("having systemd read the specs");
    return bus_reload(bus) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int forget_failures(sd_bus *bus, int n, char *names[]) {
    for (int i = 0; i < n; i++) {
        char unit[UNIT_NAME_MAX];

        unit_name(names[i], unit);
        if (bus_reset_failed(bus, unit) < 0)
            return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* --- Enabling ------------------------------------------------------------------------------- */

/* The units of those whose enablement is not as wanted: by the administrator's own link, as that of
 * the generator ("enabled-runtime") is the spec's. */
static int find_to_change(sd_bus *bus, int n, char *names[], bool enable, const char **units,
                          char (*buf)[UNIT_NAME_MAX]) {
    int found = 0;

    for (int i = 0; i < n; i++) {
        _cleanup_free_ char *state = NULL;
        int r;

        unit_name(names[i], buf[i]);
        r = bus_unit_file_state(bus, buf[i], &state);
        if (r < 0)
            return r;
        if (enable && strncmp(state, "masked", strlen("masked")) == 0) {
            say_outcome(names[i], true, "refused", "it is masked: 'systemctl unmask %s'", buf[i]);
            return -EINVAL;
        }
        if (enable ? !starts_at_boot(state) : strcmp(state, "enabled") == 0)
            units[found++] = buf[i];
    }
    units[found] = NULL;
    return found;
}

/* systemd syncs no link that it makes or removes; what was said to be done shall outlive a power
 * cut. Also where nothing was to change: the link may be a second old. */
static void sync_links(void) {
    static const char *const directories[] = {"/etc/systemd/system/left4me-servers.target.wants",
                                              "/etc/systemd/system"};

    for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
        _cleanup_close_ int fd = open(directories[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if ((fd < 0 && errno != ENOENT) || (fd >= 0 && fsync(fd) < 0))
            log_warning("cannot sync '%s': %s: a power cut soon may undo enablement",
                        directories[i], strerror(errno));
    }
}

/* Enables or disables those that need it. HINT is what else to do for who may not. */
static int change_boot(sd_bus *bus, int n, char *names[], bool enable, const char *hint) {
    _cleanup_free_ const char **units = calloc((size_t)n + 1, sizeof(*units));
    _cleanup_free_ char(*buf)[UNIT_NAME_MAX] = calloc((size_t)n, sizeof(*buf));
    int r;

    if (!units || !buf) {
        log_error("no memory");
        return EXIT_FAILED;
    }
    r = find_to_change(bus, n, names, enable, units, buf);
    if (r == 0)
        sync_links();
    if (r <= 0)
        return r < 0 ? EXIT_FAILED : EXIT_DONE;

    say_step("%s %d of %d at boot", enable ? "enabling" : "disabling", r, n);
    r = bus_enable(bus, units, enable);
    if (r == -EACCES || r == -EPERM)
        log_error("not permitted to %s units (polkit: org.freedesktop.systemd1.manage-unit-files); "
                  "nothing was changed. %s",
                  enable ? "enable" : "disable", hint);
    if (r >= 0)
        sync_links();
    if (r >= 0 && !arg_no_reload)
        r = bus_reload(bus);
    return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* --- Verbs ---------------------------------------------------------------------------------- */

static int open_bus_for(int n, char *names[], sd_bus **ret) {
    for (int i = 0; i < n; i++)
        if (!check_name(names[i]))
            return EXIT_USAGE;
    if (!root_is_of_units()) {
        log_error("the units know '" LEFT4ME_ROOT_DIR "' alone: another --root goes with check, "
                  "list, show, create and edit");
        return EXIT_USAGE;
    }
    return bus_open(ret, false) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* What start, stop and restart hold while they work: that nobody deletes or resets meanwhile. */
typedef struct Locks {
    int instances_fd; /* or a negative errno */
    int *fds;
    int n;
} Locks;

static void unlock_all(Locks *locks) {
    for (int i = 0; i < locks->n; i++)
        closep(&locks->fds[i]);
    free(locks->fds);
    closep(&locks->instances_fd);
}
#define _cleanup_locks_ _cleanup_(unlock_all)

/* Who may handle units, but not read specs, goes without. */
static int lock_all(Locks *locks, int n, char *names[]) {
    _cleanup_close_ int root_fd = open(arg_root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    *locks = (Locks){.instances_fd = -EBADF};
    if (root_fd >= 0)
        locks->instances_fd = fd_open_beneath(root_fd, "instances", O_RDONLY | O_DIRECTORY, 0);
    if (locks->instances_fd < 0)
        return EXIT_DONE;
    locks->fds = calloc((size_t)n, sizeof(*locks->fds));
    if (!locks->fds) {
        log_error("no memory");
        return EXIT_FAILED;
    }
    for (; locks->n < n; locks->n++) {
        locks->fds[locks->n] = place_lock(locks->instances_fd, names[locks->n], false);
        if (locks->fds[locks->n] < 0)
            return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static int check_specs(int n, char *names[]) {
    int status = EXIT_DONE;

    for (int i = 0; i < n; i++)
        if (!exists("instances/%s/spec.yaml", names[i])) {
            say_outcome(names[i], true, "refused",
                        "there is no such instance: it has no spec.yaml");
            status = EXIT_FAILED;
        }
    return status;
}

static int start_instances(sd_bus *bus, int n, char *names[]) {
    _cleanup_locks_ Locks locks = {.instances_fd = -EBADF};
    int status = check_specs(n, names);

    if (status == EXIT_DONE)
        status = lock_all(&locks, n, names);
    /* The specs first: one may say 'autostart: true' since. */
    if (status == EXIT_DONE)
        status = read_changed(bus, locks.instances_fd, n, names);
    if (status == EXIT_DONE && !arg_once)
        status = change_boot(bus, n, names, true,
                             "'--once' leaves enablement as it is; 'autostart: true' in the spec "
                             "starts a server at boot");
    if (status == EXIT_DONE)
        status = forget_failures(bus, n, names);
    if (status != EXIT_DONE)
        return status;
    say_step("starting %d", n);
    return run_jobs(bus, "StartUnit", "start", "started", n, names);
}

int verb_start(int n, char *names[]) {
    _cleanup_bus_ sd_bus *bus = NULL;
    int status = open_bus_for(n, names, &bus);

    if (status == EXIT_DONE)
        status = start_instances(bus, n, names);
    return print_outcomes("start", status);
}

int verb_stop(int n, char *names[]) {
    _cleanup_locks_ Locks locks = {.instances_fd = -EBADF};
    _cleanup_bus_ sd_bus *bus = NULL;
    int status = open_bus_for(n, names, &bus);

    if (status == EXIT_DONE)
        status = lock_all(&locks, n, names);
    if (status == EXIT_DONE && !arg_once)
        status = change_boot(bus, n, names, false, "'--once' leaves enablement as it is");
    if (status == EXIT_DONE) {
        say_step("stopping %d", n);
        status = run_jobs(bus, "StopUnit", "stop", "stopped", n, names);
    }
    return print_outcomes("stop", status);
}

int verb_restart(int n, char *names[]) {
    _cleanup_locks_ Locks locks = {.instances_fd = -EBADF};
    _cleanup_bus_ sd_bus *bus = NULL;
    int status = open_bus_for(n, names, &bus);

    if (status == EXIT_DONE)
        status = check_specs(n, names);
    if (status == EXIT_DONE)
        status = lock_all(&locks, n, names);
    if (status == EXIT_DONE)
        status = read_changed(bus, locks.instances_fd, n, names);
    if (status == EXIT_DONE)
        status = forget_failures(bus, n, names);
    if (status == EXIT_DONE) {
        say_step("restarting %d", n);
        status = run_jobs(bus, "RestartUnit", "restart", "restarted", n, names);
    }
    return print_outcomes("restart", status);
}

/* --- create --------------------------------------------------------------------------------- */

static int read_text(const char *path, char *text, size_t *ret_len) {
    _cleanup_close_ int fd = -EBADF;
    char more;
    size_t rest;
    int r;

    fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    r = fd < 0 ? -errno : fd_read_all(fd, text, SPEC_SIZE_MAX, ret_len);
    if (r >= 0)
        r = fd_read_all(fd, &more, 1, &rest);
    if (r < 0) {
        log_error("cannot read '%s': %s", path, strerror(-r));
        return r;
    }
    if (rest > 0) {
        log_error("'%s' is larger than 64 KiB, the most a spec may be", path);
        return -EFBIG;
    }
    return 0;
}

static bool is_in_place(int instances_fd, const char *name, const char *text, size_t len) {
    static char now[SPEC_SIZE_MAX];
    size_t now_len;

    return read_spec(instances_fd, name, now, &now_len) >= 0 && now_len == len &&
           memcmp(now, text, len) == 0;
}

static int create(const char *name, const char *text, size_t len) {
    _cleanup_close_ int instances_fd = open_instances(true), lock_fd = -EBADF, dir_fd = -EBADF;
    int r;

    if (instances_fd < 0)
        return EXIT_FAILED;
    lock_fd = place_lock(instances_fd, name, true);
    if (lock_fd < 0)
        return EXIT_FAILED;
    /* A former create may have been killed behind this point. */
    if (is_in_place(instances_fd, name, text, len))
        return EXIT_DONE;
    dir_fd = place_open(instances_fd, name, true);
    if (dir_fd < 0)
        return EXIT_FAILED;
    say_step("placing the spec of %s", name);
    r = place_spec(instances_fd, dir_fd, name, text, len, arg_replace);
    if (r == -EEXIST)
        say_outcome(name, true, "exists", "there is such an instance: --replace replaces its spec");
    /* Of no use without a spec; stays where there is one. */
    if (r < 0 && r != -EEXIST)
        (void)unlinkat(instances_fd, name, AT_REMOVEDIR);
    return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

int reload_after(const char *name, sd_bus **ret_bus) {
    if (!root_is_of_units() || arg_no_reload) {
        say_outcome(name, false, "placed", "its spec is in place%s",
                    root_is_of_units() ? "; 'systemctl daemon-reload' has it read" : "");
        return EXIT_DONE;
    }
    say_step("having systemd read the specs");
    if (bus_open(ret_bus, false) < 0 || bus_reload(*ret_bus) < 0) {
        log_error("%s: its spec is in place, and takes effect after a daemon-reload", name);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* Starting what runs is no error to systemd, and brings nothing of the new spec. */
static int create_start(sd_bus *bus, char *name) {
    _cleanup_free_ char *state = NULL;
    char unit[UNIT_NAME_MAX];
    int status;

    unit_name(name, unit);
    (void)bus_unit_string(bus, unit, "Unit", "ActiveState", &state);
    status = start_instances(bus, 1, &name);
    if (status == EXIT_DONE && state && strcmp(state, "active") == 0)
        say_outcome(name, false, "needs-restart",
                    "it ran already, and takes its new spec at its next start: 'left4mectl restart "
                    "%s'",
                    name);
    return status;
}

int verb_create(int n, char *operands[]) {
    static char text[SPEC_SIZE_MAX], copy[SPEC_SIZE_MAX];
    static Spec spec;
    _cleanup_bus_ sd_bus *bus = NULL;
    char *name = operands[0];
    const char *path = strcmp(operands[1], "-") == 0 ? "standard input" : operands[1];
    size_t len;
    int status;

    (void)n;
    if (!check_name(name))
        return EXIT_USAGE;
    if (arg_start && (!root_is_of_units() || arg_no_reload)) {
        log_error("--start does not go with --no-reload, nor with another --root");
        return EXIT_USAGE;
    }
    if (read_text(operands[1], text, &len) < 0)
        return print_outcomes("create", EXIT_FAILED);
    memcpy(copy, text, len);
    if (parse_spec(&spec, copy, len, path) < 0) {
        say_outcome(name, true, "refused", "its spec is refused: nothing was changed");
        return print_outcomes("create", EXIT_FAILED);
    }

    status = create(name, text, len);
    if (status == EXIT_DONE)
        status = reload_after(name, &bus);
    if (status == EXIT_DONE && bus)
        say_outcome(name, false, "created", "created");
    if (status == EXIT_DONE && arg_start)
        status = create_start(bus, name);
    return print_outcomes("create", status);
}

/* --- reset and delete ----------------------------------------------------------------------- */

static int stop_for_removal(sd_bus *bus, char *name) {
    const bool no_block = arg_no_block;
    Job job = {.name = name};
    int r;

    say_step("stopping %s", name);
    arg_no_block = false;
    r = bus_run_jobs(bus, "StopUnit", &job, 1);
    arg_no_block = no_block;
    if (r >= 0 && (job.error || strcmp(job.result, "done") != 0)) {
        say_outcome(name, true, "failed", "stop %s; nothing was removed",
                    job.error ? job.error : explain_result(job.result));
        r = -EIO;
    }
    jobs_free(&job, 1);
    return r == -EINTR ? EXIT_INTERRUPTED : r < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* systemctl clean would empty upper through a mount, and say nothing of what it leaves. */
static int clean(sd_bus *bus, const char *name) {
    char unit[UNIT_NAME_MAX];

    unit_name(name, unit);
    if (is_mounted(name)) {
        say_outcome(
            name, true, "failed",
            "its tree is still mounted, nothing was removed: 'findmnt' shows where, 'umount' "
            "takes it down");
        return EXIT_FAILED;
    }
    if (bus_reset_failed(bus, unit) < 0)
        return EXIT_FAILED;
    if (!exists("runtime/%s", name))
        return EXIT_DONE;
    say_step("removing what %s wrote", name);
    if (bus_clean_state(bus, unit) < 0)
        return EXIT_FAILED;
    if (exists("runtime/%s", name)) {
        say_outcome(name, true, "failed", "'%s/runtime/%s' is still there", arg_root, name);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* Calls FUNCTION for each, alone on it. */
static int for_each_locked(sd_bus *bus, int n, char *names[],
                           int (*function)(sd_bus *bus, char *name, int instances_fd)) {
    _cleanup_close_ int instances_fd = open_instances(true);
    int status = EXIT_DONE;

    if (instances_fd < 0)
        return EXIT_FAILED;
    for (int i = 0; i < n && status != EXIT_INTERRUPTED; i++) {
        _cleanup_close_ int lock_fd = place_lock(instances_fd, names[i], true);
        int s = lock_fd < 0 ? EXIT_FAILED : function(bus, names[i], instances_fd);

        if (s != EXIT_DONE)
            status = s;
    }
    return status;
}

static int reset_one(sd_bus *bus, char *name, int instances_fd) {
    int status;

    (void)instances_fd;
    status = stop_for_removal(bus, name);
    if (status == EXIT_DONE)
        status = clean(bus, name);
    if (status == EXIT_DONE)
        say_outcome(name, false, "done", "reset: the next start begins anew from its spec");
    return status;
}

int verb_reset(int n, char *names[]) {
    _cleanup_bus_ sd_bus *bus = NULL;
    int status = open_bus_for(n, names, &bus);

    if (status == EXIT_DONE && !ask(false, "Stop %d and remove all that was written there?", n))
        status = EXIT_FAILED;
    else if (status == EXIT_DONE)
        status = for_each_locked(bus, n, names, reset_one);
    return print_outcomes("reset", status);
}

/* Whether systemd has something of it, though there are no files. */
static bool is_known(sd_bus *bus, const char *name) {
    _cleanup_free_ char *file = NULL, *active = NULL;
    char unit[UNIT_NAME_MAX];

    unit_name(name, unit);
    if (is_compiled(name) || bus_unit_file_state(bus, unit, &file) < 0 || starts_at_boot(file))
        return true;
    (void)bus_unit_string(bus, unit, "Unit", "ActiveState", &active);
    return active && strcmp(active, "inactive") != 0;
}

static int delete_files(sd_bus *bus, const char *name, int instances_fd, int dir_fd) {
    int r = dir_fd < 0 ? 0 : place_remove(instances_fd, dir_fd, name);

    /* Also where a part of it stayed: the spec is gone then. */
    if (!arg_no_reload && bus_reload(bus) < 0)
        return EXIT_FAILED;
    return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int delete_one(sd_bus *bus, char *name, int instances_fd) {
    _cleanup_close_ int dir_fd = place_open(instances_fd, name, false);
    int status;

    if (dir_fd == -ENOENT && !exists("runtime/%s", name) && !is_known(bus, name)) {
        say_outcome(name, false, "unchanged", "there is no such instance");
        return EXIT_DONE;
    }
    if ((dir_fd < 0 && dir_fd != -ENOENT) ||
        (dir_fd >= 0 && place_may_remove(instances_fd, dir_fd, name) < 0))
        return EXIT_FAILED;
    status = change_boot(bus, 1, &name, false, "Have root disable it");
    if (status == EXIT_DONE)
        status = stop_for_removal(bus, name);
    if (status == EXIT_DONE)
        status = clean(bus, name);
    if (status == EXIT_DONE)
        status = delete_files(bus, name, instances_fd, dir_fd);
    if (status == EXIT_DONE)
        say_outcome(name, false, "done", "deleted");
    return status;
}

int verb_delete(int n, char *names[]) {
    _cleanup_bus_ sd_bus *bus = NULL;
    int status = open_bus_for(n, names, &bus);

    if (status == EXIT_DONE && !ask(false, "Delete %d, with all that was written there?", n))
        status = EXIT_FAILED;
    else if (status == EXIT_DONE)
        status = for_each_locked(bus, n, names, delete_one);
    return print_outcomes("delete", status);
}
