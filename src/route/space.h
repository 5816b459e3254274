/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The space of a copy's vectors: whose they are, and how long.
 *
 *     "nomic-embed-text/768"           the catalog's tag of the artifact, and the dimensions
 *     "ollama/own-vectors:1b/512"      what no catalog knows: the kind of engine, and its tag
 *     "openai/some-embedding/1536"     the same of a provider
 *
 * Vectors of one space can be compared, wherever they were made; those of two never. Pure.
 */
#pragma once

#include "fleet/view.h"

enum { SPACE_SIZE = 512 }; /* of its text; a longer one is cut */

/* As somebody names it: without a number behind the last '/', of any dimensions. */
struct space {
    struct str identity;
    uint64_t dimensions; /* 0: not said */
};

/* The slices are of text. */
struct space space_read(struct str text);

/* dimensions: as they were counted; 0: what the catalog says, if anything. */
void space_write(char text[static SPACE_SIZE], const struct copy *copy, uint64_t dimensions);

/* Whether that copy may answer in it: it is the artifact that is named, by whichever of its tags,
 * and its vectors are long enough. Shorter ones can be asked for. */
bool space_has(const struct space *space, const struct catalog *catalog, const struct copy *copy);
