// Looks at the single correlations of a tile, line by line: r of one alpha of the row block with those of the column block, as
// doubles, NaN where there is no pair.
#ifndef ALPHAGRID_PAIRS_H
#define ALPHAGRID_PAIRS_H

#include <stddef.h>
#include <stdint.h>

// What a search for the nearest alpha of another component knows of the alphas of a block, and what it has found: the likeness
// of the best partner (-infinity for none) and its rank.
typedef struct {
    const uint32_t *components, *ranks;
    const double *cores;
    double *likeness;
    uint32_t *partners;
} ag_reach;

// The likeness of a pair of different components is the smallest of r and both cores. Keeps the largest of either side, of
// equal ones that of the smaller rank. `scratch` has room for `count` values.
void ag_nearest_outside(
    const double *r, size_t count, const ag_reach *row, size_t i, const ag_reach *column, double *scratch);

// Adds round(sqrt(2 (1 - r)) 2^40) of every pair to the sum of its partner's cluster, and one to the count: for the line's alpha
// by the labels of the columns, and for each column's alpha by that of the line; negative labels are of no cluster. Sums and
// counts have `clusters` places per alpha. `scratch` has room for `count` values.
void ag_distance_sums(
    const double *r, size_t count, int32_t label, const int32_t *labels, size_t clusters, int64_t *row_sums,
    uint32_t *row_counts, int64_t *column_sums, uint32_t *column_counts, int64_t *scratch);

#endif
