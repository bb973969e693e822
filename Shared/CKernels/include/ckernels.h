// The inner loops of the correlation kernels, in C because Swift has no multi-versioned functions: each hot function
// is compiled for several instruction sets and the best one is picked when the program is loaded.
//
// Bits do not depend on which version runs: no contraction into FMA, no reassociation, and every sum is spread over
// lanes in the source, not by the compiler.
//
// MEMORY LAYOUT
//   block     `edge` series, of which the first `alphas` are real; padding series are missing throughout.
//   day       kept days are numbered from 0; `depth` is their number rounded up to 16, the rest is padding.
//   operand   series-major: element (series a, day t) at [a * depth + t]; zero where missing or padding.
//   strip     16 series, day-major: element (series a, day t) of an operand at [(a / 16 * depth + t) * 16 + a % 16].
//   bit set   (a, t) is bit t % 64 of word [a * words + t / 64], words = (depth + 63) / 64.
//   tile      row-major: pair (i of the row block, j of the column block) at [i * edge + j].
//   days      tile of uint32_t: common returns of each pair; AG_PAIRWISE is set while the pair's own are not yet known.
#ifndef ALPHAGRID_CKERNELS_H
#define ALPHAGRID_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// Marks a pair whose returns depend on the gaps of both series, so that no product of the blocks can serve it.
#define AG_PAIRWISE UINT32_C(0x80000000)

enum { AG_STRIP = 16 };

// One block of series. All arrays have `edge` elements (times depth, words, ...) and are 64-byte aligned.
typedef struct {
    size_t edge, alphas, depth, words;
    const double *returns;     // operand layout, NaN where missing: what the two-pass kernel reads
    const uint64_t *bits;      // which returns count; none of a series that is constant as a whole
    const uint32_t *counts;    // how many that is, 0 also for padding
    const double *tolerance;   // returns that differ by no more than this are constant
    const double *constancy;   // tolerance^2 / 4 in the units of the scaled operands squared
    const double *sums;        // sum of the scaled operand x
    const double *squares;     // sum of x^2
    const void *strips;        // x in strips, double or float
    int32_t is_float;

    // The days of each series: all of run_start ..< run_end but the listed ones, or only the listed ones.
    const uint32_t *run_start, *run_end;
    const uint32_t *by_start, *by_end;  // the real series, ordered by these
    const uint32_t *listed_from;        // edge + 1 offsets into `listed`
    const uint16_t *listed;
    const uint8_t *lists_returns;

    // Only for the conventions that are defined per pair; else NULL and 0.
    const double *cumulative;  // edge x days, NaN where missing
    size_t days;
    size_t first_kept;         // panel day of kept day 0, at least 1
    const uint64_t *presence;  // bit set of values from panel day first_kept - 1 on
    size_t presence_words;
    const int32_t *first, *last;  // panel days of a series' first and last value; first > last without any
    int32_t has_gaps;          // some series lacks a day between its first and its last
    int32_t relative;          // returns are relative to a book of 10,000,000 plus the PnL so far
} ag_block;

// What a series' operands are made with: x = (return - centre) * scale.
typedef struct {
    double centre, scale;
    double constancy;
    uint32_t count;  // returns that count; 0 when there are fewer than two or they are constant
} ag_survey;

// --- series.c: from returns to operands, once per block ---

// Finds bits, centre (the median, which no tick can move) and scale (a power of two: the largest |x| is in [1/2, 1)).
// `scratch` has room for `days` doubles.
void ag_survey_series(
    const double *returns, size_t days, size_t words, double tolerance, uint64_t *bits, double *scratch,
    ag_survey *survey);

// Fills x of one series, `depth` long and zero before; returns sums of x and x^2 as they are after rounding x to the
// operands' type, each with at most 64 + words roundings in a chain.
void ag_fill_products_f64(
    const double *returns, const uint64_t *bits, size_t words, const ag_survey *survey, double *x, double *sum,
    double *squares);
