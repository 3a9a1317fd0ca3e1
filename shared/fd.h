/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Descriptors: open beneath a directory, read and write whole. */

#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

/* Opens PATH, which is relative, beneath DIR_FD: no component may be a symbolic link or a magic
 * link, and none may lead out of DIR_FD (openat2(2): RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS,
 * RESOLVE_NO_MAGICLINKS). Mount points are crossed. O_CLOEXEC is added to FLAGS; MODE counts only
 * with O_CREAT. Returns a descriptor or a negative errno: -ELOOP for a symbolic link anywhere,
 * -EXDEV for an escape, otherwise as open(2). */
int fd_open_beneath(int dir_fd, const char *path, int flags, mode_t mode);

/* Opens the directory PATH in DIR_FD to be read, by a description of its own: "." is DIR_FD's,
 * whose position stays. Returns NULL with errno set, as openat(2) and fdopendir(3). */
DIR *fd_open_dir(int dir_fd, const char *path);

/* Reads SIZE bytes, fewer only where the file ends before. Returns 0 with the number of bytes in
 * *RET_LEN, or a negative errno as read(2). */
int fd_read_all(int fd, char *buf, size_t size, size_t *ret_len);

/* Writes all LEN bytes. Returns 0, or a negative errno as write(2); a part may be written then. */
int fd_write_all(int fd, const char *buf, size_t len);

/* Closes a descriptor that was written to and sets *FD to -EBADF. Returns 0 or a negative errno:
 * the last place where a file system may tell that the data did not get there. */
int fd_close_written(int *fd);
