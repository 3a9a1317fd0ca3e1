/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/names.h"

#include <stddef.h>
#include <string.h>

/* isalnum(3) asks the locale; these names are ASCII whatever the locale says. */
static bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The length of the run of letters, digits and characters of FURTHER at the start of S. */
static size_t span(const char *s, const char *further) {
    size_t n = 0;

    while (s[n] != '\0' && (is_alnum(s[n]) || strchr(further, s[n])))
        n++;
    return n;
}

bool instance_name_valid(const char *name) {
    size_t n = span(name, "_-");

    return n >= 1 && n <= INSTANCE_NAME_MAX && name[n] == '\0' && is_alnum(name[0]);
}

bool alias_valid(const char *alias) {
    size_t n = span(alias, "_-");

    return n >= 1 && n <= ALIAS_MAX && alias[n] == '\0';
}

static size_t component_span(const char *s) {
    size_t n = span(s, "._+@-");

    if (n < 1 || n > OVERLAY_COMPONENT_MAX || !(is_alnum(s[0]) || s[0] == '_'))
        return 0;
    return n;
}

bool overlay_component_valid(const char *component) {
    size_t n = component_span(component);

    return n > 0 && component[n] == '\0';
}

bool overlay_path_valid(const char *path) {
    for (;;) {
        size_t n = component_span(path);

        if (n == 0)
            return false;
        if (path[n] == '\0')
            return true;
        if (path[n] != '/')
            return false;
        path += n + 1;
    }
}
