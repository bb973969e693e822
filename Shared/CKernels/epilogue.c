#include "ckernels.h"
#include "clones.h"
#include "lanes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STRIP = 64 };

int32_t ag_log_reserve(ag_log *log, size_t more) {
    if (log->capacity - log->count >= more) return 1;
    size_t capacity = log->capacity + log->capacity / 2;
    if (capacity < log->count + more) capacity = log->count + more;
    double *values = realloc(log->values, capacity * sizeof *values);
    if (!values) return 0;
    log->values = values;
    uint32_t *alphas = realloc(log->alphas, capacity * sizeof *alphas);
    if (!alphas) return 0;
    log->alphas = alphas;
    log->capacity = capacity;
    return 1;
}

void ag_log_free(ag_log *log) {
    free(log->values);
    free(log->alphas);
    memset(log, 0, sizeof *log);
}

// round(r * 2^40), ties to even, and 0 for NaN. Adding 1.5 * 2^52 leaves the integer in the low bits of the sum, which
// vectorises where a conversion would not; |r| <= 1 keeps it far from the edges.
AG_INLINE int64_t fixed_point(double r) {
    const double magic = 0x1.8p52;
    double shifted = r * 0x1p40 + magic;
    int64_t bits, base;
    memcpy(&bits, &shifted, 8);
    memcpy(&base, &magic, 8);
    return r == r ? bits - base : 0;
}

// Extremes of a row: which they are, then who only if they are as extreme as what is known.
AG_INLINE void reduce_row_extremes(
    const double *restrict r, const uint32_t *restrict days, size_t start, size_t end, size_t i,
    const ag_summary *row, const ag_summary *column) {
    ag_doubles lows = {0}, highs = {0};
    lows += INFINITY;
    highs -= INFINITY;
    size_t j = start;
    for (; j + AG_LANES <= end; j += AG_LANES) {
        ag_doubles values;
        AG_LOAD(values, r + j);
        lows = AG_CHOOSE(values < lows, values, lows);
        highs = AG_CHOOSE(values > highs, values, highs);
    }
    for (; j < end; j++) {
        lows[0] = r[j] < lows[0] ? r[j] : lows[0];
        highs[0] = r[j] > highs[0] ? r[j] : highs[0];
    }
    double low = lows[0], high = highs[0];
    for (size_t l = 1; l < AG_LANES; l++) {
        low = lows[l] < low ? lows[l] : low;
        high = highs[l] > high ? highs[l] : high;
    }
    if (low <= row->minimum[i] && low < INFINITY) {
        uint32_t best = low < row->minimum[i] ? UINT32_MAX : row->minimum_rank[i];
        for (j = start; j < end; j++)
            if (r[j] == low && column->rank[j] < best) best = column->rank[j];
        row->minimum[i] = low;
        row->minimum_rank[i] = best;
    }
    if (high >= row->maximum[i] && high > -INFINITY) {
        uint32_t best = high > row->maximum[i] ? UINT32_MAX : row->maximum_rank[i];
        uint32_t best_days = row->maximum_days[i];
        for (j = start; j < end; j++)
            if (r[j] == high && column->rank[j] < best) {
                best = column->rank[j];
                best_days = days[j];
            }
        row->maximum[i] = high;
        row->maximum_rank[i] = best;
        row->maximum_days[i] = best_days;
    }
}

// Extremes of the columns. A strip that improves nowhere, soon nearly all of them, costs two comparisons per value.
AG_INLINE void reduce_column_extremes(
    const double *restrict r, const uint32_t *restrict days, size_t start, size_t end, uint32_t rank,
    const ag_summary *column) {
    double *restrict low = column->minimum, *restrict high = column->maximum;
    for (size_t from = start; from < end; from += STRIP) {
        size_t to = from + STRIP < end ? from + STRIP : end;
        int64_t improves = 0;
        for (size_t j = from; j < to; j++) improves |= (int64_t)((r[j] <= low[j]) | (r[j] >= high[j]));
        if (!improves) continue;
        for (size_t j = from; j < to; j++) {
            double value = r[j];
            if (value < low[j] || (value == low[j] && rank < column->minimum_rank[j])) {
                low[j] = value;
                column->minimum_rank[j] = rank;
            }
            if (value > high[j] || (value == high[j] && rank < column->maximum_rank[j])) {
                high[j] = value;
                column->maximum_rank[j] = rank;
                column->maximum_days[j] = days[j];
            }
        }
    }
}

AG_INLINE void reduce_sums(
    const double *restrict r, size_t start, size_t end, size_t i, const ag_summary *row, const ag_summary *column) {
    int64_t *restrict sums = column->sum;
    uint32_t *restrict counts = column->count;
    int64_t sum = 0;
    uint32_t count = 0;
    for (size_t j = start; j < end; j++) {
        int64_t fixed = fixed_point(r[j]);
        sums[j] += fixed;
        sum += fixed;
    }
    for (size_t j = start; j < end; j++) {
        uint32_t defined = r[j] == r[j];
        counts[j] += defined;
        count += defined;
    }
    row->sum[i] += sum;
    row->count[i] += count;
}

AG_INLINE void append(ag_log *log, size_t alpha, double value) {
    log->values[log->count] = value;
    log->alphas[log->count] = (uint32_t)alpha;
    log->count++;
}

// Counts what is below the brackets and collects what is inside them.
AG_INLINE void reduce_brackets(
    const double *restrict r, size_t start, size_t end, size_t i, const ag_summary *row, const ag_summary *column) {
    const double *restrict low = column->low, *restrict high = column->high;
    uint32_t *restrict below = column->below;
    const double row_low = row->low[i], row_high = row->high[i];
    uint32_t row_below = 0;
    for (size_t from = start; from < end; from += STRIP) {
        size_t count = from + STRIP < end ? STRIP : end - from;
        uint8_t inside[STRIP];
        for (size_t k = 0; k < count; k++) {
            size_t j = from + k;
            below[j] += r[j] < low[j];
            row_below += r[j] < row_low;
        }
        for (size_t k = 0; k < count; k++) {
            size_t j = from + k;
            uint8_t of_column = (uint8_t)((r[j] >= low[j]) & (r[j] <= high[j]));
            uint8_t of_row = (uint8_t)((r[j] >= row_low) & (r[j] <= row_high));
            inside[k] = (uint8_t)(of_column | of_row << 1);
        }
        for (size_t k = count; k < STRIP; k++) inside[k] = 0;
        for (size_t k = 0; k < count; k += 8) {
            uint64_t flags;
            memcpy(&flags, inside + k, 8);
            for (; flags; flags &= flags - 1) {
                unsigned bit = (unsigned)__builtin_ctzll(flags);
                size_t j = from + k + bit / 8;
                if (bit % 8 == 0) append(column->log, j, r[j]);
                else append(row->log, i, r[j]);
            }
        }
    }
    row->below[i] += row_below;
}

AG_CLONES void ag_reduce_row(
    const double *restrict r, const uint32_t *restrict days, size_t start, size_t end, size_t i, const ag_summary *row,
    const ag_summary *column, int32_t median_only) {
    if (!median_only) {
        reduce_row_extremes(r, days, start, end, i, row, column);
        reduce_column_extremes(r, days, start, end, row->rank[i], column);
        reduce_sums(r, start, end, i, row, column);
    }
    reduce_brackets(r, start, end, i, row, column);
}
