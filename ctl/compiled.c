/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/compiled.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/ctl.h"
#include "generator/dropin.h"
#include "shared/fd.h"
#include "shared/macros.h"
#include "shared/text-stream.h"

/* systemd.generator(7): the normal directory of the system manager. */
#define GENERATOR_DIR "/run/systemd/generator"

#define USEC_PER_SEC 1000000U
#define NSEC_PER_USEC 1000U

const char *spec_state_name(SpecState state) {
    static const char *const names[] = {"ok", "refused", "missing", "unreadable"};

    return names[state];
}

static void report_nothing(void *userdata, const SpecFault *fault) {
    (void)userdata;
    (void)fault;
}

SpecState spec_inspect(int instances_fd, const char *name, Spec *spec, SpecReport report,
                       void *userdata, int *ret_error) {
    static char text[SPEC_SIZE_MAX];
    size_t len;
    int r = read_spec(instances_fd, name, text, &len);

    *ret_error = r;
    if (r == -ENOENT || r == -ENOTDIR)
        return SPEC_MISSING;
    if (r == -EACCES)
        return SPEC_UNREADABLE;
    if (r < 0)
        return SPEC_REFUSED;
    *ret_error = 0;
    r = spec_parse(spec, text, len, arg_root, report ? report : report_nothing, userdata);
    if (r == -ENOMEM)
        *ret_error = r;
    return r < 0 ? SPEC_REFUSED : SPEC_OK;
}

static uint64_t usec(const struct timespec *t) {
    return (uint64_t)t->tv_sec * USEC_PER_SEC + (uint64_t)t->tv_nsec / NSEC_PER_USEC;
}

uint64_t spec_changed(int instances_fd, const char *name) {
    char path[INSTANCE_NAME_MAX + sizeof("/spec.yaml")];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%.*s/spec.yaml", INSTANCE_NAME_MAX, name);
    if (fstatat(instances_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    return usec(&st.st_ctim) > usec(&st.st_mtim) ? usec(&st.st_ctim) : usec(&st.st_mtim);
}

void compiled_path(const char *name, char path[static PATH_MAX]) {
    (void)snprintf(path, PATH_MAX, GENERATOR_DIR "/left4me-server@%s.service.d/50-left4me.conf",
                   name);
}

/* Whether the file at PATH holds LEN bytes of DATA and nothing else. */
static int file_is(const char *path, const char *data, size_t len) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    _cleanup_free_ char *found = NULL;
    size_t found_len;
    int r;

    if (fd < 0)
        return -errno;
    found = malloc(len + 1);
    if (!found)
        return -ENOMEM;
    r = fd_read_all(fd, found, len + 1, &found_len);
    if (r < 0)
        return r;
    return found_len == len && memcmp(found, data, len) == 0;
}

int compiled_agrees(const char *name, const Spec *spec) {
    _cleanup_text_stream_ TextStream expected = {0};
    char path[PATH_MAX];
    struct stat st;
    int r;

    r = text_stream_open(&expected);
    if (r < 0)
        return r;
    dropin_write(expected.file, LEFT4ME_ROOT_DIR, name, spec);
    r = text_stream_flush(&expected);
    if (r < 0)
        return r;

    compiled_path(name, path);
    r = file_is(path, expected.text, expected.len);
    if (r <= 0)
        return r;
    (void)snprintf(path, sizeof(path),
                   GENERATOR_DIR "/left4me-servers.target.wants/left4me-server@%s.service", name);
    return (lstat(path, &st) == 0) == (spec && spec->autostart);
}
