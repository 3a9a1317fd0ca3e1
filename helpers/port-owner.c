/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/port-owner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helpers/procs.h"
#include "query/address.h"
#include "shared/macros.h"

#define SOCKETS_MAX 16

/* --- /proc/net/udp -------------------------------------------------------------------------- */

/* A socket that is bound to a port and not connected. */
typedef struct UdpSocket {
    uint32_t address[4]; /* as in6_addr and in_addr have them; of IPv4 the first alone */
    int family;
    uint16_t port;
    unsigned uid;
    uint64_t inode;
} UdpSocket;

typedef void (*EachSocket)(void *userdata, const UdpSocket *socket);

static bool parse_line(const char *line, int family, UdpSocket *ret) {
    UdpSocket s = {.family = family};
    unsigned port, remote;
    int n;

    if (family == AF_INET)
        n = sscanf(line, " %*u: %8x:%4x %*8x:%4x %*x %*x:%*x %*x:%*x %*x %u %*u %" SCNu64,
                   &s.address[0], &port, &remote, &s.uid, &s.inode);
    else
        n = sscanf(line,
                   " %*u: %8x%8x%8x%8x:%4x %*32[0-9A-F]:%4x %*x %*x:%*x %*x:%*x %*x %u %*u "
                   "%" SCNu64,
                   &s.address[0], &s.address[1], &s.address[2], &s.address[3], &port, &remote,
                   &s.uid, &s.inode);
    if (n != (family == AF_INET ? 5 : 8) || remote != 0 || port == 0)
        return false;
    s.port = (uint16_t)port;
    *ret = s;
    return true;
}

/* Calls EACH for the sockets of the table at PATH; with a port other than 0 for those on it alone,
 * and then lines of others cost next to nothing. */
static int each_socket(const char *path, int family, uint16_t port, EachSocket each,
                       void *userdata) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    char buf[8192], wanted[8];
    size_t used = 0;

    if (fd < 0)
        return -errno;
    (void)snprintf(wanted, sizeof(wanted), ":%04X ", port);
    for (;;) {
        char *line = buf, *end;
        ssize_t n = read(fd, buf + used, sizeof(buf) - 1 - used);
        UdpSocket socket;

        if (n <= 0)
            return n < 0 ? -errno : 0;
        used += (size_t)n;
        buf[used] = '\0';
        for (; (end = strchr(line, '\n')); line = end + 1) {
            *end = '\0';
            if ((port == 0 || strstr(line, wanted)) && parse_line(line, family, &socket) &&
                (port == 0 || socket.port == port))
                each(userdata, &socket);
        }
        used -= (size_t)(line - buf);
        if (used == sizeof(buf) - 1)
            return -EBADMSG;
        memmove(buf, line, used);
    }
}

/* The same of both tables. /proc/self/net is there also where ProcSubset=pid hides /proc/net. */
static int each_udp_socket(uint16_t port, EachSocket each, void *userdata) {
    int r = each_socket("/proc/self/net/udp", AF_INET, port, each, userdata);

    if (r < 0)
        return r;
    /* Without IPv6 there is no such table. */
    r = each_socket("/proc/self/net/udp6", AF_INET6, port, each, userdata);
    return r == -ENOENT ? 0 : r;
}

/* --- Which sockets the port's datagrams go to ----------------------------------------------- */

typedef struct Sockets {
    const QueryAddress *address;
    int rank; /* how well those that were found fit: of two, the kernel takes the better */
    size_t n;
    UdpSocket found[SOCKETS_MAX];
} Sockets;

/* 2: bound to ADDRESS; 1: to all addresses; 0: gets nothing of what is sent there. */
static int fits(const UdpSocket *s, const QueryAddress *address) {
    static const uint32_t any[4];
    const bool v4 = address->any.sa_family == AF_INET;
    const size_t size = s->family == AF_INET ? 4 : sizeof(any);

    if ((s->family == AF_INET) == v4 &&
        memcmp(s->address, v4 ? (const void *)&address->in.sin_addr : &address->in6.sin6_addr,
               size) == 0)
        return 2;
    /* One of IPv6 may be bound to an address of IPv4 (::ffff:127.0.0.1). */
    if (v4 && s->family == AF_INET6 && s->address[0] == 0 && s->address[1] == 0 &&
        s->address[2] == htonl(0xffff) && s->address[3] == address->in.sin_addr.s_addr)
        return 2;
    /* One of IPv6 that is bound to all addresses takes IPv4 too. */
    return memcmp(s->address, any, size) == 0 && (v4 || s->family == AF_INET6) ? 1 : 0;
}

static void keep_fitting(void *userdata, const UdpSocket *s) {
    Sockets *all = userdata;
    const int rank = fits(s, all->address);

    if (rank == 0 || rank < all->rank)
        return;
    if (rank > all->rank)
        all->n = 0;
    all->rank = rank;
    if (all->n < SOCKETS_MAX)
        all->found[all->n++] = *s;
}

/* --- Who holds them ------------------------------------------------------------------------- */

