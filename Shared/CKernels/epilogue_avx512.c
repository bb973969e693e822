// The epilogue for four rows at a time, eight columns per step: what is known of a column is loaded and stored once for
// four values, and values inside a bracket are packed without a branch. Written with intrinsics, since compilers do
// neither. `ag_reduce_plain` says what it computes; both give the same bits.
#include "epilogue.h"

#ifdef AG_VECTOR_REDUCE

#include "clones.h"

#include <immintrin.h>
#include <math.h>

#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))
#define TARGET_INLINE static inline __attribute__((always_inline, target("avx512f,avx512dq,avx512vl,avx512bw")))
#define EACH_ROW for (size_t k = 0; k < AG_ROWS; k++)

// The values of eight columns that may be among their nearest neighbours.
static void column_extremes(const ag_rows *rows, size_t j, unsigned lanes, const ag_summary *row, const ag_summary *column) {
    for (; lanes; lanes &= lanes - 1) {
        size_t at = j + (size_t)__builtin_ctz(lanes);
        EACH_ROW {
            double r = rows->r[k * rows->step + at];
            if (r >= column->most_from[at] || r <= column->least_to[at])
                ag_take_extreme(column, at, r, row->rank[rows->first + k], rows->days[k * rows->days_step + at]);
        }
    }
}

TARGET static void row_extremes(const ag_rows *rows, size_t k, const ag_summary *row, const ag_summary *column) {
    const double *r = rows->r + k * rows->step;
    const size_t i = rows->first + k;
    for (size_t j = 0; j < rows->columns; j += 8) {
        __m512d v = _mm512_loadu_pd(r + j);
        unsigned lanes = (unsigned)(_mm512_cmp_pd_mask(v, _mm512_set1_pd(row->most_from[i]), _CMP_GE_OQ)
                                    | _mm512_cmp_pd_mask(v, _mm512_set1_pd(row->least_to[i]), _CMP_LE_OQ));
        for (; lanes; lanes &= lanes - 1) {
            size_t at = j + (size_t)__builtin_ctz(lanes);
            ag_take_extreme(row, i, r[at], column->rank[at], rows->days[k * rows->days_step + at]);
        }
    }
}

// Sums, counts and extremes.
TARGET_INLINE void reduce_all(const ag_rows *rows, const ag_summary *row, const ag_summary *column) {
    const __m512d scale = _mm512_set1_pd(AG_FIXED_SCALE), magic = _mm512_set1_pd(AG_FIXED_MAGIC);
    const __m512i base = _mm512_castpd_si512(magic);
    __m512d highest[AG_ROWS], lowest[AG_ROWS];
    __m512i sum[AG_ROWS];
    size_t count[AG_ROWS] = {0};
    EACH_ROW {
        highest[k] = _mm512_set1_pd(-INFINITY);
        lowest[k] = _mm512_set1_pd(INFINITY);
        sum[k] = _mm512_setzero_si512();
    }
    for (size_t j = 0; j < rows->columns; j += 8) {
        __m512d high = _mm512_set1_pd(-INFINITY), low = _mm512_set1_pd(INFINITY);
        __m512i column_sum = _mm512_loadu_si512(column->sum + j);
        __m256i column_count = _mm256_loadu_si256((const __m256i *)(column->count + j));
        EACH_ROW {
            __m512d v = _mm512_loadu_pd(rows->r + k * rows->step + j);
            __mmask8 defined = _mm512_cmp_pd_mask(v, v, _CMP_ORD_Q);
            // Of a number and NaN these return the second operand.
            high = _mm512_max_pd(v, high);
            low = _mm512_min_pd(v, low);
            highest[k] = _mm512_max_pd(v, highest[k]);
            lowest[k] = _mm512_min_pd(v, lowest[k]);
            // Multiplying by a power of two is exact, so fusing it with the sum changes nothing.
            __m512i fixed = _mm512_castpd_si512(_mm512_fmadd_pd(v, scale, magic));
            fixed = _mm512_maskz_sub_epi64(defined, fixed, base);
            column_sum = _mm512_add_epi64(column_sum, fixed);
            sum[k] = _mm512_add_epi64(sum[k], fixed);
            column_count = _mm256_mask_add_epi32(column_count, defined, column_count, _mm256_set1_epi32(1));
            count[k] += (size_t)__builtin_popcount(defined);
        }
        _mm512_storeu_si512(column->sum + j, column_sum);
        _mm256_storeu_si256((__m256i *)(column->count + j), column_count);
        unsigned lanes = (unsigned)(_mm512_cmp_pd_mask(high, _mm512_loadu_pd(column->most_from + j), _CMP_GE_OQ)
                                    | _mm512_cmp_pd_mask(low, _mm512_loadu_pd(column->least_to + j), _CMP_LE_OQ));
        if (lanes) column_extremes(rows, j, lanes, row, column);
    }
    EACH_ROW {
        const size_t i = rows->first + k;
        row->sum[i] += _mm512_reduce_add_epi64(sum[k]);
        row->count[i] += (uint32_t)count[k];
        if (_mm512_reduce_max_pd(highest[k]) >= row->most_from[i] || _mm512_reduce_min_pd(lowest[k]) <= row->least_to[i])
            row_extremes(rows, k, row, column);
    }
}

