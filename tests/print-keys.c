/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* print-keys: prints the keys that the parser knows, one a line, those of an overlay behind
 * "overlays.". tests/docs.bats holds the documentation against them. */

#include "config.h"

#include <stdio.h>

#include "spec/spec.h"

static void print(const char *prefix, const char *const *names) {
    for (; *names; names++)
        (void)printf("%s%s\n", prefix, *names);
}

int main(void) {
    print("", spec_key_names());
    print("overlays.", spec_overlay_key_names());
    return fflush(stdout) == 0 ? 0 : 1;
}
