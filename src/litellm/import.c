/* SPDX-License-Identifier: Apache-2.0 */
/* The import from the first line to the last: what each file beside it does, in order. */
#include "litellm/import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "litellm/import_inside.h"

enum {
    IMPORT_BYTES_MAX = 64 << 20,
    FLEET_TEXT_MAX = 16 << 20,
    TEXT_ROOM = 1024,
    NAME_BYTES_MAX = 256
};

static int run(struct litellm_import *ret, struct import *in, struct str text, const char *name,
               struct err *err);

int litellm_import(struct litellm_import *ret, struct str text, const char *name,
                   const struct catalog *catalog, struct str day, struct err *err)
{
    struct import in = {.catalog = catalog, .day = day};
    int r;

    arena_init(&ret->arena, IMPORT_BYTES_MAX);
    buf_init(&ret->fleet, FLEET_TEXT_MAX);
    judgement_init(&ret->judgement, &ret->arena);
    in.arena = &ret->arena;
    in.judgement = &ret->judgement;
    r = run(ret, &in, text, name, err);
    if (r < 0)
        litellm_import_fini(ret);
    return r;
}

void litellm_import_fini(struct litellm_import *in)
{
    judgement_fini(&in->judgement);
    buf_fini(&in->fleet);
    arena_fini(&in->arena);
}

static int run(struct litellm_import *ret, struct import *in, struct str text, const char *name,
               struct err *err)
{
    struct yaml *root;
    int r = yaml_read_aliases(&root, in->arena, text, name, err);

    if (r < 0)
        return r;
    in->root = root;
    if (root->kind != YAML_map || !yaml_find(root, "model_list"))
        return err_set(err, -EINVAL,
                       PLACE "found no 'model_list', expected a configuration of LiteLLM's proxy",
                       PLACE_ARG(root->at));
    import_deployments(in);
    import_stand_ins(in);
    import_targets(in);
    import_settings(in);
    r = in->error ? in->error : import_write(in, &ret->fleet);
    if (r == 0)
        r = judgement_rest(in->judgement, root, text);
    return r < 0 ? err_set(err, r, "%s: no memory for its import", name) : 0;
}

void *import_new(struct import *in, size_t size)
{
    void *made = arena_alloc(in->arena, size);

    if (!made)
        in->error = -ENOMEM;
    return made;
}

struct str import_text(struct import *in, const char *format, ...)
{
    char text[TEXT_ROOM];
    struct str made;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    made = arena_str(in->arena, str_from(text));
    if (!made.data)
        in->error = -ENOMEM;
    return made.data ? made : STR("");
}

bool import_is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
            return false;
    return text.len > 0 && text.len <= NAME_BYTES_MAX;
}

struct str import_value(struct import *in, const struct yaml *y)
{
    static const struct str prefix = STR("os.environ/");
    const struct yaml *variables = yaml_find(in->root, "environment_variables"), *found = NULL;

    if (!y || y->kind != YAML_text || yaml_is_null(y))
        return STR("");
    if (!str_starts(y->text, prefix))
        return y->text;
    if (variables && variables->kind == YAML_map)
        found = yaml_find(variables, y->text.data + prefix.len);
    return found && found->kind == YAML_text ? found->text : STR("");
}
