/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new row for the catalog, read from what an engine or a file says of itself.
 *
 *     r = catalog_row(&out, "ollama:qwen3:8b", "http://127.0.0.1:11434", &err);
 *     r = catalog_append("mine/models.yaml", buf_str(&out), &err);
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* Of "ollama:TAG" asks the engine, of "FILE.gguf" reads the file (or all files of a split one).
 * One row as the catalog's files have it, two spaces in. 0; -EINVAL when it is neither; negative
 * errno with words. */
MUST_USE int catalog_row(struct buf *out, const char *what, const char *engine, struct err *err);

/* Puts the row behind the others of a file of models, which is made when there is none; the whole
 * must read back. 0; negative errno with words. */
MUST_USE int catalog_append(const char *path, struct str row, struct err *err);
