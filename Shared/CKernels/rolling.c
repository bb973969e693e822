#include "clones.h"
#include "strip.h"

#include <math.h>

// What is known of some consecutive returns: mean, sum of squared deviations from it, smallest and largest.
typedef struct {
    ag_doubles mean, squares, low, high;
} part;

// One more return (the k-th, reciprocal 1 / k); Welford's update.
#define ADD(p, v, reciprocal)                                                                                          \
    do {                                                                                                               \
        const ag_doubles off_ = (v) - (p).mean;                                                                        \
        (p).mean += off_ * (reciprocal);                                                                               \
        (p).squares += off_ * ((v) - (p).mean);                                                                        \
        (p).low = AG_LESSER(v, (p).low);                                                                               \
        (p).high = AG_GREATER(v, (p).high);                                                                            \
    } while (0)

// Of the windows taken in so far; deviations of them all, ratios mean / deviation of those that are not constant.
typedef struct {
    ag_doubles ratio_last, ratio_min, ratio_max, ratio_sum, ratio_count;
    ag_doubles deviation_last, deviation_min, deviation_max, deviation_sum, deviation_count;
} totals;

// Takes in the window that ends with return k, of all lanes that have one. The lane's last window is remembered.
AG_INLINE void take(
    const part *w, size_t k, double per_degree, const ag_doubles *n, const ag_doubles *tolerance, totals *t) {
    const ag_doubles none = {0}, undefined = none + NAN, place = none + (double)k;
    const ag_masks valid = place < *n, last = place == *n - 1;
    const ag_masks varies = (w->high - w->low) > *tolerance;
    ag_doubles variance = w->squares * per_degree;
    const ag_doubles deviation = __builtin_elementwise_sqrt(AG_CHOOSE(varies & (variance > 0), variance, none));
    const ag_masks counts = valid & varies & (deviation > 0);
    const ag_doubles ratio = w->mean / deviation;
    t->deviation_last = AG_CHOOSE(last, deviation, t->deviation_last);
    t->deviation_min = AG_CHOOSE(valid & (deviation < t->deviation_min), deviation, t->deviation_min);
    t->deviation_max = AG_CHOOSE(valid & (deviation > t->deviation_max), deviation, t->deviation_max);
    t->deviation_sum += AG_CHOOSE(valid, deviation, none);
    t->deviation_count -= __builtin_convertvector(valid, ag_doubles);
    t->ratio_last = AG_CHOOSE(last, AG_CHOOSE(counts, ratio, undefined), t->ratio_last);
    t->ratio_min = AG_CHOOSE(counts & (ratio < t->ratio_min), ratio, t->ratio_min);
    t->ratio_max = AG_CHOOSE(counts & (ratio > t->ratio_max), ratio, t->ratio_max);
    t->ratio_sum += AG_CHOOSE(counts, ratio, none);
    t->ratio_count -= __builtin_convertvector(counts, ag_doubles);
}

AG_INLINE void finish(const totals *t, ag_windows *w) {
    for (size_t l = 0; l < AG_LANES; l++) {
        const int none = t->deviation_count[l] == 0, no_ratio = t->ratio_count[l] == 0;
        w->deviation_last[l] = none ? NAN : t->deviation_last[l];
        w->deviation_min[l] = none ? NAN : t->deviation_min[l];
        w->deviation_max[l] = none ? NAN : t->deviation_max[l];
        w->deviation_mean[l] = none ? NAN : t->deviation_sum[l] / t->deviation_count[l];
        w->ratio_last[l] = no_ratio ? NAN : t->ratio_last[l];
        w->ratio_min[l] = no_ratio ? NAN : t->ratio_min[l];
        w->ratio_max[l] = no_ratio ? NAN : t->ratio_max[l];
        w->ratio_mean[l] = no_ratio ? NAN : t->ratio_sum[l] / t->ratio_count[l];
    }
}

// Nothing is ever taken off a sum, so that a wild day leaves no trace once it has passed: the returns are cut into blocks
// of the window's length, and each window is the end of one block and the beginning of the next. Parts are joined by the
// formula of Chan, Golub and LeVeque (1979).
AG_CLONES void ag_roll(const ag_strip *strip, size_t length, double *scratch, ag_windows *windows) {
    part *ends = (part *)scratch;  // ends[j]: returns j ..< length of the block before
    const ag_doubles none = {0};
    const part empty = {none, none, none + INFINITY, none - INFINITY};
    totals t = {0};
    t.ratio_min = t.deviation_min = none + INFINITY;
    t.ratio_max = t.deviation_max = none - INFINITY;
    ag_doubles n, tolerance, v;
    memcpy(&n, strip->n, sizeof n);
    memcpy(&tolerance, strip->tolerance, sizeof tolerance);
    const double per_degree = 1 / (double)(length - 1);
    for (size_t block = 0; block < strip->depth; block += length) {
        const size_t end = block + length < strip->depth ? block + length : strip->depth;
        part begin = empty;
        for (size_t k = block; k < end; k++) {
            const size_t here = k - block + 1, before = length - here;
            AG_LOAD(v, strip->x + k * AG_LANES);
            ADD(begin, v, 1 / (double)here);
            if (k + 1 < length) continue;
            part window = begin;
            if (before > 0) {
                const part *rest = ends + here;
                const ag_doubles off = rest->mean - begin.mean;
                const double share = (double)before / (double)length;
                window.mean += off * share;
                window.squares += rest->squares + off * off * (share * (double)here);
                window.low = AG_LESSER(rest->low, begin.low);
                window.high = AG_GREATER(rest->high, begin.high);
            }
            take(&window, k, per_degree, &n, &tolerance, &t);
        }
        if (end == strip->depth) break;
        part tail = empty;
        for (size_t k = length; k-- > 0;) {
            AG_LOAD(v, strip->x + (block + k) * AG_LANES);
            ADD(tail, v, 1 / (double)(length - k));
            ends[k] = tail;
        }
    }
    finish(&t, windows);
}

