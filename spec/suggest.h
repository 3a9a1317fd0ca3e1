/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Returns the one of NAMES, NULL at the end, that WORD most likely was meant to be: at most two
 * letters missing, too many, changed or in the wrong order, whatever their case; NULL where none is
 * that close. */
const char *suggest(const char *word, const char *const *names);
