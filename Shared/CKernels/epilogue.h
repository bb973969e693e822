// What the versions of the epilogue share.
#ifndef ALPHAGRID_EPILOGUE_H
#define ALPHAGRID_EPILOGUE_H

#include "ckernels.h"
#include "clones.h"

#include <math.h>

#define AG_FIXED_SCALE 0x1p40
#define AG_FIXED_MAGIC 0x1.8p52

#if defined(__x86_64__)
#define AG_VECTOR_REDUCE 1
void ag_reduce_line_avx512_f32(const ag_line *line, const ag_summary *summary, size_t alpha, int32_t median_only);
void ag_reduce_line_avx512_f64(const ag_line *line, const ag_summary *summary, size_t alpha, int32_t median_only);
#endif

// Takes the pair with partner j of the line if it is among the nearest neighbours of an alpha, at one end.
void ag_take_most(const ag_line *line, const ag_summary *summary, size_t alpha, size_t j, double r);
void ag_take_least(const ag_line *line, const ag_summary *summary, size_t alpha, size_t j, double r);

// The smallest float that is not below a bound, and the largest that is not above: a float is on the same side of it as
// of the bound.
AG_INLINE float ag_float_from(double bound) {
    float narrow = (float)bound;
    return (double)narrow < bound ? nextafterf(narrow, INFINITY) : narrow;
}

AG_INLINE float ag_float_to(double bound) {
    float narrow = (float)bound;
    return (double)narrow > bound ? nextafterf(narrow, -INFINITY) : narrow;
}

#endif
