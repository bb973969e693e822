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

#endif
