/* SPDX-License-Identifier: Apache-2.0 */
/* Deployment names: do they say what stands behind them, and does one stand for one? */
#include <stdlib.h>

#include "plan/check_inside.h"

static void check_name(struct check *c, const struct judged *line);
static bool is_size_right(const struct check *c, enum size size, const struct model *m);
static bool check_number(struct check *c, const struct judged *line, struct finding f,
                         const struct deployment_name *name);
static double number_in(struct str word);
static void check_words(struct check *c, const struct judged *line, struct finding f,
                        const struct deployment_name *name);
static bool contains_word(struct str text, struct str word);
static void check_twice(struct check *c, const struct judged *line);
static struct str shortest_name(const struct check *c, const struct artifact *a);
static const char *renamed(struct check *c, const struct deployment_name *name, enum size size);

void check_names(struct check *c)
{
    for (size_t i = 0; i < c->lines_count; i++)
        if (c->lines[i].artifact && c->lines[i].model->name.len) {
            check_name(c, &c->lines[i]);
            check_twice(c, &c->lines[i]);
        }
}

static void check_name(struct check *c, const struct judged *line)
{
    const struct fleet_model *model = line->model;
    const struct model *m = line->artifact->model;
    struct finding f = {.code = FINDING_name_mismatch,
                        .where = check_place(model->name_at, model->at),
                        .machine = line->machine->name,
                        .subject = model->name};
    enum size size = check_size(m->params);
    struct deployment_name name;

    if (name_read(&name, model->name) < 0) {
        f.severity = SEVERITY_note;
        f.fix = check_text(c, "name: %s-LOC-FRE-%.*s", size_names[size], STR_ARG(model->name));
        check_say(c, f, "'%.*s' is no deployment name: selectors do not find it",
                  STR_ARG(model->name));
    } else if (name.where != WHERE_LOC) {
        f.fix = renamed(c, &name, name.size);
        check_say(c, f, "'%.*s' says %s, and it lives on %.*s", STR_ARG(model->name),
                  where_names[name.where], STR_ARG(line->machine->name));
    } else if (!is_size_right(c, name.size, m)) {
        f.fix = renamed(c, &name, size);
        check_say(c, f, "'%.*s' says %s, and with %.3gB parameters it is %s", STR_ARG(model->name),
                  size_names[name.size], (double)m->params / 1e9, size_names[size]);
    } else if (!check_number(c, line, f, &name))
        check_words(c, line, f, &name);
}

/* By the table, or by a category of that size: "xl-vision: 32B+" makes a 34B with eyes an XL. */
static bool is_size_right(const struct check *c, enum size size, const struct model *m)
{
    if (check_size(m->params) == size)
        return true;
    for (uint32_t i = 0; i < c->fleet->categories_count; i++) {
        const struct category *cat = &c->fleet->categories[i];
        struct str rest, word = str_cut(cat->name, '-', &rest);

        if (rest.len && cat->needs.params.high &&
            str_equal_nocase(word, str_from(size_names[size])) &&
            m->purposes & 1u << cat->needs.purpose && needs_size(&cat->needs, m->params))
            return true;
    }
    return false;
}

/* "…-32b" on a model of 14B. */
static bool check_number(struct check *c, const struct judged *line, struct finding f,
                         const struct deployment_name *name)
{
    double truth = (double)line->artifact->model->params / 1e9;
    struct str rest = name->tail;

    while (rest.len) {
        struct str word = str_cut(rest, '-', &rest);
        double said = number_in(word);

        if (said <= 0 || (said > truth * 0.7 && said < truth * 1.3))
            continue;
        f.fix =
            check_text(c, "name: %s-%s-%s-%.*s", size_names[name->size], where_names[name->where],
                       cost_names[name->cost], STR_ARG(line->artifact->model->name));
        check_say(c, f, "'%.*s' says %.*s, and '%.*s' has %.3gB parameters",
                  STR_ARG(line->model->name), STR_ARG(word), STR_ARG(line->model->pull), truth);
        return true;
    }
    return false;
}

