import ClusterModel
import Expressions
import Foundation
import Panel
import Requests
import Service
import Store

/// Formulas, and the lists of operators and data fields that go with them. Input: a byte for which of them, then the text.
package enum ExpressionsTarget: FuzzTarget {
    package static let name = "expressions"

    package static func seeds() throws -> [[UInt8]] {
        let programs = [
            "group_rank(ts_rank(est_eps/close, 60), industry)",
            "slope = ts_regression(ts_backfill(news,60), ts_step(1), 5, rettype=2);\nwinsorize(-x * abs(slope), std = 4)",
            "stats = generate_stats(alpha); 1 - if_else(stats.returns == 1.0, nan, !a && b || c) /* of each */",
            "trade_when(ts_arg_max(volume, 5) < 1 && !is_nan(close), -rank(x)^2^-y, abs(returns) >= .1e-3)",
            "bucket(rank(cap), range=\"0, 1, 0.1\") # ten groups", "a ? b : c ? -d : not e and f or true",
            "IndClass.sector + adv20 * 'text'", "a-(b-c)/(d/e)*-1",
        ]
        let fields =
            #"{"fields": [{"id": "close", "category": {"id": "pv"}, "dataset": "pv1", "type": "MATRIX"}, "adv20"]}"#
        let operators =
            #"{"operators": [{"name": "ts_rank", "definition": "ts_rank(x, d, constant = 0)", "aliases": ["tsr"]}, "f"]}"#
        return programs.map { [0] + Array($0.utf8) } + [[1] + Array(fields.utf8), [2] + Array(operators.utf8)]
            + ["f(x, y, ...)", "ts_f(x, d = 5, \"q\")"].map { [3] + Array($0.utf8) }
    }

    package static func check(_ input: [UInt8]) throws -> Bool {
        var input = FuzzInput(input)
        let kind = input.byte() & 3
        guard let text = String(validating: input.rest, as: UTF8.self) else { return false }
        switch kind {
        case 0: return try checkProgram(text)
        case 1:
            guard let list = try accepted({ try FieldList(json: text) }) else { return false }
            try promise(list.fields.allSatisfy { list.find($0.name) == $0 }, "a field that is listed is not found")
        case 2:
            guard let list = try accepted({ try OperatorCatalogue(json: text) }) else { return false }
            try promise(list.operators.allSatisfy { list.find($0.name) == $0 }, "an operator that is listed is not found")
        default: return OperatorSignature(definition: text) != nil
        }
        return true
    }

    private static func checkProgram(_ text: String) throws -> Bool {
        let program: Program
        do { program = try Program.parse(text) } catch {
            let lines = text.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" }
            let longest = lines.map(\.count).max() ?? 0
            try promise(error.line >= 1 && error.line <= lines.count, "an error in line \(error.line) of \(lines.count)")
            try promise(error.start >= 1 && error.start <= error.end && error.end <= longest + 1, "an error at \(error)")
            return false
        }
        let again: Program
        let form: String
        let formAgain: String
        do {
            again = try Program.parse(program.description)
            form = program.canonicalForm
            formAgain = try Program.parse(form).canonicalForm
        } catch { throw Violation(description: "what was printed is not read: \(error)") }
        try promise(again == program, "\(program) is read as \(again)")
        try promise(again.description == program.description, "\(program) is printed as \(again)")
        try promise(formAgain == form, "the canonical form \(form) has the form \(formAgain)")
        try promise(again.canonicalHash == program.canonicalHash, "two hashes of \(program)")
        try promise(ExpressionUsage(program) == ExpressionUsage(again), "what \(program) uses changes")
        for problem in OperatorCatalogue.standard.validate(program, fields: FieldList([])) {
            try promise(problem.position.line >= 1 && !problem.message.isEmpty, "a problem nowhere: \(problem)")
        }
        return true
    }
}

