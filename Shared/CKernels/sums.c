#include "ckernels.h"
#include "clones.h"
#include "lanes.h"

#include <math.h>
#include <string.h>

// Sums of x and x^2 of one block's series over the days of the other block's, without a matrix product.
//
// A series has returns on nearly all days between its first and its last. So a sum over the days of series j is the
// difference of two running sums, those before j's last and before j's first day, less the few days that j lacks
// between them. One pass over the days, for a strip of 16 series at a time, serves all j of the other block.
//
// EXACTNESS
//   Running sums must not remember what lies outside the overlap: one day of 10^8 sigma would leave its rounding in
//   every difference. So each term is split, x = a + b, where a is x rounded to a multiple of 2^-q that is so large
//   that sums of a are exact in double: T days of |x| <= 1 add up to at most T 2^q multiples, and q is chosen so that
//   this is below 2^52. Differences of the sums of a are exact, too. What is left of b is below 2^-q-1 each, so
//   their running sums carry an absolute error below T^2 2^-53 2^-q-1, which `ag_sums_floor` states.
//
//   Lacking days are added up in groups of 32, so that no chain of additions is longer than 32 plus the number of
//   groups, c roundings in all, and taken off at the end. That is as exact as the other sums unless the lacking days
//   weigh much more than those that are left: where their sum of squares exceeds K times what is left, with K such
//   that both c 2^-53 (1 + K) and, for the sum of x, c 2^-53 sqrt(g K / n) stay below the error that is wanted
//   (g lacking days of n common ones), the squares become NaN, and the pair goes to the two-pass kernel.

enum { STRIP = AG_STRIP, GROUP = 32 };

// What one strip has for one series of the other block.
typedef struct {
    double sum[STRIP], squares[STRIP];
    double before[4][STRIP];  // the four running sums before the first day
} strip_sums;

// Many series begin and end on the same days, most of them with the panel, and have the same sums until days are
// corrected. For all strips alike: whose `before` a series takes, whose differences it copies, and whose sums are its
// own in the end. A series is its own source where days are listed for it.
typedef struct {
    uint32_t begins, differs, source, shared;
} shared_sums;

size_t ag_sums_room(size_t edge) { return edge * (sizeof(strip_sums) + sizeof(shared_sums)) / sizeof(double); }

static void find_shared(const ag_block *other, shared_sums *shared) {
    const uint32_t nobody = UINT32_MAX;
    for (size_t k = 0; k < other->alphas; k++) {
        uint32_t j = other->by_start[k], before = k > 0 ? other->by_start[k - 1] : j;
        shared[j].begins = other->run_start[before] == other->run_start[j] && k > 0 ? shared[before].begins : j;
        shared[j].shared = nobody;
    }
    for (size_t k = 0; k < other->alphas; k++) {
        uint32_t j = other->by_end[k], known = shared[shared[j].begins].shared;
        int listed = other->listed_from[j + 1] > other->listed_from[j];
        if (known != nobody && other->run_end[known] == other->run_end[j]) {
            shared[j].differs = known;
            shared[j].source = listed ? j : known;
        } else {
            shared[j].differs = shared[j].source = j;
            if (!listed) shared[shared[j].begins].shared = j;
        }
    }
}

static double splitter(size_t depth) {
    int log2_days = 64 - __builtin_clzll((unsigned long long)depth);
    return ldexp(0x1.8p52, log2_days - 52);
}

double ag_sums_floor(size_t depth) {
    int log2_days = 64 - __builtin_clzll((unsigned long long)depth);
    return (double)depth * (double)depth * ldexp(1, -53 + log2_days - 52);
}

// Half h of the 16 series of a strip on day t, as doubles.
#define LOAD_DAY(x, strip, is_float, t, h)                                                                             \
    do {                                                                                                               \
        if (is_float) {                                                                                                \
            ag_floats narrow;                                                                                          \
            memcpy(&narrow, (const float *)(strip) + (t) * STRIP + (h) * AG_LANES, sizeof narrow);                     \
            (x) = __builtin_convertvector(narrow, ag_doubles);                                                         \
        } else {                                                                                                       \
            AG_LOAD(x, (const double *)(strip) + (t) * STRIP + (h) * AG_LANES);                                        \
        }                                                                                                              \
    } while (0)

#define STORE(pointer, vector) memcpy((pointer), &(vector), sizeof(vector))

// Both halves of a strip are gone through together: the day's values lie side by side, and twice as many sums are under way.
enum { HALVES = STRIP / AG_LANES };
#define EACH_HALF _Pragma("clang loop unroll(full)") for (size_t h = 0; h < HALVES; h++)

