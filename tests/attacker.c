/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attacker try OWN OTHER PID PORT   all of the table below, one line an attempt and its result
 * attacker call64|call32 < CALLS    the system calls given as lines "NAME NUMBER"
 * attacker listen @NAME             listens on an abstract socket, until it is killed
 *
 * What a game server that was broken into might try, from the game's place in the sandbox: OWN is
 * its instance, OTHER another one with PID for its main process, PORT a TCP port of localhost that
 * somebody else has. Each attempt is a process of its own. Its result is "allowed", the name of an
 * errno, or of the signal that killed it; the tests know which it has to be. Nothing here does harm
 * where it is allowed. */

#include "config.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared/macros.h"

#define ROOT LEFT4ME_ROOT_DIR

/* Of whom, from the command line. */
static const char *own, *other;
static pid_t other_pid;
static uint16_t other_port;

/* --- One attempt ------------------------------------------------------------------------------ */

/* How long a call that waits may wait. */
#define PATIENCE_MS 10000

static int result(long r) {
    return r < 0 ? -errno : 0;
}

static const char *outcome(int status) {
    static char text[32];

    if (WIFSIGNALED(status)) {
        (void)snprintf(text, sizeof(text), "SIG%s", sigabbrev_np(WTERMSIG(status)));
        return text;
    }
    return WEXITSTATUS(status) == 0 ? "allowed" : strerrorname_np(WEXITSTATUS(status));
}

/* Waits for CHILD, and ends it when it takes too long. */
static const char *wait_outcome(pid_t child) {
    int status;

    for (unsigned ms = 0; waitpid(child, &status, WNOHANG) == 0; ms++) {
        if (ms >= PATIENCE_MS) {
            (void)kill(child, SIGKILL);
            (void)waitpid(child, &status, 0);
            return "waits";
        }
        (void)usleep(1000);
    }
    return outcome(status);
}

/* --- Files ------------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static int try_open(int flags, const char *format, ...) {
    char path[512];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(path, sizeof(path), format, ap);
    va_end(ap);
    return result(open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600));
}

#define READ O_RDONLY
#define WRITE (O_WRONLY)
#define CREATE (O_WRONLY | O_CREAT)

static int own_spec_read(void) {
    return try_open(READ, ROOT "/instances/%s/spec.yaml", own);
}
static int own_spec_write(void) {
    return try_open(WRITE, ROOT "/instances/%s/spec.yaml", own);
}
static int own_upper_write(void) {
    return try_open(CREATE, ROOT "/runtime/%s/upper/written", own);
}
static int other_spec(void) {
    return try_open(READ, ROOT "/instances/%s/spec.yaml", other);
}
static int other_upper(void) {
    return try_open(READ, ROOT "/runtime/%s/upper", other);
}
static int other_merged(void) {
    return try_open(READ, ROOT "/runtime/%s/merged", other);
}
static int other_by_dots(void) {
    return try_open(READ, ROOT "/runtime/%s/merged/../../%s", own, other);
}
static int other_by_proc_root(void) {
    return try_open(READ, "/proc/%d/root" ROOT "/instances/%s/spec.yaml", other_pid, other);
}
static int other_by_proc_cwd(void) {
    return try_open(READ, "/proc/%d/cwd", other_pid);
}
static int new_instance(void) {
    return result(mkdir(ROOT "/instances/planted", 0700));
}
static int new_runtime(void) {
    return result(mkdir(ROOT "/runtime/planted", 0700));
}
static int overlay_write(void) {
    return try_open(CREATE, ROOT "/overlays/planted");
}
static int installation_read(void) {
    return try_open(READ, ROOT "/installation/srcds_run");
}
static int root_write(void) {
    return try_open(CREATE, "/planted");
}
static int usr_write(void) {
    return try_open(CREATE, "/usr/planted");
}
static int etc_write(void) {
    return try_open(CREATE, "/etc/planted");
}
static int var_write(void) {
    return try_open(CREATE, "/var/planted");
}
static int shadow_read(void) {
    return try_open(READ, "/etc/shadow");
}
static int root_home_read(void) {
    return try_open(READ, "/root/.profile");
}
static int home_list(void) {
    return try_open(READ, "/home/panel");
}
static int journal_read(void) {
    glob_t paths = {.gl_pathc = 0};

    if (glob("/var/log/journal/*/system.journal", 0, NULL, &paths) != 0)
        return -ENOENT;
    return try_open(READ, "%s", paths.gl_pathv[0]);
}
static int units_read(void) {
    return try_open(READ, "/run/systemd/generator");
}
static int host_tmp(void) {
    return try_open(READ, "/tmp/of-the-host");
}
static int host_var_tmp(void) {
    return try_open(READ, "/var/tmp/of-the-host");
}
static int host_shm(void) {
    return try_open(READ, "/dev/shm/of-the-host");
}
static int own_shm(void) {
    return try_open(CREATE, "/dev/shm/own");
}
static int other_disk(void) {
    return try_open(READ, "/dev/sda");
}
static int dev_mem(void) {
    return try_open(READ, "/dev/mem");
}
static int dev_kmsg(void) {
    return try_open(WRITE, "/dev/kmsg");
}
static int dev_fuse(void) {
    return try_open(O_RDWR, "/dev/fuse");
}
static int make_device(void) {
    return result(mknod("planted", S_IFCHR | 0600, makedev(1, 1)));
}
static int make_setuid(void) {
    int fd = open("planted", CREATE | O_CLOEXEC, 0700);

    return fd < 0 ? -errno : result(fchmod(fd, 04755));
}

