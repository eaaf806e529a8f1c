// A program that holds the kernels against direct sums in float64, and the crew against one thread. kernels_test.go builds it with sanitizers.
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "handler.h"
#include "norm.h"

static int failures;

#define EXPECT(ok, ...)                      \
    do {                                     \
        if (!(ok)) {                         \
            printf(__VA_ARGS__), puts("");   \
            failures++;                      \
        }                                    \
    } while (0)

static uint64_t seed = 1;

// draw is uniform in [-1, 1).
static double draw(void) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(int32_t)(seed >> 32) / 2147483648.0;
}

// drawn is exactly n numbers in memory of their own, so that a sanitizer sees what reads beyond.
static float *drawn(int64_t n) {
    float *x = malloc(sizeof(float) * n);
    for (int64_t i = 0; i < n; i++) x[i] = draw();
    return x;
}

// A pool whose threads come late, or not at all: every third errand is refused.
typedef struct {
    void (*task)(void *);
    void *data;
} errand;

static pthread_t threads[4096];
static int started, asked;

static void *carry(void *arg) {
    errand e = *(errand *)arg;
    free(arg);
    e.task(e.data);
    return NULL;
}

static ffi_error *schedule(ffi_schedule *s) {
    if (++asked % 3 == 0 || started == 4096) return (ffi_error *)&asked;
    errand *e = malloc(sizeof *e);
    *e = (errand){s->task, s->data};
    pthread_create(&threads[started++], NULL, carry, e);
    return NULL;
}

static void forgive(ffi_error_destroy *d) { (void)d; }

static const ffi_api api = {.size = sizeof api, .schedule = schedule, .destroy_error = forgive};

static void join(void) {
    while (started) pthread_join(threads[--started], NULL);
}

// error is ‖a − b‖/‖b‖.
static double error(const float *a, const double *b, int64_t n) {
    double d = 0, q = 0;
    for (int64_t i = 0; i < n; i++) d += (a[i] - b[i]) * (a[i] - b[i]), q += b[i] * b[i];
    return q > 0 ? sqrt(d / q) : sqrt(d);
}

typedef struct {
    const char *name;
    const lw_kernels *k;
} variant;

// direct computes y, dx and dw by the definition.
static void direct(const lw_shape *s, const float *x, const float *w, const float *dy, double *y, double *dx, double *dw) {
    for (int64_t n = 0; n < s->n; n++)
        for (int64_t a = 0; a < s->oh; a++)
            for (int64_t b = 0; b < s->ow; b++)
                for (int64_t i = 0; i < s->k; i++)
                    for (int64_t j = 0; j < s->k; j++) {
                        int64_t u = a * s->stride - s->pad + i, v = b * s->stride - s->pad + j;
                        if (u < 0 || v < 0 || u >= s->h || v >= s->w) continue;
                        for (int64_t c = 0; c < s->ci; c++)
                            for (int64_t o = 0; o < s->co; o++) {
                                int64_t at_x = ((n * s->h + u) * s->w + v) * s->ci + c, at_w = ((i * s->k + j) * s->ci + c) * s->co + o;
                                int64_t at_y = ((n * s->oh + a) * s->ow + b) * s->co + o;
                                y[at_y] += (double)x[at_x] * w[at_w];
                                dx[at_x] += (double)dy[at_y] * w[at_w];
                                dw[at_w] += (double)x[at_x] * dy[at_y];
                            }
                    }
}

