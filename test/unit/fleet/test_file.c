/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet file: what is read, and what every mistake is answered with. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fleet/fleet.h"

/* One machine that is right, for files that are wrong elsewhere. */
#define MACHINE "machines: {a: {engines: [ollama], models: ['m:1b']}}\n"

static const struct {
    const char *title, *text, *message;
} bad[] = {
    {"nothing at all", "", "f:1:1: found nothing, expected a fleet file; begin with 'machines:'"},
    {"a list", "- a\n", "f:1:1: found a list, expected a fleet file; begin with 'machines:'"},
    {"no machines", "fleet: x\n",
     "f:1:1: found no 'machines' in this fleet file, expected one; add 'machines: …'"},
    {"an unknown key", "machines: {}\nmachine: {}\n",
     "f:2:1: found unknown key 'machine', expected a key of a fleet file; did you mean "
     "'machines'?"},
    {"an unknown key far from any", "machines: {}\nzzzzzzzz: {}\n",
     "f:2:1: found unknown key 'zzzzzzzz', expected a key of a fleet file; see `tampu help "
     "fleet` for the list"},
    {"an unknown key of a machine", "machines:\n  a:\n    teir: 1\n",
     "f:3:5: found unknown key 'teir', expected a key of a machine; did you mean 'tier'?"},
    {"machines as a list", "machines:\n  - a\n",
     "f:2:3: found a list under 'machines', expected a map of machines; write NAME: and its "
     "keys under it"},
    {"a machine twice", "machines:\n  a: {}\n  b: {}\n  a: {}\n",
     "f:4:3: found 'a' a second time (first in f line 2), expected it once; remove or rename "
     "one"},
    {"a key twice", "machines:\n  a: {tier: 1, tier: 2}\n",
     "f:2:16: found 'tier' a second time (first in f line 2), expected it once; remove or rename "
     "one"},
    {"a tier beyond the last", "machines:\n  a: {tier: 7}\n",
     "f:2:13: found 7 under 'tier', expected 1 to 6"},
    {"a tier in words", "machines:\n  a: {tier: first}\n",
     "f:2:13: found 'first' under 'tier', expected a whole number"},
    {"an unknown system", "machines:\n  a: {os: linus}\n",
     "f:2:11: found 'linus' under 'os', expected one of linux, macos, windows; did you mean "
     "'linux'?"},
    {"bad memory", "machines:\n  a: {hardware: {ram: 32 Gigs}}\n",
     "f:2:23: found '32 Gigs' under 'ram', expected memory, as in 32 GB, or unknown"},
    {"bad disk", "machines:\n  a: {hardware: {disk: much}}\n",
     "f:2:24: found 'much' under 'disk', expected bytes, as in 20 GB or 512 MiB"},
    {"memory beyond reason", "machines:\n  a: {hardware: {ram: 99999999999 TB}}\n",
     "f:2:23: found '99999999999 TB' under 'ram', expected less; it does not fit 64 bits"},
    {"an unknown engine", "machines:\n  a: {engines: [olama]}\n",
     "f:2:17: found 'olama' under 'kind', expected one of ollama, llama-server, whisper-server, "
     "sd-server, openai; did you mean 'ollama'?"},
    {"an engine without a kind", "machines:\n  a:\n    engines:\n      - {port: 1}\n",
     "f:4:9: found no 'kind' in this engine, expected one; add 'kind: …'"},
    {"port 0", "machines:\n  a: {engines: [{kind: ollama, port: 0}]}\n",
     "f:2:38: found 0 under 'port', expected 1 to 65535"},
    {"port 65536", "machines:\n  a: {engines: [{kind: ollama, port: 65536}]}\n",
     "f:2:38: found 65536 under 'port', expected 1 to 65535"},
    {"one port twice",
     "machines:\n  a:\n    engines:\n      - llama-server\n      - whisper-server\n",
     "f:5:9: found port 8080 twice on machine a (also of engine llama-server), expected different "
     "ports; add 'port: …' to one"},
    {"one engine twice", "machines:\n  a:\n    engines: [ollama, {kind: ollama, port: 2}]\n",
     "f:3:23: found a second engine 'ollama' on machine a, expected different names; add 'name: "
     "…' to one"},
    {"a secret in the file", "machines:\n  a: {engines: [{kind: openai, key: sk-123}]}\n",
     "f:2:37: found a secret under 'key', expected where to find it: env:NAME or file:PATH; move "
     "the secret out of this file, and change it if the file was shared"},
    {"a port in an address", "machines:\n  a: {addresses: {lan: 'localhost:80'}}\n",
     "f:2:7: found 'localhost:80', expected an address alone; the port goes under the engine's "
     "'port'"},
    {"a URL as an address", "machines:\n  a: {addresses: {lan: 'http://x/'}}\n",
     "f:2:7: found 'http://x/', expected an address alone; a URL goes under the engine's 'url'"},
    {"a MAC address that is none", "machines:\n  a: {wake: 1234}\n",
     "f:2:3: found '1234' under 'wake', expected a MAC address, as in 02:00:5e:10:00:01"},
    {"models without engines", "machines:\n  a: {models: [x]}\n",
     "f:2:16: found a model on machine a, which has no engines; add 'engines: [ollama]' to it"},
    {"a model of no engine",
     "machines:\n  a:\n    engines: [ollama]\n    models: [{pull: x, engine: olama}]\n",
     "f:4:14: found engine 'olama' for x, expected the name of one engine of machine a; did you "
     "mean 'ollama'?"},
    {"a model without an artifact", "machines:\n  a: {engines: [ollama], models: [{name: x}]}\n",
     "f:2:35: found no 'pull' in this model, expected one; add 'pull: …'"},
    {"bad context", "machines:\n  a: {engines: [ollama], models: [{pull: x, context: long}]}\n",
     "f:2:54: found 'long' under 'context', expected tokens, as in 32768 or 32K"},
    {"optional, perhaps",
     "machines:\n  a: {engines: [ollama], models: [{pull: x, optional: perhaps}]}\n",
     "f:2:55: found 'perhaps' under 'optional', expected true or false"},
    {"kept but not there",
     "machines:\n  a:\n    engines: [ollama]\n    models: [x]\n    keep_loaded: [x, y]\n",
     "f:5:5: found 'y' under 'keep_loaded', expected the name or artifact of a model of machine "
     "a; add it under 'models' or remove it here"},
    {"an unknown machine in a category",
     "machines: {gtr9-pro: {}}\ncategories:\n  c: {primary: gtr9pro}\n",
     "f:3:3: found unknown machine 'gtr9pro' under 'primary', expected one under 'machines'; did "
     "you mean 'gtr9-pro'?"},
    {"a machine that stands in for itself",
     MACHINE "categories:\n  c: {primary: a, backups: [a]}\n",
     "f:3:3: found machine a twice in category c, expected another one: a machine cannot stand in "
     "for itself"},
    {"a category without machines", MACHINE "categories:\n  c: {}\n",
     "f:3:3: found no 'primary' in category c, expected one; add 'primary: MACHINE' or "
     "'machines: any'"},
    {"a category with too many", MACHINE "categories:\n  c: {machines: any, primary: a}\n",
     "f:3:3: found both 'machines' and a primary or backups in category c, expected one of them; "
     "remove the other"},
    {"an unknown task", MACHINE "categories:\n  c: {primary: a, needs: {task: cod}}\n",
     "f:3:33: found 'cod' under 'task', expected one of general, code, reasoning, vision, "
     "embedding, transcribe, speech, image, video, rerank; did you mean 'code'?"},
    {"a band upside down", MACHINE "categories:\n  c: {primary: a, needs: {params: 40-20B}}\n",
     "f:3:35: found '40-20B' under 'params', expected a band, as in 70B+, 20-40B or 11B"},
    {"an unknown cloud model", MACHINE "categories:\n  c: {primary: a, cloud: [x]}\n",
     "f:3:3: found unknown cloud model 'x' in category c, expected a name under 'cloud'"},
    {"a model nobody has", MACHINE "categories:\n  c: {primary: a, models: [x]}\n",
     "f:3:3: found model 'x' in category c, expected the artifact or deployment name of a model "
     "of some machine"},
    {"an alias of nothing", MACHINE "aliases: {x: y}\n",
     "f:2:11: found alias 'x' of 'y', expected a deployment name, artifact, category or selector "
     "of this fleet"},
    {"an alias that is taken", MACHINE "aliases: {'m:1b': 'm:1b'}\n",
     "f:2:11: found alias 'm:1b', which already names something else; rename it"},
    {"a cloud model twice",
     MACHINE "cloud:\n  - {name: x, provider: openai, model: y}\n"
             "  - {name: x, provider: gemini, model: y}\n",
     "f:4:5: found cloud model 'x' a second time, expected it once; rename one"},
    {"a provider without a place",
     MACHINE "cloud:\n  - {name: x, provider: openai-compatible, model: y}\n",
     "f:3:5: found no 'url' for x, expected one; add 'url: https://…'"},
    {"a price too fine",
     MACHINE "cloud:\n  - {name: x, provider: openai, model: y, price_in: 0.1234567}\n",
     "f:3:53: found '0.1234567' under 'price_in', expected an amount of at most six decimals, as "
     "in 2.50"},
    {"a day that is none",
     MACHINE "cloud:\n  - {name: x, provider: openai, model: y, retired: soon}\n",
     "f:3:52: found 'soon' under 'retired', expected a date, as in 2026-10-23"},
    {"an unknown setting", MACHINE "gateway:\n  queue_mx: 3\n",
     "f:3:3: found unknown setting 'gateway.queue_mx', expected one of `tampu help settings`; "
     "did you mean 'gateway.queue_max'?"},
    {"a setting beyond its limit", MACHINE "gateway: {threads: 1000}\n",
     "f:2:11: found 1000 for gateway.threads, expected 0 to 256"},
    {"a bad rate", MACHINE "network: {wan: fast}\n",
     "f:2:16: found 'fast' under 'wan', expected a rate, as in 1 Gbit/s or 100 MB/s"},
    {"a circle in memory", MACHINE "include: other.yaml\n",
     "f:2:1: found 'include', expected a text that stands alone; write out what it includes"},
    {"an anchor", "machines: &m {}\n",
     "f:1:14: found an anchor (&…), expected a plain value; remove it"},
    {"an alias", "machines: *m\n",
     "f:1:11: found an alias, expected the value itself; write it out, or use include:"},
    {"a tag", "machines: !!map {}\n",
     "f:1:17: found a tag (!…), expected a plain value; remove it"},
    {"a second document", "machines: {}\n---\nmachines: {}\n",
     "f:2:1: found a second document, expected one; remove the line ---"},
};

