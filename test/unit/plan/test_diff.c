/* SPDX-License-Identifier: Apache-2.0 */
/* The diff: what has to change, in an order that can be carried out. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "fleets.h"
#include "plan/diff.h"

/* Three machines; what each line names is planned. Disks are small on purpose. */
static const char text[] =
    "machines:\n"
    "  a: {hardware: {cpu: i5-12400, ram: 32 GB, disk: 15 GB}, engines: [ollama],\n"
    "      keep_loaded: ['qwen2.5:7b'],\n"
    "      models: [{pull: 'qwen2.5:7b', context: 8K}, {pull: 'llama3.2:3b', context: 8K}]}\n"
    "  b: {hardware: {cpu: i5-12400, ram: 32 GB, disk: 15 GB}, engines: [ollama],\n"
    "      models: [{pull: 'qwen2.5:7b', context: 8K}, {pull: 'mistral:7b', context: 8K}]}\n"
    "  c: {hardware: {cpu: i5-12400, ram: 32 GB}, engines: [ollama],\n"
    "      models: [{pull: 'qwen2.5:7b', context: 8K},\n"
    "               {pull: 'qwen2.5:14b', context: 8K, optional: true}]}\n"
    "network: {wan: 100 Mbit/s, lan: 1 Gbit/s}\n";

static int set_up(void **state)
{
    (void)state;
    declare(text);
    return 0;
}

/* What is there, as "machine/tag", "+" behind it when it is loaded. */
#define HERE_MAX 16
static struct holding holdings[HERE_MAX];
static bool loaded[HERE_MAX];

static struct presence see(const char *const *here)
{
    struct presence p = {.holdings = holdings, .loaded = loaded};

    for (; *here; here++, p.count++) {
        struct str tag, name = str_cut(str_from(*here), '/', &tag);
        const struct machine *m = fleet_machine(fleet, name);

        loaded[p.count] = str_ends(tag, STR("+"));
        tag.len -= loaded[p.count];
        holdings[p.count] = (struct holding){m, m->engines, catalog_artifact(catalog, tag)};
        assert_non_null(holdings[p.count].artifact);
    }
    return p;
}

/* "pull a qwen2.5:7b; seed b qwen2.5:7b from a; …" */
static void check(const char *const *here, const char *expected)
{
    struct presence presence = see(here);
    struct diff *d = NULL;
    char found[2000] = "";
    size_t used = 0;

    assert_int_equal(diff_make(&d, &declared->plan, &wish, &presence, NULL), 0);
    for (uint32_t i = 0; i < d->changes_count; i++) {
        const struct change *c = &d->changes[i];

        used += (size_t)snprintf(found + used, sizeof found - used, "%s%s %.*s %.*s",
                                 used ? "; " : "", change_name(c->kind), STR_ARG(c->machine->name),
                                 STR_ARG(c->artifact->tag));
        if (c->kind == CHANGE_seed)
            used += (size_t)snprintf(found + used, sizeof found - used, " from %.*s",
                                     STR_ARG(c->from->name));
    }
    if (strcmp(found, expected) != 0)
        fail_msg("found    %s\nexpected %s", found, expected);
    diff_free(d);
}

#define HERE(...) ((const char *const[]){__VA_ARGS__, NULL})

static void what_is_there_needs_no_change(void **state)
{
    (void)state;
    check(HERE("a/qwen2.5:7b+", "a/llama3.2:3b", "b/qwen2.5:7b", "b/mistral:7b", "c/qwen2.5:7b"),
          "");
}

static void each_artifact_is_pulled_once_and_seeded_from_there(void **state)
{
    (void)state;
    check((const char *const[]){NULL},
          "pull a qwen2.5:7b; pull a llama3.2:3b; pull b mistral:7b; "
          "seed b qwen2.5:7b from a; seed c qwen2.5:7b from b; load a qwen2.5:7b");
}

static void what_nobody_planned_goes_when_everything_else_is_done(void **state)
{
    (void)state;
    check(HERE("a/qwen2.5:7b+", "a/llama3.2:3b", "b/qwen2.5:7b", "b/mistral:7b", "c/qwen2.5:7b",
               "c/codellama:13b+"),
          "unload c codellama:13b; delete c codellama:13b");
}

