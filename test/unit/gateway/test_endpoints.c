/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints: which row a path means, and that every row can be reached. */
#include "testing.h"

#include "gateway/endpoints.h"
#include "web/pages.h"

enum { NO_SUCH = -1, OTHER_METHOD = -2 };

static const struct {
    enum method method;
    const char *path;
    int wanted;
} cases[] = {
    {METHOD_POST, "/v1/chat/completions", ENDPOINT_openai_chat},
    {METHOD_GET, "/v1/chat/completions", OTHER_METHOD},
    {METHOD_DELETE, "/v1/models", OTHER_METHOD},
    {METHOD_POST, "/v1/chat/completions/", NO_SUCH},
    {METHOD_POST, "/V1/chat/completions", NO_SUCH},
    {METHOD_POST, "//v1/chat/completions", NO_SUCH},
    {METHOD_POST, "/v1/%63hat/completions", NO_SUCH},
    {METHOD_GET, "/v1/models", ENDPOINT_models},
    {METHOD_HEAD, "/v1/models", ENDPOINT_models},
    {METHOD_GET, "/v1/models/", NO_SUCH},
    {METHOD_GET, "/v1/models/a/b", ENDPOINT_model},
    {METHOD_GET, "/v1/modelsx", NO_SUCH},
    {METHOD_POST, "/api/chat", ENDPOINT_ollama_chat},
    {METHOD_DELETE, "/api/delete", ENDPOINT_ollama_delete},
    {METHOD_POST, "/api/delete", OTHER_METHOD},
    {METHOD_GET, "/imagine", ENDPOINT_imagined},
    {METHOD_POST, "/imagine", ENDPOINT_imagine},
    {METHOD_GET, "/v2/library/tiny/manifests/1b", ENDPOINT_registry},
    {METHOD_HEAD, "/v2/library/tiny/blobs/sha256:00", ENDPOINT_registry},
    {METHOD_PUT, "/v2/library/tiny/manifests/1b", OTHER_METHOD},
    {METHOD_GET, "/", ENDPOINT_root},
    {METHOD_GET, "/nothing", NO_SUCH},
    {METHOD_GET, "", NO_SUCH},
    {METHOD_OPTIONS, "*", NO_SUCH},
};

static void a_path_means_its_row_whole_and_as_it_came(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int found = endpoint_find(cases[i].method, str_from(cases[i].path));

        if (found != cases[i].wanted)
            fail_msg("%s: %d, not %d", cases[i].path, found, cases[i].wanted);
    }
}

/* A row hidden by one above it would be a row that nobody can call. */
static void every_row_is_found_by_its_own_path(void **state)
{
    static const struct {
        enum method method;
        const char *path;
    } rows[] = {
#define CALL(method, path, name, dialect, task, words)  {METHOD_##method, path},
#define PAGE(method, path, name, dialect, who, words)   {METHOD_##method, path},
#define STREAM(method, path, name, dialect, who, words) {METHOD_##method, path},
#include "tables/endpoints.def"
    };

    (void)state;
    for (int i = 0; i < ENDPOINT_COUNT; i++) {
        char path[256];
        char *star;

        assert_true(strlen(rows[i].path) < sizeof path);
        strcpy(path, rows[i].path);
        if ((star = strchr(path, '*')))
            *star = 'x';
        if (endpoint_find(rows[i].method, str_from(path)) != i)
            fail_msg("%s is not found", path);
    }
}

/* What the demo alone answers, and nothing else, is left to whoever opens the gateway. */
static void every_row_is_a_call_or_is_answered_by_tampu(void **state)
{
    struct pages pages = {0};

    (void)state;
    web_pages(&pages, NULL, STR("sqlite:/nowhere/tampu.db"));
    for (int i = 0; i < ENDPOINT_COUNT; i++) {
        bool is_demos = i == ENDPOINT_imagine || i == ENDPOINT_imagined;
        bool is_call = endpoint_call_name((enum endpoint_id)i) != NULL;
        bool is_streamed = pages.streamers[i] != NULL;

        if (is_call + (pages.fns[i] != NULL) + is_streamed + is_demos != 1)
            fail_msg("row %d of endpoints.def: call %d, page %d, stream %d", i, is_call,
                     !!pages.fns[i], is_streamed);
    }
    web_close(&pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_means_its_row_whole_and_as_it_came),
        cmocka_unit_test(every_row_is_found_by_its_own_path),
        cmocka_unit_test(every_row_is_a_call_or_is_answered_by_tampu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
