import ClusterModel
import DequeModule
import HeapModule

/// A line that connections share: every busy one gets the same part of the bandwidth and sends one thing after another.
///
/// While k connections are busy, each sends at a k-th of the speed, so all of them have the same "bytes sent per connection
/// so far" in front of them; what ends next is what ends first by that count, however k changes meanwhile.
package struct FairLink<Item> {
    private struct Head: Comparable {
        let end: Double
        let number: Int
        let connection: Int
        let item: Item
        let bytes: Double
        static func < (a: Head, b: Head) -> Bool { (a.end, a.number) < (b.end, b.number) }
        static func == (a: Head, b: Head) -> Bool { a.number == b.number }
    }

    private let bytesPerNanosecond: Double
    private var heads = Heap<Head>()
    /// What waits behind the head of a busy connection; looked up, never gone through.
    private var waiting: [Int: Deque<(item: Item, bytes: Double)>] = [:]
    private var through: [Item] = []
    private var number = 0
    private var sentPerConnection = 0.0
    /// Nanoseconds up to which everything is worked out.
    private var time = 0.0
    private var busyNanoseconds = 0.0
    package private(set) var bytesTaken = 0.0
    package private(set) var bytesThrough = 0.0

    package init(gigabitsPerSecond: Double) { bytesPerNanosecond = gigabitsPerSecond / 8 }

    package var busySeconds: Double { busyNanoseconds / 1e9 }
    package var bytesWaiting: Double { bytesTaken - bytesThrough }

    package mutating func send(_ item: Item, bytes: Int, connection: Int, at now: MonotonicTime) {
        advance(to: now)
        bytesTaken += Double(bytes)
        if waiting[connection] == nil {
            waiting[connection] = []
            begin(item, Double(bytes), connection)
        } else {
            waiting[connection]?.append((item, Double(bytes)))
        }
    }

    /// When to ask again what is through; nil while the line is idle.
    package var nextEnd: MonotonicTime? {
        if !through.isEmpty { return MonotonicTime(nanoseconds: Int64(time.rounded(.up))) }
        return heads.min.map { head in
            let left = (head.end - sentPerConnection) * Double(heads.count) / bytesPerNanosecond
            return MonotonicTime(nanoseconds: Int64((time + left).rounded(.up)))
        }
    }

    /// What has got through since this was last asked, in order.
    package mutating func takeThrough(at now: MonotonicTime) -> [Item] {
        advance(to: now)
        defer { through = [] }
        return through
    }

    private mutating func begin(_ item: Item, _ bytes: Double, _ connection: Int) {
        number += 1
        heads.insert(
            Head(end: sentPerConnection + bytes, number: number, connection: connection, item: item, bytes: bytes))
    }

    private mutating func advance(to now: MonotonicTime) {
        let end = Double(now.nanoseconds)
        while let head = heads.min {
            let left = (head.end - sentPerConnection) * Double(heads.count) / bytesPerNanosecond
            if time + left > end { break }
            time += left
            busyNanoseconds += left
            sentPerConnection = head.end
            heads.removeMin()
            bytesThrough += head.bytes
            through.append(head.item)
            if let next = waiting[head.connection]?.popFirst() {
                begin(next.item, next.bytes, head.connection)
            } else {
                waiting[head.connection] = nil
            }
        }
        if !heads.isEmpty {
            sentPerConnection += (end - time) * bytesPerNanosecond / Double(heads.count)
            busyNanoseconds += end - time
        }
        time = max(time, end)
    }
}
