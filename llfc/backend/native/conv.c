//go:build cgo && !noxla && linux && amd64

#include "conv.h"

#include <stdatomic.h>
#include <string.h>

// A convolution is a matrix product whose rows are pixels, whose columns are output channels, and whose summed axis is what a pixel of the result
// sees. A row of that matrix is made of pieces of a padded image, one for each row of the kernel, and is never gathered: the innermost loop
// reads it where it lies. The gradient of the input is the same product with dy, once for each remainder that its pixels leave by the stride.
// Weights are put in panels first, so that they are read in order.

enum {
    PIECE = 256,      // numbers of a piece at most: a panel of that many rows stays in the first-level cache
    BLOCK = 320,      // and of the pieces that one pass over the pixels takes
    PIXELS = 96,      // pixels that share a pass over the weights, at least, where there are as many
    MANY_PIXELS = 256 // the same where the weights do not stay in the second-level cache
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t parts(int64_t n, int64_t of) { return (n + of - 1) / of; }

void lw_alone(const lw_crew *crew, int64_t n, lw_work *work, void *arg) {
    (void)crew;
    for (int64_t i = 0; i < n; i++) work(arg, i);
}

// panel is the width of the panels for as many columns.
static int64_t panel(const lw_kernels *k, int64_t columns) { return columns > k->lanes ? 2 * k->lanes : k->lanes; }

// frame puts images into zeros: [images, h, w, c] → [images, h+above+below, w+left+right, c].
static void frame(const float *src, float *dst, int64_t images, int64_t h, int64_t w, int64_t c, int64_t above, int64_t below, int64_t left, int64_t right) {
    size_t row = sizeof(float) * (left + w + right) * c;
    for (int64_t i = 0; i < images; i++) {
        memset(dst, 0, above * row), dst += above * row / sizeof(float);
        for (int64_t y = 0; y < h; y++) {
            memset(dst, 0, sizeof(float) * left * c), dst += left * c;
            memcpy(dst, src, sizeof(float) * w * c), dst += w * c, src += w * c;
            memset(dst, 0, sizeof(float) * right * c), dst += right * c;
        }
        memset(dst, 0, below * row), dst += below * row / sizeof(float);
    }
}

// product is one convolution without stride of its own: which pixels are made, where they lie, and which part of the kernel makes them.
typedef struct {
    int64_t taps_h, taps_w;       // kernel positions that take part
    int64_t first_h, first_w;     // the padded pixel that the first position meets for the first result
    int64_t rows, cols, src_step; // results of one image, and how many padded pixels they lie apart
    int64_t to, to_row, to_col;   // in numbers: where results go
    int64_t packed;               // where its panels begin
    lw_piece *piece;
    int pieces;
    int64_t tap_h, tap_w, tap_step; // for packing: the kernel position of the first tap, and the step to the next
} product;

typedef struct {
    const lw_kernels *k;
    const float *src, *w;
    float *dst, *packed;
    int64_t images, h, w_, c, above, below, left, right, columns; // of the source; columns of the result
    int64_t dst_image;
    int64_t kernel, ci, co;
    int turned; // the columns are the kernel's input channels
    int64_t group, groups, panels, width;
    product *products;
    int64_t count;
    atomic_int failed;
} job;

// pack fills one panel of every product.
static void pack(void *arg, int64_t p) {
    job *j = arg;
    int64_t from = p * j->width, n = least(j->width, j->columns - from);
    for (product *q = j->products; q < j->products + j->count; q++) {
        int64_t steps = q->taps_h * q->taps_w * j->c;
        float *to = j->packed + q->packed + p * steps * j->width;
        for (int64_t a = 0; a < q->taps_h; a++)
            for (int64_t b = 0; b < q->taps_w; b++) {
                const float *w = j->w + ((q->tap_h + a * q->tap_step) * j->kernel + q->tap_w + b * q->tap_step) * j->ci * j->co;
                for (int64_t c = 0; c < j->c; c++, to += j->width) {
                    if (j->turned)
                        for (int64_t i = 0; i < n; i++) to[i] = w[(from + i) * j->co + c];
                    else
                        memcpy(to, w + c * j->co + from, sizeof(float) * n);
                    if (n < j->width) memset(to + n, 0, sizeof(float) * (j->width - n));
                }
            }
    }
}

// rows_of cuts n rows into tiles of about the same height.
static int64_t rows_of(int64_t n, int64_t rows) { return n <= rows || n >= 2 * rows ? least(n, rows) : (n + 1) / 2; }

// multiply makes all results of one group of images.
static void multiply(void *arg, int64_t g) {
    job *j = arg;
    int64_t first = g * j->group, images = least(j->group, j->images - first);
    int64_t row = (j->left + j->w_ + j->right) * j->c, image = (j->above + j->h + j->below) * row, pixels = 0;
    for (int64_t i = 0; i < j->count; i++) pixels = most(pixels, j->products[i].rows * j->products[i].cols * images);
    float *src = lw_take(sizeof(float) * images * image + 2 * sizeof(int32_t) * pixels);
    if (!src) {
        atomic_store(&j->failed, 1);
        return;
    }
    int32_t *at = (int32_t *)(src + images * image), *to = at + pixels;
    frame(j->src + first * j->h * j->w_ * j->c, src, images, j->h, j->w_, j->c, j->above, j->below, j->left, j->right);
    float *dst = j->dst + first * j->dst_image;
    for (product *q = j->products; q < j->products + j->count; q++) {
        int64_t n = 0, steps = q->taps_h * q->taps_w * j->c;
        for (int64_t i = 0; i < images; i++)
            for (int64_t y = 0; y < q->rows; y++)
                for (int64_t x = 0; x < q->cols; x++, n++) {
                    at[n] = i * image + (q->first_h + y * q->src_step) * row + (q->first_w + x * q->src_step) * j->c;
                    to[n] = i * j->dst_image + q->to + y * q->to_row + x * q->to_col;
                }
        if (!q->pieces) { // no position of the kernel meets these pixels
            for (int64_t i = 0; i < n; i++) memset(dst + to[i], 0, sizeof(float) * j->columns);
            continue;
        }
        for (int64_t p = 0; p < j->panels; p++) {
            const float *w = j->packed + q->packed + p * steps * j->width;
            int64_t columns = least(j->width, j->columns - p * j->width);
            for (int from = 0, end; from < q->pieces; from = end) {
                int64_t length = q->piece[from].length;
                for (end = from + 1; end < q->pieces && length + q->piece[end].length <= BLOCK; end++) length += q->piece[end].length;
                for (int64_t i = 0, rows; i < n; i += rows) {
                    rows = rows_of(n - i, j->k->rows);
                    if (columns == j->width) {
                        j->k->tile(rows, j->width, src, at + i, q->piece + from, end - from, w, dst + p * j->width, to + i, from > 0);
                        continue;
                    }
                    float part[8 * 32];
                    int32_t place[8];
                    for (int64_t r = 0; r < rows; r++) {
                        place[r] = r * j->width;
                        memcpy(part + place[r], dst + p * j->width + to[i + r], from > 0 ? sizeof(float) * columns : 0);
                    }
                    j->k->tile(rows, j->width, src, at + i, q->piece + from, end - from, w, part, place, from > 0);
                    for (int64_t r = 0; r < rows; r++) memcpy(dst + p * j->width + to[i + r], part + place[r], sizeof(float) * columns);
                }
                w += length * j->width;
            }
        }
    }
    lw_give(src);
}

// pieces_of lists what a result sees: taps_h rows of taps_w·c numbers, cut into pieces. It returns how many, and writes them if to is given.
static int pieces_of(const product *q, int64_t c, int64_t row, lw_piece *to) {
    int n = 0;
    int64_t run = q->taps_w * c, cut = parts(run, parts(run, PIECE));
    for (int64_t a = 0; a < q->taps_h; a++)
        for (int64_t r = 0; r < run; r += cut, n++)
            if (to) to[n] = (lw_piece){a * row + r, least(cut, run - r)};
    return n;
}

// run packs the weights and multiplies.
static int run(job *j, const lw_crew *crew) {
    int64_t row = (j->left + j->w_ + j->right) * j->c, packed = 0, pixels = 0;
    int pieces = 0;
    j->width = panel(j->k, j->columns), j->panels = parts(j->columns, j->width);
    for (product *q = j->products; q < j->products + j->count; q++) {
        q->packed = packed, packed += j->panels * q->taps_h * q->taps_w * j->c * j->width;
        q->pieces = q->taps_h > 0 && q->taps_w > 0 ? pieces_of(q, j->c, row, NULL) : 0, pieces += q->pieces;
        pixels += q->rows * q->cols;
    }
    j->packed = lw_take(sizeof(float) * packed + sizeof(lw_piece) * pieces);
    if (!j->packed) return 1;
    lw_piece *piece = (lw_piece *)(j->packed + packed);
    for (product *q = j->products; q < j->products + j->count; q++) {
        q->piece = piece;
        if (q->pieces) pieces_of(q, j->c, row, piece);
        piece += q->pieces;
    }
    int64_t together = packed > 1 << 16 ? MANY_PIXELS : PIXELS;
    int64_t image = most((j->above + j->h + j->below) * row, j->dst_image); // places in a group are 32 bits
    j->group = least(least(most(together / most(pixels, 1), 1), j->images), most(LW_LARGEST / image, 1)), j->groups = parts(j->images, j->group);
    atomic_init(&j->failed, 0);
    crew->share(crew, j->panels, pack, j);
    crew->share(crew, j->groups, multiply, j);
    lw_give(j->packed);
    return atomic_load(&j->failed);
}

int lw_forward(const lw_kernels *k, const lw_crew *crew, const lw_shape *s, const float *x, const float *w, float *y) {
    product q = {.taps_h = s->k, .taps_w = s->k, .rows = s->oh, .cols = s->ow, .src_step = s->stride, .to_row = s->ow * s->co, .to_col = s->co, .tap_step = 1};
    job j = {.k = k, .src = x, .w = w, .dst = y, .images = s->n, .h = s->h, .w_ = s->w, .c = s->ci, .above = s->pad, .left = s->pad,
             .below = most((s->oh - 1) * s->stride + s->k - s->h - s->pad, 0), .right = most((s->ow - 1) * s->stride + s->k - s->w - s->pad, 0),
             .columns = s->co, .dst_image = s->oh * s->ow * s->co, .kernel = s->k, .ci = s->ci, .co = s->co, .products = &q, .count = 1};
    return run(&j, crew);
}

// side is one axis of the gradient's pixels that leave a remainder by the stride: pixel remainder + stride·i is the sum over t < taps of
// dy[i + from + t] and the kernel's position last − stride·t.
typedef struct {
    int64_t count, taps, from, last;
} side;

static side side_of(int64_t remainder, int64_t size, int64_t kernel, int64_t stride, int64_t pad) {
    side a = {.count = size > remainder ? parts(size - remainder, stride) : 0};
    int64_t first = (remainder + pad) % stride;
    a.taps = kernel > first ? parts(kernel - first, stride) : 0;
    a.from = (remainder + pad - first) / stride - (a.taps - 1);
    a.last = first + stride * (a.taps - 1);
    return a;
}

int lw_input_gradient(const lw_kernels *k, const lw_crew *crew, const lw_shape *s, const float *dy, const float *w, float *dx) {
    int64_t count = s->stride * s->stride;
    product *products = lw_take(sizeof(product) * count), *q = products;
    if (!products) return 1;
    job j = {.k = k, .src = dy, .w = w, .dst = dx, .images = s->n, .h = s->oh, .w_ = s->ow, .c = s->co, .columns = s->ci, .dst_image = s->h * s->w * s->ci,
             .kernel = s->k, .ci = s->ci, .co = s->co, .turned = 1, .products = products, .count = count};
    for (int64_t a = 0; a < s->stride; a++) // how far results reach beyond dy
        for (int64_t b = 0; b < s->stride; b++) {
            side v = side_of(a, s->h, s->k, s->stride, s->pad), u = side_of(b, s->w, s->k, s->stride, s->pad);
            if (!v.taps || !u.taps || !v.count || !u.count) continue;
            j.above = most(j.above, -v.from), j.below = most(j.below, v.count - 1 + v.from + v.taps - s->oh);
            j.left = most(j.left, -u.from), j.right = most(j.right, u.count - 1 + u.from + u.taps - s->ow);
        }
    for (int64_t a = 0; a < s->stride; a++)
        for (int64_t b = 0; b < s->stride; b++, q++) {
            side v = side_of(a, s->h, s->k, s->stride, s->pad), u = side_of(b, s->w, s->k, s->stride, s->pad);
            int none = !v.taps || !u.taps;
            *q = (product){.taps_h = none ? 0 : v.taps, .taps_w = none ? 0 : u.taps, .first_h = j.above + v.from, .first_w = j.left + u.from,
                           .rows = v.count, .cols = u.count, .src_step = 1, .to = (a * s->w + b) * s->ci, .to_row = s->stride * s->w * s->ci,
                           .to_col = s->stride * s->ci, .tap_h = v.last, .tap_w = u.last, .tap_step = -s->stride};
        }
    int failed = run(&j, crew);
    lw_give(products);
    return failed;
}

// The gradient of the weights sums over pixels what the other products have as their rows. Images are dealt to groups, whatever the machine;
// each has sums of its own, which are added in order at the end. Where the weights are many, a group works on some of the columns at a time.
enum {
    GROUPS = 16,       // of images, at most
    SUMS = 4 << 20,    // numbers that the sums of all groups may take
    LINES = 128        // pixels that a tile adds up before it returns to memory, about
};

typedef struct {
    const lw_kernels *k;
    const lw_shape *s;
    const float *x, *dy;
    float *sums, *dw;
    int64_t width, panels, groups, group, slices, slice; // slice is how many panels
    atomic_int failed;
} weights;

static void outer(void *arg, int64_t task) {
    weights *j = arg;
    const lw_shape *s = j->s;
    int64_t g = task / j->slices, from = task % j->slices * j->slice, to = least(from + j->slice, j->panels);
    int64_t first = g * j->group, last = least(first + j->group, s->n);
    int64_t below = most((s->oh - 1) * s->stride + s->k - s->h - s->pad, 0), right = most((s->ow - 1) * s->stride + s->k - s->w - s->pad, 0);
    int64_t row = (s->pad + s->w + right) * s->ci, image = (s->pad + s->h + below) * row, run = s->k * s->ci, size = s->k * run;
    int64_t together = least(most(LINES / (s->oh * s->ow), 1), last - first); // images
    int64_t rows = least(most(LINES / s->ow, 1), s->oh);                      // of an image, where one is enough
    int64_t most_lines = together * rows, panel_size = together * s->oh * s->ow * j->width;
    lw_line *line = lw_take(sizeof(lw_line) * most_lines + sizeof(float) * (together * image + panel_size));
    if (!line) {
        atomic_store(&j->failed, 1);
        return;
    }
    float *x = (float *)(line + most_lines), *dy = x + together * image;
    float *sums = j->sums + g * j->panels * size * j->width;
    memset(sums + from * size * j->width, 0, sizeof(float) * (to - from) * size * j->width);
    for (int64_t i = first; i < last; i += together) {
        int64_t images = least(together, last - i);
        frame(j->x + i * s->h * s->w * s->ci, x, images, s->h, s->w, s->ci, s->pad, below, s->pad, right);
        for (int64_t p = from; p < to; p++) {
            int64_t columns = least(j->width, s->co - p * j->width);
            const float *src = j->dy + i * s->oh * s->ow * s->co + p * j->width;
            const float *panel = dy;
            if (s->co == j->width)
                panel = src;
            else
                for (int64_t q = 0; q < images * s->oh * s->ow; q++) {
                    memcpy(dy + q * j->width, src + q * s->co, sizeof(float) * columns);
                    if (columns < j->width) memset(dy + q * j->width + columns, 0, sizeof(float) * (j->width - columns));
                }
            float *sum = sums + p * size * j->width;
            for (int64_t v = 0; v < s->oh; v += rows) {
                int lines = 0;
                for (int64_t q = 0; q < images; q++)
                    for (int64_t r = v; r < least(v + rows, s->oh); r++)
                        line[lines++] = (lw_line){x + q * image + r * s->stride * row, panel + (q * s->oh + r) * s->ow * j->width};
                for (int64_t a = 0; a < s->k; a++)
                    for (int64_t r = 0, n; r < run; r += n) {
                        n = rows_of(run - r, j->k->rows);
                        j->k->outer_tile(n, j->width, line, lines, a * row + r, s->stride * s->ci, s->ow, sum + (a * run + r) * j->width, j->width);
                    }
            }
        }
    }
    lw_give(line);
}

// add_up makes one panel of dw from those of all groups.
static void add_up(void *arg, int64_t p) {
    weights *j = arg;
    int64_t size = j->s->k * j->s->k * j->s->ci, columns = least(j->width, j->s->co - p * j->width);
    for (int64_t r = 0; r < size; r++) {
        float *to = j->dw + r * j->s->co + p * j->width;
        memcpy(to, j->sums + (p * size + r) * j->width, sizeof(float) * columns);
        for (int64_t g = 1; g < j->groups; g++) {
            const float *more = j->sums + ((g * j->panels + p) * size + r) * j->width;
            for (int64_t i = 0; i < columns; i++) to[i] += more[i];
        }
    }
}

int lw_weight_gradient(const lw_kernels *k, const lw_crew *crew, const lw_shape *s, const float *x, const float *dy, float *dw) {
    weights j = {.k = k, .s = s, .x = x, .dy = dy, .dw = dw, .width = panel(k, s->co)};
    j.panels = parts(s->co, j.width);
    int64_t size = s->k * s->k * s->ci * j.panels * j.width;
    j.groups = least(least(most(SUMS / size, 2), GROUPS), s->n);
    j.group = parts(s->n, j.groups), j.groups = parts(s->n, j.group);
    j.slice = parts(j.panels, most(GROUPS / j.groups, 1)), j.slices = parts(j.panels, j.slice);
    j.sums = lw_take(sizeof(float) * j.groups * size);
    if (!j.sums) return 1;
    atomic_init(&j.failed, 0);
    crew->share(crew, j.groups * j.slices, outer, &j);
    crew->share(crew, j.panels, add_up, &j);
    lw_give(j.sums);
    return atomic_load(&j.failed);
}
