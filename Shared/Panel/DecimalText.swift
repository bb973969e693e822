/// Correctly rounded conversion of decimal text to Double: the result is always the double nearest to the written
/// number, ties to even, as strtod gives it.
///
/// Three ways, cheapest first; each is taken only where it is exact up to one rounding:
/// 1. significand <= 2^53 and |power of ten| <= 22: both are doubles, one multiplication or division rounds once
///    (W. D. Clinger, "How to Read Floating Point Numbers Accurately", 1990);
/// 2. significand < 10^19 and power -19 ... -1: 128 by 64 bit integer division with the remainder as sticky bit,
///    which covers the 16 and 17 digits that programs print;
/// 3. the standard library.
package enum DecimalText {
    /// - Returns: nil unless all bytes are `[+-] digits [. digits] [e [+-] digits]` with a digit in the significand;
    ///   infinity when the number is too large for a Double.
    package static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
        guard let base = bytes.baseAddress else { return nil }
        let count = bytes.count
        var i = 0
        var negative = false
        if count > 0 && (base[0] == UInt8(ascii: "-") || base[0] == UInt8(ascii: "+")) {
            negative = base[0] == UInt8(ascii: "-")
            i = 1
        }
        var significand: UInt64 = 0
        var room = 19  // significant digits that still fit
        var exact = true
        var exponent = 0
        let integerStart = i
        while i < count {
            let digit = base[i] &- 48
            if digit > 9 { break }
            if room > 0 {
                significand = significand &* 10 &+ UInt64(digit)
                if significand != 0 { room -= 1 }
            } else {
                exact = false
            }
            i += 1
        }
        var digits = i - integerStart
        if i < count && base[i] == UInt8(ascii: ".") {
            i += 1
            let fractionStart = i
            while i < count {
                let digit = base[i] &- 48
                if digit > 9 { break }
                if room > 0 {
                    significand = significand &* 10 &+ UInt64(digit)
                    if significand != 0 { room -= 1 }
                    exponent -= 1
                } else {
                    exact = false
                }
                i += 1
            }
            digits += i - fractionStart
        }
        guard digits > 0 else { return nil }
        if i < count {
            guard let written = writtenExponent(base, &i, count), i == count else { return nil }
            exponent += written
        }
        guard exact, let magnitude = fast(significand, exponent) else {
            return Double(String(decoding: bytes, as: UTF8.self))
        }
        return negative ? -magnitude : magnitude
    }

    /// Reads `e [+-] digits`; huge exponents are cut where every outcome is already zero or infinity.
    private static func writtenExponent(_ base: UnsafePointer<UInt8>, _ i: inout Int, _ count: Int) -> Int? {
        guard base[i] | 0x20 == UInt8(ascii: "e") else { return nil }
        i += 1
        var negative = false
        if i < count && (base[i] == UInt8(ascii: "-") || base[i] == UInt8(ascii: "+")) {
            negative = base[i] == UInt8(ascii: "-")
            i += 1
        }
        let start = i
        var value = 0
        while i < count {
            let digit = base[i] &- 48
            if digit > 9 { break }
            value = min(value * 10 + Int(digit), 1_000_000)
            i += 1
        }
        return i == start ? nil : (negative ? -value : value)
    }

    private static func fast(_ significand: UInt64, _ exponent: Int) -> Double? {
        if significand == 0 { return 0 }
        if exponent == 0 { return Double(significand) }
        if significand <= 1 << 53 {
            if exponent < 0 && exponent >= -22 { return Double(significand) / powers[-exponent] }
            if exponent > 0 && exponent <= 22 { return Double(significand) * powers[exponent] }
        }
        if exponent < 0 && exponent >= -19 { return divide(significand, integerPowers[-exponent]) }
        return nil
    }

    /// `numerator / denominator`, rounded once. Both are shifted to have their top bit set, so that the quotient
    /// floor(n * 2^63 / d) has 63 or 64 bits: 53 to keep, the rest and the remainder to round by.
    private static func divide(_ numerator: UInt64, _ denominator: UInt64) -> Double {
        let numeratorShift = numerator.leadingZeroBitCount
        let denominatorShift = denominator.leadingZeroBitCount
        let n = numerator << UInt64(numeratorShift)
        let d = denominator << UInt64(denominatorShift)
        let (quotient, remainder) = d.dividingFullWidth((n >> 1, n << 63))
        let quotientShift = quotient.leadingZeroBitCount
        let bits = quotient << UInt64(quotientShift)
        var kept = bits >> 11
        let dropped = bits & 0x7FF
        if dropped > 0x400 || dropped == 0x400 && (remainder != 0 || kept & 1 == 1) { kept += 1 }
        let power = 11 - 63 - quotientShift + denominatorShift - numeratorShift
        // The scale is a power of two and the value far from the ends of the range: the product is exact.
        return Double(kept) * Double(bitPattern: UInt64(1_023 + power) << 52)
    }

    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
    private static let integerPowers: [UInt64] = [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
        100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
        10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
    ]
}
