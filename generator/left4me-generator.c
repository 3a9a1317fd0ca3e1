/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* left4me-generator compiles the specs of all instances into drop-ins, at boot and at every
 * daemon-reload, as systemd.generator(7) has it. PID 1 waits for it: it makes no look-ups, asks no
 * other process and waits for nothing. A spec that is refused costs its own instance only. */

#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "generator/dropin.h"
#include "generator/ports.h"
#include "shared/exit.h"
#include "shared/fd.h"
#include "shared/log.h"
#include "shared/macros.h"
#include "shared/text-stream.h"
#include "spec/names.h"
#include "spec/report.h"
#include "spec/spec.h"

#define DROPIN_FILE "50-left4me.conf"
#define WANTS_DIR "left4me-servers.target.wants"

/* The kernel log is small and everyone's. */
#define FAULTS_LOGGED_MAX 20

typedef struct Generator {
    const char *root;
    int normal_fd; /* -EBADF in a dry run */
    pid_t pid;     /* asked for once: getpid(2) is a system call */
    bool printed;
    bool refused;
    bool write_failed;
    size_t n_specs;
    TextStream render; /* rewound for each instance */
    Ports ports;
    Spec spec;
    char text[SPEC_SIZE_MAX];
} Generator;

static const char *arg_root = LEFT4ME_ROOT_DIR;
static bool arg_dry_run = false;

/* --- Writing -------------------------------------------------------------------------------- */

/* In a dry run: the line that names a file. */
static void print_name(Generator *g, const char *name, const char *link) {
    (void)printf("%s# %s%s%s\n", g->printed ? "\n" : "", name, link ? " -> " : "",
                 link ? link : "");
    g->printed = true;
}

static int write_whole(int dir_fd, const char *path, const char *temporary, const char *data,
                       size_t len) {
    _cleanup_close_ int fd = -EBADF;
    int r;

    fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, data, len);
    if (r >= 0)
        r = fd_close_written(&fd);
    if (r >= 0 && renameat(dir_fd, temporary, dir_fd, path) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(dir_fd, temporary, 0);
    return r;
}

static void put_dropin(Generator *g, const char *name, const char *data, size_t len) {
    char dir[INSTANCE_NAME_MAX + 64], path[sizeof(dir) + 64], temporary[sizeof(dir) + 64];
    int r = 0;

    (void)snprintf(dir, sizeof(dir), "left4me-server@%s.service.d", name);
    (void)snprintf(path, sizeof(path), "%s/" DROPIN_FILE, dir);
    if (arg_dry_run) {
        print_name(g, path, NULL);
        (void)fwrite(data, 1, len, stdout);
        return;
    }

    /* The name is this process's own, so two generators at once do not meet in it; and it is none
     * that systemd takes for a drop-in, should this one be killed. */
    (void)snprintf(temporary, sizeof(temporary), "%s/." DROPIN_FILE ".%d", dir, g->pid);
    if (mkdirat(g->normal_fd, dir, 0755) < 0 && errno != EEXIST)
        r = -errno;
    if (r >= 0)
        r = write_whole(g->normal_fd, path, temporary, data, len);
    if (r < 0) {
        log_error("cannot write '%s': %s", path, strerror(-r));
        g->write_failed = true;
    }
}

static void put_wants(Generator *g, const char *unit, const char *unit_file) {
    char path[NAME_MAX + 128], target[PATH_MAX];

    (void)snprintf(path, sizeof(path), WANTS_DIR "/%s", unit);
    (void)snprintf(target, sizeof(target), SYSTEM_UNIT_DIR "/%s", unit_file);
    if (arg_dry_run) {
        print_name(g, path, target);
        return;
    }
    if ((mkdirat(g->normal_fd, WANTS_DIR, 0755) < 0 && errno != EEXIST) ||
        (symlinkat(target, g->normal_fd, path) < 0 && errno != EEXIST)) {
        log_error("cannot link '%s': %s", path, strerror(errno));
        g->write_failed = true;
    }
}

/* --- Compiling ------------------------------------------------------------------------------ */

/* Renders the drop-in to memory first, so that it is written by one write(2) or not at all. */
static void compile_dropin(Generator *g, const char *name, const Spec *spec) {
    text_stream_rewind(&g->render);
    dropin_write(g->render.file, g->root, name, spec);
    if (text_stream_flush(&g->render) < 0) {
        log_error("instance %s: no memory for its drop-in", name);
        g->write_failed = true;
        return;
    }
    put_dropin(g, name, g->render.text, g->render.len);
}

