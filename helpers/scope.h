/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps a process and its descendants from others of the same user, by landlock(7). Instances share
 * a user, so the kernel's own checks let one signal another and look into it. */

/* Puts the calling process into a domain of its own:
 *
 * - from Linux 6.12 on (ABI 6): it signals, and reaches by abstract sockets, only what is in the
 *   domain too; and as on
 * - Linux 5.19 to 6.11 (ABI 2 to 5): it can neither trace nor read the memory, environment, and
 *   files of processes outside of it (ptrace(2), PTRACE_MODE_READ), which /proc with
 *   hidepid=invisible then does not show at all. A domain has to restrict something to exist: here
 *   that is making block devices, which the game cannot do anyway.
 *
 * Older kernels, and ones without Landlock: nothing. What is outside still signals what is inside.
 * Nobody leaves a domain. Needs no_new_privs. Returns 0, also where there is nothing to be had, or
 * a negative errno. */
int scope_enter(void);
