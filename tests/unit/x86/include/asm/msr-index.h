/* SPDX-License-Identifier: GPL-2.0-only */
#define EFER_LMA	(1 << 10)
#define EFER_NX		(1 << 11)
