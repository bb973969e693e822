import ClusterModel
import Crypto
import Panel

/// The merged state of a finished correlation job and what it is of, to be written down beside the panel.
///
/// The next job goes on from it when its panel begins with the same blocks of the same alphas and everything else that
/// decides a value is the same; see `CorrelationJob.init(plan:resuming:)`.
package struct CorrelationState: Sendable {
    package let profile: NumericProfile
    /// Blocks at the beginning of the panel that it covers.
    let blockCount: Int
    /// Neighbours and pairs are named by the ranks of the panel it is for.
    let summaries: CorrelationSummaries

    private let plan: CorrelationPlan
    private let alphaIDs: [String]

    /// New alphas keep all their values until the end, so beyond so many values a whole run is better.
    private static let newValuesMax = 64 << 20
    private static let magic: UInt32 = 0x3154_5343  // "CST1"

    init(summaries: CorrelationSummaries, plan: CorrelationPlan, alphaIDs: [String], profile: NumericProfile) {
        self.summaries = summaries
        self.profile = profile
        blockCount = plan.layout.blockCount
        (self.plan, self.alphaIDs) = (plan, alphaIDs)
    }

    /// Everything that the bits of the state depend on.
    private static func basis(
        _ plan: CorrelationPlan, _ alphaIDs: [String], blockCount: Int, _ profile: NumericProfile
    ) -> BlockHash {
        let (layout, parameters) = (plan.layout, plan.parameters)
        var writer = ByteWriter()
        for text in [parameters.convention.rawValue, parameters.precision.rawValue, profile.description] { writer.write(text) }
        for number in [
            parameters.minOverlap, layout.shape.blockEdge, layout.shape.dayCount, plan.firstDay, parameters.neighbours,
            parameters.edges.map { $0.absolute ? 2 : 1 } ?? 0, blockCount,
        ] { writer.write(Int64(number)) }
        writer.write(parameters.edges?.from ?? 0)
        for block in 0..<blockCount {
            writer.write(layout.blockNames[block].hash)
            writer.write(UInt32(layout.shape.blockStarts[block + 1]))
        }
        for id in alphaIDs.prefix(layout.shape.blockStarts[blockCount]) { writer.write(id) }
        return BlockHash(bytes: Array(SHA256.hash(data: writer.bytes)))
    }

    /// How many alphas of the plan it covers already.
    package var alphaCount: Int { summaries.alphaCount }

    // MARK: As bytes

    package func encoded() -> [UInt8] {
        // Alphas are written down by their positions, since ranks change when others come.
        var positions = Array(repeating: UInt32(0), count: plan.layout.alphaCount)
        for (position, rank) in plan.layout.ranks.enumerated() { positions[Int(rank)] = UInt32(position) }
        var writer = ByteWriter(capacity: 256 + summaries.alphaCount * (64 + summaries.most.kept * 48))
        writer.write(Self.magic)
        writer.write(Self.basis(plan, alphaIDs, blockCount: blockCount, profile))
        writer.write(profile.blasVersion)
        writer.write(profile.coreType)
        writer.write(UInt32(profile.epilogueVersion))
        writer.write(UInt32(blockCount))
        writer.write(UInt32(summaries.alphaCount))
        writer.write(UInt64(summaries.twinPairs))
        writer.write(UInt32(summaries.edges.map { $0.count + 1 } ?? 0))
        writer.writeArray(summaries.sum)
        writer.writeArray(summaries.count.map { UInt32($0) })
        for lists in [summaries.most, summaries.least] {
            writer.writeArray(lists.counts)
            writer.writeArray(lists.lists.map(\.r))
            writer.writeArray(lists.lists.map { $0.rank == .max ? .max : positions[Int($0.rank)] })
            writer.writeArray(lists.lists.map(\.days))
        }
        writer.writeArray(summaries.searches.map(\.low))
        writer.writeArray(summaries.searches.map(\.high))
        writer.writeArray(summaries.searches.map { UInt32(clamping: $0.below) })
        writer.writeArray(summaries.searches.map { UInt32($0.inside.count) })
        for search in summaries.searches {
            switch search.inside {
            case .float64(let values): writer.writeArray(values)
            case .float32(let values): writer.writeArray(values)
            }
        }
        if let edges = summaries.edges {
            writer.writeArray(edges.map(\.r))
            writer.writeArray(edges.map { positions[Int($0.rankA)] })
            writer.writeArray(edges.map { positions[Int($0.rankB)] })
            writer.writeArray(edges.map(\.days))
        }
        writer.write(BlockHash(bytes: Array(SHA256.hash(data: writer.bytes))))
        return writer.bytes
    }

    /// Reads a state that was written down.
    ///
    /// - Returns: nil when it is not one that a job of `plan` can go on from.
    /// - Throws: `GridError` for bytes that are damaged.
    package init?(decoding payload: Payload, for plan: CorrelationPlan, alphaIDs: [String]) throws(GridError) {
        let layout = plan.layout
        var reader = ByteReader(payload, what: "kept correlation state")
        guard try reader.read(UInt32.self) == Self.magic else { throw reader.malformed("not a correlation state") }
        let basis = try reader.readBlockHash()
        let profile = NumericProfile(
            blasVersion: try reader.readString(), coreType: try reader.readString(),
            epilogueVersion: Int(try reader.read(UInt32.self)))
        let blockCount = Int(try reader.read(UInt32.self))
        let alphaCount = Int(try reader.read(UInt32.self))
        guard blockCount >= 1, blockCount <= layout.blockCount, alphaCount == layout.shape.blockStarts[blockCount],
            (layout.alphaCount - alphaCount) * layout.alphaCount <= Self.newValuesMax,
            basis == Self.basis(plan, alphaIDs, blockCount: blockCount, profile)
        else { return nil }
        let end = payload.count - 32
        let body = UnsafeRawBufferPointer(rebasing: payload.bytes.prefix(max(0, end)))
        guard payload.bytes.suffix(32).elementsEqual(SHA256.hash(data: body)) else {
            throw reader.malformed("its checksum is not that of its bytes")
        }
        self.profile = profile
        self.blockCount = blockCount
        (self.plan, self.alphaIDs) = (plan, alphaIDs)
        summaries = try Self.summaries(&reader, alphaCount: alphaCount, plan)
    }

    private static func summaries(
        _ reader: inout ByteReader, alphaCount: Int, _ plan: CorrelationPlan
    ) throws(GridError) -> CorrelationSummaries {
        let twinPairs = Int(clamping: try reader.read(UInt64.self))
        guard twinPairs <= alphaCount * alphaCount else { throw reader.malformed("\(twinPairs) pairs of \(alphaCount) alphas") }
        let edgeCount = Int(try reader.read(UInt32.self)) - 1
        let sum = try reader.readArray(Int64.self, count: alphaCount)
        let count = try reader.readArray(UInt32.self, count: alphaCount).map { Int($0) }
        let most = try lists(&reader, .most, alphaCount, plan)
        let least = try lists(&reader, .least, alphaCount, plan)
        let searches = try searches(&reader, alphaCount, plan.parameters.precision)
        // Its checksum says that it is what was written, not that what was written was right.
        for alpha in 0..<alphaCount {
            guard count[alpha] < alphaCount, sum[alpha].magnitude <= UInt64(count[alpha]) << 40,
                searches[alpha].below <= count[alpha]
            else { throw reader.malformed("counts and sums of an alpha that cannot be") }
        }
        var edges: [CorrelationPartial.Edge]?
        if edgeCount >= 0 {
            let r = try reader.readArray(Double.self, count: edgeCount)
            let a = try ranks(&reader, count: edgeCount, plan)
            let b = try ranks(&reader, count: edgeCount, plan)
            let days = try reader.readArray(UInt32.self, count: edgeCount)
            let isPossible = (0..<edgeCount).allSatisfy { a[$0] != .max && b[$0] != .max && (-1...1).contains(r[$0]) }
            guard isPossible else { throw reader.malformed("a pair that cannot be") }
            edges = (0..<edgeCount).map { CorrelationPartial.Edge(r: r[$0], rankA: a[$0], rankB: b[$0], days: days[$0]) }
        }
        guard reader.remaining == 32 else { throw reader.malformed("\(reader.remaining) bytes before its end, expected 32") }
        return CorrelationSummaries(
            most: most, least: least, sum: sum, count: count, searches: searches, twinPairs: twinPairs, edges: edges)
    }

    private static func lists(
        _ reader: inout ByteReader, _ end: NeighbourLists.End, _ alphaCount: Int, _ plan: CorrelationPlan
    ) throws(GridError) -> NeighbourLists {
        let kept = plan.parameters.neighbours
        let counts = try reader.readArray(UInt8.self, count: alphaCount)
        guard counts.allSatisfy({ Int($0) <= kept }) else { throw reader.malformed("more neighbours than are kept") }
        let r = try reader.readArray(Double.self, count: alphaCount * kept)
        let ranks = try ranks(&reader, count: alphaCount * kept, plan)
        let days = try reader.readArray(UInt32.self, count: alphaCount * kept)
        for alpha in 0..<alphaCount {
            for place in (alpha * kept)..<(alpha * kept + Int(counts[alpha])) {
                guard ranks[place] != .max, (-1...1).contains(r[place]) else {
                    throw reader.malformed("a neighbour that cannot be")
                }
            }
        }
        return NeighbourLists(
            kept: kept, end: end,
            lists: r.indices.map { CorrelationPartial.Neighbour(r: r[$0], rank: ranks[$0], days: days[$0]) }, counts: counts)
    }

    /// Positions as the ranks that their alphas have now.
    private static func ranks(
        _ reader: inout ByteReader, count: Int, _ plan: CorrelationPlan
    ) throws(GridError) -> [UInt32] {
        let ranks = plan.layout.ranks
        let positions = try reader.readArray(UInt32.self, count: count)
        guard positions.allSatisfy({ $0 == .max || $0 < ranks.count }) else { throw reader.malformed("an alpha nobody knows") }
        return positions.map { $0 == .max ? .max : ranks[Int($0)] }
    }

    private static func searches(
        _ reader: inout ByteReader, _ alphaCount: Int, _ precision: Precision
    ) throws(GridError) -> [MedianSearch] {
        let low = try reader.readArray(Double.self, count: alphaCount)
        let high = try reader.readArray(Double.self, count: alphaCount)
        let below = try reader.readArray(UInt32.self, count: alphaCount)
        let inside = try reader.readArray(UInt32.self, count: alphaCount)
        var searches: [MedianSearch] = []
        for alpha in 0..<alphaCount {
            let values: CorrelationValues =
                switch precision {
                case .float64: .float64(try reader.readArray(Double.self, count: Int(inside[alpha])))
                case .float32: .float32(try reader.readArray(Float.self, count: Int(inside[alpha])))
                }
            let isPossible =
                switch values {
                case .float64(let values): values.allSatisfy { $0.magnitude <= 1 }
                case .float32(let values): values.allSatisfy { $0.magnitude <= 1 }
                }
            guard isPossible, !low[alpha].isNaN, !high[alpha].isNaN else {
                throw reader.malformed("values around a median that cannot be")
            }
            searches.append(MedianSearch(low: low[alpha], high: high[alpha], below: Int(below[alpha]), inside: values))
        }
        return searches
    }
}
