// SPDX-License-Identifier: Apache-2.0
/*
 * Chains verified before. A chain is found by its very bytes, so nothing that was not
 * verified is ever taken for something that was; and only verified chains get in, so
 * that nobody without a certificate can push others out.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define WAYS	4

void cache_clear(struct cloister_verifier *verifier)
{
	size_t i;

	for (i = 0; i < (size_t)verifier->sets * WAYS; i++) {
		chain_entry_free(verifier->cache[i]);
		verifier->cache[i] = NULL;
	}
	chain_entry_free(verifier->uncached);
	verifier->uncached = NULL;
}

int cache_set_size(struct cloister_verifier *verifier, unsigned int chains)
{
	size_t sets = ((size_t)chains + WAYS - 1) / WAYS;
	struct chain_entry **cache = NULL;

	if (sets) {
		cache = calloc(sets * WAYS, sizeof(struct chain_entry *));
		if (!cache)
			return CLOISTER_VERIFY_EMEMORY;
	}
	cache_clear(verifier);
	free(verifier->cache);
	verifier->cache = cache;
	verifier->sets = (unsigned int)sets;
	return 0;
}

/*
 * The last bytes of a certificate are those of its signature: as good as random, and so
 * a hash that costs nothing.
 */
static struct chain_entry **cache_set(const struct cloister_verifier *verifier,
				      const struct cert_list *certs)
{
	const struct span *leaf = &certs->cert[0];
	uint64_t hash = 0;

	memcpy(&hash, leaf->bytes + leaf->len - (leaf->len < 8 ? leaf->len : 8),
	       leaf->len < 8 ? leaf->len : 8);
	return verifier->cache + (hash % verifier->sets) * WAYS;
}

static bool same_certs(const struct cert_list *a, const struct cert_list *b)
{
	unsigned int i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++) {
		if (a->cert[i].len != b->cert[i].len ||
		    memcmp(a->cert[i].bytes, b->cert[i].bytes, a->cert[i].len))
			return false;
	}
	return true;
}

/* Good now, and for what signed this quote? What is not is verified anew, and says why. */
static bool usable(const struct chain_entry *entry, const struct cloister_verifier *verifier,
		   const struct cloister_result *result)
{
	int64_t now = verifier_time(verifier);

	return entry && entry->algorithm == result->algorithm && now >= entry->not_before &&
	       now < entry->not_after && same_certs(&entry->certs, &result->certs);
}

static void remember(struct cloister_verifier *verifier, struct chain_entry *entry)
{
	struct chain_entry **slot = &verifier->uncached;

	if (verifier->sets)
		slot = cache_set(verifier, &entry->certs) + verifier->turn++ % WAYS;
	chain_entry_free(*slot);
	*slot = entry;
}

/* The verified chain of a result, remembered or verified now. */
int chain_get(struct cloister_verifier *verifier, struct cloister_result *result,
	      const struct chain_entry **entry)
{
	struct chain_entry *made;
	struct chain_entry **set;
	unsigned int i;
	int ret;

	set = verifier->sets ? cache_set(verifier, &result->certs) : NULL;
	for (i = 0; set && i < WAYS; i++) {
		if (usable(set[i], verifier, result)) {
			*entry = set[i];
			return 0;
		}
	}
	ret = chain_verify(verifier, result, &made);
	if (ret)
		return ret;
	remember(verifier, made);
	*entry = made;
	return 0;
}
