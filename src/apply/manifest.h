/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a registry says a model consists of: its own digest, and blobs with theirs.
 *
 *     r = manifest_read(&m, text);
 *     manifest_fini(&m);
 */
#pragma once

#include "apply/digest.h"
#include "base/err.h"

#include <stdbool.h>

#define MANIFEST_TYPE "application/vnd.docker.distribution.manifest.v2+json"

enum { MANIFEST_MAX = 4 << 20, MANIFEST_BLOBS_MAX = 4096 };

/* What a file is to an engine that is started with it. */
enum blob_role {
    BLOB_is_other, /* a template, a licence: Ollama's alone */
    BLOB_is_model,
    BLOB_is_projector,
    BLOB_is_beside, /* behind an argument of its own */
};

struct manifest_blob {
    char digest[DIGEST_LENGTH + 1];
    uint64_t size;
    enum blob_role role;
    char *flag; /* owned: "--vae"; NULL unless it is beside */
    char *url;  /* owned: where it is published; NULL: with the manifest */
};

struct manifest {
    char digest[DIGEST_LENGTH + 1]; /* of the manifest's bytes: what Ollama calls the model's */
    struct manifest_blob *blobs;    /* each digest once */
    uint32_t count;
    uint64_t bytes; /* of all of them */
};

/* 0; -EBADMSG: no manifest; -ENOMEM. */
MUST_USE int manifest_read(struct manifest *ret, struct str text);

/* Bytes of what an engine is started with. */
uint64_t manifest_engine_bytes(const struct manifest *m);
void manifest_fini(struct manifest *m);

/* The blob of that digest; NULL. */
const struct manifest_blob *manifest_find(const struct manifest *m, struct str digest);

/* Where a registry has the manifest of that model: "/v2/library/qwen2.5/manifests/14b". False: no
 * name, or one of another registry. */
bool manifest_target(char *out, size_t room, struct str name);
