/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls to systemd's manager. By the system bus, also as root: so that the same path, and the same
 * authorisation, serves administrators and panels. */

#include "config.h"

#include "ctl/bus.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/log.h"

#define MANAGER "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

#define _cleanup_error_ _cleanup_(sd_bus_error_free)
#define _cleanup_message_ _cleanup_(sd_bus_message_unrefp)

/* A reload of a host with thousands of units takes longer than the 25 s that sd-bus allows, and so
 * does a person who types a password. */
#define CALL_TIMEOUT_USEC ((uint64_t)10 * 60 * 1000 * 1000)

/* --- Connecting ----------------------------------------------------------------------------- */

/* On a terminal without a session's own agent, pkttyagent asks for the password; it ends with us.
 * Where it is not installed, polkit refuses at once, as it should. */
static void start_polkit_agent(void) {
    static bool started;
    int fds[2];
    char fd_text[16];
    pid_t parent = getpid(), pid;
    struct pollfd closed = {.events = POLLHUP};

    if (started || geteuid() == 0 || isatty(STDIN_FILENO) != 1 || pipe2(fds, O_CLOEXEC) < 0)
        return;
    started = true;
    (void)snprintf(fd_text, sizeof(fd_text), "%d", fds[1]);
    pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent ||
            fcntl(fds[1], F_SETFD, 0) < 0)
            _exit(1);
        (void)execlp("pkttyagent", "pkttyagent", "--notify-fd", fd_text, "--fallback", NULL);
        _exit(1);
    }
    (void)close(fds[1]);
    /* It closes its end once it is registered, or when it cannot be. */
    closed.fd = fds[0];
    if (pid > 0)
        (void)poll(&closed, 1, 5000);
    (void)close(fds[0]);
}

int bus_open(sd_bus **ret, bool quiet) {
    _cleanup_bus_ sd_bus *bus = NULL;
    int r = sd_bus_open_system(&bus);

    if (r >= 0)
        r = sd_bus_set_method_call_timeout(bus, CALL_TIMEOUT_USEC);
    if (r >= 0)
        r = sd_bus_set_allow_interactive_authorization(bus, isatty(STDIN_FILENO) == 1);
    if (r < 0) {
        if (!quiet)
            log_error("cannot reach systemd by the system bus: %s", strerror(-r));
        return r;
    }
    if (!quiet)
        start_polkit_agent();
    *ret = TAKE_PTR(bus);
    return 0;
}

/* --- Calls ---------------------------------------------------------------------------------- */

static bool is_denied(int r) {
    return r == -EACCES || r == -EPERM;
}

/* polkit's "Interactive authentication required." is no help to who cannot be asked. */
static const char *explain(int r, const sd_bus_error *error) {
    if (is_denied(r) ||
        sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
        return "not permitted: those may who are root, or in group left4me-admin";
    return error->message ? error->message : strerror(-r);
}

static bool is_not_loaded(const sd_bus_error *error) {
    return sd_bus_error_has_name(error, "org.freedesktop.systemd1.NoSuchUnit");
}

int bus_reload(sd_bus *bus) {
    _cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER_INTERFACE, "Reload", &error,
                               NULL, "");

    if (r < 0)
        log_error("cannot have systemd reload: %s", explain(r, &error));
    return r;
}

int bus_unit_file_state(sd_bus *bus, const char *unit, char **ret) {
    _cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_message_ sd_bus_message *reply = NULL;
    const char *state = "";
    int r = sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER_INTERFACE, "GetUnitFileState",
                               &error, &reply, "s", unit);

    if (r >= 0)
        r = sd_bus_message_read(reply, "s", &state);
    /* Not even the template is there. */
    if (r == -ENOENT)
        state = "disabled";
    else if (r < 0) {
        log_error("cannot ask whether %s is enabled: %s", unit, explain(r, &error));
        return r;
    }
    *ret = strdup(state);
    return *ret ? 0 : -ENOMEM;
}

