#ifndef ALPHAGRID_CCHECKSUM_H
#define ALPHAGRID_CCHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// CRC32C (Castagnoli, reflected polynomial 0x82F63B78, as iSCSI's RFC 3720 defines it) of `size` bytes.
/// Uses the processor's instruction where there is one: a 64 MB payload must not cost more than reading it.
uint32_t alphagrid_crc32c(const void *bytes, size_t size);

/// The same by tables, 8 bytes at a time: what runs where the instruction is missing.
uint32_t alphagrid_crc32c_portable(const void *bytes, size_t size);

#endif
