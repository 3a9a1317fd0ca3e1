/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* left4me-overlay mounts an instance's tree, runtime/NAME/merged, and unmounts it: the one program
 * of an instance's start that is root. All it is told is a name and, by the environment, the list
 * of layers. What lies beneath runtime/NAME belongs to the game, which strangers talk to and which
 * may rename anything there at any moment: everything is opened first, through no symbolic link,
 * and mounted from the descriptors. */

#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "helpers/command-line.h"
#include "helpers/holders.h"
#include "helpers/last-mount.h"
#include "helpers/lowerdirs.h"
#include "helpers/mounts.h"
#include "helpers/overlay-mount.h"
#include "shared/exit.h"
#include "shared/fd.h"
#include "shared/log.h"
#include "shared/macros.h"
#include "spec/names.h"

#define ROOT LEFT4ME_ROOT_DIR
#define HOLDERS_SHOWN 8

/* What the mount of an instance has for its source: findmnt shows it, and we find it again by it.
 */
#define SOURCE_FORMAT "left4me-%s"
#define SOURCE_MAX (sizeof("left4me-") + INSTANCE_NAME_MAX)

/* How an instance is set back to nothing. */
#define CLEAN "'systemctl clean --what=state left4me-server@%s'"

/* --- Who we are ----------------------------------------------------------------------------- */

/* A "+" before the command does not leave the unit's mount namespace (measured with systemd 252 and
 * 257), and what is mounted there is seen by nobody else. Descriptors that were opened before would
 * still lead into the old one. */
static int join_host(void) {
    _cleanup_close_ int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);

    if (fd >= 0 && setns(fd, CLONE_NEWNS) >= 0)
        return EXIT_DONE;
    if (errno == EACCES || errno == EPERM)
        log_error("only root can mount and unmount: cannot join the mount namespace of PID 1: %s",
                  strerror(errno));
    else
        log_error("cannot join the mount namespace of PID 1: %s", strerror(errno));
    return EXIT_FAILED;
}