/// What files say about alphas. Input: a byte of choices (1: CSV, otherwise JSON; 2: unsubmitted alphas), then the file.
package enum MetadataTarget: FuzzTarget {
    package static let name = "metadata"

    package static func seeds() throws -> [[UInt8]] {
        let csv = [
            "alpha_id,region,alpha_type,sharpe,code,delay,date_added\nA1,USA,REGULAR,1.5,\"rank(\"\"x\"\",\n2)\",1,2024-02-29\n",
            "\u{FEFF}alpha_id,universe,is_longcount\r\nA1,TOP3000,120.0\r\n\r\nB2,,\r\n",
            "alpha_id,last_updated\nA,2024-02-29T16:30:00.5+05:30\n",
        ]
        let json = [
            #"[{"alpha_id": "A1", "sharpe": 1.5, "code": "a\nb\u00e9", "delay": 1}, {"alpha_id": "B", "turnover": null}]"#,
            #"[{"alpha_id": "A1", "region": "USA", "alpha_type": "SUPER", "date_added": "2024-01-02 10:00"}]"#,
        ]
        return csv.map { [1] + Array($0.utf8) } + json.map { [0] + Array($0.utf8) }
    }

    package static func check(_ input: [UInt8]) throws -> Bool {
        var input = FuzzInput(input)
        let choices = input.byte()
        let payload = Payload.tight(input.rest)
        let (isCSV, unsubmitted) = (choices & 1 != 0, choices & 2 != 0)
        let found = try accepted {
            try AlphaMetadata.read(payload.bytes, isCSV: isCSV, name: "f", unsubmitted: unsubmitted)
        }
        defer { withExtendedLifetime(payload) {} }
        guard let metadata = found else { return false }
        try promise(!metadata.rows.isEmpty, "a file without alphas")
        for row in metadata.rows {
            try promise(AlphaIDRule.problem(row.alphaID) == nil, "the id \(row.alphaID.debugDescription)")
            try promise(row.values.count == metadata.columns.count, "a row of another length")
            try promise(row.values.allSatisfy { $0?.utf8.contains(0) != true }, "a zero byte, which PostgreSQL takes for the end")
        }
        let ids = Set(metadata.rows.map { Array($0.alphaID.utf8) })
        try promise(ids.count == metadata.rows.count, "an alpha that is there twice")
        // What was read is written and read as the same.
        var writer = CSVWriter()
        for name in ["alpha_id", "region", "alpha_type"] + metadata.columns.map(\.name) { writer.field(name) }
        writer.endRow()
        for row in metadata.rows {
            for value in [row.alphaID, row.region?.name, row.type] + row.values { writer.field(value ?? "") }
            writer.endRow()
        }
        let bytes = writer.bytes
        let again = try accepted {
            try bytes.withUnsafeBytes { try AlphaMetadata.read($0, isCSV: true, name: "f", unsubmitted: unsubmitted) }
        }
        try promise(again?.rows.count == metadata.rows.count, "what was written is not read")
        return true
    }
}

