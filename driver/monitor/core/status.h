/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a monitor call can answer. */
#ifndef CLOISTER_STATUS_H
#define CLOISTER_STATUS_H

/**
 * enum mon_status - result of a monitor call
 * @MON_OK: done
 * @MON_E_CALL: no such call, or not for this caller
 * @MON_E_ARGUMENT: an argument is out of its domain
 * @MON_E_GRANULE: a granule is not in the state that the call needs
 * @MON_E_STATE: the region is not in a state that allows the call
 * @MON_E_EXISTS: the page was added before
 * @MON_E_ABSENT: the page was never added, or was removed
 * @MON_E_RESIDENT: the page is resident already
 * @MON_E_SEALED: the page is not resident; load it
 * @MON_E_BUSY: the page or region is in use by another call; wait, call again
 * @MON_E_PERMISSION: the page does not allow the access
 * @MON_E_NEED_TABLES: the region needs more donated granules
 * @MON_E_INTEGRITY: the ciphertext is not what was sealed
 * @MON_E_EXHAUSTED: a counter would wrap
 * @MON_E_NO_MEMORY: the platform's crypto had no memory
 * @MON_E_CRYPTO: the platform's crypto failed
 * @MON_E_RANGE: a scalar is not in the group's range
 * @MON_E_SPACE: the output buffer is too small
 * @MON_E_UNPROVISIONED: the device has no attestation key
 * @MON_E_PROVISIONED: the device has its attestation key already
 * @MON_E_PINNED: the page is of class PINNED and is not evicted while the region lives
 */
enum mon_status {
	MON_OK,
	MON_E_CALL,
	MON_E_ARGUMENT,
	MON_E_GRANULE,
	MON_E_STATE,
	MON_E_EXISTS,
	MON_E_ABSENT,
	MON_E_RESIDENT,
	MON_E_SEALED,
	MON_E_BUSY,
	MON_E_PERMISSION,
	MON_E_NEED_TABLES,
	MON_E_INTEGRITY,
	MON_E_EXHAUSTED,
	MON_E_NO_MEMORY,
	MON_E_CRYPTO,
	MON_E_RANGE,
	MON_E_SPACE,
	MON_E_UNPROVISIONED,
	MON_E_PROVISIONED,
	MON_E_PINNED,
};

#endif /* CLOISTER_STATUS_H */
