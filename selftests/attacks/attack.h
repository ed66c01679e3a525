/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks as a table. Each is tried on an ordinary process, where it must get what
 * it is after; on the same process with a debug region, which nothing guards;
 * then with a production region, where it must get nothing and change nothing,
 * while another process fares as before; and when the region is gone it must
 * succeed again.
 */
#ifndef CLOISTER_ATTACKS_ATTACK_H
#define CLOISTER_ATTACKS_ATTACK_H

#include <stdbool.h>
#include <stddef.h>

#include "prey.h"

/* What an attack returns when nothing refused it and it yet got nothing. */
#define NOTHING_GOT	(-ENODATA)

/**
 * struct attack - one way to look into a process or to take it over
 * @name: in words
 * @hold: gets hold of something (a descriptor, an event) before there is a region, which @run
 *	then uses; NULL: none. 0 or -errno
 * @run: 0 when it got what it was after, else -errno or %NOTHING_GOT
 * @let_go: undoes @hold
 * @refusal: the only -errno with which guards may refuse it; 0: whichever
 * @whole_machine: other processes can't be attacked so either while a production region lives
 * @stated: what was switched on before a region can't be stopped, but a quote says that guards are
 *	not all in place
 * @config: what the kernel must have been built with for it, or NULL
 * @symbol: a function that the kernel must have for it, or NULL
 * @locked: -errno with which lockdown refuses it, whoever is attacked; 0: lockdown lets it be
 */
struct attack {
	const char *name;
	int (*hold)(struct prey *prey);
	int (*run)(struct prey *prey);
	void (*let_go)(void);
	int refusal;
	bool whole_machine;
	bool stated;
	const char *config;
	const char *symbol;
	int locked;
};

/* Tries them all. */
void attack_all(const struct attack *attacks, size_t count);

/*
 * A kernel that tells its configuration, as the debug kernel does, and was built without an
 * option. Where that is not known the kernel is taken to have all.
 */
bool kernel_lacks(const char *config);

/* Lockdown is at confidentiality. */
bool machine_is_locked_down(void);

/* A kernel whose list of symbols is without that one. */
bool kernel_lacks_symbol(const char *symbol);

/* How often a hook, or NULL: any, has refused something so far, as sysfs tells; -1: it does not. */
long guards_refusals(const char *hook);

/* A process's descriptor by pidfd_getfd(), which asks as ptrace does: our own of it, or -errno. */
int steal_descriptor(pid_t pid, int descriptor);

#endif
