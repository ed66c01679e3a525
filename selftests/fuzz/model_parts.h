/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the model. */
#ifndef CLOISTER_FUZZ_MODEL_PARTS_H
#define CLOISTER_FUZZ_MODEL_PARTS_H

#include "model.h"

#define GRANULE		4096
#define READ		MON_PERM_READ
#define WRITE		MON_PERM_WRITE
#define EXEC		MON_PERM_EXEC

/* Granules: whose they are, and given from one to the other. */
bool owned(const struct model *m, u64 pa, enum model_owner owner);
void give(struct model *m, int granule, enum model_owner owner, int region);
void take_back(struct model *m, int granule);
bool claim_frame(struct model *m, struct model_call *c, u64 pa);
void drop_frame(struct model *m, int granule);

/* Pages, and the tables that they need. */
enum model_where where(const struct model_page *page);
struct model_page *page_for_add(struct model *m, int region, u64 number);
u32 missing_nodes(const struct model_region *r, u64 page);
void make_nodes(struct model_region *r, u64 page);
void hold(struct model *m, struct model_page *page, int frame, u32 contents);
bool good_permissions(u64 permissions);

/* Documentation/measurement.rst */
void measure_begin(struct model_region *r);
void measure_page_added(struct model_region *r, const struct model_call *c);
void measure_end(struct model_region *r);

/* Calls on pages, as model_begin() and model_end() */
enum mon_status begin_add(struct model *m, struct model_call *c);
enum mon_status end_add(struct model *m, struct model_call *c, enum mon_status failure);
enum mon_status begin_map(struct model *m, struct model_call *c);
enum mon_status begin_unpin(struct model *m, struct model_call *c);
enum mon_status begin_load(struct model *m, struct model_call *c);
enum mon_status end_load(struct model *m, struct model_call *c, enum mon_status failure);
enum mon_status begin_evict(struct model *m, struct model_call *c);
enum mon_status end_evict(struct model *m, struct model_call *c, enum mon_status failure);
enum mon_status begin_remove(struct model *m, struct model_call *c);
enum mon_status end_remove(struct model *m, struct model_call *c);

#endif /* CLOISTER_FUZZ_MODEL_PARTS_H */
