#include "ckernels.h"
#include "clones.h"

#include <math.h>

// --- how many days each pair has ---

// Common days of row alpha i with `count` column alphas.
AG_CLONES_POPCOUNT static void common_days(
    const uint64_t *restrict row, const uint64_t *restrict columns, size_t words, size_t count,
    uint32_t *restrict days) {
    for (size_t j = 0; j < count; j++) {
        const uint64_t *column = columns + j * words;
        uint64_t common = 0;
        for (size_t w = 0; w < words; w++) common += (uint64_t)__builtin_popcountll(row[w] & column[w]);
        days[j] = (uint32_t)common;
    }
}

// Marks the pairs of row alpha i whose common dates leave out a panel date between their first and their last: only
// they have returns of their own. Dates before the kept ones matter no more once both have the date just before, which
// is where the bit sets begin: without it, fewer common dates are counted than there are dates.
static void mark_pairwise(const ag_tile *tile, size_t i, uint32_t *days) {
    const ag_block *a = tile->row, *b = tile->column;
    const int32_t from = (int32_t)a->first_kept - 1;
    const uint64_t *bits = a->presence + i * a->presence_words;
    uint32_t present[256];
    for (size_t strip = 0; strip < b->alphas; strip += 256) {
        size_t count = b->alphas - strip < 256 ? b->alphas - strip : 256;
        common_days(bits, b->presence + strip * a->presence_words, a->presence_words, count, present);
        for (size_t k = 0; k < count; k++) {
            size_t j = strip + k;
            int32_t first = a->first[i] > b->first[j] ? a->first[i] : b->first[j];
            int32_t last = a->last[i] < b->last[j] ? a->last[i] : b->last[j];
            if (first < from) first = from;
            if ((int32_t)present[k] == last - first + 1) continue;
            // A return ends on a common date, so fewer of those than wanted need no closer look.
            days[j] = present[k] < tile->rule.min_overlap ? 0 : AG_PAIRWISE;
        }
    }
}

// The same where neither series lacks a day between its first and its last.
AG_CLONES static void common_days_of_runs(
    uint32_t start, uint32_t end, const uint32_t *restrict starts, const uint32_t *restrict ends, size_t count,
    uint32_t *restrict days) {
    for (size_t j = 0; j < count; j++) {
        uint32_t from = start > starts[j] ? start : starts[j];
        uint32_t to = end < ends[j] ? end : ends[j];
        days[j] = to > from ? to - from : 0;
    }
}

size_t ag_plan_tile(const ag_tile *tile) {
    const ag_block *a = tile->row, *b = tile->column;
    const int pairwise = a->presence && (a->has_gaps || b->has_gaps);
    const int runs = a->listed_from[a->edge] == 0 && b->listed_from[b->edge] == 0;
    size_t pending = 0;
    for (size_t i = 0; i < a->alphas; i++) {
        uint32_t *days = tile->days + i * a->edge;
        if (runs) common_days_of_runs(a->run_start[i], a->run_end[i], b->run_start, b->run_end, b->alphas, days);
        else common_days(a->bits + i * a->words, b->bits, a->words, b->alphas, days);
        if (pairwise) mark_pairwise(tile, i, days);
        for (size_t j = tile->diagonal ? i + 1 : 0; j < b->alphas; j++)
            pending += days[j] >= tile->rule.min_overlap && !(days[j] & AG_PAIRWISE);
    }
    return pending;
}

size_t ag_plan_uniform_tile(const ag_tile *tile, uint32_t common) {
    const ag_block *a = tile->row, *b = tile->column;
    for (size_t i = 0; i < a->alphas; i++)
        for (size_t j = 0; j < b->alphas; j++)
            tile->days[i * a->edge + j] = a->counts[i] && b->counts[j] ? common : 0;
    return common >= tile->rule.min_overlap;
}

// --- from products to correlations ---

