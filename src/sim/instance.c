/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values by a schema, words by dice. */
#include "sim/instance.h"

static void write_value(struct json_out *o, yyjson_val *schema, struct str *text, uint64_t *state,
                        unsigned depth);
static void write_object(struct json_out *o, yyjson_val *schema, struct str *text, uint64_t *state,
                         unsigned depth);
static void write_leaf(struct json_out *o, yyjson_val *schema, struct str *text, uint64_t *state);
static yyjson_val *simplest(yyjson_val *schema);
static struct str schema_type(yyjson_val *schema);

enum { DEPTH_MAX = 8 };

static const char *const vocabulary[] = {
    "alpaca",  "altar",   "barley",  "basin",   "beacon", "bridge",  "bundle",  "canal",
    "candle",  "caravan", "cedar",   "chasm",   "clay",   "cliff",   "cord",    "crest",
    "dune",    "ember",   "ferry",   "field",   "flint",  "forge",   "garden",  "glacier",
    "granite", "grove",   "harness", "herder",  "inn",    "kettle",  "lantern", "ledge",
    "llama",   "maize",   "market",  "meadow",  "mesa",   "mill",    "orchard", "pass",
    "path",    "peak",    "plateau", "quarry",  "quinoa", "rampart", "reed",    "ridge",
    "river",   "road",    "runner",  "saddle",  "salt",   "shelter", "signal",  "spring",
    "stable",  "stair",   "station", "terrace", "torch",  "tower",   "valley",  "wool",
};

void instance_write(struct json_out *o, yyjson_val *schema, struct str *text, uint64_t seed)
{
    write_value(o, schema, text, &seed, 0);
}

uint64_t dice_draw(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

struct str dice_word(uint64_t *state)
{
    return str_from(vocabulary[dice_draw(state) % COUNT_OF(vocabulary)]);
}

static void write_value(struct json_out *o, yyjson_val *schema, struct str *text, uint64_t *state,
                        unsigned depth)
{
    yyjson_val *list;
    struct str type;

    schema = simplest(schema);
    type = schema_type(schema);
    list = json_find(schema, "enum");
    if (json_find(schema, "const")) {
        json_value(o, json_find(schema, "const"));
    } else if (yyjson_arr_size(list) > 0) {
        json_value(o, yyjson_arr_get(list, dice_draw(state) % yyjson_arr_size(list)));
    } else if (str_is(type, "object") && depth < DEPTH_MAX) {
        write_object(o, schema, text, state, depth);
    } else if (str_is(type, "array")) {
        json_open(o, '[');
        if (depth < DEPTH_MAX)
            write_value(o, json_find(schema, "items"), text, state, depth + 1);
        json_close(o, ']');
    } else {
        write_leaf(o, schema, text, state);
    }
}

static void write_leaf(struct json_out *o, yyjson_val *schema, struct str *text, uint64_t *state)
{
    struct str type = schema_type(schema);

    if (str_is(type, "integer") || str_is(type, "number")) {
        json_number(o, json_find_u64(schema, "minimum") + dice_draw(state) % 100);
    } else if (str_is(type, "boolean")) {
        json_bool(o, dice_draw(state) & 1);
    } else if (str_is(type, "null")) {
        json_raw(o, STR("null"));
    } else if (str_is(type, "object")) {
        json_raw(o, STR("{}"));
    } else {
        json_text(o, text->len ? *text : dice_word(state));
        *text = str_slice(NULL, 0);
    }
}

static void write_object(struct json_out *o, yyjson_val *schema, struct str *text, uint64_t *state,
                         unsigned depth)
{
    yyjson_val *key, *value;
    size_t i, max;

    json_open(o, '{');
    yyjson_obj_foreach(json_find(schema, "properties"), i, max, key, value)
    {
        json_key_str(o, str_slice(yyjson_get_str(key), yyjson_get_len(key)));
        write_value(o, value, text, state, depth + 1);
    }
    json_close(o, '}');
}

/* The first of several allowed. */
static yyjson_val *simplest(yyjson_val *schema)
{
    yyjson_val *some = json_find(schema, "anyOf");

    if (!some)
        some = json_find(schema, "oneOf");
    return some && yyjson_arr_size(some) ? yyjson_arr_get_first(some) : schema;
}

static struct str schema_type(yyjson_val *schema)
{
    yyjson_val *type = json_find(schema, "type");

    if (yyjson_is_arr(type))
        type = yyjson_arr_get_first(type);
    if (!type)
        return json_find(schema, "properties") ? STR("object") : STR("string");
    return json_str(type);
}
