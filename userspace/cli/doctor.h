/* SPDX-License-Identifier: Apache-2.0 */
/* What `cloister doctor` looks at: each check makes one finding. */
#ifndef _CLOISTER_CLI_DOCTOR_H
#define _CLOISTER_CLI_DOCTOR_H

#include <linux/cloister.h>

#include <stdbool.h>
#include <stdio.h>

/**
 * enum doctor_verdict - how a check went
 * @DOCTOR_OK: as it should be
 * @DOCTOR_NOTE: worth knowing; nothing that must, or in this version can, be mended
 * @DOCTOR_UNKNOWN: it could not be looked at
 * @DOCTOR_FAILED: a precondition does not hold
 */
enum doctor_verdict {
	DOCTOR_OK,
	DOCTOR_NOTE,
	DOCTOR_UNKNOWN,
	DOCTOR_FAILED,
};

#define DOCTOR_FOUND_MAX	256

/**
 * struct doctor_finding - what one check found
 * @verdict: how it went
 * @found: what there is
 * @means: what follows from it; NULL when all is well
 * @fix: what to do; NULL when there is nothing to do
 * @accept: what a verifier would have to accept as things are, as its --accept has it
 */
struct doctor_finding {
	enum doctor_verdict verdict;
	char found[DOCTOR_FOUND_MAX];
	const char *means;
	const char *fix;
	const char *accept;
};

/**
 * struct doctor - the machine as the checks see it
 * @root: where its files are; empty for the machine itself
 * @foreign: @root is another machine's: what only a system call tells is not known
 * @device_errno: why the device could not be opened, or 0
 * @info: what the device says, when @device_errno is 0
 */
struct doctor {
	const char *root;
	bool foreign;
	int device_errno;
	struct cloister_get_info info;
};

/**
 * struct doctor_check - one thing to look at
 * @name: as shown, and in JSON
 * @look: looks at it
 */
struct doctor_check {
	const char *name;
	void (*look)(const struct doctor *doctor, struct doctor_finding *finding);
};

/* In the order in which they are shown; ends with a NULL name. */
extern const struct doctor_check doctor_checks[];

/* doctor_files.c: the machine's files, under doctor->root. */

/* A file to read, or NULL. */
FILE *doctor_open(const struct doctor *doctor, const char *path);

/* The first line of a file, without its end; false when it can't be read. */
bool doctor_line(const struct doctor *doctor, const char *path, char *line, size_t room);
bool doctor_exists(const struct doctor *doctor, const char *path);

/* Calls @each for every name in a directory; how many, or -1 when there is none. */
int doctor_names(const struct doctor *doctor, const char *path,
		 void (*each)(const struct doctor *doctor, const char *name, void *context),
		 void *context);

/* Sets verdict and text; means, fix and accept are the caller's. */
void doctor_found(struct doctor_finding *finding, enum doctor_verdict verdict,
		  const char *format, ...) __attribute__((format(printf, 3, 4)));

/* doctor_swap.c */
void doctor_look_swap(const struct doctor *doctor, struct doctor_finding *finding);

/* doctor_tracers.c */
void doctor_look_tracers(const struct doctor *doctor, struct doctor_finding *finding);

#endif /* _CLOISTER_CLI_DOCTOR_H */