/* --- Processes -------------------------------------------------------------------------------- */

/* Any process in /proc that is not of the own control group. */
static int see_others(void) {
    _cleanup_closedir_ DIR *proc = opendir("/proc");
    struct dirent *entry;
    char mine[512] = "", path[64], cgroup[512];
    FILE *f = fopen("/proc/self/cgroup", "re");

    if (!proc || !f || !fgets(mine, sizeof(mine), f))
        return -EBADF;
    (void)fclose(f);
    while ((entry = readdir(proc))) {
        if (strtol(entry->d_name, NULL, 10) <= 0)
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%.20s/cgroup", entry->d_name);
        f = fopen(path, "re");
        if (f && fgets(cgroup, sizeof(cgroup), f) && strcmp(cgroup, mine) != 0)
            return 0;
        if (f)
            (void)fclose(f);
    }
    return -ENOENT;
}
static int init_in_proc(void) {
    return try_open(READ, "/proc/1/status");
}
static int other_in_proc(void) {
    return try_open(READ, "/proc/%d/status", other_pid);
}
static int other_mem(void) {
    return try_open(O_RDWR, "/proc/%d/mem", other_pid);
}
static int other_environ(void) {
    return try_open(READ, "/proc/%d/environ", other_pid);
}
static int other_signal(void) {
    return result(kill(other_pid, SIGURG)); /* which is ignored by who does not wait for it */
}
static int other_signal_pidfd(void) {
    int fd = (int)syscall(SYS_pidfd_open, other_pid, 0);

    return fd < 0 ? -errno : result(syscall(SYS_pidfd_send_signal, fd, SIGURG, NULL, 0));
}
static int init_signal(void) {
    return result(kill(1, 0));
}
static int other_ptrace(void) {
    return result(syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE */, other_pid, 0, 0));
}
/* EFAULT would say that only the address was wrong. */
static int other_read_memory(void) {
    char byte;
    struct iovec to = {&byte, 1}, from = {(void *)0x400000, 1};

    return result(process_vm_readv(other_pid, &to, 1, &from, 1, 0));
}
static int other_take_fd(void) {
    int fd = (int)syscall(SYS_pidfd_open, other_pid, 0);

    return fd < 0 ? -errno : result(syscall(SYS_pidfd_getfd, fd, 0, 0));
}
static int other_limits(void) {
    return result(prlimit(other_pid, RLIMIT_CORE, NULL, &(struct rlimit){0}));
}
static int other_set_limits(void) {
    struct rlimit limit;

    /* To what it is. */
    if (prlimit(other_pid, RLIMIT_CORE, NULL, &limit) < 0)
        return -errno;
    return result(prlimit(other_pid, RLIMIT_CORE, &limit, NULL));
}
static int other_nice(void) {
    return result(setpriority(PRIO_PROCESS, (id_t)other_pid, 19));
}
static int all_nice(void) {
    return result(setpriority(PRIO_USER, getuid(), 19));
}
static int other_affinity(void) {
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    return result(sched_setaffinity(other_pid, sizeof(cpus), &cpus));
}
static int other_scheduler(void) {
    return result(sched_setscheduler(other_pid, SCHED_OTHER, &(struct sched_param){0}));
}
static int other_io_priority(void) {
    return result(syscall(SYS_ioprio_set, 1, other_pid, 2 << 13 | 7));
}
static int other_shared_memory(void) {
    return result(shmget(0x6c346d65, 1, 0));
}
static int own_limits_read(void) {
    return result(prlimit(0, RLIMIT_CORE, NULL, &(struct rlimit){0}));
}
static int own_nice(void) {
    return result(setpriority(PRIO_PROCESS, 0, 19));
}
static int own_real_time(void) {
    return result(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}));
}
static int own_oom(void) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    return fd < 0 ? -errno : result(write(fd, "-900", 4));
}
static int own_limits(void) {
    return result(
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = 65536, .rlim_max = 1000000}));
}

