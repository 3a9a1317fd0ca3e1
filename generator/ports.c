/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/ports.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "shared/macros.h"
#include "spec/words.h"

static bool same_address(const char *a, const char *b) {
    return !a || !b || strcasecmp(a, b) == 0;
}

static int address_of(const char *args, char **ret) {
    char address[64];

    *ret = NULL;
    if (!words_option(args, "-ip", address, sizeof(address)) || strcmp(address, "0.0.0.0") == 0)
        return 0;
    *ret = strdup(address);
    return *ret ? 0 : -ENOMEM;
}

static int reserve(Ports *ports) {
    size_t size = ports->size > 0 ? 2 * ports->size : 64;
    PortUser *users;

    if (ports->n < ports->size)
        return 0;
    users = reallocarray(ports->users, size, sizeof(*users));
    if (!users)
        return -ENOMEM;
    ports->users = users;
    ports->size = size;
    return 0;
}

int ports_add(Ports *ports, const char *name, uint16_t port, const char *args,
              const char **ret_other) {
    PortUser *user;
    int r = reserve(ports);

    if (r < 0)
        return r;
    user = &ports->users[ports->n];
    *user = (PortUser){.name = name, .next = ports->last[port]};
    r = address_of(args, &user->address);
    if (r < 0)
        return r;
    ports->last[port] = (uint32_t)++ports->n;

    *ret_other = NULL;
    for (size_t i = user->next; i > 0 && !*ret_other; i = ports->users[i - 1].next)
        if (same_address(ports->users[i - 1].address, user->address))
            *ret_other = ports->users[i - 1].name;
    return 0;
}

void ports_free(Ports *ports) {
    for (size_t i = 0; i < ports->n; i++)
        free(ports->users[i].address);
    free(ports->users);
}
