/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a form. */
#include "wire/form.h"

#include <errno.h>

static int on_part(void *ctx, const struct multipart_part *part);
static int on_data(void *ctx, struct str piece, uint64_t at);
static int on_part_end(void *ctx);
static bool has_name(const struct form_field *field, struct str name);

int form_init(struct form *f, struct str content_type, struct arena *arena)
{
    static const struct multipart_events events = {on_part, on_data, on_part_end};
    struct str boundary;
    int r = multipart_boundary(&boundary, content_type);

    if (r < 0)
        return r;
    *f = (struct form){.arena = arena};
    multipart_init(&f->reader, boundary, &events, f);
    buf_init(&f->value, FORM_TEXT_MAX);
    return 0;
}

void form_fini(struct form *f)
{
    multipart_fini(&f->reader);
    buf_fini(&f->value);
}

int form_feed(struct form *f, struct str chunk)
{
    return multipart_feed(&f->reader, chunk);
}

int form_end(struct form *f)
{
    return multipart_end(&f->reader);
}

const struct form_field *form_find(const struct form *f, const char *name)
{
    const struct form_field *field = f->first;

    while (field && !has_name(field, str_from(name)))
        field = field->next;
    return field;
}

int form_find_once(const struct form *f, const char *name, const struct form_field **ret)
{
    const struct form_field *found = form_find(f, name);

    for (const struct form_field *other = found ? found->next : NULL; other; other = other->next)
        if (has_name(other, str_from(name)))
            return -EEXIST;
    *ret = found;
    return 0;
}

struct str form_text(const struct form *f, const char *name)
{
    const struct form_field *field = form_find(f, name);

    return field && !field->is_file ? field->value : STR("");
}

struct str form_mark(const struct form *f)
{
    return str_slice(f->reader.mark + 2, f->reader.mark_length - 2);
}

static bool has_name(const struct form_field *field, struct str name)
{
    struct str mine = field->name;

    return str_equal(mine, name) ||
           (str_ends(mine, STR("[]")) && str_equal(str_slice(mine.data, mine.len - 2), name));
}

static int on_part(void *ctx, const struct multipart_part *part)
{
    struct form *f = ctx;
    struct form_field *field = arena_alloc(f->arena, sizeof *field);

    if (!field)
        return -ENOMEM;
    field->name = arena_str(f->arena, part->name);
    field->filename = arena_str(f->arena, part->filename);
    field->type = arena_str(f->arena, part->type);
    field->is_file = part->is_file;
    if (!field->name.data || !field->filename.data || !field->type.data)
        return -ENOMEM;
    if (f->last)
        f->last->next = field;
    else
        f->first = field;
    f->last = field;
    return 0;
}

static int on_data(void *ctx, struct str piece, uint64_t at)
{
    struct form *f = ctx;
    int r;

    if (!f->last->size)
        f->last->at = at;
    f->last->size += piece.len;
    if (f->last->is_file)
        return 0;
    f->text += piece.len;
    r = f->text > FORM_TEXT_MAX ? -EMSGSIZE : buf_put(&f->value, piece);
    if (r == -EMSGSIZE)
        f->reader.words = "its fields are too long";
    return r;
}

static int on_part_end(void *ctx)
{
    struct form *f = ctx;

    f->last->value = arena_str(f->arena, buf_str(&f->value));
    buf_reset(&f->value);
    return f->last->value.data ? 0 : -ENOMEM;
}
