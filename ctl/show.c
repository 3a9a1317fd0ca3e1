/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "left4mectl show": all there is to know of one instance. What cannot be looked at, for want of a
 * right or of systemd, is told as that, and the rest is shown. */

#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "ctl/bus.h"
#include "ctl/compiled.h"
#include "ctl/ctl.h"
#include "ctl/hidden.h"
#include "ctl/layers.h"
#include "ctl/mount-table.h"
#include "ctl/text.h"
#include "ctl/unit-state.h"
#include "shared/exit.h"
#include "shared/fd.h"
#include "shared/log.h"
#include "spec/report.h"

typedef struct Show {
    const char *name;
    char unit[UNIT_NAME_MAX];

    char spec_path[PATH_MAX];
    SpecState spec_state;
    Spec spec;
    uint64_t changed;

    char compiled_path[PATH_MAX];
    int compiled; /* as compiled_agrees(); -EOPNOTSUPP where the root is none of systemd's */

    int root_fd;
    Layers layers;
    unsigned long long *sizes; /* of each layer; ULLONG_MAX: unknown. NULL without --size */

    char upper_path[PATH_MAX];
    int upper; /* 0, or why it cannot be looked at */
    HiddenFiles hidden;

    char merged_path[PATH_MAX];
    int mount_table; /* 0, or why it cannot be read */
    Names mounts;

    bool has_state;
    UnitState state;
} Show;

/* --- Gathering ------------------------------------------------------------------------------ */

static void gather_spec(Show *s, int instances_fd) {
    SpecLog log = {.path = s->spec_path, .source = true};
    int error = -EACCES;

    (void)snprintf(s->spec_path, sizeof(s->spec_path), "%s/instances/%s/spec.yaml", arg_root,
                   s->name);
    s->spec_state = instances_fd == -ENOENT ? SPEC_MISSING : SPEC_UNREADABLE;
    if (instances_fd < 0)
        return;
    s->spec_state = spec_inspect(instances_fd, s->name, &s->spec, spec_log_fault, &log, &error);
    s->changed = spec_changed(instances_fd, s->name);
    if (error < 0 && s->spec_state != SPEC_MISSING)
        log_error("%s: %s", s->spec_path, spec_load_strerror(error));
}

static const Spec *good_spec(const Show *s) {
    return s->spec_state == SPEC_OK ? &s->spec : NULL;
}

static void gather_compiled(Show *s) {
    compiled_path(s->name, s->compiled_path);
    if (!root_is_of_units())
        s->compiled = -EOPNOTSUPP;
    else if (s->spec_state == SPEC_UNREADABLE)
        s->compiled = access(s->compiled_path, F_OK) < 0 ? -errno : -EACCES;
    else
        s->compiled = compiled_agrees(s->name, good_spec(s));
    /* There is nothing that it could agree with. */
    if (s->spec_state == SPEC_MISSING && s->compiled > 0)
        s->compiled = 0;
}

static int gather_layers(Show *s) {
    int r = layers_open(s->root_fd, good_spec(s), &s->layers);

    if (r < 0 || !arg_size)
        return r;
    s->sizes = calloc(s->layers.n, sizeof(*s->sizes));
    if (!s->sizes)
        return -ENOMEM;
    for (size_t i = 0; i < s->layers.n; i++) {
        const Layer *layer = &s->layers.layers[i];

        s->sizes[i] = ULLONG_MAX;
        if (layer->fd < 0)
            continue;
        r = disk_usage(layer->fd, &s->sizes[i]);
        if (r < 0)
            log_warning("cannot tell the size of '%s/%s': %s", arg_root, layer->path, strerror(-r));
    }
    return 0;
}

