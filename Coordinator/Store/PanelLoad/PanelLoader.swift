import ClusterModel
import Foundation
import Panel
import Synchronization

/// Reads rows into a panel that is being built: as many threads and connections as pay, all of one snapshot.
struct PanelLoader: Sendable {
    let table: String
    let url: DatabaseURL
    /// Conditions whose rows are wanted, taken by one reader each in turn.
    let conditions: [String]

    /// Reads what a plan asks for.
    func load(_ plan: PanelPlan, blockEdge: Int, snapshot: String) throws -> (panel: Panel, rows: Int) {
        var builder = try PanelBuilder(alphaIDs: plan.alphaIDs, dates: plan.dates, blockEdge: blockEdge)
        var rows = try fill(builder, alphaIDs: plan.alphaIDs, snapshot: snapshot)
        let used = builder.daysWithValues()
        if used.contains(false) {
            // A date without any value is no date of the panel: conventions that fill gaps would see a day there. This
            // happens to pools that are much smaller than their table, so reading again is cheap.
            let dates = zip(plan.dates, used).filter(\.1).map(\.0)
            guard !dates.isEmpty else { throw Self.nothingButNaN(table) }
            builder = try PanelBuilder(alphaIDs: plan.alphaIDs, dates: dates, blockEdge: blockEdge)
            rows += try fill(builder, alphaIDs: plan.alphaIDs, snapshot: snapshot)
        }
        return (try builder.finish(), rows)
    }

    static func nothingButNaN(_ table: String) -> GridError {
        GridError(.conflict, "table \(table) holds nothing but NaN for these alphas")
    }

    /// Reads over connections of its own; how many rows were of these alphas.
    func fill(_ builder: PanelBuilder, alphaIDs: [String], snapshot: String) throws -> Int {
        let index = AlphaIndex(alphaIDs)
        let progress = Progress(conditionCount: conditions.count)
        let readers = min(Limits.panelReadersMax, conditions.count, ProcessInfo.processInfo.activeProcessorCount)
        try onThreads(max(1, readers)) { _ in
            var filler = PanelFiller(index: index, builder: builder, table: table)
            do {
                let connection = try Connection.open(url)
                try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                try Self.take(snapshot, connection)
                try connection.setPatience(.bulk)
                while let next = progress.next() { try read(next, connection, &filler) }
                try connection.execute("COMMIT")
            } catch {
                progress.stop()
                throw error
            }
            progress.add(filler.rowCount)
        }
        return progress.rowCount
    }

    /// A snapshot ends with the session that exported it: one that is gone tells of a connection that was lost, so that whoever
    /// waits for the database tries again.
    private static func take(_ snapshot: String, _ connection: Connection) throws {
        do throws(DatabaseError) {
            try connection.execute("SET TRANSACTION SNAPSHOT \(quoted(literal: snapshot))")
        } catch {
            // Its file is not there, in the words of several releases of PostgreSQL, or the process behind it is not.
            guard ["22023", "42704", "55000"].contains(error.sqlState) else { throw error }
            var lost = error
            lost.isDisconnected = true
            throw lost
        }
    }

    /// Reads over the caller's connection: few rows come sooner than a connection is made.
    func fill(_ builder: PanelBuilder, alphaIDs: [String], over connection: Connection) throws -> Int {
        var filler = PanelFiller(index: AlphaIndex(alphaIDs), builder: builder, table: table)
        for condition in conditions.indices { try read(condition, connection, &filler) }
        return filler.rowCount
    }

    private func read(_ condition: Int, _ connection: Connection, _ filler: inout PanelFiller) throws {
        let rows = "SELECT alpha_id, date, pnl FROM \(quoted(identifier: table)) WHERE \(conditions[condition])"
        try connection.copyOut("COPY (\(rows)) TO STDOUT (FORMAT binary)") { try filler.add($0) }
    }

    /// What the readers share: who takes which condition, and how many rows there were.
    private final class Progress: Sendable {
        private let state = Mutex((next: 0, rows: 0))
        private let conditionCount: Int

        init(conditionCount: Int) { self.conditionCount = conditionCount }

        func next() -> Int? {
            state.withLock { state in
                guard state.next < conditionCount else { return nil }
                defer { state.next += 1 }
                return state.next
            }
        }

        /// After a failure nobody needs the rest.
        func stop() { state.withLock { $0.next = conditionCount } }

        func add(_ rows: Int) { state.withLock { $0.rows += rows } }

        var rowCount: Int { state.withLock { $0.rows } }
    }
}
