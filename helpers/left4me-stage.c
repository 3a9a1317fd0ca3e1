/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* left4me-stage fills an instance's upper layer before it is mounted: server.cfg from the spec's
 * config, server_<alias>.cfg from the overlays. It runs as user left4me in the unit's sandbox, and
 * tells what would make the start fail or surprise: a refused spec, a drop-in that is older than
 * the spec, a port that is taken. */

#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "helpers/command-line.h"
#include "helpers/upper.h"
#include "shared/exit.h"
#include "shared/fd.h"
#include "shared/log.h"
#include "shared/macros.h"
#include "shared/text-stream.h"
#include "spec/names.h"
#include "spec/report.h"
#include "spec/spec.h"
#include "spec/words.h"

#define ROOT LEFT4ME_ROOT_DIR
#define LAYER_CFG "left4dead2/cfg"
#define FAULTS_LOGGED_MAX 200
#define ALIAS_SIZE_MAX (1024 * 1024)

/* --- The spec ------------------------------------------------------------------------------- */

static int read_spec(int root_fd, const char *name, Spec *spec) {
    static char text[SPEC_SIZE_MAX];
    _cleanup_close_ int instances_fd = -EBADF;
    char path[PATH_MAX];
    SpecLog log = {.path = path, .most = FAULTS_LOGGED_MAX, .source = true};
    size_t len;
    int r;

    (void)snprintf(path, sizeof(path), ROOT "/instances/%s/spec.yaml", name);
    instances_fd = fd_open_beneath(root_fd, "instances", O_PATH | O_DIRECTORY, 0);
    r = instances_fd < 0 ? instances_fd : spec_load(instances_fd, name, text, &len);
    if (r == -EACCES) {
        log_error("%s: user left4me cannot read it: 'chgrp left4me' and 'chmod 0640' the file, "
                  "'chgrp left4me' and 'chmod 2770' its directory",
                  path);
        return EXIT_CONFIGURATION;
    }
    if (r < 0) {
        log_error("%s: %s", path, spec_load_strerror(r));
        return EXIT_CONFIGURATION;
    }

    r = spec_parse(spec, text, len, ROOT, spec_log_fault, &log);
    spec_log_rest(&log);
    if (r == -EBADMSG)
        return EXIT_CONFIGURATION;
    if (r < 0) {
        log_error("%s: cannot be read: %s", path, strerror(-r));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* --- Staging -------------------------------------------------------------------------------- */

static int stage_error(const char *name, const char *what, int r) {
    if (r == -ELOOP || r == -ENOTDIR)
        log_error("'" ROOT "/runtime/%s/%s' is no directory: remove it, or 'systemctl clean "
                  "--what=state left4me-server@%s'",
                  name, what, name);
    else if (r == -EEXIST)
        log_error("'" ROOT "/runtime/%s/%s' is in the way: remove it", name, what);
    else
        log_error("cannot stage '" ROOT "/runtime/%s/%s': %s", name, what, strerror(-r));
    return EXIT_FAILED;
}

/* Makes the directories of the instance. Returns an exit status; upper's cfg directory is in
 * *RET_CFG_FD. */
static int make_directories(int root_fd, const char *name, int *ret_cfg_fd) {
    static const char *const chain[] = {"upper", "upper/left4dead2", ("upper/" LAYER_CFG)};
    static const char *const beside[] = {"work", "merged"};
    _cleanup_close_ int runtime_fd = -EBADF, fd = -EBADF;
    char path[INSTANCE_NAME_MAX + sizeof("runtime/")];

    (void)snprintf(path, sizeof(path), "runtime/%s", name);
    runtime_fd = fd_open_beneath(root_fd, path, O_PATH | O_DIRECTORY, 0);
    if (runtime_fd < 0) {
        log_error("cannot use '" ROOT "/%s', which systemd makes: %s", path, strerror(-runtime_fd));
        return EXIT_FAILED;
    }

    for (size_t i = 0; i < ELEMENTSOF(beside); i++) {
        _cleanup_close_ int beside_fd = upper_make_dir(runtime_fd, beside[i]);

        if (beside_fd < 0)
            return stage_error(name, beside[i], beside_fd);
    }
    for (size_t i = 0; i < ELEMENTSOF(chain); i++) {
        int next_fd = upper_make_dir(i == 0 ? runtime_fd : fd, basename(chain[i]));

        if (next_fd < 0)
            return stage_error(name, chain[i], next_fd);
        closep(&fd);
        fd = next_fd;
    }
    *ret_cfg_fd = TAKE_FD(fd);
    return EXIT_DONE;
}

/* Looks at FD, which is PATH beneath OVERLAYS_FD, or the errno of opening it. Returns 0 with the
 * reason in *RET_UNFIT where it is the layer's way of having no such file, 0 and NULL where it can
 * be copied, or a negative errno. */
static int look_at_alias_source(int overlays_fd, const char *path, int fd, const char **ret_unfit) {
    _cleanup_close_ int looked_at_fd = -EBADF;
    const int error = fd;
    struct stat st;

    *ret_unfit = NULL;
    if (fd == -ELOOP) {
        *ret_unfit = "is reached through a symbolic link";
        return 0;
    }
    /* A device, or a whiteout, cannot be opened where the file system is nodev. */
    if (fd == -EACCES || fd == -ENXIO)
        fd = looked_at_fd = fd_open_beneath(overlays_fd, path, O_PATH, 0);
    if (fd < 0)
        return error;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        *ret_unfit = "is no regular file";
    else if (st.st_size > ALIAS_SIZE_MAX)
        *ret_unfit = "is larger than 1 MiB, which no cfg file is";
    return error < 0 && !*ret_unfit ? error : 0;
}

/* Opens the server.cfg that an alias stands for. Returns a descriptor, -ENOENT once it was said
 * that there is nothing to copy, or another negative errno. */
static int open_alias_source(int overlays_fd, const SpecOverlay *overlay) {
    _cleanup_free_ char *path = NULL;
    _cleanup_close_ int fd = -EBADF;
    const char *unfit;
    int r;

    if (asprintf(&path, "%s/" LAYER_CFG "/server.cfg", overlay->path) < 0)
        return -ENOMEM;
    fd = fd_open_beneath(overlays_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd == -ENOENT || fd == -ENOTDIR) {
        log_notice("'" ROOT "/overlays/%s' does not exist, so there is no server_%s.cfg", path,
                   overlay->alias);
        return -ENOENT;
    }
    r = look_at_alias_source(overlays_fd, path, fd, &unfit);
    if (unfit) {
        log_warning("'" ROOT "/overlays/%s' %s, ignoring: there is no server_%s.cfg", path, unfit,
                    overlay->alias);
        return -ENOENT;
    }
    return r < 0 ? r : TAKE_FD(fd);
}

static int stage_alias(const char *name, int cfg_fd, int overlays_fd, const SpecOverlay *overlay) {
    char target[ALIAS_MAX + sizeof("server_.cfg")];
    char what[sizeof(target) + sizeof("upper/" LAYER_CFG "/")];
    _cleanup_close_ int source_fd = open_alias_source(overlays_fd, overlay);
    int r;

    if (source_fd == -ENOENT)
        return EXIT_DONE;
    if (source_fd < 0) {
        log_error("cannot read '" ROOT "/overlays/%s/" LAYER_CFG "/server.cfg', which alias '%s' "
                  "names: %s",
                  overlay->path, overlay->alias, strerror(-source_fd));
        return EXIT_CONFIGURATION;
    }

    (void)snprintf(target, sizeof(target), "server_%s.cfg", overlay->alias);
    (void)snprintf(what, sizeof(what), "upper/" LAYER_CFG "/%s", target);
    r = upper_copy(cfg_fd, target, source_fd);
    return r < 0 ? stage_error(name, what, r) : EXIT_DONE;
}

static int stage_aliases(int root_fd, const char *name, int cfg_fd, const Spec *spec) {
    _cleanup_close_ int overlays_fd = -EBADF;

    for (size_t i = 0; i < spec->n_overlays; i++) {
        int status;

        if (!spec->overlays[i].alias)
            continue;
        if (overlays_fd < 0)
            overlays_fd = fd_open_beneath(root_fd, "overlays", O_PATH | O_DIRECTORY, 0);
        if (overlays_fd < 0) {
            log_error("cannot open '" ROOT "/overlays': %s", strerror(-overlays_fd));
            return EXIT_CONFIGURATION;
        }
        status = stage_alias(name, cfg_fd, overlays_fd, &spec->overlays[i]);
        if (status != EXIT_DONE)
            return status;
    }
    return EXIT_DONE;
}

static int stage(int root_fd, const char *name, const Spec *spec) {
    _cleanup_close_ int cfg_fd = -EBADF;
    int r, status = make_directories(root_fd, name, &cfg_fd);

    if (status != EXIT_DONE)
        return status;
    r = upper_remove_stale(cfg_fd);
    if (r < 0)
        return stage_error(name, "upper/" LAYER_CFG, r);
    r = upper_write(cfg_fd, "server.cfg", spec->config, strlen(spec->config));
    if (r < 0)
        return stage_error(name, "upper/" LAYER_CFG "/server.cfg", r);
    return stage_aliases(root_fd, name, cfg_fd, spec);
}

/* --- The compiled instance ------------------------------------------------------------------ */

static const char *environment(const char *name) {
    const char *value = getenv(name);

    return value ? value : "";
}

/* How much of two long values a message shows, from a little before the first difference. */
#define SHOWN_MAX 1200
#define SHOWN_BEFORE 40

static void compare(const char *what, const char *in_force, const char *in_spec) {
    size_t same = 0, skip;

    while (in_force[same] != '\0' && in_force[same] == in_spec[same])
        same++;
    if (in_force[same] == in_spec[same])
        return;

    skip = strlen(in_force) <= SHOWN_MAX && strlen(in_spec) <= SHOWN_MAX ? 0
           : same > SHOWN_BEFORE                                         ? same - SHOWN_BEFORE
                                                                         : 0;
    log_warning("the spec's %s changed since the last daemon-reload, which takes effect after the "
                "next one: in force \"%s%.*s%s\", in the spec \"%s%.*s%s\"",
                what, skip > 0 ? "..." : "", SHOWN_MAX, in_force + skip,
                strlen(in_force + skip) > SHOWN_MAX ? "..." : "", skip > 0 ? "..." : "", SHOWN_MAX,
                in_spec + skip, strlen(in_spec + skip) > SHOWN_MAX ? "..." : "");
}

static void put_text(FILE *f, const char *text) {
    (void)fputs(text, f);
}

static int compare_compiled(const char *name, const Spec *spec) {
    _cleanup_text_stream_ TextStream lowerdirs = {0};
    char port[sizeof("65535")];
    int r;

    if (!getenv("L4D2_PORT")) {
        log_error("instance %s is not compiled: run 'systemctl daemon-reload'", name);
        return EXIT_CONFIGURATION;
    }

    r = text_stream_open(&lowerdirs);
    if (r >= 0) {
        spec_write_lowerdirs(lowerdirs.file, spec, ROOT, put_text);
        r = text_stream_flush(&lowerdirs);
    }
    if (r < 0) {
        log_error("no memory");
        return EXIT_FAILED;
    }
    (void)snprintf(port, sizeof(port), "%u", spec->port);
    compare("port", environment("L4D2_PORT"), port);
    compare("arguments", environment("L4D2_ARGS"), spec->args);
    compare("overlays", environment("L4D2_LOWERDIRS"), lowerdirs.text);
    for (size_t i = 0; i < TIMING_FIELDS; i++) {
        char text[TIMING_TEXT_MAX];
        const char *value = timing_fields[i].format(&spec->timing, text);

        compare(timing_fields[i].key, environment(timing_fields[i].variable), value ? value : "");
    }
    return EXIT_DONE;
}

/* --- The port ------------------------------------------------------------------------------- */

static int explain_bind(unsigned port, const char *address, int error) {
    if (error == EADDRINUSE)
        log_error("port %u is taken: another process has bound it at %s (UDP); 'ss -lunp' tells "
                  "which",
                  port, address);
    else if (error == EADDRNOTAVAIL)
        log_error("address %s, which -ip in the arguments names, is none of this host", address);
    else if (error == EACCES)
        log_error("port %u may not be bound by user left4me: take one from 1024 on", port);
    else
        log_error("port %u cannot be bound at %s: %s", port, address, strerror(error));
    return EXIT_CONFIGURATION;
}

/* Binds what the game is about to bind, with what is in force and not with what the spec says now.
 * SO_REUSEADDR would let a second UDP socket have the same port. */
static int check_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    _cleanup_close_ int fd = -EBADF;
    const char *value = environment("L4D2_PORT");
    char ip[64] = "0.0.0.0", *end;
    unsigned long port = strtoul(value, &end, 10);

    if (*end != '\0' || port < 1 || port > UINT16_MAX) {
        log_error("L4D2_PORT=%s in the unit's environment is no port", value);
        return EXIT_CONFIGURATION;
    }
    (void)words_option(environment("L4D2_ARGS"), "-ip", ip, sizeof(ip));
    if (inet_pton(AF_INET, ip, &address.sin_addr) != 1) {
        log_notice("-ip in the arguments names no IPv4 address: the port was not checked");
        return EXIT_DONE;
    }

    address.sin_port = htons((uint16_t)port);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        log_error("cannot make a UDP socket: %s", strerror(errno));
        return EXIT_FAILED;
    }
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return explain_bind((unsigned)port, ip, errno);
    return EXIT_DONE;
}

