/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A stream into memory, for text that has to be whole or not at all.
 *
 * open_memstream(3) is none: where glibc (seen with 2.36) gets no memory to grow, it drops a byte,
 * or all that follows, and neither ferror() nor fflush() nor fclose() tells; where it gets none to
 * shrink, fclose() succeeds and leaves NULL. */

#include <stddef.h>
#include <stdio.h>

typedef struct TextStream {
    FILE *file; /* to be written to */
    char *text; /* after text_stream_flush(): LEN bytes and a zero */
    size_t len;
    size_t size;
} TextStream;

/* Returns 0 or -ENOMEM. S must not be moved while it is open. */
int text_stream_open(TextStream *s);

/* Forgets what was written, also that it failed, and keeps the memory. */
void text_stream_rewind(TextStream *s);

/* Returns 0 once all that was written is in s->text, or -ENOMEM if any of it is not. */
int text_stream_flush(TextStream *s);

/* Frees text and stream. A text that was taken (TAKE_PTR) stays. */
void text_stream_done(TextStream *s);
#define _cleanup_text_stream_ __attribute__((__cleanup__(text_stream_done)))
