// The innermost loops, written once for every width of vector. A file that includes this one defines LANES, the numbers in a vector, ROWS,
// the rows of a tile, TARGET, the instructions that the compiler may use, and NAME(x), which keeps the variants apart.
//
// A tile is ROWS × 2·LANES sums, held in registers. With few channels a panel has LANES columns only, so that no lane works for nothing.

#include "conv.h"

typedef float NAME(vec) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#define vec NAME(vec)
#define CODE __attribute__((no_sanitize("undefined"))) TARGET // its checks would make the unrolled loops take a minute to compile
#define INLINE static inline __attribute__((always_inline)) CODE

// products adds to sums[rows][vecs] the products of rows that lie anywhere with a panel of weights, piece by piece.
INLINE void NAME(products)(const int rows, const int vecs, const float *src, const int32_t *at, const lw_piece *piece, int pieces,
                           const float *w, float *dst, const int32_t *to, int add) {
    vec sum[ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int j = 0; j < vecs; j++) sum[i][j] = add ? *(const vec *)(dst + to[i] + j * LANES) : (vec){0};
    for (; pieces > 0; pieces--, piece++) {
        const float *x[ROWS];
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) x[i] = src + at[i] + piece->at;
        for (long r = 0; r < piece->length; r++, w += vecs * LANES) {
            vec b[2];
#pragma GCC unroll 2
            for (int j = 0; j < vecs; j++) b[j] = *(const vec *)(w + j * LANES);
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
                for (int j = 0; j < vecs; j++) sum[i][j] += x[i][r] * b[j];
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int j = 0; j < vecs; j++) *(vec *)(dst + to[i] + j * LANES) = sum[i][j];
}

// outer adds to sums[rows][vecs] the outer products of rows numbers of x with a panel of dy, pixel by pixel.
INLINE void NAME(outer)(const int rows, const int vecs, const lw_line *line, int lines, long x_at, long x_step, long pixels, float *dst, long to) {
    vec sum[ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int j = 0; j < vecs; j++) sum[i][j] = *(const vec *)(dst + i * to + j * LANES);
    for (; lines > 0; lines--, line++) {
        const float *x = line->x + x_at, *dy = line->dy;
        for (long p = 0; p < pixels; p++, x += x_step, dy += vecs * LANES) {
            vec b[2];
#pragma GCC unroll 2
            for (int j = 0; j < vecs; j++) b[j] = *(const vec *)(dy + j * LANES);
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
                for (int j = 0; j < vecs; j++) sum[i][j] += x[i] * b[j];
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int j = 0; j < vecs; j++) *(vec *)(dst + i * to + j * LANES) = sum[i][j];
}

#define CASES(f) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8)

static CODE void NAME(tile)(int rows, int columns, const float *src, const int32_t *at, const lw_piece *piece, int pieces, const float *w,
                              float *dst, const int32_t *to, int add) {
#define CASE(n)                                                                                        \
    case n:                                                                                            \
        if (n > ROWS) break;                                                                           \
        if (columns > LANES)                                                                           \
            NAME(products)(n > ROWS ? 1 : n, 2, src, at, piece, pieces, w, dst, to, add);              \
        else                                                                                           \
            NAME(products)(n > ROWS ? 1 : n, 1, src, at, piece, pieces, w, dst, to, add);              \
        return;
    switch (rows) { CASES(CASE) }
#undef CASE
}

static CODE void NAME(outer_tile)(int rows, int columns, const lw_line *line, int lines, long x_at, long x_step, long pixels, float *dst, long to) {
#define CASE(n)                                                                                        \
    case n:                                                                                            \
        if (n > ROWS) break;                                                                           \
        if (columns > LANES)                                                                           \
            NAME(outer)(n > ROWS ? 1 : n, 2, line, lines, x_at, x_step, pixels, dst, to);              \
        else                                                                                           \
            NAME(outer)(n > ROWS ? 1 : n, 1, line, lines, x_at, x_step, pixels, dst, to);              \
        return;
    switch (rows) { CASES(CASE) }
#undef CASE
}

const lw_kernels NAME(lw_kernels) = {LANES, ROWS, NAME(tile), NAME(outer_tile)};

#undef CASES
#undef INLINE
#undef CODE
#undef vec
