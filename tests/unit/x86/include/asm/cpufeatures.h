/* SPDX-License-Identifier: GPL-2.0-only */
enum { X86_FEATURE_POPCNT, X86_FEATURE_BMI1, X86_FEATURE_ABM };
