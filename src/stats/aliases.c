/* SPDX-License-Identifier: Apache-2.0 */
/* Series under the names of other people's conventions: tables/aliases.def. */
#include <errno.h>

#include "stats/series.h"

static int write_label(struct buf *out, size_t start, struct str item, const struct series *s);
static bool find_value(struct str labels, struct str name, struct str *ret);
static struct str word_for(struct str value);

const struct alias_row alias_rows[] = {
#define ALIAS(set, name, counter, labels, divisor, words) \
    {STATS_##set, name, COUNTER_##counter, labels, divisor, words},
#include "tables/aliases.def"
};

const size_t alias_count = COUNT_OF(alias_rows);

int alias_write_labels(struct buf *out, const struct alias_row *row, const struct series *s)
{
    struct str left = str_from(row->labels);
    size_t start = out->len;
    int r = 0;

    while (left.len && r == 0)
        r = write_label(out, start, str_cut(left, ',', &left), s);
    return r;
}

/* Values stay escaped as they are. */
static int write_label(struct buf *out, size_t start, struct str item, const struct series *s)
{
    size_t at = 0;
    struct str theirs, ours, value;

    while (at < item.len && !strchr("<~:=", item.data[at]))
        at++;
    theirs = str_slice(item.data, at);
    ours = value = str_slice(item.data + at + 1, item.len - at - 1);
    if (item.data[at] == ':')
        return find_value(s->labels, theirs, &value) && str_equal(value, ours) ? 0 : -ENOENT;
    if (item.data[at] != '=' && !find_value(s->labels, ours, &value))
        return -ENOENT;
    if (item.data[at] == '~')
        value = word_for(value);
    return buf_printf(out, "%s%.*s=\"%.*s\"", out->len > start ? "," : "", STR_ARG(theirs),
                      STR_ARG(value));
}

static bool find_value(struct str labels, struct str name, struct str *ret)
{
    for (size_t at = 0; at < labels.len;) {
        size_t from = at + str_index(str_slice(labels.data + at, labels.len - at), '"') + 1;
        size_t to = from;

        while (to < labels.len && labels.data[to] != '"')
            to += labels.data[to] == '\\' ? 2 : 1;
        *ret = str_slice(labels.data + from, to - from);
        if (str_equal(str_slice(labels.data + at, from - at - 2), name))
            return true;
        at = to + 2; /* behind the quote and the comma */
    }
    return false;
}

static struct str word_for(struct str value)
{
    static const char *const words[][2] = {
#define WORD(ours, theirs) {ours, theirs},
#include "tables/aliases.def"
    };

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_is(value, words[i][0]))
            return str_from(words[i][1]);
    return value;
}
