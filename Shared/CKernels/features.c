#include "alpha_features.h"

#include "ckernels.h"
#include "clones.h"
#include "strip.h"

#include <math.h>
#include <string.h>

const size_t ag_rolling_lengths[AG_ROLLING_WINDOWS] = {63, 126, 252};

#define DAYS_PER_YEAR 252.0
#define BOOK 10000000.0

// One alpha while its lane is computed.
typedef struct {
    size_t n;
    double scale, per_scale;      // of the strip; per_scale undoes it
    double tolerance;
    double span;                  // panel days from the first value that counts to the last
    double base;                  // value before the first return
    double months, months_above;  // calendar months with returns, and those with a gain
    int32_t first_day, last_day;
} series;

static double finite_or_undefined(double value) { return isfinite(value) ? value : NAN; }

// --- returns ---

// Writes the daily PnL of the days that have one, in dollars, and the panel day of each; returns how many.
static size_t gather(const double *values, const ag_feature_days *d, double *pnl, int32_t *day, series *s) {
    double last = d->is_daily ? 0 : NAN;
    size_t n = 0, first_value = d->days, last_value = 0;
    for (size_t t = 0; t < d->days; t++) {
        const double value = values[t];
        if (value != value) continue;
        const double before = last, change = value - before;
        if (!d->is_daily) last = value;
        if (t < d->first_day) continue;
        if (n == 0) s->base = before;
        if (first_value == d->days) first_value = t;
        last_value = t;
        pnl[n] = change;
        day[n] = (int32_t)t;
        n += change == change;
    }
    s->n = n;
    s->span = first_value < d->days ? (double)(last_value - first_value + 1) : 0;
    s->first_day = n > 0 ? day[0] : -1;
    s->last_day = n > 0 ? day[n - 1] : -1;
    return n;
}

// A month's gain is the change of the cumulative value, so that one that ends where it began is exactly 0.
static void count_months(const double *values, const double *pnl, const int32_t *day, const ag_feature_days *d, series *s) {
    s->months = s->months_above = 0;
    double before = s->base;
    for (size_t k = 0; d->months && k < s->n;) {
        const int32_t month = d->months[day[k]];
        double sum = 0;
        for (; k < s->n && d->months[day[k]] == month; k++) sum += pnl[k];
        const double level = values[day[k - 1]];
        s->months += 1;
        s->months_above += (d->is_daily ? sum : level - before) > 0;
        before = level;
    }
}

// Turns PnL into scaled returns, NaN up to the next multiple of AG_LANES.
AG_CLONES static void scale_returns(double *row, const double *values, size_t days, series *s) {
    const size_t padded = ag_padded(s->n);
    for (size_t k = s->n; k < padded; k++) row[k] = NAN;
    const double largest = ag_largest_magnitude(row, s->n) / BOOK;
    s->scale = ag_scale_for(largest);
    s->per_scale = 1 / s->scale;
    s->tolerance = ag_largest_magnitude(values, days) * 0x1p-50 / BOOK * s->scale;
    for (size_t k = 0; k < padded; k++) row[k] = row[k] / BOOK * s->scale;
}

// Rows, of which only the first multiple of AG_LANES from n[l] on is filled, become lanes.
AG_CLONES static void interleave(const double *rows, size_t stride, const series *s, size_t depth, double *x) {
    for (size_t k = 0; k < depth; k += AG_LANES) {
        ag_doubles r[AG_LANES];
        for (size_t l = 0; l < AG_LANES; l++) {
            r[l] = (ag_doubles){0} + NAN;
            if (k < s[l].n) AG_LOAD(r[l], rows + l * stride + k);
        }
        AG_TRANSPOSE(r);
        memcpy(x + k * AG_LANES, r, sizeof r);
    }
}

// What is left of the mean's rounding error is taken off the sums, where it would otherwise count when the mean is large
// beside the deviations.
static void correct(ag_powers *p, size_t l, double n, double *mean) {
    const double rest = p->first[l] / n, second = p->second[l], third = p->third[l];
    *mean += rest;
    p->second[l] -= n * rest * rest;
    p->third[l] -= 3 * rest * second - 2 * n * rest * rest * rest;
    p->fourth[l] -= 4 * rest * third - 6 * rest * rest * second + 3 * n * rest * rest * rest * rest;
}

// --- from sums to features ---

static void finish_moments(const series *s, const ag_walk *w, ag_powers *p, size_t l, double mean, ag_features *f) {
    const double n = (double)s->n;
    correct(p, l, n, &mean);
    f->mean = mean * s->per_scale;
    f->annual_return = DAYS_PER_YEAR * f->mean;
    f->hit_rate = w->gains[l] / n;
    f->monthly_consistency = s->months > 0 ? s->months_above / s->months : NAN;
    if (w->losses_squared[l] > 0) f->sortino = sqrt(DAYS_PER_YEAR) * mean / sqrt(w->losses_squared[l] / n);
    if (n < 2) return;
    const int is_constant = w->high[l] - w->low[l] <= s->tolerance;
    const double m2 = is_constant ? 0 : p->second[l], deviation = sqrt(m2 / (n - 1));
    f->volatility = deviation * s->per_scale * sqrt(DAYS_PER_YEAR);
    if (m2 > 0) {
        f->sharpe = sqrt(DAYS_PER_YEAR) * mean / deviation;
        if (n >= 3) f->skew = n * sqrt(n - 1) / (n - 2) * (p->third[l] / (m2 * sqrt(m2)));
        if (n >= 4)
            f->kurtosis = n * (n + 1) * (n - 1) * p->fourth[l] / ((n - 2) * (n - 3) * m2 * m2)
                          - 3 * (n - 1) * (n - 1) / ((n - 2) * (n - 3));
    }
    const double time_squares = n * (n * n - 1) / 12;
    if (n >= 3 && w->line_high[l] - w->line_low[l] > s->tolerance && p->line_squares[l] > 0)
        f->stability = fmin(1, p->line_time[l] * p->line_time[l] / time_squares / p->line_squares[l]);
}

