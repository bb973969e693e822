// How this process deals with memory that it has freed.
#include "ckernels.h"

#if defined(__GLIBC__) || defined(__linux__)
#include <malloc.h>
#endif

void ag_keep_freed(size_t bytes) {
#ifdef M_TRIM_THRESHOLD
    // Setting one of them ends the C library's own choice of the other.
    mallopt(M_TRIM_THRESHOLD, (int)bytes);
    mallopt(M_MMAP_THRESHOLD, (int)(bytes / 2));
#else
    (void)bytes;
#endif
}
