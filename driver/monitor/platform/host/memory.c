// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Memory of the host platform: an arena of granules. */
#include <stdlib.h>
#include <sys/mman.h>

#include "host_platform.h"

static struct {
	u8 *arena;
	u16 *words;
	u8 *hidden;
	size_t granules;
	size_t hidden_count;
	host_unmap_fn *unmap;
	void *unmap_arg;
} memory;

void host_platform_init(size_t granules)
{
	if (memory.arena)
		host_die("initialised twice; call host_platform_exit() first");
	if (!granules)
		host_die("a machine needs at least one granule");
	memory.arena = mmap(NULL, granules * MON_GRANULE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	memory.words = calloc(granules, sizeof(*memory.words));
	memory.hidden = calloc(granules, 1);
	if (memory.arena == MAP_FAILED || !memory.words || !memory.hidden)
		host_die("no memory for %zu granules", granules);
	memory.granules = granules;
	host_control_reset();
}

void host_platform_exit(void)
{
	if (!memory.arena)
		return;
	munmap(memory.arena, memory.granules * MON_GRANULE_SIZE);
	free(memory.words);
	free(memory.hidden);
	memset(&memory, 0, sizeof(memory));
	host_control_reset();
}

/* Number of the granule that holds @pa; memory.granules where none does. */
static size_t granule_index(u64 pa)
{
	if (pa < HOST_PA_BASE || pa - HOST_PA_BASE >= (u64)memory.granules << MON_GRANULE_SHIFT)
		return memory.granules;
	return (pa - HOST_PA_BASE) >> MON_GRANULE_SHIFT;
}

static size_t known_index(u64 pa, const char *what)
{
	size_t i = granule_index(pa);

	if (i == memory.granules || pa % MON_GRANULE_SIZE)
		host_die("%s of %#llx, which is no granule", what, pa);
	return i;
}

u64 host_granule_pa(size_t index)
{
	if (index >= memory.granules)
		host_die("granule %zu of %zu", index, memory.granules);
	return HOST_PA_BASE + ((u64)index << MON_GRANULE_SHIFT);
}

size_t host_granules(void)
{
	return memory.granules;
}

/* A misaligned address has a word here: that it is refused is the core's duty. */
u16 *plat_granule_word(u64 pa)
{
	size_t i = granule_index(pa);

	return i < memory.granules ? &memory.words[i] : NULL;
}

void *plat_granule_address(u64 pa)
{
	return memory.arena + (known_index(pa, "address") << MON_GRANULE_SHIFT);
}

void *host_granule_peek(u64 pa)
{
	return memory.arena + (known_index(pa, "peek") << MON_GRANULE_SHIFT);
}

static void set_hidden(u64 pa, bool hidden, const char *what)
{
	size_t i = known_index(pa, what);

	host_assert_critical(what);
	if (__atomic_exchange_n(&memory.hidden[i], hidden, __ATOMIC_RELAXED) == hidden)
		host_die("%s of granule %zu, which is so already", what, i);
	__atomic_add_fetch(&memory.hidden_count, hidden ? 1 : -1, __ATOMIC_RELAXED);
}

void plat_granule_hide(u64 pa)
{
	set_hidden(pa, true, "plat_granule_hide");
}

void plat_granule_show(u64 pa)
{
	set_hidden(pa, false, "plat_granule_show");
}

bool host_granule_hidden(u64 pa)
{
	return __atomic_load_n(&memory.hidden[known_index(pa, "hidden")], __ATOMIC_RELAXED);
}

size_t host_hidden_count(void)
{
	return __atomic_load_n(&memory.hidden_count, __ATOMIC_RELAXED);
}

void plat_scrub(void *address, size_t len)
{
	explicit_bzero(address, len);
	host_count(&host_counters()->scrubbed, len);
}

void host_set_unmap(host_unmap_fn *fn, void *arg)
{
	memory.unmap_arg = arg;
	memory.unmap = fn;
}

void plat_unmap(u64 cookie, u64 first, u64 count)
{
	enum mon_status ignored;

	host_op_begin(HOST_OP_UNMAP, &ignored);
	if (memory.unmap)
		memory.unmap(cookie, first, count, memory.unmap_arg);
	host_op_end(HOST_OP_UNMAP);
}
