/* SPDX-License-Identifier: Apache-2.0 */
/* What copies usually spare at which hour, beside the state. */
#include "gateway/habits.h"

#include <stdio.h>

#include "base/file.h"
#include "gateway/kept.h"
#include "wire/json_out.h"

enum { KEPT_MAX = 16 << 20, PATH_ROOM = 4200, HOURS_ROOM = 2 * HABIT_HOURS + 1 };

static void recall_row(const struct scene *scene, struct traffic *traffic, yyjson_val *row);
static bool read_hours(struct habit *ret, struct str text);
static int read_digit(char c);
static bool is_blank(const struct habit *h);
static void write_row(struct json_out *o, struct str place, const struct habit *h);

void habits_recall(const char *folder, const struct scene *scene, struct traffic *traffic)
{
    char path[PATH_ROOM];
    struct json json;
    yyjson_val *row;
    size_t i, count;

    if (!*folder)
        return;
    snprintf(path, sizeof path, "%s/habits.json", folder);
    json = kept_read(path, KEPT_MAX);
    yyjson_arr_foreach(json_find(json.root, "copies"), i, count, row)
    {
        recall_row(scene, traffic, row);
    }
    json_fini(&json);
}

void habits_keep(const char *folder, const struct scene *scene, struct traffic *traffic)
{
    struct buf text;
    struct json_out o = {.out = &text};
    char path[PATH_ROOM];
    struct habit h;

    if (!*folder)
        return;
    snprintf(path, sizeof path, "%s/habits.json", folder);
    buf_init(&text, KEPT_MAX);
    json_open(&o, '{');
    json_open(json_key(&o, "copies"), '[');
    for (uint32_t i = 0; i < scene->view->copies_count; i++) {
        traffic_habit(traffic, scene->copies[i].place, &h);
        if (!is_blank(&h))
            write_row(&o, scene->copies[i].place->name, &h);
    }
    json_close(&o, ']');
    json_close(&o, '}');
    if (o.error == 0 && file_write(path, buf_str(&text), NULL) < 0)
        remove(path);
    buf_fini(&text);
}

static void recall_row(const struct scene *scene, struct traffic *traffic, yyjson_val *row)
{
    struct str place = json_find_str(row, "place");
    struct habit h = {.hour = (uint32_t)json_find_u64(row, "hour"),
                      .now_s = (float)json_find_real(row, "seconds"),
                      .is_whole = json_find_true(row, "whole")};

    if (!read_hours(&h, json_find_str(row, "hours")))
        return;
    for (uint32_t i = 0; i < scene->view->copies_count; i++)
        if (str_equal(scene->copies[i].place->name, place))
            traffic_recall_habit(traffic, scene->copies[i].place, &h);
}

/* Two hexadecimal digits for each hour. */
static bool read_hours(struct habit *ret, struct str text)
{
    if (text.len != 2 * HABIT_HOURS)
        return false;
    for (size_t i = 0; i < HABIT_HOURS; i++) {
        int high = read_digit(text.data[2 * i]), low = read_digit(text.data[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        ret->hours[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static int read_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_blank(const struct habit *h)
{
    bool is_known = h->now_s > 0;

    for (unsigned i = 0; i < HABIT_HOURS; i++)
        is_known |= h->hours[i] > HABIT_NOTHING;
    return !is_known;
}

static void write_row(struct json_out *o, struct str place, const struct habit *h)
{
    char hours[HOURS_ROOM];

    for (unsigned i = 0; i < HABIT_HOURS; i++)
        snprintf(hours + 2 * i, 3, "%02x", h->hours[i]);
    json_open(o, '{');
    json_text(json_key(o, "place"), place);
    json_number(json_key(o, "hour"), h->hour);
    json_double(json_key(o, "seconds"), (double)h->now_s);
    json_bool(json_key(o, "whole"), h->is_whole);
    json_text(json_key(o, "hours"), str_from(hours));
    json_close(o, '}');
}