static void another_tag_of_the_same_bytes_is_the_same(void **state)
{
    (void)state;
    check(HERE("a/qwen2.5:7b-instruct+", "a/llama3.2:3b", "b/qwen2.5:7b", "b/mistral:7b",
               "c/qwen2.5:7b"),
          "");
}

/* c's mistral is the only one, and b wants it: it is copied before it goes. */
static void the_last_copy_that_is_wanted_elsewhere_is_copied_first(void **state)
{
    (void)state;
    check(HERE("a/qwen2.5:7b+", "a/llama3.2:3b", "b/qwen2.5:7b", "c/qwen2.5:7b", "c/mistral:7b"),
          "seed b mistral:7b from c; delete c mistral:7b");
}

/* b is full of something else: that goes first. */
static void room_is_made_where_it_is_needed(void **state)
{
    (void)state;
    check(HERE("a/qwen2.5:7b+", "a/llama3.2:3b", "b/qwen2.5:7b", "b/qwen2.5:14b", "c/qwen2.5:7b"),
          "delete b qwen2.5:14b; pull b mistral:7b");
}

/* a and b are full, each with what the other wants: one gives way and is pulled again. */
static void full_machines_that_block_each_other_come_apart(void **state)
{
    struct diff *d = NULL;
    struct presence presence;

    (void)state;
    presence = see(HERE("a/mistral:7b", "a/codellama:13b", "b/llama3.2:3b", "b/codellama:13b",
                        "b/phi3.5:3.8b"));
    assert_int_equal(diff_make(&d, &declared->plan, &wish, &presence, NULL), 0);
    assert_true(d->changes_count > 0);
    for (uint32_t i = 0; i < declared->plan.copies_count; i++) {
        bool arrives = false;

        for (uint32_t k = 0; k < d->changes_count; k++)
            arrives |= d->changes[k].copy == &declared->plan.copies[i] &&
                       (d->changes[k].kind == CHANGE_pull || d->changes[k].kind == CHANGE_seed);
        assert_true(arrives);
    }
    diff_free(d);
}

static void without_presence_the_file_counts_as_done(void **state)
{
    struct diff *d = NULL;

    (void)state;
    assert_int_equal(diff_make(&d, &declared->plan, &wish, NULL, NULL), 0);
    assert_int_equal(d->changes_count, 0);
    diff_free(d);
    declared->plan.copies[0].context = 16384;
    declared->plan.copies[1].keep_loaded = true;
    assert_int_equal(diff_make(&d, &declared->plan, &wish, NULL, NULL), 0);
    assert_int_equal(d->changes_count, 2);
    assert_int_equal(d->changes[0].kind, CHANGE_configure);
    assert_int_equal(d->changes[1].kind, CHANGE_load);
    diff_free(d);
}

static void a_lost_machine_has_nothing_and_gives_nothing(void **state)
{
    const struct machine *lost[] = {fleet_machine(fleet, STR("c"))};

    (void)state;
    declared_free(declared);
    wish.lost = lost;
    wish.lost_count = 1;
    assert_int_equal(declared_make(&declared, &wish, NULL), 0);
    check(HERE("a/qwen2.5:7b+", "a/llama3.2:3b", "b/qwen2.5:7b", "c/mistral:7b", "c/qwen2.5:7b"),
          "pull b mistral:7b");
}

/* Who has what while the steps are carried out. */
#define MACHINES 3
#define TAGS     6
static const char *const tags[TAGS] = {"qwen2.5:7b",    "llama3.2:3b", "mistral:7b",
                                       "codellama:13b", "qwen2.5:14b", "phi3.5:3.8b"};
struct yard {
    bool has[MACHINES][TAGS];
    int64_t room[MACHINES];
};

static const struct artifact *artifact_at(size_t tag)
{
    return catalog_artifact(catalog, str_from(tags[tag]));
}

