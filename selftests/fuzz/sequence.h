/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sequence of monitor calls, made from bytes: each is made on a monitor and on the model, and
 * whatever differs ends the process with the sequence in readable form.
 */
#ifndef CLOISTER_FUZZ_SEQUENCE_H
#define CLOISTER_FUZZ_SEQUENCE_H

#include "host_platform.h"
#include "model.h"
#include "monitor_internal.h"

#define SLOTS		12		/* ciphertexts that the host keeps */
#define PATTERNS	64
#define KEYSTREAMS	512
#define LOG_SIZE	(512u << 10)

/* What the host has stored of a page, as the monitor sealed it or as an attacker left it. */
struct slot {
	u8 *bytes;
	u64 sealing;		/* which one it is; 0: none */
	bool whole;
	u32 flipped;		/* the bit that an attacker changed, where it is not whole */
};

struct sequence {
	struct mon_root *root;
	struct model model;
	const char *name;	/* how to have it again */
	bool alone;		/* no other thread shares the device */
	const u8 *bytes;
	size_t length;
	size_t at;
	u64 random;		/* state of what the platform calls random */
	struct slot slots[SLOTS];
	u8 *source;		/* a granule of the host's, for page_add */
	u64 keystreams[KEYSTREAMS][2];	/* how pages were hidden: never twice the same way */
	u32 keystream_count;
	u32 signatures;		/* left: they are slow */
	struct mon_report report;	/* the last that was made */
	bool have_report;
	const struct model_call *outer;	/* the call in the middle of which the next one comes */
	u32 interrupt_in;	/* operations of the platform until then; 0: never */
	u64 calls, refused, failures, interruptions;
	char *log;
	size_t log_length;
	bool told;		/* the log was printed */
};

/* Once in a process, before any sequence. */
void sequence_prepare(void);

/* Print what the sequence of the thread has done, for who ends the process. */
void sequence_tell(void);

/* Each time the platform was started: what it does is told to the sequence of the thread. */
void sequence_on_platform(void);

/* A monitor on a machine of its own, one sequence, and the end of both: all must be as before. */
void sequence_run(struct sequence *s, const char *name, const u8 *bytes, size_t length);

/* A part of a machine that other threads have parts of, too. */
void sequence_begin(struct sequence *s, struct mon_root *root, const char *name, u64 base,
		    u32 granules, const u8 *bytes, size_t length);
void sequence_steps(struct sequence *s);
void sequence_end(struct sequence *s);
void sequence_free(struct sequence *s);

/* Contents by number. */
const u8 *pattern_of(u32 contents);

/* compare.c: abort where the monitor is not as the model has it. */
void compare_all(struct sequence *s);
void tell(struct sequence *s);
void differ(struct sequence *s, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
void note(struct sequence *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* calls.c: one call on both. */
enum mon_status make_call(struct sequence *s, struct model_call *c, enum host_op fail_op,
			  u64 fail_nth, enum mon_status fail_with);
#define NO_FAILURE	HOST_OP_COUNT, 0, MON_OK

const char *status_text(enum mon_status status);

#endif /* CLOISTER_FUZZ_SEQUENCE_H */
