/* SPDX-License-Identifier: Apache-2.0 */
/* From the first word that was typed to the function that does it. */
#include "cmd/command.h"

#include <string.h>

#include "cmd/usage.h"

static int run(const char *name, int argc, char **argv);

static const struct {
    const char *name;
    command_fn *run;
} functions[] = {
#define COMMAND(name, operands, what) {#name, cmd_##name},
#include "tables/commands.def"
};

int command_run(int argc, char **argv)
{
    static char help[] = "help";
    const char *name = argc > 1 ? argv[1] : help;

    if (argc < 2 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        cmd_help(1, (char *[]){help, NULL});
        return argc < 2 ? EXIT_usage : EXIT_done;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    return run(name, argc - 1, argv + 1);
}

static int run(const char *name, int argc, char **argv)
{
    const char *best = NULL;
    char suggestion[128];

    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        if (strcmp(functions[i].name, name) == 0) {
            argv[0] = (char *)functions[i].name;
            return functions[i].run(argc, argv);
        }
        best = usage_nearer(name, best, functions[i].name);
    }
    usage_suggest(suggestion, sizeof suggestion, name, "", best);
    return usage_error(NULL, "there is no command '%s'%s", name, suggestion);
}
