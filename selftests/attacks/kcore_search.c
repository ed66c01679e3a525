// SPDX-License-Identifier: Apache-2.0
/*
 * Root searches all memory, as /proc/kcore shows it, for pages it knows. The region is
 * a debug one, which nothing but the state of its pages keeps from view; while a production
 * region lives there is no kcore to search, see machine.c.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

#define KCORE	"/proc/kcore"
#define CHUNK	(1UL << 20)
/* Longer segments are address space (vmalloc), not memory. */
#define LONGEST	(1UL << 40)

static void search_segment(int fd, const Elf64_Phdr *header, uint8_t *chunk, struct victim *victim)
{
	uint64_t done, length;
	ssize_t got;

	for (done = 0; done < header->p_filesz; done += length) {
		length = header->p_filesz - done;
		if (length > CHUNK)
			length = CHUNK;
		got = pread(fd, chunk, length, (off_t)(header->p_offset + done));
		if (got <= 0)
			continue;
		prints_look(&victim->control_prints, chunk, (size_t)got / PAGE);
		prints_look(&victim->region_prints, chunk, (size_t)got / PAGE);
	}
}

static bool search(int fd, struct victim *victim)
{
	uint8_t *chunk = aligned_alloc(PAGE, CHUNK);
	Elf64_Ehdr elf;
	Elf64_Phdr header;
	size_t i;

	if (!chunk || pread(fd, &elf, sizeof(elf), 0) != sizeof(elf) ||
	    memcmp(elf.e_ident, ELFMAG, SELFMAG))
		return false;
	for (i = 0; i < elf.e_phnum; i++) {
		if (pread(fd, &header, sizeof(header),
			  (off_t)(elf.e_phoff + i * sizeof(header))) != sizeof(header))
			return false;
		if (header.p_type == PT_LOAD && header.p_filesz < LONGEST)
			search_segment(fd, &header, chunk, victim);
	}
	free(chunk);
	return true;
}

int main(void)
{
	int fd = open(KCORE, O_RDONLY | O_CLOEXEC);
	struct victim victim;

	if (fd < 0) {
		tap_skip("kcore_search: " KCORE ": %s", strerror(errno));
		return tap_end();
	}
	victim_start(&victim, CLOISTER_CREATE_DEBUG);
	tap_check(victim_order(&victim, VICTIM_TOUCH), "all pages of the region are resident");
	if (!search(fd, &victim))
		tap_check(false, "reading " KCORE ": %s", strerror(errno));
	tap_check(prints_found(&victim.control_prints) == victim.control_prints.count,
		  KCORE " shows ordinary memory: %zu of %zu pages found",
		  prints_found(&victim.control_prints), victim.control_prints.count);
	tap_check(!prints_found(&victim.region_prints),
		  KCORE " shows no page of the region: %zu of %zu found",
		  prints_found(&victim.region_prints), victim.region_prints.count);
	tap_check(victim_order(&victim, VICTIM_CHECK), "the region is whole after it");
	victim_end(&victim);
	close(fd);
	return tap_end();
}
