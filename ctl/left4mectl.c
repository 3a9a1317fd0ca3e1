/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* left4mectl: the life of an instance in one tool, for a person at a shell and for a panel. It is
 * convenience over the same files and the same calls that systemctl makes; nothing works only
 * through it. */

#include "config.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "shared/exit.h"
#include "shared/log.h"

const char *arg_root = LEFT4ME_ROOT_DIR;
bool arg_json, arg_quiet, arg_yes, arg_no_reload, arg_no_block, arg_no_headings;
bool arg_once, arg_start, arg_replace, arg_size;
const char *arg_interval, *arg_iterations, *arg_output;

typedef struct Verb {
    const char *name;
    const char *operands; /* as the help has them */
    int min, max;         /* of operands; -1: any number */
    VerbFunction function;
    const char *help;
} Verb;

static const Verb verbs[] = {
    {"create", "NAME SPEC", 2, 2, verb_create, "place a checked spec (- is standard input)"},
    {"edit", "NAME", 1, 1, verb_edit, "edit a spec, checked before it is placed"},
    {"start", "NAME...", 1, -1, verb_start, "start, now and at boot"},
    {"stop", "NAME...", 1, -1, verb_stop, "stop, now and at boot"},
    {"restart", "NAME...", 1, -1, verb_restart, "stop, if need be, and start"},
    {"reset", "NAME...", 1, -1, verb_reset, "remove all that was written; the spec stays"},
    {"delete", "NAME...", 1, -1, verb_delete, "remove all, the spec too"},
    {"list", "", 0, 0, verb_list, "a row for each instance"},
    {"show", "NAME", 1, 1, verb_show, "all about an instance"},
    {"query", "NAME|HOST:PORT...", 1, -1, verb_query, "ask servers for map, players, latency"},
    {"top", "[NAME...]", 0, -1, verb_top, "a row for each, drawn anew every 2 seconds"},
    {"metrics", "", 0, 0, verb_metrics, "what Prometheus's node exporter takes"},
    {"check", "[NAME|FILE...]", 0, -1, verb_check, "the faults of specs, and of what they name"},
    {"console", "NAME [-- COMMAND...]", 1, -1, verb_console,
     "type commands to it, see its answers"},
    {"logs", "NAME [-- OPTION...]", 1, -1, verb_logs, "journalctl of its unit"},
    {"status", "NAME [-- OPTION...]", 1, -1, verb_status, "systemctl status of its unit"},
};

bool root_is_of_units(void) {
    return strcmp(arg_root, LEFT4ME_ROOT_DIR) == 0;
}

/* --- logs and status ------------------------------------------------------------------------ */

/* Hands over to COMMAND, with the unit's name and then the operands behind the first. */
static int hand_over(const char *const command[], int n, char *operands[]) {
    char unit[UNIT_NAME_MAX];
    char **argv;
    size_t used = 0;

    if (!check_name(operands[0]))
        return EXIT_USAGE;
    argv = calloc((size_t)n + 4, sizeof(*argv));
    if (!argv) {
        log_error("no memory");
        return EXIT_FAILED;
    }
    for (; command[used]; used++)
        argv[used] = (char *)(uintptr_t)command[used];
    unit_name(operands[0], unit);
    argv[used++] = unit;
    for (int i = 1; i < n; i++)
        argv[used++] = operands[i];
    (void)execvp(argv[0], argv);
    log_error("cannot run '%s': %s", command[0], strerror(errno));
    free(argv);
    return EXIT_FAILED;
}

int verb_logs(int n, char *operands[]) {
    return hand_over((const char *const[]){"journalctl", "-u", NULL}, n, operands);
}

int verb_status(int n, char *operands[]) {
    return hand_over((const char *const[]){"systemctl", "status", NULL}, n, operands);
}

/* --- Command line --------------------------------------------------------------------------- */

