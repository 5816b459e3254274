/* SPDX-License-Identifier: Apache-2.0 */
/* YAML text to a tree: the only file that knows libfyaml. */
#include "wire/yaml.h"

#include <assert.h>
#include <errno.h>
#include <libfyaml.h>

#include "wire/yaml_alias.h"

struct reader {
    struct arena *arena;
    const char *name;
    struct fy_parser *parser;
    struct yaml *root, *open; /* open: the innermost list or map not yet closed */
    struct str key;           /* a map's key that waits for its value */
    struct place key_at;
    size_t nodes;
    unsigned depth, documents;
    bool takes_aliases;
    struct yaml_anchor *anchors; /* the youngest first */
    struct err *err;
};

static int read_tree(struct yaml **ret, struct reader *rd, struct str text, const char *name);
static int check_text(struct str text, const char *name, struct err *err);
static size_t character_length(struct str s);
static int read_events(struct reader *rd, struct fy_diag *diag);
static int on_event(struct reader *rd, struct fy_event *event);
static int on_scalar(struct reader *rd, struct fy_event *event, struct place at);
static int on_open(struct reader *rd, enum yaml_kind kind, struct place at);
static int on_close(struct reader *rd, struct place at);
static int add(struct reader *rd, struct yaml **ret, enum yaml_kind kind, struct place at);
static int refuse_extras(struct reader *rd, struct fy_event *event, struct place at);
static struct fy_token *anchor_of(struct fy_event *event, struct fy_token **ret_tag);
static int note_anchor(struct reader *rd, struct fy_event *event, struct yaml *y);
static int on_alias(struct reader *rd, struct fy_event *event, struct place at);
static int syntax_error(struct reader *rd, struct fy_diag *diag);
static struct place place_of(const struct reader *rd, struct fy_event *event);
static unsigned quote_of(struct fy_event *event);
static struct fy_diag *make_diag(void);
static void on_output(struct fy_diag *diag, void *user, const char *text, size_t len);

int yaml_read(struct yaml **ret, struct arena *a, struct str text, const char *name,
              struct err *err)
{
    struct reader rd = {.arena = a, .err = err};

    return read_tree(ret, &rd, text, name);
}

int yaml_read_aliases(struct yaml **ret, struct arena *a, struct str text, const char *name,
                      struct err *err)
{
    struct reader rd = {.arena = a, .takes_aliases = true, .err = err};

    return read_tree(ret, &rd, text, name);
}

