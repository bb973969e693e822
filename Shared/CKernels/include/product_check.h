// Sums that tell whether a matrix product is right, for a small part of its cost.
//
// With signs u and v of +1 and -1, the sum of u_i v_j c_ij over a product c = x y' is (sum of u_i x_i) . (sum of v_j y_j):
// a wrong value anywhere in c, or a bit of x or y that has changed since the sums were made, makes the two sides differ.
#ifndef ALPHAGRID_PRODUCT_CHECK_H
#define ALPHAGRID_PRODUCT_CHECK_H

#include <stddef.h>
#include <stdint.h>

// One operand as a product reads it: strips of 16 series, or one series after the other.
typedef struct {
    const void *values;  // double or float
    size_t edge, depth;
    int32_t is_float, in_strips;
} ag_operand;

// `count` signs that look random and are the same for the same seed.
void ag_check_signs(uint64_t seed, size_t count, double *signs);

// sums[t] = sum of signs_i x_it, `depth` of them, and squares[i] = sum of x_it^2, `edge` of them. The same operand gives
// the same bits.
void ag_check_sums(const ag_operand *operand, const double *signs, double *sums, double *squares);

// a . b of `count` values.
double ag_check_dot(const double *a, const double *b, size_t count);

// The sum of u_i v_j c_ij over `rows` x `columns` values, rows `step` apart; with `diagonal`, over those above the diagonal.
double ag_signed_sum(
    const void *values, size_t step, size_t rows, size_t columns, int32_t is_float, int32_t diagonal, const double *u,
    const double *v);

// How many c_ii, of `count`, differ from squares_i by more than `error` times that; NaN and infinity do.
size_t ag_wrong_diagonal(
    const void *values, size_t step, size_t count, int32_t is_float, const double *squares, double error);

// How many pairs i < j have c_ij and c_ji further apart than `error` times the root of squares_i squares_j.
size_t ag_asymmetric_pairs(
    const void *values, size_t step, size_t count, int32_t is_float, const double *squares, double error);

#endif
