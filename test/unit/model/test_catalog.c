/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog: that its files are whole, and that things are found in it. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/catalog.h"
#include "model/catalog_keys.h"
#include "wire/schema_write.h"

static struct catalog *catalog;

static int load_catalog(void **state)
{
    struct err err;

    (void)state;
    if (catalog_load(&catalog, NULL, &err) == 0)
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int free_catalog(void **state)
{
    (void)state;
    catalog_free(catalog);
    return 0;
}

static const struct artifact *find(const char *tag)
{
    return catalog_artifact(catalog, str_from(tag));
}

static const struct artifact *mistaken(const char *name)
{
    return catalog_mistaken(catalog, str_from(name));
}

static void every_model_is_complete(void **state)
{
    (void)state;
    assert_true(catalog->models_count > 40);
    for (uint32_t i = 0; i < catalog->models_count; i++) {
        const struct model *m = &catalog->models[i];
        bool is_embedding = m->purposes & 1u << PURPOSE_embedding;

        assert_true(m->artifacts_count > 0);
        assert_true(m->active_params > 0 && m->active_params <= m->params);
        if (is_embedding != (m->dimensions > 0))
            fail_msg("%s: embeddings and only they have dimensions", m->name.data);
        for (unsigned p = 0; p < PURPOSE_COUNT; p++)
            if (m->purposes & 1u << p && !(m->capabilities & 1u << purpose_needs((enum purpose)p)))
                fail_msg("%s: cannot do what its task %s needs", m->name.data,
                         purpose_name((enum purpose)p));
        for (uint32_t j = 0; j < m->replace_by_count; j++)
            if (!catalog_artifact(catalog, m->replace_by[j]))
                fail_msg("%s: its replacement %s is not in the catalog", m->name.data,
                         m->replace_by[j].data);
    }
}

/* Bits that a parameter takes must be plausible for the quantisation. */
static void sizes_are_plausible_for_their_parameters(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < catalog->models_count; i++)
        for (uint32_t j = 0; j < catalog->models[i].artifacts_count; j++) {
            const struct artifact *a = &catalog->models[i].artifacts[j];
            double bits = 8.0 * (double)a->bytes / (double)a->model->params;

            if (!a->model->geometry.layers)
                continue;
            if (bits < 2.4 || bits > 18.5)
                fail_msg("%s: %.1f bits a parameter", a->tag.data, bits);
        }
}

static void tags_of_one_digest_are_one_artifact(void **state)
{
    (void)state;
    assert_non_null(find("qwen2.5:72b"));
    assert_ptr_equal(find("qwen2.5:72b"), find("qwen2.5:72b-instruct-q4_K_M"));
    assert_ptr_equal(find("qwen2.5:72b"), find("Qwen2.5:72B"));
    assert_ptr_equal(find("nomic-embed-text"), find("nomic-embed-text:latest"));
    assert_ptr_equal(find("nomic-embed-text"), find("library/nomic-embed-text"));
    assert_ptr_not_equal(find("qwen2.5:72b"), find("qwen2.5:72b-instruct-q8_0"));
    assert_null(find("qwen2.5:73b"));
    assert_null(find(""));
}

static void names_that_do_not_exist_lead_to_what_was_meant(void **state)
{
    (void)state;
    assert_null(find("qwen2.5:72b-q4"));
    assert_ptr_equal(mistaken("qwen2.5:72b-q4"), find("qwen2.5:72b"));
    assert_ptr_equal(mistaken("phi-2:2.7b"), find("phi:2.7b"));
    assert_null(find("stable-diffusion-xl"));
    assert_false(mistaken("stable-diffusion-xl")->model->engines & 1u << ENGINE_ollama);
    assert_true(mistaken("whisper:large-v3")->model->engines & 1u << ENGINE_whisper_server);
    assert_null(mistaken("qwen2.5:72b"));
    assert_ptr_equal(catalog_nearest(catalog, STR("qwen2.5:72")), find("qwen2.5:72b"));
    assert_null(catalog_nearest(catalog, STR("zzzzzzzzzzzz")));
}

static void known_facts_are_there(void **state)
{
    const struct artifact *a = find("llama3.2-vision:90b");

    (void)state;
    assert_int_equal(find("qwen2.5:72b")->bytes, 47416000000);
    assert_false(find("qwen2.5:72b")->model->capabilities & 1u << CAPABILITY_vision);
    assert_int_equal(a->model->refused_by, ENGINE_ollama);
    assert_true(str_is(a->model->refused_since, "0.30.0"));
    assert_int_equal(find("bge-m3")->model->dimensions, 1024);
    assert_int_equal(artifact_context(find("phi3.5:3.8b-mini-instruct-q4_K_M")), 4096);
    assert_int_equal(artifact_context(find("phi3.5:3.8b")), 131072);
}

