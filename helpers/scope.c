/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/scope.h"

#include <errno.h>
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

static int create_ruleset(const RulesetAttr *attr, size_t size, uint32_t flags) {
    const long r = syscall(SYS_landlock_create_ruleset, attr, size, flags);

    return r < 0 ? -errno : (int)r;
}

int scope_enter(void) {
    static const RulesetAttr attr = {.scoped = SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX_SOCKET};
    const int abi = create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    _cleanup_close_ int fd = -EBADF;

    if (abi == -ENOSYS || abi == -EOPNOTSUPP || (abi >= 0 && abi < 6))
        return 0;
    if (abi < 0)
        return abi;
    fd = create_ruleset(&attr, sizeof(attr), 0);
    if (fd < 0)
        return fd;
    return syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
}
