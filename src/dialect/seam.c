/* SPDX-License-Identifier: Apache-2.0 */
/* What is new in an answer that goes on. */
#include "dialect/seam.h"

#include <errno.h>

enum {
    ANEW_MIN = 32, /* bytes: a shorter answer may well go on as it began */
    ANEW_MAX = 64, /* of the beginning say enough */
};

static bool is_telling(struct str said);
static size_t anew_length(const struct seam *s);
static size_t common(struct str a, struct str b);
static struct str drop(struct str s, size_t count);

void seam_begin(struct seam *s, struct str said, size_t given)
{
    *s = (struct seam){
        .said = said,
        .repeated = given,
        .may_repeat = given<said.len, .may_be_anew = given> 0 && is_telling(said),
    };
}

int seam_take(struct seam *s, struct str text, struct seam_new *ret)
{
    size_t same;

    *ret = (struct seam_new){{0}, text};
    if (s->may_repeat) {
        same = common(drop(s->said, s->repeated), text);
        s->repeated += same;
        text = drop(text, same);
        s->may_repeat = !text.len && s->repeated < s->said.len;
    }
    if (s->may_be_anew && text.len) {
        same = common(str_slice(s->said.data + s->anew, anew_length(s) - s->anew), text);
        s->anew += same;
        if (s->anew == anew_length(s))
            return -EBADMSG;
        if (same == text.len) {
            text.len = 0;
        } else {
            ret->held = str_slice(s->said.data, s->anew - same);
            s->may_be_anew = false;
        }
    }
    ret->text = text;
    return 0;
}

struct str seam_end(struct seam *s)
{
    struct str held = str_slice(s->said.data, s->may_be_anew ? s->anew : 0);

    s->may_be_anew = s->may_repeat = false;
    return held;
}

/* A beginning that comes twice may come a third time. */
static bool is_telling(struct str said)
{
    struct str head = said;

    if (said.len < ANEW_MIN)
        return false;
    if (head.len > ANEW_MIN)
        head.len = ANEW_MIN;
    return said.len == head.len || !memmem(said.data + 1, said.len - 1, head.data, head.len);
}

static size_t anew_length(const struct seam *s)
{
    return s->said.len < ANEW_MAX ? s->said.len : ANEW_MAX;
}

static size_t common(struct str a, struct str b)
{
    size_t most = a.len < b.len ? a.len : b.len, i = 0;

    while (i < most && a.data[i] == b.data[i])
        i++;
    return i;
}

static struct str drop(struct str s, size_t count)
{
    return str_slice(s.data + count, s.len - count);
}
