// The matrix product of a tile, straight from the strips of two blocks.
//
// A general matrix product packs both sides into such strips on every call, which at the size of a tile costs 10 to 20 %
// of its time. Here strips are what a block is prepared as, once. Eight rows and three vectors of columns are added up
// in registers over all days of a panel, day after day, so that every pair is one chain of fused operations,
//
//     c_ij = (sum over days of panel 1) + (sum over days of panel 2) + ...,    each sum = fma(a_it, b_jt, sum),
//
// whose bits depend on neither the size of the tile nor the pair's place in it. `ag_multiply_plain` is the slow twin.
#include "ckernels.h"
#include "clones.h"

#include <math.h>

#if defined(__x86_64__)
#define AG_VECTOR_PRODUCT 1
#include <immintrin.h>
#define TARGET __attribute__((target("avx512f")))
#define TARGET_INLINE static inline __attribute__((always_inline, target("avx512f")))
#endif

enum { ROWS = AG_PRODUCT_ROWS, VECTORS = 3 };
#define UNROLLED _Pragma("clang loop unroll(full)") for

#ifdef AG_VECTOR_PRODUCT

// `count` vectors of columns, of which `columns` points to the first day, against ROWS rows. The number of vectors is a
// constant wherever this is inlined, so that all sums stay in registers.
#define MICRO(NAME, TYPE, VECTOR, LANES, P)                                                                            \
    TARGET_INLINE void NAME(                                                                                           \
        const TYPE *const *columns, const TYPE *row, size_t days, TYPE *out, size_t step, int adds, const int count) { \
        VECTOR sum[ROWS][VECTORS];                                                                                     \
        UNROLLED(int i = 0; i < ROWS; i++) UNROLLED(int v = 0; v < count; v++) sum[i][v] = _mm512_setzero_##P();       \
        const TYPE *at[VECTORS];                                                                                       \
        UNROLLED(int v = 0; v < count; v++) at[v] = columns[v];                                                        \
        for (size_t t = 0; t < days; t++) {                                                                            \
            VECTOR x[VECTORS];                                                                                         \
            UNROLLED(int v = 0; v < count; v++) x[v] = _mm512_loadu_##P(at[v] + t * AG_STRIP);                         \
            UNROLLED(int i = 0; i < ROWS; i++) {                                                                       \
                VECTOR y = _mm512_set1_##P(row[t * AG_STRIP + (size_t)i]);                                             \
                UNROLLED(int v = 0; v < count; v++) sum[i][v] = _mm512_fmadd_##P(x[v], y, sum[i][v]);                  \
            }                                                                                                          \
        }                                                                                                              \
        UNROLLED(int i = 0; i < ROWS; i++) UNROLLED(int v = 0; v < count; v++) {                                       \
            TYPE *c = out + (size_t)i * step + (size_t)v * LANES;                                                      \
            if (adds) sum[i][v] = _mm512_add_##P(_mm512_loadu_##P(c), sum[i][v]);                                      \
            _mm512_storeu_##P(c, sum[i][v]);                                                                           \
        }                                                                                                              \
    }

// Some vectors of columns against all rows; of a diagonal tile only the rows that reach above the diagonal.
#define COLUMNS(NAME, TYPE, MICRO, LANES)                                                                              \
    TARGET static void NAME(const ag_product *p, size_t start, size_t days, size_t vector, size_t count, TYPE *out) {  \
        const TYPE *columns[VECTORS];                                                                                  \
        for (size_t v = 0; v < count; v++) {                                                                           \
            size_t a = (vector + v) * LANES;                                                                           \
            columns[v] = (const TYPE *)p->columns + (a / AG_STRIP * p->depth + start) * AG_STRIP + a % AG_STRIP;       \
        }                                                                                                              \
        size_t rows = p->row_count, end = (vector + count) * LANES;                                                    \
        if (p->diagonal && end < rows) rows = end;                                                                     \
        for (size_t i = 0; i < rows; i += ROWS) {                                                                      \
            const TYPE *row = (const TYPE *)p->rows + (i / AG_STRIP * p->depth + start) * AG_STRIP + i % AG_STRIP;     \
            TYPE *c = out + i * p->step + vector * LANES;                                                              \
            if (count == 3) MICRO(columns, row, days, c, p->step, start > 0, 3);                                       \
            else if (count == 2) MICRO(columns, row, days, c, p->step, start > 0, 2);                                  \
            else MICRO(columns, row, days, c, p->step, start > 0, 1);                                                  \
        }                                                                                                              \
    }

#define PRODUCT(NAME, TYPE, COLUMNS, LANES)                                                                            \
    static void NAME(const ag_product *p, TYPE *out) {                                                                 \
        const size_t vectors = (p->column_count + LANES - 1) / LANES;                                                  \
        for (size_t start = 0; start < p->days; start += p->panel) {                                                   \
            size_t days = p->days - start < p->panel ? p->days - start : p->panel;                                     \
            for (size_t v = 0; v < vectors; v += VECTORS)                                                              \
                COLUMNS(p, start, days, v, vectors - v < VECTORS ? vectors - v : VECTORS, out);                        \
        }                                                                                                              \
    }

MICRO(micro_f32, float, __m512, 16, ps)
MICRO(micro_f64, double, __m512d, 8, pd)
COLUMNS(columns_f32, float, micro_f32, 16)
COLUMNS(columns_f64, double, micro_f64, 8)
PRODUCT(product_f32, float, columns_f32, 16)
PRODUCT(product_f64, double, columns_f64, 8)

#endif

int32_t ag_has_vector_product(void) {
#ifdef AG_VECTOR_PRODUCT
    return __builtin_cpu_supports("avx512f") != 0;
#else
    return 0;
#endif
}

void ag_multiply(const ag_product *product, void *out) {
#ifdef AG_VECTOR_PRODUCT
    if (product->is_float) product_f32(product, out);
    else product_f64(product, out);
#else
    ag_multiply_plain(product, out);
#endif
}

#define PLAIN(NAME, TYPE, FMA)                                                                                         \
    static void NAME(const ag_product *p, TYPE *out) {                                                                 \
        for (size_t i = 0; i < p->row_count; i++)                                                                      \
            for (size_t j = p->diagonal ? i : 0; j < p->column_count; j++) {                                           \
                const TYPE *a = (const TYPE *)p->rows + i / AG_STRIP * p->depth * AG_STRIP + i % AG_STRIP;             \
                const TYPE *b = (const TYPE *)p->columns + j / AG_STRIP * p->depth * AG_STRIP + j % AG_STRIP;          \
                TYPE total = 0;                                                                                        \
                for (size_t start = 0; start < p->days; start += p->panel) {                                           \
                    TYPE sum = 0;                                                                                      \
                    for (size_t t = start; t < p->days && t < start + p->panel; t++)                                   \
                        sum = FMA(b[t * AG_STRIP], a[t * AG_STRIP], sum);                                              \
                    total = start > 0 ? total + sum : sum;                                                             \
                }                                                                                                      \
                out[i * p->step + j] = total;                                                                          \
            }                                                                                                          \
    }

PLAIN(plain_f32, float, fmaf)
PLAIN(plain_f64, double, fma)

void ag_multiply_plain(const ag_product *product, void *out) {
    if (product->is_float) plain_f32(product, out);
    else plain_f64(product, out);
}
