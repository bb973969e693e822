import ClusterModel
import Foundation

/// Where the chart library of the page is.
enum AssetsFolder {
    /// A package has it beside the program's prefix, a repository at its root, where Scripts/setup puts it.
    ///
    /// - Returns: The first folder that has one; what the flag or `ALPHAGRID_ASSETS` names is taken as it is.
    static func find(flag: String?, state: String, settings: Settings = .current, program: String? = nil) -> String? {
        if let named = flag ?? settings.environment["ALPHAGRID_ASSETS"].flatMap({ $0.isEmpty ? nil : $0 }) {
            return URL(fileURLWithPath: named).standardizedFileURL.path
        }
        let program = program ?? Bundle.main.executablePath ?? ""
        var folder = URL(fileURLWithPath: program).resolvingSymlinksInPath().deletingLastPathComponent()
        var candidates = ["\(state)/assets", folder.deletingLastPathComponent().path + "/share/alphagrid/assets"]
        // .build/ARCHITECTURE/CONFIGURATION/alphagrid lies four folders deep.
        for _ in 0..<4 {
            candidates.append(folder.path + "/.assets")
            folder.deleteLastPathComponent()
        }
        return candidates.first { FileManager.default.fileExists(atPath: "\($0)/plotly.min.js") }
    }
}
