#include "epilogue.h"
#include "lanes.h"

#include <math.h>
#include <string.h>

// What is done to one side of a pair is done to the other in the same loop: a sum over lanes is a chain of additions that
// waits for itself, and two chains wait together.
enum { SIDES = 2 };
#define EACH_SIDE _Pragma("clang loop unroll(full)") for (int k = 0; k < SIDES; k++)

// Smallest and largest of n >= 1 values without NaN of either side, which have room for AG_LANES more.
AG_INLINE void range_of(double *const *side, size_t n, double *low, double *high) {
    const size_t padded = ag_padded(n);
    ag_doubles lows[SIDES], highs[SIDES], v;
    EACH_SIDE {
        for (size_t t = n; t < padded; t++) side[k][t] = side[k][0];
        AG_LOAD(lows[k], side[k]);
        highs[k] = lows[k];
    }
    for (size_t t = AG_LANES; t < padded; t += AG_LANES) EACH_SIDE {
        AG_LOAD(v, side[k] + t);
        lows[k] = AG_CHOOSE(v < lows[k], v, lows[k]);
        highs[k] = AG_CHOOSE(v > highs[k], v, highs[k]);
    }
    EACH_SIDE {
        low[k] = lows[k][0];
        high[k] = highs[k][0];
        for (size_t l = 1; l < AG_LANES; l++) {
            low[k] = lows[k][l] < low[k] ? lows[k][l] : low[k];
            high[k] = highs[k][l] > high[k] ? highs[k][l] : high[k];
        }
    }
}

// Multiplies either side by `scale`, takes `mean` off, and sums it up; leaves zeros as padding. Both at once would not do:
// the one is exact and the other is not.
AG_INLINE void step(double *const *side, size_t n, const double *scale, const double *mean, double *sum) {
    const size_t padded = ag_padded(n);
    ag_doubles s[SIDES] = {0}, v;
    for (size_t t = 0; t < padded; t += AG_LANES) EACH_SIDE {
        AG_LOAD(v, side[k] + t);
        v = scale ? v * scale[k] : v - mean[k];
        if (t + AG_LANES > n)
            for (size_t l = n - t; l < AG_LANES; l++) v[l] = 0;
        s[k] += v;
        memcpy(side[k] + t, &v, sizeof v);
    }
    EACH_SIDE sum[k] = AG_ADD_LANES(s[k]);
}

// r = (Sxy - Sx Sy / n) / sqrt((Sxx - Sx^2 / n) (Syy - Sy^2 / n)) over deviations from the overlap's own means, where
// Sx and Sy are only what rounding left of them. Both sides are centred as `ag_centre` does it.
//
// Both sides go through the same operations in the same order, so identical sides have three identical sums, and
// sqrt(v * v) is exactly v in round-to-nearest: r is exactly 1, and exactly -1 for opposite sides.
AG_CLONES double ag_two_pass(double *restrict x, double *restrict y, size_t n, double tolerance_x, double tolerance_y) {
    if (n < 2) return NAN;
    double *const side[SIDES] = {x, y};
    double low[SIDES], high[SIDES], scale[SIDES], mean[SIDES], sum[SIDES];
    range_of(side, n, low, high);
    if (!(high[0] - low[0] > tolerance_x) || !(high[1] - low[1] > tolerance_y)) return NAN;

    EACH_SIDE scale[k] = ag_scale_for(fmax(fabs(low[k]), fabs(high[k])));
    step(side, n, scale, NULL, sum);
    EACH_SIDE mean[k] = sum[k] / (double)n;
    step(side, n, NULL, mean, sum);
    EACH_SIDE mean[k] = sum[k] / (double)n;
    step(side, n, NULL, mean, sum);
    ag_doubles xx = {0}, yy = {0}, xy = {0}, v, w;
    for (size_t t = 0; t < ag_padded(n); t += AG_LANES) {
        AG_LOAD(v, x + t);
        AG_LOAD(w, y + t);
        xx += v * v;
        yy += w * w;
        xy += v * w;
    }
    double vx = AG_ADD_LANES(xx) - sum[0] * sum[0] / (double)n;
    double vy = AG_ADD_LANES(yy) - sum[1] * sum[1] / (double)n;
    double covariance = AG_ADD_LANES(xy) - sum[0] * sum[1] / (double)n;
    double r = covariance / sqrt(vx * vy);
    if (r > 1) r = 1;
    if (r < -1) r = -1;
    return r + 0.0;  // never -0
}

