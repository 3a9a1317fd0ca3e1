/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "shared/text-stream.h"

#include <errno.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "shared/macros.h"

#define SIZE_FIRST 4096

/* fopencookie(3): 0 is an error, which the stream then keeps. */
static ssize_t append(void *cookie, const char *data, size_t len) {
    TextStream *s = cookie;

    if (len >= s->size - s->len) {
        size_t size = 2 * s->size + len;
        char *text = realloc(s->text, size);

        if (!text)
            return 0;
        s->text = text;
        s->size = size;
    }
    memcpy(s->text + s->len, data, len);
    s->len += len;
    return (ssize_t)len;
}

int text_stream_open(TextStream *s) {
    *s = (TextStream){.text = malloc(SIZE_FIRST), .size = SIZE_FIRST};
    if (s->text)
        s->file = fopencookie(s, "w", (cookie_io_functions_t){.write = append});
    if (s->file)
        return 0;
    free(TAKE_PTR(s->text));
    return -ENOMEM;
}

void text_stream_rewind(TextStream *s) {
    __fpurge(s->file);
    clearerr(s->file);
    s->len = 0;
}

int text_stream_flush(TextStream *s) {
    if (fflush(s->file) != 0 || ferror(s->file))
        return -ENOMEM;
    s->text[s->len] = '\0';
    return 0;
}

void text_stream_done(TextStream *s) {
    if (s->file) {
        __fpurge(s->file);
        (void)fclose(s->file);
    }
    free(s->text);
    *s = (TextStream){0};
}
