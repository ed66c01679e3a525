/* SPDX-License-Identifier: Apache-2.0 */
/* What stats and run share: a region's counters as JSON. */
#ifndef _CLOISTER_CLI_STATS_H
#define _CLOISTER_CLI_STATS_H

#include "cli.h"

json_t *cli_stats_json(const struct cloister_stats *stats);

#endif /* _CLOISTER_CLI_STATS_H */
