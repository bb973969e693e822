import ArgumentParser
import ClusterModel
import Testing

@testable import alphagrid

@Suite struct SelectionTests {
    private func selection(_ words: String...) throws -> JobSelection { try JobSelection.parse(words) }

    /// Jobs 9 down to 1, of which 4 and 2 have not ended.
    private static let jobs = (1...9).reversed().map { someJob($0, [2, 4].contains($0) ? .running : .done) }

    private func page(_ limit: Int, _ before: JobID?) -> [JobView] {
        Array(Self.jobs.filter { before == nil || $0.jobID < before! }.prefix(limit))
    }

    private func resolved(_ words: String..., openOnly: Bool = false) async throws -> [Int64] {
        let selection = try JobSelection.parse(words)
        return try await selection.resolve(among: { !openOnly || !$0.state.isFinal }) { page($0, $1) }.map(\.rawValue)
    }

    @Test("Ids, ranges, lists and words mean the jobs they say, each once")
    func jobs() async throws {
        #expect(try await resolved("7") == [7])
        #expect(try await resolved("99") == [99])
        #expect(try await resolved("last") == [9])
        #expect(try await resolved("3-5") == [5, 4, 3])
        #expect(try await resolved("3,8-12", "8") == [3, 9, 8])
        #expect(try await resolved("all") == [9, 8, 7, 6, 5, 4, 3, 2, 1])
        #expect(try await resolved("last", "9,1-1") == [9, 1])
    }

    @Test("All and ranges reach back over as many pages as there are")
    func pages() async throws {
        let jobs = (1...2_500).reversed().map { someJob($0, $0 == 3 ? .running : .done) }
        func resolved(_ word: String, openOnly: Bool = false) async throws -> [Int64] {
            try await selection(word).resolve(among: { !openOnly || !$0.state.isFinal }) { limit, before in
                Array(jobs.filter { before == nil || $0.jobID < before! }.prefix(min(limit, 1_000)))
            }.map(\.rawValue)
        }
        #expect(try await resolved("all").count == 2_500)
        #expect(try await resolved("all", openOnly: true) == [3])
        #expect(try await resolved("2-2400").count == 2_399)
        #expect(try await resolved("2-2400", openOnly: true) == [3])
    }

    @Test("All and ranges leave out what it cannot be done to; a job that is named stays")
    func among() async throws {
        #expect(try await resolved("all", openOnly: true) == [4, 2])
        #expect(try await resolved("3-9", openOnly: true) == [4])
        #expect(try await resolved("9", openOnly: true) == [9])
        // Nothing of it is left: each is asked for, and says for itself why nothing is done, as one that is named alone.
        #expect(try await resolved("5-7", openOnly: true) == [7, 6, 5])
        #expect(try await resolved("2,5-5", openOnly: true) == [2, 5])
    }

    @Test(
        "What is no selection is refused with what is one",
        arguments: ["", "x", "0", "-1", "1-", "-", "1-2-3", "1,,2", "1,", "+5", "１", "latest", "99999999999999999999"])
    func refused(word: String) throws {
        let selection = try JobSelection.parse(["--", word])
        let error = #expect(throws: GridError.self) { try selection.parts() }
        #expect(error?.kind == .usage && error?.message.contains("1-5") == true, "\(error?.message ?? "")")
    }

    @Test("A range that ends before it begins is told the right way round")
    func reversed() throws {
        let error = #expect(throws: GridError.self) { try selection("5-3").parts() }
        #expect(error?.message == "'5-3' ends before it begins: expected 3-5")
    }

