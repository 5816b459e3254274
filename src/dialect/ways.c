/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of engines that have ways of their own. */
#include "dialect/ways.h"

#include <errno.h>

static struct str option(const struct fleet_engine *engine, const char *name,
                         const char *otherwise);

/* whisper-server has one path for both, which an option moves, behind a prefix that another sets.
 */
static const struct {
    enum engine_kind kind;
    enum task task;
    const char *prefix, *option, *otherwise, *extra;
} ways[] = {
    {ENGINE_whisper_server, TASK_transcribe, "--request-path", "--inference-path", "/inference",
     ""},
    {ENGINE_whisper_server, TASK_translate, "--request-path", "--inference-path", "/inference",
     "translate=true"},
};

int way_find(struct buf *out, struct str *ret_extra, const struct fleet_engine *engine,
             enum task task)
{
    for (size_t i = 0; i < COUNT_OF(ways) && engine; i++) {
        int r;

        if (ways[i].kind != engine->kind || ways[i].task != task)
            continue;
        buf_reset(out);
        r = buf_put(out, option(engine, ways[i].prefix, ""));
        if (r == 0)
            r = buf_put(out, option(engine, ways[i].option, ways[i].otherwise));
        if (r == 0)
            *ret_extra = str_from(ways[i].extra);
        return r;
    }
    return -ENOENT;
}

/* "--name VALUE" or "--name=VALUE" among the engine's arguments. */
static struct str option(const struct fleet_engine *engine, const char *name, const char *otherwise)
{
    for (uint32_t i = 0; i < engine->args_count; i++) {
        struct str value, head = str_cut(engine->args[i], '=', &value);

        if (!str_is(head, name))
            continue;
        if (head.len < engine->args[i].len)
            return value;
        if (i + 1 < engine->args_count)
            return engine->args[i + 1];
    }
    return str_from(otherwise);
}
