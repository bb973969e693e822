import Foundation
import Testing

/// The repository as its own checks see it: files by path from the root, and the targets Package.swift declares.
struct House {
    let root: URL
    /// Every text file below the product's folders, by path from the root, sorted.
    let files: [SourceFile]
    let targets: [DeclaredTarget]

    /// Read once for all checks.
    static let shared = Result { try House() }

    static let folders = ["Coordinator", "Worker", "Shared", "Tests"]
    private static let endings = ["swift", "c", "h", "py", "proto", "modulemap"]

    private init() throws {
        // The checks may be built through a symbolic link; the files they speak of are where it leads.
        let here = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        root = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        var files: [SourceFile] = []
        for folder in Self.folders {
            let names = FileManager.default.enumerator(atPath: root.appending(path: folder).path)?.allObjects ?? []
            for name in names.compactMap({ $0 as? String }).sorted() {
                guard Self.endings.contains(URL(fileURLWithPath: name).pathExtension) else { continue }
                files.append(try SourceFile(path: "\(folder)/\(name)", root: root))
            }
        }
        self.files = files
        targets = DeclaredTarget.parse(try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8))
    }

    /// Swift files people write; generated ones are nobody's style.
    var swift: [SourceFile] { files.filter { $0.path.hasSuffix(".swift") && !$0.path.hasSuffix(".pb.swift") } }

    /// Swift files of the two programs, without their tests.
    var product: [SourceFile] { swift.filter { !$0.path.hasPrefix("Tests/") } }

    func target(of file: SourceFile) -> DeclaredTarget? {
        targets.first { file.path.hasPrefix($0.path + "/") }
    }

    func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Names of the files directly in a folder.
    func list(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path).sorted()
    }
}

struct SourceFile {
    let path: String
    let lines: [String]

    init(path: String, root: URL) throws {
        self.path = path
        lines = try String(contentsOf: root.appending(path: path), encoding: .utf8).components(separatedBy: "\n")
    }

    /// Modules the file imports, without attributes, access and submodules.
    var imports: [String] {
        lines.compactMap { line in
            guard line.contains("import ") else { return nil }
            let words = line.split(separator: " ").drop { $0.hasPrefix("@") || ["package", "internal", "private"].contains($0) }
            guard words.first == "import", let named = words.dropFirst().drop(while: { Self.kinds.contains($0) }).first
            else { return nil }
            return named.split(separator: ".").first.map(String.init)
        }
    }

    private static let kinds: Set<Substring> = ["struct", "class", "func", "enum", "protocol", "typealias"]

    /// `path:line` of every line of code, comments left out, that a pattern is found in.
    ///
    /// - Parameter hints: a line has one of these words if it matches; looking for a word is much faster.
    func lines(matching pattern: some RegexComponent, hints: [String]) -> [String] {
        lines.enumerated().compactMap { number, line in
            guard hints.contains(where: line.contains), !line.drop(while: { $0 == " " }).hasPrefix("//"), line.contains(pattern)
            else { return nil }
            return "\(path):\(number + 1)"
        }
    }
}

/// One target as Package.swift writes it, in its order.
struct DeclaredTarget {
    let name: String
    let path: String
    /// Modules it may import: targets and products, as named.
    let dependencies: [String]

    static func parse(_ manifest: String) -> [DeclaredTarget] {
        let start = /\.(?:target|executableTarget|testTarget|systemLibrary)\(\s*name: "([^"]+)"/
        let matches = manifest.matches(of: start)
        return matches.indices.map { index in
            let end = index + 1 < matches.count ? matches[index + 1].range.lowerBound : manifest.endIndex
            let text = manifest[matches[index].range.upperBound..<end]
            let path = text.firstMatch(of: /path: "([^"]+)"/).map { String($0.1) } ?? ""
            let list = text.firstMatch(of: /dependencies: \[((?:[^\[\]]|\n)*)\]/).map { String($0.1) } ?? ""
            let plain = list.replacing(/package: "[^"]+"/, with: "")
            return DeclaredTarget(
                name: String(matches[index].1), path: path, dependencies: plain.matches(of: /"([^"]+)"/).map { String($0.1) })
        }
    }

    /// The name other code imports it by.
    var module: String { name.replacingOccurrences(of: "-", with: "_") }
}

/// Fails once, naming every place; a list of places is what one wants to read.
func expectNone(_ places: [String], _ rule: Comment, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(places.isEmpty, "\(rule):\n\(places.joined(separator: "\n"))", sourceLocation: sourceLocation)
}
