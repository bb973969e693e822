// Sums over lanes, scaling by powers of two and centring, shared by the operands and the two-pass kernel.
//
// Vectors are spelled out where the compiler may not find them in plain code: it must keep NaN apart and must not
// reorder sums. Eight lanes whatever the CPU, so that the bits are the same on all.
#ifndef ALPHAGRID_LANES_H
#define ALPHAGRID_LANES_H

#include "clones.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { AG_LANES = 8 };
typedef double ag_doubles __attribute__((vector_size(8 * AG_LANES)));
typedef float ag_floats __attribute__((vector_size(4 * AG_LANES)));
typedef int64_t ag_masks __attribute__((vector_size(8 * AG_LANES)));

// Macros, since passing such vectors to a function is an ABI question even where it is inlined.
#define AG_CHOOSE(mask, yes, no) ((ag_doubles)(((mask) & (ag_masks)(yes)) | (~(mask) & (ag_masks)(no))))
#define AG_ADD_LANES(s) ((((s)[0] + (s)[4]) + ((s)[2] + (s)[6])) + (((s)[1] + (s)[5]) + ((s)[3] + (s)[7])))
#define AG_LOAD(vector, pointer) memcpy(&(vector), (pointer), sizeof(vector))

AG_INLINE size_t ag_padded(size_t n) { return (n + AG_LANES - 1) / AG_LANES * AG_LANES; }

// The power of two that brings a magnitude into [1/2, 1), so that neither squares nor products of squares overflow
// or underflow; multiplying by it is exact.
AG_INLINE double ag_scale_for(double magnitude) {
    if (magnitude == 0) return 1;
    uint64_t bits;
    memcpy(&bits, &magnitude, 8);
    int64_t exponent = (int64_t)(bits >> 52 & 0x7FF) - 1022;
    if (exponent > 1000) exponent = 1000;
    if (exponent < -1000) exponent = -1000;
    bits = (uint64_t)(1023 - exponent) << 52;
    double scale;
    memcpy(&scale, &bits, 8);
    return scale;
}

// Sum of x[0..<padded]; padded is a multiple of AG_LANES.
AG_INLINE double ag_sum(const double *x, size_t padded) {
    ag_doubles s = {0}, v;
    for (size_t t = 0; t < padded; t += AG_LANES) {
        AG_LOAD(v, x + t);
        s += v;
    }
    return AG_ADD_LANES(s);
}

// Sum of x * y, likewise.
AG_INLINE double ag_dot(const double *x, const double *y, size_t padded) {
    ag_doubles s = {0}, v, w;
    for (size_t t = 0; t < padded; t += AG_LANES) {
        AG_LOAD(v, x + t);
        AG_LOAD(w, y + t);
        s += v * w;
    }
    return AG_ADD_LANES(s);
}

// Scales x by a power of two and takes its mean off, twice: the second time removes what rounding left of the first,
// which is as large as the deviations themselves when the mean is 1e15 of them. x has room for AG_LANES more, which
// become zeros.
AG_INLINE void ag_centre(double *x, size_t n, double scale) {
    size_t padded = ag_padded(n);
    for (size_t t = 0; t < n; t++) x[t] *= scale;
    for (size_t t = n; t < padded; t++) x[t] = 0;
    for (int pass = 0; pass < 2; pass++) {
        double mean = ag_sum(x, padded) / (double)n;
        for (size_t t = 0; t < n; t++) x[t] -= mean;
    }
}

// Eight vectors of eight, of any type, become their columns.
#define AG_PAIRS(x, y) __builtin_shufflevector(x, y, 0, 8, 2, 10, 4, 12, 6, 14)
#define AG_ODD_PAIRS(x, y) __builtin_shufflevector(x, y, 1, 9, 3, 11, 5, 13, 7, 15)
#define AG_QUADS(x, y) __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13)
#define AG_ODD_QUADS(x, y) __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15)
#define AG_LOWS(x, y) __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11)
#define AG_HIGHS(x, y) __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15)
#define AG_TRANSPOSE(r)                                                                                                \
    do {                                                                                                               \
        __typeof__((r)[0]) p_[8], q_[8];                                                                               \
        for (int k_ = 0; k_ < 8; k_ += 2) {                                                                            \
            p_[k_] = AG_PAIRS((r)[k_], (r)[k_ + 1]);                                                                   \
            p_[k_ + 1] = AG_ODD_PAIRS((r)[k_], (r)[k_ + 1]);                                                           \
        }                                                                                                              \
        for (int k_ = 0; k_ < 8; k_ += 4) {                                                                            \
            q_[k_] = AG_QUADS(p_[k_], p_[k_ + 2]);                                                                     \
            q_[k_ + 1] = AG_QUADS(p_[k_ + 1], p_[k_ + 3]);                                                             \
            q_[k_ + 2] = AG_ODD_QUADS(p_[k_], p_[k_ + 2]);                                                             \
            q_[k_ + 3] = AG_ODD_QUADS(p_[k_ + 1], p_[k_ + 3]);                                                         \
        }                                                                                                              \
        for (int k_ = 0; k_ < 4; k_++) {                                                                               \
            (r)[k_] = AG_LOWS(q_[k_], q_[k_ + 4]);                                                                     \
            (r)[k_ + 4] = AG_HIGHS(q_[k_], q_[k_ + 4]);                                                                \
        }                                                                                                              \
    } while (0)

#endif
