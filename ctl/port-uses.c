/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/port-uses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/macros.h"
#include "spec/words.h"

static const struct {
    const char *name;
    PortRole role;
} options[] = {
    {"+hostport", PORT_GAME}, {"-port", PORT_GAME},         {"+tv_port", PORT_TV},
    {"-tv_port", PORT_TV},    {"+clientport", PORT_CLIENT}, {"-clientport", PORT_CLIENT},
};

/* As strtoul() with which the game reads it, but for what is no port. Returns 0 for that. */
static uint16_t parse_port(const char *text) {
    unsigned port = 0;

    for (; *text >= '0' && *text <= '9'; text++) {
        port = port * 10 + (unsigned)(*text - '0');
        if (port > UINT16_MAX)
            return 0;
    }
    return (uint16_t)port;
}

static int add(PortUses *uses, const PortUse *use) {
    PortUse *grown;

    for (size_t i = uses->n; i > 0 && uses->uses[i - 1].user == use->user; i--)
        if (uses->uses[i - 1].port == use->port && uses->uses[i - 1].role == use->role)
            return 0;
    grown = reallocarray(uses->uses, uses->n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    uses->uses = grown;
    grown[uses->n++] = *use;
    return 0;
}

int port_uses_add(PortUses *uses, size_t user, const Spec *spec) {
    PortUse use = {.user = user, .what = "port", .role = PORT_GAME, .port = spec->port};
    const char *rest = spec->args;
    char word[64];
    int r;

    if (!words_option(spec->args, "-ip", use.address, sizeof(use.address)) ||
        strcmp(use.address, "0.0.0.0") == 0)
        use.address[0] = '\0';
    r = add(uses, &use);
    while (r >= 0 && words_next(&rest, word, sizeof(word)) > 0)
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(options); i++) {
            const char *behind = rest;
            char value[64];

            if (strcasecmp(word, options[i].name) != 0 ||
                words_next(&behind, value, sizeof(value)) <= 0)
                continue;
            use.what = options[i].name;
            use.role = options[i].role;
            use.port = parse_port(value);
            if (use.port != 0)
                r = add(uses, &use);
        }
    return r;
}

bool port_uses_clash(const PortUse *a, const PortUse *b) {
    return a->port == b->port && (a->address[0] == '\0' || b->address[0] == '\0' ||
                                  strcasecmp(a->address, b->address) == 0);
}

void port_uses_free(PortUses *uses) {
    free(uses->uses);
    *uses = (PortUses){0};
}