void ag_fill_products_f32(
    const double *returns, const uint64_t *bits, size_t words, const ag_survey *survey, float *x, double *sum,
    double *squares);

// Regroups x of all series; `strips` has room for `edge` rounded up to 16 series and is zero before.
void ag_fill_strips_f64(const double *x, size_t edge, size_t depth, double *strips);
void ag_fill_strips_f32(const float *x, size_t edge, size_t depth, float *strips);

// How the `count` days of one series are written down; `listed` has room for `count` days.
void ag_list_days(
    const uint64_t *bits, size_t words, uint32_t count, uint16_t *listed, size_t *listed_count, uint32_t *start,
    uint32_t *end, uint8_t *lists_returns);

// Fills z, the series minus its mean over the root of its sum of squared deviations, so that r = z_i . z_j.
// `scratch` has room for `days` + 8 doubles.
void ag_fill_standard_f64(const double *returns, const uint64_t *bits, size_t days, double *scratch, double *z);
void ag_fill_standard_f32(const double *returns, const uint64_t *bits, size_t days, double *scratch, float *z);

// Largest |value| that is not NaN, 0 without any.
double ag_largest_magnitude(const double *values, size_t count);

// First and last day with a value, and whether one is missing between them; bits from day `from` on.
int32_t ag_survey_presence(
    const double *cumulative, size_t days, size_t from, uint64_t *presence, int32_t *first, int32_t *last);

// --- sums.c: sums over the days of another block ---

// Doubles of scratch memory that `ag_sum_over` wants.
size_t ag_sums_room(size_t edge);

// Sums of x and x^2 of each series over the days of each series of `other`: (series i, days of j) at [j * edge + i],
// transposed at [i * edge + j]. Their error, relative to the sums of squares and to the root of n times those, is at
// most `error`, plus `ag_sums_floor` in absolute terms, where a pair has at least `min_overlap` common days; squares
// that cannot be had so exactly are NaN.
void ag_sum_over(
    const ag_block *series, const ag_block *other, int32_t transposed, double error, uint32_t min_overlap, double *room,
    double *sums, double *squares);
double ag_sums_floor(size_t depth);

// --- pair.c: one pair, exactly ---

// Pearson's r of n pairs, two-pass with corrected means; NaN when n < 2 or either side is constant within its
// tolerance. Identical sides give exactly 1, opposite ones exactly -1. Overwrites x and y, which have room for n + 8.
double ag_two_pass(double *x, double *y, size_t n, double tolerance_x, double tolerance_y);

// r over the returns both series have; sets *days.
double ag_pair_of_returns(
    const ag_block *a, size_t i, const ag_block *b, size_t j, double *scratch_x, double *scratch_y, uint32_t *days);

// r over the returns between the dates both series have, for the conventions defined per pair; sets *days.
// The scratch buffers have room for the panel's days + 8.
double ag_pair_of_common_dates(
    const ag_block *a, size_t i, const ag_block *b, size_t j, double *scratch_x, double *scratch_y, uint32_t *days);

// --- epilogue.c: from correlations to mergeable summaries ---

// Rows that are reduced together.
enum { AG_ROWS = 4 };

// Values that fall inside their alpha's bracket; those of one alpha in the order of their rows and columns.
typedef struct {
    double *values;
    uint32_t *alphas;
    size_t count, capacity;
} ag_log;

void ag_log_free(ag_log *log);

// A pair among the nearest neighbours of an alpha; rank UINT32_MAX where there is none yet.
typedef struct {
    double r;
    uint32_t rank, days;
} ag_neighbour;

// A pair beyond the threshold, each once.
typedef struct {
    double r;
    uint32_t rank_a, rank_b, days, unused;
} ag_edge;

typedef struct {
    double from;       // pairs with r, or with `absolute` |r|, of at least this
    int32_t absolute;
    ag_edge *edges;
    size_t count, capacity, limit;
    uint64_t dropped;  // further pairs, once there were `limit`
} ag_edge_log;

