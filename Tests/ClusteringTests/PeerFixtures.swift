import Clustering

/// Ninety points in four groups of growing width, every sixth anywhere. Irrational steps, so that no two distances are equal;
/// simple arithmetic, so that any language makes the same ones.
func irregularPoints(_ count: Int = 90) -> [[Double]] {
    let fraction = { (x: Double) in x - x.rounded(.down) }
    return (0..<count).map { point in
        let (i, group) = (Double(point), Double(point % 4))
        if point % 6 == 5 { return [fraction(i * 0.3247179572) * 60, fraction(i * 0.5698402910) * 60] }
        let spread = 2 + group
        return [
            group * 12 + spread * fraction(i * 0.6180339887), group * group * 5 + spread * fraction(i * 0.7548776662),
        ]
    }
}

/// What the hdbscan package (0.8) answers for `irregularPoints()` with metric="precomputed".
struct DensityFixture: CustomStringConvertible {
    let minClusterSize: Int
    let minSamples: Int
    let selection: HDBSCAN.Selection
    let labels: [Int]
    let probabilitySum: Double
    let persistences: [Double]

    var description: String { "\(selection.rawValue), min_cluster_size \(minClusterSize), min_samples \(minSamples)" }
}

let densityFixtures = [
    DensityFixture(
        minClusterSize: 5, minSamples: 5, selection: .excessOfMass,
        labels: [
            0, 1, 2, 3, 0, 3, 2, 3, 0, 1, 2, 2, 0, 1, 2, 3, 0, 3, 2, 3, 0, 1, 2, -1, 0, 1, 2, 3, 0, 2, 2, 3, 0, 1,
            2, -1, 0, 1, 2, 3, 0, 2, 2, 3, 0, 1, 2, -1, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, -1, 0, 1, 2, 3, 0, 0, 2, 3,
            0, 1, 2, -1, 0, 1, 2, 3, 0, -1, 2, 3, 0, 1, 2, -1, 0, 1, 2, 3, 0, -1,
        ], probabilitySum: 67.97754547338384,
        persistences: [
            0.6036517234472093, 0.21183789799694308, 0.3239772289955203, 0.20713798537889433,
        ]),
    DensityFixture(
        minClusterSize: 5, minSamples: 5, selection: .leaf,
        labels: [
            -1, 0, 1, 2, -1, 2, 1, 2, -1, 0, 1, 1, 3, 0, 1, 2, 4, 2, 1, 2, 3, 0, 1, -1, 4, 0, 1, 2, 3, 1, 1, 2, 4,
            0, 1, -1, 3, 0, 1, 2, 4, 1, 1, 2, 3, 0, 1, -1, 4, 0, 1, 2, 3, 0, 1, 2, 4, 0, 1, -1, 3, 0, 1, 2, 4, -1,
            1, 2, -1, 0, 1, -1, 4, 0, 1, 2, -1, -1, 1, 2, 4, 0, 1, -1, -1, 0, 1, 2, -1, -1,
        ], probabilitySum: 60.370434591100725,
        persistences: [
            0.21183789799694308, 0.3239772289955203, 0.20713798537889433, 0.2214786721946061, 0.23735168806763043,
        ]),
    DensityFixture(
        minClusterSize: 4, minSamples: 2, selection: .excessOfMass,
        labels: [
            -1, 2, 3, 0, 4, 0, 6, 0, 5, 2, 3, -1, 4, 2, 6, 0, 5, 0, 3, 0, 4, 2, 6, -1, 5, 2, 3, 0, 4, -1, 6, 0, 5,
            2, 3, -1, 4, 2, 6, 0, 5, -1, 7, 0, 4, 2, 6, -1, 5, 2, 7, 0, 4, -1, 6, 0, 5, 1, 7, -1, 4, 1, 6, 0, 5, -1,
            7, 0, 4, 1, 6, -1, 5, 1, 7, 0, -1, -1, 6, 0, 5, 1, 7, -1, -1, 1, 6, 0, 5, -1,
        ], probabilitySum: 67.30577804674493,
        persistences: [
            0.074935984457845, 0.05968664599512433, 0.11321336933598053, 0.13215120727053292, 0.6531913034299367,
            0.673393323631963, 0.336696661815984, 0.298817873937192,
        ]),
    DensityFixture(
        minClusterSize: 6, minSamples: 3, selection: .leaf,
        labels: [
            -1, 2, 3, 0, 5, 0, 3, 0, 6, 2, 3, -1, 5, 2, 3, 0, 6, 0, 3, 0, 5, 2, 3, -1, 6, 2, 3, 0, 5, -1, 3, 0, 6,
            2, 3, -1, 5, 2, 3, 0, 6, -1, 4, 0, 5, 2, 3, -1, 6, 2, 4, 0, 5, -1, 3, 0, 6, 1, 4, -1, 5, 1, 3, 0, 6, -1,
            4, 0, 5, 1, 3, -1, 6, 1, 4, 0, -1, -1, 3, 0, 6, 1, 4, -1, -1, 1, 3, 0, 6, -1,
        ], probabilitySum: 66.9336653824715,
        persistences: [
            0.15328202959309947, 0.03986278739969646, 0.13025866681069254, 0.16087457666364666, 0.09763574787439483,
            0.4545307550080521, 0.46799876847606187,
        ]),
]

/// What scikit-learn's DBSCAN answers for `irregularPoints()` with eps 1.9 and min_samples 5:
/// labels, and which are no core points.
let scanLabels = [
    0, 1, 2, 3, 0, -1, 2, 3, 0, 1, 2, -1, 0, 1, 2, 3, 0, -1, 2, 3, 0, 1, 2, -1, 0, 1, 2, 3, 0, -1, 2, 3, 0, 1, 2, -1, 0, 1,
    2, 3, 0, -1, 2, 3, 0, 1, 2, -1, 0, 1, 2, 3, 0, -1, 2, 3, 0, 1, 2, -1, 0, 1, 2, 3, 0, -1, 2, 3, 0, 1, 2, -1, 0, 1, 2, 3,
    0, -1, 2, 3, 0, 1, 2, -1, 0, 1, 2, 3, 0, -1,
]
let scanNotCore = [
    5, 11, 17, 23, 29, 35, 41, 47, 53, 59, 65, 71, 77, 83, 89,
]
