// Second moments of pairs of series over the days both have, each pair by itself, as pandas.DataFrame.cov and .corr define them.
//
// MEMORY LAYOUT
//   depth     number of days rounded up to 16.
//   values    series-major: series a on day t at [a * depth + t], NaN where missing or padding. Of complete series, the
//             deviations from their means, and 0 where padding.
//   bit set   (a, t) is bit t % 64 of word [a * words + t / 64], words = (depth + 63) / 64; empty for a series that does
//             not vary.
#ifndef ALPHAGRID_MOMENTS_H
#define ALPHAGRID_MOMENTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t depth, words;
    size_t min_overlap;
    const double *values;
    const uint64_t *bits;
    const double *squares;  // sum of squared deviations of a complete series; 0 for the others
} ag_moment_series;

// Takes in the first `days` values of one series: fills padding and bits, and of a complete one centres the values; returns its
// sum of squared deviations, 0 for any other.
double ag_prepare_moments(double *values, size_t days, size_t depth, uint64_t *bits);

// Covariance (ddof 1) and r of series i with each of from ..< to, side by side; NaN with fewer than two or `min_overlap` common
// days, and where either side does not vary on them.
void ag_pair_moments(
    const ag_moment_series *series, size_t i, size_t from, size_t to, double *covariances, double *correlations);

#endif
