/* SPDX-License-Identifier: Apache-2.0 */
/* A fleet from text, the real catalog, and the plan that the text declares. */
#pragma once

#include "plan/certificate.h"
#include "plan/declared.h"

static struct catalog *catalog;
static struct fleet *fleet;
static struct plan_wish wish;
static struct declared *declared;

static inline int load_catalog(void **state)
{
    (void)state;
    wish = (struct plan_wish){0};
    return catalog_load(&catalog, NULL, NULL);
}

static inline int free_catalog(void **state)
{
    (void)state;
    catalog_free(catalog);
    return 0;
}

/* The text's fleet as a wish and as the plan that it declares. */
static inline void declare(const char *text)
{
    struct err err = {0};

    if (fleet_parse(&fleet, str_from(text), "test.yaml", &err) < 0)
        fail_msg("%s", err.text);
    wish = (struct plan_wish){
        .fleet = fleet, .catalog = catalog, .day = STR("2026-11-23"), .survive = 1};
    assert_int_equal(declared_make(&declared, &wish, &err), 0);
}

static inline int forget(void **state)
{
    (void)state;
    declared_free(declared);
    fleet_free(fleet);
    declared = NULL;
    fleet = NULL;
    return 0;
}
