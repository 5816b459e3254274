/* SPDX-License-Identifier: Apache-2.0 */
/* Patience: how long the first byte of an answer may take before the copy counts as hanging. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * loaded_ms for a copy in memory, load_ms for one that must be loaded first; and for every token of
 * the prompt (four bytes) what the slowest processors in use need: 30 tokens a second for a 7B
 * model (catalog: prefill of CPU machines).
 */
uint32_t patience_first_byte_ms(uint64_t loaded_ms, uint64_t load_ms, bool is_resident,
                                uint64_t prompt_bytes);
