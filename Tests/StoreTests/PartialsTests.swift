import ClusterModel
import Foundation
import Testing

@testable import Store

@Suite("Partials of running jobs in the database")
struct PartialsTests {
    private let database: TestDatabase
    private let epoch: Epoch
    private let job: JobID
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        epoch = try database.store.takeEpoch(holder: "first")
        job = try database.store.createJob(sampleJob(state: .running), epoch: epoch)
    }

    /// What is there, as a text per epoch.
    private func kept(_ job: JobID? = nil) throws -> [String] {
        try store.keptPartials(of: job ?? self.job).map { "\($0.epoch.rawValue) \(String(decoding: $0.records, as: UTF8.self))" }
    }

    private func keep(_ part: Int, _ text: String, bytesMax: Int = 100, _ epoch: Epoch? = nil) throws {
        try store.keepPartials(of: job, part: part, Array(text.utf8), bytesMax: bytesMax, epoch: epoch ?? self.epoch)
    }

    @Test("Parts come back in their order, whatever bytes they are, and one that is written twice is there once")
    func parts() throws {
        #expect(try kept() == [])
        try keep(1, "world")
        try keep(0, "hello ")
        try keep(1, "world")
        #expect(try kept() == ["1 hello world"])
        let all = (0...999).map { UInt8(truncatingIfNeeded: $0 / 3) }
        let other = try store.createJob(sampleJob(state: .running), epoch: epoch)
        try store.keepPartials(of: other, part: 0, all, bytesMax: 1_000, epoch: epoch)
        #expect(try store.keptPartials(of: other).map(\.records) == [all] && kept() == ["1 hello world"])
    }

    @Test("What all coordinators have written stays within the bound, and one that was replaced writes nothing")
    func boundAndEpoch() throws {
        try keep(0, "0123456789", bytesMax: 20)
        let successor = try store.takeEpoch(holder: "second")
        let late = gridError { try keep(1, "late", bytesMax: 20) }
        #expect(late?.kind == .conflict && late?.message.contains("another coordinator has taken over") == true)
        try keep(0, "abcdefgh", bytesMax: 20, successor)
        let tooMuch = gridError { try keep(1, "ijk", bytesMax: 20, successor) }
        #expect(tooMuch?.kind == .conflict && tooMuch?.message.contains("20 bytes") == true)
        try keep(1, "ij", bytesMax: 20, successor)
        try keep(1, "ij", bytesMax: 20, successor)
        #expect(try kept() == ["1 0123456789", "2 abcdefghij"])
        #expect(gridError { try store.removePartials(of: job, epoch: epoch) }?.kind == .conflict)
        #expect(try kept().count == 2)
        try store.removePartials(of: job, epoch: successor)
        #expect(try kept() == [])
    }

    @Test(
        "Partials of a job that has ended go, however it has, and none are added",
        arguments: [JobState.done, .failed, .cancelled])
    func ended(_ state: JobState) throws {
        try keep(0, "a")
        try store.removeEndedPartials()
        #expect(try kept() == ["1 a"], "it has not ended")
        var view = try store.job(job)
        view.state = state
        try store.saveJob(view, epoch: epoch)
        try keep(1, "b")
        #expect(try kept() == ["1 a"])
        try store.removeEndedPartials()
        #expect(try kept() == [])
    }

    @Test("They go with their job's row")
    func removed() throws {
        try keep(0, "a")
        try database.sql("UPDATE jobs SET state = 'failed'")
        try store.removeJob(job, epoch: epoch)
        #expect(try database.value("SELECT count(*) FROM job_partials") == "0")
    }

    @Test("A role without rights on them learns which it needs, and does everything else")
    func rights() throws {
        let role = database.server.uniqueName("worker")
        try database.sql(
            """
            CREATE ROLE \(role) LOGIN;
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO \(role);
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO \(role);
            REVOKE ALL ON job_partials FROM \(role)
            """)
        let limited = try Store(url: database.url(role: role))
        let calls: [(String, () throws -> Void)] = [
            ("SELECT and INSERT on job_partials", { try limited.keepPartials(of: job, part: 0, [1], bytesMax: 9, epoch: epoch) }),
            ("SELECT on job_partials", { _ = try limited.keptPartials(of: job) }),
            ("DELETE on job_partials", { try limited.removeEndedPartials() }),
        ]
        for (right, call) in calls {
            let error = gridError(call)
            #expect(error?.kind == .failed && error?.message.contains("needs \(right)") == true, "\(error as Any)")
        }
        var view = try limited.job(job)
        view.state = .failed
        try limited.saveJob(view, epoch: epoch)
        try limited.removeJob(job, epoch: epoch)
        _ = try limited.status()
    }
}
