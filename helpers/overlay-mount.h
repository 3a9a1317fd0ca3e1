/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Mounts an overlay from descriptors alone: whoever may rename the directories that they stand for
 * cannot have anything else mounted, nor anywhere else. */

#include <stddef.h>

/* What kernels offer, the newest first. */
typedef enum OverlayApi {
    OVERLAY_API_FD,      /* fsconfig(2) takes descriptors: 6.13 */
    OVERLAY_API_STRING,  /* lowerdir+ takes one layer, as a path of at most 255 bytes: 6.7 */
    OVERLAY_API_OPTIONS, /* mount(2) takes one page of options */
} OverlayApi;

typedef struct OverlayMount {
    const char *source;   /* what findmnt shows for it */
    const int *lower_fds; /* the topmost layer first */
    size_t n_lower;
    int upper_fd;
    int work_fd;
    int target_fd;
} OverlayMount;

typedef enum OverlayStep {
    OVERLAY_STEP_BEGIN,  /* before any of the directories was looked at */
    OVERLAY_STEP_LOWER,  /* a layer, given by index, was refused */
    OVERLAY_STEP_UPPER,  /* upper was */
    OVERLAY_STEP_WORK,   /* work was */
    OVERLAY_STEP_CREATE, /* all of them together were; mount(2) knows no other step */
    OVERLAY_STEP_ATTACH, /* the overlay could not be put on the target */
} OverlayStep;

typedef struct OverlayFault {
    OverlayStep step;
    size_t index;
    char message[512]; /* what the kernel said by way of fsopen(2), without a newline; or "" */
} OverlayFault;

/* Mounts by the newest interface that the kernel has, nosuid and nodev. Returns 0, or a negative
 * errno with the place in *RET_FAULT: -ENODEV for a kernel without overlayfs, -E2BIG where the list
 * does not fit into a page and the kernel takes it no other way.
 *
 * An overlay that was mounted may be read-only: overlayfs falls back to that when it cannot make
 * its directory in work (measured on 6.18, with a full file system), and calls it success. */
int overlay_mount(const OverlayMount *mount, OverlayFault *ret_fault);

/* The same by one interface; -ENOSYS if the kernel does not have it. */
int overlay_mount_by(OverlayApi api, const OverlayMount *mount, OverlayFault *ret_fault);
