/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which models may come through the LAN registry, and what their manifests say.
 *
 *     expected_set(e, names, count);                     of the plan; replaces what was said before
 *     r = expected_manifest(e, target, now_ms, &text);   0; or -EINPROGRESS: ask for it, and then
 *     expected_answer(e, target, status, text, now_ms);
 *     r = expected_blob(e, path, digest, &blob);
 *
 * Whoever reaches the port can ask for anything: nothing but these names is ever asked for in the
 * world, each by one at a time, and only blobs that their manifests name are brought. Any thread
 * may call; the time is passed in.
 */
#pragma once

#include "apply/manifest.h"
#include "base/auto.h"
#include "base/buf.h"

struct expected;

enum {
    EXPECTED_MAX = 4096, /* names */
    EXPECTED_FRESH_MS = 60000,
    EXPECTED_ABSENT_MS = 5000, /* for so long a 404 is not asked for again */
    EXPECTED_ASK_MS = 60000,   /* who asks for so long does not come back */
    EXPECTED_PATH = 256,
    EXPECTED_FILES_MAX = 4096,
};

/* Under it stand files that no manifest names, for whom they are: "/v2/tampu/files/7/blobs/DIGEST".
 */
#define EXPECTED_FILES "tampu/files"

MUST_USE int expected_new(struct expected **ret);
void expected_free(struct expected *e);
AUTO_FREE(expected)

/* As Ollama writes them: "qwen2.5:14b", "someone/model". What was known of those that stay is kept.
 * -E2BIG, -ENOMEM: then nothing is changed. */
MUST_USE int expected_set(struct expected *e, const struct str *names, size_t count);

/* target: "/v2/library/qwen2.5/manifests/14b". 0: the text was put behind *out; -ENOENT: nobody
 * expects it; -ENODATA: there is none, as was found out lately; -EAGAIN: somebody asks for it just
 * now; -EINPROGRESS: that is the caller now; -ENOMEM. */
MUST_USE int expected_manifest(struct expected *e, struct str target, uint64_t now_ms,
                               struct buf *out);

/* text: empty when there was none. -EBADMSG: it is no manifest; -ENOMEM. */
MUST_USE int expected_answer(struct expected *e, struct str target, int status, struct str text,
                             uint64_t now_ms);

/* path: "library/qwen2.5", or one under EXPECTED_FILES; the texts of *ret are borrowed. False: no
 * manifest of an expected model of that path names it. */
bool expected_blob(struct expected *e, struct str path, struct str digest,
                   struct manifest_blob *ret);

/* A file of another engine, and where it is published. Never forgotten. 0, -E2BIG, -ENOMEM. */
MUST_USE int expected_file(struct expected *e, struct str digest, uint64_t size, const char *url);

/* By the model's name: a copy of its manifest, for manifest_fini(). -ENOENT: not expected, or not
 * asked for yet. */
MUST_USE int expected_copy(struct expected *e, struct str name, struct manifest *ret);
