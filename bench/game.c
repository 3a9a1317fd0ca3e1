/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stand-in for the game in the benchmark, in the place of srcds_run: it leaves the time at which
 * it began in the file "first" beside it (CLOCK_MONOTONIC, nanoseconds), and ends upon SIGINT.
 * Files in left4dead2/pak, if there are any, it maps and reads, as the game does with its own. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* Renamed into place, so that whoever sees it sees it whole. */
static void leave(uint64_t began) {
    int fd = open("first.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0 || dprintf(fd, "%" PRIu64 "\n", began) < 0 || close(fd) < 0 ||
        rename("first.new", "first") < 0)
        die("first");
}

static void map(int dir_fd, const char *name) {
    enum { FLAGS = MAP_SHARED | MAP_POPULATE };
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        die(name);
    if (S_ISREG(st.st_mode) &&
        mmap(NULL, (size_t)st.st_size, PROT_READ, FLAGS, fd, 0) == MAP_FAILED)
        die(name);
    (void)close(fd);
}

static void map_all(const char *path) {
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (!dir)
        return;
    while ((entry = readdir(dir)))
        map(dirfd(dir), entry->d_name);
    (void)closedir(dir);
}

int main(int argc, char *argv[]) {
    struct timespec began;
    sigset_t signals;
    char *slash;
    int signal;

    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);

    slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    if (slash)
        *slash = '\0';
    if (slash && chdir(argv[0]) < 0)
        die(argv[0]);
    map_all("left4dead2/pak");
    leave((uint64_t)began.tv_sec * 1000000000 + (uint64_t)began.tv_nsec);
    return sigwait(&signals, &signal) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