/// What requests say: bodies of every kind, queries, and the names in paths. Input: a byte for which of them, then the bytes.
package enum RequestsTarget: FuzzTarget {
    package static let name = "requests"

    package static func seeds() throws -> [[UInt8]] {
        let bodies: [(UInt8, String)] = [
            (
                0,
                #"{"kind": "correlation", "region": "USA", "window": "4y", "min_overlap": 60, "precision": "float32", "top": 5}"#
            ),
            (
                0,
                #"{"kind":"clusters","region":"CHN","pool":"p","priority":-5,"threshold":0.5,"absolute":true,"#
                    + #""params":{"methods":"umap","clusters":3,"consensus":false,"eps":0.3}}"#
            ), (1, #"{"reason": "wrong pool"}"#), (1, ""),
            (
                2,
                #"{"candidates":[{"alpha_id":"NEW","dates":["2024-01-02","2024-01-03"],"pnl":[10.5,null],"sharpe":1.8}],"top":5}"#
            ), (3, "top=5&absolute=true&window=400d&pool=a%20b&convention=daily-pnl&min_overlap=20"), (4, "17"), (5, "host-1.x"),
            (6, "{}"), (7, "USA"),
            (8, "filter=max_correlation:lt:0.3&filter=label:null&sort=-min_correlation,alpha_id&columns=a,b&delay=1&format=csv"),
            (9, "rows=0:400&columns=10:20&size=7&order=cluster&method=umap"), (9, "alphas=A,B&window=1y"),
            (10, "max_correlation <= 0.3"),
            (11, "state=running,queued&sort=-priority&limit=7&offset=2&region=USA"), (12, "text/csv;q=1, */*"),
            (
                13,
                #"{"name":"nightly","cron":"30 22 * * 1-5","time_zone":"Asia/Tokyo","job":{"kind":"features","region":"USA"}}"#
            ), (13, #"{"name":"fresh","on_change":true,"min_pause_seconds":60,"job":{"kind":"correlation","region":"CHN"}}"#),
            (
                14,
                #"{"url":"https://hooks.example.com/x","events":["job.done","alert.correlation"],"region":"USA","threshold":0.9}"#
            ), (15, "*/15 8-17 1,15 JAN-JUN MON"), (15, "@weekly"), (15, "https://hooks.example.com:8443/a?b=c"),
            (15, "10.0.0.0/8"),
        ]
        return bodies.map { [$0.0] + Array($0.1.utf8) }
    }

    package static func check(_ input: [UInt8]) throws -> Bool {
        var input = FuzzInput(input)
        let kind = input.byte() & 15
        let body = Data(input.rest)
        let text = String(decoding: body, as: UTF8.self)
        switch kind {
        case 0: return try checkAgain(body) { try JobRequest(decoding: $0) }
        case 1:
            guard let request = try accepted({ try CancelRequest(decoding: body) }) else { return false }
            try promise(request.reason.utf8.count <= Limits.reasonBytesMax, "a reason of \(request.reason.utf8.count) bytes")
        case 2: return try checkCandidates(body)
        case 3:
            let names = CheckRequest.queryNames
            guard let query = try accepted({ try QueryParameters(text, names: names) }) else { return false }
            guard let asked = try accepted({ try CheckRequest(csv: [], query) }) else { return false }
            try promise(asked.top.map { (1...Limits.checkTopMax).contains($0) } ?? true, "top \(asked.top ?? 0)")
        case 4:
            guard let job = try accepted({ try JobID(parsing: text) }) else { return false }
            try promise(job.rawValue > 0, "job \(job)")
        case 5:
            guard let worker = try accepted({ try WorkerID(parsing: text) }) else { return false }
            try promise(worker.rawValue.utf8.count <= Limits.workerNameBytesMax, "a worker of a long name")
        case 6: return try accepted { try StrictObject(body, what: "the body").expectNothingElse() } != nil
        case 8...12: return try checkQuery(kind, text)
        case 13: return try checkAgain(body) { try ScheduleRequest(decoding: $0) }
        case 14: return try checkAgain(body) { try WebhookRequest(decoding: $0) }
        case 15: return try checkOperations(text)
        default:
            guard let region = try accepted({ try Region(text) }) else { return false }
            let isPlain = region.name.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }
            try promise(isPlain && region.name.utf8.count <= 10, "the region \(region.name.debugDescription)")
            for parse in [{ _ = try Window(parsing: text) }, { _ = try Convention(parsing: text) }] { _ = try accepted(parse) }
        }
        return true
    }

    private static func checkQuery(_ kind: UInt8, _ text: String) throws -> Bool {
        switch kind {
        case 8:
            let names = ResultRequest.queryNames
            guard let query = try accepted({ try QueryParameters(text, names: names, repeatable: ["filter"]) }),
                let asked = try accepted({ try ResultRequest(.clusters, query, isFile: false) })
            else { return false }
            try promise(asked.filters.allSatisfy { !$0.column.isEmpty && $0.column.utf8.count < 64 }, "a filter of no column")
            try promise((1...Limits.resultRowsMax).contains(asked.limit) && asked.offset >= 0, "rows \(asked.limit)")
        case 9:
            guard let query = try accepted({ try QueryParameters(text, names: MatrixRequest.queryNames) }),
                let asked = try accepted({ try MatrixRequest(query) })
            else { return false }
            try promise([asked.rows, asked.columns].allSatisfy { $0?.isEmpty != true }, "an empty range")
        case 10:
            guard let filter = try accepted({ try ResultFilter(written: text) }) else { return false }
            let value = filter.comparison.takesValue ? ":\(filter.value)" : ""
            let again = try accepted { try ResultFilter(parsing: "\(filter.column):\(filter.comparison.rawValue)\(value)") }
            try promise(again == filter, "\(filter) comes back as \(again.map { "\($0)" } ?? "nothing")")
        case 11:
            guard let query = try accepted({ try QueryParameters(text, names: JobsRequest.queryNames) }) else { return false }
            guard let asked = try accepted({ try JobsRequest(query) }) else { return false }
            try promise(asked.sort.map { JobsRequest.columns.contains($0.column) } ?? true, "sorted by nothing")
        default:
            let query = try QueryParameters(nil, names: [])
            return try AnswerFormat(query, accept: text, among: [.json, .csv]) != nil
        }
        return true
    }

    /// Times, and where messages go.
    private static func checkOperations(_ text: String) throws -> Bool {
        if let cron = try accepted({ try CronSchedule(parsing: text) }) {
            // A zone whose clocks change by an hour every half year.
            let offset = { (seconds: Int64) in seconds / 15_778_800 % 2 == 0 ? 3_600 : 7_200 as Int64 }
            var moment: Int64 = 1_700_000_000
            for _ in 0..<3 {
                guard let next = cron.next(after: moment, offset: offset) else { break }
                try promise(next > moment && next % 60 == 0, "\(next) after \(moment)")
                moment = next
            }
            return true
        }
        if let target = try accepted({ try WebhookTarget(parsing: text) }) {
            try promise(!target.host.isEmpty && !target.host.contains { "@/%#?".contains($0) }, "host \(target.host)")
            return true
        }
        guard let range = try accepted({ try AddressRange(parsing: text) }) else { return false }
        let again = try accepted { try AddressRange(parsing: range.description) }
        try promise(again == range, "\(range) comes back as \(again.map { "\($0)" } ?? "nothing")")
        return true
    }

    /// What was understood says the same when it is written and read again.
    private static func checkAgain<Value: Encodable & Equatable>(_ body: Data, _ decode: (Data) throws -> Value) throws -> Bool {
        guard let request = try accepted({ try decode(body) }) else { return false }
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        guard let written = try? encoder.encode(request) else { throw Violation(description: "\(request) cannot be written") }
        // Names of parameters are anybody's, and the encoder changes those too.
        guard ((request as? ScheduleRequest)?.job ?? request as? JobRequest)?.params == nil else { return true }
        let again = try accepted { try decode(written) }
        try promise(again == request, "\(request) comes back as \(again.map { "\($0)" } ?? "nothing")")
        return true
    }

    private static func checkCandidates(_ body: Data) throws -> Bool {
        guard let request = try accepted({ try CheckRequest(json: body) }) else { return false }
        let values = request.candidates.flatMap { $0.pnl }.compactMap { $0 } + request.candidates.compactMap(\.sharpe)
        try promise(values.allSatisfy(\.isFinite), "a number that JSON does not have")
        return true
    }
}
