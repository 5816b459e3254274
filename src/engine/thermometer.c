/* SPDX-License-Identifier: Apache-2.0 */
/* A machine's temperature, from its node exporter's page. */
#include "engine/thermometer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct thermometer {
    struct call *call;
    char line[THERMOMETER_LINE_MAX]; /* that has begun */
    size_t line_len;                 /* THERMOMETER_LINE_MAX: too long, none of ours */
    uint64_t body_len;
    int status;
    bool is_known;
    double celsius;
    on_temperature_fn *on_read;
    void *ctx;
};

static void on_head(void *ctx, const struct reply *r);
static void on_body(void *ctx, struct str chunk);
static void on_end(void *ctx);
static void on_fail(void *ctx, enum failure why, const char *words);
static void take_line(struct thermometer *t);
static void finish(struct thermometer *t, bool is_known);

static const struct call_events events = {on_head, on_body, on_end, on_fail};

/* Colder or hotter is a sensor that is not connected. */
static const double coldest_c = -40, hottest_c = 150;

int thermometer_start(struct thermometer **ret, struct client *client,
                      const struct endpoint *endpoint, uint32_t timeout_ms,
                      on_temperature_fn *on_read, void *ctx)
{
    struct thermometer *t = calloc(1, sizeof *t);
    struct call_request request = {
        .endpoint = endpoint,
        .method = METHOD_GET,
        .target = STR("/metrics"),
        .connect_timeout_ms = timeout_ms,
        .total_timeout_ms = timeout_ms,
    };
    int r;

    if (!t)
        return -ENOMEM;
    t->on_read = on_read;
    t->ctx = ctx;
    r = call_start(&t->call, client, &request, &events, t);
    if (r < 0) {
        free(t);
        return r;
    }
    *ret = t;
    return 0;
}

void thermometer_cancel(struct thermometer *t)
{
    if (!t)
        return;
    call_cancel(t->call);
    free(t);
}

bool thermometer_line(double *ret_celsius, struct str line)
{
    char text[32];
    struct str rest, value, name = str_cut(str_cut(line, ' ', &rest), '{', &rest);
    const char *space = line.len ? memrchr(line.data, ' ', line.len) : NULL;
    char *end;
    double celsius;

    if (!space)
        return false;
    if (!str_equal(name, STR("node_hwmon_temp_celsius")) &&
        !str_equal(name, STR("node_thermal_zone_temp")))
        return false;
    value = str_trim(str_slice(space, line.len - (size_t)(space - line.data)));
    if (!value.len || value.len >= sizeof text)
        return false;
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    celsius = strtod(text, &end);
    if (*end || !(celsius > coldest_c && celsius < hottest_c))
        return false;
    *ret_celsius = celsius;
    return true;
}

static void on_head(void *ctx, const struct reply *r)
{
    ((struct thermometer *)ctx)->status = r->status;
}

static void on_body(void *ctx, struct str chunk)
{
    struct thermometer *t = ctx;

    t->body_len += chunk.len;
    for (size_t i = 0; i < chunk.len && t->body_len <= THERMOMETER_BODY_MAX; i++)
        if (chunk.data[i] == '\n')
            take_line(t);
        else if (t->line_len < THERMOMETER_LINE_MAX)
            t->line[t->line_len++] = chunk.data[i];
}

static void take_line(struct thermometer *t)
{
    double celsius;

    if (t->line_len < THERMOMETER_LINE_MAX &&
        thermometer_line(&celsius, str_slice(t->line, t->line_len)) &&
        (!t->is_known || celsius > t->celsius)) {
        t->is_known = true;
        t->celsius = celsius;
    }
    t->line_len = 0;
}

static void on_end(void *ctx)
{
    struct thermometer *t = ctx;

    finish(t, t->is_known && t->status == 200 && t->body_len <= THERMOMETER_BODY_MAX);
}

static void on_fail(void *ctx, enum failure why, const char *words)
{
    (void)why;
    (void)words;
    finish(ctx, false);
}

static void finish(struct thermometer *t, bool is_known)
{
    on_temperature_fn *on_read = t->on_read;
    double celsius = t->celsius;
    void *to = t->ctx;

    free(t);
    on_read(to, is_known, celsius);
}