static void every_mistake_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct fleet *f = NULL;
        struct err err = {0};
        int r = fleet_parse(&f, str_from(bad[i].text), "f", &err);

        if (r != -EINVAL || strcmp(err.text, bad[i].message) != 0) {
            fleet_free(f);
            fail_msg("%s: %d\n   found: %s\nexpected: %s", bad[i].title, r, err.text,
                     bad[i].message);
        }
        assert_null(f);
    }
}

static void what_is_not_yaml_is_refused_with_its_place(void **state)
{
    struct fleet *f = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(fleet_parse(&f, STR("machines:\n  a: [1, 2\n"), "f", &err), -EINVAL);
    assert_non_null(strstr(err.text, "f:"));
    assert_non_null(strstr(err.text, "found what is not YAML"));
    assert_int_equal(fleet_parse(&f, STR("machines:\n\ta: 1\n"), "f", &err), -EINVAL);
    assert_int_equal(fleet_parse(&f, STR("mach\0ines: 1\n"), "f", &err), -EINVAL);
    assert_string_equal(
        err.text, "f:1:5: found a byte that is not text (0x00), expected UTF-8; is this a YAML "
                  "file?");
    assert_int_equal(fleet_parse(&f, STR("a: 1\nb: \xeb\n"), "f", &err), -EINVAL);
    assert_string_equal(
        err.text, "f:2:4: found a byte that is not text (0xeb), expected UTF-8; is this a YAML "
                  "file?");
    assert_int_equal(fleet_parse(&f, STR("%YAML 1.2\n---\na: 1\n"), "f", &err), -EINVAL);
    assert_string_equal(err.text, "f:1:1: found a directive (%…), expected none; remove the line");
}

