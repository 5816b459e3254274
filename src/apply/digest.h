/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 digests as registries write them: "sha256:" and 64 hexadecimal digits.
 *
 *     digest_of_file(fd, digest)
 */
#pragma once

#include "base/attr.h"
#include "base/str.h"

enum { DIGEST_LENGTH = 71 };

/* "sha256:" and 64 small hexadecimal digits? */
bool digest_is_good(struct str digest);

/* Of all its bytes, from the beginning; the file's position stays. 0, -EIO and the like, -ENOMEM.
 */
MUST_USE int digest_of_file(int file, char ret[DIGEST_LENGTH + 1]);

MUST_USE int digest_of_bytes(struct str bytes, char ret[DIGEST_LENGTH + 1]);
