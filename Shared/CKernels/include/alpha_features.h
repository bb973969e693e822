// Figures of single alphas: eight series at a time, one in each lane of a vector, so that what runs along the days
// (drawdowns, runs, rolling windows) is as fast as what does not. What each figure means, in which unit and when it is
// undefined, is said once: by `AlphaFeature`.
//
// Every function is made of operations that IEEE 754 rounds correctly, also the logarithm and the power: the bits are the
// same on every CPU and with every C library.
#ifndef ALPHAGRID_FEATURES_H
#define ALPHAGRID_FEATURES_H

#include <stddef.h>
#include <stdint.h>

enum { AG_FEATURE_LANES = 8, AG_ROLLING_WINDOWS = 3 };

// Over all windows of one length; NaN where undefined.
typedef struct {
    double last, min, max, mean;
} ag_rolling;

// NaN where undefined.
typedef struct {
    uint32_t count;                       // returns
    int32_t first_day, last_day;          // panel days of the first and last return; -1 without any
    uint32_t longest_gain, longest_loss;  // in returns
    double mean, annual_return, volatility, sharpe, sortino, skew, kurtosis;
    double max_drawdown, calmar;
    double cagr, max_drawdown_compounded, calmar_compounded;
    double var_95, cvar_95, var_99, cvar_99, tail_ratio;
    double hit_rate, monthly_consistency, stability, hurst;
    ag_rolling sharpe_rolling[AG_ROLLING_WINDOWS], volatility_rolling[AG_ROLLING_WINDOWS];
} ag_features;

// The days of a panel, and which of them count.
typedef struct {
    size_t days;
    size_t first_day;       // returns that end before it do not count
    const int32_t *months;  // a number per day that is the same within a calendar month; NULL when dates are not known
    int32_t is_daily;       // values are daily PnL already
} ag_feature_days;

// Doubles of scratch memory that `ag_find_features` wants, 64-byte aligned.
size_t ag_features_room(size_t days);

// Features of up to AG_FEATURE_LANES series: `values` holds cumulative PnL in dollars, `days` of each alpha after those of
// the one before, NaN where missing.
void ag_find_features(
    const double *values, size_t alphas, const ag_feature_days *days, double *scratch, ag_features *features);

// Linear quantile q (0 ... 1) of n > 0 values without NaN, as NumPy's default method computes it; `scratch` has room for n.
double ag_quantile(const double *values, size_t n, double q, double *scratch);

// Logarithm of a positive finite number to base 2, and 2 to the power of x; within a few units of the last place.
double ag_log2(double x);
double ag_exp2(double x);

// Lengths of the rolling windows, in returns.
extern const size_t ag_rolling_lengths[AG_ROLLING_WINDOWS];

#endif
