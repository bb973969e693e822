import ArgumentParser
import ClusterModel
import Testing

@testable import alphagrid

@Suite struct DoorCommandTests {
    @Test(
        "How long a token is valid is a number and a unit",
        arguments: [("1m", 60), ("90m", 5_400), ("12h", 43_200), ("30d", 2_592_000), ("4w", 2_419_200), ("1y", 31_536_000)])
    func life(text: String, seconds: Int64) throws {
        #expect(try TokensCommand.Add.seconds(text) == seconds)
    }

    @Test(
        "A time that is none, is over or is beyond a hundred years is refused",
        arguments: ["", "d", "30", "0d", "-1d", "1.5d", "30 d", "30D", "101y", "99999999999999999999d", "\u{661}d", "1s"])
    func noLife(text: String) {
        let error = #expect(throws: GridError.self) { _ = try TokensCommand.Add.seconds(text) }
        #expect(error?.message.contains("from 1m to 100y") == true)
    }

    @Test("Since when the audit log is shown is a time ago, a day, or a time in UTC")
    func since() throws {
        #expect(try AuditCommand.start("12h", now: 100_000) == 56_800)
        #expect(try AuditCommand.start("2025-01-31", now: 0) == 1_738_281_600)
        #expect(try AuditCommand.start("2025-01-31T12:00:00", now: 0) == 1_738_324_800)
        #expect(try AuditCommand.start("2025-01-31T12:00:00Z", now: 0) == 1_738_324_800)
        for text in ["", "yesterday", "2025-13-01", "12", "2025-01-31T", "-1d"] {
            let error = #expect(throws: GridError.self, "\(text)") { _ = try AuditCommand.start(text, now: 0) }
            #expect(error?.kind == .usage && error?.message.contains("--since") == true)
        }
    }

    @Test("Certificate and key go together, and an audience needs a key to check a JWT with")
    func door() throws {
        for arguments in [["--tls-cert", "a"], ["--tls-key", "a"], ["--jwt-audience", "x"]] {
            #expect(throws: (any Error).self) { _ = try AlphaGridCommand.parseAsRoot(["coordinator"] + arguments) }
        }
        _ = try AlphaGridCommand.parseAsRoot(
            ["coordinator", "--tls-cert", "a", "--tls-key", "b", "--jwt-es256", "c", "--jwt-audience", "x"])
    }

    @Test("A row of the audit log is shown with who did what and how it ended, and control characters do nothing")
    func table() {
        func row(_ actor: String, status: Int?, method: String?) -> AuditView {
            AuditView(
                auditID: 1, happenedAt: "2025-01-02T03:04:05Z", actor: actor, role: "operator", action: "cancel job",
                method: method, path: method.map { _ in "/v1/jobs/7/cancel\u{1b}[2J" }, region: nil, subject: "7", status: status,
                peer: "192.0.2.1", detail: nil)
        }
        let lines = AuditCommand.table([
            row("otto", status: 200, method: "POST"), row("", status: nil, method: "POST"),
            row("quant", status: nil, method: nil),
        ]).lines()
        #expect(lines[1].contains("otto") && lines[1].contains("200") && lines[1].contains("POST /v1/jobs/7/cancel"))
        #expect(!lines.joined().contains("\u{1b}"))
        #expect(lines[2].contains("(nobody)") && lines[2].contains(" ? ") && !lines[3].contains("?"))
        var settings = row("quant", status: nil, method: nil)
        (settings.region, settings.subject) = ("USA", "USA")
        #expect(AuditCommand.table([settings]).rows[0][4] == "USA")
        settings.subject = "core"
        #expect(AuditCommand.table([settings]).rows[0][4] == "USA core")
    }
}
