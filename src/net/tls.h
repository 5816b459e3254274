/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS over whatever carries bytes: ciphertext in and out through memory, no sockets.
 *
 *     tls_client_open(&side, ca_file, err);  or  tls_server_open(&side, certificate, key, err);
 *     tls_new(&t, side, "api.example.com", &session);
 *     when bytes came:     tls_feed(t, bytes), then tls_shake(t) until 1, then tls_read(t, …)
 *     after any of these:  tls_take(t, out) and send what is in out
 *     tls_free(t);         before its side
 *
 * TLS 1.2 or later. A client checks the chain and the name, always.
 */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

struct tls;
struct tls_side;       /* what all connections of one side share; one thread at a time */
struct ssl_session_st; /* OpenSSL's: lets the next handshake be short */

/* ca_file NULL: the system's. 0, or negative with words. */
MUST_USE int tls_client_open(struct tls_side **ret, const char *ca_file, struct err *err);
MUST_USE int tls_server_open(struct tls_side **ret, const char *certificate, const char *key,
                             struct err *err);
void tls_side_close(struct tls_side *side);

/* host: who must answer (client), NULL (server). *session is used when it is not NULL and replaced
 * by newer ones as long as t lives; whoever owns it frees it with tls_session_free(). */
MUST_USE int tls_new(struct tls **ret, struct tls_side *side, const char *host,
                     struct ssl_session_st **session);
void tls_free(struct tls *t);
void tls_session_free(struct ssl_session_st *session);

/* Hands received bytes in. 0 or -ENOMEM. */
MUST_USE int tls_feed(struct tls *t, struct str bytes);

/* When the first certificate in that PEM file ends, microseconds since 1970. 0; -ENOENT, -EINVAL.
 */
MUST_USE int tls_certificate_end(int64_t *ret_us, const char *path);

/* Goes on with the handshake: 1 done, 0 needs more bytes, -EPROTO failed: tls_words(). */
int tls_shake(struct tls *t);

/* Bytes of plain text (> 0), 0: none now, -ENODATA: the peer ended politely, -EPROTO. */
long tls_read(struct tls *t, char *room, size_t size);

/* Encrypts all of it. 0, -ENOMEM, -EPROTO. */
MUST_USE int tls_write(struct tls *t, struct str plain);

/* Says goodbye; take what is to be sent afterwards. */
void tls_end(struct tls *t);

/* Moves what must be sent to the end of out. */
MUST_USE int tls_take(struct tls *t, struct buf *out);

/* Whether the handshake took up an earlier session. */
bool tls_is_resumed(const struct tls *t);

/* When the first certificate of a PEM file ends, seconds of Unix time. 0, -ENOENT, -EINVAL. */
MUST_USE int tls_certificate_until(const char *path, int64_t *ret_s);

/* What went wrong. Lives as long as t. */
const char *tls_words(const struct tls *t);