static void finish_drawdowns(const series *s, const ag_walk *w, size_t l, ag_features *f) {
    f->max_drawdown = w->drawdown[l] * s->per_scale;
    if (f->max_drawdown < 0) f->calmar = f->annual_return / -f->max_drawdown;
    if (!(w->wealth_low[l] > 0) || !isfinite(w->wealth[l])) return;  // Ruined, or beyond all bounds.
    f->max_drawdown_compounded = w->wealth_drawdown[l];
    f->cagr = finite_or_undefined(ag_exp2(ag_log2(w->wealth[l]) * (DAYS_PER_YEAR / s->span)) - 1);
    if (f->max_drawdown_compounded < 0) f->calmar_compounded = f->cagr / -f->max_drawdown_compounded;
}

static void finish_tails(const double *row, const series *s, double *wide, double *narrow, ag_features *f) {
    ag_find_tails(row, s->n, wide, narrow, f);
    f->var_95 *= s->per_scale;
    f->cvar_95 *= s->per_scale;
    f->var_99 *= s->per_scale;
    f->cvar_99 *= s->per_scale;
}

// --- one strip ---

static void clear(ag_features *f) {
    double *numbers = &f->mean;
    for (double *v = numbers; v < (double *)(f + 1); v++) *v = NAN;
    f->count = f->longest_gain = f->longest_loss = 0;
    f->first_day = f->last_day = -1;
}

static void finish_windows(const ag_strip *strip, const series *s, double *scratch, ag_features *f) {
    const double year = sqrt(DAYS_PER_YEAR);
    for (size_t i = 0; i < AG_ROLLING_WINDOWS; i++) {
        ag_windows w;
        ag_roll(strip, ag_rolling_lengths[i], scratch, &w);
        for (size_t l = 0; l < AG_LANES; l++) {
            const double unit = s[l].per_scale * year;
            if (s[l].n == 0) continue;
            f[l].sharpe_rolling[i] = (ag_rolling){
                w.ratio_last[l] * year, w.ratio_min[l] * year, w.ratio_max[l] * year, w.ratio_mean[l] * year};
            f[l].volatility_rolling[i] = (ag_rolling){
                w.deviation_last[l] * unit, w.deviation_min[l] * unit, w.deviation_max[l] * unit, w.deviation_mean[l] * unit};
        }
    }
}

static size_t window_room(size_t days) {
    const size_t rolling = 4 * ag_rolling_lengths[AG_ROLLING_WINDOWS - 1];
    return (rolling > days ? rolling : days) * AG_LANES;
}

// The strip; one row per lane; scratch for windows; scratch for one series, and its days.
size_t ag_features_room(size_t days) {
    const size_t padded = ag_padded(days);
    return 2 * padded * AG_LANES + window_room(padded) + 2 * padded;
}

void ag_find_features(
    const double *values, size_t alphas, const ag_feature_days *days, double *scratch, ag_features *features) {
    const size_t padded = ag_padded(days->days);
    double *x = scratch, *rows = x + padded * AG_LANES, *wide = rows + padded * AG_LANES;
    double *narrow = wide + window_room(padded);
    int32_t *day = (int32_t *)(narrow + padded);
    series s[AG_LANES] = {0};
    ag_features f[AG_LANES];
    ag_strip strip = {.x = x};
    double per_scale[AG_LANES] = {0}, mean[AG_LANES] = {0}, line_mean[AG_LANES] = {0}, hurst[AG_LANES];
    for (size_t l = 0; l < AG_LANES; l++) {
        clear(f + l);
        if (l >= alphas) continue;
        double *row = rows + l * padded;
        const size_t n = gather(values + l * days->days, days, row, day, s + l);
        count_months(values + l * days->days, row, day, days, s + l);
        scale_returns(row, values + l * days->days, days->days, s + l);
        strip.depth = n > strip.depth ? n : strip.depth;
        strip.n[l] = (double)n;
        strip.tolerance[l] = s[l].tolerance;
        per_scale[l] = s[l].per_scale;
    }
    interleave(rows, padded, s, strip.depth, x);
    ag_walk w;
    ag_powers p;
    ag_walk_days(&strip, per_scale, &w);
    for (size_t l = 0; l < AG_LANES; l++) {
        mean[l] = s[l].n > 0 ? w.sum[l] / strip.n[l] : 0;
        line_mean[l] = s[l].n > 0 ? w.line_sum[l] / strip.n[l] : 0;
    }
    ag_sum_powers(&strip, mean, line_mean, &p);
    finish_windows(&strip, s, wide, f);
    ag_hurst(&strip, wide, hurst);
    for (size_t l = 0; l < alphas; l++) {
        if (s[l].n > 0) {
            f[l].count = (uint32_t)s[l].n;
            f[l].first_day = s[l].first_day;
            f[l].last_day = s[l].last_day;
            f[l].longest_gain = (uint32_t)w.gain_run[l];
            f[l].longest_loss = (uint32_t)w.loss_run[l];
            f[l].hurst = hurst[l];
            finish_moments(s + l, &w, &p, l, mean[l], f + l);
            finish_drawdowns(s + l, &w, l, f + l);
            finish_tails(rows + l * padded, s + l, wide, narrow, f + l);
        }
        features[l] = f[l];
    }
}
