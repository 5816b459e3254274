/* SPDX-License-Identifier: Apache-2.0 */
/* tampu connect: what to tell other programs so that they use this gateway. */
#include <stdio.h>

#include "cmd/ask.h"
#include "cmd/command.h"
#include "cmd/connect.h"
#include "cmd/option.h"
#include "cmd/table.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "wire/json_out.h"

enum { OUTPUT_MAX = 1 << 20 };

static int list(void);
static int connect(const struct client_row *client, const struct options *o);
static int find_models(struct client_values *values, struct json *tags, struct buf *answer,
                       const char *url, struct err *err);
static struct str first_that(yyjson_val *models, const char *capability, const char *also);
static bool has_word(yyjson_val *list, const char *word);
static int print(const struct client_row *client, const struct client_values *values, bool as_json);
static int put_text(struct buf *out, const struct client_row *client, struct str text);
static int put_json(struct buf *out, const struct client_row *client,
                    const struct client_values *values, struct str text);

int cmd_connect(int argc, char **argv)
{
    const struct client_row *client;
    struct options o = {0};
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    if (!o.operand_count)
        return list();
    client = client_find(o.operands[0]);
    if (!client)
        return usage_error("connect", "there is no client '%s'; tampu connect lists them",
                           o.operands[0]);
    return connect(client, &o);
}

static int list(void)
{
    struct table t;
    struct buf out;
    int status = EXIT_no;

    table_init(&t, 3);
    for (size_t i = 0; i < client_count; i++) {
        table_add(&t, PAINT_none, str_from(client_rows[i].name));
        table_add(&t, PAINT_none, str_from(client_rows[i].title));
        table_add(&t, PAINT_faint, str_from(client_rows[i].where));
    }
    buf_init(&out, OUTPUT_MAX);
    if (table_write(&t, &out, 0, terminal_takes_colors()) == 0)
        status = terminal_print(buf_str(&out));
    buf_fini(&out);
    table_fini(&t);
    return status;
}

/* Without --model the gateway is asked what it has. */
static int connect(const struct client_row *client, const struct options *o)
{
    const char *url = option_given(o, "gateway") ? option_value(o, "gateway") : ask_default_url;
    struct client_values values = {
        .url = str_from(url),
        .key = str_from(option_given(o, "key") ? option_value(o, "key") : "YOUR-KEY"),
        .model = str_from(option_given(o, "model") ? option_value(o, "model") : ""),
        .embed = str_from(option_given(o, "embed") ? option_value(o, "embed") : ""),
    };
    struct json tags = {0};
    struct err err = {0};
    struct buf answer;
    int status, r = 0;

    while (values.url.len && values.url.data[values.url.len - 1] == '/')
        values.url.len--;
    buf_init(&answer, ANSWER_MAX);
    if (!values.model.len)
        r = find_models(&values, &tags, &answer, url, &err);
    if (r < 0)
        status = command_no("connect", "%s; or say --model NAME", err.text);
    else
        status = print(client, &values, option_given(o, "json"));
    json_fini(&tags);
    buf_fini(&answer);
    return status;
}

static int find_models(struct client_values *values, struct json *tags, struct buf *answer,
                       const char *url, struct err *err)
{
    yyjson_val *models;
    int r = ask_gateway(answer, url, "/api/tags", err);

    if (r == 0)
        r = json_read(tags, buf_str(answer), JSON_MEMORY(answer->len), err);
    if (r < 0)
        return r;
    models = json_find(tags->root, "models");
    values->model = first_that(models, "completion", "tools");
    if (!values->model.len)
        values->model = first_that(models, "completion", NULL);
    if (!values->embed.len)
        values->embed = first_that(models, "embedding", NULL);
    return values->model.len ? 0 : err_set(err, -1, "%s has no model to talk to", url);
}

static struct str first_that(yyjson_val *models, const char *capability, const char *also)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(models);
    yyjson_val *model;

    while ((model = yyjson_arr_iter_next(&each))) {
        yyjson_val *capabilities = json_find(model, "capabilities");

        if (has_word(capabilities, capability) && (!also || has_word(capabilities, also)))
            return json_find_str(model, "name");
    }
    return (struct str){0};
}

static bool has_word(yyjson_val *list, const char *word)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(list);
    yyjson_val *entry;

    while ((entry = yyjson_arr_iter_next(&each)))
        if (str_is(json_str(entry), word))
            return true;
    return false;
}

static int print(const struct client_row *client, const struct client_values *values, bool as_json)
{
    struct buf text, out;
    int r, status = EXIT_no;

    buf_init(&text, OUTPUT_MAX);
    buf_init(&out, OUTPUT_MAX);
    r = client_write(&text, client, values);
    if (r == 0)
        r = as_json ? put_json(&out, client, values, buf_str(&text))
                    : put_text(&out, client, buf_str(&text));
    if (r == 0)
        status = terminal_print(buf_str(&out));
    buf_fini(&text);
    buf_fini(&out);
    return status;
}

static int put_text(struct buf *out, const struct client_row *client, struct str text)
{
    int r = buf_printf(out, "%s: %s\n\n", client->title, client->where);

    if (r == 0)
        r = buf_put(out, text);
    if (r == 0 && client->note)
        r = buf_printf(out, "\n%s\n", client->note);
    return r < 0
               ? r
               : buf_printf(out, "\nA key of its own: tampu key create --name %s\n", client->name);
}

static int put_json(struct buf *out, const struct client_row *client,
                    const struct client_values *values, struct str text)
{
    struct str rest = str_from(client->calls);
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_text(json_key(&o, "client"), str_from(client->name));
    json_text(json_key(&o, "title"), str_from(client->title));
    json_text(json_key(&o, "where"), str_from(client->where));
    json_text(json_key(&o, "text"), text);
    json_text(json_key(&o, "gateway"), values->url);
    json_text(json_key(&o, "model"), values->model);
    json_text(json_key(&o, "embed"), values->embed);
    json_text(json_key(&o, "note"), str_from(client->note ? client->note : ""));
    json_open(json_key(&o, "calls"), '[');
    while (rest.len)
        json_text(&o, str_trim(str_cut(rest, ',', &rest)));
    json_close(&o, ']');
    json_close(&o, '}');
    return o.error ? o.error : buf_put_char(out, '\n');
}
