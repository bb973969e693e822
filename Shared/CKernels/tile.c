#include "ckernels.h"
#include "clones.h"
#include "epilogue.h"
#include "lanes.h"

#include <math.h>
#include <string.h>

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

// The same for those column alphas alone that lack a day between their first and their last, or have their days listed.
AG_CLONES_POPCOUNT static void common_days_of_others(
    const uint64_t *restrict row, const uint64_t *restrict columns, size_t words, const uint32_t *restrict listed_from,
    size_t count, uint32_t *restrict days) {
    for (size_t j = 0; j < count; j++) {
        if (listed_from[j] == listed_from[j + 1]) continue;
        const uint64_t *column = columns + j * words;
        uint64_t common = 0;
        for (size_t w = 0; w < words; w++) common += (uint64_t)__builtin_popcountll(row[w] & column[w]);
        days[j] = (uint32_t)common;
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

AG_CLONES size_t ag_plan_tile(const ag_tile *tile) {
    const ag_block *a = tile->row, *b = tile->column;
    const int pairwise = a->presence && (a->has_gaps || b->has_gaps);
    const int runs = b->listed_from[b->edge] == 0;
    size_t pending = 0;
    for (size_t i = 0; i < a->alphas; i++) {
        uint32_t *days = tile->days + i * a->edge;
        const uint64_t *bits = a->bits + i * a->words;
        if (a->listed_from[i] == a->listed_from[i + 1]) {
            common_days_of_runs(a->run_start[i], a->run_end[i], b->run_start, b->run_end, b->alphas, days);
            if (!runs) common_days_of_others(bits, b->bits, a->words, b->listed_from, b->alphas, days);
        } else common_days(bits, b->bits, a->words, b->alphas, days);
        if (pairwise) mark_pairwise(tile, i, days);
        for (size_t j = tile->diagonal ? i + 1 : 0; j < b->alphas; j++)
            pending += days[j] >= tile->rule.min_overlap && !(days[j] & AG_PAIRWISE);
    }
    return pending;
}

// --- from products to correlations ---

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

// One row of the product as doubles.
static const double *product_row(const ag_tile *tile, size_t i, size_t count, double *restrict scratch) {
    if (!tile->is_float) return (const double *)tile->values + i * tile->step;
    const float *values = (const float *)tile->values + i * tile->step;
    for (size_t j = 0; j < count; j++) scratch[j] = values[j];
    return scratch;
}

// Has the two-pass kernel decide a pair.
static double decide(const ag_tile *tile, size_t i, size_t j, ag_decided *decided) {
    uint32_t own, *days = tile->days ? tile->days + i * tile->row->edge + j : &own;
    double r = tile->days && (*days & AG_PAIRWISE)
        ? ag_pair_of_common_dates(tile->row, i, tile->column, j, tile->pair_x, tile->pair_y, days)
        : ag_pair_of_returns(tile->row, i, tile->column, j, tile->pair_x, tile->pair_y, days);
    decided->pairs++;
    decided->days += *days;
    return *days >= tile->rule.min_overlap ? r : NAN;
}

// Row i from column `start` on, where there are sums, or where no pair needs a product.
static void general_row(const ag_tile *tile, const ag_products *p, size_t i, size_t start, ag_decided *decided) {
    const ag_block *a = tile->row, *b = tile->column;
    const size_t count = b->alphas, step = tile->step;
    const uint32_t *days = tile->days + i * a->edge;
    double *r = tile->scratch, *scratch = tile->scratch + step;
    uint8_t *flags = (uint8_t *)(tile->scratch + 4 * step);
    if (p->is_made) {
        const size_t offset = i * a->edge;
        const double *xy = product_row(tile, i, count, scratch);
        const double *x = sums_of(p->x, offset, count, a->sums[i], scratch + step);
        const double *xx = sums_of(p->xx, offset, count, a->squares[i], scratch + 2 * step);
        const double *y = p->y ? p->y + offset : b->sums, *yy = p->yy ? p->yy + offset : b->squares;
        combine(xy, x, y, xx, yy, days, a->constancy[i], b->constancy, &tile->rule, count, r, flags);
    } else {
        for (size_t j = 0; j < count; j++) {
            r[j] = NAN;
            flags[j] = (uint8_t)(days[j] >> 31);
        }
    }
    for (size_t j = start; j < count; j++) {
        const uint8_t *flag = memchr(flags + j, 1, count - j);
        if (!flag) break;
        j = (size_t)(flag - flags);
        r[j] = decide(tile, i, j, decided);
    }
    if (tile->is_float) {
        float *out = (float *)tile->values + i * step;
        for (size_t j = start; j < count; j++) out[j] = (float)r[j] + 0.0f;
    } else memcpy((double *)tile->values + i * step + start, r + start, (count - start) * sizeof *r);
}

// Row i of standardised series, whose product is r and whose error needs no look at each pair. `near_one` is a number of
// the type, so comparing is as good as with a double.
#define STANDARD_ROW(NAME, TYPE, MAGNITUDE)                                                                            \
    AG_CLONES static int32_t NAME##_accept(TYPE *r, size_t start, size_t count, TYPE near_one) {                       \
        int32_t doubtful = 0;                                                                                          \
        for (size_t j = start; j < count; j++) {                                                                       \
            doubtful |= !(MAGNITUDE(r[j]) <= near_one);                                                                \
            r[j] += 0;                                                                                                 \
        }                                                                                                              \
        return doubtful;                                                                                               \
    }                                                                                                                  \
    static void NAME(const ag_tile *tile, size_t i, size_t start, TYPE near_one, ag_decided *decided) {                \
        const ag_block *a = tile->row, *b = tile->column;                                                              \
        TYPE *r = (TYPE *)tile->values + i * tile->step;                                                               \
        if (a->counts[i] == 0) {                                                                                       \
            for (size_t j = start; j < b->alphas; j++) r[j] = (TYPE)NAN;                                               \
            return;                                                                                                    \
        }                                                                                                              \
        if (NAME##_accept(r, start, b->alphas, near_one))                                                              \
            for (size_t j = start; j < b->alphas; j++) {                                                               \
                if (MAGNITUDE(r[j]) <= near_one || b->counts[j] == 0) continue;                                        \
                r[j] = (TYPE)decide(tile, i, j, decided) + 0;                                                          \
            }                                                                                                          \
        for (size_t j = start; b->live < b->alphas && j < b->alphas; j++)                                              \
            if (b->counts[j] == 0) r[j] = (TYPE)NAN;                                                                   \
    }

STANDARD_ROW(standard_row_f64, double, fabs)
STANDARD_ROW(standard_row_f32, float, fabsf)

static void fill_undefined(const ag_tile *tile, size_t i, size_t from, size_t to) {
    if (tile->is_float)
        for (size_t j = from; j < to; j++) ((float *)tile->values)[i * tile->step + j] = NAN;
    else
        for (size_t j = from; j < to; j++) ((double *)tile->values)[i * tile->step + j] = NAN;
}

static void finish_row(const ag_tile *tile, const ag_products *products, size_t i, ag_decided *decided) {
    const size_t count = tile->column->alphas;
    size_t start = tile->diagonal ? i + 1 : 0;
    if (start > count) start = count;
    if (!products->standard) general_row(tile, products, i, start, decided);
    else if (!products->is_made) fill_undefined(tile, i, start, count);
    else if (tile->is_float) standard_row_f32(tile, i, start, ag_float_to(tile->rule.near_one), decided);
    else standard_row_f64(tile, i, start, tile->rule.near_one, decided);
    fill_undefined(tile, i, 0, start);
    fill_undefined(tile, i, count, tile->step);
}

// --- columns ---

// Sixteen columns of the tile from `first` on become lines of `rows` values, `step` apart.
#define GATHER_COLUMNS(NAME, TYPE, VECTOR)                                                                             \
    AG_CLONES static void NAME(const ag_tile *tile, size_t first, size_t rows, TYPE *lines) {                          \
        const TYPE *from = (const TYPE *)tile->values + first;                                                         \
        for (size_t i = 0; i < rows; i += AG_LANES)                                                                    \
            for (size_t half = 0; half < 16; half += AG_LANES) {                                                       \
                VECTOR r[AG_LANES];                                                                                    \
                for (size_t l = 0; l < AG_LANES; l++) AG_LOAD(r[l], from + (i + l) * tile->step + half);               \
                AG_TRANSPOSE(r);                                                                                       \
                for (size_t l = 0; l < AG_LANES; l++) memcpy(lines + (half + l) * tile->step + i, &r[l], sizeof r[l]); \
            }                                                                                                          \
    }

GATHER_COLUMNS(gather_columns_f64, double, ag_doubles)
GATHER_COLUMNS(gather_columns_f32, float, ag_floats)

static void reduce_columns(
    const ag_tile *tile, const ag_summary *row, const ag_summary *column, int32_t median_only) {
    const size_t rows = tile->row->alphas, columns = tile->column->alphas;
    const size_t padded = (rows + 15) / 16 * 16;
    double *lines = tile->scratch;
    for (size_t i = rows; i < padded; i++) fill_undefined(tile, i, 0, tile->step);
    ag_log_reserve(column->log, tile->is_float, columns, rows * columns);
    for (size_t first = 0; first < columns; first += 16) {
        if (tile->is_float) gather_columns_f32(tile, first, padded, (float *)lines);
        else gather_columns_f64(tile, first, padded, lines);
        for (size_t j = first; j < columns && j < first + 16; j++) {
            const size_t at = (j - first) * tile->step;
            ag_line line = {
                .r = tile->is_float ? (const void *)((float *)lines + at) : lines + at, .count = rows, .ranks = row->rank,
                .days = tile->days ? tile->days + j : NULL, .days_step = tile->row->edge, .common = tile->common};
            ag_reduce_line(&line, column, j, median_only);
        }
    }
}

ag_decided ag_finish_tile(
    const ag_tile *tile, const ag_products *products, const ag_summary *row, const ag_summary *column,
    int32_t median_only, ag_edge_log *edges) {
    const size_t rows = tile->row->alphas, columns = tile->column->alphas;
    const size_t element = tile->is_float ? sizeof(float) : sizeof(double);
    ag_decided decided = {0};
    if (row) ag_log_reserve(row->log, tile->is_float, rows, rows * columns);
    for (size_t i = 0; i < rows; i++) {
        finish_row(tile, products, i, &decided);
        if (!row) continue;
        ag_line line = {
            .r = (const char *)tile->values + i * tile->step * element, .count = columns, .ranks = column->rank,
            .days = tile->days ? tile->days + i * tile->row->edge : NULL, .days_step = 1, .common = tile->common};
        ag_reduce_line(&line, row, i, median_only);
        if (edges && !median_only) ag_find_edges(&line, tile->is_float, row->rank[i], edges);
    }
    if (column) reduce_columns(tile, row, column, median_only);
    return decided;
}
