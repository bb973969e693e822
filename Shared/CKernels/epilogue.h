// What the versions of the epilogue share.
#ifndef ALPHAGRID_EPILOGUE_H
#define ALPHAGRID_EPILOGUE_H

#include "ckernels.h"

#define AG_FIXED_SCALE 0x1p40
#define AG_FIXED_MAGIC 0x1.8p52

#if defined(__x86_64__)
#define AG_VECTOR_REDUCE 1
void ag_reduce_avx512(const ag_rows *rows, const ag_summary *row, const ag_summary *column, int32_t median_only);
#endif

// Takes a pair that may be among the nearest neighbours of an alpha, at either end.
void ag_take_extreme(const ag_summary *summary, size_t alpha, double r, uint32_t rank, uint32_t days);

#endif
