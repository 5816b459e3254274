/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer of a copy costs. */
#include "gateway/tariff.h"

static bool has_price(const struct copy *copy);

/* The file's word counts more than the catalog's. Where nobody says what cached tokens cost, they
 * cost as much as others. */
struct price tariff_price(const struct copy *copy)
{
    const struct cloud_facts *facts = copy->cloud_facts;
    struct price price = {0};

    if (copy->cloud && copy->cloud->has_price)
        price = (struct price){copy->cloud->price_in_micro, copy->cloud->price_out_micro,
                               copy->cloud->price_cached_micro};
    else if (copy->cloud && facts && facts->has_price)
        price = (struct price){facts->price_in_micro, facts->price_out_micro,
                               facts->price_cached_micro};
    if (!price.cached_micro)
        price.cached_micro = price.in_micro;
    return price;
}

bool tariff_cloud(const struct view *view, const struct copy *copy, struct price *ret)
{
    for (uint32_t i = 0; i < view->fleet->categories_count; i++) {
        const struct category *category = &view->fleet->categories[i];

        if (!category->cloud_count || !copy_meets(copy, &category->needs))
            continue;
        for (uint32_t k = 0; k < view->copies_count; k++) {
            const struct copy *cloud = &view->copies[k];

            if (!has_price(cloud) || !str_equal(cloud->name, category->cloud[0]))
                continue;
            *ret = tariff_price(cloud);
            return true;
        }
    }
    return false;
}

uint64_t tariff_energy_mj(const struct copy *copy, uint64_t us)
{
    return copy->machine ? copy->machine->hardware.watts * us / 1000 : 0;
}

static bool has_price(const struct copy *copy)
{
    return copy->cloud &&
           (copy->cloud->has_price || (copy->cloud_facts && copy->cloud_facts->has_price));
}