/* <root> is root's own, and may be reached through root's symbolic links. */
static int open_root(void) {
    int fd = open(ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static int open_instance(int root_fd, const char *name) {
    char path[sizeof("runtime/") + INSTANCE_NAME_MAX];

    (void)snprintf(path, sizeof(path), "runtime/%s", name);
    return fd_open_beneath(root_fd, path, O_PATH | O_DIRECTORY, 0);
}

/* What is wrong with something that ought to be a directory. */
static const char *directory_strerror(int r) {
    switch (-r) {
    case ENOENT:
        return "it does not exist";
    case ENOTDIR:
        return "it is no directory, or lies beneath something that is none";
    case ELOOP:
        return "it is a symbolic link, or lies behind one";
    default:
        return strerror(-r);
    }
}

/* --- Layers --------------------------------------------------------------------------------- */

static int read_lowerdirs(const char *name, Lowerdirs *lowerdirs) {
    const char *text = getenv("L4D2_LOWERDIRS");
    int r;

    if (!text) {
        log_error("instance %s is not compiled: run 'systemctl daemon-reload'", name);
        return EXIT_CONFIGURATION;
    }
    r = lowerdirs_parse(lowerdirs, text);
    if (r == -EINVAL) {
        log_error("'%s' in L4D2_LOWERDIRS is no layer: a layer is " ROOT
                  "/overlays/PATH or, as the "
                  "last one, " ROOT "/installation",
                  lowerdirs->refused);
        return EXIT_CONFIGURATION;
    }
    if (r == -E2BIG) {
        log_error("more than %d layers in L4D2_LOWERDIRS: overlayfs takes no more", LOWERDIRS_MAX);
        return EXIT_CONFIGURATION;
    }
    if (r < 0) {
        log_error("cannot read L4D2_LOWERDIRS: %s", strerror(-r));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static int explain_layer(const char *path, int r) {
    const char *what = strcmp(path, "installation") == 0 ? "installation" : "overlay";

    if (r == -ENOENT && what[0] == 'i')
        log_error("installation '" ROOT "/%s' does not exist: install the game there (see README)",
                  path);
    else if (r == -ENOENT)
        log_error("overlay '" ROOT "/%s' does not exist", path);
    else if (r == -ENOTDIR)
        log_error("%s '" ROOT "/%s' is no directory", what, path);
    else if (r == -ELOOP)
        log_error("%s '" ROOT "/%s' is a symbolic link, or lies behind one: put the directory "
                  "itself there, or a bind mount",
                  what, path);
    else if (r == -EMFILE)
        log_error("too many layers for this process: raise its limit of open files (LimitNOFILE=)");
    else
        log_error("cannot open %s '" ROOT "/%s': %s", what, path, strerror(-r));
    return r == -EMFILE ? EXIT_FAILED : EXIT_CONFIGURATION;
}

/* The installation is a directory, or a symbolic link to one beside it; the link is read once, so
 * that it may be renamed at any moment. */
static int open_installation(int root_fd, int *ret_fd) {
    static const char path[] = "installation";
    char target[PATH_MAX];
    ssize_t n = readlinkat(root_fd, path, target, sizeof(target) - 1);
    int fd;

    if (n < 0) {
        fd = fd_open_beneath(root_fd, path, O_PATH | O_DIRECTORY, 0);
        if (fd < 0)
            return explain_layer(path, fd);
        *ret_fd = fd;
        return EXIT_DONE;
    }

    target[n] = '\0';
    if (!overlay_component_valid(target)) {
        log_error("installation '" ROOT "/%s' is a symbolic link to '%s': it may only lead to a "
                  "directory beside it, by that one's name alone (A-Z a-z 0-9 . _ + @ -)",
                  path, target);
        return EXIT_CONFIGURATION;
    }
    fd = fd_open_beneath(root_fd, target, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) {
        log_error("cannot use '" ROOT "/%s', to which the symbolic link '" ROOT "/%s' leads: %s",
                  target, path, directory_strerror(fd));
        return EXIT_CONFIGURATION;
    }
    *ret_fd = fd;
    return EXIT_DONE;
}

static int open_layers(int root_fd, const Lowerdirs *lowerdirs, int *ret_fds) {
    for (size_t i = 0; i < lowerdirs->n; i++) {
        const char *path = lowerdirs->paths[i];
        int status;

        if (strcmp(path, "installation") == 0) {
            status = open_installation(root_fd, &ret_fds[i]);
            if (status != EXIT_DONE)
                return status;
            continue;
        }
        ret_fds[i] = fd_open_beneath(root_fd, path, O_PATH | O_DIRECTORY, 0);
        if (ret_fds[i] < 0)
            return explain_layer(path, ret_fds[i]);
    }
    return EXIT_DONE;
}

/* --- Unmounting ----------------------------------------------------------------------------- */

/* Room for HOLDERS_SHOWN of them, and what follows. */
#define HOLDERS_TEXT (HOLDERS_SHOWN * 48 + 32)

/* "bash (PID 123), vim (PID 124)" */
static void write_holders(const Holder *holders, size_t found, char buf[static HOLDERS_TEXT]) {
    size_t used = 0, size = HOLDERS_TEXT;

    for (size_t i = 0; i < found && i < HOLDERS_SHOWN; i++)
        used += (size_t)snprintf(buf + used, size - used, "%s%s (PID %d)", i > 0 ? ", " : "",
                                 holders[i].name, holders[i].pid);
    if (found > HOLDERS_SHOWN)
        (void)snprintf(buf + used, size - used, " and %zu more", found - HOLDERS_SHOWN);
}

/* The holders have to be looked for while the mount is still in its place: after that /proc knows
 * their files by other names. */
static void warn_busy(const char *name, int instance_fd) {
    Holder holders[HOLDERS_SHOWN];
    char plain[PATH_MAX], canonical[PATH_MAX], text[HOLDERS_TEXT];
    const char *paths[] = {plain, canonical};
    char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
    ssize_t n, found;

    (void)snprintf(plain, sizeof(plain), ROOT "/runtime/%s/merged", name);
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", instance_fd);
    n = readlink(link, canonical, sizeof(canonical) - sizeof("/merged"));
    strcpy(canonical + (n < 0 ? 0 : n), "/merged");

    found = holders_find(paths, ELEMENTSOF(paths), holders, ELEMENTSOF(holders));
    if (found > 0) {
        write_holders(holders, (size_t)found, text);
        log_warning("'%s' is busy, detached lazily; held by %s: the instance does not start again "
                    "before they end",
                    plain, text);
    } else {
        log_warning("'%s' is busy, detached lazily; no process was found that holds it, maybe "
                    "something is mounted beneath it: while that lasts, the instance does not "
                    "start again",
                    plain);
    }
}

/* What somebody else mounted there, or a left4me that kept no record. */
static void keep_unknown(const char *name, int instance_fd) {
    LastMount mount;

    if (last_mount_load(name, &mount) != -ENOENT ||
        last_mount_look(instance_fd, "merged", &mount) < 0)
        return;
    (void)last_mount_save(name, &mount);
}

/* Unmounts whatever is mounted on merged, be it several times. By name within the directory, since
 * a descriptor of the mount would keep it busy; UMOUNT_NOFOLLOW, since the name is the game's. */
static int unmount_merged(const char *name, int instance_fd, bool *ret_busy) {
    *ret_busy = false;
    if (fchdir(instance_fd) < 0) {
        log_error("cannot change to '" ROOT "/runtime/%s': %s", name, strerror(errno));
        return EXIT_FAILED;
    }
    for (;;) {
        if (umount2("merged", UMOUNT_NOFOLLOW) >= 0)
            continue;
        /* EINVAL: nothing is mounted there, or it is no directory at all. */
        if (errno == EINVAL || errno == ENOENT)
            return EXIT_DONE;
        if (errno == EBUSY) {
            keep_unknown(name, instance_fd);
            warn_busy(name, instance_fd);
            *ret_busy = true;
            if (umount2("merged", UMOUNT_NOFOLLOW | MNT_DETACH) >= 0 || errno == EINVAL)
                continue;
        }
        log_error("cannot unmount '" ROOT "/runtime/%s/merged': %s", name, strerror(errno));
        return EXIT_FAILED;
    }
}

/* The mount may be elsewhere, with the directory that it was made on. Were it left there, the next
 * start would use its upper a second time. */
static int detach_moved(const char *name) {
    char source[SOURCE_MAX], path[PATH_MAX];
    int r;

    (void)snprintf(source, sizeof(source), SOURCE_FORMAT, name);
    r = mounts_detach(source, 0, path, sizeof(path));
    if (r < 0 && path[0] == '\0') {
        log_error("cannot look for mounts of the tree of instance %s: %s", name, strerror(-r));
        return EXIT_FAILED;
    }
    if (r < 0) {
        log_error("the tree of instance %s is still mounted, on '%s', and cannot be detached: %s",
                  name, path, strerror(-r));
        return EXIT_FAILED;
    }
    if (r > 0)
        log_warning("the tree of instance %s was mounted on '%s', where somebody had moved it: "
                    "detached",
                    name, path);
    return EXIT_DONE;
}

static int unmount(const char *name, int instance_fd, bool *ret_busy) {
    int status = unmount_merged(name, instance_fd, ret_busy);

    return status == EXIT_DONE ? detach_moved(name) : status;
}

/* Whether the instance's last mount lives on, though it is in its place no more. Returns 1 with
 * what is known of it in *RET; 0, and nothing is kept of it; or a negative errno where nobody can
 * tell. */
static int lives_on(const char *name, int upper_fd, LastMount *ret) {
    int r = last_mount_load(name, ret);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        *ret = (LastMount){.dev = 0};
    r = r < 0 || last_mount_may_live(ret) ? last_mount_upper_in_use(upper_fd) : 0;
    if (r == 0)
        last_mount_forget(name);
    return r;
}

/* Who has it, by name, or where to look. */
static void write_last_holders(const LastMount *mount, char buf[static HOLDERS_TEXT]) {
    Holder holders[HOLDERS_SHOWN];
    ssize_t found = holders_find_of(mount, holders, ELEMENTSOF(holders));

    if (found > 0)
        write_holders(holders, (size_t)found, buf);
    else
        (void)snprintf(buf, HOLDERS_TEXT,
                       "no process that was found: look for a mount namespace that still has it "
                       "('grep left4me-' in /proc/*/mountinfo)");
}

/* Two overlays on one upper write over each other (kernel, overlayfs.rst: "undefined"), and the
 * kernel lets them. So the instance waits, which is to say fails and is tried again by systemd. */
static int refuse_in_use(const char *name, int upper_fd) {
    char text[HOLDERS_TEXT];
    LastMount mount;
    int r;

    r = lives_on(name, upper_fd, &mount);
    if (r < 0)
        log_warning("cannot tell whether a former mount still uses '" ROOT "/runtime/%s/upper', "
                    "ignoring: %s",
                    name, strerror(-r));
    if (r <= 0)
        return EXIT_DONE;
    write_last_holders(&mount, text);
    log_error("'" ROOT "/runtime/%s/upper' is still in use by a former mount, held by %s: a second "
              "one would damage it; end what holds it, and start again",
              name, text);
    return EXIT_FAILED;
}

/* After an unmount that was no error: what a copy of the mount elsewhere keeps alive is not busy.
 */
static void tell_in_use(const char *name, int instance_fd, bool told) {
    _cleanup_close_ int upper_fd = fd_open_beneath(instance_fd, "upper", O_PATH | O_DIRECTORY, 0);
    char text[HOLDERS_TEXT];
    LastMount mount;

    if (told || lives_on(name, upper_fd, &mount) <= 0)
        return;
    write_last_holders(&mount, text);
    log_warning("'" ROOT "/runtime/%s/merged' is unmounted, but lives on; held by %s: the instance "
                "does not start again before that ends",
                name, text);
}

static int run_umount(const char *name) {
    _cleanup_close_ int root_fd = -EBADF, instance_fd = -EBADF;
    int status = join_host();
    bool busy;

    if (status != EXIT_DONE)
        return status;
    root_fd = open_root();
    instance_fd = root_fd < 0 ? root_fd : open_instance(root_fd, name);
    if (instance_fd == -ENOENT)
        return detach_moved(name);
    if (instance_fd < 0) {
        log_error("cannot use '" ROOT "/runtime/%s': %s", name, directory_strerror(instance_fd));
        return EXIT_FAILED;
    }
    status = unmount(name, instance_fd, &busy);
    if (status == EXIT_DONE)
        tell_in_use(name, instance_fd, busy);
    return status;
}

/* --- Mounting ------------------------------------------------------------------------------- */

static int explain_nested(const Lowerdirs *lowerdirs) {
    size_t outer, inner = lowerdirs_find_nested(lowerdirs, &outer);

    if (inner == lowerdirs->n)
        log_error("overlayfs refuses the layers: one lies beneath another, or is the same "
                  "directory by way of a bind mount");
    else if (strcmp(lowerdirs->paths[inner], lowerdirs->paths[outer]) == 0)
        log_error("overlay '" ROOT "/%s' is in L4D2_LOWERDIRS twice", lowerdirs->paths[inner]);
    else
        log_error("overlay '" ROOT "/%s' lies beneath overlay '" ROOT "/%s': overlayfs takes only "
                  "one of them",
                  lowerdirs->paths[inner], lowerdirs->paths[outer]);
    return EXIT_CONFIGURATION;
}

/* What an errno means when overlayfs puts the directories together; NULL if no more than it says.
 */
static const char *create_strerror(int r) {
    switch (-r) {
    case EINVAL:
        return "upper and work do not fit together or hold what overlayfs cannot use (they must be "
               "two directories, empty or of a former mount, on one file system that is local, "
               "writable and no overlay), or a layer is on a file system that overlayfs does not "
               "take";
    case EBUSY:
        return "upper or work is in use by another overlay, maybe one that was detached while "
               "busy";
    case ESTALE:
        return "upper belongs to other layers, which overlayfs minds where its module has "
               "index=on";
    case ENOSPC:
        return "the file system of the state root is full";
    default:
        return strerror(-r);
    }
}

/* A part of the message: what the kernel said. mount(2) says it to the kernel log alone. */
static const char *kernel_says(const OverlayFault *fault) {
    return fault->message[0] != '\0' ? fault->message : "see 'dmesg'";
}

static int explain_mount(const char *name, const Lowerdirs *lowerdirs, const OverlayFault *fault,
                         int r) {
    const char *beside = fault->step == OVERLAY_STEP_UPPER ? "upper" : "work";

    if (r == -ENODEV && fault->step <= OVERLAY_STEP_CREATE) {
        log_error("this kernel has no overlayfs: 'modprobe overlay'");
        return EXIT_FAILED;
    }
    if (r == -ELOOP)
        return explain_nested(lowerdirs);
    if (r == -E2BIG) {
        log_error("%zu layers are too many for this kernel: their list must fit into a page "
                  "before Linux 6.7",
                  lowerdirs->n);
        return EXIT_CONFIGURATION;
    }

    switch (fault->step) {
    case OVERLAY_STEP_LOWER:
        log_error("'" ROOT "/%s' cannot be a layer: %s (kernel: %s)",
                  lowerdirs->paths[fault->index], strerror(-r), kernel_says(fault));
        return EXIT_CONFIGURATION;
    case OVERLAY_STEP_UPPER:
    case OVERLAY_STEP_WORK:
        log_error("'" ROOT "/runtime/%s/%s' cannot be the %s directory of an overlay: %s (kernel: "
                  "%s); the state root must be on a local file system that is writable, such as "
                  "ext4, xfs or btrfs, and not on an overlay or NFS",
                  name, beside, beside, strerror(-r), kernel_says(fault));
        return EXIT_FAILED;
    case OVERLAY_STEP_ATTACH:
        log_error("cannot put the overlay on '" ROOT "/runtime/%s/merged': %s", name,
                  r == -ENOSPC ? "too many mounts (sysctl fs.mount-max)" : directory_strerror(r));
        return EXIT_FAILED;
    case OVERLAY_STEP_BEGIN:
        log_error("cannot begin to mount an overlay: %s (kernel: %s)", strerror(-r),
                  kernel_says(fault));
        return EXIT_FAILED;
    case OVERLAY_STEP_CREATE:
    default:
        log_error("cannot mount the overlay of '" ROOT "/runtime/%s': %s (kernel: %s); " CLEAN
                  " sets the instance back",
                  name, create_strerror(r), kernel_says(fault), name);
        return EXIT_FAILED;
    }
}

/* NAME's directory WHAT, which left4me-stage made. */
static int open_directory(const char *name, int instance_fd, const char *what, int *ret_fd) {
    int fd = fd_open_beneath(instance_fd, what, O_PATH | O_DIRECTORY, 0);

    if (fd < 0) {
        log_error("cannot use '" ROOT "/runtime/%s/%s': %s; it is made by left4me-stage, and " CLEAN
                  " removes what is in its place",
                  name, what, directory_strerror(fd), name);
        return EXIT_FAILED;
    }
    *ret_fd = fd;
    return EXIT_DONE;
}

static int cannot_look(const char *name, int r) {
    log_error("cannot look at what was mounted on '" ROOT "/runtime/%s/merged': %s", name,
              strerror(-r));
    return EXIT_FAILED;
}

/* Looks at what was mounted. Returns an exit status. */
static int check_mounted(const char *name, const char *source, int instance_fd) {
    _cleanup_close_ int fd = fd_open_beneath(instance_fd, "merged", O_PATH | O_DIRECTORY, 0);
    const uint64_t id = mounts_id(fd);
    char path[PATH_MAX];
    struct statvfs fs;
    struct stat st;
    int r;

    /* What is no longer there was moved, and so was what is found elsewhere; else our own look at
     * it failed. */
    if (fd < 0 && fd != -ENOENT && fd != -ENOTDIR && fd != -ELOOP)
        return cannot_look(name, fd);
    if (fd >= 0 && id == 0)
        return cannot_look(name, -errno);
    r = mounts_detach(source, id, path, sizeof(path));
    if (r < 0)
        return cannot_look(name, r);
    if (r > 0 || fd < 0) {
        log_error("'" ROOT "/runtime/%s/merged' was moved while the overlay was put there", name);
        return EXIT_FAILED;
    }
    /* An overlay that could not make its directory in work is read-only, and no error to the
     * kernel. */
    if (fstatvfs(fd, &fs) < 0)
        return cannot_look(name, -errno);
    if (fs.f_flag & ST_RDONLY) {
        log_error("'" ROOT "/runtime/%s/work' does not let overlayfs make its directory there, so "
                  "the mount would be read-only: the file system is full, or " CLEAN " is needed "
                  "(kernel: see 'dmesg')",
                  name, name);
        return EXIT_FAILED;
    }
    if (fstatat(fd, "srcds_run", &st, AT_SYMLINK_NOFOLLOW) >= 0)
        return EXIT_DONE;
    if (errno != ENOENT)
        return cannot_look(name, -errno);
    log_error("there is no srcds_run in installation '" ROOT "/installation', nor in an "
              "overlay: install the game there (see README)");
    return EXIT_CONFIGURATION;
}

static void keep_mounted(const char *name, int instance_fd) {
    LastMount mount;
    int r = last_mount_look(instance_fd, "merged", &mount);

    if (r >= 0)
        r = last_mount_save(name, &mount);
    if (r < 0)
        log_warning("cannot write '" LAST_MOUNT_DIR "/%s', ignoring: whether the mount lives on "
                    "after the instance ended is not looked at: %s",
                    name, strerror(-r));
}

static int mount_layers(const char *name, int instance_fd, const Lowerdirs *lowerdirs,
                        const int *lower_fds) {
    _cleanup_close_ int upper_fd = -EBADF, work_fd = -EBADF, merged_fd = -EBADF;
    char source[SOURCE_MAX];
    OverlayFault fault;
    int r, status;
    bool busy;

    status = open_directory(name, instance_fd, "upper", &upper_fd);
    if (status == EXIT_DONE)
        status = open_directory(name, instance_fd, "work", &work_fd);
    /* A former start may have left its mount. It goes before merged is opened, so that what is
     * opened is the directory below it. */
    if (status == EXIT_DONE)
        status = unmount(name, instance_fd, &busy);
    if (status == EXIT_DONE)
        status = refuse_in_use(name, upper_fd);
    if (status == EXIT_DONE)
        status = open_directory(name, instance_fd, "merged", &merged_fd);
    if (status != EXIT_DONE)
        return status;

    (void)snprintf(source, sizeof(source), SOURCE_FORMAT, name);
    r = overlay_mount(&(const OverlayMount){.source = source,
                                            .lower_fds = lower_fds,
                                            .n_lower = lowerdirs->n,
                                            .upper_fd = upper_fd,
                                            .work_fd = work_fd,
                                            .target_fd = merged_fd},
                      &fault);
    /* It may have failed behind the mount. */
    if (r < 0) {
        status = explain_mount(name, lowerdirs, &fault, r);
    } else {
        status = check_mounted(name, source, instance_fd);
        keep_mounted(name, instance_fd);
    }
    if (status != EXIT_DONE && unmount(name, instance_fd, &busy) == EXIT_DONE)
        tell_in_use(name, instance_fd, busy);
    return status;
}

static int run_mount(const char *name) {
    static Lowerdirs lowerdirs;
    static int lower_fds[LOWERDIRS_MAX];
    _cleanup_close_ int root_fd = -EBADF, instance_fd = -EBADF;
    int status = read_lowerdirs(name, &lowerdirs);

    (void)alarm(START_LIMIT_SEC);
    if (status == EXIT_DONE)
        status = join_host();
    if (status != EXIT_DONE)
        return status;

    root_fd = open_root();
    if (root_fd < 0) {
        log_error("cannot open '" ROOT "': %s", strerror(-root_fd));
        return EXIT_FAILED;
    }
    status = open_layers(root_fd, &lowerdirs, lower_fds);
    if (status != EXIT_DONE)
        return status;
    instance_fd = open_instance(root_fd, name);
    if (instance_fd < 0) {
        log_error("cannot use '" ROOT "/runtime/%s', which systemd makes: %s", name,
                  directory_strerror(instance_fd));
        return EXIT_FAILED;
    }
    return mount_layers(name, instance_fd, &lowerdirs, lower_fds);
}

/* --- Command line --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int (*run)(const char *name);
} verbs[] = {
    {"mount", run_mount},
    {"umount", run_umount},
};

static void help(void) {
    (void)printf(
        "left4me-overlay mount NAME\n"
        "left4me-overlay umount NAME\n\n"
        "Mounts the tree of instance NAME on " ROOT "/runtime/NAME/merged\n"
        "in the mount namespace of PID 1, or unmounts it. The layers are those of\n"
        "L4D2_LOWERDIRS in the environment, over them runtime/NAME/upper; a mount that is\n"
        "already there is replaced. What is busy is detached lazily, with a warning; what\n"
        "is not mounted is success. left4me-server@NAME.service runs both.\n\n"
        "  --help     show this\n"
        "  --version  show the version\n\n"
        "Exit status: 0 done, 1 failed, 2 wrong usage, 78 a layer is missing or unfit, or\n"
        "the instance is not compiled.\n");
}

int main(int argc, char *argv[]) {
    static const CommandLine line = {"left4me-overlay", help, 2, "a verb and one NAME"};
    int r = command_line_parse(&line, argc, argv);

    if (r >= 0)
        return r;
    for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
        if (strcmp(argv[optind], verbs[i].name) == 0)
            return verbs[i].run(argv[optind + 1]);
    log_error("'%s' is none of mount, umount; see 'left4me-overlay --help'", argv[optind]);
    return EXIT_USAGE;
}
