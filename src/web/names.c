/* SPDX-License-Identifier: Apache-2.0 */
/* The names that can be asked for. */
#include "web/names.h"

#include <stdlib.h>

#include "gateway/permit.h"
#include "gateway/scene.h"

struct naming {
    const struct page_request *request;
    named_fn *fn;
    void *ctx;
};

static int on_name(void *ctx, struct str name, const char *what);
static named_fn mark_copies;

enum failure name_find(struct candidates *ret, const struct page_request *r, struct str name,
                       struct err *err)
{
    if (candidates_find(ret, r->scene->view, name, 0, err) < 0)
        return FAILURE_unknown_model;
    return r->rules ? permit(ret, r->rules, name, err) : FAILURE_none;
}

int names_each(const struct page_request *r, named_fn *fn, void *ctx)
{
    struct naming n = {.request = r, .fn = fn, .ctx = ctx};

    return candidates_each_name(r->scene->view, on_name, &n);
}

bool *names_copies(const struct page_request *r)
{
    bool *marks = calloc(r->scene->view->copies_count + 1, sizeof *marks);

    if (marks && names_each(r, mark_copies, marks) < 0) {
        free(marks);
        return NULL;
    }
    return marks;
}

uint32_t name_capabilities(const struct candidates *found)
{
    uint32_t capabilities = 0;

    for (uint32_t i = 0; i < found->count; i++)
        if (found->rows[i].copy->is_known)
            capabilities |= found->rows[i].copy->capabilities;
    return capabilities ? capabilities : 1u << CAPABILITY_completion;
}

uint64_t name_context(const struct candidates *found)
{
    const struct copy *first = found->rows[0].copy;

    return first->context || !first->artifact ? first->context : artifact_context(first->artifact);
}

/* A category that nothing qualifies for cannot be asked. */
static int on_name(void *ctx, struct str name, const char *what)
{
    const struct naming *n = ctx;
    struct candidates found;

    return name_find(&found, n->request, name, NULL) ? 0 : n->fn(n->ctx, name, what, &found);
}

static int mark_copies(void *ctx, struct str name, const char *what, const struct candidates *found)
{
    bool *marks = ctx;

    (void)name;
    (void)what;
    for (uint32_t i = 0; i < found->count; i++)
        marks[found->rows[i].copy->index] = true;
    return 0;
}
