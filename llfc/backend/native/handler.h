#ifndef LAYERWISE_HANDLER_H
#define LAYERWISE_HANDLER_H

#include "abi.h"
#include "conv.h"

typedef struct {
    const char *target;
    ffi_error *(*call)(ffi_call *);
} lw_handler;

extern const lw_handler lw_handlers[]; // ends with one that has no target

// lw_best_kernels are those for AVX2, or for AVX-512 where LAYERWISE_NATIVE asks for them; NULL where the processor runs none. lw_use sets those of the handlers.
const lw_kernels *lw_best_kernels(void);
void lw_use(const lw_kernels *k);

#endif
