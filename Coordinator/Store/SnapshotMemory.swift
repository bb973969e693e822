import ClusterModel
import Synchronization

/// Remembers answers for as long as the database would give the same: until any transaction has ended that may have changed it.
///
/// PostgreSQL says of a snapshot which transactions it sees; two snapshots that see the same ones see the same rows. So nothing
/// that is remembered is ever out of date, whoever writes and whatever, and a page that many look at is read once.
final class SnapshotMemory<Question: Hashable & Sendable, Answer: Sendable>: Sendable {
    private struct State {
        var snapshot: String?
        var answers: [Question: Answer] = [:]
    }

    private let answersMax: Int
    private let isSmall: @Sendable (Answer) -> Bool
    private let state = Mutex(State())

    /// - Parameters:
    ///   - answersMax: Once there are so many, all are forgotten.
    ///   - isSmall: Whether an answer may be kept at all.
    init(answersMax: Int, isSmall: @escaping @Sendable (Answer) -> Bool = { _ in true }) {
        self.answersMax = answersMax
        self.isSmall = isSmall
    }

    /// Asks the database for no more than its snapshot where that suffices.
    ///
    /// - Parameter read: Runs in a transaction that only reads.
    func answer(
        to question: Question, _ action: Action, from pool: ConnectionPool, _ read: (Connection) throws -> Answer
    ) throws(GridError) -> Answer {
        let present = try pool.ask(action, Self.snapshot, [], isFrequent: true) { $0.text(0, 0) }
        if let known = known(question, at: present) { return known }
        return try pool.read(action) { connection in
            let snapshot = try connection.execute(prepared: Self.snapshot, []).text(0, 0)
            let answer = try read(connection)
            keep(answer, to: question, at: snapshot)
            return answer
        }
    }

    private static var snapshot: String { "SELECT pg_current_snapshot()" }

    func known(_ question: Question, at snapshot: String?) -> Answer? {
        state.withLock { $0.snapshot == snapshot ? $0.answers[question] : nil }
    }

    func keep(_ answer: Answer, to question: Question, at snapshot: String?) {
        guard let snapshot, isSmall(answer) else { return }
        state.withLock { state in
            if state.snapshot != snapshot || state.answers.count >= answersMax { state = State(snapshot: snapshot) }
            state.answers[question] = answer
        }
    }
}
