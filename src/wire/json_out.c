/* SPDX-License-Identifier: Apache-2.0 */
/* JSON piece by piece. */
#include "wire/json_out.h"

/* True when the value may be written; sets the comma that it needs. */
static bool begin(struct json_out *o);

struct json_out *json_key(struct json_out *o, const char *key)
{
    size_t len = strlen(key), size = len + 3 + o->comma;
    char *at;

    if (!o->error && size > o->out->room - o->out->len)
        o->error = buf_reserve(o->out, size);
    if (o->error)
        return o;
    at = o->out->data + o->out->len;
    if (o->comma)
        *at++ = ',';
    *at++ = '"';
    memcpy(at, key, len);
    memcpy(at + len, "\":", 2);
    o->out->len += size;
    o->comma = false;
    return o;
}

struct json_out *json_key_str(struct json_out *o, struct str key)
{
    if (begin(o))
        o->error = json_put_string(o->out, key);
    if (!o->error)
        o->error = buf_put_char(o->out, ':');
    o->comma = false;
    return o;
}

void json_open(struct json_out *o, char bracket)
{
    if (begin(o))
        o->error = buf_put_char(o->out, bracket);
    o->comma = false;
}

void json_close(struct json_out *o, char bracket)
{
    if (!o->error)
        o->error = buf_put_char(o->out, bracket);
    o->comma = true;
}

void json_text(struct json_out *o, struct str s)
{
    if (begin(o))
        o->error = json_put_string(o->out, s);
}

void json_joined(struct json_out *o, struct str first, struct str second)
{
    const struct str parts[] = {STR("\""), first, second, STR("\"")};

    if (!begin(o))
        return;
    for (size_t i = 0; i < COUNT_OF(parts) && !o->error; i++)
        o->error = i % 3 ? json_put_escaped(o->out, parts[i]) : buf_put(o->out, parts[i]);
}

void json_number(struct json_out *o, uint64_t value)
{
    if (begin(o))
        o->error = buf_put_u64(o->out, value);
}

void json_double(struct json_out *o, double value)
{
    if (begin(o))
        o->error = json_put_double(o->out, value);
}

void json_bool(struct json_out *o, bool value)
{
    json_raw(o, value ? STR("true") : STR("false"));
}

void json_value(struct json_out *o, yyjson_val *value)
{
    if (begin(o))
        o->error = json_put_value(o->out, value);
}

void json_raw(struct json_out *o, struct str text)
{
    if (begin(o))
        o->error = buf_put(o->out, text);
}

static bool begin(struct json_out *o)
{
    if (o->comma && !o->error)
        o->error = buf_put_char(o->out, ',');
    o->comma = true;
    return !o->error;
}
