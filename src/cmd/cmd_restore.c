/* SPDX-License-Identifier: Apache-2.0 */
/* tampu restore: the state becomes what a backup holds. */
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/state.h"

int cmd_restore(int argc, char **argv)
{
    struct store *store = NULL;
    struct options o = {0};
    struct err err = {0};
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    status = EXIT_done;
    if (state_open(&store, option_value(&o, "state"), &err) < 0 ||
        store_restore(store, o.operands[0], &err) < 0) {
        fprintf(stderr, "tampu restore: %s\n", err.text);
        status = EXIT_no;
    }
    store_close(store);
    return status;
}
