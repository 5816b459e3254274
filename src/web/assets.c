/* SPDX-License-Identifier: Apache-2.0 */
/* The dashboard's own files. */
#include "web/assets.h"

#include <stdio.h>

#include "base/embedded.h"

enum { TAG_ROOM = 24, PATH_ROOM = 128 };

static int give(const struct page_request *r, struct buf *out, const char **type, struct str name);
static const struct embedded_file *find(struct str name);
static const char *type_of(struct str name);
static void add_policy(const struct page_request *r);

/* img: pictures that a model made; all else comes from here. */
static const struct {
    const char *name, *value;
} policy[] = {
    {"content-security-policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
     "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
     "frame-ancestors 'none'; require-trusted-types-for 'script'"},
    {"x-content-type-options", "nosniff"},
    {"referrer-policy", "no-referrer"},
    {"cross-origin-opener-policy", "same-origin"},
    {"cross-origin-resource-policy", "same-origin"},
    {"cache-control", "no-cache"}, /* asked again each time; the tag makes that cheap */
};

bool wants_dashboard(const struct page_request *r)
{
    struct str accept = request_header(r->request, STR("accept"));

    return accept.len && memmem(accept.data, accept.len, "text/html", 9);
}

int dashboard_page(const struct page_request *r, struct buf *out, const char **type)
{
    page_header(r, STR("vary"), STR("accept"));
    return give(r, out, type, STR("index.html"));
}

int asset_page(const struct page_request *r, struct buf *out, const char **type)
{
    return give(r, out, type, r->rest);
}

static int give(const struct page_request *r, struct buf *out, const char **type, struct str name)
{
    const struct embedded_file *file = find(name);
    static _Thread_local char tag[TAG_ROOM]; /* outlives this call, as headers must */

    add_policy(r);
    if (!file) {
        *type = "text/plain; charset=utf-8";
        return buf_put(out, STR("no such file in this program\n")) < 0 ? 500 : 404;
    }
    *type = type_of(name);
    snprintf(tag, sizeof tag, "\"%016llx\"",
             (unsigned long long)str_hash(str_slice(file->data, file->size)));
    page_header(r, STR("etag"), str_from(tag));
    if (str_is(request_header(r->request, STR("if-none-match")), tag))
        return 304;
    return buf_put(out, str_slice(file->data, file->size)) < 0 ? 500 : 200;
}

static const struct embedded_file *find(struct str name)
{
    char path[PATH_ROOM];
    int length = snprintf(path, sizeof path, "src/web/assets/%.*s", STR_ARG(name));

    return length < PATH_ROOM ? embedded_find(path) : NULL;
}

static const char *type_of(struct str name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
    };

    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_ends(name, str_from(types[i].ending)))
            return types[i].type;
    return "application/octet-stream";
}

static void add_policy(const struct page_request *r)
{
    for (size_t i = 0; i < COUNT_OF(policy); i++)
        page_header(r, str_from(policy[i].name), str_from(policy[i].value));
}
