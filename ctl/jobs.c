/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs of systemd, side by side. The signal that a job was removed is asked for before the job is
 * queued, or it could be missed; the bus is watched for systemd's own end, or a wait would be for
 * ever. Ctrl-C cancels what is pending: systemd allows that to whoever queued a job. */

#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "ctl/bus.h"
#include "shared/log.h"

#define MANAGER "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

#define _cleanup_error_ _cleanup_(sd_bus_error_free)
#define _cleanup_message_ _cleanup_(sd_bus_message_unrefp)
#define _cleanup_slot_ _cleanup_(sd_bus_slot_unrefp)

typedef struct Wait {
    Job *jobs;
    size_t n;
    bool gone; /* systemd is, from the bus */
} Wait;

void jobs_free(Job jobs[], size_t n) {
    for (size_t i = 0; i < n; i++) {
        free(jobs[i].path);
        free(jobs[i].error);
    }
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
    Wait *wait = userdata;
    const char *path, *result;
    uint32_t id;

    (void)error;
    if (sd_bus_message_read(m, "uoss", &id, &path, NULL, &result) < 0)
        return 0;
    for (size_t i = 0; i < wait->n; i++) {
        Job *job = &wait->jobs[i];

        if (!job->path || strcmp(job->path, path) != 0)
            continue;
        job->id = 0;
        (void)snprintf(job->result, sizeof(job->result), "%s", result);
    }
    return 0;
}

static int on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
    Wait *wait = userdata;
    const char *name, *before, *after;

    (void)error;
    if (sd_bus_message_read(m, "sss", &name, &before, &after) >= 0 && after[0] == '\0')
        wait->gone = true;
    return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
    Wait *wait = userdata;

    (void)m;
    (void)error;
    wait->gone = true;
    return 0;
}

static int watch(sd_bus *bus, Wait *wait, sd_bus_slot *slots[static 3]) {
    _cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
    int r;

    r = sd_bus_match_signal(bus, &slots[0], MANAGER, MANAGER_PATH, MANAGER_INTERFACE, "JobRemoved",
                            on_job_removed, wait);
    if (r >= 0)
        r = sd_bus_add_match(bus, &slots[1],
                             "type='signal',sender='org.freedesktop.DBus',"
                             "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                             "arg0='" MANAGER "'",
                             on_owner_changed, wait);
    if (r >= 0)
        r = sd_bus_match_signal(bus, &slots[2], "org.freedesktop.DBus.Local", NULL,
                                "org.freedesktop.DBus.Local", "Disconnected", on_disconnected,
                                wait);
    /* Signals go to who subscribed; who did already is content. */
    if (r >= 0)
        (void)sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER_INTERFACE, "Subscribe", &error,
                                 NULL, "");
    return r;
}

static int queue(sd_bus *bus, const char *method, Job *job) {
    _cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_message_ sd_bus_message *reply = NULL;
    char unit[UNIT_NAME_MAX];
    const char *path, *slash;
    int r;

    unit_name(job->name, unit);
    r = sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER_INTERFACE, method, &error, &reply,
                           "ss", unit, "replace");
    if (r < 0 && strcmp(method, "StopUnit") == 0 &&
        sd_bus_error_has_name(&error, "org.freedesktop.systemd1.NoSuchUnit")) {
        (void)snprintf(job->result, sizeof(job->result), "done");
        return 0;
    }
    if (r < 0) {
        const char *why = error.message ? error.message : strerror(-r);

        if (r == -EACCES || r == -EPERM ||
            sd_bus_error_has_name(&error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
            why = "not permitted: those may who are root, or in group left4me-admin";
        job->error = strdup(why);
        return job->error ? 0 : -ENOMEM;
    }

    r = sd_bus_message_read(reply, "o", &path);
    if (r < 0)
        return r;
    job->path = strdup(path);
    if (!job->path)
        return -ENOMEM;
    slash = strrchr(path, '/');
    job->id = slash ? (uint32_t)strtoul(slash + 1, NULL, 10) : 0;
    return 0;
}

static bool is_pending(const Wait *wait) {
    for (size_t i = 0; i < wait->n; i++)
        if (wait->jobs[i].path && wait->jobs[i].result[0] == '\0')
            return true;
    return false;
}

static void cancel(sd_bus *bus, Wait *wait) {
    for (size_t i = 0; i < wait->n; i++) {
        Job *job = &wait->jobs[i];

        if (!job->path || job->result[0] != '\0')
            continue;
        (void)sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER_INTERFACE, "CancelJob", NULL,
                                 NULL, "u", job->id);
        (void)snprintf(job->result, sizeof(job->result), "canceled");
    }
}

/* Handles what has arrived. Returns a negative errno when the connection is at its end. */
static int process(sd_bus *bus) {
    int r;

    while ((r = sd_bus_process(bus, NULL)) > 0)
        ;
    return r;
}

static int wait_all(sd_bus *bus, Wait *wait, int signal_fd) {
    for (;;) {
        struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN}, {.fd = sd_bus_get_fd(bus)}};
        int r = process(bus);

        if (r < 0 || wait->gone)
            return -ECONNRESET;
        if (!is_pending(wait))
            return 0;
        r = sd_bus_get_events(bus);
        if (r < 0)
            return r;
        fds[1].events = (short)r;
        if (poll(fds, 2, 1000) < 0 && errno != EINTR)
            return -errno;
        if (fds[0].revents) {
            cancel(bus, wait);
            return -EINTR;
        }
    }
}

/* SIGINT and SIGTERM by a descriptor, from before the first job is queued on. */
static int block_signals(sigset_t *ret_before) {
    sigset_t mask;

    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGINT);
    (void)sigaddset(&mask, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &mask, ret_before) < 0)
        return -errno;
    return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(sd_bus *bus, const char *method, Wait *wait, int signal_fd) {
    for (size_t i = 0; i < wait->n; i++) {
        int r = queue(bus, method, &wait->jobs[i]);

        if (r < 0)
            return r;
    }
    return arg_no_block ? 0 : wait_all(bus, wait, signal_fd);
}

/* Whether there was a signal; SIGINT and SIGTERM may both be. */
static bool drain(int signal_fd) {
    struct signalfd_siginfo info;
    bool any = false;

    while (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        any = true;
    return any;
}

int bus_run_jobs(sd_bus *bus, const char *method, Job jobs[], size_t n) {
    _cleanup_slot_ sd_bus_slot *job_slot = NULL, *owner_slot = NULL, *local_slot = NULL;
    sd_bus_slot *slots[3] = {NULL};
    _cleanup_close_ int signal_fd = -EBADF;
    Wait wait = {.jobs = jobs, .n = n};
    sigset_t before;
    int r = watch(bus, &wait, slots);

    job_slot = slots[0];
    owner_slot = slots[1];
    local_slot = slots[2];
    if (r >= 0)
        r = signal_fd = block_signals(&before);
    if (r < 0) {
        log_error("cannot watch jobs: %s", strerror(-r));
        return r;
    }

    r = run(bus, method, &wait, signal_fd);
    if (r == -ECONNRESET || r == -ENOTCONN) {
        log_error("systemd left the bus: what became of the jobs is not known");
        r = -ECONNRESET;
    } else if (r < 0 && r != -EINTR) {
        log_error("cannot wait for jobs: %s", strerror(-r));
    }
    /* What came too late to cancel anything must not end us before all is told. */
    if (drain(signal_fd) && r >= 0)
        r = -EINTR;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return r;
}
