/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: JSON made into a buffer per thread, written whole. */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH_MAX = 32768, /* bytes that wait for log_flush() */
    LINE_MAX_BYTES = 8192,
    TEXT_MAX = 2048, /* bytes of one text field; the rest is cut */
    TAIL_ROOM = 16,  /* always left in a line, for its end */
};

/* A line in the making. What does not fit is left out as a whole. */
struct line {
    char data[LINE_MAX_BYTES];
    size_t len;
    bool full;
};

struct batch {
    char data[BATCH_MAX];
    size_t len;
    bool known; /* its thread's end will flush it */
};

/* "2026-11-23T10:21:07", made once a second. */
struct stamp {
    char text[24];
    size_t len;
    int64_t second;
};

static void start_line(struct line *line, enum event e, int64_t now_us);
static void put_field(struct line *line, const struct log_field *field);
static void put_value(struct line *line, const struct log_field *field);
static void put_quoted(struct line *line, struct str text);
static size_t plain_length(struct str text);
static size_t put_character(struct line *line, struct str text);
static size_t character_length(struct str text);
static void put(struct line *line, const char *format, ...) PRINTF(2, 3);
static inline void put_text(struct line *line, const char *text);
static void put_number(struct line *line, uint64_t number, size_t digits_least);
static void put_bytes(struct line *line, const char *data, size_t len);
static void make_stamp(int64_t second);
static void know_thread(void);
static void make_key(void);
static void flush_at_end(void *unused);

static const struct {
    const char *name, *words;
    enum log_level level;
} rows[EVENT_COUNT] = {
#define EVENT(name, level, words) [EVENT_##name] = {#name, words, LOG_##level},
#include "tables/log_events.def"
};

/* Bytes that stand in JSON as they are. */
static const bool is_plain[256] = {
    [' '] = true, ['!'] = true, ['#' ... '['] = true, [']' ... '~'] = true};

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static int log_fd = STDERR_FILENO;
static enum log_level log_least = LOG_info;
static pthread_key_t thread_key;
static pthread_once_t thread_key_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER; /* so that lines never mix */
static _Thread_local struct batch batch;
static _Thread_local struct stamp stamp;

void log_open(int fd, enum log_level least)
{
    log_fd = fd;
    log_least = least;
}

bool log_wants(enum event e)
{
    assert(e < EVENT_COUNT);
    return rows[e].level >= log_least;
}

void log_event(enum event e, int64_t now_us, const struct log_field *fields)
{
    struct line line;

    if (!log_wants(e))
        return;
    start_line(&line, e, now_us);
    for (; fields && fields->kind != LOG_KIND_end; fields++)
        put_field(&line, fields);
    memcpy(line.data + line.len, "}\n", 2);
    line.len += 2;

    if (batch.len + line.len > sizeof batch.data)
        log_flush();
    if (!batch.known)
        know_thread();
    memcpy(batch.data + batch.len, line.data, line.len);
    batch.len += line.len;
    if (rows[e].level >= LOG_warning)
        log_flush();
}

