/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/utf8.h"

/* Fixed buffers: what reports that memory is gone must not need any. */
#define TEXT_MAX 4096

static struct {
    const char *name;
    int kmsg_fd;
    bool to_stderr;
    bool level_prefix;
} state = {.name = "left4me", .kmsg_fd = -EBADF, .to_stderr = true};

/* sd-daemon(3): the prefix is for the journal, and $JOURNAL_STREAM says whether standard error
 * still is the stream that systemd gave us. */
static bool stderr_is_journal(void) {
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long dev, ino;
    struct stat st;

    if (!stream || sscanf(stream, "%llu:%llu", &dev, &ino) != 2)
        return false;
    return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_open_stderr(const char *name) {
    state.name = name;
    state.to_stderr = true;
    state.level_prefix = stderr_is_journal();
}

void log_open_kmsg(const char *name) {
    log_open_stderr(name);
    state.kmsg_fd = open("/dev/kmsg", O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
    if (state.kmsg_fd >= 0)
        state.to_stderr = isatty(STDERR_FILENO) == 1;
}

/* Copies the one character at S to OUT, escaped where it must be. Returns the bytes taken, or 0
 * when SIZE is too small; the bytes given are in *RET_WRITTEN. */
static size_t escape_char(const char *s, size_t len, char *out, size_t size, size_t *ret_written) {
    uint32_t c;
    unsigned n = utf8_decode(s, len, &c);

    if (n > 0 && !utf8_is_control(c)) {
        if (size < n)
            return 0;
        memcpy(out, s, n);
        *ret_written = n;
        return n;
    }

    /* A control character of several bytes is escaped byte by byte. */
    if (size < 4)
        return 0;
    static const char hex[] = "0123456789abcdef";
    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex[(unsigned char)s[0] >> 4];
    out[3] = hex[(unsigned char)s[0] & 15];
    *ret_written = 4;
    return 1;
}

/* Appends LEN bytes of S to the record in BUF, which already holds USED of SIZE bytes; what does
 * not fit is replaced by "...". Returns the record's new length. */
static size_t append_escaped(char *buf, size_t used, size_t size, const char *s, size_t len) {
    while (len > 0) {
        size_t written;
        size_t taken = escape_char(s, len, buf + used, size - 3 - used, &written);

        if (taken == 0) {
            memcpy(buf + used, "...", 3);
            return used + 3;
        }
        used += written;
        s += taken;
        len -= taken;
        /* The second byte of a control character stands alone now, and is escaped as such. */
    }
    return used;
}

static void write_kmsg(int level, const char *line, size_t len) {
    char buf[LOG_KMSG_MAX];
    int head = snprintf(buf, sizeof(buf), "<%d>%s[%d]: ", LOG_DAEMON | level, state.name, getpid());
    size_t used = append_escaped(buf, (size_t)head, sizeof(buf), line, len);

    /* There is nowhere left to report that the report failed. */
    (void)!write(state.kmsg_fd, buf, used);
}

static void write_stderr(int level, bool first, const char *line, size_t len) {
    char buf[TEXT_MAX + 128];
    size_t used = 0;

    if (state.level_prefix)
        used += (size_t)snprintf(buf, sizeof(buf), "<%d>", level);
    else if (first)
        used += (size_t)snprintf(buf, sizeof(buf), "%s: ", state.name);
    used = append_escaped(buf, used, sizeof(buf) - 1, line, len);
    buf[used++] = '\n';
    (void)!write(STDERR_FILENO, buf, used);
}

_printf_(3, 0) static void log_line(int level, bool first, const char *format, va_list ap) {
    char text[TEXT_MAX];
    int n;

    n = vsnprintf(text, sizeof(text), format, ap);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof(text)) {
        n = (int)sizeof(text) - 1;
        memcpy(text + n - 3, "...", 3);
    }

    if (state.kmsg_fd >= 0)
        write_kmsg(level, text, (size_t)n);
    if (state.to_stderr)
        write_stderr(level, first, text, (size_t)n);
}

void log_msg(int level, const char *format, ...) {
    va_list ap;

    va_start(ap, format);
    log_line(level, true, format, ap);
    va_end(ap);
}

void log_more(int level, const char *format, ...) {
    va_list ap;

    va_start(ap, format);
    log_line(level, false, format, ap);
    va_end(ap);
}
