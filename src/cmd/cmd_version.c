/* SPDX-License-Identifier: Apache-2.0 */
/* tampu version */
#include "base/version.h"
#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/terminal.h"

int cmd_version(int argc, char **argv)
{
    struct options o = {0};
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    return terminal_print(option_given(&o, "json") ? STR("{\"version\":\"" TAMPU_VERSION "\"}\n")
                                                   : STR("tampu " TAMPU_VERSION "\n"));
}
