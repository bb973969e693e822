#ifndef ALPHAGRID_CDASHBOARD_H
#define ALPHAGRID_CDASHBOARD_H

#include <stddef.h>

/// A file of the page as it lies in the folder `page`.
struct alphagrid_page_file {
    const char *name;
    const unsigned char *bytes;
    size_t size;
};

/// All of them; `*count` says how many. Part of the program, so that it serves its page wherever it is installed.
const struct alphagrid_page_file *alphagrid_page_files(long *count);

#endif
