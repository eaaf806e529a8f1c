//go:build cgo && !noxla && linux && amd64

#define _GNU_SOURCE
#include "hook.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"
#include "abi.h"
#include "handler.h"

static pjrt_compile_function *compile_of_plugin;

static pjrt_error *compile(pjrt_compile *args) {
    const pjrt_program *p = args->program;
    if (!p || p->format_size != 4 || memcmp(p->format, "mlir", 4)) return compile_of_plugin(args);
    size_t size = 0;
    char *code = layerwiseRewrite(p->code, p->code_size, &size);
    if (!code) return compile_of_plugin(args);
    pjrt_program rewritten = *p;
    pjrt_compile changed = *args;
    rewritten.code = code, rewritten.code_size = size, changed.program = &rewritten;
    pjrt_error *e = compile_of_plugin(&changed);
    args->executable = changed.executable;
    free(code);
    return e;
}

// text takes the message of an error, and frees it.
static char *text(const pjrt_api *api, pjrt_error *e) {
    pjrt_error_message m = {.size = sizeof m, .error = e};
    api->error_message(&m);
    char *copy = strndup(m.message, m.message_size);
    pjrt_error_destroy d = {.size = sizeof d, .error = e};
    api->destroy_error(&d);
    return copy;
}

void *lw_hook(const char *path, char **reason) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        *reason = strdup(dlerror());
        return NULL;
    }
    const pjrt_api *(*get)(void) = (const pjrt_api *(*)(void))dlsym(library, "GetPjrtApi");
    const pjrt_api *api = get ? get() : NULL;
    const lw_kernels *k = lw_best_kernels();
    const pjrt_ffi *ffi = NULL;
    if (api && api->size == PJRT_API_SIZE && api->major == PJRT_MAJOR && api->minor == PJRT_MINOR)
        for (const pjrt_extension *e = api->extensions; e; e = e->next)
            if (e->type == PJRT_FFI && e->size == 48) ffi = (const pjrt_ffi *)e;
    if (!k || !ffi) {
        *reason = strdup(!k ? "the processor has neither AVX-512 nor AVX2 with FMA" : "the plugin does not take foreign functions in the known way");
        return NULL;
    }
    lw_use(k);
    for (const lw_handler *h = lw_handlers; h->target; h++) {
        pjrt_ffi_register r = {.size = sizeof r, .target = h->target, .target_size = strlen(h->target), .handler = (void *)h->call, .platform = "Host", .platform_size = 4};
        pjrt_error *e = ffi->register_handler(&r);
        if (e) {
            *reason = text(api, e);
            return NULL;
        }
    }
    pjrt_api *copy = malloc(api->size); // stays: go-xla keeps it as long as the process lives
    if (!copy) {
        *reason = strdup("no memory");
        return NULL;
    }
    memcpy(copy, api, api->size);
    compile_of_plugin = api->compile, copy->compile = compile;
    return copy;
}
