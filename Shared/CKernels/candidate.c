#include "candidate.h"

#include "clones.h"
#include "lanes.h"

#include <math.h>

typedef float ag_eight_floats __attribute__((vector_size(4 * AG_LANES)));

void ag_fill_row(const double *returns, size_t days, size_t depth, double centre, double scale, uint32_t count, float *row) {
    for (size_t t = 0; t < depth; t++) row[t] = t < days && count > 0 ? (float)((returns[t] - centre) * scale) : NAN;
}

// Sums over the days both have: x and x^2 of the alpha, y and y^2 of the candidate, x y, and how many days.
typedef struct {
    double xy, x, xx, y, yy, n;
} overlap;

// Everything is summed over the overlap itself, so nothing outside it can spoil a digit.
AG_INLINE overlap sum_overlap(const float *row, const ag_candidate *c, size_t depth) {
    ag_doubles xy = {0}, x = {0}, xx = {0}, y = {0}, yy = {0};
    ag_masks n = {0};
    for (size_t t = 0; t < depth; t += AG_LANES) {
        ag_eight_floats narrow;
        ag_masks both;
        ag_doubles a, b;
        AG_LOAD(narrow, row + t);
        AG_LOAD(both, c->mask + t);
        AG_LOAD(b, c->y + t);
        a = __builtin_convertvector(narrow, ag_doubles);
        both &= (ag_masks)(a == a);
        a = (ag_doubles)((ag_masks)a & both);
        b = (ag_doubles)((ag_masks)b & both);
        xy += a * b;
        x += a;
        xx += a * a;
        y += b;
        yy += b * b;
        n -= both;
    }
    int64_t days = 0;
    for (int l = 0; l < AG_LANES; l++) days += n[l];
    overlap sums = {
        AG_ADD_LANES(xy), AG_ADD_LANES(x), AG_ADD_LANES(xx), AG_ADD_LANES(y), AG_ADD_LANES(yy), (double)days};
    return sums;
}

// How many returns a pair has under a convention that is defined per pair: one per common date from `first_kept` on, but
// for the first common date of all.
AG_INLINE double returns_of_pair(const uint64_t *a, const uint64_t *b, size_t words, size_t first_kept) {
    uint64_t before = 0;
    int64_t count = 0;
    for (size_t w = 0; w < words; w++) {
        uint64_t both = a[w] & b[w], early = 0;
        if ((w + 1) * 64 <= first_kept) early = both;
        else if (w * 64 < first_kept) early = both & ((UINT64_C(1) << (first_kept - w * 64)) - 1);
        before |= early;
        count += __builtin_popcountll(both & ~early);
    }
    return (double)(before || count == 0 ? count : count - 1);
}

// r and its error from the sums. With b = (mean - centre)^2 / variance and k^2 = 1 + b of either side on the overlap:
//
//   - x was rounded to float, |dx| <= 2^-24 |x|: the vector of deviations turns by an angle of at most 2^-24 kx, times 1.1
//     for what b itself is wrong by, and r is the cosine between two such vectors.
//   - a sum has at most so many roundings in a chain, a relative error of f of the sum of its terms' magnitudes. By
//     Cauchy-Schwarz the covariance is wrong by f (2 + 1.5 (bx + by)) of the root of the variances' product, and each
//     variance by f (2 + 3 b) of itself, half of which reaches r.
//   - the exact value, too, is only promised to 1e-10.
//
// Where bx + by <= 10^6, all of this is small, vx and vy have six digits and more, and a variance larger than that of
// returns within the tolerance proves that the series is not constant. Floats below 2^-126 are wrong by 2^-150 instead of
// relatively, which the smallest variance sees to. Comparisons are written so that NaN fails them.
AG_INLINE void judge(
    const overlap *s, double f, double constancy_x, double constancy_y, uint32_t min_overlap, double *r, double *error) {
    *r = NAN;
    *error = 0;
    if (s->n < (double)min_overlap || s->n < 2) return;
    *error = INFINITY;
    double mean_x = s->x / s->n, mean_y = s->y / s->n;
    double vx = s->xx - s->x * mean_x, vy = s->yy - s->y * mean_y;
    if (!(vx >= s->n * 0x1p-230 && vy >= s->n * 0x1p-900)) return;
    if (!(0.9 * vx > s->n * constancy_x && 0.9 * vy > s->n * constancy_y)) return;
    double b = s->x * mean_x / vx + s->y * mean_y / vy;
    if (!(b <= 1e6)) return;
    double value = (s->xy - s->x * mean_y) / (sqrt(vx) * sqrt(vy));
    if (!(fabs(value) <= 2)) return;
    *r = value > 1 ? 1 : value < -1 ? -1 : value;
    *error = 1.1 * 0x1p-24 * sqrt(1 + b) + f * (5 + 4 * b) + 2e-10;
}

AG_CLONES void ag_screen(
    const ag_pool_rows *pool, const ag_candidate *c, uint32_t min_overlap, double *r, double *error) {
    const double f = (double)(pool->depth / AG_LANES + 16) * 0x1p-53;
    for (size_t k = 0; k < pool->count; k++) {
        overlap sums = sum_overlap(pool->rows + k * pool->depth, c, pool->depth);
        if (pool->presence) {
            const uint64_t *presence = pool->presence + k * pool->presence_words;
            double wanted = returns_of_pair(presence, c->presence, pool->presence_words, pool->first_kept);
            // The rows have the returns between neighbouring panel days, which is not all of a pair with gaps.
            if (wanted != sums.n && wanted >= (double)min_overlap) {
                r[k] = NAN;
                error[k] = INFINITY;
                continue;
            }
        }
        judge(&sums, f, pool->constancy[k], c->constancy, min_overlap, r + k, error + k);
    }
}
