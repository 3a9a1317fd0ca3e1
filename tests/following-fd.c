/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shared/fd.c without what it is for: it follows symbolic links, also out of the directory. A
 * helper that is made with it is one that the tests of hostile users have to find. */

#include <linux/openat2.h>

#undef RESOLVE_BENEATH
#undef RESOLVE_NO_SYMLINKS
#undef RESOLVE_NO_MAGICLINKS
#define RESOLVE_BENEATH 0
#define RESOLVE_NO_SYMLINKS 0
#define RESOLVE_NO_MAGICLINKS 0

#include "shared/fd.c"