static void many_mistakes_come_with_a_line_each(void **state)
{
    struct fleet *f = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(
        fleet_parse(&f, STR("machines:\n  a: {tier: 9, os: x}\n  b: {teir: 1}\n"), "f", &err),
        -EINVAL);
    assert_string_equal(err.text,
                        "f:2:13: found 9 under 'tier', expected 1 to 6\n"
                        "f:2:20: found 'x' under 'os', expected one of linux, macos, windows\n"
                        "f:3:7: found unknown key 'teir', expected a key of a machine; did you "
                        "mean 'tier'?");
}

static void limits_are_kept(void **state)
{
    size_t size = YAML_BYTES_MAX + 1;
    char *text = malloc(size);
    struct fleet *f = NULL;
    struct err err = {0};

    (void)state;
    assert_non_null(text);
    memset(text, ' ', size);
    assert_int_equal(fleet_parse(&f, str_slice(text, size), "f", &err), -EMSGSIZE);
    memset(text, '[', 100);
    assert_int_not_equal(fleet_parse(&f, str_slice(text, 100), "f", &err), 0);
    assert_non_null(strstr(err.text, "levels"));
    for (size_t i = 0; i < 500000; i++)
        memcpy(text + 2 * i, "- ", 2);
    for (size_t i = 0; i < 250001; i++)
        memcpy(text + 4 * i, "- a\n", 4);
    assert_int_equal(fleet_parse(&f, str_slice(text, 4 * 250001), "f", &err), -EMSGSIZE);
    free(text);
}

