//go:build cgo && !noxla && linux && amd64

#include "handler.h"

#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "norm.h"

static const lw_kernels *kernels; // set once, before a handler is registered

static ffi_error *fail(const ffi_call *call, int code, const char *message) {
    ffi_error_create e = {.size = sizeof e, .message = message, .code = code};
    return call->api->create_error(&e);
}

// inspected answers the question that XLA asks a handler first: which version of the interface it speaks.
static int inspected(const ffi_call *call) {
    if (!call->extensions || call->extensions->type != FFI_METADATA) return 0;
    ffi_metadata *m = (ffi_metadata *)call->extensions;
    m->metadata->version.major = call->api->version.major, m->metadata->version.minor = call->api->version.minor;
    m->metadata->traits = 0;
    return 1;
}

// floats tells whether buffers are float32 tensors of the given ranks.
static int floats(const ffi_buffers *b, int n, const int *ranks) {
    if (b->count != n) return 0;
    for (int i = 0; i < n; i++)
        if (b->buffers[i]->type != FFI_F32 || b->buffers[i]->rank != ranks[i]) return 0;
    return 1;
}

// geometry reads a convolution off its tensors, and tells whether they fit together.
static int geometry(lw_shape *s, const ffi_attributes *a, const ffi_buffer *x, const ffi_buffer *w, const ffi_buffer *y) {
    if (a->count != 1 || a->types[0] != FFI_ARRAY) return 0;
    const ffi_array *p = a->values[0];
    if (p->type != FFI_S64 || p->size != 2) return 0;
    const int64_t *v = p->data;
    *s = (lw_shape){x->dims[0], x->dims[1], x->dims[2], x->dims[3], w->dims[0], w->dims[3], y->dims[1], y->dims[2], v[0], v[1]};
    if (s->stride < 1 || s->pad < 0 || w->dims[1] != s->k || w->dims[2] != s->ci || y->dims[0] != s->n || y->dims[3] != s->co) return 0;
    if ((double)(s->h + 2 * s->pad + s->stride) * (s->w + 2 * s->pad + s->stride) * s->ci > LW_LARGEST || (double)s->oh * s->ow * s->co > LW_LARGEST) return 0;
    if (s->n < 1 || s->ci < 1 || s->co < 1 || s->k < 1 || s->h + 2 * s->pad < s->k || s->w + 2 * s->pad < s->k) return 0;
    return s->oh == (s->h + 2 * s->pad - s->k) / s->stride + 1 && s->ow == (s->w + 2 * s->pad - s->k) / s->stride + 1;
}

enum { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT };

static ffi_error *convolve(ffi_call *call, int what) {
    if (inspected(call) || call->stage != FFI_EXECUTE) return NULL;
    static const int images[] = {4, 4};
    lw_shape s;
    if (!floats(&call->arguments, 2, images) || !floats(&call->results, 1, images))
        return fail(call, FFI_INVALID_ARGUMENT, "layerwise: a convolution takes two float32 tensors of four axes to a third");
    ffi_buffer *a = call->arguments.buffers[0], *b = call->arguments.buffers[1], *c = call->results.buffers[0];
    ffi_buffer *x = what == INPUT_GRADIENT ? c : a, *w = what == WEIGHT_GRADIENT ? c : b, *y = what == FORWARD ? c : what == INPUT_GRADIENT ? a : b;
    if (!geometry(&s, &call->attributes, x, w, y)) return fail(call, FFI_INVALID_ARGUMENT, "layerwise: the tensors of a convolution do not fit together, or are too large");
    lw_pool pool;
    lw_open_pool(&pool, call);
    int failed = what == FORWARD          ? lw_forward(kernels, &pool.crew, &s, x->data, w->data, y->data)
                 : what == INPUT_GRADIENT ? lw_input_gradient(kernels, &pool.crew, &s, y->data, w->data, x->data)
                                          : lw_weight_gradient(kernels, &pool.crew, &s, x->data, y->data, w->data);
    return failed ? fail(call, FFI_RESOURCE_EXHAUSTED, "layerwise: no memory for a convolution") : NULL;
}