static void convolution(const variant *variants, int count, lw_shape s) {
    s.oh = (s.h + 2 * s.pad - s.k) / s.stride + 1, s.ow = (s.w + 2 * s.pad - s.k) / s.stride + 1;
    int64_t sizes[] = {s.n * s.oh * s.ow * s.co, s.n * s.h * s.w * s.ci, s.k * s.k * s.ci * s.co};
    float *x = drawn(sizes[1]), *w = drawn(sizes[2]), *dy = drawn(sizes[0]);
    double *want[3];
    for (int i = 0; i < 3; i++) want[i] = calloc(sizes[i], sizeof(double));
    direct(&s, x, w, dy, want[0], want[1], want[2]);
    static const char *names[] = {"y", "dx", "dw"};
    for (int v = 0; v < count; v++) {
        const lw_kernels *k = variants[v].k;
        float *once[3], *again[3];
        for (int i = 0; i < 3; i++) once[i] = drawn(sizes[i]), again[i] = drawn(sizes[i]); // what lay there before must not matter
        lw_crew alone = {lw_alone, NULL};
        ffi_call call = {.api = &api};
        lw_pool pool;
        lw_open_pool(&pool, &call);
        int failed = lw_forward(k, &alone, &s, x, w, once[0]) || lw_input_gradient(k, &alone, &s, dy, w, once[1]) || lw_weight_gradient(k, &alone, &s, x, dy, once[2]) ||
                     lw_forward(k, &pool.crew, &s, x, w, again[0]) || lw_input_gradient(k, &pool.crew, &s, dy, w, again[1]) ||
                     lw_weight_gradient(k, &pool.crew, &s, x, dy, again[2]);
        EXPECT(!failed, "%s: no memory", variants[v].name);
        join();
        for (int i = 0; i < 3; i++) {
            double e = error(once[i], want[i], sizes[i]);
            EXPECT(e < 1e-6, "%s: [%ld %ld %ld %ld] by [%ld %ld %ld %ld], stride %ld, pad %ld: %s is %.1e from float64", variants[v].name, (long)s.n, (long)s.h,
                   (long)s.w, (long)s.ci, (long)s.k, (long)s.k, (long)s.ci, (long)s.co, (long)s.stride, (long)s.pad, names[i], e);
            EXPECT(!memcmp(once[i], again[i], sizeof(float) * sizes[i]), "%s: %s depends on the threads", variants[v].name, names[i]);
            free(once[i]), free(again[i]);
        }
    }
    free(x), free(w), free(dy);
    for (int i = 0; i < 3; i++) free(want[i]);
}

// differences holds the gradients of direct against its finite differences: the loss Σ dy·y is linear in each number, so any step is as good.
static void differences(void) {
    lw_shape s = {2, 5, 4, 2, 3, 3, 0, 0, 2, 1};
    s.oh = (s.h + 2 * s.pad - s.k) / s.stride + 1, s.ow = (s.w + 2 * s.pad - s.k) / s.stride + 1;
    int64_t ny = s.n * s.oh * s.ow * s.co, nx = s.n * s.h * s.w * s.ci, nw = s.k * s.k * s.ci * s.co;
    float *x = drawn(nx), *w = drawn(nw), *dy = drawn(ny);
    for (int64_t i = 0; i < nx + nw; i++) {
        float *of = i < nx ? x + i : w + i - nx, was = *of;
        double loss[2] = {0, 0}, gradient = 0;
        for (int step = 0; step < 2; step++) {
            *of = was + step;
            double *y = calloc(ny, sizeof *y), *dx = calloc(nx, sizeof *dx), *dw = calloc(nw, sizeof *dw);
            direct(&s, x, w, dy, y, dx, dw);
            for (int64_t j = 0; j < ny; j++) loss[step] += dy[j] * y[j];
            gradient = i < nx ? dx[i] : dw[i - nx];
            free(y), free(dx), free(dw);
        }
        double step = (double)(float)(was + 1) - was;
        EXPECT(fabs((loss[1] - loss[0]) / step - gradient) < 1e-9, "number %ld: slope %g, gradient %g", (long)i, (loss[1] - loss[0]) / step, gradient);
        *of = was;
    }
    free(x), free(w), free(dy);
}

