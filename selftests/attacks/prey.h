/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that does as it is told, for attacks that guards refuse. It begins as
 * an ordinary one: its secret is in ordinary memory, and each attack must get
 * it. Then it makes a production region, and no attack may get anything: not from
 * the region, not from the rest of its memory, not from its registers. When
 * the region is gone all is as before.
 */
#ifndef CLOISTER_ATTACKS_PREY_H
#define CLOISTER_ATTACKS_PREY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "target.h"

/**
 * struct prey - such a process, as an attacker knows it
 * @pid: the process
 * @secret: address of a page of its ordinary memory
 * @region: address of its region, or 0
 * @region_fd: its descriptor of the region, or -1
 * @value: first word of that page of ordinary memory
 * @region_value: first word of the region: both @value and @marker
 * @marker: what its registers and its stack hold while it spins or works; another with each region.
 *	No byte of the three words is zero or ends a line: strings hold them
 * @loot: an attacker's end of a pipe into which code injected into the prey writes
 * @loot_in: the prey's end
 * @packets: an attacker's end of a pair of sockets to which the prey writes
 * @orders: pipe to the prey: what it is to do
 * @answers: pipe from it: what came of that
 * @stage: memory shared with it
 */
struct prey {
	pid_t pid;
	uint64_t secret;
	uint64_t region;
	int region_fd;
	uint64_t value;
	uint64_t region_value;
	uint64_t marker;
	int loot;
	int loot_in;
	int packets;
	int orders;
	int answers;
	struct stage *stage;
};

void prey_start(struct prey *prey);
void prey_end(struct prey *prey);

/* Makes and maps a region, with flags of CLOISTER_CREATE. 0 or -errno. */
int prey_make_region(struct prey *prey, uint32_t flags);
/* Makes a region and holds its descriptor without a mapping. 0 or -errno. */
int prey_hold_region(struct prey *prey, uint32_t flags);
/* Unmaps and closes the region; waits until the device has none of it left. */
int prey_drop_region(struct prey *prey);

/* The prey spins, in user mode and with the marker in registers and stack, until prey_rest(). */
void prey_spin(struct prey *prey);
void prey_rest(struct prey *prey);
/* Where it is while it spins. */
uint64_t prey_spin_address(void);
/* Milliseconds of processor time that it has used. */
uint64_t prey_time(const struct prey *prey);
/* Spins for so many milliseconds of its own processor time. */
void prey_spin_for(struct prey *prey, unsigned int milliseconds);

/*
 * Runs prey_step() so many times: it faults on the page at prey->secret + PAGE, then makes system
 * call getpgid with the address of @from in its first register and the marker in the second.
 */
int prey_work(struct prey *prey, unsigned int times, uint64_t from);
/* What is run; as the prey is a fork, its address is the same there. */
long prey_step(uint64_t from, uint64_t marker, volatile uint8_t *touch);
/* The page whose touch prey_step() faults on. */
uint64_t prey_fault_address(const struct prey *prey);

/* It writes so many packets, with the marker in a register. */
int prey_send(struct prey *prey, unsigned int times);

/*
 * The kernel's address of the first page of the region, or of the ordinary page when there is no
 * region; 0 without cloister_tamper.ko. An attacker finds it by trying all.
 */
uint64_t prey_frame(struct prey *prey);
/* Of the ordinary page, always. */
uint64_t prey_secret_frame(struct prey *prey);

/* ptrace(PTRACE_TRACEME), by the prey. 0 or -errno. */
int prey_traceme(struct prey *prey);
/* The prey dies of SIGABRT while the marker is in its registers, and leaves a core file. */
void prey_crash(struct prey *prey);
/* It is killed while it spins; returns when it is gone. */
void prey_kill(struct prey *prey);
/* It becomes another program, with the marker in a register when it asks for that; and is gone. */
void prey_exec(struct prey *prey);

/*
 * That nothing has happened to it: it answers, both pages hold what they held, and, if it has
 * a region, a fresh quote of that carries the measurement that INIT gave and verifies.
 * NULL, or what is wrong.
 */
const char *prey_harm(struct prey *prey);

/* What a fresh quote of its region says of guards: "armed", "partial", "off"; "" without one. */
const char *prey_guards(struct prey *prey);

/* What an attacker has the prey run by changing its registers: system call, then trap. */
extern const uint8_t prey_syscall_gadget[];

#endif
