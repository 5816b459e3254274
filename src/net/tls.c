/* SPDX-License-Identifier: Apache-2.0 */
/* TLS through OpenSSL's memory BIOs. */
#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WORDS_ROOM = 160 };

struct tls_side {
    SSL_CTX *openssl;
};

struct tls {
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
    SSL_SESSION **session;
    char words[WORDS_ROOM];
};

static struct tls_side *side_open(const SSL_METHOD *method, struct err *err);
static int side_fail(struct tls_side *side, struct err *err, const char *what, const char *name);
static int on_new_session(SSL *ssl, SSL_SESSION *session);
static int on_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_length,
                   const unsigned char *offered, unsigned length, void *unused);
static bool set_peer(SSL *ssl, const char *host);
static int fail(struct tls *t);

static const unsigned char alpn[] = "\x08http/1.1";

int tls_client_open(struct tls_side **ret, const char *ca_file, struct err *err)
{
    struct tls_side *side = side_open(TLS_client_method(), err);

    if (!side)
        return -ENOMEM;
    if (ca_file ? SSL_CTX_load_verify_locations(side->openssl, ca_file, NULL) != 1
                : SSL_CTX_set_default_verify_paths(side->openssl) != 1)
        return side_fail(side, err, "cannot read the certificates to trust",
                         ca_file ? ca_file : "the system's");
    SSL_CTX_set_verify(side->openssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(side->openssl,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(side->openssl, on_new_session);
    /* This one returns 0 when it worked. */
    if (SSL_CTX_set_alpn_protos(side->openssl, alpn, sizeof alpn - 1) != 0)
        return side_fail(side, err, "cannot set the protocol", "http/1.1");
    *ret = side;
    return 0;
}

int tls_server_open(struct tls_side **ret, const char *certificate, const char *key,
                    struct err *err)
{
    struct tls_side *side = side_open(TLS_server_method(), err);

    if (!side)
        return -ENOMEM;
    if (SSL_CTX_use_certificate_chain_file(side->openssl, certificate) != 1)
        return side_fail(side, err, "cannot read the certificate", certificate);
    if (SSL_CTX_use_PrivateKey_file(side->openssl, key, SSL_FILETYPE_PEM) != 1)
        return side_fail(side, err, "cannot read the key of the certificate", key);
    SSL_CTX_set_alpn_select_cb(side->openssl, on_alpn, NULL);
    SSL_CTX_set_session_id_context(side->openssl, (const unsigned char *)"tampu", 5);
    *ret = side;
    return 0;
}

void tls_side_close(struct tls_side *side)
{
    if (!side)
        return;
    SSL_CTX_free(side->openssl);
    free(side);
}

int tls_new(struct tls **ret, struct tls_side *side, const char *host, SSL_SESSION **session)
{
    struct tls *t = calloc(1, sizeof *t);

    if (!t)
        return -ENOMEM;
    t->ssl = SSL_new(side->openssl);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (!t->ssl || !t->in || !t->out) {
        BIO_free(t->in);
        BIO_free(t->out);
        SSL_free(t->ssl);
        free(t);
        return -ENOMEM;
    }
    /* An empty `in` means "not yet", not "never again". */
    BIO_set_mem_eof_return(t->in, -1);
    SSL_set_bio(t->ssl, t->in, t->out);
    SSL_set_app_data(t->ssl, t);
    if (!host) {
        SSL_set_accept_state(t->ssl);
    } else if (SSL_set_connect_state(t->ssl), !set_peer(t->ssl, host)) {
        tls_free(t);
        return -ENOMEM;
    }
    t->session = session;
    if (session && *session)
        SSL_set_session(t->ssl, *session);
    *ret = t;
    return 0;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    free(t);
}

void tls_session_free(SSL_SESSION *session)
{
    SSL_SESSION_free(session);
}

int tls_feed(struct tls *t, struct str bytes)
{
    if (bytes.len > INT_MAX)
        return -ENOMEM;
    return !bytes.len || BIO_write(t->in, bytes.data, (int)bytes.len) == (int)bytes.len ? 0
                                                                                        : -ENOMEM;
}

int tls_shake(struct tls *t)
{
    int r, why;

    if (SSL_is_init_finished(t->ssl))
        return 1;
    ERR_clear_error();
    r = SSL_do_handshake(t->ssl);
    if (r == 1)
        return 1;
    why = SSL_get_error(t->ssl, r);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : fail(t);
}

long tls_read(struct tls *t, char *room, size_t size)
{
    size_t n = 0;

    ERR_clear_error();
    if (SSL_read_ex(t->ssl, room, size, &n) == 1)
        return (long)n;
    switch (SSL_get_error(t->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return -ENODATA;
    default:
        return fail(t);
    }
}

int tls_write(struct tls *t, struct str plain)
{
    size_t n;

    if (!plain.len)
        return 0;
    ERR_clear_error();
    /* A memory BIO takes everything, so there are no partial writes. */
    return SSL_write_ex(t->ssl, plain.data, plain.len, &n) == 1 ? 0 : fail(t);
}

void tls_end(struct tls *t)
{
    ERR_clear_error();
    if (SSL_is_init_finished(t->ssl))
        SSL_shutdown(t->ssl);
}

int tls_take(struct tls *t, struct buf *out)
{
    char *data;
    long length = BIO_get_mem_data(t->out, &data);
    int r;

    if (length <= 0)
        return 0;
    if ((r = buf_put(out, str_slice(data, (size_t)length))) < 0)
        return r;
    (void)BIO_reset(t->out);
    return 0;
}

bool tls_is_resumed(const struct tls *t)
{
    return SSL_session_reused(t->ssl);
}

int tls_certificate_until(const char *path, int64_t *ret_s)
{
    FILE *file = fopen(path, "re");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    struct tm ends = {0};
    bool ok = certificate && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &ends) == 1;

    X509_free(certificate);
    if (file)
        fclose(file);
    if (ok)
        *ret_s = (int64_t)timegm(&ends);
    return ok ? 0 : file ? -EINVAL : -ENOENT;
}

const char *tls_words(const struct tls *t)
{
    return t->words;
}

static struct tls_side *side_open(const SSL_METHOD *method, struct err *err)
{
    struct tls_side *side = calloc(1, sizeof *side);

    if (!side) {
        err_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    side->openssl = SSL_CTX_new(method);
    if (!side->openssl || SSL_CTX_set_min_proto_version(side->openssl, TLS1_2_VERSION) != 1) {
        side_fail(side, err, "cannot set up", "TLS");
        return NULL;
    }
    /* Buffers only while bytes are under way: a stream that waits holds none. */
    SSL_CTX_set_mode(side->openssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(side->openssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    return side;
}

static int side_fail(struct tls_side *side, struct err *err, const char *what, const char *name)
{
    /* The first in the queue says why, those behind it only where. */
    unsigned long code = ERR_peek_error();
    const char *reason =
        ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);

    err_set(err, -EINVAL, "TLS: %s (%s): %s", what, name, reason ? reason : "no reason given");
    ERR_clear_error();
    tls_side_close(side);
    return -EINVAL;
}

/* Returning 1 takes the reference over. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls *t = SSL_get_app_data(ssl);

    if (!t->session)
        return 0;
    SSL_SESSION_free(*t->session);
    *t->session = session;
    return 1;
}

static int on_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_length,
                   const unsigned char *offered, unsigned length, void *unused)
{
    unsigned char *chosen;

    (void)ssl;
    (void)unused;
    if (SSL_select_next_proto(&chosen, ret_length, alpn, sizeof alpn - 1, offered, length) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* An address is looked for among the certificate's addresses, and is no SNI (RFC 6066 3). */
static bool set_peer(SSL *ssl, const char *host)
{
    unsigned char address[16];

    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static int fail(struct tls *t)
{
    long verdict = SSL_get_verify_result(t->ssl);
    /* The first in the queue says why, those behind it only where. */
    unsigned long code = ERR_peek_error();
    const char *reason =
        ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);

    if (verdict != X509_V_OK)
        reason = X509_verify_cert_error_string(verdict);
    snprintf(t->words, sizeof t->words, "TLS: %s", reason ? reason : "the connection broke");
    ERR_clear_error();
    return -EPROTO;
}

int tls_certificate_end(int64_t *ret_us, const char *path)
{
    FILE *file = fopen(path, "re");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    struct tm utc = {0};
    int r = !file ? -ENOENT : !certificate ? -EINVAL : 0;

    if (r == 0 && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &utc) != 1)
        r = -EINVAL;
    if (r == 0)
        *ret_us = (int64_t)timegm(&utc) * 1000000;
    X509_free(certificate);
    if (file)
        fclose(file);
    ERR_clear_error();
    return r;
}
