/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Into the FIFO. Nothing here makes a file, or starts a server: where there is no FIFO, there is no
 * server that would read it. */

#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "ctl/bus.h"
#include "ctl/console.h"
#include "shared/log.h"
#include "shared/utf8.h"

#define CONSOLE_DIR "/run/left4me/console"

/* How long a server may leave its FIFO full. One that loads reads nothing, but it takes 64 KiB. */
#define FULL_MSEC 5000

bool console_interrupted(const Console *console, bool *ret_resized) {
    struct signalfd_siginfo info;
    bool leave = false;

    while (read(console->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (info.ssi_signo != SIGWINCH)
            leave = true;
        else if (ret_resized)
            *ret_resized = true;
    return leave;
}

static void say_missing(const Console *console) {
    _cleanup_bus_ sd_bus *bus = NULL;
    _cleanup_free_ char *state = NULL;

    if (bus_open(&bus, true) >= 0)
        (void)bus_unit_string(bus, console->unit, "Unit", "ActiveState", &state);
    if (state && strcmp(state, "active") == 0)
        log_error("%s runs, but without a console: it was started before there was one, or has a "
                  "drop-in against it; 'left4mectl restart %s'",
                  console->name, console->name);
    else if (state && (strcmp(state, "activating") == 0 || strcmp(state, "deactivating") == 0))
        log_error("%s has no console now: its unit is %s", console->name, state);
    else
        log_error("%s does not run, so it has no console; nothing was started", console->name);
}

/* Returns a descriptor, or a negative errno once the reason was printed. */
static int open_fifo(const Console *console) {
    char path[sizeof(CONSOLE_DIR "/") + INSTANCE_NAME_MAX];
    _cleanup_close_ int fd = -EBADF;
    struct stat st;
    int r;

    (void)snprintf(path, sizeof(path), CONSOLE_DIR "/%.*s", INSTANCE_NAME_MAX, console->name);
    fd = open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    r = fd < 0 ? -errno : 0;
    if (r == 0 && (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)))
        r = -ENOSTR;
    switch (r) {
    case 0:
        return TAKE_FD(fd);
    case -ENOENT:
    case -ENXIO: /* a FIFO that nobody has open: what was left of one */
        say_missing(console);
        break;
    case -EACCES:
        log_error("not permitted to write to the console of %s: those may who are root or in group "
                  "left4me-admin",
                  console->name);
        break;
    case -ENOSTR:
    case -ELOOP:
    case -EISDIR:
        log_error("'%s' is no FIFO, so it is no console; the next start of the server replaces a "
                  "file there",
                  path);
        break;
    default:
        log_error("cannot open '%s': %s", path, strerror(-r));
        break;
    }
    return r;
}

int console_try(const Console *console) {
    _cleanup_close_ int fd = open_fifo(console);

    return fd < 0 ? fd : 0;
}

/* What the game's console would act upon, as a key that was pressed, may not be in a line. */
static int check_line(const char *text, size_t len) {
    for (size_t i = 0; i < len;) {
        uint32_t c;
        unsigned n = utf8_decode(text + i, len - i, &c);

        if (n == 0) {
            log_error("the line is no UTF-8; it was not sent");
            return -EINVAL;
        }
        if (utf8_is_control(c)) {
            log_error("there is a control character in the line, at byte %zu; it was not sent",
                      i + 1);
            return -EINVAL;
        }
        i += n;
    }
    if (len >= CONSOLE_LINE_MAX) {
        log_error("the line is longer than %d bytes, the most that stays in one piece; it was not "
                  "sent",
                  CONSOLE_LINE_MAX - 1);
        return -E2BIG;
    }
    return 0;
}

static int write_line(const Console *console, int fd, const char *line, size_t len) {
    struct pollfd fds[] = {{.fd = fd, .events = POLLOUT},
                           {.fd = console->signal_fd, .events = POLLIN}};

    for (;;) {
        int r;

        /* Of up to PIPE_BUF, all or nothing. */
        if (write(fd, line, len) >= 0)
            return 0;
        if (errno != EAGAIN)
            return -errno;
        r = poll(fds, 2, FULL_MSEC);
        if (r < 0)
            return -errno;
        if (r == 0)
            return -EAGAIN;
        if (fds[1].revents && console_interrupted(console, NULL))
            return -EINTR;
    }
}

int console_send(const Console *console, const char *text, size_t len) {
    _cleanup_close_ int fd = -EBADF;
    char line[CONSOLE_LINE_MAX];
    int r = check_line(text, len);

    if (r < 0)
        return r;
    fd = open_fifo(console);
    if (fd < 0)
        return fd;
    memcpy(line, text, len);
    line[len] = '\n';
    r = write_line(console, fd, line, len + 1);
    if (r == -EAGAIN)
        log_error("%s does not read its console: it is full since %d seconds; the line was not "
                  "sent. It is still loading, or it hangs",
                  console->name, FULL_MSEC / 1000);
    else if (r == -EPIPE)
        log_error("%s ended; the line was not sent", console->name);
    else if (r < 0 && r != -EINTR)
        log_error("cannot write to the console of %s: %s", console->name, strerror(-r));
    return r;
}