static void hardware_is_found_by_the_longest_name(void **state)
{
    const struct {
        const char *text, *name;
    } rows[] = {
        {"RTX 5090", "rtx-5090"},
        {"NVIDIA GeForce RTX 2080 Super 8GB", "rtx-2080-super"},
        {"rtx 2080", "rtx-2080"},
        {"AMD Ryzen AI Max+ 395", "ai-max-395"},
        {"M4 Pro 12-core", "m4-pro"},
        {"Ryzen 3 3200U", "ryzen-3-3200u"},
        {"Intel Core Ultra 9 185H", "ultra-9-185h"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct hardware_facts *h = catalog_hardware(catalog, str_from(rows[i].text));

        if (!h || !str_is(h->name, rows[i].name))
            fail_msg("%s: found %s, expected %s", rows[i].text, h ? h->name.data : "nothing",
                     rows[i].name);
    }
    assert_null(catalog_hardware(catalog, STR("Voodoo 2")));
    assert_null(catalog_hardware(catalog, STR("RTX 50900")));
    assert_null(catalog_hardware(catalog, STR("")));
}

static void cloud_models_know_their_end(void **state)
{
    const struct cloud_facts *o1 = catalog_cloud(catalog, STR("o1"));
    const struct cloud_facts *flash = catalog_cloud(catalog, STR("gemini-flash-2.0"));

    (void)state;
    assert_non_null(o1);
    assert_true(cloud_is_retired(o1, STR("2026-11-23")));
    assert_true(cloud_is_retired(o1, STR("2026-10-23")));
    assert_false(cloud_is_retired(o1, STR("2026-10-22")));
    assert_non_null(flash);
    assert_true(str_is(flash->id, "gemini-2.0-flash"));
    assert_int_equal(catalog_cloud(catalog, STR("gpt-4o-mini"))->price_in_micro, 150000);
    assert_false(
        cloud_is_retired(catalog_cloud(catalog, STR("claude-haiku-4-5")), STR("2026-11-23")));
    assert_null(catalog_cloud(catalog, STR("gpt-99")));
}

static void a_bad_catalog_is_refused_with_its_place(void **state)
{
    const char *text = "models:\n"
                       "  a: {family: a, engines: [olama], params: 1B, context: 1K, source: x,\n"
                       "      capabilities: [completion], tasks: [general], artifacts: []}\n";
    struct catalog *c = NULL;
    struct err err;

    (void)state;
    assert_int_equal(catalog_parse(&c, str_from(text), STR(""), STR(""), &err), -EINVAL);
    assert_null(c);
    assert_string_equal(err.text,
                        "catalog/models.yaml:2:28: found 'olama' under 'engines', expected one "
                        "of ollama, llama-server, whisper-server, sd-server, openai; did you "
                        "mean 'ollama'?");
    assert_int_equal(catalog_load(&c, "/nonexistent", &err), -ENOENT);
}

static void two_models_cannot_share_a_tag(void **state)
{
    const char *text = "models:\n"
                       "  a: {family: a, engines: [ollama], params: 1B, context: 1K, source: x,\n"
                       "      capabilities: [completion], tasks: [general],\n"
                       "      artifacts: [{tag: x, quant: Q4, size: 1 GB}, {tag: 'X:latest', "
                       "quant: Q8, size: 2 GB}]}\n";
    struct catalog *c = NULL;
    struct err err;

    (void)state;
    assert_int_equal(catalog_parse(&c, str_from(text), STR(""), STR(""), &err), -EINVAL);
    assert_string_equal(err.text, "catalog/models.yaml:4:52: found 'X:latest' a second time, "
                                  "expected it once");
}

/* A folder with one file of the catalog in it, for as long as a test takes. */
static struct {
    char dir[64], path[128];
} folder;

static void write_folder(const char *name, const char *text)
{
    FILE *file;

    snprintf(folder.dir, sizeof folder.dir, "/tmp/tampu-catalog-XXXXXX");
    assert_non_null(mkdtemp(folder.dir));
    snprintf(folder.path, sizeof folder.path, "%s/%s", folder.dir, name);
    file = fopen(folder.path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int drop_folder(void **state)
{
    (void)state;
    unlink(folder.path);
    return rmdir(folder.dir);
}

static void rows_of_a_folder_replace_and_add(void **state)
{
    struct catalog *c = NULL;
    struct err err;

    (void)state;
    write_folder(
        "models.yaml",
        "models:\n"
        "  qwen2.5-72b: {family: q, engines: [ollama], params: 7B, context: 1K, source: x,\n"
        "    capabilities: [vision], tasks: [vision],\n"
        "    artifacts: [{tag: 'qwen2.5:72b', quant: Q8_0, size: 7 GB}]}\n"
        "  mine: {family: m, engines: [ollama], params: 1B, context: 1K, source: x,\n"
        "    capabilities: [completion], tasks: [general],\n"
        "    artifacts: [{tag: 'mine:1b', quant: Q8_0, size: 1 GB}]}\n");
    if (catalog_load(&c, folder.dir, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(c->models_count, catalog->models_count + 1);
    assert_int_equal(c->hardware_count, catalog->hardware_count);
    assert_int_equal(catalog_artifact(c, STR("qwen2.5:72b"))->bytes, 7000000000);
    assert_null(catalog_artifact(c, STR("qwen2.5:72b-instruct-q8_0")));
    assert_non_null(catalog_artifact(c, STR("mine:1b")));
    assert_non_null(catalog_artifact(c, STR("gpt-oss:120b")));
    assert_true(str_equal(c->day, catalog->day));
    catalog_free(c);
}

static void mistakes_in_a_folder_are_named_where_they_stand(void **state)
{
    char expected[256];
    struct catalog *c = NULL;
    struct err err;

    (void)state;
    write_folder("hardware.yaml", "hardware:\n"
                                  "  mine: {match: [Mine], kind: gpu, bandwidth: 1, source: x,\n"
                                  "    efficiency: 0.5}\n");
    assert_int_equal(catalog_load(&c, folder.dir, &err), -EINVAL);
    snprintf(expected, sizeof expected, "%s:2:3: found no 'prefill'", folder.path);
    if (strncmp(err.text, expected, strlen(expected)) != 0)
        fail_msg("%s", err.text);
}

static void a_folder_without_any_file_is_a_mistake(void **state)
{
    struct catalog *c = NULL;
    struct err err;

    (void)state;
    write_folder("modells.yaml", "models: {}\n");
    assert_int_equal(catalog_load(&c, folder.dir, &err), -ENOENT);
    assert_non_null(strstr(err.text, "expected one of them"));
}

/* The same rows, written and read again, are the same rows. */
static void every_model_is_written_as_it_is_read(void **state)
{
    const struct schema_section *section = catalog_models_section.rows[0].section;
    struct catalog *again = NULL;
    struct buf first, second;
    struct err err;

    (void)state;
    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    assert_int_equal(buf_put(&first, STR("models:\n")), 0);
    for (uint32_t i = 0; i < catalog->models_count; i++) {
        assert_int_equal(buf_printf(&first, "  %s:\n", catalog->models[i].name.data), 0);
        assert_int_equal(schema_write(&first, section, &catalog->models[i], 4), 0);
    }
    if (catalog_parse(&again, buf_str(&first), STR(""), STR(""), &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(again->models_count, catalog->models_count);
    assert_int_equal(buf_put(&second, STR("models:\n")), 0);
    for (uint32_t i = 0; i < again->models_count; i++) {
        assert_int_equal(again->models[i].params, catalog->models[i].params);
        assert_int_equal(again->models[i].artifacts[0].bytes,
                         catalog->models[i].artifacts[0].bytes);
        assert_int_equal(buf_printf(&second, "  %s:\n", again->models[i].name.data), 0);
        assert_int_equal(schema_write(&second, section, &again->models[i], 4), 0);
    }
    assert_true(str_equal(buf_str(&first), buf_str(&second)));
    catalog_free(again);
    buf_fini(&first);
    buf_fini(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_is_complete),
        cmocka_unit_test(sizes_are_plausible_for_their_parameters),
        cmocka_unit_test(tags_of_one_digest_are_one_artifact),
        cmocka_unit_test(names_that_do_not_exist_lead_to_what_was_meant),
        cmocka_unit_test(known_facts_are_there),
        cmocka_unit_test(hardware_is_found_by_the_longest_name),
        cmocka_unit_test(cloud_models_know_their_end),
        cmocka_unit_test(a_bad_catalog_is_refused_with_its_place),
        cmocka_unit_test(two_models_cannot_share_a_tag),
        cmocka_unit_test_teardown(rows_of_a_folder_replace_and_add, drop_folder),
        cmocka_unit_test_teardown(mistakes_in_a_folder_are_named_where_they_stand, drop_folder),
        cmocka_unit_test_teardown(a_folder_without_any_file_is_a_mistake, drop_folder),
        cmocka_unit_test(every_model_is_written_as_it_is_read),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
