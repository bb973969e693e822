import ArgumentParser
import ClusterModel
import Foundation
import Store

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show who changed what, and who was refused.",
        discussion: """
            Read straight from the database, the newest first. Requests over HTTP are named by their token: 'file:token' is \
            the one of the state folder, 'jwt:NAME' a JWT's subject. What is done on the database itself, such as an \
            import, is named by the role it was done as.

            Examples:
              alphagrid audit
              alphagrid audit --limit 1000 --json
              alphagrid audit --who otto --since 7d
              alphagrid audit --action refused --since 2025-01-31
            """)

    @Option(help: "How many, 1 to \(Limits.auditRowsListedMax).")
    var limit = 50

    @Option(help: ArgumentHelp("Only what this one did, as the column WHO has it.", valueName: "name"))
    var who: String?

    @Option(help: ArgumentHelp("Only this, as the column ACTION has it, such as 'submit job' or refused.", valueName: "name"))
    var action: String?

    @Option(
        help: ArgumentHelp(
            "Only what was done since then: a time ago such as 12h or 7d, a day, or a day and time in UTC.", valueName: "time"))
    var since: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func run() throws {
        guard (1...Limits.auditRowsListedMax).contains(limit) else {
            throw GridError(
                .usage, "--limit \(limit) is not valid: expected a number from 1 to \(Limits.auditRowsListedMax)")
        }
        let start = try since.map { text throws(GridError) in try Self.start(text, now: Date().timeIntervalSince1970) }
        let filter = AuditFilter(actor: who == AuditFilter.nobody ? "" : who, action: action, since: start)
        let store = try Store(url: try database.resolved())
        let rows = try store.auditRows(limit: limit, filter)
        if output.isJSON { return try StandardOutput.writeJSON(rows) }
        guard !rows.isEmpty else {
            let isFiltered = who != nil || action != nil || since != nil
            let known = action == nil ? [] : try store.auditActions()
            let next = action.map(known.contains) ?? true ? "" : "; actions that are: \(known.joined(separator: ", "))"
            return StandardError.writeLine(isFiltered ? "nothing of that is recorded\(next)" : "nothing is recorded yet")
        }
        StandardOutput.writeTable(Self.table(rows))
    }

    /// - Parameter now: seconds since 1970, like the result.
    static func start(_ text: String, now: Double) throws(GridError) -> Double {
        if let seconds = try? TokensCommand.Add.seconds(text) { return now - Double(seconds) }
        if let day = try? Date(text, strategy: .iso8601.year().month().day()), text.count == 10 {
            return day.timeIntervalSince1970
        }
        if let time = try? Date(text.hasSuffix("Z") ? text : text + "Z", strategy: .iso8601) { return time.timeIntervalSince1970 }
        throw GridError(
            .usage,
            "--since '\(text.printable)' is not valid: expected a time ago such as 12h or 7d, a day such as 2025-01-31, or "
                + "2025-01-31T12:00:00 in UTC")
    }

    static func table(_ rows: [AuditView]) -> TextTable {
        TextTable(
            [
                .init("WHEN"), .init("WHO"), .init("ROLE"), .init("ACTION"), .init("SUBJECT"), .init("STATUS", .right),
                .init("FROM"), .init("REQUEST"),
            ],
            rows: rows.map { row in
                // What is done to a whole region has it for its subject.
                let subject = (row.region == row.subject ? [row.region] : [row.region, row.subject])
                    .compactMap { $0 }.joined(separator: " ")
                let request = [row.method, row.path].compactMap { $0 }.joined(separator: " ")
                return [
                    row.happenedAt, row.actor.isEmpty ? AuditFilter.nobody : row.actor, row.role ?? "", row.action, subject,
                    row.status.map { "\($0)" } ?? (row.method == nil ? "" : "?"), row.peer ?? "", request,
                ]
            })
    }
}
