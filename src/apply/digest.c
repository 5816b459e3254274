/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 through OpenSSL. */
#include "apply/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1 << 20 };

static int write_digest(EVP_MD_CTX *sum, char ret[DIGEST_LENGTH + 1]);
static int add_file(EVP_MD_CTX *sum, int file);

bool digest_is_good(struct str digest)
{
    if (digest.len != DIGEST_LENGTH || !str_starts(digest, STR("sha256:")))
        return false;
    for (size_t i = 7; i < digest.len; i++)
        if (!memchr("0123456789abcdef", digest.data[i], 16))
            return false;
    return true;
}

int digest_of_file(int file, char ret[DIGEST_LENGTH + 1])
{
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    int r = -ENOMEM;

    if (sum && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) && (r = add_file(sum, file)) == 0)
        r = write_digest(sum, ret);
    EVP_MD_CTX_free(sum);
    return r;
}

int digest_of_bytes(struct str bytes, char ret[DIGEST_LENGTH + 1])
{
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    int r = -ENOMEM;

    if (sum && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) &&
        EVP_DigestUpdate(sum, bytes.data, bytes.len))
        r = write_digest(sum, ret);
    EVP_MD_CTX_free(sum);
    return r;
}

static int add_file(EVP_MD_CTX *sum, int file)
{
    char *chunk = malloc(CHUNK);
    off_t at = 0;
    ssize_t n = 1;
    int r = chunk ? 0 : -ENOMEM;

    while (r == 0 && n > 0) {
        n = pread(file, chunk, CHUNK, at);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n < 0)
            r = -errno;
        else if (EVP_DigestUpdate(sum, chunk, (size_t)n))
            at += n;
        else
            r = -EIO;
    }
    free(chunk);
    return r;
}

static int write_digest(EVP_MD_CTX *sum, char ret[DIGEST_LENGTH + 1])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned count = 0;

    if (!EVP_DigestFinal_ex(sum, bytes, &count))
        return -EIO;
    memcpy(ret, "sha256:", 7);
    for (unsigned i = 0; i < count; i++)
        snprintf(ret + 7 + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}
