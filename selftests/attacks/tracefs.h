/* SPDX-License-Identifier: Apache-2.0 */
/* tracefs: an instance of its own, in which events are switched on and their text is read. */
#ifndef CLOISTER_ATTACKS_TRACEFS_H
#define CLOISTER_ATTACKS_TRACEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TRACEFS		"/sys/kernel/tracing"
#define TRACE_INSTANCE	TRACEFS "/instances/cloister-attack"

/* Each returns 0 or -errno. */
int trace_begin(void);
void trace_end(void);
/* Writes to a file of the instance; or, with a path that begins with '/', of tracefs. */
int trace_write(const char *file, const char *text);
int trace_enable(const char *event, bool on);
int trace_clear(void);
/* The number that perf_event_open and BPF know an event by. */
int trace_event_id(const char *event);

/**
 * struct trace_probe - an event that is defined by a line of text
 * @file: that takes the line
 * @event: the event's name
 * @line: the definition
 */
struct trace_probe {
	const char *file;
	const char *event;
	const char *line;
};

/* Begins the instance, defines the event and switches it on; and undoes that. */
int trace_probe_begin(const struct trace_probe *probe);
void trace_probe_end(const char *file, const char *event);

/*
 * True when a line of the process's holds the number, in hexadecimal digits without zeros in front.
 * Lines that follow one of the process's and begin with an arrow (stack traces) are its, too.
 */
bool trace_shows(pid_t pid, uint64_t number);
/* True when a line of the process's holds these bytes, as strings are shown. */
bool trace_shows_bytes(pid_t pid, const void *bytes, size_t length);
/* True when a line of the process's has a "<" and a number in that range, as in stack traces. */
bool trace_shows_address(pid_t pid, uint64_t from, uint64_t to);

#endif
