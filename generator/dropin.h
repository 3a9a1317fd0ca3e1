/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The compiled instance: a drop-in with the spec's data, in the syntax of systemd.syntax(7). */

#include <stdio.h>

#include "spec/spec.h"

/* Writes the drop-in of instance NAME; without SPEC, the one of a refused spec, whose start is to
 * fail once. Errors are F's, as ferror(3) tells. */
void dropin_write(FILE *f, const char *root, const char *name, const Spec *spec);
