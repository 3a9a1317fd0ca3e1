/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* left4me-reload has PID 1 reload when specs change, so that nobody needs to type "systemctl
 * daemon-reload". It reads no spec and writes nothing: it sees that something changed (watch.c),
 * and makes one call on the system bus.
 *
 * A reload begins when no spec has changed for half a second, or a second after the first change
 * where changes do not end. PID 1 does nothing else while it reloads, so at least as much time as
 * the last one took lies between two, and never less than a second between their beginnings. What
 * changes while PID 1 reloads may or may not have been compiled, so it is reloaded for once more.
 *
 * At its start it compares the specs with what the generator wrote: after a boot there is nothing
 * to do, and after a time without this program there is if anything changed in it. */

#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "helpers/watch.h"
#include "shared/exit.h"
#include "shared/log.h"
#include "shared/macros.h"
#include "spec/names.h"

#define ROOT LEFT4ME_ROOT_DIR
#define GENERATOR_DIR "/run/systemd/generator"

#define MSEC UINT64_C(1000)
#define SEC (1000 * MSEC)

/* So long has to be quiet, and so long may pass without. */
#define QUIET (500 * MSEC)
#define PATIENCE (1 * SEC)
/* From the beginning of a reload to that of the next. */
#define PERIOD (1 * SEC)
/* Where events were lost, so long may pass before a reload is made without having looked again. */
#define SCAN_PATIENCE (5 * SEC)
/* Reloads of thousands of units take systemd 252 longer than D-Bus waits by default. */
#define RELOAD_TIMEOUT (600 * SEC)
#define RETRY_MAX 60U
/* So long systemd may be gone from the bus: a daemon-reexec takes less. */
#define ABSENCE (15 * SEC)

/* Directories without a watch are looked at so often. */
#define SCAN_PERIOD (1 * SEC)
/* So many times as long as a scan took is the pause behind it: before the next such look, and
 * before one that is made because events were lost. */
#define SCAN_PAUSE 20U
#define LOST_SCAN_PAUSE 2U
#define LOST_SCAN_LEAST ((uint64_t)100 * 1000)

typedef struct Reloader {
    Watch watch;
    sd_event *event;
    sd_bus *bus;
    sd_bus_slot *call;
    sd_event_source *reload_timer, *scan_timer, *absence_timer;

    bool stirred; /* a reload is due, since first_change */
    uint64_t first_change, last_change;
    uint64_t not_before; /* for the next reload */

    /* The reload that is being made. */
    uint64_t begun;
    bool for_lost_events;
    char what[4 * INSTANCE_NAME_MAX + 64];

    unsigned failures; /* in a row */
    unsigned long reloads;
    uint64_t scan_end, scan_took;
    int told_watch_error, told_tree_error;
    char status[128];
} Reloader;

