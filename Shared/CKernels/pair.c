#include "ckernels.h"
#include "clones.h"
#include "lanes.h"

#include <math.h>

// Smallest and largest of n >= 1 values without NaN; x has room for AG_LANES more.
AG_INLINE void range_of(double *x, size_t n, double *low, double *high) {
    size_t padded = ag_padded(n);
    for (size_t t = n; t < padded; t++) x[t] = x[0];
    ag_doubles lows, highs, v;
    AG_LOAD(lows, x);
    highs = lows;
    for (size_t t = AG_LANES; t < padded; t += AG_LANES) {
        AG_LOAD(v, x + t);
        lows = AG_CHOOSE(v < lows, v, lows);
        highs = AG_CHOOSE(v > highs, v, highs);
    }
    *low = lows[0];
    *high = highs[0];
    for (size_t l = 1; l < AG_LANES; l++) {
        *low = lows[l] < *low ? lows[l] : *low;
        *high = highs[l] > *high ? highs[l] : *high;
    }
}

// r = (Sxy - Sx Sy / n) / sqrt((Sxx - Sx^2 / n) (Syy - Sy^2 / n)) over deviations from the overlap's own means, where
// Sx and Sy are only what rounding left of them.
//
// Both sides go through the same operations in the same order, so identical sides have three identical sums, and
// sqrt(v * v) is exactly v in round-to-nearest: r is exactly 1, and exactly -1 for opposite sides.
AG_CLONES double ag_two_pass(double *restrict x, double *restrict y, size_t n, double tolerance_x, double tolerance_y) {
    if (n < 2) return NAN;
    double low_x, high_x, low_y, high_y;
    range_of(x, n, &low_x, &high_x);
    range_of(y, n, &low_y, &high_y);
    if (!(high_x - low_x > tolerance_x) || !(high_y - low_y > tolerance_y)) return NAN;

    ag_centre(x, n, ag_scale_for(fmax(fabs(low_x), fabs(high_x))));
    ag_centre(y, n, ag_scale_for(fmax(fabs(low_y), fabs(high_y))));
    size_t padded = ag_padded(n);
    double sx = ag_sum(x, padded), sy = ag_sum(y, padded);
    double vx = ag_dot(x, x, padded) - sx * sx / (double)n;
    double vy = ag_dot(y, y, padded) - sy * sy / (double)n;
    double covariance = ag_dot(x, y, padded) - sx * sy / (double)n;
    double r = covariance / sqrt(vx * vy);
    if (r > 1) r = 1;
    if (r < -1) r = -1;
    return r + 0.0;  // never -0
}

// Copies the elements of a and b whose bits are set in both, run by run, since gaps are few; returns how many.
AG_CLONES static size_t gather(
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

double ag_pair_of_returns(
    const ag_block *a, size_t i, const ag_block *b, size_t j, double *scratch_x, double *scratch_y, uint32_t *days) {
    size_t n = gather(
        a->returns + i * a->depth, b->returns + j * b->depth, a->bits + i * a->words, b->bits + j * b->words, a->words,
        scratch_x, scratch_y);
    *days = (uint32_t)n;
    return ag_two_pass(scratch_x, scratch_y, n, a->tolerance[i], b->tolerance[j]);
}

// Turns m values into the m - 1 returns between them, in place.
AG_INLINE void difference(double *x, size_t m, int32_t relative) {
    for (size_t k = 0; k + 1 < m; k++) {
        double change = x[k + 1] - x[k];
        if (relative) {
            double book = 10000000.0 + x[k];
            change = book == 0 ? NAN : change / book;
        }
        x[k] = change;
    }
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
    m += gather(from_a + start, from_b + start, bits_a, bits_b, a->presence_words, scratch_x + m, scratch_y + m);
    *days = 0;
    if (m < 2) return NAN;
    difference(scratch_x, m, a->relative);
    difference(scratch_y, m, a->relative);
    size_t n = 0;
    for (size_t k = 0; k + 1 < m; k++) {
        double x = scratch_x[k], y = scratch_y[k];
        scratch_x[n] = x;
        scratch_y[n] = y;
        n += x == x && y == y;
    }
    *days = (uint32_t)n;
    return ag_two_pass(scratch_x, scratch_y, n, a->tolerance[i], b->tolerance[j]);
}