static void help(void) {
    (void)printf("left4mectl [OPTION...] VERB ...\n\n"
                 "The whole life of Left 4 Dead 2 servers under systemd.\n\nVerbs:\n");
    for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
        (void)printf("  %-7s %-21s %s\n", verbs[i].name, verbs[i].operands, verbs[i].help);
    (void)printf(
        "\nOptions:\n"
        "  --interval SPAN\n"
        "                 top: how often the table is drawn (default: 2s)\n"
        "  --iterations N\n"
        "                 top: leave after so many tables\n"
        "  --json         results as one JSON value on standard output\n"
        "  --no-block     start, stop, restart: do not wait for them\n"
        "  --no-headings  list, query, top: no line of headings\n"
        "  --no-reload    do not have systemd read changed specs\n"
        "  --once         start, stop, create: leave enablement at boot alone\n"
        "  --output FILE  metrics: replace FILE, instead of standard output\n"
        "  --quiet        print errors only, and what was asked for\n"
        "  --replace      create: replace the spec of an instance that is there\n"
        "  --root DIR     the state root (default: $LEFT4ME_ROOT, else\n"
        "                 %s)\n"
        "  --size         show: the sizes of the layers too\n"
        "  --start        create: start it too, now and at boot\n"
        "  --yes          reset, delete, edit: do not ask\n"
        "  --help         show this\n"
        "  --version      show the version\n\n"
        "Exit status: 0 done, 1 failed (check: faults found), 2 wrong usage, 130 interrupted.\n",
        LEFT4ME_ROOT_DIR);
}

static int usage_error(const char *message) {
    log_error("%s; see 'left4mectl --help'", message);
    return EXIT_USAGE;
}

static int use_root(const char *root) {
    static char resolved[PATH_MAX];

    /* As the units know it, even if it is reached through a link. */
    if (root[0] == '\0')
        return usage_error("--root is empty");
    if (strcmp(root, LEFT4ME_ROOT_DIR) == 0)
        return -1;
    if (!realpath(root, resolved)) {
        log_error("cannot use '%s' as the state root: %s", root, strerror(errno));
        return EXIT_FAILED;
    }
    arg_root = resolved;
    return -1;
}

/* Returns an exit status, or -1 to go on. */
static int parse_options(int argc, char *argv[]) {
    enum { OPT_ROOT = 0x100, OPT_HELP, OPT_VERSION, OPT_TEXT, OPT_FLAG = OPT_TEXT + 0x100 };
    static const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"json", &arg_json},
        {"no-block", &arg_no_block},
        {"no-headings", &arg_no_headings},
        {"no-reload", &arg_no_reload},
        {"once", &arg_once},
        {"quiet", &arg_quiet},
        {"replace", &arg_replace},
        {"size", &arg_size},
        {"start", &arg_start},
        {"yes", &arg_yes},
    };
    static const struct {
        const char *name;
        const char **text;
    } texts[] = {
        {"interval", &arg_interval},
        {"iterations", &arg_iterations},
        {"output", &arg_output},
    };
    struct option options[ELEMENTSOF(flags) + ELEMENTSOF(texts) + 4] = {
        {"root", required_argument, NULL, OPT_ROOT},
        {"help", no_argument, NULL, OPT_HELP},
        {"version", no_argument, NULL, OPT_VERSION}};
    const char *root = getenv("LEFT4ME_ROOT");
    int c;

    if (root && root[0] == '\0')
        root = NULL;

    for (size_t i = 0; i < ELEMENTSOF(flags); i++)
        options[i + 3] = (struct option){flags[i].name, no_argument, NULL, OPT_FLAG + (int)i};
    for (size_t i = 0; i < ELEMENTSOF(texts); i++)
        options[i + 3 + ELEMENTSOF(flags)] =
            (struct option){texts[i].name, required_argument, NULL, OPT_TEXT + (int)i};
    opterr = 0;
    while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (c == OPT_HELP) {
            help();
            return EXIT_DONE;
        }
        if (c == OPT_VERSION) {
            (void)printf("left4mectl %s\n", PACKAGE_VERSION);
            return EXIT_DONE;
        }
        if (c == OPT_ROOT)
            root = optarg;
        else if (c >= OPT_FLAG)
            *flags[c - OPT_FLAG].flag = true;
        else if (c >= OPT_TEXT)
            *texts[c - OPT_TEXT].text = optarg;
        else
            return usage_error("unknown option, or an option without its value");
    }
    return root ? use_root(root) : -1;
}

static int dispatch(int n, char *operands[]) {
    if (n == 0)
        return usage_error("a verb is needed");
    for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
        const Verb *verb = &verbs[i];

        if (strcmp(operands[0], verb->name) != 0)
            continue;
        if (n - 1 < verb->min || (verb->max >= 0 && n - 1 > verb->max)) {
            log_error("usage: left4mectl %s %s; see 'left4mectl --help'", verb->name,
                      verb->operands);
            return EXIT_USAGE;
        }
        return verb->function(n - 1, operands + 1);
    }
    log_error("there is no verb '%s'; see 'left4mectl --help'", operands[0]);
    return EXIT_USAGE;
}

int main(int argc, char *argv[]) {
    int r;

    log_open_stderr("left4mectl");
    r = parse_options(argc, argv);
    return r >= 0 ? r : dispatch(argc - optind, argv + optind);
}
