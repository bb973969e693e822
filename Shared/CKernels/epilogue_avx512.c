// The epilogue with whole vectors: values inside the bracket and candidates for the nearest neighbours are packed
// without a branch. Written with intrinsics, since compilers do not. `ag_reduce_line_plain` says what it computes; both
// give the same bits.
#include "epilogue.h"

#ifdef AG_VECTOR_REDUCE

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl")))
#define TARGET_INLINE static inline __attribute__((always_inline, target("avx512f,avx512dq,avx512vl")))

// More neighbours than there are groups of values have no bound before the values have been seen. A line is no longer
// than the largest block.
enum { GROUPS = 16, CANDIDATES = 2048 + 16 };

// What `kept` of 16 groups of values reach by their largest one (sign 1) or smallest (sign -1), so that no other value
// is among the nearest `kept`. Infinite when fewer groups have any.
static double bound_of_groups(const double *extremes, double sign, size_t kept) {
    double sorted[GROUPS];
    for (size_t k = 0; k < GROUPS; k++) {
        size_t at = k;
        for (; at > 0 && sorted[at - 1] < sign * extremes[k]; at--) sorted[at] = sorted[at - 1];
        sorted[at] = sign * extremes[k];
    }
    return sign * sorted[kept - 1];
}

TARGET static void bounds_f32(const float *r, size_t count, size_t kept, float *from, float *to) {
    __m512 highest = _mm512_set1_ps(-INFINITY), lowest = _mm512_set1_ps(INFINITY);
    for (size_t j = 0; j < count; j += 16) {
        // Of a number and NaN these return the second operand.
        __m512 v = _mm512_loadu_ps(r + j);
        highest = _mm512_max_ps(v, highest);
        lowest = _mm512_min_ps(v, lowest);
    }
    double high[GROUPS], low[GROUPS];
    _mm512_storeu_pd(high, _mm512_cvtps_pd(_mm512_castps512_ps256(highest)));
    _mm512_storeu_pd(high + 8, _mm512_cvtps_pd(_mm512_extractf32x8_ps(highest, 1)));
    _mm512_storeu_pd(low, _mm512_cvtps_pd(_mm512_castps512_ps256(lowest)));
    _mm512_storeu_pd(low + 8, _mm512_cvtps_pd(_mm512_extractf32x8_ps(lowest, 1)));
    *from = fmaxf(*from, (float)bound_of_groups(high, 1, kept));
    *to = fminf(*to, (float)bound_of_groups(low, -1, kept));
}

TARGET static void bounds_f64(const double *r, size_t count, size_t kept, double *from, double *to) {
    __m512d highest[2], lowest[2];
    highest[0] = highest[1] = _mm512_set1_pd(-INFINITY);
    lowest[0] = lowest[1] = _mm512_set1_pd(INFINITY);
    for (size_t j = 0; j < count; j += 16)
        for (size_t half = 0; half < 2; half++) {
            __m512d v = _mm512_loadu_pd(r + j + 8 * half);
            highest[half] = _mm512_max_pd(v, highest[half]);
            lowest[half] = _mm512_min_pd(v, lowest[half]);
        }
    double high[GROUPS], low[GROUPS];
    for (size_t half = 0; half < 2; half++) {
        _mm512_storeu_pd(high + 8 * half, highest[half]);
        _mm512_storeu_pd(low + 8 * half, lowest[half]);
    }
    *from = fmax(*from, bound_of_groups(high, 1, kept));
    *to = fmin(*to, bound_of_groups(low, -1, kept));
}

// Adds round(r * 2^40) of the lanes that are numbers. Multiplying by a power of two is exact, so fusing it with the sum
// changes nothing; the bits of the constant that moves the integer into place are taken off at the end.
TARGET_INLINE __m512i add_fixed(__m512i sum, __mmask8 defined, __m512d r) {
    const __m512d shifted = _mm512_fmadd_pd(r, _mm512_set1_pd(AG_FIXED_SCALE), _mm512_set1_pd(AG_FIXED_MAGIC));
    return _mm512_mask_add_epi64(sum, defined, sum, _mm512_castpd_si512(shifted));
}

TARGET_INLINE int64_t fixed_total(__m512i sum, size_t count) {
    const int64_t base = _mm_cvtsi128_si64(_mm_castpd_si128(_mm_set_sd(AG_FIXED_MAGIC)));
    return (int64_t)((uint64_t)_mm512_reduce_add_epi64(sum) - (uint64_t)base * count);
}

#define BITS(mask) ((size_t)__builtin_popcount(mask))

