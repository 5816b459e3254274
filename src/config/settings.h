/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings: one struct made from tables/settings.def, filled from four sources.
 *
 *     settings_init(&s);                                     the fallbacks
 *     settings_set(&s, STR("gateway.queue_max"), value, "fleet.yaml:3:14", err);
 *     settings_read_environment(&s, environ, err);           TAMPU_QUEUE_MAX=64
 *     settings_set_flag(&s, STR("queue-max"), value, err);   --queue-max 64
 *
 * Later calls win. Fields ending in _ms are milliseconds, sizes are bytes. Texts are borrowed:
 * they must live as long as the settings. Pure: the environment is handed in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

typedef uint32_t setting_number;
typedef uint64_t setting_bytes;
typedef uint64_t setting_duration;
typedef bool setting_flag;
typedef struct str setting_text;

struct settings {
#define SETTING(field, type, ...) setting_##type field;
#include "tables/settings.def"
};

/* Every field has its fallback. */
void settings_init(struct settings *s);

/* One value by its full key. `where` and ": " go in front of the message ("--queue-max"),
 * unless it is NULL.
 * 0; -ENOENT no such key (err suggests one); -EINVAL, -ERANGE not a value for it. */
MUST_USE int settings_set(struct settings *s, struct str key, struct str value, const char *where,
                          struct err *err);

/* Every variable that names a setting: TAMPU_ and the key after "gateway.", dots and case
 * turned. Other variables are not looked at. */
MUST_USE int settings_read_environment(struct settings *s, char *const *variables, struct err *err);

/* Does it begin like ours, and nobody reads it? nearest: the variable that is spelled most like it,
 * or "". */
enum { SETTINGS_VARIABLE_MAX = 64 };
bool settings_is_stray(struct str variable, char nearest[static SETTINGS_VARIABLE_MAX]);

/* A command-line flag without its dashes: "queue-max", "tls-key". -ENOENT: not a setting. */
MUST_USE int settings_set_flag(struct settings *s, struct str flag, struct str value,
                               struct err *err);

/* What `tampu help settings` shows and docs/reference/settings.md holds. */
MUST_USE int settings_write_reference(struct buf *out);

/* Each setting's value as a user would write it, "key: value" lines; for /admin and logs. */
MUST_USE int settings_write(const struct settings *s, struct buf *out);

/* The words of a setting by its full key; empty when there is none. */
struct str settings_help(struct str key);
