/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that make a sequence of bytes. */
#ifndef CLOISTER_FUZZ_STEPS_H
#define CLOISTER_FUZZ_STEPS_H

#include "sequence.h"

#define PAGE	MON_GRANULE_SIZE

bool at_end(const struct sequence *s);
u32 take(struct sequence *s);
u64 choose_granule(struct sequence *s, enum model_owner owner);
u64 choose_region(struct sequence *s);
int region_of_pa(struct sequence *s, u64 pa);
u64 choose_page(struct sequence *s, u64 region);
u64 choose_page_in(struct sequence *s, u64 region, enum model_where where);
u32 choose_permissions(struct sequence *s);
u64 choose_class(struct sequence *s);
u32 choose_contents(struct sequence *s);
enum mon_status plain(struct sequence *s, struct model_call *c);
void unpin(struct sequence *s, u64 frame);
void step(struct sequence *s);

#endif /* CLOISTER_FUZZ_STEPS_H */
