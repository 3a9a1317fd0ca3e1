/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps a process and its descendants from others of the same user, by landlock(7). Instances share
 * a user, so the kernel's own checks let one signal another. (To look into one another they would
 * have to be in one user namespace too, which PrivateUsers= sees to.) */

/* Puts the calling process into a domain of its own, from Linux 6.12 on (ABI 6): it signals, and
 * reaches by abstract Unix sockets, only what is in the domain too. What is outside still signals
 * what is inside. Nobody leaves a domain. Needs no_new_privs. Returns 0, also where the kernel has
 * no such thing, or a negative errno. */
int scope_enter(void);