/* By chance, as much as the disks hold. */
static struct presence fill(struct yard *y, unsigned *seed)
{
    static char words[HERE_MAX][40];
    const char *here[HERE_MAX + 1] = {NULL};
    size_t count = 0;

    *y = (struct yard){.room = {15000000000, 15000000000, INT64_MAX / 2}};
    for (size_t m = 0; m < MACHINES; m++)
        for (size_t t = 0; t < TAGS; t++) {
            *seed = *seed * 1103515245u + 12345u;
            if (*seed >> 16 & 1 || count == HERE_MAX || y->room[m] < (int64_t)artifact_at(t)->bytes)
                continue;
            snprintf(words[count], sizeof words[count], "%c/%s", 'a' + (char)m, tags[t]);
            here[count] = words[count];
            count++;
            y->has[m][t] = true;
            y->room[m] -= (int64_t)artifact_at(t)->bytes;
        }
    return see(here);
}

static void carry_out(struct yard *y, const struct change *c)
{
    size_t m = (size_t)(c->machine - fleet->machines), t = 0;
    bool is_anywhere;

    while (artifact_at(t) != c->artifact)
        t++;
    is_anywhere = y->has[0][t] || y->has[1][t] || y->has[2][t];
    if (c->kind == CHANGE_seed)
        assert_true(y->has[c->from - fleet->machines][t]);
    if (c->kind == CHANGE_pull)
        assert_false(is_anywhere);
    if (c->kind == CHANGE_delete) {
        assert_true(y->has[m][t]);
        y->has[m][t] = false;
        y->room[m] += (int64_t)c->artifact->bytes;
    } else if (c->kind == CHANGE_pull || c->kind == CHANGE_seed) {
        assert_false(y->has[m][t]);
        y->has[m][t] = true;
        y->room[m] -= (int64_t)c->artifact->bytes;
        assert_true(y->room[m] >= 0);
    }
}

static bool is_planned(size_t m, size_t t)
{
    for (uint32_t i = 0; i < declared->plan.copies_count; i++)
        if (declared->plan.copies[i].artifact == artifact_at(t) &&
            declared->plan.copies[i].machine == &fleet->machines[m])
            return true;
    return false;
}

/* Whatever is there: no disk overflows, nothing is seeded from who lacks it or pulled that
 * somebody has, and at the end each machine has what is planned and nothing else. */
static void from_anything_to_the_plan_step_by_step(void **state)
{
    unsigned seed = 1;

    (void)state;
    for (int round = 0; round < 500; round++) {
        struct yard yard;
        struct presence presence = fill(&yard, &seed);
        struct diff *d = NULL;

        assert_int_equal(diff_make(&d, &declared->plan, &wish, &presence, NULL), 0);
        for (uint32_t i = 0; i < d->changes_count; i++)
            carry_out(&yard, &d->changes[i]);
        for (size_t m = 0; m < MACHINES; m++)
            for (size_t t = 0; t < TAGS; t++)
                assert_int_equal(yard.has[m][t], is_planned(m, t));
        diff_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_there_needs_no_change, set_up, forget),
        cmocka_unit_test_setup_teardown(each_artifact_is_pulled_once_and_seeded_from_there, set_up,
                                        forget),
        cmocka_unit_test_setup_teardown(what_nobody_planned_goes_when_everything_else_is_done,
                                        set_up, forget),
        cmocka_unit_test_setup_teardown(another_tag_of_the_same_bytes_is_the_same, set_up, forget),
        cmocka_unit_test_setup_teardown(the_last_copy_that_is_wanted_elsewhere_is_copied_first,
                                        set_up, forget),
        cmocka_unit_test_setup_teardown(room_is_made_where_it_is_needed, set_up, forget),
        cmocka_unit_test_setup_teardown(full_machines_that_block_each_other_come_apart, set_up,
                                        forget),
        cmocka_unit_test_setup_teardown(without_presence_the_file_counts_as_done, set_up, forget),
        cmocka_unit_test_setup_teardown(a_lost_machine_has_nothing_and_gives_nothing, set_up,
                                        forget),
        cmocka_unit_test_setup_teardown(from_anything_to_the_plan_step_by_step, set_up, forget),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
