/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* inject: specs that are meant to break out of a drop-in, made at random, compiled, and read back.
 *
 *   inject --count N [--seed S]
 *     in this process: each spec goes through the parser and the writer of drop-ins, and
 *     unit-reader.c says whether what comes out is exactly the contract's. Prints the seed, and the
 *     spec that fails.
 *   inject --count N [--seed S] --write DIR [--prefix NAME]
 *     writes them to DIR/instances/NAMEnnnnn/spec.yaml for a real generator and a real systemd, and
 * what they say to DIR/expected, a line of JSON each.
 *
 * Most specs are made by a grammar, which knows the texts that it wrote and whether they are to be
 * accepted, and says them in a style of YAML's at random. The others are such with bytes changed,
 * and random bytes: what is accepted of these, intended.c says. */

#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "generator/dropin.h"
#include "shared/macros.h"
#include "shared/utf8.h"
#include "spec/spec.h"
#include "tests/inject/intended.h"
#include "tests/inject/unit-reader.h"

#define ITEMS_MAX 6
#define OVERLAYS_MAX 6

typedef struct Text {
    char data[16384];
    size_t len;
} Text;

typedef enum Kind { KIND_GRAMMAR, KIND_CHANGED, KIND_BYTES } Kind;

typedef struct Case {
    Kind kind;
    Text source;
    /* Of KIND_GRAMMAR only. */
    bool accepted;
    bool has_description, autostart;
    unsigned port;
    const char *timing[3];            /* ready, ready_timeout, watchdog; NULL without them */
    Text description, args, overlays; /* overlays: ":" between them */
} Case;

static uint64_t random_state;

/* --- Chance --------------------------------------------------------------------------------- */

