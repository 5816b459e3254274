/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each line of a configuration. */
#include "litellm/judgement.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 400, PATH_MAX_BYTES = 512 };

static bool path_fits(const char *pattern, const char *path);
static const char *path_of(struct judgement *j, const struct yaml *node, const char *cut);
static struct judged_line *add(struct judgement *j, const struct yaml *node);
static struct judged_line *find(struct judgement *j, const struct yaml *node);
static void judge_tree(struct judgement *j, const struct yaml *node);
static bool is_read_elsewhere(const struct yaml *node);
static void judge_lines(struct judgement *j, struct str text);
static void judge_line(struct judgement *j, uint32_t line, size_t before);
static bool says_something(struct str line);
static int compare(const void *a, const void *b);

const struct litellm_key_row litellm_key_rows[] = {
#define LITELLM_KEY(path, verdict, setting, reading, words) \
    {path, VERDICT_##verdict, setting, READING_##reading, words},
#include "tables/litellm_keys.def"
};
const size_t litellm_key_count = COUNT_OF(litellm_key_rows);

void judgement_init(struct judgement *j, struct arena *arena)
{
    *j = (struct judgement){.arena = arena};
}

void judgement_fini(struct judgement *j)
{
    map_fini(&j->by_node);
}

void judgement_say(struct judgement *j, const struct yaml *node, enum verdict verdict,
                   const char *format, ...)
{
    struct judged_line *line = find(j, node);
    char words[WORDS_MAX];
    va_list args;

    if (line && verdict <= line->verdict)
        return;
    if (!line)
        line = add(j, node);
    if (!line)
        return;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    line->verdict = verdict;
    line->words = arena_str(j->arena, str_from(words)).data;
    if (!line->words)
        j->error = -ENOMEM;
}

int judgement_rest(struct judgement *j, const struct yaml *root, struct str text)
{
    judge_tree(j, root);
    judge_lines(j, text);
    for (size_t i = 0; i < j->count && j->error == 0; i++)
        j->counts[j->items[i].verdict]++;
    return j->error;
}

void judgement_leave_out(struct judgement *j, const struct yaml *node, const char *words)
{
    judgement_say(j, node, VERDICT_unsupported, "%s", words);
    for (const struct yaml *at = node->first; at; at = at->next)
        judgement_leave_out(j, at, "left out with the rest of it");
}

const struct litellm_key_row *judgement_row(struct judgement *j, const struct yaml *node)
{
    const char *path = path_of(j, node, ".[");
    size_t i = 0;

    if (!path)
        return NULL;
    while (i + 1 < COUNT_OF(litellm_key_rows) && !path_fits(litellm_key_rows[i].path, path))
        i++;
    return &litellm_key_rows[i];
}

const char *verdict_name(enum verdict v)
{
    static const char *const names[VERDICT_COUNT] = {"exact", "approximate", "unsupported"};

    return names[v];
}

/* "*" stands for one key, "**" for all that follows. */
static bool path_fits(const char *pattern, const char *path)
{
    for (; *pattern; pattern++) {
        if (pattern[0] == '*' && pattern[1] == '*')
            return true;
        if (*pattern == '*') {
            path += strcspn(path, ".[");
        } else if (*pattern != *path++) {
            return false;
        }
    }
    return !*path;
}

/* What within a key would look like the end of it, any byte of `cut`, is written as ':'. */
static const char *path_of(struct judgement *j, const struct yaml *node, const char *cut)
{
    char path[PATH_MAX_BYTES];
    size_t start = sizeof path - 1;

    path[start] = '\0';
    for (; node->parent; node = node->parent) {
        struct str part = node->key.data ? node->key : STR("[]");
        bool dot = node->key.data && node->parent->parent;

        if (part.len + dot > start)
            break;
        start -= part.len;
        for (size_t i = 0; i < part.len; i++)
            path[start + i] = node->key.data && strchr(cut, part.data[i]) ? ':' : part.data[i];
        if (dot)
            path[--start] = '.';
    }
    return arena_str(j->arena, str_from(path + start)).data;
}

static struct judged_line *add(struct judgement *j, const struct yaml *node)
{
    struct judged_line *line;
    int r;

    if (j->error)
        return NULL;
    if (j->count == j->room) {
        size_t room = j->room ? 2 * j->room : 64;
        struct judged_line *items = arena_alloc(j->arena, room * sizeof *items);

        if (!items) {
            j->error = -ENOMEM;
            return NULL;
        }
        if (j->count)
            memcpy(items, j->items, j->count * sizeof *items);
        j->items = items;
        j->room = room;
    }
    line = &j->items[j->count];
    *line = (struct judged_line){.node = node, .words = ""};
    if (node) {
        const struct yaml **key = arena_alloc(j->arena, sizeof *key);

        line->at = node->key_at;
        line->path = path_of(j, node, "");
        if (!key || !line->path) {
            j->error = -ENOMEM;
            return NULL;
        }
        *key = node;
        r = map_put(&j->by_node, str_slice((const char *)key, sizeof *key),
                    (void *)(uintptr_t)(j->count + 1));
        if (r < 0) {
            j->error = r;
            return NULL;
        }
    }
    j->count++;
    return line;
}

static struct judged_line *find(struct judgement *j, const struct yaml *node)
{
    void *found = map_find(&j->by_node, str_slice((const char *)&node, sizeof node));

    return found ? &j->items[(uintptr_t)found - 1] : NULL;
}

static void judge_tree(struct judgement *j, const struct yaml *node)
{
    if (node->parent && !find(j, node)) {
        const struct litellm_key_row *row = judgement_row(j, node);
        struct judged_line *line = row ? add(j, node) : NULL;

        if (!line) {
            j->error = j->error ? j->error : -ENOMEM;
            return;
        }
        line->verdict = row->verdict;
        line->words = row->words;
        if (row == &litellm_key_rows[COUNT_OF(litellm_key_rows) - 1] && is_read_elsewhere(node)) {
            line->verdict = VERDICT_exact;
            line->words = "counts where an alias stands for it";
        }
    }
    for (const struct yaml *at = node->first; at && j->error == 0; at = at->next)
        judge_tree(j, at);
}

/* What stands under a key of its own to be named by aliases alone; their copies are judged too. */
static bool is_read_elsewhere(const struct yaml *node)
{
    for (; node; node = node->parent)
        if (node->is_aliased)
            return true;
    return false;
}

/* Lines that begin nothing go on with the value before them. */
static void judge_lines(struct judgement *j, struct str text)
{
    size_t next = 0, nodes = j->count;
    uint32_t number = 0;

    if (j->count)
        qsort(j->items, j->count, sizeof *j->items, compare);
    while (text.len && j->error == 0) {
        struct str line = str_cut(text, '\n', &text);

        number++;
        while (next < nodes && j->items[next].at.line < number)
            next++;
        if (says_something(line) && !(next < nodes && j->items[next].at.line == number))
            judge_line(j, number, next);
    }
    if (j->count)
        qsort(j->items, j->count, sizeof *j->items, compare);
}

static void judge_line(struct judgement *j, uint32_t line, size_t before)
{
    const struct judged_line *last = before ? &j->items[before - 1] : NULL;
    enum verdict verdict = last ? last->verdict : VERDICT_exact;
    uint32_t from = last ? last->at.line : 0;
    const char *file = j->count ? j->items[0].at.file : NULL, *path = last ? last->path : "";
    struct judged_line *added = add(j, NULL);

    if (!added)
        return;
    added->at = (struct place){file, line, 1};
    added->path = path;
    added->verdict = verdict;
    added->words = from ? arena_printf(j->arena, "goes on with line %u", from) : "says nothing";
    if (!added->words)
        j->error = -ENOMEM;
}

/* Blank lines, comments and "---" do not. */
static bool says_something(struct str line)
{
    line = str_trim(line);
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    return line.len && line.data[0] != '#' && !str_is(line, "---") && !str_is(line, "...");
}

static int compare(const void *a, const void *b)
{
    const struct judged_line *x = a, *y = b;

    if (x->at.line != y->at.line)
        return x->at.line < y->at.line ? -1 : 1;
    return x->at.column < y->at.column ? -1 : x->at.column > y->at.column;
}
