#include "CChecksum.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

/// tables[k][b]: the CRC of byte b followed by k zero bytes, so that 8 bytes are folded by 8 independent look-ups.
static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78u : 0);
        }
        tables[0][byte] = crc;
    }
    for (int k = 1; k < 8; k++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t before = tables[k - 1][byte];
            tables[k][byte] = (before >> 8) ^ tables[0][before & 0xFF];
        }
    }
}

/// Bytes of each of three lanes that are folded side by side: the instruction takes three cycles to answer, and one to be asked.
#define LANE 1024

/// lane_behind[k][b]: what byte k of a CRC is after LANE more zero bytes, where it is b.
static uint32_t lane_behind[4][256];
static pthread_once_t lanes_once = PTHREAD_ONCE_INIT;

static void make_lanes(void) {
    pthread_once(&tables_once, make_tables);
    for (int bit = 0; bit < 32; bit++) {
        uint32_t crc = 1u << bit;
        for (int i = 0; i < LANE; i++) {
            crc = (crc >> 8) ^ tables[0][crc & 0xFF];
        }
        // A CRC is linear: that of a sum is the sum of the CRCs.
        for (int byte = 0; byte < 256; byte++) {
            if (byte >> (bit % 8) & 1) {
                lane_behind[bit / 8][byte] ^= crc;
            }
        }
    }
}

static inline uint32_t after_lane(uint32_t crc) {
    return lane_behind[0][crc & 0xFF] ^ lane_behind[1][(crc >> 8) & 0xFF] ^ lane_behind[2][(crc >> 16) & 0xFF]
        ^ lane_behind[3][crc >> 24];
}

uint32_t alphagrid_crc32c_portable(const void *bytes, size_t size) {
    pthread_once(&tables_once, make_tables);
    const unsigned char *p = bytes;
    uint32_t crc = 0xFFFFFFFFu;
    for (; size >= 8; size -= 8, p += 8) {
        // Byte by byte, so that the order of the machine's bytes does not matter.
        uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        crc = tables[7][low & 0xFF] ^ tables[6][(low >> 8) & 0xFF] ^ tables[5][(low >> 16) & 0xFF] ^ tables[4][low >> 24]
            ^ tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^ tables[0][p[7]];
    }
    for (; size > 0; size--, p++) {
        crc = (crc >> 8) ^ tables[0][(crc ^ *p) & 0xFF];
    }
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t crc32c_instruction(const void *bytes, size_t size) {
    const unsigned char *p = bytes;
    uint64_t crc = 0xFFFFFFFFu;
    if (size >= 3 * LANE) {
        pthread_once(&lanes_once, make_lanes);
    }
    for (; size >= 3 * LANE; size -= 3 * LANE, p += 3 * LANE) {
        uint64_t second = 0;
        uint64_t third = 0;
        for (size_t i = 0; i < LANE; i += 8) {
            uint64_t words[3];
            memcpy(&words[0], p + i, 8);
            memcpy(&words[1], p + LANE + i, 8);
            memcpy(&words[2], p + 2 * LANE + i, 8);
            crc = _mm_crc32_u64(crc, words[0]);
            second = _mm_crc32_u64(second, words[1]);
            third = _mm_crc32_u64(third, words[2]);
        }
        crc = after_lane(after_lane((uint32_t)crc) ^ (uint32_t)second) ^ (uint32_t)third;
    }
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        crc = _mm_crc32_u64(crc, word);
    }
    for (; size > 0; size--, p++) {
        crc = _mm_crc32_u8((uint32_t)crc, *p);
    }
    return ~(uint32_t)crc;
}

uint32_t alphagrid_crc32c(const void *bytes, size_t size) {
    return __builtin_cpu_supports("sse4.2") ? crc32c_instruction(bytes, size) : alphagrid_crc32c_portable(bytes, size);
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

uint32_t alphagrid_crc32c(const void *bytes, size_t size) {
    const unsigned char *p = bytes;
    uint32_t crc = 0xFFFFFFFFu;
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        crc = __crc32cd(crc, word);
    }
    for (; size > 0; size--, p++) {
        crc = __crc32cb(crc, *p);
    }
    return ~crc;
}

#else

uint32_t alphagrid_crc32c(const void *bytes, size_t size) {
    return alphagrid_crc32c_portable(bytes, size);
}

#endif
