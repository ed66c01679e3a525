/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* No call of the device is made where something is proved: numbers of calls stay unused. */