static uint64_t max_u64(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t now(const Reloader *r) {
    uint64_t t = 0;

    (void)sd_event_now(r->event, CLOCK_MONOTONIC, &t);
    return t;
}

/* sd_event_now() is the time at which the loop woke up. */
static uint64_t now_exactly(void) {
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SEC + (uint64_t)t.tv_nsec / 1000;
}

/* A timer of ours is either off or fires once. */
static int set_timer(sd_event_source *timer, uint64_t due) {
    int r = sd_event_source_set_time(timer, due);

    return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/* Without timers there is nothing left of this program. */
static int check_timer(const Reloader *r, int error) {
    if (error < 0) {
        log_error("cannot set a timer: %s", strerror(-error));
        (void)sd_event_exit(r->event, EXIT_FAILED);
    }
    return error;
}

/* --- What people are told ------------------------------------------------------------------- */

static void tell_status(Reloader *r) {
    const Watch *w = &r->watch;
    char status[sizeof(r->status)], polled[64] = "";

    if (w->n_unwatched > 0)
        (void)snprintf(polled, sizeof(polled), ", %zu of them without a watch", w->n_unwatched);
    if (w->tree_error < 0)
        (void)snprintf(status, sizeof(status), "waiting for its directory; %lu reload%s",
                       r->reloads, r->reloads == 1 ? "" : "s");
    else
        (void)snprintf(status, sizeof(status), "watching %zu instance%s%s; %lu reload%s",
                       w->n_instances, w->n_instances == 1 ? "" : "s", polled, r->reloads,
                       r->reloads == 1 ? "" : "s");
    if (strcmp(status, r->status) == 0)
        return;
    memcpy(r->status, status, sizeof(status));
    (void)sd_notifyf(false, "STATUS=%s", status);
}

static void tell_troubles(Reloader *r) {
    const Watch *w = &r->watch;

    if (w->tree_error != r->told_tree_error) {
        if (w->tree_error < 0)
            log_notice("waiting for '" ROOT "/instances' to be there: %s",
                       w->tree_error == -ELOOP ? "it is a symbolic link, and none is followed"
                                               : strerror(-w->tree_error));
        else
            log_notice("'" ROOT "/instances' is there");
        r->told_tree_error = w->tree_error;
    }

    if (w->watch_error == r->told_watch_error)
        return;
    if (w->watch_error == -ENOSPC)
        log_warning("no watch is left for some directories below '" ROOT "/instances': raise the "
                    "sysctl fs.inotify.max_user_watches; looking at them once a second instead");
    else if (w->watch_error < 0)
        log_warning("cannot watch some directories below '" ROOT "/instances': %s; looking at them "
                    "once a second instead",
                    strerror(-w->watch_error));
    else
        log_notice("all directories below '" ROOT "/instances' are watched again");
    r->told_watch_error = w->watch_error;
}

/* --- When to reload ------------------------------------------------------------------------- */

static uint64_t reload_due(const Reloader *r) {
    uint64_t due = min_u64(r->last_change + QUIET, r->first_change + PATIENCE);

    /* The scan to come may find more. */
    if (r->watch.scan_wanted)
        due = max_u64(due, r->first_change + SCAN_PATIENCE);
    return max_u64(due, r->not_before);
}

static void plan_reload(Reloader *r) {
    if (r->stirred && !r->call)
        (void)check_timer(r, set_timer(r->reload_timer, reload_due(r)));
}

static void plan_scan(Reloader *r) {
    const Watch *w = &r->watch;
    uint64_t pause;

    if (w->scan_wanted)
        pause = max_u64(LOST_SCAN_LEAST, LOST_SCAN_PAUSE * r->scan_took);
    else if (w->n_unwatched > 0 || w->tree_unwatched)
        pause = max_u64(SCAN_PERIOD, SCAN_PAUSE * r->scan_took);
    else
        return;
    (void)check_timer(r, set_timer(r->scan_timer, r->scan_end + pause));
}

/* After anything that may have found a change. */
static void take_changes(Reloader *r) {
    if (r->watch.stirred) {
        r->last_change = now(r);
        if (!r->stirred)
            r->first_change = r->last_change;
        r->stirred = true;
        r->watch.stirred = false;
    }
    tell_troubles(r);
    tell_status(r);
    plan_scan(r);
    plan_reload(r);
}

static void scan(Reloader *r) {
    uint64_t begin = now_exactly();

    watch_scan(&r->watch, !r->watch.scan_wanted);
    r->scan_end = now_exactly();
    r->scan_took = r->scan_end - begin;
}

/* --- The reload ----------------------------------------------------------------------------- */

static void reload_failed(Reloader *r, const char *why) {
    unsigned wait = r->failures < 6 ? 1U << r->failures : RETRY_MAX;

    r->failures++;
    log_warning("reload failed (%s): %s; trying again in %u s", r->what, why, wait);
    watch_end(&r->watch, false);
    if (r->for_lost_events)
        r->watch.events_lost = r->watch.stirred = true;
    r->not_before = now_exactly() + wait * SEC;
}

static void reload_done(Reloader *r) {
    uint64_t end = now_exactly(), took = end - r->begun;

    r->failures = 0;
    r->reloads++;
    log_msg(LOG_INFO, "reload: %s (%" PRIu64 ".%02" PRIu64 " s)", r->what, took / SEC,
            took % SEC / (10 * MSEC));
    watch_end(&r->watch, true);
    r->not_before = max_u64(r->begun + PERIOD, end + took);
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
    Reloader *r = userdata;
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    (void)ret_error;
    r->call = sd_bus_slot_unref(r->call);
    if (error)
        reload_failed(r, error->message ? error->message : error->name);
    else
        reload_done(r);
    take_changes(r);
    return 0;
}

static int call_reload(Reloader *r) {
    sd_bus_message *call = NULL;
    int error;

    error = sd_bus_message_new_method_call(r->bus, &call, "org.freedesktop.systemd1",
                                           "/org/freedesktop/systemd1",
                                           "org.freedesktop.systemd1.Manager", "Reload");
    if (error >= 0)
        error = sd_bus_call_async(r->bus, &r->call, call, on_reply, r, RELOAD_TIMEOUT);
    (void)sd_bus_message_unref(call);
    return error;
}

static void begin_reload(Reloader *r) {
    char specs[sizeof(r->what) - 32];
    size_t n;
    int error;

    n = watch_begin(&r->watch, specs, sizeof(specs));
    r->for_lost_events = r->watch.events_lost;
    r->watch.events_lost = false;
    r->stirred = false;
    r->begun = now_exactly();
    (void)snprintf(r->what, sizeof(r->what), "%s%s%s", r->for_lost_events ? "events were lost" : "",
                   r->for_lost_events && n > 0 ? ", " : "", specs);
    error = call_reload(r);
    if (error < 0)
        reload_failed(r, strerror(-error));
}

/* --- What the loop calls -------------------------------------------------------------------- */

static int on_inotify(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    Reloader *r = userdata;

    (void)source;
    (void)fd;
    (void)events;
    watch_read(&r->watch);
    take_changes(r);
    return 0;
}

static int on_mounts(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    Reloader *r = userdata;

    (void)source;
    (void)fd;
    (void)events;
    watch_mounts(&r->watch);
    take_changes(r);
    return 0;
}

static int on_scan_timer(sd_event_source *source, uint64_t usec, void *userdata) {
    Reloader *r = userdata;

    (void)source;
    (void)usec;
    scan(r);
    take_changes(r);
    return 0;
}

static int on_reload_timer(sd_event_source *source, uint64_t usec, void *userdata) {
    Reloader *r = userdata;

    (void)source;
    (void)usec;
    /* What is in the queue by now goes with this reload. */
    watch_read(&r->watch);
    take_changes(r);
    if (r->stirred && !r->call && reload_due(r) <= now(r)) {
        begin_reload(r);
        take_changes(r);
    }
    return 0;
}

static int on_absence_timer(sd_event_source *source, uint64_t usec, void *userdata) {
    Reloader *r = userdata;

    (void)source;
    (void)usec;
    log_error("systemd is gone from the system bus");
    return sd_event_exit(r->event, EXIT_FAILED);
}

static int on_owner(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
    Reloader *r = userdata;
    const char *name, *old, *new;

    (void)ret_error;
    if (sd_bus_message_read(message, "sss", &name, &old, &new) < 0)
        return 0;
    if (new[0] == '\0')
        (void)check_timer(r, set_timer(r->absence_timer, now_exactly() + ABSENCE));
    else
        (void)sd_event_source_set_enabled(r->absence_timer, SD_EVENT_OFF);
    return 0;
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
    Reloader *r = userdata;

    (void)message;
    (void)ret_error;
    log_error("the connection to the system bus is lost");
    return sd_event_exit(r->event, EXIT_FAILED);
}

/* --- Start ---------------------------------------------------------------------------------- */

static int open_bus(Reloader *r) {
    int error = sd_bus_open_system(&r->bus);

    if (error >= 0)
        error = sd_bus_attach_event(r->bus, r->event, SD_EVENT_PRIORITY_NORMAL);
    if (error >= 0)
        error = sd_bus_match_signal(r->bus, NULL, "org.freedesktop.DBus.Local",
                                    "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                    "Disconnected", on_disconnected, r);
    if (error >= 0)
        error = sd_bus_add_match(
            r->bus, NULL,
            "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
            "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
            "arg0='org.freedesktop.systemd1'",
            on_owner, r);
    if (error < 0)
        log_error("cannot use the system bus: %s", strerror(-error));
    return error;
}

static int open_watch(Reloader *r) {
    int error = watch_open(&r->watch, ROOT);

    if (error == -EMFILE)
        log_error("root has as many inotify instances as it may: raise the sysctl "
                  "fs.inotify.max_user_instances");
    else if (error < 0)
        log_error("cannot use inotify: %s", strerror(-error));
    return error;
}

static int add_sources(Reloader *r, int mounts_fd) {
    const struct {
        sd_event_source **timer;
        sd_event_time_handler_t handler;
    } timers[] = {
        {&r->reload_timer, on_reload_timer},
        {&r->scan_timer, on_scan_timer},
        {&r->absence_timer, on_absence_timer},
    };
    int error;

    error = sd_event_add_io(r->event, NULL, r->watch.inotify_fd, EPOLLIN, on_inotify, r);
    if (error >= 0)
        error = sd_event_add_io(r->event, NULL, mounts_fd, EPOLLPRI, on_mounts, r);
    for (size_t i = 0; i < ELEMENTSOF(timers) && error >= 0; i++) {
        error = sd_event_add_time(r->event, timers[i].timer, CLOCK_MONOTONIC, 0, 10 * MSEC,
                                  timers[i].handler, r);
        if (error >= 0)
            error = sd_event_source_set_enabled(*timers[i].timer, SD_EVENT_OFF);
    }
    if (error < 0)
        log_error("cannot prepare to wait for events: %s", strerror(-error));
    return error;
}

static int run(Reloader *r) {
    _cleanup_close_ int mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    int status;

    if (mounts_fd < 0) {
        log_error("cannot open '/proc/self/mountinfo': %s", strerror(errno));
        return EXIT_FAILED;
    }
    status = sd_event_new(&r->event);
    if (status < 0) {
        log_error("cannot prepare to wait for events: %s", strerror(-status));
        return EXIT_FAILED;
    }
    if (open_watch(r) < 0 || add_sources(r, mounts_fd) < 0 || open_bus(r) < 0)
        return EXIT_FAILED;

    r->watch.scan_wanted = true;
    scan(r);
    watch_compare(&r->watch, GENERATOR_DIR);
    take_changes(r);
    (void)sd_notify(false, "READY=1");

    status = sd_event_loop(r->event);
    if (status < 0)
        log_error("cannot wait for events: %s", strerror(-status));
    return status < 0 ? EXIT_FAILED : status;
}

static void finish(Reloader *r) {
    r->call = sd_bus_slot_unref(r->call);
    r->bus = sd_bus_close_unref(r->bus);
    r->reload_timer = sd_event_source_unref(r->reload_timer);
    r->scan_timer = sd_event_source_unref(r->scan_timer);
    r->absence_timer = sd_event_source_unref(r->absence_timer);
    r->event = sd_event_unref(r->event);
    watch_close(&r->watch);
}

/* --- Command line --------------------------------------------------------------------------- */

static void help(void) {
    (void)printf("left4me-reload\n\n"
                 "Has systemd reload when a spec below " ROOT "/instances\n"
                 "changes: half a second after the last change, at most once a second. Instances\n"
                 "that run are not restarted. left4me-reload.service runs it.\n\n"
                 "  --help     show this\n"
                 "  --version  show the version\n\n"
                 "Exit status: 1 the system bus or systemd is gone from it, or there is no\n"
                 "inotify; 2 wrong usage.\n");
}

/* Returns an exit status, or -1 to go on. */
static int parse_arguments(int argc, char *argv[]) {
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (c == 'h') {
            help();
            return EXIT_DONE;
        }
        if (c == 'v') {
            (void)printf("left4me-reload %s\n", PACKAGE_VERSION);
            return EXIT_DONE;
        }
        log_error("unknown option; see 'left4me-reload --help'");
        return EXIT_USAGE;
    }
    if (argc > optind) {
        log_error("it takes no operand; see 'left4me-reload --help'");
        return EXIT_USAGE;
    }
    return -1;
}

int main(int argc, char *argv[]) {
    Reloader reloader = {.watch.inotify_fd = -EBADF};
    int status;

    log_open_stderr("left4me-reload");
    status = parse_arguments(argc, argv);
    if (status >= 0)
        return status;
    status = run(&reloader);
    finish(&reloader);
    return status;
}
