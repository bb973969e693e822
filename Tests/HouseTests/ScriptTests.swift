import Foundation
import Testing

@Suite struct ScriptTests {
    let house: House
    init() throws { house = try House.shared.get() }

    @Test("Every script can be run, names its interpreter and stops at the first error")
    func scripts() throws {
        let scripts = try house.list("Scripts").map { "Scripts/\($0)" } + [".ci/run"]
        #expect(scripts.count >= 6)
        var places: [String] = []
        for path in scripts {
            let lines = try house.text(path).components(separatedBy: "\n")
            let runnable = FileManager.default.isExecutableFile(atPath: house.root.appending(path: path).path)
            if !runnable { places.append("\(path) is not executable") }
            if lines.first != "#!/usr/bin/env bash" { places.append("\(path) does not begin with #!/usr/bin/env bash") }
            // What comes before is comment: nothing may run without it.
            let first = lines.dropFirst().first { !$0.hasPrefix("#") && !$0.isEmpty }
            if first != "set -euo pipefail" { places.append("\(path) does not set -euo pipefail first") }
            if lines.dropFirst().first?.hasPrefix("# ") != true { places.append("\(path) does not say what it is for") }
        }
        expectNone(places, "scripts that do not keep the rules")
    }

    @Test("The README's code map names the folder of every target of the programs, and every script")
    func codeMap() throws {
        let readme = try house.text("README.md")
        let folders = house.targets.map(\.path).filter { !$0.hasPrefix("Tests/") }
        #expect(folders.count >= 15)
        expectNone(folders.filter { !readme.contains("`\($0)`") }, "folders that are not in the README's code map")
        let row = try #require(readme.components(separatedBy: "\n").first { $0.hasPrefix("| `Scripts` |") })
        let named = row.split { !$0.isLetter && $0 != "-" }.map(String.init)
        let scripts = try house.list("Scripts").filter { $0 != "common" }
        expectNone(scripts.filter { !named.contains($0) }, "scripts that are not in the README's code map")
    }

    @Test("The files every open project has are there, and the license is Apache 2.0")
    func files() throws {
        #expect(try house.text("LICENSE").contains("Version 2.0, January 2004"))
        #expect(try house.text("CONTRIBUTING.md").contains("Scripts/test"))
        #expect(try house.text("ARCHITECTURE.md").count > 1_000)
        #expect(try house.text(".swift-format").contains("\"lineLength\": 130"))
    }
}
