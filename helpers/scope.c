/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "helpers/scope.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
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

/* --- seccomp(2) ----------------------------------------------------------------------------- */

#ifdef __x86_64__

/* Of an argument the lower half: all that counts here are ints. */
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

/* Call NUMBER, whose first argument is a process. */
#define SELF_ONLY(number) IF(number, 0, 4), LOAD(args[0]), IF(0, 0, 1), ALLOW, REFUSE
/* Call NUMBER, whose second argument is one if the first is KIND, and else more than one. */
#define SELF_ONLY_OF(number, kind)                                                                 \
    IF(number, 0, 6), LOAD(args[0]), IF(kind, 0, 3), LOAD(args[1]), IF(0, 0, 1), ALLOW, REFUSE

#define RULES(prlimit64, setpriority, ioprio_set, affinity, scheduler, param, attr, migrate, move) \
    SELF_ONLY(prlimit64), SELF_ONLY_OF(setpriority, 0), SELF_ONLY_OF(ioprio_set, 1),               \
        SELF_ONLY(affinity), SELF_ONLY(scheduler), SELF_ONLY(param), SELF_ONLY(attr),              \
        SELF_ONLY(migrate), SELF_ONLY(move), ALLOW

/* How long RULES are. */
#define N_RULES (7 * 5 + 2 * 7 + 1)

int scope_filter(void) {
    /* The numbers of i386 are those of its unistd_32.h, which this compiler's headers hide. */
    static struct sock_filter filter[] = {
        LOAD(arch),
        IF(AUDIT_ARCH_X86_64, 0, N_RULES + 1),
        LOAD(nr),
        RULES(SYS_prlimit64, SYS_setpriority, SYS_ioprio_set, SYS_sched_setaffinity,
              SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_migrate_pages,
              SYS_move_pages),
        IF(AUDIT_ARCH_I386, 1, 0),
        ALLOW,
        LOAD(nr),
        RULES(340, 97, 289, 241, 156, 154, 351, 294, 317),
    };
    const struct sock_fprog program = {.len = ELEMENTSOF(filter), .filter = filter};

    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

#else

int scope_filter(void) {
    return 0;
}

#endif
