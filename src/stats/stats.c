/* SPDX-License-Identifier: Apache-2.0 */
/* Series: found under a mutex, counted with relaxed atomics. */
#include "stats/stats.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "stats/series.h"

enum {
    SERIES_MAX = 20000,    /* beyond it, label values become "other": one more series a counter */
    LABEL_VALUE_MAX = 160, /* longer values are cut */
    KEY_MAX = 8192,
};

struct stats {
    pthread_mutex_t mutex;
    struct map by_key;
    struct series *newest; /* all of them, linked by .older */
    size_t count;
    bool has_exemplars;
};

static struct series *find_or_make(struct stats *s, enum counter c, const struct str *labels,
                                   bool may_make);
static struct series *make(struct stats *s, enum counter c, const struct buf *key, size_t name_len);
static size_t write_key(struct buf *out, enum counter c, const struct str *labels);
static void put_escaped(struct buf *out, struct str value);
static struct str cut_value(struct str value);
static void put(struct buf *out, struct str text);

const struct counter_row counter_rows[COUNTER_COUNT] = {
#define COUNTER(name, kind, labels, words) \
    [COUNTER_##name] = {"tampu_" #name, KIND_##kind, labels, words},
#include "tables/counters.def"
};

struct stats *stats_new(void)
{
    struct stats *s = memory_need(1, sizeof *s);

    pthread_mutex_init(&s->mutex, NULL);
    return s;
}

void stats_free(struct stats *s)
{
    if (!s)
        return;
    while (s->newest) {
        struct series *older = s->newest->older;

        times_free(s->newest->times);
        free(s->newest->key);
        free(s->newest);
        s->newest = older;
    }
    map_fini(&s->by_key);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

void stats_keep_exemplars(struct stats *s)
{
    s->has_exemplars = true;
}

struct series *stats_series(struct stats *s, enum counter c, const struct str *labels)
{
    static const struct str other[] = {STR("other"), STR("other"), STR("other"), STR("other")};
    struct series *found;

    assert(c < COUNTER_COUNT);
    pthread_mutex_lock(&s->mutex);
    found = find_or_make(s, c, labels, s->count < SERIES_MAX);
    if (!found)
        found = find_or_make(s, c, other, true);
    pthread_mutex_unlock(&s->mutex);
    return found;
}

void series_add(struct series *s, uint64_t n)
{
    atomic_fetch_add_explicit(&s->value, (int64_t)n, memory_order_relaxed);
}

void series_set(struct series *s, int64_t value)
{
    atomic_store_explicit(&s->value, value, memory_order_relaxed);
}

void series_set_real(struct series *s, double value)
{
    assert(counter_rows[s->counter].kind == KIND_real);
    series_set(s, (int64_t)(value * 1e6));
}

void series_forget(struct series *s)
{
    series_set(s, INT64_MIN);
}

bool series_is_known(const struct series *s)
{
    return series_value(s) != INT64_MIN;
}

void series_shift(struct series *s, int64_t by)
{
    atomic_fetch_add_explicit(&s->value, by, memory_order_relaxed);
}

void series_observe_us(struct series *s, uint64_t us)
{
    assert(s->times && counter_rows[s->counter].kind == KIND_seconds);
    times_observe(s->times, us);
}

void series_observe_tokens(struct series *s, uint64_t tokens)
{
    assert(s->times && counter_rows[s->counter].kind == KIND_tokens);
    times_observe(s->times, tokens);
}

bool series_wants_exemplar(const struct series *s)
{
    return s->times && s->times->exemplars;
}

void series_exemplar(struct series *s, uint64_t us, struct str id, int64_t wall_us)
{
    struct exemplars *kept = s->times->exemplars;
    struct exemplar last = {.value = us, .wall_us = wall_us};

    for (size_t i = 0; i < id.len; i++)
        if (!isalnum((unsigned char)id.data[i]))
            return;
    snprintf(last.id, sizeof last.id, "%.*s", STR_ARG(id));
    pthread_mutex_lock(&kept->lock);
    kept->rows[times_bucket(s->times, us)] = last;
    pthread_mutex_unlock(&kept->lock);
}

int64_t series_value(const struct series *s)
{
    return s->times ? times_count(s->times) : atomic_load_explicit(&s->value, memory_order_relaxed);
}

size_t stats_snapshot(struct stats *s, struct series ***ret)
{
    size_t count = 0;

    pthread_mutex_lock(&s->mutex);
    *ret = malloc((s->count + 1) * sizeof **ret);
    if (*ret)
        for (struct series *each = s->newest; each; each = each->older)
            (*ret)[count++] = each;
    pthread_mutex_unlock(&s->mutex);
    return count;
}

/* NULL only if there is none and none may be made. */
static struct series *find_or_make(struct stats *s, enum counter c, const struct str *labels,
                                   bool may_make)
{
    struct buf key;
    struct series *found;
    size_t name_len;

    buf_init(&key, KEY_MAX);
    name_len = write_key(&key, c, labels);
    found = map_find(&s->by_key, buf_str(&key));
    if (!found && may_make)
        found = make(s, c, &key, name_len);
    buf_fini(&key);
    return found;
}

static struct series *make(struct stats *s, enum counter c, const struct buf *key, size_t name_len)
{
    struct series *new = memory_need(1, sizeof *new);

    /* There are hundreds: a key is kept without the room that it grew in. */
    new->key = memory_need(key->len, 1);
    memcpy(new->key, key->data, key->len);
    new->counter = c;
    new->labels = str_slice(new->key + name_len, key->len - name_len);
    if (counter_rows[c].kind == KIND_seconds || counter_rows[c].kind == KIND_tokens)
        new->times = times_new(counter_rows[c].kind, s->has_exemplars);
    if (map_put(&s->by_key, str_slice(new->key, key->len), new) < 0)
        abort();
    new->older = s->newest;
    s->newest = new;
    s->count++;
    return new;
}

/* Writes 'name machine="a",model="b"' and returns where the labels begin: one text that serves as
 * the table's key and, from there on, as Prometheus wants it. */
static size_t write_key(struct buf *out, enum counter c, const struct str *labels)
{
    struct str left = str_from(counter_rows[c].labels);
    size_t start;

    put(out, str_from(counter_rows[c].name));
    put(out, STR(" "));
    start = out->len;
    for (size_t i = 0; left.len; i++) {
        struct str name = str_cut(left, ',', &left);

        put(out, i ? STR(",") : STR(""));
        put(out, name);
        put(out, STR("=\""));
        put_escaped(out, cut_value(labels[i]));
        put(out, STR("\""));
    }
    return start;
}

static void put_escaped(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];

        if (c == '\n')
            put(out, STR("\\n"));
        else if (c == '\0') /* would end the text for those who print it */
            put(out, STR(" "));
        else if (c == '"' || c == '\\')
            put(out, str_slice((char[]){'\\', c}, 2));
        else
            put(out, str_slice(&c, 1));
    }
}

/* Never in the middle of a character. */
static struct str cut_value(struct str value)
{
    size_t len = LABEL_VALUE_MAX;

    if (value.len <= LABEL_VALUE_MAX)
        return value;
    while (len && (value.data[len] & 0xc0) == 0x80)
        len--;
    return str_slice(value.data, len);
}

/* Keys are short and made at start or reload: without memory there is nothing to serve. */
static void put(struct buf *out, struct str text)
{
    if (buf_put(out, text) < 0)
        abort();
}