/* splitmix64: the same on every machine. */
static uint64_t random_next(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t below(size_t n) {
    return (size_t)(random_next() % n);
}

static bool one_in(size_t n) {
    return below(n) == 0;
}

#define PICK(array) ((array)[below(ELEMENTSOF(array))])

/* --- Text ----------------------------------------------------------------------------------- */

static void add_bytes(Text *t, const char *s, size_t len) {
    if (t->len + len >= sizeof(t->data)) {
        (void)fputs("inject: a text is too long\n", stderr);
        exit(1);
    }
    memcpy(t->data + t->len, s, len);
    t->len += len;
    t->data[t->len] = '\0';
}

static void add(Text *t, const char *s) {
    add_bytes(t, s, strlen(s));
}

static void add_char(Text *t, char c) {
    add_bytes(t, &c, 1);
}

static void clear(Text *t) {
    t->len = 0;
    t->data[0] = '\0';
}

/* --- What texts are made of ----------------------------------------------------------------- */

static const char *const harmless[] = {
    "a",
    "b1",
    "Zoë",
    "map c1m1_hotel",
    "+map",
    "-tickrate",
    "100",
    "hostname",
    "left4me",
    "ünï",
    "🙂",
    "x.y",
    "+exec",
    "-condebug",
    "日本",
    "a b",
    "versus #1?",
    "1e3",
    "0x10",
    "yes",
    "\u202e\u202d",
    "\u200b",
    "\u00a0",
    "\ufeff",
    "e\u0301",
    "\u2066",
    "\U000e0001",
    "\u2003",
};
static const char *const hostile[] = {
    "\"",
    "'",
    "\\",
    "%",
    "%%",
    "%n",
    "%i",
    "%h",
    "%%n",
    "$HOME",
    "${L4D2_PORT}",
    "$$",
    "$(id)",
    "`id`",
    "[Service]",
    "ExecStart=/bin/sh",
    "ExecStartPre=+/bin/sh",
    "Environment=X=1",
    "[Unit]",
    "Description=x",
    "#",
    " #",
    "; ",
    ";",
    ": ",
    ":",
    "- ",
    "-",
    ",",
    "{",
    "}",
    "[",
    "]",
    "&a",
    "*a",
    "!x",
    "|",
    ">",
    "@",
    "?",
    "? ",
    "~",
    "=",
    "\\\"",
    "\\\\",
    "\\'",
    "\\n",
    "\\x0a",
    "\\012",
    "\\u000a",
    "\\s",
    "\"\"",
    "''",
    "\" \"",
    "\\ ",
    "\" X=\"",
    "' X='",
    "%\"",
    "\"%",
    "\\%",
    "%\\",
    " ",
    "  ",
    "   ",
    "L4D2_LOWERDIRS=/",
    "User=root",
    "\" \"L4D2_LOWERDIRS=/etc",
    "---",
    "...",
    "\\\\\\",
    "%%%",
    "//",
};
static const char *const forbidden[] = {
    "\n",
    "\n[Service]\nExecStart=/bin/sh\n",
    "\nExecStartPre=+/bin/sh",
    "\n#",
    "\\\n",
    "\r",
    "\r\n",
    "\t",
    "\x01",
    "\x1b[31m",
    "\x7f",
    "\xc2\x85",
    "\xc2\x9f",
    "\u2028",
    "\u2029",
    "\uffff",
    "\ufdd0",
    "\U0001fffe",
    "\n\n",
    "\"\nExecStart=/bin/sh\nX=\"",
    "\v",
    "\f",
    "\b",
};

/* FORBIDDEN_IN: one in so many texts holds what no item may. */
static void make_text(Text *t, size_t forbidden_in) {
    size_t n = one_in(12) ? 0 : 1 + below(one_in(8) ? 40 : 6);

    clear(t);
    for (size_t i = 0; i < n; i++)
        add(t, below(5) < 2 ? PICK(harmless) : PICK(hostile));
    if (one_in(forbidden_in)) {
        Text end = {.len = 0};
        size_t at = below(t->len + 1);

        /* In front of a whole character. */
        while (at > 0 && ((unsigned char)t->data[at] & 0xc0) == 0x80)
            at--;
        add(&end, t->data + at);
        t->len = at;
        add(t, PICK(forbidden));
        add(t, end.data);
    }
}

/* What the contract refuses in a line of text: by character, apart from the parser's own code. */
static bool holds_forbidden(const Text *t, bool tab_ok) {
    for (size_t i = 0; i < t->len;) {
        uint32_t c = (unsigned char)t->data[i];
        size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

        if (n > 1)
            c &= 0x7fU >> n;
        for (size_t k = 1; k < n; k++)
            c = c << 6 | ((unsigned char)t->data[i + k] & 0x3f);
        if ((c < 0x20 && !(c == '\t' && tab_ok)) || (c >= 0x7f && c <= 0x9f) || c == 0x2028 ||
            c == 0x2029 || (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xffff) >= 0xfffe)
            return true;
        i += n;
    }
    return false;
}

static bool balanced(const char *text) {
    size_t n, len;
    char *words = unit_reader_words(text, &n, &len);

    free(words);
    return words != NULL;
}

/* Most arguments are words to systemd; else all of a list would be refused, as good as always. */
static void balance(Text *t) {
    Text from = *t;

    if (balanced(t->data) || one_in(20))
        return;
    clear(t);
    for (size_t i = 0; i < from.len; i++) {
        if (strchr("\"'\\", from.data[i]))
            add_char(t, '\\');
        add_char(t, from.data[i]);
    }
}

/* --- The styles of YAML --------------------------------------------------------------------- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* Whether the blank at I may be written as a line's end and indentation: one that stands alone. */
static bool foldable(const Text *t, size_t i) {
    return t->data[i] == ' ' && i > 0 && i + 1 < t->len && !strchr(" \t\n", t->data[i - 1]) &&
           !strchr(" \t\n", t->data[i + 1]);
}

static bool newline_foldable(const Text *t, size_t i) {
    return t->data[i] == '\n' && i > 0 && i + 1 < t->len && !strchr(" \t\n", t->data[i - 1]) &&
           !strchr(" \t\n", t->data[i + 1]);
}

/* A line of a quoted or plain scalar must not look like a document's end. */
static void fold(Text *to, size_t lines) {
    for (size_t i = 0; i < lines; i++)
        add(to, one_in(8) ? " \n" : "\n");
    add(to, "      ");
}

/* Raw, it is no YAML at all, or is refused where it stands; or it is a byte order mark. */
static bool printable(uint32_t c) {
    return c >= ' ' && !(c >= 0x7f && c < 0xa0) && c != 0x2028 && c != 0x2029 && c != 0xfeff &&
           (c & 0xfffe) != 0xfffe && !(c >= 0xfdd0 && c <= 0xfdef);
}

static void add_escaped(Text *to, uint32_t c) {
    static const char from[] = "\a\b\f\n\r\t\v\"\\\x1b /", letters[] = "abfnrtv\"\\e /";
    const char *short_one = c < 0x80 && c > 0 ? strchr(from, (char)c) : NULL;
    char escaped[16];

    /* "\/" is of YAML 1.2, which libyaml 0.2.5 knows and PyYAML too. */
    if (short_one && one_in(2) && c != '/')
        (void)snprintf(escaped, sizeof(escaped), "\\%c", letters[short_one - from]);
    else if (c < 0x100 && one_in(2))
        (void)snprintf(escaped, sizeof(escaped), "\\x%02x", c);
    else if (c < 0x10000 && one_in(2))
        (void)snprintf(escaped, sizeof(escaped), "\\u%04X", c);
    else
        (void)snprintf(escaped, sizeof(escaped), "\\U%08x", c);
    add(to, escaped);
}

static void write_double(Text *to, const Text *t) {
    const size_t escape_in = PICK(((const size_t[]){2, 10, 1000}));
    const bool folds = one_in(2);

    add_char(to, '"');
    for (size_t i = 0; i < t->len;) {
        uint32_t c;
        unsigned n = utf8_decode(t->data + i, t->len - i, &c);

        if (folds && foldable(t, i) && one_in(3))
            fold(to, 1);
        else if (folds && newline_foldable(t, i) && one_in(2))
            fold(to, 2);
        else if (!printable(c) || c == '"' || c == '\\' || one_in(escape_in)) {
            /* An escaped line's end stands for nothing, in front of what is no blank. */
            if (folds && one_in(6))
                add(to, "\\\n     ");
            add_escaped(to, c);
        } else
            add_bytes(to, t->data + i, n);
        i += n;
    }
    add_char(to, '"');
}

static bool all_printable(const Text *t) {
    for (size_t i = 0; i < t->len;) {
        uint32_t c;
        unsigned n = utf8_decode(t->data + i, t->len - i, &c);

        if (!printable(c) && c != '\n')
            return false;
        i += n;
    }
    return true;
}

static bool newlines_foldable(const Text *t) {
    for (size_t i = 0; i < t->len; i++)
        if (t->data[i] == '\n' && !newline_foldable(t, i))
            return false;
    return true;
}

static bool write_folded_lines(Text *to, const Text *t, char doubled) {
    for (size_t i = 0; i < t->len; i++) {
        if (foldable(t, i) && one_in(4))
            fold(to, 1);
        else if (t->data[i] == '\n')
            fold(to, 2);
        else {
            if (doubled != '\0' && t->data[i] == doubled)
                add_char(to, doubled);
            add_char(to, t->data[i]);
        }
    }
    return true;
}

static bool write_single(Text *to, const Text *t) {
    if (!all_printable(t) || !newlines_foldable(t))
        return false;
    add_char(to, '\'');
    (void)write_folded_lines(to, t, '\'');
    add_char(to, '\'');
    return true;
}

static bool write_plain(Text *to, const Text *t) {
    if (t->len == 0 || !all_printable(t) || !newlines_foldable(t) || is_blank(t->data[0]) ||
        is_blank(t->data[t->len - 1]) || t->data[t->len - 1] == ':' || strstr(t->data, ": ") ||
        strstr(t->data, " #") || strstr(t->data, ":\n") || strstr(t->data, "\n#") ||
        strchr("-?:,[]{}#&*!|>'\"%@`", t->data[0]))
        return false;
    return write_folded_lines(to, t, '\0');
}

/* Literal and folded; for what has no blank or newline at its ends. A newline is added to the text
 * where the style keeps one. */
static bool write_block(Text *to, Text *t, size_t indent, bool folded) {
    bool keep = one_in(12);

    if (t->len == 0 || !all_printable(t) || strchr(" \t\n", t->data[0]) ||
        strchr(" \t\n", t->data[t->len - 1]) || (folded && !newlines_foldable(t)))
        return false;
    add_char(to, folded ? '>' : '|');
    if (one_in(3))
        add_char(to, '2'); /* beyond its parent */
    if (!keep)
        add_char(to, '-');
    else if (one_in(2))
        add_char(to, '+');
    add(to, one_in(6) ? " # [Service]\n" : "\n");
    for (size_t i = 0; i < t->len; i++) {
        if (i == 0 || t->data[i - 1] == '\n' ||
            (folded && to->data[to->len - 1] == '\n' && t->data[i] != '\n'))
            for (size_t k = 0; k < indent; k++)
                add_char(to, ' ');
        if (folded && foldable(t, i) && one_in(3))
            add_char(to, '\n');
        else if (folded && t->data[i] == '\n')
            add(to, "\n\n");
        else
            add_char(to, t->data[i]);
    }
    if (keep)
        add_char(t, '\n');
    return true;
}

/* Writes T in a style at random, T changes where the style adds to it. Ends without a newline. */
static void write_scalar(Text *to, Text *t, size_t indent, bool flow) {
    for (;;)
        switch (below(6)) {
        case 0:
            if (!flow && write_plain(to, t))
                return;
            break;
        case 1:
            if (write_single(to, t))
                return;
            break;
        case 2:
            if (!flow && write_block(to, t, indent, false))
                return;
            break;
        case 3:
            if (!flow && write_block(to, t, indent, true))
                return;
            break;
        default:
            write_double(to, t);
            return;
        }
}

/* --- The keys of a spec --------------------------------------------------------------------- */

static void write_noise(Text *to) {
    static const char *const noise[] = {"\n", "# ExecStart=/bin/sh\n", "#[Service] \"\\\n", "\n\n"};

    if (one_in(8))
        add(to, PICK(noise));
}

static void write_port(Case *c) {
    static const char *const wrong[] = {
        "0",  "65536",    "27015x", "-1", "''", "0x10", "2e4", "+1", "99999999999999999999",
        "[]", "27015\\n", "\" 1\""};
    static const char *const styles[][2] = {
        {"port: ", ""},       {"port: '", "'"},  {"\"port\": \"", "\""}, {"port: 00", ""},
        {"port: !!int ", ""}, {"port:\n  ", ""}, {"'port' : ", " # x"},
    };
    size_t style;
    char port[16];

    if (one_in(60)) {
        add(&c->source, "port: ");
        add(&c->source, PICK(wrong));
        add_char(&c->source, '\n');
        c->accepted = false;
        return;
    }
    style = below(ELEMENTSOF(styles));
    c->port = 1 + (unsigned)below(65535);
    (void)snprintf(port, sizeof(port), "%u", c->port);
    add(&c->source, styles[style][0]);
    add(&c->source, port);
    add(&c->source, styles[style][1]);
    add_char(&c->source, '\n');
}

static void write_description(Case *c) {
    Text text;

    make_text(&text, 15);
    if (!one_in(15))
        for (size_t i = 0; i < text.len; i++)
            if (text.data[i] == '\\')
                text.data[i] = '/';
    add(&c->source, "description: ");
    write_scalar(&c->source, &text, 2, false);
    add_char(&c->source, '\n');
    if (holds_forbidden(&text, false) || strchr(text.data, '\\'))
        c->accepted = false;
    c->has_description = strspn(text.data, " ") < text.len;
    c->description = text;
}

static void write_autostart(Case *c) {
    static const char *const wrong[] = {"yes", "True", "1", "on", "'true '"};

    add(&c->source, "autostart: ");
    if (one_in(40)) {
        add(&c->source, PICK(wrong));
        c->accepted = false;
    } else {
        c->autostart = one_in(2);
        add(&c->source, c->autostart ? "true" : "'false'");
    }
    add_char(&c->source, '\n');
}

static void write_items(Case *c, const char *key, bool arguments) {
    const bool flow = one_in(4);
    size_t n = below(ITEMS_MAX);
    Text text;

    add(&c->source, key);
    if (n == 0 || flow)
        add(&c->source, ": [");
    else
        add(&c->source, ":\n");
    for (size_t i = 0; i < n; i++) {
        make_text(&text, 40);
        if (arguments)
            balance(&text);
        if (flow) {
            write_scalar(&c->source, &text, 4, true);
            add(&c->source, i + 1 < n ? ", " : "");
        } else {
            write_noise(&c->source);
            add(&c->source, "  - ");
            write_scalar(&c->source, &text, 4, false);
            add_char(&c->source, '\n');
        }
        if (holds_forbidden(&text, !arguments) || (arguments && !balanced(text.data)))
            c->accepted = false;
        if (!arguments)
            continue;
        if (i > 0)
            add_char(&c->args, ' ');
        add_bytes(&c->args, text.data, text.len);
    }
    if (n == 0 || flow)
        add(&c->source, "]\n");
}

static void write_overlays(Case *c) {
    static const char *const wrong[] = {
        "../etc", "/etc", "a:/etc",    "'a\"b'", "a%n", "a/../b", ".",    "'a b'",
        "a//b",   "a/",   "\"a\\nb\"", "'a\\b'", "-a",  "é",      "a/.b", "''"};
    size_t n = 1 + below(OVERLAYS_MAX);
    char path[128];

    add(&c->source, "overlays:\n");
    for (size_t i = 0; i < n; i++) {
        write_noise(&c->source);
        if (one_in(80)) {
            add(&c->source, "  - ");
            add(&c->source, PICK(wrong));
            add_char(&c->source, '\n');
            c->accepted = false;
            continue;
        }
        (void)snprintf(path, sizeof(path), "o%zu%s", i,
                       PICK(((const char *const[]){"", "/maps", "+x@y", "/a.b/_c-d", "_"})));
        add(&c->overlays, path);
        add_char(&c->overlays, ':');
        add(&c->source, one_in(2)   ? "  - "
                        : one_in(2) ? "  - path: "
                                    : "  - alias: \"x\"\n    path: ");
        add(&c->source, path);
        add_char(&c->source, '\n');
        /* A second alias of that name is one too many: it is rare enough to let it count. */
    }
}

static void write_timing(Case *c) {
    static const char *const keys[] = {"ready: ", "ready_timeout: ", "watchdog: "};
    static const char *const spans[] = {"90",
                                        "90s",
                                        "1min 30s",
                                        "1.5h",
                                        "5 min",
                                        "3500ms",
                                        "4000001us",
                                        ".25 hours",
                                        "1d",
                                        "7 s 1us",
                                        "20 minutes 3.141592s"};
    static const char *const wrong[] = {
        "",    "0",   "2d",      "-1",          "1 fortnight", "infinity", "1s%n", "OFF",
        "1e3", "0x9", "5s\"X=1", "90s\nUser=x", "query ",      "1..5s",    "1.",   "4.5.5"};
    Text text;

    for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
        const char *value = i == 0 ? PICK(((const char *const[]){"query", "started"}))
                            : i == 2 && one_in(3) ? "off"
                                                  : PICK(spans);
        bool good = !one_in(60);

        if (one_in(2))
            continue;
        clear(&text);
        add(&text, good ? value : PICK(wrong));
        add(&c->source, keys[i]);
        write_scalar(&c->source, &text, 2, false);
        add_char(&c->source, '\n');
        /* A block may keep a newline. */
        if (!good || strcmp(text.data, value) != 0)
            c->accepted = false;
        c->timing[i] = value;
    }
}

