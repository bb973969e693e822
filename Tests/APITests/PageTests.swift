import CDashboard
import ClusterModel
import Foundation
import HTTPTypes
import Testing

@testable import API

@Suite struct PageTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Coordinator/Dashboard/page").standardizedFileURL

    @Test("The program holds every file of the page's folder as it is, and no other")
    func embedded() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
        var count = 0
        let files = try #require(alphagrid_page_files(&count))
        let held = UnsafeBufferPointer(start: files, count: count)
        #expect(held.map { String(cString: $0.name) }.sorted() == names, "run 'Scripts/generate page'")
        let other = try held.map { String(cString: $0.name) }.filter { name in
            let file = try #require(held.first { String(cString: $0.name) == name })
            let bytes = UnsafeBufferPointer(start: file.bytes, count: file.size)
            return try !Data(contentsOf: Self.folder.appending(path: name)).elementsEqual(bytes)
        }
        #expect(other.isEmpty, "the program was built before these were changed")
    }

    @Test("The page answers without a token, lets only its own scripts and styles run, and is kept by its tag")
    func index() async throws {
        let answer = try await send(Call(.get, "/"), authorization: nil)
        #expect(answer.status == 200 && answer.headers[.contentType] == "text/html; charset=utf-8")
        let policy = try #require(answer.headers[.contentSecurityPolicy])
        #expect(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"))
        #expect(!policy.contains("unsafe") && !policy.contains("http"))
        let tag = try #require(answer.headers[.eTag])
        let door = try Door(access: access())
        let again = try await door.send(Call(.get, "/"), authorization: nil, headers: [.ifNoneMatch: tag])
        #expect(again.status == 304 && again.text.isEmpty && again.headers[.eTag] == tag)
        let other = try await door.send(Call(.get, "/"), authorization: nil, headers: [.ifNoneMatch: "\"other\""])
        #expect(other.status == 200)
    }

    @Test("The page has no script, style or handler inside it, and names nothing on other hosts")
    func strict() throws {
        let text = try String(contentsOf: Self.folder.appending(path: "index.html"), encoding: .utf8)
        #expect(!text.contains(/<script(?![^>]*src=)[^>]*>/) && !text.contains(/<style|\sstyle=|\son[a-z]+=/))
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
        let forbidden = ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"]
        for name in names {
            let text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
            for word in forbidden { #expect(!text.contains(word), "\(name) uses \(word)") }
            #expect(!text.replacing("http://www.w3.org/", with: "").contains(/https?:\/\/[a-z0-9]/), "\(name) names another host")
        }
    }

    @Test("The chart library comes from the assets folder, compressed where accepted; without it the page says what to run")
    func library() async throws {
        let without = try await send(Call(.get, "/assets/plotly.min.js"), authorization: nil)
        expectProblem(without, 404, "Not Found")
        #expect(without.detail.contains("Scripts/setup"))
        let folder = FileManager.default.temporaryDirectory.appending(path: "assets-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("plain".utf8).write(to: folder.appending(path: "plotly.min.js"))
        try Data("packed".utf8).write(to: folder.appending(path: "plotly.min.js.gz"))
        try Data("secret".utf8).write(to: folder.appending(path: "other.js"))
        let door = try Door(access: access(), assets: folder.path)
        let call = Call(.get, "/assets/plotly.min.js")
        let plain = try await door.send(call, authorization: nil)
        #expect(plain.text == "plain" && plain.headers[.contentEncoding] == nil)
        let packed = try await door.send(call, authorization: nil, headers: [.acceptEncoding: "br, gzip;q=0.8"])
        #expect(packed.text == "packed" && packed.headers[.contentEncoding] == "gzip")
        #expect(packed.headers[.eTag] != nil && packed.headers[.eTag] == plain.headers[.eTag])
        let refused = try await door.send(call, authorization: nil, headers: [.acceptEncoding: "gzip;q=0"])
        #expect(refused.text == "plain")
        for name in ["other.js", "..%2Fsecret", "%2e%2e%2fother.js", "plotly.min.js.gz", "index.html"] {
            expectProblem(try await door.send(Call(.get, "/assets/\(name)"), authorization: nil), 404, "Not Found")
        }
    }
}
