/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* floor a|b NORMAL-DIR: what no generator of drop-ins from specs can do without, to hold
 * left4me-generator against. "a" makes the bare system calls for the same files and no others:
 * scan, sort by name, open beneath, fstat, read, mkdir, temporary file, write, rename. It writes
 * what it read, which is about as long as a drop-in. "b" also takes libyaml's events of each spec.
 */

#include "config.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <yaml.h>

static char text[64 * 1024];

static void take_events(size_t len) {
    yaml_parser_t parser;
    yaml_event_t event;
    bool end;

    if (!yaml_parser_initialize(&parser))
        errx(1, "no memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    do {
        if (!yaml_parser_parse(&parser, &event))
            errx(1, "not YAML");
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    } while (!end);
    yaml_parser_delete(&parser);
}

static size_t read_spec(int instances_fd, const char *name) {
    const struct open_how how = {
        .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    char path[512];
    struct stat st;
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/spec.yaml", name);
    fd = (int)syscall(SYS_openat2, instances_fd, path, &how, sizeof(how));
    if (fd < 0 || fstat(fd, &st) < 0 || (size_t)st.st_size > sizeof(text))
        err(1, "%s", path);
    n = read(fd, text, (size_t)st.st_size);
    if (n < 0 || close(fd) < 0)
        err(1, "%s", path);
    return (size_t)n;
}

static void write_dropin(int normal_fd, const char *name, size_t len, pid_t pid) {
    char dir[512], path[600], temporary[600];
    int fd;

    (void)snprintf(dir, sizeof(dir), "left4me-server@%s.service.d", name);
    (void)snprintf(path, sizeof(path), "%s/50-left4me.conf", dir);
    (void)snprintf(temporary, sizeof(temporary), "%s/.50-left4me.conf.%d", dir, pid);
    if (mkdirat(normal_fd, dir, 0755) < 0)
        err(1, "%s", dir);
    fd = openat(normal_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, len) < 0 || close(fd) < 0 ||
        renameat(normal_fd, temporary, normal_fd, path) < 0)
        err(1, "%s", temporary);
}

static int wanted(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

int main(int argc, char *argv[]) {
    const pid_t pid = getpid();
    struct dirent **entries;
    int instances_fd, normal_fd, n;
    bool events;

    if (argc != 3)
        errx(2, "usage: floor a|b NORMAL-DIR");
    events = strcmp(argv[1], "b") == 0;
    instances_fd = open(LEFT4ME_ROOT_DIR "/instances", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    normal_fd = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
    n = instances_fd < 0 ? -1 : scandirat(instances_fd, ".", &entries, wanted, by_name);
    if (n < 0 || normal_fd < 0)
        err(1, "cannot open the directories");

    for (int i = 0; i < n; i++) {
        size_t len = read_spec(instances_fd, entries[i]->d_name);

        if (events)
            take_events(len);
        write_dropin(normal_fd, entries[i]->d_name, len, pid);
        free(entries[i]);
    }
    free(entries);
    return 0;
}