static void the_strategy_document_is_read_whole(void **state)
{
    struct fleet *f = NULL;
    struct err err = {0};
    unsigned pulls = 0, optional = 0, serving = 0, boxes = 0;

    (void)state;
    if (fleet_load(&f, "fleets/seed.yaml", &err) < 0)
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < f->machines_count; i++) {
        const struct machine *m = &f->machines[i];

        serving += machine_serves(m);
        boxes += m->count;
        pulls += m->models_count;
        for (uint32_t j = 0; j < m->models_count; j++)
            optional += m->models[j].is_optional;
    }
    assert_int_equal(serving, 11);
    assert_int_equal(boxes, 11 + 12);
    assert_int_equal(pulls, 60 + 1); /* and the video model that is commented out */
    assert_int_equal(optional, 2);
    assert_int_equal(f->categories_count, 6);
    assert_int_equal(f->cloud_count, 7);
    assert_int_equal(f->expectations_count, 9);
    assert_int_equal(f->estimates.storage.low, 2000000000000);
    assert_int_equal(f->estimates.setup_ms.high, 3 * 3600000);
    fleet_free(f);
}

static void what_the_document_says_is_where_it_belongs(void **state)
{
    struct fleet *f = NULL;
    struct err err = {0};
    const struct machine *m;
    const struct category *c;

    (void)state;
    if (fleet_load(&f, "fleets/seed.yaml", &err) < 0)
        fail_msg("%s", err.text);
    m = fleet_machine(f, STR("akshat-pc"));
    assert_non_null(m);
    assert_true(str_is(m->addresses.lan, "10.0.0.5"));
    assert_int_equal(machine_ram(m), 192ull << 30);
    assert_true(m->keep_loaded.is_said);
    assert_int_equal(m->keep_loaded.count, 3);
    assert_true(str_is(m->models[0].pull, "qwen2.5-coder:32b"));
    assert_ptr_equal(m->models[0].engine, m->engines);
    assert_string_equal(m->at.file, "fleets/seed.yaml");
    m = fleet_machine(f, STR("ms01"));
    assert_int_equal(m->hardware.ram_bytes, 0);
    assert_int_equal(m->hardware.assume_ram.high, 64ull << 30);
    assert_int_equal(machine_ram(m), 32ull << 30);
    m = fleet_machine(f, STR("pi5"));
    assert_int_equal(m->count, 11);
    assert_false(machine_serves(m));
    c = fleet_category(f, STR("l-code"));
    assert_int_equal(c->needs.purpose, PURPOSE_code);
    assert_int_equal(c->needs.params.low, 20000000000);
    assert_int_equal(c->needs.params.high, 40000000000);
    assert_int_equal(c->backups_count, 2);
    assert_true(str_is(c->backups[1], "ms01"));
    assert_int_equal(fleet_category(f, STR("embeddings"))->machines, MACHINES_all);
    assert_null(fleet_machine(f, STR("nobody")));
    fleet_free(f);
}

static void the_fleets_that_ship_are_read(void **state)
{
    static const char *const paths[] = {"fleets/homelab.yaml", "fleets/minimal.yaml"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct fleet *f = NULL;
        struct err err = {0};

        if (fleet_load(&f, paths[i], &err) < 0)
            fail_msg("%s", err.text);
        fleet_free(f);
    }
}

