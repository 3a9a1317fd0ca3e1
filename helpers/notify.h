/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* sd_notify(3) for a program that runs as long as a server, fifty times on a host: without
 * libsystemd, whose libraries would cost each process more memory than all of left4me-run has, and
 * without allocation. The protocol is the documented and stable one. */

#include <sys/socket.h>
#include <sys/un.h>

#include "shared/macros.h"

typedef struct Notify {
    int fd; /* -EBADF: nobody wants to be told */
    struct sockaddr_un address;
    socklen_t address_len;
} Notify;

/* Takes NOTIFY_SOCKET out of the environment. Returns 0, also where there is none, or a negative
 * errno: -EINVAL for one that is no address of a socket. */
int notify_open(Notify *ret);

/* Sends "NAME=VALUE" lines, at most 1000 bytes in all. That it did not get there is not told: PID 1
 * may be just executing itself anew, and the next one comes soon. */
void notify_send(const Notify *n, const char *format, ...) _printf_(2, 3);