typedef struct Search {
    const Sockets *sockets;
    pid_t pid; /* whose descriptors are being looked at */
    bool pid_is_ours;
    PortOwner ours;
    pid_t other;
} Search;

/* The number of the socket that descriptor FD of process PID is, 0 where it is none. */
static uint64_t socket_inode(pid_t pid, unsigned fd) {
    static const char prefix[] = "socket:[";
    char path[64], target[64];
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd/%u", pid, fd);
    n = readlink(path, target, sizeof(target) - 1);
    if (n <= 0)
        return 0;
    target[n] = '\0';
    if (strncmp(target, prefix, sizeof(prefix) - 1) != 0)
        return 0;
    return strtoull(target + sizeof(prefix) - 1, NULL, 10);
}

static int look_at_fd(void *userdata, unsigned fd) {
    Search *search = userdata;
    const uint64_t inode = socket_inode(search->pid, fd);

    for (size_t i = 0; inode != 0 && i < search->sockets->n; i++) {
        if (search->sockets->found[i].inode != inode)
            continue;
        if (!search->pid_is_ours) {
            search->other = search->pid;
            return 0;
        }
        search->ours = (PortOwner){.pid = search->pid, .fd = fd, .inode = inode};
        return 1;
    }
    return 0;
}

static int look_at_process(void *userdata, unsigned pid) {
    Search *search = userdata;
    char path[32];
    int r;

    search->pid = (pid_t)pid;
    search->pid_is_ours = procs_descends(search->pid, getpid());
    (void)snprintf(path, sizeof(path), "/proc/%u/fd", pid);
    r = procs_each(path, look_at_fd, search);
    return r > 0 ? r : 0; /* others' descriptors are not shown: no error */
}

/* The unit of process PID, by the last component of its cgroup's path. */
static const char *unit_of(pid_t pid, char text[static 512]) {
    char *slash;

    if (procs_read(text, 512, "/proc/%d/cgroup", pid) < 0)
        return NULL;
    text[strcspn(text, "\n")] = '\0';
    slash = strrchr(text, '/');
    return slash && slash[1] != '\0' ? slash + 1 : NULL;
}

static void name_process(pid_t pid, char name[static PORT_OWNER_NAME_MAX]) {
    char text[512], comm[32];
    const char *unit = unit_of(pid, text);

    if (procs_read(comm, sizeof(comm), "/proc/%d/comm", pid) < 0)
        comm[0] = '\0';
    comm[strcspn(comm, "\n")] = '\0';
    (void)snprintf(name, PORT_OWNER_NAME_MAX, "%.100s%sprocess %d (%s)", unit ? unit : "",
                   unit ? ", " : "", pid, comm);
}

/* Not those of one that is not dumpable, for example since its file may not be read. */
static bool may_see_descriptors(pid_t pid) {
    char path[32];

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    return access(path, R_OK | X_OK) == 0;
}

int port_owner_find(PortOwner *owner, const QueryAddress *address, pid_t game,
                    char name[static PORT_OWNER_NAME_MAX]) {
    Sockets sockets = {.address = address};
    Search search = {.sockets = &sockets};
    int r;

    name[0] = '\0';
    if (owner->pid > 0 && socket_inode(owner->pid, owner->fd) == owner->inode)
        return PORT_OWNER_OURS;
    *owner = (PortOwner){0};

    r = each_udp_socket(address_port(address), keep_fitting, &sockets);
    if (r < 0)
        return r;
    if (sockets.n == 0)
        return PORT_OWNER_NONE;
    r = procs_each("/proc", look_at_process, &search);
    if (r < 0)
        return r;
    if (search.ours.pid > 0) {
        *owner = search.ours;
        return PORT_OWNER_OURS;
    }
    if (search.other > 0)
        name_process(search.other, name);
    else if (!may_see_descriptors(game))
        return PORT_OWNER_UNKNOWN;
    else
        (void)snprintf(name, PORT_OWNER_NAME_MAX, "%s",
                       sockets.found[0].uid == getuid()
                           ? "a process of user left4me out of sight, so of another instance"
                           : "a process of another user");
    return PORT_OWNER_OTHER;
}

/* --- The ports of a process tree ------------------------------------------------------------ */

typedef struct Ports {
    Sockets sockets; /* of one inode at a time */
    Search search;
    char *text;
    size_t size, used;
} Ports;

static void add_if_ours(void *userdata, const UdpSocket *s) {
    Ports *ports = userdata;

    ports->sockets.found[0] = *s;
    ports->search.ours = (PortOwner){0};
    if (s->uid != getuid() || procs_each("/proc", look_at_process, &ports->search) <= 0 ||
        ports->used + sizeof(", 65535") > ports->size)
        return;
    ports->used += (size_t)snprintf(ports->text + ports->used, ports->size - ports->used, "%s%u",
                                    ports->used > 0 ? ", " : "", s->port);
}

void port_owner_ports(char *text, size_t size) {
    Ports ports = {.sockets = {.n = 1}, .text = text, .size = size};

    ports.search = (Search){.sockets = &ports.sockets};
    text[0] = '\0';
    (void)each_udp_socket(0, add_if_ours, &ports);
}
