// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fields of ID registers; see idreg_field.h.
 */
#include <linux/bits.h>
#include <linux/minmax.h>

#include "idreg_field.h"

#define for_each_field(field, table, index_)						\
	for ((field) = (table)->fields; (field) < (table)->fields + (table)->count; (field)++) \
		if ((field)->index == (index_))

static u64 field_mask(const struct idreg_field *field)
{
	return GENMASK_ULL(field->shift + field->width - 1, field->shift);
}

static bool field_is_signed(const struct idreg_field *field)
{
	return field->kind == IDREG_SIGNED || field->kind == IDREG_FIXED_SIGNED;
}

static bool field_is_fixed(const struct idreg_field *field)
{
	return field->kind == IDREG_FIXED || field->kind == IDREG_FIXED_SIGNED;
}

static int field_get(const struct idreg_field *field, u64 value)
{
	int number = (value & field_mask(field)) >> field->shift;

	return field_is_signed(field) && number >= 8 ? number - 16 : number;
}

static u64 field_put(const struct idreg_field *field, int number)
{
	return (u64)number << field->shift & field_mask(field);
}

static int field_limit(const struct idreg_field *field, int host)
{
	if (field->needs && !*field->needs)
		return 0;
	if (field->kind == IDREG_HIGHER)
		return max_t(int, host, field->limit);

	return min_t(int, host, field->limit);
}

static bool field_accepts(const struct idreg_field *field, int number, int limit)
{
	if (number == limit)
		return true;
	if (field_is_fixed(field))
		return false;
	if (field->kind == IDREG_HIGHER)
		return number > limit;

	return number < limit && number >= field->least;
}

u64 idreg_limit(const struct idreg_table *table, unsigned int index, u64 host)
{
	const struct idreg_field *field;
	u64 limit = 0;

	for_each_field(field, table, index)
		limit |= field_put(field, field_limit(field, field_get(field, host)));

	return limit;
}

bool idreg_accepts(const struct idreg_table *table, unsigned int index, u64 value, u64 limit)
{
	const struct idreg_field *field;
	u64 rest = ~0ULL;

	for_each_field(field, table, index) {
		if (!field_accepts(field, field_get(field, value), field_get(field, limit)))
			return false;
		rest &= ~field_mask(field);
	}

	return !((value ^ limit) & rest);
}

u64 idreg_writable(const struct idreg_table *table, unsigned int index)
{
	const struct idreg_field *field;
	u64 mask = 0;

	for_each_field(field, table, index)
		if (!field_is_fixed(field))
			mask |= field_mask(field);

	return mask;
}

bool idreg_has_fields(const struct idreg_table *table, unsigned int index)
{
	const struct idreg_field *field;

	for_each_field(field, table, index)
		return true;

	return false;
}