/* 7 for "7b", 0.33 for "330m"; 0 when the word is no size. */
static double number_in(struct str word)
{
    double value;
    char last = word.len > 1 ? (char)(word.data[word.len - 1] | 0x20) : '\0';

    if ((last != 'b' && last != 'm') ||
        units_read_real(&value, str_slice(word.data, word.len - 1)) < 0)
        return 0;
    return last == 'b' ? value : value / 1000;
}

/* A name that leaves out a word of the artifact's may mean another model: v2, large, embedding. */
static void check_words(struct check *c, const struct judged *line, struct finding f,
                        const struct deployment_name *name)
{
    struct str rest, base = str_cut(line->model->pull, ':', &rest);

    for (struct str left = base; left.len;) {
        struct str word = str_cut(left, '-', &left);

        if (contains_word(name->tail, word) || contains_word(line->artifact->quant, word) ||
            str_index(word, '/') < word.len || str_index(word, '_') < word.len ||
            number_in(word) > 0)
            continue;
        f.severity = SEVERITY_note;
        f.fix =
            check_text(c, "name: %s-%s-%s-%.*s", size_names[name->size], where_names[name->where],
                       cost_names[name->cost], STR_ARG(line->artifact->model->name));
        check_say(c, f, "'%.*s' leaves out '%.*s' of '%.*s', so it might mean another model",
                  STR_ARG(line->model->name), STR_ARG(word), STR_ARG(line->model->pull));
        return;
    }
}

static bool contains_word(struct str text, struct str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++)
        if (str_equal_nocase(str_slice(text.data + i, word.len), word))
            return true;
    return false;
}

/* Against the lines before this one. O(lines²); lines are hundreds. */
static void check_twice(struct check *c, const struct judged *line)
{
    const struct fleet_model *model = line->model;
    struct str shortest = shortest_name(c, line->artifact);
    struct finding f = {.code = FINDING_duplicate_name,
                        .where = check_place(model->name_at, model->at),
                        .machine = line->machine->name,
                        .subject = model->name};

    for (const struct judged *at = c->lines; at < line; at++) {
        if (!at->artifact || at->artifact == line->artifact ||
            !str_equal(at->model->name, model->name))
            continue;
        f.severity = SEVERITY_error;
        f.fix = check_text(c, "name: %s-LOC-FRE-%.*s",
                           size_names[check_size(line->artifact->model->params)],
                           STR_ARG(line->artifact->model->name));
        if (str_equal(at->artifact->model->name, line->artifact->model->name))
            f.fix = check_text(c, "name: %.*s-%.*s", STR_ARG(model->name),
                               STR_ARG(line->artifact->quant));
        check_say(c, f, "'%.*s' is '%.*s' here and '%.*s' on %.*s: who asks for it gets either",
                  STR_ARG(model->name), STR_ARG(model->pull), STR_ARG(at->model->pull),
                  STR_ARG(at->machine->name));
        return;
    }
    if (str_equal(shortest, model->name))
        return;
    f.fix = check_text(c, "name: %.*s", STR_ARG(shortest));
    check_say(c, f,
              "'%.*s' and '%.*s' are the same artifact under two names, so neither stands in for "
              "the other when asked for by name",
              STR_ARG(model->name), STR_ARG(shortest));
}

static struct str shortest_name(const struct check *c, const struct artifact *a)
{
    struct str best = {0};

    for (size_t i = 0; i < c->lines_count; i++) {
        struct str name = c->lines[i].model->name;

        if (c->lines[i].artifact == a && name.len && (!best.len || name.len < best.len))
            best = name;
    }
    return best;
}

static const char *renamed(struct check *c, const struct deployment_name *name, enum size size)
{
    return check_text(c, "name: %s-LOC-%s-%.*s", size_names[size], cost_names[name->cost],
                      STR_ARG(name->tail));
}