void yaml_append(struct yaml *parent, struct yaml *child)
{
    child->next = NULL;
    child->parent = parent;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

struct yaml *yaml_find(const struct yaml *map, const char *key)
{
    for (struct yaml *at = map->kind == YAML_map ? map->first : NULL; at; at = at->next)
        if (str_is(at->key, key))
            return at;
    return NULL;
}

bool yaml_is_null(const struct yaml *y)
{
    return y->kind == YAML_text && !y->quoted &&
           (y->text.len == 0 || str_is(y->text, "~") || str_is(y->text, "null"));
}

const char *yaml_kind_name(enum yaml_kind kind)
{
    static const char *const names[] = {"a text", "a list", "a map"};

    return names[kind];
}

static int read_tree(struct yaml **ret, struct reader *rd, struct str text, const char *name)
{
    struct fy_diag *diag = NULL;
    int r = check_text(text, name, rd->err);

    if (r < 0)
        return r;
    /* libfyaml wants its input to live and the marks to count bytes: it gets our copy. */
    text = arena_str(rd->arena, text);
    rd->name = arena_str(rd->arena, str_from(name)).data;
    if (text.data && rd->name)
        diag = make_diag();
    if (diag)
        rd->parser = fy_parser_create(&(struct fy_parse_cfg){
            .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
            .diag = diag});
    if (!rd->parser || fy_parser_set_string(rd->parser, text.data, text.len) != 0)
        r = err_set(rd->err, -ENOMEM, "%s: no memory to read it", name);
    else
        r = read_events(rd, diag);
    fy_parser_destroy(rd->parser);
    fy_diag_destroy(diag);
    if (r == 0)
        *ret = rd->root;
    return r;
}

/* What libfyaml should not see: sizes beyond reason, bytes that are no text, and directives, on
 * which version 0.7 can spin. */
static int check_text(struct str text, const char *name, struct err *err)
{
    unsigned line = 1;
    size_t begin = 0, len;

    if (text.len > YAML_BYTES_MAX)
        return err_set(err, -EMSGSIZE,
                       "%s:1:1: found %zu bytes, expected at most %d; split the file with include:",
                       name, text.len, YAML_BYTES_MAX);
    for (size_t i = 0; i < text.len; i += len) {
        len = character_length(str_slice(text.data + i, text.len - i));
        if (!len)
            return err_set(err, -EINVAL,
                           "%s:%u:%zu: found a byte that is not text (0x%02x), expected UTF-8; is "
                           "this a YAML file?",
                           name, line, i - begin + 1, (unsigned char)text.data[i]);
        if (text.data[i] == '%' && i == begin)
            return err_set(err, -EINVAL,
                           "%s:%u:1: found a directive (%%…), expected none; remove the line", name,
                           line);
        if (text.data[i] == '\n') {
            line++;
            begin = i + 1;
        }
    }
    return 0;
}

/* Bytes of the UTF-8 character in front; 0: none, or one that text does not have. */
static size_t character_length(struct str s)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)s.data[0];
    size_t len = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    uint32_t code;

    if (first < 0x80)
        return first >= ' ' || first == '\n' || first == '\t' || first == '\r' ? 1 : 0;
    if (first < 0xc2 || first > 0xf4 || len > s.len)
        return 0;
    code = first & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)s.data[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | ((unsigned char)s.data[i] & 0x3f);
    }
    return code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : len;
}

static struct fy_diag *make_diag(void)
{
    struct fy_diag_cfg cfg;
    struct fy_diag *diag;

    fy_diag_cfg_default(&cfg);
    cfg.fp = NULL;
    cfg.output_fn = on_output;
    diag = fy_diag_create(&cfg);
    if (diag)
        fy_diag_set_collect_errors(diag, true);
    return diag;
}

/* What libfyaml would print although it is told to collect. */
static void on_output(struct fy_diag *diag, void *user, const char *text, size_t len)
{
    (void)diag;
    (void)user;
    (void)text;
    (void)len;
}

static int read_events(struct reader *rd, struct fy_diag *diag)
{
    struct fy_event *event;
    int r = 0;

    while (r == 0 && (event = fy_parser_parse(rd->parser))) {
        r = on_event(rd, event);
        fy_parser_event_free(rd->parser, event);
    }
    if (r < 0)
        return r;
    if (fy_parser_get_stream_error(rd->parser) || rd->open)
        return syntax_error(rd, diag);
    if (!rd->root)
        return add(rd, &rd->root, YAML_text, (struct place){rd->name, 1, 1});
    return 0;
}

static int on_event(struct reader *rd, struct fy_event *event)
{
    struct place at = place_of(rd, event);
    int r = refuse_extras(rd, event, at);

    if (r < 0)
        return r;
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (rd->documents++)
            return err_set(rd->err, -EINVAL,
                           PLACE "found a second document, expected one; remove the line ---",
                           PLACE_ARG(at));
        return 0;
    case FYET_MAPPING_START:
        r = on_open(rd, YAML_map, at);
        return r < 0 ? r : note_anchor(rd, event, rd->open);
    case FYET_SEQUENCE_START:
        r = on_open(rd, YAML_list, at);
        return r < 0 ? r : note_anchor(rd, event, rd->open);
    case FYET_ALIAS:
        return on_alias(rd, event, at);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        return on_close(rd, at);
    case FYET_SCALAR:
        return on_scalar(rd, event, at);
    default:
        return 0;
    }
}

