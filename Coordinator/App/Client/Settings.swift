import API
import ClusterModel
import Foundation
import Store

/// Where settings come from: flag, then environment, then the connection file of the state folder.
struct Settings: Sendable {
    var environment: [String: String]
    var home: String
    var workingDirectory: String

    static var current: Settings {
        let environment = ProcessInfo.processInfo.environment
        // Foundation's own answer is the account's entry, whatever HOME says.
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? NSHomeDirectory()
        return Settings(
            environment: environment, home: home, workingDirectory: FileManager.default.currentDirectoryPath)
    }

    struct Connection: Sendable {
        /// Of the coordinator and its standbys, at least one.
        var urls: [URL]
        /// What is wrong when none of them can be reached, and the next step, where the settings can tell.
        var hint: String?
        var token: AccessToken
        /// PEM file of the authority that has signed the coordinator's certificate; nil trusts those of the system.
        var authority: String?
    }

    /// Absolute path of the state folder; it need not be there.
    func stateDirectory(flag: String?) -> String {
        let path = flag ?? value("ALPHAGRID_STATE") ?? "\(home)/.alphagrid"
        let absolute = path.hasPrefix("/") ? path : "\(workingDirectory)/\(path)"
        return URL(fileURLWithPath: absolute).standardizedFileURL.path
    }

    /// - Throws: `GridError(.unreachable)` when nothing says where a coordinator is.
    func connection(urlFlag: String?, stateFlag: String?, authorityFlag: String? = nil) throws(GridError) -> Connection {
        var connection = try coordinator(urlFlag: urlFlag, stateFlag: stateFlag)
        connection.authority = authorityFlag ?? value("ALPHAGRID_CA")
        return connection
    }

    private func coordinator(urlFlag: String?, stateFlag: String?) throws(GridError) -> Connection {
        let state = stateDirectory(flag: stateFlag)
        let file = try ConnectionFile.read(in: state)
        guard let text = urlFlag ?? value("ALPHAGRID_URL") ?? file?.url else {
            throw GridError(
                .unreachable,
                "no coordinator is known: \(ConnectionFile.path(in: state)) is not there; start one with 'alphagrid up', or "
                    + "name one with --url or ALPHAGRID_URL")
        }
        let source = urlFlag != nil ? "--url" : value("ALPHAGRID_URL") != nil ? "ALPHAGRID_URL" : "the connection file"
        let urls = try Self.baseURLs(text, source: source)
        let hint = source == "the connection file" ? file.flatMap { $0.hintIfStale(in: state) } : nil
        if let secret = value("ALPHAGRID_TOKEN") {
            return Connection(urls: urls, hint: hint, token: try AccessToken(secret, source: "ALPHAGRID_TOKEN"))
        }
        if let path = value("ALPHAGRID_TOKEN_FILE") {
            return Connection(urls: urls, hint: hint, token: try TokenFile.read(path))
        }
        // The file's token is for the file's coordinator: no other one gets to see it.
        if let file, let path = file.tokenFile, try urls == [Self.baseURL(file.url, source: "the connection file")] {
            return Connection(urls: urls, hint: hint, token: try TokenFile.read(path))
        }
        let names = urls.map(\.absoluteString).joined(separator: ", ")
        // Whoever has mistyped the address does not lack a token.
        if urls.count == 1, let file, file.tokenFile != nil {
            throw GridError(
                .usage,
                "no token for \(names): the one in \(state) is for \(file.url) alone; leave out \(source) to ask that one, or "
                    + "set ALPHAGRID_TOKEN or ALPHAGRID_TOKEN_FILE if the address is right")
        }
        throw GridError(
            .usage,
            "no token for \(names): set ALPHAGRID_TOKEN or ALPHAGRID_TOKEN_FILE, to one of 'alphagrid tokens add' for several "
                + "coordinators")
    }

    /// - Throws: `GridError(.usage)` when none is named, or when it holds a password, which every user of this machine
    ///   could see in the list of processes.
    func database(flag: String?, stateFlag: String?) throws(GridError) -> String {
        let state = stateDirectory(flag: stateFlag)
        let named = flag ?? value("ALPHAGRID_DATABASE")
        guard let url = named == nil ? try ConnectionFile.read(in: state)?.database : named else {
            throw GridError(
                .usage,
                "no database is named: use --database URL or ALPHAGRID_DATABASE, or start a cluster with 'alphagrid up' "
                    + "(none runs on \(state))")
        }
        _ = try DatabaseURL(url)
        return url
    }

    /// The token a coordinator asks for, and the file it is in; one is made in the state folder when none is set.
    ///
    /// - Throws: also for a token of `alphagrid tokens`: whoever had that would be an admin, and could not be shut out.
    func coordinatorToken(state: StateDirectory) throws(GridError) -> (token: AccessToken, file: String?) {
        let chosen = try tokenOfCoordinator(state: state)
        guard !chosen.token.secret.hasPrefix(AccessToken.prefix) else {
            throw GridError(
                .usage,
                "\(chosen.file ?? "ALPHAGRID_TOKEN") holds a token of 'alphagrid tokens add', which must not become the "
                    + "coordinator's own: unset ALPHAGRID_TOKEN and ALPHAGRID_TOKEN_FILE, or name another token")
        }
        return chosen
    }

    private func tokenOfCoordinator(state: StateDirectory) throws(GridError) -> (token: AccessToken, file: String?) {
        if let secret = value("ALPHAGRID_TOKEN") {
            return (try AccessToken(secret, source: "ALPHAGRID_TOKEN"), nil)
        }
        if let path = value("ALPHAGRID_TOKEN_FILE") { return (try TokenFile.read(path), path) }
        return (try TokenFile.readOrMake(in: state.path), TokenFile.path(in: state.path))
    }

    /// An empty variable counts as absent.
    private func value(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// One address, or several with commas between them.
    static func baseURLs(_ text: String, source: String) throws(GridError) -> [URL] {
        var urls: [URL] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let url = try baseURL(part.trimmingCharacters(in: .whitespaces), source: source)
            if !urls.contains(url) { urls.append(url) }
        }
        guard urls.count <= Limits.coordinatorURLsMax else {
            throw GridError(.usage, "\(source) names \(urls.count) addresses: expected at most \(Limits.coordinatorURLsMax)")
        }
        return urls
    }

    /// Scheme, host and port; a path would be ambiguous and a password would be a secret in a URL.
    static func baseURL(_ text: String, source: String) throws(GridError) -> URL {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            scheme == "http" || scheme == "https", let host = parts.host, !host.isEmpty,
            parts.path.isEmpty || parts.path == "/", parts.query == nil, parts.fragment == nil, parts.user == nil,
            parts.password == nil
        else {
            // What stands before an @ may be a password.
            let shown = text.contains("@") ? "with '@'" : "'\(text.printable)'"
            throw GridError(
                .usage, "\(source) \(shown) is not valid: expected an address such as http://127.0.0.1:8710")
        }
        var base = URLComponents()
        base.scheme = scheme
        base.percentEncodedHost = parts.percentEncodedHost
        base.port = parts.port
        guard let url = base.url else {
            throw GridError(.usage, "\(source) '\(text.printable)' is not valid: expected http://HOST:PORT")
        }
        return url
    }
}
