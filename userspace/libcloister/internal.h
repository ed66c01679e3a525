/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of libcloister share; not installed. */
#ifndef _LIBCLOISTER_INTERNAL_H
#define _LIBCLOISTER_INTERNAL_H

#include "cloister.h"

#define SENTENCE_LEN	512

#define PAGE_MASK_	((uint64_t)CLOISTER_PAGE_SIZE - 1)

/* Where the bytes of a file come from; opened and checked. */
struct source_file {
	int fd;
	uint64_t size;
};

struct cloister_device {
	const struct cloister_transport *transport;
	void *context;
	int fd;
	char sentence[SENTENCE_LEN];
};

/*
 * A region lives on when its device handle goes, so it has its own copy of the
 * transport.
 */
struct cloister_region {
	const struct cloister_transport *transport;
	void *context;
	int fd;
	uint64_t size;
	char sentence[SENTENCE_LEN];
};

/* Makes the code of a layer and an errno. */
int layer_code(enum cloister_layer layer, int error);

/* Writes the sentence into @sentence and returns the code. */
int sentence_set(char *sentence, enum cloister_layer layer, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same for a call that the driver refused: explains the errno of that request. */
int sentence_driver(char *sentence, unsigned long request, int error);

/* The same for a device that could not be opened. */
int sentence_open(char *sentence, const char *path, int error);

/* Opens @path for reading and checks that it can be protected. */
int source_open(char *sentence, const char *path, struct source_file *source);

/* Adds the whole of @source at @offset. The sentence goes to the region. */
int source_add(struct cloister_region *region, uint64_t offset, const char *path,
	       const struct source_file *source, uint32_t flags,
	       cloister_progress_fn progress, void *context);

#endif /* _LIBCLOISTER_INTERNAL_H */