static bool alias_twice(const char *source) {
    const char *first = strstr(source, "alias: \"x\"");

    return first && strstr(first + 1, "alias: \"x\"");
}

static void write_config(Case *c) {
    Text text;

    if (one_in(2)) {
        write_items(c, "config", false);
        return;
    }
    add(&c->source, "config: ");
    clear(&text);
    add(&text, "hostname \"x\" %n\n[Service]\nExecStart=/bin/sh");
    (void)write_block(&c->source, &text, 2, false);
    add_char(&c->source, '\n');
}

static void write_wrong_key(Case *c) {
    static const char *const wrong[] = {
        "ExecStart: /bin/sh\n",
        "'[Service]': x\n",
        "Environment: [X=1]\n",
        "argument: [x]\n",
        "<<: {port: 1}\n",
        "? [a]\n: b\n",
        "user: root\n",
        "port: 1\n",
        "---\nport: 1\n",
        "...\n---\nport: 2\n",
        "\"po\\x72t\\0\": 1\n",
        "x: *y\n",
        "config: !!binary |\n  aGk=\n",
        "\tport: 1\n",
        "arguments: &a [x]\n",
        "}\n",
    };

    /* Some are wrong in their second place only. */
    add(&c->source, c->port > 0 ? PICK(wrong) : wrong[0]);
    c->accepted = false;
}

