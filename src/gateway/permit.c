/* SPDX-License-Identifier: Apache-2.0 */
/* What a key's rules leave. */
#include "gateway/permit.h"

#include <errno.h>

static bool is_asked_listed(struct str list, struct str asked);
static bool has_item(struct str list, struct str text);
static const char *refuses(const struct rules *rules, const struct copy *copy, bool any_model);
static bool is_listed(struct str list, const struct copy *copy);

enum failure permit(struct candidates *found, const struct rules *rules, struct str asked,
                    struct err *err)
{
    bool any_model = is_asked_listed(rules->models, asked);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < found->count; i++) {
        const struct copy *copy = found->rows[i].copy;
        const char *what = refuses(rules, copy, any_model);

        if (!what) {
            found->rows[kept++] = found->rows[i];
            continue;
        }
        candidates_rule_out(found, copy, REJECTION_forbidden, what);
        err_set(err, -EACCES, "'%.*s': this key may not use %s", STR_ARG(asked), what);
    }
    found->count = kept;
    return kept ? FAILURE_none : FAILURE_forbidden;
}

/* A selector is the caller's own text: that a wildcard matches it says nothing of whom it means. */
static bool is_asked_listed(struct str list, struct str asked)
{
    struct selector selector;
    bool is_own_text = selector_read(&selector, asked) == 0 && !selector_is_name(&selector);

    return is_own_text ? has_item(list, asked) : rules_list_has(list, asked);
}

static bool has_item(struct str list, struct str text)
{
    while (list.len) {
        struct str rest, item = str_trim(str_cut(list, ',', &rest));

        if (str_equal(item, text))
            return true;
        list = rest;
    }
    return false;
}

static const char *refuses(const struct rules *rules, const struct copy *copy, bool any_model)
{
    if (rules->is_private && copy->cloud)
        return "the cloud";
    if (!rules_list_has(rules->machines, copy->machine_name))
        return "the machines that have it";
    return any_model || is_listed(rules->models, copy) ? NULL : "that model";
}

/* By name, by artifact, or by a selector that its name matches. */
static bool is_listed(struct str list, const struct copy *copy)
{
    if (rules_list_has(list, copy->name) || rules_list_has(list, copy->tag))
        return true;
    while (list.len && copy->has_parts) {
        struct str rest, item = str_trim(str_cut(list, ',', &rest));
        struct selector selector;

        if (selector_read(&selector, item) == 0 &&
            selector_matches(&selector, &copy->parts, copy->purposes, copy->capabilities))
            return true;
        list = rest;
    }
    return false;
}
