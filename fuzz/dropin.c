/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libFuzzer's target for the way from spec to drop-in, which is what stands between whoever may
 * write a spec and PID 1. The input is the spec. Two readings of others judge:
 * tests/inject/intended.c says what the spec's texts are, tests/inject/unit-reader.c what the
 * drop-in says. */

#include <stdlib.h>
#include <string.h>

#include "generator/dropin.h"
#include "spec/words.h"
#include "tests/inject/intended.h"
#include "tests/inject/unit-reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The second one is none that configure takes, but a dry run does. */
static const char *const roots[] = {"/var/lib/left4me", "/srv/a b/100%n/\"it's\"/\\x;#"};

static void expect(bool condition) {
    if (!condition)
        abort();
}

static void pass_over(void *userdata, const SpecFault *fault) {
    (void)userdata;
    (void)fault;
}

static void check_dropin(const char *root, const Spec *spec, const DropinText *text) {
    char source_path[256];
    char *data = NULL;
    size_t len;
    FILE *f = open_memstream(&data, &len);

    expect(f != NULL);
    dropin_write(f, root, "name", spec);
    expect(fclose(f) == 0);
    (void)snprintf(source_path, sizeof(source_path), "%s/instances/name/spec.yaml", root);
    expect(unit_reader_fault(data, len, source_path, text) == NULL);
    free(data);
}

/* Of what was accepted systemd makes the same words as we do, and those of one item never reach
 * into the next. */
static void check_words(const char *args, size_t n_expected) {
    size_t size = strlen(args) + 1, n, len;
    char *words = unit_reader_words(args, &n, &len), *expected = words;
    char *word = malloc(size);
    int r;

    expect(word && words && n == n_expected);
    while ((r = words_next(&args, word, size)) > 0) {
        expect(n-- > 0);
        expect(strcmp(word, expected) == 0);
        expected += strlen(expected) + 1;
    }
    expect(r == 0 && n == 0);
    free(words);
    free(word);
}

static void check_accepted(const char *root, const Spec *spec, const uint8_t *data, size_t size) {
    Intended intended;
    DropinText text;

    expect(intended_read(&intended, (const char *)data, size, root));
    text = (DropinText){.description = intended.description,
                        .port = (unsigned)strtoul(intended.port, NULL, 10),
                        .args = intended.args,
                        .lowerdirs = intended.lowerdirs,
                        .ready = intended.ready,
                        .ready_timeout = intended.ready_timeout,
                        .watchdog = intended.watchdog};
    check_dropin(root, spec, &text);
    check_words(spec->args, intended.n_words);
    expect(strcmp(spec->config, intended.config) == 0);
    expect(spec->autostart == intended.autostart);
    intended_done(&intended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Spec spec;
    char *text;

    if (size > SPEC_SIZE_MAX)
        return 0;
    text = malloc(size + 1);
    expect(text != NULL);
    for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
        memcpy(text, data, size);
        if (spec_parse(&spec, text, size, roots[i], pass_over, NULL) == 0)
            check_accepted(roots[i], &spec, data, size);
        else
            check_dropin(roots[i], NULL, NULL);
    }
    free(text);
    return 0;
}
