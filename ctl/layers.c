/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "shared/fd.h"
#include "shared/macros.h"
#include "spec/names.h"

#define INSTALLATION "installation"

/* What the errno of opening a layer means. */
static const char *layer_strerror(int r) {
    switch (-r) {
    case ENOENT:
        return "does not exist";
    case ENOTDIR:
        return "is no directory";
    case ELOOP:
        return "is a symbolic link, or lies behind one: put the directory itself there, or a bind "
               "mount";
    case EACCES:
        return "cannot be looked at: permission denied";
    default:
        return strerror(-r);
    }
}

static int open_directory(int root_fd, const char *path) {
    return fd_open_beneath(root_fd, path, O_PATH | O_DIRECTORY, 0);
}

static void open_overlay(int root_fd, Layer *layer) {
    layer->fd = open_directory(root_fd, layer->path);
    if (layer->fd < 0)
        (void)snprintf(layer->problem, sizeof(layer->problem), "%s", layer_strerror(layer->fd));
}

static void open_installation(int root_fd, Layer *layer) {
    ssize_t n = readlinkat(root_fd, INSTALLATION, layer->link, sizeof(layer->link) - 1);

    layer->link[n < 0 ? 0 : n] = '\0';
    if (n < 0) {
        open_overlay(root_fd, layer);
        if (layer->fd == -ENOENT)
            (void)snprintf(layer->problem, sizeof(layer->problem),
                           "does not exist: install the game there (see README)");
        return;
    }
    if (!overlay_component_valid(layer->link)) {
        layer->fd = -ELOOP;
        (void)snprintf(layer->problem, sizeof(layer->problem),
                       "is a symbolic link to '%s': it may only lead to a directory beside it, by "
                       "that one's name alone (A-Z a-z 0-9 . _ + @ -)",
                       layer->link);
        return;
    }
    layer->fd = open_directory(root_fd, layer->link);
    if (layer->fd < 0)
        (void)snprintf(layer->problem, sizeof(layer->problem),
                       "is a symbolic link to '%s', which %s", layer->link,
                       layer_strerror(layer->fd));
}

int layers_open_root(const char *root) {
    int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* 500 layers, and a soft limit of 1024 descriptors that nothing here waits for by select(2). */
static void raise_limit(void) {
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int layers_open(int root_fd, const Spec *spec, Layers *ret) {
    const size_t n = (spec ? spec->n_overlays : 0) + 1;
    _cleanup_layers_ Layers layers = {.layers = calloc(n, sizeof(Layer))};

    if (!layers.layers)
        return -ENOMEM;
    if (n > 100)
        raise_limit();
    for (size_t i = 0; i < n; i++) {
        Layer *layer = &layers.layers[layers.n++];

        layer->fd = -EBADF;
        if (i + 1 < n)
            layer->alias = spec->overlays[i].alias;
        if (asprintf(&layer->path, "%s%s", i + 1 < n ? "overlays/" : INSTALLATION,
                     i + 1 < n ? spec->overlays[i].path : "") < 0) {
            layer->path = NULL;
            return -ENOMEM;
        }
        if (i + 1 < n)
            open_overlay(root_fd, layer);
        else
            open_installation(root_fd, layer);
    }
    *ret = layers;
    layers = (Layers){0};
    return 0;
}

void layers_free(Layers *layers) {
    for (size_t i = 0; i < layers->n; i++) {
        closep(&layers->layers[i].fd);
        free(layers->layers[i].path);
    }
    free(layers->layers);
    *layers = (Layers){0};
}