static int gather_upper(Show *s) {
    char path[sizeof("runtime//upper") + INSTANCE_NAME_MAX];
    _cleanup_close_ int fd = -EBADF;

    (void)snprintf(path, sizeof(path), "runtime/%s/upper", s->name);
    (void)snprintf(s->upper_path, sizeof(s->upper_path), "%.*s/%s", PATH_MAX / 2, arg_root, path);
    fd = fd_open_beneath(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
    s->upper = fd < 0 ? fd : 0;
    return fd < 0 ? 0 : hidden_find(fd, &s->layers, &s->hidden);
}

/* Mounts of an instance of that name, but of another root, are not ours. */
static void gather_mounts(Show *s) {
    char root[PATH_MAX];

    if (!realpath(arg_root, root))
        (void)snprintf(root, sizeof(root), "%s", arg_root);
    (void)snprintf(s->merged_path, sizeof(s->merged_path), "%.*s/runtime/%s/merged", PATH_MAX / 2,
                   root, s->name);
    s->mount_table = mount_table_find(s->name, &s->mounts);
    for (size_t i = 0; !root_is_of_units() && i < s->mounts.n;) {
        if (strncmp(s->mounts.names[i], root, strlen(root)) == 0) {
            i++;
            continue;
        }
        free(s->mounts.names[i]);
        s->mounts.names[i] = s->mounts.names[--s->mounts.n];
    }
}

static void gather_state(Show *s) {
    _cleanup_bus_ sd_bus *bus = NULL;
    int r;

    unit_name(s->name, s->unit);
    if (!root_is_of_units() || bus_open(&bus, true) < 0)
        return;
    r = unit_state_get(bus, s->unit, &s->state);
    s->has_state = r >= 0;
    if (r < 0)
        log_warning("cannot ask systemd for %s: %s", s->unit, strerror(-r));
}

/* --- What it comes to ----------------------------------------------------------------------- */

static bool is_mounted(const Show *s) {
    for (size_t i = 0; i < s->mounts.n; i++)
        if (strcmp(s->mounts.names[i], s->merged_path) == 0)
            return true;
    return false;
}

static size_t config_lines(const char *config) {
    size_t n = 0;

    for (const char *c = config; *c != '\0'; c++)
        n += *c == '\n' || c[1] == '\0';
    return n;
}

/* Whether the unit runs with something older; negative where nobody can tell. */
static int needs_restart(const Show *s) {
    if (!s->has_state || (s->spec_state != SPEC_OK && s->spec_state != SPEC_REFUSED))
        return -1;
    return unit_state_needs_restart(&s->state, s->changed);
}

static const char *describe_compiled(const Show *s) {
    if (s->compiled == -ENOENT)
        return "not there: 'systemctl daemon-reload'";
    if (s->compiled < 0)
        return s->compiled == -EACCES ? "there" : "unknown";
    if (s->compiled > 0)
        return "agrees with the spec";
    return s->spec_state == SPEC_MISSING ? "its spec is gone: 'systemctl daemon-reload'"
                                         : "the spec changed: 'systemctl daemon-reload'";
}

/* --- As text -------------------------------------------------------------------------------- */

#define LABEL "%12s: "

static void put_field(const char *label, const char *text) {
    (void)printf(LABEL, label);
    text_write(stdout, text);
    (void)putchar('\n');
}

/* A path, and in parentheses something about it. */
static void put_about(const char *label, const char *path, const char *about) {
    (void)printf(LABEL, label);
    text_write(stdout, path);
    (void)fputs(" (", stdout);
    text_write(stdout, about);
    (void)puts(")");
}

static void put_timing(const Timing *timing) {
    static const char *const labels[TIMING_FIELDS] = {"Ready", "Ready timeout", "Watchdog"};

    for (size_t i = 0; i < TIMING_FIELDS; i++) {
        char text[TIMING_TEXT_MAX];
        const char *value = timing_fields[i].format(timing, text);

        if (value)
            put_field(labels[i], value);
    }
}

static void print_spec(const Show *s) {
    char number[32];

    put_about("Spec", s->spec_path, spec_state_name(s->spec_state));
    if (s->spec_state == SPEC_OK) {
        const size_t lines = config_lines(s->spec.config);

        (void)snprintf(number, sizeof(number), "%u", s->spec.port);
        put_field("Port", number);
        if (s->spec.description)
            put_field("Description", s->spec.description);
        put_field("Autostart", s->spec.autostart ? "yes" : "no");
        put_timing(&s->spec.timing);
        if (s->spec.args[0] != '\0')
            put_field("Arguments", s->spec.args);
        (void)printf(LABEL "%zu line%s\n", "Config", lines, lines == 1 ? "" : "s");
    }
    if (s->compiled != -EOPNOTSUPP)
        put_about("Compiled", s->compiled_path, describe_compiled(s));
}

static void print_size(const Show *s, size_t i) {
    char size[FORMAT_MAX];

    if (s->sizes && s->sizes[i] != ULLONG_MAX)
        (void)printf(" %s", format_size(s->sizes[i], size));
}

static void print_layers(const Show *s) {
    for (size_t i = 0; i < s->layers.n; i++) {
        const Layer *layer = &s->layers.layers[i];
        const bool installation = i + 1 == s->layers.n;

        if (i == 0 && !installation)
            (void)printf(LABEL, "Overlays");
        else if (installation)
            (void)printf(LABEL, "Installation");
        else
            (void)printf("%14s", "");
        if (installation)
            (void)printf("%s/", arg_root);
        text_write(stdout, installation ? layer->path : layer->path + strlen("overlays/"));
        if (layer->alias)
            (void)printf(" (alias %s)", layer->alias);
        if (layer->fd >= 0 && layer->link[0] != '\0')
            (void)printf(" -> %s", layer->link);
        print_size(s, i);
        if (layer->fd < 0) {
            (void)putchar(' ');
            text_write(stdout, layer->problem);
        }
        (void)putchar('\n');
    }
}

static void print_upper(const Show *s) {
    char number[24];

    if (s->upper < 0) {
        put_about("Upper", s->upper_path,
                  s->upper == -ENOENT ? "does not exist: it was never started, or was reset"
                  : s->upper == -EACCES
                      ? "cannot be read: permission denied: those may who are root or in group "
                        "left4me"
                      : strerror(-s->upper));
        return;
    }
    (void)snprintf(number, sizeof(number), "%zu", s->hidden.n);
    (void)printf(LABEL "%s: %s file%s a layer's%s\n", "Upper", s->upper_path,
                 s->hidden.n == 0 ? "no" : number, s->hidden.n == 1 ? " hides" : "s hide",
                 s->hidden.complete ? "" : ", as far as could be looked at");
    for (size_t i = 0; i < s->hidden.n; i++) {
        const Hidden *file = &s->hidden.files[i];

        (void)printf("%14s", "");
        text_write(stdout, file->path);
        (void)printf(" (%s%s) hides that of ", file->kind,
                     hidden_is_staged(file) ? ", of the spec" : "");
        text_write(stdout, s->layers.layers[file->layer].path);
        (void)putchar('\n');
    }
}

static void print_mounts(const Show *s) {
    if (s->mount_table < 0)
        put_field("Mounted", strerror(-s->mount_table));
    else
        put_field("Mounted", is_mounted(s) ? "yes" : "no");
    for (size_t i = 0; i < s->mounts.n; i++)
        if (strcmp(s->mounts.names[i], s->merged_path) != 0)
            put_about("", s->mounts.names[i], "moved there");
}

static void print_state(const Show *s) {
    char text[80], since[FORMAT_MAX], memory[FORMAT_MAX];

    if (!s->has_state) {
        if (root_is_of_units())
            put_about("Unit", s->unit, "systemd cannot be asked");
        return;
    }
    unit_state_describe(&s->state, text, sizeof(text));
    (void)printf(LABEL "%s, %s", "Unit", s->unit, text);
    if (unit_state_since(&s->state) != 0)
        (void)printf(" since %s", format_time(unit_state_since(&s->state), since));
    (void)printf("%s\n", needs_restart(s) > 0 ? "; the spec changed: it needs a restart" : "");
    if (s->state.result[0] != '\0' && strcmp(s->state.result, "success") != 0)
        put_field("Result", s->state.result);
    if (s->state.main_pid != 0)
        (void)printf(LABEL "%" PRIu32 "\n", "Main PID", s->state.main_pid);
    if (s->state.memory != UINT64_MAX)
        put_field("Memory", format_size(s->state.memory, memory));
    (void)printf(LABEL "%" PRIu32 "\n", "Restarts", s->state.restarts);
    put_field("At boot", unit_state_at_boot(&s->state, good_spec(s) && s->spec.autostart));
}

static int print_text(const Show *s) {
    (void)printf("%s\n", s->name);
    print_spec(s);
    print_layers(s);
    print_upper(s);
    print_mounts(s);
    print_state(s);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_DONE;
    log_error("cannot write to standard output: %s", strerror(errno));
    return EXIT_FAILED;
}

/* --- As JSON -------------------------------------------------------------------------------- */

static void timing_json(json_t *json, const Show *s) {
    for (size_t i = 0; i < TIMING_FIELDS; i++) {
        char text[TIMING_TEXT_MAX];
        const char *value =
            s->spec_state == SPEC_OK ? timing_fields[i].format(&s->spec.timing, text) : NULL;

        (void)json_object_set_new(json, timing_fields[i].key,
                                  value ? json_string(value) : json_null());
    }
}

static json_t *spec_json(const Show *s) {
    json_t *json = json_pack("{s:o, s:s, s:o}", "path", text_json(s->spec_path), "state",
                             spec_state_name(s->spec_state), "changed", time_json(s->changed));
    json_t *values = s->spec_state == SPEC_OK
                         ? json_pack("{s:i, s:o, s:b, s:o, s:I}", "port", (int)s->spec.port,
                                     "description", text_json(s->spec.description), "autostart",
                                     (int)s->spec.autostart, "arguments", text_json(s->spec.args),
                                     "config_lines", (json_int_t)config_lines(s->spec.config))
                         : json_pack("{s:n, s:n, s:n, s:n, s:n}", "port", "description",
                                     "autostart", "arguments", "config_lines");

    if (json && json_object_update_new(json, values) == 0) {
        timing_json(json, s);
        return json;
    }
    json_decref(json);
    return NULL;
}

static json_t *compiled_json(const Show *s) {
    if (s->compiled == -EOPNOTSUPP)
        return json_null();
    return json_pack("{s:s, s:b, s:o}", "path", s->compiled_path, "exists", s->compiled != -ENOENT,
                     "agrees", s->compiled >= 0 ? json_boolean(s->compiled) : json_null());
}

/* What is the same for overlays and the installation. */
static json_t *layer_json(const Show *s, size_t i) {
    const Layer *layer = &s->layers.layers[i];
    char location[PATH_MAX * 2];

    (void)snprintf(location, sizeof(location), "%s/%s", arg_root, layer->path);
    return json_pack("{s:o, s:b, s:o, s:o}", "location", text_json(location), "usable",
                     layer->fd >= 0, "problem",
                     layer->fd < 0 ? text_json(layer->problem) : json_null(), "size",
                     s->sizes && s->sizes[i] != ULLONG_MAX ? json_integer((json_int_t)s->sizes[i])
                                                           : json_null());
}

static json_t *overlays_json(const Show *s) {
    json_t *array = json_array();

    for (size_t i = 0; array && i + 1 < s->layers.n; i++) {
        const Layer *layer = &s->layers.layers[i];
        json_t *json = layer_json(s, i);

        if (!json ||
            json_object_update_new(json, json_pack("{s:s, s:s?}", "path",
                                                   layer->path + strlen("overlays/"), "alias",
                                                   layer->alias)) < 0 ||
            json_array_append_new(array, json) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *installation_json(const Show *s) {
    const Layer *layer = &s->layers.layers[s->layers.n - 1];
    json_t *json = layer_json(s, s->layers.n - 1);
    json_t *link = layer->link[0] != '\0' ? text_json(layer->link) : json_null();

    if (json && json_object_set_new(json, "link", link) == 0)
        return json;
    json_decref(json);
    return NULL;
}

static json_t *upper_json(const Show *s) {
    json_t *array = json_array();

    for (size_t i = 0; array && i < s->hidden.n; i++) {
        const Hidden *file = &s->hidden.files[i];

        if (json_array_append_new(array, json_pack("{s:o, s:s, s:b, s:s}", "path",
                                                   text_json(file->path), "kind", file->kind,
                                                   "staged", (int)hidden_is_staged(file), "layer",
                                                   s->layers.layers[file->layer].path)) < 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return json_pack("{s:o, s:b, s:b, s:b, s:o}", "path", text_json(s->upper_path), "exists",
                     s->upper != -ENOENT, "readable", s->upper == 0, "complete",
                     s->upper == 0 && s->hidden.complete, "hides", array);
}

static json_t *mount_json(const Show *s) {
    json_t *array = json_array();

    for (size_t i = 0; array && i < s->mounts.n; i++)
        if (strcmp(s->mounts.names[i], s->merged_path) != 0 &&
            json_array_append_new(array, text_json(s->mounts.names[i])) < 0) {
            json_decref(array);
            array = NULL;
        }
    return json_pack("{s:o, s:o, s:o}", "path", text_json(s->merged_path), "mounted",
                     s->mount_table < 0 ? json_null() : json_boolean(is_mounted(s)), "moved",
                     array);
}

static json_t *state_json(const Show *s) {
    const UnitState *state = &s->state;
    const int restart = needs_restart(s);

    if (!s->has_state)
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:o}", "name", s->unit,
                     "load_state", state->load, "active_state", state->active, "sub_state",
                     state->sub, "result", state->result, "at_boot",
                     unit_state_at_boot(state, good_spec(s) && s->spec.autostart), "main_pid",
                     state->main_pid != 0 ? json_integer(state->main_pid) : json_null(), "since",
                     time_json(unit_state_since(state)), "memory", number_json(state->memory),
                     "restarts", (json_int_t)state->restarts, "needs_restart",
                     restart < 0 ? json_null() : json_boolean(restart));
}

static int print_show_json(const Show *s) {
    return print_json(json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", s->name, "spec",
                                spec_json(s), "compiled", compiled_json(s), "overlays",
                                overlays_json(s), "installation", installation_json(s), "upper",
                                upper_json(s), "mount", mount_json(s), "unit", state_json(s)));
}

/* --- All together --------------------------------------------------------------------------- */

/* Nothing of it anywhere. */
static bool is_nothing(const Show *s) {
    return s->spec_state == SPEC_MISSING && s->upper == -ENOENT && s->mounts.n == 0 &&
           (!s->has_state || unit_state_is_nothing(&s->state));
}

static int show(Show *s, int instances_fd) {
    int r;

    gather_spec(s, instances_fd);
    gather_compiled(s);
    s->root_fd = layers_open_root(arg_root);
    if (s->root_fd < 0) {
        log_error("cannot open '%s': %s", arg_root, strerror(-s->root_fd));
        return EXIT_FAILED;
    }
    r = gather_layers(s);
    if (r >= 0)
        r = gather_upper(s);
    if (r < 0) {
        log_error("cannot show instance %s: %s", s->name, strerror(-r));
        return EXIT_FAILED;
    }
    gather_mounts(s);
    gather_state(s);

    if (is_nothing(s)) {
        log_error("instance %s does not exist: there is no '%s'", s->name, s->spec_path);
        return EXIT_FAILED;
    }
    return arg_json ? print_show_json(s) : print_text(s);
}

int verb_show(int n, char *operands[]) {
    static Show s;
    int instances_fd, status;

    (void)n;
    if (!check_name(operands[0]))
        return EXIT_USAGE;
    s.name = operands[0];
    s.root_fd = -EBADF;
    instances_fd = open_instances(false);
    status = show(&s, instances_fd);

    unit_state_done(&s.state);
    names_free(&s.mounts);
    hidden_free(&s.hidden);
    free(s.sizes);
    layers_free(&s.layers);
    closep(&s.root_fd);
    closep(&instances_fd);
    return status;
}