void ag_edge_log_free(ag_edge_log *log);

// Running summaries of the alphas of one block, one element per alpha (see CorrelationPartial.Block), with room for
// AG_LANES - 1 more.
typedef struct {
    int64_t *sum;
    uint32_t *count, *below;
    const uint32_t *rank;
    const double *low, *high;
    size_t kept;                  // neighbours at each end
    ag_neighbour *most, *least;   // `kept` per alpha, nearest first
    double *most_from, *least_to; // pairs in between are not among them
    ag_log *log;
} ag_summary;

// Some rows of a tile, from row alpha `first` on; NaN where there is no pair, and up to the next multiple of 8 columns.
typedef struct {
    const double *r;
    const uint32_t *days;
    size_t step, days_step, first, count, columns;
} ag_rows;

// Takes rows into the summaries of their own alphas and of the column alphas; and, unless NULL, into the edges.
void ag_reduce(
    const ag_rows *rows, const ag_summary *row, const ag_summary *column, int32_t median_only, ag_edge_log *edges);

// What `ag_reduce` does without vectors and edges: its slow twin. Whether this CPU has the fast one.
void ag_reduce_plain(const ag_rows *rows, const ag_summary *row, const ag_summary *column, int32_t median_only);
int32_t ag_has_vector_reduce(void);

// --- select.c: order statistics ---

// The value that sorting n values without NaN would put at `position` < n; `scratch` has room for n.
double ag_select_f64(const double *values, size_t n, size_t position, double *scratch);
float ag_select_f32(const float *values, size_t n, size_t position, float *scratch);

// Packs the values from low to high to the front, in their order; returns how many they are, and in *below how many were
// smaller.
size_t ag_select_f64_keep(double *values, size_t n, double low, double high, size_t *below);
size_t ag_select_f32_keep(float *values, size_t n, float low, float high, size_t *below);

// --- tile.c: one tile ---

// When a fast kernel's r is taken, and what becomes of it.
typedef struct {
    uint32_t min_overlap;
    int32_t rounds_to_float;  // the compute precision is float32
    double offset_limit;      // largest (mean - centre)^2 / variance, summed over both sides, with a good enough bound
    double variance_min;      // smaller sums of squared deviations may have lost bits to underflow
    double near_one;          // larger |r| may be exactly 1
} ag_rule;

// The matrix product of a tile, double or float, and the sums of either side over the other's days. Sums that a block
// without missing days makes unnecessary are NULL; `xy` is NULL when no pair needs products. With `standard`, `xy`
// holds z_i . z_j and there are no sums.
typedef struct {
    const void *xy;
    const double *x, *y, *xx, *yy;
    int32_t is_float, standard;
} ag_products;

typedef struct {
    const ag_block *row, *column;
    int32_t diagonal;  // only pairs i < j
    ag_rule rule;
    uint32_t *days;
    double *rows;             // scratch: 8 x step
    size_t step;              // edge rounded up to a multiple of 8
    double *pair_x, *pair_y;  // scratch: days of the panel + 8 each
} ag_tile;

// Fills `days`; returns how many pairs the products must serve.
size_t ag_plan_tile(const ag_tile *tile);

// The same where all series that count have the same `common` returns.
size_t ag_plan_uniform_tile(const ag_tile *tile, uint32_t common);

// Turns products into correlations, row by row while they are in cache, has the two-pass kernel decide what they
// cannot, and hands each row to the summaries and, unless NULL, to `values` (NaN where undefined, both triangles of a
// diagonal tile alike and its diagonal untouched). Returns how many pairs the two-pass kernel decided.
uint64_t ag_finish_tile(
    const ag_tile *tile, const ag_products *products, const ag_summary *row, const ag_summary *column,
    int32_t median_only, ag_edge_log *edges, double *values);

#endif