// Smallest windows of the rescaled range; each further size is twice as large.
enum { SMALLEST = 8, SIZES_MIN = 3 };

// A lane's points (log2 of the size, log2 of the mean R / S) and their sums.
typedef struct {
    double points, x, y, xx, xy;
} line;

AG_INLINE void add_point(line *l, double x, double y) {
    l->points += 1;
    l->x += x;
    l->y += y;
    l->xx += x * x;
    l->xy += x * y;
}

// Mean R / S over the windows of one size: R the range of the running sum of deviations from the window's mean, S the
// standard deviation (ddof 1). Windows that are constant have none.
AG_INLINE void rescaled_range(
    const ag_strip *strip, size_t size, const ag_doubles *sums, const ag_doubles *lows, const ag_doubles *highs,
    ag_doubles *total, ag_doubles *count) {
    const ag_doubles none = {0};
    ag_doubles n, tolerance, v;
    memcpy(&n, strip->n, sizeof n);
    memcpy(&tolerance, strip->tolerance, sizeof tolerance);
    *total = *count = none;
    for (size_t window = 0; (window + 1) * size <= strip->depth; window++) {
        const ag_doubles mean = sums[window] / (double)size;
        ag_doubles running = none, low = none, high = none, squares = none;
        const double *x = strip->x + window * size * AG_LANES;
        for (size_t k = 0; k < size; k++) {
            AG_LOAD(v, x + k * AG_LANES);
            v -= mean;
            running += v;
            squares += v * v;
            low = AG_LESSER(running, low);
            high = AG_GREATER(running, high);
        }
        const ag_masks counts = (none + (double)((window + 1) * size) <= n) & (highs[window] - lows[window] > tolerance)
                                & (squares > 0);
        const ag_doubles deviation = __builtin_elementwise_sqrt(squares / (double)(size - 1));
        *total += AG_CHOOSE(counts, (high - low) / deviation, none);
        *count -= __builtin_convertvector(counts, ag_doubles);
    }
}

AG_CLONES void ag_hurst(const ag_strip *strip, double *scratch, double *hurst) {
    const ag_doubles none = {0};
    size_t windows = strip->depth / SMALLEST;
    ag_doubles *sums = (ag_doubles *)scratch, *lows = sums + windows, *highs = lows + windows, v;
    for (size_t w = 0; w < windows; w++) {
        ag_doubles sum = none, low = none + INFINITY, high = none - INFINITY;
        for (size_t k = 0; k < SMALLEST; k++) {
            AG_LOAD(v, strip->x + (w * SMALLEST + k) * AG_LANES);
            sum += v;
            low = AG_LESSER(v, low);
            high = AG_GREATER(v, high);
        }
        sums[w] = sum;
        lows[w] = low;
        highs[w] = high;
    }
    line lines[AG_LANES] = {0};
    for (size_t size = SMALLEST; 2 * size <= strip->depth; size *= 2) {
        ag_doubles total, count;
        rescaled_range(strip, size, sums, lows, highs, &total, &count);
        const double x = ag_log2((double)size);
        for (size_t l = 0; l < AG_LANES; l++)
            if (2 * (double)size <= strip->n[l] && count[l] > 0) add_point(lines + l, x, ag_log2(total[l] / count[l]));
        windows /= 2;
        for (size_t w = 0; w < windows; w++) {
            sums[w] = sums[2 * w] + sums[2 * w + 1];
            lows[w] = AG_LESSER(lows[2 * w], lows[2 * w + 1]);
            highs[w] = AG_GREATER(highs[2 * w], highs[2 * w + 1]);
        }
    }
    for (size_t l = 0; l < AG_LANES; l++) {
        const line *p = lines + l;
        const double sxx = p->xx - p->x * p->x / p->points, sxy = p->xy - p->x * p->y / p->points;
        hurst[l] = p->points < SIZES_MIN ? NAN : sxy / sxx;
    }
}
