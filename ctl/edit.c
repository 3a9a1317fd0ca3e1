/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* edit: an editor on a copy, which is checked and placed whole. Nothing that was typed is lost:
 * what cannot be placed stays where the copy is. */

#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/lifecycle.h"
#include "ctl/place.h"
#include "shared/exit.h"
#include "shared/fd.h"
#include "shared/log.h"

typedef struct Edit {
    const char *name;
    char directory[PATH_MAX]; /* of the copy: ours alone, since it holds secrets */
    char path[PATH_MAX];      /* the copy */
    size_t before_len, len;
    char before[SPEC_SIZE_MAX]; /* as it was when the editor began */
    char text[SPEC_SIZE_MAX];   /* as it is in the copy */
    char copy[SPEC_SIZE_MAX];   /* for the parser, which changes it */
    Spec old, new;
} Edit;

static int make_copy(Edit *e) {
    const char *parent = getenv("TMPDIR");
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (!parent || parent[0] != '/')
        parent = "/tmp";
    if (snprintf(e->directory, sizeof(e->directory), "%s/left4mectl.XXXXXX", parent) >=
        (int)sizeof(e->directory) - 128)
        return -ENAMETOOLONG;
    if (!mkdtemp(e->directory))
        return -errno;
    (void)snprintf(e->path, sizeof(e->path), "%.*s/%s.yaml", PATH_MAX - 128, e->directory, e->name);
    fd = open(e->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, e->before, e->before_len);
    return r < 0 ? r : fd_close_written(&fd);
}

/* Editors leave copies of their own beside it, and each holds the secrets. */
static void remove_copy(const Edit *e) {
    _cleanup_closedir_ DIR *dir = opendir(e->directory);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    (void)rmdir(e->directory);
}

/* $VISUAL and $EDITOR may hold arguments, so a shell splits them (as git and sudoedit do). */
static int run_editor(const Edit *e) {
    const char *editor = getenv("VISUAL");
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    _cleanup_free_ char *command = NULL;
    struct sigaction interrupt, quit;
    int status, r;
    pid_t pid;

    if (!editor || editor[0] == '\0')
        editor = getenv("EDITOR");
    if (!editor || editor[0] == '\0')
        editor = "editor";
    if (asprintf(&command, "%s \"$1\"", editor) < 0)
        return -ENOMEM;
    pid = fork();
    if (pid == 0) {
        (void)execlp("sh", "sh", "-c", command, editor, e->path, NULL);
        _exit(127);
    }
    if (pid < 0)
        return -errno;
    /* Ctrl-C is the editor's (system(3) does the same). */
    (void)sigaction(SIGINT, &ignore, &interrupt);
    (void)sigaction(SIGQUIT, &ignore, &quit);
    do
        r = waitpid(pid, &status, 0) < 0 ? -errno : 0;
    while (r == -EINTR);
    (void)sigaction(SIGINT, &interrupt, NULL);
    (void)sigaction(SIGQUIT, &quit, NULL);
    if (r < 0)
        return r;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    log_error("the editor '%s' failed: nothing was changed; your text is in '%s'", editor, e->path);
    return -EIO;
}