/* --- Sockets ---------------------------------------------------------------------------------- */

static int connect_unix(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t n = strlen(path);

    memcpy(address.sun_path, path, n);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    return fd < 0 ? -errno
                  : result(connect(fd, (struct sockaddr *)&address,
                                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)));
}
static int bus(void) {
    return connect_unix("/run/dbus/system_bus_socket");
}
static int bus_by_var(void) {
    return connect_unix("/var/run/dbus/system_bus_socket");
}
static int systemd_private(void) {
    return connect_unix("/run/systemd/private");
}
static int journal_socket(void) {
    return connect_unix("/run/systemd/journal/stdout");
}
static int polkit_agent(void) {
    return try_open(READ, "/run/polkit");
}
static int run_write(void) {
    return try_open(CREATE, "/run/planted");
}
/* Anything in /run but what is bound there. */
static int run_others(void) {
    _cleanup_closedir_ DIR *run = opendir("/run");
    struct dirent *entry;

    if (!run)
        return -errno;
    while ((entry = readdir(run)))
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "systemd") != 0)
            return 0;
    return -ENOENT;
}
static int abstract_socket(void) {
    return connect_unix("@left4me-attacker");
}
static int localhost(void) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(other_port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : result(connect(fd, (struct sockaddr *)&address, sizeof(address)));
}
static int bind_port(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : result(bind(fd, (struct sockaddr *)&address, sizeof(address)));
}
static int bind_low(void) {
    return bind_port(53);
}
static int bind_any(void) {
    return bind_port(29999);
}

/* The family and the type are in what is tried. */
typedef struct Family {
    const char *name;
    int family, type, protocol;
} Family;

static const Family families[] = {
    {"raw IPv4", AF_INET, SOCK_RAW, 1},
    {"raw IPv6", AF_INET6, SOCK_RAW, 58},
    {"packet", AF_PACKET, SOCK_RAW, 0},
    {"netlink", AF_NETLINK, SOCK_RAW, 0},
    {"AF_ALG", AF_ALG, SOCK_SEQPACKET, 0},
    {"AF_VSOCK", AF_VSOCK, SOCK_STREAM, 0},
    {"AF_KEY", AF_KEY, SOCK_RAW, 2},
    {"AF_BLUETOOTH", AF_BLUETOOTH, SOCK_RAW, 1},
    {"AF_CAN", AF_CAN, SOCK_RAW, 1},
    {"AF_TIPC", AF_TIPC, SOCK_RDM, 0},
    {"AF_RDS", AF_RDS, SOCK_SEQPACKET, 0},
    {"AF_XDP", AF_XDP, SOCK_RAW, 0},
    {"AF_APPLETALK", AF_APPLETALK, SOCK_DGRAM, 0},
    {"AF_X25", AF_X25, SOCK_SEQPACKET, 0},
};

/* --- Privileges ------------------------------------------------------------------------------- */

static int setuid_root(void) {
    return result(syscall(SYS_setuid, 0));
}
static int setgroups_none(void) {
    return result(syscall(SYS_setgroups, 0, NULL));
}
static int no_new_privileges(void) {
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? -EPERM : 0;
}
/* Any capability that a process has or may get. */
static int capabilities(void) {
    _cleanup_fclose_ FILE *f = fopen("/proc/self/status", "re");
    char line[256];

    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "Cap", 3) == 0 && strtoull(strchr(line, ':') + 1, NULL, 16) != 0)
            return 0;
    return f ? -EPERM : -errno;
}
static int ambient(void) {
    return result(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
}
static int new_user_ns(void) {
    return result(unshare(CLONE_NEWUSER));
}
static int new_mount_ns(void) {
    return result(unshare(CLONE_NEWNS));
}
static int new_net_ns(void) {
    return result(unshare(CLONE_NEWNET));
}
static int new_pid_ns(void) {
    return result(unshare(CLONE_NEWPID));
}
static int clone_user_ns(void) {
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0)
        _exit(0);
    return result(pid);
}
static int clone3_user_ns(void) {
    uint64_t arguments[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD, 0, 0, 0};
    long pid = syscall(SYS_clone3, arguments, sizeof(arguments));

    if (pid == 0)
        _exit(0);
    return result(pid);
}
static int join_ns(void) {
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    return fd < 0 ? -errno : result(setns(fd, 0));
}
static int mount_tmpfs(void) {
    return result(syscall(SYS_mount, "t", ".", "tmpfs", 0, NULL));
}
static int unmount_own(void) {
    return result(syscall(SYS_umount2, ".", 2));
}
static int change_root(void) {
    return result(syscall(SYS_chroot, "."));
}

