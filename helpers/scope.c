/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/macros.h"

/* The header may be older than the kernel. As of ABI 6: */
typedef struct RulesetAttr {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
} RulesetAttr;

#define SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0)
#define SCOPE_SIGNAL (UINT64_C(1) << 1)
#define ACCESS_FS_REFER (UINT64_C(1) << 13)

static int create_ruleset(const RulesetAttr *attr, size_t size, uint32_t flags) {
    const long r = syscall(SYS_landlock_create_ruleset, attr, size, flags);

    return r < 0 ? -errno : (int)r;
}

/* To rename from one directory to another is refused by every ruleset of ABI 2 and later which does
 * not say otherwise. */
static int allow_refer(int ruleset_fd) {
    _cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct landlock_path_beneath_attr attr = {.allowed_access = ACCESS_FS_REFER};

    if (root_fd < 0)
        return -errno;
    attr.parent_fd = root_fd;
    return syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) < 0
               ? -errno
               : 0;
}

int scope_enter(void) {
    const int abi = create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    RulesetAttr attr = {0};
    _cleanup_close_ int fd = -EBADF;

    if (abi == -ENOSYS || abi == -EOPNOTSUPP || (abi >= 0 && abi < 2))
        return 0;
    if (abi < 0)
        return abi;

    if (abi >= 6)
        attr.scoped = SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX_SOCKET;
    else
        attr.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_BLOCK | ACCESS_FS_REFER;
    fd = create_ruleset(&attr, abi >= 6 ? sizeof(attr) : sizeof(attr.handled_access_fs), 0);
    if (fd < 0)
        return fd;
    if (abi < 6) {
        const int r = allow_refer(fd);

        if (r < 0)
            return r;
    }
    return syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
}
