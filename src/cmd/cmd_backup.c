/* SPDX-License-Identifier: Apache-2.0 */
/* tampu backup: the state as one file, while the gateway runs. */
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/state.h"

int cmd_backup(int argc, char **argv)
{
    struct store *store = NULL;
    struct options o = {0};
    struct err err = {0};
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    status = EXIT_no;
    if (state_find(&store, option_value(&o, "state"), &err) < 0)
        fprintf(stderr, "tampu backup: %s\n", err.text);
    else if (!store)
        fprintf(stderr, "tampu backup: there is no state yet, so there is nothing to back up; "
                        "--state DIR names another folder\n");
    else if (store_backup(store, o.operands[0], &err) < 0)
        fprintf(stderr, "tampu backup: %s\n", err.text);
    else
        status = EXIT_done;
    store_close(store);
    return status;
}