/* --- The kernel ------------------------------------------------------------------------------- */

static int sysctl_write(void) {
    return try_open(WRITE, "/proc/sys/kernel/core_pattern");
}
static int sysrq(void) {
    return try_open(WRITE, "/proc/sysrq-trigger");
}
static int sys_write(void) {
    return try_open(WRITE, "/sys/kernel/uevent_helper");
}
static int sys_create(void) {
    return result(mkdir("/sys/fs/cgroup/planted", 0700));
}
static int own_cgroup(void) {
    char line[512] = "";
    _cleanup_fclose_ FILE *f = fopen("/proc/self/cgroup", "re");

    if (!f || !fgets(line, sizeof(line), f))
        return -EBADF;
    line[strcspn(line, "\n")] = '\0';
    return try_open(WRITE, "/sys/fs/cgroup%s/memory.max", line + 3);
}
static int modules(void) {
    return result(syscall(SYS_finit_module, -1, "", 0));
}
static int hostname(void) {
    return result(syscall(SYS_sethostname, "planted", 7));
}
static int clock_set(void) {
    return result(syscall(SYS_clock_settime, CLOCK_REALTIME, NULL));
}
static int kernel_log(void) {
    return result(syscall(SYS_syslog, 3, NULL, 0));
}
static int write_and_execute(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED
               ? -errno
               : 0;
}
static int change_personality(void) {
    return result(personality(ADDR_NO_RANDOMIZE));
}
static int key_add(void) {
    return result(syscall(SYS_add_key, "user", "planted", "x", 1, -5));
}
static int key_read(void) {
    return result(syscall(SYS_keyctl, 0, -4, 1));
}
static int bpf(void) {
    return result(syscall(SYS_bpf, 0, NULL, 0));
}
static int perf(void) {
    return result(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
}
static int fault_fd(void) {
    return result(syscall(SYS_userfaultfd, O_CLOEXEC | 1));
}
static int uring(void) {
    char parameters[256] = "";

    return result(syscall(SYS_io_uring_setup, 1, parameters));
}
static int terminal_input(void) {
    return result(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}
static int terminal_own(void) {
    return try_open(O_RDWR, "/dev/tty");
}
static int terminal_other(void) {
    return try_open(O_RDWR, "/dev/pts/0");
}
static int x32(void) {
    return result(syscall(0x40000000 | SYS_getpid));
}

/* --- The same by 32-bit calls ----------------------------------------------------------------- */

/* The game is a 32-bit program, so its calls are allowed, and a 64-bit one can make them too. */
static long call32(long number, long a, long b, long c) {
    long r;

    __asm__ volatile("int $0x80"
                     : "=a"(r)
                     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(0L), "D"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    if ((int)r < 0 && (int)r > -4096) {
        errno = -(int)r;
        return -1;
    }
    return r;
}

static int mount_32(void) {
    return result(call32(21, -1, -1, -1));
}
static int user_ns_32(void) {
    return result(call32(310, CLONE_NEWUSER, 0, 0));
}
static int signal_32(void) {
    return result(call32(37, other_pid, SIGURG, 0));
}

static int other_limits_32(void) {
    return result(call32(340, other_pid, RLIMIT_CORE, 0));
}
static int other_nice_32(void) {
    return result(call32(97, PRIO_PROCESS, other_pid, 19));
}
static int own_nice_32(void) {
    return result(call32(97, PRIO_PROCESS, 0, 19));
}

/* Below 4 GiB, where a 32-bit pointer reaches. */
static int socket_32(const Family *family) {
    int *arguments =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    if (arguments == MAP_FAILED)
        return -errno;
    memcpy(arguments, (int[]){family->family, family->type, family->protocol}, 3 * sizeof(int));
    return result(call32(102, 1, (long)arguments, 0));
}

/* --- The table -------------------------------------------------------------------------------- */

#define A(group, what, function) {group, what, function}

static const struct {
    const char *group, *what;
    int (*function)(void);
} attempts[] = {
    A("files", "write into the own upper", own_upper_write),
    A("files", "read the own spec", own_spec_read),
    A("files", "write the own spec", own_spec_write),
    A("files", "read another instance's spec", other_spec),
    A("files", "list another instance's upper", other_upper),
    A("files", "list another instance's tree", other_merged),
    A("files", "list another instance's runtime by way of ..", other_by_dots),
    A("files", "read another instance's spec by way of /proc/PID/root", other_by_proc_root),
    A("files", "open another instance's working directory in /proc", other_by_proc_cwd),
    A("files", "make an instance", new_instance),
    A("files", "make a runtime directory", new_runtime),
    A("files", "write into the overlays", overlay_write),
    A("files", "read the installation itself", installation_read),
    A("files", "write into /", root_write),
    A("files", "write into /usr", usr_write),
    A("files", "write into /etc", etc_write),
    A("files", "write into /var", var_write),
    A("files", "read /etc/shadow", shadow_read),
    A("files", "read root's home", root_home_read),
    A("files", "list a home", home_list),
    A("files", "read the journal", journal_read),
    A("files", "list the compiled units", units_read),
    A("files", "read the host's /tmp", host_tmp),
    A("files", "read the host's /var/tmp", host_var_tmp),
    A("files", "read shared memory of others, in /dev/shm", host_shm),
    A("files", "make shared memory of its own", own_shm),
    A("files", "read a disk", other_disk),
    A("files", "read /dev/mem", dev_mem),
    A("files", "write the kernel log", dev_kmsg),
    A("files", "open /dev/fuse", dev_fuse),
    A("files", "make a device", make_device),
    A("files", "make a set-user-ID file", make_setuid),
    A("processes", "see processes of others in /proc", see_others),
    A("processes", "see PID 1 in /proc", init_in_proc),
    A("processes", "see another instance in /proc", other_in_proc),
    A("processes", "read another instance's environment", other_environ),
    A("processes", "open another instance's memory", other_mem),
    A("processes", "read another instance's memory by call", other_read_memory),
    A("processes", "trace another instance", other_ptrace),
    A("processes", "take a descriptor of another instance", other_take_fd),
    A("processes", "signal another instance", other_signal),
    A("processes", "signal another instance by pidfd", other_signal_pidfd),
    A("processes", "signal another instance, 32-bit", signal_32),
    A("processes", "signal PID 1", init_signal),
    A("processes", "read another instance's limits", other_limits),
    A("processes", "set another instance's limits", other_set_limits),
    A("processes", "lower another instance's priority", other_nice),
    A("processes", "lower the priority of all of the user's", all_nice),
    A("processes", "tie another instance to a processor", other_affinity),
    A("processes", "set another instance's scheduler", other_scheduler),
    A("processes", "lower another instance's I/O priority", other_io_priority),
    A("processes", "open shared memory of others", other_shared_memory),
    {"processes", "read another instance's limits, 32-bit", other_limits_32},
    {"processes", "lower another instance's priority, 32-bit", other_nice_32},
    {"processes", "read its own limits", own_limits_read},
    {"processes", "lower its own priority", own_nice},
    {"processes", "lower its own priority, 32-bit", own_nice_32},
    A("processes", "become real-time", own_real_time),
    A("processes", "be spared by the OOM killer", own_oom),
    A("processes", "raise its own limits", own_limits),
    A("sockets", "connect to D-Bus", bus),
    A("sockets", "connect to D-Bus by way of /var/run", bus_by_var),
    A("sockets", "connect to systemd", systemd_private),
    A("sockets", "connect to the journal", journal_socket),
    A("sockets", "find polkit", polkit_agent),
    A("sockets", "write into /run", run_write),
    A("sockets", "find anything of others in /run, as a console", run_others),
    A("sockets", "connect to an abstract socket of the user's", abstract_socket),
    A("sockets", "connect to a service on localhost", localhost),
    A("sockets", "bind a port below 1024", bind_low),
    A("sockets", "bind a port that is not its own", bind_any),
    A("privileges", "no_new_privs is off", no_new_privileges),
    A("privileges", "have a capability", capabilities),
    A("privileges", "raise an ambient capability", ambient),
    A("privileges", "become root", setuid_root),
    A("privileges", "leave its groups", setgroups_none),
    A("privileges", "make a user namespace", new_user_ns),
    A("privileges", "make a user namespace by clone", clone_user_ns),
    A("privileges", "make a user namespace by clone3", clone3_user_ns),
    A("privileges", "make a user namespace, 32-bit", user_ns_32),
    A("privileges", "make a mount namespace", new_mount_ns),
    A("privileges", "make a network namespace", new_net_ns),
    A("privileges", "make a PID namespace", new_pid_ns),
    A("privileges", "join a namespace", join_ns),
    A("privileges", "mount", mount_tmpfs),
    A("privileges", "mount, 32-bit", mount_32),
    A("privileges", "unmount", unmount_own),
    A("privileges", "change the root directory", change_root),
    A("kernel", "write a sysctl", sysctl_write),
    A("kernel", "press SysRq", sysrq),
    A("kernel", "write into /sys", sys_write),
    A("kernel", "make a control group", sys_create),
    A("kernel", "raise its own memory limit", own_cgroup),
    A("kernel", "load a module", modules),
    A("kernel", "set the host's name", hostname),
    A("kernel", "set the clock", clock_set),
    A("kernel", "read the kernel log", kernel_log),
    A("kernel", "map memory that is written and executed", write_and_execute),
    A("kernel", "change its personality", change_personality),
    A("kernel", "add a key", key_add),
    A("kernel", "use a keyring", key_read),
    A("kernel", "bpf", bpf),
    A("kernel", "perf", perf),
    A("kernel", "userfaultfd", fault_fd),
    A("kernel", "io_uring", uring),
    A("kernel", "push input into its terminal", terminal_input),
    A("kernel", "open its terminal", terminal_own),
    A("kernel", "open a terminal of others", terminal_other),
    A("kernel", "a call of the x32 interface", x32),
};

static void print(const char *group, const char *what, const char *text) {
    (void)printf("%-11s %-54s %s\n", group, what, text);
    (void)fflush(stdout);
}

static int run_table(void) {
    (void)fflush(stdout);
    for (size_t i = 0; i < ELEMENTSOF(attempts); i++) {
        pid_t child = fork();

        if (child == 0)
            _exit(-attempts[i].function());
        print(attempts[i].group, attempts[i].what, wait_outcome(child));
    }
    for (size_t i = 0; i < 2 * ELEMENTSOF(families); i++) {
        const Family *family = &families[i / 2];
        const char *text;
        char what[64];
        pid_t child = fork();

        if (child == 0 && i % 2 == 0)
            _exit(-result(socket(family->family, family->type | SOCK_CLOEXEC, family->protocol)));
        if (child == 0)
            _exit(-socket_32(family));
        (void)snprintf(what, sizeof(what), "make a socket: %s%s", family->name,
                       i % 2 == 0 ? "" : ", 32-bit");
        text = wait_outcome(child);
        /* What is not filtered is as each kernel has it; the first three no user may have. */
        if (i % 2 == 1 && family >= families + 3 && strncmp(text, "SIG", 3) != 0)
            text = "not filtered";
        print("sockets", what, text);
    }
    return 0;
}

/* All arguments are -1, which no call that gets through makes anything of. */
static int run_calls(bool is_32) {
    char name[64];
    long number;

    while (scanf("%63s %ld", name, &number) == 2) {
        pid_t child = fork();

        if (child == 0 && is_32)
            _exit(-result(call32(number, -1, -1, -1)));
        if (child == 0)
            _exit(-result(syscall(number, -1, -1, -1, -1, -1, -1)));
        (void)printf("%s %s\n", name, wait_outcome(child));
        (void)fflush(stdout);
    }
    return 0;
}

static int run_listen(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t n = strlen(name);

    memcpy(address.sun_path + 1, name + 1, n - 1);
    if (fd < 0 ||
        bind(fd, (struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0 ||
        listen(fd, 16) < 0)
        return 1;
    (void)printf("listening\n");
    (void)fflush(stdout);
    return pause();
}

int main(int argc, char *argv[]) {
    if (argc == 2 && strcmp(argv[1], "call64") == 0)
        return run_calls(false);
    if (argc == 2 && strcmp(argv[1], "call32") == 0)
        return run_calls(true);
    if (argc == 3 && strcmp(argv[1], "listen") == 0)
        return run_listen(argv[2]);
    if (argc != 6 || strcmp(argv[1], "try") != 0)
        return 2;
    own = argv[2];
    other = argv[3];
    other_pid = (pid_t)strtol(argv[4], NULL, 10);
    other_port = (uint16_t)strtoul(argv[5], NULL, 10);
    return run_table();
}