/* What cannot be written is dropped: a log must not stop the gateway. */
void log_flush(void)
{
    size_t done = 0;

    if (!batch.len)
        return;
    pthread_mutex_lock(&writing);
    while (done < batch.len) {
        ssize_t n = write(log_fd, batch.data + done, batch.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    pthread_mutex_unlock(&writing);
    batch.len = 0;
}

/* There is a line for each request: what printf() would take is a good part of its price. */
static void start_line(struct line *line, enum event e, int64_t now_us)
{
    line->len = 0;
    line->full = false;
    if (now_us / 1000000 != stamp.second || !stamp.len)
        make_stamp(now_us / 1000000);
    put_text(line, "{\"time\":\"");
    put_bytes(line, stamp.text, stamp.len);
    put_text(line, ".");
    put_number(line, (uint64_t)(now_us % 1000000), 6);
    put_text(line, "Z\",\"level\":\"");
    put_text(line, level_names[rows[e].level]);
    put_text(line, "\",\"event\":\"");
    put_text(line, rows[e].name);
    put_text(line, "\",\"message\":");
    put_quoted(line, str_from(rows[e].words));
}

static void make_stamp(int64_t second)
{
    time_t at = (time_t)second;
    struct tm utc = {0};

    gmtime_r(&at, &utc);
    stamp.len = strftime(stamp.text, sizeof stamp.text, "%Y-%m-%dT%H:%M:%S", &utc);
    stamp.second = second;
}

/* All of the field or nothing. */
static void put_field(struct line *line, const struct log_field *field)
{
    size_t before = line->len;

    put_bytes(line, ",\"", 2);
    put_bytes(line, field->name.data, field->name.len);
    put_bytes(line, "\":", 2);
    put_value(line, field);
    if (line->full) {
        line->len = before;
        line->full = false;
    }
}

static void put_value(struct line *line, const struct log_field *field)
{
    uint64_t size = field->number < 0 ? 0 - (uint64_t)field->number : (uint64_t)field->number;

    switch (field->kind) {
    case LOG_KIND_str:
        put_quoted(line, field->text);
        break;
    case LOG_KIND_u64:
        put_number(line, (uint64_t)field->number, 1);
        break;
    case LOG_KIND_i64:
        put_text(line, field->number < 0 ? "-" : "");
        put_number(line, size, 1);
        break;
    case LOG_KIND_ms:
        put_text(line, field->number < 0 ? "-" : "");
        put_number(line, size / 1000, 1);
        put_text(line, ".");
        put_number(line, size % 1000, 3);
        break;
    case LOG_KIND_end:
        break;
    }
}

static void put_quoted(struct line *line, struct str text)
{
    size_t at = plain_length(text);

    put_bytes(line, "\"", 1);
    put_bytes(line, text.data, at);
    while (at < text.len && at < TEXT_MAX)
        at += put_character(line, str_slice(text.data + at, text.len - at));
    if (at < text.len)
        put(line, "…");
    put_bytes(line, "\"", 1);
}

/* Bytes in front that stand in JSON as they are: most texts, to their end. */
static size_t plain_length(struct str text)
{
    size_t most = text.len < TEXT_MAX ? text.len : TEXT_MAX, at = 0;

    while (at < most && is_plain[(unsigned char)text.data[at]])
        at++;
    return at;
}

/* One character as JSON wants it; what is not UTF-8 becomes U+FFFD. Returns the bytes it took. */
static size_t put_character(struct line *line, struct str text)
{
    unsigned char c = (unsigned char)text.data[0];
    size_t len = character_length(text);

    if (len == 0)
        put(line, "\xef\xbf\xbd");
    else if (c == '"' || c == '\\')
        put(line, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
        put(line, "\\u%04x", c);
    else
        put_bytes(line, text.data, len);
    return len ? len : 1;
}

/* Bytes of the UTF-8 character in front, or 0 when it is none (overlong and surrogates too). */
static size_t character_length(struct str text)
{
    unsigned char first = (unsigned char)text.data[0];
    unsigned char second = text.len > 1 ? (unsigned char)text.data[1] : 0;
    size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first > 0xf4 || text.len < len)
        return 0;
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static void put(struct line *line, const char *format, ...)
{
    char text[256];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(len >= 0 && (size_t)len < sizeof text);
    put_bytes(line, text, (size_t)len);
}

static inline void put_text(struct line *line, const char *text)
{
    put_bytes(line, text, strlen(text));
}

static void put_number(struct line *line, uint64_t number, size_t digits_least)
{
    char digits[20];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) || sizeof digits - at < digits_least);
    put_bytes(line, digits + at, sizeof digits - at);
}

static void put_bytes(struct line *line, const char *data, size_t len)
{
    if (line->full || len > sizeof line->data - TAIL_ROOM - line->len) {
        line->full = true;
        return;
    }
    if (len)
        memcpy(line->data + line->len, data, len);
    line->len += len;
}

/* A thread that ends, and a program that exits, flush what they kept. */
static void know_thread(void)
{
    pthread_once(&thread_key_once, make_key);
    pthread_setspecific(thread_key, &batch);
    batch.known = true;
}

static void make_key(void)
{
    if (pthread_key_create(&thread_key, flush_at_end) != 0)
        abort();
    atexit(log_flush);
}

static void flush_at_end(void *unused UNUSED)
{
    log_flush();
}