int bus_enable(sd_bus *bus, const char *const units[], bool enable) {
    _cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_message_ sd_bus_message *call = NULL;
    int r = sd_bus_message_new_method_call(bus, &call, MANAGER, MANAGER_PATH, MANAGER_INTERFACE,
                                           enable ? "EnableUnitFiles" : "DisableUnitFiles");

    if (r >= 0)
        r = sd_bus_message_append_strv(call, (char **)(uintptr_t)units);
    if (r >= 0) /* not only until the next boot; and, to enable, nothing is replaced */
        r = enable ? sd_bus_message_append(call, "bb", 0, 0) : sd_bus_message_append(call, "b", 0);
    if (r >= 0)
        r = sd_bus_message_set_allow_interactive_authorization(call, isatty(STDIN_FILENO) == 1);
    if (r >= 0)
        r = sd_bus_call(bus, call, 0, &error, NULL);
    if (sd_bus_error_has_name(&error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
        return -EACCES;
    if (r < 0 && !is_denied(r))
        log_error("cannot %s: %s", enable ? "enable" : "disable", explain(r, &error));
    return r;
}

int bus_reset_failed(sd_bus *bus, const char *unit) {
    _cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER_INTERFACE, "ResetFailedUnit",
                               &error, NULL, "s", unit);

    if (r < 0 && is_not_loaded(&error))
        return 0;
    if (r < 0)
        log_error("cannot reset the failure of %s: %s", unit, explain(r, &error));
    return r;
}

int bus_clean_state(sd_bus *bus, const char *unit) {
    _cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER_INTERFACE, "CleanUnit", &error,
                               NULL, "sas", unit, 1, "state");

    if (r < 0) {
        log_error("cannot clean %s: %s", unit, explain(r, &error));
        return r;
    }
    /* A process of systemd's removes the files; the unit is "cleaning" meanwhile. */
    for (;;) {
        _cleanup_free_ char *state = NULL;

        r = bus_unit_string(bus, unit, "Unit", "SubState", &state);
        if (r < 0)
            log_error("cannot ask whether %s is clean: %s", unit, strerror(-r));
        if (r < 0 || strcmp(state, "cleaning") != 0)
            return r;
        (void)poll(NULL, 0, 20);
    }
}

/* --- Properties ----------------------------------------------------------------------------- */

static int unit_path(const char *unit, char **ret) {
    return sd_bus_path_encode(MANAGER_PATH "/unit", unit, ret);
}

static int interface_name(const char *interface, char *buf, size_t size) {
    int n = snprintf(buf, size, MANAGER ".%s", interface);

    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int bus_unit_string(sd_bus *bus, const char *unit, const char *interface, const char *property,
                    char **ret) {
    _cleanup_free_ char *path = NULL;
    char name[64];
    int r = unit_path(unit, &path);

    if (r >= 0)
        r = interface_name(interface, name, sizeof(name));
    if (r >= 0)
        r = sd_bus_get_property_string(bus, MANAGER, path, name, property, NULL, ret);
    return r;
}

static int get_trivial(sd_bus *bus, const char *unit, const char *interface, const char *property,
                       char type, void *ret) {
    _cleanup_free_ char *path = NULL;
    char name[64];
    int r = unit_path(unit, &path);

    if (r >= 0)
        r = interface_name(interface, name, sizeof(name));
    if (r >= 0)
        r = sd_bus_get_property_trivial(bus, MANAGER, path, name, property, NULL, type, ret);
    return r;
}

int bus_unit_u64(sd_bus *bus, const char *unit, const char *interface, const char *property,
                 uint64_t *ret) {
    return get_trivial(bus, unit, interface, property, 't', ret);
}

int bus_unit_bool(sd_bus *bus, const char *unit, const char *interface, const char *property,
                  bool *ret) {
    int value = 0;
    int r = get_trivial(bus, unit, interface, property, 'b', &value);

    if (r >= 0)
        *ret = value != 0;
    return r;
}

/* --- Loaded instances ----------------------------------------------------------------------- */

static int report_unit(const char *unit, int (*function)(void *userdata, const char *name),
                       void *userdata) {
    const char *name = unit + strlen("left4me-server@");
    char buf[INSTANCE_NAME_MAX + 1];
    size_t n = strcspn(name, ".");

    if (n == 0 || n >= sizeof(buf))
        return 0;
    memcpy(buf, name, n);
    buf[n] = '\0';
    return instance_name_valid(buf) ? function(userdata, buf) : 0;
}

int bus_loaded_instances(sd_bus *bus, int (*function)(void *userdata, const char *name),
                         void *userdata) {
    _cleanup_message_ sd_bus_message *reply = NULL;
    const char *unit;
    int r = sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER_INTERFACE, "ListUnitsByPatterns",
                               NULL, &reply, "asas", 0, 1, "left4me-server@*.service");

    if (r >= 0)
        r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
    while (r >= 0 && (r = sd_bus_message_read(reply, "(ssssssouso)", &unit, NULL, NULL, NULL, NULL,
                                              NULL, NULL, NULL, NULL, NULL)) > 0)
        r = report_unit(unit, function, userdata);
    return r;
}
