/* SPDX-License-Identifier: Apache-2.0 */
/* A notice in words. */
#include "alert/notice.h"

#include <stdio.h>
#include <time.h>

#include "wire/json_out.h"

enum { TITLE_MAX = 120, TIME_ROOM = 32 };

static size_t count_over(const struct alert_row *rows, size_t count);
static int write_row(struct buf *out, const struct alert_row *row);
static void put_alert(struct json_out *o, const struct alert_row *row, struct str url);
static void put_time(struct json_out *o, const char *key, int64_t us);
static void format_time(char out[static TIME_ROOM], int64_t us);
static int put_ascii(struct buf *out, struct str text);

int notice_write_title(struct buf *out, const struct alert_row *rows, size_t count)
{
    size_t over = count_over(rows, count);
    char line[TITLE_MAX];

    if (count == 1)
        snprintf(line, sizeof line, "tampu%s: %s %s", over ? ", over" : "",
                 alert_kinds[rows[0].kind].title, rows[0].subject);
    else if (over == count)
        snprintf(line, sizeof line, "tampu: %zu alerts are over", count);
    else
        snprintf(line, sizeof line, "tampu: %zu alert%s, first: %s %s", count - over,
                 count - over == 1 ? "" : "s", alert_kinds[rows[0].kind].title, rows[0].subject);
    return put_ascii(out, str_from(line));
}

int notice_write_text(struct buf *out, const struct alert_row *rows, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        if (!rows[i].is_over)
            r = write_row(out, &rows[i]);
    for (size_t i = 0; i < count && r == 0; i++)
        if (rows[i].is_over)
            r = write_row(out, &rows[i]);
    return r;
}

int notice_write_json(struct buf *out, const struct alert_row *rows, size_t count, struct str url)
{
    struct json_out o = {.out = out};
    bool is_over = count_over(rows, count) == count;

    json_open(&o, '{');
    json_text(json_key(&o, "version"), STR("4"));
    json_text(json_key(&o, "groupKey"), STR("{}:{}"));
    json_number(json_key(&o, "truncatedAlerts"), 0);
    json_text(json_key(&o, "status"), is_over ? STR("resolved") : STR("firing"));
    json_text(json_key(&o, "receiver"), STR("tampu"));
    json_raw(json_key(&o, "groupLabels"), STR("{}"));
    json_raw(json_key(&o, "commonLabels"), STR("{}"));
    json_raw(json_key(&o, "commonAnnotations"), STR("{}"));
    json_text(json_key(&o, "externalURL"), url);
    json_open(json_key(&o, "alerts"), '[');
    for (size_t i = 0; i < count; i++)
        put_alert(&o, &rows[i], url);
    json_close(&o, ']');
    json_close(&o, '}');
    return o.error;
}

int notice_write_mail(struct buf *out, const struct alert_row *rows, size_t count, struct str from,
                      struct str to)
{
    int r = buf_put(out, STR("From: "));

    if (r == 0)
        r = put_ascii(out, from);
    if (r == 0)
        r = buf_put(out, STR("\nTo: "));
    if (r == 0)
        r = put_ascii(out, to);
    if (r == 0)
        r = buf_put(out, STR("\nSubject: "));
    if (r == 0)
        r = notice_write_title(out, rows, count);
    if (r == 0)
        r = buf_put(out,
                    STR("\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                        "Content-Transfer-Encoding: 8bit\nAuto-Submitted: auto-generated\n\n"));
    return r < 0 ? r : notice_write_text(out, rows, count);
}

const char *notice_severity(const struct alert_row *rows, size_t count)
{
    const char *found = "";

    for (size_t i = 0; i < count; i++)
        if (!rows[i].is_over && strcmp(found, "critical") != 0)
            found = alert_kinds[rows[i].kind].severity;
    return found;
}

static size_t count_over(const struct alert_row *rows, size_t count)
{
    size_t over = 0;

    for (size_t i = 0; i < count; i++)
        over += rows[i].is_over;
    return over;
}

static int write_row(struct buf *out, const struct alert_row *row)
{
    const struct alert_kind *kind = &alert_kinds[row->kind];
    char began[TIME_ROOM], ended[TIME_ROOM];
    int r;

    format_time(began, row->began_us);
    format_time(ended, row->ended_us);
    if (row->is_over)
        return buf_printf(out, "over: %s %s (from %s to %s)\n", kind->title, row->subject, began,
                          ended);
    r = buf_printf(out, "%s: %s %s, since %s\n", kind->severity, kind->title, row->subject, began);
    if (r == 0 && row->words[0])
        r = buf_printf(out, "  %s\n", row->words);
    return r < 0 ? r : buf_printf(out, "  %s\n", kind->todo);
}

static void put_alert(struct json_out *o, const struct alert_row *row, struct str url)
{
    const struct alert_kind *kind = &alert_kinds[row->kind];
    char fingerprint[24], title[64];
    uint64_t hash = str_hash(str_from(row->subject)) * 31 + str_hash(str_from(kind->name));

    snprintf(title, sizeof title, "%s ", kind->title);
    snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)hash);
    json_open(o, '{');
    json_text(json_key(o, "status"), row->is_over ? STR("resolved") : STR("firing"));
    json_open(json_key(o, "labels"), '{');
    json_text(json_key(o, "alertname"), str_from(kind->name));
    json_text(json_key(o, "severity"), str_from(kind->severity));
    json_text(json_key(o, "subject"), str_from(row->subject));
    json_close(o, '}');
    json_open(json_key(o, "annotations"), '{');
    json_joined(json_key(o, "summary"), str_from(title), str_from(row->subject));
    json_text(json_key(o, "description"), str_from(row->words));
    json_text(json_key(o, "todo"), str_from(kind->todo));
    json_close(o, '}');
    put_time(o, "startsAt", row->began_us);
    put_time(o, "endsAt", row->ended_us);
    json_text(json_key(o, "generatorURL"), url);
    json_text(json_key(o, "fingerprint"), str_from(fingerprint));
    json_close(o, '}');
}

/* Alertmanager's "not yet" is the year 1. */
static void put_time(struct json_out *o, const char *key, int64_t us)
{
    char text[TIME_ROOM];

    format_time(text, us);
    json_text(json_key(o, key), us ? str_from(text) : STR("0001-01-01T00:00:00Z"));
}

static void format_time(char out[static TIME_ROOM], int64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm utc = {0};

    gmtime_r(&seconds, &utc);
    out[0] = '\0';
    strftime(out, TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* A header takes no more: anything else becomes '?'. */
static int put_ascii(struct buf *out, struct str text)
{
    int r = 0;

    for (size_t i = 0; i < text.len && r == 0; i++)
        r = buf_put_char(out, text.data[i] >= ' ' && text.data[i] <= '~' ? text.data[i] : '?');
    return r;
}
