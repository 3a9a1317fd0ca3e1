/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From YAML to Spec. Two tables of keys drive it; a new key is a row and a handler. It reads
 * libyaml's events and builds no document: a spec holds few keys, and the generator reads thousands
 * of specs while a boot waits for it.
 *
 * A handler begins with the first event of its value in p->event and ends with the last. It returns
 * 0 also when it reported a fault, and goes on behind it; negative is for what ends the parsing. */

#include "spec/spec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <yaml.h>

#include "shared/macros.h"
#include "spec/names.h"
#include "spec/suggest.h"
#include "spec/text.h"
#include "spec/words.h"

#define MESSAGE_MAX 256

/* No spec needs more than four. libyaml's time grows with the square of the depth (64 KiB of
 * brackets take it 7 s), and a boot waits. */
#define NESTING_MAX 32

typedef struct Parser {
    yaml_parser_t yaml;
    yaml_event_t event;
    Spec *spec;
    SpecText text;
    const char *root;
    size_t lowerdirs_len;
    SpecReport report;
    void *userdata;
    unsigned flow_depth; /* how many flow collections the current event is in */
    bool cleaned;        /* a line may have been joined to another */
    bool refused;
} Parser;

/* What a key's value may be. */
enum {
    NODE_SCALAR = 1 << 0,
    NODE_BLOCK = 1 << 1,
    NODE_LIST = 1 << 2,
};

typedef struct Key {
    const char *name;
    unsigned nodes;
    const char *takes; /* for the message about anything else */
    int (*handler)(Parser *p);
} Key;

/* --- Reporting ------------------------------------------------------------------------------ */

static void report_fault(Parser *p, const SpecFault *fault) {
    if (fault->level <= LOG_ERR)
        p->refused = true;
    p->report(p->userdata, fault);
}

_printf_(4, 0) static void report_va(Parser *p, const SpecFault *where, int level,
                                     const char *format, va_list ap) {
    char message[MESSAGE_MAX];
    SpecFault fault = *where;

    (void)vsnprintf(message, sizeof(message), format, ap);
    fault.level = level;
    fault.message = message;
    report_fault(p, &fault);
}

static SpecFault fault_at(const yaml_mark_t *mark) {
    return (SpecFault){.line = (unsigned)mark->line + 1, .column = (unsigned)mark->column + 1};
}

/* A fault at the current event, whose text is not shown. */
_printf_(2, 3) static void fault(Parser *p, const char *format, ...) {
    SpecFault where = fault_at(&p->event.start_mark);
    va_list ap;

    va_start(ap, format);
    report_va(p, &where, LOG_ERR, format, ap);
    va_end(ap);
}

static void warning(Parser *p, const char *message) {
    SpecFault where = fault_at(&p->event.start_mark);

    where.level = LOG_WARNING;
    where.message = message;
    report_fault(p, &where);
}

/* Adds the first LEN bytes of LINE, from 0, to the fault; nothing of a flow collection is shown,
 * and nothing at all where what was replaced may have been the end of a line. */
static void fault_show(Parser *p, SpecFault *where, size_t line, size_t len) {
    size_t unused;

    if (len == 0 || p->flow_depth > 0 || p->cleaned)
        return;
    where->source = p->text.text + spec_text_line(&p->text, line, &unused);
    where->source_len = len;
}

/* A fault in the current event, a scalar: its line is shown if nothing else is in it. */
_printf_(2, 3) static void fault_value(Parser *p, const char *format, ...) {
    const yaml_mark_t *start = &p->event.start_mark, *end = &p->event.end_mark;
    SpecFault where = fault_at(start);
    va_list ap;

    fault_show(p, &where, start->line,
               spec_text_show_value(&p->text, start->line, spec_text_offset(&p->text, start->index),
                                    spec_text_offset(&p->text, end->index)));
    va_start(ap, format);
    report_va(p, &where, LOG_ERR, format, ap);
    va_end(ap);
}