static void check_port(Generator *g, const char *name) {
    const char *other;

    if (ports_add(&g->ports, name, g->spec.port, g->spec.args, &other) < 0)
        log_warning("no memory to compare the port of instance %s with others, ignoring", name);
    else if (other)
        log_warning("instances %s and %s have the same port, %u: only one of them can run at a "
                    "time",
                    other, name, g->spec.port);
}

/* Loads and parses the spec of instance NAME. Returns 1 with the spec in g->spec, 0 where there is
 * none, or negative once it was refused and the reason reported. */
static int load_spec(Generator *g, int instances_fd, const char *name) {
    char path[PATH_MAX];
    SpecLog log = {
        .path = path, .most = arg_dry_run ? 0 : FAULTS_LOGGED_MAX, .source = arg_dry_run};
    size_t len;
    int r;

    (void)snprintf(path, sizeof(path), "%s/instances/%s/spec.yaml", g->root, name);
    r = spec_load(instances_fd, name, g->text, &len);
    if (r == -ENOENT)
        return 0;
    if (r == -ENOTDIR) {
        log_warning("'%s/instances/%s' is no directory, ignoring", g->root, name);
        return 0;
    }
    if (r < 0) {
        log_error("%s: %s", path, spec_load_strerror(r));
        return r;
    }

    r = spec_parse(&g->spec, g->text, len, g->root, spec_log_fault, &log);
    if (r == -ENOMEM)
        log_error("%s: no memory to read it", path);
    spec_log_rest(&log);
    return r < 0 ? r : 1;
}

static void compile_instance(Generator *g, int instances_fd, const char *name) {
    char unit[NAME_MAX + 64];
    int r = load_spec(g, instances_fd, name);

    if (r == 0)
        return;
    g->n_specs++;
    if (r < 0) {
        g->refused = true;
        compile_dropin(g, name, NULL);
        return;
    }

    check_port(g, name);
    compile_dropin(g, name, &g->spec);
    if (g->spec.autostart) {
        (void)snprintf(unit, sizeof(unit), "left4me-server@%s.service", name);
        put_wants(g, unit, "left4me-server@.service");
    }
}

/* A file system's own directory, and what is hidden, are nobody's mistake. */
static int wanted_entry(const struct dirent *entry) {
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "lost+found") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Opens <root>/instances; -ENOENT when state is not mounted yet, or nobody has made it. */
static int open_instances(const char *root) {
    _cleanup_close_ int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (root_fd < 0)
        return -errno;
    return fd_open_beneath(root_fd, "instances", O_RDONLY | O_DIRECTORY, 0);
}

static void compile_all(Generator *g) {
    _cleanup_close_ int instances_fd = open_instances(g->root);
    struct dirent **entries;
    int n;

    if (instances_fd == -ENOENT)
        return;
    if (instances_fd == -ELOOP) {
        log_error("cannot read '%s/instances': it is a symbolic link, and none is followed: put "
                  "the directory "
                  "itself there, or a bind mount",
                  g->root);
        return;
    }
    n = instances_fd < 0 ? -1 : scandirat(instances_fd, ".", &entries, wanted_entry, by_name);
    if (n < 0) {
        log_error("cannot read '%s/instances': %s", g->root,
                  strerror(instances_fd < 0 ? -instances_fd : errno));
        return;
    }

    for (int i = 0; i < n; i++) {
        if (instance_name_valid(entries[i]->d_name))
            compile_instance(g, instances_fd, entries[i]->d_name);
        else
            log_warning("'%s/instances/%s': no name for an instance (1 to 64 of a-z A-Z 0-9 _ -, "
                        "the first a letter or digit), ignoring",
                        g->root, entries[i]->d_name);
    }

    ports_free(&g->ports);
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
}

