//go:build cgo && !noxla && linux && amd64

#include "norm.h"

#include <string.h>


#define TARGET __attribute__((target("avx2,fma")))

typedef float floats __attribute__((vector_size(16), aligned(4), may_alias));
typedef double doubles __attribute__((vector_size(32), aligned(8), may_alias));

enum {
    CHUNKS = 32,   // of rows, each with sums of its own, which are added in order; the same number on every machine
    NUMBERS = 4096 // of a block that is read for one channel after another: it stays in the first-level cache
};

typedef struct {
    const float *a, *b, *mean; // b and mean only for products
    int64_t rows, channels, chunk;
    double *sums; // [chunks, 2, channels]
} sums;

static inline doubles wide(const float *x) TARGET;
static inline doubles wide(const float *x) { return __builtin_convertvector(*(const floats *)x, doubles); }

// add makes Σ a and Σ a² of a chunk of rows, or Σ a and Σ a·(b − mean).
static TARGET void add(void *arg, int64_t i) {
    sums *j = arg;
    int64_t c = j->channels, first = i * j->chunk, last = first + j->chunk < j->rows ? first + j->chunk : j->rows;
    int64_t block = NUMBERS / c > 8 ? NUMBERS / c : 8;
    double *s = j->sums + 2 * i * c, *q = s + c;
    memset(s, 0, sizeof(double) * 2 * c);
    for (int64_t from = first, to; from < last; from = to) {
        to = from + block < last ? from + block : last;
        int64_t k = 0;
        for (; k + 8 <= c; k += 8) {
            doubles s0 = *(doubles *)(s + k), s1 = *(doubles *)(s + k + 4), q0 = *(doubles *)(q + k), q1 = *(doubles *)(q + k + 4);
            if (!j->b) {
                for (int64_t r = from; r < to; r++) {
                    doubles v0 = wide(j->a + r * c + k), v1 = wide(j->a + r * c + k + 4);
                    s0 += v0, s1 += v1, q0 += v0 * v0, q1 += v1 * v1;
                }
            } else {
                doubles m0 = wide(j->mean + k), m1 = wide(j->mean + k + 4);
                for (int64_t r = from; r < to; r++) {
                    doubles v0 = wide(j->a + r * c + k), v1 = wide(j->a + r * c + k + 4);
                    s0 += v0, s1 += v1, q0 += v0 * (wide(j->b + r * c + k) - m0), q1 += v1 * (wide(j->b + r * c + k + 4) - m1);
                }
            }
            *(doubles *)(s + k) = s0, *(doubles *)(s + k + 4) = s1, *(doubles *)(q + k) = q0, *(doubles *)(q + k + 4) = q1;
        }
        for (; k < c; k++)
            for (int64_t r = from; r < to; r++) {
                double v = j->a[r * c + k];
                s[k] += v;
                q[k] += v * (j->b ? (double)j->b[r * c + k] - j->mean[k] : v);
            }
    }
}

// add_up leaves the sums over all chunks in the first.
static int add_up(const lw_crew *crew, sums *j) {
    j->chunk = (j->rows + CHUNKS - 1) / CHUNKS;
    int64_t chunks = (j->rows + j->chunk - 1) / j->chunk;
    j->sums = lw_take(sizeof(double) * 2 * j->channels * chunks);
    if (!j->sums) return 1;
    crew->share(crew, chunks, add, j);
    for (int64_t i = 1; i < chunks; i++)
        for (int64_t k = 0; k < 2 * j->channels; k++) j->sums[k] += j->sums[2 * i * j->channels + k];
    return 0;
}

int lw_moments(const lw_crew *crew, int64_t rows, int64_t channels, const float *x, float *mean, float *variance) {
    sums j = {.a = x, .rows = rows, .channels = channels};
    if (add_up(crew, &j)) return 1;
    for (int64_t k = 0; k < channels; k++) {
        double m = j.sums[k] / rows, v = j.sums[channels + k] / rows - m * m;
        mean[k] = m, variance[k] = v > 0 ? v : 0;
    }
    lw_give(j.sums);
    return 0;
}

int lw_norm_sums(const lw_crew *crew, int64_t rows, int64_t channels, const float *dy, const float *x, const float *mean, float *sum, float *product) {
    sums j = {.a = dy, .b = x, .mean = mean, .rows = rows, .channels = channels};
    if (add_up(crew, &j)) return 1;
    for (int64_t k = 0; k < channels; k++) sum[k] = j.sums[k], product[k] = j.sums[channels + k];
    lw_give(j.sums);
    return 0;
}

