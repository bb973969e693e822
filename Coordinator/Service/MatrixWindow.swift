import ClusterModel
import Dispatch
import Foundation
import Kernels
import Panel
import Store
import Synchronization

/// A rectangle of a panel's correlation matrix, computed when it is asked for: by the kernels that jobs use, in tiles of its
/// own, since the alphas that are side by side here lie in different blocks of the panel.
struct MatrixWindow {
    let panel: Panel
    let settings: RegionSettings
    /// nil where nobody asked for clusters.
    let clusters: Store.ClusterOrder?

    /// Alphas along one edge, by layout position, and how they are cut into cells.
    private struct Edge {
        var alphas: [Int]
        var span: MatrixView.Span
    }

    /// - Throws: `GridError(.usage)` for a rectangle that lies outside, or takes more work than one answer may,
    ///   `.notFound` for an alpha that is not there.
    func view(_ request: MatrixRequest) throws(GridError) -> MatrixView {
        let order = try order(request)
        let rows = try edge(request.rows ?? 0..<order.count, of: order, size: request.size, name: "rows")
        let columns = try edge(
            request.columns ?? request.rows ?? 0..<order.count, of: order, size: request.size, name: "columns")
        try expectBounded(rows, columns)
        var view = MatrixView(
            region: "", pool: "", convention: settings.convention.rawValue, window: settings.window.description,
            minOverlap: settings.minOverlap, order: request.order, count: order.count, rows: rows.span, columns: columns.span)
        view.rowIds = ids(rows)
        view.columnIds = ids(columns)
        view.method = clusters?.method
        if let clusters { view.labels = view.rowIds.map { clusters.labels[$0] } }
        view.values = try cells(rows, columns)
        return view
    }

    // MARK: What is asked for

    /// Layout positions in the order of the request.
    private func order(_ request: MatrixRequest) throws(GridError) -> [Int] {
        switch request.order {
        case .id: return panel.idOrder.map { Int($0) }
        case .named:
            var seen = Set<Int>()
            var order: [Int] = []
            for id in request.alphas ?? [] {
                guard let alpha = panel.alpha(withID: id) else {
                    throw GridError(.notFound, "the pool has no alpha '\(id.printable)' with PnL")
                }
                guard seen.insert(alpha).inserted else {
                    throw GridError(.usage, "alpha '\(id.printable)' is named twice: expected different ones")
                }
                order.append(alpha)
            }
            return order
        case .cluster:
            var isPlaced = [Bool](repeating: false, count: panel.alphaCount)
            var order: [Int] = []
            let labelled = (clusters?.alphaIDs ?? []).compactMap { panel.alpha(withID: $0) }
            for alpha in labelled + panel.idOrder.map({ Int($0) }) where !isPlaced[alpha] {
                isPlaced[alpha] = true
                order.append(alpha)
            }
            return order
        }
    }

    private func edge(_ range: Range<Int>, of order: [Int], size: Int, name: String) throws(GridError) -> Edge {
        guard !range.isEmpty, range.upperBound <= order.count else {
            throw GridError(
                .usage, "\(name) \(range.lowerBound):\(range.upperBound) are not valid: there are \(order.count) alphas")
        }
        let step = (range.count + size - 1) / size
        return Edge(
            alphas: Array(order[range]), span: MatrixView.Span(from: range.lowerBound, to: range.upperBound, step: step))
    }

    private func expectBounded(_ rows: Edge, _ columns: Edge) throws(GridError) {
        let most = min(Limits.matrixPairsMax, Limits.matrixProductsMax / panel.dayCount)
        guard rows.alphas.count <= most / columns.alphas.count else {
            throw GridError(
                .usage,
                "a window of \(rows.alphas.count) x \(columns.alphas.count) alphas has too many pairs: expected at most \(most), "
                    + "such as rows=0:\(Int(Double(most).squareRoot()))")
        }
    }

    private func ids(_ edge: Edge) -> [String] {
        stride(from: 0, to: edge.alphas.count, by: edge.span.step).map { panel.alphaIDs[edge.alphas[$0]] }
    }

    // MARK: Computing