// One row of the product as doubles.
static const double *row_of(const ag_products *p, size_t offset, size_t count, double *restrict scratch) {
    if (!p->is_float) return (const double *)p->xy + offset;
    const float *values = (const float *)p->xy + offset;
    for (size_t j = 0; j < count; j++) scratch[j] = values[j];
    return scratch;
}

// One row of sums over the days of the other side, or one value throughout: the sum over all days of the series.
static const double *sums_of(const double *sums, size_t offset, size_t count, double known, double *restrict scratch) {
    if (sums) return sums + offset;
    for (size_t j = 0; j < count; j++) scratch[j] = known;
    return scratch;
}

// Pearson's r from sums over the overlap of series centred on their medians,
//
//     cov = Sxy - Sx Sy / n,   vx = Sxx - Sx^2 / n,   vy = Syy - Sy^2 / n,   r = cov / sqrt(vx vy),
//
// and whether it can be trusted. Let e bound the error of Sxy against the sum of its terms' magnitudes and f that of
// the other sums, and b = S^2 / (n v) = (mean - centre)^2 / variance, so that Sxx / vx = 1 + bx. By Cauchy and Schwarz
// the magnitudes of Sxy add up to at most sqrt(Sxx Syy), those of Sx to sqrt(n Sxx). To first order, with k^2 = 1 + b
// and |r| <= 1,
//
//     |error of r| <= e kx ky + f (kx sqrt(by) + ky sqrt(bx) + kx^2 / 2 + kx sqrt(bx) + ky^2 / 2 + ky sqrt(by))
//                  <= e (1 + (bx + by) / 2) + f (1.5 + 4.75 (bx + by)),
//
// since p q <= p^2 / 8 + 2 q^2. The caller turns the error it tolerates into a limit for bx + by. That a pair is not
// constant needs proof, too: if all returns lay within the tolerance, vx would be at most n tolerance^2 / 4.
// Comparisons are written so that NaN and infinity fail them.
AG_CLONES static void combine(
    const double *restrict xy, const double *restrict x, const double *restrict y, const double *restrict xx,
    const double *restrict yy, const uint32_t *restrict days, double constancy_x, const double *restrict constancy_y,
    const ag_rule *rule, size_t count, double *restrict r, uint8_t *restrict flags) {
    const int32_t min_overlap = (int32_t)rule->min_overlap;
    const double limit = rule->offset_limit, variance_min = rule->variance_min, near_one = rule->near_one;
    for (size_t j = 0; j < count; j++) {
        double n = (double)(int32_t)days[j], inverse_n = 1 / n;
        double mean_x = x[j] * inverse_n, mean_y = y[j] * inverse_n;
        double offset_x = x[j] * mean_x, offset_y = y[j] * mean_y;
        double vx = xx[j] - offset_x, vy = yy[j] - offset_y;
        double inverse = 1 / (vx * vy);
        double value = (xy[j] - x[j] * mean_y) * sqrt(inverse);
        double offset = (offset_x * vy + offset_y * vx) * inverse;
        // Pairs that are marked as pairwise are negative here.
        int wanted = (int32_t)days[j] >= min_overlap;
        int trusted = (vx >= variance_min) & (vy >= variance_min) & (offset <= limit) & (fabs(value) <= near_one)
            & (0.9 * vx > n * constancy_x) & (0.9 * vy > n * constancy_y[j]);
        r[j] = (wanted & trusted) ? value + 0.0 : NAN;
        flags[j] = (uint8_t)((wanted & !trusted) | (days[j] >> 31));
    }
}

// The same for standardised series, whose product is r and whose error needs no look at each pair.
AG_CLONES static void combine_standard(
    const double *restrict xy, const uint32_t *restrict days, const ag_rule *rule, size_t count, double *restrict r,
    uint8_t *restrict flags) {
    for (size_t j = 0; j < count; j++) {
        int wanted = days[j] >= rule->min_overlap;
        int trusted = fabs(xy[j]) <= rule->near_one;
        r[j] = (wanted & trusted) ? xy[j] + 0.0 : NAN;
        flags[j] = (uint8_t)(wanted & !trusted);
    }
}

