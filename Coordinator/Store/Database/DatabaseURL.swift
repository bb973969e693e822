import CLibpq
import ClusterModel

/// Where the database is: what `--database` says, taken apart by libpq and free of secrets.
package struct DatabaseURL: Sendable {
    /// Keywords and values of libpq, in the order libpq lists them.
    let parameters: [(keyword: String, value: String)]

    /// Parses `postgresql://USER@HOST:PORT/NAME` or `key=value` pairs; nothing is connected to.
    ///
    /// - Throws: `GridError(.usage)` when it is neither, or holds a password. The text itself is never repeated,
    ///   since it may hold one where libpq does not find it.
    package init(_ text: String) throws(GridError) {
        let expected = "expected postgresql://USER@HOST:PORT/NAME or key=value pairs such as 'host=db dbname=alphagrid'"
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw GridError(.usage, "the database URL is empty: \(expected)")
        }
        guard let options = PQconninfoParse(text, nil) else {
            throw GridError(.usage, "the database URL is not valid: \(expected)")
        }
        defer { PQconninfoFree(options) }
        var parameters: [(keyword: String, value: String)] = []
        var next = options
        while let keyword = next.pointee.keyword {
            if let value = next.pointee.val {
                parameters.append((String(cString: keyword), String(cString: value)))
            }
            next += 1
        }
        if let secret = parameters.first(where: { $0.keyword == "password" || $0.keyword == "sslpassword" }) {
            throw GridError(
                .usage,
                "the database URL holds a \(secret.keyword), which everybody on this machine could read: "
                    + "expected it in PGPASSWORD, ~/.pgpass or a service file")
        }
        self.parameters = parameters
    }

    func value(of keyword: String) -> String? {
        parameters.first { $0.keyword == keyword }?.value
    }
}
