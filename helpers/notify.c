/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int notify_open(Notify *ret) {
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len;

    *ret = (Notify){.fd = -EBADF, .address = {.sun_family = AF_UNIX}};
    if (!path || path[0] == '\0')
        return 0;
    len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || len >= sizeof(ret->address.sun_path))
        return -EINVAL;
    memcpy(ret->address.sun_path, path, len);
    if (path[0] == '@')
        ret->address.sun_path[0] = '\0';
    ret->address_len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/' ? 1 : 0));

    ret->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (ret->fd < 0)
        return -errno;
    (void)unsetenv("NOTIFY_SOCKET");
    return 0;
}

void notify_send(const Notify *n, const char *format, ...) {
    char text[1024];
    va_list ap;
    int len;

    if (n->fd < 0)
        return;
    va_start(ap, format);
    len = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (len > 0 && (size_t)len < sizeof(text))
        (void)sendto(n->fd, text, (size_t)len, MSG_NOSIGNAL,
                     (const struct sockaddr *)(const void *)&n->address, n->address_len);
}
