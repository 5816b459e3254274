/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways to tell somebody: a webhook, an ntfy topic, a mail.
 *
 *     channels_read(&channels, settings, read_secrets, err);   those that are configured
 *     tell(&channels.rows[i], rows, count, gateway_url, err);    waits for it to be taken
 */
#pragma once

#include "alert/notice.h"
#include "config/settings.h"
#include "gateway/secret.h"
#include "http/client.h"

enum channel_kind { CHANNEL_webhook, CHANNEL_ntfy, CHANNEL_mail, CHANNEL_COUNT };

struct channel {
    enum channel_kind kind;
    struct endpoint endpoint;
    struct str target;            /* of a webhook, "/hooks/1"; of ntfy, "/" */
    struct str topic;             /* of ntfy */
    char bearer[SECRET_MAX + 16]; /* "Bearer …", or empty */
    const struct settings *settings;
    bool is_out; /* it has not taken the last notice */
};

struct channels {
    struct channel rows[CHANNEL_COUNT];
    unsigned count;
};

/* "webhook", "ntfy", "mail" */
const char *channel_name(enum channel_kind kind);

/* 0; -EINVAL, -ENOENT with words: an address or a key is not right. Settings must outlive them. */
MUST_USE int channels_read(struct channels *ret, const struct settings *s, bool read_secrets,
                           struct err *err);

/* 0: it was taken. Negative with words: it was not, or not in time. */
MUST_USE int tell(const struct channel *c, const struct alert_row *rows, size_t count,
                  struct str gateway_url, struct err *err);