/* A bare scalar in a map is a key when none waits, else the value of the one that does. */
static int on_scalar(struct reader *rd, struct fy_event *event, struct place at)
{
    struct fy_token *token = event->scalar.value;
    struct str text = {0};
    struct yaml *y = NULL;
    int r;

    text.data = token ? fy_token_get_text(token, &text.len) : "";
    text = arena_str(rd->arena, text);
    if (!text.data)
        return err_set(rd->err, -ENOMEM, "%s: no memory for its text", rd->name);
    if (rd->open && rd->open->kind == YAML_map && !rd->key.data) {
        rd->key = text;
        rd->key_at = at;
        return 0;
    }
    if ((r = add(rd, &y, YAML_text, at)) < 0)
        return r;
    y->text = text;
    if (token) {
        const struct fy_mark *start = fy_token_start_mark(token), *end = fy_token_end_mark(token);
        unsigned quote = quote_of(event);

        y->quoted = fy_token_scalar_style(token) != FYSS_PLAIN;
        y->start = start ? start->input_pos - quote : 0;
        y->end = end ? end->input_pos + quote : 0;
    }
    return note_anchor(rd, event, y);
}

static int on_open(struct reader *rd, enum yaml_kind kind, struct place at)
{
    struct yaml *y = NULL;
    int r;

    if (rd->open && rd->open->kind == YAML_map && !rd->key.data)
        return err_set(rd->err, -EINVAL, PLACE "found %s as a key, expected a word", PLACE_ARG(at),
                       yaml_kind_name(kind));
    if (++rd->depth > YAML_DEPTH_MAX)
        return err_set(rd->err, -EMSGSIZE,
                       PLACE "found more than %d levels, expected fewer; this is not a fleet file",
                       PLACE_ARG(at), YAML_DEPTH_MAX);
    if ((r = add(rd, &y, kind, at)) < 0)
        return r;
    rd->open = y;
    return 0;
}

static int on_close(struct reader *rd, struct place at)
{
    int r;

    if (rd->key.data)
        return err_set(rd->err, -EINVAL, PLACE "found '%s' without a value", PLACE_ARG(at),
                       rd->key.data);
    assert(rd->open);
    r = rd->takes_aliases ? yaml_merge(rd->open) : 0;
    if (r == -ENOMEM)
        return err_set(rd->err, r, "%s: no memory for its values", rd->name);
    if (r < 0)
        return err_set(rd->err, r,
                       PLACE "found << with something else, expected a map or a list of maps",
                       PLACE_ARG(rd->open->at));
    rd->depth--;
    rd->open = rd->open->parent;
    return 0;
}

static int add(struct reader *rd, struct yaml **ret, enum yaml_kind kind, struct place at)
{
    struct yaml *y;

    if (++rd->nodes > YAML_NODES_MAX) {
        err_set(rd->err, -EMSGSIZE, PLACE "found more than %d values, expected fewer",
                PLACE_ARG(at), YAML_NODES_MAX);
        return -EMSGSIZE;
    }
    y = arena_alloc(rd->arena, sizeof *y);
    if (!y) {
        err_set(rd->err, -ENOMEM, "%s: no memory for its values", rd->name);
        return -ENOMEM;
    }
    *y = (struct yaml){.kind = kind, .at = at, .key_at = at, .parent = rd->open, .text = STR("")};
    if (rd->key.data) {
        y->key = rd->key;
        y->key_at = rd->key_at;
        rd->key = (struct str){0};
    }
    if (rd->open)
        yaml_append(rd->open, y);
    else
        rd->root = y;
    *ret = y;
    return 0;
}

static int refuse_extras(struct reader *rd, struct fy_event *event, struct place at)
{
    struct fy_token *tag = NULL, *anchor = anchor_of(event, &tag);
    bool is_key = rd->open && rd->open->kind == YAML_map && !rd->key.data;

    if (event->type == FYET_ALIAS && !rd->takes_aliases)
        return err_set(rd->err, -EINVAL,
                       PLACE "found an alias, expected the value itself; write it out, or use "
                             "include:",
                       PLACE_ARG(at));
    if (rd->takes_aliases && !(anchor && is_key))
        anchor = NULL;
    if (!anchor && !tag)
        return 0;
    return err_set(rd->err, -EINVAL, PLACE "found %s, expected a plain value; remove it",
                   PLACE_ARG(at), anchor ? "an anchor (&…)" : "a tag (!…)");
}

