/* Models from files: the one place of the core that opens files, and that takes memory from the heap for them. */
#include "model.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* All bytes of a file, which the caller frees. */
static lc_status read_all(FILE *file, void **bytes, size_t *size) {
    if (fseek(file, 0, SEEK_END)) return LC_NO_FILE;
    const long end = ftell(file);
    if (end < 0 || end == LONG_MAX || fseek(file, 0, SEEK_SET)) return LC_NO_FILE; /* a folder has LONG_MAX */
    *size = (size_t)end;
    *bytes = malloc(*size ? *size : 1);
    if (!*bytes) return LC_NO_MEMORY;
    return fread(*bytes, 1, *size, file) == *size ? LC_OK : LC_NO_FILE;
}

lc_status lc_model_load(const char *path, lc_model **model) {
    if (!path || !model) return LC_NULL;
    *model = NULL;
    FILE *file = fopen(path, "rb");
    if (!file) return LC_NO_FILE;
    void *bytes = NULL, *memory = NULL;
    size_t size = 0, needed = 0;
    lc_status status = read_all(file, &bytes, &size);
    fclose(file);
    if (!status) status = lc_model_measure(bytes, size, &needed);
    if (!status && !(memory = malloc(needed))) status = LC_NO_MEMORY;
    if (!status) status = lc_model_open(bytes, size, memory, model);
    free(bytes);
    if (status) free(memory);
    else (*model)->owned = memory;
    return status;
}

void lc_model_free(lc_model *model) {
    if (model) free(model->owned);
}
