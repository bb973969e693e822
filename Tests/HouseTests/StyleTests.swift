import Foundation
import Testing

@Suite struct StyleTests {
    let house: House
    init() throws { house = try House.shared.get() }

    @Test("The checks see the repository: files of every folder are found")
    func found() {
        for folder in House.folders {
            #expect(house.files.contains { $0.path.hasPrefix(folder + "/") }, "no file in \(folder)")
        }
    }

    @Test("No file is longer than 500 lines")
    func fileLength() {
        let long = house.files.filter { $0.lines.count > 501 && !$0.path.hasSuffix(".pb.swift") }
        expectNone(long.map { "\($0.path): \($0.lines.count - 1) lines" }, "rooms that have grown too big")
    }

    @Test("No line is wider than 130 columns or ends in a blank")
    func lineWidth() {
        var places: [String] = []
        for file in house.files where !file.path.hasSuffix(".pb.swift") {
            for (number, line) in file.lines.enumerated() where line.utf8.count > 130 && line.count > 130 || line.hasSuffix(" ") {
                places.append("\(file.path):\(number + 1)")
            }
        }
        expectNone(places, "lines too wide or with blanks at the end")
    }

    @Test("Only the App folders print: elsewhere results are returned and events are logged")
    func printing() {
        let files = house.product.filter { !$0.path.contains("/App/") }
        let places = files.flatMap { $0.lines(matching: /(?:^|[^\w.])(?:debugP|p)rint\(/, hints: ["rint("]) }
        expectNone(places, "print( outside an App folder")
    }

    @Test("The machines ask no clock and throw no dice")
    func pureMachines() {
        let machines = house.product.filter {
            $0.path.hasPrefix("Coordinator/Scheduling/") || $0.path.hasPrefix("Worker/Engine/")
        }
        #expect(!machines.isEmpty)
        let pattern = /\bDate\(\)|Clock\b|[\s(=:]\.now\b|\bUUID\(|\.random|\.shuffled\(|SystemRandomNumberGenerator|\btime\(nil\)/
        let hints = ["Date", "Clock", "now", "UUID", "andom", "shuffled", "time"]
        expectNone(machines.flatMap { $0.lines(matching: pattern, hints: hints) }, "time or randomness in a machine")
    }

    @Test("Nothing is left unfinished")
    func unfinished() throws {
        // Put together from halves, so that this file does not find itself.
        let everywhere = ["TO" + "DO", "FIX" + "ME"]
        let product = everywhere + ["not " + "implemented", "unimple" + "mented"]
        var places: [String] = []
        for file in house.files where !file.path.hasSuffix(".pb.swift") {
            let marks = file.path.hasPrefix("Tests/") ? everywhere : product
            for (number, line) in file.lines.enumerated() where marks.contains(where: line.contains) {
                places.append("\(file.path):\(number + 1)")
            }
        }
        expectNone(places, "marks of unfinished work")
    }

    @Test("Nothing is exported: the package is its own only user")
    func access() {
        let places = house.swift.flatMap { $0.lines(matching: /^\s*(?:public|open)\s/, hints: ["public ", "open "]) }
        expectNone(places, "public or open declarations")
    }

    @Test("Every test says in a sentence what it shows, and every file with tests expects something")
    func tests() {
        let files = house.swift.filter { $0.path.hasPrefix("Tests/") }
        let nameless = /(?m)^\s*@Test\b(?!\(\s*"[^"]{10,}")[^\n]*/
        let expectations = ["#expect", "#require", "Issue.record", "expectNone("]
        var places: [String] = []
        for file in files {
            let text = file.lines.joined(separator: "\n")
            places += text.matches(of: nameless).map { "\(file.path): \($0.output.trimmingCharacters(in: .whitespaces))" }
            if text.contains(/(?m)^\s*@Test\(/), !expectations.contains(where: text.contains) {
                places.append("\(file.path): expects nothing")
            }
        }
        expectNone(places, "tests without a sentence or without an expectation")
    }
}