static int read_copy(Edit *e) {
    _cleanup_close_ int fd = open(e->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    int r;

    if (fd < 0 || fstat(fd, &st) < 0) {
        r = -errno;
        log_error("cannot read '%s': %s", e->path, strerror(-r));
        return r;
    }
    if (st.st_size > (off_t)SPEC_SIZE_MAX) {
        log_error("'%s' is larger than 64 KiB, the most a spec may be", e->path);
        return -EFBIG;
    }
    return fd_read_all(fd, e->text, sizeof(e->text), &e->len);
}

static int parse(Edit *e, Spec *spec, const char *text, size_t len) {
    memcpy(e->copy, text, len);
    return parse_spec(spec, e->copy, len, e->path);
}

/* Returns an exit status; EXIT_DONE with a text in e->text that is not refused. */
static int edit_until_valid(Edit *e) {
    for (;;) {
        if (run_editor(e) < 0)
            return EXIT_FAILED;
        if (read_copy(e) >= 0 && parse(e, &e->new, e->text, e->len) >= 0)
            return EXIT_DONE;
        if (arg_yes || isatty(STDIN_FILENO) != 1 || !ask(true, "Edit again?")) {
            log_error("%s: nothing was changed; your text is in '%s'", e->name, e->path);
            return EXIT_FAILED;
        }
    }
}

/* Places it, unless the spec is no more what it was. */
static int place(Edit *e, int instances_fd) {
    static char now[SPEC_SIZE_MAX];
    _cleanup_close_ int lock_fd = place_lock(instances_fd, e->name, true), dir_fd = -EBADF;
    size_t now_len = 0;
    int r = lock_fd < 0 ? lock_fd : 0;

    if (r >= 0)
        r = dir_fd = place_open(instances_fd, e->name, false);
    if (r >= 0)
        r = read_spec(instances_fd, e->name, now, &now_len);

    if (r < 0 || now_len != e->before_len || memcmp(now, e->before, now_len) != 0) {
        log_error("%s: somebody else changed its spec meanwhile, so it was not replaced; your text "
                  "is in '%s'",
                  e->name, e->path);
        return EXIT_FAILED;
    }
    r = place_spec(instances_fd, dir_fd, e->name, e->text, e->len, true);
    if (r < 0)
        log_error("%s: your text is in '%s'", e->name, e->path);
    return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* --- What takes effect when ----------------------------------------------------------------- */

static bool same(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_overlays(const Spec *a, const Spec *b) {
    if (a->n_overlays != b->n_overlays)
        return false;
    for (size_t i = 0; i < a->n_overlays; i++)
        if (!same(a->overlays[i].path, b->overlays[i].path) ||
            !same(a->overlays[i].alias, b->overlays[i].alias))
            return false;
    return true;
}

static bool same_timing(const Timing *a, const Timing *b) {
    return a->ready == b->ready && a->ready_timeout == b->ready_timeout &&
           a->watchdog == b->watchdog;
}

static void say_effect(const Edit *e, sd_bus *bus) {
    _cleanup_free_ char *state = NULL;
    char unit[UNIT_NAME_MAX];
    const Spec *a = &e->old, *b = &e->new;

    unit_name(e->name, unit);
    if (bus)
        (void)bus_unit_string(bus, unit, "Unit", "ActiveState", &state);
    if (!state || strcmp(state, "inactive") == 0 || strcmp(state, "failed") == 0 ||
        (a->port == b->port && same(a->args, b->args) && same(a->config, b->config) &&
         same_overlays(a, b) && same_timing(&a->timing, &b->timing)))
        say_outcome(e->name, false, "done", "its new spec is in place");
    else
        say_outcome(e->name, false, "needs-restart",
                    "its new spec is in place; %s%s%s%s%sand takes effect at its next start: "
                    "'left4mectl restart %s'",
                    a->port == b->port ? "" : "the port changed, ",
                    same(a->args, b->args) ? "" : "the arguments changed, ",
                    same(a->config, b->config) ? "" : "the config changed, ",
                    same_overlays(a, b) ? "" : "the overlays changed, ",
                    same_timing(&a->timing, &b->timing) ? "" : "the timing changed, ", e->name);
}

static void ignore_fault(void *userdata, const SpecFault *fault) {
    (void)userdata;
    (void)fault;
}

static int edit(Edit *e, int instances_fd) {
    _cleanup_bus_ sd_bus *bus = NULL;
    int r = read_spec(instances_fd, e->name, e->before, &e->before_len);
    int status;

    if (r < 0) {
        log_error("'%s/instances/%s/spec.yaml': %s", arg_root, e->name, spec_load_strerror(r));
        return EXIT_FAILED;
    }
    r = make_copy(e);
    if (r < 0) {
        log_error("cannot make a copy below '%s': %s", e->directory, strerror(-r));
        remove_copy(e);
        return EXIT_FAILED;
    }
    status = edit_until_valid(e);
    if (status != EXIT_DONE)
        return status;
    if (e->len == e->before_len && memcmp(e->text, e->before, e->len) == 0) {
        remove_copy(e);
        say_outcome(e->name, false, "unchanged", "unchanged");
        return EXIT_DONE;
    }
    status = place(e, instances_fd);
    if (status != EXIT_DONE)
        return status;
    remove_copy(e);
    status = reload_after(e->name, &bus);
    /* Without a word of faults that are gone. */
    memcpy(e->copy, e->before, e->before_len);
    (void)spec_parse(&e->old, e->copy, e->before_len, arg_root, ignore_fault, NULL);
    if (status == EXIT_DONE && bus)
        say_effect(e, bus);
    return status;
}

int verb_edit(int n, char *operands[]) {
    static Edit e;
    _cleanup_close_ int instances_fd = -EBADF;

    (void)n;
    if (!check_name(operands[0]))
        return EXIT_USAGE;
    instances_fd = open_instances(true);
    if (instances_fd < 0)
        return EXIT_FAILED;
    e.name = operands[0];
    return print_outcomes("edit", edit(&e, instances_fd));
}
