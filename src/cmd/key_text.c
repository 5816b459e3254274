/* SPDX-License-Identifier: Apache-2.0 */
/* A key as people and programs read it. */
#include "cmd/key_text.h"

#include <stdio.h>
#include <time.h>

static void write_time(struct json_out *o, const char *name, int64_t us);

void key_write(struct json_out *o, const struct key_row *row, int64_t now_us)
{
    json_text(json_key(o, "id"), str_from(row->id));
    json_text(json_key(o, "name"), row->name);
    json_text(json_key(o, "owner"), row->owner);
    json_text(json_key(o, "role"), str_from(key_role_name(row->role)));
    json_text(json_key(o, "prefix"), row->prefix);
    json_text(json_key(o, "last4"), row->last4);
    json_text(json_key(o, "state"), str_from(key_state(row, now_us)));
    write_time(o, "created", row->created_us);
    write_time(o, "expires", row->expires_us);
    write_time(o, "revoked", row->revoked_us);
    json_raw(json_key(o, "rules"), row->rules.len ? row->rules : STR("{}"));
}

const char *key_state(const struct key_row *row, int64_t now_us)
{
    if (row->revoked_us)
        return "revoked";
    return row->expires_us && now_us >= row->expires_us ? "expired" : "good";
}

const char *key_role_name(enum key_role role)
{
    return role == KEY_operator ? "operator" : "caller";
}

void key_time(char out[KEY_TIME_ROOM], int64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm utc = {0};

    if (!us) {
        snprintf(out, KEY_TIME_ROOM, "never");
        return;
    }
    gmtime_r(&seconds, &utc);
    strftime(out, KEY_TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* null: never. */
static void write_time(struct json_out *o, const char *name, int64_t us)
{
    char text[KEY_TIME_ROOM];

    key_time(text, us);
    if (us)
        json_text(json_key(o, name), str_from(text));
    else
        json_raw(json_key(o, name), STR("null"));
}