/* A fault in the name of the key that is the current event; nothing behind the name is shown. */
_printf_(2, 3) static void fault_key(Parser *p, const char *format, ...) {
    const yaml_mark_t *start = &p->event.start_mark;
    SpecFault where = fault_at(start);
    va_list ap;

    fault_show(p, &where, start->line,
               spec_text_show_key(&p->text, start->line, spec_text_offset(&p->text, start->index),
                                  p->event.data.scalar.length));
    va_start(ap, format);
    report_va(p, &where, LOG_ERR, format, ap);
    va_end(ap);
}

static void report_character(void *userdata, unsigned line, unsigned column, const char *message) {
    const SpecFault f = {.level = LOG_ERR, .line = line, .column = column, .message = message};

    report_fault(userdata, &f);
}

/* libyaml's own texts are fixed and hold nothing of the document. */
static void report_syntax(Parser *p) {
    const yaml_parser_t *yaml = &p->yaml;
    SpecFault where = fault_at(&yaml->problem_mark);
    size_t offset = spec_text_offset(&p->text, yaml->problem_mark.index);
    bool tab = offset < p->text.len && p->text.text[offset] == '\t';
    char message[MESSAGE_MAX];
    char context[MESSAGE_MAX / 2] = "";

    if (yaml->context)
        (void)snprintf(context, sizeof(context), ", %s that began in line %zu", yaml->context,
                       yaml->context_mark.line + 1);
    (void)snprintf(message, sizeof(message), "not YAML: %s%s%s",
                   yaml->problem ? yaml->problem : "the text cannot be read", context,
                   tab ? " (a tab cannot indent: use spaces)" : "");
    where.level = LOG_ERR;
    where.message = message;
    fault_show(p, &where, yaml->problem_mark.line,
               spec_text_show_syntax(&p->text, yaml->problem_mark.line));
    report_fault(p, &where);
}

/* --- Events --------------------------------------------------------------------------------- */

