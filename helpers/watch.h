/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which specs changed: inotify(7) over <root>/instances and each directory in it.
 *
 * What is there is always found by looking, never concluded from an event: an event says only where
 * to look. So events that are late, doubled or lost do no harm, and the same look serves the start,
 * a queue that ran over, and directories for which the kernel has no watch left.
 *
 * No symbolic link below <root> is followed. No descriptor of the tree is held between two calls:
 * one would keep its file system from being unmounted, as would one in another mount namespace. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Instance Instance;

typedef struct Watch {
    const char *root;
    int inotify_fd;
    /* The watches on <root>'s parent, on <root> and on instances; negative where there is none. */
    int parent_wd, root_wd, instances_wd;
    Instance *first, *last; /* all that are known, in the order in which they became so */
    void *by_name, *by_wd;
    uint64_t mounts; /* a hash of the mounts that concern us */

    /* To be read by the caller. */
    size_t n_instances;
    size_t n_unwatched;  /* so many of them have to be looked at by watch_scan() */
    int tree_error;      /* negative errno: <root>/instances cannot be opened */
    int watch_error;     /* negative errno: why there are directories without a watch, or 0 */
    bool tree_unwatched; /* one of the three above is without a watch */

    /* To be read and cleared by the caller. */
    bool stirred;     /* something changed */
    bool scan_wanted; /* watch_scan() is needed to know what is there */
    bool events_lost; /* the queue ran over; scan_wanted and stirred are set too */
    unsigned scan_mark;
} Watch;

/* ROOT must be an absolute path and stay valid. Returns 0 or a negative errno of
 * inotify_init1(2). */
int watch_open(Watch *w, const char *root);
void watch_close(Watch *w);

/* Looks at everything, or, with UNWATCHED_ONLY, at what no event would tell of. */
void watch_scan(Watch *w, bool unwatched_only);

/* Reads what inotify_fd has, up to a bound: whoever writes without end must not keep us here. */
void watch_read(Watch *w);

/* To be called when /proc/self/mountinfo polls: inotify does not tell of a mount. */
void watch_mounts(Watch *w);

/* After the first watch_scan(): counts as changed what does not agree with the drop-ins below
 * GENERATOR_DIR, and nothing else. A drop-in agrees that exists if and only if the spec does, and
 * that is younger than the last change of the spec's inode, of the directory it is in and of
 * instances: a rename, of any of the three, changes one of these times. */
void watch_compare(Watch *w, const char *generator_dir);

/* Before a reload: what changed until now is being compiled; what changes from now on counts anew.
 * Returns how many instances these are, with a text for people in BUF: "spec of a, b and 3 more
 * changed". */
size_t watch_begin(Watch *w, char *buf, size_t size);

/* After the reload: with !DONE, what was being compiled is changed still. */
void watch_end(Watch *w, bool done);
