/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in a fleet. */
#include "fleet/fleet.h"

#include "fleet/file.h"

static const struct fleet_owner *owner_of(const struct fleet *f);

const struct machine *fleet_machine(const struct fleet *f, struct str name)
{
    return map_find(&owner_of(f)->machines, name);
}

const struct category *fleet_category(const struct fleet *f, struct str name)
{
    return map_find(&owner_of(f)->categories, name);
}

const struct cloud_model *fleet_cloud(const struct fleet *f, struct str name)
{
    return map_find(&owner_of(f)->cloud, name);
}

const struct pair *fleet_alias(const struct fleet *f, struct str name)
{
    return map_find(&owner_of(f)->aliases, name);
}

static const struct fleet_owner *owner_of(const struct fleet *f)
{
    return (const struct fleet_owner *)(const void *)f;
}
