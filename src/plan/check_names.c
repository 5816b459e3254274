/* SPDX-License-Identifier: Apache-2.0 */
/* Deployment names: do they say what stands behind them, and does one stand for one? */
#include "plan/check_inside.h"

static bool is_named(const struct judged *line);
static bool is_true(const struct check *c, const struct judged *line);
static const struct judged *rightful(const struct check *c, const struct judged *line);
static struct str usual_name(const struct check *c, const struct judged *line);
static void say_taken(struct check *c, const struct judged *line, const struct judged *owner);
static void say_mismatch(struct check *c, const struct judged *line);
static void say_second(struct check *c, const struct judged *line);
static bool is_size_right(const struct check *c, enum size size, const struct model *m);
static struct str odd_number(const struct judged *line, const struct deployment_name *name);
static double number_in(struct str word);
static struct str left_out(const struct judged *line, const struct deployment_name *name);
static bool contains_word(struct str text, struct str word);
static const char *renamed(struct check *c, const struct judged *line, const char *fallback);
static void check_repeated(struct check *c, const struct judged *line);

/* One finding a line: a name that belongs to another model is not judged further, and one that is
 * wrong is no second name. O(lines²); lines are hundreds. */
void check_names(struct check *c)
{
    for (size_t i = 0; i < c->lines_count; i++)
        c->lines[i].is_named_well = is_named(&c->lines[i]) && is_true(c, &c->lines[i]);
    for (size_t i = 0; i < c->lines_count; i++)
        if (is_named(&c->lines[i]))
            c->lines[i].usual_name = usual_name(c, &c->lines[i]);
    for (size_t i = 0; i < c->lines_count; i++) {
        const struct judged *line = &c->lines[i], *owner;

        check_repeated(c, line);
        if (!is_named(line))
            continue;
        owner = rightful(c, line);
        if (owner->artifact != line->artifact)
            say_taken(c, line, owner);
        else if (!is_true(c, line))
            say_mismatch(c, line);
        else
            say_second(c, line);
    }
}

static bool is_named(const struct judged *line)
{
    return line->artifact && line->model->name.len;
}

/* Does the name say what stands behind it? What is no deployment name says nothing wrong. */
static bool is_true(const struct check *c, const struct judged *line)
{
    struct deployment_name name;

    return name_read(&name, line->model->name) < 0 ||
           (name.where == WHERE_LOC && is_size_right(c, name.size, line->artifact->model) &&
            !odd_number(line, &name).len);
}

/* Of all lines with this name the one that it fits; of several, the first. */
static const struct judged *rightful(const struct check *c, const struct judged *line)
{
    const struct judged *best = NULL;
    int best_fit = -1;

    for (size_t i = 0; i < c->lines_count; i++) {
        const struct judged *at = &c->lines[i];
        struct deployment_name name;
        int fit;

        if (!is_named(at) || !str_equal(at->model->name, line->model->name))
            continue;
        fit = at->is_named_well;
        if (fit && name_read(&name, at->model->name) == 0 && !left_out(at, &name).len)
            fit = 2;
        if (fit > best_fit) {
            best = at;
            best_fit = fit;
        }
    }
    return best;
}

/* What most lines of that artifact call it, among names that are right; of two, the shorter. */
static struct str usual_name(const struct check *c, const struct judged *line)
{
    struct str best = {0};
    size_t most = 0;

    for (const struct judged *at = c->lines; at < line; at++)
        if (at->artifact == line->artifact && at->usual_name.len)
            return at->usual_name;
    for (size_t i = 0; i < c->lines_count; i++) {
        const struct judged *at = &c->lines[i];
        size_t count = 0;

        if (at->artifact != line->artifact || !at->is_named_well ||
            rightful(c, at)->artifact != at->artifact)
            continue;
        for (size_t j = 0; j < c->lines_count; j++)
            count += c->lines[j].artifact == at->artifact &&
                     str_equal(c->lines[j].model->name, at->model->name);
        if (count > most || (count == most && at->model->name.len < best.len)) {
            most = count;
            best = at->model->name;
        }
    }
    return best;
}

static void say_taken(struct check *c, const struct judged *line, const struct judged *owner)
{
    const struct fleet_model *model = line->model;
    const struct model *m = line->artifact->model;
    struct finding f = {.code = FINDING_duplicate_name,
                        .severity = SEVERITY_error,
                        .where = check_place(model->name_at, model->at),
                        .machine = line->machine->name,
                        .subject = model->name};

    f.fix = renamed(
        c, line,
        owner->artifact->model == m
            ? check_text(c, "name: %.*s-%.*s", STR_ARG(model->name), STR_ARG(line->artifact->quant))
            : check_text(c, "name: %s-LOC-FRE-%.*s", size_names[check_size(m->params)],
                         STR_ARG(m->name)));
    check_say(c, f, "'%.*s' is '%.*s' here and '%.*s' on %.*s: who asks for it gets either",
              STR_ARG(model->name), STR_ARG(model->pull), STR_ARG(owner->model->pull),
              STR_ARG(owner->machine->name));
}

