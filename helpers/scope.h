/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps a process and its descendants from others of the same user, by landlock(7) and seccomp(2).
 * Instances share a user, so the kernel's own checks let one signal another. (To look into one
 * another they would have to be in one user namespace too, which PrivateUsers= sees to.) */

/* Puts the calling process into a domain of its own, from Linux 6.12 on (ABI 6): it signals, and
 * reaches by abstract Unix sockets, only what is in the domain too. What is outside still signals
 * what is inside. Nobody leaves a domain. Needs no_new_privs. Returns 0, also where the kernel has
 * no such thing, or a negative errno. */
int scope_enter(void);

/* Has calls that set the limits, priority, scheduler and processors of another process fail with
 * EPERM, by their 64-bit and their 32-bit numbers: to Landlock these are no signals, but a limit of
 * processor time ends a process as well as SIGKILL does. Seccomp cannot tell whose a number is, so
 * only 0, the caller itself, gets through; a thread named by its number is refused too. Needs
 * no_new_privs. Returns 0, also on machines of another kind, or a negative errno. */
int scope_filter(void);
