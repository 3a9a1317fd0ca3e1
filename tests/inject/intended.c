/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/inject/intended.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static const char *text_of(const yaml_node_t *node) {
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

static yaml_node_t *value_of(yaml_document_t *document, const yaml_node_t *map, const char *key) {
    if (map->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
         pair < map->data.mapping.pairs.top; pair++)
        if (strcmp(text_of(yaml_document_get_node(document, pair->key)), key) == 0)
            return yaml_document_get_node(document, pair->value);
    return NULL;
}

static char *copy(const char *text) {
    char *s = strdup(text);

    if (!s)
        abort();
    return s;
}

/* The items of a list with SEPARATOR between them, or a scalar as it is. */
static char *joined(yaml_document_t *document, const yaml_node_t *node, char separator) {
    char *text = NULL;
    size_t len;
    FILE *f;

    if (!node || node->type != YAML_SEQUENCE_NODE)
        return copy(node ? text_of(node) : "");
    f = open_memstream(&text, &len);
    if (!f)
        abort();
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++)
        (void)fprintf(f, "%s%c", text_of(yaml_document_get_node(document, *item)), separator);
    if (fclose(f) != 0)
        abort();
    if (len > 0)
        text[len - 1] = '\0';
    return text;
}

static size_t count_words(yaml_document_t *document, const yaml_node_t *list) {
    size_t words = 0;

    if (!list || list->type != YAML_SEQUENCE_NODE)
        return 0;
    for (const yaml_node_item_t *item = list->data.sequence.items.start;
         item < list->data.sequence.items.top; item++) {
        size_t n = 0, len;

        free(unit_reader_words(text_of(yaml_document_get_node(document, *item)), &n, &len));
        words += n;
    }
    return words;
}

static char *lowerdirs(yaml_document_t *document, const yaml_node_t *list, const char *root) {
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    if (!f)
        abort();
    if (list && list->type == YAML_SEQUENCE_NODE)
        for (const yaml_node_item_t *item = list->data.sequence.items.start;
             item < list->data.sequence.items.top; item++) {
            const yaml_node_t *node = yaml_document_get_node(document, *item);
            const yaml_node_t *path = value_of(document, node, "path");

            (void)fprintf(f, "%s/overlays/%s:", root, text_of(path ? path : node));
        }
    (void)fprintf(f, "%s/installation", root);
    if (fclose(f) != 0)
        abort();
    return text;
}

static char *copy_of(yaml_document_t *document, const yaml_node_t *map, const char *key) {
    const yaml_node_t *node = value_of(document, map, key);

    return node ? copy(text_of(node)) : NULL;
}

static void read_root(Intended *intended, yaml_document_t *document, const yaml_node_t *map,
                      const char *root) {
    const yaml_node_t *description = value_of(document, map, "description");
    const yaml_node_t *port = value_of(document, map, "port");
    const yaml_node_t *autostart = value_of(document, map, "autostart");
    const yaml_node_t *arguments = value_of(document, map, "arguments");

    if (description && strspn(text_of(description), " ") < strlen(text_of(description)))
        intended->description = copy(text_of(description));
    intended->port = copy(port ? text_of(port) : "");
    intended->ready = copy_of(document, map, "ready");
    intended->ready_timeout = copy_of(document, map, "ready_timeout");
    intended->watchdog = copy_of(document, map, "watchdog");
    intended->autostart = autostart && strcmp(text_of(autostart), "true") == 0;
    intended->args = joined(document, arguments, ' ');
    intended->n_words = count_words(document, arguments);
    intended->config = joined(document, value_of(document, map, "config"), '\n');
    intended->lowerdirs = lowerdirs(document, value_of(document, map, "overlays"), root);
}

bool intended_read(Intended *intended, const char *text, size_t len, const char *root) {
    yaml_document_t document;
    yaml_parser_t parser;
    yaml_node_t *map;
    bool done = false;

    *intended = (Intended){0};
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        len -= 3;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (yaml_parser_load(&parser, &document)) {
        map = yaml_document_get_root_node(&document);
        if (map) {
            read_root(intended, &document, map, root);
            done = true;
        }
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return done;
}

void intended_done(Intended *intended) {
    free(intended->description);
    free(intended->args);
    free(intended->config);
    free(intended->lowerdirs);
    free(intended->port);
    free(intended->ready);
    free(intended->ready_timeout);
    free(intended->watchdog);
}