    @Test("A part that means no job is not found, and says where to look")
    func none() async throws {
        let missing = await #expect(throws: GridError.self) { _ = try await resolved("20-30", openOnly: true) }
        #expect(missing?.kind == .notFound)
        let error = await #expect(throws: GridError.self) {
            _ = try await selection("last").resolve { _, _ in [] }
        }
        #expect(error?.message == "there are no jobs yet: submit one with 'alphagrid run'")
    }

    @Test("One job is shown as itself, several as a list")
    func one() throws {
        #expect(try selection("7").isOne() && selection("last").isOne())
        #expect(try !selection("7-7").isOne() && !selection("7", "8").isOne() && !selection("all").isOne())
    }

    @Test("All workers are those it can be done to, and names are taken as they are")
    func workers() async throws {
        let views = [someWorker("a"), someWorker("b", state: "lost")]
        let connected = { (view: WorkerView) in view.state == "connected" }
        let all = try await WorkerSelection.parse(["all"]).resolve(among: connected) { views }
        #expect(all.map(\.rawValue) == ["a"])
        let named = try await WorkerSelection.parse(["b", "c"]).resolve(among: connected) { views }
        #expect(named.map(\.rawValue) == ["b", "c"])
        let mixed = try WorkerSelection.parse(["a", "all"])
        await #expect(throws: GridError.self) { _ = try await mixed.resolve(among: connected) { views } }
        await #expect(throws: GridError.self) {
            _ = try await WorkerSelection.parse(["all"]).resolve(among: connected) { [] }
        }
    }

    @Test("Schedules and webhooks are meant by their ids or their names, and what may be two is refused")
    func named() throws {
        let names: [(id: Int64, name: String)] = [(1, "nightly"), (2, "3"), (3, "weekly"), (4, "-5"), (6, "twice"), (7, "twice")]
        func id(_ text: String) throws -> Int64 { try Int64.named(text, "schedule", among: names) }
        let negative = AlphaGridCommand.shielded(["schedule", "pause", "-5"])[2]
        #expect(try id("nightly") == 1 && id("1") == 1 && id(negative) == 4)
        #expect(try Int64.named("8", "webhook", among: [(8, "8")]) == 8)
        let gone = #expect(throws: GridError.self) { try id("99") }
        #expect(gone == GridError(.notFound, "there is no schedule '99': 'alphagrid schedule' lists those there are"))
        let both = #expect(throws: GridError.self) { try id("3") }
        #expect(both == GridError(.usage, "'3' may be any of the schedules 2, 3: expected 2 or 'weekly'"))
        let twice = #expect(throws: GridError.self) { try id("twice") }
        #expect(twice == GridError(.usage, "'twice' may be any of the schedules 6, 7: expected one of these ids"))
        let none = #expect(throws: GridError.self) { try id("daily") }
        #expect(none == GridError(.notFound, "there is no schedule 'daily': 'alphagrid schedule' lists those there are"))
    }

    @Test("Who drains the last workers that take work is warned")
    func lastWorkers() {
        let (a, b, lost) = (someWorker("a"), someWorker("b"), someWorker("c", state: "lost"))
        #expect(WorkersCommand.Drain.warning(after: [a], [a, b, lost]) == nil)
        #expect(WorkersCommand.Drain.warning(after: [a, b], [a, b, lost])?.contains("undrain all") == true)
    }

    @Test("A job that is removed is said to be shown still where it is")
    func removed() {
        var job = someJob(7, .done)
        job.resultTable = nil
        #expect(JobsCommand.Remove.lines(job) == ["job 7 correlation USA removed"])
        job.resultTable = "correlation_usa"
        let shown = "; the region still shows its rows: 'alphagrid results correlation --region USA'"
        #expect(JobsCommand.Remove.lines(job) == ["job 7 correlation USA removed\(shown)"])
    }

    @Test("Of several, what worked is reported and what did not is named; one alone fails as itself")
    func several() async throws {
        var reported: [Int] = []
        func run(_ ids: [Int]) async throws {
            try await Several.each(ids, noun: "job", report: { reported = $0 }) { id in
                if id > 90 { throw GridError(.notFound, "there is no job \(id)") }
                if id > 10 { throw GridError(.conflict, "job \(id) is done already") }
                return id * 2
            }
        }
        try await run([1, 2])
        #expect(reported == [2, 4])
        let partly = await #expect(throws: GridError.self) { try await run([1, 11, 3]) }
        #expect(reported == [2, 6])
        #expect(partly == GridError(.partlyDone, "2 of 3 done; job 11 is done already"))
        let other = await #expect(throws: GridError.self) { try await run([1, 91]) }
        let hint = "; 'alphagrid jobs' lists those there are"
        #expect(other == GridError(.partlyDone, "1 of 2 done; job 91: there is no job 91\(hint)"))
        let alone = await #expect(throws: GridError.self) { try await run([11]) }
        #expect(alone?.kind == .conflict)
        let none = await #expect(throws: GridError.self) { try await run([11, 12]) }
        #expect(none == GridError(.conflict, "nothing was done; job 11 is done already; job 12 is done already"))
        // Whoever names a job that is there has named one, in whichever order.
        for ids in [[11, 91], [91, 11]] {
            #expect(await #expect(throws: GridError.self) { try await run(ids) }?.kind == .conflict)
        }
        let missing = await #expect(throws: GridError.self) { try await run([91, 92]) }
        #expect(missing == GridError(.notFound, "nothing was done; there is no job 91; there is no job 92\(hint)"))
    }
}
