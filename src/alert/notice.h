/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A notice in words: several alerts as one message.
 *
 *     notice_write_title(&out, rows, count);                  "2 alerts: nobody answers xl-code, …"
 *     notice_write_text(&out, rows, count);                   for people: ntfy, mail
 *     notice_write_json(&out, rows, count, "http://…");       for programs, as Alertmanager says it
 *     notice_write_mail(&out, rows, count, from, to, date);   with its headers
 *
 * Pure. 0, or the error of out.
 */
#pragma once

#include "alert/alerts.h"
#include "base/buf.h"

/* One line of printable ASCII: it goes into headers. */
MUST_USE int notice_write_title(struct buf *out, const struct alert_row *rows, size_t count);

MUST_USE int notice_write_text(struct buf *out, const struct alert_row *rows, size_t count);

/* The webhook of Alertmanager, version 4: what reads that reads this. url: the gateway's own. */
MUST_USE int notice_write_json(struct buf *out, const struct alert_row *rows, size_t count,
                               struct str url);

/* RFC 5322, lines end as sendmail wants them on its standard input: with LF. */
MUST_USE int notice_write_mail(struct buf *out, const struct alert_row *rows, size_t count,
                               struct str from, struct str to);

/* The most urgent of what is not over: "critical", "warning", or "" when all is. */
const char *notice_severity(const struct alert_row *rows, size_t count);