static void (*const writers[])(Case *c) = {write_port,     write_description, write_autostart, NULL,
                                           write_overlays, write_config,      write_timing};

static void shuffle(size_t *order, size_t n) {
    for (size_t i = n - 1; i > 0; i--) {
        size_t k = below(i + 1), other = order[k];

        order[k] = order[i];
        order[i] = other;
    }
}

static void use_crlf(Text *t) {
    Text from = *t;

    clear(t);
    for (size_t i = 0; i < from.len; i++) {
        if (from.data[i] == '\n')
            add_char(t, '\r');
        add_char(t, from.data[i]);
    }
}

static void make_grammar(Case *c) {
    size_t order[ELEMENTSOF(writers)];

    *c = (Case){.kind = KIND_GRAMMAR, .accepted = true};
    if (one_in(10))
        add(&c->source, "\ufeff");
    if (one_in(10))
        add(&c->source, "%YAML 1.1\n---\n");
    for (size_t i = 0; i < ELEMENTSOF(order); i++)
        order[i] = i;
    shuffle(order, ELEMENTSOF(order));
    for (size_t i = 0; i < ELEMENTSOF(order); i++) {
        write_noise(&c->source);
        if (writers[order[i]] == write_port) {
            if (one_in(100))
                c->accepted = false; /* without one */
            else
                write_port(c);
        } else if (!writers[order[i]])
            write_items(c, "arguments", true);
        else if (!one_in(3))
            writers[order[i]](c);
    }
    if (one_in(40))
        write_wrong_key(c);
    if (one_in(10) && !c->has_description)
        add(&c->source, "...\n");
    if (alias_twice(c->source.data))
        c->accepted = false;
    /* To a scalar it makes no difference. */
    if (one_in(10))
        use_crlf(&c->source);
}

