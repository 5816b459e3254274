/* SPDX-License-Identifier: Apache-2.0 */
/* Settings for other programs. */
#include "cmd/connect.h"

#include <string.h>

#include "wire/json.h"

static const struct str *place_at(struct str text, const struct client_values *values,
                                  size_t *length);
static bool is_complete(struct str line, const struct client_values *values);
static int fill(struct buf *out, struct str line, const struct client_values *values);

const struct client_row client_rows[] = {
#define CLIENT(id, typed, ...) {.name = typed, __VA_ARGS__},
#include "tables/clients.def"
};

const size_t client_count = COUNT_OF(client_rows);

const struct client_row *client_find(const char *name)
{
    for (size_t i = 0; i < client_count; i++)
        if (strcmp(client_rows[i].name, name) == 0)
            return &client_rows[i];
    return NULL;
}

int client_write(struct buf *out, const struct client_row *client,
                 const struct client_values *values)
{
    struct str rest = str_from(client->text);
    int r = 0;

    while (rest.len && r == 0) {
        struct str line = str_cut(rest, '\n', &rest);

        if (!is_complete(line, values))
            continue;
        r = fill(out, line, values);
        if (r == 0)
            r = buf_put_char(out, '\n');
    }
    return r;
}

/* The value of the place that the text begins with, and the place's length; NULL: it is none. */
static const struct str *place_at(struct str text, const struct client_values *values,
                                  size_t *length)
{
    const struct {
        struct str place;
        const struct str *value;
    } places[] = {
        {STR("{url}"), &values->url},
        {STR("{key}"), &values->key},
        {STR("{model}"), &values->model},
        {STR("{embed}"), &values->embed},
    };

    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (str_starts(text, places[i].place)) {
            *length = places[i].place.len;
            return places[i].value;
        }
    return NULL;
}

static bool is_complete(struct str line, const struct client_values *values)
{
    size_t length;

    for (size_t i = 0; i < line.len; i++) {
        const struct str *value = place_at(str_slice(line.data + i, line.len - i), values, &length);

        if (value && !value->len)
            return false;
    }
    return true;
}

static int fill(struct buf *out, struct str line, const struct client_values *values)
{
    int r = 0;

    for (size_t i = 0, length; i < line.len && r == 0; i += length) {
        const struct str *value = place_at(str_slice(line.data + i, line.len - i), values, &length);

        if (value) {
            r = json_put_escaped(out, *value);
        } else {
            length = 1;
            r = buf_put_char(out, line.data[i]);
        }
    }
    return r;
}
