#ifndef LAYERWISE_HOOK_H
#define LAYERWISE_HOOK_H

// lw_hook loads the plugin at path, registers the handlers with it and returns its PJRT API with the compile call replaced, which first
// passes programs through layerwiseRewrite. On failure it returns NULL and the reason, to be freed.
void *lw_hook(const char *path, char **reason);

#endif