TARGET void ag_reduce_line_avx512_f32(const ag_line *line, const ag_summary *s, size_t alpha, int32_t median_only) {
    const float *r = line->r;
    float *inside = (float *)s->log->values + s->log->count;
    const __m512 low = _mm512_set1_ps(ag_float_from(s->low[alpha])), high = _mm512_set1_ps(ag_float_to(s->high[alpha]));
    float most_from = ag_float_from(s->most_from[alpha]), least_to = ag_float_to(s->least_to[alpha]);
    if (median_only) {
        most_from = INFINITY;
        least_to = -INFINITY;
    } else if ((most_from == -INFINITY || least_to == INFINITY) && s->kept <= GROUPS)
        bounds_f32(r, line->count, s->kept, &most_from, &least_to);
    const __m512 from = _mm512_set1_ps(most_from), to = _mm512_set1_ps(least_to);
    __m512i sum = _mm512_setzero_si512(), upper_sum = sum;
    __m512i which = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    uint32_t high_ones[CANDIDATES], low_ones[CANDIDATES];
    size_t count = 0, below = 0, kept = 0, highs = 0, lows = 0;
    for (size_t j = 0; j < line->count; j += 16) {
        const __m512 v = _mm512_loadu_ps(r + j);
        const __mmask16 defined = _mm512_cmp_ps_mask(v, v, _CMP_ORD_Q);
        sum = add_fixed(sum, (__mmask8)defined, _mm512_cvtps_pd(_mm512_castps512_ps256(v)));
        upper_sum = add_fixed(upper_sum, (__mmask8)(defined >> 8), _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)));
        count += BITS(defined);
        below += BITS(_mm512_cmp_ps_mask(v, low, _CMP_LT_OQ));
        const __mmask16 in = _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(v, low, _CMP_GE_OQ), v, high, _CMP_LE_OQ);
        _mm512_storeu_ps(inside + kept, _mm512_maskz_compress_ps(in, v));
        kept += BITS(in);
        const __mmask16 most = _mm512_cmp_ps_mask(v, from, _CMP_GE_OQ), least = _mm512_cmp_ps_mask(v, to, _CMP_LE_OQ);
        _mm512_storeu_si512(high_ones + highs, _mm512_maskz_compress_epi32(most, which));
        _mm512_storeu_si512(low_ones + lows, _mm512_maskz_compress_epi32(least, which));
        highs += BITS(most);
        lows += BITS(least);
        which = _mm512_add_epi32(which, _mm512_set1_epi32(16));
    }
    s->below[alpha] += (uint32_t)below;
    s->log->count += kept;
    s->log->counts[s->log->lines++] = (uint32_t)kept;
    if (median_only) return;
    s->sum[alpha] += fixed_total(_mm512_add_epi64(sum, upper_sum), count);
    s->count[alpha] += (uint32_t)count;
    for (size_t k = 0; k < highs; k++) ag_take_most(line, s, alpha, high_ones[k], r[high_ones[k]]);
    for (size_t k = 0; k < lows; k++) ag_take_least(line, s, alpha, low_ones[k], r[low_ones[k]]);
}

TARGET void ag_reduce_line_avx512_f64(const ag_line *line, const ag_summary *s, size_t alpha, int32_t median_only) {
    const double *r = line->r;
    double *inside = (double *)s->log->values + s->log->count;
    const __m512d low = _mm512_set1_pd(s->low[alpha]), high = _mm512_set1_pd(s->high[alpha]);
    double most_from = s->most_from[alpha], least_to = s->least_to[alpha];
    if (median_only) {
        most_from = INFINITY;
        least_to = -INFINITY;
    } else if ((most_from == -INFINITY || least_to == INFINITY) && s->kept <= GROUPS)
        bounds_f64(r, line->count, s->kept, &most_from, &least_to);
    const __m512d from = _mm512_set1_pd(most_from), to = _mm512_set1_pd(least_to);
    __m512i sum = _mm512_setzero_si512();
    __m256i which = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    uint32_t high_ones[CANDIDATES], low_ones[CANDIDATES];
    size_t count = 0, below = 0, kept = 0, highs = 0, lows = 0;
    for (size_t j = 0; j < line->count; j += 8) {
        const __m512d v = _mm512_loadu_pd(r + j);
        const __mmask8 defined = _mm512_cmp_pd_mask(v, v, _CMP_ORD_Q);
        sum = add_fixed(sum, defined, v);
        count += BITS(defined);
        below += BITS(_mm512_cmp_pd_mask(v, low, _CMP_LT_OQ));
        const __mmask8 in = _mm512_mask_cmp_pd_mask(_mm512_cmp_pd_mask(v, low, _CMP_GE_OQ), v, high, _CMP_LE_OQ);
        _mm512_storeu_pd(inside + kept, _mm512_maskz_compress_pd(in, v));
        kept += BITS(in);
        const __mmask8 most = _mm512_cmp_pd_mask(v, from, _CMP_GE_OQ), least = _mm512_cmp_pd_mask(v, to, _CMP_LE_OQ);
        _mm256_storeu_si256((__m256i *)(high_ones + highs), _mm256_maskz_compress_epi32(most, which));
        _mm256_storeu_si256((__m256i *)(low_ones + lows), _mm256_maskz_compress_epi32(least, which));
        highs += BITS(most);
        lows += BITS(least);
        which = _mm256_add_epi32(which, _mm256_set1_epi32(8));
    }
    s->below[alpha] += (uint32_t)below;
    s->log->count += kept;
    s->log->counts[s->log->lines++] = (uint32_t)kept;
    if (median_only) return;
    s->sum[alpha] += fixed_total(sum, count);
    s->count[alpha] += (uint32_t)count;
    for (size_t k = 0; k < highs; k++) ag_take_most(line, s, alpha, high_ones[k], r[high_ones[k]]);
    for (size_t k = 0; k < lows; k++) ag_take_least(line, s, alpha, low_ones[k], r[low_ones[k]]);
}

#endif
