import ArgumentParser
import ClusterModel
import Store

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show who changed what, and who was refused.",
        discussion: """
            Read straight from the database, the newest first. Requests over HTTP are named by their token: 'file:token' is
            the one of the state folder, 'jwt:NAME' a JWT's subject. What is done on the database itself, such as an
            import, is named by the role it was done as.

            Examples:
              alphagrid audit
              alphagrid audit --limit 1000 --json
            """)

    @Option(help: "How many, 1 to \(Limits.auditRowsListedMax).")
    var limit = 50

    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func run() throws {
        guard (1...Limits.auditRowsListedMax).contains(limit) else {
            throw GridError(
                .usage, "--limit \(limit) is not valid: expected a number from 1 to \(Limits.auditRowsListedMax)")
        }
        let rows = try Store(url: try database.resolved()).auditRows(limit: limit)
        if output.isJSON { return try StandardOutput.writeJSON(rows) }
        guard !rows.isEmpty else { return StandardError.writeLine("nothing is recorded yet") }
        StandardOutput.writeTable(Self.table(rows))
    }

    static func table(_ rows: [AuditView]) -> TextTable {
        TextTable(
            [
                .init("WHEN"), .init("WHO"), .init("ROLE"), .init("ACTION"), .init("SUBJECT"), .init("STATUS", .right),
                .init("FROM"), .init("REQUEST"),
            ],
            rows: rows.map { row in
                let subject = [row.region, row.subject].compactMap { $0 }.joined(separator: " ")
                let request = [row.method, row.path].compactMap { $0 }.joined(separator: " ")
                return [
                    row.happenedAt, row.actor.isEmpty ? "(nobody)" : row.actor, row.role ?? "", row.action, subject,
                    row.status.map { "\($0)" } ?? (row.method == nil ? "" : "?"), row.peer ?? "", request,
                ]
            })
    }
}
