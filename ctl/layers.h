/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The layers of an instance, found as left4me-overlay finds them: overlays beneath <root>/overlays
 * through no symbolic link; the installation a directory, or a link to one beside it. */

#include <limits.h>
#include <stddef.h>

#include "spec/spec.h"

typedef struct Layer {
    char *path;              /* relative to <root>: "overlays/PATH" or "installation" */
    const char *alias;       /* the spec's */
    int fd;                  /* O_PATH, or a negative errno */
    char link[NAME_MAX + 2]; /* where the installation is a link: what it says; else "" */
    char problem[512];       /* why there is none, to stand behind its path; "" where all is well */
} Layer;

typedef struct Layers {
    Layer *layers; /* the topmost first, the installation last */
    size_t n;
} Layers;

/* Opens <root>, which may be reached through links, by O_PATH. Returns a descriptor or -errno. */
int layers_open_root(const char *root);

/* Opens the layers of SPEC, or the installation alone without one. The aliases are the spec's, and
 * valid as long as it is. Returns 0, whatever became of each layer, or -ENOMEM. */
int layers_open(int root_fd, const Spec *spec, Layers *ret);

void layers_free(Layers *layers);
#define _cleanup_layers_ _cleanup_(layers_free)
