#include "ckernels.h"
#include "strip.h"

#include <math.h>
#include <string.h>

// The value at a position of the sorted ones, and the next one.
static void neighbours(const double *values, size_t n, size_t position, double *scratch, double *at, double *next) {
    *at = *next = ag_select_f64(values, n, position, scratch);
    if (position + 1 >= n) return;
    size_t not_above = 0;
    double above = INFINITY;
    for (size_t k = 0; k < n; k++) {
        const double v = values[k];
        not_above += v <= *at;
        above = v > *at && v < above ? v : above;
    }
    if (not_above <= position + 1) *next = above;
}

// Linear quantile of n values, of which `kept` are at hand; `below` of the others are smaller than all of them.
static double quantile_among(const double *values, size_t kept, size_t below, size_t n, double q, double *scratch) {
    const double place = (double)(n - 1) * q;
    const size_t position = (size_t)place;
    const double share = place - (double)position;
    double a, b;
    neighbours(values, kept, position - below, scratch, &a, &b);
    // NumPy's interpolation, bit for bit: the comparison of returns with a quantile must not depend on rounding.
    return share >= 0.5 ? b - (b - a) * (1 - share) : a + (b - a) * share;
}

double ag_quantile(const double *values, size_t n, double q, double *scratch) {
    return quantile_among(values, n, 0, n, q, scratch);
}

// Mean of the values that are at most `limit`.
static double mean_up_to(const double *values, size_t n, double limit) {
    double sum = 0, count = 0;
    for (size_t k = 0; k < n; k++) {
        const int is_in = values[k] <= limit;
        sum += is_in ? values[k] : 0;
        count += is_in;
    }
    return sum / count;
}

// Place of a quantile among n sorted values.
static size_t position_of(double q, size_t n) { return (size_t)((double)(n - 1) * q); }

// The tails are looked at by themselves: all values up to the one behind the 5 % quantile, and from the 95 % one on.
void ag_find_tails(const double *row, size_t n, double *tail, double *scratch, ag_features *f) {
    const size_t last = position_of(0.05, n) + 1 < n ? position_of(0.05, n) + 1 : n - 1;
    size_t below;
    const double bound = ag_select_f64(row, n, last, scratch);
    memcpy(tail, row, n * sizeof *row);
    const size_t lowest = ag_select_f64_keep(tail, n, -INFINITY, bound, &below);
    const double q05 = quantile_among(tail, lowest, 0, n, 0.05, scratch);
    const double q01 = quantile_among(tail, lowest, 0, n, 0.01, scratch);
    f->var_95 = q05;
    f->var_99 = q01;
    f->cvar_95 = mean_up_to(tail, lowest, q05);
    f->cvar_99 = mean_up_to(tail, lowest, q01);
    if (q05 == 0) return;
    const double first = ag_select_f64(row, n, position_of(0.95, n), scratch);
    memcpy(tail, row, n * sizeof *row);
    const size_t highest = ag_select_f64_keep(tail, n, first, INFINITY, &below);
    f->tail_ratio = fabs(quantile_among(tail, highest, below, n, 0.95, scratch)) / fabs(q05);
}