/* --- Without a grammar ---------------------------------------------------------------------- */

static void make_changed(Case *c) {
    size_t n = 1 + below(4);

    make_grammar(c);
    c->kind = KIND_CHANGED;
    for (size_t i = 0; i < n && c->source.len > 0; i++) {
        const Text from = c->source;
        size_t at = below(from.len), cut = below(2) * below(from.len - at > 8 ? 8 : from.len - at);
        const char *s = below(2) ? PICK(hostile) : PICK(forbidden);

        c->source.len = at;
        if (one_in(3))
            add_char(&c->source, (char)below(256));
        else if (one_in(2))
            add(&c->source, s);
        add_bytes(&c->source, from.data + at + cut, from.len - at - cut);
    }
}

static void make_bytes(Case *c) {
    size_t n = below(400);

    *c = (Case){.kind = KIND_BYTES};
    if (one_in(2))
        add(&c->source, "port: 27015\narguments:\n  - ");
    for (size_t i = 0; i < n; i++)
        add_char(&c->source, (char)(one_in(3) ? below(256) : ' ' + below(95)));
}

static void make_case(Case *c) {
    size_t which = below(10);

    if (which < 6)
        make_grammar(c);
    else if (which < 9)
        make_changed(c);
    else
        make_bytes(c);
}