static int generate(const char *normal_dir) {
    static Generator g;
    int status;

    g.root = arg_root;
    g.normal_fd = -EBADF;
    g.pid = getpid();
    if (!arg_dry_run) {
        g.normal_fd = open(normal_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (g.normal_fd < 0) {
            log_error("cannot open '%s': %s", normal_dir, strerror(errno));
            return EXIT_FAILED;
        }
    }
    if (text_stream_open(&g.render) < 0) {
        log_error("no memory");
        return EXIT_FAILED;
    }

    compile_all(&g);
    /* The state may lie on a file system that is mounted later, also over an empty directory. */
    if (g.n_specs == 0)
        put_wants(&g, "left4me-load.service", "left4me-load.service");

    text_stream_done(&g.render);
    closep(&g.normal_fd);
    status = g.write_failed || (arg_dry_run && g.refused) ? EXIT_FAILED : EXIT_DONE;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_error("cannot write to standard output: %s", strerror(errno));
        status = EXIT_FAILED;
    }
    return status;
}

/* --- Command line --------------------------------------------------------------------------- */

static void help(void) {
    (void)printf("left4me-generator NORMAL-DIR [EARLY-DIR LATE-DIR]\n"
                 "left4me-generator --dry-run [--root DIR]\n\n"
                 "Compiles %s/instances/NAME/spec.yaml into drop-ins of\n"
                 "left4me-server@NAME.service. systemd runs it at boot and at daemon-reload.\n\n"
                 "  --dry-run   print what would be written, and every fault; write nothing\n"
                 "  --root DIR  with --dry-run: the state root (default: $LEFT4ME_ROOT, else\n"
                 "              %s)\n"
                 "  --help      show this\n"
                 "  --version   show the version\n\n"
                 "Exit status: 0 done, 1 could not write (with --dry-run: a spec is refused),\n"
                 "2 wrong usage. Messages go to the kernel log, of a dry run to standard error.\n",
                 LEFT4ME_ROOT_DIR, LEFT4ME_ROOT_DIR);
}

static int usage_error(const char *message) {
    log_error("%s; see 'left4me-generator --help'", message);
    return EXIT_USAGE;
}

/* Where units are loaded that name SourcePath=, it must be absolute. */
static int use_root(const char *root) {
    static char resolved[PATH_MAX];

    if (!realpath(root, resolved)) {
        log_error("cannot use '%s' as the state root: %s", root, strerror(errno));
        return EXIT_FAILED;
    }
    arg_root = resolved;
    return EXIT_DONE;
}

/* Returns an exit status, or -1 to go on. */
static int parse_arguments(int argc, char *argv[]) {
    enum { OPT_DRY_RUN = 0x100, OPT_ROOT, OPT_HELP, OPT_VERSION };
    static const struct option options[] = {
        {"dry-run", no_argument, NULL, OPT_DRY_RUN},
        {"root", required_argument, NULL, OPT_ROOT},
        {"help", no_argument, NULL, OPT_HELP},
        {"version", no_argument, NULL, OPT_VERSION},
        {NULL, 0, NULL, 0},
    };
    const char *root = NULL;
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
        switch (c) {
        case OPT_DRY_RUN:
            arg_dry_run = true;
            break;
        case OPT_ROOT:
            root = optarg;
            break;
        case OPT_HELP:
            help();
            return EXIT_DONE;
        case OPT_VERSION:
            (void)printf("left4me-generator %s\n", PACKAGE_VERSION);
            return EXIT_DONE;
        default:
            return usage_error("unknown option, or an option without its value");
        }

    if (!arg_dry_run) {
        if (root)
            return usage_error("--root goes with --dry-run");
        if (argc - optind != 1 && argc - optind != 3)
            return usage_error("one directory is needed, or three");
        return -1;
    }
    if (argc > optind)
        return usage_error("--dry-run takes no directory");
    if (!root)
        root = getenv("LEFT4ME_ROOT");
    if (root && *root != '\0' && use_root(root) != EXIT_DONE)
        return EXIT_FAILED;
    return -1;
}

static bool environment_says(const char *name, const char *value) {
    const char *v = getenv(name);

    return v && strcmp(v, value) == 0;
}

int main(int argc, char *argv[]) {
    int r;

    log_open_stderr("left4me-generator");
    r = parse_arguments(argc, argv);
    if (r >= 0)
        return r;

    if (!arg_dry_run) {
        log_open_kmsg("left4me-generator");
        /* systemd.generator(7), "Environment": neither has instances. */
        if (environment_says("SYSTEMD_IN_INITRD", "1") || environment_says("SYSTEMD_SCOPE", "user"))
            return EXIT_DONE;
        /* The modes of what is made are those that are named, whatever the caller's mask was. */
        (void)umask(0);
    }
    return generate(argv[optind]);
}
