-- SPDX-License-Identifier: Apache-2.0
-- Old requests are trimmed in the order in which they were written: no index has to be kept for it.
DROP INDEX exchanges_by_start;