static ffi_error *forward(ffi_call *call) { return convolve(call, FORWARD); }
static ffi_error *input_gradient(ffi_call *call) { return convolve(call, INPUT_GRADIENT); }
static ffi_error *weight_gradient(ffi_call *call) { return convolve(call, WEIGHT_GRADIENT); }

static int64_t rows_of(const ffi_buffer *x) {
    int64_t n = 1;
    for (int64_t i = 0; i + 1 < x->rank; i++) n *= x->dims[i];
    return n;
}

// moments takes x [..., channels] to mean and variance [channels].
static ffi_error *moments(ffi_call *call) {
    if (inspected(call) || call->stage != FFI_EXECUTE) return NULL;
    static const int vectors[] = {1, 1};
    ffi_buffer *x = call->arguments.count == 1 ? call->arguments.buffers[0] : NULL;
    if (!x || x->type != FFI_F32 || x->rank < 2 || !floats(&call->results, 2, vectors))
        return fail(call, FFI_INVALID_ARGUMENT, "layerwise: moments are of one float32 tensor, and are two vectors");
    ffi_buffer *mean = call->results.buffers[0], *variance = call->results.buffers[1];
    int64_t rows = rows_of(x), channels = x->dims[x->rank - 1];
    if (mean->dims[0] != channels || variance->dims[0] != channels || rows < 1 || channels < 1)
        return fail(call, FFI_INVALID_ARGUMENT, "layerwise: the tensors of a batch norm do not fit together");
    lw_pool pool;
    lw_open_pool(&pool, call);
    if (lw_moments(&pool.crew, rows, channels, x->data, mean->data, variance->data)) return fail(call, FFI_RESOURCE_EXHAUSTED, "layerwise: no memory for a batch norm");
    return NULL;
}

// norm_sums takes dy and x [..., channels] and the mean to the sums of dy and of dy·(x − mean).
static ffi_error *norm_sums(ffi_call *call) {
    if (inspected(call) || call->stage != FFI_EXECUTE) return NULL;
    static const int vectors[] = {1, 1};
    ffi_buffer **a = call->arguments.buffers, **r = call->results.buffers;
    int known = call->arguments.count == 3 && floats(&call->results, 2, vectors);
    for (int i = 0; known && i < 3; i++) known = a[i]->type == FFI_F32;
    if (!known || a[0]->rank < 2 || a[1]->rank != a[0]->rank || a[2]->rank != 1)
        return fail(call, FFI_INVALID_ARGUMENT, "layerwise: the sums of a batch norm are of two float32 tensors and a mean, and are two vectors");
    int64_t rows = rows_of(a[0]), channels = a[0]->dims[a[0]->rank - 1];
    if (memcmp(a[0]->dims, a[1]->dims, sizeof(int64_t) * a[0]->rank) || a[2]->dims[0] != channels || r[0]->dims[0] != channels || r[1]->dims[0] != channels || rows < 1 || channels < 1)
        return fail(call, FFI_INVALID_ARGUMENT, "layerwise: the tensors of a batch norm do not fit together");
    lw_pool pool;
    lw_open_pool(&pool, call);
    if (lw_norm_sums(&pool.crew, rows, channels, a[0]->data, a[1]->data, a[2]->data, r[0]->data, r[1]->data))
        return fail(call, FFI_RESOURCE_EXHAUSTED, "layerwise: no memory for a batch norm");
    return NULL;
}

const lw_handler lw_handlers[] = {
    {"layerwise_forward", forward},       {"layerwise_input_gradient", input_gradient}, {"layerwise_weight_gradient", weight_gradient},
    {"layerwise_moments", moments},       {"layerwise_norm_sums", norm_sums},           {NULL, NULL},
};

const lw_kernels *lw_best_kernels(void) {
    const char *asked = getenv("LAYERWISE_NATIVE"); // nobody has run the AVX-512 kernels yet, so they want to be asked for
    __builtin_cpu_init();
    if (asked && !strcmp(asked, "avx512") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("fma"))
        return &lw_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &lw_kernels_avx2;
    return NULL;
}

void lw_use(const lw_kernels *k) { kernels = k; }
