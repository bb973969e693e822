// One series against all of a pool: sums over the days both have, in one pass over the pool, and what can be said of r
// from them. Bound by memory: 4 bytes per alpha and day.
//
// MEMORY LAYOUT
//   row       `depth` floats of one alpha: (return - centre) * scale on each kept day, NaN where it has none, and padding.
//   depth     number of kept days rounded up to 16.
//   presence  bit set of the panel days on which a series has a value; bit t % 64 of word t / 64.
#ifndef ALPHAGRID_CANDIDATE_H
#define ALPHAGRID_CANDIDATE_H

#include <stddef.h>
#include <stdint.h>

// Some alphas of a pool; the arrays are 64-byte aligned where the first of them is alpha 0.
typedef struct {
    size_t count, depth;
    const float *rows;
    const double *constancy;  // see ag_survey
    // Only for the conventions that are defined per pair; else NULL and 0.
    const uint64_t *presence;
    size_t presence_words;
    size_t first_kept;  // panel day of kept day 0
} ag_pool_rows;

// A candidate's returns y, centred and scaled like a row, `depth` of each; zeros where there is none.
typedef struct {
    const double *y;
    const uint64_t *mask;  // all ones where there is a return
    double constancy;
    const uint64_t *presence;
} ag_candidate;

// Writes a row; one of NaN for an alpha of which no return counts (`count` of its survey is 0).
void ag_fill_row(const double *returns, size_t days, size_t depth, double centre, double scale, uint32_t count, float *row);

// r of each alpha with the candidate, and how far at most it is from the exact one:
//   r a number, error finite: a defined pair
//   r NaN, error 0:           an undefined one: fewer than `min_overlap` common returns
//   r NaN, error infinite:    not to be had from sums, but from the returns themselves
void ag_screen(
    const ag_pool_rows *pool, const ag_candidate *candidate, uint32_t min_overlap, double *r, double *error);

#endif
