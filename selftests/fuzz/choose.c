// SPDX-License-Identifier: Apache-2.0
/* What a call is made with, from the bytes of a sequence: mostly something that can do. */
#include "steps.h"

/* Input -------------------------------------------------------------------- */

bool at_end(const struct sequence *s)
{
	return s->at >= s->length;
}

u32 take(struct sequence *s)
{
	return at_end(s) ? 0 : s->bytes[s->at++];
}

/* Choices ------------------------------------------------------------------ */

static u64 odd_address(struct sequence *s, u32 how)
{
	u64 some = model_pa(&s->model, (int)(how % s->model.granule_count));

	switch (how % 5) {
	case 0:
		return some + 8;
	case 1:
		return some + 1;
	case 2:
		return HOST_PA_BASE - PAGE;
	case 3:
		return HOST_PA_BASE + (1ull << 40);
	default:
		return 0;
	}
}

/* Mostly a granule that the call can use; now and then any other, or none at all. */
u64 choose_granule(struct sequence *s, enum model_owner owner)
{
	u32 how = take(s), count = 0, g, n;

	if (how >= 248)
		return odd_address(s, how);
	for (g = 0; g < s->model.granule_count; g++)
		count += s->model.granules[g].owner == owner;
	if (how >= 232 || !count)
		return model_pa(&s->model, (int)(how % s->model.granule_count));
	n = how % count;
	for (g = 0; g < s->model.granule_count; g++)
		if (s->model.granules[g].owner == owner && !n--)
			break;
	return model_pa(&s->model, (int)g);
}

u64 choose_region(struct sequence *s)
{
	return choose_granule(s, IS_REGION);
}

int region_of_pa(struct sequence *s, u64 pa)
{
	int g = model_granule(&s->model, pa);

	return g >= 0 && s->model.regions[g].alive ? g : -1;
}

/* At most MODEL_PAGES - 2 numbers a region: the first, those at the edges of tables, the last. */
u64 choose_page(struct sequence *s, u64 region)
{
	static const u64 edges[] = { 169, 170, 171, 340, 170 * 512 - 1, 170 * 512,
				     170ull * 512 * 512, 1ull << 27 };
	int g = region_of_pa(s, region);
	u64 size = g < 0 ? 8 : s->model.regions[g].size;
	u32 how = take(s);

	if (how >= 252)
		return size + (how - 252) * (1ull << 40);
	if (how >= 232)
		return size - 1 - how % (size < 3 ? size : 3);
	if (how >= 200 && edges[how % 8] < size)
		return edges[how % 8];
	return how % (size < 16 ? size : 16);
}

/* A page that is @where, if there is one; else any. */
u64 choose_page_in(struct sequence *s, u64 region, enum model_where where)
{
	int g = region_of_pa(s, region);
	u32 count = 0, n, i;
	struct model_region *r;

	if (g < 0 || take(s) >= 224)
		return choose_page(s, region);
	r = &s->model.regions[g];
	for (i = 0; i < r->page_count; i++)
		count += r->pages[i].where == where;
	if (!count)
		return choose_page(s, region);
	n = take(s) % count;
	for (i = 0; r->pages[i].where != where || n--; i++)
		;
	return r->pages[i].number;
}

u32 choose_permissions(struct sequence *s)
{
	static const u8 usual[] = { 1, 3, 5, 3 };
	u32 how = take(s);

	return how >= 240 ? how % 16 : usual[how % 4];
}

u64 choose_class(struct sequence *s)
{
	u32 how = take(s);

	return how >= 252 ? how : how >= 208;
}

u32 choose_contents(struct sequence *s)
{
	return take(s) % PATTERNS;
}