/* --- In this process ------------------------------------------------------------------------ */

typedef struct Counts {
    size_t accepted[3], refused[3];
} Counts;

static void pass_over(void *userdata, const SpecFault *fault) {
    (void)userdata;
    (void)fault;
}

static const char *check_dropin(const Spec *spec, const char *root, const DropinText *text) {
    char source_path[256];
    char *data = NULL;
    const char *fault;
    size_t len;
    FILE *f = open_memstream(&data, &len);

    if (!f)
        abort();
    dropin_write(f, root, "name", spec);
    if (fclose(f) != 0)
        abort();
    (void)snprintf(source_path, sizeof(source_path), "%s/instances/name/spec.yaml", root);
    fault = unit_reader_fault(data, len, source_path, text);
    if (fault)
        (void)fprintf(stderr, "inject: the drop-in:\n%s\n", data);
    free(data);
    return fault;
}

static void write_lowerdirs(Text *to, const Case *c, const char *root) {
    const char *s = c->overlays.data;

    clear(to);
    while (*s != '\0') {
        size_t n = strcspn(s, ":") + 1;

        add(to, root);
        add(to, "/overlays/");
        add_bytes(to, s, n);
        s += n;
    }
    add(to, root);
    add(to, "/installation");
}

/* By the grammar's knowledge. */
static const char *check_known(const Case *c, const Spec *spec, const char *root) {
    static Text lowerdirs;

    if (spec->autostart != c->autostart)
        return "autostart is not the spec's";
    write_lowerdirs(&lowerdirs, c, root);
    return check_dropin(
        spec, root,
        &(DropinText){.description = c->has_description ? c->description.data : NULL,
                      .port = c->port,
                      .args = c->args.data,
                      .lowerdirs = lowerdirs.data,
                      .ready = c->timing[0],
                      .ready_timeout = c->timing[1],
                      .watchdog = c->timing[2]});
}

