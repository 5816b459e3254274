/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a fleet file, as a schema: what the parser accepts and the reference page shows. */
#pragma once

#include "wire/schema.h"

/* The whole file, into a struct fleet. */
extern const struct schema_section fleet_section;