// norm holds moments and sums against two passes in float64. Numbers far from 0 would show a variance that cancels.
static void norm(int64_t rows, int64_t channels, double offset) {
    float *x = drawn(rows * channels), *dy = drawn(rows * channels), *out[2][4];
    for (int64_t i = 0; i < rows * channels; i++) x[i] += offset;
    lw_crew alone = {lw_alone, NULL};
    ffi_call call = {.api = &api};
    lw_pool pool;
    lw_open_pool(&pool, &call);
    for (int i = 0; i < 2; i++) {
        const lw_crew *crew = i ? &pool.crew : &alone;
        for (int j = 0; j < 4; j++) out[i][j] = drawn(channels);
        EXPECT(!lw_moments(crew, rows, channels, x, out[i][0], out[i][1]) && !lw_norm_sums(crew, rows, channels, dy, x, out[i][0], out[i][2], out[i][3]), "no memory");
    }
    join();
    for (int64_t c = 0; c < channels; c++) {
        double mean = 0, variance = 0, sum = 0, product = 0;
        for (int64_t r = 0; r < rows; r++) mean += (double)x[r * channels + c] / rows;
        for (int64_t r = 0; r < rows; r++) {
            double d = x[r * channels + c] - mean;
            variance += d * d / rows, sum += dy[r * channels + c], product += dy[r * channels + c] * (x[r * channels + c] - (double)out[0][0][c]);
        }
        double want[4] = {mean, variance, sum, product}, scale[4] = {fabs(mean), variance, rows, rows};
        for (int j = 0; j < 4; j++) {
            EXPECT(fabs(out[0][j][c] - want[j]) <= 1e-7 * scale[j], "%ld rows, channel %ld of %ld: result %d is %.9g, want %.9g", (long)rows, (long)c, (long)channels, j, out[0][j][c], want[j]);
            EXPECT(out[0][j][c] == out[1][j][c], "result %d depends on the threads", j);
        }
    }
    free(x), free(dy);
    for (int i = 0; i < 8; i++) free(out[i / 4][i % 4]);
}

int main(void) {
    variant variants[3] = {{"avx2", &lw_kernels_avx2}, {"16 lanes by AVX2", &lw_kernels_wide}, {"avx512", &lw_kernels_avx512}};
    setenv("LAYERWISE_NATIVE", "avx512", 1);
    const lw_kernels *best = lw_best_kernels();
    if (!best) {
        puts("no kernels for this processor");
        return 77;
    }
    int count = best == &lw_kernels_avx512 ? 3 : 2;
    // n, h, w, ci, k, co, -, -, stride, pad
    static const lw_shape shapes[] = {
        {3, 8, 8, 16, 3, 16, 0, 0, 1, 1},  {1, 7, 9, 3, 3, 16, 0, 0, 1, 1},    {5, 8, 6, 5, 3, 7, 0, 0, 2, 1},   {2, 9, 9, 16, 5, 24, 0, 0, 2, 2},
        {3, 8, 8, 64, 1, 20, 0, 0, 1, 0},  {3, 8, 8, 32, 1, 16, 0, 0, 2, 0},   {2, 2, 2, 16, 3, 32, 0, 0, 1, 1}, {2, 1, 1, 300, 3, 40, 0, 0, 1, 1},
        {37, 4, 4, 8, 3, 8, 0, 0, 1, 1},   {1, 12, 12, 3, 7, 64, 0, 0, 2, 3},  {2, 5, 5, 4, 2, 4, 0, 0, 3, 0},   {17, 4, 4, 40, 3, 130, 0, 0, 1, 1},
        {2, 6, 6, 3, 1, 3, 0, 0, 4, 0},    {2, 10, 7, 20, 3, 33, 0, 0, 1, 0},  {1, 1, 1, 1, 1, 1, 0, 0, 1, 0},   {3, 6, 5, 16, 3, 32, 0, 0, 3, 2},
        {1, 33, 9, 16, 3, 16, 0, 0, 1, 1},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) convolution(variants, count, shapes[i]);
    differences();
    norm(1, 3, 0), norm(129, 16, 0), norm(1000, 19, 100), norm(77, 64, -3), norm(40, 600, 0);
    for (void *m = lw_take(1); m; m = NULL) lw_give(m); // what is given back is found again
    return failures > 0;
}