// Counts what is below the brackets and packs what is inside them.
TARGET_INLINE void reduce_brackets(const ag_rows *rows, const ag_summary *row, const ag_summary *column) {
    const __m256i first = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    ag_log *columns = column->log, *own = row->log;
    EACH_ROW {
        const double *r = rows->r + k * rows->step;
        const size_t i = rows->first + k;
        const __m512d row_low = _mm512_set1_pd(row->low[i]), row_high = _mm512_set1_pd(row->high[i]);
        const __m256i alpha = _mm256_set1_epi32((int)i);
        double *values = columns->values;
        uint32_t *alphas = columns->alphas;
        size_t at = columns->count, row_below = 0;
        // A diagonal tile's row and column share one log, so rows go to it when the columns are done.
        for (size_t j = 0; j < rows->columns; j += 8) {
            __m512d v = _mm512_loadu_pd(r + j), low = _mm512_loadu_pd(column->low + j);
            __mmask8 below = _mm512_cmp_pd_mask(v, low, _CMP_LT_OQ);
            __m256i counts = _mm256_loadu_si256((const __m256i *)(column->below + j));
            counts = _mm256_mask_add_epi32(counts, below, counts, _mm256_set1_epi32(1));
            _mm256_storeu_si256((__m256i *)(column->below + j), counts);
            __mmask8 inside = _mm512_mask_cmp_pd_mask(
                _mm512_cmp_pd_mask(v, low, _CMP_GE_OQ), v, _mm512_loadu_pd(column->high + j), _CMP_LE_OQ);
            _mm512_storeu_pd(values + at, _mm512_maskz_compress_pd(inside, v));
            __m256i which = _mm256_add_epi32(first, _mm256_set1_epi32((int)j));
            _mm256_storeu_si256((__m256i *)(alphas + at), _mm256_maskz_compress_epi32(inside, which));
            at += (size_t)__builtin_popcount(inside);
        }
        columns->count = at;
        values = own->values;
        alphas = own->alphas;
        at = own->count;
        for (size_t j = 0; j < rows->columns; j += 8) {
            __m512d v = _mm512_loadu_pd(r + j);
            row_below += (size_t)__builtin_popcount(_mm512_cmp_pd_mask(v, row_low, _CMP_LT_OQ));
            __mmask8 inside = _mm512_mask_cmp_pd_mask(
                _mm512_cmp_pd_mask(v, row_low, _CMP_GE_OQ), v, row_high, _CMP_LE_OQ);
            _mm512_storeu_pd(values + at, _mm512_maskz_compress_pd(inside, v));
            _mm256_storeu_si256((__m256i *)(alphas + at), alpha);
            at += (size_t)__builtin_popcount(inside);
        }
        own->count = at;
        row->below[i] += (uint32_t)row_below;
    }
}

TARGET void ag_reduce_avx512(const ag_rows *rows, const ag_summary *row, const ag_summary *column, int32_t median_only) {
    if (!median_only) reduce_all(rows, row, column);
    reduce_brackets(rows, row, column);
}

#endif
