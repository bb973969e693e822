import ClusterModel
import Dispatch
import Synchronization
import Testing

@testable import Messaging

@Suite struct KeyWatchTests {
    /// A file of keys that does as a test says.
    private final class Scene: Sendable {
        struct State {
            var stamp: KeyWatch.Stamp? = KeyWatch.Stamp(inode: 1)
            var records: [KeyFolder.Record] = []
            var error: GridError?
            var now = MonotonicTime(nanoseconds: 0)
            var reads = 0
            var reports: [String] = []
        }

        let state = Mutex(State())

        func watch() -> KeyWatch {
            KeyWatch(
                stamp: { self.state.withLock { $0.stamp } },
                read: { () throws(GridError) in
                    let (records, error) = self.state.withLock { state in
                        state.reads += 1
                        return (state.records, state.error)
                    }
                    if let error { throw error }
                    return records
                },
                clock: { self.state.withLock { $0.now } }, report: { line in self.state.withLock { $0.reports.append(line) } })
        }
    }

    @Test("A list that could not be read is read again after a while, though its file is the same; it is said once")
    func again() throws {
        let record = KeyFolder.Record(name: "a", key: try KeyPair.make().publicKey, added: "2026-01-01T00:00:00Z")
        let scene = Scene()
        scene.state.withLock { $0.records = [record] }
        let watch = scene.watch()
        #expect(try watch.begin() == [record])
        #expect(watch.changed() == nil)

        // The key is revoked just when no file can be opened.
        scene.state.withLock { state in
            state.stamp = KeyWatch.Stamp(inode: 2)
            state.records = []
            state.error = GridError(.failed, "too many open files")
        }
        for _ in 0..<100 { #expect(watch.changed() == nil) }
        #expect(scene.state.withLock { $0.reads } == 2, "not with every question that somebody asks")
        for _ in 0..<3 {
            scene.state.withLock { $0.now = $0.now.advanced(milliseconds: Limits.keysRetryMilliseconds) }
            #expect(watch.changed() == nil)
        }
        #expect(scene.state.withLock { $0.reads } == 5)
        #expect(scene.state.withLock { $0.reports } == ["the keys stay as they were: too many open files"])
        scene.state.withLock { state in
            state.error = nil
            state.now = state.now.advanced(milliseconds: Limits.keysRetryMilliseconds)
        }
        #expect(watch.changed() == [])
        #expect(watch.changed() == nil)
    }

    @Test("Another file is read at once, and what is wrong with it is said; the one that was read before is not read again")
    func another() throws {
        let scene = Scene()
        let watch = scene.watch()
        _ = try watch.begin()
        scene.state.withLock { $0.error = GridError(.usage, "damaged") }
        for stamp in [KeyWatch.Stamp(inode: 2), KeyWatch.Stamp(inode: 2, changedNanoseconds: 1), nil] {
            scene.state.withLock { $0.stamp = stamp }
            #expect(watch.changed() == nil && watch.changed() == nil)
        }
        #expect(scene.state.withLock { ($0.reads, $0.reports.count) } == (4, 3))
        scene.state.withLock { $0.stamp = KeyWatch.Stamp(inode: 1) }
        #expect(watch.changed() == nil)
        #expect(scene.state.withLock { $0.reads } == 4)
    }

    private final class Questions: Sendable {
        private let count = Mutex(0)

        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    @Test("An older list that one thread has read does not take the place of a newer one that another brings")
    func oneAtATime() throws {
        let (old, new) = (try KeyPair.make().publicKey, try KeyPair.make().publicKey)
        let (isReading, mayGoOn, isDone) = (
            DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)
        )
        let questions = Questions()
        let ring = KeyRing([]) {
            if questions.next() > 1 { return [KeyFolder.Record(name: "new", key: new, added: "")] }
            isReading.signal()
            mayGoOn.wait()
            return [KeyFolder.Record(name: "old", key: old, added: "")]
        }
        let first = try OwnedThread(name: "first") { ring.refresh() }
        isReading.wait()
        let second = try OwnedThread(name: "second") {
            ring.refresh()
            isDone.signal()
        }
        // Where both may be at it, the second one is done by now.
        _ = isDone.wait(timeout: .now() + 0.5)
        mayGoOn.signal()
        first.join()
        second.join()
        #expect(ring.name(of: new) == "new" && ring.name(of: old) == nil)
    }
}
