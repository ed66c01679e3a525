/* SPDX-License-Identifier: GPL-2.0-only */
/* Interface of cloister_faults.ko, a module that only tests load. */
#ifndef CLOISTER_FAULTS_H
#define CLOISTER_FAULTS_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define CLOISTER_FAULTS_DEVICE	"/dev/cloister-faults"
#define CLOISTER_FAULTS_NAME	48

/* Answers of the monitor's functions, as its status.h has them. */
#define CLOISTER_FAULTS_E_BUSY		9
#define CLOISTER_FAULTS_E_EXHAUSTED	13
#define CLOISTER_FAULTS_E_NO_MEMORY	14
#define CLOISTER_FAULTS_E_CRYPTO	15

/**
 * struct cloister_fault - a function of cloister.ko that is to fail
 * @function: its name; one that is called from another file
 * @result: what it returns instead of being run
 * @nth: the call that fails, counted from 1; all from there on with @onwards
 * @onwards: not only the @nth
 */
struct cloister_fault {
	char function[CLOISTER_FAULTS_NAME];
	__s64 result;
	__u32 nth;
	__u32 onwards;
};

/* Calls by the thread that arms it fail, until it is disarmed or the device closed. */
#define CLOISTER_FAULTS_ARM	_IOW(0xE7, 0x88, struct cloister_fault)
/* Returns how often the function failed, or an allocation in it was refused. */
#define CLOISTER_FAULTS_DISARM	_IO(0xE7, 0x89)
/*
 * The function is run, in whichever thread, a worker say, and the @nth allocation in each run is
 * refused; @result and @onwards mean nothing. EOPNOTSUPP without CONFIG_FAULT_INJECTION.
 */
#define CLOISTER_FAULTS_STARVE	_IOW(0xE7, 0x8a, struct cloister_fault)
/* Returns how often the function was run to its end since. */
#define CLOISTER_FAULTS_RUNS	_IO(0xE7, 0x8b)

#endif