    /// Tiles of a window, the longer side in pieces, so that only the shorter one is in memory as a whole.
    private func cells(_ rows: Edge, _ columns: Edge) throws(GridError) -> [[Double?]] {
        let isTurned = rows.alphas.count > columns.alphas.count
        let (short, long) = isTurned ? (columns, rows) : (rows, columns)
        let isSame = rows.alphas == columns.alphas
        let edge = Self.tileEdge(for: short.alphas.count)
        let kept = (0..<parts(short, edge)).map { self.block(short, $0, edge) }
        let firstDay = try panel.firstDay(of: settings.window)
        let shorts = prepare(kept, edge, firstDay)
        let cells = CellGrid(short.span, long.span, isSymmetric: isSame)
        let next = Atomic(0)
        let failure = Mutex<GridError?>(nil)
        let (count, minOverlap) = (parts(long, edge), settings.minOverlap)
        // Half the cores, since jobs may be running on this machine too.
        let threads = min(count, max(1, ProcessInfo.processInfo.activeProcessorCount / 2))
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            let kernel = CorrelationKernel(blockEdge: edge)
            while case let part = next.wrappingAdd(1, ordering: .relaxed).oldValue, part < count {
                let alphas = self.block(long, part, edge)
                let prepared = isSame ? shorts[part] : self.prepare(alphas, edge, firstDay)
                do throws(GridError) {
                    for (at, other) in shorts.enumerated() where !isSame || at <= part {
                        let tile = try kernel.correlations(row: other, column: prepared, minOverlap: minOverlap)
                        cells.take(tile.values, edge, row: at * edge, kept[at], column: part * edge, alphas)
                    }
                } catch {
                    failure.withLock { $0 = error }
                    return
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
        return cells.rows(turned: isTurned)
    }

    /// Small windows need no large tiles, which are computed as a whole.
    private static func tileEdge(for count: Int) -> Int {
        var edge = 16
        while edge < Limits.matrixTileEdgeMax, edge < count { edge *= 2 }
        return edge
    }

    private func parts(_ edge: Edge, _ size: Int) -> Int { (edge.alphas.count + size - 1) / size }

    private func block(_ edge: Edge, _ part: Int, _ size: Int) -> ArraySlice<Int> {
        edge.alphas[(part * size)..<min(edge.alphas.count, (part + 1) * size)]
    }

    private func prepare(_ blocks: [ArraySlice<Int>], _ edge: Int, _ firstDay: Int) -> [PreparedBlock] {
        let made = Mutex<[PreparedBlock?]>(Array(repeating: nil, count: blocks.count))
        DispatchQueue.concurrentPerform(iterations: blocks.count) { index in
            let block = self.prepare(blocks[index], edge, firstDay)
            made.withLock { $0[index] = block }
        }
        return made.withLock { $0.compactMap { $0 } }
    }

    private func prepare(_ alphas: ArraySlice<Int>, _ edge: Int, _ firstDay: Int) -> PreparedBlock {
        var values: [Double] = []
        values.reserveCapacity(edge * panel.dayCount)
        for alpha in alphas { values.append(contentsOf: panel.series(alpha)) }
        values.append(contentsOf: repeatElement(.nan, count: (edge - alphas.count) * panel.dayCount))
        return values.withUnsafeBufferPointer { values in
            PreparedBlock(
                cumulative: values, alphaCount: alphas.count, blockEdge: edge, dayCount: panel.dayCount,
                convention: settings.convention, precision: .float64, firstDay: firstDay)
        }
    }
}

/// What the pairs of a window have come to: the r of the largest |r| of each cell.
private final class CellGrid: Sendable {
    private let short: MatrixView.Span
    private let long: MatrixView.Span
    private let isSymmetric: Bool
    /// `short.cells` x `long.cells`, NaN where nothing is defined.
    private let values: Mutex<[Double]>

    init(_ short: MatrixView.Span, _ long: MatrixView.Span, isSymmetric: Bool) {
        (self.short, self.long, self.isSymmetric) = (short, long, isSymmetric)
        values = Mutex(Array(repeating: .nan, count: short.cells * long.cells))
    }

    /// - Parameters:
    ///   - tile: `edge` x `edge` values of `rowAlphas` with `columnAlphas`.
    ///   - row, column: where they begin along the short and the long side.
    func take(
        _ tile: [Double], _ edge: Int, row: Int, _ rowAlphas: ArraySlice<Int>, column: Int, _ columnAlphas: ArraySlice<Int>
    ) {
        values.withLock { values in
            for (i, a) in rowAlphas.enumerated() {
                let cellRow = (row + i) / short.step
                for (j, b) in columnAlphas.enumerated() {
                    let cellColumn = (column + j) / long.step
                    // An alpha with itself says nothing, unless the cell is nothing else.
                    if a == b, short.step > 1 || long.step > 1 { continue }
                    let r = a == b ? 1 : tile[i * edge + j]
                    Self.put(r, &values[cellRow * long.cells + cellColumn])
                    if isSymmetric { Self.put(r, &values[cellColumn * long.cells + cellRow]) }
                }
            }
        }
    }

    /// Of two that are equally far from 0 the positive one stays, so that the order of the tiles does not matter.
    private static func put(_ r: Double, _ cell: inout Double) {
        if r.isNaN { return }
        if cell.isNaN || r.magnitude > cell.magnitude || r.magnitude == cell.magnitude && r > cell { cell = r }
    }

    func rows(turned: Bool) -> [[Double?]] {
        let values = values.withLock { $0 }
        func value(_ i: Int, _ j: Int) -> Double? {
            let r = values[i * long.cells + j]
            return r.isNaN ? nil : r
        }
        return turned
            ? (0..<long.cells).map { j in (0..<short.cells).map { value($0, j) } }
            : (0..<short.cells).map { i in (0..<long.cells).map { value(i, $0) } }
    }
}
