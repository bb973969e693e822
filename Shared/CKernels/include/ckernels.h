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
//   row       one series of an operand on its own: day t at [t].
//   tile      row-major: pair (i of the row block, j of the column block) at [i * step + j]; step is `edge` rounded up to
//             16, and there are as many rows.
//   days      uint32_t at [i * edge + j]: common returns of each pair; AG_PAIRWISE is set while the pair's own are not
//             yet known.
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
    size_t live;               // alphas with returns that count
    const double *returns;     // operand layout, NaN where missing: what the two-pass kernel reads
    const uint64_t *bits;      // which returns count; none of a series that is constant as a whole
    const uint32_t *counts;    // how many that is, 0 also for padding
    const double *tolerance;   // returns that differ by no more than this are constant

    // From here on only where the series of two blocks have returns on different days.
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

// What is known of a series, and what its operands are made with: x = (return - centre) * scale.
typedef struct {
    double low, high;
    uint32_t count;  // returns that count; 0 when there are fewer than two or they are constant
    double centre, scale, constancy;
} ag_survey;

// --- series.c: from returns to operands, once per block ---

// The differences of a series without missing values, from day `from` >= 1 on; returns 0, and does nothing, when one is
// missing.
int32_t ag_complete_returns(const double *cumulative, size_t days, size_t from, double *returns);

// Finds bits, count and range; days beyond `days` become NaN.
void ag_survey_returns(
    double *returns, size_t days, size_t depth, double tolerance, uint64_t *bits, ag_survey *survey);

// Finds centre (the median of a sample, which few ticks cannot move), scale (a power of two: the largest |x| is in
// [1/2, 1)) and constancy of a series that counts.
void ag_centre_series(const double *returns, const uint64_t *bits, size_t words, double tolerance, ag_survey *survey);

// Fills x of one series that counts, rounded to float where the operands are; and sums of x and x^2, each with at most
// 16 + words roundings in a chain.
void ag_fill_centred(
    const double *returns, size_t depth, const ag_survey *survey, int32_t is_float, double *x, double *sum,
    double *squares);

// Fills z of one series that counts: the series minus its mean over the root of its sum of squared deviations, so that
// r = z_i . z_j. `scratch` has room for `depth` + 8.
void ag_fill_standard(
    const double *returns, const uint64_t *bits, size_t depth, const ag_survey *survey, double *scratch, double *z);

// Makes a strip of 16 rows.
void ag_fill_strip_f64(const double *rows, size_t depth, double *strip);
void ag_fill_strip_f32(const double *rows, size_t depth, float *strip);

// How the `count` days of one series are written down; `listed` has room for `count` days.
void ag_list_days(
    const uint64_t *bits, size_t words, uint32_t count, uint16_t *listed, size_t *listed_count, uint32_t *start,
    uint32_t *end, uint8_t *lists_returns);

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

// Copies the elements of a and b whose bits are set in both to x and y, which have room for 8 more than there can be;
// returns how many; and its slow twin.
size_t ag_gather(
    const double *a, const double *b, const uint64_t *bits_a, const uint64_t *bits_b, size_t words, double *x, double *y);
size_t ag_gather_plain(
    const double *a, const double *b, const uint64_t *bits_a, const uint64_t *bits_b, size_t words, double *x, double *y);

// r over the returns both series have; sets *days.
double ag_pair_of_returns(
    const ag_block *a, size_t i, const ag_block *b, size_t j, double *scratch_x, double *scratch_y, uint32_t *days);

// r over the returns between the dates both series have, for the conventions defined per pair; sets *days.
// The scratch buffers have room for the panel's days + 8.
double ag_pair_of_common_dates(
    const ag_block *a, size_t i, const ag_block *b, size_t j, double *scratch_x, double *scratch_y, uint32_t *days);

// --- memory.c ---

// Has the C library keep up to `bytes` of freed memory at the end of an arena, and pieces of less than half of that in arenas.
void ag_keep_freed(size_t bytes);

// --- product.c: the matrix product of a tile ---

enum { AG_PRODUCT_ROWS = 8 };

// out = rows * columns', whole strips of both, zero where they are padded; below the diagonal of a diagonal tile
// anything. Sums over `panel` days are made first and then added up, so that chains stay short.
typedef struct {
    const void *rows, *columns;        // strips, double or float
    size_t depth, days, panel;         // days beyond `days` are left out
    size_t row_count, column_count;    // real series
    size_t step;
    int32_t is_float, diagonal;
} ag_product;

