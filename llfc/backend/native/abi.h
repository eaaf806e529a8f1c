// The parts of two C interfaces that this package uses, as the pinned plugin has them: PJRT 0.81 and XLA's foreign functions 0.2. Structs begin
// with their size, and both sides check it.
#ifndef LAYERWISE_ABI_H
#define LAYERWISE_ABI_H

#include <stddef.h>
#include <stdint.h>

// PJRT.

typedef struct pjrt_error pjrt_error;
typedef struct pjrt_extension {
    size_t size;
    int type;
    struct pjrt_extension *next;
} pjrt_extension;

enum { PJRT_FFI = 5, PJRT_API_SIZE = 984, PJRT_MAJOR = 0, PJRT_MINOR = 81 };

typedef struct {
    size_t size;
    pjrt_extension *extensions;
    const pjrt_error *error;
    const char *message;
    size_t message_size;
} pjrt_error_message;

typedef struct {
    size_t size;
    pjrt_extension *extensions;
    pjrt_error *error;
} pjrt_error_destroy;

typedef struct {
    size_t size;
    pjrt_extension *extensions;
    char *code;
    size_t code_size;
    const char *format;
    size_t format_size;
} pjrt_program;

typedef struct {
    size_t size;
    pjrt_extension *extensions;
    void *client;
    const pjrt_program *program;
    const char *options;
    size_t options_size;
    void *executable; // out
} pjrt_compile;

typedef pjrt_error *pjrt_compile_function(pjrt_compile *);

typedef struct {
    size_t size;
    pjrt_extension *extensions;
    size_t version_size;
    pjrt_extension *version_extensions;
    int major, minor;
    void (*destroy_error)(pjrt_error_destroy *);
    void (*error_message)(pjrt_error_message *);
    void *others[18]; // from the error's code to the client's addressable memories
    pjrt_compile_function *compile;
    // … to PJRT_API_SIZE
} pjrt_api;

// The plugin's own form of the arguments: the public header of later versions has other ones.
typedef struct {
    size_t size;
    const char *target;
    size_t target_size;
    void *handler;
    const char *platform;
    size_t platform_size;
    int traits;
} pjrt_ffi_register;

typedef struct {
    pjrt_extension base;
    void *register_type, *user_data;
    pjrt_error *(*register_handler)(pjrt_ffi_register *);
} pjrt_ffi;

// Foreign functions.

typedef struct ffi_error ffi_error;
typedef struct ffi_context ffi_context;
typedef struct ffi_extension {
    size_t size;
    int type;
    struct ffi_extension *next;
} ffi_extension;

enum { FFI_METADATA = 1, FFI_EXECUTE = 3, FFI_F32 = 11, FFI_S64 = 5, FFI_INVALID_ARGUMENT = 3, FFI_RESOURCE_EXHAUSTED = 8, FFI_ARRAY = 1 };

typedef struct {
    size_t size;
    ffi_extension *extensions;
    int major, minor;
} ffi_version;

typedef struct {
    ffi_extension base;
    struct {
        size_t size;
        ffi_version version;
        uint32_t traits;
    } *metadata;
} ffi_metadata;

typedef struct {
    size_t size;
    ffi_extension *extensions;
    const char *message;
    int code;
} ffi_error_create;

typedef struct {
    size_t size;
    ffi_extension *extensions;
    ffi_context *context;
    void (*task)(void *);
    void *data;
} ffi_schedule;

typedef struct {
    size_t size;
    ffi_extension *extensions;
    ffi_error *error;
} ffi_error_destroy;

typedef struct {
    size_t size;
    ffi_extension *extensions;
    ffi_version version;
    const void *internal;
    ffi_error *(*create_error)(ffi_error_create *);
    void *error_message;
    void (*destroy_error)(ffi_error_destroy *);
    void *others[8]; // from the registration of handlers to the release of device memory
    ffi_error *(*schedule)(ffi_schedule *);
    // …
} ffi_api;

typedef struct {
    size_t size;
    ffi_extension *extensions;
    int type;
    void *data;
    int64_t rank, *dims;
} ffi_buffer;

typedef struct {
    int type;
    size_t size;
    void *data;
} ffi_array;

typedef struct {
    size_t size;
    ffi_extension *extensions;
    int64_t count;
    int *types;
    ffi_buffer **buffers;
} ffi_buffers;

typedef struct {
    size_t size;
    ffi_extension *extensions;
    int64_t count;
    int *types;
    void **names, **values;
} ffi_attributes;

typedef struct {
    size_t size;
    ffi_extension *extensions;
    const ffi_api *api;
    ffi_context *context;
    int stage;
    ffi_buffers arguments, results;
    ffi_attributes attributes;
    // …
} ffi_call;

_Static_assert(offsetof(pjrt_api, compile) == 16 + 24 + 20 * 8, "offset of PJRT_Client_Compile");
_Static_assert(sizeof(pjrt_ffi_register) == 56, "arguments of the registration");

#endif
