/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/host.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ctl/ctl.h"
#include "ctl/layers.h"
#include "shared/fd.h"
#include "shared/log.h"

#define ALIAS_SOURCE "left4dead2/cfg/server.cfg"
#define ALIAS_SIZE_MAX (1024 * 1024) /* as left4me-stage has it */
#define LOADER "/lib/ld-linux.so.2"
#define GAME_USER "left4me"

/* For an instance of which only the installation, or what is in it, is at fault: the message is
 * the same for all of them. */
static int report_common(Subject *subject, bool *told, int level, const char *message) {
    if (!*told && !subject->silent)
        log_msg(level, "%s", message);
    *told = *told || !subject->silent;
    return subject_add(subject, level, 0, 0, message);
}

/* --- Layers --------------------------------------------------------------------------------- */

static int report_layer(Subject *subject, const Layer *layer) {
    static bool told;
    /* Whoever may not look cannot know. */
    const int level = layer->fd == -EACCES ? LOG_WARNING : LOG_ERR;
    char message[PATH_MAX + sizeof(layer->problem)];

    if (strcmp(layer->path, "installation") != 0)
        return subject_report(subject, level, "overlay '%s/%s' %s", arg_root, layer->path,
                              layer->problem);
    (void)snprintf(message, sizeof(message), "installation '%s/%s' %s", arg_root, layer->path,
                   layer->problem);
    return report_common(subject, &told, level, message);
}

/* What left4me-stage would say of it; NULL where all is well, or nobody can tell. */
static const char *unfit_alias_source(int fd) {
    struct stat st;

    if (fd == -ENOENT || fd == -ENOTDIR)
        return "does not exist";
    if (fd == -ELOOP)
        return "is reached through a symbolic link";
    if (fd < 0 || fstat(fd, &st) < 0)
        return NULL;
    if (!S_ISREG(st.st_mode))
        return "is no regular file";
    if (st.st_size > ALIAS_SIZE_MAX)
        return "is larger than 1 MiB, which no cfg file is";
    return NULL;
}

static int check_alias(Subject *subject, const Layer *layer) {
    _cleanup_close_ int fd = fd_open_beneath(layer->fd, ALIAS_SOURCE, O_PATH, 0);
    const char *unfit = unfit_alias_source(fd);

    if (!unfit)
        return 0;
    return subject_report(subject, LOG_WARNING,
                          "'%s/%s/" ALIAS_SOURCE "' %s, so there is no server_%s.cfg", arg_root,
                          layer->path, unfit, layer->alias);
}

/* --- The game ------------------------------------------------------------------------------- */

static int check_srcds_run(Subject *subject, const Layers *layers) {
    struct stat st;

    for (size_t i = 0; i < layers->n; i++) {
        const int fd = layers->layers[i].fd;

        /* A layer that is missing was told, and may have had it. */
        if (fd < 0 || fstatat(fd, "srcds_run", &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
            return 0;
    }
    return subject_report(subject, LOG_ERR,
                          "there is no srcds_run in installation '%s/installation', nor in an "
                          "overlay: install the game there (see README)",
                          arg_root);
}

static bool is_32_bit(int dir_fd, const char *path) {
    _cleanup_close_ int fd = fd_open_beneath(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    char ident[EI_CLASS + 1];
    size_t len;

    return fd >= 0 && fd_read_all(fd, ident, sizeof(ident), &len) >= 0 && len == sizeof(ident) &&
           memcmp(ident, ELFMAG, SELFMAG) == 0 && ident[EI_CLASS] == ELFCLASS32;
}

static int check_loader(Subject *subject, const Layer *installation) {
    static const char *const programs[] = {"srcds_linux", "bin/dedicated.so", "bin/engine.so"};
    static bool told;
    char message[PATH_MAX + 256];

    if (access(LOADER, F_OK) == 0)
        return 0;
    for (size_t i = 0; i < ELEMENTSOF(programs); i++)
        if (is_32_bit(installation->fd, programs[i])) {
            (void)snprintf(
                message, sizeof(message),
                "'%s/installation/%s' is a 32-bit program, and the loader of such, " LOADER
                ", does not exist: install it (on Debian: lib32gcc-s1 and "
                "lib32stdc++6)",
                arg_root, programs[i]);
            return report_common(subject, &told, LOG_ERR, message);
        }
    return 0;
}

int host_check(Subject *subject, const Spec *spec) {
    _cleanup_close_ int root_fd = layers_open_root(arg_root);
    _cleanup_layers_ Layers layers = {0};
    int r;

    if (subject->silent)
        return 0;
    if (root_fd < 0)
        return subject_report(subject, LOG_ERR, "cannot open '%s': %s", arg_root,
                              strerror(-root_fd));
    r = layers_open(root_fd, spec, &layers);
    for (size_t i = 0; r >= 0 && i < layers.n; i++) {
        const Layer *layer = &layers.layers[i];

        if (layer->fd < 0)
            r = report_layer(subject, layer);
        else if (layer->alias)
            r = check_alias(subject, layer);
    }
    if (r >= 0)
        r = check_srcds_run(subject, &layers);
    if (r >= 0 && layers.layers[layers.n - 1].fd >= 0)
        r = check_loader(subject, &layers.layers[layers.n - 1]);
    return r;
}

/* --- The game's user ------------------------------------------------------------------------ */

/* In a process of its own, which is user left4me then. */
_Noreturn static void try_to_read(const struct passwd *user, int instances_fd, const char *path) {
    int fd;

    if (setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)
        _exit(2);
    fd = fd_open_beneath(instances_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    _exit(fd == -EACCES);
}

int host_game_can_read(int instances_fd, const char *name) {
    const struct passwd *user;
    char path[INSTANCE_NAME_MAX + sizeof("/spec.yaml")];
    int status;
    pid_t pid;

    if (geteuid() != 0)
        return -EPERM;
    user = getpwnam(GAME_USER);
    if (!user)
        return -ESRCH;
    (void)snprintf(path, sizeof(path), "%.*s/spec.yaml", INSTANCE_NAME_MAX, name);
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        if (initgroups(user->pw_name, user->pw_gid) < 0)
            _exit(2);
        try_to_read(user, instances_fd, path);
    }
    if (waitpid(pid, &status, 0) < 0)
        return -errno;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
        return -ECHILD;
    return WEXITSTATUS(status) == 0;
}