static int next_event(Parser *p) {
    yaml_event_delete(&p->event);
    if (yaml_parser_parse(&p->yaml, &p->event))
        return 0;
    if (p->yaml.error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    report_syntax(p);
    return -EBADMSG;
}

/* Goes on to the last event of the node that begins with the current one. */
static int skip_node(Parser *p) {
    size_t depth = 0;

    for (;;) {
        int r;

        if (p->event.type == YAML_SEQUENCE_START_EVENT || p->event.type == YAML_MAPPING_START_EVENT)
            depth++;
        else if (p->event.type == YAML_SEQUENCE_END_EVENT ||
                 p->event.type == YAML_MAPPING_END_EVENT)
            depth--;
        if (depth == 0)
            return 0;
        if (depth > NESTING_MAX) {
            fault(p, "too deep: nothing in a spec is nested like that");
            return -EBADMSG;
        }
        r = next_event(p);
        if (r < 0)
            return r;
    }
}

static bool node_is_empty(const yaml_event_t *event) {
    return event->type == YAML_SCALAR_EVENT && event->data.scalar.length == 0 &&
           event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool tag_allowed(const yaml_char_t *tag, const char *const *allowed) {
    static const char core[] = "tag:yaml.org,2002:";

    if (!tag)
        return true;
    if (strncmp((const char *)tag, core, sizeof(core) - 1) != 0)
        return false;
    for (; *allowed; allowed++)
        if (strcmp((const char *)tag + sizeof(core) - 1, *allowed) == 0)
            return true;
    return false;
}

/* Reports what no node may have: an anchor, a tag that is not the core schema's for its kind; or
 * that it is an alias. Returns whether the node can be looked at further: below an anchor there may
 * be other faults, with another tag it is something else. */
static bool node_plain(Parser *p) {
    static const char *const scalar_tags[] = {"str", "int", "float", "bool", "null", NULL};
    static const char *const list_tags[] = {"seq", NULL}, *const map_tags[] = {"map", NULL};
    const yaml_char_t *anchor, *tag;
    const char *const *tags;

    switch ((int)p->event.type) {
    case YAML_SCALAR_EVENT:
        anchor = p->event.data.scalar.anchor;
        tag = p->event.data.scalar.tag;
        tags = scalar_tags;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = p->event.data.sequence_start.anchor;
        tag = p->event.data.sequence_start.tag;
        tags = list_tags;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = p->event.data.mapping_start.anchor;
        tag = p->event.data.mapping_start.tag;
        tags = map_tags;
        break;
    default:
        fault(p, "a YAML alias (*name): write the value itself; a text that begins with * needs "
                 "quotes");
        return false;
    }

    if (anchor)
        fault(p, "a YAML anchor (&name): leave it out; a text that begins with & needs quotes");
    if (!tag_allowed(tag, tags))
        fault(p, "a tag (!name) that is not the core schema's for this: leave it out; a text that "
                 "begins with ! needs quotes");
    return tag_allowed(tag, tags) && !(anchor && node_is_empty(&p->event));
}

static unsigned node_kind(const yaml_event_t *event) {
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return NODE_LIST;
    if (event->type != YAML_SCALAR_EVENT)
        return 0;
    if (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
        event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE)
        return NODE_SCALAR | NODE_BLOCK;
    return NODE_SCALAR;
}

/* --- Scalars -------------------------------------------------------------------------------- */

static const char *scalar(const Parser *p) {
    return (const char *)p->event.data.scalar.value;
}

static size_t scalar_len(const Parser *p) {
    return p->event.data.scalar.length;
}

/* Also where an escape brought a NUL into the scalar. */
static bool scalar_is(const Parser *p, const char *text) {
    return scalar_len(p) == strlen(text) && memcmp(scalar(p), text, scalar_len(p)) == 0;
}

/* Appends to the arena; see there for why it always fits. */
static char *arena_add(Spec *spec, const char *text, size_t len) {
    char *start = spec->arena + spec->arena_used;

    memcpy(start, text, len);
    spec->arena_used += len;
    return start;
}

/* Copies the current scalar, which holds no NUL. */
static const char *arena_add_scalar(Parser *p) {
    const char *start = arena_add(p->spec, scalar(p), scalar_len(p));

    (void)arena_add(p->spec, "", 1);
    return start;
}

/* Reports what the current scalar may not hold. */
static bool scalar_clean(Parser *p, bool newline_ok, bool tab_ok) {
    const char *message = spec_text_forbidden(scalar(p), scalar_len(p), newline_ok, tab_ok);

    if (message)
        fault(p, "%s", message);
    return !message;
}

/* To YAML, all from " #" on is a comment; to whoever writes a line of server.cfg it seldom is. */
static bool has_comment_behind(Parser *p) {
    const yaml_mark_t *end = &p->event.end_mark;
    size_t i;

    if (p->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (i = spec_text_offset(&p->text, end->index); i < p->text.len; i++)
        if (p->text.text[i] != ' ' && p->text.text[i] != '\t')
            return p->text.text[i] == '#';
    return false;
}

/* --- Lists ---------------------------------------------------------------------------------- */

/* Calls ITEM for each item of the list, of which KEY may have no more than MAX. */
static int parse_list(Parser *p, const char *key, size_t max, int (*item)(Parser *p)) {
    const bool flow = p->event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;

    p->flow_depth += flow;
    for (size_t n = 1;; n++) {
        int r = next_event(p);

        if (r < 0)
            return r;
        if (p->event.type == YAML_SEQUENCE_END_EVENT) {
            p->flow_depth -= flow;
            return 0;
        }
        if (n == max + 1)
            fault(p, "too many: '%s' takes no more than %zu items", key, max);
        r = n <= max && node_plain(p) ? item(p) : skip_node(p);
        if (r < 0)
            return r;
    }
}

/* One line of text, joined to the list's text by SEPARATOR. */
static int parse_line_item(Parser *p, char separator, bool tab_ok, void (*check)(Parser *p)) {
    if (p->event.type != YAML_SCALAR_EVENT) {
        fault(p, "an item here is one line of text: put it in quotes");
        return skip_node(p);
    }
    if (has_comment_behind(p)) {
        fault(p, "a comment behind an item: to keep what follows #, put the item in quotes; else "
                 "put the comment on a line of its own");
        return 0;
    }
    if (!scalar_clean(p, false, tab_ok))
        return 0;
    if (check)
        check(p);
    (void)arena_add(p->spec, scalar(p), scalar_len(p));
    (void)arena_add(p->spec, &separator, 1);
    return 0;
}

/* A list whose items are joined by the separator that ITEM puts behind each. */
static int parse_joined(Parser *p, const char *key, int (*item)(Parser *p), const char **ret) {
    char *start = p->spec->arena + p->spec->arena_used;
    int r = parse_list(p, key, SPEC_ITEMS_MAX, item);

    if (r < 0)
        return r;
    if (p->spec->arena + p->spec->arena_used > start)
        p->spec->arena_used--;
    (void)arena_add(p->spec, "", 1);
    *ret = start;
    return 0;
}

/* --- The keys of a spec --------------------------------------------------------------------- */

static int parse_port(Parser *p) {
    const char *s = scalar(p);
    unsigned long port = 0;
    size_t i;

    for (i = 0; i < scalar_len(p) && s[i] >= '0' && s[i] <= '9'; i++)
        if (port <= UINT16_MAX)
            port = port * 10 + (unsigned long)(s[i] - '0');
    if (i == 0 || i < scalar_len(p))
        fault_value(p, "'port' is a number in decimal digits, from 1 to 65535");
    else if (port < 1 || port > UINT16_MAX)
        fault_value(p, "'port' is out of range: it is from 1 to 65535");
    else
        p->spec->port = (uint16_t)port;
    return 0;
}

static int parse_description(Parser *p) {
    if (!scalar_clean(p, false, false))
        return 0;
    if (memchr(scalar(p), '\\', scalar_len(p))) {
        fault(p, "a backslash in 'description': unit files have no way to write it there");
        return 0;
    }
    /* systemd takes an empty setting for none. */
    if (strspn(scalar(p), " ") < scalar_len(p))
        p->spec->description = arena_add_scalar(p);
    return 0;
}

static int parse_autostart(Parser *p) {
    if (scalar_is(p, "true"))
        p->spec->autostart = true;
    else if (!scalar_is(p, "false"))
        fault_value(p, "'autostart' is 'true' or 'false'");
    return 0;
}

static void check_argument(Parser *p) {
    static const char *const secrets[] = {"+rcon_password", "+sv_password", "+sv_setsteamaccount"};
    static const char *const of_the_unit[] = {"-port", "+hostport", "-game"};
    const char *rest = scalar(p);
    char word[64];
    int r;

    while ((r = words_next(&rest, word, sizeof(word))) > 0) {
        if (word[0] != '+' && word[0] != '-') /* as all of those do that are looked for */
            continue;
        for (size_t i = 0; i < ELEMENTSOF(secrets); i++)
            if (strcasecmp(word, secrets[i]) == 0)
                warning(p, "arguments are world-readable: put this secret into 'config'");
        for (size_t i = 0; i < ELEMENTSOF(of_the_unit); i++)
            if (strcasecmp(word, of_the_unit[i]) == 0)
                warning(p, "-port, +hostport and -game are set by the unit: use 'port', and leave "
                           "them out here");
    }
    if (r < 0)
        fault(p, "a quote that is never closed, or a backslash at the end: systemd splits this "
                 "into words; write it\\'s for it's, and two backslashes for one");
}

static int parse_argument(Parser *p) {
    return parse_line_item(p, ' ', false, check_argument);
}

static int parse_arguments(Parser *p) {
    return parse_joined(p, "arguments", parse_argument, &p->spec->args);
}

static int parse_config_line(Parser *p) {
    return parse_line_item(p, '\n', true, NULL);
}

static int parse_config(Parser *p) {
    if (p->event.type == YAML_SEQUENCE_START_EVENT)
        return parse_joined(p, "config", parse_config_line, &p->spec->config);
    if (scalar_clean(p, true, true))
        p->spec->config = arena_add_scalar(p);
    return 0;
}

static int parse_timing(Parser *p, const TimingField *field) {
    if (strlen(scalar(p)) != scalar_len(p) || field->parse(scalar(p), &p->spec->timing) < 0)
        fault(p, "'%s' is %s", field->key, field->expected);
    return 0;
}

static int parse_ready(Parser *p) {
    return parse_timing(p, &timing_fields[0]);
}

static int parse_ready_timeout(Parser *p) {
    return parse_timing(p, &timing_fields[1]);
}

static int parse_watchdog(Parser *p) {
    return parse_timing(p, &timing_fields[2]);
}

static int parse_overlays(Parser *p);

static const Key spec_keys[] = {
    {"port", NODE_SCALAR, "a number", parse_port},
    {"description", NODE_SCALAR, "one line of text", parse_description},
    {"autostart", NODE_SCALAR, "'true' or 'false'", parse_autostart},
    {"ready", NODE_SCALAR, "'query' or 'started'", parse_ready},
    {"ready_timeout", NODE_SCALAR, "a time", parse_ready_timeout},
    {"watchdog", NODE_SCALAR, "a time, or 'off'", parse_watchdog},
    {"arguments", NODE_LIST, "a list", parse_arguments},
    {"config", NODE_LIST | NODE_BLOCK, "a list, or a block of text ('config: |')", parse_config},
    {"overlays", NODE_LIST, "a list", parse_overlays},
    {NULL, 0, NULL, NULL},
};

/* --- The keys of an overlay ----------------------------------------------------------------- */

/* The overlay that is being read stands behind those that are complete. */
static SpecOverlay *current_overlay(Parser *p) {
    return &p->spec->overlays[p->spec->n_overlays];
}

/* Whether INNER is a path beneath OUTER. */
static bool path_beneath(const char *inner, const char *outer) {
    size_t n = strlen(outer);

    return strncmp(inner, outer, n) == 0 && inner[n] == '/';
}

static int parse_path(Parser *p) {
    const char *path = scalar(p);

    if (strlen(path) != scalar_len(p) || !overlay_path_valid(path)) {
        fault_value(p, "an overlay's path is relative, its components of A-Z a-z 0-9 . _ + @ - "
                       "only, each beginning with a letter, digit or underscore");
        return 0;
    }
    for (size_t i = 0; i < p->spec->n_overlays; i++) {
        const char *other = p->spec->overlays[i].path;

        if (!other)
            continue;
        if (strcmp(path, other) == 0) {
            fault_value(p, "the same overlay a second time");
            return 0;
        }
        if (path_beneath(path, other) || path_beneath(other, path)) {
            fault_value(p, "one overlay beneath another one of this spec: overlayfs cannot use "
                           "both");
            return 0;
        }
    }
    current_overlay(p)->path = arena_add_scalar(p);
    return 0;
}

static int parse_alias(Parser *p) {
    const char *alias = scalar(p);

    if (strlen(alias) != scalar_len(p) || !alias_valid(alias)) {
        fault_value(p, "an alias is 1 to 64 characters of A-Z a-z 0-9 _ -");
        return 0;
    }
    for (size_t i = 0; i < p->spec->n_overlays; i++)
        if (p->spec->overlays[i].alias && strcmp(alias, p->spec->overlays[i].alias) == 0) {
            fault_value(p, "the same alias a second time");
            return 0;
        }
    current_overlay(p)->alias = arena_add_scalar(p);
    return 0;
}

static const Key overlay_keys[] = {
    {"path", NODE_SCALAR, "one path", parse_path},
    {"alias", NODE_SCALAR, "one name", parse_alias},
    {NULL, 0, NULL, NULL},
};

/* --- Mappings ------------------------------------------------------------------------------- */

static const char *const *key_names(const Key *keys, const char **names, size_t size) {
    size_t i;

    for (i = 0; i + 1 < size && keys[i].name; i++)
        names[i] = keys[i].name;
    names[i] = NULL;
    return names;
}

const char *const *spec_key_names(void) {
    static const char *names[ELEMENTSOF(spec_keys)];

    return key_names(spec_keys, names, ELEMENTSOF(names));
}

const char *const *spec_overlay_key_names(void) {
    static const char *names[ELEMENTSOF(overlay_keys)];

    return key_names(overlay_keys, names, ELEMENTSOF(names));
}

/* A name that is quoted in a message: a line of server.cfg that YAML takes for a key is none, nor
 * are words in quotes of which it is not known yet whether a colon follows. */
static bool key_presentable(Parser *p) {
    const yaml_mark_t *end = &p->event.end_mark;
    size_t i = spec_text_offset(&p->text, end->index);

    return p->flow_depth == 0 && p->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           scalar_len(p) <= 32 && alias_valid(scalar(p)) && i < p->text.len &&
           p->text.text[i] == ':';
}

/* Returns the row in KEYS of the key that was meant, or -1. */
static int report_unknown_key(Parser *p, const Key *keys) {
    const char *names[ELEMENTSOF(spec_keys)];
    const char *meant;

    if (!key_presentable(p)) {
        fault(p, "an unknown key: see left4me's README for those that there are");
        return -1;
    }
    meant = suggest(scalar(p), key_names(keys, names, ELEMENTSOF(names)));
    if (meant)
        fault_key(p, "unknown key '%s', did you mean '%s'?", scalar(p), meant);
    else
        fault_key(p, "unknown key '%s'", scalar(p));
    for (int i = 0; meant && keys[i].name; i++)
        if (strcmp(keys[i].name, meant) == 0)
            return i;
    return -1;
}

/* Finds the key that is the current event; NULL once its fault was reported. Adds its bit to *SEEN,
 * that of a key it may be a misspelling of to *MEANT. */
static const Key *parse_key(Parser *p, const Key *keys, unsigned *seen, unsigned *meant) {
    int row;

    if (!node_plain(p))
        return NULL;
    if (p->event.type != YAML_SCALAR_EVENT) {
        fault(p, "a key is a word");
        return NULL;
    }
    for (size_t i = 0; keys[i].name; i++) {
        if (!scalar_is(p, keys[i].name))
            continue;
        if (*seen & 1U << i) {
            fault_key(p, "the key '%s' a second time", keys[i].name);
            return NULL;
        }
        *seen |= 1U << i;
        return &keys[i];
    }
    row = report_unknown_key(p, keys);
    if (row >= 0)
        *meant |= 1U << row;
    return NULL;
}

static int parse_value(Parser *p, const Key *key) {
    if (!node_plain(p))
        return skip_node(p);
    if (node_kind(&p->event) & key->nodes)
        return key->handler(p);
    if (node_is_empty(&p->event))
        fault(p, "'%s' is empty: it takes %s; leave the key out for none", key->name, key->takes);
    else
        fault(p, "'%s' takes %s", key->name, key->takes);
    return skip_node(p);
}

/* The bit of *RET_SEEN that stands for a key is its row in KEYS. A key that was misspelt counts as
 * seen in the end: that it is missing would be said of the same fault. */
static int parse_mapping(Parser *p, const Key *keys, unsigned *ret_seen) {
    const bool flow = p->event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    unsigned meant = 0;

    *ret_seen = 0;
    p->flow_depth += flow;
    for (;;) {
        const Key *key;
        int r = next_event(p);

        if (r < 0)
            return r;
        if (p->event.type == YAML_MAPPING_END_EVENT) {
            p->flow_depth -= flow;
            *ret_seen |= meant;
            return 0;
        }

        key = parse_key(p, keys, ret_seen, &meant);
        r = skip_node(p);
        if (r < 0)
            return r;
        r = next_event(p);
        if (r < 0)
            return r;
        r = key ? parse_value(p, key) : skip_node(p);
        if (r < 0)
            return r;
    }
}

static int parse_overlay_mapping(Parser *p) {
    const SpecFault where = fault_at(&p->event.start_mark);
    unsigned seen;
    int r = parse_mapping(p, overlay_keys, &seen);

    if (r < 0)
        return r;
    if (!(seen & 1U)) {
        SpecFault f = where;

        f.level = LOG_ERR;
        f.message = seen ? "an alias without a path" : "an overlay needs a 'path'";
        report_fault(p, &f);
    }
    return 0;
}

static int parse_overlay(Parser *p) {
    SpecOverlay *overlay = current_overlay(p);
    int r;

    *overlay = (SpecOverlay){0};
    if (p->event.type == YAML_MAPPING_START_EVENT)
        r = parse_overlay_mapping(p);
    else if (p->event.type == YAML_SCALAR_EVENT)
        r = parse_path(p);
    else {
        fault(p, "an overlay is a path, or a 'path' with an 'alias'");
        r = skip_node(p);
    }
    if (r < 0)
        return r;

    if (overlay->path)
        p->lowerdirs_len += strlen(p->root) + strlen("/overlays/:") + strlen(overlay->path);
    /* One without a path was refused, but its alias may be that of another. */
    if (overlay->path || overlay->alias)
        p->spec->n_overlays++;
    return 0;
}

static int parse_overlays(Parser *p) {
    const SpecFault where = fault_at(&p->event.start_mark);
    int r = parse_list(p, "overlays", SPEC_OVERLAYS_MAX, parse_overlay);

    if (r < 0)
        return r;
    if (p->lowerdirs_len > SPEC_VALUE_MAX) {
        SpecFault f = where;

        f.level = LOG_ERR;
        f.message = "the paths of all overlays together are longer than 64 KiB";
        report_fault(p, &f);
    }
    return 0;
}

/* --- The document --------------------------------------------------------------------------- */

static int parse_root(Parser *p) {
    const SpecFault start = fault_at(&p->event.start_mark);
    unsigned seen;
    int r;

    if (!node_plain(p))
        return skip_node(p);
    if (p->event.type != YAML_MAPPING_START_EVENT) {
        fault(p, node_is_empty(&p->event) ? "the spec is empty: it needs at least 'port: 27015'"
                                          : "a spec is made of keys, each with a colon and a "
                                            "space behind it, such as 'port: 27015'");
        return -EBADMSG; /* what follows would be faults that come of this one */
    }

    r = parse_mapping(p, spec_keys, &seen);
    if (r < 0)
        return r;
    if (!(seen & 1U)) {
        SpecFault f = start;

        f.level = LOG_ERR;
        f.message = "'port' is missing: add a line such as 'port: 27015'";
        report_fault(p, &f);
    }
    return 0;
}

static int parse_stream(Parser *p) {
    int r;

    if ((r = next_event(p)) < 0 || (r = next_event(p)) < 0)
        return r;
    if (p->event.type == YAML_STREAM_END_EVENT) {
        fault(p, "the spec is empty: it needs at least 'port: 27015'");
        return 0;
    }
    if ((r = next_event(p)) < 0 || (r = parse_root(p)) < 0)
        return r;
    if ((r = next_event(p)) < 0 || (r = next_event(p)) < 0)
        return r;
    if (p->event.type != YAML_STREAM_END_EVENT)
        fault(p, "a second document: a spec is one");
    return 0;
}

int spec_parse(Spec *spec, char *text, size_t len, const char *root, SpecReport report,
               void *userdata) {
    Parser p = {
        .spec = spec,
        .text = {.text = text, .len = len},
        .root = root,
        .lowerdirs_len = strlen(root) + strlen("/installation"),
        .report = report,
        .userdata = userdata,
    };
    int r;

    spec->port = 0;
    spec->autostart = false;
    spec->timing = (Timing){0};
    spec->description = NULL;
    spec->args = "";
    spec->config = "";
    spec->n_overlays = 0;
    spec->arena_used = 0;

    p.cleaned = spec_text_clean(&p.text, report_character, &p) > 0;
    if (!yaml_parser_initialize(&p.yaml))
        return -ENOMEM;
    yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)p.text.text, p.text.len);

    r = parse_stream(&p);
    yaml_event_delete(&p.event);
    yaml_parser_delete(&p.yaml);
    if (r < 0)
        return r;
    return p.refused ? -EBADMSG : 0;
}
