import API
import ArgumentParser
import ClusterModel
import Dispatch
import Jobs
import Service
import Store
import Synchronization

/// What a shell offers where a value is expected. What never changes stands in the script that 'completions' prints; what a grid
/// has, its coordinator is asked for when the key is pressed.
extension CompletionKind {
    static var kinds: CompletionKind { .list(JobKind.allCases.map(\.rawValue)) }
    static var conventions: CompletionKind { .list(Convention.allCases.map(\.rawValue)) }
    static var precisions: CompletionKind { .list(Precision.allCases.map(\.rawValue)) }
    static var roles: CompletionKind { .list(AccessRole.allCases.map(\.rawValue)) }
    static var jobStates: CompletionKind { .list(JobsRequest.stateNames) }
    static var jobColumns: CompletionKind { .list(JobsRequest.columns) }
    static var results: CompletionKind { .list(RegionResult.allCases.map(\.rawValue)) }
    static var methods: CompletionKind { .list(ClusterParameters.Method.allCases.map(\.rawValue)) }
    /// A region's own pools are only in the database.
    static var pools: CompletionKind { .list(PoolName.builtIn) }

    /// Pools of the region that the line has named.
    ///
    /// - Parameter builtIn: whether those too that nobody can change.
    static func regionPools(builtIn: Bool) -> CompletionKind {
        .custom { words, _, _ in
            guard let region = GridWords.value(of: "--region", in: words).flatMap({ try? Region($0) }) else {
                return builtIn ? PoolName.builtIn : []
            }
            return GridWords.askDatabase(words) { store in
                try store.pools(region).filter { builtIn || !$0.builtIn }.map(\.pool)
            }
        }
    }

    static var events: CompletionKind { .list(WebhookEvent.allCases.filter { $0 != .test }.map(\.rawValue)) }

    static var regions: CompletionKind {
        .custom { words, _, _ in
            GridWords.ask(words) { client in
                let list: RegionList = try await client.get("/v1/regions")
                return list.regions.map(\.region)
            }
        }
    }

    /// Those that the command can be done to.
    static var jobs: CompletionKind {
        .custom { words, _, _ in
            let verb = zip(words, words.dropFirst()).first { $0.0 == "jobs" }.flatMap { JobVerb(rawValue: $0.1) }
            var request = JobsRequest(limit: 50)
            request.states = verb.map { verb in JobState.allCases.filter { verb.isFor($0) } } ?? []
            let asked = request
            return ["last", "all"]
                + GridWords.ask(words) { client in
                    try await client.jobs(asked).filter { verb?.isFor($0) ?? true }.map { "\($0.jobID)" }
                }
        }
    }

    static var doneJobs: CompletionKind {
        .custom { words, _, _ in
            var request = JobsRequest(limit: 50)
            request.states = [.done]
            let asked = request
            return GridWords.ask(words) { try await $0.jobs(asked).map { "\($0.jobID)" } }
        }
    }

    static var schedules: CompletionKind {
        .custom { words, _, _ in GridWords.ask(words) { try await $0.schedules().flatMap { ["\($0.scheduleID)", $0.name] } } }
    }

    static var webhooks: CompletionKind {
        .custom { words, _, _ in GridWords.ask(words) { try await $0.webhooks().map { "\($0.webhookID)" } } }
    }

    /// Names of parameters, of the kind that the line has named or else of all; behind the name, what it may be.
    static var parameters: CompletionKind {
        .custom { words, _, prefix in
            let named = words.compactMap(JobKind.init(rawValue:)).prefix(1)
            let kinds = named.isEmpty ? JobKind.allCases : Array(named)
            let pairs = kinds.contains(where: \.looksAtPairs) ? ["threshold", "absolute"] : []
            let top = kinds.contains(where: \.keepsNeighbours) ? ["top"] : []
            let own = kinds.map(\.options)
            guard let sign = prefix.firstIndex(of: "=") else {
                return (own.flatMap(\.known) + JobOptions.common + pairs + top).map { "\($0)=" }
            }
            let name = String(prefix[..<sign])
            let (values, areSeveral) = own.lazy.compactMap { $0.choices[name] }.first ?? (commonChoices[name] ?? [], false)
            guard areSeveral, let comma = prefix.lastIndex(of: ",") else { return values.map { "\(name)=\($0)" } }
            let before = prefix[...comma]
            let given = prefix[prefix.index(after: sign)..<comma].split(separator: ",").map(String.init)
            return values.filter { !given.contains($0) }.map { before + $0 }
        }
    }

    /// What the parameters of every kind may be.
    private static var commonChoices: [String: [String]] {
        [
            "convention": Convention.allCases.map(\.rawValue), "precision": Precision.allCases.map(\.rawValue),
            "pool": PoolName.builtIn, "absolute": ["true", "false"],
        ]
    }

    static var workers: CompletionKind {
        .custom { words, _, _ in ["all"] + GridWords.ask(words) { try await $0.workers().map(\.worker) } }
    }
}

/// Questions to a coordinator whose answers a shell offers.
enum GridWords {
    /// Whoever has pressed a key waits for no one.
    private static let patienceMilliseconds = 1_000

    private final class Answer: Sendable {
        let words = Mutex<[String]>([])
        let isThere = DispatchSemaphore(value: 0)
    }

    /// - Parameter line: the command line so far; its --url, --state and --ca are obeyed.
    /// - Returns: nothing where there is no coordinator or it does not answer at once: nobody has asked for an error.
    static func ask(_ line: [String], _ question: @escaping @Sendable (GridClient) async throws -> [String]) -> [String] {
        let settings = Settings.current
        let connection = try? settings.connection(
            urlFlag: value(of: "--url", in: line), stateFlag: value(of: "--state", in: line),
            authorityFlag: value(of: "--ca", in: line))
        guard let connection, let client = try? GridClient(connection) else { return [] }
        return soon { try await question(client) }
    }

    /// The same of the database, for what no coordinator tells; --database and --state are obeyed.
    static func askDatabase(_ line: [String], _ question: @escaping @Sendable (Store) throws -> [String]) -> [String] {
        let url = try? Settings.current.database(
            flag: value(of: "--database", in: line), stateFlag: value(of: "--state", in: line))
        guard let url, let store = try? Store(url: url) else { return [] }
        return soon { try await Blocking.run { try question(store) } }
    }

    private static func soon(_ question: @escaping @Sendable () async throws -> [String]) -> [String] {
        let answer = Answer()
        Task.detached {
            let found = (try? await question()) ?? []
            // Whoever names a worker or a pool chooses how, and a shell takes these apart at blanks.
            let plain = found.filter { !$0.isEmpty && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
            answer.words.withLock { $0 = plain }
            answer.isThere.signal()
        }
        _ = answer.isThere.wait(timeout: .now() + .milliseconds(patienceMilliseconds))
        return answer.words.withLock { $0 }
    }

    static func value(of flag: String, in line: [String]) -> String? {
        for (place, word) in line.enumerated() {
            if word == flag, place + 1 < line.count { return line[place + 1] }
            if word.hasPrefix("\(flag)=") { return String(word.dropFirst(flag.count + 1)) }
        }
        return nil
    }
}