/* By a second reading. */
static const char *check_reread(const Case *c, const Spec *spec, const char *root) {
    const char *fault = "what was accepted is no document";
    Intended intended;

    if (intended_read(&intended, c->source.data, c->source.len, root))
        fault = check_dropin(spec, root,
                             &(DropinText){.description = intended.description,
                                           .port = (unsigned)strtoul(intended.port, NULL, 10),
                                           .args = intended.args,
                                           .lowerdirs = intended.lowerdirs,
                                           .ready = intended.ready,
                                           .ready_timeout = intended.ready_timeout,
                                           .watchdog = intended.watchdog});
    intended_done(&intended);
    return fault;
}

static const char *check_case(const Case *c, Counts *counts) {
    static const char *const roots[] = {"/var/lib/left4me", "/srv/a b/50%n/\"it's\"/\\x;#"};
    static Spec spec;
    const char *root = roots[one_in(4)], *fault;
    Text source = c->source;
    int r = spec_parse(&spec, source.data, source.len, root, pass_over, NULL);

    if (r < 0 && r != -EBADMSG)
        return "the parser failed";
    if (r < 0) {
        counts->refused[c->kind]++;
        fault = check_dropin(NULL, root, NULL);
    } else {
        counts->accepted[c->kind]++;
        fault = c->kind == KIND_GRAMMAR && c->accepted ? check_known(c, &spec, root) : NULL;
        if (!fault)
            fault = check_reread(c, &spec, root);
    }
    if (!fault && c->kind == KIND_GRAMMAR && c->accepted != (r == 0))
        fault = r == 0 ? "it was accepted, and is no spec" : "it was refused, and is a spec";
    return fault;
}

