/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What may be the name of an instance, of an overlay, of an alias. All in ASCII, none of them in
 * need of escaping in a unit's name, a unit file's path or a list separated by colons. */

#include <stdbool.h>

#define INSTANCE_NAME_MAX 64
#define OVERLAY_COMPONENT_MAX 255
#define ALIAS_MAX 64

/* 1 to 64 of a-z A-Z 0-9 _ -, the first a letter or digit. */
bool instance_name_valid(const char *name);

/* Relative, components separated by single slashes, each 1 to 255 of A-Z a-z 0-9 . _ + @ -, the
 * first a letter, digit or underscore (so neither "." nor ".."). */
bool overlay_path_valid(const char *path);

/* One component of such a path. */
bool overlay_component_valid(const char *component);

/* 1 to 64 of A-Z a-z 0-9 _ -. */
bool alias_valid(const char *alias);

/* Where the instances' files are; the paths below it are the contract's:
 * instances/NAME/spec.yaml, overlays/PATH, installation, runtime/NAME/{upper,work,merged}. */
#ifndef LEFT4ME_ROOT_DIR
#error "LEFT4ME_ROOT_DIR comes from configure, by way of Makefile.am"
#endif
