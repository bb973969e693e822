import ClusterModel
import Panel
import Testing

@Suite struct ReturnsTests {
    private let a: [Double] = [0, 120, 90, 210, 260, 240, 310, 330, 300, 390]
    private let b: [Double] = [0, 60, 80, .nan, 150, 130, 170, .nan, 160, 230]

    private func returns(_ convention: Convention, _ cumulative: [Double]) -> [Double?] {
        var output = [Double](repeating: 0, count: cumulative.count)
        cumulative.withUnsafeBufferPointer { input in
            output.withUnsafeMutableBufferPointer { convention.returns(of: input, into: $0) }
        }
        return optional(output)
    }

    private func pairReturns(_ convention: Convention, _ a: [Double], _ b: [Double], firstDay: Int = 0) -> [[Double]] {
        var pairs: [[Double]] = []
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                convention.forEachPairReturn(of: a, and: b, firstDay: firstDay) { pairs.append([$0, $1]) }
            }
        }
        return pairs
    }

    /// Pearson's r by its definition, two passes.
    private func correlation(_ pairs: [[Double]]) -> Double {
        let count = Double(pairs.count)
        let means = [0, 1].map { side in pairs.reduce(0) { $0 + $1[side] } / count }
        func moment(_ i: Int, _ j: Int) -> Double { pairs.reduce(0) { $0 + ($1[i] - means[i]) * ($1[j] - means[j]) } }
        return moment(0, 1) / (moment(0, 0) * moment(1, 1)).squareRoot()
    }

    private func commonReturns(_ convention: Convention, firstDay: Int) -> [[Double]] {
        if convention.isPairwise { return pairReturns(convention, a, b, firstDay: firstDay) }
        return zip(returns(convention, a), returns(convention, b)).dropFirst(firstDay).compactMap { x, y in
            if let x, let y { [x, y] } else { nil }
        }
    }

    @Test(
        "Each convention gives the returns that pandas gives for a series with gaps",
        arguments: [
            (Convention.ffillShift, [nil, 60, 20, nil, 70, -20, 40, nil, -10, 70]),
            (.ffillDiff, [nil, 60, 20, 0, 70, -20, 40, 0, -10, 70]),
            (.commonDates, [nil, 60, 20, nil, nil, -20, 40, nil, nil, 70]),
            (.dailyPnL, [0, 60, 80, nil, 150, 130, 170, nil, 160, 230]),
            (
                .alphadatabank,
                [
                    nil, 6e-06, 1.9999880000719995e-06, nil, nil, -1.9999700004499934e-06, 3.999948000675991e-06, nil, nil,
                    6.999888001791971e-06,
                ]
            ),
        ] as [(Convention, [Double?])])
    func series(convention: Convention, expected: [Double?]) {
        #expect(returns(convention, b) == expected)
    }

    @Test("A missing beginning stays missing, and after the end only ffill-diff has returns")
    func ends() {
        let series: [Double] = [.nan, .nan, 5, 8, .nan, .nan]
        #expect(returns(.ffillShift, series) == [nil, nil, nil, 3, nil, nil])
        #expect(returns(.ffillDiff, series) == [nil, nil, nil, 3, 0, 0])
        #expect(returns(.commonDates, series) == [nil, nil, nil, 3, nil, nil])
        #expect(returns(.dailyPnL, series) == [nil, nil, 5, 8, nil, nil])
    }

    @Test("Pairwise conventions difference over the dates both have, so that both span the same gap")
    func pairs() {
        #expect(
            pairReturns(.commonDates, a, b) == [
                [120, 60], [-30, 20], [170, 70], [-20, -20], [70, 40], [-10, -10], [90, 70],
            ])
        // df.dropna(): diff() / (1e7 + shift(1)) in pandas.
        #expect(
            pairReturns(.alphadatabank, a, b) == [
                [1.2e-05, 6e-06], [-2.9999640004319948e-06, 1.9999880000719995e-06],
                [1.699984700137699e-05, 6.999944000447997e-06], [-1.9999480013519647e-06, -1.9999700004499934e-06],
                [6.9998320040319034e-06, 3.999948000675991e-06], [-9.999690009609703e-07, -9.99983000288995e-07],
                [8.999730008099758e-06, 6.999888001791971e-06],
            ])
    }

    @Test("A pair's return belongs to its end date: one that begins before the window and ends in it counts")
    func pairWindow() {
        #expect(pairReturns(.commonDates, a, b, firstDay: 4) == [[170, 70], [-20, -20], [70, 40], [-10, -10], [90, 70]])
        #expect(pairReturns(.commonDates, a, b, firstDay: 9) == [[90, 70]])
        #expect(pairReturns(.commonDates, a, [Double](repeating: .nan, count: 10)) == [])
    }

    @Test("A book worth nothing makes the return missing on both sides")
    func zeroBook() {
        let expected: [[Double]] = [[-1, 1e-7], [1.0 / 10_000_005, 1.0 / 10_000_002]]
        #expect(pairReturns(.alphadatabank, [0, -1e7, 5, 6], [0, 1, 2, 3]) == expected)
        #expect(returns(.alphadatabank, [0, -1e7, 5]) == [nil, -1, nil])
    }

    @Test(
        "Correlations of the documented vectors come out, over all dates and over the last six",
        arguments: [
            (Convention.ffillShift, 0, 7, 0.840468527213175), (.ffillDiff, 0, 9, 0.5728651038410503),
            (.commonDates, 0, 7, 0.8823674751435504), (.alphadatabank, 0, 7, 0.8823660382017003),
            (.ffillShift, 4, 5, 0.9142851048055567), (.ffillDiff, 4, 6, 0.8973520599848835),
            (.commonDates, 4, 5, 0.930249060270316),
        ])
    func vectors(convention: Convention, firstDay: Int, count: Int, expected: Double) {
        let pairs = commonReturns(convention, firstDay: firstDay)
        #expect(pairs.count == count)
        #expect(abs(correlation(pairs) - expected) < 1e-14)
    }
}