// Whether this CPU has the instructions `ag_multiply` is made of, and its slow twin, with the same bits.
int32_t ag_has_vector_product(void);
void ag_multiply(const ag_product *product, void *out);
void ag_multiply_plain(const ag_product *product, void *out);

// --- epilogue.c: from correlations to mergeable summaries ---

// Values that fall inside their alpha's bracket, line after line: how many each line had is in `counts`.
typedef struct {
    void *values;  // double or float
    uint32_t *counts;
    size_t count, bytes_capacity, lines, lines_capacity;
} ag_log;

// Makes room for more lines with at most `values` values in all.
void ag_log_reserve(ag_log *log, int32_t is_float, size_t lines, size_t values);
void ag_log_free(ag_log *log);

// A pair among the nearest neighbours of an alpha; rank UINT32_MAX, and r infinite, where there is none yet.
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

// Running summaries of the alphas of one block, one element per alpha (see CorrelationPartial.Block).
typedef struct {
    int64_t *sum;
    uint32_t *count, *below;
    const uint32_t *rank;
    const double *low, *high;
    size_t kept;                  // neighbours at each end
    ag_neighbour *most, *least;   // `kept` per alpha, nearest first; -infinity and infinity where empty
    double *most_from, *least_to; // pairs in between are not among them
    ag_log *log;                  // every tile adds a line per alpha, for its rows and then for its columns
    int32_t is_float;             // the type of correlations
} ag_summary;

// The correlations of one alpha with the alphas of a block, double or float; NaN where there is no pair, and up to the
// next multiple of 16.
typedef struct {
    const void *r;
    size_t count;
    const uint32_t *ranks;  // of the partners
    const uint32_t *days;   // common returns with partner j at [j * days_step]; NULL when they are `common` for all
    size_t days_step;
    uint32_t common;
} ag_line;

// Takes a line into the summary of its alpha; the log has room for it.
void ag_reduce_line(const ag_line *line, const ag_summary *summary, size_t alpha, int32_t median_only);

// What `ag_reduce_line` does without vectors: its slow twin. Whether this CPU has the fast one.
void ag_reduce_line_plain(const ag_line *line, const ag_summary *summary, size_t alpha, int32_t median_only);
int32_t ag_has_vector_reduce(void);

// Takes the pairs of a line into the edges; `rank` is that of the line's alpha.
void ag_find_edges(const ag_line *line, int32_t is_float, uint32_t rank, ag_edge_log *log);

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
    double offset_limit;      // largest (mean - centre)^2 / variance, summed over both sides, with a good enough bound
    double variance_min;      // smaller sums of squared deviations may have lost bits to underflow
    double near_one;          // larger |r| may be exactly 1
} ag_rule;

// The matrix product of a tile, and the sums of either side over the other's days. Sums that a block without missing
// days makes unnecessary are NULL. With `standard`, the product is z_i . z_j and there are no sums.
typedef struct {
    const double *x, *y, *xx, *yy;
    int32_t is_made, standard;
} ag_products;

typedef struct {
    const ag_block *row, *column;
    int32_t is_float;
    int32_t diagonal;  // only pairs i < j
    ag_rule rule;
    uint32_t *days;           // NULL when all series that count have the same `common` returns
    uint32_t common;
    void *values;             // a tile, double or float: the product, which becomes the correlations
    size_t step;
    double *scratch;          // 24 x step
    double *pair_x, *pair_y;  // scratch: days of the panel + 8 each
} ag_tile;

// What the two-pass kernel decided of a tile: so many pairs, and the common returns of them all.
typedef struct {
    uint64_t pairs, days;
} ag_decided;

// Fills `days`; returns how many pairs the products must serve.
size_t ag_plan_tile(const ag_tile *tile);

// Turns the product into correlations, NaN where undefined, on or below the diagonal, or padding; has the two-pass
// kernel decide what it cannot; and, unless they are NULL, hands every row to the summaries of the row block, the edges,
// and every column to the summaries of the column block.
ag_decided ag_finish_tile(
    const ag_tile *tile, const ag_products *products, const ag_summary *row, const ag_summary *column,
    int32_t median_only, ag_edge_log *edges);

#endif
