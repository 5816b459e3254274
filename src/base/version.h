/* SPDX-License-Identifier: Apache-2.0 */
/* Which program this is; the only place where its number stands. */
#pragma once

#define TAMPU_VERSION "0.1.0"