static void what_is_not_said_follows_from_elsewhere(void **state)
{
    static const char text[] =
        "machines:\n"
        "  a:\n"
        "    engines: [ollama, {kind: openai, name: vllm, slots: 8, key: env:K}]\n"
        "    models:\n"
        "      - x:1b\n"
        "      - {pull: y, engine: openai, context: 32K}\n"
        "    addresses: 127.0.0.1\n"
        "cloud: [{name: c, provider: anthropic, model: m, price_in: 0.25}]\n"
        "gateway: {queue_max: 3, tls: {key: k.pem}}\n";
    struct fleet *f = NULL;
    struct err err = {0};
    const struct machine *m;
    struct buf host;

    (void)state;
    if (fleet_parse(&f, str_from(text), "f", &err) < 0)
        fail_msg("%s", err.text);
    m = fleet_machine(f, STR("a"));
    assert_int_equal(m->count, 1);
    assert_true(str_is(m->domain, "a"));
    assert_int_equal(m->engines[0].port, 11434);
    assert_true(str_is(m->engines[0].name, "ollama"));
    assert_ptr_equal(m->models[0].engine, &m->engines[0]);
    assert_ptr_equal(m->models[1].engine, &m->engines[1]);
    assert_int_equal(m->models[1].context, 32768);
    assert_ptr_equal(machine_engine(m, STR("vllm")), &m->engines[1]);
    assert_null(machine_engine(m, STR("sd-server")));
    assert_true(str_is(f->cloud[0].url, "https://api.anthropic.com"));
    assert_true(str_is(f->cloud[0].key, "env:ANTHROPIC_API_KEY"));
    assert_true(f->cloud[0].has_price);
    assert_int_equal(f->cloud[0].price_in_micro, 250000);
    assert_int_equal(f->settings_count, 2);
    assert_true(str_is(f->settings[1].key, "gateway.tls.key"));
    buf_init(&host, 100);
    assert_int_equal(machine_engine_host(m, &m->engines[0], &host), 0);
    assert_true(str_is(buf_str(&host), "127.0.0.1:11434"));
    buf_fini(&host);
    fleet_free(f);
}

static void put_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int load_from(const char *dir, const char *name, struct fleet **ret, struct err *err)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return fleet_load(ret, path, err);
}

static void included_files_add_their_entries(void **state)
{
    char dir[] = "/tmp/tampu-fleet-XXXXXX", path[64];
    static const char *const names[] = {"main.yaml", "parts/more.yaml", "circle.yaml", "parts"};
    struct fleet *f = NULL;
    struct err err = {0};

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/parts", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    put_file(dir, "main.yaml", "machines: {a: {engines: [ollama]}}\ninclude: [parts/more.yaml]\n");
    put_file(dir, "parts/more.yaml",
             "machines: {b: {engines: [ollama]}}\n"
             "categories: {c: {primary: a, backups: [b]}}\n");
    if (load_from(dir, "main.yaml", &f, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(f->machines_count, 2);
    assert_int_equal(f->files_count, 2);
    assert_non_null(fleet_category(f, STR("c")));
    fleet_free(f);
    f = NULL;

    put_file(dir, "parts/more.yaml", "machines: {a: {}}\n");
    assert_int_equal(load_from(dir, "main.yaml", &f, &err), -EINVAL);
    assert_non_null(strstr(err.text, "parts/more.yaml:1:12: found 'a' a second time"));
    put_file(dir, "parts/more.yaml", "include: ../main.yaml\n");
    assert_int_equal(load_from(dir, "main.yaml", &f, &err), -EINVAL);
    assert_non_null(strstr(err.text, "parts/more.yaml:1:10: found '../main.yaml', which includes "
                                     "this file, expected no circle"));
    put_file(dir, "parts/more.yaml", "include: gone.yaml\n");
    assert_int_equal(load_from(dir, "main.yaml", &f, &err), -ENOENT);
    assert_non_null(strstr(err.text, "parts/more.yaml:1:10"));
    assert_null(f);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        remove(path);
    }
    rmdir(dir);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    struct fleet *f = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(fleet_load(&f, "/nonexistent/fleet.yaml", &err), -ENOENT);
    assert_string_equal(err.text,
                        "/nonexistent/fleet.yaml: cannot open it: No such file or directory");
}

static void the_reference_names_every_key(void **state)
{
    static const char *const keys[] = {"machines",   "keep_loaded", "floor_tps", "price_cached",
                                       "setup_time", "assume",      "base_path"};
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    assert_int_equal(fleet_write_reference(&out), 0);
    assert_int_equal(buf_put_char(&out, '\0'), 0);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (!strstr(out.data, keys[i]))
            fail_msg("no '%s' in the reference", keys[i]);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_named),
        cmocka_unit_test(what_is_not_yaml_is_refused_with_its_place),
        cmocka_unit_test(many_mistakes_come_with_a_line_each),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(the_strategy_document_is_read_whole),
        cmocka_unit_test(what_the_document_says_is_where_it_belongs),
        cmocka_unit_test(the_fleets_that_ship_are_read),
        cmocka_unit_test(what_is_not_said_follows_from_elsewhere),
        cmocka_unit_test(included_files_add_their_entries),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(the_reference_names_every_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