static struct fy_token *anchor_of(struct fy_event *event, struct fy_token **ret_tag)
{
    switch (event->type) {
    case FYET_SCALAR:
        *ret_tag = event->scalar.tag;
        return event->scalar.anchor;
    case FYET_MAPPING_START:
        *ret_tag = event->mapping_start.tag;
        return event->mapping_start.anchor;
    case FYET_SEQUENCE_START:
        *ret_tag = event->sequence_start.tag;
        return event->sequence_start.anchor;
    default:
        return NULL;
    }
}

/* A name may be given again: what follows means the youngest of it. */
static int note_anchor(struct reader *rd, struct fy_event *event, struct yaml *y)
{
    struct fy_token *tag, *token = anchor_of(event, &tag);
    struct yaml_anchor *anchor;
    struct str name = {0};

    if (!token)
        return 0;
    name.data = fy_token_get_text(token, &name.len);
    anchor = arena_alloc(rd->arena, sizeof *anchor);
    if (anchor)
        *anchor = (struct yaml_anchor){rd->anchors, arena_str(rd->arena, name), y};
    if (!anchor || !anchor->name.data)
        return err_set(rd->err, -ENOMEM, "%s: no memory for its anchors", rd->name);
    rd->anchors = anchor;
    return 0;
}

static int on_alias(struct reader *rd, struct fy_event *event, struct place at)
{
    struct yaml_budget budget = {rd->arena, YAML_NODES_MAX - rd->nodes, YAML_DEPTH_MAX - rd->depth};
    struct yaml *y = NULL, *named;
    struct str name = {0};
    int r;

    if (rd->open && rd->open->kind == YAML_map && !rd->key.data)
        return err_set(rd->err, -EINVAL, PLACE "found an alias as a key, expected a word",
                       PLACE_ARG(at));
    name.data = fy_token_get_text(event->alias.anchor, &name.len);
    named = yaml_anchor_find(rd->anchors, name, rd->open);
    if (!named)
        return err_set(rd->err, -EINVAL,
                       PLACE "found the alias '%.*s', expected the name of an anchor (&…) whose "
                             "value ends above it",
                       PLACE_ARG(at), STR_ARG(name));
    if ((r = add(rd, &y, named->kind, at)) < 0)
        return r;
    r = yaml_copy(y, named, &budget);
    rd->nodes = YAML_NODES_MAX - budget.nodes;
    if (r == -ENOMEM)
        return err_set(rd->err, r, "%s: no memory for its values", rd->name);
    return r < 0 ? err_set(rd->err, r,
                           PLACE "found more values or levels than %d and %d, all "
                                 "aliases written out; expected fewer",
                           PLACE_ARG(at), YAML_NODES_MAX, YAML_DEPTH_MAX)
                 : 0;
}

/* libfyaml names the place of what it did not understand; lines and columns count from 1 there. */
static int syntax_error(struct reader *rd, struct fy_diag *diag)
{
    void *state = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &state);

    if (!error)
        return err_set(rd->err, -EINVAL, "%s:1:1: this is not YAML", rd->name);
    return err_set(rd->err, -EINVAL,
                   "%s:%d:%d: found what is not YAML (%s); look at the quotes, "
                   "colons and indentation here",
                   rd->name, error->line > 0 ? error->line : 1,
                   error->column > 0 ? error->column : 1, error->msg);
}

static struct place place_of(const struct reader *rd, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);

    if (!mark)
        return (struct place){rd->name, 1, 1};
    return (struct place){rd->name, (uint32_t)mark->line + 1,
                          (uint32_t)mark->column + 1 - quote_of(event)};
}

/* 1 where libfyaml's marks stand behind the first character: texts in quotes, and aliases. */
static unsigned quote_of(struct fy_event *event)
{
    enum fy_scalar_style style = FYSS_PLAIN;

    if (event->type == FYET_ALIAS)
        return 1;
    if (event->type == FYET_SCALAR && event->scalar.value)
        style = fy_token_scalar_style(event->scalar.value);
    return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
}
