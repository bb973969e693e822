import CDashboard
import ClusterModel
import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// The files of the page: its own are part of the program, the chart library lies in a folder.
struct PageFiles: Sendable {
    struct File: Sendable {
        var type: String
        /// Quoted, as the header has it.
        var tag: String
        var bytes: ByteBuffer
        /// The same, compressed.
        var gzip: ByteBuffer?
    }

    private let own: [String: File]
    private let libraries: Libraries

    static let index = "index.html"
    /// What the folder may hold: nothing else of it is ever served.
    static let libraryNames = ["plotly.min.js"]

    init(assets: String?) {
        own = Self.embedded
        libraries = Libraries(folder: assets)
    }

    /// - Returns: nil when there is no such file, or it is a library that is not installed.
    func file(_ name: String) -> File? { own[name] ?? libraries.file(name) }

    private static let embedded: [String: File] = {
        var count = 0
        guard let files = alphagrid_page_files(&count) else { return [:] }
        var found: [String: File] = [:]
        for file in UnsafeBufferPointer(start: files, count: count) {
            let name = String(cString: file.name)
            let bytes = Array(UnsafeBufferPointer(start: file.bytes, count: file.size))
            found[name] = File(type: type(of: name), tag: tag(of: bytes), bytes: ByteBuffer(bytes: bytes))
        }
        return found
    }()

    fileprivate static func tag(of bytes: some Sequence<UInt8>) -> String {
        let digits = SHA256.hash(data: Array(bytes)).prefix(16).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "\"\(digits.joined())\""
    }

    fileprivate static func type(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "svg": "image/svg+xml"
        default: "application/octet-stream"
        }
    }
}

/// Files of a folder, each read when it is first asked for and then kept.
private final class Libraries: Sendable {
    private let folder: String?
    private let kept = Mutex<[String: PageFiles.File]>([:])

    init(folder: String?) { self.folder = folder }

    func file(_ name: String) -> PageFiles.File? {
        guard let folder, PageFiles.libraryNames.contains(name) else { return nil }
        if let file = kept.withLock({ $0[name] }) { return file }
        guard let bytes = Self.read("\(folder)/\(name)") else { return nil }
        let packed = Self.read("\(folder)/\(name).gz")
        let file = PageFiles.File(
            type: PageFiles.type(of: name), tag: PageFiles.tag(of: bytes), bytes: ByteBuffer(bytes: bytes),
            gzip: packed.map { ByteBuffer(bytes: $0) })
        kept.withLock { $0[name] = file }
        return file
    }

    private static func read(_ path: String) -> Data? {
        guard let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber,
            size.intValue <= Limits.assetBytesMax
        else { return nil }
        return FileManager.default.contents(atPath: path)
    }
}

// The page itself. It holds nothing secret: whoever opens it has still to sign in.
extension APIRoutes {
    @Sendable func index(_ request: Request, _ context: APIContext) async throws -> Response {
        try serve(PageFiles.index, request)
    }

    @Sendable func asset(_ request: Request, _ context: APIContext) async throws -> Response {
        let name = try pathParameter("file", context)
        guard name != PageFiles.index else { throw Problem(.notFound, "the page is at /") }
        return try serve(name, request)
    }

    private func serve(_ name: String, _ request: Request) throws -> Response {
        guard let file = page.file(name) else {
            guard PageFiles.libraryNames.contains(name) else { throw Problem(.notFound, "the page has no such file") }
            throw Problem(
                .notFound,
                "the chart library is not installed: run Scripts/setup, or start the coordinator with --assets DIR, where DIR "
                    + "holds \(name)")
        }
        var headers: HTTPFields = [
            .eTag: file.tag, .cacheControl: "no-cache", .vary: "Accept-Encoding", .contentSecurityPolicy: Self.policy,
        ]
        for (field, value) in Self.isolation { headers[field] = value }
        if let known = request.headers[.ifNoneMatch], known.contains(file.tag) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = file.type
        var bytes = file.bytes
        if let packed = file.gzip, Self.accepts(gzip: request.headers[.acceptEncoding] ?? "") {
            headers[.contentEncoding] = "gzip"
            bytes = packed
        }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: bytes))
    }

    private static func accepts(gzip header: String) -> Bool {
        header.split(separator: ",").contains { part in
            let words = part.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
            return words.first == "gzip" && !words.contains { $0 == "q=0" || $0 == "q=0.0" }
        }
    }

    /// Scripts and styles of this origin alone, and none inside the page: what an alpha's name or code says is never run.
    private static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:", "connect-src 'self'",
        "font-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ].joined(separator: "; ")

    private static let isolation: [(HTTPField.Name, String)] = [
        (HTTPField.Name("Referrer-Policy")!, "no-referrer"), (HTTPField.Name("Cross-Origin-Opener-Policy")!, "same-origin"),
        (HTTPField.Name("Cross-Origin-Resource-Policy")!, "same-origin"),
    ]
}