/* --- Command line --------------------------------------------------------------------------- */

static int run(const char *name) {
    static Spec spec;
    _cleanup_close_ int root_fd = open(ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int status;

    if (root_fd < 0) {
        log_error("cannot open '" ROOT "': %s", strerror(errno));
        return EXIT_FAILED;
    }
    status = read_spec(root_fd, name, &spec);
    if (status == EXIT_DONE)
        status = stage(root_fd, name, &spec);
    if (status == EXIT_DONE)
        status = compare_compiled(name, &spec);
    if (status == EXIT_DONE)
        status = check_port();
    return status;
}

static void help(void) {
    (void)printf(
        "left4me-stage NAME\n\n"
        "Fills the upper layer of instance NAME: server.cfg and server_<alias>.cfg, from\n" ROOT
        "/instances/NAME/spec.yaml. left4me-server@NAME.service\n"
        "runs it before each start, with L4D2_PORT, L4D2_ARGS and L4D2_LOWERDIRS in its\n"
        "environment.\n\n"
        "  --help     show this\n"
        "  --version  show the version\n\n"
        "Exit status: 0 done, 1 failed, 2 wrong usage, 78 the spec, an overlay or the\n"
        "port is at fault, or the instance is not compiled.\n");
}

int main(int argc, char *argv[]) {
    static const CommandLine line = {"left4me-stage", help, 1, "one NAME"};
    int r = command_line_parse(&line, argc, argv);

    if (r >= 0)
        return r;
    (void)alarm(START_LIMIT_SEC);
    return run(argv[optind]);
}
