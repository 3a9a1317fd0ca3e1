/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What left4mectl asks of systemd, by org.freedesktop.systemd1(5). All return 0 or more on success,
 * or a negative errno once the reason was printed, if not said otherwise. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "ctl/ctl.h"

typedef struct sd_bus sd_bus;

/* Connects to the system bus; on a terminal, polkit may ask for a password. Where QUIET, nothing is
 * said of a failure. */
int bus_open(sd_bus **ret, bool quiet);

static inline void sd_bus_flush_close_unrefp_(sd_bus **bus) {
    (void)sd_bus_flush_close_unref(*bus);
}
#define _cleanup_bus_ _cleanup_(sd_bus_flush_close_unrefp_)

/* One Reload. */
int bus_reload(sd_bus *bus);

/* Whether a unit is started at boot: "enabled", "enabled-runtime", "disabled", "masked", ...; to be
 * freed. */
int bus_unit_file_state(sd_bus *bus, const char *unit, char **ret);

/* Enables or disables units, all of them or none; the reload that this needs is the caller's.
 * -EACCES and -EPERM are not printed: what to do about them depends. */
int bus_enable(sd_bus *bus, const char *const units[], bool enable);

/* Forgets a unit's failure and its start limit. A unit that is not loaded is none. */
int bus_reset_failed(sd_bus *bus, const char *unit);

/* Removes what StateDirectory= made, and waits for it. */
int bus_clean_state(sd_bus *bus, const char *unit);

/* Properties of a unit, which is loaded for the occasion. INTERFACE is "Unit" or "Service". Nothing
 * is printed. The text is to be freed. */
int bus_unit_string(sd_bus *bus, const char *unit, const char *interface, const char *property,
                    char **ret);
int bus_unit_u64(sd_bus *bus, const char *unit, const char *interface, const char *property,
                 uint64_t *ret);
int bus_unit_bool(sd_bus *bus, const char *unit, const char *interface, const char *property,
                  bool *ret);

/* Calls FUNCTION with the name of each loaded instance, whether it has a spec or not. Nothing is
 * printed. */
int bus_loaded_instances(sd_bus *bus, int (*function)(void *userdata, const char *name),
                         void *userdata);

/* --- Jobs ----------------------------------------------------------------------------------- */

typedef struct Job {
    const char *name; /* the instance's */
    uint32_t id;      /* 0 once it is removed, or if there was none */
    char *path;       /* of the job */
    char result[32];  /* systemd's word: "done", "failed", "canceled", "timeout", "dependency",
                       * "assert", ...; "" while it is pending */
    char *error;      /* where it could not even be queued: why; to be freed */
} Job;

/* Queues METHOD (StartUnit, StopUnit or RestartUnit) for each of the N jobs' instances, side by
 * side, and waits for all of them unless --no-block. Returns 0 when all were looked at, whatever
 * their results; -EINTR when Ctrl-C had those that were pending cancelled (their result is
 * "canceled"); -ECONNRESET, said, when systemd left the bus. */
int bus_run_jobs(sd_bus *bus, const char *method, Job jobs[], size_t n);

void jobs_free(Job jobs[], size_t n);