// Row i of the tile before the two-pass kernel has its say; `flags` marks the columns it must decide.
static void first_row(const ag_tile *tile, const ag_products *p, size_t i, double *r, uint8_t *flags) {
    const ag_block *a = tile->row, *b = tile->column;
    const size_t count = b->alphas, offset = i * a->edge, step = tile->step;
    const uint32_t *days = tile->days + offset;
    double *scratch = tile->rows + AG_ROWS * step;
    if (!p->xy) {
        for (size_t j = 0; j < count; j++) {
            r[j] = NAN;
            flags[j] = (uint8_t)(days[j] >> 31);
        }
        return;
    }
    const double *xy = row_of(p, offset, count, scratch);
    if (p->standard) {
        combine_standard(xy, days, &tile->rule, count, r, flags);
        return;
    }
    const double *x = sums_of(p->x, offset, count, a->sums[i], scratch + step);
    const double *xx = sums_of(p->xx, offset, count, a->squares[i], scratch + 2 * step);
    const double *y = p->y ? p->y + offset : b->sums, *yy = p->yy ? p->yy + offset : b->squares;
    combine(xy, x, y, xx, yy, days, a->constancy[i], b->constancy, &tile->rule, count, r, flags);
}

// Has the two-pass kernel decide the flagged pairs of row i; returns how many they were.
static uint64_t decide_flagged(const ag_tile *tile, size_t i, size_t start, double *r, const uint8_t *flags) {
    uint32_t *days = tile->days + i * tile->row->edge;
    uint64_t decided = 0;
    for (size_t j = start; j < tile->column->alphas; j++) {
        if (!flags[j]) continue;
        double value;
        if (days[j] & AG_PAIRWISE)
            value = ag_pair_of_common_dates(tile->row, i, tile->column, j, tile->pair_x, tile->pair_y, days + j);
        else value = ag_pair_of_returns(tile->row, i, tile->column, j, tile->pair_x, tile->pair_y, days + j);
        r[j] = days[j] >= tile->rule.min_overlap ? value : NAN;
        decided++;
    }
    return decided;
}

// One row of correlations: what `first_row` and the two-pass kernel say, NaN where the tile has no pair.
static uint64_t finish_row(const ag_tile *tile, const ag_products *products, size_t i, double *r, double *values) {
    const size_t edge = tile->row->edge, count = tile->column->alphas, start = tile->diagonal ? i + 1 : 0;
    uint8_t *flags = (uint8_t *)(tile->rows + (AG_ROWS + 3) * tile->step);
    first_row(tile, products, i, r, flags);
    uint64_t decided = decide_flagged(tile, i, start, r, flags);
    if (tile->rule.rounds_to_float)
        for (size_t j = start; j < count; j++) r[j] = (double)(float)r[j] + 0.0;
    for (size_t j = 0; j < start && j < count; j++) r[j] = NAN;
    for (size_t j = count; j < tile->step; j++) r[j] = NAN;
    for (size_t j = start; values && j < count; j++) {
        values[i * edge + j] = r[j];
        if (tile->diagonal) values[j * edge + i] = r[j];
    }
    return decided;
}

uint64_t ag_finish_tile(
    const ag_tile *tile, const ag_products *products, const ag_summary *row, const ag_summary *column,
    int32_t median_only, ag_edge_log *edges, double *values) {
    const size_t alphas = tile->row->alphas;
    uint64_t decided = 0;
    for (size_t first = 0; first < alphas; first += AG_ROWS) {
        ag_rows rows = {
            .r = tile->rows, .days = tile->days + first * tile->row->edge, .step = tile->step,
            .days_step = tile->row->edge, .first = first, .columns = tile->column->alphas,
            .count = alphas - first < AG_ROWS ? alphas - first : AG_ROWS};
        for (size_t k = 0; k < rows.count; k++)
            decided += finish_row(tile, products, first + k, tile->rows + k * tile->step, values);
        if (row) ag_reduce(&rows, row, column, median_only, edges);
    }
    return decided;
}
