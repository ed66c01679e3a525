// SPDX-License-Identifier: GPL-2.0-only
/* What a monitor call's answer is to a caller of the driver. */
#include <linux/errno.h>

#include "driver.h"

int errno_of(enum mon_status status)
{
	switch (status) {
	case MON_OK:
		return 0;
	case MON_E_CALL:
	case MON_E_ARGUMENT:
	case MON_E_RANGE:
		return -EINVAL;
	case MON_E_STATE:
		return -EBADFD;
	case MON_E_EXISTS:
		return -EEXIST;
	case MON_E_ABSENT:
		return -ENXIO;
	case MON_E_SEALED:
		return -ENODATA;
	case MON_E_RESIDENT:
	case MON_E_BUSY:
		return -EBUSY;
	case MON_E_PINNED:
		return -EPERM;
	case MON_E_PERMISSION:
		return -EACCES;
	case MON_E_INTEGRITY:
		return -EBADMSG;
	case MON_E_EXHAUSTED:
		return -EOVERFLOW;
	case MON_E_NEED_TABLES:
	case MON_E_NO_MEMORY:
		return -ENOMEM;
	case MON_E_SPACE:
		return -ENOSPC;
	case MON_E_UNPROVISIONED:
		return -ENOKEY;
	case MON_E_PROVISIONED:
		return -EALREADY;
	case MON_E_GRANULE:
	case MON_E_CRYPTO:
		break;
	}
	return -EIO;
}
