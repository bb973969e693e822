// Eight series of returns side by side, and what several files find out about them.
#ifndef ALPHAGRID_STRIP_H
#define ALPHAGRID_STRIP_H

#include "alpha_features.h"
#include "lanes.h"

// The returns of lane l, without missing days, stand at x[k * 8 + l] for k < n[l]; NaN behind them, up to `depth`.
//
// They are scaled by a power of two, so that the largest magnitude is in [1/2, 1) and no square or fourth power overflows
// or vanishes; returns that differ by no more than the tolerance are constant.
typedef struct {
    const double *x;
    size_t depth;     // largest n
    double n[AG_LANES], tolerance[AG_LANES];
} ag_strip;

// Smaller and larger of each lane; where one is NaN, `b`.
#define AG_LESSER(a, b) AG_CHOOSE((a) < (b), (a), (b))
#define AG_GREATER(a, b) AG_CHOOSE((a) > (b), (a), (b))

// Per lane over all windows of so many returns; of the windows that are not constant for the ratio mean / deviation.
typedef struct {
    double ratio_last[AG_LANES], ratio_min[AG_LANES], ratio_max[AG_LANES], ratio_mean[AG_LANES];
    double deviation_last[AG_LANES], deviation_min[AG_LANES], deviation_max[AG_LANES], deviation_mean[AG_LANES];
} ag_windows;

// `scratch` has room for 4 x length x AG_LANES. Undefined lanes are NaN.
void ag_roll(const ag_strip *strip, size_t length, double *scratch, ag_windows *windows);

// `scratch` has room for 3 x (depth / 8) x AG_LANES.
void ag_hurst(const ag_strip *strip, double *scratch, double *hurst);

// What one pass along the days finds. The line is the running sum of returns; wealth the running product of 1 + return,
// which `per_scale` brings back to their size. Drawdowns are from the peak, which is at least 0, or 1.
typedef struct {
    double low[AG_LANES], high[AG_LANES], sum[AG_LANES], losses_squared[AG_LANES], gains[AG_LANES];
    double gain_run[AG_LANES], loss_run[AG_LANES];
    double drawdown[AG_LANES], wealth[AG_LANES], wealth_low[AG_LANES], wealth_drawdown[AG_LANES];
    double line_low[AG_LANES], line_high[AG_LANES], line_sum[AG_LANES];
} ag_walk;

void ag_walk_days(const ag_strip *strip, const double *per_scale, ag_walk *walk);

// Sums of powers of deviations from a mean, and those of the line with time; time counts the returns from 0.
typedef struct {
    double first[AG_LANES], second[AG_LANES], third[AG_LANES], fourth[AG_LANES];
    double line_squares[AG_LANES], line_time[AG_LANES];
} ag_powers;

void ag_sum_powers(const ag_strip *strip, const double *mean, const double *line_mean, ag_powers *powers);

// Quantiles and tails of n > 0 values, in their unit: those fields of the features. `tail` and `scratch` have room for n.
void ag_find_tails(const double *values, size_t n, double *tail, double *scratch, ag_features *features);

#endif
