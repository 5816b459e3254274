/* SPDX-License-Identifier: Apache-2.0 */
/* tampu plan: the best distribution, what it survives, and what it costs to get there. Opens no
 * socket. */
#include <errno.h>
#include <stdio.h>

#include "base/file.h"
#include "cmd/command.h"
#include "cmd/plan_input.h"
#include "cmd/plan_show.h"
#include "cmd/plan_write.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "plan/declared.h"
#include "plan/explain.h"

enum { OUTPUT_MAX = 64 << 20 };

/* A plan and what there is to say of it. The plan is made, or the file's own. */
struct made {
    struct plan *plan;
    struct declared *declared;
    struct certificate *certificate;
    struct diff *diff;
};

static bool is_answer_to_write(const struct plan_input *in);
static int run(const struct plan_input *in);
static int make(struct made *ret, const struct plan_input *in, const struct plan_wish *wish,
                struct err *err);
static const struct plan *plan_of(const struct made *m);
static void made_fini(struct made *m);
static int answer(const struct plan_input *in, const struct made *made, const struct made *before);
static int explain(const struct plan_input *in, const struct made *made);
static int show(const struct plan_input *in, const struct plan_shown *shown);
static int save_page(const struct plan_shown *shown, const char *path);
static int no_memory(void);

int cmd_plan(int argc, char **argv)
{
    struct plan_input in;
    int status;

    if (plan_input_read(&in, argc, argv, &status))
        status = is_answer_to_write(&in) ? run(&in) : EXIT_usage;
    plan_input_fini(&in);
    return status;
}

/* Only a plan of the fleet as it is goes into the file. */
static bool is_answer_to_write(const struct plan_input *in)
{
    const char *other = in->has_what                             ? "what-if"
                        : option_given(&in->options, "declared") ? "declared"
                                                                 : NULL;

    if (!option_given(&in->options, "write") || !other)
        return true;
    usage_error("plan", "--write takes the plan of the fleet as it is, without --%s", other);
    return false;
}

static int run(const struct plan_input *in)
{
    struct made made = {0}, before = {0};
    struct err err = {0};
    int status, r;

    r = make(&made, in, &in->wish, &err);
    if (r == 0 && in->has_what)
        r = make(&before, in, &in->base_wish, &err);
    plan_clock_done();
    if (r < 0) {
        fprintf(stderr, "tampu plan: %s\n", err.text);
        status = r == -EINVAL ? EXIT_usage : EXIT_no;
    } else {
        status = answer(in, &made, in->has_what ? &before : NULL);
    }
    made_fini(&before);
    made_fini(&made);
    return status;
}

static int make(struct made *ret, const struct plan_input *in, const struct plan_wish *wish,
                struct err *err)
{
    const struct presence *presence = wish == &in->wish ? &in->presence : &in->base_presence;
    int r;

    if (option_given(&in->options, "declared"))
        r = declared_make(&ret->declared, wish, err);
    else
        r = plan_make(&ret->plan, wish, err);
    if (r == 0)
        r = certificate_make(&ret->certificate, plan_of(ret), wish, err);
    if (r == 0)
        r = diff_make(&ret->diff, plan_of(ret), wish, wish->has_holdings ? presence : NULL, err);
    return r;
}

static const struct plan *plan_of(const struct made *m)
{
    return m->declared ? &m->declared->plan : m->plan;
}

static void made_fini(struct made *m)
{
    diff_free(m->diff);
    certificate_free(m->certificate);
    declared_free(m->declared);
    plan_free(m->plan);
}

static int answer(const struct plan_input *in, const struct made *made, const struct made *before)
{
    const struct options *o = &in->options;
    struct plan_shown shown = {.plan = plan_of(made),
                               .certificate = made->certificate,
                               .diff = made->diff,
                               .wish = &in->wish,
                               .before = before ? plan_of(before) : NULL,
                               .before_certificate = before ? before->certificate : NULL,
                               .is_there_known = in->wish.has_holdings};
    int status;

    if (option_given(o, "why") || option_given(o, "why-not"))
        return explain(in, made);
    status = show(in, &shown);
    if (status == EXIT_done && option_given(o, "html"))
        status = save_page(&shown, option_value(o, "html"));
    if (status == EXIT_done && option_given(o, "write"))
        status = plan_write_fleet(shown.plan, o->operands[0]);
    if (status == EXIT_done && (made->certificate->holes || made->certificate->faults_count))
        status = EXIT_no;
    return status;
}

static int explain(const struct plan_input *in, const struct made *made)
{
    const char *why = option_value(&in->options, "why");
    const char *why_not = option_value(&in->options, "why-not");
    struct err err = {0};
    struct buf out;
    int r, status;

    if (why_not && in->options.operand_count < 2)
        return usage_error("plan", "--why-not %s needs a machine behind the fleet file", why_not);
    buf_init(&out, OUTPUT_MAX);
    r = why ? explain_copy(&out, made->certificate, str_from(why), &err)
            : explain_why_not(&out, made->certificate, &in->wish, str_from(why_not),
                              str_from(in->options.operands[1]), &err);
    if (r == -ENOENT)
        status = usage_error("plan", "%s", err.text);
    else
        status = r < 0 ? no_memory() : terminal_print(buf_str(&out));
    buf_fini(&out);
    return status;
}

static int show(const struct plan_input *in, const struct plan_shown *shown)
{
    struct buf out;
    int r, status;

    buf_init(&out, OUTPUT_MAX);
    r = option_given(&in->options, "json")
            ? plan_write_json(&out, shown)
            : plan_write_text(&out, shown, terminal_width(), terminal_takes_colors());
    status = r < 0 ? no_memory() : terminal_print(buf_str(&out));
    buf_fini(&out);
    return status;
}

static int save_page(const struct plan_shown *shown, const char *path)
{
    struct err err = {0};
    struct buf out;
    int status;

    buf_init(&out, OUTPUT_MAX);
    if (plan_write_html(&out, shown) < 0)
        status = no_memory();
    else if (file_write(path, buf_str(&out), &err) < 0)
        status = command_no("plan", "%s", err.text);
    else
        status = EXIT_done;
    buf_fini(&out);
    return status;
}

static int no_memory(void)
{
    return command_no("plan", "out of memory");
}
