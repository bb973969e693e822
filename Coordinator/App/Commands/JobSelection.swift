import API
import ArgumentParser
import ClusterModel
import Requests

/// Which jobs a command is about: `12`, `1-5`, `3,7-9`, `last`, or `all`.
///
/// A job that is named, by itself or by a range of which nothing else is left, fails as what it is (exit 1: it is done already);
/// what names no job at all is not found (exit 3).
///
/// Any command that takes jobs has these as its arguments and asks `resolve` for the jobs they mean.
struct JobSelection: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Jobs by id, such as 12, 1-5 or 3,7-9; 'last' for the newest one, 'all' for all; of ranges and 'all' those it can be "
                + "done to.",
            valueName: "jobs"), completion: .jobs)
    var selectors: [String]

    /// Part of a selection.
    enum Part: Equatable {
        case one(JobID)
        /// Both ends belong to it.
        case range(JobID, JobID)
        case last
        case all
    }

    /// - Throws: `GridError(.usage)` for what is no selection.
    func parts() throws(GridError) -> [Part] {
        var parts: [Part] = []
        for text in selectors.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
            parts.append(try Self.part(text))
        }
        return parts
    }

    private static func part(_ text: Substring) throws(GridError) -> Part {
        switch text {
        case "last": return .last
        case "all": return .all
        default: break
        }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2, let from = number(ends[0]), let to = number(ends[ends.count - 1]) else {
            throw GridError(
                .usage, "'\(String(text).printable)' is no job id: expected ids such as 12, 1-5 or 3,7-9, or last, or all")
        }
        guard from <= to else {
            throw GridError(.usage, "'\(text)' ends before it begins: expected \(to)-\(from)")
        }
        return ends.count == 1 ? .one(from) : .range(from, to)
    }

    private static func number(_ text: Substring) -> JobID? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let id = Int64(text),
            id > 0
        else { return nil }
        return JobID(id)
    }

    /// Whether it names one job; then `--json` shows that job, else a list of jobs.
    func isOne() throws(GridError) -> Bool {
        let parts = try parts()
        guard parts.count == 1 else { return false }
        switch parts[0] {
        case .one, .last: return true
        case .range, .all: return false
        }
    }

    /// The ids that are meant, each once: single ones as they are named, the others newest first.
    ///
    /// - Parameters:
    ///   - among: which jobs `all` and ranges are about; those named by their own id are taken whatever they are, and so are
    ///     those of a range of which none is left, as somebody who names them wants to hear why nothing was done.
    ///   - page: a page of jobs, newest first, before an id.
    /// - Throws: `GridError(.notFound)` when a part means no job.
    func resolve(
        among: (JobView) -> Bool = { _ in true }, page: (_ limit: Int, _ before: JobID?) async throws -> [JobView]
    ) async throws -> [JobID] {
        var ids: [JobID] = []
        for part in try parts() {
            let found: [JobID]
            switch part {
            case .one(let id):
                found = [id]
            case .last:
                found = try await page(1, nil).map(\.jobID)
                guard !found.isEmpty else { throw GridError(.notFound, "there are no jobs yet: submit one with 'alphagrid run'") }
            case .all:
                found = try await Self.all(page, before: nil, from: JobID(1)).filter(among).map(\.jobID)
                guard !found.isEmpty else { throw GridError(.notFound, "'all' means no job: there is none to do this to") }
            case .range(let first, let last):
                let before = last.rawValue < .max ? JobID(last.rawValue + 1) : nil
                let listed = try await Self.all(page, before: before, from: first)
                guard !listed.isEmpty else {
                    throw GridError(.notFound, "there are no jobs \(first)-\(last): see 'alphagrid jobs' for those there are")
                }
                let wanted = listed.filter(among)
                found = (wanted.isEmpty ? Array(listed.prefix(Limits.errorsReportedMax)) : wanted).map(\.jobID)
            }
            ids += found.filter { !ids.contains($0) }
        }
        return ids
    }

    /// All jobs from the one with the id `first` on, however many pages they take.
    private static func all(
        _ page: (_ limit: Int, _ before: JobID?) async throws -> [JobView], before: JobID?, from first: JobID
    ) async throws -> [JobView] {
        var jobs: [JobView] = []
        var before = before
        while true {
            let part = try await page(Limits.jobsListedMax, before)
            jobs += part.filter { $0.jobID >= first }
            guard part.count >= Limits.jobsListedMax, let last = part.last?.jobID, last > first else { return jobs }
            before = last
        }
    }
}

/// What is done to jobs, and to which it can be done.
enum JobVerb: String {
    case cancel, pause, resume, retry, priority, remove

    func isFor(_ state: JobState) -> Bool {
        switch self {
        case .cancel, .pause, .resume, .priority: !state.isFinal
        case .retry: state == .failed || state == .cancelled
        case .remove: state.isFinal
        }
    }

    func isFor(_ job: JobView) -> Bool {
        switch self {
        case .pause: isFor(job.state) && !job.paused
        case .resume: isFor(job.state) && job.paused
        case .cancel, .retry, .priority, .remove: isFor(job.state)
        }
    }
}

