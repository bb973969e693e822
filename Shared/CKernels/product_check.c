#include "product_check.h"
#include "ckernels.h"
#include "clones.h"

#include <math.h>
#include <string.h>

void ag_check_signs(uint64_t seed, size_t count, double *signs) {
    for (size_t i = 0; i < count; i++) {
        uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        signs[i] = z >> 63 ? -1 : 1;
    }
}

#define SUMS(NAME, TYPE)                                                                                               \
    AG_CLONES static void NAME##_strips(                                                                               \
        const TYPE *x, size_t edge, size_t depth, const double *restrict signs, double *restrict sums,                 \
        double *restrict squares) {                                                                                    \
        for (size_t first = 0; first < edge; first += AG_STRIP, x += depth * AG_STRIP) {                               \
            size_t lanes = edge - first < AG_STRIP ? edge - first : AG_STRIP;                                          \
            double sign[AG_STRIP] = {0}, square[AG_STRIP] = {0};                                                       \
            memcpy(sign, signs + first, lanes * sizeof *sign);                                                         \
            for (size_t t = 0; t < depth; t++) {                                                                       \
                const TYPE *day = x + t * AG_STRIP;                                                                    \
                double part[8];                                                                                        \
                for (size_t l = 0; l < 8; l++) {                                                                       \
                    double low = day[l], high = day[l + 8];                                                            \
                    part[l] = sign[l] * low + sign[l + 8] * high;                                                      \
                    square[l] += low * low;                                                                            \
                    square[l + 8] += high * high;                                                                      \
                }                                                                                                      \
                sums[t] += ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));  \
            }                                                                                                          \
            memcpy(squares + first, square, lanes * sizeof *square);                                                   \
        }                                                                                                              \
    }                                                                                                                  \
    AG_CLONES static void NAME##_rows(                                                                                 \
        const TYPE *x, size_t edge, size_t depth, const double *restrict signs, double *restrict sums,                 \
        double *restrict squares) {                                                                                    \
        for (size_t i = 0; i < edge; i++, x += depth) {                                                                \
            double sign = signs[i], square[8] = {0};                                                                   \
            for (size_t t = 0; t < depth; t++) sums[t] += sign * (double)x[t];                                         \
            for (size_t t = 0; t + 8 <= depth; t += 8)                                                                 \
                for (size_t l = 0; l < 8; l++) square[l] += (double)x[t + l] * (double)x[t + l];                       \
            for (size_t l = 1; l < 8; l++) square[0] += square[l];                                                     \
            squares[i] = square[0];                                                                                    \
        }                                                                                                              \
    }

SUMS(sums_f32, float)
SUMS(sums_f64, double)

void ag_check_sums(const ag_operand *o, const double *signs, double *sums, double *squares) {
    memset(sums, 0, o->depth * sizeof *sums);
    if (o->is_float && o->in_strips) sums_f32_strips(o->values, o->edge, o->depth, signs, sums, squares);
    else if (o->is_float) sums_f32_rows(o->values, o->edge, o->depth, signs, sums, squares);
    else if (o->in_strips) sums_f64_strips(o->values, o->edge, o->depth, signs, sums, squares);
    else sums_f64_rows(o->values, o->edge, o->depth, signs, sums, squares);
}

AG_CLONES double ag_check_dot(const double *a, const double *b, size_t count) {
    double sum[8] = {0};
    size_t t = 0;
    for (; t + 8 <= count; t += 8)
        for (size_t l = 0; l < 8; l++) sum[l] += a[t + l] * b[t + l];
    for (; t < count; t++) sum[0] += a[t] * b[t];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

// Rows are added into one accumulator per column of a stretch that stays in registers.
#define SIGNED_SUM(NAME, TYPE)                                                                                         \
    AG_CLONES static double NAME(                                                                                      \
        const TYPE *values, size_t step, size_t rows, size_t columns, int32_t diagonal, const double *u,               \
        const double *v) {                                                                                             \
        double total = 0;                                                                                              \
        for (size_t i = 0; i < rows; i++, values += step) {                                                            \
            size_t j = diagonal ? i + 1 : 0;                                                                           \
            double sum[32] = {0}, rest = 0;                                                                            \
            for (; j < columns && j % 32 != 0; j++) rest += v[j] * (double)values[j];                                  \
            for (; j + 32 <= columns; j += 32)                                                                         \
                for (size_t l = 0; l < 32; l++) sum[l] += v[j + l] * (double)values[j + l];                            \
            for (; j < columns; j++) rest += v[j] * (double)values[j];                                                 \
            for (size_t l = 0; l < 32; l++) rest += sum[l];                                                            \
            total += u[i] * rest;                                                                                      \
        }                                                                                                              \
        return total;                                                                                                  \
    }

SIGNED_SUM(signed_sum_f32, float)
SIGNED_SUM(signed_sum_f64, double)

double ag_signed_sum(
    const void *values, size_t step, size_t rows, size_t columns, int32_t is_float, int32_t diagonal, const double *u,
    const double *v) {
    return is_float ? signed_sum_f32(values, step, rows, columns, diagonal, u, v)
                    : signed_sum_f64(values, step, rows, columns, diagonal, u, v);
}

static inline double value_at(const void *values, int32_t is_float, size_t at) {
    return is_float ? ((const float *)values)[at] : ((const double *)values)[at];
}

// Comparisons are written so that NaN and infinity fail them.
size_t ag_wrong_diagonal(
    const void *values, size_t step, size_t count, int32_t is_float, const double *squares, double error) {
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++)
        wrong += !(fabs(value_at(values, is_float, i * step + i) - squares[i]) <= error * squares[i]);
    return wrong;
}

// Squares of both sides are compared, which saves a root per pair. A square of 16 x 16 at a time stays in the fastest cache.
size_t ag_asymmetric_pairs(
    const void *values, size_t step, size_t count, int32_t is_float, const double *squares, double error) {
    size_t wrong = 0;
    for (size_t row = 0; row < count; row += 16)
        for (size_t column = row; column < count; column += 16)
            for (size_t i = row; i < count && i < row + 16; i++) {
                const double limit = error * error * squares[i];
                for (size_t j = column > i ? column : i + 1; j < count && j < column + 16; j++) {
                    double d = value_at(values, is_float, i * step + j) - value_at(values, is_float, j * step + i);
                    wrong += !(d * d <= limit * squares[j]);
                }
            }
    return wrong;
}
