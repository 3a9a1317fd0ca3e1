/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whose socket a UDP port is. Whoever asks a port for an answer wants to know that it is the server
 * he means who answers: a Source server whose port is taken takes the next one, and then another
 * one answers in its place. Nothing is allocated. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "query/client.h"

#define PORT_OWNER_NAME_MAX 160

typedef enum PortOwnerKind {
    PORT_OWNER_OURS,
    PORT_OWNER_OTHER,
    PORT_OWNER_NONE,    /* no socket has it */
    PORT_OWNER_UNKNOWN, /* it may be ours: we may not see which sockets the game has */
} PortOwnerKind;

typedef struct PortOwner {
    pid_t pid; /* of PORT_OWNER_OURS: the process that holds the socket, else 0 */

    /* Its own: what shows in one look that nothing changed. */
    unsigned fd;
    uint64_t inode;
} PortOwner;

/* Looks who has the port of ADDRESS, by proc_net(5) and the descriptors of processes: the calling
 * process and its descendants, of which GAME is one, are "ours". OWNER, all zero at first, keeps
 * what was found, so that the next call is a single readlink(2) while it stays so. Of
 * PORT_OWNER_OTHER, NAME says who: a unit and a process, or, where it is out of sight (in another
 * user namespace, as other instances are), whose user's it is. Returns a PortOwnerKind, or a
 * negative errno where the sockets cannot be read. */
int port_owner_find(PortOwner *owner, const QueryAddress *address, pid_t game,
                    char name[static PORT_OWNER_NAME_MAX]);

/* Writes the UDP ports that are ours, the first few of them, as "27016, 27005"; "" for none. */
void port_owner_ports(char *text, size_t size);
