// Convolutions of images [n, h, w, ci] with kernels [k, k, ci, co], float32, and their gradients.
#ifndef LAYERWISE_CONV_H
#define LAYERWISE_CONV_H

#include <stddef.h>
#include <stdint.h>

// lw_shape is one convolution; the result is [n, oh, ow, co]. The same number of zeros lies above and to the left of an image; below and to
// the right lie as many as the result needs.
typedef struct {
    int64_t n, h, w, ci, k, co, oh, ow, stride, pad;
} lw_shape;

enum { LW_LARGEST = 1 << 30 }; // numbers of a padded image at most

// lw_piece is a run of numbers that lie side by side in an image and meet a run of weights.
typedef struct {
    int32_t at, length;
} lw_piece;

// lw_line is where a row of pixels begins, in x and in a panel of dy.
typedef struct {
    const float *x, *dy;
} lw_line;

// lw_kernels are the innermost loops for one set of instructions. A panel is 2·lanes columns wide, or lanes where that is enough.
typedef struct {
    int lanes, rows;
    void (*tile)(int rows, int columns, const float *src, const int32_t *at, const lw_piece *piece, int pieces, const float *w, float *dst,
                 const int32_t *to, int add);
    void (*outer_tile)(int rows, int columns, const lw_line *line, int lines, long x_at, long x_step, long pixels, float *dst, long to);
} lw_kernels;

extern const lw_kernels lw_kernels_avx2, lw_kernels_avx512, lw_kernels_wide;

// lw_share runs work(arg, i) for every i below n, on as many threads as there are. What i computes must depend on nothing but i.
typedef void lw_work(void *arg, int64_t i);
typedef struct lw_crew {
    void (*share)(const struct lw_crew *crew, int64_t n, lw_work *work, void *arg);
    const void *with;
} lw_crew;

void lw_alone(const lw_crew *crew, int64_t n, lw_work *work, void *arg);

// Each returns 0, or 1 where there is no memory.
int lw_forward(const lw_kernels *k, const lw_crew *crew, const lw_shape *s, const float *x, const float *w, float *y);
int lw_input_gradient(const lw_kernels *k, const lw_crew *crew, const lw_shape *s, const float *dy, const float *w, float *dx);
int lw_weight_gradient(const lw_kernels *k, const lw_crew *crew, const lw_shape *s, const float *x, const float *dy, float *dw);

// Memory for intermediate results, aligned to a page and kept for the next one who asks. NULL where there is none.
void *lw_take(size_t bytes);
void lw_give(void *memory);

#endif
