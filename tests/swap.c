/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* swap DIR NAME OTHER [NAME OTHER]...
 *
 * Exchanges NAME and OTHER in DIR and back, one pair after the other, as fast as it can and until
 * it is killed: the hostile user of a race test. Prints its PID once it has begun. */

#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
    if (argc < 4 || argc % 2 != 0 || chdir(argv[1]) < 0)
        return 2;

    for (unsigned long round = 0;; round++) {
        /* Each is a mount point at times, which cannot be renamed. */
        for (int i = 2; i < argc; i += 2)
            for (int back = 0; back < 2; back++)
                (void)renameat2(AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1], RENAME_EXCHANGE);
        if (round == 0) {
            (void)printf("%d\n", getpid());
            (void)fflush(stdout);
        }
    }
}
