import API
import ClusterModel
import Foundation
import Testing

@testable import alphagrid

@Suite struct SettingsTests {
    static let token = "0123456789abcdef0123456789abcdef"
    static let otherToken = "fedcba9876543210fedcba9876543210"

    /// A state folder with a connection file and its token.
    private func state() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.write(Self.token + "\n", to: "token")
        let file = ConnectionFile(
            url: "http://127.0.0.1:8710", tokenFile: "\(scratch.path)/token", database: "postgresql:///alphagrid?host=/run",
            endpoint: "tcp://127.0.0.1:5710", processID: 4_711)
        try file.write(in: scratch.path)
        return scratch
    }

    private func settings(_ environment: [String: String] = [:]) -> Settings {
        Settings(environment: environment, home: "/home/quant", workingDirectory: "/work")
    }

    @Test("The state folder is the flag's, else the environment's, else in the home folder")
    func stateFolder() {
        #expect(settings().stateDirectory(flag: nil) == "/home/quant/.alphagrid")
        #expect(settings(["ALPHAGRID_STATE": ""]).stateDirectory(flag: nil) == "/home/quant/.alphagrid")
        #expect(settings(["ALPHAGRID_STATE": "/a"]).stateDirectory(flag: nil) == "/a")
        #expect(settings(["ALPHAGRID_STATE": "/a"]).stateDirectory(flag: "b/../c") == "/work/c")
    }

    @Test("Without anything else, address, token and database come from the connection file")
    func connectionFile() throws {
        let scratch = try state()
        let connection = try settings().connection(urlFlag: nil, stateFlag: scratch.path)
        #expect(connection.urls.map(\.absoluteString) == ["http://127.0.0.1:8710"])
        #expect(connection.token.secret == Self.token)
        #expect(try settings().database(flag: nil, stateFlag: scratch.path) == "postgresql:///alphagrid?host=/run")
        let mode = try FileManager.default.attributesOfItem(atPath: ConnectionFile.path(in: scratch.path))[.posixPermissions]
        #expect((mode as? NSNumber)?.intValue == 0o600)
        #expect(scratch.names == ["connection.json", "token"])
    }

    @Test("A flag beats the environment, which beats the connection file")
    func precedence() throws {
        let scratch = try state()
        let environment = [
            "ALPHAGRID_URL": "http://env:1", "ALPHAGRID_TOKEN": Self.otherToken, "ALPHAGRID_DATABASE": "service=env",
        ]
        let connection = try settings(environment).connection(urlFlag: nil, stateFlag: scratch.path)
        #expect(connection.urls.map(\.absoluteString) == ["http://env:1"])
        #expect(connection.token.secret == Self.otherToken)
        let flagged = try settings(environment).connection(urlFlag: "http://flag:2/", stateFlag: scratch.path)
        #expect(flagged.urls.map(\.absoluteString) == ["http://flag:2"])
        #expect(try settings(environment).database(flag: nil, stateFlag: scratch.path) == "service=env")
        #expect(try settings(environment).database(flag: "service=flag", stateFlag: scratch.path) == "service=flag")
    }

    @Test("The token of one coordinator is never shown to another")
    func tokenStaysHome() throws {
        let scratch = try state()
        for url in ["http://127.0.0.1:9999", "https://127.0.0.1:8710", "http://elsewhere:8710"] {
            let error = #expect(throws: GridError.self) {
                _ = try settings().connection(urlFlag: url, stateFlag: scratch.path)
            }
            #expect(error?.message.contains("ALPHAGRID_TOKEN") == true)
        }
        #expect(
            try settings().connection(urlFlag: "http://127.0.0.1:8710/", stateFlag: scratch.path).token.secret == Self.token)
    }

    @Test("Several coordinators stand behind commas, each once; the token of one state folder is not for all of them")
    func several() throws {
        let scratch = try state()
        let list = "http://a:1, https://b:2,http://a:1/"
        let environment = ["ALPHAGRID_URL": list, "ALPHAGRID_TOKEN": Self.otherToken]
        let connection = try settings(environment).connection(urlFlag: nil, stateFlag: scratch.path)
        #expect(connection.urls.map(\.absoluteString) == ["http://a:1", "https://b:2"])
        let mixed = #expect(throws: GridError.self) {
            _ = try settings().connection(urlFlag: "http://127.0.0.1:8710,http://b:2", stateFlag: scratch.path)
        }
        #expect(mixed?.message.contains("alphagrid tokens add") == true)
        for text in ["http://a:1,", ",", "http://a:1,b:2", (0...8).map { "http://a:\($0)" }.joined(separator: ",")] {
            let error = #expect(throws: GridError.self, "\(text)") {
                _ = try settings(environment).connection(urlFlag: text, stateFlag: scratch.path)
            }
            #expect(error?.kind == .usage && error?.message.contains("--url") == true)
        }
    }

    @Test("A connection file whose coordinator has ended says so, and what to do; one that lives says nothing")
    func stale() throws {
        let scratch = try state()
        var file = try #require(try ConnectionFile.read(in: scratch.path))
        file.processID = ProcessInfo.processInfo.processIdentifier
        try file.write(in: scratch.path)
        #expect(try settings().connection(urlFlag: nil, stateFlag: scratch.path).hint == nil)
        // No process has a number beyond the kernel's limit.
        file.processID = 1 << 30
        try file.write(in: scratch.path)
        let hint = try settings().connection(urlFlag: nil, stateFlag: scratch.path).hint
        #expect(hint?.contains("connection.json names a coordinator that has ended (process 1073741824)") == true)
        #expect(hint?.contains("--url") == true)
        let environment = ["ALPHAGRID_URL": "http://127.0.0.1:8710"]
        #expect(try settings(environment).connection(urlFlag: nil, stateFlag: scratch.path).hint == nil)
    }

    @Test("A token file that others can read, that is missing or that holds no token is refused by name")
    func tokenFiles() throws {
        let scratch = try Scratch()
        let open = try scratch.write(Self.token, to: "open", mode: 0o644)
        let short = try scratch.write("short", to: "short")
        for (path, kind) in [(open, GridError.Kind.usage), (short, .usage), ("\(scratch.path)/missing", .notFound)] {
            let error = #expect(throws: GridError.self) {
                let environment = ["ALPHAGRID_URL": "http://x:1", "ALPHAGRID_TOKEN_FILE": path]
                _ = try settings(environment).connection(urlFlag: nil, stateFlag: scratch.path)
            }
            #expect(error?.kind == kind)
            #expect(error?.message.contains(path) == true)
            #expect(error?.message.contains(Self.token) == false)
        }
    }

    @Test("A coordinator makes a token once, of 32 random bytes, for its user alone")
    func coordinatorToken() throws {
        let scratch = try Scratch()
        let folder = try StateDirectory(scratch.path)
        let (token, file) = try settings().coordinatorToken(state: folder)
        #expect(file == "\(scratch.path)/token")
        #expect(token.secret.count == 64)
        #expect(try settings().coordinatorToken(state: folder).token.secret == token.secret)
        let mode = try FileManager.default.attributesOfItem(atPath: "\(scratch.path)/token")[.posixPermissions]
        #expect((mode as? NSNumber)?.intValue == 0o600)
        let given = try settings(["ALPHAGRID_TOKEN": Self.otherToken]).coordinatorToken(state: folder)
        #expect(given.token.secret == Self.otherToken && given.file == nil)
        // A token of somebody's must not open everything.
        let stored = AccessToken.random(prefix: AccessToken.prefix).secret
        let error = try #require(throws: GridError.self) {
            try settings(["ALPHAGRID_TOKEN": stored]).coordinatorToken(state: folder)
        }
        #expect(error.kind == .usage && error.message.contains("ALPHAGRID_TOKEN holds a token of"))
    }

    @Test("Whoever names another address than that of the running cluster is told whose token there is")
    func otherAddress() throws {
        let scratch = try state()
        let error = #expect(throws: GridError.self) {
            _ = try settings().connection(urlFlag: "http://127.0.0.1:1", stateFlag: scratch.path)
        }
        #expect(error?.message.contains("alone; leave out --url to ask that one") == true, "\(error?.message ?? "")")
    }

    @Test("Nothing to connect to is exit code 4 and says what to do")
    func nothing() throws {
        let error = #expect(throws: GridError.self) {
            _ = try settings().connection(urlFlag: nil, stateFlag: "/nonexistent")
        }
        #expect(error?.kind == .unreachable)
        #expect(error?.message.contains("alphagrid up") == true)
    }

    @Test("A connection file that is none is named")
    func brokenFile() throws {
        let scratch = try Scratch()
        try scratch.write("{", to: "connection.json")
        let error = #expect(throws: GridError.self) {
            _ = try settings().connection(urlFlag: nil, stateFlag: scratch.path)
        }
        #expect(error?.message.contains("\(scratch.path)/connection.json") == true)
    }

    @Test(
        "An address that is none, or holds a path or a password, is refused",
        arguments: [
            "127.0.0.1:8710", "ftp://host", "http://", "http://host/path", "http://user:pw@host", "http://host?x=1",
            "http://host:99999x", "",
        ])
    func badAddress(text: String) {
        let error = #expect(throws: GridError.self) { _ = try Settings.baseURL(text, source: "--url") }
        #expect(error?.message.contains("user:pw") == false)
    }

    @Test(
        "A database address with a password is refused, and the password is not repeated",
        arguments: [
            "postgresql://u:hunter2@h/db", "postgresql://h/db?password=hunter2", "host=h password=hunter2",
            "postgres://u:hunter2@h,h2/db", "host=h PASSWORD = hunter2", "postgresql://h/db?sslpassword=hunter2",
        ])
    func passwords(url: String) {
        for (flag, environment) in [(url, [:]), (nil, ["ALPHAGRID_DATABASE": url])] as [(String?, [String: String])] {
            let error = #expect(throws: GridError.self) {
                _ = try settings(environment).database(flag: flag, stateFlag: "/nonexistent")
            }
            #expect(error?.kind == .usage)
            #expect(error?.message.contains("hunter2") == false)
        }
    }

    @Test("A connection file is removed only by the coordinator that wrote it")
    func removal() throws {
        let scratch = try state()
        let file = try #require(try ConnectionFile.read(in: scratch.path))
        var other = file
        other.processID = 4_712
        other.remove(in: scratch.path)
        #expect(scratch.names.contains("connection.json"))
        file.remove(in: scratch.path)
        #expect(!scratch.names.contains("connection.json"))
    }
}