static void say_mismatch(struct check *c, const struct judged *line)
{
    const struct fleet_model *model = line->model;
    const struct model *m = line->artifact->model;
    enum size size = check_size(m->params);
    struct finding f = {.code = FINDING_name_mismatch,
                        .where = check_place(model->name_at, model->at),
                        .machine = line->machine->name,
                        .subject = model->name};
    struct deployment_name name;
    struct str odd;

    if (name_read(&name, model->name) < 0)
        return;
    odd = odd_number(line, &name);
    f.fix = renamed(c, line,
                    odd.len ? check_text(c, "name: %s-LOC-%s-%.*s", size_names[size],
                                         cost_names[name.cost], STR_ARG(m->name))
                            : check_text(c, "name: %s-LOC-%s-%.*s", size_names[size],
                                         cost_names[name.cost], STR_ARG(name.tail)));
    if (name.where != WHERE_LOC)
        check_say(c, f, "'%.*s' says %s, and it lives on %.*s", STR_ARG(model->name),
                  where_names[name.where], STR_ARG(line->machine->name));
    else if (odd.len)
        check_say(c, f, "'%.*s' says %.*s, and '%.*s' has %.3gB parameters", STR_ARG(model->name),
                  STR_ARG(odd), STR_ARG(model->pull), (double)m->params / 1e9);
    else
        check_say(c, f, "'%.*s' says %s, and with %.3gB parameters it is %s", STR_ARG(model->name),
                  size_names[name.size], (double)m->params / 1e9, size_names[size]);
}

/* A name that is right, but not the one that others use, or that leaves something out. */
static void say_second(struct check *c, const struct judged *line)
{
    const struct fleet_model *model = line->model;
    const struct model *m = line->artifact->model;
    struct finding f = {.code = FINDING_name_mismatch,
                        .severity = SEVERITY_note,
                        .where = check_place(model->name_at, model->at),
                        .machine = line->machine->name,
                        .subject = model->name};
    struct deployment_name name;
    struct str missing;

    if (!str_equal(line->usual_name, model->name)) {
        f.code = FINDING_duplicate_name;
        f.severity = SEVERITY_usual;
        f.fix = check_text(c, "name: %.*s", STR_ARG(line->usual_name));
        check_say(c, f,
                  "'%.*s' and '%.*s' are the same artifact under two names, so neither stands in "
                  "for the other when asked for by name",
                  STR_ARG(model->name), STR_ARG(line->usual_name));
    } else if (name_read(&name, model->name) < 0) {
        f.fix = check_text(c, "name: %s-LOC-FRE-%.*s", size_names[check_size(m->params)],
                           STR_ARG(model->name));
        check_say(c, f, "'%.*s' is no deployment name: selectors do not find it",
                  STR_ARG(model->name));
    } else if ((missing = left_out(line, &name)).len) {
        f.fix = check_text(c, "name: %s-LOC-%s-%.*s", size_names[name.size], cost_names[name.cost],
                           STR_ARG(m->name));
        check_say(c, f, "'%.*s' leaves out '%.*s' of '%.*s', so it might mean another model",
                  STR_ARG(model->name), STR_ARG(missing), STR_ARG(model->pull));
    }
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

/* "32b" in the name of a model of 14B; empty: no number is wrong. */
static struct str odd_number(const struct judged *line, const struct deployment_name *name)
{
    double truth = (double)line->artifact->model->params / 1e9;
    struct str rest = name->tail;

    while (rest.len) {
        struct str word = str_cut(rest, '-', &rest);
        double said = number_in(word);

        if (said > 0 && (said < truth * 0.8 || said > truth * 1.25))
            return word;
    }
    return (struct str){0};
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
static struct str left_out(const struct judged *line, const struct deployment_name *name)
{
    struct str rest, left = str_cut(line->model->pull, ':', &rest);

    while (left.len) {
        struct str word = str_cut(left, '-', &left);

        if (!contains_word(name->tail, word) && !contains_word(line->artifact->quant, word) &&
            str_index(word, '/') == word.len && str_index(word, '_') == word.len &&
            number_in(word) <= 0)
            return word;
    }
    return (struct str){0};
}

static bool contains_word(struct str text, struct str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++)
        if (str_equal_nocase(str_slice(text.data + i, word.len), word))
            return true;
    return false;
}

/* What other lines call it, rightly, or that. */
static const char *renamed(struct check *c, const struct judged *line, const char *fallback)
{
    return line->usual_name.len ? check_text(c, "name: %.*s", STR_ARG(line->usual_name)) : fallback;
}

/* An engine holds a model once; of two lines the last would win, and nobody sees that. */
static void check_repeated(struct check *c, const struct judged *line)
{
    const struct fleet_model *model = line->model;

    for (const struct judged *at = c->lines; at < line; at++) {
        if (at->machine != line->machine || at->model->engine != model->engine ||
            !(str_equal_nocase(at->model->pull, model->pull) ||
              (line->artifact && at->artifact == line->artifact)))
            continue;
        check_say(c,
                  (struct finding){.code = FINDING_duplicate_name,
                                   .severity = SEVERITY_error,
                                   .where = check_place(model->pull_at, model->at),
                                   .machine = line->machine->name,
                                   .subject = model->pull,
                                   .fix = "# remove this entry"},
                  "'%.*s' stands twice for %.*s on %.*s, first in line %u: an engine holds a "
                  "model once",
                  STR_ARG(model->pull), STR_ARG(model->engine->name), STR_ARG(line->machine->name),
                  at->model->at.line);
        return;
    }
}
