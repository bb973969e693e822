import ClusterModel
import Kernels
import Testing

/// Two series with gaps on different days, and what each convention makes of them.
struct ConventionVector: CustomTestStringConvertible, Sendable {
    static let a: [Double] = [0, 120, 90, 210, 260, 240, 310, 330, 300, 390]
    static let b: [Double] = [0, 60, 80, .nan, 150, 130, 170, .nan, 160, 230]

    var convention: Convention
    var firstDay: Int
    var r: Double
    var days: Int
    var testDescription: String { "\(convention.rawValue) from day \(firstDay)" }

    static let all = [
        ConventionVector(convention: .ffillShift, firstDay: 0, r: 0.840468527213175, days: 7),
        ConventionVector(convention: .ffillDiff, firstDay: 0, r: 0.5728651038410503, days: 9),
        ConventionVector(convention: .commonDates, firstDay: 0, r: 0.8823674751435504, days: 7),
        ConventionVector(convention: .alphadatabank, firstDay: 0, r: 0.8823660382017003, days: 7),
        ConventionVector(convention: .ffillShift, firstDay: 4, r: 0.9142851048055567, days: 5),
        ConventionVector(convention: .ffillDiff, firstDay: 4, r: 0.8973520599848835, days: 6),
        ConventionVector(convention: .commonDates, firstDay: 4, r: 0.930249060270316, days: 5),
    ]
}

struct ConventionVectorTests {
    @Test("The documented vector comes out as documented under every convention and window", arguments: ConventionVector.all)
    func documentedVector(_ vector: ConventionVector) throws {
        for edge in [1, 2, 5] {
            let matrix = KernelMatrix(
                [ConventionVector.a, ConventionVector.b], edge: edge, convention: vector.convention, precision: .float64,
                firstDay: vector.firstDay, minOverlap: 2)
            #expect(abs(matrix.values[0][1] - vector.r) <= 1e-12 * vector.r)
            #expect(matrix.days[0][1] == vector.days)
            let narrow = KernelMatrix(
                [ConventionVector.a, ConventionVector.b], edge: edge, convention: vector.convention, precision: .float32,
                firstDay: vector.firstDay, minOverlap: 2)
            #expect(abs(narrow.values[0][1] - vector.r) <= 1e-5)
        }
        let reference = ReferenceCorrelation(convention: vector.convention, firstDay: vector.firstDay, minOverlap: 2)
        let twin = reference(ConventionVector.a, ConventionVector.b)
        let r = try #require(twin.r)
        #expect(abs(r - vector.r) <= 1e-12 * vector.r)
        #expect(twin.days == vector.days)
    }

    @Test("Daily PnL that is the returns of another convention gives that convention's correlation")
    func dailyPnL() {
        let x: [Double] = [.nan, 120, -30, 120, 50, -20, 70, 20, -30, 90]
        let y: [Double] = [.nan, 60, 20, .nan, 70, -20, 40, .nan, -10, 70]
        let matrix = KernelMatrix([x, y], edge: 2, convention: .dailyPnL, precision: .float64, minOverlap: 2)
        #expect(abs(matrix.values[0][1] - 0.840468527213175) <= 1e-12)
        #expect(matrix.days[0][1] == 7)
    }

    @Test("A book of zero makes the return on it missing, with and without gaps", arguments: [false, true])
    func zeroBook(gap: Bool) throws {
        // The return on day 3 is relative to 10,000,000 - 10,000,000.
        var a: [Double] = [0, 5, -10_000_000, 7, 30, 2, 18, 4]
        let b: [Double] = [0, 2, 9, 4, 25, 3, 11, 8]
        if gap { a[5] = .nan }
        let matrix = KernelMatrix([a, b], edge: 2, convention: .alphadatabank, precision: .float64, minOverlap: 2)
        let (r, days) = ReferenceCorrelation(convention: .alphadatabank, minOverlap: 2)(a, b)
        let expected = try #require(r)
        #expect(days == (gap ? 5 : 6))
        #expect(matrix.days[0][1] == days)
        #expect(abs(matrix.values[0][1] - expected) <= 1e-12)
    }
}
