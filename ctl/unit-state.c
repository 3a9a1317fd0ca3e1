/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ctl/unit-state.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "shared/fd.h"
#include "shared/text-stream.h"

#define ENVIRON_MAX ((size_t)256 * 1024)

/* --- Reading -------------------------------------------------------------------------------- */

typedef struct Property {
    const char *name;
    const char *type; /* of D-Bus */
    size_t offset;    /* in UnitState */
} Property;

#define STRING_SIZE sizeof(((UnitState *)NULL)->load)

static const Property properties[] = {
    {"LoadState", "s", offsetof(UnitState, load)},
    {"ActiveState", "s", offsetof(UnitState, active)},
    {"SubState", "s", offsetof(UnitState, sub)},
    {"Result", "s", offsetof(UnitState, result)},
    {"UnitFileState", "s", offsetof(UnitState, file)},
    {"MainPID", "u", offsetof(UnitState, main_pid)},
    {"NRestarts", "u", offsetof(UnitState, restarts)},
    {"MemoryCurrent", "t", offsetof(UnitState, memory)},
    {"CPUUsageNSec", "t", offsetof(UnitState, cpu)},
    {"InactiveExitTimestamp", "t", offsetof(UnitState, inactive_exit)},
    {"ActiveEnterTimestamp", "t", offsetof(UnitState, active_enter)},
    {"ActiveExitTimestamp", "t", offsetof(UnitState, active_exit)},
    {"InactiveEnterTimestamp", "t", offsetof(UnitState, inactive_enter)},
};

static int read_environment(sd_bus_message *m, UnitState *state) {
    _cleanup_text_stream_ TextStream environment = {0};
    const char *assignment;
    int r;

    r = sd_bus_message_enter_container(m, 'a', "s");
    if (r < 0)
        return r;
    free(TAKE_PTR(state->environment));
    r = text_stream_open(&environment);
    if (r < 0)
        return r;
    while ((r = sd_bus_message_read_basic(m, 's', &assignment)) > 0)
        if (strncmp(assignment, "L4D2_", strlen("L4D2_")) == 0)
            (void)fwrite(assignment, 1, strlen(assignment) + 1, environment.file);
    if (text_stream_flush(&environment) < 0)
        return -ENOMEM;
    state->environment_len = environment.len;
    state->environment = TAKE_PTR(environment.text);
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_plain(sd_bus_message *m, const Property *property, UnitState *state) {
    char *field = (char *)state + property->offset;
    const char *text;
    int r;

    if (property->type[0] != 's')
        return sd_bus_message_read_basic(m, property->type[0], field);
    r = sd_bus_message_read_basic(m, 's', &text);
    if (r >= 0)
        (void)snprintf(field, STRING_SIZE, "%s", text);
    return r;
}

/* Reads the variant that is the value of NAME. */
static int read_property(sd_bus_message *m, const char *name, UnitState *state) {
    const Property *property = NULL;
    const char *contents;
    bool environment = strcmp(name, "Environment") == 0;
    char type;
    int r;

    for (size_t i = 0; i < ELEMENTSOF(properties) && !property; i++)
        if (strcmp(name, properties[i].name) == 0)
            property = &properties[i];
    r = sd_bus_message_peek_type(m, &type, &contents);
    if (r < 0)
        return r;
    if (!(property && strcmp(contents, property->type) == 0) &&
        !(environment && strcmp(contents, "as") == 0))
        return sd_bus_message_skip(m, "v");

    r = sd_bus_message_enter_container(m, 'v', contents);
    if (r < 0)
        return r;
    r = environment ? read_environment(m, state) : read_plain(m, property, state);
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_properties(sd_bus_message *m, UnitState *state) {
    int r = sd_bus_message_enter_container(m, 'a', "{sv}");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        const char *name;

        r = sd_bus_message_read_basic(m, 's', &name);
        if (r >= 0)
            r = read_property(m, name, state);
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
        if (r < 0)
            return r;
    }
    return r;
}

static void sd_bus_message_unrefp_(sd_bus_message **m) {
    (void)sd_bus_message_unref(*m);
}

int unit_state_get(sd_bus *bus, const char *unit, UnitState *ret) {
    _cleanup_(sd_bus_message_unrefp_) sd_bus_message *reply = NULL;
    _cleanup_unit_state_ UnitState state = {.memory = UINT64_MAX, .cpu = UINT64_MAX};
    _cleanup_free_ char *path = NULL;
    int r;

    /* To ask a unit's object is to load the unit; and no interface means those of all. */
    r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);
    if (r >= 0)
        r = sd_bus_call_method(bus, "org.freedesktop.systemd1", path,
                               "org.freedesktop.DBus.Properties", "GetAll", NULL, &reply, "s", "");
    if (r >= 0)
        r = read_properties(reply, &state);
    if (r < 0)
        return r;
    *ret = state;
    state = (UnitState){0};
    return 0;
}

