/* SPDX-License-Identifier: Apache-2.0 */
/* The seam of an answer that goes on elsewhere. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/buf.h"
#include "dialect/seam.h"

#define LONG "Once upon a time there was a caravan of forty llamas and a bell."

static const struct {
    const char *title, *said;
    size_t given;
    const char *comes, *new; /* NULL: it began anew */
} cases[] = {
    {"nothing was said before", "", 0, "Hello", "Hello"},
    {"the rest comes", "Hel", 3, "lo", "lo"},
    {"a short answer may go on as it began", "ha ", 3, "ha ha", "ha ha"},
    {"blanks that were not given are not said twice", "Once \n", 4, " \nupon", "upon"},
    {"other blanks are passed on", "Once ", 4, "\nupon", "\nupon"},
    {"no blanks are fine as well", "Once ", 4, "upon", "upon"},
    {"what is thought anew and equal is left out", "I think", 0, "I think so", " so"},
    {"what differs is passed on", "I think", 0, "I thank you", "ank you"},
    {"the rest of a long answer", LONG, sizeof LONG - 1, " It rang.", " It rang."},
    {"a rest that begins like the answer, for a while", LONG, sizeof LONG - 1,
     "Once upon a time again", "Once upon a time again"},
    {"an end that begins like the answer", LONG, sizeof LONG - 1, "Once", "Once"},
    {"the whole answer anew", LONG, sizeof LONG - 1, LONG " It rang.", NULL},
    {"an answer that repeats itself may do so again",
     "one two three four five six seven one two three four five six seven ", 68,
     "one two three four five six seven one two three four five six seven ",
     "one two three four five six seven one two three four five six seven "},
};

/* In two pieces, cut there. */
static int take_cut(struct buf *out, size_t index, size_t cut)
{
    struct str comes = str_from(cases[index].comes);
    const struct str pieces[] = {str_slice(comes.data, cut),
                                 str_slice(comes.data + cut, comes.len - cut)};
    struct seam seam;

    seam_begin(&seam, str_from(cases[index].said), cases[index].given);
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct seam_new new;
        int r = seam_take(&seam, pieces[i], &new);

        if (r < 0)
            return r;
        if (buf_put(out, new.held) < 0 || buf_put(out, new.text) < 0)
            fail();
    }
    return buf_put(out, seam_end(&seam));
}

static void what_is_new_is_passed_on_wherever_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t cut = 0; cut <= strlen(cases[i].comes); cut++) {
            struct buf out;
            int r;

            buf_init(&out, 4096);
            r = take_cut(&out, i, cut);
            if (cases[i].new ? r < 0 || !str_is(buf_str(&out), cases[i].new)
                             : r != -EBADMSG || out.len)
                fail_msg("%s, cut at %zu: %d '%.*s'", cases[i].title, cut, r, (int)out.len,
                         out.data);
            buf_fini(&out);
        }
    }
}

static void what_was_said_may_move(void **state)
{
    char first[] = LONG, second[] = LONG;
    struct seam_new new;
    struct seam seam;

    (void)state;
    seam_begin(&seam, str_from(first), strlen(first));
    assert_int_equal(seam_take(&seam, STR("Once upon"), &new), 0);
    assert_int_equal(new.held.len + new.text.len, 0);
    seam.said.data = second;
    memset(first, 'x', strlen(first));
    assert_int_equal(seam_take(&seam, STR(" a clock"), &new), 0);
    assert_true(str_is(new.held, "Once upon"));
    assert_true(str_is(new.text, " a clock"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_new_is_passed_on_wherever_it_is_cut),
        cmocka_unit_test(what_was_said_may_move),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
