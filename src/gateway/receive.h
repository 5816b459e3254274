/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller sends: JSON into memory, or a form whose files go to the disk; exchange_on_body()
 * is here, too. */
#pragma once

struct err;
struct exchange;

void receive_begin(struct exchange *x);

/* What is asked, from all that was sent. As dialect->scan() has it. */
int receive_read(struct exchange *x, struct err *err);

/* The asked name outlives the body: it is told to the end. 0, -ENOMEM. */
int receive_keep_asked(struct exchange *x);