void unit_state_done(UnitState *state) {
    free(state->environment);
    *state = (UnitState){0};
}

/* --- What it means -------------------------------------------------------------------------- */

static bool is(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

bool unit_state_is_running(const UnitState *state) {
    return is(state->active, "active") || is(state->active, "reloading");
}

uint64_t unit_state_since(const UnitState *state) {
    if (unit_state_is_running(state))
        return state->active_enter;
    if (is(state->active, "activating"))
        return state->inactive_exit;
    if (is(state->active, "deactivating"))
        return state->active_exit;
    return state->inactive_enter;
}

bool unit_state_is_nothing(const UnitState *state) {
    return is(state->active, "inactive") &&
           (state->file[0] == '\0' || is(state->file, "disabled") || is(state->file, "static"));
}

void unit_state_describe(const UnitState *state, char *buf, size_t size) {
    const char *detail = state->sub;
    size_t len;

    if (is(state->active, "failed"))
        detail = state->result;
    if (is(state->active, detail) || is(detail, "running") || is(detail, "dead")) {
        (void)snprintf(buf, size, "%s", state->active);
        return;
    }
    /* "start-limit-hit" */
    len = strlen(detail);
    if (len > 4 && is(detail + len - 4, "-hit"))
        len -= 4;
    (void)snprintf(buf, size, "%s (%.*s)", state->active, (int)len, detail);
}

const char *unit_state_at_boot(const UnitState *state, bool autostart) {
    if (is(state->file, "masked") || is(state->file, "masked-runtime"))
        return "masked";
    if (is(state->file, "enabled"))
        return "enabled";
    return autostart ? "spec" : "no";
}

/* Whether the assignment is one of those in BLOCK, LEN bytes of them, each with its NUL. */
static bool block_has(const char *block, size_t len, const char *assignment) {
    for (size_t i = 0; i < len; i += strlen(block + i) + 1)
        if (is(block + i, assignment))
            return true;
    return false;
}

/* Whether the main process has another environment than the unit has now. Only root and user
 * left4me may look, to others it is as they were the same. */
static bool environment_differs(const UnitState *state) {
    _cleanup_free_ char *block = malloc(ENVIRON_MAX + 1);
    _cleanup_close_ int fd = -EBADF;
    char path[sizeof("/proc//environ") + 3 * sizeof(int)];
    size_t len;

    (void)snprintf(path, sizeof(path), "/proc/%u/environ", state->main_pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !block || fd_read_all(fd, block, ENVIRON_MAX, &len) < 0 || len == 0)
        return false;
    block[len] = '\0';
    for (size_t i = 0; i < state->environment_len; i += strlen(state->environment + i) + 1)
        if (!block_has(block, len, state->environment + i))
            return true;
    return false;
}

bool unit_state_needs_restart(const UnitState *state, uint64_t changed) {
    if (!unit_state_is_running(state))
        return false;
    /* The beginning of the start, which is when left4me-stage reads the spec. */
    return changed > state->inactive_exit || (state->main_pid != 0 && environment_differs(state));
}