static int check_all(size_t count) {
    static Case c;
    Counts n = {0};

    for (size_t i = 0; i < count; i++) {
        const char *fault;

        make_case(&c);
        fault = check_case(&c, &n);
        if (fault) {
            (void)fprintf(stderr, "inject: spec %zu: %s:\n%s\n", i, fault, c.source.data);
            return 1;
        }
    }
    (void)printf("inject: %zu specs: %zu of the grammar accepted, %zu refused; %zu of the changed "
                 "accepted, %zu refused; %zu of random bytes accepted, %zu refused\n",
                 count, n.accepted[KIND_GRAMMAR], n.refused[KIND_GRAMMAR], n.accepted[KIND_CHANGED],
                 n.refused[KIND_CHANGED], n.accepted[KIND_BYTES], n.refused[KIND_BYTES]);
    /* A grammar of which as good as nothing is accepted shows nothing. */
    return n.accepted[KIND_GRAMMAR] < count / 5 || n.accepted[KIND_CHANGED] < count / 50;
}

/* --- For others ----------------------------------------------------------------------------- */

static void write_json(FILE *f, const char *key, const char *text) {
    (void)fprintf(f, ", \"%s\": \"", key);
    for (; *text != '\0'; text++)
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
            (void)fprintf(f, "\\u%04x", (unsigned)*text);
        else
            (void)fputc(*text, f);
    (void)fputc('"', f);
}

static void write_expected(FILE *f, const char *name, const Case *c) {
    static Text lowerdirs;

    (void)fprintf(f, "{\"name\": \"%s\", \"known\": %s", name,
                  c->kind == KIND_GRAMMAR ? "true" : "false");
    if (c->kind == KIND_GRAMMAR)
        (void)fprintf(f, ", \"accepted\": %s", c->accepted ? "true" : "false");
    if (c->kind == KIND_GRAMMAR && c->accepted) {
        write_lowerdirs(&lowerdirs, c, LEFT4ME_ROOT_DIR);
        if (c->has_description)
            write_json(f, "description", c->description.data);
        (void)fprintf(f, ", \"port\": %u, \"autostart\": %s", c->port,
                      c->autostart ? "true" : "false");
        write_json(f, "args", c->args.data);
        write_json(f, "lowerdirs", lowerdirs.data);
        for (size_t i = 0; i < ELEMENTSOF(c->timing); i++)
            if (c->timing[i])
                write_json(f, ((const char *const[]){"ready", "ready_timeout", "watchdog"})[i],
                           c->timing[i]);
    }
    (void)fputs("}\n", f);
}

static FILE *create(const char *path) {
    FILE *f = fopen(path, "w");

    if (!f) {
        (void)fprintf(stderr, "inject: cannot write '%s': %s\n", path, strerror(errno));
        exit(1);
    }
    return f;
}

static int write_all(size_t count, const char *dir, const char *prefix) {
    static Case c;
    char path[4096];
    FILE *expected, *spec;
    bool failed = false;

    (void)snprintf(path, sizeof(path), "%s/expected", dir);
    expected = create(path);
    for (size_t i = 0; i < count && !failed; i++) {
        char name[32];

        make_case(&c);
        (void)snprintf(name, sizeof(name), "%s%05zu", prefix, i);
        (void)snprintf(path, sizeof(path), "%s/instances/%s", dir, name);
        if (mkdir(path, 0755) < 0)
            failed = true;
        (void)snprintf(path, sizeof(path), "%s/instances/%s/spec.yaml", dir, name);
        spec = create(path);
        failed |= fwrite(c.source.data, 1, c.source.len, spec) != c.source.len;
        failed |= fclose(spec) != 0;
        write_expected(expected, name, &c);
    }
    failed |= fclose(expected) != 0;
    return failed;
}

int main(int argc, char *argv[]) {
    static const struct option options[] = {
        {"count", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 's'},
        {"write", required_argument, NULL, 'w'},
        {"prefix", required_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    struct timespec now;
    const char *dir = NULL, *prefix = "inject";
    size_t count = 0;
    int c;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    random_state = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
        if (c == 'c')
            count = strtoul(optarg, NULL, 10);
        else if (c == 's')
            random_state = strtoull(optarg, NULL, 10);
        else if (c == 'w')
            dir = optarg;
        else if (c == 'p')
            prefix = optarg;
        else
            return 2;
    (void)fprintf(stderr, "inject: --seed %" PRIu64 "\n", random_state);
    return dir ? write_all(count, dir, prefix) : check_all(count);
}