/// Which workers a command is about: names, or `all`.
struct WorkerSelection: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Workers, as 'alphagrid workers' lists them, or 'all'.", valueName: "workers"), completion: .workers)
    var names: [String]

    /// - Parameter among: which of them `all` is about.
    func resolve(
        among: (WorkerView) -> Bool, workers: () async throws -> [WorkerView]
    ) async throws -> [WorkerID] {
        guard names != ["all"] else {
            let found = try await workers().filter(among).map { WorkerID($0.worker) }
            guard !found.isEmpty else { throw GridError(.notFound, "'all' means no worker: there is none to do this to") }
            return found
        }
        return try names.map { name in
            if name == "all" { throw GridError(.usage, "'all' and names of workers do not go together: expected one of them") }
            return try WorkerID(parsing: name)
        }
    }

    /// Shows workers after something was done with them: as JSON, one that was asked for alone as itself.
    ///
    /// - Parameter line: what a person reads of each.
    func report(
        _ views: [WorkerView], _ output: OutputOptions, line: (WorkerView) -> String = { "worker \($0.worker) \($0.state)" }
    ) throws {
        if output.isJSON {
            if names.count == 1, names != ["all"], let view = views.first { return try StandardOutput.writeJSON(view) }
            return try StandardOutput.writeJSON(WorkerList(workers: views))
        }
        for view in views { StandardOutput.write(line(view).singleLine + "\n") }
    }
}

extension Int64 {
    /// The id of what somebody calls by its id or by its name.
    ///
    /// - Parameters:
    ///   - noun: what it is, which is also the command that lists what there is, without the `s` that `webhooks` has.
    ///   - names: of those there are.
    /// - Throws: `GridError(.notFound)`, or `.usage` when more than one may be meant.
    static func named(_ text: String, _ noun: String, among names: [(id: Int64, name: String)]) throws(GridError) -> Int64 {
        let text = AlphaGridCommand.unshielded(text)
        let number = Int64(text)
        // What has the name first.
        let ids = names.filter { $0.name == text }.map(\.id) + names.map(\.id).filter { $0 == number }
        guard let id = ids.first else {
            let command = noun == "webhook" ? "webhooks" : noun
            throw GridError(
                .notFound, "there is no \(noun) '\(text.printable)': 'alphagrid \(command)' lists those there are")
        }
        guard Set(ids).count == 1 else {
            let all = ids.sorted().map(String.init).joined(separator: ", ")
            let others = names.filter { $0.id != id && ids.contains($0.id) && $0.name != text }.map(\.name.printable)
            let way = others.first.map { "expected \(id) or '\($0)'" } ?? "expected one of these ids"
            throw GridError(.usage, "'\(text.printable)' may be any of the \(noun)s \(all): \(way)")
        }
        return id
    }
}

/// Does something to several things, one after the other, whatever becomes of the others.
enum Several {
    /// - Parameter hint: where those are listed that there are, behind the word that one is not there; nil says the command.
    /// - Throws: when nothing worked, the error if there was one thing, else what each said, with the kind that all have or
    ///   `.conflict`; `GridError(.partlyDone)` that names those that did not work, after `report` was called for those that did.
    static func each<ID, View>(
        _ ids: [ID], noun: String, hint: String? = nil, report: ([View]) throws -> Void, _ body: (ID) async throws -> View
    ) async throws {
        var views: [View] = []
        var failures: [(id: ID, error: GridError)] = []
        for id in ids {
            do {
                views.append(try await body(id))
            } catch let error as GridError {
                failures.append((id, error))
                // Nobody answers: the others would say the same, each after its own wait.
                if error.kind == .unreachable { break }
            }
        }
        let isMissing = failures.contains { $0.error.kind == .notFound }
        let next = isMissing ? hint ?? "; 'alphagrid \(noun)s' lists those there are" : ""
        if views.isEmpty, let first = failures.first {
            guard failures.count > 1 else { throw GridError(first.error.kind, first.error.message + next) }
            let said = failures.prefix(Limits.errorsReportedMax).map(\.error.message)
            // Where nobody answers any more, that is what has to be seen to; and one that was named is enough to be no mistake.
            let kinds = failures.map(\.error.kind)
            let kind = kinds.last == .unreachable ? .unreachable : kinds.allSatisfy { $0 == kinds[0] } ? kinds[0] : .conflict
            throw GridError(kind, "nothing was done; " + said.joined(separator: "; ") + next)
        }
        try report(views)
        guard !failures.isEmpty else { return }
        // Most sentences name what they are about.
        let named = failures.prefix(Limits.errorsReportedMax).map { id, error in
            error.message.hasPrefix("\(noun) \(id) ") ? error.message : "\(noun) \(id): \(error.message)"
        }
        throw GridError(
            .partlyDone, "\(views.count) of \(ids.count) done; " + named.joined(separator: "; ") + next)
    }
}
