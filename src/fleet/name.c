/* SPDX-License-Identifier: Apache-2.0 */
/* Deployment names and selectors. */
#include "fleet/name.h"

#include <errno.h>

#include "model/kinds.h"

static int read_parts(struct selector *ret, struct str text);
static int read_size(uint32_t *ret, struct str *text);
static int read_part(uint32_t *ret, struct str *text, const char *const *names, size_t count);
static int find_name(const char *const *names, size_t count, struct str word);
static bool is_any(struct str word);
static bool is_tail(struct str text);
static bool has_wildcard(struct str text);
static bool has_word(struct str tail, struct str word);
static bool glob(struct str pattern, struct str text);
static bool is_one_bit(uint32_t bits);

const char *const size_names[] = {"XS", "S", "M", "L", "XL"};
const char *const where_names[] = {"LOC", "CLD"};
const char *const cost_names[] = {"FRE", "PAY"};

int name_read(struct deployment_name *ret, struct str text)
{
    struct selector parts;

    if (read_parts(&parts, text) < 0 || !selector_is_name(&parts))
        return -EINVAL;
    *ret = (struct deployment_name){
        .size = (enum size)__builtin_ctz(parts.sizes),
        .where = (enum where)__builtin_ctz(parts.wheres),
        .cost = (enum cost)__builtin_ctz(parts.costs),
        .tail = parts.tail,
    };
    /* "XS or smaller" is one size too, and still no name. */
    return text.len == strlen(size_names[ret->size]) + strlen("-LOC-FRE-") + parts.tail.len
               ? 0
               : -EINVAL;
}

int name_write(const struct deployment_name *name, struct buf *out)
{
    return buf_printf(out, "%s-%s-%s-%.*s", size_names[name->size], where_names[name->where],
                      cost_names[name->cost], STR_ARG(name->tail));
}

int name_compare(const struct deployment_name *a, const struct deployment_name *b)
{
    size_t len = a->tail.len < b->tail.len ? a->tail.len : b->tail.len;
    int order;

    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    if (a->where != b->where)
        return a->where < b->where ? -1 : 1;
    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    order = len ? memcmp(a->tail.data, b->tail.data, len) : 0;
    return order ? order : (a->tail.len > b->tail.len) - (a->tail.len < b->tail.len);
}

int selector_read(struct selector *ret, struct str text)
{
    return read_parts(ret, text);
}

bool selector_matches(const struct selector *s, const struct deployment_name *name,
                      uint32_t purposes, uint32_t capabilities)
{
    int purpose = purpose_find(s->tail), capability = capability_find(s->tail);

    if (!(s->sizes & 1u << name->size) || !(s->wheres & 1u << name->where) ||
        !(s->costs & 1u << name->cost))
        return false;
    if (purpose >= 0 && purposes & 1u << purpose)
        return true;
    if (capability >= 0 && capabilities & 1u << capability)
        return true;
    return has_wildcard(s->tail) ? glob(s->tail, name->tail) : has_word(name->tail, s->tail);
}

bool selector_is_name(const struct selector *s)
{
    return is_one_bit(s->sizes) && is_one_bit(s->wheres) && is_one_bit(s->costs) &&
           !has_wildcard(s->tail);
}

static int read_parts(struct selector *ret, struct str text)
{
    struct selector s;

    if (read_size(&s.sizes, &text) < 0 ||
        read_part(&s.wheres, &text, where_names, WHERE_COUNT) < 0 ||
        read_part(&s.costs, &text, cost_names, COST_COUNT) < 0 || !is_tail(text))
        return -EINVAL;
    s.tail = text;
    *ret = s;
    return 0;
}

/* "M-", "M+-", "M--", "*-": takes the separator too. */
static int read_size(uint32_t *ret, struct str *text)
{
    const uint32_t all = (1u << SIZE_COUNT) - 1;
    struct str rest, word = str_cut(*text, '-', &rest);
    bool up = word.len > 1 && word.data[word.len - 1] == '+';
    bool down = !up && rest.len && rest.data[0] == '-';
    int size;

    if (word.len == text->len)
        return -EINVAL;
    if (up)
        word.len--;
    if (down)
        rest = str_slice(rest.data + 1, rest.len - 1);
    size = find_name(size_names, SIZE_COUNT, word);
    if (size < 0 && (up || down || !is_any(word)))
        return -EINVAL;
    if (size < 0)
        *ret = all;
    else if (up)
        *ret = all & ~((1u << size) - 1);
    else
        *ret = down ? (2u << size) - 1 : 1u << size;
    *text = rest;
    return 0;
}

static int read_part(uint32_t *ret, struct str *text, const char *const *names, size_t count)
{
    struct str rest, word = str_cut(*text, '-', &rest);
    int found = find_name(names, count, word);

    if (word.len == text->len || (found < 0 && !is_any(word)))
        return -EINVAL;
    *ret = found < 0 ? (1u << count) - 1 : 1u << found;
    *text = rest;
    return 0;
}

static int find_name(const char *const *names, size_t count, struct str word)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(word, names[i]))
            return (int)i;
    return -1;
}

static bool is_any(struct str word)
{
    return str_is(word, "*") || str_is(word, "ANY");
}

static bool is_tail(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
            return false;
    return text.len > 0 && text.len <= DEPLOYMENT_NAME_MAX;
}

static bool has_wildcard(struct str text)
{
    return str_index(text, '*') < text.len || str_index(text, '?') < text.len;
}

/* Is the word the tail, or does it stand in it with a dash or an end on both sides? */
static bool has_word(struct str tail, struct str word)
{
    for (size_t i = 0; i + word.len <= tail.len; i++) {
        bool begins = i == 0 || tail.data[i - 1] == '-';
        bool ends = i + word.len == tail.len || tail.data[i + word.len] == '-';

        if (begins && ends && str_equal(str_slice(tail.data + i, word.len), word))
            return true;
    }
    return false;
}

/* Linear in practice: on a mismatch, only the last * takes one character more. */
static bool glob(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.len && (pattern.data[p] == '?' || pattern.data[p] == text.data[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*')
        p++;
    return p == pattern.len;
}

static bool is_one_bit(uint32_t bits)
{
    return bits && !(bits & (bits - 1));
}
