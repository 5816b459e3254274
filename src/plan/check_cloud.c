/* SPDX-License-Identifier: Apache-2.0 */
/* Models of providers: do they still answer, under that id, at that provider? */
#include "plan/check_inside.h"

/* What stops within so many days is worth a note. */
enum { SOON_DAYS = 92 };

static void check_model(struct check *c, const struct cloud_model *cloud);
static void check_retired(struct check *c, const struct cloud_model *cloud,
                          const struct cloud_facts *facts);
static const char *cloud_fix(struct check *c, const struct cloud_facts *facts);
static void check_id(struct check *c, const struct cloud_model *cloud,
                     const struct cloud_facts *facts);
static void check_name(struct check *c, const struct cloud_model *cloud);
static struct str earlier(struct str a, struct str b);
static uint64_t day_number(struct str day);

void check_cloud(struct check *c)
{
    for (uint32_t i = 0; i < c->fleet->cloud_count; i++)
        check_model(c, &c->fleet->cloud[i]);
}

static void check_model(struct check *c, const struct cloud_model *cloud)
{
    const struct cloud_facts *facts = catalog_cloud(c->catalog, cloud->model);
    struct finding f = {.where = check_place(cloud->model_at, cloud->at), .subject = cloud->model};

    check_retired(c, cloud, facts);
    check_name(c, cloud);
    if (facts) {
        check_id(c, cloud, facts);
        return;
    }
    if (cloud->capabilities || cloud->provider == PROVIDER_compatible)
        return;
    f.code = FINDING_unknown_artifact;
    f.severity = SEVERITY_warning;
    f.fix = "capabilities: [completion]";
    check_say(c, f,
              "the catalog does not know '%.*s' of %s: what it can do and costs cannot be said",
              STR_ARG(cloud->model), provider_kind_row((enum provider_kind)cloud->provider)->name);
}

static void check_retired(struct check *c, const struct cloud_model *cloud,
                          const struct cloud_facts *facts)
{
    struct str day = earlier(cloud->retired, facts ? facts->retired : (struct str){0});
    struct finding f = {.code = FINDING_retired_model,
                        .where = check_place(cloud->model_at, cloud->at),
                        .subject = cloud->model};
    uint64_t then = day_number(day), now = day_number(c->day);

    if (!day.len || then > now + SOON_DAYS)
        return;
    f.fix = cloud_fix(c, facts);
    if (then > now)
        f.severity = SEVERITY_note;
    check_say(c, f,
              then > now ? "'%.*s' stops answering on %.*s" : "'%.*s' has not answered since %.*s",
              STR_ARG(cloud->model), STR_ARG(day));
}

/* The successor, with what it costs where that is known. */
static const char *cloud_fix(struct check *c, const struct cloud_facts *facts)
{
    const struct cloud_facts *next =
        facts && facts->replace_by_count ? catalog_cloud(c->catalog, facts->replace_by[0]) : NULL;

    if (!facts || !facts->replace_by_count)
        return "# remove this entry";
    if (!next || !next->has_price)
        return check_text(c, "model: %.*s", STR_ARG(facts->replace_by[0]));
    return check_text(c, "model: %.*s, price_in: %.2f, price_out: %.2f", STR_ARG(next->id),
                      (double)next->price_in_micro / 1e6, (double)next->price_out_micro / 1e6);
}

static void check_id(struct check *c, const struct cloud_model *cloud,
                     const struct cloud_facts *facts)
{
    struct finding f = {.where = check_place(cloud->model_at, cloud->at), .subject = cloud->model};

    if (facts->provider != cloud->provider && cloud->provider != PROVIDER_compatible) {
        const char *right = provider_kind_row((enum provider_kind)facts->provider)->name;

        f.code = FINDING_wrong_engine;
        f.fix = check_text(c, "provider: %s", right);
        check_say(c, f, "'%.*s' is a model of %s, not of %s", STR_ARG(cloud->model), right,
                  provider_kind_row((enum provider_kind)cloud->provider)->name);
    }
    /* The right id of what is gone helps nobody. */
    for (uint32_t i = 0; !cloud_is_retired(facts, c->day) && i < facts->mistaken_count; i++)
        if (str_equal_nocase(facts->mistaken[i], cloud->model)) {
            f.code = FINDING_name_mismatch;
            f.fix = check_text(c, "model: %.*s", STR_ARG(facts->id));
            check_say(c, f, "'%.*s' is what people call it; the provider's id is '%.*s'",
                      STR_ARG(cloud->model), STR_ARG(facts->id));
        }
}

static void check_name(struct check *c, const struct cloud_model *cloud)
{
    struct deployment_name name;

    if (name_read(&name, cloud->name) < 0 || name.where == WHERE_CLD)
        return;
    check_say(c,
              (struct finding){.code = FINDING_name_mismatch,
                               .where = check_place(cloud->name_at, cloud->at),
                               .subject = cloud->name,
                               .fix = check_text(c, "name: %s-CLD-%s-%.*s", size_names[name.size],
                                                 cost_names[name.cost], STR_ARG(name.tail))},
              "'%.*s' says %s, and it lives at a provider", STR_ARG(cloud->name),
              where_names[name.where]);
}

/* An empty one is never. */
static struct str earlier(struct str a, struct str b)
{
    return !a.len || (b.len && day_number(b) < day_number(a)) ? b : a;
}

/* Days, with months of 31: near enough to say "soon". 0 when it is no day. */
static uint64_t day_number(struct str day)
{
    struct str month, rest, year = str_cut(day, '-', &month);
    uint64_t y, m, d;

    month = str_cut(month, '-', &rest);
    if (str_to_u64(&y, year) < 0 || str_to_u64(&m, month) < 0 || str_to_u64(&d, rest) < 0)
        return 0;
    return y * 372 + m * 31 + d;
}