// The differences of running sums: the pass over the days stops wherever a series of the other block begins or ends.
AG_INLINE void sweep(
    const void *strip, int is_float, double split, const ag_block *other, const shared_sums *shared, strip_sums *room) {
    ag_doubles a[HALVES] = {0}, b[HALVES] = {0}, aa[HALVES] = {0}, bb[HALVES] = {0};
    size_t begun = 0, ended = 0, t = 0;
    while (ended < other->alphas) {
        size_t j = other->by_end[ended], day = other->run_end[j];
        int begins = 0;
        if (begun < other->alphas && other->run_start[other->by_start[begun]] < day) {
            j = other->by_start[begun++];
            if (shared[j].begins != j) continue;
            day = other->run_start[j];
            begins = 1;
        } else {
            ended++;
            if (shared[j].source != j) continue;
        }
        for (; t < day; t++) {
            EACH_HALF {
                ag_doubles x;
                LOAD_DAY(x, strip, is_float, t, h);
                ag_doubles coarse = (x + split) - split;
                a[h] += coarse;
                b[h] += x - coarse;
                ag_doubles square = x * x;
                coarse = (square + split) - split;
                aa[h] += coarse;
                bb[h] += square - coarse;
            }
        }
        strip_sums *sums = room + j;
        EACH_HALF {
            const size_t at = h * AG_LANES;
            if (begins) {
                STORE(sums->before[0] + at, a[h]);
                STORE(sums->before[1] + at, b[h]);
                STORE(sums->before[2] + at, aa[h]);
                STORE(sums->before[3] + at, bb[h]);
            } else if (other->run_start[j] == other->run_end[j]) {
                ag_doubles none = {0};
                STORE(sums->sum + at, none);
                STORE(sums->squares + at, none);
            } else if (shared[j].differs != j) {
                memcpy(sums->sum + at, room[shared[j].differs].sum + at, sizeof(ag_doubles));
                memcpy(sums->squares + at, room[shared[j].differs].squares + at, sizeof(ag_doubles));
            } else {
                ag_doubles a0, b0, aa0, bb0;
                const strip_sums *begun_with = room + shared[j].begins;
                AG_LOAD(a0, begun_with->before[0] + at);
                AG_LOAD(b0, begun_with->before[1] + at);
                AG_LOAD(aa0, begun_with->before[2] + at);
                AG_LOAD(bb0, begun_with->before[3] + at);
                ag_doubles sum = (a[h] - a0) + (b[h] - b0), squares = (aa[h] - aa0) + (bb[h] - bb0);
                STORE(sums->sum + at, sum);
                STORE(sums->squares + at, squares);
            }
        }
    }
}

// Takes the days off that series j of the other block lacks, or adds those it has where they are listed instead.
AG_INLINE void correct(
    const void *strip, int is_float, const ag_block *other, size_t j, double error, double fewest, strip_sums *sums) {
    const size_t from = other->listed_from[j], to = other->listed_from[j + 1];
    const uint16_t *days = other->listed;
    ag_doubles total[HALVES] = {0}, total_squares[HALVES] = {0};
    for (size_t k = from; k < to; k += GROUP) {
        size_t end = k + GROUP < to ? k + GROUP : to;
        ag_doubles group[HALVES] = {0}, group_squares[HALVES] = {0};
        for (size_t l = k; l < end; l++) {
            EACH_HALF {
                ag_doubles x;
                LOAD_DAY(x, strip, is_float, (size_t)days[l], h);
                group[h] += x;
                group_squares[h] += x * x;
            }
        }
        EACH_HALF {
            total[h] += group[h];
            total_squares[h] += group_squares[h];
        }
    }
    EACH_HALF {
        ag_doubles sum, squares;
        AG_LOAD(sum, sums->sum + h * AG_LANES);
        AG_LOAD(squares, sums->squares + h * AG_LANES);
        if (other->lists_returns[j]) {
            sum += total[h];
            squares += total_squares[h];
        } else {
            double count = (double)(to - from), chain = GROUP + 4 + (count / GROUP);
            double roundings = (count < GROUP ? count + 4 : chain) * 0x1p-53;
            double of_squares = error / roundings - 1, of_sum = error / roundings * sqrt(fewest / count);
            double weight = fmin(of_squares, of_sum * of_sum);
            sum -= total[h];
            squares -= total_squares[h];
            // Also where the limit is negative or the squares are NaN already.
            ag_doubles limit = squares * weight, none = {0};
            none += NAN;
            squares = AG_CHOOSE(total_squares[h] <= limit, squares, none);
        }
        STORE(sums->sum + h * AG_LANES, sum);
        STORE(sums->squares + h * AG_LANES, squares);
    }
}

