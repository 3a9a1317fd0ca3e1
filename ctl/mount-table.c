/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/mount-table.h"

#include <errno.h>
#include <string.h>

/* Octal escapes stand for blank, newline and backslash (proc_pid_mountinfo(5)). */
static void unescape(char *s) {
    char *to = s;

    while (*s != '\0') {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] != '\0' && s[3] != '\0') {
            *to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 4;
        } else {
            *to++ = *s++;
        }
    }
    *to = '\0';
}

/* The mount point of LINE, "ID PARENT DEV ROOT PATH OPTIONS [TAG]... - TYPE SOURCE OPTIONS", where
 * it is an overlay of SOURCE; else NULL. LINE is cut up. */
static char *mount_point(char *line, const char *source) {
    char *fields = line, *path = NULL, *tail = strstr(line, " - overlay ");
    size_t n = strlen(source);

    if (!tail)
        return NULL;
    tail += strlen(" - overlay ");
    if (strncmp(tail, source, n) != 0 || tail[n] != ' ')
        return NULL;
    for (unsigned i = 0; i < 5; i++)
        path = strsep(&fields, " ");
    if (path)
        unescape(path);
    return path;
}

int mount_table_find(const char *name, Names *ret) {
    _cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
    _cleanup_names_ Names found = {0};
    _cleanup_free_ char *line = NULL;
    char source[sizeof("left4me-") + INSTANCE_NAME_MAX];
    size_t size = 0;

    if (!f)
        return -errno;
    (void)snprintf(source, sizeof(source), "left4me-%s", name);
    while (errno = 0, getline(&line, &size, f) >= 0) {
        const char *path = mount_point(line, source);

        if (path && names_add(&found, path) < 0)
            return -ENOMEM;
    }
    if (errno != 0)
        return -errno;
    *ret = found;
    found = (Names){0};
    return 0;
}