// Run by run, since gaps are few.
AG_CLONES size_t ag_gather_plain(
    const double *restrict a, const double *restrict b, const uint64_t *bits_a, const uint64_t *bits_b, size_t words,
    double *restrict x, double *restrict y) {
    size_t n = 0;
    for (size_t w = 0; w < words; w++) {
        uint64_t both = bits_a[w] & bits_b[w];
        size_t t = w * 64;
        while (both) {
            int skipped = __builtin_ctzll(both);
            both >>= skipped;
            int run = both == ~UINT64_C(0) ? 64 : __builtin_ctzll(~both);
            t += (size_t)skipped;
            for (int k = 0; k < run; k++) x[n + (size_t)k] = a[t + (size_t)k];
            for (int k = 0; k < run; k++) y[n + (size_t)k] = b[t + (size_t)k];
            n += (size_t)run;
            t += (size_t)run;
            both = run == 64 ? 0 : both >> run;
        }
    }
    return n;
}

#ifdef AG_VECTOR_REDUCE
#include <immintrin.h>

// A vector at a time: runs are short where days are missing here and there. Lanes without a bit are not read, so nothing
// beyond the series is.
__attribute__((target("avx512f"))) static size_t gather_vectors(
    const double *restrict a, const double *restrict b, const uint64_t *bits_a, const uint64_t *bits_b, size_t words,
    double *restrict x, double *restrict y) {
    size_t n = 0;
    for (size_t w = 0; w < words; w++) {
        const uint64_t both = bits_a[w] & bits_b[w];
        for (size_t t = 0; both >> t; t += AG_LANES) {
            const __mmask8 mask = (__mmask8)(both >> t);
            const size_t at = n + (size_t)__builtin_popcountll(both & ((UINT64_C(1) << t) - 1));
            _mm512_storeu_pd(x + at, _mm512_maskz_compress_pd(mask, _mm512_maskz_loadu_pd(mask, a + w * 64 + t)));
            _mm512_storeu_pd(y + at, _mm512_maskz_compress_pd(mask, _mm512_maskz_loadu_pd(mask, b + w * 64 + t)));
            if (t == 64 - AG_LANES) break;
        }
        n += (size_t)__builtin_popcountll(both);
    }
    return n;
}
#endif

size_t ag_gather(
    const double *restrict a, const double *restrict b, const uint64_t *bits_a, const uint64_t *bits_b, size_t words,
    double *restrict x, double *restrict y) {
#ifdef AG_VECTOR_REDUCE
    if (ag_has_vector_reduce()) return gather_vectors(a, b, bits_a, bits_b, words, x, y);
#endif
    return ag_gather_plain(a, b, bits_a, bits_b, words, x, y);
}

double ag_pair_of_returns(
    const ag_block *a, size_t i, const ag_block *b, size_t j, double *scratch_x, double *scratch_y, uint32_t *days) {
    size_t n = ag_gather(
        a->returns + i * a->depth, b->returns + j * b->depth, a->bits + i * a->words, b->bits + j * b->words, a->words,
        scratch_x, scratch_y);
    *days = (uint32_t)n;
    return ag_two_pass(scratch_x, scratch_y, n, a->tolerance[i], b->tolerance[j]);
}

// Turns m values into the m - 1 returns between them, in place; returns whether one of them is NaN.
AG_CLONES static int difference(double *x, size_t m, int32_t relative) {
    int64_t missing = 0;
    for (size_t k = 0; k + 1 < m; k++) {
        double change = x[k + 1] - x[k];
        if (relative) {
            double book = 10000000.0 + x[k];
            change = book == 0 ? NAN : change / book;
        }
        missing |= change != change;
        x[k] = change;
    }
    return missing != 0;
}

double ag_pair_of_common_dates(
    const ag_block *a, size_t i, const ag_block *b, size_t j, double *scratch_x, double *scratch_y, uint32_t *days) {
    const double *from_a = a->cumulative + i * a->days, *from_b = b->cumulative + j * b->days;
    // The first return counts from the last common date before the kept days, however long ago that is. The common
    // date just before them is in the bit sets already.
    size_t start = a->first_kept - 1, m = 0;
    const uint64_t *bits_a = a->presence + i * a->presence_words, *bits_b = b->presence + j * b->presence_words;
    if (!(bits_a[0] & bits_b[0] & 1)) {
        for (size_t t = start; t > 0 && m == 0; t--) {
            if (from_a[t - 1] != from_a[t - 1] || from_b[t - 1] != from_b[t - 1]) continue;
            scratch_x[0] = from_a[t - 1];
            scratch_y[0] = from_b[t - 1];
            m = 1;
        }
    }
    m += ag_gather(from_a + start, from_b + start, bits_a, bits_b, a->presence_words, scratch_x + m, scratch_y + m);
    *days = 0;
    if (m < 2) return NAN;
    const int missing_x = difference(scratch_x, m, a->relative), missing_y = difference(scratch_y, m, a->relative);
    size_t n = missing_x || missing_y ? 0 : m - 1;
    for (size_t k = 0; (missing_x || missing_y) && k + 1 < m; k++) {
        double x = scratch_x[k], y = scratch_y[k];
        scratch_x[n] = x;
        scratch_y[n] = y;
        n += x == x && y == y;
    }
    *days = (uint32_t)n;
    return ag_two_pass(scratch_x, scratch_y, n, a->tolerance[i], b->tolerance[j]);
}