// Eight rows of eight become eight columns.
AG_INLINE void transpose(const double *const *from, size_t at, double *to, size_t to_step) {
    ag_doubles r[8];
    for (int k = 0; k < 8; k++) AG_LOAD(r[k], from[k] + at);
    AG_TRANSPOSE(r);
    for (int k = 0; k < 8; k++) STORE(to + (size_t)k * to_step, r[k]);
}

// Hands a strip's sums over, as rows of the other block's series or, transposed, as rows of its own.
AG_INLINE void emit(
    const strip_sums *room, const shared_sums *shared, size_t count, size_t first, size_t edge, int transposed,
    double *sums, double *squares) {
    const size_t lanes = edge - first < STRIP ? edge - first : STRIP;
    size_t whole = transposed && lanes == STRIP ? count / AG_LANES * AG_LANES : 0;
    for (size_t j = 0; j < whole; j += AG_LANES) {
        const double *of_sums[AG_LANES], *of_squares[AG_LANES];
        for (size_t k = 0; k < AG_LANES; k++) {
            of_sums[k] = room[shared[j + k].source].sum;
            of_squares[k] = room[shared[j + k].source].squares;
        }
        for (size_t half = 0; half < STRIP; half += AG_LANES) {
            size_t at = (first + half) * edge + j;
            transpose(of_sums, half, sums + at, edge);
            transpose(of_squares, half, squares + at, edge);
        }
    }
    for (size_t j = whole; j < count; j++) {
        const strip_sums *found = room + shared[j].source;
        for (size_t l = 0; l < lanes; l++) {
            size_t at = transposed ? (first + l) * edge + j : j * edge + first + l;
            sums[at] = found->sum[l];
            squares[at] = found->squares[l];
        }
    }
}

AG_CLONES void ag_sum_over(
    const ag_block *series, const ag_block *other, int32_t transposed, double error, uint32_t min_overlap, double *room,
    double *sums, double *squares) {
    const double split = splitter(series->depth), fewest = min_overlap < 2 ? 2 : min_overlap;
    const size_t element = series->is_float ? sizeof(float) : sizeof(double);
    strip_sums *strip_room = (strip_sums *)room;
    shared_sums *shared = (shared_sums *)(strip_room + other->alphas);
    find_shared(other, shared);
    for (size_t first = 0; first < series->alphas; first += STRIP) {
        const void *strip = (const char *)series->strips + first * series->depth * element;
        if (series->is_float) {
            sweep(strip, 1, split, other, shared, strip_room);
            for (size_t j = 0; j < other->alphas; j++)
                if (other->listed_from[j + 1] > other->listed_from[j])
                    correct(strip, 1, other, j, error, fewest, strip_room + j);
        } else {
            sweep(strip, 0, split, other, shared, strip_room);
            for (size_t j = 0; j < other->alphas; j++)
                if (other->listed_from[j + 1] > other->listed_from[j])
                    correct(strip, 0, other, j, error, fewest, strip_room + j);
        }
        emit(strip_room, shared, other->alphas, first, series->edge, transposed, sums, squares);
    }
}

void ag_list_days(
    const uint64_t *bits, size_t words, uint32_t count, uint16_t *listed, size_t *listed_count, uint32_t *start,
    uint32_t *end, uint8_t *lists_returns) {
    *start = *end = 0;
    *listed_count = 0;
    *lists_returns = 0;
    if (count == 0) return;
    size_t first = words * 64, last = 0;
    for (size_t w = 0; w < words; w++) {
        if (!bits[w]) continue;
        if (first == words * 64) first = w * 64 + (size_t)__builtin_ctzll(bits[w]);
        last = w * 64 + 63 - (size_t)__builtin_clzll(bits[w]);
    }
    // The shorter list: days it lacks between the first and the last one, or days it has.
    const size_t lacking = last - first + 1 - count;
    *lists_returns = lacking > count;
    if (!*lists_returns) {
        *start = (uint32_t)first;
        *end = (uint32_t)(last + 1);
    }
    for (size_t t = first; t <= last; t++)
        if ((bits[t / 64] >> (t % 64) & 1) == *lists_returns) listed[(*listed_count)++] = (uint16_t)t;
}
