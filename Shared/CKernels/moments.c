#include "moments.h"

#include "ckernels.h"
#include "lanes.h"

#include <float.h>
#include <math.h>
#include <string.h>

// Every sum is two vectors of sums, since one would wait for its own additions.
enum { CHAINS = 2, STRIDE = CHAINS * AG_LANES };
#define EACH_CHAIN _Pragma("clang loop unroll(full)") for (size_t c = 0; c < CHAINS; c++)
#define ADD_CHAINS(s) AG_ADD_LANES((s)[0] + (s)[1])

// Sums of squares and products of deviations.
typedef struct {
    double xx, yy, xy;
} moments;

// Over the n days of from ..< to that both have, two-pass; days are masked rather than packed, which takes longer than it saves.
// Means are found from differences to a value of the overlap, so that a side that does not vary has deviations of exactly 0.
AG_INLINE moments of_overlap(
    const double *x, const double *y, size_t from, size_t to, size_t n, double x0, double y0) {
    ag_doubles sx[CHAINS] = {0}, sy[CHAINS] = {0}, v, w;
    for (size_t t = from; t < to; t += STRIDE) EACH_CHAIN {
        AG_LOAD(v, x + t + c * AG_LANES);
        AG_LOAD(w, y + t + c * AG_LANES);
        const ag_masks both = (v == v) & (w == w);
        sx[c] += (ag_doubles)((ag_masks)(v - x0) & both);
        sy[c] += (ag_doubles)((ag_masks)(w - y0) & both);
    }
    const double mean_x = x0 + ADD_CHAINS(sx) / (double)n, mean_y = y0 + ADD_CHAINS(sy) / (double)n;
    ag_doubles xx[CHAINS] = {0}, yy[CHAINS] = {0}, xy[CHAINS] = {0};
    for (size_t t = from; t < to; t += STRIDE) EACH_CHAIN {
        AG_LOAD(v, x + t + c * AG_LANES);
        AG_LOAD(w, y + t + c * AG_LANES);
        const ag_masks both = (v == v) & (w == w);
        v = (ag_doubles)((ag_masks)(v - mean_x) & both);
        w = (ag_doubles)((ag_masks)(w - mean_y) & both);
        xx[c] += v * v;
        yy[c] += w * w;
        xy[c] += v * w;
    }
    return (moments){ADD_CHAINS(xx), ADD_CHAINS(yy), ADD_CHAINS(xy)};
}

// Of two series whose deviations are there already.
AG_INLINE double dot(const double *x, const double *y, size_t depth) {
    ag_doubles s[CHAINS] = {0}, v, w;
    for (size_t t = 0; t < depth; t += STRIDE) EACH_CHAIN {
        AG_LOAD(v, x + t + c * AG_LANES);
        AG_LOAD(w, y + t + c * AG_LANES);
        s[c] += v * w;
    }
    return ADD_CHAINS(s);
}

AG_CLONES double ag_prepare_moments(double *values, size_t days, size_t depth, uint64_t *bits) {
    ag_survey survey;
    ag_survey_returns(values, days, depth, 0, bits, &survey);
    if (survey.count < days || days == 0) return 0;
    ag_centre(values, days, 1);
    for (size_t t = ag_padded(days); t < depth; t++) values[t] = 0;
    const double squares = dot(values, values, depth);
    // Deviations below 1e-162 have no squares.
    if (squares == 0) memset(bits, 0, (depth + 63) / 64 * sizeof *bits);
    return squares;
}

// The words with common days, how many these are, and the first.
typedef struct {
    size_t from, to, days, first;
} overlap;

AG_INLINE overlap common_days(const uint64_t *a, const uint64_t *b, size_t words) {
    overlap found = {words, 0, 0, 0};
    for (size_t w = 0; w < words; w++) {
        const uint64_t both = a[w] & b[w];
        if (!both) continue;
        if (!found.days) {
            found.from = w;
            found.first = w * 64 + (size_t)__builtin_ctzll(both);
        }
        found.to = w + 1;
        found.days += (size_t)__builtin_popcountll(both);
    }
    return found;
}

AG_CLONES void ag_pair_moments(
    const ag_moment_series *series, size_t i, size_t from, size_t to, double *covariances, double *correlations) {
    const size_t depth = series->depth, words = series->words;
    const double *x = series->values + i * depth;
    for (size_t j = from; j < to; j++) {
        const double *y = series->values + j * depth;
        const overlap common = common_days(series->bits + i * words, series->bits + j * words, words);
        covariances[j - from] = correlations[j - from] = NAN;
        if (common.days < 2 || common.days < series->min_overlap) continue;
        moments m;
        if (series->squares[i] > 0 && series->squares[j] > 0) {
            m = (moments){series->squares[i], series->squares[j], dot(x, y, depth)};
        } else {
            const size_t end = common.to * 64 < depth ? common.to * 64 : depth;
            m = of_overlap(x, y, common.from * 64, end, common.days, x[common.first], y[common.first]);
        }
        if (!(m.xx > 0 && m.yy > 0)) continue;
        // One root is exact for identical sides; two do not overflow.
        double norm = m.xx * m.yy;
        norm = norm >= DBL_MIN && norm <= DBL_MAX ? sqrt(norm) : sqrt(m.xx) * sqrt(m.yy);
        const double r = m.xy / norm;
        covariances[j - from] = m.xy / (double)(common.days - 1);
        correlations[j - from] = r > 1 ? 1 : r < -1 ? -1 : r;
    }
}
