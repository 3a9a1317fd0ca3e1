/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The spec of an instance, instances/NAME/spec.yaml: read without following a link, parsed by
 * libyaml's events, every fault reported. The one parser of all programs. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/timing.h"

#define SPEC_SIZE_MAX ((size_t)64 * 1024)  /* bytes of a spec */
#define SPEC_VALUE_MAX ((size_t)64 * 1024) /* bytes of L4D2_ARGS and of L4D2_LOWERDIRS */
#define SPEC_ITEMS_MAX 4096                /* items of a list */
#define SPEC_OVERLAYS_MAX 499              /* overlayfs takes 500; the installation is one */

typedef struct SpecOverlay {
    const char *path;
    const char *alias; /* NULL without one */
} SpecOverlay;

/* What a spec says. All text lies in the arena: the whole is valid until the next spec_parse()
 * into it, and needs no freeing. */
typedef struct Spec {
    uint16_t port;
    bool autostart;
    Timing timing;
    const char *description; /* NULL without one, or where it is blank */
    const char *args;        /* arguments joined with single spaces; "" without any */
    const char *config;      /* the text of server.cfg; "" without any */
    size_t n_overlays;
    SpecOverlay overlays[SPEC_OVERLAYS_MAX]; /* the topmost first */

    /* Decoded text is never longer than its source, and each terminator or joining space stands
     * for at least one character of YAML: twice the source always suffices. */
    size_t arena_used;
    char arena[2 * SPEC_SIZE_MAX];
} Spec;

typedef struct SpecFault {
    int level;             /* LOG_ERR: the spec is refused; LOG_WARNING: it is not */
    unsigned line, column; /* from 1, the column in characters */
    const char *message;   /* holds nothing of the spec but names of keys */
    const char *source;    /* what of the source line may be shown, or NULL: it may be a secret */
    size_t source_len;
} SpecFault;

/* Called for each fault as it is found; FAULT and what it points to are valid during the call. */
typedef void (*SpecReport)(void *userdata, const SpecFault *fault);

/* Reads NAME/spec.yaml beneath INSTANCES_FD into BUF, which has room for SPEC_SIZE_MAX bytes,
 * through no symbolic link, without waiting, and only a regular file with a single link. Returns
 * 0, or a negative errno that spec_load_strerror() explains; -ENOENT and -ENOTDIR: no spec. */
int spec_load(int instances_fd, const char *name, char *buf, size_t *ret_len);

/* What is wrong with the file and what to do, for an error of spec_load(); to stand behind the
 * file's name. */
const char *spec_load_strerror(int error);

/* Parses LEN bytes of TEXT into SPEC. TEXT is changed: what may not be in a spec at all is replaced
 * once it was reported, so that the rest can be checked too. ROOT is the state root, whose length
 * counts for L4D2_LOWERDIRS. Returns 0, -EBADMSG when the spec is refused (at least one fault of
 * level LOG_ERR was reported; SPEC holds nothing of use), or -ENOMEM. */
int spec_parse(Spec *spec, char *text, size_t len, const char *root, SpecReport report,
               void *userdata);

/* The names of the keys, for documentation and its tests: the spec's own and those of an overlay;
 * NULL ends each. */
const char *const *spec_key_names(void);
const char *const *spec_overlay_key_names(void);
