/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the catalog's files, as schemas. */
#pragma once

#include "wire/schema.h"

/* Each reads one file into a struct catalog. */
extern const struct schema_section catalog_models_section;
extern const struct schema_section catalog_hardware_section;
extern const struct schema_section catalog_cloud_section;
