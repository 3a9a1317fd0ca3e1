/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The instances' files, as every verb looks at them. */

#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/ctl.h"
#include "shared/fd.h"
#include "shared/log.h"
#include "spec/report.h"

bool check_name(const char *name) {
    if (instance_name_valid(name))
        return true;
    log_error("'%s' is no name for an instance: 1 to 64 of a-z A-Z 0-9 _ -, the first a letter or "
              "digit",
              name);
    return false;
}

void unit_name(const char *name, char unit[static UNIT_NAME_MAX]) {
    (void)snprintf(unit, UNIT_NAME_MAX, "left4me-server@%s.service", name);
}

int open_instances(bool required) {
    _cleanup_close_ int root_fd = open(arg_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd =
        root_fd < 0 ? -errno : fd_open_beneath(root_fd, "instances", O_RDONLY | O_DIRECTORY, 0);

    if (fd == -EACCES)
        log_error("cannot read '%s/instances': permission denied: those may who are root or in "
                  "group left4me",
                  arg_root);
    else if (fd < 0 && (required || fd != -ENOENT))
        log_error("cannot open '%s/instances': %s", arg_root, strerror(-fd));
    return fd;
}

int read_spec(int instances_fd, const char *name, char *text, size_t *ret_len) {
    return spec_load(instances_fd, name, text, ret_len);
}

int parse_spec(Spec *spec, char *text, size_t len, const char *path) {
    SpecLog log = {.path = path, .source = true};
    int r = spec_parse(spec, text, len, arg_root, spec_log_fault, &log);

    if (r == -ENOMEM)
        log_error("%s: no memory to read it", path);
    return r;
}

/* --- Names ---------------------------------------------------------------------------------- */

void names_free(Names *names) {
    for (size_t i = 0; i < names->n; i++)
        free(names->names[i]);
    free(names->names);
    *names = (Names){0};
}

int names_add(Names *names, const char *name) {
    char **grown;
    char *copy;

    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->names[i], name) == 0)
            return 0;
    grown = reallocarray(names->names, names->n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    names->names = grown;
    copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    grown[names->n++] = copy;
    return 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void names_sort(Names *names) {
    if (names->n > 1)
        qsort(names->names, names->n, sizeof(*names->names), by_name);
}

int find_instances(int instances_fd, Names *ret) {
    _cleanup_closedir_ DIR *dir = fd_open_dir(instances_fd, ".");
    _cleanup_names_ Names names = {0};
    struct dirent *entry;

    if (!dir)
        return -errno;
    while (errno = 0, (entry = readdir(dir))) {
        char path[INSTANCE_NAME_MAX + sizeof("/spec.yaml")];
        struct stat st;

        if (!instance_name_valid(entry->d_name))
            continue;
        (void)snprintf(path, sizeof(path), "%.*s/spec.yaml", INSTANCE_NAME_MAX, entry->d_name);
        /* What cannot be looked at may be one. */
        if (fstatat(instances_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
            (errno == ENOENT || errno == ENOTDIR))
            continue;
        if (names_add(&names, entry->d_name) < 0)
            return -ENOMEM;
    }
    if (errno != 0)
        return -errno;
    names_sort(&names);
    *ret = names;
    names = (Names){0};
    return 0;
}
