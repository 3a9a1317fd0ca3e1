/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libFuzzer's target for the spec parser: what spec/spec.h promises of every text, and the
 * contract of a spec that is accepted. The input is the spec. */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "spec/spec.h"

#define ROOT "/var/lib/left4me"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Seen {
    const char *text;
    size_t len;
    unsigned errors, faults;
    uint64_t hash; /* of all that was told */
} Seen;

static void expect(bool condition) {
    if (!condition)
        abort();
}

static bool one_of(char c, const char *set) {
    return c != '\0' && strchr(set, c);
}

/* --- Faults --------------------------------------------------------------------------------- */

/* Blanks, and the dash of a list's item. */
static size_t skip_lead(const char *s, size_t len) {
    size_t i = 0;

    while (i < len &&
           (one_of(s[i], " \t") || (s[i] == '-' && i + 1 < len && one_of(s[i + 1], " \t"))))
        i++;
    return i;
}

/* The contract: of a spec nothing is quoted but a key's name, or a line that is one of four keys
 * and its scalar. All else may be a secret. */
static bool may_be_shown(const char *s, size_t len) {
    static const char *const public_keys[] = {"port", "autostart", "path", "alias"};
    size_t i = skip_lead(s, len), n = i;

    for (size_t k = 0; k < sizeof(public_keys) / sizeof(*public_keys); k++) {
        size_t end = i + strlen(public_keys[k]);

        if (end > len || memcmp(s + i, public_keys[k], end - i) != 0)
            continue;
        while (end < len && one_of(s[end], " \t"))
            end++;
        if (end < len && s[end] == ':')
            return true;
    }
    while (n < len && (one_of(s[n], "_-") || (s[n] >= '0' && s[n] <= '9') ||
                       ((s[n] | 0x20) >= 'a' && (s[n] | 0x20) <= 'z')))
        n++;
    return n == len && n > i;
}

static void check_fault(void *userdata, const SpecFault *fault) {
    Seen *seen = userdata;

    expect(fault->level == LOG_ERR || fault->level == LOG_WARNING);
    expect(fault->line >= 1 && fault->column >= 1);
    expect(fault->message && *fault->message != '\0' && strlen(fault->message) < 512);
    for (const char *c = fault->message; *c != '\0'; c++)
        expect(*c >= ' ' && *c <= '~');
    if (fault->source) {
        expect(fault->source >= seen->text);
        expect(fault->source + fault->source_len <= seen->text + seen->len);
        expect(!memchr(fault->source, '\n', fault->source_len));
        expect(may_be_shown(fault->source, fault->source_len));
    }
    seen->faults++;
    seen->errors += fault->level == LOG_ERR;
    for (const char *c = fault->message; *c != '\0'; c++)
        seen->hash = (seen->hash ^ (uint8_t)*c) * 0x100000001b3;
    seen->hash = (seen->hash ^ fault->line) * 0x100000001b3 ^ fault->column;
}

/* --- What was accepted ---------------------------------------------------------------------- */

/* Returns the length; all of it is in the arena, UTF-8 and free of control characters but those of
 * ALLOWED. */
static size_t check_text(const Spec *spec, const char *text, const char *allowed) {
    size_t len = strlen(text);

    if (text < spec->arena || text >= spec->arena + sizeof(spec->arena))
        expect(len == 0);
    else
        expect(text + len < spec->arena + spec->arena_used);
    for (size_t i = 0; i < len; i++) {
        const uint8_t c = (uint8_t)text[i], next = (uint8_t)text[i + 1];

        expect((c >= ' ' && c != 0x7f) || one_of((char)c, allowed));
        expect(!(c == 0xc2 && next < 0xa0)); /* C1 */
        expect(strncmp(text + i, "\u2028", 3) != 0 && strncmp(text + i, "\u2029", 3) != 0);
        /* Bytes that UTF-8 never has. */
        expect(c != 0xc0 && c != 0xc1 && c <= 0xf4);
    }
    return len;
}

static bool is_name(const char *s, const char *further) {
    size_t len = strlen(s);

    for (size_t i = 0; i < len; i++)
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
              (s[i] >= '0' && s[i] <= '9') || one_of(s[i], further)))
            return false;
    return len > 0;
}

static void check_overlays(const Spec *spec) {
    size_t lowerdirs = strlen(ROOT "/installation");

    expect(spec->n_overlays <= SPEC_OVERLAYS_MAX);
    for (size_t i = 0; i < spec->n_overlays; i++) {
        const char *path = spec->overlays[i].path, *alias = spec->overlays[i].alias;
        size_t len = strlen(path);

        expect(is_name(path, "._+@-/") && path[len - 1] != '/');
        expect(!one_of(path[0], ".+@-/") && !strstr(path, "/.") && !strstr(path, "//"));
        expect(!strstr(path, "/-") && !strstr(path, "/+") && !strstr(path, "/@"));
        expect(!alias || (is_name(alias, "_-") && strlen(alias) <= 64));
        lowerdirs += len + strlen(ROOT "/overlays/:");
        for (size_t k = 0; k < i; k++) {
            const char *other = spec->overlays[k].path, *other_alias = spec->overlays[k].alias;
            size_t shorter = strlen(other) < len ? strlen(other) : len;

            expect(
                strncmp(path, other, shorter) != 0 ||
                (path[shorter] != '/' && other[shorter] != '/' && path[shorter] != other[shorter]));
            expect(!alias || !other_alias || strcmp(alias, other_alias) != 0);
        }
    }
    expect(lowerdirs <= SPEC_VALUE_MAX);
}

static void check_spec(const Spec *spec) {
    expect(spec->port >= 1);
    expect(spec->arena_used <= sizeof(spec->arena));
    expect(check_text(spec, spec->args, "") <= SPEC_VALUE_MAX);
    expect(check_text(spec, spec->config, "\t\n") <= SPEC_SIZE_MAX);
    if (spec->description) {
        size_t len = check_text(spec, spec->description, "");

        expect(len > 0 && !strchr(spec->description, '\\'));
        expect(strspn(spec->description, " ") < len);
    }
    check_overlays(spec);
}

/* --- Running -------------------------------------------------------------------------------- */

/* In memory of their own, so that what is read or written beyond an end is seen. */
static int parse(Spec *spec, const uint8_t *data, size_t size, Seen *seen) {
    char *text = malloc(size + 1);
    int r;

    expect(text != NULL);
    memcpy(text + 1, data, size);
    *seen = (Seen){.text = text + 1, .len = size, .hash = 0xcbf29ce484222325};
    r = spec_parse(spec, text + 1, size, ROOT, check_fault, seen);
    free(text);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* What lies behind its arena is seen to be no one's. */
    static Spec spec;
    Seen first, second;
    int r;

    if (size > SPEC_SIZE_MAX)
        return 0;
    memset(&spec, 0xa5, offsetof(Spec, arena));
    r = parse(&spec, data, size, &first);
    expect(r == 0 || r == -EBADMSG);
    expect((r == 0) == (first.errors == 0));
    if (r == 0)
        check_spec(&spec);

    /* What a former spec left behind changes nothing. */
    expect(parse(&spec, data, size, &second) == r);
    expect(first.faults == second.faults && first.hash == second.hash);
    return 0;
}
